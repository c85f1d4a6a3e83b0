package bench

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
)

// The ledgers of a run.
const (
	originAppend  = "bench.soquy.invalid/append"
	originKeyed   = "bench.soquy.invalid/keyed/"
	originList    = "bench.soquy.invalid/list"
	originImport  = "bench.soquy.invalid/import/"
	originHistory = "bench.soquy.invalid/history"
)

const (
	spread       = 1_000 // funds
	appendDonors = 100
	templates    = 2_048 // rows whose bytes the limits take
)

// appendDay is the day of the donations.
func appendDay() domain.Date { return domain.NewDate(2025, time.March, 5) }

// load is some callers who donate one after another.
type load struct {
	callers int
	funds   int
	donors  int
	made    bool // the ledger makes the IDs of the commands, which are then never repeats
	while   time.Duration
	stream  uint64 // of the random numbers
}

// outcome is what a load came to.
type outcome struct {
	commands  int64
	took      time.Duration
	latencies []time.Duration // sorted
	work      Work
	allocs    uint64
	last      int64 // position
}

// run has the callers donate until the time is over.
func (l load) run(ctx context.Context, w Writer) (o outcome, err error) {
	runtime.GC()
	before, err := w.Work()
	if err != nil {
		return o, err
	}
	var (
		wg   sync.WaitGroup
		mu   sync.Mutex
		from runtime.MemStats
		to   runtime.MemStats
		fail error
	)
	runtime.ReadMemStats(&from)
	begin := time.Now()
	for i := range l.callers {
		wg.Go(func() {
			latencies, last, err := l.donate(ctx, w.Ledger(), begin.Add(l.while), uint64(i))
			mu.Lock()
			defer mu.Unlock()
			if err != nil && fail == nil {
				fail = err
			}
			o.latencies, o.last = append(o.latencies, latencies...), max(o.last, last)
		})
	}
	wg.Wait()
	o.took = time.Since(begin)
	runtime.ReadMemStats(&to)
	if fail != nil {
		return o, fail
	}
	after, err := w.Work()
	if err != nil {
		return o, err
	}
	o.commands, o.work, o.allocs = int64(len(o.latencies)), after.minus(before), to.Mallocs-from.Mallocs
	slices.Sort(o.latencies)
	return o, nil
}

// donate is one caller.
func (l load) donate(ctx context.Context, to *ledger.Ledger, until time.Time, caller uint64) (latencies []time.Duration, last int64, err error) {
	r := newRand(l.stream<<16 | caller)
	latencies = make([]time.Duration, 0, 4096)
	for {
		req := ledger.Request{EffectiveOn: appendDay(), Body: &domain.ReceiveDonation{
			Fund: fundCode(r.IntN(l.funds)), Donor: donorCode(r.IntN(l.donors)),
			Lines: []domain.LineInput{{Asset: domain.Cash, Amount: decimal(int64(50+r.IntN(5_000)) * 1_000)}},
		}}
		if !l.made {
			if req.ID, err = uuid.NewV7(); err != nil {
				return nil, 0, err
			}
		}
		start := time.Now()
		a, err := to.Do(ctx, req)
		if err != nil {
			return nil, 0, err
		}
		if a.Refusal != nil {
			return nil, 0, fmt.Errorf("a donation was refused: %w", a.Refusal)
		}
		now := time.Now()
		latencies, last = append(latencies, now.Sub(start)), a.Last
		if now.After(until) {
			return latencies, last, nil
		}
	}
}

