package bench

import (
	"slices"
	"time"
)

// A Row is one figure.
type Row struct {
	Measure string
	Text    string   // what was measured: the name of a text
	Args    []string // of the text, names and values in turn
	Stat    string   // which figure of it: the name of a text; "" for the only one
	Unit    string

	Value, Min, Max float64 // the median of the repetitions, the least and the greatest
	Limit           *float64
	Ratio           *float64 // of Value to Limit
	Goal            *float64 // of Ratio where there is a limit, else of Value
	Least           bool     // the goal is to be reached, else not to be exceeded
	Met             *bool
}

// The units of figures.
const (
	commandsPerSecond = "commands/s"
	eventsPerSecond   = "events/s"
	rowsPerSecond     = "rows/s"
	milliseconds      = "ms"
	seconds           = "s"
	percent           = "%"
	megabytes         = "MB"
	bytesPerEvent     = "bytes/event"
	commandsPerBatch  = "commands/commit"
	perCommand        = "allocations/command"
	events            = "events"
)

// figures collects the repetitions of each figure, in the order in which the figures first came.
type figures struct {
	order []string
	rows  map[string]*Row
	all   map[string][]float64
}

func newFigures() *figures {
	return &figures{rows: map[string]*Row{}, all: map[string][]float64{}}
}

// add adds one repetition of the figure that r describes.
func (f *figures) add(r Row, value float64) {
	if f.rows[r.Measure] == nil {
		f.rows[r.Measure] = &r
		f.order = append(f.order, r.Measure)
	}
	f.all[r.Measure] = append(f.all[r.Measure], value)
}

// median is that of a figure; false when there is none.
func (f *figures) median(measure string) (float64, bool) {
	list := slices.Sorted(slices.Values(f.all[measure]))
	if len(list) == 0 {
		return 0, false
	}
	if n := len(list); n%2 == 0 {
		return (list[n/2-1] + list[n/2]) / 2, true
	}
	return list[len(list)/2], true
}

// goal is what a measure is to reach.
type goal struct {
	against string  // the measure that is its limit, or ""
	value   float64 // of the ratio where there is a limit, else of the figure itself
	least   bool    // the goal is to be reached, else not to be exceeded
}

// goals are those of a kind of database.
func goals(kind Kind) map[string]goal {
	g := map[string]goal{
		"append-hot":            {"limit-64", 0.30, true},
		"append-spread":         {"limit-64", 0.25, true},
		"append-keyed":          {"limit-keyed", 0.60, true},
		"append-one":            {"limit-one", 2, false},
		"bulk-list":             {"limit-64", 0.25, true},
		"import":                {"limit-64", 0.20, true},
		"replay-book":           {"read-raw", 0.35, true},
		"rebuild":               {"read-raw", 0.10, true},
		"verify":                {"read-raw", 0.15, true},
		"balance":               {"", 1, false},
		"balance-writing":       {"", 5, false},
		"balance-as-of":         {"", 1, false},
		"balance-as-of-writing": {"", 5, false},
		"balance-known-at":      {"", 100, false},
		"totals":                {"", 20, false},
		"totals-known-at":       {"", 100, false},
		"totals-all":            {"", 100, false},
		"start":                 {"", 1, false},
		"memory":                {"", 400, false},
		"storage":               {"envelope", 3, false},
	}
	if kind == SQLite {
		g["bulk-list"] = goal{"limit-64", 0.20, true}
	}
	return g
}

// list makes the rows, with what each is measured against.
func (f *figures) list(kind Kind) []Row {
	var rows []Row
	all := goals(kind)
	for _, measure := range f.order {
		r := *f.rows[measure]
		r.Value, _ = f.median(measure)
		r.Min, r.Max = slices.Min(f.all[measure]), slices.Max(f.all[measure])
		if g, ok := all[measure]; ok {
			reached := r.Value
			if limit, known := f.median(g.against); known && limit > 0 {
				ratio := r.Value / limit
				r.Limit, r.Ratio, reached = &limit, &ratio, ratio
			} else if g.against != "" {
				rows = append(rows, r) // its limit was not measured
				continue
			}
			met := reached <= g.value
			if g.least {
				met = reached >= g.value
			}
			r.Goal, r.Least, r.Met = &g.value, g.least, &met
		} else if against, ok := f.against(r); ok {
			ratio := r.Value / against
			r.Limit, r.Ratio = &against, &ratio
		}
		rows = append(rows, r)
	}
	return rows
}

// against is the limit of a rate that has no goal: that of events that are written.
func (f *figures) against(r Row) (float64, bool) {
	if r.Unit != commandsPerSecond {
		return 0, false
	}
	return f.median("limit-64")
}

// quantile is that of sorted durations, in milliseconds.
func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return ms(sorted[min(int(q*float64(len(sorted))), len(sorted)-1)])
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// rate is how many a second.
func rate(n int64, took time.Duration) float64 { return float64(n) / took.Seconds() }
