package cli

import (
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/locale"
)

// Sentence says in one sentence, in the language of the catalogue, what an event of a ledger of that currency says. Persons are named by
// the end of their ID alone, so that the sentence may be shown to whoever may see the log.
func Sentence(cat *locale.Catalogue, currency money.Currency, e *domain.Event) string {
	s := sentence{cat: cat, currency: currency}
	return upperFirst(s.of(e)) + "."
}

// sentence is a sentence about an event while it is put together: a clause that the type of the event has, and details that stand in
// brackets after it.
type sentence struct {
	cat      *locale.Catalogue
	currency money.Currency
	details  []string
}

// of says what an event says, with its details, without a full stop.
func (s *sentence) of(e *domain.Event) string {
	text := s.clause(e)
	var numbers []string
	for _, v := range e.Vouchers() {
		numbers = append(numbers, v.Number)
	}
	if _, undoes := e.Body.(*domain.EntryReversed); len(numbers) > 0 && !undoes { // what is undone names them
		s.detail("voucher", "numbers", strings.Join(numbers, ", "))
	}
	if len(s.details) > 0 {
		text += " (" + strings.Join(s.details, ", ") + ")"
	}
	return text
}

func (s *sentence) text(name string, args ...string) string {
	return s.cat.Text("sentence."+name, args...)
}

func (s *sentence) detail(name string, args ...string) {
	s.details = append(s.details, s.text("detail."+name, args...))
}

// word adds a detail that is a word of a group; none where there is no word.
func (s *sentence) word(detail, group, word string) {
	if word != "" {
		s.detail(detail, "word", s.cat.Term(group, word))
	}
}

func (s *sentence) clause(e *domain.Event) string {
	switch b := e.Body.(type) {
	case *domain.LedgerOpened:
		s.detail("currency", "word", b.Currency)
		s.detail("zone", "word", b.TimeZone)
		return s.text("ledger.opened", "ledger", b.Origin)
	case *domain.LedgerRekeyed:
		return s.text("ledger.rekeyed", "position", s.count(b.Tree.Size))
	case *domain.LedgerForked:
		return s.text("ledger.forked", "position", s.count(b.Tree.Size), "lost", s.count(b.Lost.Size))
	case *domain.DonorRegistered:
		return s.donor(b)
	case *domain.PeriodClosed:
		s.detail("open", "grants", s.cat.Count("open.grants", b.Grants), "pledges", s.cat.Count("open.pledges", b.Pledges))
		return s.period("period.closed", b.Through, b.Unit)
	case *domain.PeriodReopened:
		return s.period("period.reopened", b.From, b.Unit)
	case *domain.IndicatorReported:
		return s.indicator(b)
	case *domain.EntryReversed:
		undone := sentence{cat: s.cat, currency: s.currency}
		entry := domain.Event{Position: b.Position, ID: b.Event, EffectiveOn: b.EntryOn, Body: b.Entry}
		return s.text("entry.reversed", "position", s.count(b.Position), "day", s.date(b.EntryOn), "entry", undone.of(&entry))
	case *domain.UnitRegistered, *domain.UnitRenamed, *domain.UnitMoved, *domain.UnitMerged, *domain.UnitClosed:
		return s.unit(e.Body)
	case *domain.PersonRegistered, *domain.PersonCorrected, *domain.PersonMerged, *domain.PersonErased:
		return s.person(e.Body)
	case *domain.FundOpened, *domain.FundRestricted, *domain.FundClosed:
		return s.fund(e.Body)
	case *domain.Granted, *domain.GrantDisbursed, *domain.GrantCancelled, *domain.GrantReturned:
		return s.grant(e.Body)
	}
	return s.money(e)
}

func (s *sentence) unit(body domain.EventBody) string {
	switch b := body.(type) {
	case *domain.UnitRegistered:
		if b.Parent != "" {
			s.detail("below", "unit", b.Parent)
		}
		return s.text("unit.registered", "unit", b.Code, "name", s.name(b.Name, b.NameEN), "level", s.cat.Term("level", string(b.Level)))
	case *domain.UnitRenamed:
		return s.text("unit.renamed", "unit", b.Unit, "name", s.name(b.Name, b.NameEN))
	case *domain.UnitMoved:
		return s.text("unit.moved", "unit", b.Unit, "parent", b.Parent)
	case *domain.UnitMerged:
		return s.text("unit.merged", "unit", b.Unit, "into", b.Into)
	}
	return s.text("unit.closed", "unit", body.(*domain.UnitClosed).Unit)
}

