package projectiontest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// testBatches: the rows are the same however the events were batched, down to one event a batch.
func testBatches(t *testing.T, open Open) {
	h := NewHistory(t, 77).Province().Random(150)
	db := open(t)
	for _, size := range []int{1, 7, 100, 1 << 20} {
		w := newWriter(t, db, fmt.Sprint("batches", size))
		w.append(h.Log, len(h.Log), constantly(size))
		w.same(h.Log)
	}
}

// give is one line of cash.
func give(fund, donor, amount string) *domain.ReceiveDonation {
	return &domain.ReceiveDonation{
		Fund: fund, Donor: donor, Lines: []domain.LineInput{{Asset: domain.Cash, Amount: decimal(amount)}},
	}
}

// award is a list of merit awards in cash.
func award(fund string, pay bool, amount string, persons ...uuid.UUID) *domain.MakeGrant {
	c := &domain.MakeGrant{Kind: domain.MeritAward, Fund: fund, Asset: domain.Cash, Pay: pay}
	for _, p := range persons {
		c.Recipients = append(c.Recipients, domain.Recipient{Person: p, Amount: decimal(amount), AchievementLevel: "national"})
	}
	return c
}

// totals asks and returns rows as "by measure recipient grants people amount".
func (w *writer) totals(q projections.TotalsQuery) []string {
	w.t.Helper()
	var list []string
	w.view(func(ctx context.Context, r Reader) error {
		rows, err := r.Totals(ctx, q)
		for _, t := range rows {
			list = append(list, strings.TrimSpace(fmt.Sprintf("%s %s %s %d %d %d",
				strings.Join(t.By, ","), t.Measure, t.Recipient, t.Grants, t.People, t.Amount)))
		}
		return err
	})
	return list
}

// testPeople: distinct persons, after mergers, cancellations and reversals.
func testPeople(t *testing.T, open Open) {
	h := NewHistory(t, 5).Province()
	w := newWriter(t, open(t), "people")
	students := []uuid.UUID{h.persons[0], h.persons[3], h.persons[6], h.persons[9]}
	awards := projections.TotalsQuery{Measures: []string{"merit_award"}}
	paid := awards
	paid.Paid = true
	step := func(what string, grants, payments []string) {
		t.Helper()
		w.append(h.Log, len(h.Log), constantly(3))
		equal(t, what, w.totals(awards), grants)
		equal(t, what+", paid", w.totals(paid), payments)
		w.same(h.Log)
	}

	h.On("2017-03-01").Do(give("TQ", "VCB", "1000000"), give("X1Q", "AN", "500000"))
	list := h.On("2017-03-05").Do(award("TQ", false, "100", students[0], students[1], students[0]))
	step("a person twice in a list", []string{"merit_award student 3 2 300"}, nil)

	h.On("2017-03-06").Do(&domain.Disburse{Grants: []domain.Payment{{Grant: list[0].ID, Amount: "40"}}})
	step("a part is paid", []string{"merit_award student 3 2 300"}, []string{"merit_award student 1 1 40"})
	h.On("2017-03-07").Do(&domain.Disburse{Grants: []domain.Payment{{Grant: list[0].ID}}})
	step("the rest is paid", []string{"merit_award student 3 2 300"}, []string{"merit_award student 1 1 100"})

	h.On("2017-03-08").Do(&domain.CancelGrant{Grant: list[2].ID, Reason: "duplicate"})
	step("the second of a person is cancelled", []string{"merit_award student 2 2 200"}, []string{"merit_award student 1 1 100"})
	h.On("2017-04-02").Do(&domain.CancelGrant{Grant: list[1].ID, Reason: "declined"})
	step("the only one of a person is cancelled", []string{"merit_award student 1 1 100"}, []string{"merit_award student 1 1 100"})
	march := awards
	march.From, march.To = ptr(Date("2017-03-01")), ptr(Date("2017-03-31"))
	equal(t, "March", w.totals(march), []string{"merit_award student 2 2 200"})
	april := awards
	april.From = ptr(Date("2017-04-01"))
	equal(t, "April", w.totals(april), []string{"merit_award student -1 0 -100"})

	other := h.On("2017-05-01").Do(award("X1Q", true, "10", students[2], students[3]))
	step("others", []string{"merit_award student 3 3 120"}, []string{"merit_award student 3 3 120"})
	merged := h.On("2017-05-02").Do(&domain.MergePerson{Person: students[3], Into: students[2]})
	step("two are one", []string{"merit_award student 3 2 120"}, []string{"merit_award student 3 2 120"})
	h.Do(&domain.MergePerson{Person: students[2], Into: students[0]})
	step("three are one", []string{"merit_award student 3 1 120"}, []string{"merit_award student 3 1 120"})
	h.Do(&domain.Reverse{Event: merged[0].ID})
	step("the first merger is reversed", []string{"merit_award student 3 2 120"}, []string{"merit_award student 3 2 120"})

	h.On("2017-05-03").Do(&domain.Reverse{Event: other[3].ID})
	step("a payment is reversed: reserved again", []string{"merit_award student 3 2 120"}, []string{"merit_award student 2 1 110"})
	h.On("2017-05-04").Do(&domain.Reverse{Event: other[1].ID})
	step("its granting too", []string{"merit_award student 2 1 110"}, []string{"merit_award student 2 1 110"})

	part := h.On("2017-05-05").Do(award("TQ", false, "1000", students[3]))
	first := h.Do(&domain.Disburse{Grants: []domain.Payment{{Grant: part[0].ID, Amount: "300"}}})
	h.On("2017-05-06").Do(&domain.CancelGrant{Grant: part[0].ID, Reason: "died"})
	step("a part paid, the rest cancelled", []string{"merit_award student 3 2 410"}, []string{"merit_award student 3 2 410"})
	h.On("2017-05-07").Do(&domain.Reverse{Event: first[0].ID})
	step("the payment reversed", []string{"merit_award student 3 2 410"}, []string{"merit_award student 2 1 110"})
	h.On("2017-05-08").Do(&domain.Reverse{Event: part[0].ID})
	step("the granting of what was open again too", []string{"merit_award student 2 1 110"}, []string{"merit_award student 2 1 110"})
	h.On("2017-05-05").Do(&domain.ReturnGrant{Grant: list[0].ID, Amount: "30"})
	step("some comes back", []string{"merit_award student 2 1 110"}, []string{"merit_award student 2 1 110"})
	equal(t, "all", w.totals(projections.TotalsQuery{}), []string{
		"donation_cash  0 0 1500000", "merit_award student 2 1 110", "returned student 0 0 30",
	})
	equal(t, "by unit, rolled up", w.totals(projections.TotalsQuery{By: []projections.Dim{"unit"}, Rollup: true, Measures: []string{"merit_award"}}),
		[]string{"H1 merit_award student 1 1 10", "T merit_award student 2 1 110", "X1 merit_award student 1 1 10"})
	w.answers(h)
}

