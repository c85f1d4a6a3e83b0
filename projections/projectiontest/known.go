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
	positions := []int64{1, 1_023, 1_024, 4_095, 8_190, 8_191, 8_192, 8_193, last - 1, last}
	for range 4 {
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
			for range 25 {
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
