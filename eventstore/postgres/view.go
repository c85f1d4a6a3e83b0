package postgres

import (
	"cmp"
	"context"
	"errors"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/soquy/soquy/eventstore"
)

// ViewLedger is View of one ledger, with its head as the transaction sees it, or ErrNotFound. The transaction begins with the first
// question of f: where that is a batch, all of it is one round trip. It ends after the return, while nobody waits for it. long is for
// what reads all there is, such as verify: its statements may take as long as they take, since it holds no locks.
func (s *Store) ViewLedger(ctx context.Context, ledger uuid.UUID, long bool,
	f func(ctx context.Context, tx pgx.Tx, head func(context.Context) (eventstore.Head, error)) error,
) error {
	conn, err := s.read.Acquire(ctx)
	if err != nil {
		return wrap("read", err)
	}
	v := &view{conn: conn, ledger: ledger, long: long}
	defer v.end(ctx)
	return f(ctx, v, v.Head)
}

// A view is a transaction that begins when it is used.
type view struct {
	conn   *pgxpool.Conn
	ledger uuid.UUID
	long   bool

	tx     pgx.Tx // nil: it has not begun
	head   eventstore.Head
	noHead error // why there is none
}

// end ends the transaction. Nobody waits for that: nothing is to be kept.
func (v *view) end(ctx context.Context) {
	if v.tx == nil {
		v.conn.Release()
		return
	}
	go func() {
		_ = v.tx.Rollback(context.WithoutCancel(ctx))
		v.conn.Release()
	}()
}

// Head is the ledger's head as the transaction sees it.
func (v *view) Head(ctx context.Context) (eventstore.Head, error) {
	if err := v.begin(ctx); err != nil {
		return eventstore.Head{}, err
	}
	return v.head, v.noHead
}

// begin begins the transaction unless it has begun.
func (v *view) begin(ctx context.Context) error {
	if v.tx != nil {
		return nil
	}
	return wrap("read", v.send(ctx, nil).Close())
}

// send begins the transaction together with a batch, of which it returns the results.
func (v *view) send(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	const endless = `SET LOCAL statement_timeout = 0`
	var all pgx.Batch
	all.BeginTx(pgx.TxOptions{BeginQuery: beginView})
	if v.long {
		all.Queue(endless)
	}
	before := all.Len()
	all.Queue(headQuery, v.ledger)
	if b != nil {
		all.QueuedQueries = append(all.QueuedQueries, b.QueuedQueries...)
	}
	results := v.conn.SendBatch(ctx, &all)
	v.tx = results.Tx()
	var err error
	for range before {
		_, failed := results.Exec()
		err = cmp.Or(err, failed)
	}
	if err == nil {
		v.head, err = scanHead(v.ledger, results.QueryRow())
	}
	v.noHead = err
	if err == nil || errors.Is(err, eventstore.ErrNotFound) || errors.Is(err, eventstore.ErrCorrupt) {
		return results // without a head too: something else may be asked
	}
	v.noHead = errors.Join(err, results.Close())
	if b == nil {
		b = new(pgx.Batch)
	}
	return pgx.FailedBatchResults(b, v.noHead)
}

// SendBatch implements pgx.Tx.
func (v *view) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	if v.tx == nil {
		return v.send(ctx, b)
	}
	return v.tx.SendBatch(ctx, b)
}

// Query implements pgx.Tx.
func (v *view) Query(ctx context.Context, query string, arguments ...any) (pgx.Rows, error) {
	if err := v.begin(ctx); err != nil {
		return nil, err
	}
	return v.tx.Query(ctx, query, arguments...)
}

// QueryRow implements pgx.Tx.
func (v *view) QueryRow(ctx context.Context, query string, arguments ...any) pgx.Row {
	if err := v.begin(ctx); err != nil {
		return failedRow{err}
	}
	return v.tx.QueryRow(ctx, query, arguments...)
}

// Exec implements pgx.Tx.
func (v *view) Exec(ctx context.Context, query string, arguments ...any) (pgconn.CommandTag, error) {
	if err := v.begin(ctx); err != nil {
		return pgconn.CommandTag{}, err
	}
	return v.tx.Exec(ctx, query, arguments...)
}

// Conn implements pgx.Tx.
func (v *view) Conn() *pgx.Conn { return v.conn.Conn() }

// errOnlyReads is what the rest of pgx.Tx answers.
var errOnlyReads = errors.New("a view is only asked questions")

// Begin implements pgx.Tx.
func (*view) Begin(context.Context) (pgx.Tx, error) { return nil, errOnlyReads }

// Commit implements pgx.Tx.
func (*view) Commit(context.Context) error { return errOnlyReads }

// Rollback implements pgx.Tx.
func (*view) Rollback(context.Context) error { return errOnlyReads }

// CopyFrom implements pgx.Tx.
func (*view) CopyFrom(context.Context, pgx.Identifier, []string, pgx.CopyFromSource) (int64, error) {
	return 0, errOnlyReads
}

// LargeObjects implements pgx.Tx: there are none.
func (*view) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }

// Prepare implements pgx.Tx.
func (*view) Prepare(context.Context, string, string) (*pgconn.StatementDescription, error) {
	return nil, errOnlyReads
}
