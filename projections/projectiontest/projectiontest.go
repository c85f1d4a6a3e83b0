// Package projectiontest is the suite that the read models of both databases pass: every answer is compared with one that was
// found by going through the events.
package projectiontest

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/projections"
)

// A Reader answers all questions about a ledger.
type Reader interface {
	projections.Units
	projections.Funds
	projections.Goods
	projections.Balances
	projections.Totals
	projections.Persons
	projections.Vouchers
	projections.Donors
	projections.Indicators
	projections.Progress
	Digest(ctx context.Context, m *projections.Model) ([32]byte, error)
}

// A Database is a store with its read models.
type Database interface {
	// Store is a store whose joiner writes the read models.
	Store() eventstore.Store
	// View calls f with a reader of one transaction.
	View(ctx context.Context, ledger uuid.UUID, f func(Reader) error) error
	Check(ctx context.Context, ledger uuid.UUID, want *projections.Fold, through int64) ([]projections.Checked, error)
	Loose(ctx context.Context, ledger uuid.UUID, head int64) ([]projections.Mismatch, error)
	Rebuild(ctx context.Context, ledger uuid.UUID, names []string, events projections.Events, progress func(done, total int64)) error
	// Differed are the models of which a rebuild since the last call found other rows than it made.
	Differed() []string
	// Exec changes rows behind the back of the read models. "{table}" in the query is the table's name in this database.
	Exec(ctx context.Context, table, query string) error
	// Count says how many rows a table has.
	Count(ctx context.Context, table string) (int, error)
	// Waits says where what waits to be put into balances is.
	Waits() Waiting
	// Fail has the next append fail with an error once the read models are written.
	Fail(err error)
	// Again opens the database once more, as another process does.
	Again(t testing.TB) Database
}

// Waiting is about what the last batches brought to balances and is not there yet.
type Waiting struct {
	Table   string
	Rows    string   // what to count the rows of
	Batches int      // that may wait
	Entries int      // of so many not all wait
	Models  []string // of which something may be there; none: all
	Changes []string // each makes something wrong of it
}

// Open makes a new, empty database that is closed when the test ends.
type Open func(t testing.TB) Database

// Run runs the suite.
func Run(t *testing.T, open Open) {
	t.Run("Random", func(t *testing.T) { testRandom(t, open) })
	t.Run("Batches", func(t *testing.T) { testBatches(t, open) })
	t.Run("People", func(t *testing.T) { testPeople(t, open) })
	t.Run("Structure", func(t *testing.T) { testStructure(t, open) })
	t.Run("Late", func(t *testing.T) { testLate(t, open) })
	t.Run("Facts", func(t *testing.T) { testFacts(t, open) })
	t.Run("Epochs", func(t *testing.T) { testEpochs(t, open) })
	t.Run("Known", func(t *testing.T) { testKnown(t, open) })
	t.Run("Explain", func(t *testing.T) { testExplain(t, open) })
	t.Run("Then", func(t *testing.T) { testThen(t, open) })
	t.Run("Diff", func(t *testing.T) { testDiff(t, open) })
	t.Run("Counted", func(t *testing.T) { testCounted(t, open) })
	t.Run("Books", func(t *testing.T) { testBooks(t, open) })
	t.Run("Query", func(t *testing.T) { testQuery(t, open) })
	t.Run("Entries", func(t *testing.T) { testEntries(t, open) })
	t.Run("Undone", func(t *testing.T) { testUndone(t, open) })
	t.Run("Check", func(t *testing.T) { testCheck(t, open) })
	t.Run("Join", func(t *testing.T) { testJoin(t, open) })
	t.Run("Rebuild", func(t *testing.T) { testRebuild(t, open) })
	t.Run("RebuildBusy", func(t *testing.T) { testRebuildBusy(t, open) })
	t.Run("Ledgers", func(t *testing.T) { testLedgers(t, open) })
}

// A writer appends a history's events to a database, as those of a ledger.
type writer struct {
	t      testing.TB
	db     Database
	l      ledger
	tree   *transparency.Tree
	tried  *transparency.Tree // the tree after the last batch
	signer note.Signer
	done   int // events
}

type ledger struct {
	ID     uuid.UUID
	Origin string
}

