package projections

import (
	"fmt"
	"slices"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// A Fold derives the rows of read models from events. It has what the events since the last Reset add to the tables; of a whole
// log, it is what the tables should have.
//
// A merger of units takes along what is not in its event: the unit's children and open funds. A Fold asks Open for them; one
// without it has the whole log, and finds them in its own rows.
//
// A Fold is not safe for concurrent use.
type Fold struct {
	models []*Model
	rows   []*Rows // by Table.index; nil for tables of other models
	open   Open
	apart  bool // entries are kept apart

	log    []loggedEntry // the last entries, where they are not kept apart
	logged int64         // the position of the last one that was forgotten

	list []byte // that was encoded last

	event   *domain.Event
	effects []domain.Effect
	tuples  map[tuple]*tupleKey // kept as long as the fold, as what a key is of a tuple is a pure function
	resets  int
}

// Open tells what is open in a unit before the event that is being folded. It counts also what the fold has now, which whoever
// implements it writes down before asking.
type Open interface {
	OpenChildren(unit string) ([]string, error) // the open units directly below, in order of code
	OpenFunds(unit string) ([]string, error)    // in order of code
}

// NewFold makes a fold of models. Open is nil for a fold of a whole log.
func NewFold(models []*Model, open Open) *Fold {
	f := &Fold{models: models, rows: make([]*Rows, tables()), open: open, tuples: map[tuple]*tupleKey{}}
	for _, m := range models {
		for _, t := range m.All() {
			f.rows[t.index] = newRows(t)
		}
	}
	if open == nil {
		f.open = f
	}
	return f
}

// Models returns the models that are folded.
func (f *Fold) Models() []*Model { return f.models }

// Rows returns the rows of a table of one of the models.
func (f *Fold) Rows(t *Table) *Rows { return f.rows[t.index] }

// Add folds one event.
func (f *Fold) Add(e *domain.Event) error {
	f.event, f.effects = e, e.Effects()
	for _, m := range f.models {
		if err := m.fold(f, e); err != nil {
			return fmt.Errorf("project position %d on %s: %w", e.Position, m.Name, err)
		}
	}
	return nil
}

// AddBatch folds the events of a batch.
func (f *Fold) AddBatch(b *eventstore.Batch) error {
	for i := range b.Records {
		e, ok := b.Records[i].Event.(*domain.Event)
		if !ok {
			return fmt.Errorf("position %d has no decoded event", b.Records[i].Position)
		}
		if err := f.Add(e); err != nil {
			return err
		}
	}
	return nil
}

// Reset forgets all rows.
func (f *Fold) Reset() {
	for _, r := range f.rows {
		if r != nil {
			r.reset()
		}
	}
	f.log, f.logged = f.log[:0], 0
	f.resets++
	if len(f.tuples) > 1<<16 {
		clear(f.tuples)
	}
}

// put adds a change of one row.
func (f *Fold) put(t *Table, values ...Value) {
	r := f.rows[t.index]
	if t.Packed() {
		r.note(f.event.Position)
	}
	r.put(values...)
}

// add adds a change of one row, whose values it may change, and puts what gives way where that belongs.
func (f *Fold) add(t *Table, values []Value) {
	if f.rows[t.index].put(values...) {
		t.spill(f, values)
	}
}

// Spill puts into the rows of other tables what gives way when a row of a table with marks meets the one that a database has: values are all
// columns of that, and its marks are others.
func (f *Fold) Spill(t *Table, row int, values []Value) {
	r := f.rows[t.index]
	if r.compareMarks(row, values) > 0 {
		r.Row(row, values)
	}
	t.spill(f, values)
}

// epoch is that of the event.
func (f *Fold) epoch() Value { return num(f.event.Position >> EpochBits) }

// OpenChildren implements Open from the fold's own rows.
func (f *Fold) OpenChildren(unit string) ([]string, error) {
	r := f.rows[unitTable.index]
	return matching(r, unitParent, unit, unitClosed), nil
}

// OpenFunds implements Open from the fold's own rows.
func (f *Fold) OpenFunds(unit string) ([]string, error) {
	r := f.rows[fundTable.index]
	return matching(r, fundUnit, unit, fundClosed), nil
}

// matching returns the keys of rows whose text column has a value and whose date column is null, in order.
func matching(r *Rows, column int, want string, date int) []string {
	var list []string
	for i := range r.n {
		if r.columns[column].Texts[i] == want && r.columns[date].Ints[i] == NullInt {
			list = append(list, r.columns[0].Texts[i])
		}
	}
	slices.Sort(list)
	return list
}
