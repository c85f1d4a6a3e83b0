package app_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/pgtest"
)

// onBoth runs a test on an empty database of each kind. keys is the folder of its keys.
func onBoth(t *testing.T, test func(t *testing.T, s soquy, keys string, open func() tampered)) {
	t.Run("sqlite", func(t *testing.T) {
		s := soquy{db: filepath.Join(t.TempDir(), "a.db")}
		test(t, s, s.db+".keys", func() tampered { return openSQLite(t, s) })
	})
	t.Run("postgres", func(t *testing.T) {
		s := soquy{db: pgtest.Database(t), keys: t.TempDir()}
		test(t, s, s.keys, func() tampered { return openPostgres(t, s) })
	})
}

// TestCutTail removes the last events with everything that follows from them, and puts the head of then back.
func TestCutTail(t *testing.T) {
	onBoth(t, func(t *testing.T, s soquy, keys string, open func() tampered) {
		testLostTail(t, s, keys, open, func(db tampered, kept map[string][][]any, n int64) {
			for _, table := range db.tables(t) {
				columns := db.columns(t, table)
				at := slices.IndexFunc(columns, func(c column) bool {
					return slices.Contains([]string{"position", "first_position", "tree_size"}, c.name)
				})
				switch table {
				case "ledgers":
					db.write(t, table, kept[table])
				case "events", "subjects", "subject_runs", "commands", "checkpoints":
					db.write(t, table, slices.DeleteFunc(db.rows(t, table), func(r []any) bool { return integer(r[at]) > n }))
				}
			}
			s.run(t, 0, "", "rebuild") // that needs no key
		})
	})
}

// TestRestoredCopy puts the whole database back as it was.
func TestRestoredCopy(t *testing.T) {
	onBoth(t, func(t *testing.T, s soquy, keys string, open func() tampered) {
		testLostTail(t, s, keys, open, func(db tampered, kept map[string][][]any, _ int64) {
			for table, rows := range kept {
				db.write(t, table, rows)
			}
		})
	})
}

// testLostTail loses the last events so that all that is left is right, and looks who notices. lose is given all rows of before, which
// end at position n.
func testLostTail(t *testing.T, s soquy, keys string, open func() tampered, lose func(db tampered, kept map[string][][]any, n int64)) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	save := func(name, text string) string {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return in(name)
	}
	s.run(t, 0, "", "init", "--origin", tamperOrigin)
	s.run(t, 0, firstUnit+unit("X1"), "record", "-")
	const n = 3
	db := open()
	kept := map[string][][]any{}
	for _, table := range db.tables(t) {
		if !strings.HasPrefix(table, "events_") { // a partition has no rows but those of its parent
			kept[table] = db.rows(t, table)
		}
	}
	s.run(t, 0, unit("X2")+unit("X3"), "record", "-")
	key := save("public.key", s.run(t, 0, "", "public-key"))
	witness := strings.TrimSpace(s.run(t, 0, "", "witness", "init", "--dir", in("witness"), "--name", "auditor.example.org"))
	s.run(t, 0, "", "export", "tlog", in("log"))
	cosign := func(exit int, code, log string, more ...string) string {
		t.Helper()
		args := append([]string{"witness", "cosign", "--dir", in("witness"), "--log", log, "--key", strings.TrimSpace(s.publicKey(t, key))}, more...)
		if exit != 0 {
			return s.fails(t, exit, code, "", args...)
		}
		return s.run(t, 0, "", args...)
	}
	cosigned := save("cosigned", cosign(0, "", in("log"), "--first"))
	later := s.checkpoint(t)
	events := strings.Split(strings.TrimSpace(s.run(t, 0, "", "events")), "\n")
	_, id, _ := strings.Cut(events[len(events)-1], `"id":"`)
	receipt := save("receipt", s.run(t, 0, "", "receipt", id[:36]))
	s.run(t, 0, "", "verify", "--since", cosigned, "--require-witness", witness)

	lose(db, kept, n)

	finds := func(code string, position int64, args ...string) {
		t.Helper()
		found := s.findings(t, args...)
		if len(found) != 1 || found[0].Code != code || found[0].Position != position {
			t.Errorf("verify %v finds %v, want %s at %d", args, found, code, position)
		}
	}
	head, err := filepath.Glob(filepath.Join(keys, "*.head"))
	if err != nil || len(head) != 1 {
		t.Fatalf("head files %v, %v", head, err)
	}
	finds("outside.ahead", n+1)
	s.fails(t, cli.ExitIntegrity, "ledger.rolled_back", unit("X4"), "record", "-")
	if err := os.Remove(head[0]); err != nil {
		t.Fatal(err)
	}
	if found := s.findings(t); len(found) > 0 {
		t.Fatalf("alone, verify finds %v", found)
	}
	finds("outside.ahead", n+1, "--since", later)
	finds("outside.ahead", n+1, "--since", cosigned, "--require-witness", witness)
	s.run(t, 0, "", "export", "tlog", in("cut"))
	cosign(cli.ExitIntegrity, "witness.contradiction", in("cut"))
	// The receipt stays what it is: the ledger's word that the event was there.
	s.run(t, 0, "", "check-receipt", receipt, "--key", key)
	finds("outside.ahead", n+1, "--since", receipt)

	// Written on, by who has the key, the log is as long again, and another.
	s.run(t, 0, unit("Y1")+unit("Y2"), "record", "-")
	finds("outside.other", n+2, "--since", later)
	finds("outside.other", n+2, "--since", receipt)
	finds("outside.other", n+2, "--since", cosigned, "--require-witness", witness)
	if err := os.RemoveAll(in("cut")); err != nil {
		t.Fatal(err)
	}
	s.run(t, 0, "", "export", "tlog", in("cut"))
	cosign(cli.ExitIntegrity, "witness.contradiction", in("cut"))
}

