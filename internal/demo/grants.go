package demo

import (
	"fmt"
	"slices"
	"time"

	"github.com/soquy/soquy/domain"
)

// What the association's levels below the province granted, in dong.
const (
	awardsTotal = 2_218_000_000
	aidTotal    = 5_777_000_000
)

// How many grants there are beside one award a person.
const (
	secondAwards     = 1_040 // students who are rewarded twice
	secondAwardsBy   = 160   // of these, registered again for the second
	teachersTwice    = 25
	teachersTwiceBy  = 6
	cancelledAwards  = 70 // of students who are rewarded by no other
	duplicateAwards  = 40 // cancelled; another stands
	unpaidLists      = 12
	reversedPayments = 7
	returnedGrants   = 25
	shortenedGrants  = 9 // scholarships of which the second half is cancelled
	scholarships     = 2_700
	hardshipGrants   = 2_100
)

// What becomes of a grant, beside being paid in full.
const (
	stands = iota
	cancelled
	cancelledDuplicate
	shortened       // half of it is paid, the rest cancelled
	wronglyPaid     // the payment is reversed, and made again
	wronglyPaidGone // the payment is reversed, and the grant cancelled
)

// A grant of the plan. What stands of it in the end is amount, or, of a cancelled one, nothing.
type grant struct {
	person    int32  // or -1
	other     string // a collective, or
	unit      int32  // a unit, plus 1
	amount    int64
	extra     int64 // that is cancelled again
	fate      int8
	education string
	level     string // of achievement
	prize     string
	cause     string
}

// counts reports whether the grant is in the totals in the end.
func (g *grant) counts() bool {
	return g.fate != cancelled && g.fate != cancelledDuplicate && g.fate != wronglyPaidGone
}

// A list of grants is one decision.
type list struct {
	kind    domain.Purpose
	fund    int32
	unit    int32
	asset   domain.Asset
	on      domain.Date
	decided domain.Date
	number  int
	pay     bool // on the spot
	unpaid  bool // not by the end of the half-year
	grants  []grant
	op      int32
}

// issuer is the unit that decides: a chapter's commune decides for it.
func (p *plan) issuer(l *list) int32 {
	if u := &p.units[l.unit]; u.level == domain.Chapter {
		return p.communes[u.commune].unit
	}
	return l.unit
}

func (p *plan) addList(kind domain.Purpose, unit int32, on domain.Date) int32 {
	if tet := p.date(time.January, 26); on >= tet && on < tet+7 {
		on += 7
	}
	asset := domain.Cash
	if kind == domain.Scholarship && domain.Commune.Below(p.units[unit].level) {
		asset = domain.Bank
	}
	p.lists = append(p.lists, list{
		kind: kind, fund: p.fundFor(unit, kind), unit: unit, asset: asset, pay: true,
		on: on, decided: max(p.start+1, on-domain.Date(p.dice.n(6))),
	})
	return int32(len(p.lists) - 1)
}

// between draws a day of 2017 between two.
func (p *plan) between(m1 time.Month, d1 int, m2 time.Month, d2 int) domain.Date {
	first, last := p.date(m1, d1), p.date(m2, d2)
	return first + domain.Date(p.dice.n(int(last-first)+1))
}

// endOfYear draws a day when schools have ended their year.
func (p *plan) endOfYear() domain.Date { return p.between(time.May, 22, time.June, 20) }

