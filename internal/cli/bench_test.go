package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
	"testing"
)

func (stub) BenchMeasures() []string { return []string{"append-hot", "import"} }

// measured is a Backend that has measured already.
type measured struct {
	stub
	asked *BenchOptions
}

func (m measured) Bench(_ context.Context, _ Target, o BenchOptions, _ Progress) (Bench, error) {
	*m.asked = o
	limit, ratio, goal, met := 60_000.04, 0.3100001, 0.3, true
	most, missed := 2.0, false
	over := 3.914
	return Bench{Machine: "2 × test", Database: "SQLite 3", Version: "v1", Rows: []BenchRow{
		{Measure: "limit-64", Text: "limit", Args: []string{"rows", "1024"}, Unit: "rows/s", Value: 60_000.04, Min: 59_000, Max: 61_000},
		{
			Measure: "append-hot", Text: "append", Args: []string{"callers", "64", "funds", "1000"}, Stat: "rate", Unit: "commands/s",
			Value: 18_600, Min: 18_000, Max: 19_000, Limit: &limit, Ratio: &ratio, Goal: &goal, Least: true, Met: &met,
		},
		{
			Measure: "append-one", Text: "append-one", Stat: "p50", Unit: "ms", Value: 1.04912, Min: 1.04912, Max: 1.04912,
			Limit: &limit, Ratio: &over, Goal: &most, Met: &missed,
		},
	}}, nil
}

func TestBenchOutput(t *testing.T) {
	var o BenchOptions
	run := func(args ...string) string {
		t.Helper()
		var out, errs bytes.Buffer
		args = append([]string{"bench", "--lang", "en"}, args...)
		if code := Main(t.Context(), args, nil, &out, &errs, noEnv, measured{asked: &o}); code != ExitDone {
			t.Fatalf("%s: exit code %d: %s", args, code, errs.String())
		}
		return out.String()
	}
	const want = `{"machine":"2 × test","database":"SQLite 3","version":"v1","rows":[` +
		`{"measure":"limit-64","what":"bare table with one key, 1,024 rows a durable commit (quick run: small ledgers, few repetitions)","unit":"rows/s","value":60000,"min":59000,"max":61000,"limit":null,"ratio":null,"goal":null,"met":null},` +
		`{"measure":"append-hot","what":"donations, callers: 64, funds: 1,000, rate (quick run: small ledgers, few repetitions)","unit":"commands/s","value":18600,"min":18000,"max":19000,"limit":60000,"ratio":0.31,"goal":0.3,"met":true},` +
		`{"measure":"append-one","what":"1 caller, beside a bare durable commit of one row, p50 (quick run: small ledgers, few repetitions)","unit":"ms","value":1.049,"min":1.049,"max":1.049,"limit":60000,"ratio":3.914,"goal":2,"met":false}]}` + "\n"
	if got := run("--json", "--quick", "--only", "import,append-hot"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if !o.Quick || strings.Join(o.Only, " ") != "import append-hot" {
		t.Errorf("asked for %+v", o)
	}
	table := run()
	for _, part := range []string{"≥ 0.3", "≤ 2", "18,600", "18,000 – 19,000", "yes", "NO", "1 goal was missed."} {
		if !strings.Contains(table, part) {
			t.Errorf("the table has no %q:\n%s", part, table)
		}
	}
	if strings.Contains(table, "quick run") || o.Quick || len(o.Only) != 0 {
		t.Errorf("a full run says otherwise: %+v\n%s", o, table)
	}
}

func TestFigure(t *testing.T) {
	for _, tt := range []struct {
		v    float64
		want string
	}{
		{0, "0"}, {1, "1"}, {0.5, "0.5"}, {123_456.7, "123457"}, {12.3456, "12.35"}, {9.99996, "10"}, {0.00123456, "0.001235"}, {-2.5, "-2.5"},
	} {
		raw, err := json.Marshal(figure(tt.v))
		if err != nil || string(raw) != tt.want {
			t.Errorf("%v: %s (%v), want %s", tt.v, raw, err, tt.want)
		}
	}
}
