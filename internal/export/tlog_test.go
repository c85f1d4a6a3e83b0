package export_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/keychange"
)

const origin = "example.org/soquy/export"

// A fake is a log of ledger.opened and of entries that are cheap, of any size.
type fake struct {
	key    string // verifier key
	sign   func(transparency.Checkpoint) []byte
	opened keychange.Event
	broken int // the call of Entries that fails, from 1
	calls  int
}

var errCut = errors.New("cut off")

func newFake(t testing.TB) *fake {
	t.Helper()
	secret, public, err := transparency.GenerateKey(strings.NewReader(strings.Repeat("k", 64)), origin) // what the fuzzer finds is found again
	if err != nil {
		t.Fatal(err)
	}
	signer, err := transparency.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
	body := &domain.LedgerOpened{Ledger: uuid.UUID{15: 1}, Origin: origin, PublicKey: public, Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh"}
	e := domain.Event{Position: 1, ID: uuid.UUID{15: 2}, RecordedAt: at, EffectiveOn: domain.DateOf(at), Body: body}
	opened, ok, err := keychange.Parse(origin, eventcodec.New(origin, 0).Encode(nil, &e, nil))
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	return &fake{key: public, opened: opened, sign: func(c transparency.Checkpoint) []byte {
		signed, err := transparency.SignCheckpoint(c, signer)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}}
}

func (f *fake) entry(index int64) []byte {
	if index == 0 {
		return f.opened.Envelope
	}
	return fmt.Appendf(nil, `{"position":%d}`, index+1)
}

// log is the log when it had a size.
func (f *fake) log(size int64) export.Log {
	tree := transparency.NewTree()
	type place struct {
		level int
		index int64
	}
	tiles := map[place][]byte{}
	keep := func(list []transparency.Tile) {
		for _, t := range list {
			tiles[place{t.Level, t.Index}] = bytes.Clone(t.Hashes)
		}
	}
	for i := range size {
		tree.Append(transparency.LeafHash(f.entry(i)))
		keep(tree.Full())
	}
	keep(tree.Partial())
	f.calls = 0
	return export.Log{
		Note: f.sign(transparency.Checkpoint{Origin: origin, Size: size, Root: tree.Root()}),
		Keys: []keychange.Event{f.opened},
		Tiles: func(level int, index int64, _ int) ([]byte, error) {
			if b, ok := tiles[place{level, index}]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		},
		Entries: func(_ context.Context, first, count int64, yield func([]byte) error) error {
			if f.calls++; f.calls == f.broken {
				return errCut
			}
			for i := first; i < first+count; i++ {
				if err := yield(f.entry(i)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// write exports a log of a size.
func (f *fake) write(t *testing.T, dir string, size, since int64) {
	t.Helper()
	if err := f.export(t, dir, size, since); err != nil {
		t.Fatalf("export %d events to %s: %v", size, dir, err)
	}
}

func (f *fake) export(t *testing.T, dir string, size, since int64) error {
	t.Helper()
	var older *transparency.Checkpoint
	if since > 0 {
		c, err := transparency.ClaimedCheckpoint(f.log(since).Note)
		if err != nil {
			t.Fatal(err)
		}
		older = &c
	}
	_, err := export.Tlog(t.Context(), dir, f.log(size), older, nil)
	return err
}

// failures checks a folder and returns what is wrong with it, as "path code".
func (f *fake) failures(t *testing.T, dir string) []string {
	t.Helper()
	checked, err := export.CheckTlog(t.Context(), dir, f.key, nil)
	if err != nil {
		t.Fatalf("check %s: %v", dir, err)
	}
	var out []string
	for _, x := range checked.Failures {
		out = append(out, x.Path+" "+x.Code)
	}
	return out
}

// content reads all files of a folder.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, p))
		out[p] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// same compares two folders.
func same(t *testing.T, what, have, want string) {
	t.Helper()
	a, b := content(t, have), content(t, want)
	if maps.Equal(a, b) {
		return
	}
	for p := range b {
		if a[p] != b[p] {
			t.Errorf("%s: %s is another", what, p)
		}
	}
	for p := range a {
		if _, there := b[p]; !there {
			t.Errorf("%s: %s is too much", what, p)
		}
	}
}

// TestBorders exports logs around the borders of tiles of both levels: whole, grown from the size before, and from what --since gives
// copied over it.
func TestBorders(t *testing.T) {
	f := newFake(t)
	for _, sizes := range [][]int64{{1, 255, 256, 257, 600}, {65_535, 65_536, 65_537}} {
		grown := t.TempDir()
		f.write(t, grown, sizes[0], 0)
		for i, size := range sizes[1:] {
			before := sizes[i]
			copied := filepath.Join(t.TempDir(), "copied")
			if err := os.CopyFS(copied, os.DirFS(grown)); err != nil {
				t.Fatal(err)
			}
			whole, since := t.TempDir(), t.TempDir()
			f.write(t, whole, size, 0)
			f.write(t, grown, size, 0)
			f.write(t, since, size, before)
			if bad := f.failures(t, whole); bad != nil {
				t.Errorf("%d events: %q", size, bad)
			}
			same(t, fmt.Sprintf("%d after %d events, grown", size, before), grown, whole)
			full := content(t, whole)
			for p, b := range content(t, since) {
				if full[p] != b {
					t.Errorf("%d since %d events: %s is another", size, before, p)
				}
				to := filepath.Join(copied, filepath.FromSlash(p))
				if err := errors.Join(os.MkdirAll(filepath.Dir(to), 0o755), os.WriteFile(to, []byte(b), 0o644)); err != nil {
					t.Fatal(err)
				}
			}
			if bad := f.failures(t, copied); bad != nil {
				t.Errorf("%d events, copied over %d: %q", size, before, bad)
			}
			f.write(t, copied, size, 0) // takes away what is older
			same(t, fmt.Sprintf("%d since %d events", size, before), copied, whole)
		}
	}
}

// TestCutOff breaks an export off at each of its files, whole, grown and with --since. The folder is never taken for what it is not,
// and the next export makes it whole.
func TestCutOff(t *testing.T) {
	const before, size = 300, 1_100
	f := newFake(t)
	whole, since := t.TempDir(), t.TempDir()
	f.write(t, whole, size, 0)
	f.write(t, since, size, before)
	for name, test := range map[string]struct {
		had, since int64
		want       string
	}{
		"whole": {0, 0, whole},
		"grown": {before, 0, whole},
		"since": {0, before, since},
	} {
		for cut := 1; ; cut++ {
			dir := t.TempDir()
			if test.had > 0 {
				f.write(t, dir, test.had, 0)
			}
			f.broken = cut
			err := f.export(t, dir, size, test.since)
			f.broken = 0
			if err == nil {
				if cut < 4 {
					t.Errorf("%s: only %d bundles were written", name, cut-1)
				}
				break
			}
			if !errors.Is(err, errCut) {
				t.Fatal(err)
			}
			// What a write that was cut off itself leaves.
			if err := os.WriteFile(filepath.Join(dir, ".soquy-1"), []byte("torn"), 0o600); err != nil {
				t.Fatal(err)
			}
			checked, err := export.CheckTlog(t.Context(), dir, f.key, nil)
			var refused *export.Failure
			switch {
			case test.had == 0 && (!errors.As(err, &refused) || refused.Code != "export.no_checkpoint"):
				t.Errorf("%s, cut at %d: %v", name, cut, err)
			case test.had > 0 && (err != nil || checked.Checkpoint.Size != test.had || checked.OK()):
				t.Errorf("%s, cut at %d: %d events, %v, %v", name, cut, checked.Checkpoint.Size, checked.Failures, err)
			}
			for _, x := range checked.Failures {
				if x.Code != "surplus" {
					t.Errorf("%s, cut at %d: the older log lacks something: %s %s", name, cut, x.Path, x.Code)
				}
			}
			f.write(t, dir, size, test.since)
			same(t, fmt.Sprintf("%s, cut at %d and gone on", name, cut), dir, test.want)
		}
	}
}

// TestFolderRefused changes an export in every way that its check must see.
func TestFolderRefused(t *testing.T) {
	f := newFake(t)
	good := t.TempDir()
	f.write(t, good, 700, 0)
	files := content(t, good)
	for _, p := range slices.Sorted(maps.Keys(files)) {
		changed := []byte(files[p])
		changed[len(changed)/2] ^= 1
		for what, b := range map[string][]byte{
			"surplus": []byte(files[p] + "\x00"), "short": []byte(files[p][:len(files[p])-1]), "empty": {}, "changed": changed, "missing": nil,
		} {
			dir := filepath.Join(t.TempDir(), "bad")
			if err := os.CopyFS(dir, os.DirFS(good)); err != nil {
				t.Fatal(err)
			}
			name := filepath.Join(dir, filepath.FromSlash(p))
			err := os.WriteFile(name, b, 0o644)
			if b == nil {
				err = os.Remove(name)
			}
			if err != nil {
				t.Fatal(err)
			}
			checked, err := export.CheckTlog(t.Context(), dir, f.key, nil)
			var refused *export.Failure
			switch {
			case err == nil && checked.OK():
				t.Errorf("%s of %s: it is taken", what, p)
			case strings.HasPrefix(p, "tile/entries/") && what == "changed": // the leaf is another, so the tile is named
			case err == nil && !slices.ContainsFunc(checked.Failures, func(x export.TlogFailure) bool { return x.Path == p }):
				t.Errorf("%s of %s: %v does not name it", what, p, checked.Failures)
			case err != nil && (!errors.As(err, &refused) || p != export.CheckpointFile && p != export.KeysFile):
				t.Errorf("%s of %s: %v", what, p, err)
			}
		}
	}
	for p, b := range map[string]string{
		"notes.txt":            "x",
		"tile/0/003":           "x",
		"tile/0/002.p/100":     "x",                                                  // an older one that does not begin what is there
		"tile/0/002.p/101":     files["tile/0/002.p/188"][:100*32],                   // or is not as long as it says
		"tile/0/002.p/189":     files["tile/0/002.p/188"] + string(make([]byte, 32)), // or is newer
		"tile/entries/002.p/1": "\x00\x01x",
		"tile/0/x002.p/100":    files["tile/0/002.p/188"][:100*32],
	} {
		dir := filepath.Join(t.TempDir(), "bad")
		name := filepath.Join(dir, filepath.FromSlash(p))
		err := os.CopyFS(dir, os.DirFS(good))
		if err := errors.Join(err, os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(b), 0o644)); err != nil {
			t.Fatal(err)
		}
		if have, want := f.failures(t, dir), []string{p + " surplus"}; !slices.Equal(have, want) {
			t.Errorf("%s: %q", p, have)
		}
	}
	older := filepath.Join(good, filepath.FromSlash("tile/0/002.p/100"))
	if err := os.WriteFile(older, []byte(files["tile/0/002.p/188"][:100*32]), 0o644); err != nil {
		t.Fatal(err)
	}
	if bad := f.failures(t, good); bad != nil {
		t.Errorf("an older partial tile: %q", bad)
	}
}

// FuzzCheckProof gives the check of proofs and receipts all sorts of bytes: only what the ledger has made holds.
func FuzzCheckProof(f *testing.F) {
	log := newFake(f)
	head := log.log(300)
	receipt, err := export.Inclusion(head, 1, log.entry(0))
	if err != nil {
		f.Fatal(err)
	}
	inclusion, err := export.Inclusion(head, 7, nil)
	if err != nil {
		f.Fatal(err)
	}
	old := log.log(200).Note
	consistency, err := export.Consistency(head, old)
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range [][]byte{receipt, inclusion, consistency} {
		f.Add(seed)
		f.Add(seed[:len(seed)/2])
	}
	f.Add([]byte(strings.Replace(string(receipt), "extra ", "extra =", 1)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, about := range [][]byte{nil, old, log.entry(6)} {
			c, err := export.CheckProof(raw, log.key, about)
			var refused *export.Failure
			switch {
			case err != nil && !errors.As(err, &refused):
				t.Errorf("not a refusal: %v", err)
			case err == nil && c.Position > 0 && !bytes.Equal(c.Entry, log.entry(c.Position-1)):
				t.Errorf("event %d is proven to be %q", c.Position, c.Entry)
			case err == nil && c.Checkpoint.Size != 300:
				t.Errorf("a checkpoint of %d events", c.Checkpoint.Size)
			}
		}
	})
}

// FuzzParseKeys reads files of keys.
func FuzzParseKeys(f *testing.F) {
	log := newFake(f)
	f.Add([]byte(string(log.entry(0)) + "\n"))
	f.Add([]byte(`{"type":"ledger.rekeyed"}` + "\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		events, err := export.ParseKeys(origin, 1<<40, file)
		var refused *export.Failure
		if err != nil && (!errors.As(err, &refused) || refused.Code != "export.keys") {
			t.Errorf("not a refusal: %v", err)
		}
		_, _ = keychange.Follow(origin, log.key, events)
	})
}
