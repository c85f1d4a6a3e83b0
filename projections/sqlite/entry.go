package sqlite

import (
	"database/sql/driver"
	"fmt"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// apart is how much this process has put into the table of entries since it emptied it. After an append that failed it may be wrong, which
// only makes the table longer or shorter.
type apart struct{ packs, rows int }

// place decides where the entries of a batch go: into the table for them, where each holding has a row already and there is room, or else, with
// all that is in that table, where they belong.
func (w *writer) place() error {
	entries := w.fold.Apart()
	if entries == nil || entries.Len() == 0 {
		return nil
	}
	slot := w.slot("balances")
	at := knownKey{ledger: w.ledger, slot: slot}
	have, counted := w.apart[at]
	have.packs += len(entries.Packs())
	have.rows += entries.Len()
	if counted && have.packs <= projections.MaxEntryPacks && have.rows <= projections.MaxEntries {
		all, err := w.haveRows(entries, slot)
		if err != nil {
			return err
		}
		if all {
			w.apart[at] = have
			return nil
		}
	}
	w.apart[at] = apart{}
	w.fold.Settle()
	return w.collect(slot)
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

// collect takes all entries out of their table and adds them to the fold.
func (w *writer) collect(slot int) error {
	const remove = `DELETE FROM balance_entries WHERE ledger_id = ? AND slot = ?`
	p := projections.NewEntryPack()
	err := w.tx.Query(packs(p.Table), func(row []driver.Value) error {
		for i, to := range []*int64{&p.First, &p.Last, &p.FirstDay, &p.LastDay} {
			*to, _ = row[i].(int64)
		}
		lists := row[len(row)-len(p.Table.Lists()):]
		err := p.Fill(func(i, column int) error {
			list, is := lists[i].([]byte)
			if !is {
				return p.Bad(column, fmt.Sprintf("is a %T", lists[i]))
			}
			return p.Decode(column, list)
		})
		if err != nil {
			return err
		}
		w.fold.AddEntries(p)
		return nil
	}, w.ledger[:], slot)
	if err != nil {
		return fmt.Errorf("%w: read balance_entries: %w", eventstore.ErrCorrupt, err)
	}
	_, err = w.tx.Exec(remove, w.ledger[:], slot)
	return err
}
