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

// totalsDiffJSON begins the answer; its rows follow one by one, since they may list many events.
type totalsDiffJSON struct {
	headJSON
	Before    knownJSON `json:"before"`
	From      *string   `json:"from"`
	To        *string   `json:"to"`
	Structure string    `json:"structure"`
}

// knownJSON is the earlier of two knowledges; the later one is the head of the answer.
type knownJSON struct {
	Position int64  `json:"position"`
	Root     string `json:"root"`
}

type totalChangeJSON struct {
	By         ordered              `json:"by"`
	Measure    string               `json:"measure"`
	Recipient  string               `json:"recipient"`
	Currency   string               `json:"currency"`
	Before     *totalSumJSON        `json:"before"`
	After      *totalSumJSON        `json:"after"`
	Difference totalSumJSON         `json:"difference"`
	Structural *structuralTotalJSON `json:"structural"`
	Events     []explainedShareJSON `json:"events"`
}

type totalSumJSON struct {
	Grants int64  `json:"grants"`
	People int64  `json:"people"`
	Amount string `json:"amount"`
}

type structuralTotalJSON struct {
	totalSumJSON
	Events []structuralJSON `json:"events"`
}

// structuralJSON is an event that moves nothing but changes where, or as whom, something counts.
type structuralJSON struct {
	Position    int64  `json:"position"`
	Event       string `json:"event"`
	Type        string `json:"type"`
	EffectiveOn string `json:"effective_on"`
	Sentence    string `json:"sentence"`
}

// balanceDiffJSON begins the answer, as totalsDiffJSON does.
type balanceDiffJSON struct {
	headJSON
	Before knownJSON `json:"before"`
	AsOf   *string   `json:"as_of"`
}

type balanceChangeJSON struct {
	Fund       string                 `json:"fund"`
	Asset      string                 `json:"asset"`
	Currency   string                 `json:"currency"`
	Measure    string                 `json:"measure"`
	Before     *placedSumJSON         `json:"before"`
	After      *placedSumJSON         `json:"after"`
	Difference balanceSumJSON         `json:"difference"`
	Structural *structuralBalanceJSON `json:"structural"`
	Events     []explainedEffectJSON  `json:"events"`
}

type balanceSumJSON struct {
	Posted             string `json:"posted"`
	Encumbered         string `json:"encumbered"`
	Available          string `json:"available"`
	Quantity           string `json:"quantity"`
	QuantityEncumbered string `json:"quantity_encumbered"`
}

type placedSumJSON struct {
	Unit string `json:"unit"`
	balanceSumJSON
}

type structuralBalanceJSON struct {
	balanceSumJSON
	Events []structuralJSON `json:"events"`
}

func (p *program) diffCommand() *command {
	return p.parent("diff", p.diffTotalsCommand(), p.diffBalanceCommand())
}

func (p *program) diffTotalsCommand() *command {
	var at knownsFlag
	c := p.command("diff.totals", "totals").knownsAt(&at)
	asked := c.totalsQuery()
	return c.runs(func(ctx context.Context, _ []string) error {
		q, err := asked()
		if err != nil {
			return err
		}
		return p.readerAtTwo(ctx, &at, func(r Reader, before, after View) error {
			if err := checkTotals(ctx, after, &q); err != nil {
				return err
			}
			d, err := totalsDiff(ctx, before, after, q, p.teller(after.Head()))
			if err != nil {
				return err
			}
			if err := p.explainDiff(ctx, r, before, after, d); err != nil {
				return err
			}
			if p.json {
				return p.totalsDiffJSON(before.Head(), after.Head(), &q, d.Changes)
			}
			return p.tellTotalsDiff(ctx, before.Head(), after, &q, d.Changes)
		})
	})
}

