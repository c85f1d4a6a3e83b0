package migrations_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "modernc.org/sqlite"

	"github.com/soquy/soquy/migrations"
)

// TestFiles looks that both databases have the same migrations, and that none goes backward.
func TestFiles(t *testing.T) {
	var names [2][]string
	for i, dir := range []string{"sqlite", "postgres"} {
		all, err := fs.Glob(os.DirFS(dir), "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		names[i] = all
		for _, name := range all {
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(string(text), "-- +goose Up\n") || strings.Contains(string(text), "+goose Down") {
				t.Errorf("%s/%s does not start with Up, or has a Down", dir, name)
			}
		}
	}
	if len(names[0]) == 0 || !slices.Equal(names[0], names[1]) {
		t.Errorf("sqlite has %q, postgres has %q", names[0], names[1])
	}
}

// rewrites are statements that change, replace or move rows of the events table.
var rewrites = regexp.MustCompile(`(?is)\b(UPDATE|DELETE\s+FROM|TRUNCATE|ALTER\s+TABLE|DROP\s+TABLE|CLUSTER|REINDEX\s+TABLE|MERGE\s+INTO|REPLACE\s+INTO|INSERT\s+INTO)\s+(ONLY\s+|TABLE\s+|IF\s+EXISTS\s+)*(soquy\.)?events\b`)

// TestEventsStay: no migration rewrites the events table once it is made.
func TestEventsStay(t *testing.T) {
	for _, bad := range []string{
		"UPDATE events SET type = ''", "delete from soquy.events", "ALTER TABLE IF EXISTS ONLY soquy.events ADD COLUMN x text", "TRUNCATE TABLE events",
		"INSERT INTO events SELECT * FROM old", "DROP TABLE events",
	} {
		if !rewrites.MatchString(bad) {
			t.Errorf("%s is not seen", bad)
		}
	}
	later := 0
	for _, dir := range []string{"sqlite", "postgres"} {
		all, err := fs.Glob(os.DirFS(dir), "*.sql")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range all {
			if strings.HasPrefix(name, "00001_") {
				continue
			}
			later++
			text, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			for _, statement := range rewrites.FindAllString(string(text), -1) {
				t.Errorf("%s/%s: %s", dir, name, statement)
			}
		}
	}
	if later == 0 {
		t.Error("there are no later migrations")
	}
}

func TestCheck(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "x.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	ctx := t.Context()
	wants := func(want error) {
		t.Helper()
		if err := migrations.Check(ctx, db, migrations.SQLite); !errors.Is(err, want) {
			t.Errorf("check: %v, want %v", err, want)
		}
	}
	exec := func(query string) {
		t.Helper()
		if _, err := db.ExecContext(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	wants(migrations.ErrNoSchema)
	for range 2 {
		if err := migrations.Up(ctx, db, migrations.SQLite); err != nil {
			t.Fatal(err)
		}
		wants(nil)
	}
	exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	wants(migrations.ErrNewer)
	if err := migrations.Up(ctx, db, migrations.SQLite); !errors.Is(err, migrations.ErrNewer) {
		t.Errorf("up: %v", err)
	}
	exec(`DELETE FROM goose_db_version WHERE version_id > 1`)
	if names, _ := filepath.Glob("sqlite/*.sql"); len(names) > 1 {
		wants(migrations.ErrOlder)
	} else {
		wants(nil)
	}
	exec(`PRAGMA application_id = 7`)
	wants(migrations.ErrForeign)
	if err := migrations.Check(ctx, db, "oracle"); err == nil {
		t.Error("an unknown dialect was checked")
	}
}
