package demo

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/ledger"
)

// A plan is the half-year as it will be recorded: small facts from which each command is made only when its turn comes.
//
// Money is safe by construction. Whatever leaves a fund has its own donations or transfers, effective and recorded no later than itself,
// so that no fund is below zero on any day, at any moment of the recording.
type plan struct {
	seed       uint64
	dice       dice
	names      *nameData
	schoolData *schoolData
	start, end domain.Date // of the half-year

	units     []unit
	chapterOf []chapter // by unit
	districts []district
	communes  []commune
	schools   []school
	funds     []fund
	fundsOf   [][]int32 // by unit
	people    []person
	donors    []donor
	donorsOf  [][]int32 // the province's, then by district, then by commune

	lists    []list
	listsOf  [][]int32 // of awards, by unit
	pupils   [][]int32 // rewarded students, by commune
	merges   []merge
	gifts    []int32 // ops, of money
	expenses []int32 // ops, below the province
	given    int64   // money given so far

	ops      []op
	order    []int32 // of ops, as they are recorded
	commands int64
}

// An account is a holding of a fund, or, of no fund, the outside world.
type account struct {
	fund  int32
	asset domain.Asset
}

func outside() account { return account{fund: -1} }

// An op is one command of the plan, but for the registrations of persons that must come first.
type op struct {
	on, rec  domain.Date // effective and recorded
	unit     int32       // whose accountant records it
	from, to account     // of money
	amount   int64       // of money, in minor units
	remark   string
	list     int32 // whose persons it needs registered, plus 1
	person   int32 // who must be registered, if positive; the first of the plan is a student, who is in a list
	keep     bool  // later commands ask for its events
	body     func(*run) (domain.CommandBody, error)
	personal func(*run) []byte
}

// still is the body of a command that needs nothing from the answers before it.
func still(c domain.CommandBody) func(*run) (domain.CommandBody, error) {
	return func(*run) (domain.CommandBody, error) { return c, nil }
}

// dong writes an amount.
func dong(v int64) money.Decimal { return money.Decimal(strconv.FormatInt(v, 10)) }

// newPlan makes the plan of a seed.
func newPlan(seed uint64) (*plan, error) {
	p := &plan{seed: seed, dice: newDice(seed, "plan")}
	p.start, p.end = period()
	var err error
	if p.names, err = readNames(); err != nil {
		return nil, err
	}
	if p.schoolData, err = readSchools(); err != nil {
		return nil, err
	}
	if err := p.makeUnits(); err != nil {
		return nil, err
	}
	p.registerUnits()
	p.makeFunds()
	p.makeAwards()
	p.makeAid()
	p.makeDonors()
	left := p.makeProvince()
	p.recordLists()
	p.makeExpenses(left)
	p.makeSupport()
	p.makeGoods()
	p.makePledges()
	p.makeCorrections()
	p.renameUnits()
	p.closeQuarter()
	counts := p.makeCounts()
	p.makeSurplus()
	p.makeIndicators()
	p.schedule()
	p.count(counts)
	return p, nil
}

// date is a day of 2017.
func (p *plan) date(month time.Month, day int) domain.Date { return domain.NewDate(2017, month, day) }

// add adds a command to the plan and returns its number.
func (p *plan) add(o op) int32 {
	o.rec = workday(o.rec)
	p.ops = append(p.ops, o)
	return int32(len(p.ops) - 1)
}

// workday returns the day itself or, of a Sunday or of the week of Tết, the next working day.
func workday(d domain.Date) domain.Date {
	first, last := domain.NewDate(2017, time.January, 26), domain.NewDate(2017, time.February, 1)
	if d >= first && d <= last {
		return last + 1
	}
	if d.Time().Weekday() == time.Sunday {
		return d + 1
	}
	return d
}

// firstEntry is the first day on which an entry is recorded: units, funds and donors are there by then.
func (p *plan) firstEntry() domain.Date { return p.start + 3 }

// recorded is when an entry of a day is recorded: some days after.
func (p *plan) recorded(on domain.Date) domain.Date {
	return max(p.firstEntry(), on+domain.Date(p.dice.between(1, 9)))
}

// late is when an entry of a day is recorded that someone forgot.
func (p *plan) late(on domain.Date) domain.Date {
	return min(on+domain.Date(p.dice.between(25, 60)), p.date(time.July, 8))
}

// after returns a day some days after an op, within the half-year, and when an entry of that day is recorded.
func (p *plan) after(n int32, lo, hi int) (on, rec domain.Date) {
	o := &p.ops[n]
	on = min(o.on+domain.Date(p.dice.between(lo, hi)), p.end)
	return on, max(o.rec, p.recorded(on))
}

// step is a command as it is recorded.
type step struct {
	at  time.Time
	req ledger.Request
	key int32 // of the op whose events later commands ask for, or -1
}

// A recorder takes the commands of a plan.
type recorder interface {
	record(step) error
	// events returns the events of a command with a key, in order.
	events(key int32) ([]uuid.UUID, error)
}