func ptr[T any](v T) *T { return &v }

// testStructure: units of then and of today.
func testStructure(t *testing.T, open Open) {
	h := NewHistory(t, 6).Province()
	w := newWriter(t, open(t), "structure")
	h.On("2017-02-01").Do(give("X1Q", "VCB", "100"), give("X2Q", "VCB", "10"), give("C2Q", "AN", "1"))
	h.On("2017-06-01").Do(&domain.MoveUnit{Unit: "X2", Parent: "H2"})
	h.On("2017-07-01").Do(&domain.MergeUnit{Unit: "X1", Into: "X3"})
	h.On("2017-08-01").Do(give("X1Q", "VCB", "1000"), give("X2Q", "VCB", "10000"))
	h.On("2017-09-01").Do(&domain.RenameUnit{Unit: "X3", Name: "Xã Ba mới"}, &domain.RenameUnit{Unit: "X3", Name: "Xã Ba mới nữa", NameEN: "X3"})
	h.On("2017-08-15").Do(&domain.RenameUnit{Unit: "X3", Name: "Xã Ba tạm"})
	w.append(h.Log, len(h.Log), constantly(4))
	w.same(h.Log)
	by := projections.TotalsQuery{By: []projections.Dim{"unit"}}
	equal(t, "by unit", w.totals(by), []string{
		"C2 donation_cash  0 0 1", "X1 donation_cash  0 0 100", "X2 donation_cash  0 0 10010", "X3 donation_cash  0 0 1000",
	})
	by.Rollup = true
	equal(t, "rolled up, of then", w.totals(by), []string{
		"C2 donation_cash  0 0 1", "H1 donation_cash  0 0 110", "H2 donation_cash  0 0 11001", "T donation_cash  0 0 11111",
		"X1 donation_cash  0 0 100", "X2 donation_cash  0 0 10010", "X3 donation_cash  0 0 1000",
	})
	by.Today = true
	equal(t, "rolled up, of today", w.totals(by), []string{
		"C2 donation_cash  0 0 1", "H2 donation_cash  0 0 11111", "T donation_cash  0 0 11111",
		"X1 donation_cash  0 0 100", "X2 donation_cash  0 0 10010", "X3 donation_cash  0 0 1100",
	})
	equal(t, "within X3 today", w.totals(projections.TotalsQuery{Within: "X3", Today: true}), []string{"donation_cash  0 0 1100"})
	equal(t, "within X3 then", w.totals(projections.TotalsQuery{Within: "X3"}), []string{"donation_cash  0 0 1000"})
	equal(t, "by level within H1 then", w.totals(projections.TotalsQuery{Within: "H1", By: []projections.Dim{"unit-level", "quarter"}}),
		[]string{"commune,2017-Q1 donation_cash  0 0 110"})
	w.view(func(ctx context.Context, r Reader) error {
		before, after := Date("2017-06-30"), Date("2017-07-01")
		for on, unit := range map[*domain.Date]string{nil: "X3", &before: "X1", &after: "X3"} {
			rows, err := r.Balances(ctx, projections.BalanceQuery{Funds: []string{"X1Q"}, AsOf: on})
			if err != nil {
				return err
			}
			if len(rows) != 1 || rows[0].Unit != unit {
				t.Errorf("X1Q as of %v: %v, want it in %s", on, rows, unit)
			}
		}
		units, err := r.Units(ctx)
		if err != nil {
			return err
		}
		for _, u := range units {
			if u.Code == "X3" && (u.Name != "Xã Ba mới nữa" || u.NameEN != "X3") {
				t.Errorf("X3 is %+v", u)
			}
		}
		return nil
	})
	w.answers(h)
}

