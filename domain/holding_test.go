package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

// A late entry may not make a day of the past negative; the first such day is named.
func TestNoDayBelowZero(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	l.on("2017-03-10").given(spend("XQ", "60"))
	l.on("2017-03-20").given(spend("XQ", "30"))
	l.on("2017-03-30").given(donate("XQ", "1000"))

	l.on("2017-02-28").when(spend("XQ", "1")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-02-28", "0", "1")
	l.on("2017-03-01").when(spend("XQ", "101")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-01", "100", "101")
	l.when(spend("XQ", "41")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-10", "40", "41")
	l.when(spend("XQ", "11")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-20", "10", "11")
	l.on("2017-03-15").when(spend("XQ", "11")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-20", "10", "11")
	l.on("2017-03-29").when(spend("XQ", "11")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-29", "10", "11")
	l.on("2017-03-05").given(spend("XQ", "10"))
	for day, want := range map[string]string{
		"2017-02-28": "0/0", "2017-03-01": "100/0", "2017-03-04": "100/0", "2017-03-05": "90/0", "2017-03-10": "30/0",
		"2017-03-19": "30/0", "2017-03-20": "0/0", "2017-03-29": "0/0", "2017-03-30": "1000/0", "2018-01-01": "1000/0",
	} {
		equal(t, day, l.balanceOn("XQ", domain.Cash, day), want)
	}
	l.on("2017-04-01").given(spend("XQ", "1000"))
	l.on("2017-03-30").when(spend("XQ", "1")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-04-01", "0", "1")
}

// What is reserved is not available.
func TestReservedIsNotAvailable(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	g := l.on("2017-03-10").when(award("XQ", "70", an)).id()
	l.on("2017-03-09").when(spend("XQ", "31")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-10", "30", "31")
	l.on("2017-03-10").when(award("XQ", "31", binh)).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-10", "30", "31")
	l.on("2017-03-12").given(payPart(g, "20"))
	l.on("2017-03-11").when(spend("XQ", "31")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-11", "30", "31")
	l.on("2017-03-20").given(cancel(g))
	l.on("2017-03-19").when(spend("XQ", "31")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-19", "30", "31")
	l.on("2017-03-20").given(spend("XQ", "80"))
	l.has("XQ cash 0/0")
	// Each asset of a fund is a holding of its own, as is each fund of a unit.
	l.given(donateBank("XQ", "5"), donate("YQ", "5"))
	l.when(spend("XQ", "1")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-20", "0", "1")
}

// For goods the rule is about the quantity.
func TestNoDayBelowZeroGoods(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donateBooks("XQ", "10", "100"))
	l.on("2017-03-10").given(spendBooks("XQ", "7.5"))
	l.on("2017-03-20").given(donateBooks("XQ", "10", "1"))
	l.on("2017-03-05").when(spendBooks("XQ", "2.501")).refused(domain.HoldingInsufficient, "XQ", "goods:books", "2017-03-10", "2.5", "2.501")
	l.when(awardBooks("XQ", "2.5", "0.001")).refused(domain.HoldingInsufficient, "XQ", "goods:books", "2017-03-10", "2.5", "2.501")
	// The cost is the average in log order: of 26 for 12.5, although on that day there were 10 for 100.
	l.when(spendBooks("XQ", "2.5")).effects(domain.Effect{Fund: "XQ", Asset: books, Day: date("2017-03-05"), Posted: -5, Quantity: -2500})
	equal(t, "balance", l.balanceOn("XQ", books, "2017-03-10"), "20/0 0/0")
	l.has("XQ goods:books 21/0 10000/0")
}

// Goods leave at the moving average, half to even; the last takes all of the value.
func TestMovingAverage(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donateBooks("XQ", "3", "10"))
	cost := func(quantity string) int64 {
		return l.given(spendBooks("XQ", quantity))[0].Body.(*domain.ExpenseRecorded).Amount
	}
	var got []int64
	got = append(got, cost("1"), cost("1"), cost("1")) // 3⅓ of 10, 3.5 of 7, the rest of 3 (to even: 4)
	l.has("XQ goods:books 0/0 0/0")
	l.given(donateBooks("XQ", "4", "10"), donateBooks("XQ", "4", "11"))
	got = append(got, cost("4")) // 10.5, to even
	got = append(got, cost("0.001"), cost("3.999"))
	l.has("XQ goods:books 0/0 0/0")
	equal(t, "costs", got, []int64{3, 4, 3, 10, 0, 11})
}
