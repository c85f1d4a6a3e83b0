package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// facts adds the facts of bases in a range of days: those that are remembered, and those after from the database.
func (r *Reader) facts(
	ctx context.Context, t *projections.Tally, keys map[uuid.UUID]*projections.FactKey, q *projections.TotalsQuery, from, to time.Time,
) error {
	const (
		// Along the days, and along the blocks. The sums have it be one of the two indexes whatever the planner thinks.
		days = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = $1 AND slot = $2 AND basis = $3 AND day BETWEEN $4 AND $5 AND block < $6`
		after = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = $1 AND slot = $2 AND basis + 0 = ANY ($3::smallint[]) AND day + 0 BETWEEN $4 AND $5 AND block >= $6 AND block < $7 ORDER BY day + 0`
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
		rows, err := r.query(ctx, "totals", after, bases, from, to, known.Through(), before)
		return eachFact(rows, err, add)
	}
	for _, basis := range bases {
		rows, err := r.query(ctx, "totals", days, basis, from, to, before)
		if err := eachFact(rows, err, add); err != nil {
			return err
		}
	}
	return nil
}

// eachFact reads facts from the driver's own buffer, which is a third of the time of a scan. The lists are good until yield returns.
func eachFact(rows pgx.Rows, err error, yield func(*projections.Fact) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	var f projections.Fact
	for rows.Next() {
		v := rows.RawValues()
		if len(v[0]) != 2 || len(v[1]) != 4 || len(v[2]) != 16 || len(v[3]) != 8 || len(v[4]) != 8 || len(v[5]) != 8 {
			return fmt.Errorf("%w: a fact is not in the binary format", eventstore.ErrCorrupt)
		}
		f.Basis = int(binary.BigEndian.Uint16(v[0]))
		f.Day = domain.Date(int32(binary.BigEndian.Uint32(v[1])) + epochDays)
		f.Key = uuid.UUID(v[2])
		f.Amount, f.Block, f.Grants = integer(v[3]), integer(v[4]), integer(v[5])
		f.On, f.Off = v[6], v[7]
		if err := yield(&f); err != nil {
			return err
		}
	}
	return rows.Err()
}

// integer reads a bigint in the binary format.
func integer(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

// Mark implements projections.FactSource.
func (r *Reader) Mark(ctx context.Context, position int64) (builder, event uuid.UUID, err error) {
	const query = `SELECT p.builder, e.event_id FROM progress p
		LEFT JOIN events e ON e.ledger_id = p.ledger_id AND e.position = $2 WHERE p.ledger_id = $1 AND p.projection = 'totals'`
	var b, e pgtype.UUID
	err = r.tx.QueryRow(ctx, query, r.ledger, position).Scan(&b, &e)
	return b.Bytes, e.Bytes, err
}

// Blocks implements projections.FactSource.
func (r *Reader) Blocks(ctx context.Context, from, to int64, yield func(*projections.Fact) error) error {
	const query = `SELECT basis, day, fact_key, amount, block, grants, people_on, people_off FROM total_facts
		WHERE ledger_id = $1 AND slot = $2 AND block >= $3 AND block < $4`
	rows, err := r.query(ctx, "totals", query, from, to)
	return eachFact(rows, err, yield)
}
