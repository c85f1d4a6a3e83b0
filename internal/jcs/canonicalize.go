package jcs

import (
	"slices"
	"strconv"
	"unicode/utf8"
)

// Canonicalize returns the form of RFC 8785 of the JSON text in: no white
// space, shortest escapes, members sorted by the UTF-16 code units of their
// keys.
//
// The input is as strict as a [Reader]'s. A number must be an integer written
// without fraction and exponent, at most [MaxInt] in magnitude. Every error is
// an [*Error].
func Canonicalize(in []byte) ([]byte, error) {
	var c Canonicalizer
	// White space and escapes only shrink.
	return c.Append(make([]byte, 0, len(in)), in)
}

// A Canonicalizer does what [Canonicalize] does many times, with the same
// memory. The zero value is ready.
type Canonicalizer struct {
	reader  Reader
	out     []byte
	members []member // of all open objects, the innermost last
	scratch []byte
}

// Append appends the form of RFC 8785 of in to dst. With an error it returns
// nil.
func (c *Canonicalizer) Append(dst, in []byte) ([]byte, error) {
	c.reader.Reset(in)
	c.out, c.members = dst, c.members[:0]
	err := c.value()
	if err == nil {
		err = c.reader.End()
	}
	out := c.out
	c.out = nil // it is the caller's
	if cap(c.scratch) > keepScratch {
		c.scratch = nil
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

// member is one `"key":value,` in out.
type member struct {
	key        string
	start, end int
}

func (c *Canonicalizer) value() error {
	switch c.reader.Kind() {
	case '{':
		return c.object()
	case '[':
		c.out = append(c.out, '[')
		err := c.reader.Array(func(i int) error {
			if i > 0 {
				c.out = append(c.out, ',')
			}
			return c.value()
		})
		c.out = append(c.out, ']')
		return err
	case '"':
		b, err := c.reader.StringBytes()
		if err != nil {
			return err
		}
		c.out = appendString(c.out, b)
		return nil
	case '0':
		v, err := c.reader.Int()
		c.out = strconv.AppendInt(c.out, v, 10)
		return err
	default:
		raw, err := c.reader.Raw()
		c.out = append(c.out, raw...)
		return err
	}
}

// object appends the members as they come, each with a comma behind it, and
// puts them in order afterwards, which mostly they are already.
func (c *Canonicalizer) object() error {
	base := len(c.members)
	sorted := true
	c.out = append(c.out, '{')
	start := len(c.out)
	err := c.reader.Object(func(key string) error {
		if n := len(c.members); n > base && compareUTF16(c.members[n-1].key, key) > 0 {
			sorted = false
		}
		m := member{key: key, start: len(c.out)}
		c.out = append(AppendString(c.out, key), ':')
		if err := c.value(); err != nil {
			return err
		}
		c.out = append(c.out, ',')
		m.end = len(c.out)
		c.members = append(c.members, m)
		return nil
	})
	if err != nil {
		return err
	}
	if !sorted {
		members := c.members[base:]
		slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.key, b.key) })
		c.scratch = append(c.scratch[:0], c.out[start:]...)
		c.out = c.out[:start]
		for _, m := range members {
			c.out = append(c.out, c.scratch[m.start-start:m.end-start]...)
		}
	}
	if len(c.members) > base {
		c.out[len(c.out)-1] = '}'
	} else {
		c.out = append(c.out, '}')
	}
	c.members = c.members[:base]
	return nil
}

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
