package projectiontest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

// Joined is a Database that says how long its joiner has worked.
type Joined interface{ Joined() time.Duration }

// Bench measures what the goals are about.
func Bench(b *testing.B, open Open) {
	b.Run("Donations/funds=1/batch=1024", func(b *testing.B) { benchDonations(b, open, 1, 1_024) })
	b.Run("Donations/funds=1/batch=64", func(b *testing.B) { benchDonations(b, open, 1, 64) })
	b.Run("Donations/funds=1000/batch=64", func(b *testing.B) { benchDonations(b, open, 1_000, 64) })
	b.Run("Donations/funds=1000/batch=1", func(b *testing.B) { benchDonations(b, open, 1_000, 1) })
	for _, n := range []int{100_000, 1_000_000} {
		b.Run(fmt.Sprintf("Balances/events=%d", n), func(b *testing.B) { benchBalances(b, open, n) })
	}
	for _, list := range []int{100, 1} {
		b.Run(fmt.Sprintf("Totals/list=%d", list), func(b *testing.B) { benchTotals(b, open, list) })
	}
}

// donate makes n donations to a fund on a day, by many donors.
func (h *History) donate(n int, fund string, donors []string) {
	for i := range n {
		h.Do(&domain.ReceiveDonation{Fund: fund, Donor: donors[(i*7919)%len(donors)], Lines: []domain.LineInput{
			{Asset: domain.Cash, Amount: money.Decimal(fmt.Sprint(10_000 + i%1_000))},
		}})
	}
}

// withDonors registers n more donors and returns all.
func (h *History) withDonors(n int) []string {
	for i := range n {
		h.Do(&domain.RegisterDonor{Code: fmt.Sprintf("D%05d", i), Kind: "organisation", Name: "Nhà tài trợ"})
	}
	return h.donors
}

// benchDonations: to some funds by turns, in batches of a size.
func benchDonations(b *testing.B, open Open, funds, batch int) {
	h := NewHistory(b, 1).Province()
	donors := h.withDonors(5_000)
	for i := range funds {
		h.Do(&domain.OpenFund{Code: fmt.Sprintf("F%d", i), Unit: "T", Name: "Quỹ"})
	}
	start := len(h.Log)
	h.On("2017-03-05")
	for i := range min(40*1_024, 200*batch) {
		h.donate(1, fmt.Sprintf("F%d", i*7919%funds), donors[i%len(donors):])
	}
	db := open(b)
	run := 0
	for b.Loop() {
		run++
		w := newWriter(b, db, fmt.Sprint("donations", run))
		w.append(h.Log, start, constantly(1_024))
		before := time.Duration(0)
		if j, ok := db.(Joined); ok {
			before = j.Joined()
		}
		began := time.Now()
		w.append(h.Log, len(h.Log), constantly(batch))
		n := float64(len(h.Log) - start)
		b.ReportMetric(n/time.Since(began).Seconds(), "donations/s")
		if j, ok := db.(Joined); ok {
			b.ReportMetric(float64((j.Joined()-before).Nanoseconds())/n, "join-ns/donation")
		}
	}
	b.ReportMetric(0, "ns/op")
}

// quantiles reports how long f takes.
func quantiles(b *testing.B, name string, n int, f func()) {
	b.Helper()
	times := make([]time.Duration, n)
	for i := range times {
		began := time.Now()
		f()
		times[i] = time.Since(began)
	}
	slices.Sort(times)
	b.ReportMetric(float64(times[n/2].Microseconds()), name+"-p50-µs")
	b.ReportMetric(float64(times[n*99/100].Microseconds()), name+"-p99-µs")
}

