package sqlite

import (
	"errors"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/storetest"
)

// TestFull lets the file grow no further, which SQLite reports as it reports a full disk.
func TestFull(t *testing.T) {
	s := create(t)
	l := storetest.NewLedger(t, "KH")
	if _, err := s.Append(t.Context(), l.Batch(10)); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	limit := func(pages string) {
		t.Helper()
		if _, err := s.writer.conn.ExecContext(t.Context(), `PRAGMA max_page_count = `+pages); err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // SQLite takes what there is
	if _, err := s.Append(t.Context(), l.Batch(500)); !errors.Is(err, eventstore.ErrFull) {
		t.Errorf("append to a full disk: %v", err)
	}
	limit("1000000")
	if _, err := s.Append(t.Context(), l.Batch(500)); err != nil {
		t.Errorf("append after there was room again: %v", err)
	}
}
