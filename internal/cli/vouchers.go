package cli

import (
	"context"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

type voucherJSON struct {
	Unit        string   `json:"unit"`
	Number      string   `json:"number"`
	EffectiveOn string   `json:"effective_on"`
	RecordedAt  string   `json:"recorded_at"`
	Events      []string `json:"events"`
	Amount      string   `json:"amount"`
	Cancelled   bool     `json:"cancelled"`
}

// instant is how an instant is written: UTC, with microseconds.
const instant = "2006-01-02T15:04:05.000000Z"

func instantText(t time.Time) string { return t.UTC().Format(instant) }

// voucherSeries are the series of vouchers.
func voucherSeries() []string {
	return []string{domain.CashIn, domain.CashOut, domain.BankIn, domain.BankOut, domain.GoodsIn, domain.GoodsOut}
}

func (p *program) vouchersCommand() *command {
	var (
		unit     string
		series   choice
		from, to dateFlag
		at       knownFlag
	)
	c := p.command("vouchers", "vouchers").code(&unit, "unit", units).choice(&series, "series", voucherSeries())
	c.date(&from, "from").date(&to, "to").knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		q := projections.VoucherQuery{Unit: unit, Series: series.value, From: from.pointer(), To: to.pointer()}
		return p.readAt(ctx, at.KnownAt, func(v View) error {
			if err := known(ctx, v, "unit", list(unit)); err != nil {
				return err
			}
			if p.json {
				return p.vouchersJSON(ctx, v, q)
			}
			return p.vouchersTable(ctx, v, q)
		})
	})
}

// rowsBegin begins an answer whose rows are written one by one, since there may be many. v is what comes before them.
func (p *program) rowsBegin(v any) error {
	raw, err := marshal(v)
	if err != nil {
		return err
	}
	p.printf("%s,\"rows\":[", raw[:len(raw)-1])
	return nil
}

// rowJSON writes one row; first says that none was written before.
func (p *program) rowJSON(v any, first bool) error {
	if !first {
		p.printf(",")
	}
	raw, err := marshal(v)
	if err != nil {
		return err
	}
	return p.write(raw)
}

func (p *program) rowsEnd() { p.printf("]}\n") }

func (p *program) vouchersJSON(ctx context.Context, v View, q projections.VoucherQuery) error {
	h, first := v.Head(), true
	if err := p.rowsBegin(newHeadJSON(h)); err != nil {
		return err
	}
	err := v.Vouchers(ctx, q, func(r *projections.VoucherRow) error {
		row := voucherJSON{
			Unit: r.Unit, Number: r.Number, EffectiveOn: r.EffectiveOn.String(), RecordedAt: instantText(r.RecordedAt),
			Events: ids(r.Events), Amount: money.Format(r.Amount, h.Currency.Decimals), Cancelled: r.Cancelled,
		}
		err := p.rowJSON(row, first)
		first = false
		return err
	})
	if err != nil {
		return err
	}
	p.rowsEnd()
	return nil
}

func (p *program) vouchersTable(ctx context.Context, v View, q projections.VoucherQuery) error {
	h := v.Head()
	t := p.table("unit", "number", "effective_on", "recorded_on", "entries>", "amount>", "state")
	err := v.Vouchers(ctx, q, func(r *projections.VoucherRow) error {
		state := ""
		if r.Cancelled {
			state = p.t("voucher.cancelled")
		}
		t.row(r.Unit, r.Number, p.date(r.EffectiveOn), p.date(h.Day(r.RecordedAt)), p.count(int64(len(r.Events))),
			p.amount(r.Amount, h.Currency), state)
		return nil
	})
	if err != nil {
		return err
	}
	p.printf("%s\n\n", p.rangeTitle("vouchers.title", q.From, q.To))
	t.print()
	p.tail(h)
	return nil
}
