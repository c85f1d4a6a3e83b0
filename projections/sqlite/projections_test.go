package sqlite_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	store "github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/projectiontest"
	"github.com/soquy/soquy/projections/sqlite"
)

type database struct {
	store  *store.Store
	p      *sqlite.Projections
	joined atomic.Int64 // nanoseconds
	differ []string     // models, when they were rebuilt
	fail   error        // of the next append
	path   string
}

// join is the joiner, with a clock.
func (d *database) join(ctx context.Context, tx store.Tx, b *eventstore.Batch) error {
	began := time.Now()
	defer func() { d.joined.Add(int64(time.Since(began))) }()
	err := d.p.Join(ctx, tx, b)
	if err == nil {
		err, d.fail = d.fail, nil
	}
	return err
}

// Fail implements projectiontest.Database.
func (d *database) Fail(err error) { d.fail = err }

func (d *database) Joined() time.Duration { return time.Duration(d.joined.Load()) }

func open(t testing.TB) projectiontest.Database {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "book.soquy"))
}

func (d *database) Again(t testing.TB) projectiontest.Database { return openAt(t, d.path) }

func openAt(t testing.TB, path string) *database {
	t.Helper()
	d := &database{p: sqlite.WithLimits(waitingBatches, waitingBytes), path: path}
	s, err := store.Open(path, store.Options{Mode: store.Create}, d.join)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d.store = s
	return d
}

// Differed implements projectiontest.Database.
func (d *database) Differed() []string {
	defer func() { d.differ = nil }()
	return d.differ
}

func (d *database) Store() eventstore.Store { return d.store }

func (d *database) View(ctx context.Context, ledger uuid.UUID, f func(projectiontest.Reader) error) error {
	return d.store.View(ctx, func(_ context.Context, tx *sql.Tx) error { return f(d.p.Reader(tx, ledger)) })
}

func (d *database) Check(ctx context.Context, ledger uuid.UUID, want *projections.Fold, through int64) (all []projections.Checked, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		all, err = d.p.Check(ctx, tx, ledger, want, through)
		return err
	})
	return all, err
}

func (d *database) Loose(ctx context.Context, ledger uuid.UUID, head int64) (list []projections.Mismatch, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		list, err = d.p.Loose(ctx, tx, ledger, head)
		return err
	})
	return list, err
}

func (d *database) Rebuild(ctx context.Context, ledger uuid.UUID, names []string, events projections.Events, progress func(done, total int64)) error {
	return d.p.Rebuild(ctx, d.store, ledger, names, events, projections.Report{Progress: progress, Differs: func(name string) { d.differ = append(d.differ, name) }})
}

func (d *database) Exec(ctx context.Context, table, query string) error {
	return d.store.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, strings.ReplaceAll(query, "{table}", table))
		return err
	})
}

func (d *database) Count(ctx context.Context, table string) (n int, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	})
	return n, err
}

// The limits are small, so that all tests put entries into balances now and then.
const waitingBatches, waitingBytes, waitingEntries = 64, 16 << 10, 4_096

// Waits implements projectiontest.Database.
func (d *database) Waits() projectiontest.Waiting {
	const last = ` WHERE first_position = (SELECT max(first_position) FROM batch_packs)`
	return projectiontest.Waiting{
		Table: projections.BatchTable, Batches: waitingBatches, Entries: waitingEntries,
		Rows: `batch_packs b JOIN placed p ON p.ledger_id = b.ledger_id AND b.first_position > p.balances`,
		Changes: []string{
			"DELETE FROM {table}",
			"DELETE FROM {table}" + last,
			"DELETE FROM {table} WHERE first_position = (SELECT min(b.first_position) FROM batch_packs b, placed WHERE b.first_position > balances)",
			"UPDATE {table} SET first_position = first_position + 1" + last,
			"UPDATE {table} SET first_position = first_position - 30000" + last,
			"UPDATE {table} SET last_position = last_position + 1" + last,
			"UPDATE {table} SET last_position = last_position - 1" + last,
			"UPDATE {table} SET first_day = first_day - 1" + last,
			"UPDATE {table} SET last_day = last_day + 1" + last,
			"UPDATE {table} SET packs = x''" + last,
			"UPDATE {table} SET packs = CAST(packs || x'00' AS BLOB)" + last,
			"UPDATE {table} SET packs = substr(packs, 1, length(packs) - 1)" + last,
			"UPDATE {table} SET packs = CAST(substr(packs, 1, length(packs) - 1) || x'7f' AS BLOB)" + last,
			"UPDATE {table} SET packs = (SELECT packs FROM {table} ORDER BY first_position LIMIT 1)" + last,
			"UPDATE {table} SET packs = CAST(replace(packs, 'balance_entries', 'balance_entriez') AS BLOB)" + last,
			"UPDATE {table} SET packs = CAST(replace(packs, 'TQ', 'TR') AS BLOB)" + last,
			"INSERT INTO {table} SELECT ledger_id, first_position + 1, last_position, first_day, last_day, packs FROM {table}" + last,
			"UPDATE placed SET balances = (SELECT min(first_position) FROM {table} WHERE first_position > balances)",
			"UPDATE placed SET totals = 1000000",
			"UPDATE placed SET vouchers = 1000000",
			"DELETE FROM placed",
		},
	}
}

func TestProjections(t *testing.T) { projectiontest.Run(t, open) }

func BenchmarkProjections(b *testing.B) { projectiontest.Bench(b, open) }
