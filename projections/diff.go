package projections

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// ErrDiffers says that the events between two knowledges do not add up to what differs between them.
var ErrDiffers = errors.New("the events do not add up to the difference")

// A TotalsSum is what rows of totals count.
type TotalsSum struct{ Grants, People, Amount int64 }

// SumOf returns the numbers of a row; none of nil.
func SumOf(r *TotalsRow) TotalsSum {
	if r == nil {
		return TotalsSum{}
	}
	return TotalsSum{r.Grants, r.People, r.Amount}
}

// Less is s without what o has.
func (s TotalsSum) Less(o TotalsSum) TotalsSum {
	return TotalsSum{s.Grants - o.Grants, s.People - o.People, s.Amount - o.Amount}
}

// A Mention is what is kept of an event that is listed, since there may be many, and an event is ten times as large.
type Mention struct {
	Position    int64
	ID          uuid.UUID
	Type        string
	EffectiveOn domain.Date
	Text        string // what a Teller says of it
}

// A Teller says what an event was.
type Teller func(e *domain.Event) string

// Mention makes a mention of an event.
func (t Teller) Mention(e *domain.Event) *Mention {
	return &Mention{e.Position, e.ID, e.Body.Type(), e.EffectiveOn, t(e)}
}

// An EventShare is an event with what it adds to a row of totals.
type EventShare struct {
	*Mention
	Share
}

// A TotalsChange is a row of totals that is another one as it was known later.
type TotalsChange struct {
	Before, After *TotalsRow // nil: there is no such row

	// Structure is what changed although no entry came: the same entries, counted in the structure of after. Structural are the events that
	// made it so: units that moved or merged, and persons that became one, or two again.
	Structure  TotalsSum
	Structural []*Mention
	// Events are what came between. Their grants and amounts are all of the difference that the structure does not make; of people they say
	// who was counted, but who is a new person in the row is seen only in the whole of it.
	Events []EventShare

	ofUnits, ofPersons bool // what of the structure
}

