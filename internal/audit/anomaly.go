package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A Rule is a plain rule by which an auditor picks what to look at first. What it finds need not be wrong.
type Rule string

// The rules.
const (
	DuplicateGrant   Rule = "duplicate_grant"   // same person, purpose and period; of merit awards same level and prize
	DuplicateGift    Rule = "duplicate_gift"    // same donor, fund, day and amount
	DuplicateExpense Rule = "duplicate_expense" // same fund, purpose, payee, day and amount
	Split            Rule = "split"             // payments to one payee within some days, each below a limit, together not
	RoundSum         Rule = "round_sum"         // expenses of a whole multiple of a sum
	OddHour          Rule = "odd_hour"          // recorded at night or at the weekend
	BackDated        Rule = "back_dated"        // recorded long after the effective date
	VoucherGap       Rule = "voucher_gap"       // a number of a series is missing or was taken twice
)

// Rules returns all rules, in the order in which their findings stand.
func Rules() []Rule {
	return []Rule{DuplicateGrant, DuplicateGift, DuplicateExpense, Split, RoundSum, OddHour, BackDated, VoucherGap}
}

// Thresholds are the numbers of the rules, and which entries they look at.
type Thresholds struct {
	From, To  *domain.Date // effective
	Limit     int64        // of Split, minor units; 0: it is not looked for
	SplitDays int          // of Split: between the first and the last payment
	Round     int64        // of RoundSum, minor units; 0: it is not looked for
	LateDays  int          // of BackDated: more than that
	DayBegins int          // of OddHour: an hour before it is night
	DayEnds   int          // of OddHour: from this hour on it is night
}

// A Finding is what a rule found. Which fields are set depends on the rule.
type Finding struct {
	Rule      Rule
	Positions []int64
	Amount    int64 // of all of them, minor units; 0 of OddHour, BackDated and VoucherGap

	Person            uuid.UUID
	Kind, Period      string // of a grant; the period is a school year, or a year where none was said
	Donor, Fund       string
	Purpose           string      // of an expense
	Payee             string      // "organisation:NAME", "donor:CODE", "person:ID", "collective:NAME", "unit:CODE", or "" where none was said
	Day               domain.Date // effective; of OddHour and BackDated that of recording, in the ledger's time zone
	Actor             string
	Unit, First, Last string // the vouchers from First to Last
	Missing           bool   // they are missing; else they were taken twice
}

// Digits is how many amounts of a kind begin with each digit, beside what Benford's law expects of as many.
type Digits struct {
	Of       string // gifts, grants, expenses
	Entries  int64
	Observed [9]int64
	Expected [9]int64 // tenths
}

// Anomalies looks for what an auditor would look at first. It is given the events of the log in order, from the first on.
type Anomalies struct {
	Thresholds

	zone      *time.Location
	reversed  map[int64]bool
	groups    map[groupKey]*group
	grants    map[uuid.UUID]*grantSeen
	granted   []*grantSeen // in the order of the log
	cancelled []cancelling
	merged    []merging
	paid      map[string][]entry // by payee
	vouchers  map[voucherKey]map[int]*voucherSeen
	amounts   map[string][]entry // of Digits
}

// A groupKey is what entries have in common that a rule puts together.
type groupKey struct {
	rule    Rule
	a, b, c string
	day     domain.Date
	amount  int64
}

type group struct {
	Finding
	entries []entry
}

type entry struct {
	position, amount int64
	day              domain.Date
}

type grantSeen struct {
	entry
	kind, period, what string // what is the level and prize of an award
	person             uuid.UUID
	payee              string
}

type cancelling struct {
	position int64
	grant    uuid.UUID
}

type merging struct {
	position     int64
	person, into uuid.UUID
}

type voucherKey struct {
	unit, series string
	year         int
}

type voucherSeen struct {
	command   uuid.UUID
	positions []int64 // of the first command, and of the first of each other one
	twice     bool
}

// NewAnomalies begins to look.
func NewAnomalies(t Thresholds) *Anomalies {
	return &Anomalies{
		Thresholds: t, zone: time.UTC, reversed: map[int64]bool{}, groups: map[groupKey]*group{}, grants: map[uuid.UUID]*grantSeen{},
		paid: map[string][]entry{}, vouchers: map[voucherKey]map[int]*voucherSeen{}, amounts: map[string][]entry{},
	}
}

