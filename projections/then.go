package projections

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/soquy/soquy/domain"
)

// LaterVouchers are what was recorded of vouchers after a position, so that rows of now can be taken back to then. Of the events after the
// position it needs those of the command that the position is in the middle of, and all reversals.
type LaterVouchers struct {
	position int64
	fold     *Fold
	rows     map[domain.Voucher]laterVoucher // nil: the fold was not looked at since the last event
}

type laterVoucher struct{ entries, reversed, amount int64 }

// NewLaterVouchers makes those of a position.
func NewLaterVouchers(position int64) *LaterVouchers {
	return &LaterVouchers{position: position, fold: NewFold(Lookup("vouchers"), nil)}
}

// Add takes an event after the position. All must come before the first row that they concern is taken back.
func (l *LaterVouchers) Add(e *domain.Event) error {
	l.rows = nil
	return l.fold.Add(e)
}

// Concerns reports whether a row of now is another one than it was at the position, so that later events must be known to take it back.
func (l *LaterVouchers) Concerns(v *VoucherRow) bool {
	return v.First <= l.position && (v.Last > l.position || v.Reversed > 0)
}

// TakeBack makes a row of now what it was at the position; false when it was not there. Last is at most the position.
func (l *LaterVouchers) TakeBack(v *VoucherRow) (bool, error) {
	if v.First > l.position {
		return false, nil
	}
	if l.rows == nil {
		l.rows = map[domain.Voucher]laterVoucher{}
		table := l.fold.Rows(voucherTable)
		row := make([]Value, len(voucherTable.Columns))
		for i := range table.Len() {
			table.Row(i, row)
			number := VoucherNumber(row[1].Text, row[2].Int, row[3].Int)
			l.rows[domain.Voucher{Unit: row[0].Text, Number: number}] = laterVoucher{row[8].Int, row[9].Int, row[10].Int}
		}
	}
	later := l.rows[domain.Voucher{Unit: v.Unit, Number: v.Number}]
	if later.entries > int64(len(v.Events)) || later.reversed > int64(v.Reversed) {
		return false, fmt.Errorf("%w: voucher %s of %s lacks what was recorded of it", ErrDiffers, v.Number, v.Unit)
	}
	v.Events = v.Events[:len(v.Events)-int(later.entries)]
	v.Reversed -= int(later.reversed)
	v.Amount -= later.amount
	v.Last = min(v.Last, l.position)
	v.Cancelled = v.Reversed >= len(v.Events)
	return true, nil
}

// ThenIndicators are the reports of figures through a position. It needs the events that report one, in order.
type ThenIndicators struct{ fold *Fold }

// NewThenIndicators makes those of no event yet.
func NewThenIndicators() *ThenIndicators {
	return &ThenIndicators{NewFold(Lookup("indicators"), nil)}
}

// Add takes an event.
func (t *ThenIndicators) Add(e *domain.Event) error { return t.fold.Add(e) }

// Rows answers as Indicators does.
func (t *ThenIndicators) Rows(q IndicatorQuery) []IndicatorRow {
	var list []IndicatorRow
	table := t.fold.Rows(indicatorTable)
	row := make([]Value, len(indicatorTable.Columns))
	for i := range table.Len() {
		table.Row(i, row)
		r := IndicatorRow{
			Unit: row[0].Text, Indicator: row[1].Text, From: domain.Date(row[2].Int), To: domain.Date(row[3].Int),
			Value: row[4].Text, Of: row[5].Text, Measure: row[6].Text, ReportedOn: domain.Date(row[7].Int), Position: row[8].Int,
		}
		if out := func(list []string, v string) bool { return len(list) > 0 && !slices.Contains(list, v) }; out(q.Units, r.Unit) ||
			out(q.Indicators, r.Indicator) || q.From != nil && r.From < *q.From || q.To != nil && r.To > *q.To {
			continue
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b IndicatorRow) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return list
}
