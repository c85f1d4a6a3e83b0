// Package sqlite keeps the log in one SQLite file.
//
// What it guarantees: an append is one transaction (BEGIN IMMEDIATE … COMMIT) in WAL mode with synchronous=FULL, so a
// note that Append returned is on disk, and a crash at any moment leaves the whole batch or none of it. Any number of
// processes on one machine may use the file at once: one writes, all others read what was committed, and none blocks a
// reader. Triggers refuse to change or delete an event. A file of another program is never written to. Deleted private
// texts are overwritten (secure_delete), and the WAL that held them is cut.
//
// Its weaknesses: the file must be on a local disk, as SQLite's locks and its shared memory do not work over a network.
// Whoever may write the file may drop the triggers; that the past was changed is then seen by `verify`, not prevented.
// A reader that stays in one View for long keeps the WAL from being cut, which then grows, and so does an erased text
// stay in it. A copy of the file made while a writer runs is a backup only with its -wal beside it, or when made by
// SQLite's own backup.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/soquy/soquy/eventstore"
)

// A Joiner takes part in the transaction of an append: read models that money depends on. An error undoes the append.
// It runs after the events were inserted, in the order in which joiners were given to Open. The context is never
// cancelled; the append looks at its own at each step.
type Joiner func(ctx context.Context, tx Tx, b *eventstore.Batch) error

// A Mode says what Open may do to the file.
type Mode int

const (
	// ReadOnly never writes to the database. The schema must be that of this program.
	ReadOnly Mode = iota
	// ReadWrite opens a database that is there, and brings an older schema up to date.
	ReadWrite
	// Create is ReadWrite, and makes the file and its tables where there are none.
	Create
)

// Options say how Open opens a database.
type Options struct {
	Mode Mode
}

// readers is how many connections read at once. A reader works in memory that others read too, so more than the machine
// has cores gains nothing, and each has a page cache of its own.
const readers = 4

// A Store is one SQLite file. It implements eventstore.Store.
type Store struct {
	path    string
	mode    Mode
	joiners []Joiner
	read    *sql.DB
	writer  *writer  // nil when read-only
	tidy    bool     // the side files are ours to take away
	stmts   sync.Map // of the readers: query → *sql.Stmt
}

var _ eventstore.Store = (*Store)(nil)

// Open opens the file at path as opt.Mode says. Errors: fs.ErrNotExist, eventstore.ErrForeign (the file is left as it
// is, byte for byte), ErrNewer, ErrOlder and ErrNoSchema (as the mode allows), ErrReadOnly, ErrLocked, ErrFull.
func Open(path string, opt Options, joiners ...Joiner) (*Store, error) {
	s, err := open(context.Background(), path, opt, joiners)
	if err != nil {
		return nil, wrap("open "+path, err)
	}
	return s, nil
}

// Close ends all use of the file. It waits for an append that is under way.
func (s *Store) Close() error {
	var err error
	if s.writer != nil {
		err = s.writer.close()
	}
	err = errors.Join(err, s.read.Close())
	if s.tidy {
		s.removeSideFiles()
	}
	if err != nil {
		return wrap("close "+s.path, err)
	}
	return nil
}

// View calls f in one read transaction, so that all it reads is of one state of the database. Appends go on meanwhile;
// a View that lasts keeps the WAL from being cut.
func (s *Store) View(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return wrap("read", err)
	}
	defer tx.Rollback()
	return f(ctx, tx)
}

// Write calls f in one write transaction, for read models that are rebuilt. It commits when f returns nil. Appends wait.
func (s *Store) Write(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error {
	w := s.writer
	if err := w.take(ctx); err != nil {
		return wrap("write", err)
	}
	defer func() { <-w.slot }()
	w.left = left{}
	// An open transaction is ended here, and not from behind by database/sql when ctx ends.
	detached, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	attached := context.AfterFunc(ctx, cancel)
	tx, err := w.conn.BeginTx(detached, nil)
	if err == nil {
		defer tx.Rollback()
	}
	if !attached() {
		return wrap("write", ctx.Err())
	}
	if err != nil {
		return wrap("write", err)
	}
	if err := f(context.WithoutCancel(ctx), tx); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return wrap("write", err)
	}
	_ = w.raw(func(tx *session) error {
		w.copier.look(tx) // it may have been much
		return nil
	})
	w.cutErased()
	return nil
}

// removeSideFiles takes away the empty -wal and -shm that reading a file made which had none. SQLite does so itself when
// the last connection that may write closes, and leaves them to another process that uses them.
func (s *Store) removeSideFiles() {
	wal, err := os.Stat(s.path + "-wal")
	if err != nil || wal.Size() != 0 {
		return
	}
	db, err := sql.Open(driverName, dsn(s.path, "mode=rw", "_pragma=busy_timeout(0)"))
	if err != nil {
		return
	}
	defer db.Close()
	var n int64
	_ = db.QueryRow(`SELECT count(*) FROM sqlite_schema`).Scan(&n) // opens the WAL; the files stay where that fails
}

// exists says whether there is a file at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

func (m Mode) String() string {
	switch m {
	case ReadOnly:
		return "read-only"
	case ReadWrite:
		return "read-write"
	case Create:
		return "create"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}
