package sqlite

import (
	"context"
	"database/sql"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// SaveSnapshot implements eventstore.Snapshots.
func (s *Store) SaveSnapshot(ctx context.Context, ledger uuid.UUID, snap eventstore.Snapshot) error {
	const (
		save  = `INSERT OR REPLACE INTO snapshots VALUES (?, ?, ?, ?, ?)`
		prune = `DELETE FROM snapshots WHERE ledger_id = ?1 AND position NOT IN
			(SELECT position FROM snapshots WHERE ledger_id = ?1 ORDER BY position DESC LIMIT 2)`
	)
	return s.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, save, ledger[:], snap.Position, snap.Version, notNull(snap.Bytes), notNull(snap.Signature))
		if err == nil {
			_, err = tx.ExecContext(ctx, prune, ledger[:])
		}
		return wrap("save a snapshot", err)
	})
}

// Snapshots implements eventstore.Snapshots.
func (s *Store) Snapshots(ctx context.Context, ledger uuid.UUID) ([]eventstore.Snapshot, error) {
	const query = `SELECT position, book_version, bytes, signature FROM snapshots WHERE ledger_id = ? ORDER BY position DESC`
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, wrap("read the snapshots", err)
	}
	var all []eventstore.Snapshot
	err = each(ctx, stmt, func(rows *sql.Rows) error {
		var x eventstore.Snapshot
		err := rows.Scan(&x.Position, &x.Version, &x.Bytes, &x.Signature)
		all = append(all, x)
		return err
	}, ledger[:])
	return all, wrap("read the snapshots", err)
}

// notNull makes of no bytes an empty value, as the driver takes nil for NULL.
func notNull(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