func (s *sentence) person(body domain.EventBody) string {
	switch b := body.(type) {
	case *domain.PersonRegistered:
		return s.text("person.registered", "person", s.who(b.Kind, b.Person))
	case *domain.PersonCorrected:
		return s.text("person.corrected", "person", s.who("", b.Person))
	case *domain.PersonMerged:
		return s.text("person.merged", "person", s.who("", b.Person), "into", s.who("", b.Into))
	}
	b := body.(*domain.PersonErased)
	if b.Override != nil && *b.Override {
		s.detail("override")
	}
	return s.text("person.erased", "person", s.who("", b.Person))
}

func (s *sentence) donor(b *domain.DonorRegistered) string {
	switch b.Kind {
	case "organisation":
		return s.text("donor.registered", "donor", b.Code, "what", s.text("donor.organisation", "name", b.Name))
	case "person":
		return s.text("donor.registered", "donor", b.Code, "what", s.who("", b.Person))
	}
	return s.text("donor.registered", "donor", b.Code, "what", s.text("donor.anonymous"))
}

func (s *sentence) fund(body domain.EventBody) string {
	switch b := body.(type) {
	case *domain.FundOpened:
		return s.text("fund.opened", "fund", b.Code, "name", s.name(b.Name, b.NameEN), "unit", b.Unit, "purposes", s.purposes(b.Purposes))
	case *domain.FundRestricted:
		return s.text("fund.restricted", "fund", b.Fund, "purposes", s.purposes(b.Purposes))
	}
	return s.text("fund.closed", "fund", body.(*domain.FundClosed).Fund)
}

func (s *sentence) purposes(list []domain.Purpose) string {
	if len(list) == 0 {
		return s.text("any_purpose")
	}
	words := make([]string, len(list))
	for i, p := range list {
		words[i] = s.cat.Term("purpose", string(p))
	}
	return strings.Join(words, ", ")
}

func (s *sentence) grant(body domain.EventBody) string {
	switch b := body.(type) {
	case *domain.Granted:
		s.word("prize", "prize", b.Recipient.Prize)
		s.word("achievement", "achievement", b.AchievementLevel)
		s.word("education", "education", b.EducationLevel)
		s.word("cause", "cause", b.Cause)
		if b.SchoolYear != "" {
			s.detail("school_year", "word", b.SchoolYear)
		}
		if d := b.Decision; d != nil {
			s.detail("decision", "number", d.Number, "day", s.date(d.Date))
		}
		r := &b.Recipient
		return s.text(b.Type(), "fund", b.Fund, "what", s.sum(b.Asset, b.Amount, b.Quantity, ""),
			"recipient", s.recipient(b.RecipientKind, r.Person, r.Collective, r.Unit))
	case *domain.GrantDisbursed:
		return s.ofGrant("grant.disbursed", &b.GrantFacts, b.Grant, b.Amount, b.Quantity)
	case *domain.GrantCancelled:
		s.word("reason", "reason", b.Reason)
		return s.ofGrant("grant.cancelled", &b.GrantFacts, b.Grant, b.Amount, b.Quantity)
	}
	b := body.(*domain.GrantReturned)
	return s.ofGrant("grant.returned", &b.GrantFacts, b.Grant, b.Amount, b.Quantity)
}

// ofGrant is a clause about a grant that was made before.
func (s *sentence) ofGrant(name string, f *domain.GrantFacts, grant uuid.UUID, amount, quantity int64) string {
	s.detail("grant", "grant", short(grant))
	return s.text(name, "what", s.sum(f.Asset, amount, quantity, ""), "kind", s.text("grant."+string(f.Kind)), "fund", f.Fund,
		"recipient", s.recipient(f.RecipientKind, f.Person, "", ""))
}

// recipient says who got something; a later event of a grant does not say the name of a collective or unit.
func (s *sentence) recipient(kind string, person uuid.UUID, collective, unit string) string {
	switch {
	case person != uuid.Nil:
		return s.who(kind, person)
	case collective != "":
		return s.text("recipient.collective", "name", collective)
	case unit != "":
		return s.text("recipient.unit", "unit", unit)
	}
	return s.text("recipient." + kind + ".some")
}

