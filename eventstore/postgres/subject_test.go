package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

// openStores opens a database n times.
func openStores(t *testing.T, url string, n int) (stores []*Store) {
	t.Helper()
	for range n {
		s, err := Open(t.Context(), url, Options{Mode: Create})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		stores = append(stores, s)
	}
	return stores
}

// number asks for one.
func (s *Store) number(t *testing.T, query string, args ...any) (n int64) {
	t.Helper()
	if err := s.read.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestSubjectRuns asks for subjects while they are in runs, after runs were merged, and both, and each time wants every position once.
// Two processes append, one after the other, and at times another that was just begun: each merges when it is time to.
func TestSubjectRuns(t *testing.T) {
	pgtest.Server(t)
	url := pgtest.Database(t)
	stores := openStores(t, url, 2)
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	other := storetest.NewLedger(t, "QT") // whose runs are none of ours
	if _, err := stores[0].Append(ctx, other.Batch(5)); err != nil {
		t.Fatal(err)
	}
	want := map[string][]int64{}
	states := map[string]bool{} // how the index was when it was asked
	const (
		runs    = `SELECT count(*) FROM subject_runs WHERE ledger_id = $1`
		merged  = `SELECT count(*) FROM subjects WHERE ledger_id = $1`
		entries = `SELECT coalesce(sum(cardinality(positions)), 0) FROM subject_runs WHERE ledger_id = $1`
		known   = `SELECT runs FROM ledgers WHERE ledger_id = $1`
		alike   = `SELECT run_entries FROM ledgers WHERE ledger_id = $1`
	)
	ask := func(s *Store) {
		t.Helper()
		states[fmt.Sprint(s.number(t, runs, l.ID) > 0, s.number(t, merged, l.ID) > 0)] = true
		if a, b := s.number(t, runs, l.ID), s.number(t, known, l.ID); a != b || a > mergeRuns {
			t.Fatalf("%d runs, the ledger's row says %d", a, b)
		}
		if a, b := s.number(t, entries, l.ID), s.number(t, alike, l.ID); a != b || a > mergeEntries {
			t.Fatalf("%d entries in runs, the ledger's row says %d", a, b)
		}
		storetest.AskSubjects(t, s, l.ID, want, "fund:HB", `odd:"],{}\,NULL`, "odd:", "donor:ND0007", "none:x")
	}
	add := func(s *Store, size int) {
		t.Helper()
		b := l.Batch(size)
		b.Records[0].Subjects = append(b.Records[0].Subjects, `odd:"],{}\,NULL`, "odd:")
		for j := range b.Records {
			for _, subject := range b.Records[j].Subjects {
				want[subject] = append(want[subject], b.Records[j].Position)
			}
		}
		if _, err := s.Append(ctx, b); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	for i, size := range []int{1, 64, 64, 3_000, 1_000, 1_000, 64, 5_000, 10, 10} {
		add(stores[i/3%2], size)
		ask(stores[i%2])
	}
	for _, state := range []string{"true false", "true true", "false true"} {
		if !states[state] {
			t.Errorf("the index was never so that runs and subjects are there: %s", state)
		}
	}
	// Many small batches: a merge comes before a look has to read too many runs, also where no process appends twice.
	for i := range mergeRuns + 10 {
		s := stores[i%2]
		if i >= mergeRuns-2 && i < mergeRuns+2 {
			s = openStores(t, url, 1)[0]
		}
		add(s, 1)
		if n := s.number(t, runs, l.ID); n > mergeRuns {
			t.Fatalf("%d runs", n)
		}
	}
	ask(stores[1])
	// A merge that is undone leaves the runs, and what is known of them.
	b := l.Batch(mergeEntries)
	failing, err := Open(ctx, url, Options{Mode: ReadWrite}, func(_ context.Context, tx pgx.Tx, _ *eventstore.Batch) error {
		tx.(*transaction).Queue(`SELECT 1 / 0`)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	defer failing.Close()
	if _, err := failing.Append(ctx, b); err == nil {
		t.Fatal("a batch that cannot be was appended")
	}
	ask(stores[0])
	if n := stores[0].number(t, runs, other.ID); n != 1 {
		t.Errorf("the other ledger has %d runs", n)
	}
}

// TestSubjectRows looks at the rows that a merge makes: each subject's positions in as few as can be; and wants a row or a run of any
// other form, a row that is not after the one before, and another number of runs in the ledger's row to be found.
func TestSubjectRows(t *testing.T) {
	pgtest.Server(t)
	s := openStores(t, pgtest.Database(t), 1)[0]
	ctx, l := t.Context(), storetest.NewLedger(t, "KH")
	const once, often = "odd:once", "odd:often"
	b := l.Batch(mergeEntries)
	for i := range b.Records {
		b.Records[i].Subjects = []string{often}
	}
	b.Records[7].Subjects = append(b.Records[7].Subjects, once)
	for _, b := range []func() *eventstore.Batch{func() *eventstore.Batch { return b }, func() *eventstore.Batch { return l.Batch(3) }} {
		if _, err := s.Append(ctx, b()); err != nil {
			t.Fatal(err)
		}
		l.Committed()
	}
	const (
		rows = `SELECT count(*) FROM subjects WHERE subject = $1`
		most = `SELECT max(1 + coalesce(cardinality(more), 0)) FROM subjects WHERE subject = $1`
	)
	for subject, want := range map[string][2]int64{once: {1, 1}, often: {mergeEntries / rowPositions, rowPositions}} {
		if got := [2]int64{s.number(t, rows, subject), s.number(t, most, subject)}; got != want {
			t.Errorf("%s: rows, and positions of the longest: %d, not %d", subject, got, want)
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
	if err := all(); err != nil || n != mergeEntries+1+6 {
		t.Fatalf("%d entries: %v", n, err)
	}
	const order = "subjects.position, subjects.more"
	row := func(set string) string {
		return `UPDATE subjects SET ` + set + ` WHERE subject = '` + often + `' AND position = 129`
	}
	// The run begins at the position after.
	at := strings.NewReplacer("{M}", fmt.Sprint(mergeEntries), "{A}", fmt.Sprint(mergeEntries+1), "{B}", fmt.Sprint(mergeEntries+2), "{C}", fmt.Sprint(mergeEntries+3)).Replace
	for change, column := range map[string]string{
		row(`more = '{}'`):                                                       order,
		row(`more = '{130,130}'`):                                                order,
		row(`more = '{131,130}'`):                                                order,
		row(`more = '{129}'`):                                                    order,
		row(`more = '{130,NULL}'`):                                               order,
		row(`more = '[0:1]={130,131}'`):                                          order,
		row(`more = '{{130,131}}'`):                                              order,
		row(`more = '{257}'`):                                                    order,
		row(`position = 128`):                                                    order,
		row(`more = '{130,131}'`):                                                "", // it lacks some, which verify sees
		`UPDATE ledgers SET merged_position = {A}`:                               "ledgers.merged_position",
		`UPDATE ledgers SET merged_position = {M} - 1`:                           "ledgers.merged_position",
		`UPDATE ledgers SET runs = 2`:                                            "ledgers.runs",
		`UPDATE ledgers SET run_entries = 5`:                                     "ledgers.run_entries",
		`DELETE FROM subject_runs`:                                               "ledgers.runs",
		`UPDATE subject_runs SET position = {B}`:                                 "subject_runs.position",
		`UPDATE subject_runs SET subjects = '{}'`:                                "subject_runs.subjects",
		`UPDATE subject_runs SET subjects = subjects[1:5]`:                       "subject_runs.subjects, subject_runs.positions",
		`UPDATE subject_runs SET subjects = array_append(subjects[1:5], NULL)`:   "subject_runs.subjects",
		`UPDATE subject_runs SET subjects[0] = 'fund:HB'`:                        "subject_runs.subjects",
		`UPDATE subject_runs SET positions = '{{A},{A},{B},{B},{C},NULL}'`:       "subject_runs.positions",
		`UPDATE subject_runs SET positions = '{{A},{A},{C},{C},{B},{B}}'`:        "subject_runs.positions",
		`UPDATE subject_runs SET positions = '[2:7]={{A},{A},{B},{B},{C},{C}}'`:  "subject_runs.positions",
		`UPDATE subject_runs SET positions = ARRAY[[{A},{A},{B}],[{B},{C},{C}]]`: "subject_runs.positions",
	} {
		err := s.Write(ctx, func(ctx context.Context, tx pgx.Tx) error {
			_, err := tx.Exec(ctx, `CREATE TABLE kept_rows AS TABLE subjects; CREATE TABLE kept_runs AS TABLE subject_runs; CREATE TABLE kept_ledgers AS TABLE ledgers`)
			if err == nil {
				_, err = tx.Exec(ctx, at(change))
			}
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		var row *eventstore.RowError
		switch err := all(); {
		case column == "" && err == nil:
		case !errors.As(err, &row) || row.Column != column || n < mergeEntries-rowPositions:
			t.Errorf("%s: %d entries, %v", change, n, err)
		}
		err = s.Write(ctx, func(ctx context.Context, tx pgx.Tx) error {
			for _, query := range strings.Split(`DELETE FROM subjects; INSERT INTO subjects TABLE kept_rows; DELETE FROM subject_runs; INSERT INTO subject_runs TABLE kept_runs;
				UPDATE ledgers l SET merged_position = k.merged_position, runs = k.runs, run_entries = k.run_entries FROM kept_ledgers k WHERE k.ledger_id = l.ledger_id;
				DROP TABLE kept_rows, kept_runs, kept_ledgers`, ";") {
				if _, err := tx.Exec(ctx, query); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := all(); err != nil {
		t.Fatal(err)
	}
}
