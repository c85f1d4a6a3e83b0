package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/projections"
)

// ofHistory are the measures that need a large ledger.
func ofHistory() []string {
	return append([]string{"replay-book", "rebuild", "verify", "start", "memory", "storage"}, ofReads()...)
}

// ofReads are those of them that ask questions.
func ofReads() []string {
	return []string{"balance", "balance-as-of", "balance-known-at", "totals", "totals-known-at"}
}

// histories measures what depends on how long a ledger is.
func (b *bench) histories(ctx context.Context) error {
	empty, err := b.raw.size(ctx)
	if err != nil {
		return err
	}
	if err := b.soquy.Create(ctx, originHistory); err != nil {
		return err
	}
	w, err := b.soquy.Writer(ctx, originHistory)
	if err != nil {
		return err
	}
	defer w.Close()
	// The share of the work until then, for the progress bar.
	const built, asked, replayed = 0.35, 0.5, 0.95
	h := newHistory(ctx, w.Ledger())
	if err := h.found(); err != nil {
		return err
	}
	grown := func(at int64) { b.bar.at(built * float64(at) / float64(b.plan.Large)) }
	if err := h.small(b.plan.Small, grown); err != nil {
		return fmt.Errorf("record the small history: %w", err)
	}
	reads := b.wants(ofReads()...)
	if reads {
		from, _ := halfYear()
		if err := b.reads(ctx, h, w.Ledger(), b.plan.Small, "-small", from.Year()-3); err != nil {
			return err
		}
	}
	begin := time.Now()
	before := h.last
	if err := h.large(b.plan.Large, grown); err != nil {
		return fmt.Errorf("record the large history: %w", err)
	}
	b.f.add(Row{Measure: "history", Text: "history", Args: b.size(b.plan.Large), Unit: eventsPerSecond}, rate(h.last-before, time.Since(begin)))
	if b.wants("storage") {
		full, err := b.raw.size(ctx)
		if err != nil {
			return err
		}
		e := full.minus(empty)
		args := b.size(e.events)
		b.f.add(Row{Measure: "envelope", Text: "envelope", Args: args, Unit: bytesPerEvent}, float64(e.envelopes)/float64(e.events))
		b.f.add(Row{Measure: "storage", Text: "storage", Args: args, Unit: bytesPerEvent}, float64(e.bytes)/float64(e.events))
	}
	if reads {
		_, to := afterHalfYear()
		if err := b.reads(ctx, h, w.Ledger(), b.plan.Large, "", to.Year()-3); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	b.bar.at(asked)
	for i := range b.plan.Passes {
		begin := time.Now()
		if err := b.pass(ctx, h.last); err != nil {
			return err
		}
		if b.enough(time.Since(begin)) {
			break
		}
		b.bar.at(asked + (replayed-asked)*float64(i+1)/float64(b.plan.Passes))
	}
	if b.wants("start", "memory") {
		return b.starts(ctx, h)
	}
	return nil
}

// size is the argument of texts about a ledger of so many events.
func (b *bench) size(n int64) []string { return []string{"events", strconv.FormatInt(n, 10)} }

// pass reads the whole history in each way once.
func (b *bench) pass(ctx context.Context, last int64) error {
	if !b.wants("replay-book", "rebuild", "verify") {
		return nil
	}
	add := func(measure string, n int64, took time.Duration) {
		b.f.add(Row{Measure: measure, Text: measure, Args: b.size(b.plan.Large), Unit: eventsPerSecond}, rate(n, took))
	}
	start := time.Now()
	n, err := b.raw.read(ctx, originHistory)
	if err != nil {
		return fmt.Errorf("read the events: %w", err)
	}
	if n < last {
		return fmt.Errorf("read %d of %d events", n, last)
	}
	add("read-raw", n, time.Since(start))
	if b.wants("replay-book") {
		took, err := b.soquy.Replay(ctx, originHistory)
		if err != nil {
			return err
		}
		add("replay-book", n, took)
	}
	for _, m := range []struct {
		name string
		run  func(context.Context, string) error
	}{{"rebuild", b.soquy.Rebuild}, {"verify", b.soquy.Verify}} {
		if !b.wants(m.name) {
			continue
		}
		start := time.Now()
		if err := m.run(ctx, originHistory); err != nil {
			return err
		}
		add(m.name, n, time.Since(start))
	}
	return nil
}

// A question is asked of the read models many times.
type question struct {
	measure string // by which it is asked for
	name    string
	times   int
	ask     func(ctx context.Context, v View, r *rand.Rand) error
	past    bool // each time as known at another position of the last quarter of the log
	short   bool // not much longer than a read of one row
}

// view has a question answered of a ledger of so many events, the first of which only found it.
func (q *question) view(ctx context.Context, r Reader, first, events int64, random *rand.Rand) error {
	answer := func(v View) error { return q.ask(ctx, v, random) }
	if !q.past {
		return r.View(ctx, answer)
	}
	return r.ViewAt(ctx, events-random.Int64N(max((events-first)/4, 1)), answer)
}

// questions are those of a ledger whose past is looked at in a year.
func (b *bench) questions(h *history, year int) []question {
	funds := make([]string, len(h.funds))
	for i, u := range h.funds {
		funds[i] = "Q." + h.units[u].code
	}
	asOf := domain.NewDate(year, time.August, 17)
	from, to := halfYear()
	balance := func(on *domain.Date) func(context.Context, View, *rand.Rand) error {
		return func(ctx context.Context, v View, r *rand.Rand) error {
			rows, err := v.Balances(ctx, projections.BalanceQuery{Funds: []string{funds[r.IntN(len(funds))]}, AsOf: on})
			if err == nil && len(rows) == 0 {
				err = errors.New("a fund has no balance")
			}
			return err
		}
	}
	totals := func(q projections.TotalsQuery) func(context.Context, View, *rand.Rand) error {
		return func(ctx context.Context, v View, _ *rand.Rand) error {
			rows, err := v.Totals(ctx, q)
			if err == nil && !slices.ContainsFunc(rows, func(r projections.TotalsRow) bool { return r.People > 0 }) {
				err = errors.New("totals have no people")
			}
			return err
		}
	}
	level := []projections.Dim{projections.ByUnitLevel}
	ofHalfYear := totals(projections.TotalsQuery{By: level, Within: root, From: &from, To: &to})
	return []question{
		{"balance", "balance", b.plan.Queries, balance(nil), false, true},
		{"balance-as-of", "balance-as-of", b.plan.Queries, balance(&asOf), false, true},
		{"balance-known-at", "balance-known-at", b.plan.Queries, balance(nil), true, false},
		{"totals", "totals", b.plan.Totals, ofHalfYear, false, false},
		{"totals", "totals-all", b.plan.Totals, totals(projections.TotalsQuery{By: level, Within: root}), false, false},
		{"totals", "people", b.plan.Totals, totals(projections.TotalsQuery{Within: root}), false, false},
		{"totals-known-at", "totals-known-at", b.plan.Totals, ofHalfYear, true, false},
	}
}

// reads asks the questions without a writer, and beside one.
func (b *bench) reads(ctx context.Context, h *history, l *ledger.Ledger, events int64, suffix string, year int) error {
	r, err := b.soquy.Reader(ctx, originHistory)
	if err != nil {
		return err
	}
	defer r.Close()
	for round := range b.plan.Passes {
		for _, writing := range []bool{false, true} {
			stop := func() error { return nil }
			if writing {
				stop = h.write(ctx, l)
			}
			err := b.ask(ctx, r, h, b.questions(h, year), events, suffix, writing, uint64(round))
			if err := errors.Join(err, stop()); err != nil {
				return err
			}
		}
	}
	return nil
}

// leastAsked is how many answers a percentile is taken of at least.
const leastAsked = 20

func (b *bench) ask(ctx context.Context, r Reader, h *history, list []question, events int64, suffix string, writing bool, round uint64) error {
	random := newRand(1<<28 + round)
	if writing {
		suffix += "-writing"
	}
	add := func(name, text string, took []time.Duration) {
		slices.Sort(took)
		row := Row{Measure: name + suffix, Text: text, Args: b.size(events), Stat: "p99", Unit: milliseconds}
		if writing {
			row.Text += "-writing"
		}
		b.f.add(row, quantile(took, 0.99))
		row.Measure, row.Stat = row.Measure+"-p50", "p50"
		b.f.add(row, quantile(took, 0.50))
	}
	var bare []time.Duration // reads of one row, between the questions that are nearly as short
	for _, q := range list {
		if !b.wants(q.measure) {
			continue
		}
		var took []time.Duration
		warm, begin := q.times/10, time.Now()
		for i := range warm + q.times {
			start := time.Now()
			if len(took) >= leastAsked && start.Sub(begin) > b.plan.Ask {
				break
			}
			if err := q.view(ctx, r, h.begin, events, random); err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			if i >= warm { // the first ones fill caches
				took = append(took, time.Since(start))
			}
			if !q.short {
				continue
			}
			start = time.Now()
			if err := b.raw.point(ctx, originHistory, 1+random.Int64N(events)); err != nil {
				return fmt.Errorf("read one row: %w", err)
			}
			if i >= warm {
				bare = append(bare, time.Since(start))
			}
		}
		add(q.name, q.name, took)
	}
	if len(bare) > 0 {
		add("read-one", "read-one", bare)
	}
	return nil
}

// write has one caller donate, one donation after another, until the function that it returns is called.
func (h *history) write(ctx context.Context, l *ledger.Ledger) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	failed := make(chan error, 1)
	_, on := afterHalfYear()
	go func() {
		r := newRand(1 << 30)
		for ctx.Err() == nil {
			f := h.funds[r.IntN(len(h.funds))]
			a, err := l.Do(context.WithoutCancel(ctx), ledger.Request{EffectiveOn: on, Body: &domain.ReceiveDonation{
				Fund: "Q." + h.units[f].code, Donor: donorCode(r.IntN(historyDonors)),
				Lines: []domain.LineInput{{Asset: domain.Cash, Amount: decimal(int64(50+r.IntN(5_000)) * 1_000)}},
			}})
			if err == nil && a.Refusal != nil {
				err = fmt.Errorf("a donation was refused: %w", a.Refusal)
			}
			if err != nil {
				failed <- err
				return
			}
			h.last = a.Last
		}
		failed <- nil
	}()
	return func() error {
		cancel()
		return <-failed
	}
}
