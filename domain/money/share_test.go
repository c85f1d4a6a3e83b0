package money

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestShare(t *testing.T) {
	tests := []struct{ value, part, whole, want int64 }{
		{100, 1, 3, 33},
		{200, 1, 3, 67},
		{5, 1, 2, 2},
		{7, 1, 2, 4},
		{-5, 1, 2, -2},
		{-7, 1, 2, -4},
		{5, -1, 2, -2},
		{1, 1, 2, 0},
		{3, 1, 2, 2},
		{0, 1, 3, 0},
		{100, 0, 3, 0},
		{10, 3, 2, 15}, // beyond the whole, but in range
		{math.MaxInt64, math.MaxInt64, math.MaxInt64, math.MaxInt64},
		{math.MinInt64, math.MaxInt64, math.MaxInt64, math.MinInt64},
		{math.MinInt64, 1, 1, math.MinInt64},
		{math.MinInt64, 1, 2, math.MinInt64 / 2},
		{math.MaxInt64, 1, 2, 1 << 62},
		{math.MaxInt64, math.MaxInt64 - 1, math.MaxInt64, math.MaxInt64 - 1},
	}
	for _, tt := range tests {
		if got := Share(tt.value, tt.part, tt.whole); got != tt.want {
			t.Errorf("Share(%d, %d, %d) = %d, want %d", tt.value, tt.part, tt.whole, got, tt.want)
		}
	}
}

func TestSharePanics(t *testing.T) {
	for _, tt := range []struct{ value, part, whole int64 }{
		{1, 1, 0},
		{1, 1, -1},
		{math.MaxInt64, 2, 1},
		{math.MaxInt64, 4, 1},
		{math.MinInt64, -1, 1},
		{math.MinInt64, math.MinInt64, 1},
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("Share(%d, %d, %d) does not panic", tt.value, tt.part, tt.whole)
				}
			}()
			Share(tt.value, tt.part, tt.whole)
		}()
	}
}

// halfToEven is the rounding that Share promises, by the book.
func halfToEven(x *big.Rat) *big.Int {
	twice := new(big.Rat).Mul(x, big.NewRat(2, 1))
	floor := new(big.Int).Div(x.Num(), x.Denom()) // Euclidean, so the floor
	up := new(big.Int).Add(floor, big.NewInt(1))
	switch middle := new(big.Rat).SetInt(new(big.Int).Add(floor, up)); twice.Cmp(middle) {
	case -1:
		return floor
	case 1:
		return up
	}
	if floor.Bit(0) == 0 {
		return floor
	}
	return up
}

func TestShareExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := amounts().Draw(t, "value")
		whole := rapid.OneOf(rapid.Int64Range(1, 12), rapid.Int64Range(1, math.MaxInt64)).Draw(t, "whole")
		part := rapid.Int64Range(0, whole).Draw(t, "part")
		got := Share(value, part, whole)

		exact := new(big.Rat).SetFrac(new(big.Int).Mul(big.NewInt(value), big.NewInt(part)), big.NewInt(whole))
		if want := halfToEven(exact); !want.IsInt64() || want.Int64() != got {
			t.Errorf("Share(%d, %d, %d) = %d, want %d", value, part, whole, got, want)
		}
		off := new(big.Rat).Sub(exact, new(big.Rat).SetInt64(got))
		if off.Abs(off).Cmp(big.NewRat(1, 2)) > 0 {
			t.Errorf("Share(%d, %d, %d) = %d is off by %v", value, part, whole, got, off)
		}
	})
}

// TestShareSums takes goods off a store part by part: nothing of the value may be
// left without quantity, nor be missing.
func TestShareSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Int64Range(0, MaxMinor).Draw(t, "value")
		whole := rapid.OneOf(rapid.Int64Range(1, 50), rapid.Int64Range(1, math.MaxInt64)).Draw(t, "whole")
		left, quantity, sum := value, whole, int64(0)
		for n := 0; quantity > 0; n++ {
			part := quantity
			if n < 20 {
				part = rapid.Int64Range(1, quantity).Draw(t, "part")
			}
			s := Share(left, part, quantity)
			if s < 0 || s > left {
				t.Fatalf("Share(%d, %d, %d) = %d", left, part, quantity, s)
			}
			left, quantity, sum = left-s, quantity-part, sum+s
		}
		if left != 0 || sum != value {
			t.Errorf("%d of %d left, %d taken", left, value, sum)
		}
	})
}

func TestAdd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		want := new(big.Int).Add(big.NewInt(a), big.NewInt(b))
		sum, ok := Add(a, b)
		if ok != want.IsInt64() || ok && sum != want.Int64() {
			t.Errorf("Add(%d, %d) = %d, %t, want %d", a, b, sum, ok, want)
		}
	})
	for _, tt := range []struct {
		a, b int64
		ok   bool
	}{
		{math.MaxInt64, 1, false},
		{math.MaxInt64, 0, true},
		{math.MinInt64, -1, false},
		{math.MinInt64, math.MinInt64, false},
		{math.MinInt64, math.MaxInt64, true},
	} {
		if _, ok := Add(tt.a, tt.b); ok != tt.ok {
			t.Errorf("Add(%d, %d) is %t, want %t", tt.a, tt.b, ok, tt.ok)
		}
	}
}

func BenchmarkShare(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Share(123_456_789_012_345, 1_234_567, 98_765_432)
	}
}
