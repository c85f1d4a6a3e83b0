package storetest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

func testImmutable(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	append1(t, db.Store, l, l.Batch(300))
	before := read(t, db.Store, l.ID)
	for _, query := range db.Changes {
		var args []any
		if strings.Contains(query, "$1") {
			args = append(args, db.ID(l.ID))
		}
		if err := db.Exec(ctx, query, args...); err == nil || !strings.Contains(err.Error(), "immutable") {
			t.Errorf("%s: %v", query, err)
		}
		if d := diff(before, read(t, db.Store, l.ID)); d != "" {
			t.Fatalf("%s changed the log (-before +after):\n%s", query, d)
		}
	}
	append1(t, db.Store, l, l.Batch(1))
}

// testCorrupt does what the database refuses, as somebody with all rights could, and looks that the store sees it.
func testCorrupt(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	exec := func(query string, args ...any) {
		t.Helper()
		if err := db.Exec(ctx, query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	append1(t, db.Store, l, l.Batch(10))
	if err := db.Disarm(ctx); err != nil {
		t.Fatal(err)
	}
	missing := func(position string) {
		t.Helper()
		var last int64
		err := db.Store.Read(ctx, l.ID, 1, 0, func(r *eventstore.Record) error {
			last = r.Position
			return nil
		})
		wantErr(t, err, eventstore.ErrCorrupt)
		if !strings.Contains(err.Error(), "position "+position+" ") {
			t.Errorf("after position %d: %v", last, err)
		}
	}
	exec(`DELETE FROM events WHERE ledger_id = $1 AND position = 10`, db.ID(l.ID))
	missing("10")
	exec(`DELETE FROM events WHERE ledger_id = $1 AND position = 4`, db.ID(l.ID))
	missing("4")

	subject := l.Batch(1).Records[0].Subjects[0]
	wantErr(t, db.Store.Subject(ctx, l.ID, subject, 1, 0, func(*eventstore.Record) error { return nil }), eventstore.ErrCorrupt)

	// Events above the head: the next append meets one.
	exec(`UPDATE ledgers SET head_position = 8 WHERE ledger_id = $1`, db.ID(l.ID))
	_, err := db.Store.Head(ctx, l.ID)
	wantErr(t, err, eventstore.ErrCorrupt) // the edge is that of 10
	above := l.Batch(1)
	above.After, above.Records[0].Position, above.Edge.Size = 8, 9, 9
	_, err = db.Store.Append(ctx, above)
	wantErr(t, err, eventstore.ErrCorrupt)

	// Events without a head are no new ledger.
	exec(`DELETE FROM ledgers WHERE ledger_id = $1`, db.ID(l.ID))
	_, err = db.Store.Append(ctx, NewLedger(t, "KH").Batch(1))
	wantErr(t, err, eventstore.ErrCorrupt)
	var moved *eventstore.HeadMovedError
	if errors.As(err, &moved) {
		t.Error("rows without a head are no moved head")
	}
}

func testStrays(t *testing.T, h Harness) {
	db, l, kept := open(t, h), NewLedger(t, "KH"), NewLedger(t, "QT")
	ctx := context.Background()
	for _, l := range []*Ledger{l, kept} {
		b := l.Batch(300)
		b.KeepNote = true
		b.Private = append(b.Private, l.Private("{}"))
		append1(t, db.Store, l, b)
		if err := db.Store.SaveSnapshot(ctx, l.ID, eventstore.Snapshot{Position: 300}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := db.Store.Strays(ctx)
	if err != nil || len(got) > 0 {
		t.Fatalf("strays %v, %v", got, err)
	}
	if breaches, err := db.Store.Breaches(ctx); err != nil || len(breaches) > 0 {
		t.Errorf("breaches %v, %v", breaches, err)
	}
	for ledger, want := range map[uuid.UUID][2]int64{l.ID: {1, 300}, {15: 1}: {0, 0}} {
		if first, last, err := db.Store.Span(ctx, ledger); err != nil || [2]int64{first, last} != want {
			t.Errorf("the events of %s are %d to %d (%v), want %d", ledger, first, last, err, want)
		}
	}
	empty := uuid.UUID{14: 1} // gets the head, and has nothing else
	if err := db.Exec(ctx, `UPDATE ledgers SET ledger_id = $1 WHERE ledger_id = $2`, db.ID(empty), db.ID(l.ID)); err != nil {
		t.Fatal(err)
	}
	var want []eventstore.Stray
	for _, table := range []string{"checkpoints", "commands", "events", "origins", "private", "snapshots", "subjects", "tiles"} {
		want = append(want, eventstore.Stray{Table: table, LedgerID: l.ID.String(), Missing: "ledgers"})
	}
	for _, missing := range []string{"events", "origins"} {
		want = append(want, eventstore.Stray{Table: "ledgers", LedgerID: empty.String(), Missing: missing})
	}
	slices.SortFunc(want, eventstore.Stray.Compare)
	got, err = db.Store.Strays(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got { // what is not in order yet lies in a table of its own
		if got[i].Table == "subject_runs" {
			got[i].Table = "subjects"
		}
	}
	if d := diff(want, got); d != "" {
		t.Errorf("strays (-want +got):\n%s", d)
	}
}
