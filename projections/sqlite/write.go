package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"modernc.org/sqlite"
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
	queries map[*projections.Table]statements

	tx     Tx
	ledger uuid.UUID
	slot   func(model string) int
	args   []any

	// Of a joiner, which puts packs into one row a batch: the keys of facts and the holdings that are known to be in their table, the positions before
	// and after the batch, and what waits. A key that an event
	// of the log has is in every slot that was live since, so it need not be inserted, and refused, again and again.
	known    map[knownKey]struct{}
	after    int64
	through  int64
	progress progress
	waiting  map[uuid.UUID]waiting // by ledger

	maxBatches, maxBytes int // of it

	packs   []byte
	flushed bool // something of the batch was written already
}

type knownKey struct {
	ledger uuid.UUID
	slot   int
	key    [16]byte
}

// mostKnown is how many keys of facts and holdings are remembered.
const mostKnown = 1 << 16

func newWriter(models []*projections.Model) *writer {
	w := &writer{queries: map[*projections.Table]statements{}}
	w.fold = projections.NewFold(models, w)
	for _, m := range models {
		for _, t := range m.Tables {
			w.queries[t] = statementsOf(t.Stored())
		}
	}
	return w
}

// statements are those of a table. ?1 is the ledger, ?2 the slot.
type statements struct {
	// add adds a chunk of rows: INSERT … ON CONFLICT DO UPDATE by each column's rule. A row that can be there only by mistake makes it fail. A row of
	// other marks it leaves as it is.
	add [len(chunks)]string

	// Of a table with marks: met asks for the rows of other marks than those of a JSON list of rows, ?3, each with its key and its marks; which of
	// the list it is comes first in the answers. meet adds rows that meet such ones.
	met  string
	meet [len(chunks)]string
}

func statementsOf(t *projections.Table) (s statements) {
	var columns, keys, marks, excluded, sets []string
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
			marks, excluded = append(marks, c.Name), append(excluded, "excluded."+c.Name)
		}
	}
	row := "(?1, ?2" + strings.Repeat(", ?", len(columns)) + ")"
	insert := func(conflict string) (list [len(chunks)]string) {
		for i, n := range chunks {
			list[i] = fmt.Sprintf("INSERT INTO %s (ledger_id, slot, %s) VALUES %s%s",
				t.Name, strings.Join(columns, ", "), row+strings.Repeat(", "+row, n-1), conflict)
		}
		return list
	}
	conflict := fmt.Sprintf(" ON CONFLICT (ledger_id, slot, %s) DO ", strings.Join(keys, ", "))
	switch {
	case t.Once:
		s.add = insert("")
		return s
	case len(sets) == 0:
		s.add = insert(conflict + "NOTHING")
		return s
	case !t.Marked():
		s.add = insert(conflict + "UPDATE SET " + strings.Join(sets, ", "))
		return s
	}
	all, given := strings.Join(marks, ", "), strings.Join(excluded, ", ")
	add, meet := slices.Clone(sets), sets
	var same, listed, have []string
	for _, c := range t.Columns {
		have = append(have, "t."+c.Name)
		switch c.Rule {
		case projections.Key:
			same = append(same, fmt.Sprintf("t.%s = v.value ->> %d", c.Name, len(same)))
		case projections.Part:
			add = append(add, fmt.Sprintf("%s = %[1]s + excluded.%[1]s", c.Name))
			fallthrough
		case projections.Mark:
			meet = append(meet, fmt.Sprintf("%s = CASE WHEN (%s) > (%s) THEN excluded.%[1]s ELSE %[1]s END", c.Name, given, all))
		}
	}
	for i := range marks {
		listed = append(listed, fmt.Sprintf("v.value ->> %d", len(keys)+i))
	}
	s.add = insert(fmt.Sprintf("%sUPDATE SET %s WHERE (%s) = (%s)", conflict, strings.Join(add, ", "), given, all))
	s.meet = insert(conflict + "UPDATE SET " + strings.Join(meet, ", "))
	s.met = fmt.Sprintf(`SELECT v.key, %s FROM json_each(?3) v CROSS JOIN %s t
		WHERE t.ledger_id = ?1 AND t.slot = ?2 AND %s AND (t.%s) <> (%s)`,
		strings.Join(have, ", "), t.Name, strings.Join(same, " AND "), strings.Join(marks, ", t."), strings.Join(listed, ", "))
	return s
}

// write has events folded and writes what they change.
func (w *writer) write(tx Tx, ledger uuid.UUID, slot func(string) int, fold func(*projections.Fold) error) error {
	w.tx, w.ledger, w.slot, w.flushed = tx, ledger, slot, false
	defer func() {
		w.tx, w.slot = nil, nil
		w.fold.Reset()
		clear(w.args[:cap(w.args)])
	}()
	if err := fold(w.fold); err != nil {
		return err
	}
	return w.flush()
}

