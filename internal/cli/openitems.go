package cli

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/ledger"
)

// openItemsJSON is what is still to be paid and to come in, of a period and before.
type openItemsJSON struct {
	Grants  []openGrantJSON  `json:"open_grants"`
	Pledges []openPledgeJSON `json:"open_pledges"`
}

type openGrantJSON struct {
	Grant         string `json:"grant"`
	Kind          string `json:"kind"`
	Fund          string `json:"fund"`
	Asset         string `json:"asset"`
	Recipient     string `json:"recipient"`
	Person        string `json:"person"`
	Collective    string `json:"collective"`
	RecipientUnit string `json:"recipient_unit"`
	Open          string `json:"open"`
	Quantity      string `json:"quantity"`
	Since         string `json:"since"`
}

type openPledgeJSON struct {
	Pledge string `json:"pledge"`
	Donor  string `json:"donor"`
	Fund   string `json:"fund"`
	Open   string `json:"open"`
	MadeOn string `json:"made_on"`
	Due    string `json:"due"`
}

type openItemsAnswerJSON struct {
	headJSON
	Through  string `json:"through"`
	Unit     string `json:"unit"`
	Currency string `json:"currency"`
	openItemsJSON
}

// openItems are the grants and pledges that a close counts, with what the book does not keep of them.
type openItems struct {
	domain.OpenItems
	to  []domain.Recipient     // of each grant
	due map[string]domain.Date // of pledges
}

// openItems reads what a close at the position after one counts as open through a day.
func (p *program) openItems(ctx context.Context, r Reader, v View, position int64, through domain.Date, unit string) (*openItems, error) {
	book, err := r.Book(ctx, position)
	if err != nil {
		return nil, err
	}
	o := &openItems{OpenItems: book.Open(through, unit), due: map[string]domain.Date{}}
	o.to = make([]domain.Recipient, len(o.Grants))
	for i := range o.Grants {
		g := &o.Grants[i]
		if g.Person != uuid.Nil {
			o.to[i].Person = g.Person
			continue
		}
		granted, err := r.Event(ctx, g.ID)
		if err != nil {
			return nil, err
		}
		if body, isGrant := granted.Body.(*domain.Granted); isGrant {
			o.to[i] = body.Recipient
		}
	}
	if len(o.Pledges) == 0 {
		return o, nil
	}
	pledges, err := v.Pledges(ctx)
	for i := range pledges {
		o.due[pledges[i].Pledge] = pledges[i].Due
	}
	return o, err
}

// openBefore reads what a close counted as open that is at a position, or, with 0, what the next would.
func (p *program) openBefore(ctx context.Context, position int64, through domain.Date, unit string) (o *openItems, c money.Currency, err error) {
	err = p.readerAt(ctx, KnownAt{}, func(r Reader, v View) error {
		if position == 0 {
			position = v.Head().Position + 1
		}
		c = v.Head().Currency
		o, err = p.openItems(ctx, r, v, position-1, through, unit)
		return err
	})
	return o, c, err
}

func (p *program) periodOpenItems() *command {
	var (
		end  periodEnd
		unit string
		at   knownFlag
	)
	c := p.command("period.open_items", "open-items").periodEnd(&end).code(&unit, "unit", units).knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		through, err := end.through()
		if err != nil {
			return err
		}
		return p.readerAt(ctx, at.KnownAt, func(r Reader, v View) error {
			if err := known(ctx, v, "unit", list(unit)); err != nil {
				return err
			}
			h := v.Head()
			o, err := p.openItems(ctx, r, v, h.Position, through, unit)
			if err != nil {
				return err
			}
			if p.json {
				return p.encode(openItemsAnswerJSON{newHeadJSON(h), through.String(), unit, h.Currency.Code, o.json(h.Currency.Decimals)})
			}
			p.printf("%s\n", p.t("open_items.title", "through", p.date(through), "scope", p.scope(unit)))
			p.tellOpen(o, h.Currency, "")
			if len(o.Grants)+len(o.Pledges) == 0 {
				p.printf("%s\n", p.t("open_items.none"))
			}
			p.tail(h)
			return nil
		})
	})
}

