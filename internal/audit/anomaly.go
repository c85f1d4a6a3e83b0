package audit

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A Rule is a plain rule by which an auditor picks what to look at first. What it finds need not be wrong.
type Rule string

// The rules.
const (
	DuplicateGrant     Rule = "duplicate_grant"     // same person, purpose and period; of merit awards same level and prize
	DuplicateGift      Rule = "duplicate_gift"      // same donor, fund, day and amount
	DuplicateExpense   Rule = "duplicate_expense"   // same fund, purpose, payee, day and amount
	DuplicateReference Rule = "duplicate_reference" // same reference in the remarks of entries at the bank
	Split              Rule = "split"               // payments to one payee within some days, each below a limit, together not
	RoundSum           Rule = "round_sum"           // expenses of a whole multiple of a sum
	OddHour            Rule = "odd_hour"            // recorded at night or at the weekend
	BackDated          Rule = "back_dated"          // recorded long after the effective date
	VoucherGap         Rule = "voucher_gap"         // a number of a series is missing or was taken twice
)

// Rules returns all rules, in the order in which their findings stand.
func Rules() []Rule {
	return []Rule{DuplicateGrant, DuplicateGift, DuplicateExpense, DuplicateReference, Split, RoundSum, OddHour, BackDated, VoucherGap}
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
	Reference         string // of the bank: a part of a remark, which is private
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

// Anomalies looks for what an auditor would look at first. It is given the events of the log in order, from the first on. Of each entry it
// keeps some 50 to 100 bytes: texts are kept once, and findings are made only of what was found.
type Anomalies struct {
	Thresholds

	zone       *time.Location
	words      map[string]word
	texts      []string // of words
	reversed   map[int64]bool
	groups     map[groupKey][]entry
	grants     []grantSeen             // in the order of the log
	granted    map[uuid.UUID]uuid.UUID // of grants to persons, where there is a limit: to whom
	payees     map[uuid.UUID]string    // of other grants
	gifts      []giftSeen
	cancelled  []cancelling
	merged     []merging
	paid       map[string][]entry // by payee
	vouchers   map[voucherKey]map[int]voucherSeen
	twice      map[voucherKey]map[int][]int64 // the positions of other commands that took a number
	expenses   []entry
	remarks    []remarked
	references map[uuid.UUID][]string // by remark
}

// A word is the place of a text that many entries have.
type word int32

// word keeps a text once. It is a copy, since the text may be a part of a whole event.
func (a *Anomalies) word(s string) word {
	n, known := a.words[s]
	if !known {
		s = strings.Clone(s)
		n = word(len(a.texts))
		a.texts, a.words[s] = append(a.texts, s), n
	}
	return n
}

// A groupKey is what entries have in common that a rule puts together.
type groupKey struct {
	rule    Rule
	a, b, c word
	day     domain.Date
	amount  int64
}

type entry struct {
	position, amount int64
	day              domain.Date
}

type grantSeen struct {
	entry
	id, person uuid.UUID
	kind       word
	period     word
	what       word // the level and prize of an award
}

type giftSeen struct {
	entry
	donor, fund word // donor is noWord where it is anonymous, who is many
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

// A voucherSeen is the command that took a number first, and where.
type voucherSeen struct {
	command  uuid.UUID
	position int64
}

// NewAnomalies begins to look.
func NewAnomalies(t Thresholds) *Anomalies {
	return &Anomalies{
		Thresholds: t, zone: time.UTC, words: map[string]word{}, reversed: map[int64]bool{}, groups: map[groupKey][]entry{},
		granted: map[uuid.UUID]uuid.UUID{}, payees: map[uuid.UUID]string{}, paid: map[string][]entry{}, vouchers: map[voucherKey]map[int]voucherSeen{},
		twice: map[voucherKey]map[int][]int64{}, references: map[uuid.UUID][]string{},
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
		if b.Asset.IsMoney() {
			a.addPayment(e, b)
		}
	case *domain.DonationReceived:
		a.addGift(e, b)
	case *domain.ExpenseRecorded:
		a.addExpense(e, b)
	}
	a.addVouchers(e)
	a.addTimes(e)
	a.addRemark(e)
	return nil
}

// within reports whether an event is among those that are looked at.
func (a *Anomalies) within(e *domain.Event) bool {
	return (a.From == nil || e.EffectiveOn >= *a.From) && (a.To == nil || e.EffectiveOn <= *a.To)
}

func (a *Anomalies) put(k groupKey, e entry) { a.groups[k] = append(a.groups[k], e) }

func (a *Anomalies) addGrant(e *domain.Event, b *domain.Granted) {
	r := &b.Recipient
	switch { // payments do not say all of whom they are to
	case a.Limit == 0:
	case r.Person != uuid.Nil:
		a.granted[e.ID] = r.Person
	case r.Collective != "":
		a.payees[e.ID] = a.texts[a.word("collective:"+r.Collective)]
	default:
		a.payees[e.ID] = a.texts[a.word("unit:"+r.Unit)]
	}
	if !a.within(e) {
		return
	}
	period, what := b.SchoolYear, ""
	if period == "" {
		period = fmt.Sprint(e.EffectiveOn.Year())
	}
	if b.Kind == domain.MeritAward {
		what = b.AchievementLevel + " " + r.Prize
	}
	a.grants = append(a.grants, grantSeen{
		entry: entry{e.Position, b.Amount, e.EffectiveOn}, id: e.ID, person: r.Person,
		kind: a.word(string(b.Kind)), period: a.word(period), what: a.word(what),
	})
}

func (a *Anomalies) addPayment(e *domain.Event, b *domain.GrantDisbursed) {
	if person, known := a.granted[b.Grant]; known {
		a.pay(e, "person:"+person.String(), b.Amount)
	} else if payee, known := a.payees[b.Grant]; known {
		a.pay(e, payee, b.Amount)
	}
}

func (a *Anomalies) addGift(e *domain.Event, b *domain.DonationReceived) {
	if !a.within(e) {
		return
	}
	g := giftSeen{entry{e.Position, domain.SumLines(b.Lines), e.EffectiveOn}, a.word(b.Donor), a.word(b.Fund)}
	if b.DonorKind == "anonymous" {
		g.donor = noWord
	}
	a.gifts = append(a.gifts, g)
}

// noWord stands for nobody.
const noWord word = -1

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
	a.expenses = append(a.expenses, it)
	fund := a.word(b.Fund)
	a.put(groupKey{rule: DuplicateExpense, a: fund, b: a.word(b.Purpose), c: a.word(payee), day: e.EffectiveOn, amount: b.Amount}, it)
	if a.Round > 0 && b.Asset.IsMoney() && b.Amount%a.Round == 0 {
		a.put(groupKey{rule: RoundSum, a: fund}, it)
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
			k.unit, k.series = strings.Clone(k.unit), strings.Clone(k.series)
			a.vouchers[k] = map[int]voucherSeen{}
		}
		seen, taken := a.vouchers[k][n]
		switch {
		case !taken:
			a.vouchers[k][n] = voucherSeen{e.Command, e.Position}
		case seen.command != e.Command: // one command, such as a list that is paid, has one number for many events
			if a.twice[k] == nil {
				a.twice[k] = map[int][]int64{}
			}
			a.twice[k][n] = append(a.twice[k][n], e.Position)
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
	it, actor := entry{position: e.Position, day: day}, a.word(e.Actor)
	weekend := local.Weekday() == time.Saturday || local.Weekday() == time.Sunday
	if hour := local.Hour(); weekend || hour < a.DayBegins || hour >= a.DayEnds {
		a.put(groupKey{rule: OddHour, a: actor, day: day}, it)
	}
	if int(day-e.EffectiveOn) > a.LateDays {
		a.put(groupKey{rule: BackDated, a: actor, day: day}, it)
	}
}

// Findings returns what was found, by rule and then by the first position. What was reversed, and grants that were cancelled before
// anything was paid, are left out of the rules about amounts.
func (a *Anomalies) Findings() []Finding {
	list := append(a.duplicateGrants(), a.duplicateGifts()...)
	for k, kept := range a.groups {
		least := 1
		if k.rule == DuplicateExpense {
			least = 2
		}
		if k.rule != OddHour && k.rule != BackDated {
			kept = a.standing(kept)
		}
		if len(kept) >= least {
			list = append(list, a.findingOf(k).of(kept))
		}
	}
	list = append(list, a.duplicateReferences()...)
	list = append(list, a.splits()...)
	list = append(list, a.gaps()...)
	rules := Rules()
	slices.SortFunc(list, func(x, y Finding) int {
		return cmp.Or(cmp.Compare(slices.Index(rules, x.Rule), slices.Index(rules, y.Rule)), cmp.Compare(x.Positions[0], y.Positions[0]),
			cmp.Compare(x.Unit+x.First+x.Reference, y.Unit+y.First+y.Reference))
	})
	return list
}

// findingOf says what the entries of a group have in common.
func (a *Anomalies) findingOf(k groupKey) Finding {
	f := Finding{Rule: k.rule, Day: k.day}
	switch k.rule {
	case DuplicateExpense:
		f.Fund, f.Purpose, f.Payee = a.texts[k.a], a.texts[k.b], a.texts[k.c]
	case RoundSum:
		f.Fund = a.texts[k.a]
	default:
		f.Actor = a.texts[k.a]
	}
	return f
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

// repeated puts entries together that have a key in common, and returns the groups of at least two. Most entries are alone, so they are
// counted first.
func repeated[K comparable, E any](list []E, of func(*E) (k K, it entry, counts bool)) map[K][]entry {
	seen := make(map[K]bool, len(list)) // whether more than once
	for i := range list {
		if k, _, counts := of(&list[i]); counts {
			_, before := seen[k]
			seen[k] = before
		}
	}
	groups := map[K][]entry{}
	for i := range list {
		if k, it, counts := of(&list[i]); counts && seen[k] {
			groups[k] = append(groups[k], it)
		}
	}
	return groups
}

func (a *Anomalies) duplicateGrants() []Finding {
	gone := map[uuid.UUID]bool{}
	for _, c := range a.cancelled {
		if !a.reversed[c.position] {
			gone[c.grant] = true
		}
	}
	type key struct {
		person             uuid.UUID
		kind, what, period word
	}
	into := a.persons()
	groups := repeated(a.grants, func(g *grantSeen) (key, entry, bool) {
		counts := g.person != uuid.Nil && !gone[g.id] && !a.reversed[g.position]
		return key{resolved(into, g.person), g.kind, g.what, g.period}, g.entry, counts
	})
	var found []Finding
	for k, list := range groups {
		f := Finding{Rule: DuplicateGrant, Person: k.person, Kind: a.texts[k.kind], Period: a.texts[k.period]}
		found = append(found, f.of(list))
	}
	return found
}

func (a *Anomalies) duplicateGifts() []Finding {
	type key struct {
		donor, fund word
		day         domain.Date
		amount      int64
	}
	groups := repeated(a.gifts, func(g *giftSeen) (key, entry, bool) {
		return key{g.donor, g.fund, g.day, g.amount}, g.entry, g.donor != noWord && !a.reversed[g.position]
	})
	var found []Finding
	for k, list := range groups {
		f := Finding{Rule: DuplicateGift, Donor: a.texts[k.donor], Fund: a.texts[k.fund], Day: k.day}
		found = append(found, f.of(list))
	}
	return found
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
					Rule: VoucherGap, Positions: []int64{seen.position}, Unit: k.unit, First: name(last + 1), Last: name(n - 1), Missing: true,
				})
			}
			if others := a.twice[k][n]; len(others) > 0 {
				positions := append([]int64{seen.position}, others...)
				found = append(found, Finding{Rule: VoucherGap, Positions: positions, Unit: k.unit, First: name(n), Last: name(n)})
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
		count := func(e *entry) {
			if e.amount > 0 && !a.reversed[e.position] {
				d.Observed[firstDigit(e.amount)-1]++
				d.Entries++
			}
		}
		switch of {
		case "gifts":
			for i := range a.gifts {
				count(&a.gifts[i].entry)
			}
		case "grants":
			for i := range a.grants {
				count(&a.grants[i].entry)
			}
		default:
			for i := range a.expenses {
				count(&a.expenses[i])
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
