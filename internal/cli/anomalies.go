package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/audit"
)

type anomaliesJSON struct {
	headJSON
	From       *string        `json:"from"`
	To         *string        `json:"to"`
	Currency   string         `json:"currency"`
	Thresholds thresholdsJSON `json:"thresholds"`
	Findings   []findingJSON  `json:"findings"`
	Digits     []digitsJSON   `json:"digits"`
}

type thresholdsJSON struct {
	Limit     *string `json:"limit"`
	SplitDays int     `json:"split_days"`
	Round     string  `json:"round"`
	LateDays  int     `json:"late_days"`
	DayBegins int     `json:"day_begins"`
	DayEnds   int     `json:"day_ends"`
}

type findingJSON struct {
	Rule      string  `json:"rule"`
	Sentence  string  `json:"sentence"`
	Amount    string  `json:"amount"`
	Positions []int64 `json:"positions"`
}

type digitsJSON struct {
	Of       string    `json:"of"`
	Entries  int64     `json:"entries"`
	Observed [9]int64  `json:"observed"`
	Expected [9]string `json:"expected"`
}

// Thresholds of the rules unless others are given.
const (
	splitDays = 7
	lateDays  = 30
	dayBegins = 6
	dayEnds   = 22
	roundSum  = 1_000_000 // of a currency without decimals, such as the dong; a thousand of others
)

func (p *program) anomaliesCommand() *command {
	var (
		t            audit.Thresholds
		from, to     dateFlag
		limit, round string
		rules        choices
		at           knownFlag
	)
	c := p.command("anomalies", "anomalies").date(&from, "from").date(&to, "to").choices(&rules, "rule", plain(audit.Rules()))
	c.text(&limit, "limit").text(&round, "round")
	number := func(dst *int, name string, value int) {
		c.Flags().IntVar(dst, name, value, c.usageOf(name))
		c.completes(name, nil)
	}
	number(&t.SplitDays, "split-days", splitDays)
	number(&t.LateDays, "late-days", lateDays)
	number(&t.DayBegins, "day-begins", dayBegins)
	number(&t.DayEnds, "day-ends", dayEnds)
	c.knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		t.From, t.To = from.pointer(), to.pointer()
		if err := checkThresholds(&t); err != nil {
			return err
		}
		return p.readerAt(ctx, at.KnownAt, func(r Reader, v View) error {
			h := v.Head()
			var err error
			if t.Limit, err = p.aboveZero("--limit", limit, h.Currency); err != nil {
				return err
			}
			if t.Round, err = p.aboveZero("--round", round, h.Currency); err != nil {
				return err
			}
			if t.Round == 0 {
				t.Round = roundSum
				if h.Currency.Decimals > 0 {
					t.Round, err = money.Decimal("1000").Minor(h.Currency.Decimals)
				}
			}
			a := audit.NewAnomalies(t)
			if err == nil {
				err = p.eachEvent(ctx, r, 1, h.Position, a.Add)
			}
			if err == nil && (len(rules.values) == 0 || slices.Contains(rules.values, string(audit.DuplicateReference))) {
				err = r.Remarks(ctx, a.Remarks(), a.ReadRemark)
			}
			if err != nil {
				return err
			}
			found := slices.DeleteFunc(a.Findings(), func(f audit.Finding) bool {
				return len(rules.values) > 0 && !slices.Contains(rules.values, string(f.Rule))
			})
			if p.json {
				return p.anomaliesJSON(h, &t, found, a.Digits())
			}
			return p.tellAnomalies(ctx, r, h, &t, found, a.Digits())
		})
	})
}

func checkThresholds(t *audit.Thresholds) error {
	for _, f := range []struct {
		flag        string
		value, most int
	}{
		{"--split-days", t.SplitDays, 3660},
		{"--late-days", t.LateDays, 36600},
		{"--day-begins", t.DayBegins, 24},
		{"--day-ends", t.DayEnds, 24},
	} {
		if f.value < 0 || f.value > f.most {
			return usage("flag_value", "flag", f.flag, "value", itoa(int64(f.value)))
		}
	}
	return nil
}

// findingText says what was found.
func (p *program) findingText(f *audit.Finding, c money.Currency) string {
	n := p.count(int64(len(f.Positions)))
	amount := p.amount(f.Amount, c)
	switch f.Rule {
	case audit.DuplicateGrant:
		return p.t("anomaly.duplicate_grant", "n", n, "person", p.t("sentence.who.person", "id", short(f.Person)), "kind", p.cat.Term("purpose", f.Kind),
			"period", f.Period, "amount", amount)
	case audit.DuplicateGift:
		return p.t("anomaly.duplicate_gift", "n", n, "donor", f.Donor, "fund", f.Fund, "day", p.date(f.Day), "amount", amount)
	case audit.DuplicateExpense:
		return p.t("anomaly.duplicate_expense", "n", n, "fund", f.Fund, "purpose", p.cat.Term("expense", f.Purpose), "payee", p.payee(f.Payee),
			"day", p.date(f.Day), "amount", amount)
	case audit.DuplicateReference:
		return p.t("anomaly.duplicate_reference", "n", n, "reference", f.Reference[len(f.Reference)-shownReference:], "amount", amount)
	case audit.Split:
		return p.t("anomaly.split", "n", n, "payee", p.payee(f.Payee), "day", p.date(f.Day), "amount", amount)
	case audit.RoundSum:
		return p.t("anomaly.round_sum", "n", n, "fund", f.Fund, "amount", amount)
	case audit.OddHour:
		return p.t("anomaly.odd_hour", "n", n, "day", p.date(f.Day), "actor", p.actor(f.Actor))
	case audit.BackDated:
		return p.t("anomaly.back_dated", "n", n, "day", p.date(f.Day), "actor", p.actor(f.Actor))
	}
	numbers := f.First
	if f.Last != f.First {
		numbers += " – " + f.Last
	}
	if f.Missing {
		return p.t("anomaly.voucher_missing", "unit", f.Unit, "numbers", numbers)
	}
	return p.t("anomaly.voucher_twice", "unit", f.Unit, "numbers", numbers)
}

