package sqlite

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Vouchers implements projections.Vouchers.
func (r *Reader) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	// A code stands in a list as it is, so a pack that lacks it need not be read. One that has it may have it in another one.
	const bounds = ` AND (?3 = 0 OR first_position <= ?3) AND (?4 = '' OR instr(unit, CAST(?4 AS BLOB))) ORDER BY first_position`
	list, p := projections.NewVoucherList(q), projections.NewVoucherPack()
	rows, err := r.query(ctx, "vouchers", packs(p.Table)+bounds, q.Through, q.Unit)
	err = eachPack(rows, err, p, false, projections.Whole(list.AddPack))
	if err == nil {
		err = list.Each(yield)
	}
	if err != nil {
		return fmt.Errorf("vouchers: %w", err)
	}
	return nil
}
