package domain

import (
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// A LineInput is a line of a donation or an opening as it was given.
type LineInput struct {
	Asset    Asset
	Amount   money.Decimal // fair value, of goods and labour too
	Quantity money.Decimal // of goods and labour
	Measure  string        // what the quantity counts, such as "quyển"
	ValuedBy string
}

// A Line is a line of a donation or an opening as it was recorded: minor units and thousandths.
type Line struct {
	Asset    Asset
	Amount   int64
	Quantity int64
	Measure  string
	ValuedBy string
}

// SumLines returns what lines are worth together.
func SumLines(lines []Line) (sum int64) {
	for i := range lines {
		sum += lines[i].Amount
	}
	return sum
}

// ReceiveDonation records a gift of cash, bank money, goods or labour.
type ReceiveDonation struct {
	Fund, Donor string
	Lines       []LineInput
	Pledge      string
	Attached    *int64 // number of papers
}

// DonationReceived is recorded by ReceiveDonation.
type DonationReceived struct {
	Fund, Donor string
	Lines       []Line
	Pledge      string
	Attached    *int64
	Unit        string
	DonorKind   string
	Numbers     []Voucher
}

// RecordOpening records what a fund has on the day that soquy takes over its book.
type RecordOpening struct {
	Fund  string
	Lines []LineInput
}

// OpeningRecorded is recorded by RecordOpening.
type OpeningRecorded struct {
	Fund  string
	Lines []Line
	Unit  string
}

// Type returns the stored name.
func (*ReceiveDonation) Type() string  { return "receive_donation" }
func (*RecordOpening) Type() string    { return "record_opening" }
func (*DonationReceived) Type() string { return "donation.received" }
func (*OpeningRecorded) Type() string  { return "opening.recorded" }

// MaxAttached is the largest number of attached papers.
const MaxAttached = 10_000

func (c *ReceiveDonation) validate(s *static) {
	s.code("/data/fund", c.Fund)
	s.code("/data/donor", c.Donor)
	s.lines(c.Lines, true)
	s.optionalCode("/data/pledge", c.Pledge)
	if c.Attached != nil && (*c.Attached < 0 || *c.Attached > MaxAttached) {
		s.malformed("/data/attached", "bad number")
	}
}

func (s *static) lines(lines []LineInput, labour bool) {
	s.count("/data/lines", len(lines), MaxLines)
	for i := range lines {
		l := &lines[i]
		if l.Asset.IsMoney() && plain(l.Amount) && l.Quantity == "" && l.Measure == "" && l.ValuedBy == "" {
			continue // nearly all are so: no pointer is made
		}
		p := index("/data/lines", i)
		if !l.Asset.validHolding() && (!labour || l.Asset != Labour) {
			s.malformed(p+"/asset", "unknown asset")
			continue
		}
		s.number(p+"/amount", l.Amount, true)
		s.number(p+"/quantity", l.Quantity, false)
		s.text(p+"/measure", l.Measure)
		s.text(p+"/valued_by", l.ValuedBy)
		switch {
		case l.Asset.IsMoney() && l.Quantity != "":
			s.malformed(p+"/quantity", "money has no quantity")
		case l.Asset.IsMoney() && l.Measure != "":
			s.malformed(p+"/measure", "money has no measure")
		}
	}
}

// lines turns lines as given into lines as recorded.
func (d *decision) lines(in []LineInput) []Line {
	out := make([]Line, len(in))
	var fixed map[string]string // measures that earlier lines fix
	for i := range in {
		l, p := &in[i], "/data/lines"
		if !l.Asset.IsMoney() || !plain(l.Amount) {
			p = index(p, i) // made only where it may be told
		}
		out[i] = Line{Asset: l.Asset, Measure: l.Measure, ValuedBy: l.ValuedBy}
		out[i].Amount = d.amount(p+"/amount", l.Amount)
		if l.Asset.IsMoney() {
			continue
		}
		out[i].Quantity = d.quantity(p+"/quantity", l.Quantity, false)
		if l.Measure == "" {
			d.refuse(QuantityMissing, p+"/measure")
		}
		if item := l.Asset.Item(); item != "" {
			have, known := d.b.measures[item]
			if !known {
				have, known = fixed[item]
			}
			if known && have != l.Measure {
				d.refuse(MeasureDiffers, string(l.Asset), have, l.Measure)
			}
			if fixed == nil {
				fixed = map[string]string{}
			}
			fixed[item] = l.Measure
		}
	}
	return out
}

// plain reports whether a number is so simple that nothing can be wrong with it, whatever the currency: below 10^11 it is below
// 10^15 minor units also with four decimals.
func plain(v money.Decimal) bool {
	if v == "" || len(v) > 11 || v[0] == '0' {
		return false
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return false
		}
	}
	return true
}

