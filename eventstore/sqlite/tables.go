package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/migrations"
)

// AllCommands implements eventstore.Tables.
func (s *Store) AllCommands(ctx context.Context, ledger uuid.UUID, yield func(eventstore.Command) error) error {
	const query = `SELECT command_id, fingerprint, first_position, last_position FROM commands
		WHERE ledger_id = ? AND command_id > ? ORDER BY command_id LIMIT ?`
	return all(ctx, s, "read the commands", query, ledger,
		func(rows *sql.Rows) (c eventstore.Command, err error) {
			var id, fingerprint sql.RawBytes
			if err = rows.Scan(&id, &fingerprint, &c.First, &c.Last); err == nil {
				err = errors.Join(eventstore.CopyExactly(c.ID[:], id, "commands.command_id", c.First), eventstore.CopyExactly(c.Fingerprint[:], fingerprint, "commands.fingerprint", c.First))
			}
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

// Span implements eventstore.Tables.
func (s *Store) Span(ctx context.Context, ledger uuid.UUID) (first, last int64, err error) {
	// One of the two at a time is a look at an end of the index.
	const query = `SELECT coalesce((SELECT min(position) FROM events WHERE ledger_id = ?1), 0),
		coalesce((SELECT max(position) FROM events WHERE ledger_id = ?1), 0)`
	err = s.read.QueryRowContext(ctx, query, ledger[:]).Scan(&first, &last)
	return first, last, wrap("look where the events end", err)
}

// Strays implements eventstore.Tables.
func (s *Store) Strays(ctx context.Context) ([]eventstore.Stray, error) {
	const (
		tables = `SELECT '"' || replace(t.name, '"', '""') || '"' FROM sqlite_schema t JOIN pragma_table_info(t.name) c
			WHERE t.type = 'table' AND c.name = 'ledger_id' AND t.name <> 'ledgers'`
		// From one ledger_id of an index to the next, instead of over all its rows.
		query = `WITH RECURSIVE ids(id) AS (
				SELECT min(ledger_id) FROM %[1]s
				UNION ALL
				SELECT (SELECT min(ledger_id) FROM %[1]s WHERE ledger_id > id) FROM ids WHERE id IS NOT NULL
			)
			SELECT id, 'ledgers' FROM ids WHERE id IS NOT NULL AND id NOT IN (SELECT ledger_id FROM ledgers)`
		lacking = `SELECT ledger_id, 'events' FROM ledgers l WHERE NOT EXISTS (SELECT 1 FROM events e WHERE e.ledger_id = l.ledger_id)
			UNION ALL SELECT ledger_id, 'origins' FROM ledgers WHERE ledger_id NOT IN (SELECT ledger_id FROM origins)`
	)
	var strays []eventstore.Stray
	err := s.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		names, err := collectTx(ctx, tx, tables, func(rows *sql.Rows) (name string, err error) { return name, rows.Scan(&name) })
		if err != nil {
			return err
		}
		for _, table := range append(names, "ledgers") {
			q := fmt.Sprintf(query, table)
			if table == "ledgers" {
				q = lacking
			}
			list, err := collectTx(ctx, tx, q, func(rows *sql.Rows) (x eventstore.Stray, err error) {
				var id []byte
				err = rows.Scan(&id, &x.Missing)
				x.Table, x.LedgerID = strings.Trim(table, `"`), idText(id)
				return x, err
			})
			if err != nil {
				return err
			}
			strays = append(strays, list...)
		}
		return nil
	})
	slices.SortFunc(strays, eventstore.Stray.Compare)
	return strays, wrap("look for strays", err)
}

// Breaches implements eventstore.Tables.
func (s *Store) Breaches(ctx context.Context) ([]eventstore.Breach, error) {
	const query = `SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'`
	type trigger struct{ name, table, sql string }
	var have []trigger
	err := s.View(ctx, func(ctx context.Context, tx *sql.Tx) (err error) {
		have, err = collectTx(ctx, tx, query, func(rows *sql.Rows) (t trigger, err error) {
			return t, rows.Scan(&t.name, &t.table, &t.sql)
		})
		return err
	})
	if err != nil {
		return nil, wrap("look at the triggers", err)
	}
	want, err := migrations.Triggers()
	if err != nil {
		return nil, err
	}
	var breaches []eventstore.Breach
	for _, w := range want {
		at := slices.IndexFunc(have, func(t trigger) bool { return t.name == w.Name })
		switch {
		case at < 0:
			breaches = append(breaches, eventstore.Breach{Kind: eventstore.TriggerMissing, Table: w.Table, Name: w.Name})
		case !sameWords(have[at].sql, w.SQL):
			breaches = append(breaches, eventstore.Breach{Kind: eventstore.TriggerAltered, Table: w.Table, Name: w.Name})
		}
	}
	return breaches, nil
}

// sameWords reports whether two statements differ in nothing but their white space.
func sameWords(a, b string) bool { return slices.Equal(strings.Fields(a), strings.Fields(b)) }

// collectTx runs a query in a transaction and returns its rows.
func collectTx[T any](ctx context.Context, tx *sql.Tx, query string, scan func(*sql.Rows) (T, error)) ([]T, error) {
	rows, err := tx.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []T
	for rows.Next() {
		x, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, x)
	}
	return list, rows.Err()
}

// idText is a ledger_id as text, also one that is none.
func idText(id []byte) string {
	if u, err := uuid.FromBytes(id); err == nil {
		return u.String()
	}
	return fmt.Sprintf("%x", id)
}
