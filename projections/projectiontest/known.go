package projectiontest

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// known is what a log's reader hands to questions about a position.
func known(t testing.TB, log []domain.Event, position int64) *projections.Known {
	t.Helper()
	return filled(t, log, projections.NewKnown(position))
}

func filled(t testing.TB, log []domain.Event, k *projections.Known) *projections.Known {
	t.Helper()
	for p := k.First(); p <= k.Position; p++ {
		if err := k.Add(&log[p-1]); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// prefix is a history as it was at a position.
func (h *History) prefix(position int64) *History {
	early := *h
	early.Log = h.Log[:position]
	early.Book = domain.Book{}
	for i := range early.Log {
		early.Book.Evolve(&early.Log[i])
	}
	return &early
}

// testKnown: what was known at a position is what the log up to it leads to, at the edges of blocks and epochs and between, also when
// the facts of complete blocks are remembered.
func testKnown(t *testing.T, open Open) {
	h := NewHistory(t, 31).Province()
	for len(h.Log) < 9_000 {
		h.Random(600)
		h.donate(300, "TQ", h.donors)
	}
	w := newWriter(t, open(t), "known")
	w.append(h.Log, len(h.Log), constantly(700))
	last := int64(len(h.Log))
	positions := []int64{1, 1_023, 1_024, 8_190, 8_191, 8_192, last}
	for range 2 {
		positions = append(positions, 1+h.random.Int64N(last))
	}
	for _, position := range positions {
		early := h.prefix(position)
		n := newNaive(early)
		ofBalances, ofTotals, ofGifts := known(t, h.Log, position), known(t, h.Log, position), known(t, h.Log, position)
		if h.random.IntN(2) == 0 {
			ofBalances, ofTotals = filled(t, h.Log, projections.KnownBalances(position)), filled(t, h.Log, projections.KnownTotals(position))
			ofGifts = filled(t, h.Log, projections.KnownGifts(position))
			if ofTotals.First() < position-1<<projections.BlockBits || ofGifts.First() <= position {
				t.Errorf("%d and %d are too early for what is known at %d", ofTotals.First(), ofGifts.First(), position)
			}
		}
		var on *domain.Date
		if position > 1 {
			on = mustDate(early)
		}
		w.view(func(ctx context.Context, r Reader) error {
			for _, asOf := range []*domain.Date{nil, on} {
				rows, err := r.Balances(ctx, projections.BalanceQuery{AsOf: asOf, KnownAt: ofBalances})
				if err != nil {
					return err
				}
				equal(t, fmt.Sprintf("balances as of %v as known at %d", asOf, position), rows, n.balances(asOf))
			}
			for range 12 {
				q := randomQuery(early)
				if q.Within != "" && n.level[q.Within] == "" {
					q.Within = ""
				}
				want := n.totals(q)
				q.KnownAt = ofTotals
				if q.ByDonor() {
					q.KnownAt = ofGifts
				}
				rows, err := r.Totals(ctx, q)
				if err != nil {
					return fmt.Errorf("as known at %d: %+v: %w", position, q, err)
				}
				equal(t, fmt.Sprintf("totals as known at %d: %+v", position, q), rows, want)
			}
			return nil
		})
	}
}

// testEpochs: of a ledger of some epochs, in which holdings are touched on days in any order, a balance of any day as known at any position is
// that of the log, however the events came: in small batches, in batches over the edges of epochs, of the live slot or of a rebuild.
func testEpochs(t *testing.T, open Open) {
	const epoch = 1 << projections.EpochBits
	h := NewHistory(t, 37).Province()
	first := Date("2016-12-28")
	for len(h.Log) < 2*epoch+300 {
		if h.day = first + domain.Date(h.random.IntN(400)); h.random.IntN(3) > 0 {
			h.day = first + domain.Date(len(h.Log)/100) // most are in order
		}
		fund := "TQ"
		if h.random.IntN(20) == 0 {
			fund = "X1Q" // which is not touched for long
		}
		h.donate(1+h.random.IntN(40), fund, h.donors)
		if h.random.IntN(5) == 0 {
			h.Do(&domain.Reverse{Event: h.Log[len(h.Log)-1].ID})
		}
	}
	db := open(t)
	var writers []*writer
	for name, size := range map[string]func() int{
		"small": func() int { return 1 + h.random.IntN(200) }, "large": constantly(epoch + 5), "once": constantly(len(h.Log)),
	} {
		w := newWriter(t, db, name)
		w.append(h.Log, len(h.Log), size)
		w.same(h.Log)
		writers = append(writers, w)
	}
	if err := db.Rebuild(t.Context(), writers[0].l.ID, []string{"balances"}, eventsOf(func() []domain.Event { return h.Log }), nil); err != nil {
		t.Fatal(err)
	}
	writers[0].same(h.Log)
	for _, position := range []int64{epoch - 2, epoch - 1, epoch, epoch + 700, 2*epoch - 1, 2*epoch + 1, int64(len(h.Log))} {
		n := newNaive(h.prefix(position))
		k := filled(t, h.Log, projections.KnownBalances(position))
		for i := range 6 {
			var on *domain.Date
			if i > 0 {
				day := first + domain.Date(h.random.IntN(410)-5)
				on = &day
			}
			w := writers[i%len(writers)]
			w.view(func(ctx context.Context, r Reader) error {
				rows, err := r.Balances(ctx, projections.BalanceQuery{AsOf: on, KnownAt: k})
				equal(t, fmt.Sprintf("balances as of %v as known at %d", on, position), rows, n.balances(on))
				if position == int64(len(h.Log)) && err == nil {
					rows, err = r.Balances(ctx, projections.BalanceQuery{AsOf: on})
					equal(t, fmt.Sprintf("balances as of %v", on), rows, n.balances(on))
				}
				return err
			})
		}
	}
}

// testExplain: the events that an explainer finds for a row add up to the row, grants, persons and amount, also as known at a position.
func testExplain(t *testing.T, open Open) {
	h := NewHistory(t, 41).Province().Random(700)
	w := newWriter(t, open(t), "explain")
	w.append(h.Log, len(h.Log), constantly(100))
	explained := 0
	for range 40 {
		position := int64(len(h.Log))
		var k *projections.Known
		if h.random.IntN(2) == 0 {
			position = 200 + h.random.Int64N(position-200)
			k = known(t, h.Log, position)
		}
		q := randomQuery(h)
		w.view(func(ctx context.Context, r Reader) error {
			tree, err := r.Tree(ctx)
			if err != nil {
				return err
			}
			tree = tree.Known(position)
			if q.Within != "" && !tree.Has(q.Within) {
				return nil
			}
			aliases, err := r.Aliases(ctx, position)
			if err != nil {
				return err
			}
			ask := q
			ask.KnownAt = k
			rows, err := r.Totals(ctx, ask)
			if err != nil || len(rows) == 0 {
				return err
			}
			want := pick(h, rows)
			x, err := projections.NewExplainer(q, tree, aliases, want)
			if err != nil {
				return err
			}
			var grants, amount int64
			for i := range h.Log[:position] {
				shares, err := x.Add(&h.Log[i])
				if err != nil {
					return err
				}
				for _, s := range shares {
					grants, amount = grants+s.Grants, amount+s.Amount
				}
			}
			row := x.Row(0)
			equal(t, fmt.Sprintf("%+v", q), row, want)
			if grants != want.Grants || amount != want.Amount {
				t.Fatalf("%+v: the events add up to %d and %d, want %+v", q, grants, amount, want)
			}
			explained++
			return nil
		})
	}
	if explained < 10 {
		t.Errorf("only %d rows were explained", explained)
	}
}

// testThen: vouchers, gifts of donors and reported figures of now, taken back to a position, are what the log up to it leads to.
func testThen(t *testing.T, open Open) {
	h := NewHistory(t, 53).Province().Random(900)
	w := newWriter(t, open(t), "then")
	w.append(h.Log, len(h.Log), constantly(100))
	cut, restored, replaced := 0, 0, 0
	for range 60 {
		position := 1 + h.random.Int64N(int64(len(h.Log)))
		n := newNaive(h.prefix(position))
		w.view(func(ctx context.Context, r Reader) error {
			q := projections.VoucherQuery{Unit: maybe(h, h.units), From: someDate(h)}
			now, err := vouchers(ctx, r, q)
			if err != nil {
				return err
			}
			q.Through = position
			then, err := vouchers(ctx, r, q)
			if err != nil {
				return err
			}
			for i := range then {
				at := slices.IndexFunc(now, func(v projections.VoucherRow) bool { return v.Unit == then[i].Unit && v.Number == then[i].Number })
				if len(then[i].Events) < len(now[at].Events) {
					cut++
				}
				if then[i].Reversed < now[at].Reversed {
					restored++
				}
			}
			equal(t, fmt.Sprintf("vouchers at %d: %+v", position, q), then, n.vouchers(q))

			donors := projections.DonorQuery{Donors: some(h, h.donors), From: someDate(h), KnownAt: projections.KnownGifts(position)}
			list, err := r.Donors(ctx, donors)
			if err != nil {
				return err
			}
			want := n.donors(donors)
			list = slices.DeleteFunc(list, func(d projections.DonorRow) bool { // those who came later gave nothing until then
				return !slices.ContainsFunc(want, func(w projections.DonorRow) bool { return w.Code == d.Code }) && d.Gifts == 0 && d.Cash == 0 && d.InKind == 0
			})
			equal(t, fmt.Sprintf("donors at %d", position), list, want)

			reports := projections.NewThenIndicators()
			for i := range h.Log[:position] {
				if _, isReport := h.Log[i].Body.(*domain.IndicatorReported); isReport {
					if err := reports.Add(&h.Log[i]); err != nil {
						return err
					}
				}
			}
			figures := projections.IndicatorQuery{Units: some(h, h.units), From: someDate(h), To: someDate(h)}
			rows, err := r.Indicators(ctx, figures)
			if slices.ContainsFunc(rows, func(r projections.IndicatorRow) bool { return r.Position > position }) {
				replaced++
			}
			equal(t, fmt.Sprintf("indicators at %d", position), reports.Rows(figures), n.indicators(figures))
			return err
		})
	}
	if cut == 0 || restored == 0 || replaced == 0 {
		t.Errorf("%d vouchers were cut, %d restored, %d times figures replaced", cut, restored, replaced)
	}
}

// testDiff: of every row that differs between two knowledges, the listed events and the structure add up to the difference, and rows that are
// not listed are the same.
func testDiff(t *testing.T, open Open) {
	h := NewHistory(t, 47).Province().Random(400)
	for range 3 { // random commands seldom merge a unit that has a fund with money in it
		h.On("2018-03-10")
		for n := len(h.Log); len(h.Log) == n; {
			_, _ = h.Try(&domain.MergeUnit{Unit: h.FundUnit(pick(h, h.funds), nil), Into: pick(h, h.units)})
		}
		h.Random(150)
	}
	w := newWriter(t, open(t), "diff")
	w.append(h.Log, len(h.Log), constantly(100))
	var found, structural, people, balances, moved int
	for range 120 {
		from := 100 + h.random.Int64N(int64(len(h.Log))-200)
		to := from + 1 + h.random.Int64N(int64(len(h.Log))-from)
		early, late := known(t, h.Log, from), known(t, h.Log, to)
		w.view(func(ctx context.Context, r Reader) error {
			d, err := totalsDiff(ctx, r, h, early, late)
			if err != nil || d == nil {
				return err
			}
			for i := range d.Changes {
				c := &d.Changes[i]
				sum := c.Structure
				for _, e := range c.Events {
					sum.Grants, sum.Amount = sum.Grants+e.Grants, sum.Amount+e.Amount
					if e.Position <= from || e.Position > to {
						t.Errorf("position %d is not between %d and %d", e.Position, from, to)
					}
				}
				if want := c.Difference(); sum.Grants != want.Grants || sum.Amount != want.Amount {
					t.Errorf("%+v: %+v add up to %+v, want %+v", c.Row(), c.Events, sum, want)
				}
				if (c.Structure != projections.TotalsSum{}) {
					if structural++; len(c.Structural) == 0 {
						t.Errorf("%+v: nothing made the structure %+v", c.Row(), c.Structure)
					}
				}
				if c.Structure.People != 0 && c.Structure.Grants == 0 && c.Structure.Amount == 0 {
					people++
				}
				if len(c.Events)+len(c.Structural) == 0 {
					t.Errorf("nothing changed %+v", c.Row())
				}
				found++
			}
			return nil
		})
		w.view(func(ctx context.Context, r Reader) error {
			q := projections.BalanceQuery{Funds: seldom(h, h.funds), Units: some(h, h.units)}
			if h.random.IntN(2) == 0 {
				q.AsOf = someDate(h)
			}
			d, err := balanceDiff(ctx, r, q, early, late)
			if err != nil {
				return err
			}
			for p := from; p < to; p++ {
				if err := d.Add(&h.Log[p]); err != nil {
					return err
				}
			}
			if err := d.Check(); err != nil {
				return err
			}
			before, after := map[string]domain.Balance{}, map[string]domain.Balance{}
			for k, into := range map[*projections.Known]map[string]domain.Balance{early: before, late: after} {
				q.KnownAt = k
				rows, err := r.Balances(ctx, q)
				if err != nil {
					return err
				}
				for i := range rows {
					into[rows[i].Fund+" "+string(rows[i].Asset)] = rows[i].Balance
				}
			}
			for i := range d.Changes {
				c := &d.Changes[i]
				key := c.Row().Fund + " " + string(c.Row().Asset)
				sum := plus(before[key], domain.Effect{
					Posted: c.Structure.Posted, Encumbered: c.Structure.Encumbered,
					Quantity: c.Structure.Quantity, QuantityEncumbered: c.Structure.QuantityEncumbered,
				})
				for _, e := range c.Events {
					sum = plus(sum, e.Effect)
				}
				if sum != after[key] {
					t.Errorf("%s: %+v and what changed it are %+v, want %+v", key, before[key], sum, after[key])
				}
				if c.Structure != (domain.Balance{}) {
					if moved++; len(c.Structural) == 0 {
						t.Errorf("%s: nothing moved it", key)
					}
				}
				delete(before, key)
				delete(after, key)
				balances++
			}
			equal(t, fmt.Sprintf("what did not change from %d to %d in %+v", from, to, q), before, after)
			return nil
		})
	}
	for what, n := range map[string]int{
		"rows": found, "changes of structure": structural, "mergers of persons": people, "holdings": balances, "holdings that moved": moved,
	} {
		if n < 5 {
			t.Errorf("only %d %s", n, what)
		}
	}
}

func telling(e *domain.Event) string { return e.Body.Type() }

func plus(b domain.Balance, e domain.Effect) domain.Balance {
	return domain.Balance{
		Posted: b.Posted + e.Posted, Encumbered: b.Encumbered + e.Encumbered,
		Quantity: b.Quantity + e.Quantity, QuantityEncumbered: b.QuantityEncumbered + e.QuantityEncumbered,
	}
}

// totalsDiff explains what changed in the answer to a random query, and compares the rows that did not; nil where the query asks about a
// unit that was not there.
func totalsDiff(ctx context.Context, r Reader, h *History, early, late *projections.Known) (*projections.TotalsDiff, error) {
	q := randomQuery(h)
	tree, err := r.Tree(ctx)
	if err != nil || q.Within != "" && !tree.Known(early.Position).Has(q.Within) {
		return nil, err
	}
	aliases, err := r.Aliases(ctx, late.Position)
	if err != nil {
		return nil, err
	}
	ask := func(k *projections.Known, units, persons int64) (rows []projections.TotalsRow) {
		if err == nil {
			q.KnownAt, q.UnitsAt, q.PersonsAt = k, units, persons
			rows, err = r.Totals(ctx, q)
		}
		return rows
	}
	all := projections.TotalsSides{
		Before: ask(early, 0, 0), Moved: ask(early, late.Position, 0), Placed: ask(early, late.Position, late.Position), After: ask(late, 0, 0),
	}
	if err != nil {
		return nil, err
	}
	d, err := projections.NewTotalsDiff(q, all, tree.Known(late.Position), aliases, telling)
	if err != nil {
		return nil, err
	}
	for p := early.Position; p < late.Position; p++ {
		if err := d.Add(&h.Log[p]); err != nil {
			return nil, err
		}
	}
	changed := func(row projections.TotalsRow) bool {
		return slices.ContainsFunc(d.Changes, func(c projections.TotalsChange) bool {
			return slices.Equal(c.Row().By, row.By) && c.Row().Measure == row.Measure && c.Row().Recipient == row.Recipient
		})
	}
	equal(h.t.(testing.TB), "what did not change", slices.DeleteFunc(slices.Clone(all.Before), changed), slices.DeleteFunc(slices.Clone(all.After), changed))
	return d, d.Check()
}

// balanceDiff explains what changed in the answer to a query.
func balanceDiff(
	ctx context.Context, r Reader, q projections.BalanceQuery, early, late *projections.Known,
) (*projections.BalanceDiff, error) {
	all := projections.BalanceQuery{Funds: q.Funds, AsOf: q.AsOf, KnownAt: early}
	before, err := r.Balances(ctx, all)
	if err != nil {
		return nil, err
	}
	all.KnownAt = late
	after, err := r.Balances(ctx, all)
	if err != nil {
		return nil, err
	}
	of, err := r.FundUnits(ctx)
	if err != nil {
		return nil, err
	}
	of = slices.DeleteFunc(of, func(u projections.FundUnit) bool { return u.Position > late.Position })
	return projections.NewBalanceDiff(q, early.Position, before, after, of, telling), nil
}

// testCounted: what each event says that it counts adds up to the rows of totals by everything that it says, of grants and of payments.
func testCounted(t *testing.T, open Open) {
	h := NewHistory(t, 43).Province().Random(700)
	w := newWriter(t, open(t), "counted")
	w.append(h.Log, len(h.Log), constantly(100))
	for _, paid := range []bool{false, true} {
		q := projections.TotalsQuery{Paid: paid, By: []projections.Dim{
			projections.ByUnit, projections.ByFund, projections.ByMonth, projections.ByAchievementLevel, projections.ByEducationLevel,
			projections.BySchoolYear, projections.ByCause, projections.ByAsset, projections.ByDonorKind,
		}}
		type sum struct{ grants, amount int64 }
		name := func(measure, recipient string, by []string) string {
			return fmt.Sprintf("%s %s %q", measure, recipient, by)
		}
		got, want := map[string]sum{}, map[string]sum{}
		for i := range h.Log {
			list, err := projections.CountedIn(&h.Log[i])
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range list {
				if !c.Both && c.Paid != paid {
					continue
				}
				by := []string{
					c.Unit, c.Fund, c.Day.String()[:7], c.AchievementLevel, c.EducationLevel, c.SchoolYear, c.Cause, c.Asset, c.DonorKind,
				}
				s := got[name(c.Measure, c.Recipient, by)]
				got[name(c.Measure, c.Recipient, by)] = sum{s.grants + c.Grants, s.amount + c.Amount}
			}
		}
		w.view(func(ctx context.Context, r Reader) error {
			rows, err := r.Totals(ctx, q)
			for i := range rows {
				want[name(rows[i].Measure, rows[i].Recipient, rows[i].By)] = sum{rows[i].Grants, rows[i].Amount}
			}
			return err
		})
		for key, s := range got {
			if s != want[key] {
				t.Errorf("paid %v: %s: the events count %+v, the totals %+v", paid, key, s, want[key])
			}
		}
		for key, s := range want {
			if _, counted := got[key]; !counted {
				t.Errorf("paid %v: %s: the totals have %+v, and no event counts in it", paid, key, s)
			}
		}
		if len(want) < 50 {
			t.Errorf("only %d rows", len(want))
		}
	}
}
