package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// A commit that leaves the WAL with autocheckpoint pages copies them back into the file, which takes as long as some ten commits, and those who wait for
// it wait for that, too. So a part is copied before, on a connection of its own, beside the writer: what is left for that commit is the last part.
const (
	// copyPart is how many pages the WAL gets before they are copied beside the writer. Each part costs one sync of the file.
	copyPart = autocheckpoint / 4
	// copyLook is after how many commits it is looked how many there are.
	copyLook = 8
)

// A copier copies the WAL back into the file beside a writer. It is an aid: what it cannot do, a commit does. Its methods are called by who has the
// writer's slot.
type copier struct {
	db      *sql.DB
	commits int
	tried   int64 // how many pages the WAL had when they were copied last
	busy    sync.Mutex
}

func newCopier(path string) (*copier, error) {
	db, err := openDB(dsn(path, "mode=rw", pragma("synchronous", "FULL"), pragma("wal_autocheckpoint", 0)))
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	return &copier{db: db}, nil
}

// committed is told of a commit of a session.
func (c *copier) committed(tx *session) {
	const look = `PRAGMA wal_checkpoint(NOOP)`
	if c.commits++; c.commits%copyLook != 0 || !c.busy.TryLock() {
		return
	}
	var pages, copied int64
	err := tx.Query(look, func(row []driver.Value) error {
		var busy int64
		return scanRow(row, &busy, &pages, &copied)
	})
	if pages < c.tried { // the WAL was begun anew
		c.tried = 0
	}
	// Where a reader needs what is in the file, no more is copied; that is not tried over and over.
	if err != nil || pages-max(copied, c.tried) < copyPart {
		c.busy.Unlock()
		return
	}
	c.tried = pages
	go func() {
		const passive = `PRAGMA wal_checkpoint(PASSIVE)` // it waits for nobody, and nobody for it
		defer c.busy.Unlock()
		_, _ = c.db.ExecContext(context.Background(), passive)
	}()
}

// hold waits for what is being copied. Nothing is until release.
func (c *copier) hold() (release func()) {
	c.busy.Lock()
	return c.busy.Unlock
}

func (c *copier) close() error {
	defer c.hold()()
	return c.db.Close()
}
