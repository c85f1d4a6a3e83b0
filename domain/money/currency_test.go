package money

import (
	"errors"
	"strings"
	"testing"
)

func TestLookupCurrency(t *testing.T) {
	for code, decimals := range map[string]int{
		"VND": 0, "JPY": 0, "KRW": 0, "XOF": 0, "UYI": 0, "ISK": 0,
		"USD": 2, "EUR": 2, "LAK": 2, "KHR": 2, "IDR": 2, "MGA": 2, "ZWG": 2, "XCG": 2,
		"KWD": 3, "TND": 3, "CLF": 4, "UYW": 4,
	} {
		want := Currency{Code: code, Decimals: decimals}
		if got, err := LookupCurrency(code); got != want || err != nil {
			t.Errorf("LookupCurrency(%q) = %v, %v, want %v", code, got, err, want)
		}
	}
	for _, code := range []string{"", "vnd", "VN", "VNDX", "VNĐ", "ABC", "XXX", "XAU", "XTS", "ANG", "HRK", "BGN", "ZWL"} {
		got, err := LookupCurrency(code)
		if !errors.Is(err, ErrUnknownCurrency) || got != (Currency{}) {
			t.Errorf("LookupCurrency(%q) = %v, %v, want ErrUnknownCurrency", code, got, err)
		}
		if err != nil && !strings.Contains(err.Error(), `"`+code+`"`) {
			t.Errorf("error %q does not name %q", err, code)
		}
	}
}

// TestCurrencyCount guards against a code lost or added by a slip: list one of
// January 2026 has 178 codes, 13 of them without a minor unit.
func TestCurrencyCount(t *testing.T) {
	n := 0
	var code [3]byte
	for code[0] = 'A'; code[0] <= 'Z'; code[0]++ {
		for code[1] = 'A'; code[1] <= 'Z'; code[1]++ {
			for code[2] = 'A'; code[2] <= 'Z'; code[2]++ {
				if _, ok := minorUnit(string(code[:])); ok {
					n++
				}
			}
		}
	}
	if n != 165 {
		t.Errorf("%d currencies, want 165", n)
	}
}
