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
	row := want // all zero, which totals leave out, unless they have it
	at := slices.IndexFunc(rows, func(t projections.TotalsRow) bool {
		return slices.Equal(t.By, want.By) && t.Measure == want.Measure && t.Recipient == want.Recipient
	})
	if at >= 0 {
		row = rows[at]
	}
	tree, err := v.Tree(ctx)
	if err != nil {
		return err
	}
	aliases, err := v.Aliases(ctx, math.MaxInt64)
	if err != nil {
		return err
	}
	x, err := projections.NewExplainer(q, tree, aliases, want)
	if err != nil {
		return err
	}
	var list []projections.EventShare
	err = p.eachEvent(ctx, r, 1, v.Head().Position, func(e *domain.Event) error {
		shares, err := x.Add(e)
		for _, s := range shares {
			list = append(list, projections.EventShare{Mention: p.teller(v.Head()).Mention(e), Share: s.Share})
		}
		return err
	})
	if err != nil {
		return err
	}
	if at < 0 && len(list) == 0 {
		return &Failure{Code: "row.unknown", Exit: ExitRefused}
	}
	if sum := x.Row(0); sum.Grants != row.Grants || sum.People != row.People || sum.Amount != row.Amount {
		return &Failure{Code: "row.differs", Exit: ExitIntegrity}
	}
	if p.json {
		return p.explainedTotalJSON(v.Head(), &q, &row, list)
	}
	return p.explainedTotalTable(v.Head(), &row, list)
}

func (p *program) explainedTotalJSON(h Head, q *projections.TotalsQuery, row *projections.TotalsRow, list []projections.EventShare) error {
	decimals := h.Currency.Decimals
	answer := explainedTotalJSON{
		headJSON: newHeadJSON(h),
		Row: &totalRowJSON{
			By: ordered{plain(q.By), row.By}, Measure: row.Measure, Recipient: row.Recipient, Grants: row.Grants, People: row.People,
			Amount: money.Format(row.Amount, decimals), Currency: h.Currency.Code,
		},
		Events: p.sharesJSON(h, list),
	}
	return p.encode(answer)
}

func (p *program) sharesJSON(h Head, list []projections.EventShare) []explainedShareJSON {
	out := make([]explainedShareJSON, len(list))
	for i, s := range list {
		out[i] = explainedShareJSON{
			s.Position, s.ID.String(), s.Type, s.EffectiveOn.String(),
			s.Grants, s.On, s.Off, money.Format(s.Amount, h.Currency.Decimals), s.Text,
		}
	}
	return out
}

func (p *program) explainedTotalTable(h Head, row *projections.TotalsRow, list []projections.EventShare) error {
	t := p.table("position>", "effective_on", "grants>", "counted>", "amount>", "id", "description")
	for _, s := range list {
		grants, counted := "", ""
		if isGrants(row.Measure) {
			grants, counted = p.count(s.Grants), p.counted(s.Share)
		}
		t.row(p.count(s.Position), p.date(s.EffectiveOn), grants, counted, p.amount(s.Amount, h.Currency), s.ID.String(),
			s.Text)
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

// teller tells each event in one sentence.
func (p *program) teller(h Head) projections.Teller {
	return func(e *domain.Event) string { return Sentence(p.cat, h.Currency, e) }
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

func (p *program) explainBalance(ctx context.Context, r Reader, v View, q projections.BalanceQuery, asset domain.Asset) error {
	rows, err := v.Balances(ctx, q)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rows, func(b projections.BalanceRow) bool { return b.Asset == asset })
	if at < 0 {
		return &Failure{Code: "row.unknown", Exit: ExitRefused}
	}
	var list []projections.EventEffect
	var sum domain.Balance
	err = r.History(ctx, domain.FundSubject(q.Funds[0]), func(_ []byte, e *domain.Event) error {
		if e.Position > v.Head().Position {
			return errEnough
		}
		for _, effect := range e.Effects() {
			if effect.Fund != q.Funds[0] || effect.Asset != asset || q.AsOf != nil && effect.Day > *q.AsOf {
				continue
			}
			sum = sum.Plus(effect)
			list = append(list, projections.EventEffect{Mention: p.teller(v.Head()).Mention(e), Effect: effect})
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
		t.row(p.count(x.Position), p.date(x.Day), p.signed(x.Posted, h.Currency), p.signed(x.Encumbered, h.Currency),
			x.ID.String(), x.Text)
	}
	t.footer(p.t("table.total"), "", p.amount(sum.Posted, h.Currency), p.amount(sum.Encumbered, h.Currency), "", "")
	t.print()
	p.tail(h)
	return nil
}

func (p *program) explainedBalanceJSON(h Head, asOf *domain.Date, row *projections.BalanceRow, list []projections.EventEffect) error {
	answer := explainedBalanceJSON{headJSON: newHeadJSON(h), AsOf: dateJSON(asOf), Events: p.effectsJSON(h, list)}
	balance := newBalanceJSON(row, h.Currency)
	answer.Balance = &balance
	return p.encode(answer)
}

func (p *program) effectsJSON(h Head, list []projections.EventEffect) []explainedEffectJSON {
	decimals := h.Currency.Decimals
	out := make([]explainedEffectJSON, len(list))
	for i, x := range list {
		out[i] = explainedEffectJSON{
			x.Position, x.ID.String(), x.Type, x.Day.String(),
			money.Format(x.Posted, decimals), money.Format(x.Encumbered, decimals),
			money.FormatQuantity(x.Quantity), money.FormatQuantity(x.QuantityEncumbered), x.Text,
		}
	}
	return out
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