// shownReference is how much of a reference is shown: enough to find it on a statement of the bank, and no phone number.
const shownReference = 4

// payee names who was paid.
func (p *program) payee(s string) string {
	kind, name, _ := strings.Cut(s, ":")
	switch kind {
	case "person":
		id, err := uuid.Parse(name)
		if err != nil {
			return name
		}
		return p.t("sentence.who.person", "id", short(id))
	case "donor":
		return p.t("sentence.payee.donor", "donor", name)
	case "collective":
		return p.t("sentence.recipient.collective", "name", name)
	case "unit":
		return p.t("sentence.recipient.unit", "unit", name)
	case "":
		return p.t("anomaly.nobody")
	}
	return name
}

func (p *program) actor(name string) string {
	if name == "" {
		return p.t("anomaly.nobody")
	}
	return name
}

// ruleText says what a rule looks for, with its thresholds.
func (p *program) ruleText(r audit.Rule, t *audit.Thresholds, c money.Currency) string {
	return p.t("anomaly.rule."+string(r), "limit", p.amount(t.Limit, c), "round", p.amount(t.Round, c), "days", p.count(int64(t.SplitDays)),
		"late", p.count(int64(t.LateDays)), "begins", itoa(int64(t.DayBegins)), "ends", itoa(int64(t.DayEnds)))
}

// fewEvents is up to how many events of a finding are told one by one; of more, their positions are.
const fewEvents = 5

func (p *program) tellAnomalies(ctx context.Context, r Reader, h Head, t *audit.Thresholds, found []audit.Finding, digits []audit.Digits) error {
	var positions []int64
	for i := range found {
		if len(found[i].Positions) <= fewEvents {
			positions = append(positions, found[i].Positions...)
		}
	}
	events, err := eventsAt(ctx, r, positions)
	if err != nil {
		return err
	}
	p.printf("%s\n", p.rangeTitle("anomalies.title", t.From, t.To))
	for i := range found {
		f := &found[i]
		if i == 0 || found[i-1].Rule != f.Rule {
			p.printf("\n%s\n", p.ruleText(f.Rule, t, h.Currency))
		}
		p.printf("\n  %s\n", upperFirst(p.findingText(f, h.Currency)))
		if len(f.Positions) > fewEvents {
			p.printf("    %s\n", p.t("anomaly.positions", "positions", p.ranges(f.Positions)))
			continue
		}
		for _, position := range f.Positions {
			e := events[position]
			p.printf("    %s  %s  %s\n", p.count(position), p.date(e.EffectiveOn), Sentence(p.cat, h.Currency, e))
		}
	}
	if len(found) == 0 {
		p.printf("\n%s\n", p.t("anomalies.none"))
	}
	if t.Limit == 0 {
		p.printf("\n%s\n", p.t("anomalies.no_limit"))
	}
	p.printf("\n%s\n\n", p.t("anomalies.digits"))
	columns := []string{"digit>"}
	for _, d := range digits {
		columns = append(columns, "digits."+d.Of+">", "expected>")
	}
	table := p.table(columns...)
	for i := range 9 {
		row := []string{itoa(int64(i + 1))}
		for _, d := range digits {
			row = append(row, p.count(d.Observed[i]), p.cat.Number(money.Format(d.Expected[i], 1)))
		}
		table.row(row...)
	}
	table.print()
	p.tail(h)
	return nil
}

// ranges writes positions shortly: 3, 5-9.
func (p *program) ranges(positions []int64) string {
	var parts []string
	for i := 0; i < len(positions); {
		last := i
		for last+1 < len(positions) && positions[last+1] == positions[last]+1 {
			last++
		}
		part := p.count(positions[i])
		if last > i {
			part += "-" + p.count(positions[last])
		}
		parts = append(parts, part)
		i = last + 1
	}
	return strings.Join(parts, "; ")
}

func (p *program) anomaliesJSON(h Head, t *audit.Thresholds, found []audit.Finding, digits []audit.Digits) error {
	amount := func(v int64) string { return money.Format(v, h.Currency.Decimals) }
	answer := anomaliesJSON{
		headJSON: newHeadJSON(h), From: dateJSON(t.From), To: dateJSON(t.To), Currency: h.Currency.Code,
		Thresholds: thresholdsJSON{nil, t.SplitDays, amount(t.Round), t.LateDays, t.DayBegins, t.DayEnds},
		Findings:   make([]findingJSON, len(found)), Digits: make([]digitsJSON, len(digits)),
	}
	if t.Limit > 0 {
		limit := amount(t.Limit)
		answer.Thresholds.Limit = &limit
	}
	for i := range found {
		f := &found[i]
		answer.Findings[i] = findingJSON{string(f.Rule), upperFirst(p.findingText(f, h.Currency)), amount(f.Amount), f.Positions}
	}
	for i, d := range digits {
		answer.Digits[i] = digitsJSON{Of: d.Of, Entries: d.Entries, Observed: d.Observed}
		for j, expected := range d.Expected {
			answer.Digits[i].Expected[j] = money.Format(expected, 1)
		}
	}
	return p.encode(answer)
}
