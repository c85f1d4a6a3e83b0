package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// The index of subjects is in two parts. What a batch adds is one row of subject_runs, at the end of that table. When the
// runs have enough, one append puts them in order and into subjects. Whoever looks for a subject looks into both, in one
// statement, so that it sees each entry in one of them.
const (
	// mergeEntries is how many entries the runs of a ledger have at most; a larger batch does not become a run.
	mergeEntries = 8_192
	// mergeRuns is how many runs a ledger has at most, since a look for a subject reads them all.
	mergeRuns = 256
)

// pending is how much is in the runs of a ledger that ends at a position.
type pending struct {
	ledger        uuid.UUID
	position      int64
	runs, entries int
}

// An entry says that the event at a position names a subject.
type entry struct {
	subject  string
	position int64
}

func compareEntries(a, b entry) int {
	return cmp.Or(strings.Compare(a.subject, b.subject), cmp.Compare(a.position, b.position))
}

// subjectGroups are the positions of a batch by subject, in the order in which subjects came.
type subjectGroups struct {
	place map[string]int
	names []string
	at    [][]int64
	text  []byte
}

// encode returns the groups of a batch as a run has them. It is good until the next call.
func (g *subjectGroups) encode(records []eventstore.Record) []byte {
	if g.place == nil {
		g.place = map[string]int{}
	}
	clear(g.place)
	g.names = g.names[:0]
	for i := range records {
		for _, subject := range records[i].Subjects {
			at, ok := g.place[subject]
			if !ok {
				at = len(g.names)
				g.place[subject] = at
				g.names = append(g.names, subject)
				if at == len(g.at) {
					g.at = append(g.at, nil)
				}
				g.at[at] = g.at[at][:0]
			}
			g.at[at] = append(g.at[at], records[i].Position)
		}
	}
	b := append(g.text[:0], '{')
	for i, name := range g.names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendName(b, name), '[')
		for j, position := range g.at[i] {
			if j > 0 {
				b = append(b, ',')
			}
			b = strconv.AppendInt(b, position, 10)
		}
		b = append(b, ']')
	}
	g.text = append(b, '}')
	clear(g.names)
	return g.text
}

// appendName appends a subject as the name of a member of a run, with the colon. A name begins and ends with the only quotation marks that
// are not escaped, so looking for it as bytes finds it and nothing else.
func appendName(b []byte, subject string) []byte {
	quoted, err := json.Marshal(subject)
	if err != nil {
		panic(err) // a string always has a form
	}
	return append(append(b, quoted...), ':')
}

// decodeRun calls yield with the entries of a run, and returns how many there are. It takes what encode writes and nothing else: another
// form of the same would be read by one and not found by the other, who looks for a name as bytes.
func decodeRun(run []byte, yield func(entry)) (entries int, err error) {
	var (
		known = map[string]bool{}
		rest  = run
		wrong = &eventstore.RowError{Column: "subject_runs.subjects", Problem: "is not in the form in which it is written"}
		skip  = func(c string) bool {
			after, is := bytes.CutPrefix(rest, []byte(c))
			rest = after
			return is
		}
		subject string
	)
	if !skip("{") {
		return 0, wrong
	}
	for len(known) == 0 || skip(",") {
		end := bytes.Index(rest, []byte(`":[`))
		if end < 0 || json.Unmarshal(rest[:end+1], &subject) != nil || !skip(string(appendName(nil, subject))) || !skip("[") || known[subject] {
			return entries, wrong
		}
		known[subject] = true
		for first := true; first || skip(","); first = false {
			digits := 0
			for digits < len(rest) && rest[digits] >= '0' && rest[digits] <= '9' {
				digits++
			}
			position, err := strconv.ParseInt(string(rest[:digits]), 10, 64)
			if err != nil || rest[0] == '0' {
				return entries, wrong
			}
			rest = rest[digits:]
			yield(entry{subject, position})
			entries++
		}
		if !skip("]") {
			return entries, wrong
		}
	}
	if string(rest) != "}" {
		return entries, wrong
	}
	return entries, nil
}

// positionsOf appends the positions of a subject in a run; name is what appendName made of it.
func positionsOf(list []int64, run, name []byte) ([]int64, error) {
	at := bytes.Index(run, name)
	if at < 0 {
		return list, nil
	}
	rest := run[at+len(name):]
	end := bytes.IndexByte(rest, ']')
	var positions []int64
	if end < 0 || json.Unmarshal(rest[:end+1], &positions) != nil {
		return nil, fmt.Errorf("%w: subject_runs: no positions after %s", eventstore.ErrCorrupt, name)
	}
	return append(list, positions...), nil
}

