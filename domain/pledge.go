package domain

import "github.com/soquy/soquy/domain/money"

// MakePledge records that a donor promised an amount to a fund.
type MakePledge struct {
	Pledge, Donor, Fund string
	Amount              money.Decimal
	Due                 Date
}

// CancelPledge records that what is still open of a pledge will not come.
type CancelPledge struct{ Pledge string }

// PledgeMade is recorded by MakePledge. Amount is in minor units.
type PledgeMade struct {
	Pledge, Donor, Fund, Unit string
	Amount                    int64
	Due                       Date
}

// PledgeCancelled is recorded by CancelPledge. Amount is what was open, in minor units.
type PledgeCancelled struct {
	Pledge, Donor, Fund string
	Amount              int64
}

// Type returns the stored name.
func (*MakePledge) Type() string      { return "make_pledge" }
func (*CancelPledge) Type() string    { return "cancel_pledge" }
func (*PledgeMade) Type() string      { return "pledge.made" }
func (*PledgeCancelled) Type() string { return "pledge.cancelled" }

// pledge is what the book knows of a pledge.
type pledge struct {
	donor, fund      string
	amount, received int64
	cancelled        bool
	made             Date
}

// open is what is still to come, in minor units.
func (p *pledge) open() int64 {
	if p.cancelled {
		return 0
	}
	return max(0, p.amount-p.received)
}

func (c *MakePledge) validate(s *static) {
	s.code("/data/pledge", c.Pledge)
	s.code("/data/donor", c.Donor)
	s.code("/data/fund", c.Fund)
	s.number("/data/amount", c.Amount, true)
}

func (c *MakePledge) decide(d *decision) {
	if d.b.pledges[c.Pledge] != nil {
		d.refuse(ReferenceTaken, "pledge", c.Pledge)
	}
	d.donor(c.Donor)
	f := d.b.funds[c.Fund]
	if f == nil {
		d.unknown("fund", c.Fund)
	} else if f.closed {
		d.refuse(FundIsClosed, c.Fund)
	}
	amount := d.amount("/data/amount", c.Amount)
	if d.ok() {
		d.add(&PledgeMade{Pledge: c.Pledge, Donor: c.Donor, Fund: c.Fund, Unit: f.unit, Amount: amount, Due: c.Due})
	}
}

func (e *PledgeMade) subjects(*Event) []string {
	return []string{FundSubject(e.Fund), DonorSubject(e.Donor), PledgeSubject(e.Pledge)}
}

func (e *PledgeMade) evolve(b *Book, ev *Event) {
	set(b, b.pledges, e.Pledge, &pledge{donor: e.Donor, fund: e.Fund, amount: e.Amount, made: ev.EffectiveOn})
}

func (c *CancelPledge) validate(s *static) { s.code("/data/pledge", c.Pledge) }

func (c *CancelPledge) decide(d *decision) {
	p := d.openPledge(c.Pledge)
	if d.ok() {
		d.add(&PledgeCancelled{Pledge: c.Pledge, Donor: p.donor, Fund: p.fund, Amount: p.open()})
	}
}

// openPledge returns a pledge of which something is still to come.
func (d *decision) openPledge(code string) *pledge {
	p := d.b.pledges[code]
	if p == nil {
		d.unknown("pledge", code)
		return nil
	}
	if p.open() == 0 {
		d.refuse(PledgeSettled, code)
	}
	return p
}

func (e *PledgeCancelled) subjects(*Event) []string {
	return []string{FundSubject(e.Fund), DonorSubject(e.Donor), PledgeSubject(e.Pledge)}
}

func (e *PledgeCancelled) evolve(b *Book, _ *Event) {
	p := b.pledges[e.Pledge]
	change(b, p)
	p.cancelled = true
}
