package sqlite_test

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
)

// TestUntouched: a joiner is told whether anybody wrote since the append before, on a connection of its own or on that of the appends; and an append
// that does not look whether the head moved, as nobody wrote, is refused where it did.
func TestUntouched(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var told bool
	var fail error
	s, err := sqlite.Open(path, sqlite.Options{Mode: sqlite.Create}, func(_ context.Context, tx sqlite.Tx, _ *eventstore.Batch) error {
		told = tx.Untouched()
		return fail
	})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	other, err := sqlite.Open(path, sqlite.Options{Mode: sqlite.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	ctx := t.Context()
	l, l2 := storetest.NewLedger(t, "KH"), storetest.NewLedger(t, "KH2")
	add := func(s *sqlite.Store, l *storetest.Ledger) {
		t.Helper()
		if _, err := s.Append(ctx, l.Batch(3)); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	add(s, l)
	for _, step := range []struct {
		name      string
		do        func()
		untouched bool
	}{
		{"nothing", func() {}, true},
		{"a read", func() { _, err := s.Head(ctx, l.ID); do(err) }, true},
		{"an append to another ledger", func() { add(s, l2) }, true},
		{"an append that failed", func() {
			fail = errors.New("stop")
			if _, err := s.Append(ctx, l.Batch(2)); !errors.Is(err, fail) {
				t.Fatal(err)
			}
			fail = nil
		}, true},
		{"a lock that was released", func() {
			lock, err := s.Lock(ctx, l.ID)
			do(err)
			do(lock.Release())
		}, true},
		{"a confirmation", func() {
			lock, err := s.Lock(ctx, l.ID)
			do(err)
			do(lock.Confirm(ctx))
		}, false},
		{"a snapshot", func() { do(s.SaveSnapshot(ctx, l.ID, eventstore.Snapshot{Position: 1, Version: 1})) }, false},
		{"an append of another store to another ledger", func() { add(other, l2) }, false},
		{"an append of another store", func() { add(other, l) }, false},
		{"a statement of another program", func() {
			_, err := raw.Exec(`UPDATE origins SET origin = origin`)
			do(err)
		}, false},
		{"a checkpoint of another program", func() {
			_, err := raw.Exec(`PRAGMA wal_checkpoint(FULL)`)
			do(err)
		}, true},
	} {
		step.do()
		add(s, l)
		if told != step.untouched {
			t.Errorf("after %s the database is said to be untouched: %t", step.name, told)
		}
	}

	b := l.Batch(2)
	add(other, l)
	var moved *eventstore.HeadMovedError
	if _, err := s.Append(ctx, b); !errors.As(err, &moved) || moved.Actual != moved.Expected+3 {
		t.Errorf("an append after one of another store: %v", err)
	}
	stale := *b
	add(s, l)
	if _, err := s.Append(ctx, &stale); !errors.As(err, &moved) {
		t.Errorf("an append after one of the same store: %v", err)
	}
}
