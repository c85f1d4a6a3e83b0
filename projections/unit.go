package projections

import (
	"context"

	"github.com/soquy/soquy/domain"
)

var (
	unitTable = table("units",
		Column{"unit", Text, Key},
		Column{"level", Text, First},
		Column{"official", Text, First},
		Column{"address", Text, First},
		Column{"opened", Date, First},
		Column{"parent", Text, Last},
		Column{"closed", Date, Last},
		Column{"merged_into", Text, Last})
	// unitEdgeTable: from a date on, a unit is below another. A merged unit is below the one that it was merged into.
	unitEdgeTable = once("unit_edges",
		Column{"position", Int, Key},
		Column{"unit", Text, Key},
		Column{"from_on", Date, First},
		Column{"parent", Text, First})
	unitNameTable = once("unit_names",
		Column{"position", Int, Key},
		Column{"unit", Text, Key},
		Column{"from_on", Date, First},
		Column{"name", Text, First},
		Column{"name_en", Text, First})
)

// Columns of unitTable that a fold looks at.
const (
	unitParent = 5
	unitClosed = 6
)

func foldUnits(f *Fold, e *domain.Event) error {
	// change is the row of a unit that is there.
	change := func(code string, parent, closed, into Value) {
		f.put(unitTable, text(code), text(""), text(""), text(""), num(0), parent, closed, into)
	}
	edge := func(code, parent string) {
		f.put(unitEdgeTable, num(e.Position), text(code), day(e.EffectiveOn), text(parent))
	}
	name := func(code, name, nameEN string) {
		f.put(unitNameTable, num(e.Position), text(code), day(e.EffectiveOn), text(name), text(nameEN))
	}
	switch b := e.Body.(type) {
	case *domain.UnitRegistered:
		f.put(unitTable, text(b.Code), text(b.Level), text(b.Official), text(b.Address), day(e.EffectiveOn),
			text(b.Parent), null, null)
		edge(b.Code, b.Parent)
		name(b.Code, b.Name, b.NameEN)
	case *domain.UnitRenamed:
		name(b.Unit, b.Name, b.NameEN)
	case *domain.UnitMoved:
		change(b.Unit, text(b.Parent), null, null)
		edge(b.Unit, b.Parent)
	case *domain.UnitMerged:
		children, err := f.open.OpenChildren(b.Unit)
		if err != nil {
			return err
		}
		for _, child := range children {
			change(child, text(b.Into), null, null)
			edge(child, b.Into)
		}
		change(b.Unit, null, day(e.EffectiveOn), text(b.Into))
		edge(b.Unit, b.Into)
	case *domain.UnitClosed:
		change(b.Unit, null, day(e.EffectiveOn), null)
	}
	return nil
}

// A Unit is a unit as of today.
type Unit struct {
	Code, Parent      string // Parent is "" for the root; of a closed unit it is the last one
	Level             domain.Level
	Name, NameEN      string // the name with the latest effective date
	Official, Address string
	Opened            domain.Date
	Closed            *domain.Date
	Into              string // the unit that it was merged into
}

// Units answers questions about units.
type Units interface {
	// Units returns all units in order of code.
	Units(ctx context.Context) ([]Unit, error)
	// Tree returns where units are and were.
	Tree(ctx context.Context) (*Tree, error)
}
