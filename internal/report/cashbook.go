package report

import (
	"cmp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A CashRow is a line of a cash book: what one voucher moved, since a list of three hundred awards has one payment voucher. A reversal
// stands in the column of the entry that it undoes, with a negative amount and that entry's number.
type CashRow struct {
	RecordedAt       time.Time
	On               domain.Date
	Receipt, Payment string // voucher numbers; "" for none
	Body             domain.EventBody
	Reversal         bool
	Events           []uuid.UUID
	In, Out, Balance int64

	position int64 // of its first event
}

// A CashBook is a month of a unit's cash or bank book, of the funds that the unit has at the month's end. Amounts are minor units.
type CashBook struct {
	Month   domain.Date // its first day
	Asset   domain.Asset
	Opening int64
	Rows    []CashRow
	In, Out int64 // of the month
	YearIn  int64 // since the first of January
	YearOut int64
	Closing int64

	rows map[cashKey]int
}

// cashKey is what the entries of one line have in common.
type cashKey struct {
	unit, number string
	on           domain.Date
	reversal     bool
	kind         string
}

// End is the last day of the month.
func (b *CashBook) End() domain.Date { return domain.DateOf(b.Month.Time().AddDate(0, 1, -1)) }

// Add takes what an event does to the asset in funds, nil: in all.
func (b *CashBook) Add(e *domain.Event, funds []string) {
	if e.EffectiveOn > b.End() {
		return
	}
	body := e.Body
	reversal, isReversal := body.(*domain.EntryReversed)
	if isReversal {
		body = reversal.Entry
	}
	year := domain.NewDate(b.Month.Time().Year(), time.January, 1)
	for _, p := range domain.Journal(e) {
		if p.Asset != b.Asset || funds != nil && !slices.Contains(funds, p.Fund) {
			continue
		}
		in := (p.Amount > 0) != isReversal
		amounts := [2]int64{p.Amount, 0}
		if !in {
			amounts = [2]int64{0, -p.Amount}
		}
		if _, isOpening := body.(*domain.OpeningRecorded); isOpening { // what was there is no receipt
			b.Opening += p.Amount
			continue
		}
		if e.EffectiveOn >= year {
			b.YearIn += amounts[0]
			b.YearOut += amounts[1]
		}
		if e.EffectiveOn < b.Month {
			b.Opening += p.Amount
			continue
		}
		row := b.row(e, body, &p, isReversal, in)
		row.In += amounts[0]
		row.Out += amounts[1]
		if last := len(row.Events) - 1; last < 0 || row.Events[last] != e.ID {
			row.Events = append(row.Events, e.ID)
		}
	}
}

// row returns the line of an entry.
func (b *CashBook) row(e *domain.Event, body domain.EventBody, p *domain.Posting, reversal, in bool) *CashRow {
	number := ""
	want := seriesOf(b.Asset)[1]
	if in {
		want = seriesOf(b.Asset)[0]
	}
	for _, n := range vouchersOf(e, p) {
		if n[:2] == want {
			number = n
		}
	}
	key := cashKey{p.Unit, number, e.EffectiveOn, reversal, body.Type()}
	if i, known := b.rows[key]; known && number != "" {
		return &b.Rows[i]
	}
	if b.rows == nil {
		b.rows = map[cashKey]int{}
	}
	b.rows[key] = len(b.Rows)
	row := CashRow{RecordedAt: e.RecordedAt, On: e.EffectiveOn, Body: body, Reversal: reversal, position: e.Position}
	if in {
		row.Receipt = number
	} else {
		row.Payment = number
	}
	b.Rows = append(b.Rows, row)
	return &b.Rows[len(b.Rows)-1]
}

// Close puts the lines in order and runs the balance.
func (b *CashBook) Close() {
	slices.SortStableFunc(b.Rows, func(x, y CashRow) int { return cmp.Or(cmp.Compare(x.On, y.On), cmp.Compare(x.position, y.position)) })
	b.Closing = b.Opening
	for i := range b.Rows {
		r := &b.Rows[i]
		b.In += r.In
		b.Out += r.Out
		b.Closing += r.In - r.Out
		r.Balance = b.Closing
	}
}
