package domain

import (
	"fmt"
	"strconv"
	"strings"
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
	var buf [24]byte
	b := append(append(buf[:0], s.series...), '-')
	b = append(appendDigits(b, s.year, 4), '-')
	return Voucher{Unit: s.unit, Number: string(appendDigits(b, n, 6))}
}

// appendDigits appends a number, with zeros before it up to a width.
func appendDigits(b []byte, n, width int) []byte {
	least := 1 // of as many digits as the width
	for range width - 1 {
		least *= 10
	}
	for ; least > 1 && n < least; least /= 10 {
		b = append(b, '0')
	}
	return strconv.AppendInt(b, int64(n), 10)
}

// ParseVoucherNumber splits PT-2017-000001 into its series, year and number.
func ParseVoucherNumber(s string) (series string, year, n int, err error) {
	series, rest, _ := strings.Cut(s, "-")
	y, digits, _ := strings.Cut(rest, "-")
	year, errYear := strconv.Atoi(y)
	n, errNumber := strconv.Atoi(digits)
	if len(series) != 2 || len(y) != 4 || len(digits) < 6 || errYear != nil || errNumber != nil || year < 0 || n < 1 {
		return "", 0, 0, fmt.Errorf("voucher number %q: want SERIES-YEAR-NUMBER", s)
	}
	return series, year, n, nil
}
