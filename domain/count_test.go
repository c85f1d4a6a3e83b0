package domain_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

func TestCountMoney(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	l.on("2017-03-20").given(donate("XQ", "50"))
	// It is compared with what was posted on that day.
	n := l.on("2017-03-10").when(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "93"})
	n.then(&domain.HoldingCounted{Fund: "XQ", Asset: domain.Cash, Counted: 93, Posted: 100, Difference: -7, Unit: "X"}).
		subjects("fund:XQ").effects().posts().vouchers()
	l.has("XQ cash 150/0")
	l.on("2017-03-09").when(&domain.SettleCount{Count: n.id()}).refused(domain.DateTooEarly, "2017-03-09", "2017-03-10")
	s := l.on("2017-03-31").when(&domain.SettleCount{Count: n.id()})
	s.then(&domain.CountSettled{Count: n.id(), Fund: "XQ", Asset: domain.Cash, Amount: -7, CountedOn: date("2017-03-10"), Unit: "X"}).
		subjects("fund:XQ").vouchers().
		effects(domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-31"), Posted: -7}).
		posts("X XQ assets:cash -7", "X XQ suspense:count 7")
	l.when(&domain.SettleCount{Count: n.id()}).refused(domain.CountIsSettled, n.id().String())
	// Reversed: to be settled again.
	l.when(reverse(s.id())).posts("X XQ assets:cash 7", "X XQ suspense:count -7")
	l.when(&domain.ClosePeriod{Through: date("2017-03-31")}).refused(domain.PeriodOpenItems, n.id().String(), "XQ", "cash")
	l.given(&domain.SettleCount{Count: n.id()}, &domain.ClosePeriod{Through: date("2017-03-31")})
	l.has("XQ cash 143/0")
}

func TestCountMatches(t *testing.T) {
	l := province(t)
	n := l.on("2017-03-10").when(&domain.CountHolding{Fund: "XQ", Asset: domain.Bank, Counted: "0"})
	n.then(&domain.HoldingCounted{Fund: "XQ", Asset: domain.Bank, Unit: "X"})
	l.when(&domain.SettleCount{Count: n.id()}).refused(domain.CountIsSettled, n.id().String()) // nothing is to be posted
	l.given(&domain.ClosePeriod{Through: date("2017-03-31")})
}

func TestCountGoods(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donateBooks("XQ", "3", "100"))
	missing := l.when(&domain.CountHolding{Fund: "XQ", Asset: books, Counted: "2.5"})
	missing.then(&domain.HoldingCounted{Fund: "XQ", Asset: books, Counted: 2500, Posted: 3000, Difference: -500, Unit: "X"})
	s := l.when(&domain.SettleCount{Count: missing.id()})
	s.then(&domain.CountSettled{Count: missing.id(), Fund: "XQ", Asset: books, Amount: -17, Quantity: -500, CountedOn: date("2017-03-01"), Unit: "X"}).
		posts("X XQ assets:goods:books -17 -500", "X XQ suspense:count 17")
	found := l.when(&domain.CountHolding{Fund: "XQ", Asset: books, Counted: "7.5"}).id()
	// What is found is worth the average of what is there: 83 × 5 ÷ 2.5.
	l.when(&domain.SettleCount{Count: found}).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Posted: 166, Quantity: 5000})
	l.has("XQ goods:books 249/0 7500/0")
	l.given(reverse(s.id()))
	l.has("XQ goods:books 266/0 8000/0")
}

