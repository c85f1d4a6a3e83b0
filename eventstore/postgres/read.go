package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
)

// A chunk is what is read by one statement: at most chunkRows, and of long envelopes as many as were chunkBytes the last
// time. No connection is held while the events of a chunk are handed on, and no statement runs for long.
const (
	chunkRows  = 4_096
	chunkBytes = 4 << 20
	firstChunk = 512
)

// readPatience is how long a lookup may take, and chunkPatience the reading of a chunk: a server that does not answer is not waited for
// for ever.
const (
	readPatience  = 15 * time.Second
	chunkPatience = time.Minute
)

// queryer is a pool or a transaction.
type queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// A row is one of ledgers, with the name from origins.
type row struct {
	origin     string
	position   int64
	tree, note []byte
	joined     int64   // where it was locked
	pending    pending // too
}

func (r *row) scan(row pgx.Row, more ...any) error {
	return row.Scan(append([]any{&r.origin, &r.position, &r.tree, &r.note}, more...)...)
}

// head makes a head of the row.
func (r *row) head(ledger uuid.UUID) (eventstore.Head, error) {
	edge, err := transparency.EdgeFrom(r.position, r.tree)
	if err != nil {
		return eventstore.Head{}, &eventstore.RowError{Column: "ledgers.tree", Problem: fmt.Sprintf("does not fit ledgers.head_position %d: %v", r.position, err)}
	}
	return eventstore.Head{Ledger: ledger, Origin: r.origin, Edge: edge, Note: r.note}, nil
}

// Head implements eventstore.Log.
func (s *Store) Head(ctx context.Context, ledger uuid.UUID) (eventstore.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	return scanHead(ledger, s.read.QueryRow(ctx, headQuery, ledger))
}

const (
	// ofHead is the row of a ledger, $1, from the end of its keys: there the newest version is the first, however many old ones are left.
	ofHead = ` FROM ledgers WHERE ledger_id = $1 ORDER BY head_position DESC LIMIT 1`

	headQuery = `SELECT coalesce((SELECT origin FROM origins WHERE ledger_id = $1), ''), head_position, tree, note` + ofHead
)

// scanHead makes a head of what headQuery answers.
func scanHead(ledger uuid.UUID, answer pgx.Row) (h eventstore.Head, err error) {
	var r row
	err = r.scan(answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		err = eventstore.ErrNotFound
	case err == nil:
		h, err = r.head(ledger)
	}
	return h, wrap("head of "+ledger.String(), err)
}

// Ledgers implements eventstore.Directory.
func (s *Store) Ledgers(ctx context.Context) ([]eventstore.Head, error) {
	const query = `SELECT o.origin, l.head_position, l.tree, l.note, o.ledger_id FROM origins o CROSS JOIN LATERAL (
			SELECT head_position, tree, note FROM ledgers WHERE ledger_id = o.ledger_id ORDER BY head_position DESC LIMIT 1
		) l ORDER BY o.origin`
	var heads []eventstore.Head
	err := each(ctx, s.read, query, nil, func(rows pgx.Rows) error {
		var r row
		var id uuid.UUID
		if err := r.scan(rows, &id); err != nil {
			return err
		}
		h, err := r.head(id)
		heads = append(heads, h)
		return err
	})
	return heads, wrap("list the ledgers", err)
}

// Read implements eventstore.Log.
func (s *Store) Read(ctx context.Context, ledger uuid.UUID, from, to int64, yield func(*eventstore.Record) error) error {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = $1 AND position BETWEEN $2 AND $3 ORDER BY position`
	head, err := s.Head(ctx, ledger)
	if err != nil {
		return err
	}
	from = max(from, 1)
	if to == 0 || to > head.Position() {
		to = head.Position()
	}
	if from > to {
		return nil
	}
	// While one chunk is handed on, the next is on its way.
	c, spare := newChunk(), newChunk()
	load := func(c *chunk, from, limit int64) <-chan error {
		done := make(chan error, 1)
		last := min(to, from+limit-1)
		go func() { done <- c.load(ctx, s.read, query, ledger, from, last) }()
		return done
	}
	limit := c.limit // the chunk sets it while it is loaded
	loading, next := load(c, from, limit), from+limit
	defer func() {
		if loading != nil {
			<-loading
		}
	}()
	for from <= to {
		err := <-loading
		loading = nil
		if err != nil {
			return wrap("read "+ledger.String(), err)
		}
		last := min(to, next-1)
		if last < to {
			loading, next = load(spare, next, c.limit), next+c.limit
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
		if from <= last {
			return fmt.Errorf("read %s: %w", ledger, &eventstore.RowError{Column: "events.position", Position: from, Problem: "is missing"})
		}
		c, spare = spare, c
	}
	return nil
}

// Event implements eventstore.Log.
func (s *Store) Event(ctx context.Context, ledger, id uuid.UUID) (eventstore.Record, error) {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = $1 AND event_id = $2 ORDER BY position + 0 LIMIT 1` // + 0: by the index of event IDs, not along the log
	c := newChunk()
	if err := c.load(ctx, s.read, query, ledger, id); err != nil {
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
	limit   int64 // how many rows to ask for next
	arena   []byte
	types   map[string]string // one string a type
}

func newChunk() *chunk { return &chunk{limit: firstChunk, types: map[string]string{}} }

// load runs a query for position, event_id, type, effective_on, recorded_at, envelope and keeps the rows. They are read from
// the driver's own buffer: a scan costs three times as much, and an allocation a value.
func (c *chunk) load(ctx context.Context, q queryer, query string, args ...any) error {
	c.records = c.records[:0]
	size := 0
	ctx, cancel := context.WithTimeout(ctx, chunkPatience)
	defer cancel()
	err := each(ctx, q, query, append([]any{binaryResult}, args...), func(rows pgx.Rows) error {
		v := rows.RawValues()
		if len(v[0]) != 8 {
			return errNotBinary
		}
		r := eventstore.Record{Position: int64(binary.BigEndian.Uint64(v[0]))}
		if v[5] != nil {
			if len(v[1]) != 16 || len(v[3]) != 4 || len(v[4]) != 8 {
				return errNotBinary
			}
			r.ID = uuid.UUID(v[1])
			r.Type = c.typeOf(v[2])
			r.EffectiveOn = int32(binary.BigEndian.Uint32(v[3])) + epochDays
			r.RecordedAt = time.UnixMicro(int64(binary.BigEndian.Uint64(v[4])) + epochMicros).UTC()
			r.Envelope = c.keep(v[5])
		}
		size += len(r.Envelope)
		c.records = append(c.records, r)
		return nil
	})
	if n := len(c.records); n > 0 {
		c.limit = int64(min(max(chunkBytes*n/max(size, 1), 1), chunkRows))
	}
	return err
}

func (c *chunk) typeOf(name []byte) string {
	t, known := c.types[string(name)]
	if !known {
		t = string(name)
		c.types[t] = t
	}
	return t
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

// binaryResult asks for values in the binary format.
var binaryResult = pgx.QueryResultFormats{pgx.BinaryFormatCode}

var errNotBinary = fmt.Errorf("%w: a value is not in the binary format", eventstore.ErrCorrupt)

// each runs a query and calls f on each of its rows.
func each(ctx context.Context, q queryer, query string, args []any, f func(pgx.Rows) error) error {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