// appends measures the limits of writing, and donations one at a time.
func (b *bench) appends(ctx context.Context) error {
	if err := b.soquy.Create(ctx, originAppend); err != nil {
		return err
	}
	w, err := b.soquy.Writer(ctx, originAppend)
	if err != nil {
		return err
	}
	defer w.Close()
	f := &feeder{ctx: ctx, ledger: w.Ledger()}
	if err := f.found(spread, appendDonors); err != nil {
		return err
	}
	// The first commits of a process and the first rows of a table are slower than all that follow.
	warm := load{callers: 64, funds: 1, donors: appendDonors, while: max(b.plan.Slice/2, 300*time.Millisecond), stream: 1}
	if _, err := warm.run(ctx, w); err != nil {
		return err
	}
	if err := b.raw.fill(ctx, originAppend, templates); err != nil {
		return fmt.Errorf("take the rows of events: %w", err)
	}
	if _, err := b.raw.insert(ctx, 64, warm.while); err != nil {
		return fmt.Errorf("insert into a bare table: %w", err)
	}
	for i := range b.plan.Repeat {
		if err := b.appendRound(ctx, w, uint64(i+2)); err != nil {
			return err
		}
		b.bar.at(float64(i+1) / float64(b.plan.Repeat))
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	return nil
}

// appendRound is one repetition of appends.
func (b *bench) appendRound(ctx context.Context, w Writer, round uint64) error {
	if err := b.limit(ctx, 64, b.plan.Slice); err != nil {
		return err
	}
	one := func(l load, name string) error {
		l.donors, l.stream = appendDonors, round*16+uint64(l.callers)
		o, err := l.run(ctx, w)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		b.appended(l, name, &o)
		return nil
	}
	goals := []struct {
		measure string
		funds   int
	}{{"append-hot", 1}, {"append-spread", spread}}
	for _, g := range goals {
		if !b.wants(g.measure) {
			continue
		}
		l := load{callers: 64, funds: g.funds, while: b.plan.Slice}
		if err := one(l, g.measure); err != nil {
			return err
		}
		l.donors, l.stream, l.while = appendDonors, round*16, b.plan.Short
		if err := b.steps(ctx, w, l, g.measure); err != nil {
			return fmt.Errorf("steps of %s: %w", g.measure, err)
		}
	}
	if b.wants("append-one") {
		if err := b.limit(ctx, 1, b.plan.Short); err != nil {
			return err
		}
		if err := one(load{callers: 1, funds: 1, while: b.plan.Short}, "append-hot-1"); err != nil {
			return err
		}
	}
	if b.wants("limit") {
		for _, rows := range []int{1_024, 10_000} {
			if err := b.limit(ctx, rows, b.plan.Short); err != nil {
				return err
			}
		}
	}
	for _, g := range goals {
		if !b.wants(g.measure) {
			continue
		}
		for _, callers := range []int{1, 8, 256} {
			if callers == 1 && g.funds == 1 && b.wants("append-one") {
				continue // measured above
			}
			if err := one(load{callers: callers, funds: g.funds, while: b.plan.Short}, g.measure+"-"+strconv.Itoa(callers)); err != nil {
				return err
			}
		}
	}
	if b.wants("append-hot") {
		return one(load{callers: 64, funds: 1, made: true, while: b.plan.Short}, "append-hot-made")
	}
	return nil
}

// limit measures the bare table.
func (b *bench) limit(ctx context.Context, rows int, while time.Duration) error {
	took, err := b.raw.insert(ctx, rows, while)
	if err != nil {
		return fmt.Errorf("insert into a bare table: %w", err)
	}
	name := "limit-" + strconv.Itoa(rows)
	row := Row{Measure: name, Text: "limit", Args: []string{"rows", strconv.Itoa(rows)}, Unit: rowsPerSecond}
	b.f.add(row, rate(int64(rows*len(took)), sum(took)))
	if rows == 1 {
		slices.Sort(took)
		row.Measure, row.Stat, row.Unit = "limit-one", "p50", milliseconds
		b.f.add(row, quantile(took, 0.5))
	}
	return nil
}

// row describes a load.
func (l load) row(name string) Row {
	r := Row{Measure: name, Text: "append", Args: []string{"callers", strconv.Itoa(l.callers), "funds", strconv.Itoa(l.funds)}}
	if l.made {
		r.Text = "append-made"
	}
	return r
}

// appended adds the figures of a load.
func (b *bench) appended(l load, name string, o *outcome) {
	add := func(stat, unit string, value float64) {
		r := l.row(name)
		r.Stat, r.Unit = stat, unit
		if stat != "rate" {
			r.Measure += "-" + stat
		}
		b.f.add(r, value)
	}
	add("rate", commandsPerSecond, rate(o.commands, o.took))
	add("p50", milliseconds, quantile(o.latencies, 0.50))
	add("p99", milliseconds, quantile(o.latencies, 0.99))
	add("batch", commandsPerBatch, float64(o.work.Commands)/float64(max(o.work.Batches, 1)))
	add("allocs", perCommand, float64(o.allocs)/float64(o.commands))
	if l.callers == 1 && l.funds == 1 && b.wants("append-one") {
		b.f.add(Row{Measure: "append-one", Text: "append-one", Stat: "p50", Unit: milliseconds}, quantile(o.latencies, 0.50))
	}
}

// steps adds the shares of the steps in the time of a load.
func (b *bench) steps(ctx context.Context, w Writer, l load, name string) error {
	w.Trace(true)
	o, err := l.run(ctx, w)
	w.Trace(false)
	if err != nil {
		return err
	}
	n := min(o.work.Events, 20_000)
	encode, hash, err := w.Redo(ctx, o.last-n+1, o.last)
	if err != nil {
		return fmt.Errorf("encode the events again: %w", err)
	}
	encode, hash = encode*time.Duration(o.work.Events), hash*time.Duration(o.work.Events)
	k := &o.work
	stored := k.Look + k.Begin + k.Sign + k.Write + k.Join + k.End
	for _, s := range []struct {
		name string
		took time.Duration
	}{
		{"look", k.Look},
		{"decide", max(k.Busy-stored-encode-hash, 0)},
		{"encode", encode},
		{"hash", hash},
		{"sign", k.Sign},
		{"begin", k.Begin},
		{"write", k.Write},
		{"join", k.Join},
		{"commit", k.End},
		{"between", max(o.took-k.Busy, 0)},
	} {
		r := l.row(name + "-share-" + s.name)
		r.Stat, r.Unit = "share-"+s.name, percent
		b.f.add(r, 100*float64(max(s.took, 0))/float64(o.took))
	}
	return nil
}

// keyed measures donations into one fund against all the rows that they wrote, written again into tables with the same keys.
func (b *bench) keyed(ctx context.Context) error {
	for i := range b.plan.Repeat {
		if err := b.keyedRound(ctx, i); err != nil {
			return err
		}
		b.bar.at(float64(i+1) / float64(b.plan.Repeat))
	}
	return nil
}

func (b *bench) keyedRound(ctx context.Context, round int) error {
	origin := originKeyed + strconv.Itoa(round)
	if err := b.soquy.Create(ctx, origin); err != nil {
		return err
	}
	w, err := b.soquy.Writer(ctx, origin)
	if err != nil {
		return err
	}
	defer w.Close()
	f := &feeder{ctx: ctx, ledger: w.Ledger()}
	if err := f.found(1, appendDonors); err != nil {
		return err
	}
	l := load{callers: 64, funds: 1, donors: appendDonors, while: b.plan.Keyed, stream: 1<<20 + uint64(round)}
	o, err := l.run(ctx, w)
	if err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	took, err := b.raw.rewrite(ctx, origin, max(o.work.Batches, 1))
	if err != nil {
		return fmt.Errorf("write the rows again: %w", err)
	}
	b.f.add(Row{Measure: "limit-keyed", Text: "limit-keyed", Unit: eventsPerSecond}, rate(o.last, took))
	b.f.add(Row{Measure: "append-keyed", Text: "append-keyed", Unit: commandsPerSecond}, rate(o.commands, o.took))
	return nil
}