// totalsDiff asks for totals as known before and after, and for those of before in the structure of after.
func totalsDiff(ctx context.Context, before, after View, q projections.TotalsQuery, tell projections.Teller) (*projections.TotalsDiff, error) {
	was, err := before.Tree(ctx)
	if err != nil {
		return nil, err
	}
	tree, err := after.Tree(ctx)
	if err != nil {
		return nil, err
	}
	aliases, err := after.Aliases(ctx, math.MaxInt64)
	if err != nil {
		return nil, err
	}
	ask := func(v View, units, persons int64) (rows []projections.TotalsRow) {
		if err == nil {
			q := q
			q.UnitsAt, q.PersonsAt = units, persons
			rows, err = v.Totals(ctx, q)
		}
		return rows
	}
	var all projections.TotalsSides
	if q.Within == "" || was.Has(q.Within) { // else there was no such unit, and nothing in it
		all.Before = ask(before, 0, 0)
	}
	last := after.Head().Position
	all.Moved, all.Placed, all.After = ask(before, last, 0), ask(before, last, last), ask(after, 0, 0)
	if err != nil {
		return nil, err
	}
	return projections.NewTotalsDiff(q, all, tree, aliases, tell)
}

func (p *program) diffBalanceCommand() *command {
	var (
		fund, unit string
		asOf       dateFlag
		at         knownsFlag
	)
	c := p.command("diff.balance", "balance").knownsAt(&at)
	c.code(&fund, "fund", funds).code(&unit, "unit", units).date(&asOf, "as-of")
	return c.runs(func(ctx context.Context, _ []string) error {
		q := projections.BalanceQuery{Funds: list(fund), Units: list(unit), AsOf: asOf.pointer()}
		return p.readerAtTwo(ctx, &at, func(r Reader, before, after View) error {
			if err := known(ctx, after, "fund", q.Funds); err != nil {
				return err
			}
			if err := known(ctx, after, "unit", q.Units); err != nil {
				return err
			}
			d, err := balanceDiff(ctx, before, after, q, p.teller(after.Head()))
			if err != nil {
				return err
			}
			if err := p.explainDiff(ctx, r, before, after, d); err != nil {
				return err
			}
			if p.json {
				return p.balanceDiffJSON(before.Head(), after.Head(), q.AsOf, d.Changes)
			}
			p.tellBalanceDiff(before.Head(), after.Head(), q.AsOf, d.Changes)
			return nil
		})
	})
}

func balanceDiff(ctx context.Context, before, after View, q projections.BalanceQuery, tell projections.Teller) (*projections.BalanceDiff, error) {
	ofAll := q
	ofAll.Units = nil // a fund may have been another unit's before
	rows, err := before.Balances(ctx, ofAll)
	if err != nil {
		return nil, err
	}
	now, err := after.Balances(ctx, ofAll)
	if err != nil {
		return nil, err
	}
	of, err := after.FundUnits(ctx)
	if err != nil {
		return nil, err
	}
	return projections.NewBalanceDiff(q, before.Head().Position, rows, now, of, tell), nil
}

// readerAtTwo opens the ledger and calls f with its reader and with what it knew at two moments.
func (p *program) readerAtTwo(ctx context.Context, at *knownsFlag, f func(r Reader, before, after View) error) error {
	moments, err := at.two()
	if err != nil {
		return err
	}
	return p.reader(ctx, func(r Reader) error {
		return r.ViewsAt(ctx, moments, func(before, after View) error {
			p.cat, p.past = p.cat.In(after.Head().Currency.Code), true
			return f(r, before, after)
		})
	})
}

// explainDiff shows a diff the events between two knowledges, and refuses one that they do not explain.
func (p *program) explainDiff(ctx context.Context, r Reader, before, after View, d interface {
	Add(e *domain.Event) error
	Check() error
},
) error {
	first, last := before.Head().Position+1, after.Head().Position
	if first <= last {
		if err := p.eachEvent(ctx, r, first, last, d.Add); err != nil {
			return err
		}
	}
	err := d.Check()
	if errors.Is(err, projections.ErrDiffers) {
		return &Failure{Code: "row.differs", Exit: ExitIntegrity, Err: err}
	}
	return err
}

