package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// A writer is the one connection that writes. slot is its mutex, one that a waiting goroutine can leave when its context
// ends, and that is given to waiters in the order in which they came.
type writer struct {
	slot chan struct{}
	db   *sql.DB
	conn *sql.Conn

	events, subjects, commands *inserter

	copier *copier

	dates    dates
	left     left
	known    pending // of the ledger that was appended to last
	grouped  subjectGroups
	gathered gatheredRuns
	uncut    bool // the WAL may still hold texts that were erased
	closing  bool
}

// left is how the last append left the database. The zero value: it was not left by an append.
type left struct {
	ledger           uuid.UUID
	position, joined int64
	version          uint32
}

// The number of columns of the tables that are inserted by many rows.
const (
	eventColumns   = 7
	subjectColumns = 4
	commandColumns = 5
)

func openWriter(ctx context.Context, path string) (_ *writer, err error) {
	if err := registerVFS(); err != nil {
		return nil, err
	}
	db, err := openDB(dsn(path, "mode=rw", "vfs="+vfsName, "_txlock=immediate",
		pragma("busy_timeout", busyTimeout), pragma("synchronous", "FULL"), pragma("foreign_keys", 1),
		pragma("secure_delete", 1), pragma("cache_size", -cacheWriter), pragma("temp_store", "MEMORY"),
		pragma("wal_autocheckpoint", 0), pragma("journal_size_limit", journalLimit)))
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	db.SetMaxOpenConns(1)
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	copier, err := newCopier(path)
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, copier.close())
		}
	}()
	// A process that was killed after an erasure may have left the text in the WAL.
	w := &writer{slot: make(chan struct{}, 1), db: db, conn: conn, copier: copier, uncut: true}
	err = conn.Raw(func(c any) (err error) {
		// SQLite opens a file that it may not write as read-only, and says nothing.
		inner := c.(*connection).Unwrap()
		switch ro, err := inner.(interface{ IsReadOnly(string) (bool, error) }).IsReadOnly("main"); {
		case err != nil:
			return err
		case ro:
			return eventstore.ErrReadOnly
		}
		p := inner.(driver.ConnPrepareContext)
		if w.events, err = newInserter(ctx, p, "events", eventColumns); err != nil {
			return err
		}
		if w.subjects, err = newInserter(ctx, p, "subjects", subjectColumns); err != nil {
			return err
		}
		w.commands, err = newInserter(ctx, p, "commands", commandColumns)
		return err
	})
	if err != nil {
		return nil, errors.Join(err, w.closeConn())
	}
	return w, nil
}

// close waits for the transaction that is open, ends the connection, and lets nobody in again.
func (w *writer) close() error {
	w.slot <- struct{}{}
	defer func() { <-w.slot }()
	if w.closing {
		return nil
	}
	w.closing = true
	_ = w.settle() // what stays in runs is found there
	w.cutErased()
	return errors.Join(w.copier.close(), w.closeConn(), w.db.Close())
}

// closeConn gives back what is prepared on the connection, and the connection.
func (w *writer) closeConn() error {
	err := w.conn.Raw(func(any) error {
		return errors.Join(w.events.close(), w.subjects.close(), w.commands.close())
	})
	return errors.Join(err, w.conn.Close())
}

// take waits for the slot.
func (w *writer) take(ctx context.Context) error {
	if w == nil {
		return eventstore.ErrReadOnly
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case w.slot <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	if w.closing {
		<-w.slot
		return sql.ErrConnDone
	}
	return nil
}

// raw calls f with the connection below database/sql.
func (w *writer) raw(f func(tx *session) error) error {
	return w.conn.Raw(func(c any) error { return f(&session{c: c.(*connection)}) })
}

// What a transaction begins and ends with. Immediate: it has the file's write lock from its begin on.
const (
	begin    = `BEGIN IMMEDIATE`
	commit   = `COMMIT`
	rollback = `ROLLBACK`
)

// A transaction is an open write transaction, and holds the writer's slot until its end.
type transaction struct {
	*writer
	untouched       bool    // nothing was written since the last append
	before, pending pending // the append
	done            bool
}

// raw calls f with the connection below database/sql.
func (t *transaction) raw(f func(tx *session) error) error {
	return t.writer.raw(func(tx *session) error {
		tx.untouched = t.untouched
		return f(tx)
	})
}

// begin waits for the slot and for other processes, and begins a write transaction. Once it has begun, ctx has no power
// over it.
func (s *Store) begin(ctx context.Context) (*transaction, error) {
	w := s.writer
	if err := w.take(ctx); err != nil {
		return nil, err
	}
	t := &transaction{writer: w}
	err := w.raw(func(tx *session) error {
		_, err := tx.c.exec(ctx, begin, nil)
		if err != nil {
			_, _ = tx.Exec(rollback) // it may have begun just before ctx ended
			return err
		}
		if w.left != (left{}) {
			version, err := tx.version()
			t.untouched = err == nil && version == w.left.version
		}
		return nil
	})
	if err != nil {
		<-w.slot
		if ctxErr := ctx.Err(); ctxErr != nil {
			return nil, ctxErr
		}
		return nil, err
	}
	return t, nil
}

// commit makes the transaction durable, calls then if it is, and gives the slot back.
func (t *transaction) commit(then func(tx *session)) error {
	err := t.raw(func(tx *session) error {
		_, err := tx.Exec(commit)
		if err != nil {
			_, _ = tx.Exec(rollback) // a disk that is full leaves it open
			return err
		}
		then(tx)
		t.copier.committed(tx)
		return nil
	})
	if err == nil {
		t.cutErased()
	}
	t.end()
	return err
}

// rollback undoes the transaction and gives the slot back. After commit it does nothing.
func (t *transaction) rollback() error {
	if t.done {
		return nil
	}
	err := t.raw(func(tx *session) error {
		_, err := tx.Exec(rollback)
		return err
	})
	t.end()
	return err
}

func (t *transaction) end() {
	if !t.done {
		t.done = true
		<-t.slot
	}
}

// cutErased cuts the WAL when it may hold texts that were erased.
func (w *writer) cutErased() {
	if w.uncut {
		w.uncut = !w.cut()
	}
}

// cut copies the WAL into the file and cuts it to nothing, so that no erased text is left in it. It waits for nobody but the copier: a
// reader that still needs the WAL makes it fail, and the next commit tries again.
func (w *writer) cut() bool {
	const (
		impatient = `PRAGMA busy_timeout = 0`
		truncate  = `PRAGMA wal_checkpoint(TRUNCATE)`
	)
	defer w.copier.hold()()
	ctx := context.Background()
	if _, err := w.conn.ExecContext(ctx, impatient); err != nil {
		return false
	}
	defer w.conn.ExecContext(ctx, fmt.Sprintf(`PRAGMA busy_timeout = %d`, busyTimeout))
	var busy, log, copied int64
	err := w.conn.QueryRowContext(ctx, truncate).Scan(&busy, &log, &copied)
	return err == nil && busy == 0
}
