package projectiontest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/soquy/soquy/domain"
)

// testEntries: what batches bring to balances waits in a table of its own, as long as that does not get long, and is a part of every answer.
func testEntries(t *testing.T, open Open) {
	h := NewHistory(t, 21).Province()
	w := newWriter(t, open(t), "entries")
	waits := w.db.Waits()
	donate := func(n int, fund string) {
		for range n {
			h.Do(give(fund, "VCB", "1000"))
		}
	}
	// waiting appends what is new, and returns how many packs wait then.
	waiting := func(batch int) int {
		t.Helper()
		w.append(h.Log, len(h.Log), constantly(batch))
		n, err := w.db.Count(t.Context(), waits.Rows)
		if err != nil {
			t.Fatal(err)
		}
		w.same(h.Log)
		return n
	}
	h.On("2017-03-01")
	donate(1, "TQ")
	equal(t, "a holding's first entry has a row of its own", waiting(1), 0)
	donate(10, "TQ")
	first := waiting(1)
	if first == 0 || first > 10 {
		t.Errorf("%d packs wait after 10 batches of one", first)
	}
	w.answers(h)
	donate(1, "X1Q")
	equal(t, "another holding's first entry", waiting(1), 0)
	donate(waits.Batches, "X1Q")
	before := waiting(1)
	if before == 0 || before > waits.Batches {
		t.Errorf("%d packs wait", before)
	}
	donate(waits.Batches, "TQ")
	if n := waiting(1); n > waits.Batches {
		t.Errorf("%d packs wait", n)
	}

	// An entry for each day, so many that they do not wait although there are few packs.
	begin, i := Date("2016-12-01"), 0
	const days = 100
	donate(1, "H1Q")
	equal(t, "one more holding's first entry", waiting(1), 0)
	most := 0
	for range waits.Entries/days + 2 {
		for range days {
			h.On((begin + domain.Date(i%500)).String()).Do(give("TQ", "AN", "1"))
			i++
		}
		w.append(h.Log, len(h.Log), constantly(days))
		n, err := w.db.Count(t.Context(), waits.Rows)
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, n)
	}
	if n := waiting(days); most < 3 || n >= most {
		t.Errorf("%d packs of %d entries waited, then %d", most, days, n)
	}
	w.answers(h)

	tamperWaiting(t, w, h)

	// A rebuild leaves none, and what comes then waits again.
	rebuild := func() {
		t.Helper()
		err := w.db.Rebuild(t.Context(), w.l.ID, waits.Models, eventsOf(func() []domain.Event { return h.Log }), nil)
		if err != nil {
			t.Fatal(err)
		}
	}
	rebuild()
	equal(t, "after a rebuild", waiting(1), 0)
	donate(5, "X1Q")
	if n := waiting(1); n == 0 || n > 6 {
		t.Errorf("after a rebuild %d packs wait", n)
	}

	// Two processes in turn.
	one, two := w.db, w.db.Again(t)
	for i := range 5 * waits.Batches / 2 {
		fund := "TQ"
		if i%7 == 0 {
			fund = "X1Q"
		}
		if i%60 == 0 {
			fund = []string{"H1Q", "H2Q", "X2Q", "X3Q", "C2Q", "TQ"}[i/60%6]
		}
		h.On(fmt.Sprintf("2017-05-%02d", 1+i%28)).Do(give(fund, "VCB", "7"))
		w.db = one
		if i%3 == 0 {
			w.db = two
		}
		w.append(h.Log, len(h.Log), constantly(1))
		if i%50 == 0 {
			w.same(h.Log)
		}
	}
	if n := waiting(1); n > 2*waits.Batches {
		t.Errorf("of two processes %d packs wait", n)
	}
	w.answers(h)
}

