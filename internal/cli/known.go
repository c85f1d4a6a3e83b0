package cli

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/locale"
)

// KnownAt is a moment of what a ledger knew: a position, an instant, or the end of a day in the ledger's time zone. The zero value is
// now.
type KnownAt struct {
	Position int64
	Instant  time.Time
	Day      *domain.Date
}

// Now reports whether the head is meant.
func (k KnownAt) Now() bool { return k == KnownAt{} }

// A knownFlag takes a KnownAt: a number is a position; a date or an RFC 3339 instant is a time of recording.
type knownFlag struct {
	KnownAt
	vietnamese bool
	text       string
}

func (k *knownFlag) String() string { return k.text }

func (*knownFlag) Type() string { return "moment" }

func (k *knownFlag) Set(s string) error {
	k.text, k.KnownAt = s, KnownAt{}
	if strings.Trim(s, "0123456789") == "" {
		position, err := strconv.ParseInt(s, 10, 64)
		if err != nil || position < 1 {
			return usage("known_at", "value", s)
		}
		k.Position = position
		return nil
	}
	if day, ok := parseDate(s, k.vietnamese); ok {
		k.Day = &day
		return nil
	}
	instant, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return usage("known_at", "value", s)
	}
	k.Instant = instant
	return nil
}

// knownAt adds the flag --known-at.
func (c *command) knownAt(dst *knownFlag) *command {
	const name = "known-at"
	dst.vietnamese = c.p.cat.Language == locale.Vietnamese
	c.Flags().Var(dst, name, c.usageOf(name))
	c.completes(name, nil)
	return c
}

// A knownsFlag takes two moments, one after the other.
type knownsFlag struct {
	knownFlag
	all []KnownAt
}

func (k *knownsFlag) Set(s string) error {
	if err := k.knownFlag.Set(s); err != nil {
		return err
	}
	k.all = append(k.all, k.KnownAt)
	return nil
}

// two returns the moments when they are two.
func (k *knownsFlag) two() ([2]KnownAt, error) {
	if len(k.all) != 2 {
		return [2]KnownAt{}, usage("known_at_two")
	}
	return [2]KnownAt(k.all), nil
}

// knownsAt adds the flag --known-at, to be given twice.
func (c *command) knownsAt(dst *knownsFlag) *command {
	const name = "known-at"
	dst.vietnamese = c.p.cat.Language == locale.Vietnamese
	c.Flags().Var(dst, name, c.usageOf(name))
	c.completes(name, nil)
	return c.needs(name)
}

// readAt opens the ledger and calls f with what it knew at a moment.
func (p *program) readAt(ctx context.Context, at KnownAt, f func(View) error) error {
	return p.readerAt(ctx, at, func(_ Reader, v View) error { return f(v) })
}
