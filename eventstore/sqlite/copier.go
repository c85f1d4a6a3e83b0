package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"sync"
)

// The WAL is copied back into the file, and begun anew, when it has autocheckpoint pages. SQLite does that in a commit, which takes as long as some ten
// others, or, once a reader has kept the WAL from being copied for minutes, as long as the disk needs for all that was written meanwhile; and those who
// wait for the commit wait for that, too. So SQLite's own copies are off for the writer, and most is copied before, on a connection beside it. What is left
// then is copied between two commits, as SQLite would: beside the writer the copy would never be complete, and the WAL would never be begun anew.
const (
	// copyPart is how many pages the WAL gets before they are copied beside the writer. Each part costs one sync of the file.
	copyPart = autocheckpoint / 4
	// copyRest is how many pages are copied between two commits in any case.
	copyRest = 2 * copyPart
	// copyLook is after how many commits it is looked how many pages there are, while they are few.
	copyLook = 8
)

// A copier copies the WAL back into the file. Its methods are called by who has the writer's slot.
type copier struct {
	db      *sql.DB
	commits int
	full    bool // the WAL has as many pages as it should have at most

	busy   sync.Mutex // held while the WAL is being copied
	tried  int64      // how many pages the WAL had when they were copied beside the writer; 0: they were not since it was begun
	left   int64      // how many of them were not copied before
	failed bool       // that did not work
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
	if c.commits++; c.commits%copyLook == 0 || c.full {
		c.look(tx)
	}
}

// What is asked of the WAL: how many pages it has, and that they are copied, which waits for nobody, and for which nobody waits but who asks. Where a
// reader needs what is in the file, only what is before that is copied.
const (
	countWAL = `PRAGMA wal_checkpoint(NOOP)`
	copyWAL  = `PRAGMA wal_checkpoint(PASSIVE)`
)

// checkpoint runs one of them, and returns how many pages the WAL has, and how many of them are copied.
func checkpoint(tx *session, query string) (pages, copied int64, err error) {
	err = tx.Query(query, func(row []driver.Value) error {
		var busy int64
		return scanRow(row, &busy, &pages, &copied)
	})
	return pages, copied, err
}

// look looks how many pages the WAL has, and sees to it that they are copied.
func (c *copier) look(tx *session) {
	if !c.busy.TryLock() {
		return
	}
	pages, copied, err := checkpoint(tx, countWAL)
	if err != nil {
		c.busy.Unlock()
		return
	}
	c.full = pages >= autocheckpoint
	if pages < c.tried { // the WAL was begun anew
		c.tried = 0
	}
	left := pages - copied
	// A copy beside the writer that was of all pages that there were, and left not much less than before, is no use.
	vain := c.tried > 0 && copied >= c.tried && left > c.left/2
	switch {
	case c.full && (left <= copyRest || vain || c.failed):
		c.failed = false
		_, _, _ = checkpoint(tx, copyWAL)
		c.busy.Unlock()
	case pages-max(copied, c.tried) >= copyPart:
		c.tried, c.left = pages, left
		go func() {
			defer c.busy.Unlock()
			_, err := c.db.ExecContext(context.Background(), copyWAL)
			c.failed = err != nil
		}()
	default:
		c.busy.Unlock()
	}
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