// Row is the row after, or before where there is none any more.
func (c *TotalsChange) Row() *TotalsRow {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Difference is what after has more than before.
func (c *TotalsChange) Difference() TotalsSum { return SumOf(c.After).Less(SumOf(c.Before)) }

// A TotalsDiff finds what changed in totals from one knowledge of a ledger to a later one. It is given the events between, in order, and then
// checks that they explain it.
type TotalsDiff struct {
	Changes []TotalsChange

	tell Teller
	x    *Explainer
}

// TotalsSides are answers to one query. Moved and Placed are of what was known before: Moved with the units where they are after, Placed
// also with the persons who are one after.
type TotalsSides struct{ Before, Moved, Placed, After []TotalsRow }

// NewTotalsDiff compares what was known before and after. Tree and aliases are those of after. Errors: as of NewTally.
func NewTotalsDiff(q TotalsQuery, of TotalsSides, tree *Tree, aliases Aliases, tell Teller) (*TotalsDiff, error) {
	type sides struct {
		tallyRow
		before, moved, placed, after *TotalsRow
	}
	rows := map[string]*sides{}
	measures := Measures()
	side := func(list []TotalsRow, set func(*sides, *TotalsRow)) {
		for i := range list {
			r := &list[i]
			s := rows[r.name()]
			if s == nil {
				s = &sides{tallyRow: tallyRow{TotalsRow: *r, measure: slices.Index(measures, r.Measure)}}
				rows[r.name()] = s
			}
			set(s, r)
		}
	}
	side(of.Before, func(s *sides, r *TotalsRow) { s.before = r })
	side(of.Moved, func(s *sides, r *TotalsRow) { s.moved = r })
	side(of.Placed, func(s *sides, r *TotalsRow) { s.placed = r })
	side(of.After, func(s *sides, r *TotalsRow) { s.after = r })
	var changed []*sides
	for _, s := range rows {
		if SumOf(s.before) != SumOf(s.after) {
			changed = append(changed, s)
		}
	}
	slices.SortFunc(changed, func(a, b *sides) int { return compareRows(&a.tallyRow, &b.tallyRow) })
	d := &TotalsDiff{tell: tell, Changes: make([]TotalsChange, len(changed))}
	want := make([]TotalsRow, len(changed))
	for i, s := range changed {
		want[i] = s.TotalsRow
		d.Changes[i] = TotalsChange{
			Before: s.before, After: s.after, Structure: SumOf(s.placed).Less(SumOf(s.before)),
			ofUnits: SumOf(s.moved) != SumOf(s.before), ofPersons: SumOf(s.placed) != SumOf(s.moved),
		}
	}
	var err error
	d.x, err = NewExplainer(q, tree, aliases, want...)
	return d, err
}

// Add looks at an event that came between, and keeps it where it changed something.
func (d *TotalsDiff) Add(e *domain.Event) error {
	switch {
	case isOfUnits(e):
		d.structural(e, func(c *TotalsChange) bool { return c.ofUnits })
	case isOfPersons(e):
		d.structural(e, func(c *TotalsChange) bool { return c.ofPersons })
	}
	shares, err := d.x.Add(e)
	var m *Mention
	for _, s := range shares {
		if (s.Share == Share{}) {
			continue
		}
		if m == nil {
			m = d.tell.Mention(e)
		}
		c := &d.Changes[s.Row]
		c.Events = append(c.Events, EventShare{m, s.Share})
	}
	return err
}

func (d *TotalsDiff) structural(e *domain.Event, concerns func(*TotalsChange) bool) {
	var m *Mention
	for i := range d.Changes {
		c := &d.Changes[i]
		if !concerns(c) {
			continue
		}
		if m == nil {
			m = d.tell.Mention(e)
		}
		c.Structural = append(c.Structural, m)
	}
}

// isOfUnits reports whether an event places units elsewhere.
func isOfUnits(e *domain.Event) bool {
	switch e.Body.(type) {
	case *domain.UnitMoved, *domain.UnitMerged:
		return true
	}
	return false
}

// isOfPersons reports whether an event makes persons one, or two again.
func isOfPersons(e *domain.Event) bool {
	body := e.Body
	if r, isReversal := body.(*domain.EntryReversed); isReversal {
		body = r.Entry
	}
	_, isMerger := body.(*domain.PersonMerged)
	return isMerger
}

// Check compares what was found with what differs. Errors: ErrDiffers.
func (d *TotalsDiff) Check() error {
	for i := range d.Changes {
		c := &d.Changes[i]
		found := c.Structure
		for _, e := range c.Events {
			found.Grants, found.Amount = found.Grants+e.Grants, found.Amount+e.Amount
		}
		want := c.Difference()
		if found.Grants != want.Grants || found.Amount != want.Amount {
			return fmt.Errorf("%w: %q of %s: %d grants and %d where %d and %d differ", ErrDiffers,
				c.Row().By, c.Row().Measure, found.Grants, found.Amount, want.Grants, want.Amount)
		}
	}
	return nil
}

// An EventEffect is an event with what it changed of a holding.
type EventEffect struct {
	*Mention
	domain.Effect
}

// A BalanceChange is a holding that has another balance, or another unit, as it was known later.
type BalanceChange struct {
	Before, After *BalanceRow // nil: it was not there, or of no unit that is asked about

	// Structure is what changed although no entry came: the fund came to a unit that is asked about, or went. Structural are the events that
	// gave the fund to another unit.
	Structure  domain.Balance
	Structural []*Mention
	Events     []EventEffect

	moved []int64 // the positions of Structural
}

// Row is the holding after, or before where it is not shown any more.
func (c *BalanceChange) Row() *BalanceRow {
	if c.After != nil {
		return c.After
	}
	return c.Before
}

// Difference is what after has more than before.
func (c *BalanceChange) Difference() domain.Balance {
	return less(BalanceOf(c.After), BalanceOf(c.Before))
}

// BalanceOf returns the balance of a row; none of nil.
func BalanceOf(r *BalanceRow) domain.Balance {
	if r == nil {
		return domain.Balance{}
	}
	return r.Balance
}

func less(a, b domain.Balance) domain.Balance {
	return domain.Balance{
		Posted: a.Posted - b.Posted, Encumbered: a.Encumbered - b.Encumbered,
		Quantity: a.Quantity - b.Quantity, QuantityEncumbered: a.QuantityEncumbered - b.QuantityEncumbered,
	}
}

// A BalanceDiff finds what changed in balances from one knowledge of a ledger to a later one. It is given the events between, in order, and
// then checks that they explain it.
type BalanceDiff struct {
	Changes []BalanceChange

	q    BalanceQuery
	tell Teller
	rows map[holdingKey]*BalanceChange
}

type holdingKey struct {
	fund  string
	asset domain.Asset
}

// NewBalanceDiff compares the answers to a query of which the units were left out: an earlier one, as known at a position, and a later one,
// which has all rows of the earlier one. of are the units of funds as known later.
func NewBalanceDiff(q BalanceQuery, position int64, before, after []BalanceRow, of []FundUnit, tell Teller) *BalanceDiff {
	d := &BalanceDiff{q: q, tell: tell, rows: map[holdingKey]*BalanceChange{}}
	earlier := map[holdingKey]*BalanceRow{}
	for i := range before {
		earlier[holdingKey{before[i].Fund, before[i].Asset}] = &before[i]
	}
	shown := func(r *BalanceRow) *BalanceRow {
		if r == nil || len(q.Units) > 0 && !slices.Contains(q.Units, r.Unit) {
			return nil
		}
		return r
	}
	for i := range after {
		was := earlier[holdingKey{after[i].Fund, after[i].Asset}]
		c := BalanceChange{Before: shown(was), After: shown(&after[i])}
		if c.Before == c.After || c.Before != nil && c.After != nil && *c.Before == *c.After {
			continue
		}
		placed := was
		if c.After == nil {
			placed = nil
		}
		c.Structure = less(BalanceOf(placed), BalanceOf(c.Before))
		if was != nil && was.Unit != after[i].Unit {
			for j := range of {
				if u := &of[j]; u.Fund == was.Fund && u.Position > position && (q.AsOf == nil || u.From <= *q.AsOf) {
					c.moved = append(c.moved, u.Position)
				}
			}
		}
		d.Changes = append(d.Changes, c)
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		d.rows[holdingKey{c.Row().Fund, c.Row().Asset}] = c
	}
	return d
}

// Add looks at an event that came between, and keeps it where it changed something.
func (d *BalanceDiff) Add(e *domain.Event) error {
	var m *Mention
	mention := func() *Mention {
		if m == nil {
			m = d.tell.Mention(e)
		}
		return m
	}
	if _, isMerger := e.Body.(*domain.UnitMerged); isMerger {
		for i := range d.Changes {
			if c := &d.Changes[i]; slices.Contains(c.moved, e.Position) {
				c.Structural = append(c.Structural, mention())
			}
		}
	}
	for _, effect := range e.Effects() {
		c := d.rows[holdingKey{effect.Fund, effect.Asset}]
		if c == nil || c.After == nil || d.q.AsOf != nil && effect.Day > *d.q.AsOf {
			continue
		}
		c.Events = append(c.Events, EventEffect{mention(), effect})
	}
	return nil
}

// Check compares what was found with what differs. Errors: ErrDiffers.
func (d *BalanceDiff) Check() error {
	for i := range d.Changes {
		c := &d.Changes[i]
		found := c.Structure
		for _, e := range c.Events {
			found = found.Plus(e.Effect)
		}
		if want := c.Difference(); found != want {
			return fmt.Errorf("%w: %s of %s: %+v where %+v differ", ErrDiffers, c.Row().Asset, c.Row().Fund, found, want)
		}
	}
	return nil
}
