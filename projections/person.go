package projections

import (
	"context"

	"github.com/soquy/soquy/domain"
)

// A person's ordinal is the position of the registration: 4 bytes in the lists of totals.
var (
	personTable = once("persons",
		Column{"position", Int, Key},
		Column{"person", ID, First},
		Column{"kind", Text, First})
	// aliasTable: from a merger on, by its position, one person is another, until it was reversed.
	aliasTable = table("person_aliases",
		Column{"position", Int, Key},
		Column{"person_position", Int, First},
		Column{"into_position", Int, First},
		Column{"until_position", Int, Last})
)

func foldPersons(f *Fold, e *domain.Event) error {
	switch b := e.Body.(type) {
	case *domain.PersonRegistered:
		f.put(personTable, num(e.Position), id(&b.Person), text(b.Kind))
	case *domain.PersonMerged:
		f.put(aliasTable, num(e.Position), num(b.PersonPosition), num(b.IntoPosition), null)
	case *domain.EntryReversed:
		if _, ok := b.Entry.(*domain.PersonMerged); ok {
			f.put(aliasTable, num(b.Position), num(0), num(0), num(e.Position))
		}
	}
	return nil
}

// Persons answers questions about who is one person.
type Persons interface {
	// Aliases returns which person was another at a position; one beyond the log is now.
	Aliases(ctx context.Context, at int64) (Aliases, error)
}

// Aliases says which person, by ordinal, counts as which other now.
type Aliases map[uint32]uint32

// resolve returns whom a person counts as.
func (a Aliases) resolve(ordinal uint32) uint32 {
	for range len(a) { // a merger never closes a circle; a bad row must not hang us
		into, ok := a[ordinal]
		if !ok {
			break
		}
		ordinal = into
	}
	return ordinal
}
