package projections

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// ErrQuery says that a query contradicts itself or names something that does not exist.
var ErrQuery = errors.New("bad query")

// ErrUnknownKey says that a fact has a key of which it is not known what it stands for.
var ErrUnknownKey = errors.New("unknown key of a fact")

// A Tally counts totals from facts. It is given the facts of the query's range and bases, and puts each into the rows that it belongs to.
type Tally struct {
	q       TotalsQuery
	tree    *Tree
	aliases Aliases
	keys    map[uuid.UUID]*FactKey

	states []keyState  // by the keys' numbers; made when the first is asked for
	units  []tallyUnit // by their numbers
	places map[place]int32
	lists  [][]*tallyRow // of places
	rows   map[string]*tallyRow

	timed   bool // rows depend on the month
	placed  bool // and on where the unit is
	byUnit  bool // and on the unit, or only
	byLevel bool // on its level
	byFund  bool
	values  []string // of a row that is looked for, and
	key     []byte   // its key

	scratch *scratch // that it works with, to be given back to
	pool    *sync.Pool
}

// A scratch is what a tally needs much of, and the next one as well: to make it anew each time would have memory collected every few dozen
// questions.
type scratch struct {
	states []keyState
	people [][]uint32
}

// borrow takes what a tally needs much of from a pool.
func (t *Tally) borrow(pool *sync.Pool) {
	s, _ := pool.Get().(*scratch)
	if s == nil {
		s = new(scratch)
	}
	t.scratch, t.pool = s, pool
	if t.states == nil {
		s.states = slices.Grow(s.states[:0], len(t.keys))[:len(t.keys)]
		clear(s.states)
		t.states = s.states
	}
}

// list returns an empty list of persons.
func (s *scratch) list() (list []uint32) {
	if n := len(s.people); n > 0 {
		list, s.people = s.people[n-1], s.people[:n-1]
	}
	return list
}

// Release gives back what the tally borrowed. Nothing can be counted or asked after that.
func (t *Tally) Release() {
	if t.scratch == nil {
		return
	}
	for _, r := range t.rows {
		if cap(r.on) > 0 {
			t.scratch.people = append(t.scratch.people, r.on[:0])
		}
	}
	t.pool.Put(t.scratch)
	t.scratch, t.pool, t.states, t.rows = nil, nil, nil, nil
}

// keyState is what a tally remembers of a key: where its facts count on the days around the one on which it was seen last. It is small and
// has no pointers, since there may be a hundred thousand keys, and facts come in no order of them.
type keyState struct {
	stretch       // of no day: the key was not seen yet
	list    int32 // of lists
}

// tallyUnit is what a tally knows of a unit on some days.
type tallyUnit struct {
	stretch
	level  int32    // its place in domain.Levels
	path   []string // from the unit up, to the one that is asked about
	within bool     // it goes through that
}

// place is what keys have in common that count in the same rows: the numbers of what matters to the query, and when; −1 is what does not.
type place struct {
	since                    domain.Date // of the unit's path
	month                    int32
	unit, level, fund, shape int32
}

// outside is the unit of a place that does not count.
const outside = -2

type tallyRow struct {
	TotalsRow
	measure int // place in Measures
	on, off []uint32
}

// NewTally makes a tally. Of keys it needs those that facts will have.
func NewTally(q TotalsQuery, tree *Tree, keys map[uuid.UUID]*FactKey, aliases Aliases) (*Tally, error) {
	for i, d := range q.By {
		if !slices.Contains(Dims(), d) && (d != ByPurpose || !q.Books) {
			return nil, fmt.Errorf("%w: no dimension %q", ErrQuery, d)
		}
		if slices.Contains(q.By[:i], d) {
			return nil, fmt.Errorf("%w: dimension %q twice", ErrQuery, d)
		}
	}
	if q.Rollup && !slices.Contains(q.By, ByUnit) {
		return nil, fmt.Errorf("%w: a rollup is by unit", ErrQuery)
	}
	if q.Within != "" && !tree.Has(q.Within) {
		return nil, fmt.Errorf("unit %s: %w", q.Within, eventstore.ErrNotFound)
	}
	by := func(list ...Dim) bool {
		return slices.ContainsFunc(q.By, func(d Dim) bool { return slices.Contains(list, d) })
	}
	return &Tally{
		q: q, tree: tree, aliases: aliases, keys: keys,
		places: map[place]int32{}, rows: map[string]*tallyRow{},
		timed: by(ByMonth, ByQuarter, ByYear), placed: q.Rollup || q.Within != "",
		byUnit: by(ByUnit), byLevel: by(ByUnitLevel) || len(q.UnitLevels) > 0, byFund: by(ByFund) || len(q.Funds) > 0,
	}, nil
}