func (p *program) totalsDiffJSON(before, h Head, q *projections.TotalsQuery, changes []projections.TotalsChange) error {
	d := h.Currency.Decimals
	sum := func(s projections.TotalsSum) totalSumJSON {
		return totalSumJSON{s.Grants, s.People, money.Format(s.Amount, d)}
	}
	side := func(r *projections.TotalsRow) *totalSumJSON {
		if r == nil {
			return nil
		}
		s := sum(projections.SumOf(r))
		return &s
	}
	answer := totalsDiffJSON{
		headJSON: newHeadJSON(h), Before: knownJSON{before.Position, root64(before.Root)},
		From: dateJSON(q.From), To: dateJSON(q.To), Structure: structureThen,
	}
	if q.Today {
		answer.Structure = structureToday
	}
	if err := p.rowsBegin(answer); err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		row := totalChangeJSON{
			By: ordered{plain(q.By), c.Row().By}, Measure: c.Row().Measure, Recipient: c.Row().Recipient, Currency: h.Currency.Code,
			Before: side(c.Before), After: side(c.After), Difference: sum(c.Difference()), Events: p.sharesJSON(h, c.Events),
		}
		if len(c.Structural) > 0 {
			row.Structural = &structuralTotalJSON{sum(c.Structure), toldJSON(c.Structural)}
		}
		if err := p.rowJSON(row, i == 0); err != nil {
			return err
		}
	}
	p.rowsEnd()
	return nil
}

func (p *program) balanceDiffJSON(before, h Head, asOf *domain.Date, changes []projections.BalanceChange) error {
	d := h.Currency.Decimals
	sum := func(b domain.Balance) balanceSumJSON {
		return balanceSumJSON{
			money.Format(b.Posted, d), money.Format(b.Encumbered, d), money.Format(b.Available(), d),
			money.FormatQuantity(b.Quantity), money.FormatQuantity(b.QuantityEncumbered),
		}
	}
	side := func(r *projections.BalanceRow) *placedSumJSON {
		if r == nil {
			return nil
		}
		return &placedSumJSON{r.Unit, sum(r.Balance)}
	}
	answer := balanceDiffJSON{
		headJSON: newHeadJSON(h), Before: knownJSON{before.Position, root64(before.Root)}, AsOf: dateJSON(asOf),
	}
	if err := p.rowsBegin(answer); err != nil {
		return err
	}
	for i := range changes {
		c := &changes[i]
		row := balanceChangeJSON{
			Fund: c.Row().Fund, Asset: string(c.Row().Asset), Currency: h.Currency.Code, Measure: c.Row().Measure,
			Before: side(c.Before), After: side(c.After), Difference: sum(c.Difference()), Events: p.effectsJSON(h, c.Events),
		}
		if len(c.Structural) > 0 {
			row.Structural = &structuralBalanceJSON{sum(c.Structure), toldJSON(c.Structural)}
		}
		if err := p.rowJSON(row, i == 0); err != nil {
			return err
		}
	}
	p.rowsEnd()
	return nil
}

func toldJSON(list []*projections.Mention) []structuralJSON {
	out := make([]structuralJSON, len(list))
	for i, e := range list {
		out[i] = structuralJSON{e.Position, e.ID.String(), e.Type, e.EffectiveOn.String(), e.Text}
	}
	return out
}

// diffTitle begins the answer for people.
func (p *program) diffTitle(what string, before, after Head) {
	p.printf("%s\n%s\n", what, p.t("diff.known", "before", p.count(before.Position), "after", p.count(after.Position)))
}

func (p *program) tellTotalsDiff(ctx context.Context, before Head, after View, q *projections.TotalsQuery, changes []projections.TotalsChange) error {
	h := after.Head()
	names, err := p.unitNames(ctx, after, q)
	if err != nil {
		return err
	}
	p.diffTitle(p.rangeTitle("totals.title", q.From, q.To), before, h)
	people := false
	for i := range changes {
		c := &changes[i]
		var parts []string
		for j, d := range q.By {
			parts = append(parts, p.value(d, c.Row().By[j], names))
		}
		parts = append(parts, p.cat.Term("measure", c.Row().Measure))
		if c.Row().Recipient != "" {
			parts = append(parts, p.cat.Term("recipient", c.Row().Recipient))
		}
		p.printf("\n%s\n", upperFirst(strings.Join(parts, ", ")))
		ofGrants := isGrants(c.Row().Measure)
		people = people || ofGrants
		p.totalChangeTable(h, c, ofGrants)
	}
	p.diffEnd(h, len(changes), people)
	return nil
}

// diffEnd ends the answer for people.
func (p *program) diffEnd(h Head, changes int, people bool) {
	if changes == 0 {
		p.printf("\n%s\n", p.t("diff.none"))
	}
	if people {
		p.printf("\n%s\n", p.t("diff.people"))
	}
	p.tail(h)
}

