package money

import (
	"errors"
	"strconv"

	"github.com/shopspring/decimal"
)

// MaxMinor is the largest amount of one entry, in minor units. Some nine
// thousand such entries can be summed before an int64 overflows; see [Add].
const MaxMinor = 1_000_000_000_000_000

// Errors of reading an amount or a quantity. They are returned as they are, not
// wrapped, since only the caller knows which field was read.
var (
	ErrSyntax    = errors.New("money: not a number in the expected form")
	ErrTooFine   = errors.New("money: more decimals than allowed")
	ErrTooLarge  = errors.New("money: number out of range")
	ErrAmbiguous = errors.New("money: mark may separate groups or decimals")
)

// A Decimal is a decimal number as it was written, in the canonical form
// -?(0|[1-9][0-9]*)(\.[0-9]+)?, such as "500000", "-3" or "12.50". Trailing
// zeros are kept, because they say how fine the writer meant to be. The zero
// value "" is an absent number and not valid.
type Decimal string

// ParseDecimal returns s as a Decimal. The error is [ErrSyntax] if s is not in
// canonical form.
func ParseDecimal(s string) (Decimal, error) {
	d := Decimal(s)
	if !d.Valid() {
		return "", ErrSyntax
	}
	return d, nil
}

// Valid reports whether d is in canonical form.
func (d Decimal) Valid() bool {
	_, _, _, ok := d.split()
	return ok
}

// split returns the sign and the digits before and after the point.
func (d Decimal) split() (neg bool, whole, frac string, ok bool) {
	s := string(d)
	if s != "" && s[0] == '-' {
		neg, s = true, s[1:]
	}
	n := digits(s)
	if n == 0 || n > 1 && s[0] == '0' {
		return false, "", "", false
	}
	whole, s = s[:n], s[n:]
	if s == "" {
		return neg, whole, "", true
	}
	frac = s[1:]
	if s[0] != '.' || frac == "" || digits(frac) != len(frac) {
		return false, "", "", false
	}
	return neg, whole, frac, true
}

// digits returns the number of ASCII digits that s begins with.
func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

// Minor returns d in units of 10^-decimals, where decimals is from 0 to 18. The
// error is [ErrSyntax] if d is not valid, [ErrTooFine] if it has more decimals
// than that, even zeros, and [ErrTooLarge] if the result does not fit an int64.
func (d Decimal) Minor(decimals int) (int64, error) {
	neg, whole, frac, ok := d.split()
	if !ok {
		return 0, ErrSyntax
	}
	if len(frac) > decimals {
		return 0, ErrTooFine
	}
	n := len(whole) + decimals
	if n > 18 {
		// whole has no leading zero, so that 20 digits are 10^19 at least;
		// a text of a million digits is turned away here at no cost.
		if n > 19 && whole != "0" {
			return 0, ErrTooLarge
		}
		return d.minorBig(decimals)
	}
	var v int64
	for i := range len(whole) {
		v = v*10 + int64(whole[i]-'0')
	}
	for i := range len(frac) {
		v = v*10 + int64(frac[i]-'0')
	}
	for range decimals - len(frac) {
		v *= 10
	}
	if neg {
		v = -v
	}
	return v, nil
}

// minorBig is Minor for numbers near the limits of int64.
func (d Decimal) minorBig(decimals int) (int64, error) {
	x, err := decimal.NewFromString(string(d))
	if err != nil {
		return 0, ErrSyntax
	}
	b := x.Shift(int32(decimals)).BigInt()
	if !b.IsInt64() {
		return 0, ErrTooLarge
	}
	return b.Int64(), nil
}

// Format returns v, in units of 10^-decimals, as a canonical decimal with
// exactly that many decimals: Format(-5, 2) is "-0.05".
func Format(v int64, decimals int) string {
	var buf [32]byte
	return string(AppendFormat(buf[:0], v, decimals))
}

// AppendFormat appends what [Format] returns to dst.
func AppendFormat(dst []byte, v int64, decimals int) []byte {
	return appendNumber(dst, v, decimals, 0, '.')
}

// appendNumber appends v with exactly decimals decimals after the mark point,
// and with the mark group between groups of three unless it is 0.
func appendNumber(dst []byte, v int64, decimals int, group, point byte) []byte {
	if v < 0 {
		dst = append(dst, '-')
	}
	var buf [20]byte
	s := strconv.AppendUint(buf[:0], magnitude(v), 10)
	n := len(s) - max(decimals, 0) // digits before the point; below 1 where zeros are missing
	if n <= 0 {
		dst = append(dst, '0')
	}
	for i := range max(n, 0) {
		if group != 0 && i > 0 && (n-i)%3 == 0 {
			dst = append(dst, group)
		}
		dst = append(dst, s[i])
	}
	if decimals <= 0 {
		return dst
	}
	dst = append(dst, point)
	for range -n {
		dst = append(dst, '0')
	}
	return append(dst, s[max(n, 0):]...)
}

// magnitude returns |v|. It is unsigned because the magnitude of math.MinInt64
// is not an int64.
func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}
