package projectiontest

import (
	"cmp"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// naive answers questions by going through the events. It is written apart from the read models on purpose, in the words of the
// contract, and slowly.
type naive struct {
	h       *History
	entries []entry
	into    map[uuid.UUID]uuid.UUID // merged persons
	edges   map[string][]naiveEdge
	level   map[string]domain.Level
}

// entry is something that counts in totals.
type entry struct {
	day                    domain.Date
	granted, paid          bool // in which of the two views
	unit, fund, asset      string
	measure, recipient     string
	achievement, education string
	schoolYear, cause      string
	donor, donorKind       string
	grants, amount, gifts  int64
	person                 uuid.UUID // of grants ≠ 0
}

type naiveEdge struct {
	from   domain.Date
	parent string
}

// grantState is what is known of a grant.
type grantState struct {
	unit           string // where it was granted
	paid, quantity int64
}

func newNaive(h *History) *naive {
	n := &naive{h: h, into: map[uuid.UUID]uuid.UUID{}, edges: map[string][]naiveEdge{}, level: map[string]domain.Level{}}
	open, parent := map[string]bool{}, map[string]string{}
	grants := map[uuid.UUID]*grantState{}
	move := func(unit, to string, on domain.Date) {
		parent[unit] = to
		n.edges[unit] = append(n.edges[unit], naiveEdge{on, to})
	}
	for i := range h.Log {
		e := &h.Log[i]
		body, sign := e.Body, int64(1)
		undo, isUndo := body.(*domain.EntryReversed)
		if isUndo {
			body, sign = undo.Entry, -1
		}
		add := func(x entry) {
			x.day = e.EffectiveOn
			x.amount *= sign
			x.gifts *= sign
			n.entries = append(n.entries, x)
		}
		facts := func(g *domain.GrantFacts) entry {
			return entry{
				unit: g.Unit, fund: g.Fund, asset: string(g.Asset), measure: string(g.Kind), recipient: g.RecipientKind,
				achievement: g.AchievementLevel, education: g.EducationLevel, schoolYear: g.SchoolYear, cause: g.Cause,
				person: g.Person,
			}
		}
		switch b := body.(type) {
		case *domain.UnitRegistered:
			open[b.Code], n.level[b.Code] = true, b.Level
			move(b.Code, b.Parent, e.EffectiveOn)
		case *domain.UnitMoved:
			move(b.Unit, b.Parent, e.EffectiveOn)
		case *domain.UnitMerged:
			for unit, p := range parent {
				if p == b.Unit && open[unit] {
					move(unit, b.Into, e.EffectiveOn)
				}
			}
			open[b.Unit] = false
			move(b.Unit, b.Into, e.EffectiveOn)
		case *domain.UnitClosed:
			open[b.Unit] = false
		case *domain.PersonMerged:
			if isUndo {
				delete(n.into, b.Person)
			} else {
				n.into[b.Person] = b.Into
			}
		case *domain.DonationReceived:
			for i, l := range b.Lines {
				x := entry{
					granted: true, paid: true, unit: b.Unit, fund: b.Fund, asset: string(l.Asset), measure: "donation_in_kind",
					amount: l.Amount, donor: b.Donor, donorKind: b.DonorKind,
				}
				if l.Asset == "cash" || l.Asset == "bank" {
					x.measure = "donation_cash"
				}
				if i == 0 {
					x.gifts = 1
				}
				add(x)
			}
		case *domain.ExpenseRecorded:
			add(entry{granted: true, paid: true, unit: b.Unit, fund: b.Fund, asset: string(b.Asset), measure: "expense", amount: b.Amount})
		case *domain.FundsTransferred:
			add(entry{granted: true, paid: true, unit: b.FromUnit, fund: b.From, asset: string(b.Asset), measure: "transfer_out", amount: b.Amount})
			add(entry{granted: true, paid: true, unit: b.ToUnit, fund: b.To, asset: string(b.Asset), measure: "transfer_in", amount: b.Amount})
		case *domain.GrantReturned:
			x := facts(&b.GrantFacts)
			x.granted, x.paid, x.measure, x.amount = true, true, "returned", b.Amount
			x.unit = grants[b.Grant].unit // it carries its grant's dimensions
			add(x)
		case *domain.Granted:
			x := facts(&b.GrantFacts)
			x.granted, x.grants, x.amount = true, sign, b.Amount
			if isUndo {
				x.amount = undo.Amount
			} else {
				grants[e.ID] = &grantState{unit: b.Unit}
			}
			add(x)
		case *domain.GrantCancelled:
			x := facts(&b.GrantFacts)
			x.granted, x.amount = true, -b.Amount
			x.unit = grants[b.Grant].unit // it is taken off where it was counted
			if g := grants[b.Grant]; g.paid == 0 && g.quantity == 0 {
				x.grants = -1
			}
			add(x)
		case *domain.GrantDisbursed:
			x := facts(&b.GrantFacts)
			x.paid, x.amount = true, b.Amount
			g := grants[b.Grant]
			before := g.paid == 0 && g.quantity == 0
			g.paid += sign * b.Amount
			g.quantity += sign * b.Quantity
			after := g.paid == 0 && g.quantity == 0
			switch {
			case before && !after:
				x.grants = 1
			case !before && after:
				x.grants = -1
			}
			add(x)
		}
	}
	return n
}

// parent is what a unit is below, on a date or, with nil, today.
func (n *naive) parent(unit string, on *domain.Date) string {
	edges := n.edges[unit]
	if len(edges) == 0 {
		return ""
	}
	at := edges[0]
	for _, e := range edges {
		if on == nil || e.from <= *on {
			at = e
		}
	}
	return at.parent
}

func (n *naive) path(unit string, on *domain.Date) []string {
	var path []string
	for unit != "" && !slices.Contains(path, unit) {
		path = append(path, unit)
		unit = n.parent(unit, on)
	}
	return path
}

func (n *naive) person(id uuid.UUID) uuid.UUID {
	for {
		into, ok := n.into[id]
		if !ok {
			return id
		}
		id = into
	}
}

func in(list []string, v string) bool { return len(list) == 0 || slices.Contains(list, v) }

func (n *naive) totals(q projections.TotalsQuery) []projections.TotalsRow {
	type sum struct {
		projections.TotalsRow
		net map[uuid.UUID]int64
	}
	sums := map[string]*sum{}
	for i := range n.entries {
		e := &n.entries[i]
		if q.Paid && !e.paid || !q.Paid && !e.granted {
			continue
		}
		if q.From != nil && e.day < *q.From || q.To != nil && e.day > *q.To {
			continue
		}
		if !in(q.UnitLevels, string(n.level[e.unit])) || !in(q.Measures, e.measure) || !in(q.Recipients, e.recipient) ||
			!in(q.Funds, e.fund) || !in(q.Donors, e.donor) || !in(q.AchievementLevels, e.achievement) ||
			!in(q.EducationLevels, e.education) || !in(q.Causes, e.cause) {
			continue
		}
		when := &e.day
		if q.Today {
			when = nil
		}
		units := []string{e.unit}
		if q.Rollup {
			units = n.path(e.unit, when)
		}
		for _, unit := range units {
			if q.Within != "" && !slices.Contains(n.path(unit, when), q.Within) {
				continue
			}
			var by []string
			for _, d := range q.By {
				by = append(by, n.value(d, e, unit))
			}
			key := strings.Join(by, "|") + "|" + e.measure + "|" + e.recipient
			s := sums[key]
			if s == nil {
				s = &sum{net: map[uuid.UUID]int64{}}
				s.By, s.Measure, s.Recipient = by, e.measure, e.recipient
				sums[key] = s
			}
			s.Amount += e.amount
			s.Grants += e.grants
			if e.person != uuid.Nil {
				s.net[n.person(e.person)] += e.grants
			}
		}
	}
	var rows []projections.TotalsRow
	for _, s := range sums {
		for _, net := range s.net {
			if net > 0 {
				s.People++
			}
		}
		if s.Grants != 0 || s.People != 0 || s.Amount != 0 {
			rows = append(rows, s.TotalsRow)
		}
	}
	order := []string{
		"donation_cash", "donation_in_kind", "merit_award", "scholarship", "hardship_grant", "support", "expense",
		"transfer_in", "transfer_out", "returned",
	}
	slices.SortFunc(rows, func(a, b projections.TotalsRow) int {
		return cmp.Or(slices.Compare(a.By, b.By),
			cmp.Compare(slices.Index(order, a.Measure), slices.Index(order, b.Measure)), cmp.Compare(a.Recipient, b.Recipient))
	})
	return rows
}

func (n *naive) value(d projections.Dim, e *entry, unit string) string {
	day := e.day.String()
	switch d {
	case "unit-level":
		return string(n.level[unit])
	case "unit":
		return unit
	case "achievement-level":
		return e.achievement
	case "education-level":
		return e.education
	case "month":
		return day[:7]
	case "quarter":
		return day[:4] + "-Q" + map[string]string{
			"01": "1", "02": "1", "03": "1", "04": "2", "05": "2", "06": "2",
			"07": "3", "08": "3", "09": "3", "10": "4", "11": "4", "12": "4",
		}[day[5:7]]
	case "year":
		return day[:4]
	case "school-year":
		return e.schoolYear
	case "fund":
		return e.fund
	case "cause":
		return e.cause
	case "asset":
		return e.asset
	case "donor-kind":
		return e.donorKind
	}
	panic("no dimension " + d)
}

// fundUnit is the unit of a fund on a date or, with nil, now.
func (n *naive) fundUnit(fund string, on *domain.Date) (unit string) {
	now, closed, first := "", false, ""
	for i := range n.h.Log {
		e := &n.h.Log[i]
		switch b := e.Body.(type) {
		case *domain.FundOpened:
			if b.Code == fund {
				now, first = b.Unit, b.Unit
				unit = now
			}
		case *domain.FundClosed:
			closed = closed || b.Fund == fund
		case *domain.UnitMerged:
			if now == b.Unit && !closed {
				now = b.Into
				if on == nil || e.EffectiveOn <= *on {
					unit = now
				}
			}
		}
	}
	if unit == "" {
		unit = first
	}
	return unit
}

// balances asks the book, which has a structure of its own.
func (n *naive) balances(on *domain.Date) []projections.BalanceRow {
	type holding struct {
		fund  string
		asset domain.Asset
	}
	touched := map[holding]bool{}
	measures := map[string]string{}
	for i := range n.h.Log {
		for _, effect := range n.h.Log[i].Effects() {
			if on == nil || effect.Day <= *on {
				touched[holding{effect.Fund, effect.Asset}] = true
			}
		}
		if d, ok := n.h.Log[i].Body.(*domain.DonationReceived); ok {
			for _, l := range d.Lines {
				measures[string(l.Asset)] = l.Measure
			}
		}
		if d, ok := n.h.Log[i].Body.(*domain.OpeningRecorded); ok {
			for _, l := range d.Lines {
				measures[string(l.Asset)] = l.Measure
			}
		}
	}
	var rows []projections.BalanceRow
	for k := range touched {
		row := projections.BalanceRow{Fund: k.fund, Asset: k.asset, Unit: n.fundUnit(k.fund, on), Measure: measures[string(k.asset)]}
		if on == nil {
			row.Balance = n.h.Book.Latest(k.fund, k.asset)
		} else {
			row.Balance = n.h.Book.Balance(k.fund, k.asset, *on)
		}
		rows = append(rows, row)
	}
	slices.SortFunc(rows, func(a, b projections.BalanceRow) int {
		return cmp.Or(cmp.Compare(a.Fund, b.Fund), cmp.Compare(a.Asset, b.Asset))
	})
	return rows
}

func (n *naive) units() []projections.Unit {
	units := map[string]*projections.Unit{}
	named := map[string]domain.Date{}
	for i := range n.h.Log {
		e := &n.h.Log[i]
		name := func(code, name, nameEN string) {
			if at, ok := named[code]; !ok || e.EffectiveOn >= at {
				named[code] = e.EffectiveOn
				units[code].Name, units[code].NameEN = name, nameEN
			}
		}
		switch b := e.Body.(type) {
		case *domain.UnitRegistered:
			units[b.Code] = &projections.Unit{
				Code: b.Code, Level: b.Level, Official: b.Official, Address: b.Address, Opened: e.EffectiveOn,
			}
			name(b.Code, b.Name, b.NameEN)
		case *domain.UnitRenamed:
			name(b.Unit, b.Name, b.NameEN)
		case *domain.UnitMerged:
			units[b.Unit].Into = b.Into
			units[b.Unit].Closed = &e.EffectiveOn
		case *domain.UnitClosed:
			units[b.Unit].Closed = &e.EffectiveOn
		}
	}
	var list []projections.Unit
	for code, u := range units {
		edges := n.edges[code]
		if u.Into != "" {
			edges = edges[:len(edges)-1] // the last one says where it went
		}
		u.Parent = edges[len(edges)-1].parent
		list = append(list, *u)
	}
	slices.SortFunc(list, func(a, b projections.Unit) int { return cmp.Compare(a.Code, b.Code) })
	return list
}

func (n *naive) funds() []projections.FundRow {
	funds := map[string]*projections.FundRow{}
	for i := range n.h.Log {
		e := &n.h.Log[i]
		switch b := e.Body.(type) {
		case *domain.FundOpened:
			funds[b.Code] = &projections.FundRow{
				Code: b.Code, Name: b.Name, NameEN: b.NameEN, Purposes: b.Purposes, Opened: e.EffectiveOn,
			}
		case *domain.FundRestricted:
			funds[b.Fund].Purposes = b.Purposes
		case *domain.FundClosed:
			funds[b.Fund].Closed = &e.EffectiveOn
		}
	}
	var list []projections.FundRow
	for code, f := range funds {
		f.Unit = n.fundUnit(code, nil)
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b projections.FundRow) int { return cmp.Compare(a.Code, b.Code) })
	return list
}

