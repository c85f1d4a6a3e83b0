package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/soquy/soquy/eventstore/storetest"
)

// TestCopier: the WAL is copied back before a commit has to, and no more than the reader of an old state allows, which is not tried over and over.
func TestCopier(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{Mode: Create})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	wal := func() (pages, copied int64) {
		t.Helper()
		s.writer.copier.hold()()
		var busy int64
		if err := s.read.QueryRowContext(ctx, `PRAGMA wal_checkpoint(NOOP)`).Scan(&busy, &pages, &copied); err != nil {
			t.Fatal(err)
		}
		return pages, copied
	}
	fill := func(enough func(pages, copied int64) bool) {
		t.Helper()
		for range 1_000 {
			if pages, copied := wal(); enough(pages, copied) {
				return
			}
			b := l.Batch(50)
			if _, err := s.Append(ctx, b); err != nil {
				t.Fatal(err)
			}
			l.Committed()
		}
		t.Fatal("the WAL never was as it should be")
	}
	fill(func(pages, copied int64) bool { return copied > 0 && pages < autocheckpoint })

	tx, err := s.read.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	var events int64
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM events`).Scan(&events); err != nil { // what it sees is not to change
		t.Fatal(err)
	}
	_, before := wal()
	fill(func(pages, _ int64) bool { return pages > before+2*copyPart })
	pages, copied := wal()
	if tried := s.writer.copier.tried; copied >= pages || tried < before+copyPart || pages-tried > 2*copyPart {
		t.Errorf("of %d pages %d are copied, beside a reader of the first %d; it was tried at %d", pages, copied, before, tried)
	}
	var now int64
	if err := tx.QueryRowContext(ctx, `SELECT count(*) FROM events`).Scan(&now); err != nil || now != events {
		t.Errorf("%d events were %d: %v", events, now, err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	fill(func(pages, _ int64) bool { return pages < copyPart }) // the WAL is begun anew
}