// makeAwards plans the merit awards of districts, communes and chapters.
func (p *plan) makeAwards() {
	p.listsOf = make([][]int32, len(p.units))
	p.pupils = make([][]int32, len(p.communes))
	var weights [3][]int64 // of students, by list: districts, communes, chapters
	var lists [3][]int32
	add := func(level int, unit int32, weight int64, on domain.Date) {
		n := p.addList(domain.MeritAward, unit, on)
		p.listsOf[unit] = append(p.listsOf[unit], n)
		lists[level], weights[level] = append(lists[level], n), append(weights[level], weight*int64(p.dice.between(70, 130)))
	}
	for i := range p.districts {
		d := &p.districts[i]
		size := int64(0)
		for _, c := range d.communes {
			size += p.communes[c].weight
		}
		size = size/10_000 + 4
		add(0, d.unit, size, p.between(time.January, 12, time.January, 24))
		add(0, d.unit, size, p.between(time.February, 13, time.February, 28))
		add(0, d.unit, size, p.between(time.March, 10, time.March, 31))
		add(0, d.unit, size, p.between(time.April, 10, time.April, 28))
		add(0, d.unit, 2*size, p.between(time.May, 29, time.June, 14))
		add(0, d.unit, size, p.between(time.June, 16, time.June, 27))
	}
	for i := range p.communes {
		c := &p.communes[i]
		weight := c.weight + 4_000
		add(1, c.unit, weight, p.between(time.January, 10, time.February, 20))
		add(1, c.unit, weight/2, p.between(time.March, 6, time.April, 28))
		add(1, c.unit, 2*weight, p.between(time.May, 24, time.June, 26))
	}
	for u := range p.units {
		if p.units[u].level != domain.Chapter || p.fundFor(int32(u), domain.MeritAward) < 0 {
			continue
		}
		weight := int64(1)
		if p.chapterOf[u].kind == schoolChapter {
			weight = 3
		}
		if p.dice.percent(45) {
			add(2, int32(u), weight, p.between(time.January, 9, time.February, 28))
		}
		add(2, int32(u), 2*weight, p.endOfYear())
	}
	// The last lists of some units are decided and not yet paid at the end of June.
	shuffled := slices.Clone(lists[1])
	shuffle(p.dice, shuffled)
	unpaid := 0
	for _, n := range append([]int32{lists[0][5], lists[0][29]}, shuffled...) {
		if l := &p.lists[n]; unpaid < unpaidLists && l.on > p.date(time.May, 20) {
			l.on = p.between(time.June, 20, time.June, 29)
			l.decided = l.on - domain.Date(p.dice.n(4))
			l.pay, l.unpaid = false, true
			unpaid++
		}
	}
	var deferred []int32 // decided first, paid at a ceremony
	for _, n := range slices.Concat(lists[0], lists[1]) {
		if l := &p.lists[n]; l.pay && l.on < p.date(time.June, 10) && p.dice.percent(9) {
			l.pay = false
			deferred = append(deferred, n)
		}
	}

	ofChapters := int64(13_700 + p.dice.n(300))
	ofDistricts := int64(3_700 + p.dice.n(200))
	students := [3]int64{ofDistricts, rewardedStudents - ofChapters - ofDistricts, ofChapters}
	var rewarded, rewardedBy []int32 // students, and the list of each
	for level, total := range students {
		for k, n := range allocate(total, weights[level]) {
			at := lists[level][k]
			for range n {
				who := p.newStudent(p.lists[at].unit)
				p.award(at, who)
				rewarded, rewardedBy = append(rewarded, who), append(rewardedBy, at)
			}
		}
	}
	var teachers, teachersBy []int32
	teacherWeights := make([]int64, 0, len(lists[0])+len(lists[1]))
	both := slices.Concat(lists[0], lists[1])
	for k, n := range both {
		w := int64(2)
		if k < len(lists[0]) {
			w = 12
		}
		if p.lists[n].on > p.date(time.May, 1) {
			w *= 2
		}
		teacherWeights = append(teacherWeights, w)
	}
	for k, n := range allocate(rewardedTeachers, teacherWeights) {
		for range n {
			s := p.schoolOf(p.lists[both[k]].unit)
			who := p.addPerson(teacher, p.schools[s].commune, s)
			p.award(both[k], who)
			teachers, teachersBy = append(teachers, who), append(teachersBy, both[k])
		}
	}
	p.secondAwards(rewarded, rewardedBy, secondAwards, secondAwardsBy)
	p.secondAwards(teachers, teachersBy, teachersTwice, teachersTwiceBy)
	for k := range cancelledAwards + duplicateAwards {
		at := deferred[k%len(deferred)]
		if k < cancelledAwards {
			p.award(at, p.newStudent(p.lists[at].unit)).fate = cancelled
			continue
		}
		who := p.outsider(rewarded, at)
		p.award(at, who).fate = cancelledDuplicate
	}
	for range 2 { // the payment is taken back, and so is the award
		at := pick(p.dice, lists[1])
		for !p.lists[at].pay || p.lists[at].on > p.date(time.June, 1) {
			at = pick(p.dice, lists[1])
		}
		p.award(at, p.newStudent(p.lists[at].unit)).fate = wronglyPaidGone
	}
	for range reversedPayments - 2 {
		at := pick(p.dice, lists[1])
		for !p.lists[at].pay || p.lists[at].on > p.date(time.June, 1) {
			at = pick(p.dice, lists[1])
		}
		p.lists[at].grants[0].fate = wronglyPaid
	}
	p.exact(awardsTotal, 10_000, 20_000, domain.MeritAward)
}

// newStudent makes a student whom a unit rewards.
func (p *plan) newStudent(unit int32) int32 {
	s := p.schoolOf(unit)
	return p.addPerson(student, p.schools[s].commune, s)
}

