package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// copyFrom is the number of rows from which on COPY is used, so that they need not be in memory twice. Below it they go with
// the commit, as one array of records a table, which costs the server no more a row than a COPY; that takes a round trip more.
const copyFrom = 1_024

// Append implements eventstore.Appender.
func (s *Store) Append(ctx context.Context, b *eventstore.Batch) (note []byte, err error) {
	if err := b.Validate(); err != nil {
		return nil, wrap(appendOp(b), err)
	}
	tx, head, err := s.begin(ctx, b.Ledger, false)
	if err != nil && !errors.Is(err, eventstore.ErrNotFound) {
		return nil, wrap(appendOp(b), err)
	}
	return s.append(ctx, tx, b, head)
}

// Lock implements eventstore.Appender. The lock is that of the ledger's row.
func (s *Store) Lock(ctx context.Context, ledger uuid.UUID) (eventstore.Lock, error) {
	return s.lock(ctx, ledger, true)
}

// Begin implements eventstore.Appender.
func (s *Store) Begin(ctx context.Context, ledger uuid.UUID) (eventstore.Lock, error) {
	return s.lock(ctx, ledger, false)
}

func (s *Store) lock(ctx context.Context, ledger uuid.UUID, wait bool) (eventstore.Lock, error) {
	tx, row, err := s.begin(ctx, ledger, wait)
	return s.locked(ctx, ledger, tx, row, err)
}

// locked makes a lock of a transaction that has locked the ledger's row, unless an error came in between.
func (s *Store) locked(ctx context.Context, ledger uuid.UUID, tx *transaction, row row, err error) (eventstore.Lock, error) {
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
	return &lock{store: s, tx: tx, head: head, row: row}, nil
}

// A lock is a transaction that has locked the ledger's row.
type lock struct {
	store *Store
	tx    *transaction // nil once it is over
	head  eventstore.Head
	row   row
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
	return l.store.append(ctx, tx, b, l.row)
}