// flush writes the rows of the fold.
func (w *writer) flush() error {
	var placed *projections.Fold
	if w.waiting != nil {
		var err error
		if placed, err = w.putBatch(); err != nil {
			return err
		}
	}
	if err := w.flushFold(w.fold, w.waiting == nil); err != nil {
		return err
	}
	if placed != nil {
		if err := w.flushFold(placed, true); err != nil {
			return err
		}
	}
	w.fold.Reset()
	w.flushed = true
	return nil
}

// flushFold writes the rows of a fold, with or without those of packed tables.
func (w *writer) flushFold(f *projections.Fold, packed bool) error {
	for _, m := range f.Models() {
		for _, t := range m.Tables {
			if t.Packed() && !packed {
				continue
			}
			if err := w.flushTable(f, t, w.slot(m.Name)); isConstraint(err) {
				return fmt.Errorf("%w: write %s: %w", eventstore.ErrCorrupt, t.Name, err)
			} else if err != nil {
				return fmt.Errorf("write %s: %w", t.Name, err)
			}
		}
	}
	return nil
}

func (w *writer) flushTable(f *projections.Fold, t *projections.Table, slot int) (err error) {
	rows := f.Rows(t)
	if t.Packed() {
		rows = rows.Encoded()
	}
	if w.known != nil && t.Name == "total_keys" && rows.Len() > 0 {
		if rows, err = w.unknown(rows, slot); err != nil {
			return err
		}
	}
	some, err := w.inChunks(w.queries[t].add, rows, slot)
	if err != nil || len(some) == 0 || !t.Marked() {
		return err
	}
	met, err := w.spill(f, t, some, slot)
	if err != nil {
		return err
	}
	_, err = w.inChunks(w.queries[t].meet, rows.Pick(met), slot)
	return err
}

// inChunks has the statements write rows, and returns those of the chunks in which some were left as they are.
func (w *writer) inChunks(queries [len(chunks)]string, rows *projections.Rows, slot int) (some []int, err error) {
	done := 0
	for c, n := range chunks {
		for range (rows.Len() - done) / n {
			w.args = append(w.args[:0], w.ledger[:], int64(slot))
			for row := done; row < done+n; row++ {
				for i, c := range rows.Table.Columns {
					w.args = append(w.args, bind(c.Type, rows.Value(row, i)))
				}
			}
			changed, err := w.tx.Exec(queries[c], w.args...)
			if err != nil {
				return nil, err
			}
			for row := done; row < done+n && changed < int64(n); row++ {
				some = append(some, row)
			}
			done += n
		}
	}
	return some, nil
}

// spill returns which of some rows of a table with marks meet one of other marks, and puts what gives way into the rows of other tables, which are
// written later.
func (w *writer) spill(f *projections.Fold, t *projections.Table, some []int, slot int) (met []int, err error) {
	list := make([][]any, len(some))
	for i, row := range some {
		for at, c := range t.Columns {
			if c.Rule == projections.Key || c.Rule == projections.Mark {
				list[i] = append(list[i], bind(c.Type, f.Rows(t).Value(row, at)))
			}
		}
	}
	given, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	row := make([]projections.Value, len(t.Columns))
	dest := cells(t, row)
	err = w.tx.Query(w.queries[t].met, func(there []driver.Value) error {
		at, is := there[0].(int64)
		if !is {
			return fmt.Errorf("a row of %T", there[0])
		}
		for i, v := range there[1:] {
			if err := dest[i].Scan(v); err != nil {
				return err
			}
		}
		met = append(met, some[at])
		f.Spill(t, some[at], row)
		return nil
	}, w.ledger[:], slot, string(given))
	return met, err
}

// unknown returns those of the rows of total_keys that are to be inserted.
func (w *writer) unknown(rows *projections.Rows, slot int) (*projections.Rows, error) {
	const committed = `SELECT 1 FROM total_keys WHERE ledger_id = ? AND slot = ? AND fact_key = ? AND first_position <= ?`
	var fresh []int
	for i := range rows.Len() {
		k := knownKey{w.ledger, slot, rows.Column(0).IDs[i]}
		if _, ok := w.known[k]; ok {
			continue
		}
		// Only what an earlier append left is known: this one may still be undone.
		there := false
		err := w.tx.Query(committed, func([]driver.Value) error {
			there = true
			return nil
		}, w.ledger[:], slot, k.key[:], w.after)
		if err != nil {
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
	if err == nil { // nearly always, and what errors.As looks into is allocated
		return false
	}
	var e *sqlite.Error
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
	var list []string
	err := w.tx.Query(query, func(row []driver.Value) error {
		code, is := row[0].(string)
		if !is {
			return fmt.Errorf("a code that is a %T", row[0])
		}
		list = append(list, code)
		return nil
	}, w.ledger[:], w.slot(model), unit)
	return list, err
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
		if err := projections.Room(len(list), projections.MaxRows); err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, rows.Err()
}
