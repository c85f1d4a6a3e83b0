package projections

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A Known is what a ledger knew at a position of the past: for balances and totals the rows of the epochs and blocks that were
// complete by then, and the events after those, folded anew. It is filled once, with Add, and then only read.
type Known struct {
	Position int64

	balances, totals *Fold // nil: it is not asked for
}

// NewKnown makes what is known at a position, for questions about both balances and totals. It needs the events from First through the
// position, in order.
func NewKnown(position int64) *Known {
	return &Known{
		Position: position,
		balances: NewFold(Lookup("balances"), nil), totals: NewFold(Lookup("totals"), nil),
	}
}

// KnownBalances is NewKnown for questions about balances alone: at most some 8,000 events. Those that move nothing in the holdings that are
// asked about may be left out.
func KnownBalances(position int64) *Known {
	return &Known{Position: position, balances: NewFold(Lookup("balances"), nil)}
}

// KnownTotals is NewKnown for questions about totals alone: at most some 1,000 events.
func KnownTotals(position int64) *Known {
	return &Known{Position: position, totals: NewFold(Lookup("totals"), nil)}
}

// KnownGifts is NewKnown for totals of certain donors, which need no events.
func KnownGifts(position int64) *Known { return &Known{Position: position} }

// First is the position of the first event that Add needs; one after Position where it needs none.
func (k *Known) First() int64 {
	switch {
	case k.balances != nil:
		return max(k.epochs()<<EpochBits, 1)
	case k.totals != nil:
		return max(k.blocks()<<BlockBits, 1)
	}
	return k.Position + 1
}

// Add folds an event.
func (k *Known) Add(e *domain.Event) error {
	if k.balances != nil {
		if err := k.balances.Add(e); err != nil {
			return err
		}
	}
	if k.totals == nil || e.Position < k.blocks()<<BlockBits {
		return nil
	}
	return k.totals.Add(e)
}

// epochs and blocks are how many were complete at the position: those with lower numbers.
func (k *Known) epochs() int64 { return (k.Position + 1) >> EpochBits }

func (k *Known) blocks() int64 { return (k.Position + 1) >> BlockBits }

// Bounds are how far questions about what is known go in the tables: epochs and blocks below these, positions through this one.
// Without a Known they go as far as there can be rows.
type Bounds struct{ Epoch, Block, Position int64 }

// Bounds returns how far the rows count.
func (k *Known) Bounds() Bounds {
	if k == nil {
		const most = 1<<63 - 1
		return Bounds{most, most, most}
	}
	return Bounds{k.epochs(), k.blocks(), k.Position}
}

// Facts is the first position of which no fact counts.
func (b Bounds) Facts() int64 {
	if b.Block > math.MaxInt64>>BlockBits {
		return math.MaxInt64
	}
	return b.Block << BlockBits
}

// AddBalances adds to the balances of holdings, in order of fund and asset, at the end of a date or, with nil, over all days, what the
// events after the complete epochs changed. n says of each row how many rows it is the sum of; a holding of which there are none is left out.
// The database has rows of each holding that ever had an entry.
func (k *Known) AddBalances(rows []BalanceRow, n []int64, on *domain.Date) []BalanceRow {
	if k != nil {
		k.recentDays(func(fund, asset string, day domain.Date, changes []Value) {
			if on == nil || day <= *on {
				addBalance(rows, n, fund, asset, changes)
			}
		})
	}
	kept := rows[:0]
	for i := range rows {
		if n[i] > 0 {
			kept = append(kept, rows[i])
		}
	}
	return kept
}

// recentDays hands out what the events after the complete epochs changed, by holding and day.
func (k *Known) recentDays(yield func(fund, asset string, day domain.Date, changes []Value)) {
	rows := k.balances.Rows(bucketTable)
	row := make([]Value, len(bucketTable.Columns))
	for i := range rows.Len() {
		if rows.Row(i, row); row[2].Int == DayBucket {
			yield(row[0].Text, row[1].Text, domain.Date(row[3].Int), row[5:])
		}
	}
	rows = k.balances.Rows(balanceTable)
	row = make([]Value, len(balanceTable.Columns))
	for i := range rows.Len() {
		rows.Row(i, row)
		yield(row[0].Text, row[1].Text, domain.Date(row[lastDay].Int), row[lastPosted:])
	}
}

// addFacts counts the facts of the events after the complete blocks.
func (k *Known) addFacts(t *Tally, keys map[uuid.UUID]*FactKey) error {
	rows := k.totals.Rows(factTable)
	facts := make([]Fact, 0, rows.Len())
	row := make([]Value, len(factTable.Columns))
	for i := range rows.Len() {
		rows.Row(i, row)
		f := factOf(row)
		if slices.Contains(t.q.Bases(), f.Basis) && t.q.covers(f.Day) {
			facts = append(facts, f)
		}
	}
	slices.SortFunc(facts, func(a, b Fact) int { return cmp.Or(cmp.Compare(a.Day, b.Day), bytes.Compare(a.Key[:], b.Key[:])) })
	for i := range facts {
		f := &facts[i]
		if keys[f.Key] == nil {
			return fmt.Errorf("%w: %s", ErrUnknownKey, f.Key)
		}
		if err := t.Add(f.Day, f.Key, f.Grants, f.Amount, f.On, f.Off); err != nil {
			return err
		}
	}
	return nil
}

// covers reports whether a day is in the query's range.
func (q *TotalsQuery) covers(d domain.Date) bool {
	return (q.From == nil || d >= *q.From) && (q.To == nil || d <= *q.To)
}

// AddRecent counts what a query about the past still lacks when the facts of complete blocks are counted.
func (t *Tally) AddRecent() error {
	if t.q.KnownAt == nil {
		return nil
	}
	if t.q.KnownAt.totals == nil {
		return fmt.Errorf("%w: what is known at %d is not for totals", ErrQuery, t.q.KnownAt.Position)
	}
	return t.q.KnownAt.addFacts(t, t.keys)
}

// Known is the tree as it was known at a position: without the units and edges that came later.
func (t *Tree) Known(position int64) *Tree {
	levels := map[string]domain.Level{}
	var edges []Edge
	for code, u := range t.units {
		for _, e := range u.edges {
			if e.position > position {
				break
			}
			levels[code] = u.level
			edge := Edge{Position: e.position, Unit: code, From: e.from}
			if e.parent != nil {
				edge.Parent = e.parent.code
			}
			edges = append(edges, edge)
		}
	}
	return NewTree(levels, edges)
}
