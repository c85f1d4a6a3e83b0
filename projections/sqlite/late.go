package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// How many batches may be late, and bytes of them: who asks for the first time reads them all.
const (
	MaxLateBatches = 1_024
	MaxLateBytes   = 4 << 20
)

// lateRows is the query for the packs of the last batches: ?1 is the ledger, and ?2 a position, of which and of those after it they must be. The rows
// are in order, so they are gone through from the end.
const lateRows = `SELECT run, first_position, last_position, packs FROM late_packs WHERE ledger_id = ?1
	AND run > coalesce((SELECT run FROM late_packs WHERE ledger_id = ?1 AND last_position < ?2 ORDER BY run DESC LIMIT 1), 0) ORDER BY run`

// late is what is late in a ledger, as this process knows.
type late struct {
	batches, bytes int
	through        int64     // the position that the log had then
	gathered       *gathered // of all of it; nil where some came from another process
}

// gathered is a fold of all that is late. It is made beside the appends, so that none waits for it: where the fold of some hundred batches is made at
// once it takes as long as ten appends.
type gathered struct {
	rows, first, last int64 // of the table: how many, and the positions that they are of
	fold              *projections.Fold
	done              chan struct{} // closed when the last batch is in the fold; nil before the first
	err               error         // then
}

// add adds a batch, some time later.
func (g *gathered) add(l projections.LateRow) {
	l.Packs = slices.Clone(l.Packs)
	if g.rows++; g.rows == 1 {
		g.first = l.First
	}
	g.last = l.Last
	before, done := g.done, make(chan struct{})
	g.done = done
	go func() {
		if before != nil {
			<-before
		}
		g.err = errors.Join(g.err, g.fold.AddLate(l))
		close(done)
	}()
}

// all waits for the fold.
func (g *gathered) all() (*projections.Fold, error) {
	if g.done != nil {
		<-g.done
	}
	return g.fold, g.err
}

// place decides where the packs of a batch go: into the row of what is late, where there is room and each holding that has an entry has a row
// already; then it returns nil. Or else, with all that is late, where they belong: it returns what that is.
func (w *writer) place() (*projections.Fold, error) {
	const insert = `INSERT INTO late_packs (ledger_id, first_position, last_position, packs) VALUES (?, ?, ?, ?)`
	var first, last int64
	w.packs, first, last = w.fold.AppendLate(w.packs[:0])
	if len(w.packs) == 0 {
		return nil, nil
	}
	have, err := w.counted()
	if err != nil {
		return nil, err
	}
	have.batches++
	have.bytes += len(w.packs)
	have.through = w.through
	if have.batches <= w.lateBatches && have.bytes <= w.lateBytes {
		all, err := w.haveRows(w.fold.Apart(), w.slot("balances"))
		if err != nil {
			return nil, err
		}
		if all {
			if have.batches == 1 {
				have.gathered = &gathered{fold: projections.NewLate()}
			}
			if have.gathered != nil {
				have.gathered.add(projections.LateRow{First: first, Last: last, Packs: w.packs})
			}
			w.late[w.ledger] = have
			_, err := w.tx.Exec(insert, w.ledger[:], first, last, w.packs)
			return nil, err
		}
	}
	w.late[w.ledger] = late{through: w.through}
	f, err := w.takeLate(have.gathered)
	if err != nil {
		return nil, err
	}
	f.AddPacks(w.fold)
	return f, nil
}

// takeLate takes out all that is late, and returns the fold of it: the one that was gathered, unless other rows are in the table, as after a rebuild.
func (w *writer) takeLate(g *gathered) (*projections.Fold, error) {
	const query = `SELECT count(*), min(first_position), max(last_position) FROM late_packs WHERE ledger_id = ?`
	same := false
	if g != nil {
		err := w.tx.Query(query, func(row []driver.Value) error {
			same = row[0] == driver.Value(g.rows) && row[1] == driver.Value(g.first) && row[2] == driver.Value(g.last)
			return nil
		}, w.ledger[:])
		if err != nil {
			return nil, err
		}
	}
	if same {
		f, err := g.all()
		if err != nil {
			return nil, err
		}
		return f, deleteLate(w.tx, w.ledger)
	}
	f := projections.NewLate()
	return f, takeLate(w.tx, w.ledger, f)
}

