package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// lookups are how many IDs one statement looks up. The last chunk is filled up by repeating its last ID.
var lookups = [...]int{128, 16, 1}

// Commands implements eventstore.Memory.
func (s *Store) Commands(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	const query = `SELECT command_id, fingerprint, first_position, last_position FROM commands
		WHERE ledger_id = ? AND command_id IN `
	found := make(map[uuid.UUID]eventstore.Command)
	var id, fingerprint sql.RawBytes
	err := s.lookup(ctx, query, ledger, ids, func(rows *sql.Rows) error {
		var c eventstore.Command
		if err := rows.Scan(&id, &fingerprint, &c.First, &c.Last); err != nil {
			return err
		}
		if err := errors.Join(eventstore.CopyExactly(c.ID[:], id, "commands.command_id", c.First), eventstore.CopyExactly(c.Fingerprint[:], fingerprint, "commands.fingerprint", c.First)); err != nil {
			return err
		}
		found[c.ID] = c
		return nil
	})
	if err != nil {
		return nil, wrap("look commands up", err)
	}
	return found, nil
}

// CommandsAround implements eventstore.Memory.
func (s *Store) CommandsAround(ctx context.Context, ledger, id uuid.UUID) (before, after uuid.UUID, err error) {
	const query = `SELECT
			coalesce((SELECT command_id FROM commands WHERE ledger_id = ?1 AND command_id < ?2 ORDER BY command_id DESC LIMIT 1), ?3),
			coalesce((SELECT command_id FROM commands WHERE ledger_id = ?1 AND command_id >= ?2 ORDER BY command_id LIMIT 1), ?4)`
	var first, last []byte
	err = s.read.QueryRowContext(ctx, query, ledger[:], id[:], uuid.Nil[:], uuid.Max[:]).Scan(&first, &last)
	copy(before[:], first)
	copy(after[:], last)
	return before, after, wrap("look for commands", err)
}

// Private implements eventstore.Memory.
func (s *Store) Private(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Private, error) {
	const query = `SELECT private_id, salt, document FROM private WHERE ledger_id = ? AND private_id IN `
	found := make(map[uuid.UUID]eventstore.Private)
	err := s.lookup(ctx, query, ledger, ids, func(rows *sql.Rows) error {
		p, err := scanPrivate(rows)
		found[p.ID] = p
		return err
	})
	if err != nil {
		return nil, wrap("look private texts up", err)
	}
	return found, nil
}

func scanPrivate(rows *sql.Rows) (eventstore.Private, error) {
	var p eventstore.Private
	var id, salt sql.RawBytes
	if err := rows.Scan(&id, &salt, &p.Document); err != nil {
		return p, err
	}
	return p, errors.Join(eventstore.CopyExactly(p.ID[:], id, "private.private_id", 0), eventstore.CopyExactly(p.Salt[:], salt, "private.salt", 0))
}

// lookup runs a query that ends in IN for all IDs, a chunk at a time.
func (s *Store) lookup(ctx context.Context, query string, ledger uuid.UUID, ids []uuid.UUID, row func(*sql.Rows) error) error {
	args := make([]any, 0, 1+lookups[0])
	for len(ids) > 0 {
		size := lookups[0]
		for _, smaller := range lookups[1:] {
			if len(ids) <= smaller {
				size = smaller
			}
		}
		args = append(args[:0], ledger[:])
		for i := range size {
			args = append(args, ids[min(i, len(ids)-1)][:])
		}
		ids = ids[min(size, len(ids)):]
		stmt, err := s.prepare(ctx, query+"(?"+strings.Repeat(", ?", size-1)+")")
		if err != nil {
			return err
		}
		if err := each(ctx, stmt, row, args...); err != nil {
			return err
		}
	}
	return nil
}

// Tile implements eventstore.Memory.
func (s *Store) Tile(ctx context.Context, ledger uuid.UUID, level int, index int64) ([]byte, error) {
	const query = `SELECT hashes FROM tiles WHERE ledger_id = ? AND level = ? AND tile_index = ?`
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return nil, wrap("tile", err)
	}
	var hashes []byte
	err = stmt.QueryRowContext(ctx, ledger[:], level, index).Scan(&hashes)
	if errors.Is(err, sql.ErrNoRows) {
		err = eventstore.ErrNotFound
	}
	if err != nil {
		return nil, wrap(fmt.Sprintf("tile %d/%d", level, index), err)
	}
	return hashes, nil
}

// each runs a statement and calls row on each of its rows.
func each(ctx context.Context, stmt *sql.Stmt, row func(*sql.Rows) error, args ...any) error {
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// prepare returns the statement of the readers for a query, which is prepared on each connection once.
func (s *Store) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := s.stmts.Load(query); ok {
		return stmt.(*sql.Stmt), nil
	}
	stmt, err := s.read.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	if other, raced := s.stmts.LoadOrStore(query, stmt); raced {
		return other.(*sql.Stmt), stmt.Close()
	}
	return stmt, nil
}
