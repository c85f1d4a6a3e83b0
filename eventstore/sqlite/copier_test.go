package sqlite

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
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

// TestHalfCopied: a process that is killed while it copies the WAL into the file leaves a file that can be opened, whole, wherever it was then.
func TestHalfCopied(t *testing.T) {
	const walHeader, frameHeader = 32, 24 // bytes
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(path, Options{Mode: Create})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	l := storetest.NewLedger(t, "KH")
	for range 20 {
		if _, err := s.Append(t.Context(), l.Batch(50)); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	latest := map[uint32][]byte{} // the pages of the WAL
	for at := walHeader; at+frameHeader+pageSize <= len(wal) && string(wal[at+8:at+16]) == string(wal[16:24]); at += frameHeader + pageSize {
		latest[binary.BigEndian.Uint32(wal[at:])] = wal[at+frameHeader : at+frameHeader+pageSize]
	}
	before := uint32(len(file) / pageSize)
	most := before
	for page := range latest {
		most = max(most, page)
	}
	if latest[1] == nil || most == before {
		t.Fatalf("the WAL has %d pages, the last is %d of %d: the file does not get longer", len(latest), most, before)
	}
	for _, through := range []uint32{1, 2, before, before + 1, most - 1, most} { // pages are copied in their order
		half := slices.Clone(file)
		for page := uint32(1); page <= through; page++ {
			content := latest[page]
			if content == nil {
				continue
			}
			if end := int(page) * pageSize; end > len(half) {
				half = append(half, make([]byte, end-len(half))...)
			}
			copy(half[(page-1)*pageSize:], content)
		}
		again := filepath.Join(t.TempDir(), "y.db")
		for name, content := range map[string][]byte{again: half, again + "-wal": wal} {
			if err := os.WriteFile(name, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for _, mode := range []Mode{ReadOnly, ReadWrite} {
			s, err := Open(again, Options{Mode: mode})
			if err != nil {
				t.Fatalf("copied through page %d: %v", through, err)
			}
			var result string
			if err := s.read.QueryRowContext(t.Context(), `PRAGMA integrity_check`).Scan(&result); err != nil || result != "ok" {
				t.Errorf("copied through page %d: %s %v", through, result, err)
			}
			if head, err := s.Head(t.Context(), l.ID); err != nil || head.Position() != 1_000 {
				t.Errorf("copied through page %d: the log ends at %d: %v", through, head.Position(), err)
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
