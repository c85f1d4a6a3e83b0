package projections

import (
	"errors"
	"slices"

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

// LevelTries is how often a rebuild waits for a moment in which what it made and what is live are of the same position, to compare them while appends
// go on. After so many it compares them while they wait.
const LevelTries = 20

// Compare compares the rows of models that a rebuild made with those that are live, by their digests, and tells Differs. Live rows of another version, or
// none, have nothing to be compared with. level is false, and nothing was compared, where one is not of the position.
func (r *Report) Compare(models []*Model, live map[string]Position, position int64, made, there func(m *Model) ([32]byte, error)) (level bool, err error) {
	comparable := slices.DeleteFunc(slices.Clone(models), func(m *Model) bool { return live[m.Name].Version != m.Version })
	for _, m := range comparable {
		if live[m.Name].Position != position {
			return false, nil
		}
	}
	var differ []string
	for _, m := range comparable {
		want, err := made(m)
		if err != nil {
			return false, err
		}
		have, err := there(m)
		var row *eventstore.RowError
		switch {
		case err == nil && have == want:
		case err == nil, errors.As(err, &row): // what cannot be read is not what the log leads to
			differ = append(differ, m.Name)
		default:
			return false, err
		}
	}
	for _, name := range differ {
		if r.Differs != nil {
			r.Differs(name)
		}
	}
	return true, nil
}
