package cli

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

type totalsJSON struct {
	headJSON
	From      *string        `json:"from"`
	To        *string        `json:"to"`
	Structure string         `json:"structure"`
	Rows      []totalRowJSON `json:"rows"`
}

type totalRowJSON struct {
	By        ordered `json:"by"`
	Measure   string  `json:"measure"`
	Recipient string  `json:"recipient"`
	Grants    int64   `json:"grants"`
	People    int64   `json:"people"`
	Amount    string  `json:"amount"`
	Currency  string  `json:"currency"`
}

// ordered is a JSON object whose members stand in the order in which they were asked for.
type ordered struct {
	keys   []string
	values []string
}

// MarshalJSON writes the object.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range o.keys {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, s := range [2]string{key, o.values[i]} {
			if j > 0 {
				b.WriteByte(':')
			}
			raw, err := marshal(s)
			if err != nil {
				return nil, err
			}
			b.Write(raw)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// The structures by which totals place units.
const (
	structureThen  = "then"
	structureToday = "today"
)

// inOrder is a choices flag whose words keep the order in which they were given, and none of which may come twice.
type inOrder struct{ choices }

func (o *inOrder) Set(s string) error {
	before := len(o.values)
	if err := o.choices.Set(s); err != nil {
		return err
	}
	if len(o.values)-before != strings.Count(s, ",")+1 {
		return usage("twice", "value", s)
	}
	return nil
}

func (p *program) totalsCommand() *command {
	c := p.command("totals", "totals")
	asked := c.totals()
	return c.runs(func(ctx context.Context, _ []string) error {
		q, at, err := asked()
		if err != nil {
			return err
		}
		return p.totals(ctx, at, q)
	})
}

// totals adds the flags of a question about totals as known at a moment, and returns what they ask for once they were read.
func (c *command) totals() func() (projections.TotalsQuery, KnownAt, error) {
	var at knownFlag
	asked := c.totalsQuery()
	c.knownAt(&at)
	return func() (projections.TotalsQuery, KnownAt, error) {
		q, err := asked()
		return q, at.KnownAt, err
	}
}

// totalsQuery adds the flags of a question about totals, and returns what they ask for once they were read.
func (c *command) totalsQuery() func() (projections.TotalsQuery, error) {
	var (
		q                                projections.TotalsQuery
		by                               inOrder
		from, to, asOf                   dateFlag
		structure                        = choice{value: structureThen}
		levels, measures, recipients     choices
		achievements, educations, causes choices
		fund, donor                      string
		within                           string
		rollup, paid                     bool
	)
	c = &command{c.Command, c.p, "totals"} // whose flags mean the same wherever they are
	by.words = plain(projections.Dims())
	c.Flags().Var(&by, "by", c.usageOf("by"))
	c.completes("by", fixed(by.words))
	c.date(&from, "from").date(&to, "to").date(&asOf, "as-of").code(&within, "within", units)
	c.choice(&structure, "structure", []string{structureThen, structureToday}).yes(&rollup, "rollup").yes(&paid, "paid")
	c.choices(&levels, "unit-level", plain(domain.Levels())).choices(&measures, "measure", projections.Measures())
	c.choices(&recipients, "recipient", projections.Recipients()).code(&fund, "fund", funds).code(&donor, "donor", donors)
	c.choices(&achievements, "achievement-level", domain.AchievementLevels())
	c.choices(&educations, "education-level", domain.EducationLevels()).choices(&causes, "cause", domain.Causes())
	return func() (projections.TotalsQuery, error) {
		if asOf.given {
			if to.given {
				return q, usage("as_of_to")
			}
			to = asOf // totals are of days, through the last of them
		}
		q.By = nil
		for _, d := range by.values {
			q.By = append(q.By, projections.Dim(d))
		}
		q.From, q.To = from.pointer(), to.pointer()
		q.Within, q.Today, q.Rollup, q.Paid = within, structure.value == structureToday, rollup, paid
		q.UnitLevels, q.Measures, q.Recipients = levels.values, measures.values, recipients.values
		q.Funds, q.Donors = list(fund), list(donor)
		q.AchievementLevels, q.EducationLevels, q.Causes = achievements.values, educations.values, causes.values
		if q.Rollup && !slices.Contains(q.By, projections.ByUnit) {
			return q, usage("rollup")
		}
		return q, nil
	}
}

func (p *program) totals(ctx context.Context, at KnownAt, q projections.TotalsQuery) error {
	return p.readAt(ctx, at, func(v View) error {
		if err := checkTotals(ctx, v, &q); err != nil {
			return err
		}
		rows, err := v.Totals(ctx, q)
		if err != nil {
			return err
		}
		if p.json {
			return p.totalsJSON(v.Head(), &q, rows)
		}
		return p.totalsTable(ctx, v, &q, rows)
	})
}

