package bench

import (
	"testing"
	"time"
)

func TestFigures(t *testing.T) {
	f := newFigures()
	for _, v := range []float64{60_000, 40_000, 50_000} {
		f.add(Row{Measure: "limit-64", Unit: rowsPerSecond}, v)
	}
	for _, v := range []float64{20_000, 10_000, 12_000, 14_000} {
		f.add(Row{Measure: "append-hot", Unit: commandsPerSecond}, v)
	}
	f.add(Row{Measure: "append-hot-8", Unit: commandsPerSecond}, 5_000)
	f.add(Row{Measure: "append-hot-p50", Unit: milliseconds}, 3)
	f.add(Row{Measure: "limit-one", Unit: milliseconds}, 0.5)
	f.add(Row{Measure: "append-one", Unit: milliseconds}, 1)
	f.add(Row{Measure: "bulk-list", Unit: eventsPerSecond}, 11_000)
	f.add(Row{Measure: "balance", Unit: milliseconds}, 1.5)
	f.add(Row{Measure: "verify", Unit: eventsPerSecond}, 9) // nobody measured the raw read
	tests := []struct {
		measure              string
		value, min, max      float64
		limit, ratio, goal   float64 // 0: none
		metPostgres, metLite bool
	}{
		{measure: "limit-64", value: 50_000, min: 40_000, max: 60_000},
		{"append-hot", 13_000, 10_000, 20_000, 50_000, 0.26, 0.30, false, false},
		{measure: "append-hot-8", value: 5_000, min: 5_000, max: 5_000, limit: 50_000, ratio: 0.1},
		{measure: "append-hot-p50", value: 3, min: 3, max: 3},
		{measure: "limit-one", value: 0.5, min: 0.5, max: 0.5},
		{"append-one", 1, 1, 1, 0.5, 2, 2, true, true},
		{"bulk-list", 11_000, 11_000, 11_000, 50_000, 0.22, 0.25, false, true},
		{"balance", 1.5, 1.5, 1.5, 0, 0, 1, false, false},
		{measure: "verify", value: 9, min: 9, max: 9},
	}
	of := func(p *float64) float64 {
		if p == nil {
			return 0
		}
		return *p
	}
	for _, kind := range []Kind{Postgres, SQLite} {
		rows := f.list(kind)
		if len(rows) != len(tests) {
			t.Fatalf("%d rows, want %d", len(rows), len(tests))
		}
		for i, tt := range tests {
			r, want, met := &rows[i], tt.goal, tt.metPostgres
			if kind == SQLite {
				met = tt.metLite
				if tt.measure == "bulk-list" {
					want = 0.20
				}
			}
			if r.Measure != tt.measure || r.Value != tt.value || r.Min != tt.min || r.Max != tt.max ||
				of(r.Limit) != tt.limit || of(r.Ratio) != tt.ratio || of(r.Goal) != want {
				t.Errorf("kind %d: %+v, want %+v", kind, *r, tt)
			}
			if (r.Met != nil) != (want != 0) || r.Met != nil && *r.Met != met {
				t.Errorf("kind %d: %s: met %v, want %v", kind, r.Measure, r.Met, met)
			}
		}
	}
}

func TestQuantile(t *testing.T) {
	var list []time.Duration
	if got := quantile(list, 0.99); got != 0 {
		t.Errorf("quantile of nothing: %v", got)
	}
	for i := range 100 {
		list = append(list, time.Duration(i+1)*time.Millisecond)
	}
	for q, want := range map[float64]float64{0.5: 51, 0.99: 100, 1: 100, 0: 1} {
		if got := quantile(list, q); got != want {
			t.Errorf("quantile %v: %v, want %v", q, got, want)
		}
	}
}

// Every measure that has a goal can be asked for, or belongs to one that can.
func TestGoals(t *testing.T) {
	known := map[string]bool{"balance-writing": true, "balance-as-of-writing": true, "totals-all": true}
	for _, m := range Measures() {
		known[m] = true
	}
	for _, kind := range []Kind{Postgres, SQLite} {
		all := goals(kind)
		for measure := range all {
			if !known[measure] {
				t.Errorf("%s has a goal and is unknown", measure)
			}
		}
		for _, m := range Measures() {
			if _, ok := all[m]; !ok && m != "limit" {
				t.Errorf("%s has no goal", m)
			}
		}
	}
}

func TestDays(t *testing.T) {
	from, to := halfYear()
	if got := day(from, to, 0); got != from {
		t.Errorf("first day %v", got)
	}
	if got := day(from, to, 0.999999); got != to {
		t.Errorf("last day %v", got)
	}
	if after, _ := afterHalfYear(); after != to+1 {
		t.Errorf("the years after begin on %v", after)
	}
}