func (o *openItems) json(decimals int) openItemsJSON {
	out := openItemsJSON{make([]openGrantJSON, len(o.Grants)), make([]openPledgeJSON, len(o.Pledges))}
	for i := range o.Grants {
		g, to := &o.Grants[i], &o.to[i]
		out.Grants[i] = openGrantJSON{
			Grant: g.ID.String(), Kind: string(g.Kind), Fund: g.Fund, Asset: string(g.Asset), Recipient: g.RecipientKind,
			Collective: to.Collective, RecipientUnit: to.Unit,
			Open: money.Format(g.Open(), decimals), Quantity: money.FormatQuantity(g.OpenQuantity()), Since: g.Since.String(),
		}
		if to.Person != uuid.Nil {
			out.Grants[i].Person = to.Person.String()
		}
	}
	for i, l := range o.Pledges {
		out.Pledges[i] = openPledgeJSON{l.Pledge, l.Donor, l.Fund, money.Format(l.Open, decimals), l.Made.String(), o.due[l.Pledge].String()}
	}
	return out
}

// manyOpen is from how many on grants and pledges are not all listed below a confirmation.
const manyOpen = 20

// tellOpen prints open grants and pledges as tables: of many the first, and rest, the command that lists all; with "" all of them.
func (p *program) tellOpen(o *openItems, c money.Currency, rest string) {
	shown := func(n int) int {
		if rest != "" {
			return min(n, manyOpen)
		}
		return n
	}
	more := func(n int) {
		if left := n - shown(n); left > 0 {
			p.printf("  %s\n", p.cat.Count("open_items.more", int64(left), "command", rest))
		}
	}
	if n := len(o.Grants); n > 0 {
		p.printf("\n%s\n", p.t("open_items.grants"))
		t := p.table("id", "recipient", "fund", "asset", "open>", "since")
		for i := range o.Grants[:shown(n)] {
			g := &o.Grants[i]
			open := p.amount(g.Open(), c)
			if g.Asset.IsGoods() {
				open = money.FormatQuantityLocal(g.OpenQuantity(), p.locale())
			}
			t.row(g.ID.String(), p.recipientOf(&o.to[i], g.RecipientKind), g.Fund, p.cat.Asset(string(g.Asset)), open, p.date(g.Since))
		}
		t.print()
		more(n)
	}
	if n := len(o.Pledges); n > 0 {
		p.printf("\n%s\n", p.t("open_items.pledges"))
		t := p.table("id", "donor", "fund", "open>", "due")
		for _, l := range o.Pledges[:shown(n)] {
			t.row(l.Pledge, l.Donor, l.Fund, p.amount(l.Open, c), p.date(o.due[l.Pledge]))
		}
		t.print()
		more(n)
	}
}

// recipientOf names who gets a grant: a person by the end of the ID.
func (p *program) recipientOf(to *domain.Recipient, kind string) string {
	switch {
	case to.Person != uuid.Nil:
		return p.t("sentence.who."+kind, "id", short(to.Person))
	case to.Collective != "" && to.Unit != "":
		return to.Collective + " (" + to.Unit + ")"
	case to.Collective != "":
		return to.Collective
	}
	return p.t("sentence.period.unit", "unit", to.Unit)
}

// answerClose prints the answer to a close as record does, and adds what was open.
func (p *program) answerClose(ctx context.Context, a *ledger.Answer, c *domain.ClosePeriod, words func(*domain.Refusal) string) error {
	o, currency, err := p.openBefore(ctx, a.First, c.Through, c.Unit)
	if err != nil {
		return err
	}
	raw, err := marshal(o.json(currency.Decimals))
	if err != nil {
		return err
	}
	answer := a.AppendJSON(nil, 1, words)
	return p.write(slices.Concat(answer[:len(answer)-1], []byte{','}, raw[1:], []byte{'\n'}))
}

// tellClose tells what a close at a position, or, with 0, the next one, leaves open.
func (p *program) tellClose(ctx context.Context, position int64, c *domain.ClosePeriod) error {
	o, currency, err := p.openBefore(ctx, position, c.Through, c.Unit)
	if err != nil {
		return err
	}
	all := "soquy period open-items --through " + c.Through.String()
	if c.Unit != "" {
		all += " --unit " + c.Unit
	}
	if position > 0 {
		all += " --known-at " + itoa(position-1)
	}
	p.tellOpen(o, currency, all+p.same())
	return nil
}
