package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

func testLookups(t *testing.T, h Harness) {
	db, l, other := open(t, h), NewLedger(t, "KH"), NewLedger(t, "QT")
	ctx := context.Background()
	append1(t, db.Store, other, other.Batch(1))
	b := l.Batch(600)
	for range 40 {
		b.Private = append(b.Private, l.Private(`{"name":"Cà Văn C"}`))
	}
	append1(t, db.Store, l, b)

	for _, n := range []int{0, 1, 2, 16, 17, 128, 129, 600} {
		ids := []uuid.UUID{uuid.New()}
		want := make(map[uuid.UUID]eventstore.Command)
		for _, c := range b.Commands[:n] {
			ids = append(ids, c.ID)
			want[c.ID] = c
		}
		got, err := db.Store.Commands(ctx, l.ID, ids)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(want, got); d != "" {
			t.Errorf("commands (-want +got):\n%s", d)
		}
	}
	if got, err := db.Store.Commands(ctx, other.ID, []uuid.UUID{b.Commands[0].ID}); err != nil || len(got) > 0 {
		t.Errorf("commands of another ledger: %v, %v", got, err)
	}
	if got, err := db.Store.Commands(ctx, l.ID, nil); err != nil || len(got) > 0 {
		t.Errorf("no commands: %v, %v", got, err)
	}

	sorted := []uuid.UUID{uuid.Nil}
	for _, c := range b.Commands {
		sorted = append(sorted, c.ID)
	}
	slices.SortFunc(sorted, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	sorted = append(sorted, uuid.Max)
	for i, id := range sorted[1:] {
		before, after, err := db.Store.CommandsAround(ctx, l.ID, id)
		if err != nil || before != sorted[i] || after != id {
			t.Fatalf("around %s are %s and %s, want %s and itself (%v)", id, before, after, sorted[i], err)
		}
	}
	if before, after, err := db.Store.CommandsAround(ctx, uuid.New(), sorted[1]); err != nil || before != uuid.Nil || after != uuid.Max {
		t.Errorf("of another ledger there are %s and %s (%v)", before, after, err)
	}

	ids := []uuid.UUID{uuid.New()}
	want := make(map[uuid.UUID]eventstore.Private)
	for _, p := range b.Private {
		ids = append(ids, p.ID)
		want[p.ID] = p
	}
	private, err := db.Store.Private(ctx, l.ID, ids)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(want, private); d != "" {
		t.Errorf("private (-want +got):\n%s", d)
	}

	for _, tile := range b.Tiles {
		got, err := db.Store.Tile(ctx, l.ID, tile.Level, tile.Index)
		if err != nil || string(got) != string(tile.Hashes) {
			t.Errorf("tile %d/%d: %v", tile.Level, tile.Index, err)
		}
	}
	_, err = db.Store.Tile(ctx, l.ID, 1, 0)
	wantErr(t, err, eventstore.ErrNotFound)

	r := noSubjects(b.Records)[77]
	got, err := db.Store.Event(ctx, l.ID, r.ID)
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(r, got); d != "" {
		t.Errorf("event (-want +got):\n%s", d)
	}
	_, err = db.Store.Event(ctx, other.ID, r.ID)
	wantErr(t, err, eventstore.ErrNotFound)

	stop := errors.New("stop")
	wantErr(t, db.Store.AllCommands(ctx, l.ID, func(eventstore.Command) error { return stop }), stop)
	wantErr(t, db.Store.AllTiles(ctx, l.ID, func(int, int64, []byte) error { return stop }), stop)
}

func testErase(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	b := l.Batch(1)
	keep, gone := l.Private(`{"name":"Lường Văn D"}`), l.Private(`{"name":"Tòng Thị E"}`)
	b.Private = []eventstore.Private{keep, gone}
	append1(t, db.Store, l, b)

	b = l.Batch(1)
	b.Erase = []uuid.UUID{gone.ID, uuid.New()}
	append1(t, db.Store, l, b)
	got, err := db.Store.Private(context.Background(), l.ID, []uuid.UUID{keep.ID, gone.ID})
	if err != nil {
		t.Fatal(err)
	}
	if d := diff(map[uuid.UUID]eventstore.Private{keep.ID: keep}, got); d != "" {
		t.Errorf("private (-want +got):\n%s", d)
	}
}

func testSnapshots(t *testing.T, h Harness) {
	db, l, other := open(t, h), NewLedger(t, "KH"), NewLedger(t, "QT")
	ctx := context.Background()
	append1(t, db.Store, l, l.Batch(1))
	if err := db.Store.SaveSnapshot(ctx, other.ID, eventstore.Snapshot{Position: 1, Bytes: []byte("other")}); err != nil {
		t.Fatal(err)
	}
	var all []eventstore.Snapshot
	for i, position := range []int64{10, 20, 30, 40} {
		s := eventstore.Snapshot{Position: position, Version: i, Bytes: make([]byte, 100_000*i), Signature: []byte{byte(i)}}
		all = append([]eventstore.Snapshot{s}, all...)
		if err := db.Store.SaveSnapshot(ctx, l.ID, s); err != nil {
			t.Fatal(err)
		}
		got, err := db.Store.Snapshots(ctx, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(all[:min(len(all), 2)], got); d != "" {
			t.Errorf("after %d (-want +got):\n%s", position, d)
		}
	}
	// The same position again, of another version.
	all[0].Version = 9
	if err := db.Store.SaveSnapshot(ctx, l.ID, all[0]); err != nil {
		t.Fatal(err)
	}
	got, err := db.Store.Snapshots(ctx, l.ID)
	if d := diff(all[:2], got); err != nil || d != "" {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
	if got, err := db.Store.Snapshots(ctx, other.ID); err != nil || len(got) != 1 || string(got[0].Bytes) != "other" {
		t.Errorf("of another ledger: %v, %v", got, err)
	}
}

func testCheckpoints(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	var want []eventstore.Checkpoint
	for i := range 6 {
		b := l.Batch(1 + i)
		b.KeepNote = i%2 == 0
		note := append1(t, db.Store, l, b)
		if b.KeepNote {
			want = append(want, eventstore.Checkpoint{Size: b.Last(), Note: note})
		}
	}
	if d := diff(want, read(t, db.Store, l.ID).Checkpoints); d != "" {
		t.Errorf("checkpoints (-want +got):\n%s", d)
	}
}

func testReopen(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	b := l.Batch(500)
	b.KeepNote = true
	b.Private = append(b.Private, l.Private("{}"))
	append1(t, db.Store, l, b)
	if err := db.Store.SaveSnapshot(context.Background(), l.ID, eventstore.Snapshot{Position: 500}); err != nil {
		t.Fatal(err)
	}
	before := read(t, db.Store, l.ID)
	if err := db.Store.Close(); err != nil {
		t.Fatal(err)
	}
	again := db.Again(t)
	if d := diff(before, read(t, again, l.ID)); d != "" {
		t.Errorf("after it was opened again (-before +after):\n%s", d)
	}
	append1(t, again, l, l.Batch(1))
	if _, err := db.Store.Append(context.Background(), l.Batch(1)); err == nil {
		t.Error("a closed store took an append")
	}
}
