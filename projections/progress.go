package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// ErrStale says that a read model in the database is of another version than this program's, or is missing, or that all are not where the log is: it
// must be rebuilt, or all must.
var ErrStale = errors.New("read model is stale and must be rebuilt")

// ErrBusy says that another rebuild of the same read model went on.
var ErrBusy = errors.New("another rebuild is under way")

// Position is how far a read model has come.
type Position struct {
	Name     string
	Version  int // of the rows
	Slot     int
	Position int64
	Stale    bool // it must be rebuilt
}

// Progress answers how far read models have come.
type Progress interface {
	// Progress returns all read models of this program, in order of Models, also missing ones.
	Progress(ctx context.Context) ([]Position, error)
}

// Events reads events from … to (inclusive, from 1) in order, calls yield with each, and stops at its first error. Yield may keep what
// it gets.
type Events func(ctx context.Context, from, to int64, yield func(*domain.Event) error) error

// Whole reads like f, and makes sure that every position came, in order. Errors: eventstore.ErrCorrupt.
func (f Events) Whole(ctx context.Context, from, to int64, yield func(*domain.Event) error) error {
	next := from
	err := f(ctx, from, to, func(e *domain.Event) error {
		if e.Position != next || next > to {
			return fmt.Errorf("%w: position %d came where %d was expected", eventstore.ErrCorrupt, e.Position, next)
		}
		next++
		return yield(e)
	})
	if err == nil && next <= to {
		err = fmt.Errorf("%w: position %d is missing", eventstore.ErrCorrupt, next)
	}
	return err
}