func newWriter(t testing.TB, db Database, name string) *writer {
	t.Helper()
	random := rand.NewChaCha8(sha256.Sum256([]byte(name)))
	w := &writer{t: t, db: db, tree: transparency.NewTree(), l: ledger{Origin: "soquy.invalid/" + name}}
	_, _ = random.Read(w.l.ID[:])
	key, _, err := transparency.GenerateKey(random, w.l.Origin)
	if err != nil {
		t.Fatal(err)
	}
	if w.signer, err = transparency.NewSigner(key); err != nil {
		t.Fatal(err)
	}
	return w
}

// batch makes a batch of the next events of a log, through index to. The log does not move until the batch is committed.
func (w *writer) batch(log []domain.Event, to int) *eventstore.Batch {
	b := &eventstore.Batch{Ledger: w.l.ID, Origin: w.l.Origin, After: int64(w.done)}
	w.tried = w.tree.Clone()
	for i := w.done; i < to; i++ {
		e := &log[i]
		r := eventstore.Record{
			Position: e.Position, ID: e.ID, Type: e.Body.Type(), EffectiveOn: int32(e.EffectiveOn), RecordedAt: e.RecordedAt,
			Envelope: fmt.Appendf(nil, `{"position":%d}`, e.Position), Subjects: e.Subjects(), Event: e,
		}
		w.tried.Append(transparency.LeafHash(r.Envelope))
		b.Records = append(b.Records, r)
	}
	b.Edge, b.Tiles = w.tried.Edge(), w.tried.Full()
	b.Sign = func() ([]byte, error) {
		return transparency.SignCheckpoint(transparency.Checkpoint{Origin: w.l.Origin, Size: b.Edge.Size, Root: b.Edge.Root()}, w.signer)
	}
	return b
}

// committed moves the log to the end of its last batch.
func (w *writer) committed() { w.tree = w.tried }

// append appends the events of a log from where it is through index to, size in a batch.
func (w *writer) append(log []domain.Event, to int, size func() int) {
	w.t.Helper()
	for w.done < to {
		end := min(w.done+size(), to)
		if _, err := w.db.Store().Append(w.t.Context(), w.batch(log, end)); err != nil {
			w.t.Fatalf("append %d … %d: %v", w.done+1, end, err)
		}
		w.committed()
		w.done = end
	}
}

func constantly(n int) func() int { return func() int { return n } }

// view reads, and fails the test when it cannot.
func (w *writer) view(f func(ctx context.Context, r Reader) error) {
	w.t.Helper()
	ctx := w.t.Context()
	if err := w.db.View(ctx, w.l.ID, func(r Reader) error { return f(ctx, r) }); err != nil {
		w.t.Fatal(err)
	}
}

// folded is the fold of a log through index to.
func folded(t testing.TB, log []domain.Event, names ...string) *projections.Fold {
	t.Helper()
	f := projections.NewFold(projections.Lookup(names...), nil)
	for i := range log {
		if err := f.Add(&log[i]); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// same fails the test when the read models are not what a log leads to.
func (w *writer) same(log []domain.Event) {
	w.t.Helper()
	want := folded(w.t, log)
	all, err := w.db.Check(w.t.Context(), w.l.ID, want, int64(len(log)))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(all) != len(projections.Models()) {
		w.t.Fatalf("checked %d models", len(all))
	}
	for _, c := range all {
		if c.Wrong != 0 || len(c.Mismatches) != 0 {
			w.t.Errorf("%s: %d rows are wrong, such as %v", c.Name, c.Wrong, c.Mismatches[:min(3, len(c.Mismatches))])
		}
	}
	w.view(func(ctx context.Context, r Reader) error {
		for _, m := range projections.Models() {
			have, err := r.Digest(ctx, m)
			if err != nil {
				return err
			}
			if have != want.Digest(m) {
				w.t.Errorf("%s: the digest differs", m.Name)
			}
		}
		return nil
	})
}

// equal compares an answer with what it should be.
func equal[T any](t testing.TB, what string, have, want T) {
	t.Helper()
	if d := cmp.Diff(want, have, cmpopts.EquateEmpty()); d != "" {
		t.Fatalf("%s (-want +have):\n%s", what, d)
	}
}

// eventsOf hands out a log's events.
func eventsOf(log func() []domain.Event) projections.Events {
	return func(ctx context.Context, from, to int64, yield func(*domain.Event) error) error {
		events := log()
		for p := from; p <= to; p++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := yield(&events[p-1]); err != nil {
				return err
			}
		}
		return nil
	}
}
