package bench

import (
	"context"
	"os/exec"
	"time"

	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/projections"
)

// Soquy is the program under test on one database.
type Soquy interface {
	// Create makes a ledger of an origin.
	Create(ctx context.Context, origin string) error
	// Writer opens a ledger for recording, as every recording command does.
	Writer(ctx context.Context, origin string) (Writer, error)
	// Replay opens a ledger for recording from its first event on, as if no snapshot of the book were there, and closes it again without
	// saving one. It returns how long the opening took.
	Replay(ctx context.Context, origin string) (time.Duration, error)
	// Reader opens a ledger for reading.
	Reader(ctx context.Context, origin string) (Reader, error)
	// Rebuild makes all read models anew.
	Rebuild(ctx context.Context, origin string) error
	// Verify checks everything that can be checked; that something is wrong is an error.
	Verify(ctx context.Context, origin string) error
	// Record is `soquy record` of a file. That a line is refused is an error.
	Record(ctx context.Context, origin, path string) error
	// Process is `soquy record -` of a ledger, to be run as a process of its own.
	Process(ctx context.Context, origin string) (*exec.Cmd, error)
}

// A Writer records in one ledger.
type Writer interface {
	Ledger() *ledger.Ledger
	// Trace has the steps inside the database timed as well, which costs a little.
	Trace(on bool)
	// Work says what was done since the writer was opened.
	Work() (Work, error)
	// Redo encodes and hashes the events of positions from first to last again, and says how long one event took.
	Redo(ctx context.Context, first, last int64) (encode, hash time.Duration, err error)
	Close() error
}

// Work is what a writer did, and where the time went. The steps are those of the goroutine that writes, one after another.
type Work struct {
	Batches, Commands, Events int64

	Busy  time.Duration // from taking a batch to its durable commit
	Look  time.Duration // for commands that were accepted before
	Begin time.Duration // begin the transaction, lock and compare the head
	Sign  time.Duration
	Write time.Duration // events, subjects, commands, and whatever else the store itself writes
	Join  time.Duration // the read models
	End   time.Duration // the rest of the transaction: swap and commit
}

// minus is what was done since an earlier look.
func (w Work) minus(o Work) Work {
	return Work{
		w.Batches - o.Batches, w.Commands - o.Commands, w.Events - o.Events,
		w.Busy - o.Busy, w.Look - o.Look, w.Begin - o.Begin, w.Sign - o.Sign, w.Write - o.Write, w.Join - o.Join, w.End - o.End,
	}
}

// A Reader reads one ledger.
type Reader interface {
	// View calls f with one state of the ledger.
	View(ctx context.Context, f func(View) error) error
	// ViewAt is View of what was known at a position.
	ViewAt(ctx context.Context, position int64, f func(View) error) error
	Close() error
}

// A View is one state of a ledger.
type View interface {
	projections.Balances
	projections.Totals
}
