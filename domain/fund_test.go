package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

func TestOpenFund(t *testing.T) {
	l := province(t)
	c := &domain.OpenFund{Code: "HB", Unit: "X", Name: "Quỹ học bổng", NameEN: "Scholarships", Purposes: []domain.Purpose{domain.Scholarship, domain.Expense}}
	l.on("2017-03-01").when(c).then((*domain.FundOpened)(c)).subjects("fund:HB").effects().posts()
	// An entry is not before the opening.
	l.on("2017-02-28").when(donate("HB", "1")).refused(domain.DateTooEarly, "2017-02-28", "2017-03-01")
	l.on("2016-12-31").when(&domain.OpenFund{Code: "A", Unit: "X", Name: "A"}).refused(domain.DateTooEarly, "2016-12-31", "2017-01-01")
	for _, tt := range []struct {
		purposes         []domain.Purpose
		pointer, problem string
	}{
		{[]domain.Purpose{}, "/data/purposes", "empty list"},
		{[]domain.Purpose{domain.Support, "gift"}, "/data/purposes/1", "unknown value"},
		{[]domain.Purpose{domain.Support, domain.Support}, "/data/purposes/1", "twice in the list"},
	} {
		l.when(&domain.OpenFund{Code: "A", Unit: "X", Name: "A", Purposes: tt.purposes}).refused(domain.CommandMalformed, tt.pointer, tt.problem)
	}
}

func TestFundPurposes(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(
		&domain.OpenFund{Code: "HB", Unit: "X", Name: "HB", Purposes: []domain.Purpose{domain.Scholarship}},
		donate("HB", "100"), donate("TQ", "100"))
	scholarship := award("HB", "10", an)
	scholarship.Kind = domain.Scholarship
	g := l.when(scholarship).id()
	l.when(award("HB", "10", an)).refused(domain.FundPurpose, "HB", "merit_award")
	l.when(spend("HB", "10")).refused(domain.FundPurpose, "HB", "expense")
	// To a fund that allows what this one does not; the other way is no widening.
	l.when(&domain.TransferFunds{From: "HB", To: "TQ", Asset: domain.Cash, Amount: "1"}).refused(domain.FundPurpose, "HB", "merit_award")
	l.given(&domain.TransferFunds{From: "TQ", To: "HB", Asset: domain.Cash, Amount: "1"})

	restrict := &domain.RestrictFund{Fund: "HB", Purposes: []domain.Purpose{domain.Support, domain.Expense}}
	l.when(restrict).then(&domain.FundRestricted{Fund: "HB", Unit: "X", Purposes: restrict.Purposes}).subjects("fund:HB").effects()
	// A purpose is asked at granting only: what was granted is paid, returned, reversed.
	p := l.when(pay(g)).id()
	r := l.when(giveBack(g, "5")).id()
	l.given(reverse(r), reverse(p), reverse(g))
	l.when(scholarship).refused(domain.FundPurpose, "HB", "scholarship")
	l.given(spend("HB", "10"))
	// All five are the same as any.
	l.given(&domain.RestrictFund{Fund: "HB", Purposes: domain.Purposes()})
	l.given(&domain.TransferFunds{From: "HB", To: "TQ", Asset: domain.Cash, Amount: "1"})
	l.when(&domain.RestrictFund{Fund: "HB"}).refused(domain.CommandMalformed, "/data/purposes", "required")
}

func TestCloseFund(t *testing.T) {
	l := province(t)
	in := l.on("2017-03-01").when(donate("XQ", "100")).id()
	l.on("2017-04-01").when(&domain.CloseFund{Fund: "XQ"}).refused(domain.FundNotEmpty, "XQ")
	l.on("2017-03-20").given(spend("XQ", "100"))
	// Empty on that day, and on every later day.
	l.on("2017-03-10").when(&domain.CloseFund{Fund: "XQ"}).refused(domain.FundNotEmpty, "XQ")
	l.on("2017-02-10").when(&domain.CloseFund{Fund: "XQ"}).refused(domain.FundNotEmpty, "XQ")
	// A count whose difference is not posted is not nothing.
	n := l.on("2017-03-20").when(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "5"}).id()
	l.when(&domain.CloseFund{Fund: "XQ"}).refused(domain.FundNotEmpty, "XQ")
	s := l.when(&domain.SettleCount{Count: n}).id()
	l.given(reverse(s), &domain.SettleCount{Count: n}, spend("XQ", "5"))
	l.when(&domain.CloseFund{Fund: "XQ"}).then(&domain.FundClosed{Fund: "XQ", Unit: "X"}).subjects("fund:XQ").effects()
	for _, body := range []domain.CommandBody{
		donate("XQ", "1"), spend("XQ", "1"), award("XQ", "1", an), reverse(in),
		&domain.RecordOpening{Fund: "XQ", Lines: cash("1")},
		&domain.MoveHolding{Fund: "XQ", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: "1"},
		&domain.TransferFunds{From: "TQ", To: "XQ", Asset: domain.Cash, Amount: "1"},
		&domain.TransferFunds{From: "XQ", To: "TQ", Asset: domain.Cash, Amount: "1"},
		&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "1"},
		&domain.RestrictFund{Fund: "XQ", Purposes: domain.Purposes()}, &domain.CloseFund{Fund: "XQ"},
		&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "1"},
	} {
		l.when(body).refused(domain.FundIsClosed, "XQ")
	}
	l.when(&domain.OpenFund{Code: "XQ", Unit: "X", Name: "X"}).refused(domain.ReferenceTaken, "fund", "XQ")
}

// A fund with a grant that is not paid is not empty: something of it is reserved.
func TestCloseFundReserved(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "10"))
	g := l.when(award("XQ", "10", an)).id()
	l.when(&domain.CloseFund{Fund: "XQ"}).refused(domain.FundNotEmpty, "XQ")
	l.given(pay(g), &domain.CloseFund{Fund: "XQ"})
}
