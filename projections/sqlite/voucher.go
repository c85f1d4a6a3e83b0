package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/soquy/soquy/projections"
)

// Vouchers implements projections.Vouchers.
func (r *Reader) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	const query = `SELECT unit, series, year, number, effective_on, recorded_at, first_position, last_position, reversed,
			amount, events
		FROM vouchers
		WHERE ledger_id = ?1 AND slot = ?2 AND (?3 = '' OR unit = ?3) AND (?4 = '' OR series = ?4)
			AND (?5 IS NULL OR effective_on >= ?5) AND (?6 IS NULL OR effective_on <= ?6)
		ORDER BY unit, series, year, number`
	rows, err := r.query(ctx, "vouchers", query, q.Unit, q.Series, textDate(q.From), textDate(q.To))
	if err != nil {
		return fmt.Errorf("vouchers: %w", err)
	}
	defer rows.Close()
	var (
		v                              projections.VoucherRow
		series                         string
		year, number, recorded, undone int64
		events                         sql.RawBytes
	)
	for rows.Next() {
		err := rows.Scan(&v.Unit, &series, &year, &number, date{&v.EffectiveOn}, &recorded, &v.First, &v.Last, &undone,
			&v.Amount, &events)
		if err != nil {
			return fmt.Errorf("vouchers: %w", err)
		}
		v.Number = projections.VoucherNumber(series, year, number)
		v.RecordedAt = time.UnixMicro(recorded).UTC()
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
