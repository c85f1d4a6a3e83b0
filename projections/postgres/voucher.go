package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/projections"
)

// Vouchers implements projections.Vouchers.
func (r *Reader) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	const query = `SELECT unit, series, year, number, effective_on - DATE '1970-01-01', recorded_at, first_position,
			coalesce(last_position, 0), reversed, amount, events
		FROM vouchers
		WHERE ledger_id = $1 AND slot = $2 AND ($3 = '' OR unit = $3) AND ($4 = '' OR series = $4)
			AND effective_on BETWEEN $5 AND $6
		ORDER BY unit, series, year, number`
	from, to := days(q.From, q.To)
	rows, err := r.query(ctx, "vouchers", query, q.Unit, q.Series, from, to)
	if err != nil {
		return fmt.Errorf("vouchers: %w", err)
	}
	defer rows.Close()
	var (
		v                    projections.VoucherRow
		series               string
		year, number, undone int64
		events               pgtype.DriverBytes
	)
	for rows.Next() {
		err := rows.Scan(&v.Unit, &series, &year, &number, (*int32)(&v.EffectiveOn), &v.RecordedAt, &v.First, &v.Last, &undone,
			&v.Amount, &events)
		if err != nil {
			return fmt.Errorf("vouchers: %w", err)
		}
		v.Number = projections.VoucherNumber(series, year, number)
		v.RecordedAt = v.RecordedAt.UTC()
		v.SetEvents(events, undone)
		if err := yield(&v); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("vouchers: %w", err)
	}
	return nil
}
