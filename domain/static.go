package domain

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/soquy/soquy/domain/money"
)

// Limits of texts in characters, and of lists in elements.
const (
	MaxName       = 300
	MaxText       = 500
	MaxRemark     = 2_000
	MaxLines      = 50
	MaxRecipients = 50_000
	MaxGrants     = 50_000
)

// static checks what needs no book. Pointers are RFC 6901, into the command's line.
type static struct{ checks }

func (s *static) malformed(pointer, problem string) {
	s.refuse(CommandMalformed, pointer, problem)
}

// CheckText reports why a text may not be recorded: control characters, invalid UTF-8, or more than limit characters.
// The error is a *Refusal.
func CheckText(pointer, v string, limit int) error {
	var s static
	s.limited(pointer, v, limit)
	return s.err()
}

func (s *static) limited(pointer, v string, limit int) {
	if !utf8.ValidString(v) {
		s.refuse(TextInvalid, pointer)
		return
	}
	for _, r := range v {
		if unicode.IsControl(r) || isDirection(r) {
			s.refuse(TextInvalid, pointer)
			return
		}
	}
	if v != "" && strings.TrimSpace(v) == "" {
		s.malformed(pointer, "empty")
	}
	if len(v) > limit {
		if n := utf8.RuneCountInString(v); n > limit {
			s.refuse(TextTooLong, pointer, strconv.Itoa(limit), strconv.Itoa(n))
		}
	}
}

// isDirection reports whether a character turns the direction of what follows, so that a text would be read otherwise than it is.
func isDirection(r rune) bool {
	return r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// name checks a required name.
func (s *static) name(pointer, v string) {
	if v == "" {
		s.malformed(pointer, "required")
	}
	s.limited(pointer, v, MaxName)
}

// text checks an optional text.
func (s *static) text(pointer, v string) { s.limited(pointer, v, MaxText) }

func (s *static) code(pointer, v string) {
	switch {
	case v == "":
		s.malformed(pointer, "required")
	case !ValidCode(v):
		s.malformed(pointer, "bad code")
	}
}

func (s *static) optionalCode(pointer, v string) {
	if v != "" {
		s.code(pointer, v)
	}
}

func oneOf[T ~string](s *static, pointer string, v T, set []T, required bool) {
	if v == "" && !required {
		return
	}
	for _, known := range set {
		if v == known {
			return
		}
	}
	if v == "" {
		s.malformed(pointer, "required")
		return
	}
	s.malformed(pointer, "unknown value")
}

func (s *static) number(pointer string, v money.Decimal, required bool) {
	switch {
	case v == "":
		if required {
			s.malformed(pointer, "required")
		}
	case !v.Valid():
		s.malformed(pointer, "bad number")
	}
}

// count checks the length of a list that must not be empty.
func (s *static) count(pointer string, n, limit int) {
	if n == 0 {
		s.malformed(pointer, "empty list")
	}
	if n > limit {
		s.refuse(ListTooLong, pointer, strconv.Itoa(limit), strconv.Itoa(n))
	}
}

// outlay checks the asset, amount and quantity of what leaves or moves: an amount for money, a quantity for goods.
func (s *static) outlay(asset Asset, amount, quantity money.Decimal) {
	if !asset.validHolding() {
		s.malformed("/data/asset", "unknown asset")
		return
	}
	s.assetNumbers("/data", asset, amount, quantity)
}

func (s *static) assetNumbers(pointer string, asset Asset, amount, quantity money.Decimal) {
	if asset.IsMoney() {
		s.number(pointer+"/amount", amount, true)
		if quantity != "" {
			s.malformed(pointer+"/quantity", "money has no quantity")
		}
		return
	}
	s.number(pointer+"/quantity", quantity, false)
	if amount != "" {
		s.malformed(pointer+"/amount", "goods leave by quantity")
	}
}

// index appends "/i" to a pointer; lists are long, so it is called only for what it is needed for.
func index(pointer string, i int) string { return pointer + "/" + strconv.Itoa(i) }
