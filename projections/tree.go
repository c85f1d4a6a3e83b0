package projections

import (
	"cmp"
	"math"
	"slices"

	"github.com/soquy/soquy/domain"
)

// A Tree places units: on a date, or today. On a date a unit is below what its last edge through that date says, before its first
// edge what that one says; today what its last edge of all says. A merged unit is below the one that it was merged into, from
// the merger on and today.
//
// A Tree does not change and may be used from many goroutines.
type Tree struct {
	units map[string]*treeUnit
	days  []domain.Date // on which an edge begins, sorted
	last  Edge
}

type treeUnit struct {
	code  string
	level domain.Level
	edges []treeEdge // in log order, which is also that of their dates
}

type treeEdge struct {
	position int64
	from     domain.Date
	parent   *treeUnit // nil for the root
}

// An Edge says that from a date on a unit is below another.
type Edge struct {
	Position     int64
	Unit, Parent string // Parent is "" for the root
	From         domain.Date
}

// NewTree makes a tree from the levels of units and all edges.
func NewTree(levels map[string]domain.Level, edges []Edge) *Tree {
	t := &Tree{units: make(map[string]*treeUnit, len(levels))}
	for code, level := range levels {
		t.units[code] = &treeUnit{code: code, level: level}
	}
	edges = slices.Clone(edges)
	slices.SortFunc(edges, func(a, b Edge) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Unit, b.Unit))
	})
	for _, e := range edges {
		if u := t.units[e.Unit]; u != nil {
			u.edges = append(u.edges, treeEdge{e.Position, e.From, t.units[e.Parent]})
			t.days = append(t.days, e.From)
		}
	}
	slices.Sort(t.days)
	t.days = slices.Compact(t.days)
	if len(edges) > 0 {
		t.last = edges[len(edges)-1]
	}
	return t
}

// LastEdge is the last edge in log order. A tree is out of date when there is another one.
func (t *Tree) LastEdge() Edge { return t.last }

// Has reports whether there is a unit.
func (t *Tree) Has(unit string) bool { return t.units[unit] != nil }

// Level returns a unit's level, or "".
func (t *Tree) Level(unit string) domain.Level {
	if u := t.units[unit]; u != nil {
		return u.level
	}
	return ""
}

// parent returns what a unit is below, on a date or, with nil, today.
func (u *treeUnit) parent(on *domain.Date) *treeUnit {
	if len(u.edges) == 0 {
		return nil
	}
	i := len(u.edges) - 1
	if on != nil {
		for i > 0 && u.edges[i].from > *on {
			i--
		}
	}
	return u.edges[i].parent
}

// Path returns a unit and all units above it, on a date or, with nil, today.
func (t *Tree) Path(unit string, on *domain.Date) []string {
	var path []string
	for u := t.units[unit]; u != nil; u = u.parent(on) {
		// Structure changes that were recorded late can make a circle on a past date. It is cut where it would close.
		if slices.Contains(path, u.code) {
			break
		}
		path = append(path, u.code)
	}
	return path
}

// Parent returns what a unit is below, or "".
func (t *Tree) Parent(unit string, on *domain.Date) string {
	if path := t.Path(unit, on); len(path) > 1 {
		return path[1]
	}
	return ""
}

// Within reports whether a unit is top or below it, on a date or, with nil, today.
func (t *Tree) Within(unit, top string, on *domain.Date) bool {
	return slices.Contains(t.Path(unit, on), top)
}

// WithinDuring reports whether a unit was top or below it on any day of a range.
func (t *Tree) WithinDuring(unit, top string, from, to domain.Date) bool {
	if t.Within(unit, top, &from) {
		return true
	}
	first, _ := slices.BinarySearch(t.days, from)
	for _, day := range t.days[first:] {
		if day > to {
			break
		}
		if t.Within(unit, top, &day) {
			return true
		}
	}
	return false
}

// A stretch is days, the last one not among them.
type stretch struct{ from, to domain.Date }

// always is all days.
var always = stretch{math.MinInt32, math.MaxInt32}

func (s stretch) has(d domain.Date) bool { return s.from <= d && d < s.to }

// path is Path, and the days around on on which it is the same for sure.
func (t *Tree) path(unit string, on *domain.Date) ([]string, stretch) {
	path, same := t.Path(unit, on), always
	if on == nil {
		return path, same
	}
	for _, code := range path {
		for _, e := range t.units[code].edges {
			if e.from <= *on {
				same.from = max(same.from, e.from)
			} else {
				same.to = min(same.to, e.from)
			}
		}
	}
	return path, same
}
