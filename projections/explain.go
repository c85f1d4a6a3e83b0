package projections

import (
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A Share is what one event adds to a row of totals.
type Share struct {
	Grants, Amount int64
	On, Off        int // persons that were counted, and taken off
}

// An Explainer finds the events that a row of totals is made of. It is given the events of the log in order; what it finds adds up to the
// row, and Row is the row that follows from them alone.
type Explainer struct {
	tally *Tally
	fold  *Fold
	keys  map[uuid.UUID]*FactKey
	want  TotalsRow
}

// NewExplainer makes an explainer of the row that has the values, measure and recipient of want, of a query.
// Errors: as of NewTally.
func NewExplainer(q TotalsQuery, want TotalsRow, tree *Tree, aliases Aliases) (*Explainer, error) {
	keys := map[uuid.UUID]*FactKey{}
	t, err := NewTally(q, tree, keys, aliases)
	if err != nil {
		return nil, err
	}
	return &Explainer{tally: t, fold: NewFold(Lookup("totals"), nil), keys: keys, want: want}, nil
}

// Add looks at an event and returns what it adds to the row; false when that is nothing.
func (x *Explainer) Add(e *domain.Event) (Share, bool, error) {
	var share Share
	if !x.tally.q.ofDonors(e) {
		return share, false, nil
	}
	x.fold.Reset()
	if err := x.fold.Add(e); err != nil {
		return share, false, err
	}
	x.learn()
	facts, found := x.fold.Rows(factTable), false
	row := make([]Value, len(factTable.Columns))
	for i := range facts.Len() {
		facts.Row(i, row)
		f := factOf(row)
		if !slices.Contains(x.tally.q.Bases(), f.Basis) || !x.tally.q.covers(f.Day) {
			continue
		}
		rows, err := x.tally.rowsAt(x.keys[f.Key], f.Day)
		if err != nil {
			return share, false, err
		}
		if !slices.ContainsFunc(rows, x.isWanted) {
			continue
		}
		found = true
		share.Grants += f.Grants
		share.Amount += f.Amount
		share.On += len(f.On) / 4
		share.Off += len(f.Off) / 4
		if err := x.tally.Add(f.Day, f.Key, f.Grants, f.Amount, f.On, f.Off); err != nil {
			return share, false, err
		}
	}
	return share, found, nil
}

// Row is the row that what was found adds up to; false when nothing was.
func (x *Explainer) Row() (TotalsRow, bool) {
	for _, r := range x.tally.Rows() {
		if slices.Equal(r.By, x.want.By) && r.Measure == x.want.Measure && r.Recipient == x.want.Recipient {
			return r, true
		}
	}
	return TotalsRow{}, false
}

func (x *Explainer) isWanted(r *tallyRow) bool {
	return slices.Equal(r.By, x.want.By) && r.Measure == x.want.Measure && r.Recipient == x.want.Recipient
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
		k := &FactKey{index: len(x.keys)}
		for j, to := range [...]*string{
			&k.Unit, &k.Fund, &k.Measure, &k.Recipient, &k.AchievementLevel, &k.EducationLevel, &k.SchoolYear, &k.Cause,
			&k.Asset, &k.DonorKind, &k.Purpose,
		} {
			*to = row[j+1].Text
		}
		x.keys[id] = k
		x.tally.states = append(x.tally.states, keyState{})
	}
}

// factOf reads a row of factTable.
func factOf(row []Value) Fact {
	return Fact{
		Basis: int(row[0].Int), Day: domain.Date(row[1].Int), Key: uuid.UUID(row[2].Bytes), Block: row[3].Int,
		Grants: row[4].Int, Amount: row[5].Int, On: row[6].Bytes, Off: row[7].Bytes,
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
