package sqlite

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Vouchers implements projections.Vouchers.
func (r *Reader) Vouchers(ctx context.Context, q projections.VoucherQuery, yield func(*projections.VoucherRow) error) error {
	// A code stands in a list as it is, so a pack that lacks it need not be read. One that has it may have it in another one.
	const ofUnit = ` AND (?5 = '' OR instr(%s, CAST(?5 AS BLOB)))`
	which := condition{fmt.Sprintf(ofUnit, "unit"), fmt.Sprintf(ofUnit, "packs")}
	list := projections.NewVoucherList(q)
	err := r.eachPack(ctx, projections.NewVoucherPack(), spanTo(q.Through), which, list.AddPack, q.Unit)
	if err == nil {
		err = list.Each(yield)
	}
	if err != nil {
		return fmt.Errorf("vouchers: %w", err)
	}
	return nil
}
