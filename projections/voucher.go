package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// voucherTable: amount is the sum of the absolute amounts that the voucher's entries moved in its series; events their IDs, 16 bytes
// each, in log order; reversed how many of them were reversed.
var voucherTable = table("vouchers",
	Column{"unit", Text, Key},
	Column{"series", Text, Key},
	Column{"year", Int, Key},
	Column{"number", Int, Key},
	Column{"effective_on", Date, First},
	Column{"recorded_at", Instant, First},
	Column{"first_position", Int, First},
	Column{"last_position", Int, Last},
	Column{"entries", Int, Sum},
	Column{"reversed", Int, Sum},
	Column{"amount", Int, Sum},
	Column{"events", Bytes, Append})

func foldVouchers(f *Fold, e *domain.Event) error {
	_, reversal := e.Body.(*domain.EntryReversed)
	for _, v := range e.Vouchers() {
		series, year, n, err := domain.ParseVoucherNumber(v.Number)
		if err != nil {
			return err
		}
		if reversal { // the number stays with the entry
			f.put(voucherTable, text(v.Unit), text(series), num(int64(year)), num(int64(n)),
				num(0), num(0), num(0), null, num(0), num(1), num(0), raw(nil))
			if r := f.rows[voucherTable.index]; r.n > len(r.fresh) {
				r.fresh = append(r.fresh, false)
			}
			continue
		}
		f.put(voucherTable, text(v.Unit), text(series), num(int64(year)), num(int64(n)),
			day(e.EffectiveOn), num(e.RecordedAt.UnixMicro()), num(e.Position), num(e.Position),
			num(1), num(0), num(movedIn(series, f.effects)), raw(e.ID[:]))
		// A number is one command's, so it is new unless the command began earlier.
		if r := f.rows[voucherTable.index]; r.n > len(r.fresh) {
			r.fresh = append(r.fresh, !f.continued())
		}
	}
	return nil
}

// movedIn is the sum of the absolute amounts that effects move in a series, in minor units. A command that has two numbers of one
// direction has them for different kinds of assets, so series and direction say which effects are meant.
func movedIn(series string, effects []domain.Effect) int64 {
	var sum int64
	for i := range effects {
		e := &effects[i]
		switch series {
		case domain.CashIn, domain.CashOut:
			if e.Asset != domain.Cash {
				continue
			}
		case domain.BankIn, domain.BankOut:
			if e.Asset != domain.Bank {
				continue
			}
		default:
			if !e.Asset.IsGoods() {
				continue
			}
		}
		in := series == domain.CashIn || series == domain.BankIn || series == domain.GoodsIn
		switch {
		case in && e.Posted > 0:
			sum += e.Posted
		case !in && e.Posted < 0:
			sum -= e.Posted
		}
	}
	return sum
}

// A VoucherQuery asks for vouchers. The zero query asks for all.
type VoucherQuery struct {
	Unit   string       // "": all
	Series string       // such as "PT"; "": all
	From   *domain.Date // effective dates, inclusive; nil: open
	To     *domain.Date
}

// A VoucherRow is a numbered paper. What it reads is good until yield returns.
type VoucherRow struct {
	Unit, Number string
	EffectiveOn  domain.Date
	RecordedAt   time.Time
	Amount       int64 // minor units
	First, Last  int64 // positions of its first and last entry
	Events       []uuid.UUID
	Reversed     int  // how many of the events were reversed
	Cancelled    bool // all of them
}

// VoucherNumber writes a number such as PT-2017-000001.
func VoucherNumber(series string, year, n int64) string {
	return fmt.Sprintf("%s-%04d-%06d", series, year, n)
}

// SetEvents reads the IDs of a voucher's entries and says whether all are reversed.
func (v *VoucherRow) SetEvents(ids []byte, reversed int64) {
	v.Events = v.Events[:0]
	for ; len(ids) >= 16; ids = ids[16:] {
		v.Events = append(v.Events, uuid.UUID(ids[:16]))
	}
	v.Reversed = int(reversed)
	v.Cancelled = v.Reversed >= len(v.Events)
}

// Vouchers answers questions about vouchers.
type Vouchers interface {
	// Vouchers calls yield with each voucher in order of unit, series, year and number, which is log order within a series,
	// and stops at its first error.
	Vouchers(ctx context.Context, q VoucherQuery, yield func(*VoucherRow) error) error
}
