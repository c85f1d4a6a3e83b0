package domain

import (
	"slices"
	"strconv"

	"github.com/google/uuid"
)

// RegisterPerson makes a person known: a beneficiary or a donor. Who it is stands in a private text.
type RegisterPerson struct {
	Person uuid.UUID // zero: the event's ID
	Kind   string
}

// CorrectPerson replaces the private text of a person.
type CorrectPerson struct{ Person uuid.UUID }

// MergePerson says that two registered persons are one, for every period; Person stays as an alias of Into.
type MergePerson struct{ Person, Into uuid.UUID }

// ErasePerson deletes what names or describes a person. Override: also within the term of retention; it needs a remark.
type ErasePerson struct {
	Person   uuid.UUID
	Override *bool
}

// PersonRegistered is recorded by RegisterPerson.
type PersonRegistered struct {
	Person   uuid.UUID
	Kind     string
	Personal Commitment
}

// PersonCorrected is recorded by CorrectPerson.
type PersonCorrected struct {
	Person   uuid.UUID
	Personal Commitment
}

// PersonMerged is recorded by MergePerson. The positions are those of the registrations.
type PersonMerged struct {
	Person, Into                 uuid.UUID
	PersonPosition, IntoPosition int64
}

// PersonErased is recorded by ErasePerson.
type PersonErased struct {
	Person   uuid.UUID
	Override *bool
}

// Type returns the stored name.
func (*RegisterPerson) Type() string   { return "register_person" }
func (*CorrectPerson) Type() string    { return "correct_person" }
func (*MergePerson) Type() string      { return "merge_person" }
func (*ErasePerson) Type() string      { return "erase_person" }
func (*PersonRegistered) Type() string { return "person.registered" }
func (*PersonCorrected) Type() string  { return "person.corrected" }
func (*PersonMerged) Type() string     { return "person.merged" }
func (*PersonErased) Type() string     { return "person.erased" }

// RetentionYears is how long a person's data is kept after the end of the year of the last money entry.
const RetentionYears = 10

// person is what the book knows of a person.
type person struct {
	id       uuid.UUID
	position int64 // of the registration
	kind     string
	into     int32 // index of the person that it is an alias of, or -1
	lastYear int16 // of the last money entry, or 0
	erased   bool
}

// person returns the person with an ID, or nil. The pointer is good until the next event.
func (b *Book) person(id uuid.UUID) *person {
	i, ok := b.personIndex[id]
	if !ok {
		return nil
	}
	return &b.persons[i]
}

func (b *Book) personAt(i int32) *person { return &b.persons[i] }

// root returns the index of the person that p counts as.
func (b *Book) root(p *person) int32 {
	i := b.personIndex[p.id]
	for b.persons[i].into >= 0 {
		i = b.persons[i].into
	}
	return i
}

// Same returns all registered persons that are the same as one: itself and all aliases, in log order.
func (b *Book) Same(id uuid.UUID) []uuid.UUID {
	p := b.person(id)
	if p == nil {
		return nil
	}
	var list []uuid.UUID
	for _, i := range b.group(b.root(p)) {
		list = append(list, b.persons[i].id)
	}
	return list
}

// DonorsOf returns the codes of the donors that are one of the persons, sorted.
func (b *Book) DonorsOf(persons []uuid.UUID) []string {
	var list []string
	for code, d := range b.donors {
		if d.person != uuid.Nil && slices.Contains(persons, d.person) {
			list = append(list, code)
		}
	}
	slices.Sort(list)
	return list
}

// group returns the indexes of a person and all its aliases, in log order.
func (b *Book) group(root int32) []int32 {
	var list []int32
	for i := range b.persons {
		if b.root(&b.persons[i]) == root {
			list = append(list, int32(i))
		}
	}
	return list
}

func (c *RegisterPerson) validate(s *static) {
	oneOf(s, "/data/kind", c.Kind, PersonKinds(), true)
}

