package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/locale"
	"github.com/soquy/soquy/internal/report"
	"github.com/soquy/soquy/internal/report/chart"
)

type cashBookJSON struct {
	headJSON
	Unit     string        `json:"unit"`
	Month    string        `json:"month"`
	Asset    string        `json:"asset"`
	Funds    []string      `json:"funds"`
	Profile  string        `json:"profile"`
	Form     string        `json:"form"`
	Number   string        `json:"number"`
	Currency string        `json:"currency"`
	Opening  string        `json:"opening"`
	Rows     []cashRowJSON `json:"rows"`
	In       string        `json:"in"`
	Out      string        `json:"out"`
	YearIn   string        `json:"year_in"`
	YearOut  string        `json:"year_out"`
	Closing  string        `json:"closing"`
}

type cashRowJSON struct {
	RecordedAt  string   `json:"recorded_at"`
	EffectiveOn string   `json:"effective_on"`
	Receipt     string   `json:"receipt"`
	Payment     string   `json:"payment"`
	Description string   `json:"description"`
	In          string   `json:"in"`
	Out         string   `json:"out"`
	Balance     string   `json:"balance"`
	Events      []string `json:"events"`
}

// A monthFlag takes a month: YYYY-MM, and in Vietnamese also month/year.
type monthFlag struct {
	vietnamese bool
	first      domain.Date
	given      bool
}

func (m *monthFlag) String() string {
	if !m.given {
		return ""
	}
	return m.first.String()[:7]
}

func (*monthFlag) Type() string { return "month" }

func (m *monthFlag) Set(s string) error {
	text := s
	if month, year, ok := strings.Cut(s, "/"); ok && m.vietnamese {
		n, err := strconv.ParseUint(month, 10, 8)
		if err != nil || len(month) > 2 {
			return usage("month", "value", s)
		}
		text = fmt.Sprintf("%s-%02d", year, n)
	}
	d, err := domain.ParseDate(text + "-01")
	if err != nil || len(text) != len("2017-03") {
		return usage("month", "value", s)
	}
	m.first, m.given = d, true
	return nil
}

// A cashBookPage is a cash book with what stands above it.
type cashBookPage struct {
	report.CashBook
	unit, unitName string
	funds          []string
	fundNames      map[string]string
	form, number   string
	profile        string
}

func (p *program) cashBookCommand() *command {
	var (
		fund, unit string
		month      monthFlag
		bank       bool
		at         knownFlag
		o          official
	)
	c := p.command("cash-book", "cash-book").code(&unit, "unit", units)
	month.vietnamese = c.p.cat.Language == locale.Vietnamese
	c.Flags().Var(&month, "month", c.usageOf("month"))
	c.completes("month", nil)
	c.needs("unit", "month").code(&fund, "fund", funds).yes(&bank, "bank").knownAt(&at).official(&o)
	return c.runs(func(ctx context.Context, _ []string) error {
		if err := o.open(p); err != nil {
			return err
		}
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		b := cashBookPage{CashBook: report.CashBook{Month: month.first, Asset: domain.Cash}, unit: unit, fundNames: map[string]string{}, profile: o.profile}
		if bank {
			b.Asset = domain.Bank
		}
		end := b.End()
		b.number = o.number(domain.AssetAccount(b.Asset), end)
		if !bank {
			b.form = o.number(chart.CashBookForm, end)
		}
		head, only, none, err := p.bookOf(ctx, r, at.KnownAt, list(fund), []string{unit}, &end, "")
		if err != nil {
			return err
		}
		if !none {
			b.funds = only
			if err := p.postings(ctx, r, head.Position, only, b.Add); err != nil {
				return err
			}
		}
		b.Close()
		if p.json {
			return p.cashBookJSON(head, &b)
		}
		err = r.View(ctx, func(v View) error { return p.namesOf(ctx, v, &b) })
		if err != nil {
			return err
		}
		p.cashBookTable(head, &b)
		return nil
	})
}

func (p *program) namesOf(ctx context.Context, v View, b *cashBookPage) error {
	list, err := v.Units(ctx)
	if err != nil {
		return err
	}
	for i := range list {
		if list[i].Code == b.unit {
			b.unitName = p.name(list[i].Name, list[i].NameEN)
		}
	}
	rows, err := v.Funds(ctx)
	for i := range rows {
		b.fundNames[rows[i].Code] = p.name(rows[i].Name, rows[i].NameEN)
	}
	return err
}

