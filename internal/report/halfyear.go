package report

import (
	"cmp"
	"context"
	"slices"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// A HalfYear is the report of an association, or of one of its units with all below it, on a period: what each level of units did, what
// is left at the end, and the figures that were reported. Everything is as it was known at one position, so that the same report can be
// made again.
type HalfYear struct {
	From, To   domain.Date
	Within     string                  // unit, "": the whole association
	Levels     []projections.TotalsRow // by unit level
	All        []projections.TotalsRow // of all levels: people are counted once
	Balances   []AssetBalance          // at the end of To
	Indicators []Indicator
	Closed     ClosedBy
	Reopened   []Reopen // of days through To

	indicators map[indicatorKey]Indicator
}

// ClosedBy says what binds the entries of a report.
type ClosedBy string

// What binds them.
const (
	NotClosed      ClosedBy = ""       // a draft
	ClosedByLedger ClosedBy = "ledger" // a close of the whole ledger, which binds the structure, too
	ClosedByUnits  ClosedBy = "units"  // closes of units, which bind every fund of the report
)

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

// indicatorKey is what there is one figure of.
type indicatorKey struct {
	unit, indicator string
	from, to        domain.Date
}

// Add takes an event, in the order of the log, for what no read model has as it was known in the past.
func (r *HalfYear) Add(e *domain.Event) {
	switch b := e.Body.(type) {
	case *domain.PeriodReopened:
		if b.From <= r.To {
			r.Reopened = append(r.Reopened, Reopen{e.Position, e.EffectiveOn, b.From, b.Unit})
		}
	case *domain.IndicatorReported:
		if b.From < r.From || b.To > r.To {
			return
		}
		if r.indicators == nil {
			r.indicators = map[indicatorKey]Indicator{}
		}
		r.indicators[indicatorKey{b.Unit, b.Indicator, b.From, b.To}] = Indicator{e.Position, *b}
	}
}

// Models are the read models that a report is made of.
type Models interface {
	Books
	projections.Units
}

// Finish asks the read models and the book of the same position for the rest, after all events were added.
//
// A report is closed when no entry can be made within its period any more. Of a unit that is so when each fund that can still have an
// entry in it is bound: those of the units that were in it on any day of the period, as they have them now and had them at its end.
func (r *HalfYear) Finish(ctx context.Context, m Models, book *domain.Book) (err error) {
	tree, err := m.Tree(ctx)
	if err != nil {
		return err
	}
	var funds, concerned []string // that the report has at its end; that it may have entries of
	if r.Within != "" {
		if funds, concerned, err = r.funds(ctx, m, tree); err != nil {
			return err
		}
	}
	switch {
	case book.ClosedThrough("", nil) >= r.To:
		r.Closed = ClosedByLedger
	case r.Within != "" && book.ClosedThrough(r.Within, concerned) >= r.To:
		r.Closed = ClosedByUnits
	}
	during := func(unit string) bool { return r.Within == "" || tree.WithinDuring(unit, r.Within, r.From, r.To) }
	r.Reopened = slices.DeleteFunc(r.Reopened, func(o Reopen) bool { return o.Unit != "" && !during(o.Unit) })
	for key := range r.indicators {
		if during(key.unit) {
			r.Indicators = append(r.Indicators, r.indicators[key])
		}
	}
	slices.SortFunc(r.Indicators, func(a, b Indicator) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.IndicatorReported.Indicator, b.IndicatorReported.Indicator), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	q := projections.TotalsQuery{From: &r.From, To: &r.To, Within: r.Within}
	if r.All, err = m.Totals(ctx, q); err != nil {
		return err
	}
	q.By = []projections.Dim{projections.ByUnitLevel}
	if r.Levels, err = m.Totals(ctx, q); err != nil {
		return err
	}
	if r.Within != "" && len(funds) == 0 {
		return nil
	}
	return r.balances(ctx, m, funds)
}

// funds returns those that the units of the report have at its end, and those that an entry in the report could be made in.
func (r *HalfYear) funds(ctx context.Context, m Models, tree *projections.Tree) (have, concerned []string, err error) {
	all, err := m.FundUnits(ctx)
	if err != nil {
		return nil, nil, err
	}
	then := projections.FundsOf(all, &r.To)
	for fund, unit := range projections.FundsOf(all, nil) {
		if tree.Within(then[fund], r.Within, &r.To) {
			have = append(have, fund)
		}
		if tree.WithinDuring(unit, r.Within, r.From, r.To) || tree.WithinDuring(then[fund], r.Within, r.From, r.To) {
			concerned = append(concerned, fund)
		}
	}
	slices.Sort(have)
	return have, concerned, nil
}

// balances sums what funds, nil: all, have at the end.
func (r *HalfYear) balances(ctx context.Context, m Models, funds []string) error {
	rows, err := m.Balances(ctx, projections.BalanceQuery{AsOf: &r.To, Funds: funds})
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
