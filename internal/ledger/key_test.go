package ledger_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
)

const origin = "example.org/soquy/KH"

// rotate gives the ledger a new key, all steps but the last, which a crash may leave out.
func (w *world) rotate() (before, after string) {
	w.t.Helper()
	before = w.public()
	next, err := w.keys.Next(origin)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := ledger.Rotate(w.t.Context(), w.store, w.id, w.options(), next); err != nil {
		w.t.Fatal(err)
	}
	return before, next.PublicKey()
}

// backup closes the writer and copies the database.
func (w *world) backup(l *ledger.Ledger) (path string) {
	w.t.Helper()
	if err := l.Close(); err != nil {
		w.t.Fatal(err)
	}
	path = filepath.Join(w.t.TempDir(), "backup.db")
	if err := w.store.Backup(w.t.Context(), path, nil); err != nil {
		w.t.Fatal(err)
	}
	return path
}

// restore goes on with a copy of the database.
func (w *world) restore(path string) {
	w.t.Helper()
	w.store.Close()
	var err error
	if w.store, err = sqlite.Open(path, sqlite.Options{Mode: sqlite.ReadWrite}); err != nil {
		w.t.Fatal(err)
	}
}

func TestRotate(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	found(t, l)
	for range 2 {
		accept(t, l, cmd("receive_donation", donate))
	}
	before, after := w.rotate()
	if w.public() != after || after == before {
		t.Fatalf("the key is %s, was %s, was to be %s", w.public(), before, after)
	}
	// The checkpoint of the change has both signatures; it is kept.
	head, err := w.store.Head(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{before, after} {
		if c, err := transparency.OpenCheckpoint(head.Note, key); err != nil || c.Size != 7 {
			t.Errorf("under %s: %v, %v", key, c, err)
		}
	}
	kept := false
	err = w.store.AllCheckpoints(t.Context(), w.id, func(c eventstore.Checkpoint) error {
		kept = kept || c.Size == 7 && string(c.Note) == string(head.Note)
		return nil
	})
	if err != nil || !kept {
		t.Errorf("the checkpoint of the change is not kept, %v", err)
	}
	// A writer that was open does not go on under the old key.
	if _, err := l.Do(t.Context(), parse(t, cmd("receive_donation", donate))); !errors.Is(err, ledger.ErrWrongKey) {
		t.Errorf("a writer with the old key: %v", err)
	}
	if err := l.Close(); !errors.Is(err, ledger.ErrWrongKey) {
		t.Errorf("its end: %v", err)
	}
	// The change was interrupted before the key file was put in its place: the next start completes it.
	if _, err := os.Stat(filepath.Join(w.keys.Dir, "example.org%2Fsoquy%2FKH.key.next")); err != nil {
		t.Fatal(err)
	}
	l = w.open()
	accept(t, l, cmd("receive_donation", donate))
	if _, err := os.Stat(filepath.Join(w.keys.Dir, "example.org%2Fsoquy%2FKH.key.next")); err == nil {
		t.Error("the change of the key file was not completed")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// A second change, and a start that replays everything.
	w.rotate()
	l = w.open()
	accept(t, l, cmd("receive_donation", donate))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if head := w.head(); head.Size != 10 {
		t.Errorf("the log ends at %d", head.Size)
	}
}

// Who can write to the database but has not the key cannot name a new one.
func TestForeignKeyChange(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	found(t, l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	thief := ledger.Keyring{Dir: t.TempDir()}
	if _, _, err := thief.Generate(origin); err != nil {
		t.Fatal(err)
	}
	next, err := thief.Next(origin)
	if err != nil {
		t.Fatal(err)
	}
	key, err := thief.Signer(origin, next.PublicKey())
	if err != nil {
		t.Fatal(err)
	}
	opt := w.options()
	opt.Signer, opt.HeadFile = key, nil
	if err := ledger.Rotate(t.Context(), w.store, w.id, opt, next); !errors.Is(err, ledger.ErrWrongKey) {
		t.Errorf("rotated with another key: %v", err)
	}
	if head := w.head(); head.Size != 4 {
		t.Errorf("the log ends at %d", head.Size)
	}
}

func TestAcceptLoss(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	found(t, l)
	accept(t, l, cmd("receive_donation", donate))
	backup := w.backup(l)
	next, err := w.keys.Next(origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.AcceptLoss(t.Context(), w.store, w.id, w.options(), next); !errors.Is(err, ledger.ErrNothingLost) {
		t.Errorf("with nothing lost: %v", err)
	}
	l = w.open()
	for range 3 {
		accept(t, l, cmd("receive_donation", donate))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	lost, old := w.head(), w.public()

	w.restore(backup)
	restored := w.head()
	if _, err := ledger.Open(t.Context(), w.store, w.id, w.options()); !errors.Is(err, ledger.ErrRolledBack) {
		t.Fatalf("a restored database is opened: %v", err)
	}
	if err := ledger.AcceptLoss(t.Context(), w.store, w.id, w.options(), next); err != nil {
		t.Fatal(err)
	}
	var events []domain.Event
	err = w.store.Subject(t.Context(), w.id, domain.KeySubject, 1, 0, func(r *eventstore.Record) error {
		decoded, err := eventcodec.New(origin, 0).Decode(r.Envelope)
		events = append(events, decoded.Event)
		return err
	})
	if err != nil || len(events) != 1 {
		t.Fatalf("%d events, %v", len(events), err)
	}
	fork, ok := events[0].Body.(*domain.LedgerForked)
	if !ok || fork.Tree != (domain.TreeHead{Size: restored.Size, Root: restored.Root}) ||
		fork.Lost != (domain.TreeHead{Size: lost.Size, Root: lost.Root}) || fork.PublicKey != next.PublicKey() {
		t.Errorf("the event is %+v", events[0].Body)
	}
	// The old key has signed another tree of that size, and signs this one not.
	head, err := w.store.Head(t.Context(), w.id)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := transparency.OpenCheckpoint(head.Note, old); err == nil {
		t.Error("the fork is signed by the old key")
	}
	l = w.open()
	defer l.Close()
	accept(t, l, cmd("receive_donation", donate))
	if head := w.head(); head.Size != restored.Size+2 {
		t.Errorf("the log ends at %d", head.Size)
	}
}

// A database that is older than a change of the key is opened with the key of then, to say what it lacks.
func TestRestoredBeforeRotation(t *testing.T) {
	w := newWorld(t)
	l := w.open()
	found(t, l)
	backup := w.backup(l)
	w.rotate()
	l = w.open()
	accept(t, l, cmd("receive_donation", donate))
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	w.restore(backup)
	if _, err := ledger.Open(t.Context(), w.store, w.id, w.options()); !errors.Is(err, ledger.ErrRolledBack) {
		t.Errorf("a restored database is opened: %v", err)
	}
	next, err := w.keys.Next(origin)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.AcceptLoss(t.Context(), w.store, w.id, w.options(), next); err != nil {
		t.Fatal(err)
	}
	if w.public() != next.PublicKey() {
		t.Errorf("the key is %s", w.public())
	}
}
