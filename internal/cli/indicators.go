package cli

import (
	"context"

	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

type indicatorsJSON struct {
	headJSON
	Rows []indicatorJSON `json:"rows"`
}

type indicatorJSON struct {
	Unit      string  `json:"unit"`
	Indicator string  `json:"indicator"`
	From      string  `json:"from"`
	To        string  `json:"to"`
	Value     string  `json:"value"`
	Of        *string `json:"of"`
	Measure   string  `json:"measure"`
}

func (p *program) indicatorsCommand() *command {
	var (
		unit, indicator string
		from, to        dateFlag
		at              knownFlag
	)
	c := p.command("indicators", "indicators").code(&unit, "unit", units).text(&indicator, "indicator").date(&from, "from").date(&to, "to").knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		q := projections.IndicatorQuery{Units: list(unit), Indicators: list(indicator), From: from.pointer(), To: to.pointer()}
		return p.readAt(ctx, at.KnownAt, func(v View) error {
			if err := known(ctx, v, "unit", q.Units); err != nil {
				return err
			}
			if err := known(ctx, v, "indicator", q.Indicators); err != nil {
				return err
			}
			rows, err := v.Indicators(ctx, q)
			if err != nil {
				return err
			}
			if p.json {
				return p.indicatorsJSON(v.Head(), rows)
			}
			p.indicatorsTable(v.Head(), &q, rows)
			return nil
		})
	})
}

func (p *program) indicatorsJSON(h Head, rows []projections.IndicatorRow) error {
	answer := indicatorsJSON{headJSON: newHeadJSON(h), Rows: make([]indicatorJSON, len(rows))}
	for i := range rows {
		r := &rows[i]
		answer.Rows[i] = indicatorJSON{
			Unit: r.Unit, Indicator: r.Indicator, From: r.From.String(), To: r.To.String(), Value: r.Value, Measure: r.Measure,
		}
		if r.Of != "" {
			answer.Rows[i].Of = &r.Of
		}
	}
	return p.encode(answer)
}

func (p *program) indicatorsTable(h Head, q *projections.IndicatorQuery, rows []projections.IndicatorRow) {
	p.printf("%s\n\n", p.rangeTitle("indicators.title", q.From, q.To))
	t := p.table("unit", "indicator", "from", "to", "value>", "of>", "measure")
	for i := range rows {
		r := &rows[i]
		t.row(r.Unit, p.cat.Term("indicator", r.Indicator), p.date(r.From), p.date(r.To), p.cat.Number(r.Value), p.cat.Number(r.Of), r.Measure)
	}
	if value, of, ok := sumIndicators(rows); ok && len(rows) > 1 {
		ofText := ""
		if of != 0 {
			ofText = money.FormatQuantityLocal(of, p.locale())
		}
		t.footer(p.t("table.total"), "", "", "", money.FormatQuantityLocal(value, p.locale()), ofText, "")
	}
	t.print()
	p.tail(h)
}

// sumIndicators adds up the reports of one figure of many units, in thousandths; not ok when they are of different figures or periods.
func sumIndicators(rows []projections.IndicatorRow) (value, of int64, ok bool) {
	add := func(sum *int64, s string) bool {
		if s == "" {
			return true
		}
		v, err := money.ParseQuantity(money.Decimal(s))
		next, fits := money.Add(*sum, v)
		*sum = next
		return err == nil && fits
	}
	for i := range rows {
		r, first := &rows[i], &rows[0]
		if r.Indicator != first.Indicator || r.From != first.From || r.To != first.To || !add(&value, r.Value) || !add(&of, r.Of) {
			return 0, 0, false
		}
	}
	return value, of, true
}
