package cli

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// A dateFlag takes a date: YYYY-MM-DD, and in Vietnamese also day/month/year.
type dateFlag struct {
	vietnamese bool
	given      bool
	date       domain.Date
}

func (d *dateFlag) String() string {
	if !d.given {
		return ""
	}
	return d.date.String()
}

func (*dateFlag) Type() string { return "date" }

func (d *dateFlag) Set(s string) error {
	date, ok := parseDate(s, d.vietnamese)
	if !ok {
		return usage("date", "value", s)
	}
	d.date, d.given = date, true
	return nil
}

// pointer returns the date, or nil when none was given.
func (d *dateFlag) pointer() *domain.Date {
	if !d.given {
		return nil
	}
	return &d.date
}

// parseDate reads YYYY-MM-DD and, in Vietnamese, dd/mm/yyyy, d/m/yyyy and the same with '-' or '.'. The month never comes first.
func parseDate(s string, vietnamese bool) (domain.Date, bool) {
	if d, err := domain.ParseDate(s); err == nil {
		return d, true
	}
	if !vietnamese {
		return 0, false
	}
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '/' || r == '-' || r == '.' })
	if len(parts) != 3 || len(parts[0]) > 2 || len(parts[1]) > 2 || len(parts[2]) != 4 || len(s) != len(parts[0])+len(parts[1])+6 {
		return 0, false
	}
	n := [3]int{}
	for i, part := range parts {
		v, err := strconv.ParseUint(part, 10, 16)
		if err != nil {
			return 0, false
		}
		n[i] = int(v)
	}
	d, err := domain.ParseDate(fmt.Sprintf("%04d-%02d-%02d", n[2], n[1], n[0]))
	return d, err == nil
}

// parseID reads a UUID that was given for a flag or argument.
func parseID(name, s string) (uuid.UUID, error) {
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 || id == uuid.Nil {
		return uuid.Nil, usage("not_id", "name", name, "value", s)
	}
	return id, nil
}

// A form reads what people type for amounts, quantities and IDs. It keeps the first thing that is wrong.
type form struct {
	p        *program
	c        *command // whose flags it reads
	currency money.Currency
	personal []byte                                   // RFC 8785 JSON of a person's private document
	present  func(person uuid.UUID) (Personal, error) // the document that a person has now
	places   []place                                  // of each line, recipient or payment, in order
	err      error
}

func (f *form) fail(err error) {
	if f.err == nil {
		f.err = err
	}
}

// amount reads an amount of money as people of the language write it; none is "".
func (f *form) amount(flag, s string) money.Decimal { return f.number(flag, s, f.currency) }

// quantity reads a quantity of goods or labour.
func (f *form) quantity(flag, s string) money.Decimal {
	return f.number(flag, s, money.Currency{Decimals: money.QuantityDecimals})
}

// of reads an amount of money or a quantity of goods, as the asset asks for.
func (f *form) of(asset domain.Asset, flag, s string) (amount, quantity money.Decimal) {
	if asset.IsGoods() {
		return "", f.quantity(flag, s)
	}
	return f.amount(flag, s), ""
}

func (f *form) number(flag, s string, currency money.Currency) money.Decimal {
	if s == "" {
		return ""
	}
	d, err := money.ParseLocal(s, f.p.locale(), currency)
	switch {
	case err == money.ErrAmbiguous:
		f.fail(usage("amount_ambiguous", "name", flag, "value", s))
	case err != nil:
		f.fail(usage("amount", "name", flag, "value", s))
	}
	return d
}

// id reads a UUID; none is the zero one.
func (f *form) id(name, s string) uuid.UUID {
	if s == "" {
		return uuid.Nil
	}
	id, err := parseID(f.p.named(name), s)
	if err != nil {
		f.fail(err)
	}
	return id
}

// cutLast splits NAME=VALUE at the last '='.
func cutLast(s string) (name, value string, ok bool) {
	i := strings.LastIndexByte(s, '=')
	if i < 0 {
		return s, "", false
	}
	return strings.TrimSpace(s[:i]), strings.TrimSpace(s[i+1:]), true
}

// lines are the flags of what comes in: money, goods and labour.
type lines struct {
	cash, bank    string
	goods, labour []string
	valuedBy      string
}

func (c *command) lines(l *lines, labour bool) *command {
	c.text(&l.cash, "cash").text(&l.bank, "bank").texts(&l.goods, "goods")
	if labour {
		c.texts(&l.labour, "labour")
	}
	return c.text(&l.valuedBy, "valued-by")
}

// lines reads the flags, in the order money, goods, labour.
func (f *form) lines(l *lines) []domain.LineInput {
	var list []domain.LineInput
	for _, m := range []struct {
		asset domain.Asset
		value string
	}{{domain.Cash, l.cash}, {domain.Bank, l.bank}} {
		if m.value != "" {
			list = append(list, domain.LineInput{Asset: m.asset, Amount: f.amount("--"+string(m.asset), m.value)})
			f.places = append(f.places, place{flag: "--" + string(m.asset)})
		}
	}
	for _, s := range l.goods {
		item, rest, ok := strings.Cut(s, "=")
		if !ok {
			f.fail(usage("goods", "value", s))
			continue
		}
		line := f.inKind("--goods", s, rest)
		line.Asset, line.ValuedBy = domain.Goods(strings.TrimSpace(item)), l.valuedBy
		list = append(list, line)
		f.places = append(f.places, place{flag: "--goods", value: s})
	}
	for _, s := range l.labour {
		line := f.inKind("--labour", s, s)
		line.Asset, line.ValuedBy = domain.Labour, l.valuedBy
		list = append(list, line)
		f.places = append(f.places, place{flag: "--labour", value: s})
	}
	if len(list) == 0 {
		f.fail(usage("no_lines"))
	}
	return list
}

// inKind reads "200 quyển=1.400.000": quantity, measure, value.
func (f *form) inKind(flag, whole, s string) domain.LineInput {
	counted, value, ok := cutLast(s)
	n := strings.IndexFunc(counted, func(r rune) bool { return !strings.ContainsRune("0123456789., \u00a0", r) })
	if !ok || n <= 0 {
		f.fail(usage(strings.TrimPrefix(flag, "--"), "value", whole))
		return domain.LineInput{}
	}
	return domain.LineInput{
		Amount:   f.amount(flag, value),
		Quantity: f.quantity(flag, strings.TrimSpace(counted[:n])),
		Measure:  strings.TrimSpace(counted[n:]),
	}
}

// today is the date in a time zone.
func (p *program) today(zone string) domain.Date {
	now := p.now()
	if l, err := time.LoadLocation(zone); err == nil {
		now = now.In(l)
	}
	y, m, d := now.Date()
	return domain.NewDate(y, m, d)
}
