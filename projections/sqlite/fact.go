package sqlite

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// facts adds the facts of bases in a range of days: those that are remembered, and those after from the file.
func (r *Reader) facts(
	ctx context.Context, t *projections.Tally, keys map[uuid.UUID]*projections.FactKey, q *projections.TotalsQuery, from, to int64,
) error {
	const (
		// What is not a grant has no grants and no persons.
		amounts = `SELECT basis, day, fact_key, amount FROM total_facts
			WHERE ledger_id = ? AND slot = ? AND basis = ? AND day BETWEEN ? AND ? AND block < ?`
		grants = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = ? AND slot = ? AND basis = ? AND day BETWEEN ? AND ? AND block < ?`
		after = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts INDEXED BY total_facts_block
			WHERE ledger_id = ? AND slot = ? AND block >= ? AND block < ? AND basis IN (?, ?) AND day BETWEEN ? AND ? ORDER BY day`
	)
	at, err := r.at(ctx, "totals")
	if err != nil {
		return err
	}
	known, err := r.p.facts.Known(ctx, r.ledger, at, keys, r)
	if err != nil {
		return err
	}
	bases, before := q.Bases(), q.KnownAt.Bounds().Block
	add := func(f *projections.Fact) error { return t.Add(f.Day, f.Key, f.Grants, f.Amount, f.On, f.Off) }
	if known.Through() > 0 {
		if err := t.AddKnown(known); err != nil {
			return err
		}
		rows, err := r.query(ctx, "totals", after, known.Through(), before, bases[0], bases[1], from, to)
		return eachFact(rows, err, true, add)
	}
	for _, basis := range bases {
		query := grants
		if basis == projections.BothBases {
			query = amounts
		}
		rows, err := r.query(ctx, "totals", query, basis, from, to, before)
		if err := eachFact(rows, err, query == grants, add); err != nil {
			return err
		}
	}
	return nil
}

// eachFact reads facts; whole ones have a block, grants and persons. The lists are good until yield returns.
func eachFact(rows *sql.Rows, err error, whole bool, yield func(*projections.Fact) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	var f projections.Fact
	var day int64
	var key, on, off sql.RawBytes
	dest := []any{&f.Basis, &day, &key, &f.Amount, &f.Block, &f.Grants, &on, &off}
	if !whole {
		dest = dest[:4]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		if f.Key, err = uuid.FromBytes(key); err != nil {
			return err
		}
		f.Day, f.On, f.Off = domain.Date(day), on, off
		if err := yield(&f); err != nil {
			return err
		}
	}
	return rows.Err()
}

// Mark implements projections.FactSource.
func (r *Reader) Mark(ctx context.Context, position int64) (builder, event uuid.UUID, err error) {
	const query = `SELECT p.builder, e.event_id FROM progress p
		LEFT JOIN events e ON e.ledger_id = p.ledger_id AND e.position = ?2 WHERE p.ledger_id = ?1 AND p.projection = 'totals'`
	err = r.tx.QueryRowContext(ctx, query, r.ledger[:], position).Scan(&builder, &event)
	return builder, event, err
}

// Blocks implements projections.FactSource.
func (r *Reader) Blocks(ctx context.Context, from, to int64, yield func(*projections.Fact) error) error {
	// Along the key where all is read: through the index each row would be looked up.
	const (
		all = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = ? AND slot = ? AND +block >= ? AND +block < ?`
		some = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts INDEXED BY total_facts_block
			WHERE ledger_id = ? AND slot = ? AND block >= ? AND block < ?`
	)
	query := some
	if from == 0 {
		query = all
	}
	rows, err := r.query(ctx, "totals", query, from, to)
	return eachFact(rows, err, true, yield)
}
