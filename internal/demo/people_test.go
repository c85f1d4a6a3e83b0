package demo

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/soquy/soquy/domain"
)

// A registry keeps what a plan says of units and persons.
type registry struct {
	nobody
	t       *testing.T
	units   map[[2]string]int // by parent and name
	persons map[uuid.UUID]document
	kinds   map[uuid.UUID]string
	alias   map[uuid.UUID]uuid.UUID
}

type document struct{ Name, Born, Sex, School, Class, Address string }

func (r *registry) record(s step) error {
	var doc document
	if s.req.Personal != nil {
		if err := json.Unmarshal(s.req.Personal, &doc); err != nil {
			return err
		}
		if !norm.NFC.IsNormal(s.req.Personal) {
			r.t.Errorf("not NFC: %s", s.req.Personal)
		}
	}
	switch c := s.req.Body.(type) {
	case *domain.RegisterUnit:
		r.units[[2]string{c.Parent, c.Name}]++
		if !norm.NFC.IsNormalString(c.Name) || strings.HasSuffix(c.Name, " X") {
			r.t.Errorf("unit %s", c.Name)
		}
	case *domain.RegisterPerson:
		r.persons[c.Person], r.kinds[c.Person] = doc, c.Kind
	case *domain.CorrectPerson:
		if before := r.persons[c.Person]; doc.Name != before.Name || before.Born != "" || doc.Born == "" {
			r.t.Errorf("%+v is corrected to %+v", before, doc)
		}
	case *domain.MergePerson:
		r.alias[c.Person] = c.Into
	}
	return nil
}

func TestPeopleArePlausible(t *testing.T) {
	p, err := newPlan(1)
	if err != nil {
		t.Fatal(err)
	}
	r := &registry{
		t: t, units: map[[2]string]int{}, persons: map[uuid.UUID]document{}, kinds: map[uuid.UUID]string{}, alias: map[uuid.UUID]uuid.UUID{},
	}
	if err := p.run(r); err != nil {
		t.Fatal(err)
	}
	for unit, n := range r.units {
		if n > 1 {
			t.Errorf("%d units of %s are called %s", n, unit[0], unit[1])
		}
	}
	var families []string
	for _, g := range p.names.groups {
		families = append(families, g.Family...)
	}
	names, women := map[string]int{}, 0
	for id, doc := range r.persons {
		names[doc.Name]++
		if n := len(strings.Fields(doc.Name)); n < 3 || n > 4 {
			t.Errorf("name %q", doc.Name)
		}
		if p.names.avoid[doc.Name] {
			t.Errorf("%s is a real person", doc.Name)
		}
		if !slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(doc.Name, f+" ") }) {
			t.Errorf("%s has no family name", doc.Name)
		}
		if doc.Sex == "nữ" {
			women++
		}
		switch r.kinds[id] {
		case "student":
			if doc.School == "" || doc.Class == "" || doc.Born != "" && (doc.Born < "1998" || doc.Born > "2012") {
				t.Errorf("student %+v", doc)
			}
		case "teacher":
			if doc.School == "" || doc.Class != "" || doc.Born != "" && (doc.Born < "1958" || doc.Born >= "1994") {
				t.Errorf("teacher %+v", doc)
			}
		}
	}
	if women < len(r.persons)*2/5 || women > len(r.persons)*3/5 {
		t.Errorf("%d of %d are women", women, len(r.persons))
	}
	if len(names) < len(r.persons)/3 {
		t.Errorf("%d persons have %d names", len(r.persons), len(names))
	}
	for who, into := range r.alias {
		if a, b := r.persons[who], r.persons[into]; otherSpelling(a.Name) != otherSpelling(b.Name) || a.School != b.School {
			t.Errorf("%+v is merged into %+v", a, b)
		}
	}
}
