package projectiontest

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

func testRandom(t *testing.T, open Open) {
	db := open(t)
	types := map[string]int{}
	for seed := range uint64(6) {
		h := NewHistory(t, seed).Province().Random(500)
		for k, n := range h.Types() {
			types[k] += n
		}
		w := newWriter(t, db, fmt.Sprint("random", seed))
		size := func() int { return 1 + h.random.IntN(40) }
		w.append(h.Log, len(h.Log)*2/3, size)
		half := *h
		half.Log = h.Log[:w.done]
		w.same(half.Log)
		w.append(h.Log, len(h.Log), size)
		w.same(h.Log)
		w.answers(h)
	}
	for _, want := range []string{
		"unit.moved", "unit.merged", "unit.closed", "unit.renamed", "fund.closed", "fund.restricted", "person.merged",
		"pledge.cancelled", "grant.cancelled", "grant.returned", "count.settled", "holding.moved", "funds.transferred",
		"reversed person.merged", "reversed donation.received", "reversed opening.recorded", "reversed grant.disbursed",
		"reversed award.granted", "reversed grant.returned", "reversed expense.recorded", "reversed funds.transferred",
	} {
		if types[want] == 0 {
			t.Errorf("no history has %s", want)
		}
	}
}

// answers asks everything and compares with the events.
func (w *writer) answers(h *History) {
	w.t.Helper()
	n := newNaive(h)
	w.view(func(ctx context.Context, r Reader) error {
		w.t.Helper()
		units, err := r.Units(ctx)
		if err != nil {
			return err
		}
		equal(w.t, "units", units, n.units())
		funds, err := r.Funds(ctx)
		if err != nil {
			return err
		}
		equal(w.t, "funds", funds, n.funds())
		goods, err := r.Goods(ctx)
		if err != nil {
			return err
		}
		equal(w.t, "goods", goods, n.goods())
		if err := w.balances(ctx, r, h, n); err != nil {
			return err
		}
		if err := w.paths(ctx, r, h, n); err != nil {
			return err
		}
		for range 150 {
			q := randomQuery(h)
			rows, err := r.Totals(ctx, q)
			if err != nil {
				return fmt.Errorf("%+v: %w", q, err)
			}
			equal(w.t, fmt.Sprintf("totals %+v", q), rows, n.totals(q))
		}
		for range 10 {
			vq := projections.VoucherQuery{From: someDate(h), To: someDate(h)}
			if h.random.IntN(2) == 0 {
				vq.Unit = pick(h, h.units)
			}
			if h.random.IntN(2) == 0 {
				vq.Series = pick(h, []string{"PT", "PC", "BC", "BN", "PN", "PX"})
			}
			rows, err := vouchers(ctx, r, vq)
			if err != nil {
				return err
			}
			equal(w.t, fmt.Sprintf("vouchers %+v", vq), rows, n.vouchers(vq))

			dq := projections.DonorQuery{From: someDate(h), To: someDate(h), Donors: some(h, h.donors)}
			donors, err := r.Donors(ctx, dq)
			if err != nil {
				return err
			}
			equal(w.t, fmt.Sprintf("donors %+v", dq), donors, n.donors(dq))

			iq := projections.IndicatorQuery{From: someDate(h), To: someDate(h), Units: some(h, h.units), Indicators: some(h, []string{"members"})}
			indicators, err := r.Indicators(ctx, iq)
			if err != nil {
				return err
			}
			equal(w.t, fmt.Sprintf("indicators %+v", iq), indicators, n.indicators(iq))
		}
		pledges, err := r.Pledges(ctx)
		if err != nil {
			return err
		}
		equal(w.t, "pledges", pledges, n.pledges())
		progress, err := r.Progress(ctx)
		if err != nil {
			return err
		}
		for _, p := range progress {
			if p.Stale || p.Position != int64(len(h.Log)) {
				w.t.Errorf("progress: %+v", p)
			}
		}
		return nil
	})
}

