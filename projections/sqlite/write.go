package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// chunks are how many rows one statement writes, the largest that fits first. The store's connection keeps them prepared.
var chunks = [...]int{64, 32, 16, 8, 4, 2, 1}

// A writer folds events and writes the rows that they change. It is used by one transaction at a time.
type writer struct {
	fold    *projections.Fold
	queries map[*projections.Table]*[len(chunks)]string
	others  map[*projections.Table]*[len(chunks)]string // of tables with marks

	ctx    context.Context // of the transaction
	tx     *sql.Tx
	ledger uuid.UUID
	slot   func(model string) int
	args   []any

	// Of a joiner: the keys of facts that are known to be in their table, and the position before the batch. A key that an event
	// of the log has is in every slot that was live since, so it need not be inserted, and refused, again and again.
	known map[knownKey]struct{}
	after int64
}

type knownKey struct {
	ledger uuid.UUID
	slot   int
	key    [16]byte
}

// mostKnown is how many keys of facts are remembered.
const mostKnown = 1 << 16

func newWriter(models []*projections.Model) *writer {
	w := &writer{queries: map[*projections.Table]*[len(chunks)]string{}, others: map[*projections.Table]*[len(chunks)]string{}}
	w.fold = projections.NewFold(models, w)
	for _, m := range models {
		for _, t := range m.Tables {
			w.queries[t] = upserts(t)
			if t.Marked() {
				w.others[t] = others(t)
			}
		}
	}
	return w
}

// upserts are the statements that add a chunk of rows to a table: INSERT … ON CONFLICT DO UPDATE by each column's rule.
// ?1 is the ledger, ?2 the slot. A row that can be there only by mistake makes it fail.
func upserts(t *projections.Table) *[len(chunks)]string {
	var columns, keys, sets []string
	marks := strings.Join(names(t, projections.Mark), ", ")
	later := "(excluded." + strings.ReplaceAll(marks, ", ", ", excluded.") + ") > (" + marks + ")"
	for _, c := range t.Columns {
		columns = append(columns, c.Name)
		switch c.Rule {
		case projections.Key:
			keys = append(keys, c.Name)
		case projections.First:
		case projections.Last:
			sets = append(sets, fmt.Sprintf("%s = coalesce(excluded.%[1]s, %[1]s)", c.Name))
		case projections.Sum:
			sets = append(sets, fmt.Sprintf("%s = %[1]s + excluded.%[1]s", c.Name))
		case projections.Append: // || makes a text of two blobs
			sets = append(sets, fmt.Sprintf("%s = CAST(%[1]s || excluded.%[1]s AS BLOB)", c.Name))
		case projections.Mark:
			sets = append(sets, fmt.Sprintf("%[1]s = CASE WHEN %[2]s THEN excluded.%[1]s ELSE %[1]s END", c.Name, later))
		case projections.Part:
			sets = append(sets, fmt.Sprintf("%[1]s = CASE WHEN %[2]s THEN excluded.%[1]s WHEN %[3]s THEN %[1]s + excluded.%[1]s ELSE %[1]s END",
				c.Name, later, strings.Replace(later, ">", "=", 1)))
		}
	}
	do := "NOTHING"
	if len(sets) > 0 {
		do = "UPDATE SET " + strings.Join(sets, ", ")
	}
	conflict := fmt.Sprintf(" ON CONFLICT (ledger_id, slot, %s) DO %s", strings.Join(keys, ", "), do)
	if t.Once {
		conflict = ""
	}
	row := "(?1, ?2" + strings.Repeat(", ?", len(columns)) + ")"
	var list [len(chunks)]string
	for i, n := range chunks {
		list[i] = fmt.Sprintf("INSERT INTO %s (ledger_id, slot, %s) VALUES %s%s",
			t.Name, strings.Join(columns, ", "), row+strings.Repeat(", "+row, n-1), conflict)
	}
	return &list
}

// names are those of the columns of a rule.
func names(t *projections.Table, rule projections.Rule) (list []string) {
	for _, c := range t.Columns {
		if c.Rule == rule {
			list = append(list, c.Name)
		}
	}
	return list
}

