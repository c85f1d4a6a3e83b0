package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/soquy/soquy/eventstore"
)

// How long the client waits. The server has its own limits; these are for one that does not answer at all.
const (
	// lockPatience is for the row lock of an append: lockTimeout and what the way there takes.
	lockPatience = 15 * time.Second
	// lockTry is how long Lock waits at a time, as the server counts it: whoever waits longer asks again, so that a connection
	// that fell silent is noticed.
	lockTry = `SET LOCAL lock_timeout = 5000`
	// patience is for the statements of an append and its COMMIT; more for rowsASecond rows each.
	patience    = 35 * time.Second
	rowsASecond = 10_000
	// rollbackPatience is for a ROLLBACK: the end of the connection is one too.
	rollbackPatience = 5 * time.Second
)

// A transaction is an append under way. It is what joiners get as their pgx.Tx.
//
// An append takes two round trips: one begins and locks the ledger's row, the other carries all that was queued and the
// COMMIT. Behind that the next transaction may be begun at once, so that its append takes one. A joiner that cannot queue, because it must see an
// answer, sends what was queued before with its own statement.
type transaction struct {
	pgx.Tx
	conn   *pgxpool.Conn
	queued pgx.Batch
	ahead  *pipeline // what was sent already; nil: nothing
	atEnd  []func(committed bool)

	committed bool // for sure
	passedOn  bool // the connection, to the next transaction
}

// Queue keeps a statement to be sent with the commit, or before it. What it does not accept must fail on the server: once its answer
// is here, the commit may have happened.
func (t *transaction) Queue(query string, arguments ...any) *pgx.QueuedQuery {
	return t.queued.Queue(query, arguments...)
}

// AtEnd has f called when the transaction is over, and told whether it was committed for sure: until then the arguments of
// what was queued must not change.
func (t *transaction) AtEnd(f func(committed bool)) { t.atEnd = append(t.atEnd, f) }

// send sends what was queued, where that can be done without waiting for an answer.
func (t *transaction) send(atMost time.Duration) error {
	conn := t.conn.Conn()
	if t.queued.Len() == 0 || !canPipeline(conn) || !preparedOn(conn).has(t.queued.QueuedQueries) {
		return nil
	}
	if t.ahead == nil {
		t.ahead = newPipeline(conn)
	}
	list := t.queued.QueuedQueries
	t.queued = pgx.Batch{}
	return t.ahead.send(list, atMost)
}

// arrived reads the answers to what was sent.
func (t *transaction) arrived() error {
	ahead := t.ahead
	if ahead == nil {
		return nil
	}
	t.ahead = nil
	return insertError(ahead.finish(patience))
}

// flush sends what was queued.
func (t *transaction) flush(ctx context.Context) error {
	if err := t.arrived(); err != nil {
		return err
	}
	if t.queued.Len() == 0 {
		return nil
	}
	batch := t.queued
	t.queued = pgx.Batch{}
	return insertError(t.Tx.SendBatch(ctx, &batch).Close())
}

// Exec implements pgx.Tx.
func (t *transaction) Exec(ctx context.Context, query string, arguments ...any) (pgconn.CommandTag, error) {
	if err := t.flush(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return t.Tx.Exec(ctx, query, arguments...)
}

// Query implements pgx.Tx.
func (t *transaction) Query(ctx context.Context, query string, arguments ...any) (pgx.Rows, error) {
	if err := t.flush(ctx); err != nil {
		return nil, err
	}
	return t.Tx.Query(ctx, query, arguments...)
}

// QueryRow implements pgx.Tx.
func (t *transaction) QueryRow(ctx context.Context, query string, arguments ...any) pgx.Row {
	if err := t.flush(ctx); err != nil {
		return failedRow{err}
	}
	return t.Tx.QueryRow(ctx, query, arguments...)
}

// SendBatch implements pgx.Tx.
func (t *transaction) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if err := t.flush(ctx); err != nil {
		return pgx.FailedBatchResults(b, err)
	}
	return t.Tx.SendBatch(ctx, b)
}

