package app

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/projections"
)

// knownView is one state of a ledger as it was known at a position.
type knownView struct {
	view
	at   *projections.Known
	tree *projections.Tree
}

// ViewAt is View of what was known at a moment of the past. Balances, totals, trees and whose a fund was are of then; units, funds and
// vouchers that were not there yet are left out. Donors, pledges, goods and indicators, and whether a unit or fund is closed and a
// voucher cancelled, are of now.
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
	root, err := transparency.RootAt(head, position, tiles(ctx, r.db, r.id))
	if err != nil {
		return nil, fmt.Errorf("root at position %d: %w: %w", position, eventstore.ErrCorrupt, err)
	}
	v := &knownView{view: view{s, r.book.head(h)}, at: projections.NewKnown(position)}
	v.head.Position, v.head.Root = position, root
	if err := r.events(ctx, v.at.First(), position, v.at.Add); err != nil {
		return nil, err
	}
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
	instant := at.Instant
	if at.Day != nil {
		zone, err := time.LoadLocation(r.opened.TimeZone)
		if err != nil {
			return 0, fmt.Errorf("time zone of the ledger: %w", err)
		}
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
		return 0, failure("instant.too_early", cli.ExitRefused, nil, "instant", instant.UTC().Format(time.RFC3339))
	}
	return int64(n), nil
}

func (v *knownView) Balances(ctx context.Context, q projections.BalanceQuery) ([]projections.BalanceRow, error) {
	q.KnownAt = v.at
	return v.view.Balances(ctx, q)
}

func (v *knownView) Totals(ctx context.Context, q projections.TotalsQuery) ([]projections.TotalsRow, error) {
	q.KnownAt = v.at
	return v.view.Totals(ctx, q)
}

func (v *knownView) Aliases(ctx context.Context, at int64) (projections.Aliases, error) {
	return v.view.Aliases(ctx, min(at, v.at.Position))
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
		if u.Position <= v.at.Position {
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

func (v *knownView) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	return v.view.Vouchers(ctx, q, func(row *projections.VoucherRow) error {
		if row.First > v.at.Position {
			return nil
		}
		return yield(row)
	})
}
