package report

import (
	"cmp"
	"context"
	"slices"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// A HalfYear is the report of an association on a period: what each level of units did, what is left at the end, and the figures that
// were reported. Everything is as it was known at one position, so that the same report can be made again.
type HalfYear struct {
	From, To   domain.Date
	Levels     []projections.TotalsRow // by unit level
	All        []projections.TotalsRow // of the whole association: people are counted once
	Balances   []AssetBalance          // at the end of To
	Indicators []Indicator
	Closed     bool     // the whole ledger is closed through To
	Reopened   []Reopen // of days through To
}

// An AssetBalance is what all funds have of one asset.
type AssetBalance struct {
	Asset domain.Asset
	domain.Balance
}

// An Indicator is the last report of a figure for a unit and a period within that of the report.
type Indicator struct {
	Position int64
	domain.IndicatorReported
}

// A Reopen is an opening of closed books.
type Reopen struct {
	Position int64
	On       domain.Date
	From     domain.Date
	Unit     string
}

// Add takes an event, in the order of the log, for what no read model has as it was known in the past.
func (r *HalfYear) Add(e *domain.Event, state *HalfYearState) {
	switch b := e.Body.(type) {
	case *domain.PeriodClosed:
		if b.Unit == "" {
			state.through, state.closed = b.Through, true
		}
	case *domain.PeriodReopened:
		if b.Unit == "" {
			state.through = b.From - 1
		}
		if b.From <= r.To {
			r.Reopened = append(r.Reopened, Reopen{e.Position, e.EffectiveOn, b.From, b.Unit})
		}
	case *domain.IndicatorReported:
		if b.From < r.From || b.To > r.To {
			return
		}
		same := func(i Indicator) bool {
			return i.Unit == b.Unit && i.Indicator == b.Indicator && i.From == b.From && i.To == b.To
		}
		r.Indicators = append(slices.DeleteFunc(r.Indicators, same), Indicator{e.Position, *b})
	}
}

// A HalfYearState is what Add keeps of the events before.
type HalfYearState struct {
	through domain.Date
	closed  bool
}

// Finish asks the read models for the rest, after all events were added.
func (r *HalfYear) Finish(ctx context.Context, b Books, state *HalfYearState) (err error) {
	r.Closed = state.closed && state.through >= r.To
	slices.SortFunc(r.Indicators, func(a, b Indicator) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.IndicatorReported.Indicator, b.IndicatorReported.Indicator), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	q := projections.TotalsQuery{From: &r.From, To: &r.To}
	if r.All, err = b.Totals(ctx, q); err != nil {
		return err
	}
	q.By = []projections.Dim{projections.ByUnitLevel}
	if r.Levels, err = b.Totals(ctx, q); err != nil {
		return err
	}
	rows, err := b.Balances(ctx, projections.BalanceQuery{AsOf: &r.To})
	if err != nil {
		return err
	}
	for i := range rows {
		row := &rows[i]
		at, found := slices.BinarySearchFunc(r.Balances, row.Asset, func(x AssetBalance, a domain.Asset) int { return cmp.Compare(x.Asset, a) })
		if !found {
			r.Balances = slices.Insert(r.Balances, at, AssetBalance{Asset: row.Asset})
		}
		x := &r.Balances[at]
		x.Posted, x.Encumbered = x.Posted+row.Posted, x.Encumbered+row.Encumbered
		x.Quantity, x.QuantityEncumbered = x.Quantity+row.Quantity, x.QuantityEncumbered+row.QuantityEncumbered
	}
	return nil
}
