package domain

import "github.com/soquy/soquy/domain/money"

// TransferFunds moves money or goods from one fund to another.
type TransferFunds struct {
	From, To         string
	Asset            Asset
	Amount, Quantity money.Decimal
}

// FundsTransferred is recorded by TransferFunds. Amount is minor units, of goods their cost.
type FundsTransferred struct {
	From, To         string
	Asset            Asset
	Amount, Quantity int64
	FromUnit, ToUnit string
	Numbers          []Voucher
}

// MoveHolding moves money between cash and bank within a fund.
type MoveHolding struct {
	Fund               string
	FromAsset, ToAsset Asset
	Amount             money.Decimal
}

// HoldingMoved is recorded by MoveHolding.
type HoldingMoved struct {
	Fund               string
	FromAsset, ToAsset Asset
	Amount             int64
	Unit               string
	Numbers            []Voucher
}

// Type returns the stored name.
func (*TransferFunds) Type() string    { return "transfer" }
func (*FundsTransferred) Type() string { return "funds.transferred" }
func (*MoveHolding) Type() string      { return "move" }
func (*HoldingMoved) Type() string     { return "holding.moved" }

func (c *TransferFunds) validate(s *static) {
	s.code("/data/from", c.From)
	s.code("/data/to", c.To)
	if c.From == c.To {
		s.malformed("/data/to", "the same fund twice")
	}
	s.outlay(c.Asset, c.Amount, c.Quantity)
}

func (c *TransferFunds) decide(d *decision) {
	from, to := d.fund(c.From), d.fund(c.To)
	if from != nil && to != nil {
		if p, beyond := to.purposes.firstBeyond(from.purposes); beyond {
			d.refuse(FundPurpose, c.From, string(p))
		}
	}
	e := &FundsTransferred{From: c.From, To: c.To, Asset: c.Asset}
	e.Amount, e.Quantity = d.outlay(from, c.Asset, c.Amount, c.Quantity)
	d.turnover("/data/amount", e.effects(&Event{}))
	if d.ok() {
		e.FromUnit, e.ToUnit = from.unit, to.unit
		e.Numbers = d.voucher(nil, from.unit, c.Asset, false)
		e.Numbers = d.voucher(e.Numbers, to.unit, c.Asset, true)
		d.add(e)
	}
}

func (e *FundsTransferred) subjects(*Event) []string {
	return []string{FundSubject(e.From), FundSubject(e.To)}
}

func (e *FundsTransferred) vouchers() []Voucher { return e.Numbers }

func (e *FundsTransferred) effects(ev *Event) []Effect {
	return []Effect{
		{Fund: e.From, Asset: e.Asset, Day: ev.EffectiveOn, Posted: -e.Amount, Quantity: -e.Quantity},
		{Fund: e.To, Asset: e.Asset, Day: ev.EffectiveOn, Posted: e.Amount, Quantity: e.Quantity},
	}
}

func (*FundsTransferred) evolve(*Book, *Event) {} // its effects are all

func (c *MoveHolding) validate(s *static) {
	s.code("/data/fund", c.Fund)
	switch {
	case !c.FromAsset.IsMoney():
		s.malformed("/data/from_asset", "want cash or bank")
	case !c.ToAsset.IsMoney():
		s.malformed("/data/to_asset", "want cash or bank")
	case c.FromAsset == c.ToAsset:
		s.malformed("/data/to_asset", "the same asset twice")
	}
	s.number("/data/amount", c.Amount, true)
}

func (c *MoveHolding) decide(d *decision) {
	f := d.fund(c.Fund)
	e := &HoldingMoved{Fund: c.Fund, FromAsset: c.FromAsset, ToAsset: c.ToAsset}
	e.Amount, _ = d.outlay(f, c.FromAsset, c.Amount, "")
	d.turnover("/data/amount", e.effects(&Event{}))
	if d.ok() {
		e.Unit = f.unit
		e.Numbers = d.voucher(nil, f.unit, c.FromAsset, false)
		e.Numbers = d.voucher(e.Numbers, f.unit, c.ToAsset, true)
		d.add(e)
	}
}

func (e *HoldingMoved) subjects(*Event) []string { return []string{FundSubject(e.Fund)} }

func (e *HoldingMoved) vouchers() []Voucher { return e.Numbers }

func (e *HoldingMoved) effects(ev *Event) []Effect {
	return []Effect{
		{Fund: e.Fund, Asset: e.FromAsset, Day: ev.EffectiveOn, Posted: -e.Amount},
		{Fund: e.Fund, Asset: e.ToAsset, Day: ev.EffectiveOn, Posted: e.Amount},
	}
}

func (*HoldingMoved) evolve(*Book, *Event) {} // its effects are all
