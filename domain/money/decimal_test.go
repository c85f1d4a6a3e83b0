package money

import (
	"errors"
	"math"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// canonical is the form as the contract states it.
var canonical = regexp.MustCompile(`\A-?(0|[1-9][0-9]*)(\.[0-9]+)?\z`)

func TestParseDecimal(t *testing.T) {
	for _, s := range []string{"0", "-0", "-3", "500000", "12.50", "0.05", "-0.00", "9223372036854775808", strings.Repeat("9", 100)} {
		if d, err := ParseDecimal(s); err != nil || d != Decimal(s) {
			t.Errorf("ParseDecimal(%q) = %q, %v", s, d, err)
		}
	}
	for _, s := range []string{
		"", "-", "+1", "--1", "00", "01", "-01", ".5", "5.", "-.5", "1.2.3", "1,5", "1e5", "NaN", "Inf",
		" 1", "1 ", "1\n", "0x1", "1_000", "１２", "1.５", "−1",
	} {
		if d, err := ParseDecimal(s); err != ErrSyntax || d != "" {
			t.Errorf("ParseDecimal(%q) = %q, %v, want ErrSyntax", s, d, err)
		}
		if Decimal(s).Valid() {
			t.Errorf("%q is valid", s)
		}
	}
}

func TestMinor(t *testing.T) {
	tests := []struct {
		d        Decimal
		decimals int
		want     int64
		err      error
	}{
		{"500000", 0, 500_000, nil},
		{"-3", 0, -3, nil},
		{"-0", 2, 0, nil},
		{"12.50", 2, 1250, nil},
		{"12.5", 2, 1250, nil},
		{"12", 2, 1200, nil},
		{"-0.05", 2, -5, nil},
		{"12.500", 2, 0, ErrTooFine},
		{"12.0", 0, 0, ErrTooFine},
		{"", 0, 0, ErrSyntax},
		{"1.", 0, 0, ErrSyntax},
		{"999999999999999999", 0, 999_999_999_999_999_999, nil},
		{"9223372036854775807", 0, math.MaxInt64, nil},
		{"-9223372036854775808", 0, math.MinInt64, nil},
		{"9223372036854775808", 0, 0, ErrTooLarge},
		{"-9223372036854775809", 0, 0, ErrTooLarge},
		{"92233720368547758.07", 2, math.MaxInt64, nil},
		{"92233720368547758.08", 2, 0, ErrTooLarge},
		{"-92233720368547758.08", 2, math.MinInt64, nil},
		{"92233720368547758", 3, 0, ErrTooLarge},
		{"10000000000000000000", 0, 0, ErrTooLarge},
		{"0.000000000000000001", 18, 1, nil},
		{"9.223372036854775807", 18, math.MaxInt64, nil},
		{Decimal(strings.Repeat("9", 1_000_000)), 0, 0, ErrTooLarge},
		{Decimal("1." + strings.Repeat("0", 1_000_000)), 0, 0, ErrTooFine},
	}
	for _, tt := range tests {
		if got, err := tt.d.Minor(tt.decimals); got != tt.want || err != tt.err {
			t.Errorf("%.40q.Minor(%d) = %d, %v, want %d, %v", tt.d, tt.decimals, got, err, tt.want, tt.err)
		}
	}
}

func TestFormat(t *testing.T) {
	tests := []struct {
		v        int64
		decimals int
		want     string
	}{
		{0, 0, "0"},
		{0, 2, "0.00"},
		{-5, 2, "-0.05"},
		{99, 2, "0.99"},
		{100, 2, "1.00"},
		{120_000, 0, "120000"},
		{-1250, 2, "-12.50"},
		{math.MaxInt64, 0, "9223372036854775807"},
		{math.MinInt64, 0, "-9223372036854775808"},
		{math.MinInt64, 2, "-92233720368547758.08"},
		{math.MinInt64, 18, "-9.223372036854775808"},
		{1, 18, "0.000000000000000001"},
	}
	for _, tt := range tests {
		if got := Format(tt.v, tt.decimals); got != tt.want {
			t.Errorf("Format(%d, %d) = %q, want %q", tt.v, tt.decimals, got, tt.want)
		}
	}
	if got := string(AppendFormat([]byte("x "), -5, 2)); got != "x -0.05" {
		t.Errorf("AppendFormat = %q", got)
	}
}

func TestFormatAllocs(t *testing.T) {
	buf := make([]byte, 0, 32)
	if n := testing.AllocsPerRun(100, func() { buf = AppendFormat(buf[:0], math.MinInt64, 2) }); n != 0 {
		t.Errorf("AppendFormat allocates %v times", n)
	}
	var s string
	if n := testing.AllocsPerRun(100, func() { s = Format(math.MinInt64, 2) }); n != 1 {
		t.Errorf("Format allocates %v times for %q", n, s)
	}
}

func TestFormatMinor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := amounts().Draw(t, "v")
		decimals := rapid.IntRange(0, 18).Draw(t, "decimals")
		d, err := ParseDecimal(Format(v, decimals))
		if err != nil {
			t.Fatalf("Format(%d, %d) = %q: %v", v, decimals, Format(v, decimals), err)
		}
		if got, err := d.Minor(decimals); got != v || err != nil {
			t.Errorf("%q.Minor(%d) = %d, %v, want %d", d, decimals, got, err, v)
		}
	})
}

// TestMinorPaths compares the path for short numbers with the one for long.
func TestMinorPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := Decimal(rapid.StringMatching(`-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,4})?`).Draw(t, "d"))
		decimals := rapid.IntRange(4, 6).Draw(t, "decimals")
		got, err := d.Minor(decimals)
		want, wantErr := d.minorBig(decimals)
		if got != want || !errors.Is(err, wantErr) {
			t.Errorf("%q.Minor(%d) = %d, %v, want %d, %v", d, decimals, got, err, want, wantErr)
		}
	})
}

func FuzzParseDecimal(f *testing.F) {
	for _, s := range []string{"0", "-12.50", "01", "1e5", "9223372036854775808", "1.", "-"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := ParseDecimal(s)
		if (err == nil) != canonical.MatchString(s) {
			t.Fatalf("ParseDecimal(%q) = %q, %v", s, d, err)
		}
		if err != nil {
			return
		}
		if v, err := d.Minor(6); err == nil {
			if back, err := Decimal(Format(v, 6)).Minor(6); back != v || err != nil {
				t.Errorf("%q is %d and back %d, %v", s, v, back, err)
			}
		}
	})
}

func BenchmarkMinor(b *testing.B) {
	for _, d := range []Decimal{"500000", "123456789012.50", "92233720368547758.07"} {
		b.Run(string(d), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				d.Minor(2)
			}
		})
	}
}

func BenchmarkAppendFormat(b *testing.B) {
	b.ReportAllocs()
	buf := make([]byte, 0, 32)
	for b.Loop() {
		buf = AppendFormat(buf[:0], 123_456_789, 2)
	}
}
