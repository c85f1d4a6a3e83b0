package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

func TestStore(t *testing.T) {
	pgtest.Server(t)
	storetest.Run(t, storetest.Harness{Asks: true, Open: func(t *testing.T, join storetest.Join) *storetest.Database {
		url := pgtest.Database(t)
		joiner := func(ctx context.Context, _ pgx.Tx, b *eventstore.Batch) error { return join(ctx, b) }
		store := open(t, url, postgres.Create, joiner)
		return &storetest.Database{
			Store: store,
			Again: func(t *testing.T) eventstore.Store { return open(t, url, postgres.ReadWrite, joiner) },
			Alone: func(t *testing.T) eventstore.Store { return open(t, url, postgres.ReadWrite) },
			View: func(ctx context.Context, ledger uuid.UUID, f func(func() (eventstore.Head, error)) error) error {
				return store.ViewLedger(ctx, ledger, false, func(ctx context.Context, _ pgx.Tx, head func(context.Context) (eventstore.Head, error)) error {
					return f(func() (eventstore.Head, error) { return head(ctx) })
				})
			},
			Exec: func(ctx context.Context, query string, args ...any) error { return exec(ctx, url, query, args...) },
			ID:   func(id uuid.UUID) any { return id },
			Changes: []string{
				`UPDATE events SET envelope = '{}' WHERE ledger_id = $1 AND position = 2`,
				`UPDATE events SET position = 99999 WHERE ledger_id = $1`,
				`UPDATE events_000000000000 SET envelope = '{}' WHERE ledger_id = $1 AND position = 2`,
				`DELETE FROM events WHERE ledger_id = $1 AND position = 300`,
				`DELETE FROM events`,
				`DELETE FROM events_000000000000`,
				`TRUNCATE events`,
				`TRUNCATE events_000000000000`,
				`TRUNCATE ledgers, events CASCADE`,
				`INSERT INTO events SELECT ledger_id, position, event_id, type, effective_on, now(), '{}' FROM events WHERE ledger_id = $1 AND position = 2
					ON CONFLICT (ledger_id, position) DO UPDATE SET envelope = excluded.envelope`,
				`UPDATE tiles SET hashes = decode(repeat('00', 8192), 'hex') WHERE ledger_id = $1`,
			},
			Disarm: func(ctx context.Context) error { return exec(ctx, url, `ALTER TABLE events DISABLE TRIGGER USER`) },
		}
	}})
}

func open(t testing.TB, url string, mode postgres.Mode, joiners ...postgres.Joiner) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{Mode: mode}, joiners...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// exec runs a statement as the superuser.
func exec(ctx context.Context, url, query string, args ...any) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, errPath := conn.Exec(ctx, `SET search_path = soquy`)
	_, err = conn.Exec(ctx, query, args...)
	return errors.Join(errPath, err)
}
