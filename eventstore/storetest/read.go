package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

func testReadBack(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	var want []eventstore.Record
	var note []byte
	for _, n := range []int{1, 2, 300, 1, 700} {
		b := l.Batch(n)
		note = append1(t, db.Store, l, b)
		want = append(want, b.Records...)

		head, err := db.Store.Head(ctx, l.ID)
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(eventstore.Head{Ledger: l.ID, Origin: l.Origin, Edge: b.Edge, Note: note}, head); d != "" {
			t.Fatalf("head (-want +got):\n%s", d)
		}
	}
	got := read(t, db.Store, l.ID)
	if d := diff(noSubjects(want), got.Records); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
	for i, r := range got.Records {
		if !bytes.Equal(r.Envelope, want[i].Envelope) {
			t.Fatalf("envelope of position %d differs", r.Position)
		}
		if r.RecordedAt.Location().String() != "UTC" {
			t.Fatalf("recorded_at of position %d is in %s", r.Position, r.RecordedAt.Location())
		}
	}
	if n := len(got.Tiles); n != int(l.Position()/256) {
		t.Errorf("%d tiles, want %d", n, l.Position()/256)
	}
}

func testReadRanges(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	append1(t, db.Store, l, l.Batch(5_000))
	for _, x := range []struct{ from, to, first, last int64 }{
		{1, 0, 1, 5_000},
		{0, 0, 1, 5_000},
		{1, 1, 1, 1},
		{4_096, 4_098, 4_096, 4_098},
		{4_999, 9_000, 4_999, 5_000},
		{5_000, 0, 5_000, 5_000},
		{5_001, 0, 0, 0},
		{9_000, 9_900, 0, 0},
		{7, 6, 0, 0},
	} {
		var first, last int64
		err := db.Store.Read(ctx, l.ID, x.from, x.to, func(r *eventstore.Record) error {
			if first == 0 {
				first, last = r.Position, r.Position-1
			}
			if last++; r.Position != last {
				return fmt.Errorf("position %d after %d", r.Position, last-1)
			}
			return nil
		})
		if err != nil || first != x.first || last != x.last {
			t.Errorf("Read(%d, %d) gave %d to %d and %v, want %d to %d", x.from, x.to, first, last, err, x.first, x.last)
		}
	}

	stop, calls := errors.New("stop"), 0
	err := db.Store.Read(ctx, l.ID, 1, 0, func(*eventstore.Record) error {
		calls++
		return stop
	})
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("a function that fails was called %d times, and Read returned %v", calls, err)
	}
	wantErr(t, db.Store.Read(ctx, uuid.New(), 1, 0, func(*eventstore.Record) error { return nil }), eventstore.ErrNotFound)
	_, err = db.Store.Head(ctx, uuid.New())
	wantErr(t, err, eventstore.ErrNotFound)

	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	wantErr(t, db.Store.Read(cancelled, l.ID, 1, 0, func(*eventstore.Record) error { return nil }), context.Canceled)

	// A store can be asked again from inside the function.
	err = db.Store.Read(ctx, l.ID, 1, 20, func(r *eventstore.Record) error {
		_, err := db.Store.Event(ctx, l.ID, r.ID)
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func testLimits(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	for name, spoil := range map[string]func(*eventstore.Batch){
		"no records":       func(b *eventstore.Batch) { b.Records = nil },
		"gap":              func(b *eventstore.Batch) { b.Records[1].Position++ },
		"starts late":      func(b *eventstore.Batch) { b.After++ },
		"edge of another":  func(b *eventstore.Batch) { b.Edge.Size++ },
		"long envelope":    func(b *eventstore.Batch) { b.Records[2].Envelope = make([]byte, eventstore.MaxEnvelope+1) },
		"short envelope":   func(b *eventstore.Batch) { b.Records[2].Envelope = []byte("{") },
		"no signature":     func(b *eventstore.Batch) { b.Sign = nil },
		"note of no bytes": func(b *eventstore.Batch) { b.Sign = func() ([]byte, error) { return nil, nil } },
	} {
		b := l.Batch(3)
		spoil(b)
		if _, err := db.Store.Append(ctx, b); err == nil {
			t.Errorf("%s: the batch was taken", name)
		}
		if d := diff(state{}, read(t, db.Store, l.ID)); d != "" {
			t.Fatalf("%s: something was stored:\n%s", name, d)
		}
	}
	b := l.Batch(2)
	b.Records[0].Envelope = l.envelope(1, eventstore.MaxEnvelope)
	b.Records[1].Envelope = []byte("{}")
	b.Records[1].Subjects = nil
	append1(t, db.Store, l, l.Seal(b))
	if d := diff(noSubjects(b.Records), read(t, db.Store, l.ID).Records); d != "" {
		t.Errorf("records (-want +got):\n%s", d)
	}
}

func testLarge(t *testing.T, h Harness) {
	const n = 20_000
	db, l := open(t, h), NewLedger(t, "KH")
	b := l.Batch(n)
	b.Records[n/2].Envelope = l.envelope(n/2, eventstore.MaxEnvelope)
	for range 3_000 {
		b.Private = append(b.Private, l.Private(`{"name":"Lò Văn A"}`))
	}
	append1(t, db.Store, l, l.Seal(b))
	got := read(t, db.Store, l.ID)
	if d := diff(noSubjects(b.Records), got.Records); d != "" {
		t.Errorf("records (-want +got):\n%s", d[:min(len(d), 4_000)])
	}
	if len(got.Subjects) != 2*n || len(got.Commands) != n || len(got.Private) != 3_000 || len(got.Tiles) != n/256 {
		t.Errorf("%d subjects, %d commands, %d private texts, %d tiles", len(got.Subjects), len(got.Commands), len(got.Private), len(got.Tiles))
	}
}

func testSubjects(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	ctx := context.Background()
	subjects := []string{"donor:Đặng Thị Huệ", "fund:Quỹ Tài năng trẻ", "fund:quỹ", "fund:QUỸ", "person:" + strings.Repeat("ữ", 80)}
	want := make(map[string][]int64)
	for i := range 4 {
		b := l.Batch(50 + i)
		for j := range b.Records {
			r := &b.Records[j]
			r.Subjects = []string{subjects[j%len(subjects)], subjects[(j+1)%len(subjects)]}
			for _, s := range r.Subjects {
				want[s] = append(want[s], r.Position)
			}
		}
		append1(t, db.Store, l, b)
	}
	// One with more positions than are read at a time, of which the last that is read lies within a batch.
	const hot = "fund:HOT"
	for range 4 {
		b := l.Batch(397)
		for j := range b.Records {
			b.Records[j].Subjects = []string{hot}
			want[hot] = append(want[hot], b.Records[j].Position)
		}
		append1(t, db.Store, l, b)
	}
	for _, subject := range append(subjects, hot, "fund:no such") {
		var got []int64
		err := db.Store.Subject(ctx, l.ID, subject, 1, 0, func(r *eventstore.Record) error {
			got = append(got, r.Position)
			e, err := db.Store.Event(ctx, l.ID, r.ID)
			if d := diff(e, *r); err == nil && d != "" {
				return fmt.Errorf("record of a subject (-want +got):\n%s", d)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if d := diff(want[subject], got); d != "" {
			t.Errorf("%s (-want +got):\n%s", subject, d)
		}
		// A part of them, also where it begins or ends at one.
		if n := len(want[subject]); n > 4 {
			all := want[subject]
			for _, part := range [][2]int64{{all[2], all[n-2]}, {all[2] + 1, all[n-2] - 1}, {all[n-1], 0}, {all[n-1] + 1, 0}, {all[3], all[2]}} {
				var got, in []int64
				for _, p := range all {
					if p >= part[0] && (p <= part[1] || part[1] == 0) {
						in = append(in, p)
					}
				}
				err := db.Store.Subject(ctx, l.ID, subject, part[0], part[1], func(r *eventstore.Record) error {
					got = append(got, r.Position)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if d := diff(in, got); d != "" {
					t.Errorf("%s from %d to %d (-want +got):\n%s", subject, part[0], part[1], d)
				}
			}
		}
	}
	stop := errors.New("stop")
	wantErr(t, db.Store.Subject(ctx, l.ID, subjects[0], 1, 0, func(*eventstore.Record) error { return stop }), stop)
	if err := db.Store.Subject(ctx, uuid.New(), subjects[0], 1, 0, func(*eventstore.Record) error { return stop }); err != nil {
		t.Errorf("subject of another ledger: %v", err)
	}

	var rows []eventstore.SubjectEntry
	err := db.Store.AllSubjects(ctx, l.ID, func(subject string, position int64) error {
		rows = append(rows, eventstore.SubjectEntry{Subject: subject, Position: position})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := 1; i < len(rows); i++ {
		a, b := rows[i-1], rows[i]
		if a.Subject > b.Subject || a.Subject == b.Subject && a.Position >= b.Position {
			t.Fatalf("%v comes before %v", a, b)
		}
	}
}

func testView(t *testing.T, h Harness) {
	db, l := open(t, h), NewLedger(t, "KH")
	append1(t, db.Store, l, l.Batch(3))
	err := db.View(context.Background(), l.ID, func(head func() (eventstore.Head, error)) error {
		for range 3 {
			got, err := head()
			if err != nil {
				return err
			}
			if got.Position() != 3 {
				t.Errorf("the view sees position %d, it began at 3", got.Position())
			}
			append1(t, db.Store, l, l.Batch(3))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	err = db.View(context.Background(), uuid.New(), func(head func() (eventstore.Head, error)) error {
		_, err := head()
		wantErr(t, err, eventstore.ErrNotFound)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	head, err := db.Store.Head(context.Background(), l.ID)
	if err != nil || head.Position() != 12 {
		t.Fatalf("after the view the head is %d, %v", head.Position(), err)
	}
	failed := errors.New("failed")
	wantErr(t, db.View(context.Background(), l.ID, func(func() (eventstore.Head, error)) error { return failed }), failed)
}
