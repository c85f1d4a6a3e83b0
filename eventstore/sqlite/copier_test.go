package sqlite

import (
	"context"
	"database/sql"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/soquy/soquy/eventstore/storetest"
)

// create makes a new store, which is closed when the test ends.
func create(t *testing.T) *Store {
	t.Helper()
	s, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{Mode: Create})
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

// wal says how many pages the WAL has, and how many of them are copied.
func (s *Store) wal(t *testing.T) (pages, copied int64) {
	t.Helper()
	var busy int64
	if err := s.read.QueryRowContext(t.Context(), countWAL).Scan(&busy, &pages, &copied); err != nil {
		t.Fatal(err)
	}
	return pages, copied
}

// TestCopier: the WAL is copied beside the writer, by no commit, and no more than the reader of an old state allows, which is not tried over and over.
func TestCopier(t *testing.T) {
	s := create(t)
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	wal := func() (pages, copied int64) { // when nothing is being copied
		t.Helper()
		s.writer.copier.hold()()
		return s.wal(t)
	}
	add := func() {
		t.Helper()
		if _, err := s.Append(ctx, l.Batch(50)); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	fill := func(enough func(pages, copied int64) bool) {
		t.Helper()
		for range 1_000 {
			if pages, copied := wal(); enough(pages, copied) {
				return
			}
			add()
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
	fill(func(pages, _ int64) bool { return pages > before+autocheckpoint+copyRest })
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	// What the reader kept from being copied is not copied by a commit.
	release := s.writer.copier.hold()
	pages, copied = s.wal(t)
	for range 2 * copyLook {
		add()
	}
	if all, now := s.wal(t); all < pages || now != copied {
		t.Errorf("of %d pages %d were copied, then %d of %d, by commits", pages, copied, now, all)
	}
	release()
	fill(func(pages, _ int64) bool { return pages < copyPart }) // the WAL is begun anew
}

// TestCopierKeepsUp: the WAL does not grow without end where a commit is larger than it should be, where there is always a reader, of a newer state each
// time, and where nothing can be copied beside the writer.
func TestCopierKeepsUp(t *testing.T) {
	const (
		most = 16 * autocheckpoint // pages
		anew = 3                   // times that the WAL is begun
	)
	small := func(ctx context.Context, s *Store, l *storetest.Ledger) error {
		_, err := s.Append(ctx, l.Batch(50))
		if err == nil {
			l.Committed()
		}
		return err
	}
	for _, c := range []struct {
		name   string
		before func(t *testing.T, s *Store)
		write  func(ctx context.Context, s *Store, l *storetest.Ledger) error
	}{
		{"huge commits", func(*testing.T, *Store) {}, func(ctx context.Context, s *Store, l *storetest.Ledger) error {
			const (
				empty = `DELETE FROM snapshots`
				fill  = `WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ?) INSERT INTO snapshots SELECT ?, i, 0, randomblob(3900), x'' FROM r`
			)
			return s.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, empty)
				if err == nil {
					_, err = tx.ExecContext(ctx, fill, autocheckpoint+copyPart, l.ID[:])
				}
				return err
			})
		}},
		{"always a reader", func(t *testing.T, s *Store) {
			ctx, stop := context.WithCancel(context.Background())
			var readers sync.WaitGroup
			for range 3 {
				readers.Go(func() {
					for ctx.Err() == nil {
						_ = s.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
							var n int64
							err := tx.QueryRowContext(ctx, `SELECT count(*) FROM ledgers`).Scan(&n)
							time.Sleep(rand.N(12 * time.Millisecond))
							return err
						})
						time.Sleep(rand.N(6 * time.Millisecond))
					}
				})
			}
			t.Cleanup(func() {
				stop()
				readers.Wait()
			})
		}, small},
		{"nothing beside", func(t *testing.T, s *Store) {
			if err := s.writer.copier.db.Close(); err != nil {
				t.Fatal(err)
			}
		}, small},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := create(t)
			l := storetest.NewLedger(t, "KH")
			c.before(t, s)
			was := int64(0)
			for times := 0; times < anew; {
				if err := c.write(t.Context(), s, l); err != nil {
					t.Fatal(err)
				}
				pages, copied := s.wal(t)
				if pages < was {
					times++
				}
				if was = pages; pages > most {
					t.Fatalf("the WAL has %d pages, of which %d are copied, and was begun anew %d times", pages, copied, times)
				}
			}
		})
	}
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
