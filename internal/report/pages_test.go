package report_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/report"
	"github.com/soquy/soquy/projections/projectiontest"
)

// The pages of an account for ranges that follow one another go on from one another, and end with what the book has.
func TestGeneralLedger(t *testing.T) {
	for seed := range uint64(5) {
		h := projectiontest.NewHistory(t, 200+seed).Province().Random(500)
		funds := []string{"TQ", "H1Q"}
		page := func(account string, from, to *domain.Date, funds []string, whole bool) report.GeneralLedger {
			l := report.GeneralLedger{LedgerQuery: report.LedgerQuery{Account: account, From: from, To: to}}
			if whole { // as a reader of the whole log hands it out, or fund by fund
				for i := range h.Log {
					l.Add(&h.Log[i], funds)
				}
			} else {
				for _, fund := range funds {
					for i := range h.Log {
						if slices.Contains(h.Log[i].Subjects(), domain.FundSubject(fund)) {
							l.Add(&h.Log[i], []string{fund})
						}
					}
				}
			}
			l.Close()
			return l
		}
		for _, account := range []string{"assets:cash", "assets", "assets:goods:VO", "expenses", "income:donations", "transfers"} {
			all := page(account, nil, nil, funds, true)
			if d := cmp.Diff(all, page(account, nil, nil, funds, false), cmpopts.SortSlices(func(a, b report.LedgerRow) bool {
				return a.Position < b.Position || a.Position == b.Position && a.Account+a.Fund < b.Account+b.Fund
			}), cmpopts.IgnoreFields(report.LedgerRow{}, "Balance")); d != "" {
				t.Errorf("%s: the histories of the funds lead to another page:\n%s", account, d)
			}
			if len(all.Rows) == 0 && account != "transfers" {
				t.Errorf("nothing in %s", account)
			}
			if n := len(all.Rows); n > 0 && all.Rows[n-1].Balance != all.Closing || all.Opening != 0 || all.Debit-all.Credit != all.Closing {
				t.Errorf("%s: %d rows, %d … %d, debits %d, credits %d", account, len(all.Rows), all.Opening, all.Closing, all.Debit, all.Credit)
			}
			before, rows := int64(0), 0
			for _, month := range months() {
				from, to := month, domain.DateOf(month.Time().AddDate(0, 1, -1))
				l := page(account, &from, &to, funds, true)
				if l.Opening != before || l.Opening+l.Debit-l.Credit != l.Closing {
					t.Errorf("%s from %s: opens with %d after %d", account, from, l.Opening, before)
				}
				if !slices.IsSortedFunc(l.Rows, func(a, b report.LedgerRow) int { return int(a.On - b.On) }) {
					t.Errorf("%s from %s is not in order", account, from)
				}
				before, rows = l.Closing, rows+len(l.Rows)
			}
			if before != all.Closing || rows != len(all.Rows) {
				t.Errorf("%s: the months have %d rows and end with %d, the whole %d and %d", account, rows, before, len(all.Rows), all.Closing)
			}
		}
		var want int64
		for _, fund := range funds {
			want += h.Book.Latest(fund, domain.Cash).Posted
		}
		if l := page("assets:cash", nil, nil, funds, true); l.Closing != want {
			t.Errorf("cash ends with %d, the book has %d", l.Closing, want)
		}
	}
}

// months are those in which a random history has entries.
func months() (list []domain.Date) {
	for d := projectiontest.Date("2016-11-01"); d < projectiontest.Date("2018-08-01"); d = domain.DateOf(d.Time().AddDate(0, 1, 0)) {
		list = append(list, d)
	}
	return list
}

// Each month of a cash book ends with what the book has on that day; what a month adds to the year is what it has; no voucher stands
// twice in one column, but for reversals; no month's line is below zero, since no day is.
func TestCashBook(t *testing.T) {
	for seed := range uint64(5) {
		h := projectiontest.NewHistory(t, 300+seed).Province().Random(600)
		reversals := 0
		for _, asset := range []domain.Asset{domain.Cash, domain.Bank} {
			var yearIn, yearOut int64
			for _, month := range months() {
				if month.Time().Month() == time.January {
					yearIn, yearOut = 0, 0
				}
				b := report.CashBook{Month: month, Asset: asset}
				funds := []string{"TQ", "H1Q", "X1Q"}
				for i := range h.Log {
					b.Add(&h.Log[i], funds)
				}
				b.Close()
				var want int64
				for _, fund := range funds {
					want += h.Book.Balance(fund, asset, b.End()).Posted
				}
				if b.Closing != want || b.Opening+b.In-b.Out != b.Closing {
					t.Errorf("seed %d, %s %s: ends with %d, the book has %d", seed, asset, month, b.Closing, want)
				}
				if yearIn, yearOut = yearIn+b.In, yearOut+b.Out; yearIn != b.YearIn || yearOut != b.YearOut {
					t.Errorf("seed %d, %s %s: cumulative %d, %d, want %d, %d", seed, asset, month, b.YearIn, b.YearOut, yearIn, yearOut)
				}
				seen := map[string]bool{}
				for i := range b.Rows {
					r := &b.Rows[i]
					number := r.Receipt + r.Payment
					if !r.Reversal && r.In < 0 || !r.Reversal && r.Out < 0 || r.Reversal && (r.In > 0 || r.Out > 0) {
						t.Errorf("seed %d, %s %s: %+v has the wrong sign", seed, asset, month, r)
					}
					if r.Reversal {
						reversals++
						continue
					}
					_, settled := r.Body.(*domain.CountSettled)
					if (number == "") != settled || number != "" && seen[number+" "+unitOf(r.Body)] {
						t.Errorf("seed %d, %s %s: %q of %s, twice: %t", seed, asset, month, number, r.Body.Type(), seen[number])
					}
					seen[number+" "+unitOf(r.Body)] = true
				}
			}
		}
		if reversals == 0 {
			t.Errorf("seed %d has no reversal", seed)
		}
	}
}

// unitOf tells vouchers of one number of different units apart.
func unitOf(body domain.EventBody) string {
	e := domain.Event{Body: body}
	units := ""
	for _, v := range e.Vouchers() {
		units += " " + v.Unit
	}
	return units
}
