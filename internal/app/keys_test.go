package app_test

import (
	"bytes"
	"crypto/rand"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/keychange"
	"github.com/soquy/soquy/internal/pgtest"
)

// folder is a place for the files of a test.
type folder string

func (f folder) in(name string) string { return filepath.Join(string(f), name) }

// put writes a file and returns its name.
func (f folder) put(t *testing.T, name, content string) string {
	t.Helper()
	path := f.in(name)
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// lastEvent is the ID of the last event.
func (s soquy) lastEvent(t *testing.T) string {
	t.Helper()
	lines := strings.Split(strings.TrimSpace(s.run(t, 0, "", "events")), "\n")
	_, rest, _ := strings.Cut(lines[len(lines)-1], `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// twoDatabases calls f with a ledger on each.
func twoDatabases(t *testing.T, f func(t *testing.T, s soquy)) {
	for name, db := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "a.db"), "postgres": pgtest.Database(t)} {
		t.Run(name, func(t *testing.T) { f(t, soquy{db: db, keys: t.TempDir()}) })
	}
}

// TestKeysFollowed changes the key twice. Who has any of the three keys checks all that is made since; what was made before is checked by
// the key of then, and the witness follows.
func TestKeysFollowed(t *testing.T) {
	twoDatabases(t, func(t *testing.T, s soquy) {
		f := folder(t.TempDir())
		s.run(t, 0, "", "init", "--origin", "example.org/soquy/keys")
		s.run(t, 0, firstUnit, "record", "-")
		event := s.lastEvent(t)
		var keys, receipts, checkpoints, proofs []string
		keep := func(n string) {
			keys = append(keys, strings.TrimSpace(s.run(t, 0, "", "public-key")))
			receipts = append(receipts, f.put(t, "receipt"+n, s.run(t, 0, "", "receipt", event)))
			proofs = append(proofs, f.put(t, "inclusion"+n, s.run(t, 0, "", "proof", "inclusion", event)))
			checkpoints = append(checkpoints, f.put(t, "checkpoint"+n, s.run(t, 0, "", "checkpoint")))
		}
		witness := func(exit int, more ...string) string {
			return s.run(t, exit, "", append([]string{"witness", "cosign", "--dir", f.in("witness"), "--log", f.in("log")}, more...)...)
		}
		s.run(t, 0, "", "witness", "init", "--dir", f.in("witness"), "--name", "auditor.example.org")
		keep("0")
		s.run(t, 0, "", "export", "tlog", f.in("log"))
		s.fails(t, cli.ExitUsage, "witness.no_key", "", "witness", "cosign", "--dir", f.in("witness"), "--log", f.in("log"), "--first")
		witness(0, "--first", "--key", keys[0])
		s.run(t, 0, "", "key", "rotate")
		s.run(t, 0, unit("X1"), "record", "-")
		keep("1")
		s.run(t, 0, "", "export", "tlog", f.in("log"))
		witness(0)
		s.run(t, 0, "", "key", "rotate")
		s.run(t, 0, "", "export", "tlog", f.in("log")) // the head is that of the change, signed by both keys
		for _, key := range keys {
			s.run(t, 0, "", "verify-export", f.in("log"), "--key", key)
		}
		witness(0)
		s.run(t, 0, unit("X2"), "record", "-")
		keep("2")
		s.run(t, 0, "", "export", "tlog", f.in("log"))
		witness(0, "--key", keys[2])

		envelope := f.put(t, "event", strings.Split(s.run(t, 0, "", "events"), "\n")[1])
		for made := range keys {
			for k, key := range keys {
				about := []string{"check-proof", proofs[made], "--about", envelope, "--key", key}
				if k > made { // a key of later cannot know of a signature of before
					s.fails(t, cli.ExitIntegrity, "checkpoint.key", "", "check-receipt", receipts[made], "--key", key)
					s.fails(t, cli.ExitIntegrity, "checkpoint.key", "", about...)
					continue
				}
				s.run(t, 0, "", "check-receipt", receipts[made], "--key", key)
				s.run(t, 0, "", about...)
			}
			since := f.put(t, "since", s.run(t, 0, "", "proof", "consistency", checkpoints[made]))
			for _, key := range keys {
				s.run(t, 0, "", "check-proof", since, "--about", checkpoints[made], "--key", key)
			}
		}
		for _, key := range keys {
			out := s.run(t, 0, "", "verify-export", f.in("log"), "--key", key)
			if !strings.Contains(out, keys[2]) || !strings.Contains(out, "from event 3 on: "+keys[1]) {
				t.Errorf("verify-export does not tell of the keys:\n%s", out)
			}
		}
		// Another program opens the checkpoint with the key that is published.
		v, err := note.NewVerifier(keys[2])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := note.Open([]byte(read(t, checkpoints[2])), note.VerifierList(v)); err != nil {
			t.Error(err)
		}

		// A key that the ledger never had; a change that a stranger signed.
		secret, stranger, err := transparency.GenerateKey(rand.Reader, "example.org/soquy/keys")
		if err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{
			{"verify-export", f.in("log")},
			{"check-receipt", receipts[2]},
			{"check-proof", proofs[2], "--about", envelope},
		} {
			s.fails(t, cli.ExitIntegrity, "checkpoint.key", "", append(args, "--key", stranger)...)
		}
		s.fails(t, cli.ExitIntegrity, "checkpoint.key", "", "witness", "cosign", "--dir", f.in("witness"), "--log", f.in("log"), "--key", stranger)
		forged := forge(t, s, read(t, f.in("log/keys")), secret, stranger)
		kept := read(t, f.in("log/keys"))
		f.put(t, "log/keys", forged)
		s.fails(t, cli.ExitIntegrity, "key.change", "", "verify-export", f.in("log"), "--key", keys[0])
		s.fails(t, cli.ExitIntegrity, "key.change", "", "verify-export", f.in("log"), "--key", keys[2])
		s.fails(t, cli.ExitIntegrity, "key.change", "", "witness", "cosign", "--dir", f.in("witness"), "--log", f.in("log"))
		s.fails(t, cli.ExitIntegrity, "key.change", "", "check-receipt",
			f.put(t, "forged", forgeReceipt(t, read(t, receipts[2]), kept, forged)), "--key", keys[0])
		// A log that leaves out its changes, so that the first key seems to go on.
		opened, _, _ := strings.Cut(kept, "\n")
		f.put(t, "log/keys", opened+"\n")
		s.fails(t, cli.ExitIntegrity, "checkpoint.key", "", "verify-export", f.in("log"), "--key", keys[0])
		s.fails(t, cli.ExitIntegrity, "witness.unannounced", "", "witness", "cosign", "--dir", f.in("witness"), "--log", f.in("log"))
		f.put(t, "log/keys", kept)
		s.run(t, 0, "", "verify-export", f.in("log"), "--key", keys[0])
		witness(0)
	})
}

// forge replaces the last change of a file of keys by one of a stranger, who signs it and names a key of his own.
func forge(t *testing.T, s soquy, file, secret, public string) string {
	t.Helper()
	lines := strings.SplitAfter(strings.TrimSuffix(file, "\n"), "\n")
	last := len(lines) - 1
	codec := eventcodec.New("example.org/soquy/keys", 0)
	decoded, err := codec.Decode([]byte(lines[last]))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := transparency.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	body := decoded.Event.Body.(*domain.LedgerRekeyed)
	body.PublicKey = public
	if err := keychange.Sign("example.org/soquy/keys", body, signer); err != nil {
		t.Fatal(err)
	}
	lines[last] = string(codec.Encode(nil, &decoded.Event, nil)) + "\n"
	return strings.Join(lines, "")
}

// forgeReceipt puts the last of the forged key events into a receipt in the place of the one that is there.
func forgeReceipt(t *testing.T, receipt, keys, forged string) string {
	t.Helper()
	last := func(file string) []byte {
		lines := strings.Split(strings.TrimSpace(file), "\n")
		return []byte(lines[len(lines)-1])
	}
	p, err := transparency.ParseProof([]byte(receipt))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(p.Extra, last(keys)) {
		t.Fatalf("the receipt does not carry the change %s", last(keys))
	}
	p.Extra = bytes.Replace(p.Extra, last(keys), last(forged), 1)
	return string(p.Text())
}

// TestKeysAfterLoss: a ledger that was restored goes on under a new key. The export of before is not added to; what was lost is told
// apart; the first key still leads to the present one.
func TestKeysAfterLoss(t *testing.T) {
	f := folder(t.TempDir())
	s := soquy{db: f.in("a.db")}
	s.run(t, 0, "", "init", "--origin", "example.org/soquy/loss")
	s.run(t, 0, firstUnit, "record", "-")
	first := strings.TrimSpace(s.run(t, 0, "", "public-key"))
	event := s.lastEvent(t)
	s.run(t, 0, "", "witness", "init", "--dir", f.in("early"), "--name", "early.example.org")
	s.run(t, 0, "", "witness", "init", "--dir", f.in("late"), "--name", "late.example.org")
	s.run(t, 0, "", "export", "tlog", f.in("before"))
	cosign := func(dir, log string) []string {
		return []string{"witness", "cosign", "--dir", f.in(dir), "--log", f.in(log)}
	}
	s.run(t, 0, "", append(cosign("early", "before"), "--first", "--key", first)...)
	s.run(t, 0, "", "backup", f.in("backup.db"))
	s.run(t, 0, unit("X1")+unit("X2"), "record", "-")
	lostEvent := s.lastEvent(t)
	lost := f.put(t, "lost", s.run(t, 0, "", "checkpoint"))
	lostReceipt := f.put(t, "lost.receipt", s.run(t, 0, "", "receipt", lostEvent))
	s.run(t, 0, "", "export", "tlog", f.in("lost.log"))
	s.run(t, 0, "", append(cosign("late", "lost.log"), "--first", "--key", first)...)
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.db + suffix); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	s.run(t, 0, "", "restore", f.in("backup.db"))
	s.run(t, 0, "", "restore", "--accept-loss")
	s.run(t, 0, unit("X3")+unit("X4")+unit("X5"), "record", "-")
	s.run(t, 0, "", "key", "rotate")
	present := strings.TrimSpace(s.run(t, 0, "", "public-key"))

	s.fails(t, cli.ExitIntegrity, "export.other_log", "", "export", "tlog", f.in("lost.log"))
	s.run(t, 0, "", "export", "tlog", f.in("before")) // which ends where the log was restored
	for _, key := range []string{first, present} {
		out := s.run(t, 0, "", "verify-export", f.in("before"), "--key", key)
		if !strings.Contains(out, "with 2 events, and of 4 that were recorded the rest was lost") {
			t.Errorf("the loss is not told:\n%s", out)
		}
		s.run(t, 0, "", "check-receipt", f.put(t, "receipt", s.run(t, 0, "", "receipt", event)), "--key", key)
	}
	s.run(t, 0, "", cosign("early", "before")...)
	s.fails(t, cli.ExitIntegrity, "witness.lost", "", cosign("late", "before")...)
	// What was signed and lost: still true of the log of then, for the key of then.
	s.run(t, 0, "", "check-receipt", lostReceipt, "--key", first)
	s.fails(t, cli.ExitIntegrity, "checkpoint.key", "", "check-receipt", lostReceipt, "--key", present)
	s.fails(t, cli.ExitIntegrity, "proof.lost", "", "proof", "consistency", lost)
	// A head of that size that the ledger did not sign is not called lost.
	other := strings.Replace(read(t, lost), "\n4\n", "\n3\n", 1)
	s.fails(t, cli.ExitIntegrity, "proof.contradiction", "", "proof", "consistency", f.put(t, "other", other))
}