func (s *sentence) money(e *domain.Event) string {
	switch b := e.Body.(type) {
	case *domain.OpeningRecorded:
		return s.text("opening.recorded", "fund", b.Fund, "what", s.lines(b.Lines))
	case *domain.DonationReceived:
		if b.Pledge != "" {
			s.detail("pledge", "pledge", b.Pledge)
		}
		return s.text("donation.received", "fund", b.Fund, "donor", b.Donor, "what", s.lines(b.Lines))
	case *domain.PledgeMade:
		if b.Due != 0 {
			s.detail("due", "day", s.date(b.Due))
		}
		return s.text("pledge.made", "pledge", b.Pledge, "donor", b.Donor, "fund", b.Fund, "what", s.amount(b.Amount))
	case *domain.PledgeCancelled:
		return s.text("pledge.cancelled", "pledge", b.Pledge, "donor", b.Donor, "fund", b.Fund, "what", s.amount(b.Amount))
	case *domain.ExpenseRecorded:
		if p := b.Payee; p != nil {
			s.detail("payee", "payee", s.payee(p))
		}
		return s.text("expense.recorded", "fund", b.Fund, "what", s.sum(b.Asset, b.Amount, b.Quantity, ""),
			"purpose", s.cat.Term("expense", b.Purpose))
	case *domain.FundsTransferred:
		return s.text("funds.transferred", "from", b.From, "to", b.To, "what", s.sum(b.Asset, b.Amount, b.Quantity, ""))
	case *domain.HoldingMoved:
		return s.text("holding.moved", "fund", b.Fund, "what", s.amount(b.Amount), "from", s.cat.Asset(string(b.FromAsset)),
			"to", s.cat.Asset(string(b.ToAsset)))
	case *domain.HoldingCounted:
		name := "holding.counted"
		if b.Difference == 0 {
			name += ".right"
		}
		return s.text(name, "fund", b.Fund, "asset", s.cat.Asset(string(b.Asset)), "counted", s.counted(b.Asset, b.Counted),
			"posted", s.counted(b.Asset, b.Posted), "difference", s.counted(b.Asset, b.Difference))
	case *domain.CountSettled:
		return s.text("count.settled", "fund", b.Fund, "day", s.date(b.CountedOn), "what", s.sum(b.Asset, b.Amount, b.Quantity, ""))
	}
	return s.cat.Term("event", e.Body.Type())
}

func (s *sentence) payee(p *domain.Payee) string {
	switch {
	case p.Person != uuid.Nil:
		return s.who("", p.Person)
	case p.Donor != "":
		return s.text("payee.donor", "donor", p.Donor)
	}
	return p.Organisation
}

func (s *sentence) period(name string, day domain.Date, unit string) string {
	of := s.text("period.all")
	if unit != "" {
		of = s.text("period.unit", "unit", unit)
	}
	return s.text(name, "day", s.date(day), "of", of)
}

func (s *sentence) indicator(b *domain.IndicatorReported) string {
	value := s.cat.Number(string(b.Value))
	if b.Measure != "" {
		value += " " + b.Measure
	}
	if b.Of != "" {
		value = s.text("of", "value", value, "of", s.cat.Number(string(b.Of)))
	}
	return s.text("indicator.reported", "unit", b.Unit, "indicator", s.cat.Term("indicator", b.Indicator), "value", value,
		"from", s.date(b.From), "to", s.date(b.To))
}

// lines lists what came in.
func (s *sentence) lines(list []domain.Line) string {
	words := make([]string, len(list))
	for i := range list {
		words[i] = s.sum(list[i].Asset, list[i].Amount, list[i].Quantity, list[i].Measure)
	}
	return strings.Join(words, "; ")
}

// sum says how much of an asset; measure is what its quantity counts, where that is known.
func (s *sentence) sum(asset domain.Asset, amount, quantity int64, measure string) string {
	var name string
	switch {
	case asset.IsMoney():
		return s.text("sum."+string(asset), "amount", s.amount(amount))
	case asset == domain.Labour:
		name = "sum.labour"
	case measure == "":
		name = "sum.item"
	default:
		name = "sum.goods"
	}
	return s.text(name, "quantity", s.quantity(quantity), "measure", measure, "item", asset.Item(), "amount", s.amount(amount))
}

// counted is what was counted of an asset: money or a quantity.
func (s *sentence) counted(asset domain.Asset, v int64) string {
	if asset.IsMoney() {
		return s.amount(v)
	}
	return s.quantity(v)
}

// who names a person by the end of the ID, whose beginning is a time that many share.
func (s *sentence) who(kind string, id uuid.UUID) string {
	if kind == "" {
		kind = "person"
	}
	return s.text("who."+kind, "id", short(id))
}

// short is the end of an ID, enough to tell one from another beside it.
func short(id uuid.UUID) string { return "…" + id.String()[28:] }

func (s *sentence) amount(v int64) string {
	return money.FormatCurrency(v, s.currency, money.Locale(s.cat.Language))
}

func (s *sentence) quantity(v int64) string {
	return money.FormatQuantityLocal(v, money.Locale(s.cat.Language))
}

func (s *sentence) count(n int64) string { return s.cat.Number(itoa(n)) }

func (s *sentence) date(d domain.Date) string { return s.cat.Date(d.String()) }

// name is a name in the language, where there is one.
func (s *sentence) name(vi, en string) string {
	if s.cat.Language == locale.English && en != "" {
		return en
	}
	return vi
}
