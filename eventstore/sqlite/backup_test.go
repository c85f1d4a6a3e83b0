package sqlite_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/eventstore/transparency"
)

// TestBackupWhileWriting appends during the copy, after each part of it, so that a copy that is not of one moment would be torn.
func TestBackupWhileWriting(t *testing.T) {
	dir := t.TempDir()
	s, l := open(t, filepath.Join(dir, "x.db"), sqlite.Create), storetest.NewLedger(t, "KH")
	ctx := t.Context()
	grow := func(n int) {
		t.Helper()
		b := l.Batch(n)
		b.Private = append(b.Private, l.Private(`{"name":"Lò Văn Một"}`))
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	for range 12 {
		grow(1_000)
	}
	if err := os.Chmod(filepath.Join(dir, "x.db"), 0o640); err != nil {
		t.Fatal(err)
	}
	before := l.Position()
	to := filepath.Join(dir, "Sao lưu #1?.db")
	var told []int64
	var whole int64
	if err := s.Backup(ctx, to, func(done, total int64) {
		told, whole = append(told, done), total
		grow(50)
	}); err != nil {
		t.Fatal(err)
	}
	if len(told) < 3 || !slices.IsSorted(told) || told[len(told)-1] != whole {
		t.Errorf("progress was %d of %d", told, whole)
	}
	if info, err := os.Stat(to); err != nil || info.Mode().Perm() != 0o640 || info.Size() != whole {
		t.Errorf("the copy is %v, %v", info, err)
	}

	// The copy is the ledger as it was when the backup began, and goes on from there.
	c := open(t, to, sqlite.ReadWrite)
	head, err := c.Head(ctx, l.ID)
	if err != nil || head.Position() != before {
		t.Fatalf("the copy ends at %d, not %d: %v", head.Position(), before, err)
	}
	tree := transparency.NewTree()
	if err := c.Read(ctx, l.ID, 1, 0, func(r *eventstore.Record) error {
		tree.Append(transparency.LeafHash(r.Envelope))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if tree.Size() != before || tree.Edge().Root() != head.Edge.Root() {
		t.Errorf("%d events have another root than the head", tree.Size())
	}
	private := 0
	if err := c.AllPrivate(ctx, l.ID, func(eventstore.Private) error { private++; return nil }); err != nil || private != 12 {
		t.Errorf("the copy has %d private texts, %v", private, err)
	}
	if err := s.Read(ctx, l.ID, before+1, before+50, func(r *eventstore.Record) error { return nil }); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"Sao lưu #1?.db", "x.db", "x.db-shm", "x.db-wal"}) {
		t.Errorf("the folder has %q", names)
	}
}

// TestBackupFails looks that a backup that fails leaves nothing, and overwrites nothing.
func TestBackupFails(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	s, l := open(t, path, sqlite.Create), storetest.NewLedger(t, "KH")
	if _, err := s.Append(t.Context(), l.Batch(5_000)); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	to := filepath.Join(t.TempDir(), "copy.db")

	ctx, cancel := context.WithCancel(t.Context())
	if err := s.Backup(ctx, to, func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := os.WriteFile(to, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), to, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a file is there: %v", err)
	}
	if got := contents(t, to); string(got) != "mine" {
		t.Errorf("the file that was there is %q", got)
	}
	if names := list(t, filepath.Dir(to)); !slices.Equal(names, []string{"copy.db"}) {
		t.Errorf("the folder has %q", names)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "no folder", "copy.db"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	// After all that the store appends.
	if _, err := s.Append(t.Context(), l.Batch(1)); err != nil {
		t.Error(err)
	}
}

// TestBackupCorrupt spoils a page of the original, which the check of the copy must see.
func TestBackupCorrupt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, l := open(t, path, sqlite.Create), storetest.NewLedger(t, "KH")
	if _, err := s.Append(t.Context(), l.Batch(5_000)); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	var root, size int64
	if err := raw.QueryRow(`SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'subjects'`).
		Scan(&root, &size); err != nil {
		t.Fatal(err)
	}
	if err := raw.Close(); err != nil {
		t.Fatal(err)
	}
	file := contents(t, path)
	copy(file[(root-1)*size:], bytes.Repeat([]byte{0xff}, int(size)))
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := open(t, path, sqlite.ReadOnly).Backup(t.Context(), filepath.Join(dir, "copy.db"), nil); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("backup of a spoiled file: %v", err)
	}
	if names := list(t, dir); len(names) > 0 {
		t.Errorf("the folder has %q", names)
	}
}
