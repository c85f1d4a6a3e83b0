package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/eventstore"
)

// copyFrom is the number of rows from which on COPY is used. Below it the rows go as arrays, with the commit; COPY takes a
// round trip a table, and less of the server's time a row.
const copyFrom = 256

// Append implements eventstore.Appender.
func (s *Store) Append(ctx context.Context, b *eventstore.Batch) (note []byte, err error) {
	if err := b.Validate(); err != nil {
		return nil, wrap(appendOp(b), err)
	}
	tx, head, err := s.begin(ctx, b.Ledger, false)
	if err != nil && !errors.Is(err, eventstore.ErrNotFound) {
		return nil, wrap(appendOp(b), err)
	}
	return s.append(ctx, tx, b, head.position)
}

// Lock implements eventstore.Appender. The lock is that of the ledger's row.
func (s *Store) Lock(ctx context.Context, ledger uuid.UUID) (eventstore.Lock, error) {
	tx, row, err := s.begin(ctx, ledger, true)
	var head eventstore.Head
	if err == nil {
		head, err = row.head(ledger)
	}
	if err != nil {
		if tx != nil {
			tx.end(ctx)
		}
		return nil, wrap("lock "+ledger.String(), err)
	}
	return &lock{store: s, tx: tx, head: head}, nil
}

// A lock is a transaction that has locked the ledger's row.
type lock struct {
	store *Store
	tx    *transaction // nil once it is over
	head  eventstore.Head
}

func (l *lock) Head() eventstore.Head { return l.head }

func (l *lock) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	tx := l.tx
	if tx == nil {
		return nil, wrap(appendOp(b), pgx.ErrTxClosed)
	}
	l.tx = nil
	err := b.Validate()
	if err == nil && b.Ledger != l.head.Ledger {
		err = fmt.Errorf("the lock is of %s", l.head.Ledger)
	}
	if err != nil {
		tx.end(ctx)
		return nil, wrap(appendOp(b), err)
	}
	return l.store.append(ctx, tx, b, l.head.Position())
}

// Confirm implements eventstore.Lock. What is written anew comes after every earlier commit in the WAL: who waited for it, and for the
// standbys that have to have it, has waited for those.
func (l *lock) Confirm(ctx context.Context) error {
	const query = `UPDATE ledgers SET note = note WHERE ledger_id = $1`
	tx := l.tx
	if tx == nil {
		return wrap("confirm the log", pgx.ErrTxClosed)
	}
	l.tx = nil
	defer tx.end(ctx)
	tx.Queue(query, l.head.Ledger)
	return wrap("confirm the log", tx.commit(ctx, patience))
}

func (l *lock) Release() error {
	if l.tx == nil {
		return nil
	}
	l.tx.end(context.Background())
	l.tx = nil
	return nil
}

func appendOp(b *eventstore.Batch) string { return "append to " + b.Ledger.String() }

// append stores the batch in the transaction, which has locked the ledger's row at position at (0: there is none), and
// ends it, one way or the other.
func (s *Store) append(ctx context.Context, tx *transaction, b *eventstore.Batch, at int64) (note []byte, err error) {
	defer tx.end(ctx)
	atMost := patience + time.Duration(len(b.Records))*time.Second/rowsASecond
	note, through, err := func() ([]byte, int64, error) {
		ctx, cancel := context.WithTimeout(ctx, atMost)
		defer cancel()
		return s.store(ctx, tx, b, at)
	}()
	if err != nil {
		return nil, wrap(appendOp(b), err)
	}
	if err := tx.commit(ctx, atMost); err != nil {
		return nil, wrap(appendOp(b), err)
	}
	s.partitions.Store(through)
	return note, nil
}

// store is all of an append but the commit; most of it is only queued, to be sent with that. The lock of the row and the
// look at the head are the compare, the one update of the row is the swap: nobody else can come between.
func (s *Store) store(ctx context.Context, tx *transaction, b *eventstore.Batch, at int64) (note []byte, through int64, err error) {
	switch {
	case b.After == 0:
		// A row that does not exist cannot be locked: it is made, and completed once there is a note.
		if err := create(ctx, tx, b, at != 0); err != nil {
			return nil, 0, err
		}
	case at == 0:
		return nil, 0, eventstore.ErrNotFound
	case at != b.After:
		return nil, 0, &eventstore.HeadMovedError{Expected: b.After, Actual: at}
	}
	if note, err = b.Sign(); err != nil {
		return nil, 0, fmt.Errorf("sign: %w", err)
	}
	if through, err = s.ensurePartition(ctx, tx, b.Last()); err != nil {
		return nil, 0, err
	}
	if err := insert(ctx, tx, b, note); err != nil {
		return nil, 0, err
	}
	for _, join := range s.joiners {
		if err := join(ctx, tx, b); err != nil {
			return nil, 0, err
		}
	}
	return note, through, nil
}

