package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/migrations"
)

const (
	// driverName is the name under which modernc.org/sqlite is registered.
	driverName = "sqlite"

	// pageSize is that of a new file. A commit writes whole pages, and most of those that it changes only by a row: one a table and index.
	pageSize = 4_096
	// busyTimeout is how long, in milliseconds, a statement waits for another process before ErrLocked.
	busyTimeout = 5_000
	// walRetry is how long the change to WAL mode, for which SQLite does not wait, is left alone before it is tried anew.
	walRetry = 10 * time.Millisecond
	// settle is how long a file that seems broken is watched for a change.
	settle = 50 * time.Millisecond
	// autocheckpoint is how many pages the WAL gets before it is copied back into the file and begun anew, see copier: 16 MiB. More of them
	// make a copy rarer and larger: the page of a busy index is copied once for many commits.
	autocheckpoint = 16 << 20 / pageSize
	// journalLimit is the size in bytes to which a WAL that grew under a long reader is cut.
	journalLimit = 64 << 20
	// cacheWriter and cacheReader are the page caches of a connection in KiB. The writer's holds the inner pages of every
	// index of a large ledger.
	cacheWriter = 64 << 10
	cacheReader = 16 << 10
)

// dsn is the driver's name for the file with parameters of the form "key=value".
func dsn(path string, params ...string) string {
	// An absolute path, as a file: URI has no relative ones; ToSlash, because it has no backslashes.
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(path)}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // a drive letter
	}
	return u.String() + "?" + strings.Join(params, "&")
}

func pragma(name string, value any) string { return fmt.Sprintf("_pragma=%s(%v)", name, value) }

