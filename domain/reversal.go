package domain

import (
	"slices"

	"github.com/google/uuid"
)

// Reverse undoes an entry by a new one, with reference.
type Reverse struct{ Event uuid.UUID }

// EntryReversed is recorded by Reverse. It carries the entry that it undoes, so that it can be applied, counted and read alone; of its
// lines what they are worth, not the texts.
type EntryReversed struct {
	Event    uuid.UUID
	Position int64
	Entry    EventBody // what was recorded
	EntryOn  Date      // when it was effective

	// Of a grant: what was open and is released; nothing of it stands as paid.
	Amount, Quantity int64
	// Of a payment: the grant as it is open again.
	Reopened *Grant
}

// Type returns the stored name.
func (*Reverse) Type() string       { return "reverse" }
func (*EntryReversed) Type() string { return "entry.reversed" }

func (*Reverse) validate(*static) {}

func (c *Reverse) decide(d *decision) {
	target := d.c.Found.Events[c.Event]
	if target == nil {
		d.unknown("event", c.Event.String())
		return
	}
	if d.b.reversed.has(target.Position) {
		d.refuse(EntryIsReversed, c.Event.String())
	}
	e := &EntryReversed{Event: c.Event, Position: target.Position, Entry: target.Body, EntryOn: target.EffectiveOn}
	switch body := target.Body.(type) {
	case *PersonMerged:
	case *DonationReceived:
		bare := *body
		bare.Lines = withoutTexts(body.Lines)
		e.Entry = &bare
		d.undoes(e, target)
	case *OpeningRecorded:
		bare := *body
		bare.Lines = withoutTexts(body.Lines)
		e.Entry = &bare
		d.undoes(e, target)
	case *ExpenseRecorded, *FundsTransferred, *HoldingMoved, *GrantReturned, *CountSettled:
		d.undoes(e, target)
	case *Granted:
		d.undoes(e, target)
		if g := d.grant(target.ID); g != nil {
			switch {
			case !g.neverPaid():
				d.refuse(EntryInUse, c.Event.String())
			case g.Settled() && d.ok():
				d.refuse(GrantSettled, target.ID.String())
			}
			d.notBefore(g.Since)
			e.Amount, e.Quantity = g.Open(), g.OpenQuantity()
		}
	case *GrantDisbursed:
		d.undoes(e, target)
		if g := d.grant(body.Grant); g != nil {
			if g.Returned != 0 || g.QuantityReturned != 0 {
				d.refuse(EntryInUse, c.Event.String())
			}
			after := *g
			after.GrantFacts = body.AsGranted()
			after.unpay(body.Amount, body.Quantity, d.c.EffectiveOn)
			e.Reopened = &after
		}
	default:
		d.refuse(EntryNotReversible, c.Event.String(), target.Body.Type())
	}
	if !d.ok() {
		return
	}
	effects := e.effects(&Event{EffectiveOn: d.c.EffectiveOn})
	moved := effects
	if donation, ok := target.Body.(*DonationReceived); ok {
		moved = append(slices.Clip(effects), Effect{Posted: labour(donation.Lines)})
	}
	d.turnover("/data/event", moved)
	d.bearable(effects)
	if d.ok() {
		d.add(e)
	}
}

// withoutTexts returns the lines without what only describes them. An entry can be as long as an envelope may be, and its reversal
// must fit too.
func withoutTexts(lines []Line) []Line {
	bare := slices.Clone(lines)
	for i := range bare {
		bare[i].Measure, bare[i].ValuedBy = "", ""
	}
	return bare
}

// undoes checks the funds and the date of the reversal of an entry.
func (d *decision) undoes(e *EntryReversed, target *Event) {
	for _, effect := range target.Effects() {
		d.fund(effect.Fund)
	}
	if donation, ok := target.Body.(*DonationReceived); ok {
		d.fund(donation.Fund) // one of labour alone has no effects
	}
	d.notBefore(e.EntryOn)
}

// bearable checks that effects leave no holding below zero, on their day and on every later day, and goods neither value
// without quantity nor either below zero.
func (d *decision) bearable(effects []Effect) {
	type key struct {
		fund  string
		asset Asset
	}
	sums := map[key]Balance{}
	var order []key
	for _, e := range effects {
		k := key{e.Fund, e.Asset}
		if _, seen := sums[k]; !seen {
			order = append(order, k)
		}
		sums[k] = sums[k].Plus(e)
	}
	for _, k := range order {
		f, change := d.b.funds[k.fund], sums[k]
		if f == nil {
			continue
		}
		if !k.asset.IsGoods() {
			if free := change.Available(); free < 0 {
				d.enough(f, k.asset, -free)
			}
			continue
		}
		if free := change.AvailableQuantity(); free < 0 {
			d.enough(f, k.asset, -free)
		}
		now := f.holding(k.asset).latest()
		value := now.Available() + change.Available()
		quantity := now.AvailableQuantity() + change.AvailableQuantity()
		if value < 0 || quantity == 0 && value != 0 {
			d.refuse(HoldingInsufficient, k.fund, string(k.asset), d.c.EffectiveOn.String(),
				d.format(now.Available()), d.format(-change.Available()))
		}
	}
}

func (e *EntryReversed) entry() *Event {
	return &Event{ID: e.Event, Position: e.Position, EffectiveOn: e.EntryOn, Body: e.Entry}
}

func (e *EntryReversed) subjects(*Event) []string { return e.entry().Subjects() }

func (e *EntryReversed) vouchers() []Voucher { return e.entry().Vouchers() }

func (e *EntryReversed) person(b *Book) uuid.UUID {
	if m, isMoney := e.Entry.(interface{ person(*Book) uuid.UUID }); isMoney {
		return m.person(b)
	}
	return uuid.Nil
}

func (e *EntryReversed) effects(ev *Event) []Effect {
	if granted, ok := e.Entry.(*Granted); ok {
		return granted.effect(ev, 0, -e.Amount, 0, -e.Quantity)
	}
	return negate(e.entry().Effects(), ev.EffectiveOn)
}

func (e *EntryReversed) evolve(b *Book, ev *Event) {
	p := e.Position
	b.reversed.flip(p)
	b.onUndo(func() { b.reversed.flip(p) })
	switch entry := e.Entry.(type) {
	case *PersonMerged:
		b.alias(entry.Person, -1)
	case *DonationReceived:
		if entry.Pledge != "" {
			b.fulfil(entry.Pledge, -total(entry.Lines))
		}
		if worth := labour(entry.Lines); worth > 0 {
			change(b, &b.turnover)
			b.turnover.amount += worth
		}
	case *CountSettled:
		entry.reopen(b)
	case *Granted, *GrantReturned:
		b.step(e.grant(), func(g *Grant) { e.undoGrant(g, ev.EffectiveOn) })
	case *GrantDisbursed:
		again := *e.Reopened
		set(b, b.grants, again.ID, &again)
	}
}

func (e *EntryReversed) grant() uuid.UUID {
	id, _ := grantOf(e.entry())
	return id
}

// undoGrant applies the reversal of one of its events to a grant.
func (e *EntryReversed) undoGrant(g *Grant, on Date) {
	switch entry := e.Entry.(type) {
	case *Granted:
		g.cancel(e.Amount, e.Quantity)
	case *GrantDisbursed:
		g.GrantFacts = entry.AsGranted()
		g.unpay(entry.Amount, entry.Quantity, on)
	case *GrantReturned:
		g.Returned -= entry.Amount
		g.QuantityReturned -= entry.Quantity
	}
}
