package domain

import (
	"fmt"
)

// A Voucher is a number of a unit's paper book, such as PT-2017-000001: gapless in unit × series × year, in log order.
type Voucher struct {
	Unit   string
	Number string
}

// The series of vouchers: cash in and out, bank in and out, goods in and out.
const (
	CashIn   = "PT"
	CashOut  = "PC"
	BankIn   = "BC"
	BankOut  = "BN"
	GoodsIn  = "PN"
	GoodsOut = "PX"
)

// series returns the series of what comes into or leaves a holding.
func series(a Asset, in bool) string {
	switch {
	case a == Cash && in:
		return CashIn
	case a == Cash:
		return CashOut
	case a == Bank && in:
		return BankIn
	case a == Bank:
		return BankOut
	case in:
		return GoodsIn
	default:
		return GoodsOut
	}
}

// voucherSeries is one sequence of numbers.
type voucherSeries struct {
	unit   string
	series string
	year   int
}

func (s voucherSeries) number(n int) Voucher {
	return Voucher{Unit: s.unit, Number: fmt.Sprintf("%s-%04d-%06d", s.series, s.year, n)}
}

// ParseVoucherNumber splits PT-2017-000001 into its series, year and number.
func ParseVoucherNumber(s string) (series string, year, n int, err error) {
	if len(s) < 14 || s[2] != '-' || s[7] != '-' {
		return "", 0, 0, fmt.Errorf("voucher number %q: want SERIES-YEAR-NUMBER", s)
	}
	if _, err := fmt.Sscanf(s[3:], "%04d-%d", &year, &n); err != nil {
		return "", 0, 0, fmt.Errorf("voucher number %q: %w", s, err)
	}
	return s[:2], year, n, nil
}
