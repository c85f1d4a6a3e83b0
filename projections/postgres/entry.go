package postgres

import (
	"fmt"
	"strings"

	"github.com/soquy/soquy/projections"
)

const (
	// ofHead is the row of a ledger, $1, from the end of its keys: there the newest version is the first, however many old ones are left.
	ofHead = ` FROM ledgers WHERE ledger_id = $1 ORDER BY head_position DESC LIMIT 1`
	// placed is through which position the table of entries has nothing, $1 the ledger.
	placed = `(SELECT placed_position` + ofHead + `)`
	// place notes it, $2 the position.
	place = `UPDATE ledgers SET placed_position = $2
		WHERE ledger_id = $1 AND head_position = (SELECT head_position` + ofHead + `)`
)

// How many packs of entries may wait, and entries in them, before an append puts them into the tables: who asks for the first time reads them all.
const (
	MaxWaitingPacks   = 1_024
	MaxWaitingEntries = 16_384
)

// apart is how much there is in the table of entries, as far as this process knows.
type apart struct {
	counted     bool // since it was emptied
	others      bool // there may be more, of other processes
	packs, rows int
}

// place decides where the entries of a batch go: into the table for them, where each holding has a row already and there is room, or else, with
// all that is in that table, where they belong.
func (w *writer) place() error {
	entries := w.fold.Apart()
	if entries == nil || entries.Len() == 0 {
		return nil
	}
	all := w.haveRows(entries)
	now := w.apart
	now.packs += len(entries.Packs())
	now.rows += entries.Len()
	if now.counted && now.packs <= w.maxPacks && now.rows <= w.maxEntries && all {
		w.apart = now
		return nil
	}
	before := w.apart
	w.apart = apart{counted: true}
	w.fold.Settle()
	if before == w.apart {
		return nil // there are none
	}
	return w.collect()
}

// haveRows reports whether each holding of some entries has a row for sure, and notes those that have not and will have one.
func (w *writer) haveRows(entries *projections.Rows) bool {
	all := true
	for i := range entries.Len() {
		if k := (settledKey{entries.Table, entries.Holding(i)}); !w.settled.has(k) {
			w.fresh = append(w.fresh, k)
			all = false
		}
	}
	return all
}

// collect takes all entries out of their table and adds them to the fold.
func (w *writer) collect() error {
	p := projections.NewEntryPack()
	// What bounds the rows is asked for first: joined, it would be compared with each row of the ledger, those that are dead too.
	query := fmt.Sprintf(`DELETE FROM %s WHERE ledger_id = $1 AND slot = (SELECT slot FROM progress WHERE ledger_id = $1 AND projection = 'balances')
			AND first_position > `+placed+` RETURNING %s`, p.Table.Name, strings.Join(p.Table.Stored().Names(), ", "))
	rows, err := w.tx.Query(w.ctx, query, w.ledger)
	err = eachPack(rows, err, p, projections.Whole(func(p *projections.Pack) error {
		w.fold.AddEntryPack(p)
		return nil
	}))
	if err != nil {
		return refused(err)
	}
	w.put(place, w.ledger, w.after)
	return nil
}