func open(ctx context.Context, path string, opt Options, joiners []Joiner) (*Store, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	s := &Store{path: abs, mode: opt.Mode, joiners: joiners}
	// Both are switches of the whole process, best turned before its first connection, and without effect where the
	// system does not have them. Locks that belong to the open file survive that somebody else in the process, such as a
	// backup, opens and closes the file. fdatasync makes a commit as durable as fsync does, without a write of the file's times; SQLite's own builds use it.
	_, _ = driver.OFDLocking(true)
	_, _ = driver.Fdatasync(true)
	fresh, err := s.inspect(ctx)
	if err != nil {
		return nil, err
	}
	if fresh && opt.Mode != Create {
		return nil, eventstore.ErrNoSchema
	}
	if opt.Mode == ReadOnly {
		err = s.openReadOnly(ctx)
	} else {
		err = s.openReadWrite(ctx)
		if cannotMakeSideFiles(err) && isReadOnly(filepath.Dir(s.path)) {
			err = fmt.Errorf("%w: %w", eventstore.ErrReadOnly, err)
		}
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// isReadOnly reports whether no file can be made in a folder: it is not ours to write, or on a disk that is read-only. SQLite
// says of both only that it cannot open a file.
func isReadOnly(folder string) bool {
	f, err := os.CreateTemp(folder, ".soquy-*")
	if err != nil {
		return errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS)
	}
	_ = f.Close()
	_ = os.Remove(f.Name())
	return false
}

// inspect looks at the file and writes nothing: fresh says that it is not there or empty. It reads through SQLite, as
// immutable so that no lock and no other file is made: where locks belong to the process, closing a file of our own
// would give up those of every connection to the same file.
func (s *Store) inspect(ctx context.Context) (fresh bool, err error) {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && s.mode == Create:
		dir, err := os.Stat(filepath.Dir(s.path))
		if err != nil {
			return false, err
		}
		if !dir.IsDir() {
			return false, fmt.Errorf("%s is not a folder", filepath.Dir(s.path))
		}
		return true, nil
	case err != nil:
		return false, err
	case info.IsDir():
		return false, fmt.Errorf("%s is a folder", s.path)
	case info.Size() == 0:
		return true, nil
	}
	id, err := s.applicationID(ctx)
	for kindOf(err) == eventstore.ErrCorrupt {
		// Read without a lock, a file that another process is just making can be half there. One that stays as it is is broken.
		before := info
		select {
		case <-time.After(settle):
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if info, _ = os.Stat(s.path); info == nil || info.Size() == before.Size() && info.ModTime().Equal(before.ModTime()) {
			break
		}
		id, err = s.applicationID(ctx)
	}
	if err != nil {
		return false, errors.Join(unreadable(s.path, err), err)
	}
	if id != migrations.ApplicationID {
		return false, fmt.Errorf("%w: the application_id of the file is %#x", eventstore.ErrForeign, id)
	}
	return false, nil
}

// unreadable says of a file that SQLite cannot open that we may not read it, or nil. That file is not open in this process, or it could be read: so
// nobody's lock is given up.
func unreadable(path string, err error) error {
	if primary(err) != lib.SQLITE_CANTOPEN {
		return nil
	}
	f, err := os.Open(path)
	if err == nil {
		_ = f.Close()
	}
	if errors.Is(err, fs.ErrPermission) {
		return err
	}
	return nil
}

// applicationID reads which program the file belongs to, and takes no lock. It sees no WAL: a process that was killed while it copied that into the
// file leaves a first page that says that the file is longer than it is, which SQLite takes for a broken file unless its schema is writable.
func (s *Store) applicationID(ctx context.Context) (id uint32, err error) {
	const query = `PRAGMA application_id`
	db, err := sql.Open(driverName, dsn(s.path, "mode=ro", "immutable=1", pragma("writable_schema", 1)))
	if err != nil {
		return 0, err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, query).Scan(&id)
	return id, err
}

func (s *Store) openReadOnly(ctx context.Context) error {
	s.tidy = !exists(s.path + "-wal")
	if err := s.openReaders("mode=ro"); err != nil {
		return err
	}
	err := migrations.Check(ctx, s.read, migrations.SQLite)
	if s.tidy && cannotMakeSideFiles(err) {
		// SQLite makes a -wal and a -shm beside the file even to read it. Where it cannot, and there is no -wal whose
		// pages would be missing, the file is all there is, and nobody with our rights can change it.
		s.tidy = false
		_ = s.read.Close()
		if err := s.openReaders("mode=ro", "immutable=1"); err != nil {
			return err
		}
		err = migrations.Check(ctx, s.read, migrations.SQLite)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	return nil
}

func (s *Store) openReadWrite(ctx context.Context) error {
	if err := s.prepareFile(ctx); err != nil {
		return err
	}
	if err := s.openReaders("mode=rw"); err != nil {
		return err
	}
	w, err := openWriter(ctx, s.path)
	if err != nil {
		return errors.Join(err, s.Close())
	}
	s.writer = w
	return nil
}

// prepareFile makes the file where it may, brings its tables up to date, and turns WAL mode on, which stays in the file.
// It works on a connection of its own, because the application_id must be the first thing that is ever written.
func (s *Store) prepareFile(ctx context.Context) error {
	mode := "mode=rw"
	if s.mode == Create {
		mode = "mode=rwc"
	}
	db, err := sql.Open(driverName, dsn(s.path, mode, "_txlock=immediate",
		pragma("page_size", pageSize), pragma("busy_timeout", busyTimeout), pragma("synchronous", "FULL")))
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	err = migrations.Check(ctx, db, migrations.SQLite)
	switch {
	case errors.Is(err, migrations.ErrNoSchema) && s.mode == Create, errors.Is(err, migrations.ErrOlder):
		err = migrations.Up(ctx, db, migrations.SQLite)
	}
	if err != nil {
		return err
	}
	if err := turnOnWAL(ctx, db); err != nil {
		return fmt.Errorf("turn on WAL mode: %w", err)
	}
	return db.Close()
}

// turnOnWAL sees to it that the file is in WAL mode. The change of a mode needs the file for itself, and SQLite does not wait for
// that as it waits for a lock, so that opening a new file in two processes at once would fail in one: it is tried anew here.
func turnOnWAL(ctx context.Context, db *sql.DB) error {
	const wal = `PRAGMA journal_mode = WAL`
	deadline := time.NewTimer(busyTimeout * time.Millisecond)
	defer deadline.Stop()
	for {
		var got string
		err := db.QueryRowContext(ctx, wal).Scan(&got)
		switch {
		case err == nil && got != "wal":
			return fmt.Errorf("the journal mode stays %q", got)
		case kindOf(err) != eventstore.ErrLocked:
			return err // nil when it is done
		}
		select {
		case <-time.After(walRetry):
		case <-deadline.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// openReaders opens the pool of readers. They do not map the file into memory, which would make reading a sixth faster: a
// bad sector, or a file that another program cut short, would end the process instead of being an error.
func (s *Store) openReaders(params ...string) error {
	params = append(params,
		pragma("busy_timeout", busyTimeout), pragma("query_only", 1), pragma("cache_size", -cacheReader))
	db, err := openDB(dsn(s.path, params...))
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	s.read = db
	return nil
}
