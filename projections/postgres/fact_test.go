package postgres_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/postgres"
)

// TestRememberedFacts asks one reader, which remembers, and fresh ones, which do not, as a log grows over many blocks, with late entries,
// and after rebuilds.
func TestRememberedFacts(t *testing.T) {
	p := newPath(t)
	today := p.day + 99
	var persons []uuid.UUID
	for i := range 40 {
		a := p.request(ledger.Request{
			EffectiveOn: p.day, Body: &domain.RegisterPerson{Kind: "student"},
			Personal: (&eventcodec.Personal{Name: fmt.Sprint("Học sinh ", i)}).Document(),
		})
		persons = append(persons, a.Events[0])
	}
	entries := func(round, n int) {
		p.many(n, func(i int) domain.CommandBody {
			if i%10 != 9 {
				return p.donation(round*7+i, 3)
			}
			return &domain.MakeGrant{
				Kind: domain.Scholarship, Fund: fund(i % 3), Asset: domain.Cash, Pay: true, SchoolYear: "2016-2017",
				Recipients: []domain.Recipient{{Person: persons[(round+i)%len(persons)], Amount: "1"}},
			}
		})
	}
	from, to := today-30, today-5
	queries := []projections.TotalsQuery{
		{By: []projections.Dim{projections.ByFund}},
		{By: []projections.Dim{projections.ByMonth, projections.ByFund}, From: &from, To: &to},
		{By: []projections.Dim{projections.ByUnitLevel}, From: &from},
		{By: []projections.Dim{projections.ByFund}, To: &to, Paid: true},
	}
	ask := func(models *postgres.Projections) (all [][]projections.TotalsRow) {
		t.Helper()
		for _, q := range queries {
			p.check(p.store.View(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				rows, err := models.Reader(tx, p.id).Totals(ctx, q)
				all = append(all, rows)
				return err
			}))
		}
		return all
	}
	remembers := postgres.New()
	compare := func(when string) {
		t.Helper()
		want := ask(postgres.New())
		if len(want[0]) < 3 || len(want[1]) < 3 {
			t.Fatalf("%s: too little to compare: %v", when, want)
		}
		for range 2 {
			if d := cmp.Diff(want, ask(remembers)); d != "" {
				t.Fatalf("%s (-fresh +remembered):\n%s", when, d)
			}
		}
	}
	for round, n := range []int{300, 1, 1_500, 6_000, 200} {
		p.day = today - domain.Date((7+round*13)%50)
		entries(round, n)
		compare(fmt.Sprint("after round ", round))
	}

	// What was remembered of rows that a rebuild replaced is forgotten, though the slot is the same again.
	spoil := `DELETE FROM total_facts WHERE ledger_id = $1 AND first_position < 8192`
	p.check(p.store.Write(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, spoil, p.id)
		return err
	}))
	remembers = postgres.New()
	compare("spoilt")
	codec := eventcodec.New("example.org/soquy/KH", 0)
	events := func(ctx context.Context, from, to int64, yield func(*domain.Event) error) error {
		return p.store.Read(ctx, p.id, from, to, func(r *eventstore.Record) error {
			decoded, err := codec.Decode(r.Envelope)
			if err != nil {
				return err
			}
			return yield(&decoded.Event)
		})
	}
	for range 2 {
		p.check(p.models.Rebuild(t.Context(), p.store, p.id, []string{"totals"}, events, projections.Report{}))
	}
	compare("rebuilt twice")
	entries(9, 500)
	compare("after more")
}
