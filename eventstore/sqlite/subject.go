package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// The index of subjects is in two parts. What a batch adds is one row of subject_runs, at the end of that table. When the
// runs have enough, one append puts them in order and into subjects, a row a subject. Whoever looks for a subject looks into
// both, in one statement, so that it sees each entry in one of them.
const (
	// mergeEntries is how many entries the runs of a ledger have at most; a larger batch does not become a run.
	mergeEntries = 16_384
	// mergeRuns is how many runs a ledger has at most, since a look for a subject reads them all.
	mergeRuns = 256
	// rowPositions is how many positions a row of subjects has at most: some 500 bytes of text, so that no question reads far beyond what it
	// asks for. Of a row of more than 1,000 bytes most would be in a page of its own.
	rowPositions = 64
	// rowsAtOnce is how many rows of subjects a question reads by one statement. It is 2 or more: the first may end before what is asked for.
	rowsAtOnce = 64
)

// pending is how much is in the runs of a ledger that ends at a position.
type pending struct {
	ledger        uuid.UUID
	position      int64
	runs, entries int64
}

// count asks how much is in the runs of the ledger.
func (p *pending) count(tx *session) error {
	const query = `SELECT count(*), coalesce(sum(entries), 0) FROM subject_runs WHERE ledger_id = ?`
	return tx.scan(query, []any{&p.runs, &p.entries}, p.ledger[:])
}

// gatheredRuns are the entries of the runs of a ledger, as the process that wrote all of them remembers: to merge them it need not read them again.
type gatheredRuns struct {
	pending                    // what the runs were when the last batch was committed; the zero value: it is not remembered
	at      map[string][]int64 // by subject
}

// committed is told what the runs were before a batch, and what they are with it.
func (g *gatheredRuns) committed(b *eventstore.Batch, before, now pending) {
	switch {
	case before.runs == 0 && now.runs == 1:
		g.at = map[string][]int64{}
	case now.runs < before.runs || g.pending != before || before.position != b.After:
		g.pending = pending{}
		return
	}
	if now.runs > before.runs {
		addSubjects(g.at, b.Records)
	}
	g.pending = now
}

// take returns the entries, for once: who took them changes them. They are nil where the table has other runs than those that are remembered, as when
// another process merged them.
func (g *gatheredRuns) take(tx *session, now pending) (map[string][]int64, error) {
	is := g.pending == now
	g.pending = pending{}
	if !is {
		return nil, nil
	}
	there := now
	if err := there.count(tx); err != nil || there != now {
		return nil, err
	}
	return g.at, nil
}

// addSubjects adds the positions of records by subject.
func addSubjects(at map[string][]int64, records []eventstore.Record) {
	for i := range records {
		for _, subject := range records[i].Subjects {
			at[subject] = append(at[subject], records[i].Position)
		}
	}
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
		b = appendList(appendName(b, name), g.at[i])
	}
	g.text = append(b, '}')
	clear(g.names)
	return g.text
}

// appendList appends positions as runs and the rows of subjects have them.
func appendList(b []byte, positions []int64) []byte {
	b = append(b, '[')
	for i, position := range positions {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, position, 10)
	}
	return append(b, ']')
}

