package postgres

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Funds implements projections.Funds.
func (r *Reader) Funds(ctx context.Context) ([]projections.FundRow, error) {
	const query = `SELECT fund, name, name_en, opened - DATE '1970-01-01', coalesce(unit, ''), coalesce(purposes, ''),
			closed - DATE '1970-01-01'
		FROM funds WHERE ledger_id = $1 AND slot = $2 ORDER BY fund`
	type fundRow struct {
		projections.FundRow
		purposes string
	}
	rows, err := r.query(ctx, "funds", query)
	list, err := collect(rows, err, func(f *fundRow) []any {
		return []any{&f.Code, &f.Name, &f.NameEN, &f.Opened, &f.Unit, &f.purposes, &f.Closed}
	})
	if err != nil {
		return nil, fmt.Errorf("funds: %w", err)
	}
	funds := make([]projections.FundRow, len(list))
	for i := range list {
		funds[i] = list[i].FundRow
		funds[i].Purposes = projections.SplitPurposes(list[i].purposes)
	}
	return funds, nil
}

// FundUnits implements projections.Funds.
func (r *Reader) FundUnits(ctx context.Context) ([]projections.FundUnit, error) {
	const query = `SELECT fund, position, from_on - DATE '1970-01-01', unit
		FROM fund_units WHERE ledger_id = $1 AND slot = $2 ORDER BY fund, position`
	rows, err := r.query(ctx, "funds", query)
	list, err := collect(rows, err, func(u *projections.FundUnit) []any { return []any{&u.Fund, &u.Position, &u.From, &u.Unit} })
	if err != nil {
		return nil, fmt.Errorf("fund units: %w", err)
	}
	return list, nil
}
