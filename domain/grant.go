package domain

import (
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// A Decision is the paper that grants: its number is unique only with issuer and year.
type Decision struct {
	Number string
	Date   Date
	Issuer string
}

// A Recipient is who gets a grant, and how much: one person, one collective (a class, a team, a clan; Unit says whose), or
// one unit.
type Recipient struct {
	Person     uuid.UUID
	Collective string
	Unit       string
	Amount     money.Decimal // of money
	Quantity   money.Decimal // of goods

	AchievementLevel, Prize, EducationLevel, Cause string
}

// MakeGrant grants to a list of recipients, all or none. Pay: paid on the spot.
type MakeGrant struct {
	Kind       Purpose
	Fund       string
	Asset      Asset
	Pay        bool
	Recipients []Recipient
	Decision   *Decision
	SchoolYear string // 2016-2017
}

// A Payment names a grant to pay, and how much; without a number all that is open.
type Payment struct {
	Grant            uuid.UUID
	Amount, Quantity money.Decimal
}

// Disburse pays grants, all or none.
type Disburse struct{ Grants []Payment }

// CancelGrant releases all that is open of a grant.
type CancelGrant struct {
	Grant  uuid.UUID
	Reason string
}

// ReturnGrant records that something of what was paid came back. It does not reopen the grant.
type ReturnGrant struct {
	Grant            uuid.UUID
	Amount, Quantity money.Decimal
}

// GrantFacts are the facts of a grant by which totals are counted. Every event of a grant carries them, so that it can be
// counted alone.
type GrantFacts struct {
	Kind           Purpose
	Fund, Unit     string // Unit is the fund's at the event's position
	Asset          Asset
	RecipientKind  string // student, teacher, other, collective, unit
	Person         uuid.UUID
	PersonPosition int64 // of the person's registration
	// GrantUnit is the unit at which the grant counts, in a later event of a grant whose fund has another unit by now; else "".
	GrantUnit string

	AchievementLevel, EducationLevel, Cause, SchoolYear string
}

// CountsAt is the unit at which the grant itself counts: its fund's when it was granted.
func (g *GrantFacts) CountsAt() string {
	if g.GrantUnit != "" {
		return g.GrantUnit
	}
	return g.Unit
}

// at returns the facts of a grant for an event that is recorded while its fund belongs to a unit.
func (g GrantFacts) at(unit string) GrantFacts {
	if granted := g.CountsAt(); granted != unit {
		g.Unit, g.GrantUnit = unit, granted
	}
	return g
}

// AsGranted returns the facts as the granting recorded them.
func (g GrantFacts) AsGranted() GrantFacts {
	g.Unit, g.GrantUnit = g.CountsAt(), ""
	return g
}

// Granted is recorded for each recipient; its event ID is the grant's ID.
type Granted struct {
	GrantFacts
	Recipient Recipient
	Decision  *Decision
	Amount    int64 // minor units; of goods the value that was fixed
	Quantity  int64 // of goods
}

// GrantDisbursed records a payment.
type GrantDisbursed struct {
	GrantFacts
	Grant            uuid.UUID
	Amount, Quantity int64
	First            bool // nothing of the grant stood as paid before
	Numbers          []Voucher
}

// GrantCancelled records that what was open is released.
type GrantCancelled struct {
	GrantFacts
	Grant            uuid.UUID
	Reason           string
	Amount, Quantity int64
	NeverPaid        bool // nothing of the grant stands as paid
}

// GrantReturned records what came back.
type GrantReturned struct {
	GrantFacts
	Grant            uuid.UUID
	Amount, Quantity int64
	Numbers          []Voucher
}

// Type returns the stored name.
func (*MakeGrant) Type() string      { return "grant" }
func (*Disburse) Type() string       { return "disburse" }
func (*CancelGrant) Type() string    { return "cancel_grant" }
func (*ReturnGrant) Type() string    { return "return_grant" }
func (*GrantDisbursed) Type() string { return "grant.disbursed" }
func (*GrantCancelled) Type() string { return "grant.cancelled" }
func (*GrantReturned) Type() string  { return "grant.returned" }

// Type returns the stored name of the grant's kind.
func (e *Granted) Type() string {
	switch e.Kind {
	case Scholarship:
		return "scholarship.granted"
	case HardshipGrant:
		return "hardship.granted"
	case Support:
		return "support.granted"
	default:
		return "award.granted"
	}
}

// A Grant is the state of one grant. The book keeps those of which something is open; a settled one is folded from the log.
// Amounts are minor units, of goods their value; quantities thousandths.
type Grant struct {
	GrantFacts
	ID                                                          uuid.UUID
	Amount, Paid, Cancelled, Returned                           int64
	Quantity, QuantityPaid, QuantityCancelled, QuantityReturned int64
	Since                                                       Date // from this day on, what is open now has been open
	PaidOn                                                      Date // the latest day of its payments, before which nothing can come back
}

// Open is what is granted and neither paid nor cancelled, in minor units.
func (g *Grant) Open() int64 { return g.Amount - g.Paid - g.Cancelled }

// OpenQuantity is the same of goods, in thousandths.
func (g *Grant) OpenQuantity() int64 { return g.Quantity - g.QuantityPaid - g.QuantityCancelled }

// Settled reports whether nothing is open.
func (g *Grant) Settled() bool { return g.Open() == 0 && g.OpenQuantity() == 0 }

// neverPaid reports whether no payment stands; goods may have no value.
func (g *Grant) neverPaid() bool { return g.Paid == 0 && g.QuantityPaid == 0 }

func (g *Grant) pay(amount, quantity int64, on Date) {
	if g.neverPaid() {
		g.PaidOn = on
	}
	g.PaidOn = max(g.PaidOn, on)
	g.Paid += amount
	g.QuantityPaid += quantity
}

func (g *Grant) unpay(amount, quantity int64, on Date) {
	g.Paid -= amount
	g.QuantityPaid -= quantity
	g.Since = max(g.Since, on)
}

func (g *Grant) cancel(amount, quantity int64) {
	g.Cancelled += amount
	g.QuantityCancelled += quantity
}

// FoldGrant returns the state of a grant from all events that name it as a subject, in order of position; nil when the first
// does not grant it.
func FoldGrant(events []Event) *Grant {
	if len(events) == 0 {
		return nil
	}
	granted, ok := events[0].Body.(*Granted)
	if !ok {
		return nil
	}
	g := newGrant(granted, &events[0])
	for i := range events[1:] {
		e := &events[1+i]
		switch body := e.Body.(type) {
		case *GrantDisbursed:
			g.pay(body.Amount, body.Quantity, e.EffectiveOn)
		case *GrantCancelled:
			g.cancel(body.Amount, body.Quantity)
		case *GrantReturned:
			g.Returned += body.Amount
			g.QuantityReturned += body.Quantity
		case *EntryReversed:
			body.undoGrant(g, e.EffectiveOn)
		}
	}
	return g
}

func newGrant(body *Granted, e *Event) *Grant {
	return &Grant{
		GrantFacts: body.GrantFacts, ID: e.ID,
		Amount: body.Amount, Quantity: body.Quantity, Since: e.EffectiveOn,
	}
}

// grantOf returns the grant that an event is about.
func grantOf(e *Event) (uuid.UUID, bool) {
	switch body := e.Body.(type) {
	case *Granted:
		return e.ID, true
	case *GrantDisbursed:
		return body.Grant, true
	case *GrantCancelled:
		return body.Grant, true
	case *GrantReturned:
		return body.Grant, true
	}
	return uuid.Nil, false
}

func (c *MakeGrant) validate(s *static) {
	oneOf(s, "/data/kind", c.Kind, GrantKinds(), true)
	s.code("/data/fund", c.Fund)
	if !c.Asset.validHolding() {
		s.malformed("/data/asset", "unknown asset")
	}
	s.count("/data/recipients", len(c.Recipients), MaxRecipients)
	for i := range c.Recipients {
		c.validateRecipient(s, i)
	}
	if c.Decision != nil {
		if c.Decision.Number == "" {
			s.malformed("/data/decision/number", "required")
		}
		s.text("/data/decision/number", c.Decision.Number)
		s.text("/data/decision/issuer", c.Decision.Issuer)
	}
	if c.SchoolYear != "" && !validSchoolYear(c.SchoolYear) {
		s.malformed("/data/school_year", "want two years, such as 2016-2017")
	}
}

func validSchoolYear(s string) bool {
	if len(s) != 9 || s[4] != '-' {
		return false
	}
	n := [2]int{}
	for i, part := range [2]string{s[:4], s[5:]} {
		for j := range len(part) {
			if part[j] < '0' || part[j] > '9' {
				return false
			}
			n[i] = n[i]*10 + int(part[j]-'0')
		}
	}
	return n[1] == n[0]+1
}

func (c *MakeGrant) validateRecipient(s *static, i int) {
	r := &c.Recipients[i]
	p := "/data/recipients"
	if !c.simple(r) {
		p = index(p, i)
	}
	switch {
	case r.Person == uuid.Nil && r.Collective == "" && r.Unit == "":
		s.malformed(p, "one of person, collective, unit is required")
	case r.Person != uuid.Nil && (r.Collective != "" || r.Unit != ""):
		s.malformed(p, "only one of person, collective, unit")
	}
	s.limited(p+"/collective", r.Collective, MaxName)
	s.optionalCode(p+"/unit", r.Unit)
	oneOf(s, p+"/achievement_level", r.AchievementLevel, AchievementLevels(), false)
	oneOf(s, p+"/prize", r.Prize, Prizes(), false)
	oneOf(s, p+"/education_level", r.EducationLevel, EducationLevels(), false)
	oneOf(s, p+"/cause", r.Cause, Causes(), false)
	if r.Cause != "" && c.Kind != HardshipGrant {
		s.malformed(p+"/cause", "only a hardship grant has a cause")
	}
	if c.Asset.validHolding() {
		s.assetNumbers(p, c.Asset, r.Amount, r.Quantity)
	}
}

// simple reports whether nothing can be wrong with a recipient, so that no pointer to it need be made.
func (c *MakeGrant) simple(r *Recipient) bool {
	return r.Person != uuid.Nil && r.Collective == "" && r.Unit == "" && r.Cause == "" &&
		c.Asset.IsMoney() && plain(r.Amount) && r.Quantity == "" &&
		r.Prize == "" && slices.Contains(append(AchievementLevels(), ""), r.AchievementLevel) &&
		slices.Contains(append(EducationLevels(), ""), r.EducationLevel)
}

func (c *MakeGrant) decide(d *decision) {
	f := d.fund(c.Fund)
	granted := make([]Granted, len(c.Recipients))
	var sum, quantity int64
	var rest Balance // what is available of goods to the recipients still to come
	if f != nil {
		rest = f.holding(c.Asset).latest()
		if !f.purposes.allows(c.Kind) {
			d.refuse(FundPurpose, c.Fund, string(c.Kind))
		}
	}
	for i := range c.Recipients {
		r := &c.Recipients[i]
		g := &granted[i]
		*g = Granted{Recipient: *r, Decision: c.Decision, GrantFacts: GrantFacts{
			Kind: c.Kind, Fund: c.Fund, Asset: c.Asset,
			AchievementLevel: r.AchievementLevel, EducationLevel: r.EducationLevel, Cause: r.Cause, SchoolYear: c.SchoolYear,
		}}
		g.Recipient.Amount, g.Recipient.Quantity = "", "" // they stand beside it, as numbers
		d.recipient(g, r)
		p := "/data/recipients"
		if !plain(r.Amount) {
			p = index(p, i)
		}
		if c.Asset.IsMoney() {
			g.Amount = d.amount(p+"/amount", r.Amount)
		} else {
			g.Quantity = d.quantity(p+"/quantity", r.Quantity, false)
			g.Amount = cost(rest, g.Quantity)
			rest.Encumbered += g.Amount
			rest.QuantityEncumbered += g.Quantity
		}
		sum, quantity = d.sum(p, sum, g.Amount), d.sum(p, quantity, g.Quantity)
	}
	if f == nil {
		return
	}
	// A payment on the spot moves the same amounts once more: reserved, then paid.
	d.turnover("/data/recipients", slices.Repeat([]Effect{{Posted: sum, Encumbered: sum, Quantity: quantity, QuantityEncumbered: quantity}}, 2))
	if c.Asset.IsGoods() {
		d.enough(f, c.Asset, quantity)
	} else {
		d.enough(f, c.Asset, sum)
	}
	if !d.ok() {
		return
	}
	d.events = make([]Event, 0, 2*len(granted))
	for i := range granted {
		granted[i].Unit = f.unit
		d.add(&granted[i])
	}
	if !c.Pay {
		return
	}
	numbers := d.voucher(nil, f.unit, c.Asset, false)
	paid := make([]GrantDisbursed, len(granted))
	for i := range granted {
		paid[i] = GrantDisbursed{
			GrantFacts: granted[i].GrantFacts, Grant: d.events[i].ID,
			Amount: granted[i].Amount, Quantity: granted[i].Quantity, First: true, Numbers: numbers,
		}
		d.add(&paid[i])
	}
}

// sum adds up amounts of one command.
func (d *decision) sum(pointer string, a, b int64) int64 {
	s, ok := money.Add(a, b)
	if !ok {
		d.refuse(AmountTooLarge, pointer, d.format(b), d.format(money.MaxMinor))
	}
	return s
}

// recipient finds out who gets a grant.
func (d *decision) recipient(g *Granted, r *Recipient) {
	switch {
	case r.Person != uuid.Nil:
		if p := d.person(r.Person); p != nil {
			g.RecipientKind, g.Person, g.PersonPosition = p.kind, p.id, p.position
		}
	case r.Collective != "":
		g.RecipientKind = CollectiveRecipient
		if r.Unit != "" {
			d.unit(r.Unit)
		}
	default:
		g.RecipientKind = UnitRecipient
		d.unit(r.Unit)
	}
}

func (g *GrantFacts) subjectsOf(grant uuid.UUID) []string {
	list := make([]string, 0, 3)
	list = append(list, FundSubject(g.Fund))
	if g.Person != uuid.Nil {
		list = append(list, PersonSubject(g.Person))
	}
	return append(list, GrantSubject(grant))
}

func (g *GrantFacts) person(*Book) uuid.UUID { return g.Person }

func (g *GrantFacts) effect(ev *Event, posted, encumbered, quantity, reserved int64) []Effect {
	return []Effect{{
		Fund: g.Fund, Asset: g.Asset, Day: ev.EffectiveOn,
		Posted: posted, Encumbered: encumbered, Quantity: quantity, QuantityEncumbered: reserved,
	}}
}

func (e *Granted) subjects(ev *Event) []string { return e.subjectsOf(ev.ID) }

func (e *Granted) effects(ev *Event) []Effect { return e.effect(ev, 0, e.Amount, 0, e.Quantity) }

func (e *Granted) evolve(b *Book, ev *Event) {
	set(b, b.grants, ev.ID, newGrant(e, ev))
}

// grant returns the state of a grant from the book or, settled, from what was found in the log.
func (d *decision) grant(id uuid.UUID) *Grant {
	if g := d.b.grants[id]; g != nil {
		return g
	}
	if g := d.c.Found.Grants[id]; g != nil {
		return g
	}
	d.unknown("grant", id.String())
	return nil
}

func (c *Disburse) validate(s *static) {
	s.count("/data/grants", len(c.Grants), MaxGrants)
	for i := range c.Grants {
		p := &c.Grants[i]
		if p.Amount == "" && p.Quantity == "" {
			continue
		}
		at := index("/data/grants", i)
		s.number(at+"/amount", p.Amount, false)
		s.number(at+"/quantity", p.Quantity, false)
		if p.Amount != "" && p.Quantity != "" {
			s.malformed(at+"/quantity", "only one of amount, quantity")
		}
	}
}

func (c *Disburse) decide(d *decision) {
	paid := make([]GrantDisbursed, 0, len(c.Grants))
	states := make(map[uuid.UUID]*Grant) // as the payments before in the list leave them
	var sum Effect
	for i := range c.Grants {
		p := &c.Grants[i]
		g := states[p.Grant]
		if g == nil {
			known := d.grant(p.Grant)
			if known == nil {
				continue
			}
			mine := *known
			g = &mine
			states[p.Grant] = g
		}
		f := d.fund(g.Fund)
		d.notBefore(g.Since)
		at := "/data/grants"
		if p.Amount != "" || p.Quantity != "" {
			at = index(at, i)
		}
		amount, quantity := d.payment(at, g, p)
		if g.Settled() {
			d.refuse(GrantSettled, p.Grant.String())
			continue
		}
		e := GrantDisbursed{GrantFacts: g.GrantFacts, Grant: g.ID, Amount: amount, Quantity: quantity, First: g.neverPaid()}
		g.pay(amount, quantity, d.c.EffectiveOn)
		sum.Posted, sum.Quantity = d.sum(at, sum.Posted, amount), d.sum(at, sum.Quantity, quantity)
		if f != nil && d.ok() {
			e.GrantFacts = e.at(f.unit)
			e.Numbers = d.voucher(nil, f.unit, g.Asset, false)
			paid = append(paid, e)
		}
	}
	sum.Encumbered, sum.QuantityEncumbered = sum.Posted, sum.Quantity
	d.turnover("/data/grants", []Effect{sum})
	if !d.ok() {
		return
	}
	d.events = make([]Event, 0, len(paid))
	for i := range paid {
		d.add(&paid[i])
	}
}

// payment returns how much of a grant is paid. A part of goods takes its value by proportion, the last takes the rest.
func (d *decision) payment(at string, g *Grant, p *Payment) (amount, quantity int64) {
	amount, quantity = g.Open(), g.OpenQuantity()
	over := func(open, asked int64) {
		if asked > open && !g.Settled() {
			d.refuse(GrantOverpaid, g.ID.String(), d.formatOf(g.Asset, open), d.formatOf(g.Asset, asked))
		}
	}
	switch {
	case g.Asset.IsGoods() && p.Amount != "":
		d.refuse(QuantityMissing, at+"/quantity")
	case g.Asset.IsGoods() && p.Quantity != "":
		asked := d.quantity(at+"/quantity", p.Quantity, false)
		over(quantity, asked)
		if asked > 0 && asked <= quantity {
			amount = money.Share(amount, asked, quantity)
		}
		quantity = asked
	case p.Quantity != "":
		d.refuse(CommandMalformed, at+"/quantity", "money has no quantity")
	case p.Amount != "":
		asked := d.amount(at+"/amount", p.Amount)
		over(amount, asked)
		amount = asked
	}
	return amount, quantity
}

func (e *GrantDisbursed) subjects(*Event) []string { return e.subjectsOf(e.Grant) }

func (e *GrantDisbursed) vouchers() []Voucher { return e.Numbers }

func (e *GrantDisbursed) effects(ev *Event) []Effect {
	return e.effect(ev, -e.Amount, -e.Amount, -e.Quantity, -e.Quantity)
}

func (e *GrantDisbursed) evolve(b *Book, ev *Event) {
	b.step(e.Grant, func(g *Grant) { g.pay(e.Amount, e.Quantity, ev.EffectiveOn) })
}

// step changes a grant that the book keeps, and lets it go when it is settled. A settled one is not kept, and needs no change:
// whoever asks folds it from the log.
func (b *Book) step(id uuid.UUID, f func(*Grant)) {
	g := b.grants[id]
	if g == nil {
		return
	}
	change(b, g)
	f(g)
	if g.Settled() {
		unset(b, b.grants, id)
	}
}

func (c *CancelGrant) validate(s *static) {
	oneOf(s, "/data/reason", c.Reason, CancelReasons(), true)
}

func (c *CancelGrant) decide(d *decision) {
	g := d.grant(c.Grant)
	if g == nil {
		return
	}
	f := d.fund(g.Fund)
	d.notBefore(g.Since)
	if g.Settled() {
		d.refuse(GrantSettled, c.Grant.String())
	}
	e := &GrantCancelled{
		GrantFacts: g.GrantFacts, Grant: g.ID, Reason: c.Reason,
		Amount: g.Open(), Quantity: g.OpenQuantity(), NeverPaid: g.neverPaid(),
	}
	d.turnover("/data/grant", e.effects(&Event{}))
	if d.ok() {
		e.GrantFacts = e.at(f.unit)
		d.add(e)
	}
}

func (e *GrantCancelled) subjects(*Event) []string { return e.subjectsOf(e.Grant) }

func (e *GrantCancelled) effects(ev *Event) []Effect {
	return e.effect(ev, 0, -e.Amount, 0, -e.Quantity)
}

func (e *GrantCancelled) evolve(b *Book, _ *Event) {
	b.step(e.Grant, func(g *Grant) { g.cancel(e.Amount, e.Quantity) })
}

func (c *ReturnGrant) validate(s *static) {
	s.number("/data/amount", c.Amount, false)
	s.number("/data/quantity", c.Quantity, false)
	switch {
	case c.Amount == "" && c.Quantity == "":
		s.malformed("/data/amount", "required")
	case c.Amount != "" && c.Quantity != "":
		s.malformed("/data/quantity", "only one of amount, quantity")
	}
}

func (c *ReturnGrant) decide(d *decision) {
	g := d.grant(c.Grant)
	if g == nil {
		return
	}
	f := d.fund(g.Fund)
	if !g.neverPaid() {
		d.notBefore(g.PaidOn)
	}
	e := &GrantReturned{GrantFacts: g.GrantFacts, Grant: g.ID}
	over := func(paid, asked int64) {
		if asked > paid {
			d.refuse(GrantOverReturned, c.Grant.String(), d.formatOf(g.Asset, paid), d.formatOf(g.Asset, asked))
		}
	}
	amount, quantity := g.Paid-g.Returned, g.QuantityPaid-g.QuantityReturned
	switch {
	case g.Asset.IsGoods() && c.Quantity == "":
		d.refuse(QuantityMissing, "/data/quantity")
	case g.Asset.IsGoods():
		e.Quantity = d.quantity("/data/quantity", c.Quantity, false)
		over(quantity, e.Quantity)
		if e.Quantity > 0 && e.Quantity <= quantity {
			e.Amount = money.Share(amount, e.Quantity, quantity)
		}
	case c.Quantity != "":
		d.refuse(CommandMalformed, "/data/quantity", "money has no quantity")
	default:
		e.Amount = d.amount("/data/amount", c.Amount)
		over(amount, e.Amount)
	}
	d.turnover("/data/amount", e.effects(&Event{}))
	if d.ok() {
		e.GrantFacts = e.at(f.unit)
		e.Numbers = d.voucher(nil, f.unit, g.Asset, true)
		d.add(e)
	}
}

func (e *GrantReturned) subjects(*Event) []string { return e.subjectsOf(e.Grant) }

func (e *GrantReturned) vouchers() []Voucher { return e.Numbers }

func (e *GrantReturned) effects(ev *Event) []Effect { return e.effect(ev, e.Amount, 0, e.Quantity, 0) }

func (e *GrantReturned) evolve(b *Book, _ *Event) {
	b.step(e.Grant, func(g *Grant) {
		g.Returned += e.Amount
		g.QuantityReturned += e.Quantity
	})
}
