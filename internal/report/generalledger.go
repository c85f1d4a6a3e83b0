package report

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A LedgerQuery asks for the entries of an account, and of the accounts below it.
type LedgerQuery struct {
	Account  string
	From, To *domain.Date // effective dates, inclusive; nil: open
}

// A LedgerRow is one posting. Amounts are minor units, positive for a debit; the quantity of goods is thousandths.
type LedgerRow struct {
	Position   int64
	Event      uuid.UUID
	On         domain.Date
	Type       string
	Reverses   int64 // the position of the entry that is undone, or 0
	Vouchers   []string
	Account    string
	Unit, Fund string
	Amount     int64
	Quantity   int64
	Balance    int64 // after it
}

// A GeneralLedger is the page of an account: what it had before, each posting in order of date and position, what it has after.
type GeneralLedger struct {
	LedgerQuery
	Opening, Debit, Credit, Closing int64
	Rows                            []LedgerRow
}

// Add takes the postings of an event that are of funds, nil: of all.
func (l *GeneralLedger) Add(e *domain.Event, funds []string) {
	if l.To != nil && e.EffectiveOn > *l.To {
		return
	}
	for _, p := range domain.Journal(e) {
		if !Below(p.Account, l.Account) || funds != nil && !slices.Contains(funds, p.Fund) {
			continue
		}
		if l.From != nil && e.EffectiveOn < *l.From {
			l.Opening += p.Amount
			continue
		}
		row := LedgerRow{
			Position: e.Position, Event: e.ID, On: e.EffectiveOn, Type: e.Body.Type(), Vouchers: vouchersOf(e, &p),
			Account: p.Account, Unit: p.Unit, Fund: p.Fund, Amount: p.Amount, Quantity: p.Quantity,
		}
		if r, isReversal := e.Body.(*domain.EntryReversed); isReversal {
			row.Reverses = r.Position
		}
		l.Rows = append(l.Rows, row)
	}
}

// Close puts the rows in order and runs the balance.
func (l *GeneralLedger) Close() {
	slices.SortStableFunc(l.Rows, func(a, b LedgerRow) int { return cmp.Or(cmp.Compare(a.On, b.On), cmp.Compare(a.Position, b.Position)) })
	l.Closing = l.Opening
	for i := range l.Rows {
		r := &l.Rows[i]
		l.Closing += r.Amount
		r.Balance = l.Closing
		l.Debit += max(r.Amount, 0)
		l.Credit += max(-r.Amount, 0)
	}
}

// Below reports whether an account is another or below it.
func Below(account, top string) bool {
	rest, below := strings.CutPrefix(account, top)
	return below && (rest == "" || rest[0] == ':')
}

// vouchersOf are the numbers of an event that a posting has: of its unit, and of an asset those of its series.
func vouchersOf(e *domain.Event, p *domain.Posting) []string {
	var list []string
	for _, v := range e.Vouchers() {
		if v.Unit == p.Unit && (p.Asset == "" || slices.Contains(seriesOf(p.Asset), v.Number[:2])) {
			list = append(list, v.Number)
		}
	}
	return list
}

func seriesOf(a domain.Asset) []string {
	switch a {
	case domain.Cash:
		return []string{domain.CashIn, domain.CashOut}
	case domain.Bank:
		return []string{domain.BankIn, domain.BankOut}
	}
	return []string{domain.GoodsIn, domain.GoodsOut}
}
