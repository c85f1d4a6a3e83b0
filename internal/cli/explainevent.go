package cli

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

type explainedEventJSON struct {
	headJSON
	Event      tracedJSON         `json:"event"`
	ReversedBy *int64             `json:"reversed_by"`
	Holdings   []tracedHolding    `json:"holdings"`
	Totals     []tracedTotal      `json:"totals"`
	Vouchers   []string           `json:"vouchers"`
	Periods    []tracedPeriodJSON `json:"periods"`
}

type tracedJSON struct {
	Position    int64  `json:"position"`
	Event       string `json:"event"`
	Type        string `json:"type"`
	EffectiveOn string `json:"effective_on"`
	RecordedAt  string `json:"recorded_at"`
	Sentence    string `json:"sentence"`
}

type tracedHolding struct {
	Fund               string `json:"fund"`
	Asset              string `json:"asset"`
	EffectiveOn        string `json:"effective_on"`
	Posted             string `json:"posted"`
	Encumbered         string `json:"encumbered"`
	Quantity           string `json:"quantity"`
	QuantityEncumbered string `json:"quantity_encumbered"`
	Command            string `json:"command"`
}

type tracedTotal struct {
	Paid      bool    `json:"paid"`
	By        ordered `json:"by"`
	Measure   string  `json:"measure"`
	Recipient string  `json:"recipient"`
	Grants    int64   `json:"grants"`
	PeopleOn  int     `json:"people_on"`
	PeopleOff int     `json:"people_off"`
	Amount    string  `json:"amount"`
	Command   string  `json:"command"`
}

type tracedPeriodJSON struct {
	Position int64  `json:"position"`
	Through  string `json:"through"`
	Unit     string `json:"unit"`
	Reopened *int64 `json:"reopened"` // position
}

// A traced is an event with the figures that it is in.
type traced struct {
	event      *domain.Event
	effects    []domain.Effect
	counted    []projections.Counted
	reversedBy int64 // 0: it stands
	periods    []tracedPeriod
}

type tracedPeriod struct {
	position int64
	*domain.PeriodClosed
	bound    []domain.Effect // of the event, that the close bound
	reopened int64           // 0: they are bound still
}

// reopen notes that books were opened again. A unit opens those of the funds that it has then, whoever closed them.
func (t *tracedPeriod) reopen(position int64, r *domain.PeriodReopened, unitOf map[string]string) {
	if (t.Unit == "") != (r.Unit == "") || t.reopened > 0 {
		return
	}
	opens := func(x domain.Effect) bool { return x.Day >= r.From && (r.Unit == "" || unitOf[x.Fund] == r.Unit) }
	if slices.ContainsFunc(t.bound, opens) {
		t.reopened = position
	}
}

func (p *program) explainEventCommand() *command {
	var at knownFlag
	c := p.command("explain.event", "event EVENT").takes(1, 1, nil).knownAt(&at)
	return c.runs(func(ctx context.Context, args []string) error {
		position, id, err := p.parseEvent(args[0])
		if err != nil {
			return err
		}
		return p.readerAt(ctx, at.KnownAt, func(r Reader, v View) error {
			h := v.Head()
			t, err := p.trace(ctx, r, h, position, id)
			if err != nil {
				return err
			}
			if p.json {
				return p.tracedJSON(h, t)
			}
			p.tellTraced(h, t)
			return nil
		})
	})
}

// parseEvent reads a position or the ID of an event; what is not given is zero.
func (p *program) parseEvent(s string) (position int64, id uuid.UUID, err error) {
	if s != "" && strings.Trim(s, "0123456789") == "" {
		position, err = strconv.ParseInt(s, 10, 64)
		if err != nil || position < 1 {
			return 0, id, usage("event", "value", s)
		}
		return position, id, nil
	}
	id, err = uuid.Parse(s)
	if err != nil || len(s) != 36 || id == uuid.Nil {
		return 0, id, usage("event", "value", s)
	}
	return 0, id, nil
}

