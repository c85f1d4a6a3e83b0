package money

import "strings"

// A Locale says how amounts are written and read. Any value but [English]
// counts as [Vietnamese].
type Locale string

// The locales.
const (
	Vietnamese Locale = "vi" // 1.234.567,50
	English    Locale = "en" // 1,234,567.50
)

// marks returns the mark between groups of three and the decimal mark.
func (l Locale) marks() (group, point byte) {
	if l == English {
		return ',', '.'
	}
	return '.', ','
}

// noBreakSpace keeps an amount and its currency on one line.
const noBreakSpace = "\u00a0"

// FormatLocal returns v, in units of 10^-decimals, as people of loc write it:
// FormatLocal(123456750, 2, Vietnamese) is "1.234.567,50".
func FormatLocal(v int64, decimals int, loc Locale) string {
	var buf [40]byte
	return string(appendLocal(buf[:0], v, decimals, loc))
}

func appendLocal(dst []byte, v int64, decimals int, loc Locale) []byte {
	group, point := loc.marks()
	return appendNumber(dst, v, decimals, group, point)
}

// FormatCurrency returns v minor units of cur as people of loc write it, with
// the currency after a no-break space: the code, or the sign ₫ for dong in
// Vietnamese.
func FormatCurrency(v int64, cur Currency, loc Locale) string {
	var buf [48]byte
	b := appendLocal(buf[:0], v, cur.Decimals, loc)
	b = append(b, noBreakSpace...)
	if cur.Code == "VND" && loc != English {
		return string(append(b, "₫"...))
	}
	return string(append(b, cur.Code...))
}

// ParseLocal reads an amount of cur as people of loc write it: in Vietnamese
// "1.234.567", "1234567", "1 234 567", "1.234.567,50". One currency mark may
// stand before or after the number: the code of cur and, for dong alone, also
// đ, ₫ and VNĐ, in either case. The only sign is a '-' that begins the text.
// Blanks are space, tab, and the no-break spaces U+00A0 and U+202F.
//
// Group marks need not be there but must be all there and in their places, and
// leading zeros are refused, so that neither a slip of the finger nor a
// telephone number passes for an amount. Numbers that make sense only with the
// marks of the other locale and have its group mark, as "1,234,567" and
// "1,234.50" in Vietnamese, are read by those, because spreadsheets in English
// write them.
//
// The result has the decimals that were written; [Decimal.Minor] checks them
// against the currency. The error is [ErrSyntax], or [ErrAmbiguous] for a number
// such as "1,500" in Vietnamese or "1.500" in English of a currency without
// decimals: it says one and a half, and is more likely to mean 1500.
func ParseLocal(s string, loc Locale, cur Currency) (Decimal, error) {
	s, neg := strings.CutPrefix(strings.Trim(strings.Map(plainBlank, s), " "), "-")
	if neg && strings.HasPrefix(s, " ") {
		return "", ErrSyntax
	}
	s = cutMark(s, cur)

	group, point := loc.marks()
	own, ok := readGroups(s, string(group)+" ", point)
	other, otherOK := readGroups(s, string(point), group)
	switch {
	case ok && otherOK && own.frac != "" && cur.Decimals == 0:
		return "", ErrAmbiguous
	case ok:
	case otherOK && other.groups > 1:
		own = other
	default:
		return "", ErrSyntax
	}

	d := own.whole
	if own.frac != "" {
		d += "." + own.frac
	}
	if neg {
		d = "-" + d
	}
	return Decimal(d), nil
}

// plainBlank maps every blank to the space.
func plainBlank(r rune) rune {
	switch r {
	case '\t', '\u00a0', '\u202f':
		return ' '
	}
	return r
}

// cutMark returns s without one mark of cur before or after it, and without the
// blanks between.
func cutMark(s string, cur Currency) string {
	marks := []string{cur.Code}
	if cur.Code == "VND" {
		marks = []string{"VND", "VNĐ", "₫", "đ"} // đ last, for VNĐ ends in it
	}
	for _, m := range marks {
		n := len(s) - len(m)
		if n < 0 {
			continue
		}
		if strings.EqualFold(s[:len(m)], m) {
			return strings.TrimLeft(s[len(m):], " ")
		}
		if strings.EqualFold(s[n:], m) {
			return strings.TrimRight(s[:n], " ")
		}
	}
	return s
}

// A grouped is the digits of a number and the number of groups that those before
// the decimal mark were written in.
type grouped struct {
	whole, frac string
	groups      int
}

// readGroups reads s with one of the bytes of marks between groups and the
// decimal mark point.
func readGroups(s, marks string, point byte) (g grouped, ok bool) {
	whole, frac, found := strings.Cut(s, string(point))
	if digits(frac) != len(frac) || found && frac == "" {
		return g, false
	}
	g.frac = frac
	g.whole, g.groups = whole, 1
	if i := strings.IndexAny(whole, marks); i >= 0 {
		mark := whole[i : i+1]
		g.whole, g.groups = strings.ReplaceAll(whole, mark, ""), 0
		for part := range strings.SplitSeq(whole, mark) {
			if part == "" || len(part) > 3 || g.groups > 0 && len(part) < 3 {
				return g, false
			}
			g.groups++
		}
	}
	n := digits(g.whole)
	return g, n > 0 && n == len(g.whole) && (n == 1 || g.whole[0] != '0')
}
