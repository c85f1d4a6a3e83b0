package sqlite_test

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, storetest.Harness{Early: true, Open: func(t *testing.T, join storetest.Join) *storetest.Database {
		path := filepath.Join(t.TempDir(), "Sổ quỹ #1 50%?.db")
		joiner := func(ctx context.Context, _ sqlite.Tx, b *eventstore.Batch) error { return join(ctx, b) }
		store := open(t, path, sqlite.Create, joiner)
		raw, err := sql.Open("sqlite", "file:"+(&url.URL{Path: path}).EscapedPath()+"?_pragma=busy_timeout(5000)")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { raw.Close() })
		return &storetest.Database{
			Store: store,
			Again: func(t *testing.T) eventstore.Store { return open(t, path, sqlite.ReadWrite, joiner) },
			Alone: func(t *testing.T) eventstore.Store { return open(t, path, sqlite.ReadWrite) },
			View: func(ctx context.Context, ledger uuid.UUID, f func(func() (eventstore.Head, error)) error) error {
				return store.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
					return f(func() (eventstore.Head, error) { return store.HeadTx(ctx, tx, ledger) })
				})
			},
			Exec: func(ctx context.Context, query string, args ...any) error {
				_, err := raw.ExecContext(ctx, query, args...)
				return err
			},
			ID: func(id uuid.UUID) any { return id[:] },
			Changes: []string{
				`UPDATE events SET envelope = x'7b7d' WHERE ledger_id = $1 AND position = 2`,
				`UPDATE events SET position = 99999 WHERE ledger_id = $1`,
				`UPDATE OR REPLACE events SET position = 2 WHERE ledger_id = $1 AND position = 3`,
				`DELETE FROM events WHERE ledger_id = $1 AND position = 300`,
				`DELETE FROM events`,
				`INSERT OR REPLACE INTO events SELECT ledger_id, position, event_id, type, effective_on, 0, x'7b7d' FROM events WHERE ledger_id = $1 AND position = 2`,
				`INSERT OR REPLACE INTO events (rowid, ledger_id, position, event_id, type, effective_on, recorded_at, envelope)
					SELECT rowid, ledger_id, 301, event_id, type, effective_on, 0, x'7b7d' FROM events WHERE ledger_id = $1 AND position = 2`,
				`INSERT INTO events SELECT ledger_id, position, event_id, type, effective_on, 0, x'7b7d' FROM events WHERE ledger_id = $1 AND position = 2
					ON CONFLICT (ledger_id, position) DO UPDATE SET envelope = excluded.envelope`,
				`UPDATE tiles SET hashes = zeroblob(8192) WHERE ledger_id = $1`,
			},
			Disarm: func(ctx context.Context) error {
				_, err := raw.ExecContext(ctx, `DROP TRIGGER events_no_delete`)
				return err
			},
		}
	}})
}

func open(t testing.TB, path string, mode sqlite.Mode, joiners ...sqlite.Joiner) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(path, sqlite.Options{Mode: mode}, joiners...)
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
