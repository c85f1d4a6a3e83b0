package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/storetest"
)

// TestSubjectRuns asks for subjects while they are in runs, after runs were merged, both, and after the file was closed, and each time
// wants every position once. Another store on the same file appends too, so that what one knows of the runs gets old.
func TestSubjectRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	var stores []*Store
	for range 2 {
		s, err := Open(path, Options{Mode: Create})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		stores = append(stores, s)
	}
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	want := map[string][]int64{}
	states := map[string]bool{} // how the index was when it was asked
	runs := func() (n int) {
		t.Helper()
		if err := stores[0].read.QueryRowContext(ctx, `SELECT count(*) FROM subject_runs`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	merged := func() (n int) {
		t.Helper()
		if err := stores[0].read.QueryRowContext(ctx, `SELECT count(*) FROM subjects`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	ask := func(s *Store) {
		t.Helper()
		states[fmt.Sprint(runs() > 0, merged() > 0)] = true
		for _, subject := range []string{"fund:HB", `odd:"],{}\`, "odd:", "donor:ND0007", "none:x"} {
			var got []int64
			err := s.Subject(ctx, l.ID, subject, 1, 0, func(r *eventstore.Record) error {
				got = append(got, r.Position)
				return nil
			})
			if err != nil || !slices.Equal(got, want[subject]) {
				t.Fatalf("%s: %d positions, not %d: %v", subject, len(got), len(want[subject]), err)
			}
		}
		n := 0
		last := entry{}
		err := s.AllSubjects(ctx, l.ID, func(subject string, position int64) error {
			e := entry{subject, position}
			if compareEntries(last, e) >= 0 || !slices.Contains(want[subject], position) {
				t.Fatalf("all: %v after %v", e, last)
			}
			last = e
			n++
			return nil
		})
		all := 0
		for _, list := range want {
			all += len(list)
		}
		if err != nil || n != all {
			t.Fatalf("all: %d entries, not %d: %v", n, all, err)
		}
	}
	for i, size := range []int{1, 64, 64, 3_000, 1_000, 1_000, 64, 5_000, 10, 10} {
		b := l.Batch(size)
		b.Records[0].Subjects = append(b.Records[0].Subjects, `odd:"],{}\`, "odd:")
		for j := range b.Records {
			for _, subject := range b.Records[j].Subjects {
				want[subject] = append(want[subject], b.Records[j].Position)
			}
		}
		if _, err := stores[i/3%2].Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		l.Committed()
		ask(stores[i%2])
	}
	for _, state := range []string{"true false", "true true", "false true"} {
		if !states[state] {
			t.Errorf("the index was never so that runs and subjects are there: %s", state)
		}
	}
	// Many small batches: a merge comes before a look has to read too many runs.
	for range mergeRuns + 10 {
		b := l.Batch(1)
		for _, subject := range b.Records[0].Subjects {
			want[subject] = append(want[subject], b.Records[0].Position)
		}
		if _, err := stores[0].Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		l.Committed()
		if n := runs(); n > mergeRuns {
			t.Fatalf("%d runs", n)
		}
	}
	ask(stores[1])
	// A reader that began before a merge hands out each entry once: those that moved meanwhile too.
	if runs() == 0 {
		t.Fatal("no runs are left to be merged")
	}
	before := 0
	for _, list := range want {
		before += len(list)
	}
	b, old := l.Batch(mergeEntries), 0
	end := b.After
	if err := stores[1].AllSubjects(ctx, l.ID, func(_ string, position int64) error {
		if position <= end {
			old++
		}
		if b == nil {
			return nil
		}
		_, err := stores[0].Append(ctx, b)
		b = nil
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if n := runs(); old != before || n != 0 {
		t.Errorf("%d entries, not %d; %d runs are left", old, before, n)
	}
	if err := stores[0].Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path, Options{Mode: ReadOnly})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	var left int
	if err := again.read.QueryRowContext(context.Background(), `SELECT count(*) FROM subject_runs`).Scan(&left); err != nil || left != 0 {
		t.Errorf("after the writer was closed %d runs are left: %v", left, err)
	}
}
