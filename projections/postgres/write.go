package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// A writer folds events and writes the rows that they change, all tables in one round trip or with the commit. It is used by one transaction at a time.
type writer struct {
	fold     *projections.Fold
	upserts  map[*projections.Table]string
	inserts  map[*projections.Table]string
	balances string   // for the tables that are versioned
	names    []string // of the models
	versions []int32

	ctx    context.Context // of the transaction
	tx     pgx.Tx
	ledger uuid.UUID
	slots  string // the table that names the slots: progress or rebuilds
	after  int64  // of a joiner: the position before the batch
	batch  *pgx.Batch
	queue  queue // where statements are put instead of into batch, or nil

	settled *settledKeys // of rows that are there, and need not be put
	fresh   []settledKey // of rows that were put and will not have to be again
	apart   apart        // as it will be with the batch

	maxPacks, maxEntries int // of it
}

// newWriter makes a writer of models into the slots that a table names: progress or rebuilds.
func newWriter(models []*projections.Model, slots string) *writer {
	w := &writer{upserts: map[*projections.Table]string{}, inserts: map[*projections.Table]string{}, slots: slots}
	w.fold = projections.NewFold(models, w)
	for _, m := range models {
		w.names = append(w.names, m.Name)
		w.versions = append(w.versions, int32(m.Version))
		for _, t := range m.All() {
			if t.Marked() {
				w.balances = balancesStatement(t, m.Tables[1], slots)
			} else if !versioned(t) {
				w.inserts[t], w.upserts[t] = statements(t.Stored(), slots)
			}
		}
	}
	return w
}

// statements add rows to a table: one those that are new for sure, which fails where one is there, and one any, by each column's rule,
// which costs half as much again. $1 is the ledger, $2 the model, $3 the rows. Where slots has no row of the model they do nothing.
func statements(t *projections.Table, slots string) (insert, upsert string) {
	columns := t.Names()
	insert = fmt.Sprintf(`INSERT INTO %[1]s AS t (ledger_id, slot, %[2]s) SELECT $1, p.slot, r.%[3]s FROM %[4]s p, unnest($3::%[1]s[]) AS r
		WHERE p.ledger_id = $1 AND p.projection = $2`, t.Name, strings.Join(columns, ", "), strings.Join(columns, ", r."), slots)
	do := "NOTHING"
	if sets := changes(t); len(sets) > 0 {
		do = "UPDATE SET " + strings.Join(sets, ", ")
	}
	upsert = fmt.Sprintf("%s ON CONFLICT (ledger_id, slot, %s) DO %s", insert, strings.Join(columns[:t.Keys], ", "), do)
	return insert, upsert
}

// changes are what another row of the same key changes in a row that is there, t, by each column's rule.
func changes(t *projections.Table) (sets []string) {
	var marks []string
	for _, c := range t.Columns {
		if c.Rule == projections.Mark {
			marks = append(marks, c.Name)
		}
	}
	given, there := "(excluded."+strings.Join(marks, ", excluded.")+")", "(t."+strings.Join(marks, ", t.")+")"
	for _, c := range t.Columns {
		switch c.Rule {
		case projections.Key:
		case projections.First:
		case projections.Last:
			sets = append(sets, fmt.Sprintf("%s = coalesce(excluded.%[1]s, t.%[1]s)", c.Name))
		case projections.Sum:
			sets = append(sets, fmt.Sprintf("%s = t.%[1]s + excluded.%[1]s", c.Name))
		case projections.Append:
			sets = append(sets, fmt.Sprintf("%s = t.%[1]s || excluded.%[1]s", c.Name))
		case projections.Mark:
			sets = append(sets, fmt.Sprintf("%[1]s = CASE WHEN %[2]s > %[3]s THEN excluded.%[1]s ELSE t.%[1]s END", c.Name, given, there))
		case projections.Part:
			sets = append(sets, fmt.Sprintf(
				"%[1]s = CASE WHEN %[2]s > %[3]s THEN excluded.%[1]s WHEN %[2]s = %[3]s THEN t.%[1]s + excluded.%[1]s ELSE t.%[1]s END",
				c.Name, given, there))
		}
	}
	return sets
}

// begin starts the work of a transaction.
func (w *writer) begin(ctx context.Context, tx pgx.Tx, ledger uuid.UUID) {
	w.ctx, w.tx, w.ledger, w.batch = ctx, tx, ledger, &pgx.Batch{}
}

// end forgets the transaction, and what was not written.
func (w *writer) end() {
	w.ctx, w.tx, w.batch, w.queue, w.settled, w.fresh, w.apart = nil, nil, nil, nil, nil, w.fresh[:0], apart{}
	w.fold.Reset()
}

