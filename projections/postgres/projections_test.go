package postgres_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	store "github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/postgres"
	"github.com/soquy/soquy/projections/projectiontest"
)

type database struct {
	store  *store.Store
	p      *postgres.Projections
	joined atomic.Int64 // nanoseconds
	differ []string     // models, when they were rebuilt
	fail   error        // of the next append
	url    string
}

// join is the joiner, with a clock.
func (d *database) join(ctx context.Context, tx pgx.Tx, b *eventstore.Batch) error {
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
	return openAt(t, pgtest.Database(t))
}

func (d *database) Again(t testing.TB) projectiontest.Database { return openAt(t, d.url) }

func openAt(t testing.TB, url string) *database {
	t.Helper()
	d := &database{p: postgres.WithLimits(waitingPacks, waitingEntries), url: url}
	s, err := store.Open(t.Context(), url, store.Options{Mode: store.Create}, d.join)
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
	return d.store.View(ctx, func(_ context.Context, tx pgx.Tx) error { return f(d.p.Reader(tx, ledger)) })
}

func (d *database) Check(ctx context.Context, ledger uuid.UUID, want *projections.Fold, through int64) (all []projections.Checked, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
		all, err = d.p.Check(ctx, tx, ledger, want, through)
		return err
	})
	return all, err
}

func (d *database) Loose(ctx context.Context, ledger uuid.UUID, head int64) (list []projections.Mismatch, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
		list, err = d.p.Loose(ctx, tx, ledger, head)
		return err
	})
	return list, err
}

func (d *database) Rebuild(ctx context.Context, ledger uuid.UUID, names []string, events projections.Events, progress func(done, total int64)) error {
	return d.p.Rebuild(ctx, d.store, ledger, names, events, projections.Report{Progress: progress, Differs: func(name string) { d.differ = append(d.differ, name) }})
}

func (d *database) Exec(ctx context.Context, table, query string) error {
	return d.store.Write(ctx, func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, strings.ReplaceAll(query, "{table}", table))
		return err
	})
}

func (d *database) Count(ctx context.Context, table string) (n int, err error) {
	err = d.store.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, "SELECT count(*) FROM "+table).Scan(&n)
	})
	return n, err
}

// The limits are small, so that all tests put entries into balances now and then.
const waitingPacks, waitingEntries = 64, 4_096

// second is a statement that puts a row of a table of balances into it once more, which its version allows.
func second(table int, which string) string {
	t := projections.Lookup("balances")[0].Tables[table]
	columns := strings.Join(t.Names(), ", ")
	return fmt.Sprintf("INSERT INTO %[1]s (ledger_id, slot, changes, %[2]s) SELECT ledger_id, slot, changes + 16, %[2]s FROM %[1]s %[3]s", t.Name, columns, which)
}

// Waits implements projectiontest.Database.
func (d *database) Waits() projectiontest.Waiting {
	const last = ` WHERE first_position = (SELECT max(first_position) FROM {table})`
	return projectiontest.Waiting{
		Table: "balance_entries", Rows: "balance_entries", Batches: waitingPacks, Entries: waitingEntries, Models: []string{"balances"},
		Changes: []string{
			"DELETE FROM {table}",
			"DELETE FROM {table}" + last,
			"DELETE FROM {table} WHERE first_position = (SELECT min(first_position) FROM {table})",
			"UPDATE {table} SET first_position = first_position + 1" + last,
			"UPDATE {table} SET first_position = first_position - 30000",
			"UPDATE {table} SET last_position = last_position + 1" + last,
			"UPDATE {table} SET last_position = last_position - 1" + last,
			"UPDATE {table} SET first_day = first_day - 1" + last,
			"UPDATE {table} SET last_day = last_day + 1" + last,
			"UPDATE {table} SET fund = asset, asset = fund" + last,
			"UPDATE {table} SET posted = encumbered, encumbered = posted" + last,
			"UPDATE {table} SET quantity = posted" + last,
			"UPDATE {table} SET quantity_encumbered = posted" + last,
			"UPDATE {table} SET day = (SELECT day FROM {table} ORDER BY first_position LIMIT 1)" + last,
			"UPDATE {table} SET slot = 1 - slot" + last,
			second(0, "ORDER BY fund LIMIT 1"),
			second(1, "WHERE kind = 0 LIMIT 1"),
		},
	}
}

func TestProjections(t *testing.T) { projectiontest.Run(t, open) }

// TestColumns compares the tables with their descriptions: rows are sent as records, whose columns have no names.
func TestColumns(t *testing.T) {
	const query = `SELECT array_agg(attname::text ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = $1::text::regclass AND attnum > 0 AND NOT attisdropped`
	d := open(t).(*database)
	for _, m := range projections.Models() {
		for _, table := range m.Tables {
			want := []string{"ledger_id", "slot"}
			if table.Name == "balances" || table.Name == "balance_buckets" {
				want = append(want, "changes", "version")
			}
			for _, c := range table.Stored().Columns {
				want = append(want, c.Name)
			}
			var have []string
			err := d.store.View(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
				return tx.QueryRow(ctx, query, table.Name).Scan(&have)
			})
			if err != nil || !slices.Equal(want, have) {
				t.Errorf("%s has %v, expected %v (%v)", table.Name, have, want, err)
			}
		}
	}
}

func BenchmarkProjections(b *testing.B) { projectiontest.Bench(b, open) }
