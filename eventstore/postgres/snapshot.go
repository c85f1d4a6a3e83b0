package postgres

import (
	"context"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// SaveSnapshot implements eventstore.Snapshots.
func (s *Store) SaveSnapshot(ctx context.Context, ledger uuid.UUID, snap eventstore.Snapshot) error {
	const (
		save = `INSERT INTO snapshots (ledger_id, position, book_version, bytes, signature) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (ledger_id, position) DO UPDATE
			SET book_version = excluded.book_version, bytes = excluded.bytes, signature = excluded.signature`
		prune = `DELETE FROM snapshots WHERE ledger_id = $1 AND position NOT IN
			(SELECT position FROM snapshots WHERE ledger_id = $1 ORDER BY position DESC LIMIT 2)`
	)
	return s.Write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		batch := new(pgx.Batch)
		batch.Queue(save, ledger, snap.Position, snap.Version, notNull(snap.Bytes), notNull(snap.Signature))
		batch.Queue(prune, ledger)
		return wrap("save a snapshot", tx.SendBatch(ctx, batch).Close())
	})
}

// Snapshots implements eventstore.Snapshots.
func (s *Store) Snapshots(ctx context.Context, ledger uuid.UUID) ([]eventstore.Snapshot, error) {
	const query = `SELECT position, book_version, bytes, signature FROM snapshots WHERE ledger_id = $1 ORDER BY position DESC`
	var all []eventstore.Snapshot
	err := each(ctx, s.read, query, []any{ledger}, func(rows pgx.Rows) error {
		var x eventstore.Snapshot
		err := rows.Scan(&x.Position, &x.Version, &x.Bytes, &x.Signature)
		all = append(all, x)
		return err
	})
	return all, wrap("read the snapshots", err)
}

// notNull makes of no bytes an empty value, as the driver takes nil for NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