// CopyFrom implements pgx.Tx.
func (t *transaction) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, rows pgx.CopyFromSource) (int64, error) {
	if err := t.flush(ctx); err != nil {
		return 0, err
	}
	return t.Tx.CopyFrom(ctx, table, columns, rows)
}

var errJoinerEnds = errors.New("a joiner neither commits nor rolls back, and sets no savepoints")

// Begin implements pgx.Tx: it is not for joiners.
func (*transaction) Begin(context.Context) (pgx.Tx, error) { return nil, errJoinerEnds }

// Commit implements pgx.Tx: it is not for joiners.
func (*transaction) Commit(context.Context) error { return errJoinerEnds }

// Rollback implements pgx.Tx: it is not for joiners.
func (*transaction) Rollback(context.Context) error { return errJoinerEnds }

// A failedRow is the answer to a question that was never asked.
type failedRow struct{ err error }

func (r failedRow) Scan(...any) error { return r.err }

const lockQuery = `SELECT coalesce((SELECT origin FROM origins WHERE ledger_id = $1), ''), head_position, tree, note, joined_position, merged_position, runs, run_entries` +
	ofHead + ` FOR UPDATE`

// scanLocked scans the answer to lockQuery.
func (r *row) scanLocked(found *bool) func(pgx.Row) error {
	return func(answer pgx.Row) error {
		err := r.scan(answer, &r.joined, &r.pending.merged, &r.pending.runs, &r.pending.entries)
		*found = !errors.Is(err, pgx.ErrNoRows)
		if !*found {
			return nil
		}
		return err
	}
}

// begin begins a transaction and locks the ledger's row, in one round trip, and returns the head, or ErrNotFound with a
// transaction that has locked nothing. wait says to wait for the lock for as long as ctx lasts. The transaction is open
// unless the error is another than ErrNotFound.
func (s *Store) begin(ctx context.Context, ledger uuid.UUID, wait bool) (tx *transaction, head row, err error) {
	if s.write == nil {
		return nil, head, eventstore.ErrReadOnly
	}
	w := s.watch(ctx)
	defer w.stop()
	for {
		tx, head, err = s.lockRow(ctx, ledger, wait, w)
		if !wait || state(err) != lockNotAvailable || ctx.Err() != nil {
			return tx, head, err
		}
	}
}

// lockRow is one try to begin.
func (s *Store) lockRow(ctx context.Context, ledger uuid.UUID, wait bool, w *watch) (tx *transaction, head row, err error) {
	const endless = `SET LOCAL statement_timeout = 0`
	ctx, cancel := context.WithTimeout(ctx, lockPatience)
	defer cancel()
	conn, err := s.write.Acquire(ctx)
	if err != nil {
		return nil, head, err
	}
	w.waiter.Store(conn.Conn().PgConn().PID())
	batch := new(pgx.Batch)
	batch.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if wait {
		batch.Queue(lockTry)
		batch.Queue(endless)
	}
	found := true
	batch.Queue(lockQuery, ledger).QueryRow(head.scanLocked(&found))
	results := conn.SendBatch(ctx, batch)
	tx = &transaction{Tx: results.Tx(), conn: conn}
	if err := results.Close(); err != nil {
		tx.end(ctx)
		return nil, head, err
	}
	if !found {
		return tx, head, eventstore.ErrNotFound
	}
	return tx, head, nil
}

