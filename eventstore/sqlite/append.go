package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// Append implements eventstore.Appender.
func (s *Store) Append(ctx context.Context, b *eventstore.Batch) (note []byte, err error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, wrap(appendOp(b), err)
	}
	return s.append(ctx, t, b, new(eventstore.Begun))
}

// Lock implements eventstore.Appender. The lock is the file's only write lock: while it is held, no ledger of the
// database can be appended to by anybody else.
func (s *Store) Lock(ctx context.Context, ledger uuid.UUID) (eventstore.Lock, error) {
	t, err := s.begin(ctx)
	if err != nil {
		return nil, wrap("lock "+ledger.String(), err)
	}
	var head eventstore.Head
	err = t.raw(func(tx *session) error {
		head, err = scanHead(func(dest ...any) error { return tx.scan(headQuery, dest, ledger[:]) }, ledger)
		return wrap("head of "+ledger.String(), err)
	})
	if err != nil {
		return nil, errors.Join(err, t.rollback())
	}
	return &lock{store: s, t: t, head: head}, nil
}

// Begin implements eventstore.Appender. The file's lock is waited for as long in either case.
func (s *Store) Begin(ctx context.Context, ledger uuid.UUID) (eventstore.Lock, error) {
	return s.Lock(ctx, ledger)
}

// A lock is a write transaction that has begun.
type lock struct {
	store *Store
	t     *transaction
	head  eventstore.Head
	begun eventstore.Begun
}

func (l *lock) Head() eventstore.Head { return l.head }

// Insert implements eventstore.Early.
func (l *lock) Insert(ctx context.Context, records []eventstore.Record, commands []eventstore.Command) error {
	op := "append to " + l.head.Ledger.String()
	if l.t.done {
		return wrap(op, sql.ErrTxDone)
	}
	if err := l.begun.Add(l.head, records, commands); err != nil {
		return wrap(op, err)
	}
	return wrap(op, l.t.raw(func(*session) error {
		return l.t.insert(context.WithoutCancel(ctx), ctx.Err, l.head.Ledger, records, commands)
	}))
}

func (l *lock) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	if l.t.done {
		return nil, wrap(appendOp(b), sql.ErrTxDone)
	}
	return l.store.append(ctx, l.t, b, &l.begun)
}

// Confirm implements eventstore.Lock. What a process left in the WAL that died before it was synced is synced with this.
func (l *lock) Confirm(context.Context) error {
	const query = `UPDATE ledgers SET note = note WHERE ledger_id = ?`
	if l.t.done {
		return wrap("confirm the log", sql.ErrTxDone)
	}
	defer l.t.rollback()
	err := l.t.raw(func(tx *session) error {
		_, err := tx.Exec(query, l.head.Ledger[:])
		return err
	})
	if err != nil {
		return wrap("confirm the log", err)
	}
	return wrap("confirm the log", l.t.commit(func(*session) { l.t.left = left{} }))
}

func (l *lock) Release() error {
	if err := l.t.rollback(); err != nil {
		return wrap("release the lock", err)
	}
	return nil
}

func appendOp(b *eventstore.Batch) string { return "append to " + b.Ledger.String() }

// append stores the batch in the transaction and ends it, one way or the other.
func (s *Store) append(ctx context.Context, t *transaction, b *eventstore.Batch, begun *eventstore.Begun) (note []byte, err error) {
	defer t.rollback()
	var joined int64
	err = t.raw(func(tx *session) error {
		note, joined, err = s.store(ctx, t, tx, b, begun)
		return err
	})
	if err != nil {
		return nil, wrap(appendOp(b), err)
	}
	err = t.commit(func(tx *session) {
		t.leave(tx, b, joined)
		t.gathered.committed(b, t.before, t.pending)
		t.known = t.pending
	})
	if err != nil {
		return nil, wrap(appendOp(b), err)
	}
	return note, nil
}