// describe says in words what a line of a cash book was.
func (p *program) describe(r *report.CashRow) string {
	what := p.cat.Term("event", r.Body.Type())
	detail := ""
	switch b := r.Body.(type) {
	case *domain.DonationReceived:
		detail = b.Donor
	case *domain.GrantDisbursed:
		detail = p.cat.Term("measure", string(b.Kind))
	case *domain.GrantReturned:
		detail = p.cat.Term("measure", string(b.Kind))
	case *domain.ExpenseRecorded:
		detail = p.cat.Term("expense", b.Purpose)
		if b.Payee != nil && b.Payee.Organisation != "" {
			detail += ", " + b.Payee.Organisation
		}
	case *domain.FundsTransferred:
		detail = b.From + " → " + b.To
	}
	if detail != "" {
		what += ": " + detail
	}
	if len(r.Events) > 1 {
		what += " (" + p.cat.Count("cash_book.entries", int64(len(r.Events))) + ")"
	}
	if r.Reversal {
		what = p.cat.Term("event", "entry.reversed") + ": " + what
	}
	return upperFirst(what)
}

// upperFirst makes the first letter a capital.
func upperFirst(s string) string {
	for i := range s {
		if i > 0 {
			return strings.ToUpper(s[:i]) + s[i:]
		}
	}
	return strings.ToUpper(s)
}

func (p *program) cashBookJSON(h Head, b *cashBookPage) error {
	d := h.Currency.Decimals
	amount := func(v int64) string { return money.Format(v, d) }
	answer := cashBookJSON{
		headJSON: newHeadJSON(h), Unit: b.unit, Month: b.Month.String()[:7], Asset: string(b.Asset), Funds: append([]string{}, b.funds...),
		Profile: b.profile, Form: b.form, Number: b.number, Currency: h.Currency.Code,
		Opening: amount(b.Opening), Rows: make([]cashRowJSON, len(b.Rows)), In: amount(b.In), Out: amount(b.Out),
		YearIn: amount(b.YearIn), YearOut: amount(b.YearOut), Closing: amount(b.Closing),
	}
	for i := range b.Rows {
		r := &b.Rows[i]
		answer.Rows[i] = cashRowJSON{
			RecordedAt: instantText(r.RecordedAt), EffectiveOn: r.On.String(), Receipt: r.Receipt, Payment: r.Payment,
			Description: p.describe(r), In: amount(r.In), Out: amount(r.Out), Balance: amount(r.Balance), Events: ids(r.Events),
		}
	}
	return p.encode(answer)
}

func (p *program) cashBookTable(h Head, b *cashBookPage) {
	title := "cash_book.title"
	if b.Asset == domain.Bank {
		title = "cash_book.title_bank"
	}
	p.printf("%s\n", p.t("cash_book.unit", "unit", strings.TrimSpace(b.unit+" "+b.unitName)))
	if b.form != "" {
		p.printf("%s\n", p.t("cash_book.form", "form", b.form))
	}
	y, m, _ := b.Month.Time().Date()
	p.printf("\n%s\n", p.t(title))
	p.printf("%s\n", p.t("cash_book.month", "month", fmt.Sprintf("%02d/%d", m, y)))
	var names []string
	for _, fund := range b.funds {
		names = append(names, strings.TrimSpace(fund+" "+b.fundNames[fund]))
	}
	p.printf("%s\n", p.t("cash_book.funds", "funds", strings.Join(names, "; ")))
	if b.number != "" {
		p.printf("%s\n", p.t("cash_book.account", "number", b.number))
	}
	p.printf("\n")
	t := p.table("booked_on", "voucher_on", "receipt", "payment", "description", "in>", "out>", "left>")
	t.row("", "", "", "", p.t("cash_book.opening"), "", "", p.amount(b.Opening, h.Currency))
	for i := range b.Rows {
		r := &b.Rows[i]
		t.row(p.date(h.Day(r.RecordedAt)), p.date(r.On), r.Receipt, r.Payment, p.describe(r),
			p.side(r.In, h.Currency), p.side(r.Out, h.Currency), p.amount(r.Balance, h.Currency))
	}
	t.footer("", "", "", "", p.t("cash_book.sum"), p.amount(b.In, h.Currency), p.amount(b.Out, h.Currency), "")
	t.footer("", "", "", "", p.t("cash_book.year"), p.amount(b.YearIn, h.Currency), p.amount(b.YearOut, h.Currency), "")
	t.footer("", "", "", "", p.t("cash_book.closing"), "", "", p.amount(b.Closing, h.Currency))
	t.print()
	p.printf("\n%s\n", p.t("cash_book.signatures"))
	p.tail(h)
}