// publicKey reads a file with the ledger's public key.
func (s soquy) publicKey(t *testing.T, path string) string {
	t.Helper()
	key, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(key)
}

// TestBadSnapshot: a start believes no snapshot that is not what was signed, and replays the log; verify says which one, and what of it.
func TestBadSnapshot(t *testing.T) {
	onBoth(t, func(t *testing.T, s soquy, keys string, open func() tampered) {
		s.run(t, 0, "", "init", "--origin", tamperOrigin)
		s.run(t, 0, `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}
{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"Quỹ"}}
{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"VD","kind":"anonymous"}}
`+strings.Repeat(smallGift, 16), "record", "-")
		var log store
		var err error
		if s.keys == "" {
			log, err = sqlite.Open(s.db, sqlite.Options{Mode: sqlite.ReadWrite})
		} else {
			log, err = postgres.Open(t.Context(), s.db, postgres.Options{Mode: postgres.ReadWrite})
		}
		if err != nil {
			t.Fatal(err)
		}
		saveSnapshots(t, keys, log, 12, 20)
		if err := log.Close(); err != nil {
			t.Fatal(err)
		}
		db := open()
		columns, rows := db.columns(t, "snapshots"), db.rows(t, "snapshots")
		spend := func(amount int) string {
			return fmt.Sprintf(`{"type":"record_expense","effective_on":"2017-06-02","data":{"fund":"HB","asset":"cash","amount":"%d","purpose":"travel"}}`, amount)
		}
		total := 16_000
		for i, c := range columns {
			if c.key {
				continue
			}
			bad := clone(rows)
			bad[1][i] = another("snapshots", c, rows, 1, i)
			db.write(t, "snapshots", bad)
			found := s.findings(t)
			if len(found) != 1 || found[0].Position != 20 || !strings.Contains(found[0].What, "snapshots."+c.name) {
				t.Errorf("%s: found %v", c.name, found)
			}
			// The book of the start is that of the log: the whole sum can be spent, and not one more.
			s.run(t, 1, spend(total+1), "record", "-")
			s.run(t, 0, spend(total)+"\n"+smallGift, "record", "-")
			total = 1_000
		}
		// A snapshot of another book, however well it is made, is not signed.
		bad := clone(rows)
		at := slices.IndexFunc(columns, func(c column) bool { return c.name == "bytes" })
		bad[1][at] = rows[0][at]
		db.write(t, "snapshots", bad)
		s.run(t, 1, spend(total+1), "record", "-")
		s.run(t, 0, spend(total), "record", "-")
		db.write(t, "snapshots", rows)
		s.run(t, 0, "", "verify")
	})
}
