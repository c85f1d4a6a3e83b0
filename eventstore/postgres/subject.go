package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// The index of subjects is in two parts. What a batch adds is one row of subject_runs. When the runs of a ledger have enough, one
// append puts them in order and into subjects, a row a subject. Whoever looks for a subject looks into both, in one statement,
// so that it sees each entry in one of them.
//
// What is in which stands in the ledger's row, which an append locks and reads first and writes last: so every process knows without
// asking, whoever appended before.
const (
	// mergeEntries is how many entries the runs of a ledger have at most; a larger batch does not become a run:
	// a look for a subject compares it with each.
	mergeEntries = 8_192
	// mergeRuns is how many runs a ledger has at most, since a look for a subject reads them all.
	mergeRuns = 256
	// rowPositions is how many positions a row of subjects has at most: some 1 KiB, which is kept in the row and not compressed.
	rowPositions = 128
	// rowsAtOnce is how many rows of subjects a question reads by one statement. It is 2 or more: the first may end before what is asked for.
	rowsAtOnce = 32
)

// pending is what a ledger's row says of its runs.
type pending struct {
	merged        int64 // the last position that is in subjects
	runs, entries int
}

// A subjectRun is what a batch adds to the index of subjects, as the one row of an array.
type subjectRun struct {
	*eventstore.Batch
	entries, bytes int
	last           int64 // position that has a subject
}

func newSubjectRun(b *eventstore.Batch) subjectRun {
	r := subjectRun{Batch: b}
	for i := range b.Records {
		r.entries += len(b.Records[i].Subjects)
		for _, subject := range b.Records[i].Subjects {
			r.bytes += len(subject)
			r.last = b.Records[i].Position
		}
	}
	return r
}

func (r subjectRun) len() int { return min(r.entries, 1) }

func (r subjectRun) size() int { return 128 + 16*r.entries + r.bytes }

func (r subjectRun) write(w *rowWriter, _ int) {
	texts, positions := make([]string, 0, r.entries), make([]int64, 0, r.entries)
	for i := range r.Records {
		for _, subject := range r.Records[i].Subjects {
			texts, positions = append(texts, subject), append(positions, r.Records[i].Position)
		}
	}
	w.begin(4)
	w.uuid(&r.Ledger)
	w.int64(positions[0])
	w.texts(texts, r.bytes)
	w.int64s(positions)
}

// queueSubjects queues what a batch adds to the index of subjects, and returns what the runs have then.
func queueSubjects(tx *transaction, b *eventstore.Batch, p pending) pending {
	const (
		add = `INSERT INTO subject_runs SELECT * FROM unnest($1::subject_runs[])`
		// The batch itself is handed in, as a run that never was one. Rows come in order, as the lists are made in order. Sorting them would
		// keep a list once for each of its rows.
		merge = `WITH runs AS (DELETE FROM subject_runs WHERE ledger_id = $1 AND position > $4 RETURNING subjects, positions)
			INSERT INTO subjects (ledger_id, subject, position, more)
			SELECT $1, subject, list[i], nullif(list[i + 1:i + $3 - 1], '{}') FROM (
				SELECT e.subject, array_agg(e.position ORDER BY e.position) AS list
				FROM (SELECT * FROM runs UNION ALL SELECT subjects, positions FROM unnest($2::subject_runs[])) r
				CROSS JOIN LATERAL unnest(r.subjects, r.positions) AS e (subject, position) GROUP BY e.subject
			) s CROSS JOIN LATERAL generate_series(1, cardinality(list), $3) AS i`
	)
	run := newSubjectRun(b)
	switch {
	case run.entries == 0:
		return p
	case p.entries+run.entries > mergeEntries || p.runs >= mergeRuns:
		tx.Queue(merge, b.Ledger, array{run}, rowPositions, p.merged)
		return pending{merged: run.last}
	}
	tx.Queue(add, array{run})
	return pending{p.merged, p.runs + 1, p.entries + run.entries}
}