// Add looks at an event.
// Errors: a time zone that this machine does not know.
func (a *Anomalies) Add(e *domain.Event) error {
	switch b := e.Body.(type) {
	case *domain.LedgerOpened:
		zone, err := time.LoadLocation(b.TimeZone)
		if err != nil {
			return fmt.Errorf("time zone of the ledger: %w", err)
		}
		a.zone = zone
	case *domain.EntryReversed:
		a.reversed[b.Position] = true
	case *domain.PersonMerged:
		a.merged = append(a.merged, merging{e.Position, b.Person, b.Into})
	case *domain.Granted:
		a.addGrant(e, b)
	case *domain.GrantCancelled:
		if b.NeverPaid {
			a.cancelled = append(a.cancelled, cancelling{e.Position, b.Grant})
		}
	case *domain.GrantDisbursed:
		if g := a.grants[b.Grant]; g != nil && b.Asset.IsMoney() {
			a.pay(e, g.payee, b.Amount)
		}
	case *domain.DonationReceived:
		a.addGift(e, b)
	case *domain.ExpenseRecorded:
		a.addExpense(e, b)
	}
	a.addVouchers(e)
	a.addTimes(e)
	return nil
}

// within reports whether an event is among those that are looked at.
func (a *Anomalies) within(e *domain.Event) bool {
	return (a.From == nil || e.EffectiveOn >= *a.From) && (a.To == nil || e.EffectiveOn <= *a.To)
}

func (a *Anomalies) put(k groupKey, f Finding, e entry) {
	g := a.groups[k]
	if g == nil {
		f.Rule = k.rule
		g = &group{Finding: f}
		a.groups[k] = g
	}
	g.entries = append(g.entries, e)
}

func (a *Anomalies) addGrant(e *domain.Event, b *domain.Granted) {
	r := &b.Recipient
	g := &grantSeen{
		entry: entry{e.Position, b.Amount, e.EffectiveOn}, kind: string(b.Kind), period: b.SchoolYear, what: b.AchievementLevel + " " + r.Prize,
		person: r.Person,
	}
	switch {
	case r.Person != uuid.Nil:
		g.payee = "person:" + r.Person.String()
	case r.Collective != "":
		g.payee = "collective:" + r.Collective
	default:
		g.payee = "unit:" + r.Unit
	}
	if g.period == "" {
		g.period = fmt.Sprint(e.EffectiveOn.Year())
	}
	if b.Kind != domain.MeritAward {
		g.what = ""
	}
	a.grants[e.ID] = g
	if a.within(e) {
		a.granted = append(a.granted, g)
		a.amounts["grants"] = append(a.amounts["grants"], g.entry)
	}
}

func (a *Anomalies) addGift(e *domain.Event, b *domain.DonationReceived) {
	if !a.within(e) {
		return
	}
	amount := sumLines(b.Lines)
	it := entry{e.Position, amount, e.EffectiveOn}
	a.amounts["gifts"] = append(a.amounts["gifts"], it)
	if b.DonorKind != "anonymous" { // who is many
		a.put(groupKey{rule: DuplicateGift, a: b.Donor, b: b.Fund, day: e.EffectiveOn, amount: amount},
			Finding{Donor: b.Donor, Fund: b.Fund, Day: e.EffectiveOn}, it)
	}
}

func (a *Anomalies) addExpense(e *domain.Event, b *domain.ExpenseRecorded) {
	payee := ""
	if p := b.Payee; p != nil {
		switch {
		case p.Person != uuid.Nil:
			payee = "person:" + p.Person.String()
		case p.Donor != "":
			payee = "donor:" + p.Donor
		default:
			payee = "organisation:" + p.Organisation
		}
	}
	if payee != "" && b.Asset.IsMoney() {
		a.pay(e, payee, b.Amount)
	}
	if !a.within(e) {
		return
	}
	it := entry{e.Position, b.Amount, e.EffectiveOn}
	a.amounts["expenses"] = append(a.amounts["expenses"], it)
	a.put(groupKey{rule: DuplicateExpense, a: b.Fund, b: b.Purpose, c: payee, day: e.EffectiveOn, amount: b.Amount},
		Finding{Fund: b.Fund, Purpose: b.Purpose, Payee: payee, Day: e.EffectiveOn}, it)
	if a.Round > 0 && b.Asset.IsMoney() && b.Amount%a.Round == 0 {
		a.put(groupKey{rule: RoundSum, a: b.Fund}, Finding{Fund: b.Fund}, it)
	}
}

