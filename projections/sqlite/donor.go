package sqlite

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/projections"
)

// Donors implements projections.Donors.
func (r *Reader) Donors(ctx context.Context, q projections.DonorQuery) ([]projections.DonorRow, error) {
	list, err := r.donors(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("donors: %w", err)
	}
	return list, nil
}

func (r *Reader) donors(ctx context.Context, q projections.DonorQuery) ([]projections.DonorRow, error) {
	const query = `SELECT donor, kind, name, address, publish, person FROM donors
		WHERE ledger_id = ? AND slot = ? ORDER BY donor`
	rows, err := r.query(ctx, "donors", query)
	if err != nil {
		return nil, err
	}
	persons := [][]byte{}
	list, err := collect(rows, func(d *projections.DonorRow) []any {
		persons = append(persons, nil)
		return []any{&d.Code, &d.Kind, &d.Name, &d.Address, &d.Publish, &persons[len(persons)-1]}
	})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if len(persons[i]) == len(uuid.UUID{}) {
			list[i].Person = uuid.UUID(persons[i])
		}
	}
	gifts, err := projections.WithKeys(func(afresh bool) (*projections.Gifts, error) { return r.giftSums(ctx, q, afresh) })
	if err != nil {
		return nil, err
	}
	gifts.Fill(list)
	if len(q.Donors) > 0 {
		list = slices.DeleteFunc(list, func(d projections.DonorRow) bool { return !slices.Contains(q.Donors, d.Code) })
	}
	return list, nil
}

// giftSums adds up the gifts of a query.
func (r *Reader) giftSums(ctx context.Context, q projections.DonorQuery, afresh bool) (*projections.Gifts, error) {
	keys, err := r.factKeys(ctx, afresh)
	if err != nil {
		return nil, err
	}
	from, to := int64(math.MinInt32), int64(math.MaxInt32)
	if q.From != nil {
		from = int64(*q.From)
	}
	if q.To != nil {
		to = int64(*q.To)
	}
	gifts := projections.NewGifts(q, keys)
	return gifts, r.giftPacks(ctx, q.Donors, from, to, q.KnownAt.Bounds().Position, gifts.AddPack)
}

// Pledges implements projections.Donors.
func (r *Reader) Pledges(ctx context.Context) ([]projections.PledgeRow, error) {
	const query = `SELECT pledge, donor, fund, unit, made_on, due, amount, received, cancelled, cancelled_on FROM pledges
		WHERE ledger_id = ? AND slot = ? ORDER BY pledge`
	rows, err := r.query(ctx, "donors", query)
	if err != nil {
		return nil, fmt.Errorf("pledges: %w", err)
	}
	list, err := collect(rows, func(p *projections.PledgeRow) []any {
		return []any{
			&p.Pledge, &p.Donor, &p.Fund, &p.Unit,
			date{&p.MadeOn},
			date{&p.Due},
			&p.Amount, &p.Received, &p.Cancelled,
			optionalDate{&p.CancelledOn},
		}
	})
	if err != nil {
		return nil, fmt.Errorf("pledges: %w", err)
	}
	return list, nil
}
