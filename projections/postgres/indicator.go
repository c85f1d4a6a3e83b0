package postgres

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Indicators implements projections.Indicators.
func (r *Reader) Indicators(ctx context.Context, q projections.IndicatorQuery) ([]projections.IndicatorRow, error) {
	const query = `SELECT unit, indicator, from_on - DATE '1970-01-01', to_on - DATE '1970-01-01', value, of_value, measure,
			reported_on - DATE '1970-01-01', position
		FROM indicators
		WHERE ledger_id = $1 AND slot = $2 AND (cardinality($3::text[]) = 0 OR unit = ANY ($3))
			AND (cardinality($4::text[]) = 0 OR indicator = ANY ($4)) AND from_on >= $5 AND to_on <= $6
		ORDER BY unit, indicator, from_on, to_on`
	from, to := days(q.From, q.To)
	rows, err := r.query(ctx, "indicators", query, append([]string{}, q.Units...), append([]string{}, q.Indicators...), from, to)
	list, err := collect(rows, err, func(i *projections.IndicatorRow) []any {
		return []any{&i.Unit, &i.Indicator, &i.From, &i.To, &i.Value, &i.Of, &i.Measure, &i.ReportedOn, &i.Position}
	})
	if err != nil {
		return nil, fmt.Errorf("indicators: %w", err)
	}
	return list, nil
}