// insertSubjects adds the subjects of a batch to the runs, or merges them with the runs into subjects when they have enough.
func (t *transaction) insertSubjects(ctx context.Context, b *eventstore.Batch) error {
	const (
		run    = `INSERT INTO subject_runs (ledger_id, entries, subjects) VALUES (?, ?, ?)`
		count  = `SELECT count(*), coalesce(sum(entries), 0) FROM subject_runs WHERE ledger_id = ?`
		failed = "index the subjects: %w"
	)
	p := t.known
	if p.ledger != b.Ledger || p.position != b.After {
		p = pending{ledger: b.Ledger}
		if err := t.tx.QueryRowContext(ctx, count, b.Ledger[:]).Scan(&p.runs, &p.entries); err != nil {
			return fmt.Errorf(failed, err)
		}
	}
	p.position = b.Last()
	entries := 0
	for i := range b.Records {
		entries += len(b.Records[i].Subjects)
	}
	switch {
	case entries == 0:
	case p.entries+entries > mergeEntries || p.runs >= mergeRuns:
		if err := t.merge(ctx, b.Ledger, b.Records); err != nil {
			return fmt.Errorf(failed, err)
		}
		p.runs, p.entries = 0, 0
	default:
		if _, err := t.tx.ExecContext(ctx, run, b.Ledger[:], entries, string(t.grouped.encode(b.Records))); err != nil {
			return fmt.Errorf(failed, err)
		}
		p.runs++
		p.entries += entries
	}
	t.pending = p
	return nil
}

// merge puts the entries of all runs of a ledger and of records into subjects.
func (t *transaction) merge(ctx context.Context, ledger uuid.UUID, records []eventstore.Record) error {
	const (
		runs  = `SELECT run, entries, subjects FROM subject_runs WHERE ledger_id = ?`
		empty = `DELETE FROM subject_runs WHERE ledger_id = ?`
	)
	var list []entry
	rows, err := t.tx.QueryContext(ctx, runs, ledger[:])
	if err != nil {
		return err
	}
	if list, err = collectRuns(rows); err != nil {
		return err
	}
	for i := range records {
		for _, subject := range records[i].Subjects {
			list = append(list, entry{subject, records[i].Position})
		}
	}
	slices.SortFunc(list, compareEntries)
	err = t.raw(func() error {
		t.subjects.begin(ledger[:])
		for i := range list {
			row := t.subjects.row()
			row[0].Value = list[i].subject
			row[1].Value = list[i].position
			if t.subjects.full() {
				if err := t.subjects.flush(ctx); err != nil {
					return err
				}
			}
		}
		return t.subjects.flush(ctx)
	})
	if err != nil {
		return err
	}
	_, err = t.tx.ExecContext(ctx, empty, ledger[:])
	return err
}

