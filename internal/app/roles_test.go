package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections"
)

// served is a database with the roles of soquy migrate, and a login for each.
type served struct {
	admin, owner, app, dashboard string // URLs
	roles                        []string
	keys                         string
}

// names are roles of this test only: they are of the whole server, where other tests run.
func (s *served) flags() []string {
	return []string{"--owner-role", s.roles[0], "--app-role", s.roles[1], "--dashboard-role", s.roles[2]}
}

func (s *served) as(url string) soquy { return soquy{db: url, keys: s.keys} }

// serve makes a database, its roles, and a user of each who logs in with a password.
func serve(t *testing.T) *served {
	t.Helper()
	s := &served{admin: pgtest.Database(t), keys: t.TempDir()}
	u, err := url.Parse(s.admin)
	if err != nil {
		t.Fatal(err)
	}
	suffix := strings.TrimPrefix(u.Path, "/soquy_test")
	var logins []string
	t.Cleanup(func() {
		// What the roles own goes with the database, which is dropped later; until then it is given back.
		var statements []string
		for _, role := range append(s.roles, logins...) {
			statements = append(statements, "REASSIGN OWNED BY "+role+" TO postgres", "DROP OWNED BY "+role)
		}
		for _, role := range append(logins, s.roles...) {
			statements = append(statements, "DROP ROLE "+role)
		}
		for _, statement := range statements {
			if err := execAs(context.Background(), s.admin, statement); err != nil {
				t.Errorf("%s: %v", statement, err)
			}
		}
	})
	login := func(name, options string) string {
		role := "login_" + name + suffix
		must(t, s.admin, "CREATE ROLE "+role+" LOGIN PASSWORD 'bí mật' "+options)
		logins = append(logins, role)
		as := *u
		as.User = url.UserPassword(role, "bí mật")
		return as.String()
	}
	s.owner = login("owner", "CREATEROLE")
	s.app, s.dashboard = login("app", ""), login("dashboard", "")
	must(t, s.admin, "ALTER ROLE "+logins[2]+" SET jit = off") // as the guide says: it takes longer than the answers
	must(t, s.admin, "GRANT CREATE ON DATABASE "+strings.TrimPrefix(u.Path, "/")+" TO "+logins[0])
	s.roles = []string{"r_owner" + suffix, "r_app" + suffix, "r_dashboard" + suffix}
	s.as(s.owner).run(t, 0, "", append([]string{"migrate"}, s.flags()...)...)
	must(t, s.owner, "GRANT "+s.roles[1]+" TO "+logins[1])
	must(t, s.owner, "GRANT "+s.roles[2]+" TO "+logins[2])
	return s
}

// fails runs soquy, wants it to end with an exit code and the code of a failure, and returns what it said.
func (s soquy) fails(t *testing.T, wantExit int, code, stdin string, args ...string) string {
	t.Helper()
	return s.failsIn(t, "en", wantExit, code, stdin, args...)
}

// failsIn is fails in a language.
func (s soquy) failsIn(t *testing.T, language string, wantExit int, code, stdin string, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	args = append([]string{"--lang", language}, args...)
	exit := cli.Main(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, s.env, app.New(s.env))
	if exit != wantExit || !strings.HasSuffix(strings.TrimSpace(stderr.String()), "["+code+"]") {
		t.Errorf("soquy %v: exit %d, want %d and %s\n%s%s", args, exit, wantExit, code, stdout.String(), stderr.String())
	}
	return stderr.String()
}

func execAs(ctx context.Context, url, query string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, query)
	return err
}

