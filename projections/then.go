package projections

import (
	"cmp"
	"slices"

	"github.com/soquy/soquy/domain"
)

// ThenIndicators are the reports of figures through a position. It needs the events that report one, in order.
type ThenIndicators struct{ fold *Fold }

// NewThenIndicators makes those of no event yet.
func NewThenIndicators() *ThenIndicators {
	return &ThenIndicators{NewFold(Lookup("indicators"), nil)}
}

// Add takes an event.
func (t *ThenIndicators) Add(e *domain.Event) error { return t.fold.Add(e) }

// Rows answers as Indicators does.
func (t *ThenIndicators) Rows(q IndicatorQuery) []IndicatorRow {
	var list []IndicatorRow
	table := t.fold.Rows(indicatorTable)
	row := make([]Value, len(indicatorTable.Columns))
	for i := range table.Len() {
		table.Row(i, row)
		r := IndicatorRow{
			Unit: row[0].Text, Indicator: row[1].Text, From: domain.Date(row[2].Int), To: domain.Date(row[3].Int),
			Value: row[4].Text, Of: row[5].Text, Measure: row[6].Text, ReportedOn: domain.Date(row[7].Int), Position: row[8].Int,
		}
		if out := func(list []string, v string) bool { return len(list) > 0 && !slices.Contains(list, v) }; out(q.Units, r.Unit) ||
			out(q.Indicators, r.Indicator) || q.From != nil && r.From < *q.From || q.To != nil && r.To > *q.To {
			continue
		}
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b IndicatorRow) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return list
}
