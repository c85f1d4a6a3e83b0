package postgres

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

// TestPrepared: what a connection has prepared is used again, and when it is of use no more, one append fails and the next has another connection. A
// connection that cannot keep statements appends without.
func TestPrepared(t *testing.T) {
	pgtest.Server(t)
	ctx, url := t.Context(), withParameter(pgtest.Database(t), "pool_max_conns", "1")
	s, err := Open(ctx, url, Options{Mode: Create})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l := storetest.NewLedger(t, "KH")
	add := func(s *Store) error {
		b := l.Batch(3)
		b.Next = func(wait func(context.Context) (eventstore.Lock, error)) {
			lock, err := wait(ctx)
			if err == nil {
				err = lock.Release()
			}
			if err != nil {
				t.Errorf("the lock of the next batch: %v", err)
			}
		}
		_, err := s.Append(ctx, b)
		if err == nil {
			l.Committed()
		}
		return err
	}
	must := func(s *Store) {
		t.Helper()
		if err := add(s); err != nil {
			t.Fatal(err)
		}
	}
	names := func() (n int) {
		t.Helper()
		if err := s.write.QueryRow(ctx, `SELECT count(*) FROM pg_prepared_statements WHERE starts_with(name, 'soquy_')`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	must(s)
	must(s)
	first := names()
	must(s)
	if again := names(); first < 6 || again != first {
		t.Errorf("%d statements were prepared, then %d", first, again)
	}
	if _, err := s.write.Exec(ctx, `DEALLOCATE ALL`, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	failed := 0
	for err = add(s); err != nil && failed < 3; err = add(s) {
		failed++
	}
	if err != nil || failed == 0 {
		t.Errorf("after the statements were gone %d appends failed, then: %v", failed, err)
	}

	simple, err := Open(ctx, withParameter(url, "default_query_exec_mode", "describe_exec"), Options{Mode: ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	defer simple.Close()
	must(simple)
	must(s)
}