// cutList calls yield with the positions of a list that text begins with, and returns what follows. It takes what appendList writes and
// nothing else.
func cutList(text []byte, yield func(int64)) (rest []byte, is bool) {
	for first := true; ; first = false {
		switch {
		case len(text) > 0 && (first && text[0] == '[' || !first && text[0] == ','):
			text = text[1:]
		case len(text) > 0 && !first && text[0] == ']':
			return text[1:], true
		default:
			return nil, false
		}
		digits := 0
		for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' {
			digits++
		}
		position, err := strconv.ParseInt(string(text[:digits]), 10, 64)
		if err != nil || text[0] == '0' {
			return nil, false
		}
		yield(position)
		text = text[digits:]
	}
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
func decodeRun(run []byte, yield func(eventstore.SubjectEntry)) (entries int, err error) {
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
		if end < 0 || json.Unmarshal(rest[:end+1], &subject) != nil || !skip(string(appendName(nil, subject))) || known[subject] {
			return entries, wrong
		}
		known[subject] = true
		after, is := cutList(rest, func(position int64) {
			yield(eventstore.SubjectEntry{Subject: subject, Position: position})
			entries++
		})
		if !is {
			return entries, wrong
		}
		rest = after
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
func (t *transaction) insertSubjects(tx *session, b *eventstore.Batch) error {
	const (
		run    = `INSERT INTO subject_runs (ledger_id, entries, subjects) VALUES (?, ?, ?)`
		failed = "index the subjects: %w"
	)
	p := t.known
	if p.ledger != b.Ledger || p.position != b.After {
		p = pending{ledger: b.Ledger}
		if err := p.count(tx); err != nil {
			return fmt.Errorf(failed, err)
		}
	}
	t.before = p
	p.position = b.Last()
	entries := int64(0)
	for i := range b.Records {
		entries += int64(len(b.Records[i].Subjects))
	}
	switch {
	case entries == 0:
	case p.entries+entries > mergeEntries || p.runs >= mergeRuns:
		at, err := t.gathered.take(tx, t.before)
		if err == nil {
			err = t.merge(tx, b.Ledger, at, b.Records)
		}
		if err != nil {
			return fmt.Errorf(failed, err)
		}
		p.runs, p.entries = 0, 0
	default:
		if _, err := tx.Exec(run, b.Ledger[:], entries, string(t.grouped.encode(b.Records))); err != nil {
			return fmt.Errorf(failed, err)
		}
		p.runs++
		p.entries += entries
	}
	t.pending = p
	return nil
}

// runsOf reads the entries of the runs of a ledger, by subject.
func runsOf(tx *session, ledger uuid.UUID) (map[string][]int64, error) {
	const query = `SELECT run, entries, subjects FROM subject_runs WHERE ledger_id = ?`
	var all entriesOfRuns
	err := tx.Query(query, func(row []driver.Value) error {
		var number, entries int64
		var run string
		if err := scanRow(row, &number, &entries, &run); err != nil {
			return err
		}
		all.add(number, entries, []byte(run))
		return nil
	}, ledger[:])
	if err = errors.Join(err, all.wrong); err != nil {
		return nil, err
	}
	at := map[string][]int64{}
	for _, e := range all.list {
		at[e.Subject] = append(at[e.Subject], e.Position)
	}
	return at, nil
}

// merge puts the entries of all runs of a ledger and of records into subjects. at are those of the runs; where it is nil they are read.
func (w *writer) merge(tx *session, ledger uuid.UUID, at map[string][]int64, records []eventstore.Record) (err error) {
	const empty = `DELETE FROM subject_runs WHERE ledger_id = ?`
	if at == nil {
		if at, err = runsOf(tx, ledger); err != nil {
			return err
		}
	}
	addSubjects(at, records)
	ctx := context.Background()
	w.subjects.begin(ledger[:])
	for _, subject := range slices.Sorted(maps.Keys(at)) {
		slices.Sort(at[subject])
		for positions := range slices.Chunk(at[subject], rowPositions) {
			row := w.subjects.row()
			row[0].Value, row[1].Value, row[2].Value = subject, positions[0], nil
			if more := positions[1:]; len(more) > 0 {
				row[2].Value = string(appendList(nil, more))
			}
			if w.subjects.full() {
				if err := w.subjects.flush(ctx); err != nil {
					return err
				}
			}
		}
	}
	if err := w.subjects.flush(ctx); err != nil {
		return err
	}
	_, err = tx.Exec(empty, ledger[:])
	return err
}

// entriesOfRuns are the entries of runs, in no order.
type entriesOfRuns struct {
	list  eventstore.SubjectEntries
	wrong error // of the first run that is not as it was written
}

func (e *entriesOfRuns) add(number, entries int64, run []byte) {
	n, err := decodeRun(run, func(x eventstore.SubjectEntry) { e.list = append(e.list, x) })
	if err == nil && int64(n) != entries {
		err = &eventstore.RowError{Column: "subject_runs.entries", Problem: fmt.Sprintf("of run %d is %d, it has %d", number, entries, n)}
	}
	if e.wrong == nil {
		e.wrong = err
	}
}

// settle merges the runs of all ledgers, so that a file that nobody writes has one index. It waits for nobody. The caller has the
// slot, and ends the connection.
func (w *writer) settle() error {
	const (
		impatient = `PRAGMA busy_timeout = 0`
		ledgers   = `SELECT DISTINCT ledger_id FROM subject_runs`
	)
	if _, err := w.conn.ExecContext(context.Background(), impatient); err != nil {
		return err
	}
	return w.raw(func(tx *session) error {
		var list []uuid.UUID
		err := tx.Query(ledgers, func(row []driver.Value) error {
			var id []byte
			if err := scanRow(row, &id); err != nil {
				return err
			}
			if u, err := uuid.FromBytes(id); err == nil {
				list = append(list, u)
			}
			return nil
		})
		if err != nil || len(list) == 0 {
			return err
		}
		if _, err := tx.Exec(begin); err != nil {
			return err
		}
		for _, ledger := range list {
			if err := w.merge(tx, ledger, nil, nil); err != nil {
				_, _ = tx.Exec(rollback)
				return err
			}
		}
		_, err = tx.Exec(commit)
		return err
	})
}

// Subject implements eventstore.Log.
func (s *Store) Subject(ctx context.Context, ledger uuid.UUID, subject string, from, to int64, yield func(*eventstore.Record) error) error {
	if to == 0 {
		to = math.MaxInt64
	}
	var c chunk
	for from <= to {
		positions, next, err := s.positions(ctx, ledger, subject, from, to)
		if err != nil {
			return wrap("subject "+subject, err)
		}
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
		if next == 0 {
			return nil
		}
		from = next
	}
	return nil
}

// positions returns the first positions of a subject from … to, in order, and where to go on; next is 0 when that is all.
func (s *Store) positions(ctx context.Context, ledger uuid.UUID, subject string, from, to int64) (list []int64, next int64, err error) {
	// From the row in which from is, or the one after: the rows of a subject follow each other.
	const query = `SELECT position, more, NULL FROM (
			SELECT position, more FROM subjects WHERE ledger_id = ?1 AND subject = ?2 AND position BETWEEN coalesce((
				SELECT max(position) FROM subjects WHERE ledger_id = ?1 AND subject = ?2 AND position <= ?3), ?3) AND ?4
			ORDER BY position LIMIT ?5)
		UNION ALL SELECT NULL, NULL, subjects FROM subject_runs WHERE ledger_id = ?1`
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, 0, err
	}
	var (
		position  sql.NullInt64
		more, run sql.RawBytes
		rows      int
		inRuns    []int64
		name      = appendName(nil, subject)
	)
	err = each(ctx, stmt, func(r *sql.Rows) error {
		if err := r.Scan(&position, &more, &run); err != nil {
			return err
		}
		if !position.Valid {
			inRuns, err = positionsOf(inRuns, run, name)
			return err
		}
		rows++
		list = append(list, position.Int64)
		list, err = appendMore(list, subject, more)
		return err
	}, ledger[:], subject, from, to, rowsAtOnce)
	if err != nil {
		return nil, 0, err
	}
	if rows == rowsAtOnce {
		next = list[len(list)-1] + 1
	}
	list = append(list, inRuns...)
	list = slices.DeleteFunc(list, func(p int64) bool { return p < from || p > to || next > 0 && p >= next })
	slices.Sort(list)
	return slices.Compact(list), next, nil
}

