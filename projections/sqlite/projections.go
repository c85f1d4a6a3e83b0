// Package sqlite keeps the read models in the SQLite file of the log.
//
// [Projections.Join] is the joiner of the store: it writes the rows that a batch adds in the transaction of the append, so that
// the read models are never behind the log. [Projections.Reader] answers questions inside one read transaction, so that all its
// answers are of one position. [Projections.Rebuild] makes models anew beside the live ones, and [Projections.Check] compares them
// with what follows from the events.
//
// Questions have their SQL beside their method. What changes rows is derived from the tables' descriptions in
// [github.com/soquy/soquy/projections], so that a row in the file and a row of a fold cannot differ in how they add up.
package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// Projections are the read models of one file. They may be used from many goroutines.
type Projections struct {
	keys    projections.Keys
	facts   projections.Facts
	entries projections.Entries
	trees   sync.Map // ledger → *projections.Tree, the last one that was read

	maxBatches, maxBytes int

	joining sync.Mutex // never waited for, as appends to a file are one after another
	joiner  *writer    // nil before the first append; it remembers what it wrote
}

// New makes the read models of a file.
func New() *Projections { return WithLimits(MaxWaitingBatches, MaxWaitingBytes) }

// WithLimits is New with other limits than MaxWaitingBatches and MaxWaitingBytes.
func WithLimits(batches, bytes int) *Projections {
	return &Projections{maxBatches: batches, maxBytes: bytes}
}

// live reads the progress of a ledger's models.
func live(tx Tx, ledger uuid.UUID) (map[string]projections.Position, error) {
	const query = `SELECT projection, version, slot, coalesce((SELECT joined_position FROM ledgers WHERE ledger_id = ?1), 0)
		FROM progress WHERE ledger_id = ?1`
	all, err := positions(tx, query, ledger)
	if err != nil {
		return nil, fmt.Errorf("progress of %s: %w", ledger, err)
	}
	return all, nil
}

// positions runs a query of a ledger for projection, version, slot, position.
func positions(tx Tx, query string, ledger uuid.UUID) (map[string]projections.Position, error) {
	all := map[string]projections.Position{}
	err := tx.Query(query, func(row []driver.Value) error {
		name, isName := row[0].(string)
		version, isVersion := row[1].(int64)
		slot, isSlot := row[2].(int64)
		position, isPosition := row[3].(int64)
		if !isName || !isVersion || !isSlot || !isPosition {
			return fmt.Errorf("%w: columns of %T, %T, %T, %T", eventstore.ErrCorrupt, row[0], row[1], row[2], row[3])
		}
		all[name] = projections.Position{Name: name, Version: int(version), Slot: int(slot), Position: position}
		return nil
	}, ledger[:])
	return all, err
}

// Join writes what a batch adds to the live slot of each read model. It is the joiner of the store.
// Errors: projections.ErrStale (models must be rebuilt first), eventstore.ErrNewer (there is one that this program does not know).
func (p *Projections) Join(_ context.Context, tx Tx, b *eventstore.Batch) error {
	const (
		create = `INSERT INTO progress (ledger_id, projection, version, slot) VALUES (?, ?, ?, 0)`
		none   = `INSERT INTO placed (ledger_id, balances, totals, vouchers) VALUES (?, 0, 0, 0)`
	)
	if err := projections.Level(b); err != nil {
		return err
	}
	models := projections.Models()
	var have map[string]projections.Position // of a new ledger none, and slot 0
	if b.After == 0 {
		left, err := live(tx, b.Ledger)
		if err != nil {
			return err
		}
		if len(left) > 0 {
			return fmt.Errorf("%w: a new ledger has read models already", eventstore.ErrCorrupt)
		}
		for _, m := range models {
			if _, err := tx.Exec(create, b.Ledger[:], m.Name, m.Version); err != nil {
				return fmt.Errorf("begin %s: %w", m.Name, err)
			}
		}
		if _, err := tx.Exec(none, b.Ledger[:]); err != nil {
			return fmt.Errorf("begin placed: %w", err)
		}
	}
	p.joining.Lock()
	defer p.joining.Unlock()
	if p.joiner == nil {
		p.joiner = newWriter(models)
		p.joiner.maxBatches, p.joiner.maxBytes = p.maxBatches, p.maxBytes
		p.joiner.known, p.joiner.waiting = map[knownKey]struct{}{}, map[uuid.UUID]waiting{}
		p.joiner.fold.KeepApart()
	}
	w := p.joiner
	if b.After == 0 {
		w.progress = progress{} // which is of the append before, or of none
	} else {
		if err := w.progress.look(tx, b); err != nil {
			return fmt.Errorf("look at the read models: %w", err)
		}
		have = w.progress.have
	}
	if len(w.known) > mostKnown {
		clear(w.known)
	}
	w.after, w.through = b.After, b.Last()
	return w.write(tx, b.Ledger, func(m string) int { return have[m].Slot }, func(f *projections.Fold) error { return f.AddBatch(b) })
}

// progress is what the read models of one ledger are, as it was in the append before.
type progress struct {
	ledger uuid.UUID
	text   string // of the rows
	have   map[string]projections.Position
}

// look looks whether all read models of a ledger are there, in the versions of this program. What they are seldom changes, so it is read as one
// text, and each row only when the text is another.
func (p *progress) look(tx Tx, b *eventstore.Batch) error {
	const query = `SELECT group_concat(projection || ' ' || version || ' ' || slot) FROM progress WHERE ledger_id = ?`
	if tx.Untouched() && b.Ledger == p.ledger {
		return nil
	}
	var text string // none where no row is
	err := tx.Query(query, func(row []driver.Value) error {
		text, _ = row[0].(string)
		return nil
	}, b.Ledger[:])
	if err != nil {
		return err
	}
	if text == "" || text != p.text || b.Ledger != p.ledger {
		have, err := live(tx, b.Ledger)
		if err != nil {
			return err
		}
		if err := ready(have); err != nil {
			return err
		}
		*p = progress{ledger: b.Ledger, text: text, have: have}
	}
	return nil
}

// ready looks whether the read models are those of this program, in its versions.
func ready(have map[string]projections.Position) error {
	for _, m := range projections.Models() {
		if at, ok := have[m.Name]; !ok || at.Version != m.Version {
			return fmt.Errorf("%s: %w", m.Name, projections.ErrStale)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(have)) {
		if len(projections.Lookup(name)) == 0 {
			return projections.Unknown(name)
		}
	}
	return nil
}
