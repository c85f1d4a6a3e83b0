package domain_test

import (
	"fmt"
	"testing"

	"github.com/soquy/soquy/domain"
)

// Numbers are gapless in unit × series × year of the effective date, in log order: a late entry has a later number.
func TestVouchers(t *testing.T) {
	l := province(t)
	l.on("2017-12-30").given(&domain.OpenFund{Code: "XR", Unit: "X", Name: "XR"})
	l.when(donate("XQ", "100")).vouchers("X PT-2017-000001")
	l.on("2018-01-02").when(donate("XQ", "100")).vouchers("X PT-2018-000001")
	l.on("2017-12-31").when(donate("XR", "100")).vouchers("X PT-2017-000002") // another fund of the unit, of the year before
	l.on("2017-12-29").when(donate("XQ", "100")).vouchers("X PT-2017-000003")
	l.when(donate("TQ", "100")).vouchers("T PT-2017-000001")
	l.when(donateBank("XQ", "100")).vouchers("X BC-2017-000001")
	l.when(donateBooks("XQ", "1", "1")).vouchers("X PN-2017-000001")
	l.when(spend("XQ", "1000")).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-12-29", "100", "1000")
	l.when(spend("XQ", "1")).vouchers("X PC-2017-000001") // a refusal takes none
	l.when(&domain.RecordExpense{Fund: "XQ", Asset: domain.Bank, Amount: "1", Purpose: "bank_fee"}).vouchers("X BN-2017-000001")
	l.when(spendBooks("XQ", "1")).vouchers("X PX-2017-000001")
	// Openings, counts, and grants not yet paid take none.
	l.on("2017-12-31")
	l.when(&domain.RecordOpening{Fund: "XQ", Lines: cash("1")}).vouchers()
	n := l.when(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "0"}).vouchers().id()
	l.when(&domain.SettleCount{Count: n}).vouchers()
	l.when(award("XR", "1", an)).vouchers()
	l.when(donate("XR", "1")).vouchers("X PT-2017-000004")
}

func TestParseVoucherNumber(t *testing.T) {
	for _, tt := range []struct {
		series  string
		year, n int
	}{{"PT", 2017, 1}, {"PX", 1999, 123456}, {"BC", 2017, 1234567}} {
		s := fmt.Sprintf("%s-%04d-%06d", tt.series, tt.year, tt.n)
		series, year, n, err := domain.ParseVoucherNumber(s)
		if series != tt.series || year != tt.year || n != tt.n || err != nil {
			t.Errorf("ParseVoucherNumber(%q) = %q, %d, %d, %v", s, series, year, n, err)
		}
	}
	for _, s := range []string{"", "PT-2017-1", "PT2017-0000001", "PT-2017x000001", "PT-201a-000001", "PT-2017-x00001", "P-2017-0000001"} {
		if series, year, n, err := domain.ParseVoucherNumber(s); err == nil {
			t.Errorf("ParseVoucherNumber(%q) = %q, %d, %d", s, series, year, n)
		}
	}
}