// checkTotals refuses a question that names what is not in the ledger.
func checkTotals(ctx context.Context, v View, q *projections.TotalsQuery) error {
	if q.Within != "" {
		if err := known(ctx, v, "unit", []string{q.Within}); err != nil {
			return err
		}
	}
	if err := known(ctx, v, "fund", q.Funds); err != nil {
		return err
	}
	return known(ctx, v, "donor", q.Donors)
}

func (p *program) totalsJSON(h Head, q *projections.TotalsQuery, rows []projections.TotalsRow) error {
	answer := totalsJSON{
		headJSON: newHeadJSON(h), From: dateJSON(q.From), To: dateJSON(q.To), Structure: structureThen,
		Rows: make([]totalRowJSON, len(rows)),
	}
	if q.Today {
		answer.Structure = structureToday
	}
	for i := range rows {
		r := &rows[i]
		answer.Rows[i] = totalRowJSON{
			By: ordered{plain(q.By), r.By}, Measure: r.Measure, Recipient: r.Recipient, Grants: r.Grants, People: r.People,
			Amount: money.Format(r.Amount, h.Currency.Decimals), Currency: h.Currency.Code,
		}
	}
	return p.encode(answer)
}

func (p *program) totalsTable(ctx context.Context, v View, q *projections.TotalsQuery, rows []projections.TotalsRow) error {
	names, err := p.unitNames(ctx, v, q)
	if err != nil {
		return err
	}
	h := v.Head()
	p.printf("%s\n\n", p.rangeTitle("totals.title", q.From, q.To))
	var columns []string
	for _, d := range q.By {
		columns = append(columns, "by."+string(d))
	}
	t := p.table(append(columns, "measure_of", "recipient", "grants>", "people>", "amount>")...)
	var grants, amount int64
	adds, allGrants := true, true
	for i := range rows {
		r := &rows[i]
		var line []string
		for j, d := range q.By {
			line = append(line, p.value(d, r.By[j], names))
		}
		grantsText, people := "", ""
		if isGrants(r.Measure) {
			grantsText, people = p.count(r.Grants), p.count(r.People)
		}
		t.row(append(line, p.cat.Term("measure", r.Measure), p.cat.Term("recipient", r.Recipient), grantsText, people,
			p.amount(r.Amount, h.Currency))...)
		grants, amount = grants+r.Grants, amount+r.Amount
		adds = adds && direction(r.Measure) == direction(rows[0].Measure)
		allGrants = allGrants && isGrants(r.Measure)
	}
	if len(rows) > 1 && adds && !q.Rollup { // people never add up
		total := make([]string, len(q.By)+5)
		total[0] = p.t("table.total")
		total[len(q.By)+4] = p.amount(amount, h.Currency)
		if allGrants {
			total[len(q.By)+2] = p.count(grants)
		}
		t.footer(total...)
	}
	t.print()
	p.tail(h)
	return nil
}

// unitNames are the names of units, where a query is by unit.
func (p *program) unitNames(ctx context.Context, v View, q *projections.TotalsQuery) (map[string]string, error) {
	names := map[string]string{}
	if !slices.Contains(q.By, projections.ByUnit) {
		return names, nil
	}
	list, err := v.Units(ctx)
	for i := range list {
		names[list[i].Code] = p.name(list[i].Name, list[i].NameEN)
	}
	return names, err
}

// direction says which measures may be summed: gifts with gifts, what is spent with what is spent, each other one alone.
func direction(measure string) string {
	switch {
	case measure == projections.DonationCash || measure == projections.DonationInKind:
		return "gifts"
	case isGrants(measure) || measure == projections.ExpenseMeasure:
		return "spent"
	}
	return measure
}

// isGrants reports whether a measure counts grants and people.
func isGrants(measure string) bool {
	return slices.Contains(domain.GrantKinds(), domain.Purpose(measure))
}

// value writes a value of a dimension for people.
func (p *program) value(d projections.Dim, v string, names map[string]string) string {
	if v == "" {
		return "–"
	}
	switch d {
	case projections.ByUnit:
		return strings.TrimSpace(v + " " + names[v])
	case projections.ByUnitLevel:
		return p.cat.Term("level", v)
	case projections.ByAchievementLevel:
		return p.cat.Term("achievement", v)
	case projections.ByEducationLevel:
		return p.cat.Term("education", v)
	case projections.ByCause:
		return p.cat.Term("cause", v)
	case projections.ByAsset:
		return p.cat.Asset(v)
	case projections.ByDonorKind:
		return p.cat.Term("donor", v)
	}
	return v
}

// rangeTitle is the title of a table about a range of days; name has a text for each of the four cases.
func (p *program) rangeTitle(name string, from, to *domain.Date) string {
	switch {
	case from != nil && to != nil:
		return p.t(name+".between", "from", p.date(*from), "to", p.date(*to))
	case from != nil:
		return p.t(name+".from", "from", p.date(*from))
	case to != nil:
		return p.t(name+".to", "to", p.date(*to))
	}
	return p.t(name)
}
