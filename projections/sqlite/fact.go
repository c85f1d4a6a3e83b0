package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/projections"
)

// packs is the query for the packs of a table in a slot, ?1 is the ledger and ?2 the slot.
func packs(t *projections.Table) string {
	return fmt.Sprintf(`SELECT %s FROM %s WHERE ledger_id = ?1 AND slot = ?2`, strings.Join(t.Stored().Names(), ", "), t.Name)
}

// spanTo is the span through a position; 0: all.
func spanTo(position int64) span {
	if position == 0 || position == math.MaxInt64 {
		return span{to: math.MaxInt64}
	}
	return span{to: position + 1}
}

// A condition is one on the packs of a table, and on rows of batch_packs that have such. Arguments are numbered from ?5 on.
type condition struct{ packs, batches string }

// eachPack fills a pack with each of its table in a span that meets a condition, and hands it out: those of the live slot, and then those of
// batches since, of which others may be handed out, too.
func (r *Reader) eachPack(ctx context.Context, p *projections.Pack, in span, which condition, yield func(*projections.Pack) error, args ...any) error {
	const bounds = ` AND first_position >= ?3 AND first_position < ?4`
	rows, err := r.query(ctx, p.Table.Model(), packs(p.Table)+bounds+which.packs+" ORDER BY first_position", append([]any{in.from, in.to}, args...)...)
	if err := eachPack(rows, err, p, false, projections.Whole(yield)); err != nil {
		return err
	}
	return r.eachBatchPack(ctx, p, in, which.batches, yield, args...)
}

// eachBatchPack is eachPack of the batches since.
func (r *Reader) eachBatchPack(ctx context.Context, p *projections.Pack, in span, which string, yield func(*projections.Pack) error, args ...any) error {
	if r.placed == nil {
		placed, err := readPlaced(ctx, r.tx, r.ledger)
		if err != nil {
			return err
		}
		r.placed = placed
	}
	return eachBatch(ctx, r.tx, r.ledger, r.placed[p.Table.Model()], in, which, func(b projections.BatchPacks) error {
		return b.Each(p, false, projections.Whole(func(p *projections.Pack) error {
			if p.First < in.from || p.First >= in.to {
				return nil
			}
			return yield(p)
		}))
	}, args...)
}

// eachPack fills a pack with each row of a query for packs, and hands it out with what is wrong with its lists, of which exactly says that they
// must be as they are written. It is good until yield returns.
func eachPack(rows *sql.Rows, err error, p *projections.Pack, exactly bool, yield func(p *projections.Pack, wrong error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	decode := p.Decode
	if exactly {
		decode = p.DecodeExactly
	}
	lists := make([]sql.RawBytes, len(p.Table.Lists()))
	dest := []any{&p.First, &p.Last, &p.FirstDay, &p.LastDay}
	for i := range lists {
		dest = append(dest, &lists[i])
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		wrong := p.Fill(func(i, column int) error { return decode(column, lists[i]) })
		if err := yield(p, wrong); err != nil {
			return err
		}
	}
	return rows.Err()
}

// inDays is the condition that packs are of days from ?5 to ?6.
const inDays = ` AND last_day >= ?5 AND first_day <= ?6`

// facts adds the facts of bases in a range of days: those that are remembered, and those after from the file.
func (r *Reader) facts(
	ctx context.Context, t *projections.Tally, keys map[uuid.UUID]*projections.FactKey, q *projections.TotalsQuery, from, to int64,
) error {
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
	in := span{known.Through() << projections.BlockBits, q.KnownAt.Bounds().Facts()}
	return r.eachPack(ctx, projections.NewFactPack(), in, condition{inDays, inDays}, t.AddPack, from, to)
}

// Mark implements projections.FactSource.
func (r *Reader) Mark(ctx context.Context, position int64) (builder, event uuid.UUID, err error) {
	const query = `SELECT p.builder, e.event_id FROM progress p
		LEFT JOIN events e ON e.ledger_id = p.ledger_id AND e.position = ?2 WHERE p.ledger_id = ?1 AND p.projection = 'totals'`
	err = r.tx.QueryRowContext(ctx, query, r.ledger[:], position).Scan(&builder, &event)
	return builder, event, err
}

// Blocks implements projections.FactSource.
func (r *Reader) Blocks(ctx context.Context, from, to int64, yield func(*projections.Pack) error) error {
	in := span{from << projections.BlockBits, to << projections.BlockBits}
	return r.eachPack(ctx, projections.NewFactPack(), in, condition{}, yield)
}
