package postgres

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Vouchers implements projections.Vouchers.
func (r *Reader) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	const bounds = ` AND ($3 = 0 OR first_position <= $3) AND ($4 = '' OR $4 = ANY (unit)) ORDER BY first_position`
	list, p := projections.NewVoucherList(q), projections.NewVoucherPack()
	rows, err := r.query(ctx, "vouchers", packQuery(p.Table)+bounds, q.Through, q.Unit)
	err = eachPack(rows, err, p, projections.Whole(list.AddPack))
	if err == nil {
		err = list.Each(yield)
	}
	if err != nil {
		return fmt.Errorf("vouchers: %w", err)
	}
	return nil
}
