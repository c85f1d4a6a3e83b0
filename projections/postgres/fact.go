package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/projections"
)

// facts adds the facts of bases in a range of days: those that are remembered, and those after from the database.
func (r *Reader) facts(
	ctx context.Context, t *projections.Tally, keys map[uuid.UUID]*projections.FactKey, q *projections.TotalsQuery, from, to time.Time,
) error {
	// $3 and $4 are the range of positions, $5 and $6 that of days. The sums have it be one of the two indexes whatever the planner thinks.
	const (
		along = ` AND first_position >= $3 AND first_position < $4 AND last_day + 0 >= $5 AND first_day <= $6`
		days  = ` AND first_position + 0 >= $3 AND first_position + 0 < $4 AND last_day >= $5 AND first_day <= $6`
	)
	at, err := r.at(ctx, "totals")
	if err != nil {
		return err
	}
	known, err := r.p.facts.Known(ctx, r.ledger, at, keys, r)
	if err != nil {
		return err
	}
	if err := t.AddKnown(known); err != nil {
		return err
	}
	bounds := along
	if known.Through() == 0 && q.From != nil {
		bounds = days
	}
	p := projections.NewFactPack()
	rows, err := r.query(ctx, "totals", packQuery(p.Table)+bounds, known.Through()<<projections.BlockBits, q.KnownAt.Bounds().Facts(), from, to)
	return eachPack(rows, err, p, projections.Whole(t.AddPack))
}

// Mark implements projections.FactSource.
func (r *Reader) Mark(ctx context.Context, position int64) (builder, event uuid.UUID, err error) {
	const query = `SELECT p.builder, e.event_id FROM progress p
		LEFT JOIN events e ON e.ledger_id = p.ledger_id AND e.position = $2 WHERE p.ledger_id = $1 AND p.projection = 'totals'`
	var b, e pgtype.UUID
	err = r.tx.QueryRow(ctx, query, r.ledger, position).Scan(&b, &e)
	return b.Bytes, e.Bytes, err
}

// Blocks implements projections.FactSource.
func (r *Reader) Blocks(ctx context.Context, from, to int64, yield func(*projections.Pack) error) error {
	const blocks = ` AND first_position >= $3 AND first_position < $4 ORDER BY first_position`
	p := projections.NewFactPack()
	rows, err := r.query(ctx, "totals", packQuery(p.Table)+blocks, from<<projections.BlockBits, to<<projections.BlockBits)
	return eachPack(rows, err, p, projections.Whole(yield))
}