// outsider draws one of some persons who is not in a list.
func (p *plan) outsider(from []int32, at int32) int32 {
	for {
		who := pick(p.dice, from)
		if p.people[who].list != at && !slices.ContainsFunc(p.lists[at].grants, func(g grant) bool { return g.person == who }) {
			return who
		}
	}
}

// award puts a person in a list of awards.
func (p *plan) award(at, who int32) *grant {
	l, person := &p.lists[at], &p.people[who]
	person.list = at
	g := grant{person: who, education: educationLevel(p.schools[person.school].level)}
	thousands := []int{20, 30, 30, 40, 50}
	g.level = "school"
	switch p.units[l.unit].level {
	case domain.District:
		thousands = []int{80, 100, 100, 150, 200}
		g.level = [...]string{"district", "provincial", "national"}[p.dice.weighted([]int{70, 26, 4})]
		g.prize = [...]string{"first", "second", "third", "consolation"}[p.dice.weighted([]int{1, 2, 3, 4})]
	case domain.Commune:
		thousands = []int{40, 50, 50, 60, 80}
		if p.dice.percent(25) {
			g.level = "commune"
		}
		g.prize = "title"
	}
	if person.kind == teacher {
		g.prize, thousands = "title", []int{100, 150, 150}
		if p.units[l.unit].level == domain.District {
			thousands = []int{200, 250, 300}
		}
	}
	g.amount = 1_000 * int64(pick(p.dice, thousands))
	if person.kind == student && person.document == asIs {
		p.pupils[person.commune] = append(p.pupils[person.commune], who)
	}
	l.grants = append(l.grants, g)
	return &l.grants[len(l.grants)-1]
}

// secondAwards rewards n different persons once more, in another list of the same district; some of them are registered again for
// it, which is found out later.
func (p *plan) secondAwards(people, by []int32, n, registeredAgain int) {
	order := make([]int, len(people))
	for i := range order {
		order[i] = i
	}
	shuffle(p.dice, order)
	for _, i := range order {
		if n == 0 {
			return
		}
		u := &p.units[p.lists[by[i]].unit]
		unit := p.districts[u.district].unit
		switch {
		case u.level == domain.District:
			unit = p.communes[p.people[people[i]].commune].unit
		case u.level == domain.Chapter && p.dice.percent(50):
			unit = p.communes[u.commune].unit
		}
		who, at := people[i], pick(p.dice, p.listsOf[unit])
		if at == by[i] {
			continue
		}
		if registeredAgain > 0 {
			who = p.again(who)
			p.merges = append(p.merges, merge{person: who, into: people[i], lists: [2]int32{at, by[i]}})
			registeredAgain--
		}
		p.award(at, who)
		n--
	}
}

// exact brings the sum of what stands of some kinds to a total, by steps, and no amount below a least one.
func (p *plan) exact(total, step, least int64, kinds ...domain.Purpose) {
	var all []*grant
	for i := range p.lists {
		for k := range p.lists[i].grants {
			g := &p.lists[i].grants[k]
			if slices.Contains(kinds, p.lists[i].kind) && g.counts() {
				all = append(all, g)
				total -= g.amount
			}
		}
	}
	for total != 0 {
		g := pick(p.dice, all)
		switch {
		case total > 0:
			g.amount += step
			total -= step
		case g.amount-step >= least:
			g.amount -= step
			total += step
		}
	}
}

// makeAid plans the scholarships and the hardship grants of districts, communes and chapters.
func (p *plan) makeAid() {
	var weights [2][]int64
	var lists [2][]int32
	add := func(kind domain.Purpose, unit int32, weight int, on domain.Date) {
		k := 0
		if kind == domain.HardshipGrant {
			k = 1
		}
		lists[k] = append(lists[k], p.addList(kind, unit, on))
		weights[k] = append(weights[k], int64(weight*p.dice.between(70, 130)))
	}
	for i := range p.districts {
		u := p.districts[i].unit
		for _, month := range []time.Month{time.January, time.March, time.May, time.June} {
			add(domain.Scholarship, u, 35, p.between(month, 8, month, 24))
		}
		for _, month := range []time.Month{time.January, time.April, time.June} {
			add(domain.HardshipGrant, u, 24, p.between(month, 9, month, 22))
		}
	}
	for i := range p.communes {
		u := p.communes[i].unit
		add(domain.Scholarship, u, 9, p.between(time.February, 6, time.March, 30))
		if p.openTo(u) != p.fundFor(u, domain.Scholarship) {
			add(domain.Scholarship, u, 9, p.endOfYear())
		}
		add(domain.HardshipGrant, u, 8, p.between(time.January, 9, time.January, 24))
		add(domain.HardshipGrant, u, 6, p.between(time.April, 3, time.May, 26))
	}
	for u := range p.units {
		if p.units[u].level != domain.Chapter || len(p.fundsOf[u]) == 0 {
			continue
		}
		restricted := p.funds[p.fundsOf[u][0]].purposes != nil
		if f := p.fundFor(int32(u), domain.Scholarship); f >= 0 && restricted {
			add(domain.Scholarship, int32(u), 4, p.between(time.January, 12, time.June, 24))
		}
		if f := p.fundFor(int32(u), domain.HardshipGrant); f >= 0 && restricted {
			add(domain.HardshipGrant, int32(u), 4, p.between(time.January, 12, time.June, 24))
		}
	}
	for k, total := range [2]int64{scholarships, hardshipGrants} {
		for i, n := range allocate(total, weights[k]) {
			for range n {
				p.aid(lists[k][i])
			}
		}
	}
	p.exact(aidTotal, 50_000, 200_000, domain.Scholarship, domain.HardshipGrant)
	p.shorten(lists[0])
}

