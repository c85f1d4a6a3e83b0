package domain

import "strconv"

// RegisterUnit adds a unit to the tree; only the root has no parent.
type RegisterUnit struct {
	Code, Parent      string
	Level             Level
	Name, NameEN      string
	Official, Address string // the national code, an attribute and not an identity
}

// RenameUnit gives a unit another name.
type RenameUnit struct{ Unit, Name, NameEN string }

// MoveUnit gives a unit another parent.
type MoveUnit struct{ Unit, Parent string }

// MergeUnit closes a unit; its children and open funds go along to another.
type MergeUnit struct{ Unit, Into string }

// CloseUnit closes a unit without open children and funds.
type CloseUnit struct{ Unit string }

// UnitRegistered is recorded by RegisterUnit.
type UnitRegistered RegisterUnit

// UnitRenamed is recorded by RenameUnit.
type UnitRenamed RenameUnit

// UnitMoved is recorded by MoveUnit.
type UnitMoved MoveUnit

// UnitMerged is recorded by MergeUnit.
type UnitMerged MergeUnit

// UnitClosed is recorded by CloseUnit.
type UnitClosed CloseUnit

// Type returns the stored name.
func (*RegisterUnit) Type() string   { return "register_unit" }
func (*RenameUnit) Type() string     { return "rename_unit" }
func (*MoveUnit) Type() string       { return "move_unit" }
func (*MergeUnit) Type() string      { return "merge_unit" }
func (*CloseUnit) Type() string      { return "close_unit" }
func (*UnitRegistered) Type() string { return "unit.registered" }
func (*UnitRenamed) Type() string    { return "unit.renamed" }
func (*UnitMoved) Type() string      { return "unit.moved" }
func (*UnitMerged) Type() string     { return "unit.merged" }
func (*UnitClosed) Type() string     { return "unit.closed" }

// unit is what the book knows of a unit. Structure changes in the order of effective dates: changed is the day of the last
// change, which the next may not precede.
type unit struct {
	code, parent    string
	level           Level
	opened, changed Date
	closed          bool
	closedThrough   Date // of the unit's own closed periods; binds funds that it opens later
}

func (c *RegisterUnit) validate(s *static) {
	s.code("/data/code", c.Code)
	s.optionalCode("/data/parent", c.Parent)
	oneOf(s, "/data/level", c.Level, Levels(), true)
	s.name("/data/name", c.Name)
	s.limited("/data/name_en", c.NameEN, MaxName)
	s.text("/data/official", c.Official)
	s.text("/data/address", c.Address)
}

func (c *RegisterUnit) decide(d *decision) {
	if d.b.units[c.Code] != nil {
		d.refuse(ReferenceTaken, "unit", c.Code)
	}
	if c.Parent == "" {
		if d.b.rootOf != "" {
			d.refuse(CommandMalformed, "/data/parent", "required")
		}
	} else if parent := d.unit(c.Parent); parent != nil {
		d.level(c.Code, c.Level, parent)
		d.notBefore(parent.opened)
	}
	d.structure()
	if d.ok() {
		d.add((*UnitRegistered)(c))
	}
}

// level checks that a level is below that of a parent.
func (d *decision) level(code string, l Level, parent *unit) {
	if !l.Below(parent.level) {
		d.refuse(UnitLevel, code, string(l), parent.code, string(parent.level))
	}
}

func (e *UnitRegistered) evolve(b *Book, ev *Event) {
	set(b, b.units, e.Code, &unit{
		code: e.Code, parent: e.Parent, level: e.Level,
		opened: ev.EffectiveOn, changed: ev.EffectiveOn, closedThrough: never,
	})
	if e.Parent == "" {
		change(b, &b.rootOf)
		b.rootOf = e.Code
	}
}

func (c *RenameUnit) validate(s *static) {
	s.code("/data/unit", c.Unit)
	s.name("/data/name", c.Name)
	s.limited("/data/name_en", c.NameEN, MaxName)
}