// benchBalances: a fund of a ledger with many events, now and as of a date.
func benchBalances(b *testing.B, open Open, events int) {
	h := NewHistory(b, 2).Province()
	donors := h.withDonors(1_000)
	w := newWriter(b, open(b), "balances")
	for day := Date("2016-12-20"); len(h.Log) < events; day++ {
		h.day = min(day, Date("2018-03-10"))
		h.donate(events/500, "TQ", donors)
		h.donate(events/1_000, "X1Q", donors)
	}
	w.append(h.Log, len(h.Log), constantly(4_096))
	for b.Loop() {
		w.view(func(ctx context.Context, r Reader) error {
			on := Date("2017-12-30")
			quantiles(b, "now", 1_000, func() {
				if _, err := r.Balances(ctx, projections.BalanceQuery{Funds: []string{"TQ"}}); err != nil {
					b.Fatal(err)
				}
			})
			quantiles(b, "as-of", 1_000, func() {
				if _, err := r.Balances(ctx, projections.BalanceQuery{Funds: []string{"TQ"}, AsOf: &on}); err != nil {
					b.Fatal(err)
				}
			})
			quantiles(b, "all-as-of", 100, func() {
				if _, err := r.Balances(ctx, projections.BalanceQuery{AsOf: &on}); err != nil {
					b.Fatal(err)
				}
			})
			return nil
		})
	}
	b.ReportMetric(0, "ns/op")
}

// benchTotals: 45,000 grants to 36,000 persons by 141 units in half a year, in lists of a length.
func benchTotals(b *testing.B, open Open, length int) {
	const grants, people = 45_000, 36_000
	h := NewHistory(b, 3)
	h.On("2016-12-01").Do(&domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "Tỉnh"})
	for i := range 10 {
		h.Do(&domain.RegisterUnit{Code: fmt.Sprint("H", i), Parent: "T", Level: domain.District, Name: "Huyện"})
	}
	for i := range 130 {
		h.Do(&domain.RegisterUnit{Code: fmt.Sprint("X", i), Parent: fmt.Sprint("H", i%10), Level: domain.Commune, Name: "Xã"})
	}
	h.Do(&domain.RegisterDonor{Code: "AN", Kind: "anonymous"})
	for _, unit := range slices.Clone(h.units) {
		h.Do(&domain.OpenFund{Code: "Q" + unit, Unit: unit, Name: "Quỹ"}, give("Q"+unit, "AN", "100000000000"))
	}
	var persons []uuid.UUID
	for i := range people {
		e := h.Do(&domain.RegisterPerson{Kind: domain.PersonKinds()[min(i%20, 1)]})
		persons = append(persons, e[0].ID)
	}
	first := Date("2017-01-01")
	for n := 0; n < grants; n += length {
		h.day = first + domain.Date(n*181/grants)
		c := &domain.MakeGrant{
			Kind: pick(h, domain.GrantKinds()), Fund: pick(h, h.funds), Asset: domain.Cash, Pay: true, SchoolYear: "2016-2017",
		}
		level := pick(h, domain.AchievementLevels())
		for i := range length {
			c.Recipients = append(c.Recipients, domain.Recipient{
				Person: persons[(n+i)%people], Amount: "300000", AchievementLevel: level, EducationLevel: pick(h, domain.EducationLevels()[:4]),
			})
		}
		h.Do(c)
	}
	w := newWriter(b, open(b), "totals")
	w.append(h.Log, len(h.Log), constantly(1_024))
	from, to := Date("2017-01-01"), Date("2017-06-30")
	for b.Loop() {
		w.view(func(ctx context.Context, r Reader) error {
			for name, q := range map[string]projections.TotalsQuery{
				"unit-level": {By: []projections.Dim{projections.ByUnitLevel}, From: &from, To: &to},
				"paid":       {By: []projections.Dim{projections.ByUnitLevel}, From: &from, To: &to, Paid: true},
				"rollup":     {By: []projections.Dim{projections.ByUnit, projections.ByMonth}, From: &from, To: &to, Rollup: true},
			} {
				quantiles(b, name, 50, func() {
					if _, err := r.Totals(ctx, q); err != nil {
						b.Fatal(err)
					}
				})
			}
			return nil
		})
	}
	b.ReportMetric(0, "ns/op")
}
