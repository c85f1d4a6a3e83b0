package domain

import (
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// A Payee is who gets the money of an expense: one of an organisation by its name, a person, a donor.
type Payee struct {
	Organisation string
	Person       uuid.UUID
	Donor        string
}

// RecordExpense records what the association itself uses.
type RecordExpense struct {
	Fund             string
	Asset            Asset
	Amount, Quantity money.Decimal
	Purpose          string
	Payee            *Payee
}

// ExpenseRecorded is recorded by RecordExpense. Amount is minor units, of goods their cost.
type ExpenseRecorded struct {
	Fund             string
	Asset            Asset
	Amount, Quantity int64
	Purpose          string
	Payee            *Payee
	Unit             string
	Numbers          []Voucher
}

// Type returns the stored name.
func (*RecordExpense) Type() string   { return "record_expense" }
func (*ExpenseRecorded) Type() string { return "expense.recorded" }

func (c *RecordExpense) validate(s *static) {
	s.code("/data/fund", c.Fund)
	s.outlay(c.Asset, c.Amount, c.Quantity)
	oneOf(s, "/data/purpose", c.Purpose, ExpensePurposes(), true)
	if p := c.Payee; p != nil {
		n := 0
		if p.Organisation != "" {
			n++
		}
		if p.Person != uuid.Nil {
			n++
		}
		if p.Donor != "" {
			n++
		}
		if n != 1 {
			s.malformed("/data/payee", "exactly one of organisation, person, donor")
		}
		s.limited("/data/payee/organisation", p.Organisation, MaxName)
		s.optionalCode("/data/payee/donor", p.Donor)
	}
}

// outlay takes an amount of money or a quantity of goods out of a holding: the cost in minor units, and the quantity.
func (d *decision) outlay(f *fund, a Asset, amount, quantity money.Decimal) (value, q int64) {
	if a.IsMoney() {
		value = d.amount("/data/amount", amount)
		if f != nil {
			d.enough(f, a, value)
		}
		return value, 0
	}
	q = d.quantity("/data/quantity", quantity, false)
	if f != nil {
		d.enough(f, a, q)
		value = cost(f.holding(a).latest(), q)
	}
	return value, q
}

func (c *RecordExpense) decide(d *decision) {
	f := d.fund(c.Fund)
	if f != nil && !f.purposes.allows(Expense) {
		d.refuse(FundPurpose, c.Fund, string(Expense))
	}
	if p := c.Payee; p != nil {
		switch {
		case p.Person != uuid.Nil:
			d.person(p.Person)
		case p.Donor != "":
			d.donor(p.Donor)
		}
	}
	e := &ExpenseRecorded{Fund: c.Fund, Asset: c.Asset, Purpose: c.Purpose, Payee: c.Payee}
	e.Amount, e.Quantity = d.outlay(f, c.Asset, c.Amount, c.Quantity)
	d.turnover("/data/amount", e.effects(&Event{}))
	if d.ok() {
		e.Unit = f.unit
		e.Numbers = d.voucher(nil, f.unit, c.Asset, false)
		d.add(e)
	}
}

func (e *ExpenseRecorded) subjects(*Event) []string {
	list := []string{FundSubject(e.Fund)}
	if p := e.Payee; p != nil {
		switch {
		case p.Person != uuid.Nil:
			list = append(list, PersonSubject(p.Person))
		case p.Donor != "":
			list = append(list, DonorSubject(p.Donor))
		}
	}
	return list
}

func (e *ExpenseRecorded) vouchers() []Voucher { return e.Numbers }

func (e *ExpenseRecorded) effects(ev *Event) []Effect {
	return []Effect{{Fund: e.Fund, Asset: e.Asset, Day: ev.EffectiveOn, Posted: -e.Amount, Quantity: -e.Quantity}}
}

func (*ExpenseRecorded) evolve(*Book, *Event) {} // its effects are all

func (e *ExpenseRecorded) person(b *Book) uuid.UUID {
	switch p := e.Payee; {
	case p == nil:
		return uuid.Nil
	case p.Donor != "":
		return b.donors[p.Donor].person
	default:
		return p.Person
	}
}
