package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
)

// A chunk is what is read by one statement: it ends at the first of the two. No transaction is open while the events of
// a chunk are handed on, so that a slow reader does not keep the WAL from being cut.
const (
	chunkRows  = 4_096
	chunkBytes = 4 << 20
)

// Head implements eventstore.Log.
func (s *Store) Head(ctx context.Context, ledger uuid.UUID) (eventstore.Head, error) {
	return head(ctx, s.prepare, ledger)
}

// HeadTx is Head as a transaction sees it.
func (s *Store) HeadTx(ctx context.Context, tx *sql.Tx, ledger uuid.UUID) (eventstore.Head, error) {
	return head(ctx, tx.PrepareContext, ledger)
}

// headQuery asks for what scanHead scans.
const headQuery = `SELECT coalesce((SELECT origin FROM origins WHERE ledger_id = ?1), ''), head_position, tree, note FROM ledgers WHERE ledger_id = ?1`

func head(ctx context.Context, prepare func(context.Context, string) (*sql.Stmt, error), ledger uuid.UUID) (eventstore.Head, error) {
	stmt, err := prepare(ctx, headQuery)
	if err != nil {
		return eventstore.Head{}, wrap("head of "+ledger.String(), err)
	}
	h, err := scanHead(stmt.QueryRowContext(ctx, ledger[:]).Scan, ledger)
	if err != nil {
		return eventstore.Head{}, wrap("head of "+ledger.String(), err)
	}
	return h, nil
}

// scanHead scans origin, head_position, tree, note and whatever more is given.
func scanHead(scan func(...any) error, ledger uuid.UUID, more ...any) (eventstore.Head, error) {
	h := eventstore.Head{Ledger: ledger}
	var position int64
	var tree []byte
	err := scan(append([]any{&h.Origin, &position, &tree, &h.Note}, more...)...)
	if errors.Is(err, sql.ErrNoRows) {
		return h, eventstore.ErrNotFound
	}
	if err != nil {
		return h, err
	}
	h.Edge, err = transparency.EdgeFrom(position, tree)
	if err != nil {
		return h, &eventstore.RowError{Column: "ledgers.tree", Problem: fmt.Sprintf("does not fit ledgers.head_position %d: %v", position, err)}
	}
	return h, nil
}

// Ledgers implements eventstore.Directory.
func (s *Store) Ledgers(ctx context.Context) ([]eventstore.Head, error) {
	const query = `SELECT origin, head_position, tree, note, ledger_id FROM ledgers JOIN origins USING (ledger_id) ORDER BY origin`
	rows, err := s.read.QueryContext(ctx, query)
	if err != nil {
		return nil, wrap("list the ledgers", err)
	}
	defer rows.Close()
	var heads []eventstore.Head
	for rows.Next() {
		var id []byte
		h, err := scanHead(rows.Scan, uuid.Nil, &id)
		if err != nil {
			return nil, wrap("list the ledgers", err)
		}
		if err := eventstore.CopyExactly(h.Ledger[:], id, "ledgers.ledger_id", 0); err != nil {
			return nil, wrap("list the ledgers", err)
		}
		heads = append(heads, h)
	}
	return heads, wrap("list the ledgers", rows.Err())
}

// Read implements eventstore.Log.
func (s *Store) Read(ctx context.Context, ledger uuid.UUID, from, to int64, yield func(*eventstore.Record) error) error {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = ? AND position BETWEEN ? AND ? ORDER BY position LIMIT ?`
	head, err := s.Head(ctx, ledger)
	if err != nil {
		return err
	}
	from = max(from, 1)
	if to == 0 || to > head.Position() {
		to = head.Position()
	}
	var c chunk
	for from <= to {
		if err := c.load(ctx, s, query, ledger[:], from, to, chunkRows); err != nil {
			return wrap("read "+ledger.String(), err)
		}
		for i := range c.records {
			if c.records[i].Position != from {
				break
			}
			if err := yield(&c.records[i]); err != nil {
				return err
			}
			from++
		}
		if from <= to && (len(c.records) == 0 || c.records[len(c.records)-1].Position >= from) {
			return fmt.Errorf("read %s: %w", ledger, &eventstore.RowError{Column: "events.position", Position: from, Problem: "is missing"})
		}
	}
	return nil
}

// Event implements eventstore.Log.
func (s *Store) Event(ctx context.Context, ledger, id uuid.UUID) (eventstore.Record, error) {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = ? AND event_id = ? ORDER BY +position LIMIT 1` // +: by the index of event IDs, not along the log
	var c chunk
	if err := c.load(ctx, s, query, ledger[:], id[:]); err != nil {
		return eventstore.Record{}, wrap("event "+id.String(), err)
	}
	if len(c.records) == 0 {
		return eventstore.Record{}, fmt.Errorf("event %s: %w", id, eventstore.ErrNotFound)
	}
	return c.records[0], nil
}

// A chunk is a buffer of events that were read by one statement.
type chunk struct {
	records []eventstore.Record
	dates   dates
	arena   []byte
}

// arenaSize is how many bytes of envelopes are allocated at once. Whoever keeps one keeps its neighbours.
const arenaSize = 64 << 10

// keep copies an envelope, which the caller of a read may keep.
func (c *chunk) keep(envelope []byte) []byte {
	if len(envelope) > cap(c.arena)-len(c.arena) {
		c.arena = make([]byte, 0, max(arenaSize, len(envelope)))
	}
	n := len(c.arena)
	c.arena = append(c.arena, envelope...)
	return c.arena[n:len(c.arena):len(c.arena)]
}

// load runs a query for position, event_id, type, effective_on, recorded_at, envelope and keeps the rows, up to chunkBytes.
func (c *chunk) load(ctx context.Context, s *Store, query string, args ...any) error {
	c.records = c.records[:0]
	stmt, err := s.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	var (
		id, bytes  sql.RawBytes
		typ, day   sql.NullString
		recordedAt sql.NullInt64
		size       int
	)
	for size < chunkBytes && rows.Next() {
		var r eventstore.Record
		if err := rows.Scan(&r.Position, &id, &typ, &day, &recordedAt, &bytes); err != nil {
			return err
		}
		if bytes != nil {
			r.Envelope = c.keep(bytes)
			if err := eventstore.CopyExactly(r.ID[:], id, "events.event_id", r.Position); err != nil {
				return err
			}
			r.Type = typ.String
			if n := len(c.records); n > 0 && c.records[n-1].Type == r.Type {
				r.Type = c.records[n-1].Type // one string for a run of the same
			}
			if r.EffectiveOn, err = c.dates.parse(day.String); err != nil {
				return &eventstore.RowError{Column: "events.effective_on", Position: r.Position, Problem: fmt.Sprintf("is %q", day.String)}
			}
			r.RecordedAt = time.UnixMicro(recordedAt.Int64).UTC()
		}
		size += len(r.Envelope)
		c.records = append(c.records, r)
	}
	return rows.Err()
}