// leave notes how a batch left the database.
func (w *writer) leave(tx *session, b *eventstore.Batch, joined int64) {
	w.left = left{}
	if version, err := tx.version(); err == nil {
		w.left = left{ledger: b.Ledger, position: b.Last(), joined: joined, version: version}
	}
}

// store is all of an append but the commit, and returns the last position that has joiners, too. The transaction is immediate, so from the look at the
// head on nobody else can move it: the look and the update of the row at the end are the compare-and-swap, and the row is written once.
func (s *Store) store(ctx context.Context, t *transaction, tx *session, b *eventstore.Batch, begun *eventstore.Begun) (note []byte, joined int64, err error) {
	if err := b.Validate(); err != nil {
		return nil, 0, err
	}
	records, commands, err := begun.Rest(b)
	if err != nil {
		return nil, 0, err
	}
	// A cancellable context makes the driver start a goroutine for each statement; ctx is asked between them instead.
	steps := context.WithoutCancel(ctx)
	joined, err = t.compare(tx, b)
	if err != nil {
		return nil, 0, err
	}
	b.Joined = joined
	note, err = b.Sign()
	if err != nil {
		return nil, 0, fmt.Errorf("sign: %w", err)
	}
	if err := t.insert(steps, ctx.Err, b.Ledger, records, commands); err != nil {
		return nil, 0, err
	}
	if err := t.insertSubjects(tx, b); err != nil {
		return nil, 0, err
	}
	if err := t.insertRest(tx, b, note); err != nil {
		return nil, 0, err
	}
	for _, join := range s.joiners {
		if err := join(steps, tx, b); err != nil {
			return nil, 0, err
		}
	}
	if len(s.joiners) > 0 {
		joined = b.Last()
	}
	if err := swap(tx, b, joined, note); err != nil {
		return nil, 0, err
	}
	return note, joined, ctx.Err()
}

// compare looks whether the ledger is where the batch expects it, and returns the last position that had joiners. Where the append before left the ledger,
// and nobody wrote since, is known.
func (t *transaction) compare(tx *session, b *eventstore.Batch) (joined int64, err error) {
	const (
		head  = `SELECT head_position, joined_position FROM ledgers WHERE ledger_id = ?`
		taken = `SELECT EXISTS (SELECT 1 FROM origins WHERE origin = ?1 OR ledger_id = ?2), EXISTS (SELECT 1 FROM events WHERE ledger_id = ?2)`
	)
	if t.untouched && t.left.ledger == b.Ledger && t.left.position == b.After {
		return t.left.joined, nil
	}
	var at int64
	err = tx.scan(head, []any{&at, &joined}, b.Ledger[:])
	switch {
	case err == nil && b.After == 0:
		return 0, eventstore.ErrLedgerExists
	case err == nil && at != b.After:
		return 0, &eventstore.HeadMovedError{Expected: b.After, Actual: at}
	case err == nil:
		return joined, nil
	case !errors.Is(err, sql.ErrNoRows):
		return 0, err
	case b.After != 0:
		return 0, eventstore.ErrNotFound
	}
	var origin, events bool
	if err := tx.scan(taken, []any{&origin, &events}, b.Origin, b.Ledger[:]); err != nil {
		return 0, err
	}
	switch {
	case events:
		return 0, fmt.Errorf("%w: there are events of a ledger without a head", eventstore.ErrCorrupt)
	case origin:
		return 0, eventstore.ErrLedgerExists
	}
	return 0, nil
}

