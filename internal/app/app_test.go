package app_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/pgtest"
)

// soquy is the program on one database, with keys of its own.
type soquy struct{ db, keys string }

func (s soquy) env(name string) string {
	return map[string]string{"SOQUY_DB": s.db, "SOQUY_KEYS": s.keys}[name]
}

// run runs soquy and returns what it printed.
func (s soquy) run(t *testing.T, wantExit int, stdin string, args ...string) string {
	t.Helper()
	exit, stdout, stderr := s.try(t, stdin, args...)
	if exit != wantExit {
		t.Fatalf("soquy %v: exit %d, want %d\n%s%s", args, exit, wantExit, stdout, stderr)
	}
	return stdout
}

// try runs soquy and returns how it ended and what it printed.
func (s soquy) try(t *testing.T, stdin string, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, said bytes.Buffer
	args = append([]string{"--lang", "en"}, args...)
	exit = cli.Main(t.Context(), args, strings.NewReader(stdin), &out, &said, s.env, app.New(s.env))
	return exit, out.String(), said.String()
}

// TestDemoOnPostgres: the demo's log is the same on both databases. That of SQLite is pinned in internal/demo.
func TestDemoOnPostgres(t *testing.T) {
	demo := soquy{db: pgtest.Database(t)}
	pinned, err := os.ReadFile("../demo/testdata/seed-1.root") // "SIZE ROOT"
	if err != nil {
		t.Fatal(err)
	}
	_, root, _ := strings.Cut(strings.TrimSpace(string(pinned)), " ")
	out := demo.run(t, 0, "", "demo", "--seed", "1", "--exit")
	if !strings.Contains(out, root) {
		t.Errorf("the demo's root is not %s:\n%s", root, out)
	}
	for _, figure := range []string{"35,151", "1,207", "2,218,000,000", "5,777,000,000", "699,000,000", "24,500,000,000", "59,900,000,000", "155,232", "65,103", "69,710"} {
		if n := strings.Count(out, figure); n < 2 {
			t.Errorf("figure %s stands %d times in the report, want as published and in the ledger", figure, n)
		}
	}
	// So are its read models, whose digests on SQLite are pinned there, too; the scratch database of a replay is SQLite's.
	digests, err := os.ReadFile("../demo/testdata/seed-1.digests") // "NAME VERSION DIGEST"
	if err != nil {
		t.Fatal(err)
	}
	again := demo.run(t, 0, "", "replay", "--json")
	for line := range strings.Lines(strings.TrimSpace(string(digests))) {
		f := strings.Fields(line)
		if want := fmt.Sprintf(`{"name":%q,"version":%s,"digest":%q,"live":%q}`, f[0], f[1], f[2], f[2]); !strings.Contains(again, want) {
			t.Errorf("replay lacks %s:\n%s", want, again)
		}
	}
}

// same replaces what differs between two runs: IDs, instants, hashes, keys, signatures, today.
func same(s string) string {
	for _, r := range [][2]string{
		{`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`, "ID"},
		{`…[0-9a-f]{8}`, "…ID"},
		{`\d{4}-\d\d-\d\dT[0-9:.]+Z`, "INSTANT"},
		{`\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}`, "+KEY"},
		{`— (\S+) [A-Za-z0-9+/]+=*`, "— $1 SIGNATURE"},
		{`[A-Za-z0-9+/]{43}=`, "HASH"},
		{`("ledger.opened".*"effective_on":)"[0-9-]+"`, `$1"TODAY"`},
		{`("effective_on":)"[0-9-]+"(,"recorded_at":"INSTANT","type":"ledger.opened")`, `$1"TODAY"$2`},
	} {
		s = regexp.MustCompile(r[0]).ReplaceAllString(s, r[1])
	}
	return s
}

