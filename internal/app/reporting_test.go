package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/pgtest"
)

// lines asks a question as a role, and returns its rows as text, sorted.
func lines(t *testing.T, url, query string, args ...any) []string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.WithoutCancel(t.Context()))
	rows, err := conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	slices.Sort(list)
	return list
}

// answer is what a reading command prints with --json.
type answer struct {
	Position int64
	Root     string
	Balances []struct {
		Fund, Unit, Asset, Currency, Posted, Encumbered, Available string
		Measure, Quantity                                          string
		QuantityEncumbered                                         string `json:"quantity_encumbered"`
	}
	Rows []struct {
		By                  map[string]string
		Measure, Recipient  string
		Grants, People      int64
		Amount, Currency    string
		Unit, Number        string
		EffectiveOn         string `json:"effective_on"`
		Cancelled           bool
		Indicator, From, To string
		Value, Of           string
	}
}

func ask(t *testing.T, s soquy, args ...string) answer {
	t.Helper()
	var a answer
	out := s.run(t, 0, "", append(args, "--json")...)
	if err := json.Unmarshal([]byte(out), &a); err != nil {
		t.Fatalf("soquy %v: %v", args, err)
	}
	return a
}

// TestReporting compares what a dashboard sees with what the command line answers, on a mixed history and on the demo.
func TestReporting(t *testing.T) {
	s := serve(t)
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	app := s.as(s.app)
	const mixed, dollars = "example.org/soquy/test", "example.org/soquy/usd"
	app.run(t, 0, "", "init", "--ledger", mixed)
	app.run(t, 1, string(history), "record", "-", "--ledger", mixed)
	app.run(t, 0, "", "init", "--ledger", dollars, "--currency", "USD")
	app.run(t, 0, `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}
{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"Quỹ"}}
{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"A","kind":"anonymous"}}
{"type":"receive_donation","effective_on":"2017-02-03","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"12.34"}]}}
`, "record", "-", "--ledger", dollars)
	app.run(t, 0, "", "demo", "--seed", "1", "--exit", "--ledger", "soquy.invalid/demo-1")
	must(t, s.admin, "ANALYZE") // which autovacuum has not come to yet
	for _, ledger := range []string{mixed, dollars, "soquy.invalid/demo-1"} {
		t.Run(ledger, func(t *testing.T) { compareReporting(t, app, s.dashboard, ledger) })
	}
	t.Run("rebuilt", func(t *testing.T) { // the other slot is live now
		app.run(t, 0, "", "rebuild", "--ledger", mixed)
		compareReporting(t, app, s.dashboard, mixed)
	})
}

