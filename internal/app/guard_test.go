package app_test

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/pgtest"
)

// guards are the findings about what guards the log, each as its code and what it names. There must be no others.
func (s soquy) guards(t *testing.T) (list []string) {
	t.Helper()
	for _, f := range s.findings(t) {
		if !strings.HasPrefix(f.Code, "guard.") || f.Position != 0 {
			t.Errorf("nothing was changed, and verify finds %v", f)
		}
		list = append(list, f.Code+": "+f.What)
	}
	return list
}

// wants compares the findings with the parts that each of them must name, in order.
func wants(t *testing.T, did string, got []string, want ...[]string) {
	t.Helper()
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		for _, part := range want[i] {
			ok = ok && strings.Contains(got[i], part)
		}
	}
	if !ok {
		t.Errorf("after %s verify finds\n%s\nwant %q", did, strings.Join(got, "\n"), want)
	}
}

// TestTriggersGone takes the triggers of SQLite away, one at a time, and puts others in their place.
func TestTriggersGone(t *testing.T) {
	s := soquy{db: filepath.Join(t.TempDir(), "a.db")}
	s.run(t, 0, "", "init")
	db, err := sql.Open("sqlite", s.db)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	exec := func(query string) {
		t.Helper()
		if _, err := db.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	names := texts(t, db, `SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name`)
	if want := []string{"events_no_delete", "events_no_replace", "events_no_update", "tiles_no_update"}; !slices.Equal(names, want) {
		t.Errorf("the triggers are %q, want %q", names, want)
	}
	for _, name := range names {
		text := texts(t, db, fmt.Sprintf(`SELECT sql FROM sqlite_schema WHERE name = '%s'`, name))[0]
		table, _, _ := strings.Cut(name, "_")
		exec(`DROP TRIGGER ` + name)
		wants(t, "DROP TRIGGER "+name, s.guards(t), []string{"guard.missing", name, table})
		exec(fmt.Sprintf(`CREATE TRIGGER %s BEFORE UPDATE ON %s BEGIN SELECT 1; END`, name, table))
		wants(t, "another "+name, s.guards(t), []string{"guard.altered", name, table})
		exec(`DROP TRIGGER ` + name)
		exec(text)
	}
	s.run(t, 0, "", "verify")
}

// TestTriggersGoneOnPostgres does so on PostgreSQL, where they are of each partition, can be disabled, and call a function.
func TestTriggersGoneOnPostgres(t *testing.T) {
	s := soquy{db: pgtest.Database(t), keys: t.TempDir()}
	s.run(t, 0, "", "init")
	must(t, s.db, `SELECT soquy.ensure_partition(20000000)`)
	first, second := "events_000000000000", "events_000000000001"
	refuse := `CREATE OR REPLACE FUNCTION soquy.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
		BEGIN %s RAISE EXCEPTION '%% are immutable', TG_ARGV[0] USING ERRCODE = 'restrict_violation'; END $$`
	u, err := url.Parse(s.db)
	if err != nil {
		t.Fatal(err)
	}
	database := strings.TrimPrefix(u.Path, "/")
	for _, test := range []struct {
		do, undo string
		want     [][]string
	}{
		{
			`DROP TRIGGER events_no_change ON soquy.events`,
			`CREATE TRIGGER events_no_change BEFORE UPDATE OR DELETE ON soquy.events FOR EACH ROW EXECUTE FUNCTION soquy.refuse_change('events')`,
			[][]string{{"guard.missing", "events_no_change", "of events is gone"}, {"guard.missing", "events_no_change", first}, {"guard.missing", "events_no_change", second}},
		},
		{
			`DROP TRIGGER events_no_truncate ON soquy.` + second,
			`CREATE TRIGGER events_no_truncate BEFORE TRUNCATE ON soquy.` + second + ` FOR EACH STATEMENT EXECUTE FUNCTION soquy.refuse_change('events')`,
			[][]string{{"guard.missing", "events_no_truncate", second}},
		},
		{
			`DROP TRIGGER tiles_no_update ON soquy.tiles`,
			`CREATE TRIGGER tiles_no_update BEFORE UPDATE ON soquy.tiles FOR EACH ROW EXECUTE FUNCTION soquy.refuse_change('tiles')`,
			[][]string{{"guard.missing", "tiles_no_update", "tiles"}},
		},
		{
			`ALTER TABLE soquy.` + first + ` DISABLE TRIGGER events_no_change`,
			`ALTER TABLE soquy.` + first + ` ENABLE TRIGGER events_no_change`,
			[][]string{{"guard.disabled", "events_no_change", first}},
		},
		{
			`ALTER TABLE soquy.tiles ENABLE REPLICA TRIGGER tiles_no_update`,
			`ALTER TABLE soquy.tiles ENABLE ALWAYS TRIGGER tiles_no_update`,
			[][]string{{"guard.disabled", "tiles_no_update", "tiles"}},
		},
		{
			`CREATE OR REPLACE TRIGGER tiles_no_update BEFORE UPDATE ON soquy.tiles FOR EACH ROW WHEN (OLD.level > 9) EXECUTE FUNCTION soquy.refuse_change('tiles')`,
			`CREATE OR REPLACE TRIGGER tiles_no_update BEFORE UPDATE ON soquy.tiles FOR EACH ROW EXECUTE FUNCTION soquy.refuse_change('tiles')`,
			[][]string{{"guard.altered", "tiles_no_update", "tiles"}},
		},
		{
			fmt.Sprintf(refuse, `IF TG_OP <> 'TRUNCATE' THEN RETURN NEW; END IF;`), fmt.Sprintf(refuse, ""),
			[][]string{
				{"guard.altered", "events_no_change"},
				{"guard.altered", "events_no_truncate"},
				{"guard.altered", first},
				{"guard.altered", first},
				{"guard.altered", second},
				{"guard.altered", second},
				{"guard.altered", "tiles_no_update"},
			},
		},
		{
			`ALTER DATABASE ` + database + ` SET session_replication_role = replica`, `ALTER DATABASE ` + database + ` RESET session_replication_role`,
			[][]string{{"guard.off", "session_replication_role", "PUBLIC"}},
		},
	} {
		must(t, s.db, test.do)
		wants(t, test.do, s.guards(t), test.want...)
		must(t, s.db, test.undo)
	}
	s.run(t, 0, "", "verify")
}

// TestRightsBeyond gives roles more than soquy migrate does.
func TestRightsBeyond(t *testing.T) {
	s := serve(t)
	app := s.as(s.app)
	app.run(t, 0, "", "init")
	owner, application, dashboard := s.roles[0], s.roles[1], s.roles[2]
	backup := strings.Replace(owner, "r_owner", "r_backup", 1)
	must(t, s.admin, `CREATE ROLE `+backup)
	s.roles = append(s.roles, backup) // to be dropped with the others
	// Who may only read is no danger to the log.
	must(t, s.owner, `GRANT USAGE ON SCHEMA soquy TO `+backup+`; GRANT SELECT ON ALL TABLES IN SCHEMA soquy TO `+backup)
	app.run(t, 0, "", "verify")
	for _, test := range []struct {
		right, object, role string
		want                [][]string
	}{
		{"UPDATE", "soquy.events", application, [][]string{{"UPDATE", "soquy.events,", application}}},
		{"UPDATE (type)", "soquy.events", application, [][]string{{"UPDATE", "soquy.events,", application}}},
		{"DELETE", "soquy.events", backup, [][]string{{"DELETE", "soquy.events,", backup}}},
		{"TRUNCATE", "soquy.events_000000000000", application, [][]string{{"TRUNCATE", "soquy.events_000000000000,", application}}},
		{"DELETE, TRIGGER", "soquy.tiles", application, [][]string{{"DELETE", "soquy.tiles,"}, {"TRIGGER", "soquy.tiles,"}}},
		{"UPDATE", "soquy.private", application, [][]string{{"UPDATE", "soquy.private,", application}}},
		{"UPDATE", "soquy.goose_db_version", "PUBLIC", [][]string{{"UPDATE", "soquy.goose_db_version,", "PUBLIC"}}},
		{"SELECT", "soquy.private", "PUBLIC", [][]string{{"SELECT", "soquy.private,", "PUBLIC"}}},
		{"SELECT", "soquy.private", dashboard, [][]string{{"SELECT", "soquy.private,", dashboard}}},
		{"UPDATE", "reporting.funds", dashboard, [][]string{{"UPDATE", "reporting.funds,", dashboard}}},
		{"CREATE", "SCHEMA soquy", application, [][]string{{"CREATE", "soquy,", application}}},
	} {
		must(t, s.owner, `GRANT `+test.right+` ON `+test.object+` TO `+test.role)
		wants(t, test.right+" ON "+test.object, app.guards(t), test.want...)
		must(t, s.owner, `REVOKE `+test.right+` ON `+test.object+` FROM `+test.role)
		app.run(t, 0, "", "verify")
	}
	must(t, s.admin, `GRANT `+owner+` TO `+application)
	wants(t, "membership", app.guards(t), []string{"guard.right", "OWNER", "soquy.events,", application})
	must(t, s.admin, `REVOKE `+owner+` FROM `+application)
	// soquy migrate takes back what was given.
	must(t, s.owner, `GRANT ALL ON soquy.events, soquy.tiles TO `+application)
	s.as(s.owner).run(t, 0, "", append([]string{"migrate"}, s.flags()...)...)
	app.run(t, 0, "", "verify")
}
