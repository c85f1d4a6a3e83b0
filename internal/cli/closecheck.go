package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/report"
	"github.com/soquy/soquy/projections"
)

// checkBooks looks, before a close, whether the trial balance adds up to zero and the vouchers are without a gap: neither can fail
// unless a read model is wrong, and then nobody should close the books by it.
func (p *program) checkBooks(ctx context.Context, through domain.Date, unit string) error {
	return p.read(ctx, func(v View) error {
		if !knownUnit(ctx, v, unit) {
			return nil // the command is refused with what is wrong
		}
		rows, err := report.TrialBalance(ctx, v, report.TrialQuery{AsOf: &through, Units: list(unit)})
		if err != nil {
			return err
		}
		sum := int64(0)
		for i := range rows {
			sum += rows[i].Balance
		}
		if sum != 0 {
			return &Failure{Code: "period.unbalanced", Exit: ExitIntegrity, Args: []domain.Arg{{Name: "difference", Value: p.amount(sum, v.Head().Currency)}}}
		}
		return p.checkVouchers(ctx, v, unit)
	})
}

func knownUnit(ctx context.Context, v View, unit string) bool {
	return unit == "" || known(ctx, v, "unit", list(unit)) == nil
}

// checkVouchers counts the vouchers of each series: as many as the highest number.
func (p *program) checkVouchers(ctx context.Context, v View, unit string) error {
	type series struct{ unit, name string }
	counts, highest := map[series]int64{}, map[series]int64{}
	var order []series
	err := v.Vouchers(ctx, projections.VoucherQuery{Unit: unit}, func(row *projections.VoucherRow) error {
		cut := strings.LastIndexByte(row.Number, '-')
		n, err := strconv.ParseInt(row.Number[cut+1:], 10, 64)
		if err != nil {
			return err
		}
		s := series{strings.Clone(row.Unit), strings.Clone(row.Number[:max(cut, 0)])}
		if counts[s]++; counts[s] == 1 {
			order = append(order, s)
		}
		highest[s] = max(highest[s], n)
		return nil
	})
	if err != nil {
		return err
	}
	for _, s := range order {
		if counts[s] != highest[s] {
			return &Failure{Code: "period.voucher_gap", Exit: ExitIntegrity, Args: []domain.Arg{{Name: "unit", Value: s.unit}, {Name: "series", Value: s.name}}}
		}
	}
	return nil
}
