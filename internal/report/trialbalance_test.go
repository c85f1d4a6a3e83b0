package report_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/report"
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
