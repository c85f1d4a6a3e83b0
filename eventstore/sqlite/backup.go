package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	driver "modernc.org/sqlite"

	"github.com/soquy/soquy/eventstore"
)

// backupPages is how many pages are copied between two looks at the context: 2 MiB.
const backupPages = 2 << 20 / pageSize

// Backup copies the database, as it is now, to a new file at path, while others go on to read and to append. The copy is made
// under another name in the same folder, checked by SQLite, made durable, and only then named path: a file of that
// name is a whole backup. It is a database like any other, with the rights of the original, and has all ledgers and all private texts that
// were not erased by then.
//
// It is made in one read transaction, so what is appended meanwhile neither gets into it nor makes it begin again; the WAL
// grows by that much. Progress, which may be nil, is told how many of how many bytes are copied; then the check follows.
// Errors: fs.ErrExist (path is there), eventstore.ErrFull, ErrReadOnly, ErrCorrupt (the database has bad pages, and so has its copy).
func (s *Store) Backup(ctx context.Context, path string, progress func(done, total int64)) error {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return wrap("back up to "+path, s.backup(ctx, path, progress))
}

func (s *Store) backup(ctx context.Context, path string, progress func(done, total int64)) (err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return err
	}
	if err := vacant(path); err != nil {
		return err
	}
	original, err := os.Stat(s.path)
	if err != nil {
		return err
	}
	// In the same folder, so that it can be renamed. Nobody else may read it: it has personal data.
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part")
	if err != nil {
		return err
	}
	part := f.Name()
	defer func() {
		if err != nil {
			_ = f.Close() // closed already, when it was whole
			err = errors.Join(err, os.Remove(part))
		}
	}()
	if err := s.copyTo(ctx, part, progress); err != nil {
		return err
	}
	if err := integrity(ctx, part); err != nil {
		return err
	}
	if err := f.Chmod(original.Mode().Perm()); err != nil {
		return err
	}
	if err := f.Sync(); err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	if err := vacant(path); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return err
	}
	part = path // a name that is not durable is no backup
	return syncFolder(filepath.Dir(path))
}

// copyTo copies all pages, as one read transaction sees them, into the empty file at part.
func (s *Store) copyTo(ctx context.Context, part string, progress func(done, total int64)) error {
	const (
		begin = `BEGIN`
		first = `SELECT count(*) FROM sqlite_schema` // BEGIN alone reads nothing yet
		size  = `PRAGMA page_size`
		end   = `ROLLBACK`
	)
	conn, err := s.read.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return err
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), end)
	var n, page int64
	if err := conn.QueryRowContext(ctx, first).Scan(&n); err != nil {
		return err
	}
	if err := conn.QueryRowContext(ctx, size).Scan(&page); err != nil {
		return err
	}
	return conn.Raw(func(c any) error {
		source, ok := c.(*connection).Unwrap().(interface {
			NewBackup(to string) (*driver.Backup, error)
		})
		if !ok {
			return fmt.Errorf("driver %s makes no backups", driverName)
		}
		// Nobody reads the copy before it is whole, so it needs no journal; its file is synced once, at the end.
		b, err := source.NewBackup(dsn(part, "mode=rw", pragma("journal_mode", "OFF"), pragma("synchronous", "OFF")))
		if err != nil {
			return err
		}
		for more := true; more && err == nil; {
			if err = ctx.Err(); err == nil {
				more, err = b.Step(backupPages)
				progress(int64(b.PageCount()-b.Remaining())*page, int64(b.PageCount())*page)
			}
		}
		return errors.Join(err, b.Finish())
	})
}

// integrity has SQLite read all of a file that nobody writes: pages, order of keys, and that each index has what its table has.
func integrity(ctx context.Context, path string) error {
	const check = `PRAGMA integrity_check(1)`
	db, err := sql.Open(driverName, dsn(path, "mode=ro", "immutable=1"))
	if err != nil {
		return err
	}
	defer db.Close()
	var found string
	if err := db.QueryRowContext(ctx, check).Scan(&found); err != nil {
		return err
	}
	if found != "ok" {
		return fmt.Errorf("%w: %s", eventstore.ErrCorrupt, found)
	}
	return nil
}

// vacant says that nothing has a name yet.
func vacant(path string) error {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return errors.Join(err, &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist})
	}
	return nil
}

// syncFolder makes the names in a folder durable. Windows has no such call, and does so by itself.
func syncFolder(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
