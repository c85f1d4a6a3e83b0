package domain

import (
	"cmp"
	"crypto/sha256"
	"slices"

	"github.com/soquy/soquy/domain/money"
)

// ClosePeriod closes the books through a day: of one unit's funds, or of the whole ledger.
type ClosePeriod struct {
	Through Date
	Unit    string
}

// ReopenPeriod opens the books again from a day on.
type ReopenPeriod struct {
	From Date
	Unit string
}

// PeriodClosed is recorded by ClosePeriod.
type PeriodClosed struct {
	Through Date
	Unit    string
	Tree    TreeHead // before the close
	Totals  []AssetTotal
	Grants  int64 // open, of the period or before
	Pledges int64
	// Holdings is the SHA-256 of the canonical list of the holdings of all bound funds at the end of Through.
	Holdings [32]byte
}

// An AssetTotal is what all funds of a close have of one asset at its end.
type AssetTotal struct {
	Asset Asset
	Balance
}

// PeriodReopened is recorded by ReopenPeriod.
type PeriodReopened ReopenPeriod

// Type returns the stored name.
func (*ClosePeriod) Type() string    { return "close_period" }
func (*ReopenPeriod) Type() string   { return "reopen_period" }
func (*PeriodClosed) Type() string   { return "period.closed" }
func (*PeriodReopened) Type() string { return "period.reopened" }

func (c *ClosePeriod) validate(s *static) { s.optionalCode("/data/unit", c.Unit) }

// bound returns the funds that a close of a unit, or, with "", of the ledger binds, in order of code.
func (b *Book) bound(unit string) []*fund {
	var list []*fund
	for _, code := range sortedKeys(b.funds) {
		if f := b.funds[code]; unit == "" || f.unit == unit {
			list = append(list, f)
		}
	}
	return list
}

func (c *ClosePeriod) decide(d *decision) {
	closed := d.b.closedThrough
	if c.Unit != "" {
		if u := d.unit(c.Unit); u != nil {
			closed = max(closed, u.closedThrough)
		}
	}
	d.notInFuture()
	d.dayNotInFuture(c.Through)
	if c.Through <= closed {
		d.refuse(PeriodOrder, c.Through.String(), closed.String())
	}
	for _, id := range sortedKeysFunc(d.b.counts, compareUUID) {
		if n := d.b.counts[id]; n.day <= c.Through && (c.Unit == "" || d.b.funds[n.fund].unit == c.Unit) {
			d.refuse(PeriodOpenItems, id.String(), n.fund, string(n.asset))
		}
	}
	if d.ok() {
		d.add(d.b.Close(c.Through, c.Unit, d.c.Tree))
	}
}

// Close returns what a close through a day records of the book as it is; whoever has replayed the log to that position derives
// the same.
func (b *Book) Close(through Date, unit string, tree TreeHead) *PeriodClosed {
	e := &PeriodClosed{Through: through, Unit: unit, Tree: tree}
	bound := b.bound(unit)
	inScope := make(map[string]bool, len(bound))
	totals := map[Asset]Balance{}
	for _, f := range bound {
		inScope[f.code] = true
		for a, h := range f.holdings {
			t, now := totals[a], h.on(through)
			totals[a] = Balance{
				t.Posted + now.Posted, t.Encumbered + now.Encumbered,
				t.Quantity + now.Quantity, t.QuantityEncumbered + now.QuantityEncumbered,
			}
		}
	}
	for _, a := range sortedKeys(totals) {
		if totals[a] != (Balance{}) {
			e.Totals = append(e.Totals, AssetTotal{a, totals[a]})
		}
	}
	open := b.openOf(inScope, through)
	e.Grants, e.Pledges = int64(len(open.Grants)), int64(len(open.Pledges))
	e.Holdings = b.digest(bound, through)
	return e
}

// OpenItems are the grants and pledges that a close through a day counts.
type OpenItems struct {
	Grants  []Grant      // by fund, day and ID
	Pledges []OpenPledge // by fund and code
}

// An OpenPledge is a pledge of which something is still to come.
type OpenPledge struct {
	Pledge, Donor, Fund string
	Open                int64 // minor units
	Made                Date
}