// collectRuns reads the entries of runs, in no order. One that is not as it was written is the error, with the entries of the others.
func collectRuns(rows *sql.Rows) (list []entry, err error) {
	defer rows.Close()
	var wrong error // the first
	var number, entries int
	var run sql.RawBytes
	for rows.Next() {
		if err := rows.Scan(&number, &entries, &run); err != nil {
			return nil, err
		}
		n, err := decodeRun(run, func(e entry) { list = append(list, e) })
		if err == nil && n != entries {
			err = &eventstore.RowError{Column: "subject_runs.entries", Problem: fmt.Sprintf("of run %d is %d, it has %d", number, entries, n)}
		}
		if wrong == nil {
			wrong = err
		}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return list, wrong
}

// settle merges the runs of all ledgers, so that a file that nobody writes has one index. It waits for nobody. The caller has the
// slot, and ends the connection.
func (w *writer) settle() error {
	const (
		impatient = `PRAGMA busy_timeout = 0`
		ledgers   = `SELECT DISTINCT ledger_id FROM subject_runs`
	)
	ctx := context.Background()
	if _, err := w.conn.ExecContext(ctx, impatient); err != nil {
		return err
	}
	rows, err := w.conn.QueryContext(ctx, ledgers)
	if err != nil {
		return err
	}
	defer rows.Close()
	var list []uuid.UUID
	for rows.Next() {
		var id []byte
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if u, err := uuid.FromBytes(id); err == nil {
			list = append(list, u)
		}
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		return err
	}
	tx, err := w.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	t := &transaction{writer: w, tx: tx}
	for _, ledger := range list {
		if err := t.merge(ctx, ledger, nil); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// Subject implements eventstore.Log.
func (s *Store) Subject(ctx context.Context, ledger uuid.UUID, subject string, from, to int64, yield func(*eventstore.Record) error) error {
	if to == 0 {
		to = math.MaxInt64
	}
	positions, err := s.positions(ctx, ledger, subject, from, to)
	if err != nil {
		return wrap("subject "+subject, err)
	}
	var c chunk
	for len(positions) > 0 {
		if err := c.at(ctx, s, ledger, positions); err != nil {
			return wrap("subject "+subject, err)
		}
		for i := range c.records {
			if c.records[i].Position != positions[i] {
				c.records = c.records[:i]
				break
			}
			if err := yield(&c.records[i]); err != nil {
				return err
			}
		}
		if len(c.records) == 0 {
			return fmt.Errorf("subject %s: %w: position %d is missing", subject, eventstore.ErrCorrupt, positions[0])
		}
		positions = positions[len(c.records):]
	}
	return nil
}

// positions returns the positions of a subject from … to, in order.
func (s *Store) positions(ctx context.Context, ledger uuid.UUID, subject string, from, to int64) ([]int64, error) {
	const query = `SELECT position, NULL FROM subjects WHERE ledger_id = ?1 AND subject = ?2 AND position BETWEEN ?3 AND ?4
		UNION ALL SELECT NULL, subjects FROM subject_runs WHERE ledger_id = ?1`
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	var list []int64
	var position sql.NullInt64
	var run sql.RawBytes
	name := appendName(nil, subject)
	err = each(ctx, stmt, func(rows *sql.Rows) error {
		if err := rows.Scan(&position, &run); err != nil {
			return err
		}
		if position.Valid {
			list = append(list, position.Int64)
			return nil
		}
		list, err = positionsOf(list, run, name)
		return err
	}, ledger[:], subject, from, to)
	list = slices.DeleteFunc(list, func(p int64) bool { return p < from || p > to }) // those of runs
	slices.Sort(list)
	return slices.Compact(list), err
}

// at loads the events of the first of positions, which are in order, up to chunkBytes.
func (c *chunk) at(ctx context.Context, s *Store, ledger uuid.UUID, positions []int64) error {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = ? AND position IN (%s) ORDER BY position`
	size := lookups[0]
	for _, smaller := range lookups[1:] {
		if len(positions) <= smaller {
			size = smaller
		}
	}
	args := make([]any, 0, 1+size)
	args = append(args, ledger[:])
	for i := range size {
		args = append(args, positions[min(i, len(positions)-1)])
	}
	return c.load(ctx, s, fmt.Sprintf(query, "?"+strings.Repeat(", ?", size-1)), args...)
}

// AllSubjects implements eventstore.Tables. What is in runs is read first: some of it may be in subjects when that is read,
// and is handed out once.
func (s *Store) AllSubjects(ctx context.Context, ledger uuid.UUID, yield func(subject string, position int64) error) error {
	const (
		runs  = `SELECT run, entries, subjects FROM subject_runs WHERE ledger_id = ?`
		query = `SELECT subject, position FROM subjects WHERE ledger_id = ? AND (subject, position) > (?, ?)
			ORDER BY subject, position LIMIT ?`
		op = "read the subjects"
	)
	rows, err := s.read.QueryContext(ctx, runs, ledger[:])
	if err != nil {
		return wrap(op, err)
	}
	list, wrong := collectRuns(rows)
	if wrong != nil && !errors.Is(wrong, eventstore.ErrCorrupt) {
		return wrap(op, wrong)
	}
	slices.SortFunc(list, compareEntries)
	err = all(ctx, s, op, query, ledger,
		func(rows *sql.Rows) (e entry, err error) { return e, rows.Scan(&e.subject, &e.position) },
		func(e *entry) []any { return []any{e.subject, e.position} },
		func(e *entry) error {
			for len(list) > 0 && compareEntries(list[0], *e) < 0 {
				if err := yield(list[0].subject, list[0].position); err != nil {
					return err
				}
				list = list[1:]
			}
			if len(list) > 0 && list[0] == *e {
				list = list[1:]
			}
			return yield(e.subject, e.position)
		},
		"", 0)
	if err != nil {
		return err
	}
	for _, e := range list {
		if err := yield(e.subject, e.position); err != nil {
			return err
		}
	}
	return wrap(op, wrong)
}