func (c *RegisterPerson) decide(d *decision) {
	if c.Person != uuid.Nil && d.b.person(c.Person) != nil {
		d.refuse(ReferenceTaken, "person", c.Person.String())
	}
	if d.c.Personal == nil {
		d.refuse(CommandMalformed, "/data/personal", "required")
	}
	if !d.ok() {
		return
	}
	id := d.c.NewID()
	who := c.Person
	if who == uuid.Nil {
		who = id
	}
	d.addWithID(&PersonRegistered{Person: who, Kind: c.Kind, Personal: *d.c.Personal}, id)
}

func (e *PersonRegistered) subjects(*Event) []string { return []string{PersonSubject(e.Person)} }

func (e *PersonRegistered) evolve(b *Book, ev *Event) {
	n := int32(len(b.persons))
	b.onUndo(func() { b.persons = b.persons[:n] })
	b.persons = append(b.persons, person{id: e.Person, position: ev.Position, kind: e.Kind, into: -1})
	set(b, b.personIndex, e.Person, n)
}

func (*CorrectPerson) validate(*static) {}

func (c *CorrectPerson) decide(d *decision) {
	d.person(c.Person)
	if d.c.Personal == nil {
		d.refuse(CommandMalformed, "/data/personal", "required")
	}
	if d.ok() {
		d.add(&PersonCorrected{Person: c.Person, Personal: *d.c.Personal})
	}
}

func (e *PersonCorrected) subjects(*Event) []string { return []string{PersonSubject(e.Person)} }

func (*PersonCorrected) evolve(*Book, *Event) {} // the text is elsewhere

func (*MergePerson) validate(*static) {}

func (c *MergePerson) decide(d *decision) {
	p, into := d.person(c.Person), d.person(c.Into)
	if p != nil && into != nil && (p == into || p.into >= 0 || into.into >= 0 || p.kind != into.kind) {
		d.refuse(PersonIsMerged, c.Person.String(), c.Into.String())
	}
	if d.ok() {
		d.add(&PersonMerged{
			Person: c.Person, Into: c.Into,
			PersonPosition: p.position, IntoPosition: into.position,
		})
	}
}

func (e *PersonMerged) subjects(*Event) []string {
	return []string{PersonSubject(e.Person), PersonSubject(e.Into)}
}

func (e *PersonMerged) evolve(b *Book, _ *Event) { b.alias(e.Person, b.personIndex[e.Into]) }

// alias makes a person an alias of another, or, with -1, a person of its own again.
func (b *Book) alias(id uuid.UUID, into int32) {
	i := b.personIndex[id]
	old := b.persons[i].into
	b.onUndo(func() { b.persons[i].into = old })
	b.persons[i].into = into
}

func (*ErasePerson) validate(*static) {}

func (c *ErasePerson) decide(d *decision) {
	p := d.person(c.Person)
	if p != nil && d.ok() {
		last := 0
		for _, i := range d.b.group(d.b.root(p)) {
			last = max(last, int(d.b.persons[i].lastYear))
		}
		override := c.Override != nil && *c.Override && d.c.Remark != nil
		if until := last + RetentionYears; last > 0 && DateOf(d.c.Now).Year() <= until && !override {
			d.refuse(PersonRetained, c.Person.String(), strconv.Itoa(until)+"-12-31")
		}
	}
	if d.ok() {
		d.add(&PersonErased{Person: c.Person, Override: c.Override})
	}
}

func (e *PersonErased) subjects(*Event) []string { return []string{PersonSubject(e.Person)} }

func (e *PersonErased) evolve(b *Book, _ *Event) {
	for _, i := range b.group(b.root(b.person(e.Person))) {
		old := b.persons[i].erased
		b.onUndo(func() { b.persons[i].erased = old })
		b.persons[i].erased = true
	}
}

// moneyOf notes that a person had a money entry in the year of a day.
func (b *Book) moneyOf(id uuid.UUID, day Date) {
	if id == uuid.Nil {
		return
	}
	i := b.personIndex[id]
	year := int16(day.Year())
	if old := b.persons[i].lastYear; year > old {
		b.onUndo(func() { b.persons[i].lastYear = old })
		b.persons[i].lastYear = year
	}
}
