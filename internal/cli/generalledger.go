package cli

import (
	"context"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/report"
)

type ledgerJSON struct {
	headJSON
	Account  string          `json:"account"`
	From     *string         `json:"from"`
	To       *string         `json:"to"`
	Profile  string          `json:"profile"`
	Currency string          `json:"currency"`
	Opening  string          `json:"opening"`
	Rows     []ledgerRowJSON `json:"rows"`
	Debit    string          `json:"debit"`
	Credit   string          `json:"credit"`
	Closing  string          `json:"closing"`
}

type ledgerRowJSON struct {
	Position    int64    `json:"position"`
	Event       string   `json:"event"`
	EffectiveOn string   `json:"effective_on"`
	Type        string   `json:"type"`
	Reverses    int64    `json:"reverses"`
	Vouchers    []string `json:"vouchers"`
	Account     string   `json:"account"`
	Number      string   `json:"number"`
	Unit        string   `json:"unit"`
	Fund        string   `json:"fund"`
	Debit       string   `json:"debit"`
	Credit      string   `json:"credit"`
	Quantity    string   `json:"quantity"`
	Balance     string   `json:"balance"`
}

func (p *program) ledgerCommand() *command {
	var (
		account, fund, unit string
		from, to            dateFlag
		at                  knownFlag
		o                   official
	)
	c := p.command("ledger", "ledger").code(&account, "account", accounts).needs("account")
	c.date(&from, "from").date(&to, "to").code(&fund, "fund", funds).code(&unit, "unit", units).knownAt(&at).official(&o)
	return c.runs(func(ctx context.Context, _ []string) error {
		if err := o.open(p); err != nil {
			return err
		}
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		page := report.GeneralLedger{LedgerQuery: report.LedgerQuery{Account: account, From: from.pointer(), To: to.pointer()}}
		head, only, none, err := p.bookOf(ctx, r, at.KnownAt, list(fund), list(unit), to.pointer(), account)
		if err != nil {
			return err
		}
		if !none {
			if err := p.postings(ctx, r, head.Position, only, page.Add); err != nil {
				return err
			}
		}
		page.Close()
		if p.json {
			return p.ledgerJSON(head, &page, &o)
		}
		p.ledgerTable(head, &page, &o)
		return nil
	})
}

// bookOf returns where the ledger ended at a moment, and the funds that are asked for: nil for all, or none at all. account is checked when there
// is one.
func (p *program) bookOf(ctx context.Context, r Reader, at KnownAt, codes, unitCodes []string, on *domain.Date, account string) (h Head, only []string, none bool, err error) {
	err = r.ViewAt(ctx, at, func(v View) error {
		h = v.Head()
		if err := known(ctx, v, "fund", codes); err != nil {
			return err
		}
		if err := known(ctx, v, "unit", unitCodes); err != nil {
			return err
		}
		if account != "" {
			if err := knownAccount(ctx, v, account); err != nil {
				return err
			}
		}
		only, none, err = report.FundsOf(ctx, v, codes, unitCodes, on)
		return err
	})
	p.cat, p.past = p.cat.In(h.Currency.Code), !at.Now()
	return h, only, none, err
}

func (p *program) ledgerJSON(h Head, l *report.GeneralLedger, o *official) error {
	d := h.Currency.Decimals
	answer := ledgerJSON{
		headJSON: newHeadJSON(h), Account: l.Account, From: dateJSON(l.From), To: dateJSON(l.To), Profile: o.profile, Currency: h.Currency.Code,
		Opening: money.Format(l.Opening, d), Rows: make([]ledgerRowJSON, len(l.Rows)),
		Debit: money.Format(l.Debit, d), Credit: money.Format(l.Credit, d), Closing: money.Format(l.Closing, d),
	}
	for i := range l.Rows {
		r := &l.Rows[i]
		answer.Rows[i] = ledgerRowJSON{
			Position: r.Position, Event: r.Event.String(), EffectiveOn: r.On.String(), Type: r.Type, Reverses: r.Reverses,
			Vouchers: append([]string{}, r.Vouchers...), Account: r.Account, Number: o.number(r.Account, r.On), Unit: r.Unit, Fund: r.Fund,
			Debit: money.Format(max(r.Amount, 0), d), Credit: money.Format(max(-r.Amount, 0), d),
			Quantity: money.FormatQuantity(r.Quantity), Balance: money.Format(r.Balance, d),
		}
	}
	return p.encode(answer)
}

func (p *program) ledgerTable(h Head, l *report.GeneralLedger, o *official) {
	p.printf("%s\n%s\n\n", p.t("ledger.title", "account", l.Account, "name", p.accountName(l.Account)), p.rangeTitle("ledger.range", l.From, l.To))
	columns := []string{"effective_on", "position>", "voucher", "event", "account", "fund"}
	if o.profile != "" {
		columns = append(columns, "official")
	}
	t := p.table(append(columns, "debit>", "credit>", "left>")...)
	line := func(first [6]string, number, debit, credit, balance string) []string {
		out := first[:]
		if o.profile != "" {
			out = append(out, number)
		}
		return append(out, debit, credit, balance)
	}
	t.row(line([6]string{"", "", "", p.t("ledger.opening")}, "", "", "", p.amount(l.Opening, h.Currency))...)
	for i := range l.Rows {
		r := &l.Rows[i]
		what := p.cat.Term("event", r.Type)
		if r.Reverses != 0 {
			what += " " + p.count(r.Reverses)
		}
		t.row(line([6]string{p.date(r.On), p.count(r.Position), strings.Join(r.Vouchers, ", "), what, r.Account, r.Fund},
			p.official(o, r.Account, r.On), p.side(max(r.Amount, 0), h.Currency), p.side(max(-r.Amount, 0), h.Currency), p.amount(r.Balance, h.Currency))...)
	}
	t.footer(line([6]string{p.t("table.total")}, "", p.amount(l.Debit, h.Currency), p.amount(l.Credit, h.Currency), p.amount(l.Closing, h.Currency))...)
	t.print()
	p.tail(h)
}
