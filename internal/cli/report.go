package cli

import (
	"context"
	"encoding/base64"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/report"
	"github.com/soquy/soquy/projections"
)

type halfYearJSON struct {
	headJSON
	From        string                  `json:"from"`
	To          string                  `json:"to"`
	Within      string                  `json:"within"`
	Draft       bool                    `json:"draft"`
	ClosedBy    string                  `json:"closed_by"`
	Currency    string                  `json:"currency"`
	Levels      []halfYearRowJSON       `json:"levels"`
	All         []halfYearRowJSON       `json:"all"`
	Balances    []halfYearBalanceJSON   `json:"balances"`
	Indicators  []halfYearIndicatorJSON `json:"indicators"`
	Reopened    []reopenedJSON          `json:"reopened"`
	Projections []halfYearModelJSON     `json:"projections"`
}

type halfYearRowJSON struct {
	Level     string `json:"level"`
	Measure   string `json:"measure"`
	Recipient string `json:"recipient"`
	Grants    int64  `json:"grants"`
	People    int64  `json:"people"`
	Amount    string `json:"amount"`
}

type halfYearBalanceJSON struct {
	Asset      string `json:"asset"`
	Posted     string `json:"posted"`
	Encumbered string `json:"encumbered"`
	Available  string `json:"available"`
	Quantity   string `json:"quantity"`
}

