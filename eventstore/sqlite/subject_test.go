package sqlite

import (
	"context"
	"errors"
	"fmt"
	"maps"
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
		storetest.AskSubjects(t, s, l.ID, want, "fund:HB", `odd:"],{}\`, "odd:", "donor:ND0007", "none:x")
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

// TestSubjectRows looks at the rows that a merge makes: each subject's positions in as few as can be; and wants a row of any other form,
// or one that is not after the one before, to be found.
func TestSubjectRows(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	s, err := Open(path, Options{Mode: Create})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	b := l.Batch(mergeEntries)
	const once, often = "odd:once", "odd:often"
	for i := range b.Records {
		b.Records[i].Subjects = []string{often}
	}
	b.Records[7].Subjects = append(b.Records[7].Subjects, once)
	if _, err := s.Append(ctx, b); err != nil {
		t.Fatal(err)
	}
	l.Committed()
	const count = `SELECT count(*), max(CASE WHEN more IS NULL THEN 1 ELSE 1 + json_array_length(more) END) FROM subjects WHERE subject = ?`
	for subject, want := range map[string][2]int{once: {1, 1}, often: {mergeEntries / rowPositions, rowPositions}} {
		var got [2]int
		if err := s.read.QueryRowContext(ctx, count, subject).Scan(&got[0], &got[1]); err != nil || got != want {
			t.Errorf("%s: %d rows, of at most %d positions, not %v: %v", subject, got[0], got[1], want, err)
		}
	}
	n := 0
	all := func() error {
		n = 0
		return s.AllSubjects(ctx, l.ID, func(string, int64) error {
			n++
			return nil
		})
	}
	if err := all(); err != nil || n != mergeEntries+1 {
		t.Fatalf("%d entries: %v", n, err)
	}
	const (
		form  = "subjects.more"
		order = "subjects.position, subjects.more"
		alter = `UPDATE subjects SET position = ?, more = ? WHERE subject = ? AND position BETWEEN 64 AND 65`
	)
	for _, altered := range []struct {
		position int64 // of the second row; the first ends with 64
		more     any
		column   string
	}{
		{65, "", form},
		{65, "x", form},
		{65, "[]", form},
		{65, "[66]x", form},
		{65, "[66,]", form},
		{65, "[,66]", form},
		{65, "[66", form},
		{65, "[066]", form},
		{65, "[66, 67]", form},
		{65, "[67,66]", form},
		{65, "[66,66]", form},
		{65, "[65]", form},
		{65, "[-66]", form},
		{65, "[66.0]", form},
		{65, "[99999999999999999999]", form},
		{65, "[129]", order},
		{64, nil, order},
		{65, "[66,67]", ""}, // it lacks some, which verify sees
	} {
		if _, err := s.writer.conn.ExecContext(ctx, alter, altered.position, altered.more, often); err != nil {
			t.Fatal(err)
		}
		var row *eventstore.RowError
		switch err := all(); {
		case altered.column == "" && err == nil:
		case !errors.As(err, &row) || row.Column != altered.column || n < mergeEntries-rowPositions:
			t.Errorf("%d, %v: %d entries, %v", altered.position, altered.more, n, err)
		}
	}
}

// TestGatheredRuns: what a process remembers of the runs is of use only while they are those of the table. Appends fail, before and in a merge, and
// another process merges the runs when it ends.
func TestGatheredRuns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.db")
	fail := errors.New("fail")
	var failing error
	s, err := Open(path, Options{Mode: Create}, func(context.Context, Tx, *eventstore.Batch) error { return failing })
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	want := map[string][]int64{}
	remembered := map[bool]int{} // how often a merge was of what was remembered, and how often not
	for i := range 120 {
		b := l.Batch(300)
		merges := s.writer.known.entries+900 > mergeEntries // a batch has some 600 entries
		failing = nil
		if i%3 == 0 || merges && i%2 == 0 {
			failing = fail
			if _, err := s.Append(ctx, b); !errors.Is(err, fail) {
				t.Fatal(err)
			}
			failing = nil
		}
		if i%30 == 15 {
			other, err := Open(path, Options{Mode: ReadWrite})
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Close(); err != nil { // which merges
				t.Fatal(err)
			}
		}
		before := s.writer.gathered.pending
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		if s.writer.known.runs == 0 {
			remembered[before.runs > 0]++
		}
		for j := range b.Records {
			for _, subject := range b.Records[j].Subjects {
				want[subject] = append(want[subject], b.Records[j].Position)
			}
		}
		l.Committed()
		if i%20 == 0 {
			storetest.AskSubjects(t, s, l.ID, want, "fund:HB", "donor:ND0007")
		}
	}
	if remembered[true] == 0 || remembered[false] == 0 {
		t.Errorf("merges of what was remembered and of what was read: %v", remembered)
	}
	have := map[string][]int64{}
	err = s.AllSubjects(ctx, l.ID, func(subject string, position int64) error {
		have[subject] = append(have[subject], position)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !maps.EqualFunc(have, want, slices.Equal[[]int64]) {
		t.Error("the index is not that of the events")
	}
}
