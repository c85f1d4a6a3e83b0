package jcs

import "math/bits"

// Words of eight equal bytes, for the search in special.
const (
	ones       = 0x0101010101010101
	highs      = 0x80 * ones
	quotes     = '"' * ones
	backslash8 = '\\' * ones
	blanks     = 0x20 * ones
)

const lowerHex = "0123456789abcdef"

// special returns the index of the first byte of s at or after i that cannot
// stand in a JSON string as it is (a quote, a backslash or a control
// character), or len(s). high is false when no byte before that index is
// outside ASCII; it may be true without need, so it says only whether UTF-8
// is worth checking.
//
// It looks at eight bytes at a time. A subtraction borrows only out of a byte
// that is itself a hit, so marks above the lowest may be false, and the lowest
// is always true.
func special[T string | []byte](s T, i int) (end int, high bool) {
	var seen uint64
	for ; i+8 <= len(s); i += 8 {
		w := s[i : i+8]
		x := uint64(w[0]) | uint64(w[1])<<8 | uint64(w[2])<<16 | uint64(w[3])<<24 |
			uint64(w[4])<<32 | uint64(w[5])<<40 | uint64(w[6])<<48 | uint64(w[7])<<56
		seen |= x
		q, b := x^quotes, x^backslash8
		if m := ((q-ones)&^q | (b-ones)&^b | (x-blanks)&^x) & highs; m != 0 {
			return i + bits.TrailingZeros64(m)>>3, seen&highs != 0
		}
	}
	for ; i < len(s); i++ {
		c := s[i]
		if c < 0x20 || c == '"' || c == '\\' {
			break
		}
		seen |= uint64(c)
	}
	return i, seen&highs != 0
}

// AppendString appends s to dst as a JSON string in the form of RFC 8785
// §3.2.2.2: quotes, backslashes and control characters are escaped, in lower
// case and in the short form where there is one, and everything else stands
// for itself.
//
// s must be valid UTF-8, as all that comes out of a [Reader] is; it is copied
// unchecked.
func AppendString(dst []byte, s string) []byte {
	return appendString(dst, s)
}

func appendString[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for i := 0; ; i++ {
		end, _ := special(s, i)
		dst = append(dst, s[i:end]...)
		if end == len(s) {
			return append(dst, '"')
		}
		i = end
		switch c := s[i]; c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\t':
			dst = append(dst, '\\', 't')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\r':
			dst = append(dst, '\\', 'r')
		default:
			dst = append(dst, '\\', 'u', '0', '0', lowerHex[c>>4], lowerHex[c&0xf])
		}
	}
}