// Subject implements eventstore.Log.
func (s *Store) Subject(ctx context.Context, ledger uuid.UUID, subject string, from, to int64, yield func(*eventstore.Record) error) error {
	// From the row in which the last one was, or the one after: the rows of a subject follow each other, and what is in runs follows the
	// last. The left join, so that an entry of the index without its event is seen.
	const query = `WITH s AS MATERIALIZED (
			SELECT position, more FROM subjects WHERE ledger_id = $1 AND subject = $2 AND position >= coalesce((
				SELECT max(position) FROM subjects WHERE ledger_id = $1 AND subject = $2 AND position <= $3), 0) AND position <= $4
			ORDER BY position LIMIT $6
		)
		SELECT n.position, e.event_id, e.type, e.effective_on, e.recorded_at, e.envelope
		FROM (
			SELECT p.position FROM s CROSS JOIN LATERAL unnest(s.position || s.more) AS p (position)
			WHERE p.position > $3 AND p.position <= $4
			UNION ALL
			SELECT p.position FROM subject_runs r CROSS JOIN LATERAL unnest(r.subjects, r.positions) AS p (subject, position)
			WHERE r.ledger_id = $1 AND r.position > (SELECT merged_position` + ofHead + `)
				AND $2 = ANY (r.subjects) AND p.subject = $2 AND p.position > $3 AND p.position <= $4
				AND (SELECT count(*) FROM s) < $6
			ORDER BY position LIMIT $5
		) n LEFT JOIN events e ON e.ledger_id = $1 AND e.position = n.position ORDER BY n.position`
	if to == 0 {
		to = math.MaxInt64
	}
	c := newChunk()
	for after := from - 1; ; {
		if err := c.load(ctx, s.read, query, ledger, subject, after, to, c.limit, rowsAtOnce); err != nil {
			return wrap("subject "+subject, err)
		}
		if len(c.records) == 0 {
			return nil
		}
		for i := range c.records {
			after = c.records[i].Position
			if c.records[i].Envelope == nil {
				return fmt.Errorf("subject %s: %w: position %d is missing", subject, eventstore.ErrCorrupt, after)
			}
			if err := yield(&c.records[i]); err != nil {
				return err
			}
		}
	}
}

// AllSubjects implements eventstore.Tables. It is all read as of one moment: an entry that is in both parts is handed out twice.
func (s *Store) AllSubjects(ctx context.Context, ledger uuid.UUID, yield func(subject string, position int64) error) error {
	const (
		query = `SELECT subject, position, more FROM subjects WHERE ledger_id = $1 AND (subject, position) > ($3, $4)
			ORDER BY subject, position LIMIT $2`
		op = "read the subjects"
	)
	type row struct {
		subject   string
		positions []int64
	}
	return s.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
		said, list, wrong, err := allRuns(ctx, tx, ledger) // wrong is the first that is; what else there is, is handed out
		if err != nil {
			return wrap(op, err)
		}
		var last eventstore.SubjectEntry
		var end int64
		err = all(ctx, tx, op, query, ledger, chunkRows,
			func(rows pgx.Rows) (row, error) {
				v := rows.RawValues() // a scan costs three times as much
				if len(v[1]) != 8 {
					return row{}, errNotBinary
				}
				before := last
				if last.Subject != string(v[0]) {
					before, last.Subject = eventstore.SubjectEntry{}, string(v[0]) // one string for a run of the same
				}
				x := row{last.Subject, []int64{int64(binary.BigEndian.Uint64(v[1]))}}
				more, err := int64s(v[2])
				x.positions = append(x.positions, more...)
				for _, position := range x.positions { // who reads a part of them relies on the order
					if position <= before.Position && before.Subject != "" && err == nil {
						err = errors.New("is not in order")
					}
					before = eventstore.SubjectEntry{Subject: last.Subject, Position: position}
				}
				last = before
				end = max(end, last.Position)
				if err != nil && wrong == nil {
					wrong = &eventstore.RowError{Column: "subjects.position, subjects.more", Position: x.positions[0], Problem: "of " + last.Subject + " " + err.Error()}
				}
				return x, nil
			},
			func(x *row) []any { return []any{x.subject, x.positions[0]} },
			func(x *row) error {
				for _, position := range x.positions {
					if err := list.Before(eventstore.SubjectEntry{Subject: x.subject, Position: position}, yield); err != nil {
						return err
					}
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
		if wrong == nil && said != nil && said.merged != end {
			wrong = &eventstore.RowError{Column: "ledgers.merged_position", Problem: fmt.Sprintf("is %d, subjects ends with %d", said.merged, end)}
		}
		return wrap(op, wrong)
	})
}

// allRuns returns the entries of all runs of a ledger, in order, and what its row says of them, nil where there is no row; and as wrong the
// first run that is not as it was written, or that the row says something else.
func allRuns(ctx context.Context, q queryer, ledger uuid.UUID) (said *pending, list eventstore.SubjectEntries, wrong, err error) {
	const (
		query = `SELECT position, subjects, positions FROM subject_runs WHERE ledger_id = $1 ORDER BY position`
		count = `SELECT merged_position, runs, run_entries, count(*) OVER ()` + ofHead
	)
	var have pending
	first := int64(math.MaxInt64)
	err = each(ctx, q, query, []any{binaryResult, ledger}, func(rows pgx.Rows) error {
		v := rows.RawValues()
		if len(v[0]) != 8 {
			return errNotBinary
		}
		have.runs++
		position, column := int64(binary.BigEndian.Uint64(v[0])), "subject_runs.positions"
		positions, err := int64s(v[2])
		var names []string
		if err == nil {
			column = "subject_runs.subjects"
			names, err = texts(v[1])
		}
		switch {
		case err != nil:
		case len(names) != len(positions) || len(names) == 0:
			column, err = "subject_runs.subjects, subject_runs.positions", fmt.Errorf("are %d and %d", len(names), len(positions))
		case positions[0] != position:
			column, err = "subject_runs.position", fmt.Errorf("is not that of the first, %d", positions[0])
		case !slices.IsSorted(positions):
			column, err = "subject_runs.positions", errors.New("is not in order")
		}
		if err != nil && wrong == nil {
			wrong = &eventstore.RowError{Column: column, Position: position, Problem: err.Error()}
		}
		first = min(first, position)
		have.entries += len(positions)
		for i := range min(len(names), len(positions)) {
			list = append(list, eventstore.SubjectEntry{Subject: names[i], Position: positions[i]})
		}
		return nil
	})
	if err != nil {
		return nil, nil, nil, err
	}
	slices.SortFunc(list, eventstore.SubjectEntry.Compare)
	said = new(pending)
	var heads int
	err = q.QueryRow(ctx, count, ledger).Scan(&said.merged, &said.runs, &said.entries, &heads)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, list, wrong, nil
	case err != nil || wrong != nil:
	case heads > 1: // which no key forbids
		wrong = &eventstore.RowError{Column: "ledgers.head_position", Problem: fmt.Sprintf("is not the only one: the ledger has %d rows", heads)}
	case said.merged >= first:
		wrong = &eventstore.RowError{Column: "ledgers.merged_position", Problem: fmt.Sprintf("is %d, subject_runs begins with %d", said.merged, first)}
	case said.runs != have.runs:
		wrong = &eventstore.RowError{Column: "ledgers.runs", Problem: fmt.Sprintf("is %d, subject_runs has %d", said.runs, have.runs)}
	case said.entries != have.entries:
		wrong = &eventstore.RowError{Column: "ledgers.run_entries", Problem: fmt.Sprintf("is %d, subject_runs has %d", said.entries, have.entries)}
	}
	return said, list, wrong, err
}