// others are the questions for the rows that are there under keys of a chunk of rows, with other marks. ?1 is the ledger, ?2 the slot; of each
// row there are its number, which comes first in the answers, its key and its marks.
func others(t *projections.Table) *[len(chunks)]string {
	var columns, given, same []string
	for _, c := range t.Columns {
		columns = append(columns, "t."+c.Name)
	}
	keys, marks := names(t, projections.Key), names(t, projections.Mark)
	for _, k := range keys {
		given, same = append(given, k), append(same, fmt.Sprintf("t.%s = v.%[1]s", k))
	}
	given = append(given, marks...)
	var list [len(chunks)]string
	for i, n := range chunks {
		rows := make([]string, n)
		for row := range rows {
			rows[row] = fmt.Sprintf("(%d%s)", row, strings.Repeat(", ?", len(given)))
		}
		list[i] = fmt.Sprintf(`WITH l (ledger_id, slot) AS (VALUES (?1, ?2)), v (n, %s) AS (VALUES %s)
			SELECT v.n, %s FROM l CROSS JOIN v CROSS JOIN %s t
			WHERE t.ledger_id = l.ledger_id AND t.slot = l.slot AND %s AND (t.%s) <> (v.%s)`,
			strings.Join(given, ", "), strings.Join(rows, ", "), strings.Join(columns, ", "), t.Name,
			strings.Join(same, " AND "), strings.Join(marks, ", t."), strings.Join(marks, ", v."))
	}
	return &list
}

// write folds events and writes what they change.
func (w *writer) write(
	ctx context.Context, tx *sql.Tx, ledger uuid.UUID, slot func(string) int,
	events func(yield func(*domain.Event) error) error,
) error {
	w.ctx, w.tx, w.ledger, w.slot = ctx, tx, ledger, slot
	defer func() {
		w.ctx, w.tx, w.slot = nil, nil, nil
		w.fold.Reset()
		clear(w.args[:cap(w.args)])
	}()
	if err := events(w.fold.Add); err != nil {
		return err
	}
	return w.flush()
}

// flush writes the rows of the fold.
func (w *writer) flush() error {
	for _, m := range w.fold.Models() {
		for _, t := range m.Tables {
			if err := w.flushTable(t, w.slot(m.Name)); isConstraint(err) {
				return fmt.Errorf("%w: write %s: %w", eventstore.ErrCorrupt, t.Name, err)
			} else if err != nil {
				return fmt.Errorf("write %s: %w", t.Name, err)
			}
		}
	}
	w.fold.Reset()
	return nil
}

func (w *writer) flushTable(t *projections.Table, slot int) error {
	rows := w.fold.Rows(t)
	if t.Marked() {
		if err := w.spill(t, rows, slot); err != nil {
			return err
		}
	}
	if w.known != nil && t.Name == "total_keys" && rows.Len() > 0 {
		var err error
		if rows, err = w.unknown(rows, slot); err != nil {
			return err
		}
	}
	every := func(projections.Rule) bool { return true }
	return w.inChunks(w.queries[t], rows, slot, every, func(stmt *sql.Stmt, _ int) error {
		_, err := stmt.ExecContext(w.ctx, w.args...)
		return err
	})
}

// inChunks has a function run the statement of each chunk of rows, with the columns of some rules as its arguments; it is told the first row.
func (w *writer) inChunks(
	queries *[len(chunks)]string, rows *projections.Rows, slot int, of func(projections.Rule) bool, run func(stmt *sql.Stmt, first int) error,
) error {
	columns, done := rows.Table.Columns, 0
	for c, n := range chunks {
		times := (rows.Len() - done) / n
		if times == 0 {
			continue
		}
		stmt, err := w.tx.PrepareContext(w.ctx, queries[c])
		if err != nil {
			return err
		}
		defer stmt.Close()
		for range times {
			w.args = append(w.args[:0], w.ledger[:], int64(slot))
			for row := done; row < done+n; row++ {
				for i := range columns {
					if of(columns[i].Rule) {
						w.args = append(w.args, bind(columns[i].Type, rows.Value(row, i)))
					}
				}
			}
			if err := run(stmt, done); err != nil {
				return err
			}
			done += n
		}
	}
	return nil
}

