package cli

import (
	"context"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

func (p *program) donorCommand() *command { return p.parent("donor", p.donorRegister(), p.donorList()) }

func (p *program) donorRegister() *command {
	var (
		d       domain.RegisterDonor
		kind    choice
		person  string
		publish bool
	)
	c := p.command("donor.register", "register [CODE]").takes(0, 1, nil)
	c.choice(&kind, "kind", domain.DonorKinds()).text(&d.Name, "name").text(&d.Address, "address")
	c.text(&person, "person").yes(&publish, "publish").needs("kind")
	return c.records(func(f *form, args []string) domain.CommandBody {
		if len(args) > 0 {
			d.Code = args[0]
		}
		d.Kind, d.Person = kind.value, f.id("--person", person)
		if publish {
			d.Publish = &publish
		}
		return &d
	})
}

type donorsJSON struct {
	headJSON
	From *string     `json:"from"`
	To   *string     `json:"to"`
	Rows []donorJSON `json:"rows"`
}

type donorJSON struct {
	Donor    string  `json:"donor"`
	Kind     string  `json:"kind"`
	Name     string  `json:"name"` // of an organisation
	Address  string  `json:"address"`
	Person   *string `json:"person"`
	Publish  bool    `json:"publish"`
	Gifts    int64   `json:"gifts"`
	Cash     string  `json:"donation_cash"`
	InKind   string  `json:"donation_in_kind"`
	Currency string  `json:"currency"`
}

func (p *program) donorList() *command {
	var from, to dateFlag
	var at knownFlag
	c := p.command("donor.list", "list").date(&from, "from").date(&to, "to").knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		q := projections.DonorQuery{From: from.pointer(), To: to.pointer()}
		return p.readAt(ctx, at.KnownAt, func(v View) error {
			rows, err := v.Donors(ctx, q)
			if err != nil {
				return err
			}
			if p.json {
				return p.donorsJSON(v.Head(), &q, rows)
			}
			p.donorsTable(v.Head(), &q, rows)
			return nil
		})
	})
}

func (p *program) donorsJSON(h Head, q *projections.DonorQuery, rows []projections.DonorRow) error {
	answer := donorsJSON{headJSON: newHeadJSON(h), From: dateJSON(q.From), To: dateJSON(q.To), Rows: make([]donorJSON, len(rows))}
	for i := range rows {
		d := &rows[i]
		row := donorJSON{
			Donor: d.Code, Kind: d.Kind, Name: d.Name, Address: d.Address, Publish: d.Publish, Gifts: d.Gifts,
			Cash: money.Format(d.Cash, h.Currency.Decimals), InKind: money.Format(d.InKind, h.Currency.Decimals), Currency: h.Currency.Code,
		}
		if d.Person != uuid.Nil {
			id := d.Person.String()
			row.Person = &id
		}
		answer.Rows[i] = row
	}
	return p.encode(answer)
}

func (p *program) donorsTable(h Head, q *projections.DonorQuery, rows []projections.DonorRow) {
	p.printf("%s\n\n", p.rangeTitle("donors.title", q.From, q.To))
	t := p.table("donor", "donor_kind", "name", "gifts>", "donation_cash>", "donation_in_kind>")
	var cash, inKind, gifts int64
	for i := range rows {
		d := &rows[i]
		t.row(d.Code, p.cat.Term("donor", d.Kind), d.Name, p.count(d.Gifts), p.amount(d.Cash, h.Currency), p.amount(d.InKind, h.Currency))
		cash, inKind, gifts = cash+d.Cash, inKind+d.InKind, gifts+d.Gifts
	}
	if len(rows) > 1 {
		t.footer(p.t("table.total"), "", "", p.count(gifts), p.amount(cash, h.Currency), p.amount(inKind, h.Currency))
	}
	t.print()
	p.tail(h)
}
