package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// AllCommands implements eventstore.Tables.
func (s *Store) AllCommands(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Command) error) error {
	const query = `SELECT command_id, fingerprint, first_position, last_position FROM commands
		WHERE ledger_id = ? AND command_id > ? ORDER BY command_id LIMIT ?`
	return all(ctx, s, "read the commands", query, ledger,
		func(rows *sql.Rows) (c eventstore.Command, err error) {
			var id, fingerprint sql.RawBytes
			err = rows.Scan(&id, &fingerprint, &c.First, &c.Last)
			copy(c.ID[:], id)
			copy(c.Fingerprint[:], fingerprint)
			return c, err
		},
		func(c *eventstore.Command) []any { return []any{c.ID[:]} },
		func(c *eventstore.Command) error { return yield(*c) },
		[]byte{})
}

// AllTiles implements eventstore.Tables.
func (s *Store) AllTiles(ctx context.Context, ledger uuid.UUID, yield func(level int, index int64, hashes []byte) error) error {
	const query = `SELECT level, tile_index, hashes FROM tiles WHERE ledger_id = ? AND (level, tile_index) > (?, ?)
		ORDER BY level, tile_index LIMIT min(?, 512)`
	type row struct {
		level  int
		index  int64
		hashes []byte
	}
	return all(ctx, s, "read the tiles", query, ledger,
		func(rows *sql.Rows) (x row, err error) { return x, rows.Scan(&x.level, &x.index, &x.hashes) },
		func(x *row) []any { return []any{x.level, x.index} },
		func(x *row) error { return yield(x.level, x.index, x.hashes) },
		-1, 0)
}

// AllCheckpoints implements eventstore.Tables.
func (s *Store) AllCheckpoints(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Checkpoint) error) error {
	const query = `SELECT tree_size, note FROM checkpoints WHERE ledger_id = ? AND tree_size > ? ORDER BY tree_size LIMIT ?`
	return all(ctx, s, "read the checkpoints", query, ledger,
		func(rows *sql.Rows) (c eventstore.Checkpoint, err error) { return c, rows.Scan(&c.Size, &c.Note) },
		func(c *eventstore.Checkpoint) []any { return []any{c.Size} },
		func(c *eventstore.Checkpoint) error { return yield(*c) },
		-1)
}

// AllPrivate implements eventstore.Tables.
func (s *Store) AllPrivate(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Private) error) error {
	const query = `SELECT private_id, salt, document FROM private WHERE ledger_id = ? AND private_id > ?
		ORDER BY private_id LIMIT ?`
	return all(ctx, s, "read the private texts", query, ledger, scanPrivate,
		func(p *eventstore.Private) []any { return []any{p.ID[:]} },
		func(p *eventstore.Private) error { return yield(*p) },
		[]byte{})
}

// all reads a table in the order of its key, a chunk at a time. The query takes the ledger, the key after which it starts
// (start at first, then the key of the last row) and a limit.
func all[T any](ctx context.Context, s *Store, op, query string, ledger uuid.UUID,
	scan func(*sql.Rows) (T, error), key func(*T) []any, yield func(*T) error, start ...any,
) error {
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return wrap(op, err)
	}
	var buf []T
	for after := start; ; after = key(&buf[len(buf)-1]) {
		args := append(append([]any{ledger[:]}, after...), chunkRows)
		buf = buf[:0]
		err := each(ctx, stmt, func(rows *sql.Rows) error {
			x, err := scan(rows)
			buf = append(buf, x)
			return err
		}, args...)
		if err != nil {
			return wrap(op, err)
		}
		if len(buf) == 0 {
			return nil
		}
		for i := range buf {
			if err := yield(&buf[i]); err != nil {
				return err
			}
		}
	}
}

// Strays implements eventstore.Tables.
func (s *Store) Strays(ctx context.Context) ([]string, error) {
	// From one ledger_id of an index to the next, instead of over all its rows.
	const query = `WITH RECURSIVE ids(id) AS (
			SELECT min(ledger_id) FROM %s
			UNION ALL
			SELECT (SELECT min(ledger_id) FROM %s WHERE ledger_id > id) FROM ids WHERE id IS NOT NULL
		)
		SELECT id FROM ids WHERE id IS NOT NULL AND id NOT IN (SELECT ledger_id FROM ledgers)`
	var strays []string
	err := s.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		for _, table := range ledgerTables {
			rows, err := tx.QueryContext(ctx, fmt.Sprintf(query, table, table))
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var id []byte
				if err := rows.Scan(&id); err != nil {
					return err
				}
				strays = append(strays, strings.Replace(table, "subject_runs", "subjects", 1)+" "+idText(id))
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(strays)
	return slices.Compact(strays), wrap("look for strays", err)
}

// ledgerTables are the tables whose rows belong to a ledger.
var ledgerTables = [...]string{"checkpoints", "commands", "events", "private", "snapshots", "subject_runs", "subjects", "tiles"}

// idText is a ledger_id as text, also one that is none.
func idText(id []byte) string {
	if u, err := uuid.FromBytes(id); err == nil {
		return u.String()
	}
	return fmt.Sprintf("%x", id)
}
