package cli

import (
	"context"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/report"
)

type trialJSON struct {
	headJSON
	AsOf     *string        `json:"as_of"`
	Profile  string         `json:"profile"`
	Currency string         `json:"currency"`
	Rows     []trialRowJSON `json:"rows"`
	Debit    string         `json:"debit"`
	Credit   string         `json:"credit"`
}

type trialRowJSON struct {
	Account string `json:"account"`
	Number  string `json:"number"`
	Debit   string `json:"debit"`
	Credit  string `json:"credit"`
	Balance string `json:"balance"`
}

func (p *program) trialBalanceCommand() *command {
	var (
		fund, unit string
		asOf       dateFlag
		at         knownFlag
		o          official
	)
	c := p.command("trial-balance", "trial-balance").code(&fund, "fund", funds).code(&unit, "unit", units).date(&asOf, "as-of").knownAt(&at).official(&o)
	return c.runs(func(ctx context.Context, _ []string) error {
		if err := o.open(p); err != nil {
			return err
		}
		q := report.TrialQuery{Funds: list(fund), Units: list(unit), AsOf: asOf.pointer()}
		return p.readAt(ctx, at.KnownAt, func(v View) error {
			if err := known(ctx, v, "fund", q.Funds); err != nil {
				return err
			}
			if err := known(ctx, v, "unit", q.Units); err != nil {
				return err
			}
			rows, err := report.TrialBalance(ctx, v, q)
			if err != nil {
				return err
			}
			on := domain.DateOf(p.now())
			if q.AsOf != nil {
				on = *q.AsOf
			}
			if p.json {
				return p.trialJSON(v.Head(), q.AsOf, rows, &o, on)
			}
			p.trialTable(v.Head(), q.AsOf, rows, &o, on)
			return nil
		})
	})
}

func (p *program) trialJSON(h Head, asOf *domain.Date, rows []report.AccountRow, o *official, on domain.Date) error {
	d := h.Currency.Decimals
	answer := trialJSON{
		headJSON: newHeadJSON(h), AsOf: dateJSON(asOf), Profile: o.profile, Currency: h.Currency.Code, Rows: make([]trialRowJSON, len(rows)),
	}
	var debit, credit int64
	for i := range rows {
		r := &rows[i]
		answer.Rows[i] = trialRowJSON{
			r.Account, o.number(r.Account, on), money.Format(r.Debit(), d), money.Format(r.Credit(), d), money.Format(r.Balance, d),
		}
		debit, credit = debit+r.Debit(), credit+r.Credit()
	}
	answer.Debit, answer.Credit = money.Format(debit, d), money.Format(credit, d)
	return p.encode(answer)
}

func (p *program) trialTable(h Head, asOf *domain.Date, rows []report.AccountRow, o *official, on domain.Date) {
	title := p.t("trial.title")
	if asOf != nil {
		title = p.t("trial.as_of", "day", p.date(*asOf))
	}
	p.printf("%s\n\n", title)
	columns := []string{"account", "name"}
	if o.profile != "" {
		columns = append(columns, "official")
	}
	t := p.table(append(columns, "debit>", "credit>")...)
	line := func(account, name, number, debit, credit string) []string {
		if o.profile == "" {
			return []string{account, name, debit, credit}
		}
		return []string{account, name, number, debit, credit}
	}
	var debit, credit int64
	for i := range rows {
		r := &rows[i]
		t.row(line(r.Account, p.accountName(r.Account), p.official(o, r.Account, on), p.side(r.Debit(), h.Currency), p.side(r.Credit(), h.Currency))...)
		debit, credit = debit+r.Debit(), credit+r.Credit()
	}
	if len(rows) > 0 {
		t.footer(line(p.t("table.total"), "", "", p.amount(debit, h.Currency), p.amount(credit, h.Currency))...)
	}
	t.print()
	p.tail(h)
}

// side writes an amount in a column that stays empty where there is nothing.
func (p *program) side(v int64, c money.Currency) string {
	if v == 0 {
		return ""
	}
	return p.amount(v, c)
}
