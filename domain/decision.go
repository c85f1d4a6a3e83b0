package domain

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// A decision is the work on one command: the refusals found so far, and the events that it will make.
type decision struct {
	checks
	b      *Book
	c      *Command
	now    time.Time
	events []Event

	// The papers that this command has taken numbers for, one a unit and series: most have one, for which a map would be dear.
	series voucherSeries // that was taken last
	last   Voucher
	taken  map[voucherSeries]Voucher // all, where there are several
}

// add adds an event at the next position. Nothing is added once something was refused.
func (d *decision) add(body EventBody) *Event {
	return d.addWithID(body, d.c.NewID())
}

func (d *decision) addWithID(body EventBody, id uuid.UUID) *Event {
	d.events = append(d.events, Event{
		Position:    d.b.position + int64(len(d.events)) + 1,
		ID:          id,
		RecordedAt:  d.now,
		EffectiveOn: d.c.EffectiveOn,
		Actor:       d.c.Actor,
		Command:     d.c.ID,
		Body:        body,
	})
	return &d.events[len(d.events)-1]
}

func (d *decision) unknown(kind, ref string) { d.refuse(ReferenceUnknown, kind, ref) }

// unit returns an open unit.
func (d *decision) unit(code string) *unit {
	u := d.anyUnit(code)
	if u != nil && u.closed {
		d.refuse(UnitIsClosed, code)
	}
	return u
}

func (d *decision) anyUnit(code string) *unit {
	u := d.b.units[code]
	if u == nil {
		d.unknown("unit", code)
	}
	return u
}

// fund returns an open fund and checks that an entry in it may be effective on the command's day.
func (d *decision) fund(code string) *fund {
	f := d.b.funds[code]
	if f == nil {
		d.unknown("fund", code)
		return nil
	}
	if f.closed {
		d.refuse(FundIsClosed, code)
	}
	d.notInClosed(max(f.closedThrough, d.b.closedThrough))
	d.notBefore(f.opened)
	d.notInFuture()
	return f
}

// structure checks the date of a command that changes units.
func (d *decision) structure() {
	d.notInClosed(d.b.closedThrough)
	d.notInFuture()
}

func (d *decision) notInFuture() { d.dayNotInFuture(d.c.EffectiveOn) }

func (d *decision) dayNotInFuture(day Date) {
	if latest := DateOf(d.c.Now) + 1; day > latest {
		d.refuse(DateFuture, day.String(), latest.String())
	}
}

func (d *decision) notInClosed(through Date) {
	if d.c.EffectiveOn <= through {
		d.refuse(DateClosed, d.c.EffectiveOn.String(), through.String())
	}
}

func (d *decision) notBefore(earliest Date) {
	if d.c.EffectiveOn < earliest {
		d.refuse(DateTooEarly, d.c.EffectiveOn.String(), earliest.String())
	}
}

// person returns the person with an ID; one that is an alias may be named, one that is erased may not.
func (d *decision) person(id uuid.UUID) *person {
	p := d.b.person(id)
	if p == nil {
		d.unknown("person", id.String())
		return nil
	}
	if d.b.personAt(d.b.root(p)).erased || p.erased {
		d.refuse(PersonIsErased, id.String())
	}
	return p
}

// amount turns a written amount into minor units: positive, not finer than the currency, not too large.
func (d *decision) amount(pointer string, v money.Decimal) int64 {
	return d.minor(pointer, v, false)
}

func (d *decision) minor(pointer string, v money.Decimal, zero bool) int64 {
	decimals := d.b.currency.Decimals
	m, err := v.Minor(decimals)
	if isNegative, isZero := signOf(v); isNegative && !isZero || isZero && !zero {
		d.refuse(AmountNotPositive, pointer, string(v))
	}
	switch {
	case err == nil && m > money.MaxMinor:
		err = money.ErrTooLarge
		fallthrough
	case err != nil:
		d.numberRefused(err, pointer, v, decimals, money.Format(money.MaxMinor, decimals))
	}
	return m
}

