package money

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func TestQuantity(t *testing.T) {
	tests := []struct {
		v           int64
		want        string
		vi, english string
	}{
		{0, "0", "0", "0"},
		{5000, "5", "5", "5"},
		{1500, "1.5", "1,5", "1.5"},
		{1050, "1.05", "1,05", "1.05"},
		{-1, "-0.001", "-0,001", "-0.001"},
		{10, "0.01", "0,01", "0.01"},
		{100_000, "100", "100", "100"},
		{-1_234_500, "-1234.5", "-1.234,5", "-1,234.5"},
		{1_234_567_000, "1234567", "1.234.567", "1,234,567"},
		{math.MinInt64, "-9223372036854775.808", "-9.223.372.036.854.775,808", "-9,223,372,036,854,775.808"},
	}
	for _, tt := range tests {
		if got := FormatQuantity(tt.v); got != tt.want {
			t.Errorf("FormatQuantity(%d) = %q, want %q", tt.v, got, tt.want)
		}
		if got := string(AppendQuantity([]byte("x "), tt.v)); got != "x "+tt.want {
			t.Errorf("AppendQuantity(%d) = %q, want %q", tt.v, got, tt.want)
		}
		if got := FormatQuantityLocal(tt.v, Vietnamese); got != tt.vi {
			t.Errorf("FormatQuantityLocal(%d, vi) = %q, want %q", tt.v, got, tt.vi)
		}
		if got := FormatQuantityLocal(tt.v, English); got != tt.english {
			t.Errorf("FormatQuantityLocal(%d, en) = %q, want %q", tt.v, got, tt.english)
		}
	}
	for _, tt := range []struct {
		d    Decimal
		want int64
		err  error
	}{
		{"1.500", 1500, nil},
		{"1.5000", 0, ErrTooFine},
		{"1,5", 0, ErrSyntax},
		{"9223372036854776", 0, ErrTooLarge},
	} {
		if got, err := ParseQuantity(tt.d); got != tt.want || err != tt.err {
			t.Errorf("ParseQuantity(%q) = %d, %v, want %d, %v", tt.d, got, err, tt.want, tt.err)
		}
	}
}

func TestQuantityBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := amounts().Draw(t, "v")
		if got, err := ParseQuantity(Decimal(FormatQuantity(v))); got != v || err != nil {
			t.Errorf("ParseQuantity(%q) = %d, %v, want %d", FormatQuantity(v), got, err, v)
		}
	})
}
