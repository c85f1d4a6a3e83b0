package sqlite

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Indicators implements projections.Indicators.
func (r *Reader) Indicators(ctx context.Context, q projections.IndicatorQuery) ([]projections.IndicatorRow, error) {
	// ?3 and ?4 are JSON lists of units and indicators, ?5 and ?6 the range.
	const query = `SELECT unit, indicator, from_on, to_on, value, of_value, measure, reported_on, position FROM indicators
		WHERE ledger_id = ?1 AND slot = ?2
			AND (?3 = '[]' OR unit IN (SELECT value FROM json_each(?3)))
			AND (?4 = '[]' OR indicator IN (SELECT value FROM json_each(?4)))
			AND (?5 IS NULL OR from_on >= ?5) AND (?6 IS NULL OR to_on <= ?6)
		ORDER BY unit, indicator, from_on, to_on`
	units, err := jsonList(append([]string{}, q.Units...))
	if err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	names, err := jsonList(append([]string{}, q.Indicators...))
	if err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	rows, err := r.query(ctx, "indicators", query, units, names, textDate(q.From), textDate(q.To))
	if err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	list, err := collect(rows, func(i *projections.IndicatorRow) []any {
		return []any{
			&i.Unit, &i.Indicator, date{&i.From}, date{&i.To}, &i.Value, &i.Of, &i.Measure, date{&i.ReportedOn}, &i.Position,
		}
	})
	if err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	return list, nil
}