// TestBothDatabasesAgree records the same history on SQLite and on PostgreSQL, and asks both the same questions.
func TestBothDatabasesAgree(t *testing.T) {
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	questions := [][]string{
		{"balance"},
		{"balance", "--as-of", "2017-03-31"},
		{"totals"},
		{"totals", "--by", "unit-level"},
		{"totals", "--by", "unit,month", "--paid"},
		{"totals", "--by", "unit", "--rollup"},
		{"totals", "--by", "unit", "--rollup", "--structure", "today"},
		{"totals", "--by", "school-year,cause,education-level,achievement-level"},
		{"totals", "--by", "fund,asset,donor-kind,quarter,year", "--from", "2017-02-01", "--to", "2017-05-31"},
		{"totals", "--within", "H1", "--measure", "merit_award,hardship_grant"},
		{"balance", "--known-at", "27"},
		{"totals", "--by", "unit-level", "--known-at", "30"},
		{"history", "--subject", "fund:HB", "--known-at", "30"},
		{"indicators"},
		{"vouchers"},
		{"vouchers", "--known-at", "34"},
		{"donor", "list", "--known-at", "28"},
		{"indicators", "--known-at", "40"},
		{"history", "--subject", "fund:HB"},
		{"events"},
		{"trial-balance"},
		{"trial-balance", "--as-of", "2017-03-05", "--unit", "X1"},
		{"trial-balance", "--known-at", "40"},
		{"ledger", "--account", "assets", "--from", "2017-03-02"},
		{"ledger", "--account", "expenses", "--unit", "X1"},
		{"cash-book", "--unit", "X1", "--month", "2017-03", "--lang", "en"},
		{"history", "--subject", "unit:X1"},
		{"history", "--subject", "person:01970000-0000-7000-8000-000000000903"},
		{"history", "--subject", "donor:CTY"},
		{"history", "--subject", "pledge:CK1"},
		{"history", "--subject", "voucher:X1/PC-2017-000001"},
		{"replay"},
		{"replay", "--to", "30"},
		{"replay", "--step", "--to", "30"},
		{"report", "half-year", "--half", "2017-1", "--draft"},
		{"report", "half-year", "--half", "2017-1", "--draft", "--within", "X1", "--position", "40"},
		{"explain", "event", "30"},
		{"explain", "event", "45"},
		{"explain", "balance", "--fund", "HB", "--asset", "cash"},
		{"diff", "balance", "--known-at", "27", "--known-at", "45"},
		{"diff", "balance", "--unit", "X1", "--as-of", "2017-06-01", "--known-at", "30", "--known-at", "2100-01-01"},
		{"diff", "totals", "--by", "unit", "--rollup", "--structure", "today", "--known-at", "50", "--known-at", "35"},
		{"diff", "totals", "--within", "X1", "--measure", "merit_award,hardship_grant,support", "--known-at", "35", "--known-at", "2100-01-01"},
		{"sample", "--method", "mus", "--seed", "a", "--size", "5"},
		{"sample", "--method", "random", "--seed", "a", "--size", "5"},
		{"sample", "--method", "top", "--size", "5", "--csv", "-"},
		{"anomalies", "--limit", "1000000", "--rule", "duplicate_grant,duplicate_gift,duplicate_expense,duplicate_reference,split,round_sum,voucher_gap"},
		{"export", "hledger", "-"},
		{"export", "beancount", "-"},
		{"verify"},
	}
	answers := map[string][]string{}
	for name, db := range map[string]string{"sqlite": filepath.Join(t.TempDir(), "a.db"), "postgres": pgtest.Database(t)} {
		s := soquy{db: db, keys: t.TempDir()}
		s.run(t, 0, "", "init", "--origin", "example.org/soquy/test")
		first := s.run(t, 1, string(history), "record", "-")
		answers[name] = append(answers[name], same(first))
		for _, q := range questions {
			answers[name] = append(answers[name], same(s.run(t, 0, "", append(q, "--json")...)))
		}
		s.run(t, 0, "", "rebuild")
		answers[name] = append(answers[name], same(s.run(t, 0, "", "verify", "--json")))
		// Recorded once more, what was accepted is answered as before, to the byte, and nothing is stored.
		again := s.run(t, 1, string(history), "record", "-")
		if diff := cmp.Diff(accepted(first), accepted(again)); diff != "" {
			t.Errorf("%s: repeats were answered otherwise (-first +again):\n%s", name, diff)
		}
	}
	if diff := cmp.Diff(answers["sqlite"], answers["postgres"]); diff != "" {
		t.Errorf("the databases differ (-sqlite +postgres):\n%s", diff)
	}
	golden := strings.Join(answers["sqlite"], "\n")
	if update {
		if err := os.WriteFile("testdata/answers.golden", []byte(golden), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/answers.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(golden, "\n")); diff != "" {
		t.Errorf("answers differ from the golden file (-want +got):\n%s", diff)
	}
}

// accepted returns the answers that are no refusals.
func accepted(answers string) []string {
	var list []string
	for line := range strings.Lines(answers) {
		if !strings.Contains(line, `"refused"`) {
			list = append(list, line)
		}
	}
	return list
}
