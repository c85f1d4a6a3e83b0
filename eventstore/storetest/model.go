package storetest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/soquy/soquy/eventstore"
)

// A model is a store as simple as it can be: the state that one ledger must have.
type model struct{ state }

func (m *model) append(b *eventstore.Batch, note []byte) {
	m.Head = eventstore.Head{Ledger: b.Ledger, Origin: b.Origin, Edge: b.Edge, Note: note}
	m.Records = append(m.Records, noSubjects(b.Records)...)
	for _, r := range b.Records {
		for _, s := range r.Subjects {
			m.Subjects = append(m.Subjects, eventstore.SubjectEntry{Subject: s, Position: r.Position})
		}
	}
	slices.SortFunc(m.Subjects, func(a, b eventstore.SubjectEntry) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Position, b.Position))
	})
	m.Commands = append(m.Commands, b.Commands...)
	slices.SortFunc(m.Commands, func(a, b eventstore.Command) int { return slices.Compare(a.ID[:], b.ID[:]) })
	for _, x := range b.Tiles {
		m.Tiles = append(m.Tiles, tileRow{x.Level, x.Index, string(x.Hashes)})
	}
	if b.KeepNote {
		m.Checkpoints = append(m.Checkpoints, eventstore.Checkpoint{Size: b.Last(), Note: note})
	}
	m.Private = append(m.Private, b.Private...)
	m.Private = slices.DeleteFunc(m.Private, func(p eventstore.Private) bool { return slices.Contains(b.Erase, p.ID) })
	slices.SortFunc(m.Private, func(a, b eventstore.Private) int { return slices.Compare(a.ID[:], b.ID[:]) })
}

func (m *model) snapshot(s eventstore.Snapshot) {
	m.Snapshots = slices.DeleteFunc(m.Snapshots, func(o eventstore.Snapshot) bool { return o.Position == s.Position })
	m.Snapshots = append(m.Snapshots, s)
	slices.SortFunc(m.Snapshots, func(a, b eventstore.Snapshot) int { return cmp.Compare(b.Position, a.Position) })
	m.Snapshots = m.Snapshots[:min(len(m.Snapshots), 2)]
}

// testModel does random things to two ledgers through two stores, and compares with the model.
func testModel(t *testing.T, h Harness) {
	fault := errors.New("fault")
	var fail bool
	db := h.Open(t, func(context.Context, *eventstore.Batch) error {
		if fail {
			return fault
		}
		return nil
	})
	stores := []eventstore.Store{db.Store, db.Again(t)}
	ctx := context.Background()
	runs := 0
	rapid.Check(t, func(t *rapid.T) {
		runs++
		ledgers := make([]*Ledger, 2)
		models := make([]model, len(ledgers))
		for i := range ledgers {
			ledgers[i] = NewLedger(t, fmt.Sprintf("model/%d/%d", runs, i))
		}
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			i := rapid.IntRange(0, len(ledgers)-1).Draw(t, "ledger")
			store := rapid.SampledFrom(stores).Draw(t, "store")
			l, m := ledgers[i], &models[i]
			b := l.Batch(rapid.SampledFrom([]int{1, 1, 2, 7, 9, 33, 137, 260}).Draw(t, "events"))
			for range rapid.IntRange(0, 3).Draw(t, "private") {
				b.Private = append(b.Private, l.Private(rapid.String().Draw(t, "text")+"."))
			}
			if len(m.Private) > 0 && rapid.Bool().Draw(t, "erase") {
				b.Erase = []uuid.UUID{rapid.SampledFrom(m.Private).Draw(t, "erased").ID}
			}
			b.KeepNote = rapid.Bool().Draw(t, "keep")
			append := store.Append
			if m.Head.Position() > 0 && rapid.Bool().Draw(t, "lock") {
				lock, err := store.Lock(ctx, l.ID)
				if err != nil {
					t.Fatal(err)
				}
				append = lock.Append
				if early, is := lock.(eventstore.Early); is {
					append = func(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
						for from := 0; from < len(b.Records); {
							to := rapid.IntRange(from, len(b.Records)).Draw(t, "part")
							if err := early.Insert(ctx, b.Records[from:to], b.Commands[from:to]); err != nil {
								return nil, errors.Join(err, early.Release())
							}
							if from = to; rapid.Bool().Draw(t, "enough") {
								break
							}
						}
						return early.Append(ctx, b)
					}
				}
			}
			switch rapid.SampledFrom([]string{"append", "append", "append", "fault", "moved", "snapshot"}).Draw(t, "do") {
			case "append":
				note, err := append(ctx, b)
				if err != nil {
					t.Fatal(err)
				}
				l.Committed()
				m.append(b, note)
			case "fault":
				fail = true
				_, err := append(ctx, b)
				fail = false
				wantErr(t, err, fault)
			case "moved":
				b.After++
				for i := range b.Records {
					b.Records[i].Position++
				}
				b.Edge.Size++
				_, err := append(ctx, b)
				var moved *eventstore.HeadMovedError
				switch {
				case m.Head.Position() == 0:
					wantErr(t, err, eventstore.ErrNotFound)
				case !errors.As(err, &moved) || moved.Actual != m.Head.Position():
					t.Fatalf("moved: %v", err)
				}
			case "snapshot":
				_, err := append(ctx, b)
				if err != nil {
					t.Fatal(err)
				}
				l.Committed()
				head, err := store.Head(ctx, l.ID)
				if err != nil {
					t.Fatal(err)
				}
				m.append(b, head.Note)
				s := eventstore.Snapshot{Position: b.Last(), Version: 1, Bytes: []byte("book"), Signature: []byte("sig")}
				if err := store.SaveSnapshot(ctx, l.ID, s); err != nil {
					t.Fatal(err)
				}
				m.snapshot(s)
			}
			if d := diff(m.state, read(t, store, l.ID)); d != "" {
				t.Fatalf("ledger %d (-model +store):\n%s", i, d)
			}
		}
		for i, l := range ledgers {
			if d := diff(models[i].state, read(t, stores[1], l.ID)); d != "" {
				t.Fatalf("ledger %d, at the end (-model +store):\n%s", i, d)
			}
		}
	})
}
