package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
)

const (
	// partitionSize is how many positions a partition of events has, as the migration says.
	partitionSize = 1 << 24
	// ahead is how long before its first position a partition is made.
	ahead = 1 << 20
)

// ensurePartition makes the partition of a position, and the next one where that is near. It returns through which
// position they are there, which is true once the transaction is committed. Attaching a table to events waits for no
// reader and for no append.
func (s *Store) ensurePartition(ctx context.Context, tx pgx.Tx, last int64) (through int64, err error) {
	const query = `SELECT soquy.ensure_partition($1), soquy.ensure_partition($2)`
	if through = s.partitions.Load(); last+ahead <= through {
		return through, nil
	}
	if _, err := tx.Exec(ctx, query, last, last+ahead); err != nil {
		return 0, err
	}
	return (last+ahead-1)/partitionSize*partitionSize + partitionSize, nil
}
