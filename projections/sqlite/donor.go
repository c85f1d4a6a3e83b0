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
	const (
		query = `SELECT donor, kind, name, address, publish, person FROM donors
			WHERE ledger_id = ? AND slot = ? ORDER BY donor`
		// ?3 and ?4 are the range of days, ?5 the last position.
		gifts = `SELECT g.donor, k.measure, sum(g.gifts), sum(g.amount)
			FROM (
				SELECT donor, fact_key, sum(gifts) AS gifts, sum(amount) AS amount FROM total_gifts
				WHERE ledger_id = ?1 AND slot = ?2 AND day BETWEEN ?3 AND ?4 AND position <= ?5 GROUP BY donor, fact_key
			) g JOIN total_keys k ON k.ledger_id = ?1 AND k.slot = ?2 AND k.fact_key = g.fact_key
			GROUP BY g.donor, k.measure`
		// ?4 and ?5 are the range of days, ?6 the last position.
		giftsOf = `SELECT g.donor, k.measure, sum(g.gifts), sum(g.amount)
			FROM ` + positionsOf + ` s
			CROSS JOIN total_gifts g ON g.ledger_id = ?1 AND g.slot = ?2 AND g.position = s.position AND g.day BETWEEN ?4 AND ?5
				AND g.position <= ?6
			CROSS JOIN total_keys k ON k.ledger_id = ?1 AND k.slot = ?2 AND k.fact_key = g.fact_key
			GROUP BY g.donor, k.measure`
	)
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
	place := make(map[string]int, len(list))
	for i := range list {
		if len(persons[i]) == len(uuid.UUID{}) {
			list[i].Person = uuid.UUID(persons[i])
		}
		place[list[i].Code] = i
	}
	from, to := int64(math.MinInt32), int64(math.MaxInt32)
	if q.From != nil {
		from = int64(*q.From)
	}
	if q.To != nil {
		to = int64(*q.To)
	}
	through := q.KnownAt.Bounds().Position
	if len(q.Donors) > 0 {
		only, err := donorSubjects(q.Donors)
		if err != nil {
			return nil, err
		}
		rows, err = r.query(ctx, "totals", giftsOf, only, from, to, through)
		if err != nil {
			return nil, err
		}
	} else if rows, err = r.query(ctx, "totals", gifts, from, to, through); err != nil {
		return nil, err
	}
	type sum struct {
		donor, measure string
		gifts, amount  int64
	}
	sums, err := collect(rows, func(s *sum) []any { return []any{&s.donor, &s.measure, &s.gifts, &s.amount} })
	if err != nil {
		return nil, err
	}
	for _, s := range sums {
		i, ok := place[s.donor]
		if !ok {
			continue
		}
		d := &list[i]
		d.Gifts += s.gifts
		if s.measure == projections.DonationCash {
			d.Cash += s.amount
		} else {
			d.InKind += s.amount
		}
	}
	if len(q.Donors) > 0 {
		list = slices.DeleteFunc(list, func(d projections.DonorRow) bool { return !slices.Contains(q.Donors, d.Code) })
	}
	return list, nil
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