// testLate: an entry of a past day, over the ends of months and years.
func testLate(t *testing.T, open Open) {
	h := NewHistory(t, 8).Province()
	w := newWriter(t, open(t), "late")
	for _, day := range []string{
		"2018-03-01", "2017-12-31", "2018-01-01", "2016-12-31", "2017-01-01", "2018-02-28", "2017-11-30", "2018-03-10", "2018-03-02",
	} {
		h.On(day).Do(give("TQ", "VCB", "7"), give("TQ", "AN", "5"))
		w.append(h.Log, len(h.Log), constantly(1))
	}
	w.same(h.Log)
	w.answers(h)
}

// testFacts: answers stay right when facts of complete blocks are remembered, as the log grows over many blocks with late entries, and
// after a rebuild of rows of which some were lost.
func testFacts(t *testing.T, open Open) {
	h := NewHistory(t, 12).Province()
	w := newWriter(t, open(t), "facts")
	ask := func() {
		t.Helper()
		n := newNaive(h)
		w.view(func(ctx context.Context, r Reader) error {
			for range 12 {
				q := randomQuery(h)
				have, err := r.Totals(ctx, q)
				if err != nil {
					return err
				}
				equal(t, fmt.Sprintf("totals of %+v", q), have, n.totals(q))
			}
			return nil
		})
	}
	for _, n := range []int{1_500, 1, 1_200, 4_500, 60} {
		h.Random(n)
		w.append(h.Log, len(h.Log), constantly(500))
		ask()
	}
	if err := w.db.Exec(t.Context(), "total_facts", `DELETE FROM {table} WHERE first_position < 4096`); err != nil {
		t.Fatal(err)
	}
	events := eventsOf(func() []domain.Event { return h.Log })
	for range 2 { // the slot is the same again
		if err := w.db.Rebuild(t.Context(), w.l.ID, []string{"totals"}, events, nil); err != nil {
			t.Fatal(err)
		}
	}
	ask()
}