// insert inserts what a batch has many of.
func (w *writer) insert(ctx context.Context, cancelled func() error, id uuid.UUID, records []eventstore.Record, commands []eventstore.Command) error {
	var ledger any = id[:]
	var lastType, lastDay any
	w.events.begin(ledger)
	w.commands.begin(ledger)
	for i := range records {
		r := &records[i]
		// What is the same as in the record before is put into an interface once.
		if i == 0 || records[i-1].Type != r.Type {
			lastType = r.Type
		}
		if i == 0 || records[i-1].EffectiveOn != r.EffectiveOn {
			lastDay = w.dates.format(r.EffectiveOn)
		}
		row := w.events.row()
		row[0].Value = r.Position
		row[1].Value = r.ID[:]
		row[2].Value = lastType
		row[3].Value = lastDay
		row[4].Value = r.RecordedAt.UnixMicro()
		row[5].Value = r.Envelope
		if w.events.full() {
			if err := w.flushEvents(ctx); err != nil {
				return err
			}
			if err := cancelled(); err != nil {
				return err
			}
		}
	}
	if err := w.flushEvents(ctx); err != nil {
		return err
	}
	for i := range commands {
		c := &commands[i]
		row := w.commands.row()
		row[0].Value = c.ID[:]
		row[1].Value = c.Fingerprint[:]
		row[2].Value = c.First
		row[3].Value = c.Last
		if w.commands.full() {
			if err := w.commands.flush(ctx); err != nil {
				return err
			}
		}
	}
	return w.commands.flush(ctx)
}

// flushEvents inserts the events that wait. One that is there already, above the head, is no mistake of the batch.
func (w *writer) flushEvents(ctx context.Context) error {
	err := w.events.flush(ctx)
	if alreadyThere(err) {
		return fmt.Errorf("%w: there are events above the head: %w", eventstore.ErrCorrupt, err)
	}
	return err
}

// insertRest inserts what a batch has few of, and erases.
func (t *transaction) insertRest(tx *session, b *eventstore.Batch, note []byte) error {
	const (
		tile       = `INSERT INTO tiles VALUES (?, ?, ?, ?)`
		private    = `INSERT INTO private VALUES (?, ?, ?, ?)`
		erase      = `DELETE FROM private WHERE ledger_id = ? AND private_id = ?`
		checkpoint = `INSERT OR IGNORE INTO checkpoints VALUES (?, ?, ?)`
	)
	ledger := b.Ledger[:]
	for _, x := range b.Tiles {
		if _, err := tx.Exec(tile, ledger, x.Level, x.Index, x.Hashes); err != nil {
			return fmt.Errorf("tile %d/%d: %w", x.Level, x.Index, err)
		}
	}
	for i := range b.Private {
		p := &b.Private[i]
		if _, err := tx.Exec(private, ledger, p.ID[:], p.Salt[:], p.Document); err != nil {
			return fmt.Errorf("private text %s: %w", p.ID, err)
		}
	}
	for _, id := range b.Erase {
		if _, err := tx.Exec(erase, ledger, id[:]); err != nil {
			return fmt.Errorf("erase %s: %w", id, err)
		}
		t.uncut = true
	}
	if b.KeepNote {
		if _, err := tx.Exec(checkpoint, ledger, b.Last(), note); err != nil {
			return fmt.Errorf("checkpoint: %w", err)
		}
	}
	return nil
}

// swap writes the new head into the row that compare saw, or makes it.
func swap(tx *session, b *eventstore.Batch, joined int64, note []byte) error {
	const (
		name   = `INSERT INTO origins (ledger_id, origin) VALUES (?, ?)`
		insert = `INSERT INTO ledgers (head_position, tree, note, joined_position, ledger_id) VALUES (?, ?, ?, ?, ?)`
		update = `UPDATE ledgers SET head_position = ?, tree = ?, note = ?, joined_position = ? WHERE ledger_id = ? AND head_position = ?`
	)
	args := []any{b.Last(), b.Edge.Bytes(), note, joined, b.Ledger[:]}
	query := insert
	if b.After > 0 {
		query, args = update, append(args, b.After)
	} else if _, err := tx.Exec(name, b.Ledger[:], b.Origin); err != nil {
		return err
	}
	switch n, err := tx.Exec(query, args...); {
	case err != nil:
		return err
	case n != 1:
		return fmt.Errorf("%w: the head moved inside the transaction", eventstore.ErrCorrupt)
	}
	return nil
}
