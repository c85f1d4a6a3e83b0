package postgres

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Goods implements projections.Goods.
func (r *Reader) Goods(ctx context.Context) ([]projections.Item, error) {
	const query = `SELECT item, measure, first_position FROM goods WHERE ledger_id = $1 AND slot = $2 ORDER BY item`
	rows, err := r.query(ctx, "goods", query)
	list, err := collect(rows, err, func(i *projections.Item) []any { return []any{&i.Item, &i.Measure, &i.Position} })
	if err != nil {
		return nil, fmt.Errorf("goods: %w", err)
	}
	return list, nil
}
