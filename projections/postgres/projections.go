// Package postgres keeps the read models in the PostgreSQL database of the log.
//
// [Projections.Join] is the joiner of the store: it writes the rows that a batch adds in the transaction of the append, so that the read
// models are never behind the log. [Projections.Reader] answers questions inside one read transaction, so
// that all its answers are of one position. [Projections.Rebuild] makes models anew beside the live ones, and [Projections.Check]
// compares them with what follows from the events.
//
// The store's sessions have the schema soquy as their search path. Questions have their SQL beside their method. What changes rows is
// derived from the tables' descriptions in [github.com/soquy/soquy/projections], so that a row in the database and a row of a
// fold cannot differ in how they add up.
package postgres

import (
	"context"
	"sync"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// Projections are the read models of one database. They may be used from many goroutines.
type Projections struct {
	writers sync.Pool // of *writer
	settled settled
	keys    projections.Keys
	facts   projections.Facts
	entries projections.Entries
	trees   sync.Map // ledger → *projections.Tree, the last one that was read

	maxPacks, maxEntries int
}

// New makes the read models of a database.
func New() *Projections { return WithLimits(MaxWaitingPacks, MaxWaitingEntries) }

// WithLimits is New with other limits than MaxWaitingPacks and MaxWaitingEntries.
func WithLimits(packs, entries int) *Projections {
	return &Projections{maxPacks: packs, maxEntries: entries}
}

// A queue is a transaction that takes statements to be sent together with its commit. The store's are ones.
type queue interface {
	Queue(query string, arguments ...any) *pgx.QueuedQuery
	// AtEnd has a function called when the transaction is over, and told whether it was committed for sure: until then what was
	// queued must not change.
	AtEnd(f func(committed bool))
}

// Join writes what a batch adds to the live slot of each read model. It is the joiner of the store.
// Errors: projections.ErrStale (models must be rebuilt first), eventstore.ErrNewer (there is one that this program does not know). Where the
// transaction is a queue, they are those of its commit.
func (p *Projections) Join(ctx context.Context, tx pgx.Tx, b *eventstore.Batch) (err error) {
	const (
		create = `INSERT INTO progress (ledger_id, projection, version, slot)
			SELECT $1, m.projection, m.version, 0 FROM unnest($2::text[], $3::int[]) AS m (projection, version)`
		// One look at the rows of the ledger: a join of them and the models costs half as much again. A model that is not ours has no version in $3.
		look = `SELECT CASE WHEN count(*) = cardinality($2::text[]) AND bool_and(version IS NOT DISTINCT FROM ($3::int[])[array_position($2, projection)])
				THEN false ELSE stale($1, $2, $3) END
			FROM progress WHERE ledger_id = $1`
	)
	if err := projections.Level(b); err != nil {
		return err
	}
	w, _ := p.writers.Get().(*writer)
	if w == nil {
		w = newWriter(projections.Models(), "progress")
		w.fold.KeepApart()
	}
	w.begin(ctx, tx, b.Ledger)
	w.after, w.maxPacks, w.maxEntries = b.After, p.maxPacks, p.maxEntries
	w.settled, w.apart = p.settled.of(b)
	end := func(committed bool) {
		if committed {
			w.settled.committed(b.Last(), w.fresh, w.apart)
		}
		w.end()
		p.writers.Put(w)
	}
	if q, ok := tx.(queue); ok {
		w.queue = q
		q.AtEnd(end)
	} else {
		defer end(false)
	}
	if b.After == 0 {
		w.put(create, b.Ledger, w.names, w.versions)
	} else {
		w.put(look, b.Ledger, w.names, w.versions)
	}
	if err := w.fold.AddBatch(b); err != nil {
		return err
	}
	if err := w.write(); err != nil {
		return err
	}
	return w.send()
}
