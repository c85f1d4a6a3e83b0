package cli

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"
)

// A Bencher measures soquy itself.
type Bencher interface {
	// Bench measures soquy on a database that has nothing in it yet, and refuses another. It leaves its ledgers there.
	Bench(ctx context.Context, t Target, o BenchOptions, p Progress) (Bench, error)
	// BenchMeasures names what can be measured.
	BenchMeasures() []string
}

// BenchOptions say what is measured.
type BenchOptions struct {
	Quick bool     // smaller ledgers, fewer repetitions
	Only  []string // of BenchMeasures; none: all
}

// Bench is what was measured.
type Bench struct {
	Machine, Database, Version string
	Rows                       []BenchRow
}

// A BenchRow is one figure.
type BenchRow struct {
	Measure string
	Text    string   // what was measured: bench.<Text>
	Args    []string // of the text, names and values in turn
	Stat    string   // which figure of it: bench.stat.<Stat>; "" for the only one
	Unit    string

	Value, Min, Max float64
	Limit           *float64
	Ratio           *float64 // of Value to Limit
	Goal            *float64 // of Ratio where there is a limit, else of Value
	Least           bool     // the goal is to be reached, else not to be exceeded
	Met             *bool
}

type benchJSON struct {
	Machine  string         `json:"machine"`
	Database string         `json:"database"`
	Version  string         `json:"version"`
	Rows     []benchRowJSON `json:"rows"`
}

type benchRowJSON struct {
	Measure string  `json:"measure"`
	What    string  `json:"what"`
	Unit    string  `json:"unit"`
	Value   figure  `json:"value"`
	Min     figure  `json:"min"`
	Max     figure  `json:"max"`
	Limit   *figure `json:"limit"`
	Ratio   *figure `json:"ratio"`
	Goal    *figure `json:"goal"`
	Met     *bool   `json:"met"`
}

// figure is a number with as many digits as were measured.
type figure float64

// digits is how many digits of a figure are told.
const digits = 4

// MarshalJSON writes a plain decimal number.
func (f figure) MarshalJSON() ([]byte, error) { return []byte(f.String()), nil }

func (f figure) String() string {
	v := float64(f)
	if v == 0 || math.IsInf(v, 0) || math.IsNaN(v) {
		return "0"
	}
	places := max(digits-1-int(math.Floor(math.Log10(math.Abs(v)))), 0)
	s := strconv.FormatFloat(v, 'f', places, 64)
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}

func optional(v *float64) *figure {
	if v == nil {
		return nil
	}
	f := figure(*v)
	return &f
}

func (p *program) benchCommand() *command {
	var (
		o    BenchOptions
		only choices
	)
	c := p.command("bench", "bench")
	c.yes(&o.Quick, "quick").choices(&only, "only", p.backend.BenchMeasures())
	return c.runs(func(ctx context.Context, _ []string) error {
		o.Only = only.values
		b := p.bar(p.t("progress.bench"))
		r, err := p.backend.Bench(ctx, p.target(), o, b.progress())
		b.done()
		if err != nil {
			return err
		}
		if p.json {
			return p.benchJSON(&r, o)
		}
		p.benchTable(&r, o)
		return nil
	})
}

// benched says what was measured.
func (p *program) benched(r *BenchRow) string {
	args := slices.Clone(r.Args)
	for i := 1; i < len(args); i += 2 {
		args[i] = p.cat.Number(args[i])
	}
	s := p.t("bench."+r.Text, args...)
	if r.Stat != "" {
		s += ", " + p.t("bench.stat."+r.Stat)
	}
	return s
}

func (p *program) benchJSON(r *Bench, o BenchOptions) error {
	answer := benchJSON{Machine: r.Machine, Database: r.Database, Version: r.Version, Rows: make([]benchRowJSON, len(r.Rows))}
	for i := range r.Rows {
		row := &r.Rows[i]
		what := p.benched(row)
		if o.Quick {
			what += " (" + p.t("bench.quick") + ")"
		}
		answer.Rows[i] = benchRowJSON{
			Measure: row.Measure, What: what, Unit: row.Unit,
			Value: figure(row.Value), Min: figure(row.Min), Max: figure(row.Max),
			Limit: optional(row.Limit), Ratio: optional(row.Ratio), Goal: optional(row.Goal), Met: row.Met,
		}
	}
	return p.encode(answer)
}

func (p *program) benchTable(r *Bench, o BenchOptions) {
	p.printf("%s\n%s\nsoquy %s\n", r.Machine, r.Database, r.Version)
	if o.Quick {
		p.printf("%s\n", p.t("bench.quick"))
	}
	p.printf("\n")
	t := p.table("bench.measure", "bench.what", "value>", "bench.unit", "bench.range>", "bench.limit>", "bench.ratio>", "bench.goal>", "bench.met")
	number := func(v *float64) string {
		if v == nil {
			return ""
		}
		return p.cat.Number(figure(*v).String())
	}
	missed := 0
	for i := range r.Rows {
		row := &r.Rows[i]
		between := ""
		if row.Min != row.Max {
			between = number(&row.Min) + " – " + number(&row.Max)
		}
		goal, met := number(row.Goal), ""
		if row.Goal != nil {
			sign := "≤ "
			if row.Least {
				sign = "≥ "
			}
			goal = sign + goal
			met = p.t("bench.yes")
			if !*row.Met {
				met = p.t("bench.no")
				missed++
			}
		}
		t.row(row.Measure, p.benched(row), number(&row.Value), row.Unit, between, number(row.Limit), number(row.Ratio), goal, met)
	}
	t.print()
	if missed > 0 {
		p.printf("\n%s\n", p.cat.Count("bench.missed", int64(missed)))
	}
}
