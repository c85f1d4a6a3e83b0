package projectiontest

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// Fill appends a log to a database as a ledger of its own, some events in a batch, and returns the ledger's ID.
func Fill(t testing.TB, s eventstore.Store, name string, log []domain.Event) uuid.UUID {
	t.Helper()
	w := newWriter(t, storeAlone{s: s}, name)
	w.append(log, len(log), constantly(100))
	return w.l.ID
}

// storeAlone is a database of which nothing but the store is used.
type storeAlone struct {
	Database
	s eventstore.Store
}

func (d storeAlone) Store() eventstore.Store { return d.s }

// Dates returns all effective dates of the log, and the days around them, in order.
func (h *History) Dates() []domain.Date { return h.dates() }

// FundUnit is the unit of a fund at the end of a date or, with nil, now, found by going through the log.
func (h *History) FundUnit(fund string, on *domain.Date) string {
	return (&naive{h: h}).fundUnit(fund, on)
}

// testBooks: whose a fund was, and that what the books alone count is shown to nobody who asks for totals.
func testBooks(t *testing.T, open Open) {
	h := NewHistory(t, 77).Province().Random(600)
	if types := h.Types(); types["opening.recorded"] == 0 || types["count.settled"] == 0 || types["unit.merged"] == 0 {
		t.Fatalf("the history lacks something: %v", types)
	}
	w := newWriter(t, open(t), "books")
	w.append(h.Log, len(h.Log), constantly(50))
	w.view(func(ctx context.Context, r Reader) error {
		units, err := r.FundUnits(ctx)
		if err != nil {
			return err
		}
		dates := []*domain.Date{nil}
		for _, d := range h.dates() {
			dates = append(dates, &d)
		}
		for _, on := range dates {
			have := projections.FundsOf(units, on)
			for _, fund := range h.funds {
				if want := h.FundUnit(fund, on); have[fund] != want {
					t.Fatalf("on %v the fund %s is of %q, want %q", on, fund, have[fund], want)
				}
			}
		}
		if _, err := r.Totals(ctx, projections.TotalsQuery{By: []projections.Dim{projections.ByPurpose}}); err == nil {
			t.Error("totals by purpose")
		}
		for _, paid := range []bool{false, true} {
			rows, err := r.Totals(ctx, projections.TotalsQuery{Paid: paid, Measures: []string{"opening", "count"}})
			if err != nil || len(rows) > 0 {
				t.Errorf("totals show %v, %v", rows, err)
			}
		}
		rows, err := r.Totals(ctx, projections.TotalsQuery{
			Books: true, Paid: true, By: []projections.Dim{projections.ByPurpose}, Measures: []string{"opening", "expense"},
		})
		if err != nil || len(rows) < 3 || rows[0].Measure != "opening" || rows[1].By[0] == "" {
			t.Errorf("the books have %v, %v", rows, err)
		}
		return nil
	})
}
