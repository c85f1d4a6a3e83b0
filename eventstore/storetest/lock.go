package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

func testLock(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	_, err := db.Store.Lock(ctx, uuid.New())
	wantErr(t, err, eventstore.ErrNotFound)
	_, err = db.Store.Begin(ctx, uuid.New())
	wantErr(t, err, eventstore.ErrNotFound)
	append1(t, db.Store, l, l.Batch(4))
	before := read(t, db.Store, l.ID)

	lock, err := db.Store.Lock(ctx, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(before.Head, lock.Head()); d != "" {
		t.Errorf("head under the lock (-want +got):\n%s", d)
	}
	// Readers go on.
	if d := diff(before, read(t, db.Store, l.ID)); d != "" {
		t.Errorf("while locked (-want +got):\n%s", d)
	}
	// Whoever waits can give up.
	waiting, cancel := context.WithCancel(ctx)
	cancelled := make(chan error)
	go func() {
		_, err := db.Store.Lock(waiting, l.ID)
		cancelled <- err
	}()
	cancel()
	wantErr(t, <-cancelled, context.Canceled)

	b := l.Batch(3)
	if note, err := lock.Append(ctx, b); err != nil || len(note) == 0 {
		t.Fatal(err)
	}
	l.Committed()
	if err := lock.Release(); err != nil {
		t.Errorf("release after an append: %v", err)
	}
	if _, err := lock.Append(ctx, l.Batch(1)); err == nil {
		t.Error("a lock that is over took an append")
	}

	// The context of Lock has no power over the lock once it is held.
	short, end := context.WithCancel(ctx)
	lock, err = db.Store.Lock(short, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	end()
	if _, err := lock.Append(ctx, l.Batch(2)); err != nil {
		t.Fatal(err)
	}
	l.Committed()

	lock, err = db.Store.Lock(ctx, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	stale := l.Batch(1)
	stale.After, stale.Records[0].Position, stale.Edge.Size = 1, 2, 2
	var moved *eventstore.HeadMovedError
	if _, err := lock.Append(ctx, stale); !errors.As(err, &moved) || moved.Actual != 9 {
		t.Errorf("stale append under a lock: %v", err)
	}
	if err := errors.Join(lock.Release(), lock.Release()); err != nil {
		t.Errorf("release twice: %v", err)
	}
	append1(t, db.Store, l, l.Batch(1))

	// A confirmation changes nothing, and gives the lock back.
	unmoved := head(t, db.Store, l)
	lock, err = db.Store.Lock(ctx, l.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(lock.Confirm(ctx), lock.Release()); err != nil {
		t.Errorf("confirm: %v", err)
	}
	if err := lock.Confirm(ctx); err == nil {
		t.Error("confirmed without the lock")
	}
	if now := head(t, db.Store, l); now.Position() != unmoved.Position() || string(now.Note) != string(unmoved.Note) {
		t.Errorf("a confirmation made %v of %v", now, unmoved)
	}
	append1(t, db.Again(t), l, l.Batch(1))
}

// testEarly has the parts of a batch inserted before all of it is there, where the store's locks should take them.
func testEarly(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	append1(t, db.Store, l, l.Batch(2))
	begin := func() eventstore.Lock {
		t.Helper()
		lock, err := db.Store.Begin(ctx, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		return lock
	}
	if !h.Early {
		lock := begin()
		if _, is := lock.(eventstore.Early); is {
			t.Error("the locks of this store take parts of a batch, which the harness does not say")
		}
		if err := lock.Release(); err != nil {
			t.Error(err)
		}
		return
	}
	early := func() eventstore.Early {
		t.Helper()
		return begin().(eventstore.Early)
	}
	insert := func(e eventstore.Early, b *eventstore.Batch, from, to int) {
		t.Helper()
		if err := e.Insert(ctx, b.Records[from:to], b.Commands[min(from, len(b.Commands)):min(to, len(b.Commands))]); err != nil {
			t.Fatalf("insert %d to %d: %v", from, to, err)
		}
	}

	// In parts or at once, what is stored is the same.
	b := l.Batch(300)
	e := early()
	insert(e, b, 0, 1)
	insert(e, b, 1, 200)
	if h := head(t, db.Again(t), l); h.Position() != b.After {
		t.Errorf("while a batch is inserted others see position %d, not %d", h.Position(), b.After)
	}
	if note, err := e.Append(ctx, b); err != nil || len(note) == 0 {
		t.Fatalf("append what was begun: %v", err)
	}
	l.Committed()
	if now := read(t, db.Store, l.ID); now.Head.Position() != 302 || len(now.Records) != 302 || len(now.Commands) != 302 {
		t.Errorf("there are %d events and %d commands, and the head is %d", len(now.Records), len(now.Commands), now.Head.Position())
	}

	// What was given up leaves nothing.
	before := read(t, db.Store, l.ID)
	b = l.Batch(40)
	e = early()
	insert(e, b, 0, 40)
	if err := e.Release(); err != nil {
		t.Fatal(err)
	}
	if d := diff(before, read(t, db.Store, l.ID)); d != "" {
		t.Errorf("after a release (-want +got):\n%s", d)
	}

	// Another batch than that which was begun is refused, as is one that does not follow.
	e = early()
	insert(e, b, 0, 20)
	other := *b
	other.Records = slices.Clone(b.Records)
	other.Records[3].Envelope = append(slices.Clone(b.Records[3].Envelope), ' ')
	if _, err := e.Append(ctx, &other); err == nil {
		t.Error("another batch than was begun was appended")
	}
	if err := e.Release(); err != nil {
		t.Fatal(err)
	}
	e = early()
	var moved *eventstore.HeadMovedError
	if err := e.Insert(ctx, b.Records[1:2], nil); !errors.As(err, &moved) || moved.Actual != b.After {
		t.Errorf("insert behind a gap: %v", err)
	}
	if err := e.Release(); err != nil {
		t.Fatal(err)
	}
	if err := e.Insert(ctx, b.Records[:1], nil); err == nil {
		t.Error("a lock that is over took a part of a batch")
	}
	if d := diff(before, read(t, db.Store, l.ID)); d != "" {
		t.Errorf("after what was refused (-want +got):\n%s", d)
	}
	append1(t, db.Store, l, b)
}

// testNext has the lock of the batch after asked for with each commit, where the store should.
func testNext(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	append1(t, db.Store, l, l.Batch(2))
	if !h.Asks {
		b := l.Batch(1)
		b.Next = func(func(context.Context) (eventstore.Lock, error)) {
			t.Error("this store asks for the next lock, which the harness does not say")
		}
		append1(t, db.Store, l, b)
		return
	}
	// committed appends a batch and returns the lock that was asked for with it.
	committed := func(append func(context.Context, *eventstore.Batch) ([]byte, error), n int) (lock eventstore.Lock) {
		t.Helper()
		var wait func(context.Context) (eventstore.Lock, error)
		b := l.Batch(n)
		b.Next = func(w func(context.Context) (eventstore.Lock, error)) { wait = w }
		if note, err := append(ctx, b); err != nil || len(note) == 0 {
			t.Fatalf("append %d: %v", n, err)
		}
		l.Committed()
		if wait == nil {
			t.Fatal("nothing was asked for with the commit")
		}
		if h := head(t, db.Again(t), l); h.Position() != l.Position() {
			t.Errorf("the commit is seen at %d, not %d", h.Position(), l.Position())
		}
		lock, err := wait(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(head(t, db.Store, l), lock.Head()); d != "" {
			t.Errorf("head under the lock (-want +got):\n%s", d)
		}
		return lock
	}
	lock := committed(db.Store.Append, 1)
	for _, n := range []int{1, 70, 1, 1_100, 3} {
		lock = committed(lock.Append, n)
	}
	// Nobody else gets in before it is given back.
	var wg sync.WaitGroup
	other := l.Batch(1)
	wg.Go(func() {
		if _, err := db.Again(t).Append(ctx, other); err != nil {
			t.Errorf("append behind a lock: %v", err)
		}
	})
	time.Sleep(20 * time.Millisecond)
	if now := head(t, db.Store, l); now.Position() != other.After {
		t.Errorf("an append went past the lock, to %d", now.Position())
	}
	if err := errors.Join(lock.Release(), lock.Release()); err != nil {
		t.Errorf("release: %v", err)
	}
	wg.Wait()
	l.Committed()

	// After an append that failed, nobody waits.
	stale := l.Batch(1)
	stale.After, stale.Records[0].Position, stale.Edge.Size = 1, 2, 2
	stale.Next = func(func(context.Context) (eventstore.Lock, error)) { t.Error("asked after an append that failed") }
	var moved *eventstore.HeadMovedError
	if _, err := db.Store.Append(ctx, stale); !errors.As(err, &moved) {
		t.Errorf("stale append: %v", err)
	}
	lock = committed(db.Store.Append, 2)
	if err := lock.Confirm(ctx); err != nil {
		t.Errorf("confirm: %v", err)
	}
	append1(t, db.Again(t), l, l.Batch(1))
	if now := read(t, db.Store, l.ID); now.Head.Position() != l.Position() || int64(len(now.Records)) != l.Position() {
		t.Errorf("there are %d events, and the head is %d of %d", len(now.Records), now.Head.Position(), l.Position())
	}
}

func head(t *testing.T, s eventstore.Store, l *Ledger) eventstore.Head {
	t.Helper()
	h, err := s.Head(context.Background(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// testLockQueue has a holder move the head while others wait: whoever waited must see the head that the holder made.
func testLockQueue(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	append1(t, db.Store, l, l.Batch(1))
	other := db.Again(t)
	ctx := context.Background()
	for range 5 {
		lock, err := db.Store.Lock(ctx, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		b := l.Batch(1)
		l.Committed()
		after := l.Position()

		var wg sync.WaitGroup
		for _, s := range []eventstore.Store{db.Store, other} {
			stale := *b
			stale.Sign = func() ([]byte, error) { return nil, errors.New("signed beside a lock") }
			wg.Go(func() {
				var moved *eventstore.HeadMovedError
				if _, err := s.Append(ctx, &stale); !errors.As(err, &moved) || moved.Actual != after {
					t.Errorf("append beside a lock: %v", err)
				}
			})
			for _, lock := range []func(context.Context, uuid.UUID) (eventstore.Lock, error){s.Lock, s.Begin} {
				wg.Go(func() {
					l, err := lock(ctx, l.ID)
					if err != nil {
						t.Error(err)
						return
					}
					if l.Head().Position() != after {
						t.Errorf("who waited for the lock sees position %d, not %d", l.Head().Position(), after)
					}
					if err := l.Release(); err != nil {
						t.Error(err)
					}
				})
			}
		}
		if _, err := lock.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
	}
}
