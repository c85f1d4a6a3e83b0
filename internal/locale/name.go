package locale

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// The order of the Vietnamese alphabet, foreign letters in their Latin places.
const alphabet = "aăâbcdđeêfghijklmnoôơpqrstuưvwxyz"

// Tones in the order of dictionaries: ngang, huyền, hỏi, ngã, sắc, nặng.
const tones = "\u0300\u0309\u0303\u0301\u0323"

// Bytes of a sort key, in their order.
const (
	endOfText     = 0x00
	endOfSyllable = 0x01 // followed by the tone
	firstTone     = 0x02
	number        = 0x10
	firstLetter   = 0x20
	otherLetter   = 0xf0
)

// SortKey returns a key by whose bytes Vietnamese texts sort as in a dictionary: syllable by syllable, in each by its letters and then by
// its tone, so that every "Lê …" stands before every "Lễ …". Upper and lower case, NFC and NFD, and both places of a tone mark are
// the same; numbers sort by their value. Texts that are the same in all this are put in order by their bytes. The key is for storing,
// so that all databases agree.
func SortKey(s string) []byte {
	key := make([]byte, 0, 2*len(s)+8)
	var text strings.Builder // what decides between texts of the same letters and tones
	tone, open := byte(0), false
	end := func() {
		if open {
			key = append(key, endOfSyllable, firstTone+tone)
		}
		tone, open = 0, false
	}
	decomposed := norm.NFD.String(strings.Map(lookAlike, s))
	for i := 0; i < len(decomposed); {
		r, n := utf8.DecodeRuneInString(decomposed[i:])
		i += n
		switch {
		case r >= '0' && r <= '9':
			end()
			start := i - 1
			for i < len(decomposed) && decomposed[i] >= '0' && decomposed[i] <= '9' {
				i++
			}
			digits := strings.TrimLeft(decomposed[start:i], "0")
			key = append(append(key, number, byte(min(len(digits), 255))), digits...)
		case unicode.IsLetter(r):
			letter := unicode.ToLower(r)
			for i < len(decomposed) {
				mark, n := utf8.DecodeRuneInString(decomposed[i:])
				if !unicode.Is(unicode.Mn, mark) {
					break
				}
				i += n
				if t := strings.IndexRune(tones, mark); t >= 0 {
					tone = byte(t/2 + 1) // each is two bytes
					continue
				}
				letter, _ = utf8.DecodeRuneInString(norm.NFC.String(string(letter) + string(mark)))
			}
			open = true
			if at := rank(letter); at >= 0 {
				key = append(key, firstLetter+byte(at))
			} else {
				key = append(append(key, otherLetter), string(letter)...)
			}
		default:
			end()
		}
	}
	end()
	text.WriteString(norm.NFC.String(s))
	return append(append(key, endOfText), text.String()...)
}

// rank is a letter's place in the alphabet, or -1.
func rank(letter rune) int {
	n := 0
	for _, r := range alphabet {
		if r == letter {
			return n
		}
		n++
	}
	return -1
}

// PersonSortKey is the SortKey of a person's name, by which lists of people are sorted: by the given name, which is the last word, then by
// the rest.
func PersonSortKey(name string) []byte {
	words := strings.Fields(name)
	if len(words) < 2 {
		return SortKey(name)
	}
	last := len(words) - 1
	return SortKey(words[last] + " " + strings.Join(words[:last], " "))
}

// Fold returns what a search without accents compares: "Lò Thị Ánh" is "lo thi anh", "Đào" is "dao", "H’Mông" is "hmong".
func Fold(s string) string {
	var b strings.Builder
	blank := true // so that none begins the text
	for _, r := range norm.NFD.String(strings.ToLower(norm.NFC.String(strings.Map(lookAlike, s)))) {
		switch {
		case r == '\'' || r == '’' || r == 'ʼ' || r == '`' || isVietnameseMark(r):
			continue
		case r == 'đ':
			r = 'd'
		case unicode.IsSpace(r) || r == '.' || r == ',' || r == '-':
			if !blank {
				b.WriteByte(' ')
			}
			blank = true
			continue
		}
		blank = false
		b.WriteRune(r)
	}
	return norm.NFC.String(strings.TrimSuffix(b.String(), " "))
}

func isVietnameseMark(r rune) bool {
	switch r {
	case '\u0300', '\u0301', '\u0303', '\u0309', '\u0323', '\u0306', '\u0302', '\u031b':
		return true
	}
	return false
}

// lookAlike replaces what looks like a Vietnamese letter and is another, and drops what cannot be seen.
func lookAlike(r rune) rune {
	switch r {
	case 'ð':
		return 'đ'
	case 'Ð', 'Ɖ':
		return 'Đ'
	case '\u0340':
		return '\u0300'
	case '\u0341':
		return '\u0301'
	case '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u00ad':
		return -1
	case '\u00a0', '\u202f':
		return ' '
	}
	return r
}
