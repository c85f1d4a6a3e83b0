package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"testing"
	"time"
	"slices"

	store "github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/sqlite"
	"github.com/soquy/soquy/projections/projectiontest"
)

func TestDemoTiming(t *testing.T) {
	path := os.Getenv("DEMO_DB")
	if path == "" {
		t.Skip()
	}
	p := sqlite.New()
	s, err := store.Open(path, store.Options{Mode: store.ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	heads, _ := s.Ledgers(t.Context())
	from, to := projectiontest.Date("2017-01-01"), projectiontest.Date("2017-06-30")
	q := projections.TotalsQuery{By: []projections.Dim{projections.ByUnitLevel}, From: &from, To: &to}
	var times []time.Duration
	for range 40 {
		s.View(t.Context(), func(ctx context.Context, tx *sql.Tx) error {
			began := time.Now()
			rows, err := p.Reader(tx, heads[0].Ledger).Totals(ctx, q)
			times = append(times, time.Since(began))
			_ = rows
			return err
		})
	}
	t.Log("cold", times[0])
	slices.Sort(times)
	t.Log("best", times[0], "p50", times[20], "max", times[39])
}