func (w *writer) balances(ctx context.Context, r Reader, h *History, n *naive) error {
	w.t.Helper()
	rows, err := r.Balances(ctx, projections.BalanceQuery{})
	if err != nil {
		return err
	}
	equal(w.t, "balances", rows, n.balances(nil))
	dates := h.dates()
	for i := 0; i < len(dates); i += 7 {
		on := dates[i]
		want := n.balances(&on)
		rows, err := r.Balances(ctx, projections.BalanceQuery{AsOf: &on})
		if err != nil {
			return err
		}
		equal(w.t, "balances as of "+on.String(), rows, want)
		funds, units := some(h, h.funds), some(h, h.units)
		rows, err = r.Balances(ctx, projections.BalanceQuery{AsOf: &on, Funds: funds, Units: units})
		if err != nil {
			return err
		}
		want = slices.DeleteFunc(want, func(b projections.BalanceRow) bool { return !in(funds, b.Fund) || !in(units, b.Unit) })
		equal(w.t, fmt.Sprintf("balances of %v, %v as of %s", funds, units, on), rows, want)
	}
	for _, fund := range h.funds {
		rows, err := r.Balances(ctx, projections.BalanceQuery{Funds: []string{fund}})
		if err != nil {
			return err
		}
		want := slices.DeleteFunc(n.balances(nil), func(b projections.BalanceRow) bool { return b.Fund != fund })
		equal(w.t, "balances of "+fund, rows, want)
	}
	return nil
}

func (w *writer) paths(ctx context.Context, r Reader, h *History, n *naive) error {
	w.t.Helper()
	tree, err := r.Tree(ctx)
	if err != nil {
		return err
	}
	for _, unit := range h.units {
		equal(w.t, "path of "+unit, tree.Path(unit, nil), n.path(unit, nil))
		equal(w.t, "level of "+unit, tree.Level(unit), n.level[unit])
		for range 20 {
			on := *mustDate(h)
			equal(w.t, "path of "+unit+" on "+on.String(), tree.Path(unit, &on), n.path(unit, &on))
			if top := pick(h, h.units); tree.Within(unit, top, &on) != slices.Contains(n.path(unit, &on), top) {
				w.t.Fatalf("%s within %s on %s", unit, top, on)
			}
		}
	}
	return nil
}

func mustDate(h *History) *domain.Date {
	d := h.Log[h.random.IntN(len(h.Log))].EffectiveOn + domain.Date(h.random.IntN(3)-1)
	return &d
}

func someDate(h *History) *domain.Date {
	if h.random.IntN(2) == 0 {
		return nil
	}
	return mustDate(h)
}

// some picks a few, or, in half of the cases, none.
func some(h *History, list []string) (few []string) {
	if h.random.IntN(2) == 0 {
		return nil
	}
	for range 1 + h.random.IntN(3) {
		few = append(few, pick(h, list))
	}
	return few
}

func seldom(h *History, list []string) []string {
	if h.random.IntN(5) > 0 {
		return nil
	}
	return some(h, list)
}

func texts[T ~string](list []T) (all []string) {
	for _, v := range list {
		all = append(all, string(v))
	}
	return all
}

func randomQuery(h *History) projections.TotalsQuery {
	q := projections.TotalsQuery{
		From: someDate(h), To: someDate(h), Today: h.random.IntN(2) == 0, Paid: h.random.IntN(2) == 0,
		UnitLevels: seldom(h, texts(domain.Levels())), Measures: seldom(h, projections.Measures()),
		Recipients: seldom(h, projections.Recipients()), Funds: seldom(h, h.funds), Donors: seldom(h, h.donors),
		AchievementLevels: seldom(h, domain.AchievementLevels()[:3]), EducationLevels: seldom(h, domain.EducationLevels()[:3]),
		Causes: seldom(h, domain.Causes()[:3]),
	}
	for _, i := range rand.New(h.random).Perm(len(projections.Dims()))[:h.random.IntN(4)] {
		q.By = append(q.By, projections.Dims()[i])
	}
	if h.random.IntN(3) == 0 {
		q.Within = pick(h, h.units)
	}
	if h.random.IntN(3) == 0 && !slices.Contains(q.By, projections.ByUnit) {
		q.By = append(q.By, projections.ByUnit)
	}
	q.Rollup = slices.Contains(q.By, projections.ByUnit) && h.random.IntN(2) == 0
	return q
}

// vouchers are the answer to a query, in rows that last.
func vouchers(ctx context.Context, r Reader, q projections.VoucherQuery) ([]projections.VoucherRow, error) {
	var rows []projections.VoucherRow
	err := r.Vouchers(ctx, q, func(v *projections.VoucherRow) error {
		row := *v
		row.Events = slices.Clone(v.Events)
		rows = append(rows, row)
		return nil
	})
	return rows, err
}
