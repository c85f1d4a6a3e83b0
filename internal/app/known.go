package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/projections"
)

// knownView is one state of a ledger as it was known at a position. What was known is read when it is first asked for: of totals it takes
// much less than of balances, and of the balances of a fund less than of all.
type knownView struct {
	view
	position int64
	last     int64 // of the log
	tree     *projections.Tree

	reader           *reader
	balances, totals *projections.Known // nil: not read yet
}

// ViewAt is View of what was known at a moment of the past: balances, totals, vouchers, donors, indicators, goods, trees, and whose a fund
// was. Of units and funds those are left out that were not there yet; their names, what a fund is restricted to, whether they are
// closed, and pledges are of now, and no command shows them as of then.
func (r *reader) ViewAt(ctx context.Context, at cli.KnownAt, f func(cli.View) error) error {
	if at.Now() {
		return r.View(ctx, f)
	}
	err := r.db.view(ctx, r.id, false, func(ctx context.Context, s state) error {
		h, err := s.Head(ctx)
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
		position, err := r.positionAt(ctx, at, h)
		if err != nil {
			return err
		}
		v, err := r.knownView(ctx, s, h, position)
		if err != nil {
			return err
		}
		return f(v)
	})
	return explained(err, r.target)
}

// ViewsAt is ViewAt of two moments of one log, the earlier one first.
func (r *reader) ViewsAt(ctx context.Context, at [2]cli.KnownAt, f func(before, after cli.View) error) error {
	err := r.db.view(ctx, r.id, false, func(ctx context.Context, s state) error {
		h, err := s.Head(ctx)
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
		var positions [2]int64
		for i := range at {
			if positions[i], err = r.positionAt(ctx, at[i], h); err != nil {
				return err
			}
		}
		slices.Sort(positions[:])
		var views [2]*knownView
		for i, position := range positions {
			if views[i], err = r.knownView(ctx, s, h, position); err != nil {
				return err
			}
		}
		return f(views[0], views[1])
	})
	return explained(err, r.target)
}

// knownView reads what is needed for what was known at a position of the log that h ends.
func (r *reader) knownView(ctx context.Context, s state, h eventstore.Head, position int64) (*knownView, error) {
	head := transparency.Checkpoint{Origin: h.Origin, Size: h.Position(), Root: h.Edge.Root()}
	root, err := transparency.RootAt(head, position, tilesWith(ctx, r.db, r.id, &r.roots))
	if err != nil { // what is remembered may be of another log, which was restored over
		r.roots.known.Clear()
		root, err = transparency.RootAt(head, position, tilesWith(ctx, r.db, r.id, &r.roots))
	}
	if err != nil {
		return nil, fmt.Errorf("root at position %d: %w: %w", position, eventstore.ErrCorrupt, err)
	}
	then := r.book.head(h)
	then.Position, then.Root = position, root
	v := &knownView{view: view{s, func() cli.Head { return then }}, position: position, last: h.Position(), reader: r}
	tree, err := s.Tree(ctx)
	if err != nil {
		return nil, err
	}
	v.tree = tree.Known(position)
	return v, nil
}