func (d *decision) numberRefused(err error, pointer string, v money.Decimal, decimals int, limit string) {
	if err == money.ErrTooFine {
		d.refuse(AmountTooFine, pointer, string(v), strconv.Itoa(decimals))
		return
	}
	d.refuse(AmountTooLarge, pointer, string(v), limit)
}

// quantity turns a written quantity into thousandths: positive, at most three decimals, not too large.
func (d *decision) quantity(pointer string, v money.Decimal, zero bool) int64 {
	if v == "" {
		d.refuse(QuantityMissing, pointer)
		return 0
	}
	q, err := money.ParseQuantity(v)
	if isNegative, isZero := signOf(v); isNegative && !isZero || isZero && !zero {
		d.refuse(AmountNotPositive, pointer, string(v))
	}
	if err == nil && q > money.MaxMinor {
		err = money.ErrTooLarge
	}
	if err != nil {
		d.numberRefused(err, pointer, v, money.QuantityDecimals, money.FormatQuantity(money.MaxMinor))
	}
	return q
}

// signOf reads the sign from the text, so that it is known also of a number that is too fine or too large.
func signOf(v money.Decimal) (negative, zero bool) {
	return strings.HasPrefix(string(v), "-"), strings.Trim(string(v), "-0.") == ""
}

// turnover counts what a command moves against the sum of all that the ledger ever moved. That sum stays within int64, so that
// no balance and no total, of whatever part of the ledger, can overflow.
type turnover struct{ amount, quantity int64 }

func (d *decision) turnover(pointer string, values []Effect) {
	t := d.b.turnover
	for _, e := range values {
		var ok bool
		for _, v := range [2]int64{e.Posted, e.Encumbered} {
			if t.amount, ok = money.Add(t.amount, abs(v)); !ok {
				d.refuse(AmountTooLarge, pointer, d.format(v), d.format(money.MaxMinor))
				return
			}
		}
		for _, v := range [2]int64{e.Quantity, e.QuantityEncumbered} {
			if t.quantity, ok = money.Add(t.quantity, abs(v)); !ok {
				d.refuse(AmountTooLarge, pointer, money.FormatQuantity(v), money.FormatQuantity(money.MaxMinor))
				return
			}
		}
	}
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// format writes minor units in the ledger's currency.
func (d *decision) format(v int64) string { return money.Format(v, d.b.currency.Decimals) }

func (d *decision) formatOf(a Asset, v int64) string {
	if a.IsGoods() {
		return money.FormatQuantity(v)
	}
	return d.format(v)
}

// enough checks that need, an amount of money or a quantity of goods, is free in a holding on the command's day and on every
// later day.
func (d *decision) enough(f *fund, a Asset, need int64) {
	h := f.holding(a)
	if day, free, isShort := h.short(d.c.EffectiveOn, need); isShort {
		d.refuse(HoldingInsufficient, f.code, string(a), day.String(), d.formatOf(a, free), d.formatOf(a, need))
	}
}

// cost returns the value of a quantity that is taken from what is available of goods, at the moving average in log order. The
// last of the quantity takes all of the value.
func cost(available Balance, quantity int64) int64 {
	whole := available.AvailableQuantity()
	if whole <= 0 || quantity > whole {
		return 0 // it will be refused as insufficient
	}
	return money.Share(available.Available(), quantity, whole)
}

// voucher takes a number of a series: one a command, unit and series.
func (d *decision) voucher(list []Voucher, unit string, a Asset, in bool) []Voucher {
	s := voucherSeries{unit: unit, series: series(a, in), year: d.c.EffectiveOn.Year()}
	if s != d.series {
		v, taken := d.taken[s]
		if !taken {
			v = s.number(d.b.lastVoucher[s] + 1)
		}
		if d.series != (voucherSeries{}) {
			if d.taken == nil {
				d.taken = map[voucherSeries]Voucher{d.series: d.last}
			}
			d.taken[s] = v
		}
		d.series, d.last = s, v
	}
	if !slices.Contains(list, d.last) {
		list = append(list, d.last)
	}
	return list
}
