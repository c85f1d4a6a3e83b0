package ledger

import (
	"errors"
	"fmt"
)

var (
	// ErrWrongKey says that the key given is not the one that the ledger names.
	ErrWrongKey = errors.New("key does not match the ledger")
	// ErrRolledBack says that the database is older than the head that was last seen committed: it was restored or rolled back.
	ErrRolledBack = errors.New("database is older than the last committed head")
	// ErrClockAhead says that this machine's clock is too far from the database server's.
	ErrClockAhead = errors.New("clock differs from the database server's")
	// ErrClosed says that the ledger was closed while a command waited.
	ErrClosed = errors.New("ledger is closed")
)

// An IntegrityError says that the stored log is not what was signed. Nothing is written to such a log.
type IntegrityError struct {
	Position int64 // 0 when it is not about one event
	What     string
}

func (e *IntegrityError) Error() string {
	if e.Position == 0 {
		return "integrity failure: " + e.What
	}
	return fmt.Sprintf("integrity failure at position %d: %s", e.Position, e.What)
}