// testQuery: what cannot be asked.
func testQuery(t *testing.T, open Open) {
	h := NewHistory(t, 9).Province()
	w := newWriter(t, open(t), "query")
	w.append(h.Log, len(h.Log), constantly(100))
	for _, c := range []struct {
		q    projections.TotalsQuery
		want error
	}{
		{projections.TotalsQuery{Rollup: true}, projections.ErrQuery},
		{projections.TotalsQuery{By: []projections.Dim{"colour"}}, projections.ErrQuery},
		{projections.TotalsQuery{By: []projections.Dim{"unit", "unit"}}, projections.ErrQuery},
		{projections.TotalsQuery{Within: "nowhere"}, eventstore.ErrNotFound},
	} {
		err := w.db.View(t.Context(), w.l.ID, func(r Reader) error {
			_, err := r.Totals(t.Context(), c.q)
			return err
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", c.q, err, c.want)
		}
	}
	err := w.db.View(t.Context(), uuid.New(), func(r Reader) error {
		_, err := r.Units(t.Context())
		return err
	})
	if !errors.Is(err, projections.ErrStale) {
		t.Errorf("a ledger that is not there: %v", err)
	}
}

// testCheck: what is changed by hand is found, and named.
func testCheck(t *testing.T, open Open) {
	h := NewHistory(t, 10).Province().Random(150)
	w := newWriter(t, open(t), "check")
	w.append(h.Log, len(h.Log), constantly(50))
	w.same(h.Log)
	want := folded(t, h.Log)
	check := func(model string, contains ...string) {
		t.Helper()
		all, err := w.db.Check(t.Context(), w.l.ID, want, int64(len(h.Log)))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range all {
			if c.Name != model {
				if c.Wrong != 0 {
					t.Errorf("%s is wrong too: %v", c.Name, c.Mismatches)
				}
				continue
			}
			if c.Wrong != 1 || len(c.Mismatches) != 1 {
				t.Errorf("%s: %d wrong: %v", model, c.Wrong, c.Mismatches)
				continue
			}
			for _, part := range contains {
				if text := c.Mismatches[0].String(); !strings.Contains(text, part) {
					t.Errorf("%s: %q does not say %q", model, text, part)
				}
			}
		}
	}
	change := func(table, query string) {
		t.Helper()
		if err := w.db.Exec(t.Context(), table, query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	change("balances", "UPDATE {table} SET posted = posted + 1 WHERE fund = 'TQ' AND asset = 'cash'")
	check("balances", "balances fund=TQ asset=cash: posted is ", ", should be ")
	change("balances", "UPDATE {table} SET posted = posted - 1 WHERE fund = 'TQ' AND asset = 'cash'")
	w.same(h.Log)

	change("units", "DELETE FROM {table} WHERE unit = 'X2'")
	check("units", "units unit=X2: is missing")
	rebuilt := func(names ...string) {
		t.Helper()
		err := w.db.Rebuild(t.Context(), w.l.ID, names, eventsOf(func() []domain.Event { return h.Log }), nil)
		if err != nil {
			t.Fatal(err)
		}
		w.same(h.Log)
	}
	rebuilt("units")

	change("person_aliases", "UPDATE {table} SET until_position = 3 WHERE until_position IS NULL AND position = (SELECT min(position) FROM {table} WHERE until_position IS NULL)")
	check("persons", "person_aliases position=", "until_position is 3, should be null")
	rebuilt("persons")

	change("fund_units", "UPDATE {table} SET fund = 'ZZ' WHERE fund = 'TQ'")
	all, err := w.db.Check(t.Context(), w.l.ID, want, int64(len(h.Log)))
	if err != nil {
		t.Fatal(err)
	}
	if c := all[1]; c.Wrong != 2 || !strings.Contains(fmt.Sprint(c.Mismatches), "does not follow from the events") {
		t.Errorf("%+v", c)
	}
	rebuilt("funds")

	change("funds", "UPDATE {table} SET opened = '2016-12-02' WHERE fund = 'TQ'")
	check("funds", "funds fund=TQ: opened is 2016-12-02, should be 2016-12-01")
	rebuilt()

	// Every table is looked at.
	for _, m := range projections.Models() {
		for _, table := range m.Tables {
			if want.Rows(table).Len() == 0 {
				t.Errorf("%s has no rows", table.Name)
				continue
			}
			change(table.Name, "DELETE FROM {table}")
			all, err := w.db.Check(t.Context(), w.l.ID, want, int64(len(h.Log)))
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				if wrong := c.Wrong > 0; wrong != (c.Name == m.Name) {
					t.Errorf("without %s: %s has %d wrong rows", table.Name, c.Name, c.Wrong)
				}
			}
			rebuilt(m.Name)
		}
	}
}

// testJoin: an append that finds the read models elsewhere is refused, and one that fails leaves nothing.
func testJoin(t *testing.T, open Open) {
	h := NewHistory(t, 11).Province().Random(60)
	w := newWriter(t, open(t), "join")
	w.append(h.Log, 20, constantly(7))
	refused := func(want error) {
		t.Helper()
		if _, err := w.db.Store().Append(t.Context(), w.batch(h.Log, 25)); !errors.Is(err, want) {
			t.Errorf("%v, want %v", err, want)
		}
		if head, err := w.db.Store().Head(t.Context(), w.l.ID); err != nil || head.Position() != 20 {
			t.Errorf("the log is at %d: %v", head.Position(), err)
		}
	}
	exec := func(table, query string) {
		t.Helper()
		if err := w.db.Exec(t.Context(), table, query); err != nil {
			t.Fatal(err)
		}
	}
	rebuild := func(names ...string) error {
		return w.db.Rebuild(t.Context(), w.l.ID, names, eventsOf(func() []domain.Event { return h.Log[:20] }), nil)
	}
	exec("progress", "UPDATE {table} SET projection = 'news' WHERE projection = 'goods'")
	refused(projections.ErrStale)
	exec("progress", "INSERT INTO {table} (ledger_id, projection, version, slot) SELECT ledger_id, 'goods', version, slot FROM {table} WHERE projection = 'units'")
	exec("progress", "UPDATE {table} SET version = "+strconv.Itoa(projections.Lookup("goods")[0].Version)+" WHERE projection = 'goods'")
	refused(eventstore.ErrNewer) // a program that has more models would find theirs behind the log
	exec("progress", "DELETE FROM {table} WHERE projection = 'news'")
	exec("ledgers", "UPDATE {table} SET joined_position = 19")
	refused(projections.ErrStale)
	if err := rebuild("goods", "balances"); !errors.Is(err, projections.ErrStale) { // the others would not be where these are
		t.Errorf("a rebuild of some models: %v", err)
	}
	if err := rebuild(); err != nil {
		t.Fatal(err)
	}
	w.same(h.Log[:20])
	exec("progress", "UPDATE {table} SET version = 0 WHERE projection = 'balances'")
	refused(projections.ErrStale)
	exec("progress", "DELETE FROM {table} WHERE projection = 'goods'")
	refused(projections.ErrStale)
	var stale []string
	w.view(func(ctx context.Context, r Reader) error {
		all, err := r.Progress(ctx)
		for _, p := range all {
			if p.Stale {
				stale = append(stale, p.Name)
			}
		}
		return err
	})
	equal(t, "stale", stale, []string{"goods", "balances"})
	if err := rebuild(stale...); err != nil {
		t.Fatal(err)
	}
	w.same(h.Log[:20])

	// One that lost against another.
	lost := w.batch(h.Log, 25)
	w.append(h.Log, 22, constantly(2))
	var moved *eventstore.HeadMovedError
	if _, err := w.db.Store().Append(t.Context(), lost); !errors.As(err, &moved) {
		t.Errorf("%v", err)
	}
	w.same(h.Log[:22])

	// One whose joiner fails half-way.
	bad := w.batch(h.Log, 30)
	bad.Records[5].Event = nil
	if _, err := w.db.Store().Append(t.Context(), bad); err == nil {
		t.Error("a batch without its events was appended")
	}
	w.same(h.Log[:22])
	w.append(h.Log, len(h.Log), constantly(9))
	w.same(h.Log)
}

// testRebuild: models are rebuilt while appends and questions go on.
func testRebuild(t *testing.T, open Open) {
	h := NewHistory(t, 12).Province().Random(700)
	for len(h.Log) < 6_000 { // more than one step of a rebuild
		h.Random(1_000)
	}
	w := newWriter(t, open(t), "rebuild")
	w.append(h.Log, len(h.Log)/2, constantly(1_000))
	slots := func() (list []int) {
		w.view(func(ctx context.Context, r Reader) error {
			all, err := r.Progress(ctx)
			for _, p := range all {
				list = append(list, p.Slot)
			}
			return err
		})
		return list
	}
	var wg sync.WaitGroup
	wg.Go(func() { w.append(h.Log, len(h.Log), constantly(13)) })
	for i, names := range [][]string{nil, {"totals", "vouchers"}, nil} {
		var steps []int64
		err := w.db.Rebuild(t.Context(), w.l.ID, names, eventsOf(func() []domain.Event { return h.Log }), func(done, total int64) {
			if done > total {
				t.Errorf("%d of %d positions are done", done, total)
			}
			steps = append(steps, done)
		})
		if err != nil {
			t.Errorf("rebuild %v: %v", names, err)
			break
		}
		if !slices.IsSorted(steps) || len(steps) == 0 {
			t.Errorf("steps %v", steps)
		}
		if i == 1 {
			equal(t, "slots", slots(), []int{1, 1, 1, 1, 1, 0, 0, 1, 1})
		}
	}
	wg.Wait()
	equal(t, "slots", slots(), []int{0, 0, 0, 0, 0, 1, 1, 0, 0})
	w.same(h.Log)

	// What was wrong is told, and is right then.
	equal(t, "models that differed", w.db.Differed(), nil)
	if err := w.db.Exec(t.Context(), "balances", `UPDATE {table} SET posted = posted + 1 WHERE fund = 'TQ'`); err != nil {
		t.Fatal(err)
	}
	for _, want := range [][]string{{"balances"}, nil} {
		if err := w.db.Rebuild(t.Context(), w.l.ID, nil, eventsOf(func() []domain.Event { return h.Log }), nil); err != nil {
			t.Fatal(err)
		}
		equal(t, "models that differed", w.db.Differed(), want)
		w.same(h.Log)
	}
	n := newNaive(h)
	w.view(func(ctx context.Context, r Reader) error {
		for _, q := range []projections.TotalsQuery{
			{}, {By: []projections.Dim{"unit", "month"}, Rollup: true}, {By: []projections.Dim{"unit-level"}, Paid: true, Today: true},
		} {
			rows, err := r.Totals(ctx, q)
			if err != nil {
				return err
			}
			equal(t, "totals", rows, n.totals(q))
		}
		return nil
	})

	// A model that is missing in the log's own events is an error and changes nothing.
	before := slots()
	err := w.db.Rebuild(t.Context(), w.l.ID, nil, func(context.Context, int64, int64, func(*domain.Event) error) error { return nil }, nil)
	if !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("a rebuild without events: %v", err)
	}
	equal(t, "slots", slots(), before)
	w.same(h.Log)
	err = w.db.Rebuild(t.Context(), uuid.New(), nil, nil, nil)
	if !errors.Is(err, eventstore.ErrNotFound) {
		t.Errorf("a rebuild of no ledger: %v", err)
	}
}

// testRebuildBusy: of two rebuilds of a model, the one that came later wins.
func testRebuildBusy(t *testing.T, open Open) {
	h := NewHistory(t, 13).Province().Random(100)
	for len(h.Log) < 1_500 {
		h.Random(500)
	}
	w := newWriter(t, open(t), "busy")
	w.append(h.Log, len(h.Log), constantly(1_000))
	events := eventsOf(func() []domain.Event { return h.Log })
	nested := false
	err := w.db.Rebuild(t.Context(), w.l.ID, []string{"balances"}, events, func(done, total int64) {
		if nested {
			return
		}
		nested = true
		if err := w.db.Rebuild(t.Context(), w.l.ID, nil, events, nil); err != nil {
			t.Errorf("the second: %v", err)
		}
	})
	if !nested {
		t.Fatal("the log is too short")
	}
	if !errors.Is(err, projections.ErrBusy) {
		t.Errorf("the first: %v", err)
	}
	w.same(h.Log)
}

// testLedgers: ledgers in one database do not see each other.
func testLedgers(t *testing.T, open Open) {
	db := open(t)
	a, b := NewHistory(t, 14).Province().Random(200), NewHistory(t, 15).Province().Random(150)
	wa, wb := newWriter(t, db, "a"), newWriter(t, db, "b")
	late := len(a.Log) - 40
	for wa.done < late || wb.done < len(b.Log) {
		wa.append(a.Log, min(wa.done+30, late), constantly(30))
		wb.append(b.Log, min(wb.done+17, len(b.Log)), constantly(9))
	}
	rebuild := func() {
		t.Helper()
		if err := db.Rebuild(t.Context(), wa.l.ID, nil, eventsOf(func() []domain.Event { return a.Log[:wa.done] }), nil); err != nil {
			t.Fatal(err)
		}
	}
	rebuild()
	wa.append(a.Log, late+20, constantly(10))
	// A new ledger between a rebuild and the next append.
	rebuild()
	newWriter(t, db, "c").append(b.Log, 17, constantly(17))
	wa.append(a.Log, len(a.Log), constantly(10))
	wa.same(a.Log)
	wb.same(b.Log)
	wa.answers(a)
	wb.answers(b)
}
