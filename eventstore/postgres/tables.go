package postgres

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// tileRows is how many tiles, of 8 KiB each, are read at once.
const tileRows = 512

// AllCommands implements eventstore.Tables.
func (s *Store) AllCommands(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Command) error) error {
	// There is no UUID before all others, so the first chunk starts at the least one and leaves none out.
	const query = `SELECT command_id, fingerprint, first_position, last_position FROM commands
		WHERE ledger_id = $1 AND command_id >= $3 AND command_id IS DISTINCT FROM $4 ORDER BY command_id LIMIT $2`
	return all(ctx, s.read, "read the commands", query, ledger, chunkRows,
		func(rows pgx.Rows) (c eventstore.Command, err error) {
			v := rows.RawValues() // of this table there are as many as of events; a scan costs three times as much
			if len(v[0]) != 16 || len(v[2]) != 8 || len(v[3]) != 8 {
				return c, errNotBinary
			}
			c.ID = uuid.UUID(v[0])
			c.First, c.Last = int64(binary.BigEndian.Uint64(v[2])), int64(binary.BigEndian.Uint64(v[3]))
			return c, eventstore.CopyExactly(c.Fingerprint[:], v[1], "commands.fingerprint", c.First)
		},
		func(c *eventstore.Command) []any { return []any{c.ID, &c.ID} },
		func(c *eventstore.Command) error { return yield(*c) },
		uuid.Nil, (*uuid.UUID)(nil))
}

// AllTiles implements eventstore.Tables.
func (s *Store) AllTiles(ctx context.Context, ledger uuid.UUID, yield func(level int, index int64, hashes []byte) error) error {
	const query = `SELECT level, tile_index, hashes FROM tiles WHERE ledger_id = $1 AND (level, tile_index) > ($3, $4)
		ORDER BY level, tile_index LIMIT $2`
	type row struct {
		level  int
		index  int64
		hashes []byte
	}
	return all(ctx, s.read, "read the tiles", query, ledger, tileRows,
		func(rows pgx.Rows) (x row, err error) { return x, rows.Scan(&x.level, &x.index, &x.hashes) },
		func(x *row) []any { return []any{x.level, x.index} },
		func(x *row) error { return yield(x.level, x.index, x.hashes) },
		-1, 0)
}

// AllCheckpoints implements eventstore.Tables.
func (s *Store) AllCheckpoints(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Checkpoint) error) error {
	const query = `SELECT tree_size, note FROM checkpoints WHERE ledger_id = $1 AND tree_size > $3 ORDER BY tree_size LIMIT $2`
	return all(ctx, s.read, "read the checkpoints", query, ledger, chunkRows,
		func(rows pgx.Rows) (c eventstore.Checkpoint, err error) { return c, rows.Scan(&c.Size, &c.Note) },
		func(c *eventstore.Checkpoint) []any { return []any{c.Size} },
		func(c *eventstore.Checkpoint) error { return yield(*c) },
		-1)
}

// AllPrivate implements eventstore.Tables.
func (s *Store) AllPrivate(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Private) error) error {
	const query = `SELECT private_id, salt, document FROM private
		WHERE ledger_id = $1 AND private_id >= $3 AND private_id IS DISTINCT FROM $4 ORDER BY private_id LIMIT $2`
	return all(ctx, s.read, "read the private texts", query, ledger, chunkRows, scanPrivate,
		func(p *eventstore.Private) []any { return []any{p.ID, &p.ID} },
		func(p *eventstore.Private) error { return yield(*p) },
		uuid.Nil, (*uuid.UUID)(nil))
}

// all reads a table in the order of its key, a chunk at a time. The query takes the ledger, a limit, and the key after
// which it starts (start at first, then the key of the last row).
func all[T any](ctx context.Context, q queryer, op, query string, ledger uuid.UUID, limit int,
	scan func(pgx.Rows) (T, error), key func(*T) []any, yield func(*T) error, start ...any,
) error {
	var buf []T
	for after := start; ; after = key(&buf[len(buf)-1]) {
		args := append([]any{binaryResult, ledger, limit}, after...)
		buf = buf[:0]
		err := each(ctx, q, query, args, func(rows pgx.Rows) error {
			x, err := scan(rows)
			buf = append(buf, x)
			return err
		})
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

// Span implements eventstore.Tables.
func (s *Store) Span(ctx context.Context, ledger uuid.UUID) (first, last int64, err error) {
	const query = `SELECT coalesce((SELECT position FROM events WHERE ledger_id = $1 ORDER BY position LIMIT 1), 0),
		coalesce((SELECT position FROM events WHERE ledger_id = $1 ORDER BY position DESC LIMIT 1), 0)`
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err = s.read.QueryRow(ctx, query, ledger).Scan(&first, &last)
	return first, last, wrap("look where the events end", err)
}

// Strays implements eventstore.Tables.
func (s *Store) Strays(ctx context.Context) ([]eventstore.Stray, error) {
	const (
		tables = `SELECT quote_ident(c.relname), quote_literal(c.relname) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
				AND a.attname = 'ledger_id' AND a.atttypid = 'uuid'::regtype AND c.relname <> 'ledgers'`
		// From one ledger_id of an index to the next, instead of over all its rows.
		query = `(WITH RECURSIVE ids (id) AS (
				(SELECT ledger_id FROM %[1]s ORDER BY ledger_id LIMIT 1)
				UNION ALL
				SELECT (SELECT ledger_id FROM %[1]s WHERE ledger_id > id ORDER BY ledger_id LIMIT 1) FROM ids WHERE id IS NOT NULL
			)
			SELECT %[2]s, id, 'ledgers' FROM ids WHERE id IS NOT NULL AND NOT EXISTS (SELECT FROM ledgers WHERE ledger_id = id))`
		empty    = `(SELECT 'ledgers', ledger_id, 'events' FROM ledgers l WHERE NOT EXISTS (SELECT FROM events e WHERE e.ledger_id = l.ledger_id))`
		nameless = `(SELECT 'ledgers', ledger_id, 'origins' FROM ledgers l WHERE NOT EXISTS (SELECT FROM origins o WHERE o.ledger_id = l.ledger_id))`
	)
	var strays []eventstore.Stray
	err := s.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
		queries := []string{empty, nameless}
		err := each(ctx, tx, tables, []any{schema}, func(rows pgx.Rows) error {
			var table, name string
			err := rows.Scan(&table, &name)
			queries = append(queries, fmt.Sprintf(query, table, name))
			return err
		})
		if err != nil {
			return err
		}
		return each(ctx, tx, strings.Join(queries, " UNION ALL "), nil, func(rows pgx.Rows) error {
			var x eventstore.Stray
			var id uuid.UUID
			err := rows.Scan(&x.Table, &id, &x.Missing)
			x.LedgerID = id.String()
			strays = append(strays, x)
			return err
		})
	})
	slices.SortFunc(strays, eventstore.Stray.Compare)
	return strays, wrap("look for strays", err)
}