// Confirm implements eventstore.Lock. What is written anew comes after every earlier commit in the WAL: who waited for it, and for the
// standbys that have to have it, has waited for those.
func (l *lock) Confirm(ctx context.Context) error {
	const query = `UPDATE ledgers SET note = note WHERE ledger_id = $1 AND head_position = $2`
	tx := l.tx
	if tx == nil {
		return wrap("confirm the log", pgx.ErrTxClosed)
	}
	l.tx = nil
	defer tx.end(ctx)
	tx.Queue(query, l.head.Ledger, l.head.Position())
	_, err := tx.commit(ctx, patience, nil)
	return wrap("confirm the log", err)
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

// append stores the batch in the transaction, which has locked the ledger's row (whose position is 0 where there is none), and ends it, one
// way or the other.
func (s *Store) append(ctx context.Context, tx *transaction, b *eventstore.Batch, head row) (note []byte, err error) {
	defer tx.end(ctx)
	atMost := patience + time.Duration(len(b.Records))*time.Second/rowsASecond
	note, through, err := func() ([]byte, int64, error) {
		ctx, cancel := context.WithTimeout(ctx, atMost)
		defer cancel()
		return s.store(ctx, tx, b, head, atMost)
	}()
	if err != nil {
		return nil, wrap(appendOp(b), err)
	}
	next, err := tx.commit(ctx, atMost, b)
	if err != nil {
		return nil, wrap(appendOp(b), err)
	}
	s.partitions.Store(through)
	if next != nil {
		b.Next(func(ctx context.Context) (eventstore.Lock, error) {
			w := s.watch(ctx)
			defer w.stop()
			tx, row, err := next.wait(ctx, w)
			return s.locked(ctx, b.Ledger, tx, row, err)
		})
	}
	return note, nil
}

// store is all of an append but the commit; most of it is sent while the rest is made, or queued, to be sent with that. The lock of the row and the
// look at the head are the compare, the one update of the row is the swap: nobody else can come between.
func (s *Store) store(ctx context.Context, tx *transaction, b *eventstore.Batch, head row, atMost time.Duration) (note []byte, through int64, err error) {
	switch {
	case b.After == 0:
		// A row that does not exist cannot be locked: that of the name is, by making it.
		if err := create(ctx, tx, b, head.position != 0); err != nil {
			return nil, 0, err
		}
	case head.position == 0:
		return nil, 0, eventstore.ErrNotFound
	case head.position != b.After:
		return nil, 0, &eventstore.HeadMovedError{Expected: b.After, Actual: head.position}
	}
	if through, err = s.ensurePartition(ctx, tx, b.Last()); err != nil {
		return nil, 0, err
	}
	if err := insertMany(ctx, tx, b); err != nil {
		return nil, 0, err
	}
	if err := tx.send(atMost); err != nil {
		return nil, 0, err
	}
	b.Joined = head.joined
	if len(s.joiners) > 0 {
		head.joined = b.Last()
	}
	for _, join := range s.joiners {
		if err := join(ctx, tx, b); err != nil {
			return nil, 0, err
		}
	}
	// The server is still busy with the events; it has the next when it is done, and the last when that is.
	if err := tx.send(atMost); err != nil {
		return nil, 0, err
	}
	if note, err = b.Sign(); err != nil {
		return nil, 0, fmt.Errorf("sign: %w", err)
	}
	insert(tx, b, head, note)
	return note, through, nil
}

// create takes the name of a new ledger. Who comes second waits here until the first is over.
func create(ctx context.Context, tx pgx.Tx, b *eventstore.Batch, exists bool) error {
	const (
		insert = `INSERT INTO origins (ledger_id, origin) VALUES ($1, $2) ON CONFLICT DO NOTHING`
		events = `SELECT EXISTS (SELECT FROM events WHERE ledger_id = $1) AND NOT EXISTS (SELECT FROM ledgers WHERE ledger_id = $1)`
	)
	if exists {
		return eventstore.ErrLedgerExists
	}
	tag, err := tx.Exec(ctx, insert, b.Ledger, b.Origin)
	if err != nil {
		return err
	}
	var headless bool
	if err := tx.QueryRow(ctx, events, b.Ledger).Scan(&headless); err != nil {
		return err
	}
	switch {
	case headless:
		return fmt.Errorf("%w: there are events of a ledger without a head", eventstore.ErrCorrupt)
	case tag.RowsAffected() == 0:
		return eventstore.ErrLedgerExists
	}
	return nil
}

// insertMany queues what a batch has many of, or inserts it at once where that is long.
func insertMany(ctx context.Context, tx *transaction, b *eventstore.Batch) error {
	for _, many := range []rows{eventRows{b}, commandRows{b}} {
		switch n := many.len(); {
		case n == 0:
		case n < copyFrom:
			tx.Queue(many.query(), array{many})
		default:
			if err := copyRows(ctx, tx, many); err != nil {
				return insertError(err)
			}
		}
	}
	return nil
}

// insert queues the rest of a batch, and the head.
func insert(tx *transaction, b *eventstore.Batch, head row, note []byte) {
	const (
		private = `INSERT INTO private (ledger_id, private_id, salt, document)
			SELECT $1, * FROM unnest($2::uuid[], $3::bytea[], $4::bytea[])`
		erase = `DELETE FROM private WHERE ledger_id = $1 AND private_id = ANY ($2::uuid[])`
		tiles = `INSERT INTO tiles (ledger_id, level, tile_index, hashes)
			SELECT $1, * FROM unnest($2::int[], $3::bigint[], $4::bytea[])`
		checkpoint = `INSERT INTO checkpoints (ledger_id, tree_size, note) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`
		first      = `INSERT INTO ledgers (ledger_id, head_position, tree, note, joined_position, merged_position, runs, run_entries)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
		swap = `UPDATE ledgers SET head_position = $2, tree = $3, note = $4, joined_position = $5, merged_position = $6, runs = $7, run_entries = $8
			WHERE ledger_id = $1 AND head_position = $9`
	)
	p := queueSubjects(tx, b, head.pending)
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
	values := []any{b.Ledger, b.Last(), b.Edge.Bytes(), note, head.joined, p.merged, p.runs, p.entries}
	if b.After == 0 {
		tx.Queue(first, values...)
	} else {
		tx.Queue(swap, append(values, b.After)...)
	}
}

// insertError sees events that are there already: they are above the head, which is no mistake of the batch.
func insertError(err error) error {
	if state(err) == uniqueViolation && isEvents(err) {
		return fmt.Errorf("%w: there are events above the head: %w", eventstore.ErrCorrupt, err)
	}
	return err
}
