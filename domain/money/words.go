package money

import "strconv"

// An ExactStyle says when the words of an amount end in "chẵn", which tells that
// nothing follows.
type ExactStyle int

// The styles. An amount with a fraction never has the word. English has "only"
// in its place, and with ExactAlways alone.
const (
	ExactThousands ExactStyle = iota // for whole thousands but zero; the house rule
	ExactAlways                      // for every whole amount
	ExactNever
)

// WordsOptions are choices in writing an amount in words. The zero value is the
// northern standard and the house rule.
type WordsOptions struct {
	Southern bool // "lẻ" and "ngàn" for "linh" and "nghìn"; no effect in English
	Exact    ExactStyle
}

// Words returns v minor units of cur in words, as vouchers ask for: "Hai mươi
// mốt nghìn đồng chẵn", in English "Twenty-one thousand dong". It begins with a
// capital, has no full stop, and is in NFC. Negative amounts begin with "Âm" or
// "Minus".
//
// Other currencies than the dong go by their code, since their names and those
// of their minor units are not the same everywhere. A fraction follows in
// figures as on cheques: "Mười hai USD và 05/100", "Twelve USD and 05/100".
func Words(v int64, cur Currency, loc Locale, opt WordsOptions) string {
	// The longest are some 250 bytes.
	b := make([]byte, 0, 256)
	unit := uint64(1)
	for range cur.Decimals {
		unit *= 10
	}
	whole, frac := magnitude(v)/unit, magnitude(v)%unit

	name := cur.Code
	if loc == English {
		if v < 0 {
			b = append(b, "Minus "...)
		}
		b = appendEnglish(b, whole)
		if name == "VND" {
			name = "dong"
		}
	} else {
		if v < 0 {
			b = append(b, "Âm "...)
		}
		b = appendVietnamese(b, whole, opt.Southern)
		if name == "VND" {
			name = "đồng"
		}
	}
	b = append(append(b, ' '), name...)

	switch {
	case frac != 0:
		and := " và "
		if loc == English {
			and = " and "
		}
		b = append(b, and...)
		b = append(b, Format(int64(frac), cur.Decimals)[len("0."):]...)
		b = append(b, '/')
		b = strconv.AppendUint(b, unit, 10)
	case loc == English:
		if opt.Exact == ExactAlways {
			b = append(b, " only"...)
		}
	case opt.Exact == ExactAlways, opt.Exact == ExactThousands && whole != 0 && whole%1000 == 0:
		b = append(b, " chẵn"...)
	}

	if v >= 0 {
		b[0] -= 'a' - 'A' // the first letters of all numerals are of ASCII
	}
	return string(b)
}

// threes returns n in groups of three digits, the lowest first, and the number
// of groups that it has.
func threes(n uint64) (groups [7]int, count int) {
	for ; n > 0; n /= 1000 {
		groups[count] = int(n % 1000)
		count++
	}
	return groups, count
}

var vietnameseDigits = [10]string{"không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín"}

// appendVietnamese appends n in small letters, by the rules of school books.
func appendVietnamese(dst []byte, n uint64, southern bool) []byte {
	if n == 0 {
		return append(dst, vietnameseDigits[0]...)
	}
	odd, thousand := " linh", " nghìn"
	if southern {
		odd, thousand = " lẻ", " ngàn"
	}
	groups, count := threes(n)
	for i := count - 1; i >= 0; i-- {
		first := i == count-1
		if groups[i] != 0 {
			if !first {
				dst = append(dst, ' ')
			}
			// Only the first group may leave out its hundreds.
			dst = appendVietnameseGroup(dst, groups[i], !first, odd)
			switch i % 3 {
			case 1:
				dst = append(dst, thousand...)
			case 2:
				dst = append(dst, " triệu"...)
			}
		}
		// The names start again at every 10^9: a billion is said after its
		// own three groups, whether or not the last of them is silent.
		if i > 0 && i%3 == 0 {
			dst = append(dst, " tỷ"...)
		}
	}
	return dst
}

// appendVietnameseGroup appends g, from 1 to 999, with its hundreds even if
// they are 0 when full is set.
func appendVietnameseGroup(dst []byte, g int, full bool, odd string) []byte {
	hundreds, tens, ones := g/100, g/10%10, g%10
	if full || hundreds > 0 {
		dst = append(dst, vietnameseDigits[hundreds]...)
		dst = append(dst, " trăm"...)
		if g%100 == 0 {
			return dst
		}
		if tens == 0 {
			dst = append(dst, odd...)
		}
		dst = append(dst, ' ')
	}
	switch tens {
	case 0:
		return append(dst, vietnameseDigits[ones]...)
	case 1:
		dst = append(dst, "mười"...)
	default:
		dst = append(dst, vietnameseDigits[tens]...)
		dst = append(dst, " mươi"...)
	}
	switch {
	case ones == 0:
		return dst
	case ones == 1 && tens > 1:
		return append(dst, " mốt"...)
	case ones == 4 && tens > 1:
		return append(dst, " tư"...)
	case ones == 5:
		return append(dst, " lăm"...)
	}
	dst = append(dst, ' ')
	return append(dst, vietnameseDigits[ones]...)
}

var (
	englishOnes = [20]string{
		"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
		"ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
	}
	englishTens   = [10]string{2: "twenty", 3: "thirty", 4: "forty", 5: "fifty", 6: "sixty", 7: "seventy", 8: "eighty", 9: "ninety"}
	englishGroups = [7]string{"", " thousand", " million", " billion", " trillion", " quadrillion", " quintillion"}
)

// appendEnglish appends n in small letters, with the British "and".
func appendEnglish(dst []byte, n uint64) []byte {
	if n == 0 {
		return append(dst, englishOnes[0]...)
	}
	groups, count := threes(n)
	for i := count - 1; i >= 0; i-- {
		g := groups[i]
		if g == 0 {
			continue
		}
		if i < count-1 {
			dst = append(dst, ' ')
			if i == 0 && g < 100 {
				dst = append(dst, "and "...)
			}
		}
		dst = appendEnglishGroup(dst, g)
		dst = append(dst, englishGroups[i]...)
	}
	return dst
}

// appendEnglishGroup appends g, from 1 to 999.
func appendEnglishGroup(dst []byte, g int) []byte {
	if g >= 100 {
		dst = append(dst, englishOnes[g/100]...)
		dst = append(dst, " hundred"...)
		g %= 100
		if g == 0 {
			return dst
		}
		dst = append(dst, " and "...)
	}
	if g < 20 {
		return append(dst, englishOnes[g]...)
	}
	dst = append(dst, englishTens[g/10]...)
	if g%10 != 0 {
		dst = append(dst, '-')
		dst = append(dst, englishOnes[g%10]...)
	}
	return dst
}
