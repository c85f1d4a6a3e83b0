package sqlite

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/projections"
)

// Funds implements projections.Funds.
func (r *Reader) Funds(ctx context.Context) ([]projections.FundRow, error) {
	const query = `SELECT fund, name, name_en, opened, unit, purposes, closed FROM funds
		WHERE ledger_id = ? AND slot = ? ORDER BY fund`
	rows, err := r.query(ctx, "funds", query)
	if err != nil {
		return nil, fmt.Errorf("funds: %w", err)
	}
	var purposes []string
	list, err := collect(rows, func(f *projections.FundRow) []any {
		purposes = append(purposes, "")
		return []any{
			&f.Code, &f.Name, &f.NameEN,
			date{&f.Opened},
			optionalText{&f.Unit},
			optionalText{&purposes[len(purposes)-1]},
			optionalDate{&f.Closed},
		}
	})
	if err != nil {
		return nil, fmt.Errorf("funds: %w", err)
	}
	for i := range list {
		list[i].Purposes = projections.SplitPurposes(purposes[i])
	}
	return list, nil
}

// FundUnits implements projections.Funds.
func (r *Reader) FundUnits(ctx context.Context) ([]projections.FundUnit, error) {
	list, err := r.fundUnits(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("fund units: %w", err)
	}
	return list, nil
}

// fundUnits returns whose some funds are and were, none: all.
func (r *Reader) fundUnits(ctx context.Context, funds []string) ([]projections.FundUnit, error) {
	const (
		all = `SELECT fund, position, from_on, unit FROM fund_units WHERE ledger_id = ? AND slot = ? ORDER BY fund, position`
		// ?3 is the JSON list of funds.
		some = `SELECT fund, position, from_on, unit FROM fund_units
			WHERE ledger_id = ?1 AND slot = ?2 AND fund IN (SELECT value FROM json_each(?3)) ORDER BY fund, position`
	)
	query, args := all, []any(nil)
	if len(funds) > 0 {
		list, err := jsonList(funds)
		if err != nil {
			return nil, err
		}
		query, args = some, []any{list}
	}
	rows, err := r.query(ctx, "funds", query, args...)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(u *projections.FundUnit) []any { return []any{&u.Fund, &u.Position, date{&u.From}, &u.Unit} })
}
