package jcs

import "unicode/utf8"

// compareUTF16 compares valid UTF-8 by its UTF-16 code units. That is the
// order of the bytes but for one case: a character outside the basic plane is
// a pair of surrogates, which sort before U+E000 … U+FFFF.
func compareUTF16(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] == b[i] {
			continue
		}
		for !utf8.RuneStart(a[i]) && i > 0 {
			i--
		}
		x, _ := utf8.DecodeRuneInString(a[i:])
		y, _ := utf8.DecodeRuneInString(b[i:])
		if (x > 0xffff) != (y > 0xffff) {
			// The pair begins with a high surrogate, which is above or
			// below all that the other can be just as U+D800 is.
			if x > 0xffff {
				x = 0xd800
			} else {
				y = 0xd800
			}
		}
		return int(x) - int(y)
	}
	return len(a) - len(b)
}