func (c *RenameUnit) decide(d *decision) {
	if u := d.unit(c.Unit); u != nil {
		d.notBefore(u.opened)
	}
	d.structure()
	if d.ok() {
		d.add((*UnitRenamed)(c))
	}
}

func (*UnitRenamed) evolve(*Book, *Event) {} // no decision depends on a name

func (c *MoveUnit) validate(s *static) {
	s.code("/data/unit", c.Unit)
	s.code("/data/parent", c.Parent)
}

func (c *MoveUnit) decide(d *decision) {
	u, parent := d.unit(c.Unit), d.unit(c.Parent)
	if u != nil && parent != nil {
		if d.b.within(parent, u) {
			d.refuse(UnitCycle, c.Unit, c.Parent)
		}
		d.level(u.code, u.level, parent)
		d.notBefore(max(u.changed, parent.opened))
	}
	d.structure()
	if d.ok() {
		d.add((*UnitMoved)(c))
	}
}

// within reports whether u is other or below it.
func (b *Book) within(u, other *unit) bool {
	for u != nil {
		if u == other {
			return true
		}
		u = b.units[u.parent]
	}
	return false
}

func (e *UnitMoved) evolve(b *Book, ev *Event) {
	b.moveUnit(b.units[e.Unit], e.Parent, ev.EffectiveOn)
}

func (b *Book) moveUnit(u *unit, parent string, on Date) {
	change(b, u)
	u.parent, u.changed = parent, on
}

func (c *MergeUnit) validate(s *static) {
	s.code("/data/unit", c.Unit)
	s.code("/data/into", c.Into)
}

func (c *MergeUnit) decide(d *decision) {
	u, into := d.unit(c.Unit), d.unit(c.Into)
	if u != nil && into != nil {
		if d.b.within(into, u) {
			d.refuse(UnitCycle, c.Unit, c.Into)
		}
		d.notBefore(max(u.changed, into.opened))
		for _, child := range d.b.children(u.code) {
			d.level(child.code, child.level, into)
			d.notBefore(child.changed)
		}
	}
	d.structure()
	if d.ok() {
		d.add((*UnitMerged)(c))
	}
}

// children returns the open units directly below a unit, in order of code.
func (b *Book) children(code string) []*unit {
	var list []*unit
	for _, c := range sortedKeys(b.units) {
		if u := b.units[c]; u.parent == code && !u.closed {
			list = append(list, u)
		}
	}
	return list
}

// fundsOf returns the open funds of a unit, in order of code.
func (b *Book) fundsOf(unit string) []*fund {
	var list []*fund
	for _, c := range sortedKeys(b.funds) {
		if f := b.funds[c]; f.unit == unit && !f.closed {
			list = append(list, f)
		}
	}
	return list
}

func (e *UnitMerged) evolve(b *Book, ev *Event) {
	for _, child := range b.children(e.Unit) {
		b.moveUnit(child, e.Into, ev.EffectiveOn)
	}
	for _, f := range b.fundsOf(e.Unit) {
		change(b, f)
		f.unit = e.Into
	}
	b.closeUnit(e.Unit, ev.EffectiveOn)
}

func (b *Book) closeUnit(code string, on Date) {
	u := b.units[code]
	change(b, u)
	u.closed, u.changed = true, on
}

func (c *CloseUnit) validate(s *static) { s.code("/data/unit", c.Unit) }

func (c *CloseUnit) decide(d *decision) {
	if u := d.unit(c.Unit); u != nil {
		children, funds := len(d.b.children(c.Unit)), len(d.b.fundsOf(c.Unit))
		if children > 0 || funds > 0 {
			d.refuse(UnitNotEmpty, c.Unit, strconv.Itoa(children), strconv.Itoa(funds))
		}
		d.notBefore(u.changed)
	}
	d.structure()
	if d.ok() {
		d.add((*UnitClosed)(c))
	}
}

func (e *UnitClosed) evolve(b *Book, ev *Event) { b.closeUnit(e.Unit, ev.EffectiveOn) }