// positionAt is the last position that was recorded at a moment. Times of recording never go back, so it is found by halving.
func (r *reader) positionAt(ctx context.Context, at cli.KnownAt, h eventstore.Head) (int64, error) {
	head := h.Position()
	if at.Position > 0 {
		if at.Position > head {
			return 0, failure("position.unknown", cli.ExitRefused, nil,
				"position", strconv.FormatInt(at.Position, 10), "head", strconv.FormatInt(head, 10))
		}
		return at.Position, nil
	}
	zone, err := time.LoadLocation(r.opened.TimeZone)
	if err != nil {
		return 0, fmt.Errorf("time zone of the ledger: %w", err)
	}
	instant := at.Instant
	if at.Day != nil {
		y, m, d := at.Day.Time().Date()
		instant = time.Date(y, m, d+1, 0, 0, 0, 0, zone).Add(-1)
	}
	var failed error
	n := sort.Search(int(head), func(i int) bool {
		later := false
		err := r.db.Read(ctx, r.id, int64(i)+1, int64(i)+1, func(rec *eventstore.Record) error {
			later = rec.RecordedAt.After(instant)
			return nil
		})
		if failed == nil {
			failed = err
		}
		return later
	})
	if failed != nil {
		return 0, fmt.Errorf("find what was recorded by %s: %w", instant.Format(time.RFC3339), failed)
	}
	if n == 0 {
		var first time.Time
		err := r.db.Read(ctx, r.id, 1, 1, func(rec *eventstore.Record) error { first = rec.RecordedAt; return nil })
		if err != nil {
			return 0, fmt.Errorf("read the first event: %w", err)
		}
		return 0, failure("instant.too_early", cli.ExitRefused, nil,
			"instant", instant.In(zone).Format(time.RFC3339), "first", first.In(zone).Format(time.RFC3339))
	}
	return int64(n), nil
}

func (v *knownView) Balances(ctx context.Context, q projections.BalanceQuery) (_ []projections.BalanceRow, err error) {
	q.KnownAt = v.balances
	switch {
	case q.KnownAt != nil:
	case len(q.Funds) > 0 && len(q.Funds) <= fewFunds: // not kept, since it is not for other funds
		q.KnownAt, err = v.ofFunds(ctx, q.Funds)
	default:
		v.balances, err = v.read(ctx, projections.KnownBalances(v.position), moves)
		q.KnownAt = v.balances
	}
	if err != nil {
		return nil, err
	}
	return v.view.Balances(ctx, q)
}

// read fills what is known with the events that it needs.
func (v *knownView) read(ctx context.Context, k *projections.Known, keep func(*eventstore.Record) bool) (*projections.Known, error) {
	if k.First() > v.position {
		return k, nil
	}
	if err := v.reader.eventsOf(ctx, k.First(), v.position, keep, k.Add); err != nil {
		return nil, fmt.Errorf("what was known at position %d: %w", v.position, err)
	}
	return k, nil
}

// moves leaves out events of which there are many that move and count nothing.
func moves(rec *eventstore.Record) bool { return !strings.HasPrefix(rec.Type, "person.") }

// fewFunds is of how many funds it is faster to look for their events than to read all.
const fewFunds = 8

// ofFunds is what is known of the balances of some funds. What moves something in a fund names it.
func (v *knownView) ofFunds(ctx context.Context, funds []string) (*projections.Known, error) {
	k := projections.KnownBalances(v.position)
	if k.First() > v.position {
		return k, nil
	}
	seen := map[int64]bool{}
	for _, fund := range funds {
		err := v.reader.subject(ctx, domain.FundSubject(fund), k.First(), v.position, func(_ []byte, e *domain.Event) error {
			if seen[e.Position] { // it names another of the funds, too
				return nil
			}
			seen[e.Position] = true
			return k.Add(e)
		})
		if err != nil {
			return nil, fmt.Errorf("what was known of %s at position %d: %w", fund, v.position, err)
		}
	}
	return k, nil
}

func (v *knownView) Totals(ctx context.Context, q projections.TotalsQuery) (_ []projections.TotalsRow, err error) {
	switch {
	case q.ByDonor():
		q.KnownAt = projections.KnownGifts(v.position)
	case v.totals == nil:
		v.totals, err = v.read(ctx, projections.KnownTotals(v.position), moves)
		fallthrough
	default:
		q.KnownAt = v.totals
	}
	if err != nil {
		return nil, err
	}
	return v.view.Totals(ctx, q)
}

func (v *knownView) Aliases(ctx context.Context, at int64) (projections.Aliases, error) {
	return v.view.Aliases(ctx, min(at, v.position))
}

func (v *knownView) Tree(context.Context) (*projections.Tree, error) { return v.tree, nil }

