package app_test

import (
	"database/sql"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/cli"
)

// TestVerifyFindsTampering changes an SQLite database as someone with full rights over the file would, and wants verify to name the
// position and what is wrong.
func TestVerifyFindsTampering(t *testing.T) {
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	s := soquy{db: filepath.Join(dir, "good.db")}
	s.run(t, 0, "", "init", "--origin", "example.org/soquy/test")
	s.run(t, 1, string(history), "record", "-")
	// More than a tile of events, and enough for a snapshot.
	var more strings.Builder
	for range 1_100 {
		more.WriteString(`{"type":"receive_donation","effective_on":"2017-06-01","data":{"fund":"HB","donor":"VD","lines":[{"asset":"cash","amount":"1000"}]}}` + "\n")
	}
	s.run(t, 0, more.String(), "record", "-")
	s.run(t, 0, "", "verify")
	good, err := os.ReadFile(s.db)
	if err != nil {
		t.Fatal(err)
	}

	replace := func(column, old, by string) string {
		return column + ` = CAST(replace(CAST(` + column + ` AS TEXT), '` + old + `', '` + by + `') AS BLOB)`
	}
	for name, test := range map[string]struct {
		sql      string
		position int64
		what     string
	}{
		"an envelope":           {`UPDATE events SET ` + replace("envelope", `"amount":"3000000"`, `"amount":"3000001"`) + ` WHERE position = 25`, 25, ""},
		"a late envelope":       {`UPDATE events SET ` + replace("envelope", `"amount":"1000"`, `"amount":"1001"`) + ` WHERE position = 1155`, 1153, "positions 1153 to 1160"},
		"an event's ID":         {`UPDATE events SET event_id = randomblob(16) WHERE position = 30`, 30, "events.event_id"},
		"an event's type":       {`UPDATE events SET type = 'unit.closed' WHERE position = 30`, 30, "events.type"},
		"an event's date":       {`UPDATE events SET effective_on = '2017-03-02' WHERE position = 30`, 30, "events.effective_on"},
		"an event's instant":    {`UPDATE events SET recorded_at = recorded_at + 1 WHERE position = 30`, 30, "events.recorded_at"},
		"a removed event":       {`DELETE FROM events WHERE position = 31`, 31, ""},
		"a subject":             {`UPDATE subjects SET subject = 'fund:XX' WHERE position = 26 AND subject = 'fund:TT'`, 26, "subjects"},
		"a removed subject":     {`DELETE FROM subjects WHERE position = 26 AND subject = 'fund:TT'`, 26, "subjects"},
		"an added subject":      {`INSERT INTO subjects SELECT ledger_id, 'fund:YY', 26 FROM ledgers`, 26, "subjects"},
		"a fingerprint":         {`UPDATE commands SET fingerprint = zeroblob(32) WHERE first_position = 25`, 25, "commands.fingerprint"},
		"a command's positions": {`UPDATE commands SET last_position = 36 WHERE first_position = 30`, 30, "commands.first_position"},
		"a removed command":     {`DELETE FROM commands WHERE first_position = 25`, 25, "commands.command_id"},
		"a tile":                {`UPDATE tiles SET hashes = zeroblob(8192) WHERE tile_index = 1`, 257, "tiles.hashes"},
		"a removed tile":        {`DELETE FROM tiles WHERE tile_index = 0`, 256, "tiles"},
		"the tree":              {`UPDATE ledgers SET tree = zeroblob(length(tree))`, 0, ""},
		"the head's note":       {`UPDATE ledgers SET ` + replace("note", "example.org/soquy/test", "example.org/soquy/tesu"), 0, ""},
		"a checkpoint":          {`UPDATE checkpoints SET note = (SELECT note FROM ledgers) WHERE tree_size = 1`, 1, "checkpoint"},
		"a snapshot":            {`UPDATE snapshots SET bytes = zeroblob(length(bytes))`, 0, "snapshots"},
		"a private text":        {`UPDATE private SET document = CAST('{"name":"X"}' AS BLOB) WHERE rowid = (SELECT min(rowid) FROM private)`, 0, "private"},
		"a removed text":        {`DELETE FROM private WHERE rowid = (SELECT min(rowid) FROM private)`, 0, "private text"},
		"a balance":             {`UPDATE balances SET posted = posted + 1 WHERE fund = 'TT'`, 0, "balances"},
		"a total":               {`UPDATE total_facts SET amount = amount + 1 WHERE day = (SELECT min(day) FROM total_facts)`, 0, "totals"},
		"a progress":            {`UPDATE progress SET position = position - 1 WHERE projection = 'units'`, 0, "units"},
		"rows of no ledger":     {`INSERT INTO tiles SELECT randomblob(16), 0, 0, hashes FROM tiles LIMIT 1`, 0, "no ledger"},
	} {
		t.Run(name, func(t *testing.T) {
			bad := soquy{db: filepath.Join(t.TempDir(), "bad.db")}
			if err := os.WriteFile(bad.db, good, 0o600); err != nil {
				t.Fatal(err)
			}
			tamper(t, bad.db, test.sql)
			var v struct {
				OK       bool `json:"ok"`
				Failures []struct {
					Position int64  `json:"position"`
					What     string `json:"what"`
				} `json:"failures"`
			}
			out := bad.run(t, cli.ExitIntegrity, "", "verify", "--json")
			if err := json.Unmarshal([]byte(out), &v); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if v.OK || len(v.Failures) == 0 {
				t.Fatalf("not found: %s", out)
			}
			for _, f := range v.Failures {
				if (test.position == 0 || f.Position == test.position) && strings.Contains(f.What, test.what) {
					return
				}
			}
			t.Errorf("no failure at %d names %q: %v", test.position, test.what, v.Failures)
		})
	}
}

// tamper runs a statement on a database without its triggers.
func tamper(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query(`SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	if err != nil {
		t.Fatal(err)
	}
	var triggers []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		triggers = append(triggers, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	for _, name := range triggers {
		if _, err := db.Exec(`DROP TRIGGER ` + name); err != nil {
			t.Fatal(err)
		}
	}
	r, err := db.Exec(statement)
	if err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	if n, err := r.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed nothing (%v)", statement, err)
	}
}