// appendMore appends what a row of subjects has beyond its first position, with which list ends. Of another form than that in which merge
// writes it, it appends nothing.
func appendMore(list []int64, subject string, more []byte) ([]int64, error) {
	if more == nil {
		return list, nil
	}
	first, last := len(list), list[len(list)-1]
	inOrder := true
	rest, is := cutList(more, func(position int64) {
		inOrder = inOrder && position > last
		last = position
		list = append(list, position)
	})
	if !is || !inOrder || len(rest) > 0 {
		return list[:first], &eventstore.RowError{Column: "subjects.more", Position: list[first-1], Problem: fmt.Sprintf("of %q is not in the form in which it is written", subject)}
	}
	return list, nil
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
		query = `SELECT subject, position, more FROM subjects WHERE ledger_id = ? AND (subject, position) > (?, ?)
			ORDER BY subject, position LIMIT ?`
		op = "read the subjects"
	)
	stmt, err := s.prepare(ctx, runs)
	if err != nil {
		return wrap(op, err)
	}
	var inRuns entriesOfRuns
	err = each(ctx, stmt, func(rows *sql.Rows) error {
		var number, entries int64
		var run sql.RawBytes
		if err := rows.Scan(&number, &entries, &run); err != nil {
			return err
		}
		inRuns.add(number, entries, run)
		return nil
	}, ledger[:])
	if err != nil {
		return wrap(op, err)
	}
	list, wrong := inRuns.list, inRuns.wrong // the first that is wrong; what else there is, is handed out
	slices.SortFunc(list, eventstore.SubjectEntry.Compare)
	type row struct {
		subject   string
		positions []int64
	}
	var last eventstore.SubjectEntry
	err = all(ctx, s, op, query, ledger,
		func(rows *sql.Rows) (x row, err error) {
			var position int64
			var text sql.NullString // RawBytes has no empty text, which is another form of none
			if err := rows.Scan(&x.subject, &position, &text); err != nil {
				return x, err
			}
			var more []byte
			if text.Valid {
				more = []byte(text.String)
			}
			x.positions, err = appendMore([]int64{position}, x.subject, more)
			if err == nil && last.Subject == x.subject && last.Position >= position { // who reads a part of them relies on the order
				err = &eventstore.RowError{Column: "subjects.position, subjects.more", Position: position, Problem: fmt.Sprintf("of %q is not after the row before", x.subject)}
			}
			if wrong == nil {
				wrong = err
			}
			last = eventstore.SubjectEntry{Subject: x.subject, Position: x.positions[len(x.positions)-1]}
			return x, nil
		},
		func(x *row) []any { return []any{x.subject, x.positions[0]} },
		func(x *row) error {
			for _, position := range x.positions {
				e := eventstore.SubjectEntry{Subject: x.subject, Position: position}
				if err := list.Before(e, yield); err != nil {
					return err
				}
				list.Skip(e)
				if err := yield(x.subject, position); err != nil {
					return err
				}
			}
			return nil
		},
		"", 0)
	if err != nil {
		return err
	}
	if err := list.Rest(yield); err != nil {
		return err
	}
	return wrap(op, wrong)
}