func must(t *testing.T, url, query string) {
	t.Helper()
	if err := execAs(t.Context(), url, query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

// TestRoles does as each role what it is for, and tries what it must not.
func TestRoles(t *testing.T) {
	s := serve(t)
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	app := s.as(s.app)
	app.run(t, 0, "", "init", "--origin", "example.org/soquy/test")
	app.run(t, 1, string(history), "record", "-")
	app.run(t, 0, `{"type":"register_donor","effective_on":"2017-01-02","data":{"code":"KIN","kind":"organisation","name":"Công ty kín tiếng"}}`, "record", "-")
	app.run(t, 0, "", "rebuild")
	app.run(t, 0, "", "verify")
	app.run(t, 0, "", "totals")
	var answer struct{ Roles, Made []string }
	again := s.as(s.owner).run(t, 0, "", append([]string{"migrate", "--json"}, s.flags()...)...)
	if err := json.Unmarshal([]byte(again), &answer); err != nil || len(answer.Made) != 0 || len(answer.Roles) != 3 {
		t.Errorf("migrate again: %v\n%s", err, again)
	}
	app.run(t, 0, `{"type":"open_fund","effective_on":"2017-06-01","data":{"code":"MOI","unit":"T","name":"Quỹ mới"}}`, "record", "-")

	// Only who owns the database can forbid temporary tables.
	must(t, s.app, `CREATE TEMPORARY TABLE x (x int)`)
	s.as(s.admin).run(t, 0, "", append([]string{"migrate"}, s.flags()...)...)
	refused(t, s.dashboard, `CREATE TEMPORARY TABLE x (x int)`)

	definers := lines(t, s.admin, `SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'soquy'::regnamespace`)
	if !slices.Equal(definers, []string{"ensure_partition"}) {
		t.Errorf("functions with the rights of the owner: %q", definers)
	}
	// A partition is made with the rights of the function's owner, and nobody else can touch it.
	must(t, s.app, `SELECT soquy.ensure_partition(3::bigint << 24)`)
	const partition = `soquy.events_000000000000`
	must(t, s.app, `GRANT ALL ON soquy.events TO CURRENT_USER`) // the server warns, and gives nothing
	for _, query := range []string{
		`UPDATE soquy.events SET type = ''`,
		`DELETE FROM soquy.events`,
		`TRUNCATE soquy.events`,
		`TRUNCATE soquy.ledgers, soquy.events CASCADE`,
		`INSERT INTO soquy.events SELECT * FROM soquy.events ON CONFLICT (ledger_id, position) DO UPDATE SET type = ''`,
		`MERGE INTO soquy.events e USING soquy.ledgers l ON e.ledger_id = l.ledger_id WHEN MATCHED THEN DELETE`,
		`SELECT FROM soquy.events FOR UPDATE`,
		`BEGIN; LOCK TABLE soquy.events IN ACCESS EXCLUSIVE MODE`,
		`SELECT FROM ` + partition,
		`INSERT INTO ` + partition + ` SELECT * FROM soquy.events`,
		`UPDATE ` + partition + ` SET type = ''`,
		`DELETE FROM ` + partition,
		`TRUNCATE ` + partition,
		`DROP TABLE ` + partition,
		`ALTER TABLE soquy.events DETACH PARTITION ` + partition,
		`ALTER TABLE soquy.events DISABLE TRIGGER ALL`,
		`ALTER TABLE ` + partition + ` DISABLE TRIGGER USER`,
		`ALTER TABLE soquy.events ADD COLUMN x int`,
		`ALTER TABLE soquy.events OWNER TO CURRENT_USER`,
		`DROP TRIGGER events_no_change ON soquy.events`,
		`CREATE TRIGGER x BEFORE INSERT ON soquy.events FOR EACH ROW EXECUTE FUNCTION soquy.refuse_change('x')`,
		`CREATE RULE x AS ON INSERT TO soquy.events DO INSTEAD NOTHING`,
		`CREATE INDEX x ON soquy.events (type)`,
		`DROP TABLE soquy.events`,
		`DROP SCHEMA soquy CASCADE`,
		`CREATE TABLE soquy.x (x int)`,
		`CREATE TEMPORARY TABLE x (x int)`,
		`CREATE TABLE soquy.x PARTITION OF soquy.events FOR VALUES FROM (100000000) TO (200000000)`,
		`CREATE TABLE reporting.x (x int)`,
		`CREATE OR REPLACE FUNCTION soquy.refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'`,
		`ALTER FUNCTION soquy.ensure_partition(bigint) SECURITY INVOKER`,
		`CREATE ROLE x`,
		`SET ROLE ` + s.roles[0],
		`SET ROLE postgres`,
		`SET SESSION AUTHORIZATION postgres`,
		`SET session_replication_role = replica`,
		`UPDATE soquy.tiles SET level = 1`,
		`DELETE FROM soquy.tiles`,
		`UPDATE soquy.subjects SET position = 1`,
		`DELETE FROM soquy.subjects`,
		`UPDATE soquy.subject_runs SET position = 1`,
		`TRUNCATE soquy.subject_runs`,
		`UPDATE soquy.commands SET first_position = 1`,
		`DELETE FROM soquy.commands`,
		`DELETE FROM soquy.ledgers`,
		`UPDATE soquy.origins SET origin = ''`,
		`DELETE FROM soquy.origins`,
		`DELETE FROM soquy.checkpoints`,
		`UPDATE soquy.checkpoints SET note = ''`,
		`UPDATE soquy.private SET document = ''`,
		`TRUNCATE soquy.private`,
		`INSERT INTO soquy.goose_db_version (version_id, is_applied) VALUES (99, true)`,
		`SELECT FROM reporting.balances`,
	} {
		refused(t, s.app, query)
	}

	// Not even the owner changes an event: it would have to take the triggers away first, which verify finds.
	for _, query := range []string{
		`UPDATE soquy.events SET type = ''`, `DELETE FROM soquy.events`, `TRUNCATE soquy.events`, `UPDATE ` + partition + ` SET type = ''`,
		`DELETE FROM soquy.events_000000000000`, `TRUNCATE soquy.events_000000000000`,
	} {
		var e *pgconn.PgError
		if err := execAs(t.Context(), s.owner, query); !errors.As(err, &e) || e.Code != "23001" {
			t.Errorf("%s as the owner: %v, want it refused by the trigger", query, err)
		}
	}

	tables := append([]string{
		"goose_db_version", "origins", "ledgers", "events", "events_000000000000", "subjects", "subject_runs", "commands", "tiles", "checkpoints", "snapshots",
		"private", "progress", "rebuilds", "reporting_facts",
	}, readModelTables()...)
	for _, table := range tables {
		refused(t, s.dashboard, `SELECT FROM soquy.`+table)
	}
	for _, query := range []string{
		`SELECT soquy.ensure_partition(1)`,
		`CREATE VIEW reporting.x AS SELECT 1`,
		`DROP VIEW reporting.balances`,
		`CREATE OR REPLACE VIEW reporting.balances AS SELECT 1`,
		`ALTER VIEW reporting.balances OWNER TO CURRENT_USER`,
		`ALTER VIEW reporting.donors RESET (security_barrier)`,
		`SET ROLE ` + s.roles[0],
		`SET ROLE ` + s.roles[1],
	} {
		refused(t, s.dashboard, query)
	}
	for _, query := range []string{ // they cannot be written whatever the rights
		`DELETE FROM reporting.donors`,
		`UPDATE reporting.funds SET name = ''`,
		`INSERT INTO reporting.funds (fund) VALUES ('x')`,
	} {
		if err := execAs(t.Context(), s.dashboard, query); err == nil {
			t.Errorf("%s was not refused", query)
		}
	}
	// A function of its own, where it may make one, is not shown what a view leaves out.
	must(t, s.admin, `DO $$ BEGIN EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database()); END $$`)
	leak := `CREATE FUNCTION pg_temp.leak(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS 'BEGIN RAISE NOTICE ''saw %'', $1; RETURN true; END'`
	config, err := pgx.ParseConfig(s.dashboard)
	if err != nil {
		t.Fatal(err)
	}
	var saw []string
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { saw = append(saw, n.Message) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, query := range []string{leak, `SELECT * FROM reporting.donors WHERE pg_temp.leak(name)`} {
		if _, err := conn.Exec(t.Context(), query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	if len(saw) == 0 || strings.Contains(strings.Join(saw, "\n"), "Công ty kín tiếng") {
		t.Errorf("a function in a question saw %q", saw)
	}
	app.run(t, 0, "", "verify")
}

func readModelTables() []string {
	var names []string
	for _, m := range projections.Models() {
		for _, table := range m.All() {
			names = append(names, table.Name)
		}
	}
	return names
}

// refused wants the server to refuse a statement for want of a right.
func refused(t *testing.T, url, query string) {
	t.Helper()
	err := execAs(t.Context(), url, query)
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Code != "42501" {
		t.Errorf("%s: %v, want it refused for want of a right", query, err)
	}
}

// TestMissingRights takes rights away and looks that the one that is missing is named, before anything was done.
func TestMissingRights(t *testing.T) {
	s := serve(t)
	app := s.as(s.app)
	app.run(t, 0, "", "init")
	gift := `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}`
	for _, test := range []struct {
		right, object string
		args          []string
		want          string
	}{
		{"INSERT", "TABLE soquy.events", []string{"record", "-"}, "INSERT ON soquy.events"},
		{"UPDATE", "TABLE soquy.ledgers", []string{"record", "-"}, "UPDATE ON soquy.ledgers"},
		{"SELECT", "TABLE soquy.balances", []string{"balance"}, "SELECT ON soquy.balances"},
		{"DELETE", "TABLE soquy.private", []string{"record", "-"}, "DELETE ON soquy.private"},
		{"EXECUTE", "FUNCTION soquy.ensure_partition(bigint)", []string{"record", "-"}, "EXECUTE ON FUNCTION soquy.ensure_partition"},
		{"USAGE", "SCHEMA soquy", []string{"balance"}, "USAGE ON SCHEMA soquy"},
	} {
		must(t, s.owner, "REVOKE "+test.right+" ON "+test.object+" FROM "+s.roles[1])
		for _, lang := range []string{"en", "vi"} {
			got := app.fails(t, cli.ExitUnusable, "database.rights", gift, append([]string{"--lang", lang}, test.args...)...)
			if !strings.Contains(got, " "+test.want+".") {
				t.Errorf("without %s: %s", test.want, got)
			}
		}
		must(t, s.owner, "GRANT "+test.right+" ON "+test.object+" TO "+s.roles[1])
	}
	app.run(t, 0, gift, "record", "-")
	if got := s.as(s.dashboard).fails(t, cli.ExitUnusable, "database.rights", "", "balance"); !strings.Contains(got, "USAGE ON SCHEMA soquy") {
		t.Errorf("the dashboard: %s", got)
	}
	// The application cannot migrate.
	got := app.fails(t, cli.ExitUnusable, "database.rights", "", append([]string{"migrate"}, s.flags()...)...)
	if !strings.Contains(got, "MEMBER OF "+s.roles[0]) {
		t.Errorf("migrate: %s", got)
	}
	got = app.fails(t, cli.ExitUnusable, "database.rights", "", "migrate", "--owner-role", s.roles[0]+"x", "--app-role", "ax", "--dashboard-role", "dx")
	if !strings.Contains(got, "CREATEROLE, OWNER OF SCHEMA reporting ("+s.roles[0]+"), OWNER OF SCHEMA soquy") {
		t.Errorf("migrate with roles that are not there: %s", got)
	}
	// A role that could do all is no application role.
	s.as(s.owner).fails(t, cli.ExitUnusable, "database.roles", "", "migrate", "--owner-role", s.roles[0], "--app-role", "postgres", "--dashboard-role", s.roles[2])
	s.as(s.owner).fails(t, cli.ExitUsage, "usage.roles", "", "migrate", "--owner-role", "a", "--app-role", "a")
	// An older schema is the owner's to change.
	must(t, s.admin, `DELETE FROM soquy.goose_db_version WHERE version_id = 3; DROP SCHEMA reporting CASCADE; CREATE SCHEMA reporting AUTHORIZATION `+s.roles[0])
	app.fails(t, cli.ExitUnusable, "database.older", gift, "record", "-")
}

// TestMigrateTakesOver gives the tables that a single user made to the owner, and takes away what was granted beyond.
func TestMigrateTakesOver(t *testing.T) {
	s := serve(t)
	u, err := url.Parse(s.owner)
	if err != nil {
		t.Fatal(err)
	}
	me := u.User.Username()
	must(t, s.admin, `DROP SCHEMA soquy, reporting CASCADE`)
	single := s.as(s.owner)
	single.run(t, 0, "", "init")
	must(t, s.owner, `GRANT ALL ON soquy.events, soquy.private TO PUBLIC; GRANT USAGE ON SCHEMA soquy TO `+s.roles[2])
	must(t, s.owner, `GRANT DELETE ON soquy.tiles TO `+s.roles[1])
	single.run(t, 0, "", append([]string{"migrate"}, s.flags()...)...)
	s.as(s.app).run(t, 0, "", "verify")
	refused(t, s.app, `DELETE FROM soquy.events`)
	refused(t, s.app, `DELETE FROM soquy.tiles`)
	refused(t, s.dashboard, `SELECT FROM soquy.private`)
	conn, err := pgx.Connect(t.Context(), s.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	const owned = `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE n.nspname IN ('soquy', 'reporting') AND pg_get_userbyid(c.relowner) <> $1`
	var others int
	if err := conn.QueryRow(t.Context(), owned, s.roles[0]).Scan(&others); err != nil || others != 0 {
		t.Errorf("%d things are not the owner's but perhaps %s's (%v)", others, me, err)
	}
}
