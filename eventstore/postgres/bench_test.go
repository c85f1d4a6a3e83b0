package postgres_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

// sizes are how many events the batches of the benchmarks have: below and above the rows from which on COPY is used.
var sizes = []int{64, 1024, 4096}

// BenchmarkAppend is the whole append without joiners. Batches are made outside of the time.
func BenchmarkAppend(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, l := open(b, pgtest.Database(b), postgres.Create), storetest.NewLedger(b, "KH")
			ctx := context.Background()
			run(b, n, func() *eventstore.Batch { return l.Batch(n) }, func(batch *eventstore.Batch) error {
				_, err := s.Append(ctx, batch)
				l.Committed()
				return err
			})
		})
	}
}

// BenchmarkRaw is the limit: a COPY of the same rows into a table without any index, in a transaction of its own.
func BenchmarkRaw(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			ctx := context.Background()
			conn, err := pgx.Connect(ctx, pgtest.Database(b))
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close(ctx)
			if _, err := conn.Exec(ctx, `CREATE TABLE bare (ledger_id uuid, position bigint, event_id uuid, type text,
				effective_on date, recorded_at timestamptz, envelope bytea)`); err != nil {
				b.Fatal(err)
			}
			columns := []string{"ledger_id", "position", "event_id", "type", "effective_on", "recorded_at", "envelope"}
			l, day := storetest.NewLedger(b, "KH"), time.Date(2017, 3, 5, 0, 0, 0, 0, time.UTC)
			run(b, n, func() *eventstore.Batch { return l.Batch(n) }, func(batch *eventstore.Batch) error {
				l.Committed()
				_, err := conn.CopyFrom(ctx, pgx.Identifier{"bare"}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
					r := &batch.Records[i]
					return []any{batch.Ledger, r.Position, r.ID, r.Type, day, r.RecordedAt, r.Envelope}, nil
				}))
				return err
			})
		})
	}
}

// BenchmarkRead reads a log of 20,000 events.
func BenchmarkRead(b *testing.B) {
	const n = 20_000
	s, l := open(b, pgtest.Database(b), postgres.Create), storetest.NewLedger(b, "KH")
	ctx := context.Background()
	if _, err := s.Append(ctx, l.Batch(n)); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := s.Read(ctx, l.ID, 1, 0, func(*eventstore.Record) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}

func run(b *testing.B, n int, batch func() *eventstore.Batch, do func(*eventstore.Batch) error) {
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		x := batch()
		b.StartTimer()
		if err := do(x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