// int64s reads an array of bigint in the binary format; null is none.
func int64s(b []byte) ([]int64, error) {
	n, b, err := arrayOf(b)
	if err != nil {
		return nil, err
	}
	const element = 12 // bytes
	if len(b) != element*n {
		return nil, errNoList
	}
	list := make([]int64, n)
	for i := range list {
		at := b[element*i:]
		if binary.BigEndian.Uint32(at) != 8 {
			return nil, errNoList
		}
		list[i] = int64(binary.BigEndian.Uint64(at[4:]))
	}
	return list, nil
}

// texts reads an array of text in the binary format; null is none.
func texts(b []byte) ([]string, error) {
	n, b, err := arrayOf(b)
	if err != nil {
		return nil, err
	}
	list := make([]string, 0, n)
	for range n {
		if len(b) < 4 {
			return nil, errNoList
		}
		size := int64(binary.BigEndian.Uint32(b))
		if b = b[4:]; size > int64(len(b)) { // a null is the largest
			return nil, errNoList
		}
		list = append(list, string(b[:size]))
		b = b[size:]
	}
	return list, nil
}

var errNoList = errors.New("is no list, or has a null")

// arrayOf reads the header of an array in the binary format, and returns how many elements follow. An array is taken as this package writes
// it: of one dimension that begins at 1, and never empty.
func arrayOf(b []byte) (n int, rest []byte, err error) {
	const header = 20 // bytes: dimensions, nulls, element, length, first subscript
	if b == nil {
		return 0, nil, nil
	}
	if len(b) < header || binary.BigEndian.Uint32(b) != 1 || binary.BigEndian.Uint32(b[16:]) != 1 {
		return 0, nil, errNoList
	}
	return int(binary.BigEndian.Uint32(b[12:])), b[header:], nil
}
