package domain

import (
	"encoding/base32"
	"strings"

	"github.com/google/uuid"
)

// RegisterDonor makes a donor known: an organisation by its public name, a person by a reference, or an anonymous one. A donor
// who is a person may leave Code out and gets a made one, since a code that someone chose could name the person.
type RegisterDonor struct {
	Code          string
	Kind          string
	Name, Address string    // of an organisation
	Person        uuid.UUID // of a person
	Publish       *bool     // agrees to be named
}

// DonorRegistered is recorded by RegisterDonor.
type DonorRegistered RegisterDonor

// Type returns the stored name.
func (*RegisterDonor) Type() string   { return "register_donor" }
func (*DonorRegistered) Type() string { return "donor.registered" }

// donor is what the book knows of a donor.
type donor struct {
	kind   string
	person uuid.UUID
}

func (c *RegisterDonor) validate(s *static) {
	oneOf(s, "/data/kind", c.Kind, DonorKinds(), true)
	if c.Kind == "person" {
		s.optionalCode("/data/code", c.Code)
	} else {
		s.code("/data/code", c.Code)
	}
	switch organisation := c.Kind == "organisation"; {
	case organisation:
		s.name("/data/name", c.Name)
		s.text("/data/address", c.Address)
	case c.Name != "":
		s.malformed("/data/name", "only an organisation has a name here")
	case c.Address != "":
		s.malformed("/data/address", "only an organisation has an address here")
	}
	switch isPerson := c.Kind == "person"; {
	case isPerson && c.Person == uuid.Nil:
		s.malformed("/data/person", "required")
	case !isPerson && c.Person != uuid.Nil:
		s.malformed("/data/person", "only a donor of kind person has one")
	}
}

func (c *RegisterDonor) decide(d *decision) {
	if d.b.donors[c.Code] != nil {
		d.refuse(ReferenceTaken, "donor", c.Code)
	}
	if c.Person != uuid.Nil {
		d.person(c.Person)
	}
	if !d.ok() {
		return
	}
	id, e := d.c.NewID(), DonorRegistered(*c)
	if e.Code == "" {
		e.Code = madeCode(id)
	}
	d.addWithID(&e, id)
}

// madeCode makes a code from the random part of an ID.
func madeCode(id uuid.UUID) string {
	return "D-" + strings.ToLower(base32.StdEncoding.EncodeToString(id[6:]))[:16]
}

func (e *DonorRegistered) subjects(*Event) []string {
	list := []string{DonorSubject(e.Code)}
	if e.Person != uuid.Nil {
		list = append(list, PersonSubject(e.Person))
	}
	return list
}

func (e *DonorRegistered) evolve(b *Book, _ *Event) {
	set(b, b.donors, e.Code, &donor{kind: e.Kind, person: e.Person})
}

// donor returns the donor with a code; one who is an erased person may not be named.
func (d *decision) donor(code string) *donor {
	n := d.b.donors[code]
	if n == nil {
		d.unknown("donor", code)
		return nil
	}
	if n.person != uuid.Nil {
		d.person(n.person)
	}
	return n
}
