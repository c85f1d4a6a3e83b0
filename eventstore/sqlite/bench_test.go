package sqlite_test

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
)

// sizes are how many events the batches of the benchmarks have.
var sizes = []int{64, 1024}

// BenchmarkAppend is the whole append without joiners. Batches are made outside of the time.
func BenchmarkAppend(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s, l := open(b, filepath.Join(b.TempDir(), "x.db"), sqlite.Create), storetest.NewLedger(b, "KH")
			ctx := context.Background()
			run(b, n, func() *eventstore.Batch { return l.Batch(n) }, func(batch *eventstore.Batch) error {
				_, err := s.Append(ctx, batch)
				l.Committed()
				return err
			})
		})
	}
}

// BenchmarkRaw is the limit: a prepared multi-row insert of the same rows into a table without any index, in a transaction
// that is as durable.
func BenchmarkRaw(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "x.db")+
				"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			db.SetMaxOpenConns(1)
			if _, err := db.Exec(`CREATE TABLE bare (ledger_id BLOB, position INTEGER, event_id BLOB, type TEXT,
				effective_on TEXT, recorded_at INTEGER, envelope BLOB) STRICT`); err != nil {
				b.Fatal(err)
			}
			stmt, err := db.Prepare(`INSERT INTO bare VALUES (?, ?, ?, ?, ?, ?, ?)` + strings.Repeat(`, (?, ?, ?, ?, ?, ?, ?)`, n-1))
			if err != nil {
				b.Fatal(err)
			}
			l, ctx := storetest.NewLedger(b, "KH"), context.Background()
			run(b, n, func() *eventstore.Batch { return l.Batch(n) }, func(batch *eventstore.Batch) error {
				l.Committed()
				args := make([]any, 0, 7*n)
				for i := range batch.Records {
					r := &batch.Records[i]
					args = append(args, batch.Ledger[:], r.Position, r.ID[:], r.Type, "2017-03-05", r.RecordedAt.UnixMicro(), r.Envelope)
				}
				tx, err := db.BeginTx(ctx, nil)
				if err != nil {
					return err
				}
				defer tx.Rollback()
				if _, err := tx.StmtContext(ctx, stmt).ExecContext(ctx, args...); err != nil {
					return err
				}
				return tx.Commit()
			})
		})
	}
}

// BenchmarkRead reads a log of 20,000 events.
func BenchmarkRead(b *testing.B) {
	const n = 20_000
	s, l := open(b, filepath.Join(b.TempDir(), "x.db"), sqlite.Create), storetest.NewLedger(b, "KH")
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