// Bases are the bases of the facts that the query is about.
func (q *TotalsQuery) Bases() []int {
	if q.Paid {
		return []int{BothBases, PaidBasis}
	}
	return []int{BothBases, GrantedBasis}
}

// ByDonor reports whether the query is about gifts of certain donors, which are kept apart.
func (q *TotalsQuery) ByDonor() bool { return len(q.Donors) > 0 }

// skips reports whether the filters leave a key out.
func (t *Tally) skips(k *FactKey) bool {
	out := func(filter []string, v string) bool { return len(filter) > 0 && !slices.Contains(filter, v) }
	return hidden(k.Measure) && !t.q.Books || out(t.q.Measures, k.Measure) || out(t.q.Recipients, k.Recipient) || out(t.q.Funds, k.Fund) ||
		out(t.q.AchievementLevels, k.AchievementLevel) || out(t.q.EducationLevels, k.EducationLevel) ||
		out(t.q.Causes, k.Cause) ||
		len(t.q.UnitLevels) > 0 && out(t.q.UnitLevels, string(t.tree.Level(k.Unit)))
}

// Add counts a fact. The lists of ordinals are copied. Errors: ErrUnknownKey.
func (t *Tally) Add(on domain.Date, key uuid.UUID, grants, amount int64, peopleOn, peopleOff []byte) error {
	k := t.keys[key]
	if k == nil {
		return fmt.Errorf("%w: %s", ErrUnknownKey, key)
	}
	rows, err := t.at(k.numbers, k, on)
	if err != nil {
		return err
	}
	for _, r := range rows {
		r.Grants += grants
		r.Amount += amount
		if !t.q.Books {
			r.on = appendOrdinals(r.on, peopleOn)
			r.off = appendOrdinals(r.off, peopleOff)
		}
	}
	return nil
}

// at returns the rows of facts of a key on a day. What a key is is looked at only when nothing with the same numbers was there before.
func (t *Tally) at(n numbers, k *FactKey, on domain.Date) ([]*tallyRow, error) {
	if t.states == nil {
		t.states = make([]keyState, len(t.keys))
	}
	if int(n.index) >= len(t.states) { // it was learnt after the tally's keys
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, k.Key())
	}
	s := &t.states[n.index]
	if !s.has(on) {
		*s = t.see(n, k, on)
	}
	return t.lists[s.list], nil
}

// see finds out in which rows facts of a key count on a day.
func (t *Tally) see(n numbers, k *FactKey, on domain.Date) keyState {
	s := keyState{stretch: always}
	p := place{unit: -1, level: -1, fund: -1, shape: n.shape}
	u := t.unit(n, k, on)
	if t.placed {
		s.stretch = u.stretch
	}
	switch {
	case !u.within:
		p.unit = outside
	case t.byUnit:
		p.unit, p.since = n.unit, u.from
	case t.byLevel:
		p.level = u.level
	}
	if t.byFund {
		p.fund = n.fund
	}
	if t.timed {
		y, m, _ := on.Time().Date()
		p.month = int32(y*12 + int(m))
		s.from, s.to = max(s.from, domain.NewDate(y, m, 1)), min(s.to, domain.NewDate(y, m+1, 1))
	}
	list, known := t.places[p]
	if !known {
		var rows []*tallyRow
		if u.within && !t.skips(k) {
			rows = t.rowsOf(k, u.path, on)
		}
		list = int32(len(t.lists))
		t.places[p], t.lists = list, append(t.lists, rows)
	}
	s.list = list
	return s
}

// unit returns what a tally knows of the unit of a key on a day.
func (t *Tally) unit(n numbers, k *FactKey, on domain.Date) *tallyUnit {
	if missing := int(n.unit) - len(t.units) + 1; missing > 0 {
		t.units = append(t.units, make([]tallyUnit, missing)...)
	}
	u := &t.units[n.unit]
	if u.has(on) {
		return u
	}
	*u = tallyUnit{stretch: always, within: true, level: int32(slices.Index(domain.Levels(), t.tree.Level(k.Unit)))}
	if !t.placed {
		return u
	}
	when := &on
	if t.q.Today {
		when = nil
	}
	u.path, u.stretch = t.tree.path(k.Unit, when)
	if len(u.path) == 0 {
		u.path = []string{k.Unit}
	}
	if t.q.Within != "" {
		i := slices.Index(u.path, t.q.Within)
		u.within, u.path = i >= 0, u.path[:i+1]
	}
	return u
}