// aid puts a student in a list of scholarships or hardship grants: most of them were rewarded too.
func (p *plan) aid(at int32) {
	l := &p.lists[at]
	u := &p.units[l.unit]
	home := u.commune
	if u.level == domain.District {
		home = pick(p.dice, p.districts[u.district].communes)
	}
	var who int32
	if p.dice.percent(60) {
		who = p.outsider(p.pupils[home], at)
	} else {
		who = p.newStudent(l.unit)
	}
	person := &p.people[who]
	person.list = at
	g := grant{person: who, education: educationLevel(p.schools[person.school].level)}
	var thousands []int
	switch {
	case l.kind == domain.Scholarship && u.level == domain.District:
		thousands = []int{1_300, 1_500, 1_800, 2_500}
	case l.kind == domain.Scholarship && u.level == domain.Commune:
		thousands = []int{1_000, 1_200, 1_500}
	case u.level == domain.Chapter:
		thousands = []int{300, 400, 500}
	case u.level == domain.District:
		thousands = []int{1_000, 1_200, 1_500}
	default:
		thousands = []int{700, 800, 1_000, 1_000}
	}
	g.amount = 1_000 * int64(pick(p.dice, thousands))
	if l.kind == domain.HardshipGrant {
		g.cause = domain.Causes()[p.dice.weighted([]int{45, 15, 12, 14, 10, 4})]
	}
	l.grants = append(l.grants, g)
}

// shorten makes some scholarships of districts such as are paid in two parts, of which the second is cancelled.
func (p *plan) shorten(lists []int32) {
	for k := range shortenedGrants {
		l := &p.lists[lists[4*(k%len(p.districts))]] // the district's of January
		g := &l.grants[k%len(l.grants)]
		g.fate, g.extra = shortened, 500_000
		l.pay = false
	}
}

// number gives decisions their numbers: one sequence an issuer and year, in the order of dates.
func (p *plan) number() {
	order := make([]int32, len(p.lists))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(a, b int32) int { return int(p.lists[a].decided - p.lists[b].decided) })
	last := map[int32]int{}
	for _, n := range order {
		l := &p.lists[n]
		if len(l.grants) == 0 {
			continue
		}
		issuer := p.issuer(l)
		last[issuer]++
		l.number = last[issuer]
	}
}

// grantBody makes the command of a list.
func (p *plan) grantBody(l *list) func(*run) (domain.CommandBody, error) {
	return func(r *run) (domain.CommandBody, error) {
		c := &domain.MakeGrant{
			Kind: l.kind, Fund: p.funds[l.fund].code, Asset: l.asset, Pay: l.pay, SchoolYear: "2016-2017",
			Recipients: make([]domain.Recipient, len(l.grants)),
			Decision: &domain.Decision{
				Number: fmt.Sprintf("%02d/QĐ-HKH", l.number), Date: l.decided,
				Issuer: "Hội Khuyến học " + lowerFirst(p.units[p.issuer(l)].name),
			},
		}
		for i := range l.grants {
			g := &l.grants[i]
			to := &c.Recipients[i]
			*to = domain.Recipient{
				Collective: g.other, Amount: dong(g.amount + g.extra),
				AchievementLevel: g.level, Prize: g.prize, EducationLevel: g.education, Cause: g.cause,
			}
			if g.person >= 0 {
				to.Person = r.ids[g.person]
			}
			if g.unit > 0 {
				to.Unit = p.units[g.unit-1].code
			}
		}
		return c, nil
	}
}

// recordLists plans the commands of the lists, what pays for them, and what becomes of them.
func (p *plan) recordLists() {
	p.number()
	for i := range p.lists {
		if len(p.lists[i].grants) > 0 {
			p.recordList(int32(i))
		}
	}
}