// counted says how much is late. What is remembered holds as long as the log is where this process left it.
func (w *writer) counted() (late, error) {
	const query = `SELECT count(*), coalesce(sum(length(packs)), 0) FROM late_packs WHERE ledger_id = ?`
	have, known := w.late[w.ledger]
	if known && (have.through == w.after || w.flushed) {
		return have, nil
	}
	err := w.tx.Query(query, func(row []driver.Value) error {
		batches, isNumber := row[0].(int64)
		bytes, isSum := row[1].(int64)
		if !isNumber || !isSum {
			return fmt.Errorf("columns of %T, %T", row[0], row[1])
		}
		have = late{batches: int(batches), bytes: int(bytes)}
		return nil
	}, w.ledger[:])
	return have, err
}

// haveRows reports whether each holding of some entries has a row for sure.
func (w *writer) haveRows(entries *projections.Rows, slot int) (bool, error) {
	const query = `SELECT 1 FROM balances WHERE ledger_id = ? AND slot = ? AND fund = ? AND asset = ?`
	for i := range entries.Len() {
		k := knownKey{w.ledger, slot, entries.Holding(i)}
		if _, known := w.known[k]; known {
			continue
		}
		there := false
		err := w.tx.Query(query, func([]driver.Value) error {
			there = true
			return nil
		}, w.ledger[:], slot, entries.Value(i, 1).Text, entries.Value(i, 2).Text)
		if err != nil || !there || w.flushed { // what was written by this very batch may still be undone
			return false, err
		}
		w.known[k] = struct{}{}
	}
	return true, nil
}

// takeLate takes out all that is late, and adds the packs of a fold's models to it.
func takeLate(tx Tx, ledger uuid.UUID, f *projections.Fold) error {
	err := tx.Query(lateRows, func(row []driver.Value) error {
		var l projections.LateRow
		var isRun, isFirst, isLast, isPacks bool
		l.Run, isRun = row[0].(int64)
		l.First, isFirst = row[1].(int64)
		l.Last, isLast = row[2].(int64)
		l.Packs, isPacks = row[3].([]byte)
		if !isRun || !isFirst || !isLast || !isPacks {
			return fmt.Errorf("columns of %T, %T, %T, %T", row[0], row[1], row[2], row[3])
		}
		return f.AddLate(l)
	}, ledger[:], 0)
	if err != nil {
		return fmt.Errorf("%w: read %s: %w", eventstore.ErrCorrupt, projections.LateTable, err)
	}
	return deleteLate(tx, ledger)
}

func deleteLate(tx Tx, ledger uuid.UUID) error {
	const remove = `DELETE FROM late_packs WHERE ledger_id = ?`
	_, err := tx.Exec(remove, ledger[:])
	return err
}

// eachLate fills a pack with each that is late and of its table, from the batch with a position on, and hands it out as eachPack does.
func eachLate(
	ctx context.Context, tx *sql.Tx, ledger uuid.UUID, from int64, p *projections.Pack, yield func(p *projections.Pack, wrong error) error,
) error {
	return eachLateRow(ctx, tx, ledger, from, func(l projections.LateRow) error { return l.Each(p, false, yield) })
}

// eachLateRow hands out what is late, from the batch with a position on. It is good until yield returns.
func eachLateRow(ctx context.Context, tx *sql.Tx, ledger uuid.UUID, from int64, yield func(projections.LateRow) error) error {
	rows, err := tx.QueryContext(ctx, lateRows, ledger[:], from)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l projections.LateRow
		var packs sql.RawBytes
		if err := rows.Scan(&l.Run, &l.First, &l.Last, &packs); err != nil {
			return err
		}
		l.Packs = packs
		if err := yield(l); err != nil {
			return err
		}
	}
	return rows.Err()
}
