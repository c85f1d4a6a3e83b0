package money

import "math/bits"

// Share returns value × part ÷ whole, exact but for one rounding at the end,
// half to even. For part == whole it is value, so that when parts are taken one
// after another from what is left, the last part takes the rest.
//
// Share expects 0 < whole and part <= whole. It panics if whole is not
// positive, or if the result does not fit an int64, which only a part beyond
// whole can bring about.
func Share(value, part, whole int64) int64 {
	if whole <= 0 {
		panic("money: share of a whole that is not positive")
	}
	// Half to even is symmetric about zero, so the sign can be set aside.
	neg := (value < 0) != (part < 0)
	w := uint64(whole)
	hi, lo := bits.Mul64(magnitude(value), magnitude(part))
	if hi >= w {
		panic("money: share out of range")
	}
	q, r := bits.Div64(hi, lo, w)
	if q > 1<<63 {
		panic("money: share out of range") // here, so that q+1 does not wrap
	}
	// r < w < 2^63, so that it can be doubled.
	if r *= 2; r > w || r == w && q&1 == 1 {
		q++
	}
	switch {
	case neg && q <= 1<<63:
		return int64(-q)
	case !neg && q < 1<<63:
		return int64(q)
	}
	panic("money: share out of range")
}

// Add returns a + b, and whether the sum fits an int64. If it does not, sum is
// of no use.
func Add(a, b int64) (sum int64, ok bool) {
	sum = a + b
	// The sum overflows only if both terms have the sign that it lacks.
	return sum, (a^sum)&(b^sum) >= 0
}
