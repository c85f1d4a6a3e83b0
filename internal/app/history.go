package app

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/replay"
	"github.com/soquy/soquy/projections"
)

// scan calls yield with the events of the whole log that are to be kept.
func (r *reader) scan(ctx context.Context, keep func(*domain.Event) bool, yield func([]byte, *domain.Event) error) error {
	o := replay.Options{Origin: r.opened.Origin, Decimals: r.money.Decimals}
	return replay.Read(ctx, r.db, r.id, 1, 0, o, func(e *replay.Event) error {
		if e.Err != nil {
			return fmt.Errorf("position %d: %w", e.Record.Position, e.Err)
		}
		if !keep(&e.Envelope.Event) {
			return nil
		}
		return yield(e.Record.Envelope, &e.Envelope.Event)
	})
}

// concerns tells of each event, in the order of the log, whether it is about a unit: about the unit itself, or about a fund that is the
// unit's then.
func concerns(unit string) func(*domain.Event) bool {
	of, closed := map[string]string{}, map[string]bool{} // of each fund, its unit
	return func(e *domain.Event) bool {
		switch b := e.Body.(type) {
		case *domain.UnitRegistered:
			return b.Code == unit || b.Parent == unit
		case *domain.UnitRenamed:
			return b.Unit == unit
		case *domain.UnitMoved:
			return b.Unit == unit || b.Parent == unit
		case *domain.UnitMerged:
			for fund, u := range of {
				if u == b.Unit && !closed[fund] {
					of[fund] = b.Into
				}
			}
			return b.Unit == unit || b.Into == unit
		case *domain.UnitClosed:
			return b.Unit == unit
		case *domain.PeriodClosed:
			return b.Unit == unit
		case *domain.PeriodReopened:
			return b.Unit == unit
		case *domain.IndicatorReported:
			return b.Unit == unit
		case *domain.FundOpened:
			of[b.Code] = b.Unit
		case *domain.FundClosed:
			closed[b.Fund] = true
		}
		return slices.ContainsFunc(e.Subjects(), func(s string) bool {
			fund, isFund := strings.CutPrefix(s, "fund:")
			return isFund && of[fund] == unit
		})
	}
}

// voucherHistory calls yield with the events that a voucher, as UNIT/NUMBER, is of, and with their reversals, which carry its number.
func (r *reader) voucherHistory(ctx context.Context, id string, yield func([]byte, *domain.Event) error) error {
	unit, number, _ := strings.Cut(id, "/")
	first := int64(0)
	err := r.db.view(ctx, r.id, false, func(ctx context.Context, s state) error {
		return s.Vouchers(ctx, projections.VoucherQuery{Unit: unit}, func(v *projections.VoucherRow) error {
			if v.Number == number {
				first = v.First
			}
			return nil
		})
	})
	if err != nil || first == 0 {
		return err
	}
	var funds []string
	err = r.events(ctx, first, first, func(e *domain.Event) error {
		for _, s := range e.Subjects() {
			if strings.HasPrefix(s, "fund:") {
				funds = append(funds, s)
			}
		}
		return nil
	})
	if err != nil || len(funds) == 0 {
		return err
	}
	return r.subjectHistory(ctx, funds[0], func(envelope []byte, e *domain.Event) error {
		if !slices.Contains(e.Vouchers(), domain.Voucher{Unit: unit, Number: number}) {
			return nil
		}
		return yield(envelope, e)
	})
}