func compareReporting(t *testing.T, app soquy, dashboard, ledger string) {
	same := func(what string, want []string, query string, args ...any) {
		t.Helper()
		slices.Sort(want)
		if diff := cmp.Diff(want, lines(t, dashboard, query, append([]any{ledger}, args...)...), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-command +view):\n%s", what, diff)
		}
	}
	balances := ask(t, app, "balance", "--ledger", ledger)
	same("ledgers", []string{fmt.Sprint(balances.Position, " ", balances.Root)}, `SELECT concat(position, ' ', root) FROM reporting.ledgers WHERE ledger = $1`)
	var want []string
	for _, b := range balances.Balances {
		want = append(want, strings.Join([]string{
			b.Fund, b.Unit, b.Asset, b.Currency, b.Posted, b.Encumbered, b.Available, b.Measure, b.Quantity, b.QuantityEncumbered,
		}, "|"))
	}
	same("balances", want, `SELECT concat_ws('|', fund, unit, asset, currency, posted, encumbered, available, measure,
		trim_scale(quantity), trim_scale(quantity_encumbered)) FROM reporting.balances WHERE ledger = $1`)

	for _, by := range []string{
		"", "unit-level", "unit,month", "fund,asset,donor-kind,quarter,year", "school-year,cause,education-level,achievement-level",
	} {
		for _, paid := range []bool{false, true} {
			for _, dates := range [][2]string{{}, {"2017-02-01", "2017-05-31"}} {
				if large := ledger == "soquy.invalid/demo-1"; large && (dates[0] != "" || by != "" && by != "unit,month") {
					continue
				}
				for _, within := range []string{"", "H1"} {
					if within != "" && ledger != "example.org/soquy/test" {
						continue
					}
					args := []string{"totals", "--ledger", ledger, "--structure", "today"}
					var dims []string
					if by != "" {
						args, dims = append(args, "--by", by), strings.Split(by, ",")
					}
					if paid {
						args = append(args, "--paid")
					}
					var first, last *string
					if dates[0] != "" {
						args, first, last = append(args, "--from", dates[0], "--to", dates[1]), &dates[0], &dates[1]
					}
					if within != "" {
						args = append(args, "--within", within)
					}
					var want []string
					for _, r := range ask(t, app, args...).Rows {
						var values []string
						for _, d := range dims {
							values = append(values, r.By[d])
						}
						want = append(want, fmt.Sprintf("%s|%s|%s|%d|%d|%s|%s", strings.Join(values, ","), r.Measure, r.Recipient, r.Grants, r.People, r.Amount, r.Currency))
					}
					same(strings.Join(args, " "), want, `SELECT concat_ws('|', array_to_string("values", ','), measure, recipient, grants, people, amount, currency)
						FROM reporting.totals_by($1, $2, $3::text::date, $4::text::date, $5,
							CASE WHEN $6 <> '' THEN (SELECT array_agg(unit) FROM reporting.units WHERE ledger = $1 AND path @> ARRAY[$6::text]) END)`,
						append([]string{}, dims...), first, last, paid, within)
				}
			}
		}
	}
	for view, args := range map[string][]string{"totals": nil, "totals_paid": {"--paid"}} {
		var want []string
		for _, r := range ask(t, app, append([]string{"totals", "--ledger", ledger, "--by", "unit-level,month,fund"}, args...)...).Rows {
			if r.Grants != 0 || r.Amount != "0" && r.Amount != "0.00" {
				want = append(want, fmt.Sprintf("%s|%s|%s|%s|%s|%d|%s", r.By["unit-level"], r.By["month"], r.By["fund"], r.Measure, r.Recipient, r.Grants, r.Amount))
			}
		}
		same(view, want, `SELECT concat_ws('|', unit_level, to_char(day, 'YYYY-MM'), fund, measure, recipient, sum(grants), sum(amount))
			FROM reporting.`+view+` WHERE ledger = $1 GROUP BY unit_level, to_char(day, 'YYYY-MM'), fund, measure, recipient
			HAVING sum(grants) <> 0 OR sum(amount) <> 0`)
	}

	want = nil
	for _, r := range ask(t, app, "indicators", "--ledger", ledger).Rows {
		want = append(want, strings.Join([]string{r.Unit, r.Indicator, r.From, r.To, r.Value, r.Of, r.Measure}, "|"))
	}
	same("indicators", want, `SELECT concat_ws('|', unit, indicator, from_on, to_on, value, coalesce(of_value::text, ''), coalesce(measure, ''))
		FROM reporting.indicators WHERE ledger = $1`)
	want = nil
	for _, r := range ask(t, app, "vouchers", "--ledger", ledger).Rows {
		want = append(want, fmt.Sprintf("%s|%s|%s|%s|%t", r.Unit, r.Number, r.EffectiveOn, r.Amount, r.Cancelled))
	}
	same("vouchers", want, `SELECT concat(unit, '|', number, '|', effective_on, '|', amount, '|', cancelled::text) FROM reporting.vouchers WHERE ledger = $1`)

	// Grants: what was granted less what was cancelled, and what was paid, by kind, are the totals' amounts.
	for paid, column := range map[bool]string{false: "amount - cancelled", true: "paid"} {
		sums := map[string]string{}
		args := []string{"totals", "--ledger", ledger, "--by", "fund", "--measure", "merit_award,scholarship,hardship_grant,support"}
		if paid {
			args = append(args, "--paid")
		}
		for _, r := range ask(t, app, args...).Rows {
			if r.Amount != "0" {
				sums[r.By["fund"]+"|"+r.Measure+"|"+r.Recipient] = r.Amount
			}
		}
		want = nil
		for key, amount := range sums {
			want = append(want, key+"|"+amount)
		}
		same("grants "+column, want, `SELECT concat_ws('|', fund, kind, recipient, sum(`+column+`)) FROM reporting.grants WHERE ledger = $1
			GROUP BY fund, kind, recipient HAVING sum(`+column+`) <> 0`)
	}
	var returned []string
	for _, r := range ask(t, app, "totals", "--ledger", ledger, "--by", "fund", "--measure", "returned").Rows {
		returned = append(returned, r.By["fund"]+"|"+r.Recipient+"|"+r.Amount)
	}
	same("grants returned", returned, `SELECT concat_ws('|', fund, recipient, sum(returned)) FROM reporting.grants WHERE ledger = $1
		GROUP BY fund, recipient HAVING sum(returned) <> 0`)
	// What is open of all grants of a holding is what is reserved in it.
	want = nil
	for _, b := range balances.Balances {
		if b.Encumbered != "0" && b.Encumbered != "0.00" {
			want = append(want, b.Fund+"|"+b.Asset+"|"+b.Encumbered)
		}
	}
	same("grants open", want, `SELECT concat_ws('|', fund, asset, sum(amount - paid - cancelled)) FROM reporting.grants WHERE ledger = $1
		GROUP BY fund, asset HAVING sum(amount - paid - cancelled) <> 0`)

	same("units", lines(t, dashboard, `SELECT unit FROM reporting.units WHERE ledger = $1 AND path[1] = unit`, ledger), `SELECT unit FROM reporting.units WHERE ledger = $1`)
	same("donors", nil, `SELECT concat(d.donor) FROM reporting.donors d WHERE d.ledger = $1 AND d.name = ''`)
	same("pledges", nil, `SELECT concat(p.pledge) FROM reporting.pledges p
		WHERE p.ledger = $1 AND p.donor IS NOT NULL AND p.donor NOT IN (SELECT donor FROM reporting.donors WHERE ledger = $1)`)
}

