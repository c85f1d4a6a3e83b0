package postgres

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/projections"
)

// Donors implements projections.Donors.
func (r *Reader) Donors(ctx context.Context, q projections.DonorQuery) ([]projections.DonorRow, error) {
	rows, err := r.donors(ctx, q)
	type donorRow struct {
		projections.DonorRow
		person pgtype.UUID
	}
	list, err := collect(rows, err, func(d *donorRow) []any {
		return []any{&d.Code, &d.Kind, &d.Name, &d.Address, &d.Publish, &d.person, &d.Cash, &d.InKind, &d.Gifts}
	})
	if err != nil {
		return nil, fmt.Errorf("donors: %w", err)
	}
	donors := make([]projections.DonorRow, len(list))
	for i := range list {
		donors[i] = list[i].DonorRow
		donors[i].Person = list[i].person.Bytes
	}
	return donors, nil
}

func (r *Reader) donors(ctx context.Context, q projections.DonorQuery) (pgx.Rows, error) {
	// $4 and $5 are the range, $6 is the measure of money, $7 the last position. $3 is the slot of the totals; of some donors $8 are these, $3
	// their subjects, and $9 is the slot.
	const (
		all = `SELECT d.donor, d.kind, d.name, d.address, d.publish, d.person,
				coalesce(g.cash, 0)::bigint, coalesce(g.in_kind, 0)::bigint, coalesce(g.gifts, 0)::bigint
			FROM donors d
			LEFT JOIN (
				SELECT g.donor, sum(g.gifts) AS gifts, sum(g.amount) FILTER (WHERE k.measure = $6) AS cash,
					sum(g.amount) FILTER (WHERE k.measure <> $6) AS in_kind
				FROM total_gifts g JOIN total_keys k ON k.ledger_id = $1 AND k.slot = $3 AND k.fact_key = g.fact_key
				WHERE g.ledger_id = $1 AND g.slot = $3 AND g.day BETWEEN $4 AND $5 AND g.position <= $7
				GROUP BY g.donor
			) g ON g.donor = d.donor
			WHERE d.ledger_id = $1 AND d.slot = $2
			ORDER BY d.donor`
		some = `SELECT d.donor, d.kind, d.name, d.address, d.publish, d.person,
				coalesce(g.cash, 0)::bigint, coalesce(g.in_kind, 0)::bigint, coalesce(g.gifts, 0)::bigint
			FROM donors d
			LEFT JOIN (
				SELECT g.donor, sum(g.gifts) AS gifts, sum(g.amount) FILTER (WHERE k.measure = $6) AS cash,
					sum(g.amount) FILTER (WHERE k.measure <> $6) AS in_kind
				FROM ` + positionsOf + ` s
				JOIN total_gifts g ON g.ledger_id = $1 AND g.slot = $9 AND g.position = s.position
				JOIN total_keys k ON k.ledger_id = $1 AND k.slot = $9 AND k.fact_key = g.fact_key
				WHERE g.day BETWEEN $4 AND $5 AND g.position <= $7
				GROUP BY g.donor
			) g ON g.donor = d.donor
			WHERE d.ledger_id = $1 AND d.slot = $2 AND d.donor = ANY ($8)
			ORDER BY d.donor`
	)
	totals, err := r.at(ctx, "totals")
	if err != nil {
		return nil, err
	}
	from, to := days(q.From, q.To)
	through := q.KnownAt.Bounds().Position
	if len(q.Donors) == 0 {
		return r.query(ctx, "donors", all, totals.Slot, from, to, projections.DonationCash, through)
	}
	return r.query(ctx, "donors", some, donorSubjects(q.Donors), from, to, projections.DonationCash, through, q.Donors, totals.Slot)
}

// Pledges implements projections.Donors.
func (r *Reader) Pledges(ctx context.Context) ([]projections.PledgeRow, error) {
	const query = `SELECT pledge, donor, fund, unit, made_on - DATE '1970-01-01', due - DATE '1970-01-01', amount, received,
			cancelled, cancelled_on - DATE '1970-01-01'
		FROM pledges WHERE ledger_id = $1 AND slot = $2 ORDER BY pledge`
	rows, err := r.query(ctx, "donors", query)
	list, err := collect(rows, err, func(p *projections.PledgeRow) []any {
		return []any{
			&p.Pledge, &p.Donor, &p.Fund, &p.Unit, &p.MadeOn, &p.Due, &p.Amount, &p.Received, &p.Cancelled, &p.CancelledOn,
		}
	})
	if err != nil {
		return nil, fmt.Errorf("pledges: %w", err)
	}
	return list, nil
}
