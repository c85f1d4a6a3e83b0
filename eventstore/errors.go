package eventstore

import (
	"errors"
	"fmt"
)

var (
	// ErrNotFound: there is no such ledger, event, tile or snapshot.
	ErrNotFound = errors.New("not found")
	// ErrLedgerExists: a batch that makes a ledger (After = 0) found one with that ID or origin.
	ErrLedgerExists = errors.New("ledger exists")
	// ErrLocked: another process holds the database's write lock for longer than the store waits.
	ErrLocked = errors.New("database is locked by another process")
	// ErrOutcomeUnknown: the connection was lost while the batch was being committed. The batch may be stored or not;
	// only the database can tell, after Lock.
	ErrOutcomeUnknown = errors.New("outcome of the commit is unknown")
	// ErrUnavailable: the server cannot be reached, is starting or stopping, or the connection was lost; nothing was committed.
	ErrUnavailable = errors.New("database server cannot be reached")
	// ErrReadOnly: the database, its file or its folder cannot be written.
	ErrReadOnly = errors.New("database is read-only")
	// ErrFull: the disk is full.
	ErrFull = errors.New("disk is full")
	// ErrForeign: the database or file belongs to another program.
	ErrForeign = errors.New("database belongs to another program")
	// ErrNewer: the schema was made by a newer version of this program.
	ErrNewer = errors.New("schema is newer than this program")
	// ErrOlder: the schema was made by an older version of this program, and the database was opened read-only.
	ErrOlder = errors.New("schema is older than this program")
	// ErrNoSchema: the database has no tables of this program yet.
	ErrNoSchema = errors.New("database has no soquy schema")
	// ErrCorrupt: rows contradict each other, such as events without their ledger's head.
	ErrCorrupt = errors.New("log is inconsistent")
)

// A HeadMovedError says that the ledger's head is not where the batch expected it: another process appended first.
type HeadMovedError struct {
	Expected, Actual int64
}

func (e *HeadMovedError) Error() string {
	return fmt.Sprintf("head moved: expected position %d, is %d", e.Expected, e.Actual)
}

// A RowError is ErrCorrupt with the place: a column has what it cannot have.
type RowError struct {
	Column   string // such as "events.effective_on"
	Position int64  // 0 when the row is not about one event
	Problem  string
}

func (e *RowError) Error() string {
	if e.Position == 0 {
		return e.Column + " " + e.Problem
	}
	return fmt.Sprintf("%s of position %d %s", e.Column, e.Position, e.Problem)
}

// Is says that it is ErrCorrupt.
func (e *RowError) Is(target error) bool { return target == ErrCorrupt }

// CopyExactly copies what a column has where that is as long as it must be: nothing is read for what it begins with. Errors: *RowError.
func CopyExactly(to, from []byte, column string, position int64) error {
	if copy(to, from) != len(from) || len(from) != len(to) {
		return &RowError{Column: column, Position: position, Problem: fmt.Sprintf("has %d bytes, not %d", len(from), len(to))}
	}
	return nil
}