// vouchers takes the amounts from the journal.
func (n *naive) vouchers(q projections.VoucherQuery) []projections.VoucherRow {
	all := map[domain.Voucher]*projections.VoucherRow{}
	for i := range n.h.Log {
		e := &n.h.Log[i]
		_, undo := e.Body.(*domain.EntryReversed)
		for _, number := range e.Vouchers() {
			v := all[number]
			if v == nil {
				v = &projections.VoucherRow{
					Unit: number.Unit, Number: number.Number, EffectiveOn: e.EffectiveOn, RecordedAt: e.RecordedAt, First: e.Position,
				}
				all[number] = v
			}
			if undo {
				v.Reversed++
				v.Cancelled = v.Reversed == len(v.Events)
				continue
			}
			v.Last = e.Position
			v.Events = append(v.Events, e.ID)
			kinds := map[string]string{"PT": "cash+", "PC": "cash-", "BC": "bank+", "BN": "bank-", "PN": "goods+", "PX": "goods-"}
			for _, p := range domain.Journal(e) {
				kind := string(p.Asset)
				if p.Asset.IsGoods() {
					kind = "goods"
				}
				switch {
				case p.Amount > 0 && kind+"+" == kinds[number.Number[:2]] && p.Unit == number.Unit:
					v.Amount += p.Amount
				case p.Amount < 0 && kind+"-" == kinds[number.Number[:2]] && p.Unit == number.Unit:
					v.Amount -= p.Amount
				}
			}
		}
	}
	var list []projections.VoucherRow
	for _, v := range all {
		if (q.Unit == "" || q.Unit == v.Unit) && (q.Series == "" || q.Series == v.Number[:2]) &&
			(q.From == nil || v.EffectiveOn >= *q.From) && (q.To == nil || v.EffectiveOn <= *q.To) {
			list = append(list, *v)
		}
	}
	slices.SortFunc(list, func(a, b projections.VoucherRow) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Number, b.Number))
	})
	return list
}