// A run is one recording of a plan.
type run struct {
	p    *plan
	out  recorder
	docs documents
	ids  []uuid.UUID // of persons
	at   time.Time
	dice dice
}

// schedule puts the commands in the order of their recording, and counts them.
func (p *plan) schedule() {
	p.order = make([]int32, len(p.ops))
	for i := range p.order {
		p.order[i] = int32(i)
	}
	slices.SortStableFunc(p.order, func(a, b int32) int { return cmp.Compare(p.ops[a].rec, p.ops[b].rec) })
	p.commands = int64(len(p.ops) + len(p.people))
}

// registers calls f with the persons whom an op needs registered and who are not yet.
func (p *plan) registers(o *op, seen []bool, f func(n int32) error) error {
	one := func(n int32) error {
		if seen[n] {
			return nil
		}
		seen[n] = true
		return f(n)
	}
	if o.person > 0 {
		return one(o.person)
	}
	if o.list == 0 {
		return nil
	}
	for _, g := range p.lists[o.list-1].grants {
		if g.person >= 0 {
			if err := one(g.person); err != nil {
				return err
			}
		}
	}
	return nil
}

// run hands the commands of the plan to a recorder, in order.
func (p *plan) run(out recorder) error {
	// The commands of a day are spread over its working hours.
	perDay := map[domain.Date]int{}
	seen := make([]bool, len(p.people))
	for _, n := range p.order {
		o := &p.ops[n]
		perDay[o.rec]++
		_ = p.registers(o, seen, func(int32) error {
			perDay[o.rec]++
			return nil
		})
	}
	r := &run{p: p, out: out, ids: make([]uuid.UUID, len(p.people)), dice: newDice(p.seed, "persons")}
	r.docs = documents{p, newStream(p.seed, "documents").Uint64()}
	clear(seen)
	var day domain.Date
	var i int
	const opens, hours = 20 * time.Minute, 9*time.Hour + 30*time.Minute // UTC; 07:20 to 16:50 in Điện Biên
	tick := func(o *op) {
		if o.rec != day {
			day, i = o.rec, 0
		}
		pace := min(hours/time.Duration(perDay[day]), 11*time.Minute)
		jitter := time.Duration(r.dice.n(int(pace / time.Microsecond)))
		r.at = day.Time().Add(opens + time.Duration(i)*pace + jitter*time.Microsecond)
		i++
	}
	for _, n := range p.order {
		o := &p.ops[n]
		err := p.registers(o, seen, func(who int32) error {
			tick(o)
			return r.register(o, who)
		})
		if err != nil {
			return err
		}
		tick(o)
		body, err := o.body(r)
		if err != nil {
			return err
		}
		s := step{at: r.at, key: -1, req: ledger.Request{
			Actor: p.accountant(o.unit), EffectiveOn: o.on, Body: body, Remark: o.remark,
		}}
		if o.personal != nil {
			s.req.Personal = o.personal(r)
		}
		if o.keep {
			s.key = n
		}
		if err := out.record(s); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) register(o *op, who int32) error {
	r.ids[who] = r.newID()
	doc := r.docs.of(who, false)
	return r.out.record(step{at: r.at, key: -1, req: ledger.Request{
		Actor: r.p.accountant(o.unit), EffectiveOn: o.on, Personal: doc.Document(),
		Body: &domain.RegisterPerson{Person: r.ids[who], Kind: personKind(r.p.people[who].kind)},
	}})
}

// newID makes a UUIDv7 of the instant.
func (r *run) newID() (id uuid.UUID) {
	for i, ms := 0, r.at.UnixMilli(); i < 6; i++ {
		id[i] = byte(ms >> (40 - 8*i))
	}
	high, low := r.dice.src.Uint64(), r.dice.src.Uint64()
	for i := range 8 {
		id[8+i] = byte(low >> (8 * i))
	}
	id[6] = 0x70 | byte(high)&0x0f
	id[7] = byte(high >> 8)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// accountant is the code of who records for a unit: of the province, or of its district.
func (p *plan) accountant(unit int32) string {
	if d := p.units[unit].district; d >= 0 {
		return "kt." + p.units[p.districts[d].unit].code
	}
	return "kt.DB"
}

// event returns one event of an op that was kept.
func (r *run) event(key int32, i int) (uuid.UUID, error) {
	list, err := r.out.events(key)
	if err != nil {
		return uuid.Nil, err
	}
	return list[i], nil
}

// reverse undoes an event of an op that is kept, on a day.
func (p *plan) reverse(n int32, event int, on, rec domain.Date, remark string) int32 {
	p.ops[n].keep = true
	o := &p.ops[n]
	return p.add(op{
		on: on, rec: rec, unit: o.unit, from: o.to, to: o.from, amount: o.amount, remark: remark,
		body: func(r *run) (domain.CommandBody, error) {
			id, err := r.event(n, event)
			return &domain.Reverse{Event: id}, err
		},
	})
}
