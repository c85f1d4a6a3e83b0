package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// Commands implements eventstore.Memory.
func (s *Store) Commands(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	// One probe of the index an ID, whatever the planner thinks of a table that it has no figures of yet.
	const query = `SELECT c.* FROM unnest($2::uuid[]) AS i (id) CROSS JOIN LATERAL (
			SELECT command_id, fingerprint, first_position, last_position FROM commands
			WHERE ledger_id = $1 AND command_id = i.id LIMIT 1) c`
	found := make(map[uuid.UUID]eventstore.Command)
	if len(ids) == 0 {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err := each(ctx, s.read, query, []any{ledger, ids}, func(rows pgx.Rows) error {
		c, err := scanCommand(rows)
		found[c.ID] = c
		return err
	})
	if err != nil {
		return nil, wrap("look commands up", err)
	}
	return found, nil
}

// CommandsAround implements eventstore.Memory.
func (s *Store) CommandsAround(ctx context.Context, ledger, id uuid.UUID) (before, after uuid.UUID, err error) {
	const query = `SELECT
			coalesce((SELECT command_id FROM commands WHERE ledger_id = $1 AND command_id < $2 ORDER BY command_id DESC LIMIT 1), $3),
			coalesce((SELECT command_id FROM commands WHERE ledger_id = $1 AND command_id >= $2 ORDER BY command_id LIMIT 1), $4)`
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err = s.read.QueryRow(ctx, query, ledger, id, uuid.Nil, uuid.Max).Scan(&before, &after)
	return before, after, wrap("look for commands", err)
}

func scanCommand(rows pgx.Rows) (c eventstore.Command, err error) {
	var fingerprint []byte
	if err = rows.Scan(&c.ID, &fingerprint, &c.First, &c.Last); err == nil {
		err = eventstore.CopyExactly(c.Fingerprint[:], fingerprint, "commands.fingerprint", c.First)
	}
	return c, err
}

// Private implements eventstore.Memory.
func (s *Store) Private(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Private, error) {
	const query = `SELECT p.* FROM unnest($2::uuid[]) AS i (id) CROSS JOIN LATERAL (
			SELECT private_id, salt, document FROM private WHERE ledger_id = $1 AND private_id = i.id LIMIT 1) p`
	found := make(map[uuid.UUID]eventstore.Private)
	if len(ids) == 0 {
		return found, nil
	}
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err := each(ctx, s.read, query, []any{ledger, ids}, func(rows pgx.Rows) error {
		p, err := scanPrivate(rows)
		found[p.ID] = p
		return err
	})
	if err != nil {
		return nil, wrap("look private texts up", err)
	}
	return found, nil
}

func scanPrivate(rows pgx.Rows) (p eventstore.Private, err error) {
	var salt []byte
	if err = rows.Scan(&p.ID, &salt, &p.Document); err == nil {
		err = eventstore.CopyExactly(p.Salt[:], salt, "private.salt", 0)
	}
	return p, err
}

// Tile implements eventstore.Memory.
func (s *Store) Tile(ctx context.Context, ledger uuid.UUID, level int, index int64) (hashes []byte, err error) {
	const query = `SELECT hashes FROM tiles WHERE ledger_id = $1 AND level = $2 AND tile_index = $3`
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	err = s.read.QueryRow(ctx, query, ledger, level, index).Scan(&hashes)
	if errors.Is(err, pgx.ErrNoRows) {
		err = eventstore.ErrNotFound
	}
	if err != nil {
		return nil, wrap(fmt.Sprintf("tile %d/%d", level, index), err)
	}
	return hashes, nil
}
