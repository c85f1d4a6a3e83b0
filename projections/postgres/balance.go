package postgres

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/projections"
)

// Balances implements projections.Balances.
func (r *Reader) Balances(ctx context.Context, q projections.BalanceQuery) ([]projections.BalanceRow, error) {
	rows, err := r.balances(ctx, q)
	list, err := collect(rows, err, func(b *projections.BalanceRow) []any {
		return []any{
			&b.Fund, &b.Asset, &b.Unit, &b.Measure,
			&b.Posted, &b.Encumbered, &b.Quantity, &b.QuantityEncumbered,
		}
	})
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	if len(q.Units) > 0 {
		list = slices.DeleteFunc(list, func(b projections.BalanceRow) bool { return !slices.Contains(q.Units, b.Unit) })
	}
	return list, nil
}

func (r *Reader) balances(ctx context.Context, q projections.BalanceQuery) (pgx.Rows, error) {
	const (
		// $3 is the slot of the funds, $4 that of the goods, $5 the funds; null is all.
		latest = `SELECT b.fund, b.asset, coalesce(f.unit, ''), coalesce(g.measure, ''),
				b.posted, b.encumbered, b.quantity, b.quantity_encumbered
			FROM balances b
			LEFT JOIN funds f ON f.ledger_id = $1 AND f.slot = $3 AND f.fund = b.fund
			LEFT JOIN goods g ON g.ledger_id = $1 AND g.slot = $4 AND g.item = substr(b.asset, length('goods:') + 1)
			WHERE b.ledger_id = $1 AND b.slot = $2 AND ($5::text[] IS NULL OR b.fund = ANY ($5))
			ORDER BY b.fund, b.asset`
		// $6 is the first day of the year, $7 of the month, $8 the date. A holding without an entry by then is left out.
		asOf = `SELECT b.fund, b.asset, coalesce(u.unit, ''), coalesce(g.measure, ''), s.posted, s.encumbered, s.quantity, s.reserved
			FROM balances b
			CROSS JOIN LATERAL (
				SELECT count(*) AS n, sum(posted)::bigint AS posted, sum(encumbered)::bigint AS encumbered,
					sum(quantity)::bigint AS quantity, sum(quantity_encumbered)::bigint AS reserved
				FROM (
					SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets k
					WHERE k.ledger_id = $1 AND k.slot = $2 AND k.fund = b.fund AND k.asset = b.asset AND k.kind = 0 AND k.start < $6
					UNION ALL
					SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets k
					WHERE k.ledger_id = $1 AND k.slot = $2 AND k.fund = b.fund AND k.asset = b.asset AND k.kind = 1
						AND k.start >= $6 AND k.start < $7
					UNION ALL
					SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets k
					WHERE k.ledger_id = $1 AND k.slot = $2 AND k.fund = b.fund AND k.asset = b.asset AND k.kind = 2
						AND k.start >= $7 AND k.start <= $8
				) parts
			) s
			LEFT JOIN LATERAL (
				SELECT unit FROM fund_units v WHERE v.ledger_id = $1 AND v.slot = $3 AND v.fund = b.fund
				ORDER BY v.from_on <= $8 DESC, CASE WHEN v.from_on <= $8 THEN -v.position ELSE v.position END LIMIT 1
			) u ON true
			LEFT JOIN goods g ON g.ledger_id = $1 AND g.slot = $4 AND g.item = substr(b.asset, length('goods:') + 1)
			WHERE b.ledger_id = $1 AND b.slot = $2 AND ($5::text[] IS NULL OR b.fund = ANY ($5)) AND s.n > 0
			ORDER BY b.fund, b.asset`
	)
	funds, err := r.at(ctx, "funds")
	if err != nil {
		return nil, err
	}
	goods, err := r.at(ctx, "goods")
	if err != nil {
		return nil, err
	}
	var only []string
	if len(q.Funds) > 0 {
		only = q.Funds
	}
	if q.AsOf == nil {
		return r.query(ctx, "balances", latest, funds.Slot, goods.Slot, only)
	}
	year, month := projections.Starts(*q.AsOf)
	return r.query(ctx, "balances", asOf, funds.Slot, goods.Slot, only, year.Time(), month.Time(), q.AsOf.Time())
}