// pay notes a payment below the limit.
func (a *Anomalies) pay(e *domain.Event, payee string, amount int64) {
	if a.within(e) && amount < a.Limit {
		a.paid[payee] = append(a.paid[payee], entry{e.Position, amount, e.EffectiveOn})
	}
}

func (a *Anomalies) addVouchers(e *domain.Event) {
	if _, undoes := e.Body.(*domain.EntryReversed); undoes { // it names those of the entry
		return
	}
	for _, v := range e.Vouchers() {
		series, year, n, err := domain.ParseVoucherNumber(v.Number)
		if err != nil || a.From != nil && year < a.From.Year() || a.To != nil && year > a.To.Year() {
			continue
		}
		k := voucherKey{v.Unit, series, year}
		if a.vouchers[k] == nil {
			a.vouchers[k] = map[int]*voucherSeen{}
		}
		seen := a.vouchers[k][n]
		switch {
		case seen == nil:
			a.vouchers[k][n] = &voucherSeen{command: e.Command, positions: []int64{e.Position}}
		case seen.command != e.Command: // one command, such as a list that is paid, has one number for many events
			seen.twice = true
			seen.positions = append(seen.positions, e.Position)
		}
	}
}

func (a *Anomalies) addTimes(e *domain.Event) {
	if len(e.Effects()) == 0 || !a.within(e) {
		return
	}
	local := e.RecordedAt.In(a.zone)
	y, m, d := local.Date()
	day := domain.NewDate(y, m, d)
	it, f := entry{position: e.Position, day: day}, Finding{Day: day, Actor: e.Actor}
	weekend := local.Weekday() == time.Saturday || local.Weekday() == time.Sunday
	if hour := local.Hour(); weekend || hour < a.DayBegins || hour >= a.DayEnds {
		a.put(groupKey{rule: OddHour, a: e.Actor, day: day}, f, it)
	}
	if int(day-e.EffectiveOn) > a.LateDays {
		a.put(groupKey{rule: BackDated, a: e.Actor, day: day}, f, it)
	}
}

// Findings returns what was found, by rule and then by the first position. What was reversed, and grants that were cancelled before
// anything was paid, are left out of the rules about amounts.
func (a *Anomalies) Findings() []Finding {
	a.duplicateGrants()
	var list []Finding
	for k, g := range a.groups {
		least := 1
		switch k.rule {
		case DuplicateGrant, DuplicateGift, DuplicateExpense:
			least = 2
		}
		kept := g.entries
		if k.rule != OddHour && k.rule != BackDated {
			kept = a.standing(kept)
		}
		if len(kept) >= least {
			list = append(list, g.Finding.of(kept))
		}
	}
	list = append(list, a.splits()...)
	list = append(list, a.gaps()...)
	rules := Rules()
	slices.SortFunc(list, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(rules, x.Rule), slices.Index(rules, y.Rule)), cmp.Compare(x.Positions[0], y.Positions[0]),
			cmp.Compare(x.Unit+x.First, y.Unit+y.First))
	})
	return list
}

// of is the finding about some entries.
func (f Finding) of(entries []entry) Finding {
	for _, e := range entries {
		f.Positions = append(f.Positions, e.position)
		f.Amount += e.amount
	}
	slices.Sort(f.Positions)
	return f
}

// standing leaves out what was reversed.
func (a *Anomalies) standing(list []entry) []entry {
	return slices.DeleteFunc(slices.Clone(list), func(e entry) bool { return a.reversed[e.position] })
}

// persons returns whom each merged person counts as now.
func (a *Anomalies) persons() map[uuid.UUID]uuid.UUID {
	into := map[uuid.UUID]uuid.UUID{}
	for _, m := range a.merged {
		if !a.reversed[m.position] {
			into[m.person] = m.into
		}
	}
	return into
}