// create makes the row of a new ledger.
func create(ctx context.Context, tx pgx.Tx, b *eventstore.Batch, exists bool) error {
	const (
		insert = `INSERT INTO ledgers (ledger_id, origin, head_position, tree, note) VALUES ($1, $2, $3, '', '')
			ON CONFLICT DO NOTHING`
		events = `SELECT EXISTS (SELECT FROM events WHERE ledger_id = $1)`
	)
	if exists {
		return eventstore.ErrLedgerExists
	}
	tag, err := tx.Exec(ctx, insert, b.Ledger, b.Origin, b.Last())
	if err != nil {
		return err
	}
	if tag.RowsAffected() == 0 {
		return eventstore.ErrLedgerExists
	}
	var headless bool
	if err := tx.QueryRow(ctx, events, b.Ledger).Scan(&headless); err != nil {
		return err
	}
	if headless {
		return fmt.Errorf("%w: there are events of a ledger without a head", eventstore.ErrCorrupt)
	}
	return nil
}

// insert queues the batch, but for what is long, and the head.
func insert(ctx context.Context, tx *transaction, b *eventstore.Batch, note []byte) error {
	const (
		private = `INSERT INTO private (ledger_id, private_id, salt, document)
			SELECT $1, * FROM unnest($2::uuid[], $3::bytea[], $4::bytea[])`
		erase = `DELETE FROM private WHERE ledger_id = $1 AND private_id = ANY ($2::uuid[])`
		tiles = `INSERT INTO tiles (ledger_id, level, tile_index, hashes)
			SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bytea[])`
		checkpoint = `INSERT INTO checkpoints (ledger_id, tree_size, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
		swap       = `UPDATE ledgers SET head_position = $2, tree = $3, note = $4 WHERE ledger_id = $1`
	)
	for _, many := range []rows{eventRows{b}, newSubjectRows(b), commandRows{b}} {
		switch n := many.len(); {
		case n == 0:
		case n < copyFrom:
			tx.Queue(many.query(), append([]any{b.Ledger}, many.arrays()...)...)
		default:
			if err := copyRows(ctx, tx, many); err != nil {
				return insertError(err)
			}
		}
	}
	if len(b.Tiles) > 0 {
		levels, indexes, hashes := make([]int32, len(b.Tiles)), make([]int64, len(b.Tiles)), make([][]byte, len(b.Tiles))
		for i, t := range b.Tiles {
			levels[i], indexes[i], hashes[i] = int32(t.Level), t.Index, t.Hashes
		}
		tx.Queue(tiles, b.Ledger, levels, indexes, hashes)
	}
	if len(b.Private) > 0 {
		ids, salts, documents := make([]uuid.UUID, len(b.Private)), make([][]byte, len(b.Private)), make([][]byte, len(b.Private))
		for i := range b.Private {
			p := &b.Private[i]
			ids[i], salts[i], documents[i] = p.ID, p.Salt[:], p.Document
		}
		tx.Queue(private, b.Ledger, ids, salts, documents)
	}
	if len(b.Erase) > 0 {
		tx.Queue(erase, b.Ledger, b.Erase)
	}
	if b.KeepNote {
		tx.Queue(checkpoint, b.Ledger, b.Last(), note)
	}
	tx.Queue(swap, b.Ledger, b.Last(), b.Edge.Bytes(), note)
	return nil
}

// insertError sees events that are there already: they are above the head, which is no mistake of the batch.
func insertError(err error) error {
	if state(err) == uniqueViolation && isEvents(err) {
		return fmt.Errorf("%w: there are events above the head: %w", eventstore.ErrCorrupt, err)
	}
	return err
}

// rows are what a batch has many of, in both shapes: arrays for unnest, and rows for COPY.
type rows interface {
	len() int
	query() string
	arrays() []any
	copyQuery() string
	appendRow(b []byte, i int) []byte
}

type eventRows struct{ *eventstore.Batch }

func (e eventRows) len() int { return len(e.Records) }

func (eventRows) query() string {
	return `INSERT INTO events (ledger_id, position, event_id, type, effective_on, recorded_at, envelope)
		SELECT $1, * FROM unnest($2::bigint[], $3::uuid[], $4::text[], $5::date[], $6::timestamptz[], $7::bytea[])`
}

func (e eventRows) arrays() []any {
	n := e.len()
	positions, ids, types := make([]int64, n), make([]pgtype.UUID, n), make([]string, n)
	days, instants, envelopes := make([]pgtype.Date, n), make([]pgtype.Timestamptz, n), make([][]byte, n)
	for i := range e.Records {
		r := &e.Records[i]
		positions[i], ids[i], types[i] = r.Position, pgUUID(r.ID), r.Type
		days[i] = pgtype.Date{Time: date(r.EffectiveOn), Valid: true}
		instants[i] = pgtype.Timestamptz{Time: r.RecordedAt, Valid: true}
		envelopes[i] = r.Envelope
	}
	return []any{positions, ids, types, days, instants, envelopes}
}

func (eventRows) copyQuery() string {
	return `COPY events (ledger_id, position, event_id, type, effective_on, recorded_at, envelope) FROM STDIN (FORMAT binary)`
}

func (e eventRows) appendRow(b []byte, i int) []byte {
	r := &e.Records[i]
	b = appendFields(b, 7)
	b = appendUUID(b, &e.Ledger)
	b = appendInt64(b, r.Position)
	b = appendUUID(b, &r.ID)
	b = appendText(b, r.Type)
	b = appendDate(b, r.EffectiveOn)
	b = appendInstant(b, r.RecordedAt)
	return appendBytes(b, r.Envelope)
}

type subjectRows struct {
	*eventstore.Batch
	subjects  []string
	positions []int64
}

func newSubjectRows(b *eventstore.Batch) *subjectRows {
	n := 0
	for i := range b.Records {
		n += len(b.Records[i].Subjects)
	}
	s := &subjectRows{b, make([]string, 0, n), make([]int64, 0, n)}
	for i := range b.Records {
		for _, subject := range b.Records[i].Subjects {
			s.subjects = append(s.subjects, subject)
			s.positions = append(s.positions, b.Records[i].Position)
		}
	}
	return s
}

func (s *subjectRows) len() int { return len(s.subjects) }

func (*subjectRows) query() string {
	return `INSERT INTO subjects (ledger_id, subject, position) SELECT $1, * FROM unnest($2::text[], $3::bigint[])`
}

func (s *subjectRows) arrays() []any { return []any{s.subjects, s.positions} }

func (*subjectRows) copyQuery() string {
	return `COPY subjects (ledger_id, subject, position) FROM STDIN (FORMAT binary)`
}

func (s *subjectRows) appendRow(b []byte, i int) []byte {
	b = appendFields(b, 3)
	b = appendUUID(b, &s.Ledger)
	b = appendText(b, s.subjects[i])
	return appendInt64(b, s.positions[i])
}

type commandRows struct{ *eventstore.Batch }

func (c commandRows) len() int { return len(c.Commands) }

func (commandRows) query() string {
	return `INSERT INTO commands (ledger_id, command_id, fingerprint, first_position, last_position)
		SELECT $1, * FROM unnest($2::uuid[], $3::bytea[], $4::bigint[], $5::bigint[])`
}

func (c commandRows) arrays() []any {
	n := c.len()
	ids, fingerprints, first, last := make([]pgtype.UUID, n), make([][]byte, n), make([]int64, n), make([]int64, n)
	for i := range c.Commands {
		x := &c.Commands[i]
		ids[i], fingerprints[i], first[i], last[i] = pgUUID(x.ID), x.Fingerprint[:], x.First, x.Last
	}
	return []any{ids, fingerprints, first, last}
}

func (commandRows) copyQuery() string {
	return `COPY commands (ledger_id, command_id, fingerprint, first_position, last_position) FROM STDIN (FORMAT binary)`
}

func (c commandRows) appendRow(b []byte, i int) []byte {
	x := &c.Commands[i]
	b = appendFields(b, 5)
	b = appendUUID(b, &c.Ledger)
	b = appendUUID(b, &x.ID)
	b = appendBytes(b, x.Fingerprint[:])
	b = appendInt64(b, x.First)
	return appendInt64(b, x.Last)
}

// pgUUID is a UUID as pgx takes it without a detour.
func pgUUID(id uuid.UUID) pgtype.UUID { return pgtype.UUID{Bytes: id, Valid: true} }

const secondsPerDay = 24 * 60 * 60

// date is a day as the driver takes it.
func date(day int32) time.Time { return time.Unix(int64(day)*secondsPerDay, 0).UTC() }
