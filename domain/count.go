package domain

import (
	"math/bits"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// CountHolding records what was found of a holding: an amount of money, a quantity of goods. It posts nothing.
type CountHolding struct {
	Fund    string
	Asset   Asset
	Counted money.Decimal
}

// SettleCount posts the difference that a count found.
type SettleCount struct{ Count uuid.UUID }

// HoldingCounted is recorded by CountHolding; its event ID is the count's ID. Counted, Posted (of that day) and Difference are
// minor units of money, thousandths of goods.
type HoldingCounted struct {
	Fund                        string
	Asset                       Asset
	Counted, Posted, Difference int64
	Unit                        string
}

// CountSettled is recorded by SettleCount: Amount and Quantity are what is posted, negative when something was missing.
type CountSettled struct {
	Count            uuid.UUID
	Fund             string
	Asset            Asset
	Amount, Quantity int64
	CountedOn        Date
	Unit             string
}

// Type returns the stored name.
func (*CountHolding) Type() string   { return "count_holding" }
func (*SettleCount) Type() string    { return "settle_count" }
func (*HoldingCounted) Type() string { return "holding.counted" }
func (*CountSettled) Type() string   { return "count.settled" }

// count is what the book knows of a count whose difference is not posted.
type count struct {
	fund       string
	asset      Asset
	day        Date
	difference int64
}

func (c *CountHolding) validate(s *static) {
	s.code("/data/fund", c.Fund)
	if !c.Asset.validHolding() {
		s.malformed("/data/asset", "unknown asset")
	}
	s.number("/data/counted", c.Counted, true)
}

func (c *CountHolding) decide(d *decision) {
	f := d.fund(c.Fund)
	e := &HoldingCounted{Fund: c.Fund, Asset: c.Asset}
	if c.Asset.IsGoods() {
		e.Counted = d.quantity("/data/counted", c.Counted, true)
	} else {
		e.Counted = d.minor("/data/counted", c.Counted, true)
	}
	if !d.ok() {
		return
	}
	balance := f.holding(c.Asset).on(d.c.EffectiveOn)
	e.Posted = balance.Posted
	if c.Asset.IsGoods() {
		e.Posted = balance.Quantity
	}
	e.Difference, e.Unit = e.Counted-e.Posted, f.unit
	d.add(e)
}

func (e *HoldingCounted) subjects(*Event) []string { return []string{FundSubject(e.Fund)} }

func (e *HoldingCounted) evolve(b *Book, ev *Event) {
	if e.Difference != 0 { // else there is nothing to settle
		set(b, b.counts, ev.ID, &count{fund: e.Fund, asset: e.Asset, day: ev.EffectiveOn, difference: e.Difference})
	}
}

func (*SettleCount) validate(*static) {}

func (c *SettleCount) decide(d *decision) {
	n := d.b.counts[c.Count]
	if n == nil {
		if found := d.c.Found.Events[c.Count]; found != nil {
			if body, isCount := found.Body.(*HoldingCounted); isCount {
				d.fund(body.Fund)
				d.notBefore(found.EffectiveOn)
				d.refuse(CountIsSettled, c.Count.String())
				return
			}
		}
		d.unknown("count", c.Count.String())
		return
	}
	f := d.fund(n.fund)
	d.notBefore(n.day)
	e := &CountSettled{Count: c.Count, Fund: n.fund, Asset: n.asset, Amount: n.difference, CountedOn: n.day}
	if n.asset.IsGoods() {
		e.Quantity = n.difference
		value, ok := averageCost(f.holding(n.asset).latest(), n.difference)
		if !ok {
			d.refuse(AmountTooLarge, "/data/count", money.FormatQuantity(n.difference), d.format(money.MaxMinor))
		}
		e.Amount = value
	}
	if n.difference < 0 {
		d.enough(f, n.asset, -n.difference)
	}
	d.turnover("/data/count", e.effects(&Event{}))
	if d.ok() {
		e.Unit = f.unit
		d.add(e)
	}
}

// averageCost is the value of goods that were found or are missing, at the average of what is available; not ok when it is over
// the limit of an amount. Found goods of which there were none have no known value.
func averageCost(available Balance, difference int64) (value int64, ok bool) {
	if difference < 0 {
		return -cost(available, -difference), true
	}
	whole := available.AvailableQuantity()
	if whole <= 0 {
		return 0, true
	}
	hi, lo := bits.Mul64(uint64(available.Available()), uint64(difference))
	if hi >= uint64(whole) {
		return 0, false
	}
	if q, _ := bits.Div64(hi, lo, uint64(whole)); q > money.MaxMinor {
		return 0, false
	}
	value = money.Share(available.Available(), difference, whole)
	return value, value <= money.MaxMinor
}

func (e *CountSettled) subjects(*Event) []string { return []string{FundSubject(e.Fund)} }

func (e *CountSettled) effects(ev *Event) []Effect {
	return []Effect{{Fund: e.Fund, Asset: e.Asset, Day: ev.EffectiveOn, Posted: e.Amount, Quantity: e.Quantity}}
}

func (e *CountSettled) evolve(b *Book, _ *Event) { unset(b, b.counts, e.Count) }

// reopen makes the count unsettled again.
func (e *CountSettled) reopen(b *Book) {
	n := &count{fund: e.Fund, asset: e.Asset, day: e.CountedOn, difference: e.Amount}
	if e.Asset.IsGoods() {
		n.difference = e.Quantity
	}
	set(b, b.counts, e.Count, n)
}
