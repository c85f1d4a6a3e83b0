package money

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestParseLocal(t *testing.T) {
	tests := []struct {
		s    string
		loc  Locale
		cur  Currency
		want Decimal
		err  error
	}{
		{"1.234.567", Vietnamese, vnd, "1234567", nil},
		{"1.234.567,50", Vietnamese, usd, "1234567.50", nil},
		{"1234567", Vietnamese, vnd, "1234567", nil},
		{"1234567,5", Vietnamese, usd, "1234567.5", nil},
		{"0", Vietnamese, vnd, "0", nil},
		{"0,05", Vietnamese, usd, "0.05", nil},
		{"1.500.000đ", Vietnamese, vnd, "1500000", nil},
		{"1.500.000 Đ", Vietnamese, vnd, "1500000", nil},
		{"2.000 ₫", Vietnamese, vnd, "2000", nil},
		{"2.000\u00a0₫", Vietnamese, vnd, "2000", nil},
		{"2.000 VNĐ", Vietnamese, vnd, "2000", nil},
		{"2.000vnđ", Vietnamese, vnd, "2000", nil},
		{"VND 2.000", Vietnamese, vnd, "2000", nil},
		{"₫2.000", Vietnamese, vnd, "2000", nil},
		{"2.000,00 usd", Vietnamese, usd, "2000.00", nil},
		{"1 500 000", Vietnamese, vnd, "1500000", nil},
		{"1\u00a0500\u202f000 ", Vietnamese, vnd, "1500000", nil},
		{"1 500 000,25", Vietnamese, usd, "1500000.25", nil},
		{"\t 12 ", Vietnamese, vnd, "12", nil},
		{"-1.500", Vietnamese, vnd, "-1500", nil},
		{"-1.500 ₫", Vietnamese, vnd, "-1500", nil},
		{"-₫ 1.500", Vietnamese, vnd, "-1500", nil},
		{"1.500", Vietnamese, vnd, "1500", nil},
		{"1.500", Vietnamese, usd, "1500", nil},
		{"1.500", Locale(""), vnd, "1500", nil},
		{"1,234,567", Vietnamese, vnd, "1234567", nil},
		{"1,234.50", Vietnamese, usd, "1234.50", nil},
		{"1,234,567.50", Vietnamese, usd, "1234567.50", nil},
		{"1,500", Vietnamese, kwd, "1.500", nil},
		{"1234,500", Vietnamese, vnd, "1234.500", nil}, // no group of three digits can be meant; too fine
		{"12,5", Vietnamese, vnd, "12.5", nil},         // likewise
		{"12345678901234567890123", Vietnamese, vnd, "12345678901234567890123", nil},

		{"1,234,567.50", English, usd, "1234567.50", nil},
		{"1234567", English, vnd, "1234567", nil},
		{"1234.5", English, usd, "1234.5", nil},
		{"VND 1,000", English, vnd, "1000", nil},
		{"1,000 VND", English, vnd, "1000", nil},
		{"USD1,000.00", English, usd, "1000.00", nil},
		{"1 500 000.25", English, usd, "1500000.25", nil},
		{"1,500", English, vnd, "1500", nil},
		{"1.234.567", English, vnd, "1234567", nil},
		{"1.234,50", English, usd, "1234.50", nil},
		{"1.500", English, kwd, "1.500", nil},

		{"1,500", Vietnamese, vnd, "", ErrAmbiguous},
		{"-123,500 ₫", Vietnamese, vnd, "", ErrAmbiguous},
		{"1.500", English, vnd, "", ErrAmbiguous},
	}
	for _, tt := range tests {
		got, err := ParseLocal(tt.s, tt.loc, tt.cur)
		if got != tt.want || err != tt.err {
			t.Errorf("ParseLocal(%q, %s, %s) = %q, %v, want %q, %v", tt.s, tt.loc, tt.cur.Code, got, err, tt.want, tt.err)
		}
	}

	for _, s := range []string{
		"", " ", "-", "đ", "- 5", "--5", "+5", "5-", "(5)", "VND -5", "−5",
		"NaN", "Inf", "1e5", "1E5", "0x10", "1_000", "1.5tr", "1,5 tr", "500k", "2 tỷ", "１２３", "1.０00",
		"1.2345", "12.34", "1.23.456", "1234.567", ".500", "1.", "1.500.", "1..500", "1.500,", ",5", "1,5,0",
		"1.234,567.890", "1,234.567,890", "1.234,567,890", "1 234.567", "1.234 567", "1  234", "1 23", "1\n000",
		"1234.50", // the mark of the other locale without its groups is a slip
		"007", "00", "0.500", "000.000", "0912345678", "-0123",
		"VND 5 VND", "₫5đ", "VND", "VNDVND5", "5 d", "5 EUR", "$5", "\xff5", "5\x00",
	} {
		if got, err := ParseLocal(s, Vietnamese, vnd); err != ErrSyntax {
			t.Errorf("ParseLocal(%q) = %q, %v, want ErrSyntax", s, got, err)
		}
	}
	// Dong in a ledger of dollars is not a thing to guess about.
	for _, s := range []string{"1.000 đ", "₫1.000", "VND 1.000", "1.000 VNĐ"} {
		if got, err := ParseLocal(s, Vietnamese, usd); err != ErrSyntax {
			t.Errorf("ParseLocal(%q, USD) = %q, %v, want ErrSyntax", s, got, err)
		}
	}
}