// What the server answers where rows contradict those that were to be written: the class of all constraints, and what
// the function stale raises.
const (
	constraintViolations = "23"
	stale                = "SQ001"
	unknown              = "SQ002"
	outOfRange           = "22003" // a sum is greater than any that events bring
)

// refused names an error of the server.
func refused(err error) error {
	var e *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &e):
	case e.Code == stale:
		return fmt.Errorf("%s: %w", e.Message, projections.ErrStale)
	case e.Code == unknown:
		return projections.Unknown(e.Message)
	case strings.HasPrefix(e.Code, constraintViolations), e.Code == outOfRange:
		return fmt.Errorf("%w: write read models: %w", eventstore.ErrCorrupt, err)
	}
	return fmt.Errorf("write read models: %w", err)
}

// put adds a statement to those that will be sent.
func (w *writer) put(query string, arguments ...any) {
	var q *pgx.QueuedQuery
	if w.queue != nil {
		q = w.queue.Queue(query, arguments...)
	} else {
		q = w.batch.Queue(query, arguments...)
	}
	q.Query(func(rows pgx.Rows) error {
		rows.Close()
		return refused(rows.Err())
	})
}

// send sends what was put, unless that is the queue's business.
func (w *writer) send() error {
	if w.batch.Len() == 0 {
		return nil
	}
	batch := w.batch
	w.batch = &pgx.Batch{}
	return w.tx.SendBatch(w.ctx, batch).Close()
}

// write puts the statements that write the rows of the fold, which must not change until they were sent.
func (w *writer) write() error {
	if err := w.place(); err != nil {
		return err
	}
	for _, m := range w.fold.Models() {
		for _, t := range m.All() {
			if t.Packed() {
				if p := (packs{w.fold.Rows(t), w.fold.Rows(t).Packs()}); p.Len() > 0 {
					w.put(w.inserts[t], w.ledger, m.Name, p)
				}
				continue
			}
			if versioned(t) && !t.Marked() {
				continue // its rows go with those of the marked table before it
			}
			r := w.records(t)
			switch {
			case r.Len() == 0:
			case t.Marked():
				w.put(w.balances, w.ledger, m.Name, r, w.records(m.Tables[1]))
			case t.Once:
				w.put(w.inserts[t], w.ledger, m.Name, r)
			default:
				w.put(w.upserts[t], w.ledger, m.Name, r)
			}
		}
	}
	return nil
}

// records are the rows of a table that are to be written.
func (w *writer) records(t *projections.Table) records {
	r := records{rows: w.fold.Rows(t)}
	for i := range r.rows.Len() {
		if t.Once || !w.isThere(t, i) {
			r.which = append(r.which, i)
		}
	}
	return r
}

// isThere reports whether a row is there already for sure, and notes one that will be.
func (w *writer) isThere(t *projections.Table, row int) bool {
	if !isSettled(t) {
		return false
	}
	k := settledKey{t, w.fold.Rows(t).Column(0).IDs[row]}
	if w.settled.has(k) {
		return true
	}
	w.fresh = append(w.fresh, k)
	return false
}

// flush writes the rows of the fold at once, and whatever was put before, and empties the fold.
func (w *writer) flush() error {
	w.queue = nil // the transaction sends what was queued before the next statement that is not
	err := w.write()
	if err == nil {
		err = w.send()
	}
	w.fold.Reset()
	return err
}

// OpenChildren implements projections.Open: what is open by what was written and folded so far.
func (w *writer) OpenChildren(unit string) ([]string, error) {
	const query = `SELECT unit FROM units WHERE ledger_id = $1 AND slot = (%s) AND parent = $2 AND closed IS NULL ORDER BY unit`
	return w.open(query, "units", unit)
}

// OpenFunds implements projections.Open.
func (w *writer) OpenFunds(unit string) ([]string, error) {
	const query = `SELECT fund FROM funds WHERE ledger_id = $1 AND slot = (%s) AND unit = $2 AND closed IS NULL ORDER BY fund`
	return w.open(query, "funds", unit)
}

func (w *writer) open(query, model, unit string) ([]string, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	slot := "SELECT slot FROM " + w.slots + " WHERE ledger_id = $1 AND projection = $3"
	rows, err := w.tx.Query(w.ctx, fmt.Sprintf(query, slot), w.ledger, unit, model)
	return collect(rows, err, func(s *string) []any { return []any{s} })
}

// collect scans all rows of a query that was just run and closes them. Errors: projections.TooManyRowsError.
func collect[T any](rows pgx.Rows, err error, into func(*T) []any) ([]T, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, err
		}
		if err := projections.Room(len(list), projections.MaxRows); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