func resolved(into map[uuid.UUID]uuid.UUID, person uuid.UUID) uuid.UUID {
	for range len(into) {
		next, merged := into[person]
		if !merged {
			break
		}
		person = next
	}
	return person
}

func (a *Anomalies) duplicateGrants() {
	gone := map[*grantSeen]bool{}
	for _, c := range a.cancelled {
		if !a.reversed[c.position] {
			gone[a.grants[c.grant]] = true
		}
	}
	into := a.persons()
	maps.DeleteFunc(a.groups, func(k groupKey, _ *group) bool { return k.rule == DuplicateGrant })
	for _, g := range a.granted {
		if g.person == uuid.Nil || gone[g] {
			continue
		}
		person := resolved(into, g.person)
		a.put(groupKey{rule: DuplicateGrant, a: person.String(), b: g.kind + " " + g.what, c: g.period},
			Finding{Person: person, Kind: g.kind, Period: g.period}, g.entry)
	}
}

// splits finds payments below the limit that reach it together: of each payee, from the first payment on, all within the days.
func (a *Anomalies) splits() []Finding {
	into, paid := a.persons(), map[string][]entry{}
	for payee, list := range a.paid {
		if id, isPerson := personOf(payee); isPerson {
			payee = "person:" + resolved(into, id).String()
		}
		paid[payee] = append(paid[payee], a.standing(list)...)
	}
	var found []Finding
	for payee, list := range paid {
		slices.SortFunc(list, func(x, y entry) int { return cmp.Or(cmp.Compare(x.day, y.day), cmp.Compare(x.position, y.position)) })
		for first := 0; first < len(list); first++ {
			last, sum := first, list[first].amount
			for last+1 < len(list) && int(list[last+1].day-list[first].day) <= a.SplitDays {
				last++
				sum += list[last].amount
			}
			if sum >= a.Limit {
				found = append(found, Finding{Rule: Split, Payee: payee, Day: list[first].day}.of(list[first:last+1]))
				first = last
			}
		}
	}
	return found
}

func personOf(payee string) (uuid.UUID, bool) {
	if len(payee) != len("person:")+36 || payee[:len("person:")] != "person:" {
		return uuid.Nil, false
	}
	id, err := uuid.Parse(payee[len("person:"):])
	return id, err == nil
}

// gaps finds numbers that are missing between 1 and the largest of a series and year, and numbers that two commands took.
func (a *Anomalies) gaps() []Finding {
	var found []Finding
	for k, numbers := range a.vouchers {
		name := func(n int) string { return fmt.Sprintf("%s-%04d-%06d", k.series, k.year, n) }
		last := 0
		for _, n := range slices.Sorted(maps.Keys(numbers)) {
			seen := numbers[n]
			if n > last+1 {
				found = append(found, Finding{
					Rule: VoucherGap, Positions: seen.positions[:1], Unit: k.unit, First: name(last + 1), Last: name(n - 1), Missing: true,
				})
			}
			if seen.twice {
				found = append(found, Finding{Rule: VoucherGap, Positions: seen.positions, Unit: k.unit, First: name(n), Last: name(n)})
			}
			last = n
		}
	}
	return found
}

// Digits returns the first digits of the amounts of gifts, grants and expenses that stand. Prizes and scholarships have fixed amounts, so that
// those of grants follow no law.
func (a *Anomalies) Digits() []Digits {
	// Of a million amounts, so many begin with each digit where Benford's law holds: log10(1 + 1/digit).
	benford := [9]int64{301_030, 176_091, 124_939, 96_910, 79_181, 66_947, 57_992, 51_153, 45_757}
	var list []Digits
	for _, of := range []string{"gifts", "grants", "expenses"} {
		d := Digits{Of: of}
		for _, e := range a.standing(a.amounts[of]) {
			if e.amount > 0 {
				d.Observed[firstDigit(e.amount)-1]++
				d.Entries++
			}
		}
		for i, share := range benford {
			d.Expected[i] = (d.Entries*share + 50_000) / 100_000
		}
		list = append(list, d)
	}
	return list
}

func firstDigit(v int64) int64 {
	for v >= 10 {
		v /= 10
	}
	return v
}
