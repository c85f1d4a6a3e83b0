package projectiontest

import (
	"context"
	"fmt"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// known is what a log's reader hands to questions about a position.
func known(t testing.TB, log []domain.Event, position int64) *projections.Known {
	t.Helper()
	k := projections.NewKnown(position)
	for p := k.First(); p <= position; p++ {
		if err := k.Add(&log[p-1]); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// prefix is a history as it was at a position.
func (h *History) prefix(position int64) *History {
	early := *h
	early.Log = h.Log[:position]
	early.Book = domain.Book{}
	for i := range early.Log {
		early.Book.Evolve(&early.Log[i])
	}
	return &early
}

// testKnown: what was known at a position is what the log up to it leads to, at the edges of blocks and epochs and between, also when
// the facts of complete blocks are remembered.
func testKnown(t *testing.T, open Open) {
	h := NewHistory(t, 31).Province()
	for len(h.Log) < 9_000 {
		h.Random(600)
		h.donate(300, "TQ", h.donors)
	}
	w := newWriter(t, open(t), "known")
	w.append(h.Log, len(h.Log), constantly(700))
	last := int64(len(h.Log))
	positions := []int64{1, 1_023, 1_024, 8_190, 8_191, 8_192, last}
	for range 2 {
		positions = append(positions, 1+h.random.Int64N(last))
	}
	for _, position := range positions {
		early := h.prefix(position)
		n, k := newNaive(early), known(t, h.Log, position)
		var on *domain.Date
		if position > 1 {
			on = mustDate(early)
		}
		w.view(func(ctx context.Context, r Reader) error {
			for _, asOf := range []*domain.Date{nil, on} {
				rows, err := r.Balances(ctx, projections.BalanceQuery{AsOf: asOf, KnownAt: k})
				if err != nil {
					return err
				}
				equal(t, fmt.Sprintf("balances as of %v as known at %d", asOf, position), rows, n.balances(asOf))
			}
			for range 12 {
				q := randomQuery(early)
				if q.Within != "" && n.level[q.Within] == "" {
					q.Within = ""
				}
				want := n.totals(q)
				q.KnownAt = k
				rows, err := r.Totals(ctx, q)
				if err != nil {
					return fmt.Errorf("as known at %d: %+v: %w", position, q, err)
				}
				equal(t, fmt.Sprintf("totals as known at %d: %+v", position, q), rows, want)
			}
			return nil
		})
	}
}

// testExplain: the events that an explainer finds for a row add up to the row, grants, persons and amount, also as known at a position.
func testExplain(t *testing.T, open Open) {
	h := NewHistory(t, 41).Province().Random(700)
	w := newWriter(t, open(t), "explain")
	w.append(h.Log, len(h.Log), constantly(100))
	explained := 0
	for range 40 {
		position := int64(len(h.Log))
		var k *projections.Known
		if h.random.IntN(2) == 0 {
			position = 200 + h.random.Int64N(position-200)
			k = known(t, h.Log, position)
		}
		q := randomQuery(h)
		w.view(func(ctx context.Context, r Reader) error {
			tree, err := r.Tree(ctx)
			if err != nil {
				return err
			}
			tree = tree.Known(position)
			if q.Within != "" && !tree.Has(q.Within) {
				return nil
			}
			aliases, err := r.Aliases(ctx, position)
			if err != nil {
				return err
			}
			ask := q
			ask.KnownAt = k
			rows, err := r.Totals(ctx, ask)
			if err != nil || len(rows) == 0 {
				return err
			}
			want := pick(h, rows)
			x, err := projections.NewExplainer(q, want, tree, aliases)
			if err != nil {
				return err
			}
			var grants, amount int64
			for i := range h.Log[:position] {
				share, found, err := x.Add(&h.Log[i])
				if err != nil {
					return err
				}
				if found {
					grants, amount = grants+share.Grants, amount+share.Amount
				}
			}
			row, found := x.Row()
			if !found {
				t.Fatalf("nothing explains %+v of %+v", want, q)
			}
			equal(t, fmt.Sprintf("%+v", q), row, want)
			if grants != want.Grants || amount != want.Amount {
				t.Fatalf("%+v: the events add up to %d and %d, want %+v", q, grants, amount, want)
			}
			explained++
			return nil
		})
	}
	if explained < 10 {
		t.Errorf("only %d rows were explained", explained)
	}
}

// testCounted: what each event says that it counts adds up to the rows of totals by everything that it says, of grants and of payments.
func testCounted(t *testing.T, open Open) {
	h := NewHistory(t, 43).Province().Random(700)
	w := newWriter(t, open(t), "counted")
	w.append(h.Log, len(h.Log), constantly(100))
	for _, paid := range []bool{false, true} {
		q := projections.TotalsQuery{Paid: paid, By: []projections.Dim{
			projections.ByUnit, projections.ByFund, projections.ByMonth, projections.ByAchievementLevel, projections.ByEducationLevel,
			projections.BySchoolYear, projections.ByCause, projections.ByAsset, projections.ByDonorKind,
		}}
		type sum struct{ grants, amount int64 }
		name := func(measure, recipient string, by []string) string {
			return fmt.Sprintf("%s %s %q", measure, recipient, by)
		}
		got, want := map[string]sum{}, map[string]sum{}
		for i := range h.Log {
			list, err := projections.CountedIn(&h.Log[i])
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				if !c.Both && c.Paid != paid {
					continue
				}
				by := []string{
					c.Unit, c.Fund, c.Day.String()[:7], c.AchievementLevel, c.EducationLevel, c.SchoolYear, c.Cause, c.Asset, c.DonorKind,
				}
				s := got[name(c.Measure, c.Recipient, by)]
				got[name(c.Measure, c.Recipient, by)] = sum{s.grants + c.Grants, s.amount + c.Amount}
			}
		}
		w.view(func(ctx context.Context, r Reader) error {
			rows, err := r.Totals(ctx, q)
			for i := range rows {
				want[name(rows[i].Measure, rows[i].Recipient, rows[i].By)] = sum{rows[i].Grants, rows[i].Amount}
			}
			return err
		})
		for key, s := range got {
			if s != want[key] {
				t.Errorf("paid %v: %s: the events count %+v, the totals %+v", paid, key, s, want[key])
			}
		}
		for key, s := range want {
			if _, counted := got[key]; !counted {
				t.Errorf("paid %v: %s: the totals have %+v, and no event counts in it", paid, key, s)
			}
		}
		if len(want) < 50 {
			t.Errorf("only %d rows", len(want))
		}
	}
}