// Open returns the grants and pledges that are open now and have been since a day or longer, of one unit's funds or, with "", of the
// whole ledger: those that a close through that day counts.
func (b *Book) Open(through Date, unit string) OpenItems {
	inScope := map[string]bool{}
	for _, f := range b.bound(unit) {
		inScope[f.code] = true
	}
	open := b.openOf(inScope, through)
	slices.SortFunc(open.Grants, func(x, y Grant) int {
		return cmp.Or(cmp.Compare(x.Fund, y.Fund), cmp.Compare(x.Since, y.Since), compareUUID(x.ID, y.ID))
	})
	slices.SortFunc(open.Pledges, func(x, y OpenPledge) int {
		return cmp.Or(cmp.Compare(x.Fund, y.Fund), cmp.Compare(x.Pledge, y.Pledge))
	})
	return open
}

func (b *Book) openOf(funds map[string]bool, through Date) OpenItems {
	var open OpenItems
	for _, g := range b.grants {
		if funds[g.Fund] && g.Since <= through {
			open.Grants = append(open.Grants, *g)
		}
	}
	for code, p := range b.pledges {
		if funds[p.fund] && p.open() > 0 && p.made <= through {
			open.Pledges = append(open.Pledges, OpenPledge{code, p.donor, p.fund, p.open(), p.made})
		}
	}
	return open
}

// ClosedThrough returns the day through which no entry can be made any more: with "" in any fund of the ledger, by a close of the whole;
// of a unit, in any of the funds, by a close of the ledger or of the units that each belonged to. Closed funds take no entries anyway;
// without an open one it is the unit's own close that counts. Only a close of the ledger binds the structure, too. Without any close it
// is before every day of an entry.
func (b *Book) ClosedThrough(unit string, funds []string) Date {
	if unit == "" {
		return b.closedThrough
	}
	through, found := never, false
	for _, code := range funds {
		if f := b.funds[code]; !f.closed && (!found || f.closedThrough < through) {
			through, found = f.closedThrough, true
		}
	}
	if !found {
		through = b.units[unit].closedThrough
	}
	return max(through, b.closedThrough)
}

// digest is the SHA-256 of the lines `fund TAB asset TAB posted TAB encumbered TAB quantity TAB quantity_encumbered LF` of
// holdings at the end of a day, in bytewise order, without those that are all zero.
func (b *Book) digest(funds []*fund, on Date) [32]byte {
	var lines []string
	decimals := b.currency.Decimals
	for _, f := range funds {
		for a, h := range f.holdings {
			now := h.on(on)
			if now == (Balance{}) {
				continue
			}
			line := append([]byte(f.code), '\t')
			line = append(append(line, a...), '\t')
			line = append(money.AppendFormat(line, now.Posted, decimals), '\t')
			line = append(money.AppendFormat(line, now.Encumbered, decimals), '\t')
			line = append(money.AppendQuantity(line, now.Quantity), '\t')
			line = append(money.AppendQuantity(line, now.QuantityEncumbered), '\n')
			lines = append(lines, string(line))
		}
	}
	slices.Sort(lines)
	h := sha256.New()
	for _, l := range lines {
		h.Write([]byte(l))
	}
	return [32]byte(h.Sum(nil))
}

func (e *PeriodClosed) evolve(b *Book, _ *Event) { b.closeThrough(e.Unit, e.Through) }

// closeThrough sets how far the books of a unit's funds, or of the ledger, are closed.
func (b *Book) closeThrough(unit string, through Date) {
	if unit == "" {
		change(b, &b.closedThrough)
		b.closedThrough = through
		return
	}
	u := b.units[unit]
	change(b, u)
	u.closedThrough = through
	for _, f := range b.bound(unit) {
		change(b, f)
		f.closedThrough = max(f.closedThrough, through)
	}
}

func (c *ReopenPeriod) validate(s *static) { s.optionalCode("/data/unit", c.Unit) }

func (c *ReopenPeriod) decide(d *decision) {
	closed := d.b.closedThrough
	if c.Unit != "" {
		closed = never
		if u := d.unit(c.Unit); u != nil {
			closed = u.closedThrough
			for _, f := range d.b.bound(c.Unit) {
				closed = max(closed, f.closedThrough)
			}
		}
	}
	d.notInFuture()
	if closed < c.From {
		d.refuse(PeriodNotClosed, c.From.String())
	}
	if d.ok() {
		d.add((*PeriodReopened)(c))
	}
}

func (e *PeriodReopened) evolve(b *Book, _ *Event) {
	through := e.From - 1
	if e.Unit == "" {
		change(b, &b.closedThrough)
		b.closedThrough = through
		return
	}
	u := b.units[e.Unit]
	change(b, u)
	u.closedThrough = min(u.closedThrough, through)
	for _, f := range b.bound(e.Unit) {
		change(b, f)
		f.closedThrough = min(f.closedThrough, through)
	}
}