// trace finds an event and what follows from it, within what was known at a head.
func (p *program) trace(ctx context.Context, r Reader, h Head, position int64, id uuid.UUID) (*traced, error) {
	if position == 0 {
		e, err := r.Event(ctx, id)
		if err != nil {
			return nil, err
		}
		position = e.Position
	}
	if position > h.Position {
		return nil, &Failure{Code: "position.unknown", Exit: ExitRefused, Args: []domain.Arg{
			{Name: "position", Value: itoa(position)}, {Name: "head", Value: itoa(h.Position)},
		}}
	}
	t := &traced{}
	unitOf, closed := map[string]string{}, map[string]bool{} // of funds
	err := p.eachEvent(ctx, r, 1, h.Position, func(e *domain.Event) error {
		if e.Position == position {
			kept := *e
			t.event, t.effects = &kept, kept.Effects()
		}
		switch b := e.Body.(type) {
		case *domain.FundOpened:
			unitOf[b.Code] = b.Unit
		case *domain.FundClosed:
			closed[b.Fund] = true
		case *domain.UnitMerged:
			for fund, unit := range unitOf {
				if unit == b.Unit && !closed[fund] {
					unitOf[fund] = b.Into
				}
			}
		case *domain.EntryReversed:
			if b.Position == position {
				t.reversedBy = e.Position
			}
		case *domain.PeriodClosed:
			free := func(x domain.Effect) bool { return x.Day > b.Through || b.Unit != "" && unitOf[x.Fund] != b.Unit }
			if bound := slices.DeleteFunc(slices.Clone(t.effects), free); len(bound) > 0 {
				t.periods = append(t.periods, tracedPeriod{position: e.Position, PeriodClosed: b, bound: bound})
			}
		case *domain.PeriodReopened:
			for i := range t.periods {
				t.periods[i].reopen(e.Position, b, unitOf)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.counted, err = projections.CountedIn(t.event)
	return t, err
}

// balanceCommand is what asks for the balance that an effect is in.
func balanceCommand(x *domain.Effect) string {
	return "soquy explain balance --fund " + x.Fund + " --asset " + string(x.Asset)
}

// dimensions are those of a total that have a value, with it.
func dimensions(c *projections.Counted) ordered {
	o := ordered{}
	for _, d := range []struct {
		dim   projections.Dim
		value string
	}{
		{projections.ByUnit, c.Unit},
		{projections.ByFund, c.Fund},
		{projections.ByMonth, c.Day.String()[:len("2017-03")]},
		{projections.ByAchievementLevel, c.AchievementLevel},
		{projections.ByEducationLevel, c.EducationLevel},
		{projections.BySchoolYear, c.SchoolYear},
		{projections.ByCause, c.Cause},
		{projections.ByAsset, c.Asset},
		{projections.ByDonorKind, c.DonorKind},
	} {
		if d.value != "" {
			o.keys, o.values = append(o.keys, string(d.dim)), append(o.values, d.value)
		}
	}
	return o
}

// totalsCommand is what asks for the row of totals that an event counts in.
func totalsCommand(c *projections.Counted) string {
	o := dimensions(c)
	var row []string
	for i, key := range o.keys {
		row = append(row, key+"="+o.values[i])
	}
	row = append(row, "measure="+c.Measure)
	if c.Recipient != "" {
		row = append(row, "recipient="+c.Recipient)
	}
	paid := ""
	if c.Paid {
		paid = " --paid"
	}
	return "soquy explain totals" + paid + " --by " + strings.Join(o.keys, ",") + " --row " + strings.Join(row, ",")
}

func (p *program) tracedJSON(h Head, t *traced) error {
	d := h.Currency.Decimals
	answer := explainedEventJSON{
		headJSON: newHeadJSON(h),
		Event: tracedJSON{
			t.event.Position, t.event.ID.String(), t.event.Body.Type(), t.event.EffectiveOn.String(), instantText(t.event.RecordedAt),
			Sentence(p.cat, h.Currency, t.event),
		},
		Holdings: make([]tracedHolding, len(t.effects)), Totals: make([]tracedTotal, len(t.counted)), Vouchers: voucherNames(t.event),
		Periods: make([]tracedPeriodJSON, len(t.periods)),
	}
	if t.reversedBy > 0 {
		answer.ReversedBy = &t.reversedBy
	}
	for i := range t.effects {
		x := &t.effects[i]
		answer.Holdings[i] = tracedHolding{
			x.Fund, string(x.Asset), x.Day.String(), money.Format(x.Posted, d), money.Format(x.Encumbered, d),
			money.FormatQuantity(x.Quantity), money.FormatQuantity(x.QuantityEncumbered), balanceCommand(x),
		}
	}
	for i := range t.counted {
		c := &t.counted[i]
		answer.Totals[i] = tracedTotal{
			c.Paid, dimensions(c), c.Measure, c.Recipient, c.Grants, c.On, c.Off, money.Format(c.Amount, d), totalsCommand(c),
		}
	}
	for i := range t.periods {
		closed := &t.periods[i]
		answer.Periods[i] = tracedPeriodJSON{Position: closed.position, Through: closed.Through.String(), Unit: closed.Unit}
		if closed.reopened > 0 {
			answer.Periods[i].Reopened = &closed.reopened
		}
	}
	return p.encode(answer)
}

func (p *program) tellTraced(h Head, t *traced) {
	e := t.event
	p.printf("%s\n%s\n", p.t("trace.event", "position", p.count(e.Position), "day", p.date(e.EffectiveOn), "recorded", p.cat.Instant(h.In(e.RecordedAt).Format(time.RFC3339)),
		"id", e.ID.String()), Sentence(p.cat, h.Currency, e))
	if t.reversedBy > 0 {
		p.printf("%s\n", p.t("trace.reversed", "position", p.count(t.reversedBy)))
	}
	if len(t.effects) > 0 {
		p.printf("\n%s\n", p.t("trace.balances"))
	}
	for i := range t.effects {
		x := &t.effects[i]
		var parts []string
		for _, change := range []struct{ name, value string }{
			{"trace.posted", p.signed(x.Posted, h.Currency)},
			{"trace.reserved", p.signed(x.Encumbered, h.Currency)},
			{"trace.quantity", nonzeroQuantity(x.Quantity, p.locale())},
			{"trace.quantity_reserved", nonzeroQuantity(x.QuantityEncumbered, p.locale())},
		} {
			if change.value != "" {
				parts = append(parts, p.t(change.name, "change", change.value))
			}
		}
		p.printf("  %s, %s: %s\n    %s\n", x.Fund, p.cat.Asset(string(x.Asset)), strings.Join(parts, ", "), balanceCommand(x))
	}
	if len(t.counted) > 0 {
		p.printf("\n%s\n", p.t("trace.totals"))
	}
	for i := range t.counted {
		c := &t.counted[i]
		what := p.cat.Term("measure", c.Measure)
		if c.Recipient != "" {
			what += ", " + p.cat.Term("recipient", c.Recipient)
		}
		what += ": " + p.amount(c.Amount, h.Currency)
		if isGrants(c.Measure) {
			people := p.counted(c.Share)
			if people == "" {
				people = "0"
			}
			what += ", " + p.t("trace.grants", "grants", p.count(c.Grants), "people", people)
		}
		p.printf("  %s\n    %s\n", what, totalsCommand(c))
	}
	if names := voucherNames(e); len(names) > 0 {
		p.printf("\n%s\n", p.t("trace.vouchers"))
		for _, name := range names {
			p.printf("  %s\n    soquy history --subject voucher:%s\n", name, name)
		}
	}
	if len(t.periods) > 0 {
		p.printf("\n%s\n", p.t("trace.periods"))
	}
	for i := range t.periods {
		closed := &t.periods[i]
		of := p.t("sentence.period.all")
		if closed.Unit != "" {
			of = p.t("sentence.period.unit", "unit", closed.Unit)
		}
		p.printf("  %s\n", p.t("trace.period", "day", p.date(closed.Through), "of", of, "position", p.count(closed.position)))
		if closed.reopened > 0 {
			p.printf("    %s\n", p.t("trace.reopened", "position", p.count(closed.reopened)))
		}
	}
	if len(t.effects)+len(t.counted)+len(e.Vouchers()) == 0 {
		p.printf("\n%s\n", p.t("trace.none"))
	}
	p.tail(h)
}

// nonzeroQuantity writes a change of a quantity with its sign; none is "".
func nonzeroQuantity(v int64, l money.Locale) string {
	if v == 0 {
		return ""
	}
	return signedQuantity(v, l)
}
