package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/projections"
)

// packs is the query for the packs of a table in a slot, ?1 is the ledger and ?2 the slot.
func packs(t *projections.Table) string {
	return fmt.Sprintf(`SELECT %s FROM %s WHERE ledger_id = ?1 AND slot = ?2`, strings.Join(t.Stored().Names(), ", "), t.Name)
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

// facts adds the facts of bases in a range of days: those that are remembered, and those after from the file.
func (r *Reader) facts(
	ctx context.Context, t *projections.Tally, keys map[uuid.UUID]*projections.FactKey, q *projections.TotalsQuery, from, to int64,
) error {
	// ?3 and ?4 are the range of positions, ?5 and ?6 that of days.
	const bounds = ` AND first_position >= ?3 AND first_position < ?4 AND last_day >= ?5 AND first_day <= ?6`
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
	p := projections.NewFactPack()
	rows, err := r.query(ctx, "totals", packs(p.Table)+bounds, known.Through()<<projections.BlockBits, q.KnownAt.Bounds().Facts(), from, to)
	return eachPack(rows, err, p, false, projections.Whole(t.AddPack))
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
	const blocks = ` AND first_position >= ?3 AND first_position < ?4 ORDER BY first_position`
	p := projections.NewFactPack()
	rows, err := r.query(ctx, "totals", packs(p.Table)+blocks, from<<projections.BlockBits, to<<projections.BlockBits)
	return eachPack(rows, err, p, false, projections.Whole(yield))
}
