package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/soquy/soquy/eventstore"
)

func testHeadMoved(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	stale := l.Batch(2)
	_, err := db.Store.Append(ctx, func() *eventstore.Batch { b := *stale; b.After = 0; return &b }())
	if err != nil {
		t.Fatal(err)
	}
	l.Committed()
	append1(t, db.Store, l, l.Batch(5))
	before := read(t, db.Store, l.ID)

	behind := l.Batch(1)
	behind.After, behind.Records[0].Position, behind.Edge.Size = 2, 3, 3
	ahead := l.Batch(1)
	ahead.After, ahead.Records[0].Position, ahead.Edge.Size = 9, 10, 10
	for _, b := range []*eventstore.Batch{behind, ahead} {
		b.Private = append(b.Private, l.Private("{}"))
		b.Sign = func() ([]byte, error) {
			t.Error("Sign was called for a head that was not won")
			return nil, errors.New("no")
		}
		_, err = db.Store.Append(ctx, b)
		var moved *eventstore.HeadMovedError
		if !errors.As(err, &moved) || *moved != (eventstore.HeadMovedError{Expected: b.After, Actual: 7}) {
			t.Errorf("append after %d: %v", b.After, err)
		}
	}
	stale.Sign = behind.Sign
	_, err = db.Store.Append(ctx, stale)
	wantErr(t, err, eventstore.ErrLedgerExists)

	none := NewLedger(t, "none").Batch(1)
	none.After, none.Records[0].Position, none.Edge.Size, none.Sign = 1, 2, 2, behind.Sign
	_, err = db.Store.Append(ctx, none)
	wantErr(t, err, eventstore.ErrNotFound)

	if d := diff(before, read(t, db.Store, l.ID)); d != "" {
		t.Errorf("the ledger changed (-before +after):\n%s", d)
	}
	append1(t, db.Store, l, l.Batch(1))
}

