package projections

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/soquy/soquy/eventstore"
)

// A Report is told of a rebuild. Either may be nil.
type Report struct {
	// Progress is told after each step how many of how many positions are done.
	Progress func(done, total int64)
	// Differs is told the name of each model whose rows, before they were replaced, were not those that the log leads to.
	Differs func(model string)
}

// Done calls Progress where there is one.
func (r *Report) Done(done, total int64) {
	if r.Progress != nil {
		r.Progress(done, total)
	}
}

// Unknown is the error of a read model that this program does not know: it is of a newer one, which has to go on alone. It is an eventstore.ErrNewer.
func Unknown(model string) error {
	return fmt.Errorf("%w: there is a read model %s", eventstore.ErrNewer, model)
}

// Level looks whether the read models are where a batch begins. Errors: ErrStale.
func Level(b *eventstore.Batch) error {
	if b.Joined != b.After {
		return notLevel(b.After, b.Joined)
	}
	return nil
}

// AllOrLevel looks whether a rebuild of some models leads to ones that are all of one position: where those that are live are not where the log is, all must
// be rebuilt. Errors: ErrStale.
func AllOrLevel(some []*Model, head, joined int64) error {
	if joined != head && len(some) != len(models) {
		return notLevel(head, joined)
	}
	return nil
}

func notLevel(head, joined int64) error {
	return fmt.Errorf("read models are at position %d, the log at %d: %w", joined, head, ErrStale)
}

// LevelTries is how often a rebuild waits for a moment in which what it made and what is live are of the same position, to compare them while appends
// go on. After so many it compares them while they wait.
const LevelTries = 20

// Compare compares the rows of models that a rebuild made with those that are live, by their digests, and tells Differs. Live rows of another version, or
// none, have nothing to be compared with. level is false, and nothing was compared, where one is not of the position. apart says that made and there may
// be called at once.
func (r *Report) Compare(
	models []*Model, live map[string]Position, position int64, apart bool, made, there func(m *Model) ([32]byte, error),
) (level bool, err error) {
	comparable := slices.DeleteFunc(slices.Clone(models), func(m *Model) bool { return live[m.Name].Version != m.Version })
	for _, m := range comparable {
		if live[m.Name].Position != position {
			return false, nil
		}
	}
	sums := make([][32]byte, len(comparable))
	var wrong error
	all := func() {
		for i, m := range comparable {
			if sums[i], wrong = made(m); wrong != nil {
				return
			}
		}
	}
	var beside sync.WaitGroup
	if apart {
		beside.Go(all)
	} else {
		all()
	}
	defer beside.Wait()
	have := make([][32]byte, len(comparable))
	unreadable := make([]bool, len(comparable))
	for i, m := range comparable {
		var row *eventstore.RowError
		if have[i], err = there(m); errors.As(err, &row) {
			unreadable[i] = true // what cannot be read is not what the log leads to
		} else if err != nil {
			return false, err
		}
	}
	beside.Wait()
	if wrong != nil {
		return false, wrong
	}
	var differ []string
	for i, m := range comparable {
		if unreadable[i] || have[i] != sums[i] {
			differ = append(differ, m.Name)
		}
	}
	for _, name := range differ {
		if r.Differs != nil {
			r.Differs(name)
		}
	}
	return true, nil
}
