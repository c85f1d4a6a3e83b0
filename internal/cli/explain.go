package cli

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

type explainedTotalJSON struct {
	headJSON
	Row    *totalRowJSON        `json:"row"`
	Events []explainedShareJSON `json:"events"`
}

type explainedShareJSON struct {
	Position    int64  `json:"position"`
	Event       string `json:"event"`
	Type        string `json:"type"`
	EffectiveOn string `json:"effective_on"`
	Grants      int64  `json:"grants"`
	PeopleOn    int    `json:"people_on"`
	PeopleOff   int    `json:"people_off"`
	Amount      string `json:"amount"`
	Sentence    string `json:"sentence"`
}

type explainedBalanceJSON struct {
	headJSON
	AsOf    *string               `json:"as_of"`
	Balance *balanceJSON          `json:"balance"`
	Events  []explainedEffectJSON `json:"events"`
}

type explainedEffectJSON struct {
	Position           int64  `json:"position"`
	Event              string `json:"event"`
	Type               string `json:"type"`
	EffectiveOn        string `json:"effective_on"`
	Posted             string `json:"posted"`
	Encumbered         string `json:"encumbered"`
	Quantity           string `json:"quantity"`
	QuantityEncumbered string `json:"quantity_encumbered"`
	Sentence           string `json:"sentence"`
}

func (p *program) explainCommand() *command {
	return p.parent("explain", p.explainTotalsCommand(), p.explainBalanceCommand(), p.explainEventCommand())
}

// An explainedShare is an event with what it adds to a row.
type explainedShare struct {
	event *domain.Event
	projections.Share
}

func (p *program) explainTotalsCommand() *command {
	var row string
	c := p.command("explain.totals", "totals").text(&row, "row").needs("row")
	asked := c.totals()
	return c.runs(func(ctx context.Context, _ []string) error {
		q, at, err := asked()
		if err != nil {
			return err
		}
		want, err := parseRow(row, q.By)
		if err != nil {
			return err
		}
		return p.readerAt(ctx, at, func(r Reader, v View) error {
			if err := checkTotals(ctx, v, &q); err != nil {
				return err
			}
			return p.explainTotal(ctx, r, v, q, want)
		})
	})
}

// explainTotal lists the events that a row of totals is made of, and compares what they add up to with the row.
func (p *program) explainTotal(ctx context.Context, r Reader, v View, q projections.TotalsQuery, want projections.TotalsRow) error {
	rows, err := v.Totals(ctx, q)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rows, func(t projections.TotalsRow) bool {
		return slices.Equal(t.By, want.By) && t.Measure == want.Measure && t.Recipient == want.Recipient
	})
	if at < 0 {
		return &Failure{Code: "row.unknown", Exit: ExitRefused}
	}
	tree, err := v.Tree(ctx)
	if err != nil {
		return err
	}
	aliases, err := v.Aliases(ctx, math.MaxInt64)
	if err != nil {
		return err
	}
	x, err := projections.NewExplainer(q, want, tree, aliases)
	if err != nil {
		return err
	}
	var list []explainedShare
	b := p.bar(p.t("progress.reading"))
	through := v.Head().Position
	err = r.Range(ctx, 1, through, func(e *domain.Event) error {
		share, found, err := x.Add(e)
		if found {
			list = append(list, explainedShare{e, share})
		}
		if told := b.progress(); told != nil && (e.Position&1023 == 0 || e.Position == through) {
			told(e.Position, through)
		}
		return err
	})
	b.done()
	if err != nil {
		return err
	}
	sum, found := x.Row()
	if !found || sum.Grants != rows[at].Grants || sum.People != rows[at].People || sum.Amount != rows[at].Amount {
		return &Failure{Code: "row.differs", Exit: ExitIntegrity}
	}
	if p.json {
		return p.explainedTotalJSON(v.Head(), &q, &rows[at], list)
	}
	return p.explainedTotalTable(v.Head(), &rows[at], list)
}

func (p *program) explainedTotalJSON(h Head, q *projections.TotalsQuery, row *projections.TotalsRow, list []explainedShare) error {
	decimals := h.Currency.Decimals
	answer := explainedTotalJSON{
		headJSON: newHeadJSON(h),
		Row: &totalRowJSON{
			By: ordered{plain(q.By), row.By}, Measure: row.Measure, Recipient: row.Recipient, Grants: row.Grants, People: row.People,
			Amount: money.Format(row.Amount, decimals), Currency: h.Currency.Code,
		},
		Events: make([]explainedShareJSON, len(list)),
	}
	for i, s := range list {
		answer.Events[i] = explainedShareJSON{
			s.event.Position, s.event.ID.String(), s.event.Body.Type(), s.event.EffectiveOn.String(),
			s.Grants, s.On, s.Off, money.Format(s.Amount, decimals), Sentence(p.cat, h.Currency, s.event),
		}
	}
	return p.encode(answer)
}

func (p *program) explainedTotalTable(h Head, row *projections.TotalsRow, list []explainedShare) error {
	t := p.table("position>", "effective_on", "grants>", "counted>", "amount>", "id", "description")
	for _, s := range list {
		grants, counted := "", ""
		if isGrants(row.Measure) {
			grants, counted = p.count(s.Grants), p.counted(s.Share)
		}
		t.row(p.count(s.event.Position), p.date(s.event.EffectiveOn), grants, counted, p.amount(s.Amount, h.Currency), s.event.ID.String(),
			Sentence(p.cat, h.Currency, s.event))
	}
	grants := ""
	if isGrants(row.Measure) {
		grants = p.count(row.Grants)
	}
	t.footer(p.t("table.total"), "", grants, "", p.amount(row.Amount, h.Currency), "", "")
	t.print()
	if isGrants(row.Measure) {
		p.printf("%s\n", p.t("explain.people", "people", p.count(row.People)))
	}
	p.tail(h)
	return nil
}

