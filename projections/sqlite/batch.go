package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// How many batches may have entries that are in batch_packs alone, and of how many bytes: who asks for a balance for the first time reads them all.
const (
	MaxWaitingBatches = 1_024
	MaxWaitingBytes   = 4 << 20
)

// waitingRows are the rows whose entries are not in balances; ?1 is the ledger.
const waitingRows = ` FROM batch_packs WHERE ledger_id = ?1 AND first_position > (SELECT balances FROM placed WHERE ledger_id = ?1)`

// waiting is of the rows of a ledger whose entries are not in balances, as this process knows.
type waiting struct {
	batches, bytes int
	through        int64     // the position that the log had then
	gathered       *gathered // of all of them; nil where some came from another process
}

// gathered is a fold of entries that wait. Most of it is made beside the appends, so that none waits for it.
type gathered struct {
	rows, first, last int64  // of batch_packs: how many, and the positions that they are of
	from              int64  // of the last: first_position
	packs             []byte // of the last
	fold              *projections.Fold
	rest              []projections.BatchPacks // nobody was told to fold yet
	bytes             int                      // of rest
	done              chan struct{}            // closed when what came before rest is in the fold; nil before the first
	err               error                    // then
}

// gatherBytes is how many bytes of packs are folded together: to begin a goroutine takes longer than to write the row of one donation.
const gatherBytes = 16 << 10

// add adds a batch, some time later.
func (g *gathered) add(b projections.BatchPacks) {
	b.Packs = slices.Clone(b.Packs)
	if g.rows++; g.rows == 1 {
		g.first = b.First
	}
	g.last, g.from, g.packs = b.Last, b.First, b.Packs
	g.rest = append(g.rest, b)
	if g.bytes += len(b.Packs); g.bytes < gatherBytes {
		return
	}
	before, done, list := g.done, make(chan struct{}), g.rest
	g.done, g.rest, g.bytes = done, nil, 0
	go func() {
		if before != nil {
			<-before
		}
		g.put(list)
		close(done)
	}()
}

func (g *gathered) put(list []projections.BatchPacks) {
	for _, b := range list {
		g.err = errors.Join(g.err, g.fold.AddEntries(b))
	}
}

// all waits for the fold. Nothing is added after it.
func (g *gathered) all() (*projections.Fold, error) {
	if g.done != nil {
		<-g.done
	}
	g.put(g.rest)
	g.rest = nil
	return g.fold, g.err
}

func newEntries() *projections.Fold { return projections.NewFold(projections.Lookup("balances"), nil) }

// putBatch writes the row of a batch. It returns the fold of the entries that are to be put into balances now, with all that wait: where there would
// be too many, or a holding has no row there yet. Else it returns nil.
func (w *writer) putBatch() (*projections.Fold, error) {
	const insert = `INSERT INTO batch_packs (ledger_id, first_position, last_position, first_day, last_day, packs) VALUES (?, ?, ?, ?, ?, ?)`
	have := w.waiting[w.ledger]
	if !w.flushed { // the first part of a batch
		var err error
		if have, err = w.waits(); err != nil {
			return nil, err
		}
		have.through = w.through
		w.waiting[w.ledger] = have
	}
	b := w.fold.BatchPacks(w.packs[:0])
	w.packs = b.Packs
	if len(b.Packs) == 0 {
		return nil, nil
	}
	if _, err := w.tx.Exec(insert, w.ledger[:], b.First, b.Last, b.FirstDay, b.LastDay, b.Packs); isConstraint(err) {
		return nil, fmt.Errorf("%w: write %s: %w", eventstore.ErrCorrupt, projections.BatchTable, err)
	} else if err != nil {
		return nil, fmt.Errorf("write %s: %w", projections.BatchTable, err)
	}
	have.batches++
	have.bytes += len(b.Packs)
	if have.batches <= w.maxBatches && have.bytes <= w.maxBytes {
		all, err := w.haveRows(w.fold.Apart(), w.slot("balances"))
		if err != nil {
			return nil, err
		}
		if all {
			if have.batches == 1 {
				have.gathered = &gathered{fold: newEntries()}
			}
			if have.gathered != nil {
				have.gathered.add(b)
			}
			w.waiting[w.ledger] = have
			return nil, nil
		}
	}
	w.waiting[w.ledger] = waiting{through: w.through}
	return w.takeEntries(have.gathered, b)
}

