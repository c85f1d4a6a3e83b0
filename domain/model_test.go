package domain_test

import (
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// A model is what the contract says, written the simplest way: from the list of all events, with maps and loops, without a call
// into the domain that decides anything. It says whether a command about money is refused, why, and what it is worth.
type model struct {
	units    map[string]*modelUnit
	funds    map[string]*modelFund
	donors   map[string]uuid.UUID // the person, if any
	persons  map[uuid.UUID]*modelPerson
	pledges  map[string]*modelPledge
	grants   map[uuid.UUID]*modelGrant
	counts   map[uuid.UUID]*modelCount
	measures map[string]string
	moves    []modelMove
	events   map[uuid.UUID]domain.Event
	reversed map[uuid.UUID]bool
	through  domain.Date // of the ledger's close
	today    domain.Date
}

type modelUnit struct {
	closed  bool
	through domain.Date
}

type modelFund struct {
	unit     string
	purposes []domain.Purpose // nil: any
	opened   domain.Date
	closed   bool
	through  domain.Date
}

type modelPerson struct {
	kind   string
	into   uuid.UUID
	erased bool
}

type modelPledge struct {
	donor, fund string
	amount      int64
	gifts       map[uuid.UUID]int64 // that stand
	cancelled   bool
}

// A modelMove is what an event does to a holding.
type modelMove struct {
	fund                                  string
	asset                                 domain.Asset
	day                                   domain.Date
	posted, reserved, quantity, reservedQ int64
}

type modelGrant struct {
	fund              string
	asset             domain.Asset
	amount, quantity  int64
	since, paidOn     domain.Date
	payments, returns map[uuid.UUID][2]int64 // that stand
	cancelled         [2]int64
}

type modelCount struct {
	fund       string
	asset      domain.Asset
	day        domain.Date
	difference int64
	settled    bool
}

const longAgo domain.Date = -1_000_000

func sum(m map[uuid.UUID][2]int64, i int) int64 {
	var s int64
	for _, v := range m {
		s += v[i]
	}
	return s
}

func (g *modelGrant) paid(i int) int64     { return sum(g.payments, i) }
func (g *modelGrant) returned(i int) int64 { return sum(g.returns, i) }
func (g *modelGrant) neverPaid() bool      { return len(g.payments) == 0 }
func (g *modelGrant) open(i int) int64 {
	return [2]int64{g.amount, g.quantity}[i] - g.paid(i) - g.cancelled[i]
}
func (g *modelGrant) settled() bool { return g.open(0) == 0 && g.open(1) == 0 }

func (g *modelGrant) pay(id uuid.UUID, amount, quantity int64, on domain.Date) {
	if g.neverPaid() || on > g.paidOn {
		g.paidOn = on
	}
	g.payments[id] = [2]int64{amount, quantity}
}

func (p *modelPledge) open() int64 {
	left := p.amount
	for _, v := range p.gifts {
		left -= v
	}
	if p.cancelled || left < 0 {
		return 0
	}
	return left
}

// newModel reads the whole log.
func newModel(log []domain.Event, now time.Time) *model {
	m := &model{
		units: map[string]*modelUnit{}, funds: map[string]*modelFund{}, donors: map[string]uuid.UUID{},
		persons: map[uuid.UUID]*modelPerson{}, pledges: map[string]*modelPledge{}, grants: map[uuid.UUID]*modelGrant{},
		counts: map[uuid.UUID]*modelCount{}, measures: map[string]string{}, events: map[uuid.UUID]domain.Event{},
		reversed: map[uuid.UUID]bool{}, through: longAgo,
	}
	y, mo, d := now.UTC().Date()
	m.today = domain.Date(time.Date(y, mo, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
	for _, e := range log {
		m.events[e.ID] = e
		m.read(e)
	}
	return m
}

func (m *model) read(e domain.Event) {
	m.moves = append(m.moves, m.movesOf(e)...)
	switch b := e.Body.(type) {
	case *domain.UnitRegistered:
		m.units[b.Code] = &modelUnit{through: longAgo}
	case *domain.UnitMerged:
		m.units[b.Unit].closed = true
		for _, f := range m.funds {
			if f.unit == b.Unit && !f.closed {
				f.unit = b.Into
			}
		}
	case *domain.UnitClosed:
		m.units[b.Unit].closed = true
	case *domain.FundOpened:
		m.funds[b.Code] = &modelFund{unit: b.Unit, purposes: b.Purposes, opened: e.EffectiveOn, through: m.units[b.Unit].through}
	case *domain.FundRestricted:
		m.funds[b.Fund].purposes = b.Purposes
	case *domain.FundClosed:
		m.funds[b.Fund].closed = true
	case *domain.PersonRegistered:
		m.persons[b.Person] = &modelPerson{kind: b.Kind}
	case *domain.PersonMerged:
		m.persons[b.Person].into = b.Into
	case *domain.PersonErased:
		who := m.person(b.Person)
		for id, p := range m.persons {
			if m.person(id) == who {
				p.erased = true
			}
		}
	case *domain.DonorRegistered:
		m.donors[b.Code] = b.Person
	case *domain.PledgeMade:
		m.pledges[b.Pledge] = &modelPledge{donor: b.Donor, fund: b.Fund, amount: b.Amount, gifts: map[uuid.UUID]int64{}}
	case *domain.PledgeCancelled:
		m.pledges[b.Pledge].cancelled = true
	case *domain.DonationReceived:
		m.fix(b.Lines)
		if b.Pledge != "" {
			for _, l := range b.Lines {
				m.pledges[b.Pledge].gifts[e.ID] += l.Amount
			}
		}
	case *domain.OpeningRecorded:
		m.fix(b.Lines)
	case *domain.Granted:
		m.grants[e.ID] = &modelGrant{
			fund: b.Fund, asset: b.Asset, amount: b.Amount, quantity: b.Quantity, since: e.EffectiveOn,
			payments: map[uuid.UUID][2]int64{}, returns: map[uuid.UUID][2]int64{},
		}
	case *domain.GrantDisbursed:
		m.grants[b.Grant].pay(e.ID, b.Amount, b.Quantity, e.EffectiveOn)
	case *domain.GrantCancelled:
		g := m.grants[b.Grant]
		g.cancelled[0] += b.Amount
		g.cancelled[1] += b.Quantity
	case *domain.GrantReturned:
		m.grants[b.Grant].returns[e.ID] = [2]int64{b.Amount, b.Quantity}
	case *domain.HoldingCounted:
		m.counts[e.ID] = &modelCount{fund: b.Fund, asset: b.Asset, day: e.EffectiveOn, difference: b.Difference, settled: b.Difference == 0}
	case *domain.CountSettled:
		m.counts[b.Count].settled = true
	case *domain.PeriodClosed:
		if b.Unit == "" {
			m.through = b.Through
			return
		}
		m.units[b.Unit].through = b.Through
		for _, f := range m.funds {
			if f.unit == b.Unit && f.through < b.Through {
				f.through = b.Through
			}
		}
	case *domain.PeriodReopened:
		if b.Unit == "" {
			m.through = b.From - 1
			return
		}
		m.units[b.Unit].through = min(m.units[b.Unit].through, b.From-1)
		for _, f := range m.funds {
			if f.unit == b.Unit {
				f.through = min(f.through, b.From-1)
			}
		}
	case *domain.EntryReversed:
		m.reversed[b.Event] = true
		switch was := m.events[b.Event].Body.(type) {
		case *domain.PersonMerged:
			m.persons[was.Person].into = uuid.Nil
		case *domain.DonationReceived:
			if was.Pledge != "" {
				delete(m.pledges[was.Pledge].gifts, b.Event)
			}
		case *domain.CountSettled:
			m.counts[was.Count].settled = false
		case *domain.Granted:
			g := m.grants[b.Event]
			g.cancelled[0] += g.open(0)
			g.cancelled[1] += g.open(1)
		case *domain.GrantDisbursed:
			g := m.grants[was.Grant]
			delete(g.payments, b.Event)
			g.since = max(g.since, e.EffectiveOn)
		case *domain.GrantReturned:
			delete(m.grants[was.Grant].returns, b.Event)
		}
	}
}

func (m *model) fix(lines []domain.Line) {
	for _, l := range lines {
		if item, ok := strings.CutPrefix(string(l.Asset), "goods:"); ok && m.measures[item] == "" {
			m.measures[item] = l.Measure
		}
	}
}

// movesOf is what an event that is about to be read does to holdings.
func (m *model) movesOf(e domain.Event) []modelMove {
	day := e.EffectiveOn
	grant := func(g domain.GrantFacts, posted, reserved, quantity, reservedQ int64) []modelMove {
		return []modelMove{{g.Fund, g.Asset, day, posted, reserved, quantity, reservedQ}}
	}
	lines := func(fund string, lines []domain.Line) (list []modelMove) {
		for _, l := range lines {
			if l.Asset != "labour" {
				list = append(list, modelMove{fund, l.Asset, day, l.Amount, 0, l.Quantity, 0})
			}
		}
		return list
	}
	switch b := e.Body.(type) {
	case *domain.DonationReceived:
		return lines(b.Fund, b.Lines)
	case *domain.OpeningRecorded:
		return lines(b.Fund, b.Lines)
	case *domain.ExpenseRecorded:
		return []modelMove{{b.Fund, b.Asset, day, -b.Amount, 0, -b.Quantity, 0}}
	case *domain.FundsTransferred:
		return []modelMove{{b.From, b.Asset, day, -b.Amount, 0, -b.Quantity, 0}, {b.To, b.Asset, day, b.Amount, 0, b.Quantity, 0}}
	case *domain.HoldingMoved:
		return []modelMove{{b.Fund, b.FromAsset, day, -b.Amount, 0, 0, 0}, {b.Fund, b.ToAsset, day, b.Amount, 0, 0, 0}}
	case *domain.CountSettled:
		return []modelMove{{b.Fund, b.Asset, day, b.Amount, 0, b.Quantity, 0}}
	case *domain.Granted:
		return grant(b.GrantFacts, 0, b.Amount, 0, b.Quantity)
	case *domain.GrantDisbursed:
		return grant(b.GrantFacts, -b.Amount, -b.Amount, -b.Quantity, -b.Quantity)
	case *domain.GrantCancelled:
		return grant(b.GrantFacts, 0, -b.Amount, 0, -b.Quantity)
	case *domain.GrantReturned:
		return grant(b.GrantFacts, b.Amount, 0, b.Quantity, 0)
	case *domain.EntryReversed:
		was := m.events[b.Event]
		if g, ok := was.Body.(*domain.Granted); ok { // as a cancel
			state := m.grants[b.Event]
			return grant(g.GrantFacts, 0, -state.open(0), 0, -state.open(1))
		}
		was.EffectiveOn = day
		list := m.movesOf(was)
		for i := range list {
			v := &list[i]
			v.posted, v.reserved, v.quantity, v.reservedQ = -v.posted, -v.reserved, -v.quantity, -v.reservedQ
		}
		return list
	}
	return nil
}

// person is who a person counts as.
func (m *model) person(id uuid.UUID) uuid.UUID {
	for m.persons[id].into != uuid.Nil {
		id = m.persons[id].into
	}
	return id
}

func (m *model) erased(id uuid.UUID) bool {
	p := m.persons[id]
	return p != nil && (p.erased || m.persons[m.person(id)].erased)
}

// on returns the balance of a holding at the end of a day.
func (m *model) on(fund string, a domain.Asset, day domain.Date) (b domain.Balance) {
	for _, v := range m.moves {
		if v.fund == fund && v.asset == a && v.day <= day {
			b.Posted += v.posted
			b.Encumbered += v.reserved
			b.Quantity += v.quantity
			b.QuantityEncumbered += v.reservedQ
		}
	}
	return b
}

const forever domain.Date = 1_000_000

func goods(a domain.Asset) bool { return strings.HasPrefix(string(a), "goods:") }

// short names the first day, from a day on, on which less than need is available.
func (m *model) short(fund string, a domain.Asset, from domain.Date, need int64) (domain.Date, int64, bool) {
	days := []domain.Date{from}
	for _, v := range m.moves {
		if v.fund == fund && v.asset == a && v.day > from {
			days = append(days, v.day)
		}
	}
	slices.Sort(days)
	for _, day := range days {
		b := m.on(fund, a, day)
		free := b.Posted - b.Encumbered
		if goods(a) {
			free = b.Quantity - b.QuantityEncumbered
		}
		if free < need {
			return day, free, true
		}
	}
	return 0, 0, false
}

// share is value × part ÷ whole, half to even.
func share(value, part, whole int64) int64 {
	if whole == 0 {
		return 0
	}
	r := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(value), big.NewInt(part)), big.NewInt(whole))
	floor := new(big.Int).Div(r.Num(), r.Denom()) // Euclidean: down, as the denominator is positive
	rest := new(big.Rat).Sub(r, new(big.Rat).SetInt(floor))
	switch rest.Cmp(big.NewRat(1, 2)) {
	case 1:
		return floor.Int64() + 1
	case 0:
		return floor.Int64() + floor.Int64()&1
	default:
		return floor.Int64()
	}
}

// A verdict collects what speaks against a command and what it would be worth.
type verdict struct {
	m    *model
	day  domain.Date
	code string   // the one that stands first
	args []string // of holding.insufficient: fund, asset, day, available, asked
	// amounts are what the events carry, in order: amounts and quantities of goods.
	amounts [][2]int64
}

func (v *verdict) refuse(code domain.Code, args ...string) {
	if v.code == "" || slices.Index(contractOrder, string(code)) < slices.Index(contractOrder, v.code) {
		v.code, v.args = string(code), args
	}
}

func (v *verdict) fund(code string) *modelFund {
	f := v.m.funds[code]
	if f == nil {
		v.refuse("reference.unknown")
		return nil
	}
	if f.closed {
		v.refuse("fund.closed")
	}
	if v.day <= f.through || v.day <= v.m.through {
		v.refuse("date.closed")
	}
	if v.day < f.opened {
		v.refuse("date.too_early")
	}
	if v.day > v.m.today+1 {
		v.refuse("date.future")
	}
	return f
}

func (v *verdict) notBefore(day domain.Date) {
	if v.day < day {
		v.refuse("date.too_early")
	}
}

func (v *verdict) person(id uuid.UUID) {
	if v.m.persons[id] == nil {
		v.refuse("reference.unknown")
	} else if v.m.erased(id) {
		v.refuse("person.erased")
	}
}

func (v *verdict) donor(code string) {
	who, known := v.m.donors[code]
	if !known {
		v.refuse("reference.unknown")
	} else if who != uuid.Nil {
		v.person(who)
	}
}

func (v *verdict) unit(code string) {
	if u := v.m.units[code]; u == nil {
		v.refuse("reference.unknown")
	} else if u.closed {
		v.refuse("unit.closed")
	}
}

// number reads an amount with a number of decimals, as units of the last.
func (v *verdict) number(s money.Decimal, decimals int, zero bool) int64 {
	if s == "" {
		v.refuse("quantity.missing")
		return 0
	}
	whole, fraction, _ := strings.Cut(string(s), ".")
	f, err := strconv.ParseFloat(string(s), 64)
	if err != nil {
		panic(err)
	}
	if f < 0 || f == 0 && !zero {
		v.refuse("amount.not_positive")
	}
	if len(fraction) > decimals {
		v.refuse("amount.too_fine")
		return 0
	}
	n, err := strconv.ParseInt(whole+fraction+strings.Repeat("0", decimals-len(fraction)), 10, 64)
	if err != nil || n > 1e15 {
		v.refuse("amount.too_large")
	}
	return n
}

func (v *verdict) amount(s money.Decimal) int64   { return v.number(s, 0, false) }
func (v *verdict) quantity(s money.Decimal) int64 { return v.number(s, 3, false) }

func (v *verdict) enough(fund string, a domain.Asset, need int64) {
	if v.m.funds[fund] == nil {
		return
	}
	if day, free, isShort := v.m.short(fund, a, v.day, need); isShort {
		v.refuse("holding.insufficient", fund, string(a), day.String(), written(a, free), written(a, need))
	}
}

// written writes minor units of VND, or thousandths.
func written(a domain.Asset, n int64) string {
	if !goods(a) {
		return strconv.FormatInt(n, 10)
	}
	s := big.NewRat(n, 1000).FloatString(3)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// available is what goods are worth on average, in log order.
func (v *verdict) available(fund string, a domain.Asset) (value, quantity int64) {
	b := v.m.on(fund, a, forever)
	return b.Posted - b.Encumbered, b.Quantity - b.QuantityEncumbered
}

func (v *verdict) outlay(fund string, a domain.Asset, amount, quantity money.Decimal) {
	if !goods(a) {
		n := v.amount(amount)
		v.enough(fund, a, n)
		v.amounts = append(v.amounts, [2]int64{n, 0})
		return
	}
	q := v.quantity(quantity)
	v.enough(fund, a, q)
	value, whole := v.available(fund, a)
	v.amounts = append(v.amounts, [2]int64{share(value, q, whole), q})
}

func allows(purposes []domain.Purpose, p domain.Purpose) bool {
	return purposes == nil || slices.Contains(purposes, p)
}

func (v *verdict) lines(lines []domain.LineInput) {
	if len(lines) == 0 {
		v.refuse("command.malformed")
	}
	fixed := map[string]string{}
	for _, l := range lines {
		n := [2]int64{v.amount(l.Amount), 0}
		if l.Asset != "cash" && l.Asset != "bank" {
			n[1] = v.quantity(l.Quantity)
			if l.Measure == "" {
				v.refuse("quantity.missing")
			}
		}
		if item, ok := strings.CutPrefix(string(l.Asset), "goods:"); ok {
			if v.m.measures[item] != "" {
				fixed[item] = v.m.measures[item]
			}
			if fixed[item] == "" {
				fixed[item] = l.Measure
			} else if fixed[item] != l.Measure {
				v.refuse("measure.differs")
			}
		}
		v.amounts = append(v.amounts, n)
	}
}

// judge says what the contract says of a command; ok is false for commands that the model does not judge.
func (m *model) judge(body domain.CommandBody, day domain.Date) (v *verdict, ok bool) {
	v = &verdict{m: m, day: day}
	switch c := body.(type) {
	case *domain.ReceiveDonation:
		v.fund(c.Fund)
		v.donor(c.Donor)
		v.lines(c.Lines)
		if c.Pledge != "" {
			switch p := m.pledges[c.Pledge]; {
			case p == nil:
				v.refuse("reference.unknown")
			case p.open() == 0:
				v.refuse("pledge.settled")
			case (p.donor != c.Donor || p.fund != c.Fund) && v.code == "":
				v.code = "pledge.differs"
			}
		}
	case *domain.RecordOpening:
		v.fund(c.Fund)
		v.lines(c.Lines)
	case *domain.RecordExpense:
		if f := v.fund(c.Fund); f != nil && !allows(f.purposes, "expense") {
			v.refuse("fund.purpose")
		}
		if c.Payee != nil && c.Payee.Donor != "" {
			v.donor(c.Payee.Donor)
		} else if c.Payee != nil {
			v.person(c.Payee.Person)
		}
		v.outlay(c.Fund, c.Asset, c.Amount, c.Quantity)
	case *domain.TransferFunds:
		if c.From == c.To {
			v.refuse("command.malformed")
			return v, true
		}
		from, to := v.fund(c.From), v.fund(c.To)
		for _, p := range []domain.Purpose{"merit_award", "scholarship", "hardship_grant", "support", "expense"} {
			if from != nil && to != nil && allows(to.purposes, p) && !allows(from.purposes, p) {
				v.refuse("fund.purpose")
			}
		}
		v.outlay(c.From, c.Asset, c.Amount, c.Quantity)
	case *domain.MoveHolding:
		v.fund(c.Fund)
		v.outlay(c.Fund, c.FromAsset, c.Amount, "")
	case *domain.MakeGrant:
		v.grant(c)
	case *domain.Disburse:
		v.disburse(c)
	case *domain.CancelGrant:
		g := m.grants[c.Grant]
		if g == nil {
			v.refuse("reference.unknown")
			return v, true
		}
		v.fund(g.fund)
		v.notBefore(g.since)
		if g.settled() {
			v.refuse("grant.settled")
		}
		v.amounts = [][2]int64{{g.open(0), g.open(1)}}
	case *domain.ReturnGrant:
		v.giveBack(c)
	case *domain.CountHolding:
		v.fund(c.Fund)
		b := m.on(c.Fund, c.Asset, day)
		if goods(c.Asset) {
			v.amounts = [][2]int64{{v.number(c.Counted, 3, true) - b.Quantity, 0}}
		} else {
			v.amounts = [][2]int64{{v.number(c.Counted, 0, true) - b.Posted, 0}}
		}
	case *domain.SettleCount:
		v.settle(c)
	case *domain.Reverse:
		v.reverse(c)
	default:
		return nil, false
	}
	return v, true
}

func (v *verdict) grant(c *domain.MakeGrant) {
	if f := v.fund(c.Fund); f != nil && !allows(f.purposes, c.Kind) {
		v.refuse("fund.purpose")
	}
	value, whole := v.available(c.Fund, c.Asset)
	var all int64
	for _, r := range c.Recipients {
		if r.Person != uuid.Nil {
			v.person(r.Person)
		}
		if r.Unit != "" {
			v.unit(r.Unit)
		}
		if !goods(c.Asset) {
			n := v.amount(r.Amount)
			all += n
			v.amounts = append(v.amounts, [2]int64{n, 0})
			continue
		}
		q := v.quantity(r.Quantity)
		n := share(value, q, whole)
		value, whole, all = value-n, whole-q, all+q
		v.amounts = append(v.amounts, [2]int64{n, q})
	}
	v.enough(c.Fund, c.Asset, all)
	if c.Pay {
		v.amounts = append(v.amounts, v.amounts...)
	}
}

func (v *verdict) disburse(c *domain.Disburse) {
	type open struct{ amount, quantity int64 }
	left := map[uuid.UUID]open{}
	for _, p := range c.Grants {
		g := v.m.grants[p.Grant]
		if g == nil {
			v.refuse("reference.unknown")
			continue
		}
		if _, seen := left[p.Grant]; !seen {
			left[p.Grant] = open{g.open(0), g.open(1)}
		}
		o := left[p.Grant]
		v.fund(g.fund)
		v.notBefore(g.since)
		settled := o.amount == 0 && o.quantity == 0
		pay := o
		switch {
		case goods(g.asset) && p.Amount != "":
			v.refuse("quantity.missing")
		case goods(g.asset) && p.Quantity != "":
			pay.quantity = v.quantity(p.Quantity)
			if pay.quantity > o.quantity && !settled {
				v.refuse("grant.overpaid")
			}
			pay.amount = share(o.amount, pay.quantity, o.quantity)
		case p.Quantity != "":
			v.refuse("command.malformed")
		case p.Amount != "":
			pay.amount = v.amount(p.Amount)
			if pay.amount > o.amount && !settled {
				v.refuse("grant.overpaid")
			}
		}
		if settled {
			v.refuse("grant.settled")
			continue
		}
		left[p.Grant] = open{o.amount - pay.amount, o.quantity - pay.quantity}
		v.amounts = append(v.amounts, [2]int64{pay.amount, pay.quantity})
	}
}

func (v *verdict) giveBack(c *domain.ReturnGrant) {
	g := v.m.grants[c.Grant]
	if g == nil {
		v.refuse("reference.unknown")
		return
	}
	v.fund(g.fund)
	if !g.neverPaid() {
		v.notBefore(g.paidOn)
	}
	amount, quantity := g.paid(0)-g.returned(0), g.paid(1)-g.returned(1)
	switch {
	case goods(g.asset) && c.Quantity == "":
		v.refuse("quantity.missing")
	case goods(g.asset):
		q := v.quantity(c.Quantity)
		if q > quantity {
			v.refuse("grant.over_returned")
		}
		v.amounts = [][2]int64{{share(amount, q, quantity), q}}
	case c.Quantity != "":
		v.refuse("command.malformed")
	default:
		n := v.amount(c.Amount)
		if n > amount {
			v.refuse("grant.over_returned")
		}
		v.amounts = [][2]int64{{n, 0}}
	}
}

func (v *verdict) settle(c *domain.SettleCount) {
	n := v.m.counts[c.Count]
	if n == nil {
		v.refuse("reference.unknown")
		return
	}
	v.fund(n.fund)
	v.notBefore(n.day)
	if n.settled {
		v.refuse("count.settled")
		return
	}
	if n.difference < 0 {
		v.enough(n.fund, n.asset, -n.difference)
	}
	if !goods(n.asset) {
		v.amounts = [][2]int64{{n.difference, 0}}
		return
	}
	value, whole := v.available(n.fund, n.asset)
	v.amounts = [][2]int64{{share(value, n.difference, whole), n.difference}}
}

func (v *verdict) reverse(c *domain.Reverse) {
	e, known := v.m.events[c.Event]
	if !known {
		v.refuse("reference.unknown")
		return
	}
	if v.m.reversed[c.Event] {
		v.refuse("entry.reversed")
	}
	switch b := e.Body.(type) {
	case *domain.PersonMerged:
		return
	case *domain.DonationReceived:
		v.fund(b.Fund)
	case *domain.OpeningRecorded, *domain.ExpenseRecorded, *domain.FundsTransferred, *domain.HoldingMoved,
		*domain.GrantReturned, *domain.CountSettled:
	case *domain.Granted:
		g := v.m.grants[e.ID]
		if !g.neverPaid() {
			v.refuse("entry.in_use")
		} else if g.settled() && !v.m.reversed[c.Event] {
			v.refuse("grant.settled")
		}
		v.notBefore(g.since)
	case *domain.GrantDisbursed:
		if len(v.m.grants[b.Grant].returns) > 0 {
			v.refuse("entry.in_use")
		}
	default:
		v.refuse("entry.not_reversible")
		return
	}
	v.notBefore(e.EffectiveOn)
	moves := v.m.movesOf(domain.Event{EffectiveOn: v.day, Body: &domain.EntryReversed{Event: c.Event}})
	type holding struct {
		fund  string
		asset domain.Asset
	}
	change := map[holding]modelMove{}
	var order []holding
	for _, w := range moves {
		v.fund(w.fund)
		k := holding{w.fund, w.asset}
		s, seen := change[k]
		if !seen {
			order = append(order, k)
		}
		s.posted += w.posted
		s.reserved += w.reserved
		s.quantity += w.quantity
		s.reservedQ += w.reservedQ
		change[k] = s
	}
	for _, k := range order {
		s := change[k]
		if !goods(k.asset) {
			if less := s.reserved - s.posted; less > 0 {
				v.enough(k.fund, k.asset, less)
			}
			continue
		}
		if less := s.reservedQ - s.quantity; less > 0 {
			v.enough(k.fund, k.asset, less)
		}
		value, quantity := v.available(k.fund, k.asset)
		value, quantity = value+s.posted-s.reserved, quantity+s.quantity-s.reservedQ
		if value < 0 || quantity == 0 && value != 0 {
			v.refuse("holding.insufficient") // of value
		}
	}
}
