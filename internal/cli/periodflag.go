package cli

import (
	"strconv"
	"strings"
	"time"

	"github.com/soquy/soquy/domain"
)

// A spanFlag takes a year (2026) or a half-year (2026-1 or 1/2026).
type spanFlag struct {
	half        bool
	text        string
	first, last domain.Date
}

func (s *spanFlag) String() string { return s.text }

func (s *spanFlag) Type() string {
	if s.half {
		return "half"
	}
	return "year"
}

func (s *spanFlag) Set(text string) error {
	year, part := text, ""
	if s.half {
		var ok bool
		if year, part, ok = strings.Cut(text, "-"); !ok {
			part, year, _ = strings.Cut(text, "/")
		}
	}
	n, err := strconv.ParseUint(year, 10, 16)
	if err != nil || len(year) != 4 || n == 0 || s.half && part != "1" && part != "2" {
		return usage(s.Type(), "value", text)
	}
	y := int(n)
	s.text, s.first, s.last = text, domain.NewDate(y, time.January, 1), domain.NewDate(y, time.December, 31)
	switch part {
	case "1":
		s.last = domain.NewDate(y, time.June, 30)
	case "2":
		s.first = domain.NewDate(y, time.July, 1)
	}
	return nil
}

// A spanFlags names a year or a half-year.
type spanFlags struct{ year, half spanFlag }

func (c *command) span(dst *spanFlags) *command {
	dst.half.half = true
	for _, f := range []*spanFlag{&dst.year, &dst.half} {
		c.Flags().Var(f, f.Type(), c.usageOf(f.Type()))
		c.completes(f.Type(), nil)
	}
	return c
}

// one returns the one of the two that was given, or nil; both cannot be.
func (s *spanFlags) one() (f *spanFlag, both bool) {
	switch {
	case s.year.text != "" && s.half.text != "":
		return nil, true
	case s.year.text != "":
		return &s.year, false
	case s.half.text != "":
		return &s.half, false
	}
	return nil, false
}

// A periodEnd says through which day a period goes: a date, or a year or half-year that ends with it.
type periodEnd struct {
	date dateFlag
	spanFlags
}

func (c *command) periodEnd(dst *periodEnd) *command {
	return c.date(&dst.date, "through").span(&dst.spanFlags)
}

func (e *periodEnd) through() (domain.Date, error) {
	f, both := e.one()
	switch {
	case both || (f != nil) == e.date.given:
		return 0, usage("period_end")
	case f != nil:
		return f.last, nil
	}
	return e.date.date, nil
}