// waits says how much waits before a batch. What is remembered holds as long as the log is where this process left it. It may have got there another
// way: the last append was undone, and other processes appended as many events. Where somebody else wrote, the last row is looked at.
func (w *writer) waits() (waiting, error) {
	const (
		query = `SELECT count(*), coalesce(sum(length(packs)), 0)` + waitingRows
		last  = `SELECT first_position, packs FROM batch_packs WHERE ledger_id = ? ORDER BY first_position DESC LIMIT 1`
	)
	have, known := w.waiting[w.ledger]
	known = known && have.through == w.after
	if known && have.gathered != nil && !w.tx.Untouched() {
		known = false
		err := w.tx.Query(last, func(row []driver.Value) error {
			packs, _ := row[1].([]byte)
			known = row[0] == driver.Value(have.gathered.from) && bytes.Equal(packs, have.gathered.packs)
			return nil
		}, w.ledger[:])
		if err != nil {
			return waiting{}, err
		}
	}
	if known {
		return have, nil
	}
	err := w.tx.Query(query, func(row []driver.Value) error {
		batches, isNumber := row[0].(int64)
		bytes, isSum := row[1].(int64)
		if !isNumber || !isSum {
			return fmt.Errorf("columns of %T, %T", row[0], row[1])
		}
		have = waiting{batches: int(batches), bytes: int(bytes)}
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

// takeEntries returns the fold of all entries that wait, through those of the last row, and notes that they do no more. It is the one that was
// gathered, unless other rows are in the table, as after a rebuild.
func (w *writer) takeEntries(g *gathered, last projections.BatchPacks) (*projections.Fold, error) {
	const (
		span  = `SELECT count(*), min(first_position), max(last_position)` + waitingRows + ` AND first_position < ?2`
		rows  = `SELECT first_position, packs` + waitingRows + ` ORDER BY first_position`
		place = `UPDATE placed SET balances = ? WHERE ledger_id = ?`
	)
	same := false
	if g != nil {
		err := w.tx.Query(span, func(row []driver.Value) error {
			same = row[0] == driver.Value(g.rows) && row[1] == driver.Value(g.first) && row[2] == driver.Value(g.last)
			return nil
		}, w.ledger[:], last.First)
		if err != nil {
			return nil, err
		}
	}
	var f *projections.Fold
	var err error
	if same {
		if f, err = g.all(); err == nil {
			err = f.AddEntries(last)
		}
	} else {
		f = newEntries()
		err = w.tx.Query(rows, func(row []driver.Value) error {
			first, isFirst := row[0].(int64)
			packs, isPacks := row[1].([]byte)
			if !isFirst || !isPacks {
				return fmt.Errorf("columns of %T, %T", row[0], row[1])
			}
			return f.AddEntries(projections.BatchPacks{First: first, Packs: packs})
		}, w.ledger[:])
	}
	if err != nil {
		return nil, fmt.Errorf("%w: read %s: %w", eventstore.ErrCorrupt, projections.BatchTable, err)
	}
	changed, err := w.tx.Exec(place, last.Last, w.ledger[:])
	if err == nil && changed != 1 {
		err = fmt.Errorf("%w: placed has no row", eventstore.ErrCorrupt)
	}
	return f, err
}

// placed are the positions through which what is in batch_packs is in the tables of a model, too, by model.
type placed map[string]int64

func readPlaced(ctx context.Context, tx *sql.Tx, ledger uuid.UUID) (placed, error) {
	const query = `SELECT balances, totals, vouchers FROM placed WHERE ledger_id = ?`
	var balances, totals, vouchers int64
	err := tx.QueryRowContext(ctx, query, ledger[:]).Scan(&balances, &totals, &vouchers)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("placed: %w", err)
	}
	return placed{"balances": balances, "totals": totals, "vouchers": vouchers}, nil
}

// check says what a row of placed cannot have in a ledger of some events. What it can have, and should not, is found in the tables.
func (p placed) check(head int64) []projections.Mismatch {
	if p == nil {
		return []projections.Mismatch{{Table: "placed", Key: "ledger_id", What: "has no row"}}
	}
	var list []projections.Mismatch
	for _, model := range slices.Sorted(maps.Keys(p)) {
		if at := p[model]; at < 0 || at > head {
			list = append(list, projections.Mismatch{Table: "placed", Key: "ledger_id", What: fmt.Sprintf("%s is %d, the log has %d", model, at, head)})
		}
	}
	return list
}

// A span is a stretch of a packed table: the packs whose first position is from or later, and before to.
type span struct{ from, to int64 }

// eachBatch hands out the rows of batch_packs that may have packs of a span after a position, and meet a condition, whose arguments are numbered from ?5
// on. It is good until yield returns.
func eachBatch(
	ctx context.Context, tx *sql.Tx, ledger uuid.UUID, after int64, in span, condition string, yield func(projections.BatchPacks) error, args ...any,
) error {
	// One bound below, as SQLite takes only one to find the first row, and goes through all from there.
	const rows = `SELECT first_position, last_position, first_day, last_day, packs FROM batch_packs WHERE ledger_id = ?1 AND first_position >= max(?2 + 1,
			coalesce((SELECT max(first_position) FROM batch_packs WHERE ledger_id = ?1 AND first_position <= ?3), ?3))
		AND first_position < ?4`
	list, err := tx.QueryContext(ctx, rows+condition+" ORDER BY first_position", append([]any{ledger[:], after, in.from, in.to}, args...)...)
	if err != nil {
		return err
	}
	defer list.Close()
	for list.Next() {
		var b projections.BatchPacks
		var packs sql.RawBytes
		if err := list.Scan(&b.First, &b.Last, &b.FirstDay, &b.LastDay, &packs); err != nil {
			return err
		}
		b.Packs = packs
		if err := yield(b); err != nil {
			return err
		}
	}
	return list.Err()
}
