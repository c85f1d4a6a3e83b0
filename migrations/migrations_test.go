package migrations_test

import (
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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