func (n *naive) donors(q projections.DonorQuery) []projections.DonorRow {
	donors := map[string]*projections.DonorRow{}
	for i := range n.h.Log {
		if b, ok := n.h.Log[i].Body.(*domain.DonorRegistered); ok && in(q.Donors, b.Code) {
			donors[b.Code] = &projections.DonorRow{
				Code: b.Code, Kind: b.Kind, Name: b.Name, Address: b.Address, Person: b.Person, Publish: b.Publish != nil && *b.Publish,
			}
		}
	}
	for i := range n.entries {
		e := &n.entries[i]
		d := donors[e.donor]
		if d == nil || q.From != nil && e.day < *q.From || q.To != nil && e.day > *q.To {
			continue
		}
		d.Gifts += e.gifts
		if e.measure == "donation_cash" {
			d.Cash += e.amount
		} else {
			d.InKind += e.amount
		}
	}
	var list []projections.DonorRow
	for _, d := range donors {
		list = append(list, *d)
	}
	slices.SortFunc(list, func(a, b projections.DonorRow) int { return cmp.Compare(a.Code, b.Code) })
	return list
}

func (n *naive) pledges() []projections.PledgeRow {
	pledges := map[string]*projections.PledgeRow{}
	received := func(d *domain.DonationReceived, sign int64) {
		for _, l := range d.Lines {
			if d.Pledge != "" {
				pledges[d.Pledge].Received += sign * l.Amount
			}
		}
	}
	for i := range n.h.Log {
		e := &n.h.Log[i]
		switch b := e.Body.(type) {
		case *domain.PledgeMade:
			pledges[b.Pledge] = &projections.PledgeRow{
				Pledge: b.Pledge, Donor: b.Donor, Fund: b.Fund, Unit: b.Unit, Amount: b.Amount, Due: b.Due, MadeOn: e.EffectiveOn,
			}
		case *domain.PledgeCancelled:
			pledges[b.Pledge].Cancelled = b.Amount
			pledges[b.Pledge].CancelledOn = &e.EffectiveOn
		case *domain.DonationReceived:
			received(b, 1)
		case *domain.EntryReversed:
			if d, ok := b.Entry.(*domain.DonationReceived); ok {
				received(d, -1)
			}
		}
	}
	var list []projections.PledgeRow
	for _, p := range pledges {
		list = append(list, *p)
	}
	slices.SortFunc(list, func(a, b projections.PledgeRow) int { return cmp.Compare(a.Pledge, b.Pledge) })
	return list
}