// testConcurrent has writers of two stores race for one ledger: each position is won once, and the losers see where the
// head went.
func testConcurrent(t *testing.T, h Harness) {
	const writers, wins = 6, 8
	db, l := open(t, h), NewLedger(t, "KH")
	append1(t, db.Store, l, l.Batch(1))
	stores := []eventstore.Store{db.Store, db.Again(t)}
	ctx := context.Background()

	// A ledger of the tests is one writer; all that is its own is made under this lock, the appends are not.
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range writers {
		store := stores[w%len(stores)]
		wg.Go(func() {
			for won := 0; won < wins; {
				mu.Lock()
				b := l.Batch(3)
				tree := l.tried
				mu.Unlock()
				inner := b.Sign
				b.Sign = func() ([]byte, error) {
					mu.Lock()
					defer mu.Unlock()
					return inner()
				}
				note, err := store.Append(ctx, b)
				mu.Lock()
				var moved *eventstore.HeadMovedError
				switch {
				case err == nil:
					won++
					l.tree = tree
					if len(note) == 0 {
						t.Error("no note was returned")
					}
				case errors.As(err, &moved):
					if moved.Actual <= b.After || (moved.Actual-1)%3 != 0 {
						t.Errorf("lost at %d to %d", b.After, moved.Actual)
					}
				default:
					t.Error(err)
					won = wins
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if t.Failed() {
		return
	}
	got := read(t, db.Store, l.ID)
	if want := 1 + 3*writers*wins; len(got.Records) != want || got.Head.Position() != int64(want) {
		t.Errorf("%d events, head %d, want %d", len(got.Records), got.Head.Position(), want)
	}
	if d := diff(l.tree.Edge(), got.Head.Edge); d != "" {
		t.Errorf("the tree is not that of the events (-want +got):\n%s", d)
	}
	if want := 1 + writers*wins; l.signed != want {
		t.Errorf("Sign was called %d times for %d appends", l.signed, want)
	}
}

func testLedgers(t *testing.T, h Harness) {
	db := open(t, h)
	ctx := context.Background()
	a, b := NewLedger(t, "b-second"), NewLedger(t, "a-first")
	for i := range 3 {
		append1(t, db.Store, a, a.Batch(1+i))
		before := read(t, db.Store, a.ID)
		append1(t, db.Store, b, b.Batch(4+i))
		if d := diff(before, read(t, db.Store, a.ID)); d != "" {
			t.Fatalf("an append to one ledger changed the other (-before +after):\n%s", d)
		}
	}
	heads, err := db.Store.Ledgers(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := []eventstore.Head{read(t, db.Store, b.ID).Head, read(t, db.Store, a.ID).Head}
	if d := diff(want, heads); d != "" {
		t.Errorf("ledgers (-want +got):\n%s", d)
	}

	same := NewLedger(t, "c-third")
	same.Origin = a.Origin
	_, err = db.Store.Append(ctx, same.Batch(1))
	wantErr(t, err, eventstore.ErrLedgerExists)
	if same.signed != 0 {
		t.Error("a ledger with the origin of another was signed")
	}
}

// testFaults makes each step of an append fail, and looks that nothing is left.
func testFaults(t *testing.T, h Harness) {
	fault := errors.New("fault")
	var joined func(context.Context) error
	db := h.Open(t, func(ctx context.Context, _ *eventstore.Batch) error {
		if joined == nil {
			return nil
		}
		return joined(ctx)
	})
	l := NewLedger(t, "KH")

	// From here on each fault is tried where the ledger does not exist yet, and where it does.
	for _, exists := range []bool{false, true} {
		if exists {
			b := l.Batch(300)
			b.Private = append(b.Private, l.Private(`{"name":"Lò Văn A"}`))
			append1(t, db.Store, l, b)
		}
		before := read(t, db.Store, l.ID)
		batch := func() *eventstore.Batch {
			b := l.Batch(700)
			b.Private = append(b.Private, l.Private(`{"name":"Quàng Thị B"}`))
			b.KeepNote = true
			for _, p := range before.Private {
				b.Erase = append(b.Erase, p.ID)
			}
			return b
		}
		for name, run := range map[string]func() error{
			"sign": func() error {
				b := batch()
				b.Sign = func() ([]byte, error) { return nil, fault }
				_, err := db.Store.Append(context.Background(), b)
				return err
			},
			"joiner": func() error {
				joined = func(context.Context) error { return fault }
				_, err := db.Store.Append(context.Background(), batch())
				return err
			},
			"cancelled before": func() error {
				ctx, cancel := context.WithCancelCause(context.Background())
				cancel(fault)
				_, err := db.Store.Append(ctx, batch())
				return join(err, context.Canceled, fault)
			},
			"cancelled at sign": func() error {
				ctx, cancel := context.WithCancel(context.Background())
				b := batch()
				sign := b.Sign
				b.Sign = func() ([]byte, error) {
					cancel()
					return sign()
				}
				_, err := db.Store.Append(ctx, b)
				return join(err, context.Canceled, fault)
			},
			"cancelled at joiner": func() error {
				ctx, cancel := context.WithCancel(context.Background())
				joined = func(context.Context) error {
					cancel()
					return nil
				}
				_, err := db.Store.Append(ctx, batch())
				return join(err, context.Canceled, fault)
			},
			"under a lock": func() error {
				if !exists {
					return fault
				}
				lock, err := db.Store.Lock(context.Background(), l.ID)
				if err != nil {
					return err
				}
				joined = func(context.Context) error { return fault }
				if _, err = lock.Append(context.Background(), batch()); err == nil {
					return nil
				}
				return errors.Join(err, lock.Release())
			},
			"a repeated command": func() error {
				if !exists {
					return fault
				}
				b := batch()
				b.Commands[600] = before.Commands[0]
				_, err := db.Store.Append(context.Background(), b)
				if err == nil {
					return nil
				}
				return fault
			},
		} {
			if err := run(); !errors.Is(err, fault) {
				t.Errorf("%s: the append returned %v", name, err)
			}
			joined = nil
			if d := diff(before, read(t, db.Store, l.ID)); d != "" {
				t.Fatalf("%s: the database changed (-before +after):\n%s", name, d)
			}
		}
		strays, err := db.Store.Strays(context.Background())
		if err != nil || len(strays) > 0 {
			t.Errorf("strays %v, %v", strays, err)
		}
	}
	append1(t, db.Store, l, l.Batch(2))
}

// join is fault where err is target.
func join(err, target, fault error) error {
	if errors.Is(err, target) {
		return fault
	}
	return err
}

// testJoined: joiners are told through which position they were called, also where another store appended without them.
func testJoined(t *testing.T, h Harness) {
	var seen [][2]int64
	db, l := h.Open(t, func(_ context.Context, b *eventstore.Batch) error {
		seen = append(seen, [2]int64{b.After, b.Joined})
		return nil
	}), NewLedger(t, "KH")
	alone := db.Alone(t)
	for _, s := range []eventstore.Store{db.Store, db.Store, alone, alone, db.Store, db.Store} {
		append1(t, s, l, l.Batch(10))
	}
	lock, err := db.Store.Lock(t.Context(), l.ID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lock.Append(t.Context(), l.Batch(10)); err != nil {
		t.Fatal(err)
	}
	if want := [][2]int64{{0, 0}, {10, 10}, {40, 20}, {50, 50}, {60, 60}}; !slices.Equal(seen, want) {
		t.Errorf("after and joined were %d, want %d", seen, want)
	}
}
