package tlogtest

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// soquy is the program under test, as a user has it.
type soquy struct {
	t         *testing.T
	path, dir string
}

// build builds the program from the module above.
func build(t *testing.T) *soquy {
	t.Helper()
	s := &soquy{t: t, dir: t.TempDir()}
	s.path = filepath.Join(s.dir, "soquy")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", s.path, "./cmd/soquy")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return s
}

// run runs the program on the test's database and returns what it prints.
func (s *soquy) run(stdin string, args ...string) string {
	s.t.Helper()
	cmd := exec.CommandContext(s.t.Context(), s.path, append([]string{"--db", filepath.Join(s.dir, "t.db"), "--lang", "en"}, args...)...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("soquy %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// grow appends events until the log has so many.
func (s *soquy) grow(from, to int) {
	s.t.Helper()
	var b strings.Builder
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, `{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"D%d","kind":"organisation","name":"Công ty %d"}}`+"\n", i, i)
	}
	s.run(b.String(), "record", "-")
}

// leaves parses a bundle and hashes its entries, as the cmd fsck of tessera does.
func leaves(bundle []byte) ([][]byte, error) {
	var b api.EntryBundle
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	if len(b.Entries) == 0 { // fsck of v1.0.4 would panic
		return nil, errors.New("the bundle is empty")
	}
	var hashes [][]byte
	for _, entry := range b.Entries {
		h := tlog.RecordHash(entry)
		hashes = append(hashes, h[:])
	}
	return hashes, nil
}

// check has tessera check a log.
func check(t *testing.T, public string, from fsck.Fetcher) error {
	t.Helper()
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	return fsck.New(v.Name(), v, from, leaves, fsck.Opts{N: 2}).Check(t.Context())
}

// overHTTP serves a folder as any web server does.
func overHTTP(t *testing.T, dir string) fsck.Fetcher {
	t.Helper()
	server := httptest.NewServer(http.FileServer(http.Dir(dir)))
	t.Cleanup(server.Close)
	u, err := url.Parse(server.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	f, err := client.NewHTTPFetcher(u, server.Client())
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Tessera accepts what soquy exports at every size around the borders of tiles, over files and over HTTP; the folder grows from one
// size to the next.
func TestAccepted(t *testing.T) {
	s := build(t)
	s.run("", "init", "--origin", "example.org/soquy/tlogtest")
	public := strings.TrimSpace(s.run("", "public-key"))
	grown := filepath.Join(s.dir, "grown")
	at := 1
	for _, size := range []int{1, 2, 255, 256, 257, 511, 512, 513, 1500} {
		if size > at {
			s.grow(at, size)
		}
		at = size
		whole := filepath.Join(s.dir, fmt.Sprintf("whole-%d", size))
		s.run("", "export", "tlog", grown)
		s.run("", "export", "tlog", whole)
		for _, dir := range []string{grown, whole} {
			s.run("", "verify-export", dir, "--key", public)
			if err := check(t, public, client.FileFetcher{Root: dir}); err != nil {
				t.Errorf("size %d, files of %s: %v", size, dir, err)
			}
			if err := check(t, public, overHTTP(t, dir)); err != nil {
				t.Errorf("size %d, HTTP of %s: %v", size, dir, err)
			}
		}
		opens(t, public, filepath.Join(grown, "checkpoint"), size)
	}
}

// Tessera accepts the export of a ledger that has changed its key, with the key of now, and refuses it with the one of before.
func TestRotated(t *testing.T) {
	s := build(t)
	s.run("", "init", "--origin", "example.org/soquy/tlogtest")
	before := strings.TrimSpace(s.run("", "public-key"))
	s.grow(1, 300)
	s.run("", "key", "rotate")
	public := strings.TrimSpace(s.run("", "public-key"))
	dir := filepath.Join(s.dir, "export")
	s.run("", "export", "tlog", dir)
	for _, key := range []string{before, public} { // the checkpoint of the change itself is signed by both
		if err := check(t, key, client.FileFetcher{Root: dir}); err != nil {
			t.Errorf("at the change: %v", err)
		}
		opens(t, key, filepath.Join(dir, "checkpoint"), 301)
	}
	s.grow(301, 310)
	s.run("", "export", "tlog", dir)
	s.run("", "verify-export", dir, "--key", before)
	for _, from := range []fsck.Fetcher{client.FileFetcher{Root: dir}, overHTTP(t, dir)} {
		if err := check(t, public, from); err != nil {
			t.Error(err)
		}
		if check(t, before, from) == nil {
			t.Error("tessera accepts it with the key of before")
		}
	}
	opens(t, public, filepath.Join(dir, "checkpoint"), 310)
}

// opens has the Go checksum database's code open a checkpoint with the key that the ledger publishes.
func opens(t *testing.T, public, path string, size int) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(public)
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(raw, note.VerifierList(v))
	if err != nil {
		t.Fatalf("size %d: %v", size, err)
	}
	if want := fmt.Sprintf("%s\n%d\n", v.Name(), size); !strings.HasPrefix(n.Text, want) {
		t.Errorf("size %d: the checkpoint is %q", size, n.Text)
	}
}

// Tessera refuses an export of which any file lacks, is cut short or has a byte changed that the checkpoint commits to.
func TestRefused(t *testing.T) {
	s := build(t)
	s.run("", "init", "--origin", "example.org/soquy/tlogtest")
	public := strings.TrimSpace(s.run("", "public-key"))
	s.grow(1, 600)
	dir := filepath.Join(s.dir, "export")
	s.run("", "export", "tlog", dir)
	var files []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			files = append(files, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files = slices.DeleteFunc(files, func(name string) bool { return filepath.Base(name) == "keys" }) // which is ours alone
	if len(files) != 8 {                                                                              // the checkpoint, three bundles, three tiles of leaves, one above
		t.Fatalf("the export has the files %q", files)
	}
	refused := 0
	for _, name := range files {
		have, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for what, changed := range changes(name, have) {
			if changed == nil {
				err = os.Remove(name)
			} else {
				err = os.WriteFile(name, changed, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			if check(t, public, client.FileFetcher{Root: dir}) == nil {
				t.Errorf("%s, %s: tessera accepts it over files", name, what)
			}
			if check(t, public, overHTTP(t, dir)) == nil {
				t.Errorf("%s, %s: tessera accepts it over HTTP", name, what)
			}
			refused++
		}
		if err := os.WriteFile(name, have, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d changes", refused)
	if err := check(t, public, client.FileFetcher{Root: dir}); err != nil {
		t.Errorf("as it was: %v", err)
	}
}

// changes are the ways in which a file is changed; nil stands for one that is gone.
func changes(name string, have []byte) map[string][]byte {
	list := map[string][]byte{"gone": nil, "cut short": have[:len(have)-2], "empty": {}}
	step := max(1, len(have)/16)
	end := len(have)
	if filepath.Base(name) == "checkpoint" { // of the base64 of a signature the last bits say nothing
		step, end = 3, end-4
	}
	for i := 0; i < end; i += step {
		changed := bytes.Clone(have)
		changed[i] ^= 1
		list[fmt.Sprintf("byte %d", i)] = changed
	}
	return list
}