// commit sends what was queued and makes the transaction durable, in one round trip. The server does not look at the
// COMMIT when a statement before it failed. It is not cancelled with the caller's context: an answer that is on its way is
// worth waiting for, at most for a time. A batch that says so, and a connection that can, lead to the next transaction.
func (t *transaction) commit(ctx context.Context, atMost time.Duration, b *eventstore.Batch) (*next, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), atMost)
	defer cancel()
	rolledBack := false
	t.queued.Queue("commit").Exec(func(tag pgconn.CommandTag) error {
		rolledBack = tag.String() == "ROLLBACK"
		return nil
	})
	conn := t.conn.Conn().PgConn()
	takeWarning(conn)
	var n *next
	if b != nil && b.Next != nil && canPipeline(t.conn.Conn()) {
		n = newNext(t, b.Ledger)
	}
	if err := t.sendAll(ctx, atMost, n); err != nil {
		return nil, err
	}
	if rolledBack {
		return nil, pgx.ErrTxCommitRollback
	}
	if w := takeWarning(conn); w != nil {
		return nil, commitError(fmt.Errorf("the server warned at the commit: %s", w.Message))
	}
	t.committed = true
	if n != nil {
		n.pipeline, t.ahead, t.passedOn = t.ahead, nil, true
	}
	return n, nil
}

// sendAll sends what was queued, the COMMIT at its end, and what begins the next transaction, and reads the answers up to that of the COMMIT.
func (t *transaction) sendAll(ctx context.Context, atMost time.Duration, n *next) error {
	if t.ahead == nil && n == nil {
		if err := t.conn.SendBatch(ctx, &t.queued).Close(); err != nil {
			var unsent pgx.ErrPreprocessingBatch
			if errors.As(err, &unsent) {
				return err // nothing was sent but statements to be prepared
			}
			return insertError(commitError(err))
		}
		return nil
	}
	conn, list := t.conn.Conn(), t.queued.QueuedQueries
	have := preparedOn(conn)
	if all := append(n.statements(), list...); t.ahead == nil || !have.has(all) { // for the first time on this connection
		err := t.arrived()
		if err == nil {
			err = have.prepare(ctx, conn, all)
		}
		if err != nil {
			return err
		}
		t.ahead = newPipeline(conn)
	}
	if err := t.ahead.queue(list); err != nil {
		return err // without an end that the server has seen, what was sent does nothing
	}
	if err := t.ahead.commit(n.statements(), atMost); err != nil {
		return insertError(commitError(err))
	}
	if n == nil {
		t.ahead = nil
	}
	return nil
}

// next is the transaction of the batch after, on the same connection: it was begun, and asked to lock the ledger's row, right behind the COMMIT.
type next struct {
	conn     *pgxpool.Conn
	pipeline *pipeline
	list     []*pgx.QueuedQuery
	head     row
	found    bool
}

func newNext(t *transaction, ledger uuid.UUID) *next {
	n := &next{conn: t.conn}
	batch := new(pgx.Batch)
	batch.Queue(beginQuery)
	batch.Queue(lockQuery, ledger).QueryRow(n.head.scanLocked(&n.found))
	n.list = batch.QueuedQueries
	return n
}

const beginQuery = `begin isolation level read committed read write`

func (n *next) statements() []*pgx.QueuedQuery {
	if n == nil {
		return nil
	}
	return n.list
}

// wait waits for the lock, as lockRow does.
func (n *next) wait(ctx context.Context, w *watch) (tx *transaction, head row, err error) {
	w.waiter.Store(n.conn.Conn().PgConn().PID())
	tx = &transaction{Tx: session{n.conn.Conn()}, conn: n.conn}
	if err := n.pipeline.finish(lockPatience); err != nil {
		tx.end(ctx)
		return nil, head, err
	}
	if !n.found {
		return tx, n.head, eventstore.ErrNotFound
	}
	return tx, n.head, nil
}

// end gives the connection back, and undoes the transaction unless it is over. A connection that cannot even do that is
// closed, which undoes it too.
func (t *transaction) end(ctx context.Context) {
	defer func() {
		for _, f := range t.atEnd {
			f(t.committed)
		}
	}()
	if t.passedOn {
		return
	}
	if t.ahead != nil {
		t.ahead.abandon()
		t.ahead = nil
	}
	if conn := t.conn.Conn(); !conn.IsClosed() && conn.PgConn().TxStatus() != 'I' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackPatience)
		defer cancel()
		_ = t.Tx.Rollback(ctx)
	}
	t.conn.Release()
}