// rowsOf returns the rows that facts of a key on a day belong to. The path is that of its unit, if that matters.
func (t *Tally) rowsOf(k *FactKey, path []string, on domain.Date) []*tallyRow {
	if !t.q.Rollup {
		return []*tallyRow{t.row(k, k.Unit, on)}
	}
	list := make([]*tallyRow, len(path))
	for i, unit := range path {
		list[i] = t.row(k, unit, on)
	}
	return list
}

// row returns the row of a key's facts that count for a unit.
func (t *Tally) row(k *FactKey, unit string, on domain.Date) *tallyRow {
	values := t.values[:0]
	for _, d := range t.q.By {
		values = append(values, t.value(d, k, unit, on))
	}
	t.values = values
	b := t.key[:0]
	for _, v := range values {
		b = append(append(b, v...), 0)
	}
	b = append(append(append(b, k.Measure...), 0), k.Recipient...)
	t.key = b
	r := t.rows[string(b)]
	if r == nil {
		r = &tallyRow{
			TotalsRow: TotalsRow{By: slices.Clone(values), Measure: k.Measure, Recipient: k.Recipient},
			measure:   slices.Index(Measures(), k.Measure),
		}
		t.rows[string(b)] = r
	}
	return r
}

func (t *Tally) value(d Dim, k *FactKey, unit string, on domain.Date) string {
	switch d {
	case ByUnitLevel:
		return string(t.tree.Level(unit))
	case ByUnit:
		return unit
	case ByAchievementLevel:
		return k.AchievementLevel
	case ByEducationLevel:
		return k.EducationLevel
	case ByMonth:
		return on.String()[:7]
	case ByQuarter:
		_, m, _ := on.Time().Date()
		return fmt.Sprintf("%s-Q%d", on.String()[:4], (m+2)/3)
	case ByYear:
		return on.String()[:4]
	case BySchoolYear:
		return k.SchoolYear
	case ByFund:
		return k.Fund
	case ByCause:
		return k.Cause
	case ByAsset:
		return k.Asset
	case ByDonorKind:
		return k.DonorKind
	case ByPurpose:
		return k.Purpose
	}
	return ""
}

// Rows returns what was counted.
func (t *Tally) Rows() []TotalsRow {
	c := newPeople(t.aliases, t.rows)
	list := make([]*tallyRow, 0, len(t.rows))
	for _, r := range t.rows {
		r.People = c.count(r.on, r.off)
		if r.Grants != 0 || r.People != 0 || r.Amount != 0 {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, compareRows)
	rows := make([]TotalsRow, len(list))
	for i, r := range list {
		rows[i] = r.TotalsRow
	}
	return rows
}

// compareRows puts rows in order of values, measure (as in Measures) and recipient.
func compareRows(a, b *tallyRow) int {
	return cmp.Or(slices.Compare(a.By, b.By), cmp.Compare(a.measure, b.measure), strings.Compare(a.Measure, b.Measure),
		strings.Compare(a.Recipient, b.Recipient))
}

// people counts distinct persons. One bit a person says that it was counted in the row; those of whom something was taken off are
// counted one by one.
type people struct {
	aliases Aliases
	alias   []uint64 // persons who are another
	seen    []uint64
	net     map[uint32]int // of the persons of whom something was taken off
}

func newPeople(aliases Aliases, rows map[string]*tallyRow) *people {
	var last uint32
	for _, r := range rows {
		for _, o := range r.on {
			last = max(last, o)
		}
		for _, o := range r.off {
			last = max(last, o)
		}
	}
	for from, into := range aliases {
		last = max(last, from, into)
	}
	words := int(last>>6) + 1
	c := &people{aliases: aliases, alias: make([]uint64, words), seen: make([]uint64, words), net: map[uint32]int{}}
	for from := range aliases {
		c.alias[from>>6] |= 1 << (from & 63)
	}
	return c
}

// resolve returns whom a person counts as.
func (c *people) resolve(o uint32) uint32 {
	if c.alias[o>>6]&(1<<(o&63)) != 0 {
		return c.aliases.resolve(o)
	}
	return o
}

// count returns how many persons have more grants on than off.
func (c *people) count(on, off []uint32) (n int64) {
	for _, o := range off {
		c.net[c.resolve(o)]--
	}
	for _, o := range on {
		o = c.resolve(o)
		if len(c.net) > 0 {
			if have, taken := c.net[o]; taken {
				c.net[o] = have + 1
				continue
			}
		}
		if word, bit := &c.seen[o>>6], uint64(1)<<(o&63); *word&bit == 0 {
			*word |= bit
			n++
		}
	}
	for _, net := range c.net {
		if net > 0 {
			n++
		}
	}
	clear(c.net)
	for _, o := range on {
		c.seen[c.resolve(o)>>6] = 0
	}
	return n
}