// Goods that were found where there were none have no known value; they leave at 0, and the last take all of the value.
func TestCountGoodsWithoutValue(t *testing.T) {
	l := province(t)
	l.on("2017-03-01")
	n := l.when(&domain.CountHolding{Fund: "XQ", Asset: books, Counted: "4"}).id()
	s := l.when(&domain.SettleCount{Count: n}).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Quantity: 4000}).id()
	g := l.given(awardBooks("XQ", "1"))[0].ID
	p := l.when(pay(g)).posts("X XQ assets:goods:books 0 -1000", "X XQ expenses:awards:student 0").id()
	first := l.event(p).Body.(*domain.GrantDisbursed)
	if !first.First || first.Amount != 0 || first.Quantity != 1000 {
		t.Errorf("paid %+v", first)
	}
	l.when(reverse(g)).refused(domain.EntryInUse, g.String())
	l.when(&domain.ReturnGrant{Grant: g, Quantity: "1"}).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Quantity: 1000})
	l.when(reverse(p)).refused(domain.EntryInUse, p.String())
	l.has("XQ goods:books 0/0 4000/0")
	l.given(reverse(s))
	l.has("XQ goods:books 0/0 0/0")
}

// The average of found goods is rounded once, half to even: 1 × 3 ÷ 2 is 2.
func TestCountGoodsRounding(t *testing.T) {
	for _, tt := range []struct {
		value, posted, counted string
		want                   int64
	}{
		{"1", "2", "5", 2}, {"3", "2", "5", 4}, {"3", "2", "3", 2}, {"5", "2", "3", 2}, {"5", "2", "5", 8}, {"7", "3", "4", 2}, {"7", "3", "13", 23},
	} {
		l := province(t)
		l.on("2017-03-01").given(donateBooks("XQ", tt.posted, tt.value))
		n := l.when(&domain.CountHolding{Fund: "XQ", Asset: books, Counted: money.Decimal(tt.counted)}).id()
		if got := l.given(&domain.SettleCount{Count: n})[0].Body.(*domain.CountSettled).Amount; got != tt.want {
			t.Errorf("%s of %s worth %s: difference is worth %d, want %d", tt.counted, tt.posted, tt.value, got, tt.want)
		}
	}
}

func TestSettleCountRefused(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"), donateBooks("XQ", "0.001", "1000000000000000"))
	n := l.when(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "40"}).id()
	l.given(award("XQ", "41", an))
	l.when(&domain.SettleCount{Count: n}).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-01", "59", "60")
	big := l.when(&domain.CountHolding{Fund: "XQ", Asset: books, Counted: "0.003"}).id()
	l.when(&domain.SettleCount{Count: big}).refused(domain.AmountTooLarge, "/data/count", "0.002", "1000000000000000")
	huge := l.when(&domain.CountHolding{Fund: "XQ", Asset: books, Counted: "1000000000000"}).id()
	l.when(&domain.SettleCount{Count: huge}).refused(domain.AmountTooLarge, "/data/count", "999999999999.999", "1000000000000000")

	unknown := uuid.UUID{0: 7}
	l.when(&domain.SettleCount{Count: unknown}).refused(domain.ReferenceUnknown, "count", unknown.String())
	notCount := l.log[1].ID // an event, but no count
	l.when(&domain.SettleCount{Count: notCount}).refused(domain.ReferenceUnknown, "count", notCount.String())
	for _, tt := range []struct {
		c      domain.CountHolding
		code   domain.Code
		values []string
	}{
		{domain.CountHolding{Fund: "XQ", Asset: domain.Labour, Counted: "1"}, domain.CommandMalformed, []string{"/data/asset", "unknown asset"}},
		{domain.CountHolding{Fund: "XQ", Asset: domain.Cash}, domain.CommandMalformed, []string{"/data/counted", "required"}},
		{domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "-1"}, domain.AmountNotPositive, []string{"/data/counted", "-1"}},
		{domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "0.0"}, domain.AmountTooFine, []string{"/data/counted", "0.0", "0"}},
		{domain.CountHolding{Fund: "XQ", Asset: books, Counted: "-0.5"}, domain.AmountNotPositive, []string{"/data/counted", "-0.5"}},
		{domain.CountHolding{Fund: "ZZ", Asset: books, Counted: "1"}, domain.ReferenceUnknown, []string{"fund", "ZZ"}},
	} {
		l.when(&tt.c).refused(tt.code, tt.values...)
	}
}
