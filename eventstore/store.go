package eventstore

import (
	"context"

	"github.com/google/uuid"
)

// A Log reads one ledger's events. A method that takes a function calls it in order and stops at its first error, which it
// returns. Records and slices handed to the function may be reused after it returns, except Record.Envelope.
type Log interface {
	// Head returns where the ledger ends, or ErrNotFound.
	Head(ctx context.Context, ledger uuid.UUID) (Head, error)
	// Read calls yield with the events of positions from … to, in order, without their subjects. A to that is 0 or beyond
	// the head means the head as of the call. A position that is missing is ErrCorrupt.
	Read(ctx context.Context, ledger uuid.UUID, from, to int64, yield func(*Record) error) error
	// Event returns the event with an ID, or ErrNotFound.
	Event(ctx context.Context, ledger, id uuid.UUID) (Record, error)
	// Subject calls yield with the events of positions from … to that name a subject, in order. A to that is 0 means the head.
	Subject(ctx context.Context, ledger uuid.UUID, subject string, from, to int64, yield func(*Record) error) error
}

// An Appender extends a ledger.
type Appender interface {
	// Append stores a batch, all or nothing, and returns the signed checkpoint that was stored, after a durable commit.
	// Errors: *HeadMovedError, ErrLedgerExists, ErrLocked, ErrReadOnly, ErrFull (nothing is stored);
	// ErrOutcomeUnknown (see there).
	Append(ctx context.Context, b *Batch) (note []byte, err error)
	// Lock takes the ledger's write lock, waiting for whoever holds it, so that an append that was under way is over
	// and no other can begin.
	Lock(ctx context.Context, ledger uuid.UUID) (Lock, error)
	// Begin is Lock, but waits no longer than Append does. It is for an append whose batch is made meanwhile.
	// Errors: ErrNotFound, ErrLocked, ErrReadOnly.
	Begin(ctx context.Context, ledger uuid.UUID) (Lock, error)
}

// A Lock holds a ledger's write lock. Release must be called in the end; after a successful Append it does nothing.
type Lock interface {
	// Head is where the ledger ends; it cannot move while the lock is held.
	Head() Head
	// Append is Appender.Append under the lock, and gives the lock back.
	Append(ctx context.Context, b *Batch) (note []byte, err error)
	// Confirm makes durable whatever is committed by now, by a commit of its own, and gives the lock back: what is read under the lock may
	// have been committed by someone who could not see to that. Errors: as of Append.
	Confirm(ctx context.Context) error
	Release() error
}

// An Early is a lock that takes what a batch begins with while the rest of it is still being made. The locks of a store for which one more
// statement costs more than that brings are none.
type Early interface {
	Lock
	// Insert inserts the records and the commands that follow those of the call before. They must not change until the lock is given back. Append
	// is then given the whole batch, and inserts the rest. After an error there is only Release.
	Insert(ctx context.Context, records []Record, commands []Command) error
}

// Memory is what the writer asks the log about the past.
type Memory interface {
	// Commands returns those of the IDs that were accepted before.
	Commands(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Command, error)
	// CommandsAround returns the last ID of an accepted command before id, or [uuid.Nil], and the first that is not before it, or
	// [uuid.Max].
	CommandsAround(ctx context.Context, ledger, id uuid.UUID) (before, after uuid.UUID, err error)
	// Private returns those of the private texts that still exist.
	Private(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]Private, error)
	// Tile returns the hashes of a full tile, or ErrNotFound.
	Tile(ctx context.Context, ledger uuid.UUID, level int, index int64) ([]byte, error)
}

// Snapshots keeps the two latest snapshots of a ledger's book.
type Snapshots interface {
	SaveSnapshot(ctx context.Context, ledger uuid.UUID, s Snapshot) error
	// Snapshots returns what is kept, latest first.
	Snapshots(ctx context.Context, ledger uuid.UUID) ([]Snapshot, error)
}

// Tables reads what the log keeps beside the events, whole, for whoever checks it. Each calls yield in the order of the
// table's key. A row that cannot be right by itself is a *RowError, which may come after the other rows.
type Tables interface {
	AllSubjects(ctx context.Context, ledger uuid.UUID, yield func(subject string, position int64) error) error
	AllCommands(ctx context.Context, ledger uuid.UUID, yield func(Command) error) error
	AllTiles(ctx context.Context, ledger uuid.UUID, yield func(level int, index int64, hashes []byte) error) error
	AllCheckpoints(ctx context.Context, ledger uuid.UUID, yield func(Checkpoint) error) error
	AllPrivate(ctx context.Context, ledger uuid.UUID, yield func(Private) error) error
	// Span returns the first and the last position that the events of a ledger have, whatever its head says; both are 0 when there are none.
	Span(ctx context.Context, ledger uuid.UUID) (first, last int64, err error)
	// Strays returns what lacks other rows: of each table each ledger_id that has no row in ledgers, and of ledgers each that has no
	// events, or no row in origins, sorted. It looks at every table that has a ledger_id, also those of read models.
	Strays(ctx context.Context) ([]Stray, error)
	// Breaches returns what is missing of that which keeps the events and tiles as they are, such as triggers, and what roles may do beyond
	// what this program gives them, sorted.
	Breaches(ctx context.Context) ([]Breach, error)
}

// A Directory lists the ledgers of a database.
type Directory interface {
	// Ledgers returns the heads of all ledgers, in order of origin.
	Ledgers(ctx context.Context) ([]Head, error)
}

// A Store is one database with any number of ledgers. All methods may be called at once from many goroutines.
type Store interface {
	Log
	Appender
	Memory
	Snapshots
	Tables
	Directory
	Close() error
}