func (c *ReceiveDonation) decide(d *decision) {
	f, n := d.fund(c.Fund), d.donor(c.Donor)
	e := &DonationReceived{
		Fund: c.Fund, Donor: c.Donor, Lines: d.lines(c.Lines),
		Pledge: c.Pledge, Attached: c.Attached,
	}
	if c.Pledge != "" {
		if p := d.openPledge(c.Pledge); p != nil && (p.donor != c.Donor || p.fund != c.Fund) {
			d.refuse(PledgeDiffers, c.Pledge, p.donor, p.fund)
		}
	}
	d.turnover("/data/lines", append(e.effects(&Event{}), Effect{Posted: labour(e.Lines)}))
	if !d.ok() {
		return
	}
	e.Unit, e.DonorKind = f.unit, n.kind
	for i := range e.Lines {
		if a := e.Lines[i].Asset; a != Labour {
			e.Numbers = d.voucher(e.Numbers, f.unit, a, true)
		}
	}
	d.add(e)
}

func (e *DonationReceived) subjects(*Event) []string {
	list := []string{FundSubject(e.Fund), DonorSubject(e.Donor)}
	if e.Pledge != "" {
		list = append(list, PledgeSubject(e.Pledge))
	}
	return list
}

func (e *DonationReceived) vouchers() []Voucher { return e.Numbers }

func (e *DonationReceived) effects(ev *Event) []Effect {
	return lineEffects(e.Fund, e.Lines, ev.EffectiveOn)
}

func lineEffects(fund string, lines []Line, day Date) []Effect {
	list := make([]Effect, 0, len(lines))
	for i := range lines {
		if l := &lines[i]; l.Asset != Labour {
			list = append(list, Effect{Fund: fund, Asset: l.Asset, Day: day, Posted: l.Amount, Quantity: l.Quantity})
		}
	}
	return list
}

// total is the sum of the lines' amounts in minor units.
func total(lines []Line) int64 {
	var sum int64
	for i := range lines {
		sum += lines[i].Amount
	}
	return sum
}

func (e *DonationReceived) evolve(b *Book, _ *Event) {
	b.fixMeasures(e.Lines)
	if e.Pledge != "" {
		b.fulfil(e.Pledge, total(e.Lines))
	}
	if worth := labour(e.Lines); worth > 0 { // the effects count the rest
		change(b, &b.turnover)
		b.turnover.amount += worth
	}
}

func (e *DonationReceived) person(b *Book) uuid.UUID { return b.donors[e.Donor].person }

// labour is the sum of the amounts of the lines that no holding gets, in minor units.
func labour(lines []Line) int64 {
	var sum int64
	for i := range lines {
		if lines[i].Asset == Labour {
			sum += lines[i].Amount
		}
	}
	return sum
}

func (b *Book) fulfil(code string, amount int64) {
	p := b.pledges[code]
	change(b, p)
	p.received += amount
}

func (b *Book) fixMeasures(lines []Line) {
	for i := range lines {
		item := lines[i].Asset.Item()
		if _, known := b.measures[item]; item != "" && !known {
			set(b, b.measures, item, lines[i].Measure)
		}
	}
}

func (c *RecordOpening) validate(s *static) {
	s.code("/data/fund", c.Fund)
	s.lines(c.Lines, false)
}

func (c *RecordOpening) decide(d *decision) {
	f := d.fund(c.Fund)
	e := &OpeningRecorded{Fund: c.Fund, Lines: d.lines(c.Lines)}
	d.turnover("/data/lines", e.effects(&Event{}))
	if d.ok() {
		e.Unit = f.unit
		d.add(e)
	}
}

func (e *OpeningRecorded) subjects(*Event) []string { return []string{FundSubject(e.Fund)} }

func (e *OpeningRecorded) effects(ev *Event) []Effect {
	return lineEffects(e.Fund, e.Lines, ev.EffectiveOn)
}

func (e *OpeningRecorded) evolve(b *Book, _ *Event) { b.fixMeasures(e.Lines) }

// Measure returns what quantities of an item count, or "" when the item is new.
func (b *Book) Measure(item string) string { return b.measures[item] }