type halfYearIndicatorJSON struct {
	Unit      string  `json:"unit"`
	Indicator string  `json:"indicator"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Value     string  `json:"value"`
	Of        *string `json:"of"` // null: of no number
	Measure   string  `json:"measure"`
}

type reopenedJSON struct {
	Position    int64  `json:"position"`
	EffectiveOn string `json:"effective_on"`
	From        string `json:"from"`
	Unit        string `json:"unit"`
}

type halfYearModelJSON struct {
	Name    string `json:"name"`
	Version int    `json:"version"`
	Digest  string `json:"digest"`
}

func (p *program) reportCommand() *command { return p.parent("report", p.halfYearCommand()) }

func (p *program) halfYearCommand() *command {
	var (
		from, to dateFlag
		at       knownFlag
		position int64
		root     string
		draft    bool
		span     spanFlags
		within   string
	)
	c := p.command("report.half_year", "half-year").date(&from, "from").date(&to, "to").span(&span).code(&within, "within", units)
	c.knownAt(&at).text(&root, "root").yes(&draft, "draft")
	c.Flags().Int64Var(&position, "position", 0, c.usageOf("position"))
	c.completes("position", nil)
	return c.runs(func(ctx context.Context, _ []string) error {
		f, both := span.one()
		switch {
		case both || f != nil && (from.given || to.given) || f == nil && !(from.given && to.given):
			return usage("report_period")
		case f != nil:
			from.date, to.date = f.first, f.last
		}
		if position < 0 || position > 0 && !at.Now() || c.Flags().Changed("root") && (root == "" || position == 0) || from.date > to.date {
			return usage("half_year")
		}
		if position > 0 {
			at.KnownAt = KnownAt{Position: position}
		}
		return p.halfYear(ctx, report.HalfYear{From: from.date, To: to.date, Within: within}, at.KnownAt, root, draft)
	})
}

// halfYear makes a report. Its digests are those of a replay, which also says whether the live read models can be trusted with it.
func (p *program) halfYear(ctx context.Context, y report.HalfYear, at KnownAt, root string, draft bool) error {
	r, err := p.backend.Reader(ctx, p.target())
	if err != nil {
		return err
	}
	defer r.Close()
	var h Head
	err = r.ViewAt(ctx, at, func(v View) error {
		h = v.Head()
		return known(ctx, v, "unit", list(y.Within))
	})
	if err != nil {
		return err
	}
	p.cat, p.past = p.cat.In(h.Currency.Code), false
	if root != "" {
		if want, err := base64.StdEncoding.DecodeString(root); err != nil || string(want) != string(h.Root[:]) {
			return &Failure{Code: "report.other_log", Exit: ExitIntegrity, Args: []domain.Arg{
				{Name: "position", Value: itoa(h.Position)}, {Name: "have", Value: root64(h.Root)}, {Name: "want", Value: root},
			}}
		}
	}
	if err := r.Range(ctx, 1, h.Position, func(e *domain.Event) error { y.Add(e); return nil }); err != nil {
		return err
	}
	book, err := r.Book(ctx, h.Position)
	if err != nil {
		return err
	}
	fixed := KnownAt{Position: h.Position} // also where it was the head: more may have been recorded meanwhile
	if err := r.ViewAt(ctx, fixed, func(v View) error { return y.Finish(ctx, v, book) }); err != nil {
		return err
	}
	if y.Closed == report.NotClosed && !draft {
		return &Failure{Code: "period.open", Exit: ExitRefused, Args: []domain.Arg{{Name: "day", Value: y.To.String()}}}
	}
	b := p.bar(p.t("progress.replay"))
	again, err := p.backend.Replay(ctx, p.target(), fixed, b.progress())
	b.done()
	if err != nil {
		return err
	}
	if name := again.differs(); name != "" {
		return &Failure{Code: "replay.differs", Exit: ExitIntegrity, Args: []domain.Arg{{Name: "name", Value: name}}}
	}
	if p.json {
		return p.halfYearJSON(h, &y, again.Projections)
	}
	p.tellHalfYear(h, &y, again.Projections)
	return nil
}

func (p *program) halfYearJSON(h Head, y *report.HalfYear, models []ReplayedProjection) error {
	d := h.Currency.Decimals
	answer := halfYearJSON{
		headJSON: newHeadJSON(h), From: y.From.String(), To: y.To.String(), Within: y.Within,
		Draft: y.Closed == report.NotClosed, ClosedBy: string(y.Closed), Currency: h.Currency.Code,
		Levels: []halfYearRowJSON{}, All: []halfYearRowJSON{}, Balances: []halfYearBalanceJSON{}, Indicators: []halfYearIndicatorJSON{},
		Reopened: []reopenedJSON{}, Projections: []halfYearModelJSON{},
	}
	rows := func(list []projections.TotalsRow) []halfYearRowJSON {
		out := make([]halfYearRowJSON, len(list))
		for i := range list {
			t := &list[i]
			out[i] = halfYearRowJSON{levelOf(t), t.Measure, t.Recipient, t.Grants, t.People, money.Format(t.Amount, d)}
		}
		return out
	}
	answer.Levels, answer.All = rows(y.Levels), rows(y.All)
	for i := range y.Balances {
		b := &y.Balances[i]
		answer.Balances = append(answer.Balances, halfYearBalanceJSON{
			string(b.Asset), money.Format(b.Posted, d), money.Format(b.Encumbered, d), money.Format(b.Available(), d), money.FormatQuantity(b.Quantity),
		})
	}
	for i := range y.Indicators {
		x := &y.Indicators[i].IndicatorReported
		row := halfYearIndicatorJSON{Unit: x.Unit, Indicator: x.Indicator, From: x.From.String(), To: x.To.String(), Value: string(x.Value), Measure: x.Measure}
		if of := string(x.Of); of != "" {
			row.Of = &of
		}
		answer.Indicators = append(answer.Indicators, row)
	}
	for _, o := range y.Reopened {
		answer.Reopened = append(answer.Reopened, reopenedJSON{o.Position, o.On.String(), o.From.String(), o.Unit})
	}
	for i := range models {
		answer.Projections = append(answer.Projections, halfYearModelJSON{models[i].Name, models[i].Version, root64(models[i].Digest)})
	}
	return p.encode(answer)
}

// levelOf is the unit level of a row, "" of one of the whole association.
func levelOf(t *projections.TotalsRow) string {
	if len(t.By) == 0 {
		return ""
	}
	return t.By[0]
}

func (p *program) tellHalfYear(h Head, y *report.HalfYear, models []ReplayedProjection) {
	p.printf("%s\n", p.t("half_year.title", "from", p.date(y.From), "until", p.date(y.To)))
	if y.Within != "" {
		p.printf("%s\n", p.t("half_year.within", "unit", y.Within))
	}
	switch y.Closed {
	case report.NotClosed:
		p.printf("%s\n", p.t("half_year.draft"))
	case report.ClosedByUnits:
		p.printf("%s\n", p.t("half_year.units"))
	}
	p.printf("\n")
	t := p.table("by.unit-level", "measure_of", "recipient", "grants>", "people>", "amount>")
	add := func(list []projections.TotalsRow) {
		for i := range list {
			r := &list[i]
			level := p.t("half_year.all")
			if len(r.By) > 0 {
				level = p.cat.Term("level", r.By[0])
			}
			grants, people := "", ""
			if isGrants(r.Measure) {
				grants, people = p.count(r.Grants), p.count(r.People)
			}
			t.row(level, p.cat.Term("measure", r.Measure), p.cat.Term("recipient", r.Recipient), grants, people, p.amount(r.Amount, h.Currency))
		}
	}
	add(y.Levels)
	add(y.All)
	t.print()
	p.printf("\n%s\n", p.t("half_year.balances", "until", p.date(y.To)))
	t = p.table("asset", "quantity>", "posted>", "encumbered>", "available>")
	for i := range y.Balances {
		b := &y.Balances[i]
		quantity := ""
		if b.Asset.IsGoods() {
			quantity = money.FormatQuantityLocal(b.Quantity, p.locale())
		}
		t.row(p.cat.Asset(string(b.Asset)), quantity, p.amount(b.Posted, h.Currency), p.amount(b.Encumbered, h.Currency), p.amount(b.Available(), h.Currency))
	}
	t.print()
	if len(y.Indicators) > 0 {
		p.printf("\n%s\n", p.t("half_year.indicators"))
		for i := range y.Indicators {
			x := &y.Indicators[i].IndicatorReported
			value := p.cat.Number(string(x.Value))
			if x.Of != "" {
				value += " / " + p.cat.Number(string(x.Of))
			}
			if x.Measure != "" {
				value += " " + x.Measure
			}
			p.printf("  %s  %s  %s – %s: %s\n", x.Unit, x.Indicator, p.date(x.From), p.date(x.To), value)
		}
	}
	for _, o := range y.Reopened {
		p.printf("\n%s\n", p.t("half_year.reopened", "on", p.date(o.On), "since", p.date(o.From), "scope", p.scope(o.Unit), "position", p.count(o.Position)))
	}
	p.printf("\n")
	t = p.table("model", "version>", "digest")
	for i := range models {
		t.row(p.cat.Term("projection", models[i].Name), itoa(int64(models[i].Version)), root64(models[i].Digest))
	}
	t.print()
	p.tail(h)
}