func (p *program) totalChangeTable(h Head, c *projections.TotalsChange, ofGrants bool) {
	t := p.table("position>", "effective_on", "grants>", "people>", "amount>", "id", "description")
	line := func(name string, s projections.TotalsSum, changed bool) []string {
		amount, grants, people := p.amount(s.Amount, h.Currency), "", ""
		if changed {
			amount = p.signed(s.Amount, h.Currency)
		}
		if ofGrants {
			grants, people = p.count(s.Grants), p.count(s.People)
			if changed {
				grants, people = p.more(s.Grants), p.more(s.People)
			}
		}
		return []string{p.t(name), "", grants, people, amount, "", ""}
	}
	t.row(line("diff.before", projections.SumOf(c.Before), false)...)
	if len(c.Structural) > 0 {
		t.row(line("diff.structure", c.Structure, true)...)
		p.structuralRows(t, c.Structural, 3)
	}
	for _, e := range c.Events {
		grants, counted := "", ""
		if ofGrants {
			grants, counted = p.more(e.Grants), p.counted(e.Share)
		}
		t.row(p.count(e.Position), p.date(e.EffectiveOn), grants, counted, p.signed(e.Amount, h.Currency), e.ID.String(), e.Text)
	}
	t.footer(line("diff.difference", c.Difference(), true)...)
	t.footer(line("diff.after", projections.SumOf(c.After), false)...)
	t.print()
}

// structuralRows tells of events that moved nothing, with nothing in the columns of figures.
func (p *program) structuralRows(t *grid, list []*projections.Mention, figures int) {
	for _, e := range list {
		row := append([]string{p.count(e.Position), p.date(e.EffectiveOn)}, make([]string, figures)...)
		t.row(append(row, e.ID.String(), e.Text)...)
	}
}

// more writes how many more or fewer; none is "".
func (p *program) more(n int64) string {
	switch {
	case n == 0:
		return ""
	case n > 0:
		return "+" + p.count(n)
	}
	return p.count(n)
}

func (p *program) tellBalanceDiff(before, h Head, asOf *domain.Date, changes []projections.BalanceChange) {
	title := p.t("balance.title")
	if asOf != nil {
		title = p.t("balance.as_of", "day", p.date(*asOf))
	}
	p.diffTitle(title, before, h)
	for i := range changes {
		c := &changes[i]
		unit := c.Row().Unit
		if c.Before != nil && c.After != nil && c.Before.Unit != c.After.Unit {
			unit = c.Before.Unit + " → " + c.After.Unit
		}
		p.printf("\n%s, %s (%s)\n", c.Row().Fund, p.cat.Asset(string(c.Row().Asset)), unit)
		p.balanceChangeTable(h, c)
	}
	p.diffEnd(h, len(changes), false)
}

func (p *program) balanceChangeTable(h Head, c *projections.BalanceChange) {
	columns := []string{"position>", "effective_on", "change>", "reserved>"}
	goods := c.Row().Asset.IsGoods()
	if goods {
		columns = append(columns, "quantity>", "quantity_reserved>")
	}
	t := p.table(append(columns, "id", "description")...)
	figures := func(b domain.Balance, changed bool) []string {
		amount := p.amount
		quantity := money.FormatQuantityLocal
		if changed {
			amount, quantity = p.signed, nonzeroQuantity
		}
		list := []string{amount(b.Posted, h.Currency), amount(b.Encumbered, h.Currency)}
		if goods {
			list = append(list, quantity(b.Quantity, p.locale()), quantity(b.QuantityEncumbered, p.locale()))
		}
		return list
	}
	line := func(name string, b domain.Balance, changed bool) []string {
		return slices.Concat([]string{p.t(name), ""}, figures(b, changed), []string{"", ""})
	}
	t.row(line("diff.before", projections.BalanceOf(c.Before), false)...)
	if len(c.Structural) > 0 {
		t.row(line("diff.structure", c.Structure, true)...)
		p.structuralRows(t, c.Structural, len(columns)-2)
	}
	for _, e := range c.Events {
		b := domain.Balance{}.Plus(e.Effect)
		t.row(slices.Concat([]string{p.count(e.Position), p.date(e.Day)}, figures(b, true), []string{e.ID.String(), e.Text})...)
	}
	t.footer(line("diff.difference", c.Difference(), true)...)
	t.footer(line("diff.after", projections.BalanceOf(c.After), false)...)
	t.print()
}
