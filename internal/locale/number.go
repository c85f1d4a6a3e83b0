package locale

import (
	"strings"
	"time"
)

// noBreak keeps an amount and its currency on one line.
const noBreak = "\u00a0"

// Instant writes an instant of RFC 3339 to the second, with its offset from UTC; what is none stays as it is.
func (c *Catalogue) Instant(s string) string {
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return s
	}
	if c.Language == English {
		return t.Format("2006-01-02 15:04:05 (UTC-07:00)")
	}
	return t.Format("15:04:05") + " ngày " + t.Format("02/01/2006") + " (UTC" + t.Format("-07:00") + ")"
}

// Number writes a canonical decimal ("-1234567.5") as people of the language write it: 1.234.567,5 in Vietnamese, 1,234,567.5 in
// English. What is not such a decimal is returned as it is.
func (c *Catalogue) Number(s string) string {
	group, point := ".", ","
	if c.Language == English {
		group, point = ",", "."
	}
	rest, negative := strings.CutPrefix(s, "-")
	whole, fraction, hasFraction := strings.Cut(rest, ".")
	if whole == "" || strings.Trim(whole+fraction, "0123456789") != "" {
		return s
	}
	var b strings.Builder
	if negative {
		b.WriteByte('-')
	}
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteString(group)
		}
		b.WriteByte(whole[i])
	}
	if hasFraction {
		b.WriteString(point + fraction)
	}
	return b.String()
}

// Amount writes a canonical decimal with the catalogue's currency: 1.234.567 ₫ or 1,234,567 VND.
func (c *Catalogue) Amount(s string) string {
	n := c.Number(s)
	switch {
	case c.Currency == "":
		return n
	case c.Currency == "VND" && c.Language != English:
		return n + noBreak + "₫"
	}
	return n + noBreak + c.Currency
}

// Date writes a date YYYY-MM-DD as people of the language write it: dd/mm/yyyy in Vietnamese, as it is in English.
func (c *Catalogue) Date(s string) string {
	if c.Language == English || len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return s
	}
	return s[8:] + "/" + s[5:7] + "/" + s[:4]
}