func (p *plan) recordList(n int32) {
	l := &p.lists[n]
	rec := p.recorded(l.on)
	if p.units[l.unit].level != domain.Province && p.dice.percent(4) {
		rec = p.late(l.on)
	}
	var sum int64
	for i := range l.grants {
		sum += l.grants[i].amount + l.grants[i].extra
	}
	from := account{l.fund, l.asset}
	p.provide(from, sum, l.on, rec)
	o := op{on: l.on, rec: rec, unit: l.unit, list: n + 1, body: p.grantBody(l)}
	if l.pay {
		o.from, o.to, o.amount = from, outside(), sum
	} else {
		o.keep = true
	}
	if l.kind == domain.HardshipGrant && p.dice.percent(10) {
		o.remark = "Trao tại lễ phát động tháng khuyến học"
	}
	l.op = p.add(o)
	for i := range l.grants {
		switch l.grants[i].fate {
		case cancelled:
			p.cancel(l, i, pick(p.dice, []string{"moved_away", "declined", "other"}))
		case cancelledDuplicate:
			p.cancel(l, i, "duplicate")
		case wronglyPaidGone:
			p.unpay(l, i, true)
		case wronglyPaid:
			p.unpay(l, i, false)
		}
	}
	if !l.pay && !l.unpaid {
		p.disburse(l, sum)
	}
}

// cancel cancels a grant of a list before the rest is paid.
func (p *plan) cancel(l *list, i int, reason string) int32 {
	key := l.op
	on, rec := p.after(key, 1, 4)
	return p.add(op{on: on, rec: rec, unit: l.unit, body: func(r *run) (domain.CommandBody, error) {
		id, err := r.event(key, i)
		return &domain.CancelGrant{Grant: id, Reason: reason}, err
	}})
}

// disburse pays what stands of a list, some days after it was decided.
func (p *plan) disburse(l *list, sum int64) {
	key := l.op
	on, rec := p.after(key, 5, 14)
	for i := range l.grants {
		if g := &l.grants[i]; !g.counts() {
			sum -= g.amount
		} else {
			sum -= g.extra
		}
	}
	paid := p.add(op{
		on: on, rec: rec, unit: l.unit, from: account{l.fund, l.asset}, to: outside(), amount: sum,
		body: func(r *run) (domain.CommandBody, error) {
			c := &domain.Disburse{}
			for i := range l.grants {
				g := &l.grants[i]
				if !g.counts() {
					continue
				}
				id, err := r.event(key, i)
				if err != nil {
					return nil, err
				}
				pay := domain.Payment{Grant: id}
				if g.extra > 0 {
					pay.Amount = dong(g.amount)
				}
				c.Grants = append(c.Grants, pay)
			}
			return c, nil
		},
	})
	for i := range l.grants {
		if l.grants[i].fate == shortened {
			on, rec := p.after(paid, 30, 90)
			p.add(op{on: on, rec: rec, unit: l.unit, remark: "Không tiếp tục theo học, thôi cấp kỳ hai", body: func(r *run) (domain.CommandBody, error) {
				id, err := r.event(key, i)
				return &domain.CancelGrant{Grant: id, Reason: "moved_away"}, err
			}})
		}
	}
}

// unpay reverses a payment of a list that was paid on the spot; then it is paid again, or the grant is cancelled.
func (p *plan) unpay(l *list, i int, gone bool) {
	p.ops[l.op].keep = true
	key, n, amount := l.op, len(l.grants), l.grants[i].amount
	on, rec := p.after(key, 2, 8)
	from := account{l.fund, l.asset}
	undone := p.add(op{
		on: on, rec: rec, unit: l.unit, from: outside(), to: from, amount: amount, remark: "Chưa phát: học sinh vắng mặt",
		body: func(r *run) (domain.CommandBody, error) {
			id, err := r.event(key, n+i)
			return &domain.Reverse{Event: id}, err
		},
	})
	on, rec = p.after(undone, 2, 8)
	if gone {
		p.add(op{on: on, rec: rec, unit: l.unit, body: func(r *run) (domain.CommandBody, error) {
			id, err := r.event(key, i)
			return &domain.CancelGrant{Grant: id, Reason: "moved_away"}, err
		}})
		return
	}
	p.add(op{on: on, rec: rec, unit: l.unit, from: from, to: outside(), amount: amount, body: func(r *run) (domain.CommandBody, error) {
		id, err := r.event(key, i)
		return &domain.Disburse{Grants: []domain.Payment{{Grant: id}}}, err
	}})
}
