package domain

// OpenFund opens a fund of a unit. No purposes: any.
type OpenFund struct {
	Code, Unit   string
	Name, NameEN string
	Purposes     []Purpose
}

// RestrictFund changes what a fund's money may be used for from now on.
type RestrictFund struct {
	Fund     string
	Purposes []Purpose
}

// CloseFund closes an empty fund.
type CloseFund struct{ Fund string }

// FundOpened is recorded by OpenFund.
type FundOpened OpenFund

// FundRestricted is recorded by RestrictFund.
type FundRestricted struct {
	Fund, Unit string
	Purposes   []Purpose
}

// FundClosed is recorded by CloseFund.
type FundClosed struct{ Fund, Unit string }

// Type returns the stored name.
func (*OpenFund) Type() string       { return "open_fund" }
func (*RestrictFund) Type() string   { return "restrict_fund" }
func (*CloseFund) Type() string      { return "close_fund" }
func (*FundOpened) Type() string     { return "fund.opened" }
func (*FundRestricted) Type() string { return "fund.restricted" }
func (*FundClosed) Type() string     { return "fund.closed" }

// fund is what the book knows of a fund.
type fund struct {
	code, unit    string
	purposes      purposeSet
	opened        Date
	closed        bool
	closedThrough Date // of the closed periods of units that it belonged to
	holdings      map[Asset]*holding
}

// holding returns the fund's holding of an asset; one that is not there yet is empty and not kept.
func (f *fund) holding(a Asset) *holding {
	if h := f.holdings[a]; h != nil {
		return h
	}
	return &holding{goods: a.IsGoods()}
}

func (c *OpenFund) validate(s *static) {
	s.code("/data/code", c.Code)
	s.code("/data/unit", c.Unit)
	s.name("/data/name", c.Name)
	s.limited("/data/name_en", c.NameEN, MaxName)
	s.purposes(c.Purposes)
}

// purposes checks a list of purposes that is nil or not empty.
func (s *static) purposes(list []Purpose) {
	if list == nil {
		return
	}
	s.count("/data/purposes", len(list), len(Purposes()))
	seen := purposeSet(0)
	for i, p := range list {
		before := s.first
		oneOf(s, index("/data/purposes", i), p, Purposes(), true)
		if s.first != before {
			return
		}
		if bit := newPurposeSet([]Purpose{p}); seen&bit != 0 {
			s.malformed(index("/data/purposes", i), "twice in the list")
		} else {
			seen |= bit
		}
	}
}

func (c *OpenFund) decide(d *decision) {
	if d.b.funds[c.Code] != nil {
		d.refuse(ReferenceTaken, "fund", c.Code)
	}
	if u := d.unit(c.Unit); u != nil {
		d.notBefore(u.opened)
		d.notInClosed(max(u.closedThrough, d.b.closedThrough))
	}
	d.structure()
	if d.ok() {
		d.add((*FundOpened)(c))
	}
}

func (e *FundOpened) subjects(*Event) []string { return []string{FundSubject(e.Code)} }

func (e *FundOpened) evolve(b *Book, ev *Event) {
	set(b, b.funds, e.Code, &fund{
		code: e.Code, unit: e.Unit, purposes: newPurposeSet(e.Purposes),
		opened: ev.EffectiveOn, closedThrough: b.units[e.Unit].closedThrough,
		holdings: map[Asset]*holding{},
	})
}

func (c *RestrictFund) validate(s *static) {
	s.code("/data/fund", c.Fund)
	if c.Purposes == nil {
		s.malformed("/data/purposes", "required")
	}
	s.purposes(c.Purposes)
}

func (c *RestrictFund) decide(d *decision) {
	f := d.fund(c.Fund)
	if d.ok() {
		d.add(&FundRestricted{Fund: c.Fund, Unit: f.unit, Purposes: c.Purposes})
	}
}

func (e *FundRestricted) subjects(*Event) []string { return []string{FundSubject(e.Fund)} }

func (e *FundRestricted) evolve(b *Book, _ *Event) {
	f := b.funds[e.Fund]
	change(b, f)
	f.purposes = newPurposeSet(e.Purposes)
}

func (c *CloseFund) validate(s *static) { s.code("/data/fund", c.Fund) }

func (c *CloseFund) decide(d *decision) {
	f := d.fund(c.Fund)
	if f != nil && !d.empty(f) {
		d.refuse(FundNotEmpty, c.Fund)
	}
	if d.ok() {
		d.add(&FundClosed{Fund: c.Fund, Unit: f.unit})
	}
}

// empty reports whether a fund has nothing on the command's day and later, and no count whose difference is not settled.
func (d *decision) empty(f *fund) bool {
	for _, h := range f.holdings {
		if !h.emptyFrom(d.c.EffectiveOn) {
			return false
		}
	}
	for _, n := range d.b.counts {
		if n.fund == f.code {
			return false
		}
	}
	return true
}

func (e *FundClosed) subjects(*Event) []string { return []string{FundSubject(e.Fund)} }

func (e *FundClosed) evolve(b *Book, _ *Event) {
	f := b.funds[e.Fund]
	change(b, f)
	f.closed = true
}
