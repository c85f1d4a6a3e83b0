package projections

import (
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A Share is what one event adds to a row of totals.
type Share struct {
	Grants, Amount int64
	On, Off        int // persons that were counted, and taken off
}

// A RowShare is what one event adds to one of several rows.
type RowShare struct {
	Row int // in the order in which the rows were given
	Share
}

// An Explainer finds the events that rows of totals are made of. It is given the events of the log in order; what it finds adds up to the
// rows, and Row is a row that follows from them alone.
type Explainer struct {
	tally   *Tally
	fold    *Fold
	keys    map[uuid.UUID]*FactKey
	numbers keyNumbers
	want    []TotalsRow
	named   map[string]int    // of want
	rows    map[*tallyRow]int // those of the tally that were looked at; −1: not wanted
}

// NewExplainer makes an explainer of the rows that have the values, measure and recipient of those that are wanted, of a query.
// Errors: as of NewTally.
func NewExplainer(q TotalsQuery, tree *Tree, aliases Aliases, want ...TotalsRow) (*Explainer, error) {
	keys := map[uuid.UUID]*FactKey{}
	t, err := NewTally(q, tree, keys, aliases)
	if err != nil {
		return nil, err
	}
	x := &Explainer{
		tally: t, fold: NewFold(Lookup("totals"), nil), keys: keys, want: want,
		named: make(map[string]int, len(want)), rows: map[*tallyRow]int{},
	}
	for i := range want {
		x.named[want[i].name()] = i
	}
	return x, nil
}

// name tells a row from the others of its query.
func (r *TotalsRow) name() string {
	return strings.Join(r.By, "\x00") + "\x00" + r.Measure + "\x00" + r.Recipient
}

// Add looks at an event and returns what it adds to which rows, in their order: to most, nothing.
func (x *Explainer) Add(e *domain.Event) ([]RowShare, error) {
	if !x.tally.q.ofDonors(e) {
		return nil, nil
	}
	x.fold.Reset()
	if err := x.fold.Add(e); err != nil {
		return nil, err
	}
	x.learn()
	var shares []RowShare
	facts := x.fold.Rows(factTable)
	row := make([]Value, len(factTable.Columns))
	for i := range facts.Len() {
		facts.Row(i, row)
		f := factOf(row)
		if !slices.Contains(x.tally.q.Bases(), f.Basis) || !x.tally.q.covers(f.Day) {
			continue
		}
		k := x.keys[f.Key]
		rows, err := x.tally.at(k.numbers, k, f.Day)
		if err != nil {
			return nil, err
		}
		found := false
		for _, r := range rows {
			wanted := x.wanted(r)
			if wanted < 0 {
				continue
			}
			found = true
			j := slices.IndexFunc(shares, func(s RowShare) bool { return s.Row == wanted })
			if j < 0 {
				j, shares = len(shares), append(shares, RowShare{Row: wanted})
			}
			s := &shares[j].Share
			s.Grants, s.Amount = s.Grants+f.Grants, s.Amount+f.Amount
			s.On, s.Off = s.On+len(f.On)/4, s.Off+len(f.Off)/4
		}
		if !found {
			continue
		}
		if err := x.tally.Add(f.Day, f.Key, f.Grants, f.Amount, f.On, f.Off); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(shares, func(a, b RowShare) int { return a.Row - b.Row })
	return shares, nil
}

// Row is the sum of what was found for one of the rows that were given; its numbers are zero where nothing was.
func (x *Explainer) Row(i int) TotalsRow {
	for _, r := range x.tally.Rows() {
		if r.name() == x.want[i].name() {
			return r
		}
	}
	r := x.want[i]
	r.Grants, r.People, r.Amount = 0, 0, 0
	return r
}

// wanted returns which of the rows that were given one of the tally is; −1: none.
func (x *Explainer) wanted(r *tallyRow) int {
	i, known := x.rows[r]
	if !known {
		i = -1
		if j, isNamed := x.named[r.name()]; isNamed {
			i = j
		}
		x.rows[r] = i
	}
	return i
}

// learn adds the keys that the fold met for the first time.
func (x *Explainer) learn() {
	rows := x.fold.Rows(factKeyTable)
	row := make([]Value, len(factKeyTable.Columns))
	for i := range rows.Len() {
		rows.Row(i, row)
		id := uuid.UUID(row[0].Bytes)
		if x.keys[id] != nil {
			continue
		}
		k := new(FactKey)
		for j, to := range [...]*string{
			&k.Unit, &k.Fund, &k.Measure, &k.Recipient, &k.AchievementLevel, &k.EducationLevel, &k.SchoolYear, &k.Cause,
			&k.Asset, &k.DonorKind, &k.Purpose,
		} {
			*to = row[j+1].Text
		}
		x.numbers.number(k)
		x.keys[id] = k
		x.tally.states = append(x.tally.states, keyState{})
	}
}

// factOf reads a row of factTable.
func factOf(row []Value) Fact {
	return Fact{
		Basis: int(row[factBasis].Int), Day: domain.Date(row[factDay].Int), Key: uuid.UUID(row[factKey].Bytes), Block: row[factBlock].Int,
		Grants: row[factGrants].Int, Amount: row[factAmount].Int, On: row[factOn].Bytes, Off: row[factOff].Bytes,
	}
}

// ofDonors reports whether an event passes the filter of donors.
func (q *TotalsQuery) ofDonors(e *domain.Event) bool {
	if !q.ByDonor() {
		return true
	}
	body := e.Body
	if r, ok := body.(*domain.EntryReversed); ok {
		body = r.Entry
	}
	d, ok := body.(*domain.DonationReceived)
	return ok && slices.Contains(q.Donors, d.Donor)
}

// A Counted is what one event adds to the totals of one key.
type Counted struct {
	*FactKey
	Day  domain.Date
	Paid bool // in what is asked for with Paid
	Both bool // with Paid and without: what is no grant
	Share
}

// CountedIn returns what an event adds to totals, in order of measure; nothing for most events.
func CountedIn(e *domain.Event) ([]Counted, error) {
	x := &Explainer{tally: &Tally{}, fold: NewFold(Lookup("totals"), nil), keys: map[uuid.UUID]*FactKey{}}
	if err := x.fold.Add(e); err != nil {
		return nil, err
	}
	x.learn()
	facts := x.fold.Rows(factTable)
	row := make([]Value, len(factTable.Columns))
	var list []Counted
	for i := range facts.Len() {
		facts.Row(i, row)
		f := factOf(row)
		key := x.keys[f.Key]
		if !slices.Contains(Measures(), key.Measure) { // of the books alone
			continue
		}
		list = append(list, Counted{key, f.Day, f.Basis == PaidBasis, f.Basis == BothBases, Share{f.Grants, f.Amount, len(f.On) / 4, len(f.Off) / 4}})
	}
	slices.SortStableFunc(list, func(a, b Counted) int {
		return slices.Index(Measures(), a.Measure) - slices.Index(Measures(), b.Measure)
	})
	return list, nil
}
