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

// patience is how long a COMMIT or ROLLBACK may take. Neither is cancelled with the caller's context: an answer that is
// on its way is worth waiting for.
const patience = 60 * time.Second

// begin begins a transaction and locks the ledger's row, in one round trip, and returns the head, or ErrNotFound with a
// transaction that has locked nothing. wait says to wait for the lock for as long as ctx lasts. The transaction is open
// unless the error is another than ErrNotFound.
func (s *Store) begin(ctx context.Context, ledger uuid.UUID, wait bool) (tx pgx.Tx, head row, err error) {
	const (
		patient = `SET LOCAL lock_timeout = 0`
		endless = `SET LOCAL statement_timeout = 0`
		lock    = `SELECT origin, head_position, tree, note FROM ledgers WHERE ledger_id = $1 FOR UPDATE`
	)
	if s.write == nil {
		return nil, head, eventstore.ErrReadOnly
	}
	batch := new(pgx.Batch)
	batch.BeginTx(pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if wait {
		batch.Queue(patient)
		batch.Queue(endless)
	}
	found := true
	batch.Queue(lock, ledger).QueryRow(func(r pgx.Row) error {
		err := head.scan(r)
		if errors.Is(err, pgx.ErrNoRows) {
			found = false
			return nil
		}
		return err
	})
	results := s.write.SendBatch(ctx, batch)
	tx = results.Tx()
	if err := results.Close(); err != nil {
		rollback(ctx, tx)
		return nil, head, err
	}
	if !found {
		return tx, head, eventstore.ErrNotFound
	}
	return tx, head, nil
}

// commit makes the transaction durable.
func commit(ctx context.Context, tx pgx.Tx) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	conn := tx.Conn().PgConn()
	takeWarning(conn)
	if err := tx.Commit(ctx); err != nil {
		return commitError(err)
	}
	if w := takeWarning(conn); w != nil {
		return commitError(fmt.Errorf("the server warned at the commit: %s", w.Message))
	}
	return nil
}

// rollback undoes the transaction unless it is over. A connection that cannot even do that is closed, which undoes it too.
func rollback(ctx context.Context, tx pgx.Tx) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	_ = tx.Rollback(ctx)
}
