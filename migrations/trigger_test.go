package migrations_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/migrations"
)

// TestTriggers compares the triggers that are read from the migrations with those that the migrations make.
func TestTriggers(t *testing.T) {
	db, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "x.db")+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if err := migrations.Up(t.Context(), db, migrations.SQLite); err != nil {
		t.Fatal(err)
	}
	have := map[string]string{}
	rows, err := db.Query(`SELECT name || ' ' || tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		have[name] = text
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	want, err := migrations.Triggers()
	if err != nil {
		t.Fatal(err)
	}
	if len(want) == 0 || len(want) != len(have) {
		t.Errorf("%d triggers are read from the migrations, %d are there", len(want), len(have))
	}
	for _, w := range want {
		if got := have[w.Name+" "+w.Table]; strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(w.SQL), " ") {
			t.Errorf("trigger %s of %s is\n%s\nnot\n%s", w.Name, w.Table, got, w.SQL)
		}
	}
}
