package postgres

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

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
		WHERE ledger_id = $1 AND slot = $2 AND ($3::text[] IS NULL OR donor = ANY ($3)) ORDER BY donor`
	var only []string
	if len(q.Donors) > 0 {
		only = q.Donors
	}
	rows, err := r.query(ctx, "donors", query, only)
	list, err := collect(rows, err, func(d *projections.DonorRow) []any {
		return []any{&d.Code, &d.Kind, &d.Name, &d.Address, &d.Publish, optionalID{&d.Person}}
	})
	if err != nil {
		return nil, err
	}
	gifts, err := projections.WithKeys(func(afresh bool) (*projections.Gifts, error) { return r.giftSums(ctx, q, afresh) })
	if err != nil {
		return nil, err
	}
	gifts.Fill(list)
	return list, nil
}

// optionalID scans an ID, of which null is zero.
type optionalID struct{ to *uuid.UUID }

// ScanUUID implements pgtype.UUIDScanner.
func (o optionalID) ScanUUID(v pgtype.UUID) error {
	*o.to = v.Bytes
	return nil
}

// giftSums adds up the gifts of a query.
func (r *Reader) giftSums(ctx context.Context, q projections.DonorQuery, afresh bool) (*projections.Gifts, error) {
	keys, err := r.factKeys(ctx, afresh)
	if err != nil {
		return nil, err
	}
	from, to := days(q.From, q.To)
	gifts := projections.NewGifts(q, keys)
	return gifts, r.giftPacks(ctx, q.Donors, from, to, q.KnownAt.Bounds().Position, gifts.AddPack)
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