func (n *naive) indicators(q projections.IndicatorQuery) []projections.IndicatorRow {
	type key struct {
		unit, indicator string
		from, to        domain.Date
	}
	all := map[key]projections.IndicatorRow{}
	for i := range n.h.Log {
		e := &n.h.Log[i]
		b, ok := e.Body.(*domain.IndicatorReported)
		if !ok || !in(q.Units, b.Unit) || !in(q.Indicators, b.Indicator) ||
			q.From != nil && b.From < *q.From || q.To != nil && b.To > *q.To {
			continue
		}
		all[key{b.Unit, b.Indicator, b.From, b.To}] = projections.IndicatorRow{
			Unit: b.Unit, Indicator: b.Indicator, From: b.From, To: b.To, Value: string(b.Value), Of: string(b.Of),
			Measure: b.Measure, ReportedOn: e.EffectiveOn, Position: e.Position,
		}
	}
	var list []projections.IndicatorRow
	for _, r := range all {
		list = append(list, r)
	}
	slices.SortFunc(list, func(a, b projections.IndicatorRow) int {
		return cmp.Or(cmp.Compare(a.Unit, b.Unit), cmp.Compare(a.Indicator, b.Indicator), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return list
}

func (n *naive) goods() []projections.Item {
	seen := map[string]bool{}
	var list []projections.Item
	for i := range n.h.Log {
		e := &n.h.Log[i]
		var lines []domain.Line
		switch b := e.Body.(type) {
		case *domain.DonationReceived:
			lines = b.Lines
		case *domain.OpeningRecorded:
			lines = b.Lines
		}
		for _, l := range lines {
			if item := trimmed(string(l.Asset), "goods:"); item != "" && !seen[item] {
				seen[item] = true
				list = append(list, projections.Item{Item: item, Measure: l.Measure, Position: e.Position})
			}
		}
	}
	slices.SortFunc(list, func(a, b projections.Item) int { return cmp.Compare(a.Item, b.Item) })
	return list
}
