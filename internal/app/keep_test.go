package app_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/pgtest"
)

const firstUnit = `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}` + "\n"

// unit is a line that registers a unit below the first.
func unit(code string) string {
	return strings.NewReplacer(`"T"`, `"`+code+`","parent":"T"`, "province", "commune").Replace(firstUnit)
}

// checkpoint keeps the signed head of now in a file.
func (s soquy) checkpoint(t *testing.T) string {
	t.Helper()
	var v struct{ Checkpoint string }
	if err := json.Unmarshal([]byte(s.run(t, 0, "", "verify", "--json")), &v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "checkpoint")
	if err := os.WriteFile(path, []byte(v.Checkpoint), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestKeyOnBothDatabases: a key is changed twice; what was signed before is still in the log, and verify follows the keys.
func TestKeyOnBothDatabases(t *testing.T) {
	for name, db := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "a.db"), "postgres": pgtest.Database(t)} {
		t.Run(name, func(t *testing.T) {
			s := soquy{db: db, keys: t.TempDir()}
			s.run(t, 0, "", "init", "--origin", "example.org/soquy/key")
			s.run(t, 0, firstUnit, "record", "-")
			before, first := s.run(t, 0, "", "public-key"), s.checkpoint(t)
			s.run(t, 0, "", "key", "rotate")
			s.run(t, 0, unit("X1"), "record", "-")
			s.run(t, 0, "", "key", "rotate")
			if after := s.run(t, 0, "", "public-key"); after == before {
				t.Error("the key is the same")
			}
			second := s.checkpoint(t)
			s.run(t, 0, unit("X2"), "record", "-")
			s.run(t, 0, "", "verify", "--since", first)
			s.run(t, 0, "", "verify", "--since", second)

			other := soquy{db: filepath.Join(t.TempDir(), "other.db"), keys: t.TempDir()}
			other.run(t, 0, "", "init", "--origin", "example.org/soquy/key")
			out := s.run(t, cli.ExitIntegrity, "", "verify", "--since", other.checkpoint(t))
			if !strings.Contains(out, "no key of this ledger has signed it") {
				t.Errorf("another ledger's checkpoint:\n%s", out)
			}
			s.fails(t, cli.ExitUnusable, "file.missing", "", "verify", "--since", filepath.Join(t.TempDir(), "none"))
			if kinds := s.run(t, 0, "", "events", "--type", "ledger.rekeyed"); strings.Count(kinds, "\n") != 2 {
				t.Errorf("the changes of the key:\n%s", kinds)
			}
		})
	}
}

// TestBackup: a copy made, restored under the same name, and gone on from after a loss that the log names.
func TestBackup(t *testing.T) {
	folder := t.TempDir()
	s := soquy{db: filepath.Join(folder, "a.db")}
	backup := filepath.Join(folder, "backup.db")
	s.run(t, 0, "", "init", "--origin", "example.org/soquy/backup")
	s.run(t, 0, firstUnit, "record", "-")
	s.run(t, 0, "", "backup", backup)
	s.fails(t, cli.ExitUnusable, "file.exists", "", "backup", backup)
	s.fails(t, cli.ExitUnusable, "file.exists", "", "restore", backup)
	s.fails(t, cli.ExitRefused, "restore.complete", "", "restore", "--accept-loss")
	kept := s.checkpoint(t)
	s.run(t, 0, unit("X1")+unit("X2"), "record", "-")
	lost := s.checkpoint(t)
	events := strings.Split(strings.TrimSpace(s.run(t, 0, "", "events")), "\n")
	_, id, _ := strings.Cut(events[len(events)-1], `"id":"`)
	receipt := filepath.Join(folder, "receipt.txt")
	text := s.run(t, 0, "", "receipt", id[:36])
	if err := os.WriteFile(receipt, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	s.run(t, 0, "", "verify", "--since", receipt)

	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(s.db+suffix, filepath.Join(folder, "lost.db"+suffix)); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
	}
	if out := s.run(t, 0, "", "restore", backup); !strings.Contains(out, "ends at event 2, but 4 are known") {
		t.Errorf("restored:\n%s", out)
	}
	if out := s.run(t, cli.ExitIntegrity, "", "verify"); !strings.Contains(out, "4 events were committed, the log has 2") {
		t.Errorf("verify does not say how far the log goes:\n%s", out)
	}
	s.fails(t, cli.ExitIntegrity, "ledger.rolled_back", unit("X3"), "record", "-")
	s.run(t, 0, "", "balance") // reading goes on
	s.run(t, 0, "", "restore", "--accept-loss")
	s.run(t, 0, unit("X3"), "record", "-")
	s.run(t, 0, "", "verify", "--since", kept)
	// What was acknowledged and is lost is told apart from what never was.
	if out := s.run(t, cli.ExitIntegrity, "", "verify", "--since", lost); !strings.Contains(out, "is of a log that was lost beyond position 2") {
		t.Errorf("a receipt of what is lost:\n%s", out)
	}
	if out := s.run(t, cli.ExitIntegrity, "", "verify", "--since", receipt); !strings.Contains(out, "receipt.txt is of a log that was lost beyond position 2") {
		t.Errorf("a receipt of what is lost:\n%s", out)
	}
	// One that never was.
	header, rest, _ := strings.Cut(text, "\nindex ")
	_, rest, _ = strings.Cut(rest, "\n")
	if err := os.WriteFile(receipt, []byte(header+"\nindex 1\n"+rest), 0o600); err != nil {
		t.Fatal(err)
	}
	s.fails(t, cli.ExitIntegrity, "proof.wrong", "", "verify", "--since", receipt)
	if out := s.run(t, 0, "", "events", "--type", "ledger.forked"); !strings.Contains(out, `"tree_size":2`) || !strings.Contains(out, `"lost_size":4`) {
		t.Errorf("the fork:\n%s", out)
	}
	// The old database would go on without the fork: its head is not the one that was recorded last.
	soquy{db: filepath.Join(folder, "lost.db")}.fails(t, cli.ExitUnusable, "key.missing", unit("X4"), "record", "-")
}

func TestKeepRefuses(t *testing.T) {
	s := soquy{db: filepath.Join(t.TempDir(), "demo.db")}
	s.fails(t, cli.ExitUnusable, "database.missing", "", "backup", filepath.Join(t.TempDir(), "b.db"))
	server := soquy{db: "postgres://127.0.0.1:1/none"}
	server.fails(t, cli.ExitUsage, "backup.postgres", "", "backup", filepath.Join(t.TempDir(), "b.db"))
	server.fails(t, cli.ExitUsage, "restore.postgres", "", "restore", filepath.Join(t.TempDir(), "b.db"))
	s.fails(t, cli.ExitUsage, "usage.too_few", "", "restore")
	s.fails(t, cli.ExitUsage, "usage.too_many", "", "restore", "--accept-loss", "x")
	notes := filepath.Join(t.TempDir(), "notes.txt")
	if err := os.WriteFile(notes, []byte("not a database, long enough to be looked at as one"), 0o644); err != nil {
		t.Fatal(err)
	}
	s.fails(t, cli.ExitUnusable, "database.foreign", "", "restore", notes)
	if _, err := os.Stat(s.db); err == nil {
		t.Error("a file was made")
	}
}