// TestReportingColumns pins the views, which others' dashboards are built on, and that each column says what it is.
func TestReportingColumns(t *testing.T) {
	url := pgtest.Database(t)
	soquy{db: url, keys: t.TempDir()}.run(t, 0, "", "init")
	got := lines(t, url, `SELECT format('%s.%s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
			|| CASE WHEN coalesce(col_description(c.oid, a.attnum), '') = '' THEN ' NOT DESCRIBED' ELSE '' END
			|| CASE WHEN coalesce(obj_description(c.oid), '') = '' OR NOT 'security_barrier=true' = ANY (c.reloptions) THEN ' OF A VIEW NOT AS IT SHOULD BE' ELSE '' END
		FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
		WHERE n.nspname = 'reporting' AND a.attnum > 0`)
	got = append(got, lines(t, url, `SELECT p.oid::regprocedure || ' ' || pg_get_function_result(p.oid) FROM pg_proc p
		JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'reporting' AND obj_description(p.oid) <> ''`)...)
	golden := strings.Join(got, "\n") + "\n"
	if update {
		if err := os.WriteFile("testdata/reporting.golden", []byte(golden), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/reporting.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), golden); diff != "" {
		t.Errorf("the views are others than in the golden file (-want +got):\n%s", diff)
	}
}

// TestReportingDecimals: the view knows the decimals of every currency that a ledger can have.
func TestReportingDecimals(t *testing.T) {
	url := pgtest.Database(t)
	keys := t.TempDir()
	for _, code := range []string{"VND", "USD", "JPY", "KWD", "CLF", "ISK", "MGA", "TND", "UYI", "UYW"} {
		soquy{db: url, keys: keys}.run(t, 0, "", "init", "--currency", code, "--ledger", "example.org/"+strings.ToLower(code))
	}
	for _, line := range lines(t, url, `SELECT concat(currency, ' ', decimals) FROM reporting.ledgers`) {
		code, decimals, _ := strings.Cut(line, " ")
		c, err := money.LookupCurrency(code)
		if err != nil || fmt.Sprint(c.Decimals) != decimals {
			t.Errorf("%s, want %d (%v)", line, c.Decimals, err)
		}
	}
}
