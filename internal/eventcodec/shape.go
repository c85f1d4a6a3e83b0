package eventcodec

import (
	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// The shapes below list the members of each object in the order in which they are written. Those of a command's data and of its
// event's data share what they have in common.

func number(c *coder, key string, p *money.Decimal) { text(c, key, p) }

func commitment(c *coder, p *domain.Commitment) {
	c.id("private", &p.Private)
	c.hash("sha256", &p.SHA256)
}

func voucher(c *coder, v *domain.Voucher) {
	text(c, "unit", &v.Unit)
	text(c, "number", &v.Number)
}

func names(c *coder, name, nameEN *string) {
	text(c, "name", name)
	text(c, "name_en", nameEN)
}

func registerUnit(c *coder, u *domain.RegisterUnit) {
	text(c, "code", &u.Code)
	text(c, "parent", &u.Parent)
	text(c, "level", &u.Level)
	names(c, &u.Name, &u.NameEN)
	text(c, "official", &u.Official)
	text(c, "address", &u.Address)
}

func renameUnit(c *coder, u *domain.RenameUnit) {
	text(c, "unit", &u.Unit)
	names(c, &u.Name, &u.NameEN)
}

func moveUnit(c *coder, u *domain.MoveUnit) {
	text(c, "unit", &u.Unit)
	text(c, "parent", &u.Parent)
}

func mergeUnit(c *coder, u *domain.MergeUnit) {
	text(c, "unit", &u.Unit)
	text(c, "into", &u.Into)
}

func closeUnit(c *coder, u *domain.CloseUnit) { text(c, "unit", &u.Unit) }

func openFund(c *coder, f *domain.OpenFund) {
	text(c, "code", &f.Code)
	text(c, "unit", &f.Unit)
	names(c, &f.Name, &f.NameEN)
	texts(c, "purposes", &f.Purposes)
}

func restrictFund(c *coder, f *domain.RestrictFund) {
	text(c, "fund", &f.Fund)
	texts(c, "purposes", &f.Purposes)
}

func fundRestricted(c *coder, f *domain.FundRestricted) {
	text(c, "fund", &f.Fund)
	texts(c, "purposes", &f.Purposes)
	text(c, "unit", &f.Unit)
}

func closeFund(c *coder, f *domain.CloseFund) { text(c, "fund", &f.Fund) }

func fundClosed(c *coder, f *domain.FundClosed) {
	text(c, "fund", &f.Fund)
	text(c, "unit", &f.Unit)
}

func lineInput(c *coder, l *domain.LineInput) {
	text(c, "asset", &l.Asset)
	number(c, "amount", &l.Amount)
	number(c, "quantity", &l.Quantity)
	text(c, "measure", &l.Measure)
	text(c, "valued_by", &l.ValuedBy)
}

func line(c *coder, l *domain.Line) {
	text(c, "asset", &l.Asset)
	c.amount("amount", &l.Amount)
	c.quantity("quantity", &l.Quantity)
	text(c, "measure", &l.Measure)
	text(c, "valued_by", &l.ValuedBy)
}

func recordOpening(c *coder, o *domain.RecordOpening) {
	text(c, "fund", &o.Fund)
	array(c, "lines", &o.Lines, lineInput)
}

func openingRecorded(c *coder, o *domain.OpeningRecorded) {
	text(c, "fund", &o.Fund)
	array(c, "lines", &o.Lines, line)
	text(c, "unit", &o.Unit)
}

func registerPerson(c *coder, p *domain.RegisterPerson) {
	c.id("person", &p.Person)
	text(c, "kind", &p.Kind)
}

func personRegistered(c *coder, p *domain.PersonRegistered) {
	c.id("person", &p.Person)
	text(c, "kind", &p.Kind)
	part(c, "personal", &p.Personal, commitment)
}

func correctPerson(c *coder, p *domain.CorrectPerson) { c.needID("person", &p.Person) }

func personCorrected(c *coder, p *domain.PersonCorrected) {
	c.id("person", &p.Person)
	part(c, "personal", &p.Personal, commitment)
}

func mergePerson(c *coder, p *domain.MergePerson) {
	c.needID("person", &p.Person)
	c.needID("into", &p.Into)
}

func personMerged(c *coder, p *domain.PersonMerged) {
	c.id("person", &p.Person)
	c.id("into", &p.Into)
	c.int("person_position", &p.PersonPosition)
	c.int("into_position", &p.IntoPosition)
}

func erasePerson(c *coder, p *domain.ErasePerson) {
	c.needID("person", &p.Person)
	c.boolPointer("override", &p.Override)
}

func registerDonor(c *coder, d *domain.RegisterDonor) {
	text(c, "code", &d.Code)
	text(c, "kind", &d.Kind)
	text(c, "name", &d.Name)
	text(c, "address", &d.Address)
	c.id("person", &d.Person)
	c.boolPointer("publish", &d.Publish)
}

func makePledge(c *coder, p *domain.MakePledge) {
	text(c, "pledge", &p.Pledge)
	text(c, "donor", &p.Donor)
	text(c, "fund", &p.Fund)
	number(c, "amount", &p.Amount)
	c.date("due", &p.Due)
}

func pledgeMade(c *coder, p *domain.PledgeMade) {
	text(c, "pledge", &p.Pledge)
	text(c, "donor", &p.Donor)
	text(c, "fund", &p.Fund)
	c.amount("amount", &p.Amount)
	c.date("due", &p.Due)
	text(c, "unit", &p.Unit)
}

func cancelPledge(c *coder, p *domain.CancelPledge) { text(c, "pledge", &p.Pledge) }

func pledgeCancelled(c *coder, p *domain.PledgeCancelled) {
	text(c, "pledge", &p.Pledge)
	text(c, "donor", &p.Donor)
	text(c, "fund", &p.Fund)
	c.amount("amount", &p.Amount)
}

func receiveDonation(c *coder, d *domain.ReceiveDonation) {
	text(c, "fund", &d.Fund)
	text(c, "donor", &d.Donor)
	array(c, "lines", &d.Lines, lineInput)
	text(c, "pledge", &d.Pledge)
	c.intPointer("attached", &d.Attached)
}

func donationReceived(c *coder, d *domain.DonationReceived) {
	text(c, "fund", &d.Fund)
	text(c, "donor", &d.Donor)
	array(c, "lines", &d.Lines, line)
	text(c, "pledge", &d.Pledge)
	c.intPointer("attached", &d.Attached)
	text(c, "unit", &d.Unit)
	text(c, "donor_kind", &d.DonorKind)
	array(c, "vouchers", &d.Numbers, voucher)
}

func decision(c *coder, d *domain.Decision) {
	text(c, "number", &d.Number)
	c.date("date", &d.Date)
	text(c, "issuer", &d.Issuer)
}

func recipient(c *coder, r *domain.Recipient) {
	c.id("person", &r.Person)
	text(c, "collective", &r.Collective)
	text(c, "unit", &r.Unit)
	number(c, "amount", &r.Amount)
	number(c, "quantity", &r.Quantity)
	text(c, "achievement_level", &r.AchievementLevel)
	text(c, "prize", &r.Prize)
	text(c, "education_level", &r.EducationLevel)
	text(c, "cause", &r.Cause)
}

func makeGrant(c *coder, g *domain.MakeGrant) {
	text(c, "kind", &g.Kind)
	text(c, "fund", &g.Fund)
	text(c, "asset", &g.Asset)
	c.needBool("pay", &g.Pay)
	array(c, "recipients", &g.Recipients, recipient)
	child(c, "decision", &g.Decision, decision)
	text(c, "school_year", &g.SchoolYear)
}

// granted has the command's fields, of its recipients one; the kind is in the event's type.
func granted(c *coder, g *domain.Granted) {
	text(c, "fund", &g.Fund)
	text(c, "asset", &g.Asset)
	part(c, "recipient", g, func(c *coder, g *domain.Granted) {
		r := &g.Recipient
		c.id("person", &r.Person)
		text(c, "collective", &r.Collective)
		text(c, "unit", &r.Unit)
		if !g.Asset.IsGoods() {
			c.amount("amount", &g.Amount)
		}
		c.quantity("quantity", &g.Quantity)
		text(c, "achievement_level", &r.AchievementLevel)
		text(c, "prize", &r.Prize)
		text(c, "education_level", &r.EducationLevel)
		text(c, "cause", &r.Cause)
	})
	child(c, "decision", &g.Decision, decision)
	text(c, "school_year", &g.SchoolYear)
	text(c, "unit", &g.Unit)
	if g.Asset.IsGoods() {
		c.amount("value", &g.Amount)
	}
	text(c, "recipient_kind", &g.RecipientKind)
	c.optionalInt("person_position", &g.PersonPosition)
	if c.mode == reading {
		r := &g.Recipient
		g.Person, g.AchievementLevel, g.EducationLevel, g.Cause = r.Person, r.AchievementLevel, r.EducationLevel, r.Cause
	}
}

// grantFacts are repeated by each later event of a grant, so that it can be counted alone.
func grantFacts(c *coder, g *domain.GrantFacts) {
	text(c, "kind", &g.Kind)
	text(c, "fund", &g.Fund)
	text(c, "unit", &g.Unit)
	text(c, "grant_unit", &g.GrantUnit)
	text(c, "asset", &g.Asset)
	text(c, "recipient_kind", &g.RecipientKind)
	c.id("person", &g.Person)
	c.optionalInt("person_position", &g.PersonPosition)
	text(c, "achievement_level", &g.AchievementLevel)
	text(c, "education_level", &g.EducationLevel)
	text(c, "cause", &g.Cause)
	text(c, "school_year", &g.SchoolYear)
}

// moved is an amount of money, or a quantity of goods with its value.
func moved(c *coder, a *domain.Asset, amount, quantity *int64) {
	if !a.IsGoods() {
		c.amount("amount", amount)
		return
	}
	c.quantity("quantity", quantity)
	c.amount("value", amount)
}

func payment(c *coder, p *domain.Payment) {
	c.needID("grant", &p.Grant)
	number(c, "amount", &p.Amount)
	number(c, "quantity", &p.Quantity)
}

func disburse(c *coder, d *domain.Disburse) { array(c, "grants", &d.Grants, payment) }

func grantDisbursed(c *coder, g *domain.GrantDisbursed) {
	c.id("grant", &g.Grant)
	grantFacts(c, &g.GrantFacts)
	moved(c, &g.Asset, &g.Amount, &g.Quantity)
	c.flag("first", &g.First)
	array(c, "vouchers", &g.Numbers, voucher)
}

func cancelGrant(c *coder, g *domain.CancelGrant) {
	c.needID("grant", &g.Grant)
	text(c, "reason", &g.Reason)
}

func grantCancelled(c *coder, g *domain.GrantCancelled) {
	c.id("grant", &g.Grant)
	text(c, "reason", &g.Reason)
	grantFacts(c, &g.GrantFacts)
	moved(c, &g.Asset, &g.Amount, &g.Quantity)
	c.flag("never_paid", &g.NeverPaid)
}

func returnGrant(c *coder, g *domain.ReturnGrant) {
	c.needID("grant", &g.Grant)
	number(c, "amount", &g.Amount)
	number(c, "quantity", &g.Quantity)
}

func grantReturned(c *coder, g *domain.GrantReturned) {
	c.id("grant", &g.Grant)
	grantFacts(c, &g.GrantFacts)
	moved(c, &g.Asset, &g.Amount, &g.Quantity)
	array(c, "vouchers", &g.Numbers, voucher)
}

func payee(c *coder, p *domain.Payee) {
	text(c, "organisation", &p.Organisation)
	c.id("person", &p.Person)
	text(c, "donor", &p.Donor)
}

func recordExpense(c *coder, e *domain.RecordExpense) {
	text(c, "fund", &e.Fund)
	text(c, "asset", &e.Asset)
	number(c, "amount", &e.Amount)
	number(c, "quantity", &e.Quantity)
	text(c, "purpose", &e.Purpose)
	child(c, "payee", &e.Payee, payee)
}

func expenseRecorded(c *coder, e *domain.ExpenseRecorded) {
	text(c, "fund", &e.Fund)
	text(c, "asset", &e.Asset)
	moved(c, &e.Asset, &e.Amount, &e.Quantity)
	text(c, "purpose", &e.Purpose)
	child(c, "payee", &e.Payee, payee)
	text(c, "unit", &e.Unit)
	array(c, "vouchers", &e.Numbers, voucher)
}

func transferFunds(c *coder, t *domain.TransferFunds) {
	text(c, "from", &t.From)
	text(c, "to", &t.To)
	text(c, "asset", &t.Asset)
	number(c, "amount", &t.Amount)
	number(c, "quantity", &t.Quantity)
}

func fundsTransferred(c *coder, t *domain.FundsTransferred) {
	text(c, "from", &t.From)
	text(c, "to", &t.To)
	text(c, "asset", &t.Asset)
	moved(c, &t.Asset, &t.Amount, &t.Quantity)
	text(c, "from_unit", &t.FromUnit)
	text(c, "to_unit", &t.ToUnit)
	array(c, "vouchers", &t.Numbers, voucher)
}

func moveHolding(c *coder, m *domain.MoveHolding) {
	text(c, "fund", &m.Fund)
	text(c, "from_asset", &m.FromAsset)
	text(c, "to_asset", &m.ToAsset)
	number(c, "amount", &m.Amount)
}

func holdingMoved(c *coder, m *domain.HoldingMoved) {
	text(c, "fund", &m.Fund)
	text(c, "from_asset", &m.FromAsset)
	text(c, "to_asset", &m.ToAsset)
	c.amount("amount", &m.Amount)
	text(c, "unit", &m.Unit)
	array(c, "vouchers", &m.Numbers, voucher)
}

func countHolding(c *coder, h *domain.CountHolding) {
	text(c, "fund", &h.Fund)
	text(c, "asset", &h.Asset)
	number(c, "counted", &h.Counted)
}

func holdingCounted(c *coder, h *domain.HoldingCounted) {
	text(c, "fund", &h.Fund)
	text(c, "asset", &h.Asset)
	c.measured("counted", h.Asset, &h.Counted)
	text(c, "unit", &h.Unit)
	c.measured("posted", h.Asset, &h.Posted)
	c.measured("difference", h.Asset, &h.Difference)
}

func settleCount(c *coder, s *domain.SettleCount) { c.needID("count", &s.Count) }

func countSettled(c *coder, s *domain.CountSettled) {
	c.id("count", &s.Count)
	text(c, "fund", &s.Fund)
	text(c, "asset", &s.Asset)
	moved(c, &s.Asset, &s.Amount, &s.Quantity)
	c.date("counted_on", &s.CountedOn)
	text(c, "unit", &s.Unit)
}

func reverse(c *coder, r *domain.Reverse) { c.needID("event", &r.Event) }

// entryReversed repeats what was recorded, under its type.
func entryReversed(c *coder, r *domain.EntryReversed) {
	c.id("event", &r.Event)
	c.int("position", &r.Position)
	name := ""
	if r.Entry != nil {
		name = r.Entry.Type()
	}
	text(c, "type", &name)
	if c.mode == reading && r.Entry == nil && name != "" {
		body, ok := newEvent(name)
		if !ok {
			c.bad("unknown type")
			return
		}
		r.Entry = body
	}
	c.date("effective_on", &r.EntryOn)
	switch {
	case c.mode == writing:
		c.w.Key("entry")
		c.object(func() { eventShape(c, r.Entry) })
	case r.Entry != nil && c.takes("entry"):
		c.object(func() { eventShape(c, r.Entry) })
	}
	if g, ok := r.Entry.(*domain.Granted); ok {
		moved(c, &g.Asset, &r.Amount, &r.Quantity)
	}
	child(c, "reopened", &r.Reopened, reopened)
	if d, ok := r.Entry.(*domain.GrantDisbursed); ok && c.mode == reading && r.Reopened != nil {
		r.Reopened.ID, r.Reopened.GrantFacts = d.Grant, d.AsGranted()
	}
}

// reopened is the state of a grant after a payment was reversed; the entry has the rest. Its unit is that of the payment.
func reopened(c *coder, g *domain.Grant) {
	c.amount("amount", &g.Amount)
	c.amount("paid", &g.Paid)
	c.optionalAmount("cancelled", &g.Cancelled)
	c.quantity("quantity", &g.Quantity)
	c.quantity("quantity_paid", &g.QuantityPaid)
	c.quantity("quantity_cancelled", &g.QuantityCancelled)
	c.date("since", &g.Since)
	c.optionalDate("paid_on", &g.PaidOn)
}

func closePeriod(c *coder, p *domain.ClosePeriod) {
	c.date("through", &p.Through)
	text(c, "unit", &p.Unit)
}

func reopenPeriod(c *coder, p *domain.ReopenPeriod) {
	c.date("from", &p.From)
	text(c, "unit", &p.Unit)
}

func periodReopened(c *coder, p *domain.PeriodReopened) { reopenPeriod(c, (*domain.ReopenPeriod)(p)) }

func periodClosed(c *coder, p *domain.PeriodClosed) {
	c.date("through", &p.Through)
	text(c, "unit", &p.Unit)
	c.int("tree_size", &p.Tree.Size)
	c.hash("root", &p.Tree.Root)
	array(c, "totals", &p.Totals, func(c *coder, t *domain.AssetTotal) {
		text(c, "asset", &t.Asset)
		c.amount("posted", &t.Posted)
		c.amount("encumbered", &t.Encumbered)
		c.quantity("quantity", &t.Quantity)
		c.quantity("quantity_encumbered", &t.QuantityEncumbered)
	})
	part(c, "open", p, func(c *coder, p *domain.PeriodClosed) {
		c.int("grants", &p.Grants)
		c.int("pledges", &p.Pledges)
	})
	c.hash("holdings", &p.Holdings)
}

func reportIndicator(c *coder, i *domain.ReportIndicator) {
	text(c, "unit", &i.Unit)
	text(c, "indicator", &i.Indicator)
	c.date("from", &i.From)
	c.date("to", &i.To)
	number(c, "value", &i.Value)
	number(c, "of", &i.Of)
	text(c, "measure", &i.Measure)
}

// clockGiven is the value of ledger.opened's clock when it was not the machine's.
const clockGiven = "given"

func ledgerOpened(c *coder, o *domain.LedgerOpened) {
	c.id("ledger", &o.Ledger)
	text(c, "origin", &o.Origin)
	text(c, "public_key", &o.PublicKey)
	text(c, "currency", &o.Currency)
	text(c, "time_zone", &o.TimeZone)
	clock := ""
	if o.ClockGiven {
		clock = clockGiven
	}
	text(c, "clock", &clock)
	o.ClockGiven = clock == clockGiven
}

func ledgerRekeyed(c *coder, r *domain.LedgerRekeyed) {
	text(c, "public_key", &r.PublicKey)
	c.int("tree_size", &r.Tree.Size)
	c.hash("root", &r.Tree.Root)
	text(c, "signature", &r.Signature)
}

func ledgerForked(c *coder, f *domain.LedgerForked) {
	text(c, "public_key", &f.PublicKey)
	c.int("tree_size", &f.Tree.Size)
	c.hash("root", &f.Tree.Root)
	c.int("lost_size", &f.Lost.Size)
	c.hash("lost_root", &f.Lost.Root)
	text(c, "signature", &f.Signature)
}
