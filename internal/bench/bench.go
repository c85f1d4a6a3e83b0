package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Options say what is measured.
type Options struct {
	Quick    bool     // smaller ledgers, fewer repetitions
	Only     []string // of Measures; none: all
	Progress func(done, total int64)
	Scratch  string // a folder for the file that is imported
	Plan     Plan   // zero: that of Quick
}

// A Plan says how long and how large.
type Plan struct {
	Repeat       int           // repetitions
	Slice        time.Duration // of one rate
	Short        time.Duration // of one rate that has no goal
	List         int           // awards in the list
	Import       int           // lines of the file
	Keyed        time.Duration // of one run that is then written again
	Small, Large int64         // events of the two histories
	Passes       int           // repetitions of what reads a whole history
	Queries      int           // of a balance
	Totals       int           // queries of totals
	Ask          time.Duration // for one kind of question, which may then be asked fewer times
	Budget       time.Duration // beyond which no pass over a whole history is repeated
	Recorded     int           // donations that a process records before its memory is looked at
}

func planOf(quick bool) Plan {
	if quick {
		return Plan{
			Repeat: 3, Slice: time.Second, Short: 400 * time.Millisecond, List: 10_000, Import: 20_000, Keyed: 800 * time.Millisecond,
			Small: 10_000, Large: 100_000, Passes: 2, Queries: 500, Totals: 40, Ask: time.Second, Recorded: 2_000, Budget: 100 * time.Second,
		}
	}
	return Plan{
		Repeat: 5, Slice: 2 * time.Second, Short: time.Second, List: 10_000, Import: 100_000, Keyed: 2 * time.Second,
		Small: 100_000, Large: 1_000_000, Passes: 3, Queries: 2_000, Totals: 100, Ask: 3 * time.Second, Recorded: 10_000, Budget: 12 * time.Minute,
	}
}

// Measures are the names by which measures are asked for.
func Measures() []string {
	return []string{
		"limit", "append-hot", "append-spread", "append-keyed", "append-one", "bulk-list", "import", "replay-book", "rebuild", "verify",
		"balance", "balance-as-of", "balance-known-at", "totals", "totals-known-at", "start", "memory", "storage",
	}
}

// A Result is what was measured.
type Result struct {
	Machine, Database string
	Rows              []Row
}

// bench is one run.
type bench struct {
	soquy Soquy
	raw   raw
	kind  Kind
	plan  Plan
	quick bool
	only  []string
	f     *figures
	bar   *meter
	begun time.Time

	scratch string
}

// Run measures soquy on the database db, which Empty must have approved. It takes away what it made for the limits, and leaves its
// ledgers.
func Run(ctx context.Context, s Soquy, kind Kind, db string, o Options) (_ Result, err error) {
	b := &bench{soquy: s, kind: kind, plan: o.Plan, quick: o.Quick, only: o.Only, f: newFigures(), scratch: o.Scratch, begun: time.Now()}
	if b.plan == (Plan{}) {
		b.plan = planOf(o.Quick)
	}
	b.bar = &meter{progress: o.Progress}
	if b.raw, err = openRaw(ctx, kind, db); err != nil {
		return Result{}, fmt.Errorf("open the database for the limits: %w", err)
	}
	defer func() {
		if closed := b.raw.close(context.WithoutCancel(ctx)); closed != nil {
			err = errors.Join(err, fmt.Errorf("take away what was made for the limits: %w", closed))
		}
	}()
	r := Result{Machine: machine()}
	if r.Database, err = b.raw.version(ctx); err != nil {
		return Result{}, fmt.Errorf("ask for the version of the database: %w", err)
	}
	if err := b.run(ctx); err != nil {
		return Result{}, err
	}
	r.Rows = b.f.list(b.kind)
	return r, nil
}

// wants reports whether any of some measures is asked for.
func (b *bench) wants(measures ...string) bool {
	return len(b.only) == 0 || slices.ContainsFunc(measures, func(m string) bool { return slices.Contains(b.only, m) })
}

func (b *bench) run(ctx context.Context) error {
	type phase struct {
		name   string
		weight time.Duration // about how long it takes
		run    func(context.Context) error
	}
	rounds := time.Duration(b.plan.Repeat)
	events := func(perSecond int64, n int64) time.Duration { return time.Duration(n/perSecond+1) * time.Second }
	var phases []phase
	if b.wants("limit", "append-hot", "append-spread", "append-one", "bulk-list", "import") {
		phases = append(phases, phase{"append", rounds * (4*b.plan.Slice + 9*b.plan.Short), b.appends})
	}
	if b.wants("append-keyed") {
		phases = append(phases, phase{"append-keyed", rounds * 2 * b.plan.Keyed, b.keyed})
	}
	if b.wants("bulk-list") {
		phases = append(phases, phase{"bulk-list", rounds * 2 * time.Second, b.list})
	}
	if b.wants("import") {
		phases = append(phases, phase{"import", events(8_000, int64(b.plan.Import*b.imports())), b.importing})
	}
	if b.wants(ofHistory()...) {
		n := b.plan.Large * int64(b.plan.Passes)
		phases = append(phases, phase{"history", events(10_000, b.plan.Large) + events(10_000, 2*n), b.histories})
	}
	for _, p := range phases {
		b.bar.total += p.weight
	}
	for _, p := range phases {
		b.bar.begin(p.weight)
		if err := p.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		b.bar.end()
	}
	return nil
}

// enough reports whether what took so long the last time is not to be repeated any more.
func (b *bench) enough(last time.Duration) bool { return time.Since(b.begun)+last > b.plan.Budget }

// imports is how often the file is imported.
func (b *bench) imports() int { return min(b.plan.Repeat, b.plan.Passes) }

// meter tells how far the run is, by how long its parts take.
type meter struct {
	progress     func(done, total int64)
	total, ended time.Duration
	weight       time.Duration
}

func (m *meter) begin(weight time.Duration) { m.weight = weight }

// at says how much of the part that was begun is done.
func (m *meter) at(share float64) {
	if m.progress != nil {
		m.progress(int64(m.ended+time.Duration(share*float64(m.weight))), int64(m.total))
	}
}

func (m *meter) end() {
	m.at(1)
	m.ended += m.weight
}

// repeat calls f for a while, at least three times, and returns how long each took.
func repeat(while time.Duration, f func() error) ([]time.Duration, error) {
	var list []time.Duration
	for begin := time.Now(); ; {
		start := time.Now()
		if err := f(); err != nil {
			return nil, err
		}
		list = append(list, time.Since(start))
		if len(list) >= 3 && time.Since(begin) >= while {
			return list, nil
		}
	}
}

func sum(list []time.Duration) (total time.Duration) {
	for _, d := range list {
		total += d
	}
	return total
}