// testUndone: what a batch brought that was undone is in nothing, also where other processes then appended as many events in its place.
func testUndone(t *testing.T, open Open) {
	db := open(t)
	stores := []Database{db, db.Again(t)}
	h := NewHistory(t, 24).Province()
	w := newWriter(t, db, "undone")
	r := rand.New(rand.NewPCG(24, 1))
	people := domain.PersonKinds()
	// some is some events, of which a person brings nothing.
	some := func(n int) {
		for range n {
			switch r.IntN(3) {
			case 0:
				h.Do(&domain.RegisterPerson{Kind: people[r.IntN(len(people))]})
			case 1:
				h.Do(give("TQ", "VCB", "1000"))
			default:
				h.Do(give("X1Q", "VCB", "20"))
			}
		}
	}
	stop := errors.New("stop")
	// undo has a store undo events that are in the log already, by their index.
	undo := func(s Database, like ...int) {
		t.Helper()
		log := slices.Clone(h.Log[:w.done])
		for _, i := range like {
			e := h.Log[i]
			e.Position = int64(len(log)) + 1
			log = append(log, e)
		}
		s.Fail(stop)
		if _, err := s.Store().Append(t.Context(), w.batch(log, len(log))); !errors.Is(err, stop) {
			t.Fatalf("an append that is undone: %v", err)
		}
	}
	// one and other are of what brings something, person is not.
	person, one, other := 0, 0, 0
	like := func(n int) (list []int) {
		for range n {
			list = append(list, []int{person, one, other}[r.IntN(3)])
		}
		return list
	}
	place := func() { // all that waits
		t.Helper()
		for range db.Waits().Batches {
			h.Do(give("TQ", "VCB", "7"))
		}
		w.append(h.Log, len(h.Log), constantly(1))
		w.same(h.Log)
	}
	h.On("2017-03-01").Do(&domain.RegisterPerson{Kind: people[0]}, give("TQ", "VCB", "1000"), give("X1Q", "VCB", "20"))
	person, one, other = len(h.Log)-3, len(h.Log)-2, len(h.Log)-1
	w.append(h.Log, len(h.Log), constantly(2))
	// One process's append is undone, and another's is of as many events; then the first goes on alone, so that what it remembers is used.
	for range 30 {
		w.db = stores[0]
		for range r.IntN(4) {
			some(1 + r.IntN(3))
			if r.IntN(6) == 0 {
				undo(stores[0], like(1)...)
			}
			w.append(h.Log, len(h.Log), func() int { return 1 + r.IntN(3) })
		}
		n := 1 + r.IntN(3)
		some(n)
		undo(stores[0], like(n)...)
		w.db = stores[1]
		w.append(h.Log, len(h.Log), func() int { return 1 + r.IntN(n) })
		w.db = stores[0]
		place()
	}
	// The next batch is written in two parts, the first of which brings nothing.
	h.Do(give("TQ", "VCB", "1000"), give("TQ", "VCB", "1000"))
	undo(stores[0], other)
	w.db = stores[1]
	w.append(h.Log, len(h.Log), constantly(2))
	h.Do(&domain.MergeUnit{Unit: "X2", Into: "X3"}, give("TQ", "VCB", "1000"))
	w.db = stores[0]
	w.append(h.Log, len(h.Log), constantly(len(h.Log)))
	place()
	// So does one that brings nothing, after one that was undone.
	h.Do(&domain.RegisterPerson{Kind: people[1]})
	undo(stores[0], one)
	w.append(h.Log, len(h.Log), constantly(1))
	h.Do(give("TQ", "VCB", "1000"), give("X1Q", "VCB", "20"))
	undo(stores[0], person, other)
	w.db = stores[1]
	w.append(h.Log, len(h.Log), constantly(1))
	w.db = stores[0]
	place()
	w.answers(h)
}

// tamperWaiting: whatever is changed in what waits is found.
func tamperWaiting(t *testing.T, w *writer, h *History) {
	t.Helper()
	waits := w.db.Waits()
	// some appends until there are several packs of different days.
	some := func() {
		t.Helper()
		for i, n := 0, 0; n < 3; i++ {
			h.On(fmt.Sprintf("2017-04-%02d", 1+i%30)).Do(give("TQ", "VCB", "5"), give("X1Q", "VCB", "6"))
			w.append(h.Log, len(h.Log), constantly(2))
			var err error
			if n, err = w.db.Count(t.Context(), waits.Rows); err != nil {
				t.Fatal(err)
			}
		}
	}
	some()
	want := folded(t, h.Log)
	for _, change := range waits.Changes {
		if err := w.db.Exec(t.Context(), waits.Table, change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		all, err := w.db.Check(t.Context(), w.l.ID, want, int64(len(h.Log)))
		if err != nil {
			t.Fatal(err)
		}
		loose, err := w.db.Loose(t.Context(), w.l.ID, int64(len(h.Log)))
		if err != nil {
			t.Fatal(err)
		}
		found := len(loose) > 0
		for _, c := range all {
			found = found || c.Wrong > 0
			if c.Wrong > 0 && waits.Models != nil && !slices.Contains(waits.Models, c.Name) {
				t.Errorf("%s: %s has %d wrong rows: %v", change, c.Name, c.Wrong, c.Mismatches)
			}
		}
		if !found {
			t.Errorf("%s: nothing is found", change)
		}
		err = w.db.Rebuild(t.Context(), w.l.ID, waits.Models, eventsOf(func() []domain.Event { return h.Log }), nil)
		if err != nil {
			t.Fatal(err)
		}
		some()
		want = folded(t, h.Log)
		w.same(h.Log)
	}
}
