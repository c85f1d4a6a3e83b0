package bench

import (
	"context"
	"errors"
	"time"
)

// A Kind is a kind of database.
type Kind int

// The kinds.
const (
	Postgres Kind = iota
	SQLite
)

// ErrNotEmpty says that there is something in the database.
var ErrNotEmpty = errors.New("database is not empty")

// raw is the database without soquy: what can be done at most.
type raw interface {
	// version names the database.
	version(ctx context.Context) (string, error)
	// fill takes the rows of events of a ledger, n of them, as those that insert inserts.
	fill(ctx context.Context, origin string, n int) error
	// insert empties the bare table and inserts rows for a while, perCommit of them a durable commit. It returns how long each commit
	// took.
	insert(ctx context.Context, perCommit int, while time.Duration) ([]time.Duration, error)
	// read reads all events of a ledger in order of position, and returns how many there were.
	read(ctx context.Context, origin string) (int64, error)
	// point reads one event of a ledger by its position.
	point(ctx context.Context, origin string, position int64) error
	// rewrite writes all rows that a ledger has in any table into tables with the same keys and indexes, in so many commits, and
	// returns how long that took.
	rewrite(ctx context.Context, origin string, commits int64) (time.Duration, error)
	// size is how many bytes the tables and indexes of soquy take, and of how many events with how many bytes of envelopes they are.
	size(ctx context.Context) (extent, error)
	// forget deletes the snapshots of a ledger.
	forget(ctx context.Context, origin string) error
	// close takes away what was made for the limits.
	close(ctx context.Context) error
}

// extent is what a database has in it.
type extent struct{ bytes, events, envelopes int64 }

func (e extent) minus(o extent) extent {
	return extent{e.bytes - o.bytes, e.events - o.events, e.envelopes - o.envelopes}
}

func openRaw(ctx context.Context, kind Kind, db string) (raw, error) {
	if kind == Postgres {
		return openPostgres(ctx, db)
	}
	return openSQLite(ctx, db)
}

// Empty reports whether a database has nothing in it that this package must leave alone: ErrNotEmpty. It changes nothing. A ledger in
// tables of soquy is for the caller to see.
func Empty(ctx context.Context, kind Kind, db string) error {
	if kind == Postgres {
		return postgresEmpty(ctx, db)
	}
	return nil // a file belongs to one program, which whoever opens it sees
}
