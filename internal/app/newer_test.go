package app_test

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/cli"
)

// TestNewerEvent: an event that a newer version wrote is refused by name, in both languages, by whoever would need to read it; and a log that has one
// is not called altered, unless something of it was.
func TestNewerEvent(t *testing.T) {
	both(t, func(t *testing.T, s soquy) {
		s.run(t, 0, "", "init", "--origin", "example.org/soquy/newer")
		s.run(t, 0, twoGifts, "record", "-")
		log := s.log(t)
		heads, err := log.Ledgers(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		head, record := heads[0], eventstore.Record{}
		last := head.Position()
		err = log.Read(t.Context(), head.Ledger, last, last, func(r *eventstore.Record) error {
			record = *r
			record.Envelope = slices.Clone(r.Envelope)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(record.Envelope), `"type":"donation.received"`, `"type":"policy.set"`, 1)
		text = strings.Replace(text, fmt.Sprintf(`"position":%d`, last), fmt.Sprintf(`"position":%d`, last+1), 1)
		record.Position, record.Type, record.Envelope = last+1, "policy.set", []byte(text)
		record.ID[15]++
		s.append(t, log, head, record, eventstore.Command{ID: uuid.Must(uuid.NewV7()), Fingerprint: [32]byte{1}, First: last + 1, Last: last + 1})
		s.alter(t, `UPDATE ledgers SET joined_position = joined_position + 1`)

		for _, language := range []string{"vi", "en"} {
			for _, args := range [][]string{{"verify"}, {"replay"}, {"rebuild"}, {"record", "-"}, {"anomalies"}} {
				said := s.failsIn(t, language, cli.ExitIntegrity, "event.unknown_type", unit("X"), args...)
				if !strings.Contains(said, "policy.set") {
					t.Errorf("%v does not name the type: %s", args, said)
				}
			}
		}
		if now, err := log.Head(t.Context(), head.Ledger); err != nil || now.Position() != last+1 {
			t.Errorf("the log ends at %d, %v", now.Position(), err)
		}
		if s.isPostgres() {
			s.alter(t, `UPDATE ledgers SET tree = set_byte(tree, 0, 255 - get_byte(tree, 0))`)
		} else {
			s.alter(t, `UPDATE ledgers SET tree = CAST(x'00' || substr(tree, 2) AS BLOB)`)
		}
		s.fails(t, cli.ExitIntegrity, "log.corrupt", "", "verify")
	})
}

// TestWrongSchema: tables that are not as they were made are named, in both languages, and nobody makes others in their place.
func TestWrongSchema(t *testing.T) {
	for name, test := range map[string]struct{ change, what string }{
		"column": {`ALTER TABLE balances RENAME COLUMN last_day TO gone`, "last_day"},
		"table":  {`DROP TABLE balance_buckets`, "balance_buckets"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, s soquy) {
				s.run(t, 0, "", "init")
				s.run(t, 0, twoGifts, "record", "-")
				s.exec(t, test.change)
				for _, language := range []string{"vi", "en"} {
					if said := s.failsIn(t, language, cli.ExitUnusable, "database.schema", "", "balance", "--as-of", "2017-12-31"); !strings.Contains(said, test.what) {
						t.Errorf("%s is not named: %s", test.what, said)
					}
				}
			})
		})
	}
	t.Run("version", func(t *testing.T) {
		s := soquy{db: filepath.Join(t.TempDir(), "a.db")}
		s.run(t, 0, "", "init")
		s.exec(t, `DROP TABLE goose_db_version`)
		before, err := os.ReadFile(s.db)
		if err != nil {
			t.Fatal(err)
		}
		for _, language := range []string{"vi", "en"} {
			for _, command := range []string{"balance", "init", "verify"} {
				if said := s.failsIn(t, language, cli.ExitUnusable, "database.schema", "", command); !strings.Contains(said, "goose_db_version") {
					t.Errorf("%s: %s", command, said)
				}
			}
		}
		if after, err := os.ReadFile(s.db); err != nil || string(before) != string(after) {
			t.Errorf("the file was changed (%v)", err)
		}
	})
}

// exec changes the schema behind soquy's back.
func (s soquy) exec(t *testing.T, statement string) {
	t.Helper()
	if s.isPostgres() {
		if err := execAs(t.Context(), s.db, `SET search_path = soquy; `+statement+` CASCADE`); err != nil {
			if err := execAs(t.Context(), s.db, `SET search_path = soquy; `+statement); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	db, err := sql.Open("sqlite", s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), statement); err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), `PRAGMA wal_checkpoint(TRUNCATE)`); err != nil {
		t.Fatal(err)
	}
}