func (v *knownView) Units(ctx context.Context) ([]projections.Unit, error) {
	all, err := v.view.Units(ctx)
	known := all[:0]
	for _, u := range all {
		if v.tree.Has(u.Code) {
			u.Parent = v.tree.Parent(u.Code, nil)
			known = append(known, u)
		}
	}
	return known, err
}

func (v *knownView) FundUnits(ctx context.Context) ([]projections.FundUnit, error) {
	all, err := v.view.FundUnits(ctx)
	known := all[:0]
	for _, u := range all {
		if u.Position <= v.position {
			known = append(known, u)
		}
	}
	return known, err
}

func (v *knownView) Funds(ctx context.Context) ([]projections.FundRow, error) {
	of, err := v.FundUnits(ctx)
	if err != nil {
		return nil, err
	}
	units := projections.FundsOf(of, nil)
	all, err := v.view.Funds(ctx)
	known := all[:0]
	for _, f := range all {
		if unit, there := units[f.Code]; there {
			f.Unit = unit
			known = append(known, f)
		}
	}
	return known, err
}

// Vouchers is what was known of them: those of the command that the position is in the middle of have the entries until then, and none is
// cancelled by a reversal that came later.
func (v *knownView) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	q.Through = v.position
	return v.view.Vouchers(ctx, q, yield)
}

// Donors is what was known of them: neither later gifts nor donors who were registered later.
func (v *knownView) Donors(ctx context.Context, q projections.DonorQuery) ([]projections.DonorRow, error) {
	q.KnownAt = projections.KnownGifts(v.position)
	rows, err := v.view.Donors(ctx, q)
	if err != nil {
		return nil, err
	}
	var later map[string]bool
	if len(q.Donors) > 0 {
		later, err = v.laterOf(ctx, rows)
	} else {
		later, err = v.laterDonors(ctx)
	}
	return slices.DeleteFunc(rows, func(d projections.DonorRow) bool { return later[d.Code] }), err
}

// laterDonors are the donors who were registered after the position.
func (v *knownView) laterDonors(ctx context.Context) (map[string]bool, error) {
	later := map[string]bool{}
	if v.position == v.last {
		return later, nil
	}
	kind := (*domain.DonorRegistered)(nil).Type()
	keep := func(rec *eventstore.Record) bool { return rec.Type == kind }
	err := v.reader.eventsOf(ctx, v.position+1, v.last, keep, func(e *domain.Event) error {
		later[e.Body.(*domain.DonorRegistered).Code] = true
		return nil
	})
	return later, err
}

// laterOf are those of some donors whom no event until the position names.
func (v *knownView) laterOf(ctx context.Context, rows []projections.DonorRow) (map[string]bool, error) {
	later := map[string]bool{}
	found := errors.New("found")
	for i := range rows {
		code := rows[i].Code
		err := v.reader.db.Subject(ctx, v.reader.id, domain.DonorSubject(code), 1, v.position, func(*eventstore.Record) error { return found })
		switch {
		case err == nil:
			later[code] = true
		case !errors.Is(err, found):
			return nil, err
		}
	}
	return later, nil
}

// Indicators is what had been reported. Where a later report took the place of one, all of then are read again.
func (v *knownView) Indicators(ctx context.Context, q projections.IndicatorQuery) ([]projections.IndicatorRow, error) {
	rows, err := v.view.Indicators(ctx, q)
	if err != nil || !slices.ContainsFunc(rows, func(r projections.IndicatorRow) bool { return r.Position > v.position }) {
		return rows, err
	}
	then, kind := projections.NewThenIndicators(), (*domain.IndicatorReported)(nil).Type()
	keep := func(rec *eventstore.Record) bool { return rec.Type == kind }
	if err := v.reader.eventsOf(ctx, 1, v.position, keep, then.Add); err != nil {
		return nil, fmt.Errorf("what was reported by position %d: %w", v.position, err)
	}
	return then.Rows(q), nil
}

func (v *knownView) Goods(ctx context.Context) ([]projections.Item, error) {
	rows, err := v.view.Goods(ctx)
	return slices.DeleteFunc(rows, func(g projections.Item) bool { return g.Position > v.position }), err
}