// spill puts what gives way where rows with marks meet those that are there into the rows of other tables, which are written later.
func (w *writer) spill(t *projections.Table, rows *projections.Rows, slot int) error {
	given := func(r projections.Rule) bool { return r == projections.Key || r == projections.Mark }
	var n int
	have := make([]projections.Value, len(t.Columns))
	dest := append([]any{&n}, cells(t, have)...)
	return w.inChunks(w.others[t], rows, slot, given, func(stmt *sql.Stmt, first int) error {
		there, err := stmt.QueryContext(w.ctx, w.args...)
		if err != nil {
			return err
		}
		defer there.Close()
		for there.Next() {
			if err := there.Scan(dest...); err != nil {
				return err
			}
			w.fold.Spill(t, first+n, have)
		}
		return there.Err()
	})
}

// unknown returns those of the rows of total_keys that are to be inserted.
func (w *writer) unknown(rows *projections.Rows, slot int) (*projections.Rows, error) {
	const committed = `SELECT EXISTS (SELECT 1 FROM total_keys WHERE ledger_id = ? AND slot = ? AND fact_key = ? AND first_position <= ?)`
	if len(w.known) > mostKnown {
		clear(w.known)
	}
	var fresh []int
	for i := range rows.Len() {
		k := knownKey{w.ledger, slot, rows.Column(0).IDs[i]}
		if _, ok := w.known[k]; ok {
			continue
		}
		// Only what an earlier append left is known: this one may still be undone.
		var there bool
		if err := w.tx.QueryRowContext(w.ctx, committed, w.ledger[:], int64(slot), k.key[:], w.after).Scan(&there); err != nil {
			return nil, err
		}
		if there {
			w.known[k] = struct{}{}
		} else {
			fresh = append(fresh, i)
		}
	}
	return rows.Pick(fresh), nil
}

// isConstraint reports whether rows that are there contradict those that were to be written.
func isConstraint(err error) bool {
	var e *driver.Error
	return errors.As(err, &e) && e.Code()&0xff == lib.SQLITE_CONSTRAINT
}

// bind turns a value into what the column of this database holds.
func bind(t projections.Type, v projections.Value) any {
	switch {
	case v.Null:
		return nil
	case t == projections.Text:
		return v.Text
	case t == projections.Bytes, t == projections.ID:
		return v.Bytes
	case t == projections.Date:
		return domain.Date(v.Int).String()
	default:
		return v.Int
	}
}

// OpenChildren implements projections.Open: what is open by what was written and folded so far.
func (w *writer) OpenChildren(unit string) ([]string, error) {
	const query = `SELECT unit FROM units WHERE ledger_id = ? AND slot = ? AND parent = ? AND closed IS NULL ORDER BY unit`
	return w.open(query, "units", unit)
}

// OpenFunds implements projections.Open.
func (w *writer) OpenFunds(unit string) ([]string, error) {
	const query = `SELECT fund FROM funds WHERE ledger_id = ? AND slot = ? AND unit = ? AND closed IS NULL ORDER BY fund`
	return w.open(query, "funds", unit)
}

func (w *writer) open(query, model, unit string) ([]string, error) {
	if err := w.flush(); err != nil {
		return nil, err
	}
	rows, err := w.tx.QueryContext(w.ctx, query, w.ledger[:], w.slot(model), unit)
	if err != nil {
		return nil, err
	}
	return collect(rows, func(s *string) []any { return []any{s} })
}

// collect scans all rows and closes them.
func collect[T any](rows *sql.Rows, into func(*T) []any) ([]T, error) {
	defer rows.Close()
	var list []T
	for rows.Next() {
		var v T
		if err := rows.Scan(into(&v)...); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