// counted says of how many persons an event counts one, with a sign; "" of none.
func (p *program) counted(s projections.Share) string {
	var parts []string
	if s.On > 0 {
		parts = append(parts, "+"+p.count(int64(s.On)))
	}
	if s.Off > 0 {
		parts = append(parts, "-"+p.count(int64(s.Off)))
	}
	return strings.Join(parts, " ")
}

// eventName names what an event is, and of a reversal what it undoes.
func (p *program) eventName(e *domain.Event) string {
	what := p.cat.Term("event", e.Body.Type())
	if r, isReversal := e.Body.(*domain.EntryReversed); isReversal {
		what += ": " + p.cat.Term("event", r.Entry.Type())
	}
	return what
}

// parseRow reads DIM=VALUE,… with measure and recipient: which row of totals is meant.
func parseRow(s string, by []projections.Dim) (projections.TotalsRow, error) {
	want := projections.TotalsRow{By: make([]string, len(by))}
	given := map[string]bool{}
	for part := range strings.SplitSeq(s, ",") {
		name, value, ok := strings.Cut(part, "=")
		i := slices.Index(by, projections.Dim(name))
		switch {
		case !ok || given[name]:
			return want, usage("row", "value", part)
		case name == "measure":
			want.Measure = value
		case name == "recipient":
			want.Recipient = value
		case i >= 0:
			want.By[i] = value
		default:
			return want, usage("row", "value", part)
		}
		given[name] = true
	}
	if !given["measure"] {
		return want, usage("row", "value", s)
	}
	return want, nil
}

func (p *program) explainBalanceCommand() *command {
	var fund, asset string
	var asOf dateFlag
	var at knownFlag
	c := p.command("explain.balance", "balance").code(&fund, "fund", funds).code(&asset, "asset", assets).date(&asOf, "as-of").knownAt(&at)
	c.needs("fund", "asset")
	return c.runs(func(ctx context.Context, _ []string) error {
		return p.readerAt(ctx, at.KnownAt, func(r Reader, v View) error {
			q := projections.BalanceQuery{Funds: []string{fund}, AsOf: asOf.pointer()}
			if err := known(ctx, v, "fund", q.Funds); err != nil {
				return err
			}
			return p.explainBalance(ctx, r, v, q, domain.Asset(asset))
		})
	})
}

// An explainedEffect is an event with what it changed of a holding.
type explainedEffect struct {
	event *domain.Event
	domain.Effect
}

func (p *program) explainBalance(ctx context.Context, r Reader, v View, q projections.BalanceQuery, asset domain.Asset) error {
	rows, err := v.Balances(ctx, q)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rows, func(b projections.BalanceRow) bool { return b.Asset == asset })
	if at < 0 {
		return &Failure{Code: "row.unknown", Exit: ExitRefused}
	}
	var list []explainedEffect
	var sum domain.Balance
	err = r.History(ctx, domain.FundSubject(q.Funds[0]), func(_ []byte, e *domain.Event) error {
		if e.Position > v.Head().Position {
			return errEnough
		}
		for _, effect := range e.Effects() {
			if effect.Fund != q.Funds[0] || effect.Asset != asset || q.AsOf != nil && effect.Day > *q.AsOf {
				continue
			}
			sum.Posted += effect.Posted
			sum.Encumbered += effect.Encumbered
			sum.Quantity += effect.Quantity
			sum.QuantityEncumbered += effect.QuantityEncumbered
			list = append(list, explainedEffect{e, effect})
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	if sum != rows[at].Balance {
		return &Failure{Code: "row.differs", Exit: ExitIntegrity}
	}
	if p.json {
		return p.explainedBalanceJSON(v.Head(), q.AsOf, &rows[at], list)
	}
	h := v.Head()
	t := p.table("position>", "effective_on", "change>", "reserved>", "id", "description")
	for _, x := range list {
		t.row(p.count(x.event.Position), p.date(x.Day), p.signed(x.Posted, h.Currency), p.signed(x.Encumbered, h.Currency),
			x.event.ID.String(), Sentence(p.cat, h.Currency, x.event))
	}
	t.footer(p.t("table.total"), "", p.amount(sum.Posted, h.Currency), p.amount(sum.Encumbered, h.Currency), "", "")
	t.print()
	p.tail(h)
	return nil
}

func (p *program) explainedBalanceJSON(h Head, asOf *domain.Date, row *projections.BalanceRow, list []explainedEffect) error {
	decimals := h.Currency.Decimals
	answer := explainedBalanceJSON{headJSON: newHeadJSON(h), AsOf: dateJSON(asOf), Events: make([]explainedEffectJSON, len(list))}
	balance := newBalanceJSON(row, h.Currency)
	answer.Balance = &balance
	for i, x := range list {
		answer.Events[i] = explainedEffectJSON{
			x.event.Position, x.event.ID.String(), x.event.Body.Type(), x.Day.String(),
			money.Format(x.Posted, decimals), money.Format(x.Encumbered, decimals),
			money.FormatQuantity(x.Quantity), money.FormatQuantity(x.QuantityEncumbered), Sentence(p.cat, h.Currency, x.event),
		}
	}
	return p.encode(answer)
}

// readerAt opens the ledger and calls f with its reader and with what it knew at a moment.
func (p *program) readerAt(ctx context.Context, at KnownAt, f func(Reader, View) error) error {
	return p.reader(ctx, func(r Reader) error {
		return r.ViewAt(ctx, at, func(v View) error {
			p.cat, p.past = p.cat.In(v.Head().Currency.Code), !at.Now()
			return f(r, v)
		})
	})
}
