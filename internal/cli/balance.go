package cli

import (
	"context"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

type balancesJSON struct {
	headJSON
	AsOf     *string       `json:"as_of"`
	Balances []balanceJSON `json:"balances"`
}

type balanceJSON struct {
	Fund               string `json:"fund"`
	Unit               string `json:"unit"`
	Asset              string `json:"asset"`
	Currency           string `json:"currency"`
	Posted             string `json:"posted"`
	Encumbered         string `json:"encumbered"`
	Available          string `json:"available"`
	Measure            string `json:"measure"`
	Quantity           string `json:"quantity"`
	QuantityEncumbered string `json:"quantity_encumbered"`
}

func (p *program) balanceCommand() *command {
	var (
		fund, unit string
		asOf       dateFlag
		at         knownFlag
	)
	c := p.command("balance", "balance").code(&fund, "fund", funds).code(&unit, "unit", units).date(&asOf, "as-of").knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		q := projections.BalanceQuery{Funds: list(fund), Units: list(unit), AsOf: asOf.pointer()}
		return p.readAt(ctx, at.KnownAt, func(v View) error {
			if err := known(ctx, v, "fund", q.Funds); err != nil {
				return err
			}
			if err := known(ctx, v, "unit", q.Units); err != nil {
				return err
			}
			rows, err := v.Balances(ctx, q)
			if err != nil {
				return err
			}
			if p.json {
				return p.balanceJSON(v.Head(), q.AsOf, rows)
			}
			p.balanceTable(v.Head(), q.AsOf, rows)
			return nil
		})
	})
}

func (p *program) balanceJSON(h Head, asOf *domain.Date, rows []projections.BalanceRow) error {
	answer := balancesJSON{headJSON: newHeadJSON(h), AsOf: dateJSON(asOf), Balances: make([]balanceJSON, len(rows))}
	for i := range rows {
		answer.Balances[i] = newBalanceJSON(&rows[i], h.Currency)
	}
	return p.encode(answer)
}

func newBalanceJSON(b *projections.BalanceRow, c money.Currency) balanceJSON {
	d := c.Decimals
	return balanceJSON{
		Fund: b.Fund, Unit: b.Unit, Asset: string(b.Asset), Currency: c.Code,
		Posted: money.Format(b.Posted, d), Encumbered: money.Format(b.Encumbered, d), Available: money.Format(b.Available(), d),
		Measure: b.Measure, Quantity: money.FormatQuantity(b.Quantity), QuantityEncumbered: money.FormatQuantity(b.QuantityEncumbered),
	}
}

func (p *program) balanceTable(h Head, asOf *domain.Date, rows []projections.BalanceRow) {
	title := p.t("balance.title")
	if asOf != nil {
		title = p.t("balance.as_of", "day", p.date(*asOf))
	}
	p.printf("%s\n\n", title)
	t := p.table("fund", "unit", "asset", "quantity>", "measure", "posted>", "encumbered>", "available>")
	var sum domain.Balance
	for i := range rows {
		b := &rows[i]
		quantity := ""
		if b.Asset.IsGoods() {
			quantity = money.FormatQuantityLocal(b.AvailableQuantity(), p.locale())
		}
		t.row(b.Fund, b.Unit, p.cat.Asset(string(b.Asset)), quantity, b.Measure,
			p.amount(b.Posted, h.Currency), p.amount(b.Encumbered, h.Currency), p.amount(b.Available(), h.Currency))
		sum.Posted += b.Posted
		sum.Encumbered += b.Encumbered
	}
	if len(rows) > 1 {
		t.footer(p.t("table.total"), "", "", "", "",
			p.amount(sum.Posted, h.Currency), p.amount(sum.Encumbered, h.Currency), p.amount(sum.Available(), h.Currency))
	}
	t.print()
	p.tail(h)
}