func TestFormatLocal(t *testing.T) {
	tests := []struct {
		v                int64
		cur              Currency
		vi, en           string
		viMoney, enMoney string
	}{
		{0, vnd, "0", "0", "0\u00a0₫", "0\u00a0VND"},
		{999, vnd, "999", "999", "999\u00a0₫", "999\u00a0VND"},
		{1_000, vnd, "1.000", "1,000", "1.000\u00a0₫", "1,000\u00a0VND"},
		{1_234_567, vnd, "1.234.567", "1,234,567", "1.234.567\u00a0₫", "1,234,567\u00a0VND"},
		{-123_456, vnd, "-123.456", "-123,456", "-123.456\u00a0₫", "-123,456\u00a0VND"},
		{123_450, usd, "1.234,50", "1,234.50", "1.234,50\u00a0USD", "1,234.50\u00a0USD"},
		{-5, usd, "-0,05", "-0.05", "-0,05\u00a0USD", "-0.05\u00a0USD"},
		{
			math.MinInt64, usd, "-92.233.720.368.547.758,08", "-92,233,720,368,547,758.08",
			"-92.233.720.368.547.758,08\u00a0USD", "-92,233,720,368,547,758.08\u00a0USD",
		},
	}
	for _, tt := range tests {
		if got := FormatLocal(tt.v, tt.cur.Decimals, Vietnamese); got != tt.vi {
			t.Errorf("FormatLocal(%d, vi) = %q, want %q", tt.v, got, tt.vi)
		}
		if got := FormatLocal(tt.v, tt.cur.Decimals, English); got != tt.en {
			t.Errorf("FormatLocal(%d, en) = %q, want %q", tt.v, got, tt.en)
		}
		if got := FormatCurrency(tt.v, tt.cur, Vietnamese); got != tt.viMoney {
			t.Errorf("FormatCurrency(%d, vi) = %q, want %q", tt.v, got, tt.viMoney)
		}
		if got := FormatCurrency(tt.v, tt.cur, English); got != tt.enMoney {
			t.Errorf("FormatCurrency(%d, en) = %q, want %q", tt.v, got, tt.enMoney)
		}
	}
}

func TestLocalBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := amounts().Draw(t, "v")
		cur := rapid.SampledFrom([]Currency{vnd, usd, kwd, {"CLF", 4}}).Draw(t, "currency")
		loc := rapid.SampledFrom([]Locale{Vietnamese, English}).Draw(t, "locale")
		plain := FormatLocal(v, cur.Decimals, loc)
		for _, s := range []string{plain, FormatCurrency(v, cur, loc)} {
			d, err := ParseLocal(s, loc, cur)
			if err != nil || d != Decimal(Format(v, cur.Decimals)) {
				t.Fatalf("ParseLocal(%q, %s, %s) = %q, %v", s, loc, cur.Code, d, err)
			}
		}
		// The other locale may refuse what this one writes, or take a lone
		// mark for its own, but never with more than one group.
		other := English
		if loc == English {
			other = Vietnamese
		}
		group, _ := loc.marks()
		if d, err := ParseLocal(plain, other, cur); strings.Count(plain, string(group)) > 1 &&
			(err != nil || d != Decimal(Format(v, cur.Decimals))) {
			t.Errorf("ParseLocal(%q, %s, %s) = %q, %v", plain, other, cur.Code, d, err)
		}
	})
}

func FuzzParseLocal(f *testing.F) {
	for _, s := range []string{
		"1.234.567,50", "1,234,567.50", "1.500", "1,500", "-2.000 ₫", "VND 1 000", "1\u00a0000\u202f000 VNĐ", "1.5tr", "１", "0,5", "-", "đ",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, loc := range []Locale{Vietnamese, English} {
			for _, cur := range []Currency{vnd, usd, {}} {
				d, err := ParseLocal(s, loc, cur)
				if (err == nil) != d.Valid() || err == nil && !canonical.MatchString(string(d)) {
					t.Fatalf("ParseLocal(%q, %s, %s) = %q, %v", s, loc, cur.Code, d, err)
				}
				if err != nil && err != ErrSyntax && err != ErrAmbiguous {
					t.Fatalf("ParseLocal(%q, %s, %s): error %v", s, loc, cur.Code, err)
				}
			}
		}
	})
}

func BenchmarkParseLocal(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		ParseLocal("1.234.567 ₫", Vietnamese, vnd)
	}
}
