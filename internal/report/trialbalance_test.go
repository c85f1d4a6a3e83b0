package report_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/report"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/projectiontest"
)

// journal adds up the postings of a log.
func journal(h *projectiontest.History, log []domain.Event, q report.TrialQuery) []report.AccountRow {
	sums := map[string]int64{}
	for i := range log {
		if q.AsOf != nil && log[i].EffectiveOn > *q.AsOf {
			continue
		}
		for _, p := range domain.Journal(&log[i]) {
			if len(q.Funds) > 0 && !slices.Contains(q.Funds, p.Fund) || len(q.Units) > 0 && !slices.Contains(q.Units, h.FundUnit(p.Fund, q.AsOf)) {
				continue
			}
			sums[p.Account] += p.Amount
		}
	}
	var rows []report.AccountRow
	for account, sum := range sums {
		if sum != 0 {
			rows = append(rows, report.AccountRow{Account: account, Balance: sum})
		}
	}
	slices.SortFunc(rows, func(a, b report.AccountRow) int { return report.CompareAccounts(a.Account, b.Account) })
	return rows
}

// known is what read models knew at a position.
type known struct {
	report.Books
	at *projections.Known
}

func (k known) Balances(ctx context.Context, q projections.BalanceQuery) ([]projections.BalanceRow, error) {
	q.KnownAt = k.at
	return k.Books.Balances(ctx, q)
}

func (k known) Totals(ctx context.Context, q projections.TotalsQuery) ([]projections.TotalsRow, error) {
	q.KnownAt = k.at
	return k.Books.Totals(ctx, q)
}

// The trial balance of what was known at a position is that of the log through it.
func TestTrialBalanceKnown(t *testing.T) {
	onEach(t, func(t *testing.T, fill func(*testing.T, string, []domain.Event) read) {
		h := projectiontest.NewHistory(t, 55).Province().Random(3500)
		if len(h.Log) < 1<<projections.BlockBits*2 {
			t.Fatalf("%d events are too few for complete blocks", len(h.Log))
		}
		models := fill(t, "known", h.Log)
		for _, position := range []int{20, 1023, 1024, 1500, len(h.Log) - 1} {
			k := projections.NewKnown(int64(position))
			for i := k.First(); i <= int64(position); i++ {
				if err := k.Add(&h.Log[i-1]); err != nil {
					t.Fatal(err)
				}
			}
			day := projectiontest.Date("2017-06-30")
			for _, q := range []report.TrialQuery{{}, {AsOf: &day}, {Funds: []string{"TQ"}}} {
				err := models(func(ctx context.Context, b report.Books) error {
					have, err := report.TrialBalance(ctx, known{b, k}, q)
					if d := cmp.Diff(journal(h, h.Log[:position], q), have); d != "" {
						t.Errorf("known at %d, %+v (-journal +read models):\n%s", position, q, d)
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// Whatever was recorded, the trial balance of the read models is what the journal adds up to, and it is zero: of all funds, of each
// fund, of each unit, on every day, and at positions on the way.
func TestTrialBalance(t *testing.T) {
	onEach(t, func(t *testing.T, fill func(*testing.T, string, []domain.Event) read) {
		seen := map[string]bool{}
		for seed := range uint64(6) {
			h := projectiontest.NewHistory(t, seed).Province().Random(500)
			for _, through := range []int{len(h.Log) / 3, len(h.Log)} {
				log := h.Log[:through]
				models := fill(t, fmt.Sprintf("s%d-%d", seed, through), log)
				queries := []report.TrialQuery{{}, {Funds: []string{"TQ", "X1Q"}}}
				dates := h.Dates()
				for i := 0; i < len(dates); i += 1 + len(dates)/12 {
					queries = append(queries, report.TrialQuery{AsOf: &dates[i]}, report.TrialQuery{AsOf: &dates[i], Funds: []string{"H1Q"}})
				}
				if through == len(h.Log) { // whose a fund is is known for the whole log alone
					queries = append(queries, report.TrialQuery{Units: []string{"X3"}}, report.TrialQuery{Units: []string{"H1", "T"}},
						report.TrialQuery{Units: []string{"X1"}, AsOf: &dates[len(dates)/2]}, report.TrialQuery{Units: []string{"X1"}, Funds: []string{"TQ"}})
				}
				err := models(func(ctx context.Context, b report.Books) error {
					for _, q := range queries {
						have, err := report.TrialBalance(ctx, b, q)
						if err != nil {
							return err
						}
						if d := cmp.Diff(journal(h, log, q), have); d != "" {
							t.Fatalf("seed %d, %d events, %+v (-journal +read models):\n%s", seed, through, q, d)
						}
						var sum, debit, credit int64
						for i := range have {
							seen[have[i].Account] = true
							sum += have[i].Balance
							debit += have[i].Debit()
							credit += have[i].Credit()
						}
						if sum != 0 || debit != credit {
							t.Errorf("seed %d, %+v: debits %d, credits %d", seed, q, debit, credit)
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, account := range append(domain.Accounts(), "assets:goods:VO", "assets:goods:XE") {
			if !seen[account] {
				t.Errorf("no history came to %s", account)
			}
		}
	})
}
