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
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
)

var modes = []sqlite.Mode{sqlite.ReadOnly, sqlite.ReadWrite, sqlite.Create}

func TestOpenMissing(t *testing.T) {
	for _, mode := range modes[:2] {
		dir := t.TempDir()
		_, err := sqlite.Open(filepath.Join(dir, "none.db"), sqlite.Options{Mode: mode})
		if !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", mode, err)
		}
		if names := list(t, dir); len(names) > 0 {
			t.Errorf("%s made %q", mode, names)
		}
	}
	dir := t.TempDir()
	if _, err := sqlite.Open(filepath.Join(dir, "no folder", "x.db"), sqlite.Options{Mode: sqlite.Create}); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("folder that is not there: %v", err)
	}
	for _, mode := range modes {
		if _, err := sqlite.Open(dir, sqlite.Options{Mode: mode}); err == nil {
			t.Errorf("%s: a folder was opened", mode)
		}
	}
}

// TestOpenForeign looks that a file of another program is refused, and not changed by a byte, nor given company.
func TestOpenForeign(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.db")
	execFile(t, other, `CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT)`, `INSERT INTO accounts VALUES (1, 'x')`)
	wal := filepath.Join(t.TempDir(), "wal.db")
	execFile(t, wal, `PRAGMA journal_mode = WAL`, `CREATE TABLE accounts (id INTEGER PRIMARY KEY)`, `PRAGMA application_id = 252006673`)
	empty := filepath.Join(t.TempDir(), "empty.db")
	execFile(t, empty, `PRAGMA user_version = 7`)
	for name, content := range map[string][]byte{
		"a line of text":        []byte("năm 2017\n"),
		"a long text":           bytes.Repeat([]byte("Hội Khuyến học\n"), 5_000),
		"zeros":                 make([]byte, 4096),
		"half a header":         []byte("SQLite format 3\x00\x10\x00"),
		"another database":      contents(t, other),
		"another in WAL mode":   contents(t, wal),
		"another without table": contents(t, empty),
	} {
		for _, mode := range modes {
			dir := t.TempDir()
			path := filepath.Join(dir, "x.db")
			if err := os.WriteFile(path, content, 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := sqlite.Open(path, sqlite.Options{Mode: mode}); !errors.Is(err, eventstore.ErrForeign) {
				t.Errorf("%s, %s: %v", name, mode, err)
			}
			if !bytes.Equal(contents(t, path), content) {
				t.Errorf("%s, %s: the file was changed", name, mode)
			}
			if names := list(t, dir); !slices.Equal(names, []string{"x.db"}) {
				t.Errorf("%s, %s: the folder has %q", name, mode, names)
			}
		}
	}
}

func TestOpenEmptyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := os.WriteFile(path, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes[:2] {
		if _, err := sqlite.Open(path, sqlite.Options{Mode: mode}); !errors.Is(err, eventstore.ErrNoSchema) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	l := storetest.NewLedger(t, "KH")
	if _, err := open(t, path, sqlite.Create).Append(t.Context(), l.Batch(1)); err != nil {
		t.Error(err)
	}
}

func TestOpenNewer(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	if err := open(t, path, sqlite.Create).Close(); err != nil {
		t.Fatal(err)
	}
	execFile(t, path, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, 1)`)
	for _, mode := range modes {
		if _, err := sqlite.Open(path, sqlite.Options{Mode: mode}); !errors.Is(err, eventstore.ErrNewer) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// TestOpenInterrupted opens a file whose making was killed after each of its first steps.
func TestOpenInterrupted(t *testing.T) {
	for _, steps := range [][]string{
		{`PRAGMA application_id = 1936816433`},
		{
			`PRAGMA application_id = 1936816433`,
			`CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL,
				is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')))`,
			`INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1)`,
		},
	} {
		path := filepath.Join(t.TempDir(), "x.db")
		execFile(t, path, steps...)
		for _, mode := range modes[:2] {
			if _, err := sqlite.Open(path, sqlite.Options{Mode: mode}); !errors.Is(err, eventstore.ErrNoSchema) {
				t.Errorf("%s: %v", mode, err)
			}
		}
		open(t, path, sqlite.Create)
	}
}

func TestOpenAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			s, err := sqlite.Open(path, sqlite.Options{Mode: sqlite.Create})
			if err != nil {
				t.Error(err)
				return
			}
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	writer, l := open(t, path, sqlite.Create), storetest.NewLedger(t, "KH")
	ctx := context.Background()
	grow := func() {
		t.Helper()
		if _, err := writer.Append(ctx, l.Batch(10)); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	grow()
	reader := open(t, path, sqlite.ReadOnly)
	for range 3 {
		grow()
		if head, err := reader.Head(ctx, l.ID); err != nil || head.Position() != l.Position() {
			t.Fatalf("beside a writer, the head is %d, %v", head.Position(), err)
		}
	}
	for name, err := range map[string]error{
		"append":   func() error { _, err := reader.Append(ctx, l.Batch(1)); return err }(),
		"lock":     func() error { _, err := reader.Lock(ctx, l.ID); return err }(),
		"begin":    func() error { _, err := reader.Begin(ctx, l.ID); return err }(),
		"snapshot": reader.SaveSnapshot(ctx, l.ID, eventstore.Snapshot{Position: 1}),
		"write":    reader.Write(ctx, func(context.Context, *sql.Tx) error { return nil }),
		"view": reader.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, `DELETE FROM private`)
			if err != nil && !errors.Is(err, eventstore.ErrReadOnly) {
				return eventstore.ErrReadOnly // the driver's error goes through View as it is
			}
			return err
		}),
	} {
		if !errors.Is(err, eventstore.ErrReadOnly) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := errors.Join(reader.Close(), writer.Close()); err != nil {
		t.Fatal(err)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"x.db"}) {
		t.Errorf("after all was closed the folder has %q", names)
	}

	// Alone, a reader leaves the folder as it was, and the file by the byte.
	before := contents(t, path)
	reader = open(t, path, sqlite.ReadOnly)
	if head, err := reader.Head(ctx, l.ID); err != nil || head.Position() != l.Position() {
		t.Errorf("alone, the head is %d, %v", head.Position(), err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if names := list(t, dir); !slices.Equal(names, []string{"x.db"}) {
		t.Errorf("after a reader the folder has %q", names)
	}
	if !bytes.Equal(contents(t, path), before) {
		t.Error("a reader changed the file")
	}
}

// TestErase looks that an erased text is in no byte of any file of the database.
func TestErase(t *testing.T) {
	const secret = "Lường Thị Bí Mật, bản Nà Tấu"
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	s, l := open(t, path, sqlite.Create), storetest.NewLedger(t, "KH")
	ctx := context.Background()
	append1 := func(b *eventstore.Batch) {
		t.Helper()
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	there := func() (where []string) {
		for _, name := range list(t, dir) {
			if bytes.Contains(contents(t, filepath.Join(dir, name)), []byte(secret)) {
				where = append(where, name)
			}
		}
		return where
	}
	erasing := func(b *eventstore.Batch, p eventstore.Private) *eventstore.Batch {
		b.Erase = []uuid.UUID{p.ID}
		return b
	}
	b := l.Batch(3)
	private := l.Private(secret)
	for range 50 {
		b.Private = append(b.Private, l.Private(`{"name":"another"}`))
	}
	b.Private = append(b.Private, private)
	append1(b)
	if len(there()) == 0 {
		t.Fatal("the text is nowhere")
	}
	append1(erasing(l.Batch(1), private))
	if where := there(); len(where) > 0 {
		t.Errorf("the erased text is in %q", where)
	}

	// A reader keeps the WAL from being cut; the first append after it cuts it.
	private = l.Private(secret)
	b = l.Batch(1)
	b.Private = append(b.Private, private)
	append1(b)
	err := s.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		if _, err := s.HeadTx(ctx, tx, l.ID); err != nil {
			return err
		}
		append1(erasing(l.Batch(1), private))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	append1(l.Batch(1))
	if where := there(); len(where) > 0 {
		t.Errorf("after the reader was gone, the erased text is in %q", where)
	}
}

// TestLocked has another program hold the write lock.
func TestLocked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "x.db")
	s, l := open(t, path, sqlite.Create), storetest.NewLedger(t, "KH")
	other, err := sql.Open("sqlite", "file:"+path+"?_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancelled := make(chan error)
	go func() {
		_, err := s.Append(ctx, l.Batch(1))
		cancelled <- err
	}()
	cancel()
	if err := <-cancelled; !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled while it waited: %v", err)
	}
	if _, err := s.Append(t.Context(), l.Batch(1)); !errors.Is(err, eventstore.ErrLocked) {
		t.Errorf("append: %v", err)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Append(t.Context(), l.Batch(1)); err != nil {
		t.Error(err)
	}
}

// TestIgnored: what inserts an event that is there, and ignores that it is, changes nothing.
func TestIgnored(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "x.db"), sqlite.Create)
	l, ctx := storetest.NewLedger(t, "KH"), context.Background()
	if _, err := s.Append(ctx, l.Batch(3)); err != nil {
		t.Fatal(err)
	}
	log := func(tx *sql.Tx) (text string, err error) {
		const query = `SELECT group_concat(rowid || ' ' || position || ' ' || hex(event_id) || ' ' || recorded_at || ' ' || hex(envelope)) FROM events`
		return text, tx.QueryRowContext(ctx, query).Scan(&text)
	}
	if err := s.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		before, err := log(tx)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `INSERT OR IGNORE INTO events SELECT ledger_id, position, event_id, type, effective_on, 0, x'7b7d' FROM events`)
		if err != nil {
			return err
		}
		if after, err := log(tx); err != nil || after != before {
			t.Errorf("the log is %s, was %s: %v", after, before, err)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
}

// TestJoiner looks that what a joiner wrote lives and dies with the append.
func TestJoiner(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	fault := errors.New("fault")
	var fail error
	s := open(t, path, sqlite.Create, func(_ context.Context, tx sqlite.Tx, b *eventstore.Batch) error {
		_, err := tx.Exec(`INSERT INTO totals VALUES (?)`, b.Last())
		return err
	}, func(context.Context, sqlite.Tx, *eventstore.Batch) error { return fail })
	l, ctx := storetest.NewLedger(t, "KH"), context.Background()
	if err := s.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `CREATE TABLE totals (position INTEGER)`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, fail = range []error{nil, fault, nil} {
		if _, err := s.Append(ctx, l.Batch(2)); !errors.Is(err, fail) {
			t.Errorf("%v: %v", fail, err)
		} else if err == nil {
			l.Committed()
		}
	}
	if err := s.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, `INSERT INTO totals VALUES (99)`)
		return errors.Join(err, fault)
	}); !errors.Is(err, fault) {
		t.Error(err)
	}
	var got []int64
	if err := s.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT position FROM totals ORDER BY position`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var position int64
			if err := rows.Scan(&position); err != nil {
				return err
			}
			got = append(got, position)
		}
		return rows.Err()
	}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, []int64{2, 4}) {
		t.Errorf("the joiner's rows are %d", got)
	}
}

// execFile runs statements on a file of any kind.
func execFile(t *testing.T, path string, statements ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

func contents(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func list(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
