package demo

import (
	"fmt"
	"math/rand/v2"
	"strconv"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
)

// The people whom the association reported as rewarded in the half-year.
const (
	rewardedStudents = 35_151
	rewardedTeachers = 1_207
)

// Kinds of persons.
const (
	student = iota
	teacher
	other
)

func personKind(kind int8) string { return domain.PersonKinds()[kind] }

// How much the first document of a person says, and how.
const (
	asIs        = iota
	secondTime  // registered again, by another unit: spelled otherwise, with the year of birth only
	withoutBorn // to be corrected later
)

// A person of the plan. What names it is made only when it is registered.
type person struct {
	kind     int8
	document int8
	grade    int8
	named    int32 // the person whose name it has: itself, or the one that it is registered for again
	twin     bool  // the name is another person's, the rest is not
	school   int32 // or -1
	commune  int32
	list     int32 // the last list that it stands in
}

func (p *plan) addPerson(kind int8, commune, school int32) int32 {
	n := int32(len(p.people))
	who := person{kind: kind, named: n, school: school, commune: commune, list: -1}
	if kind == student && school >= 0 {
		if grades := p.schoolData.Levels[p.schools[school].level].Grades; len(grades) > 0 {
			who.grade = int8(pick(p.dice, grades))
		}
	}
	p.people = append(p.people, who)
	return n
}

// again registers a person a second time.
func (p *plan) again(n int32) int32 {
	who := p.people[n]
	who.document, who.list = secondTime, -1
	p.people = append(p.people, who)
	return int32(len(p.people) - 1)
}

// schoolOf draws the school of someone who is rewarded by a unit: the chapter's own, one of the commune, or, by a district, rather one
// above the primary level.
func (p *plan) schoolOf(unit int32) int32 {
	u := &p.units[unit]
	switch u.level {
	case domain.Chapter:
		if c := &p.chapterOf[unit]; c.kind == schoolChapter {
			return c.school
		}
	case domain.District:
		d := &p.districts[u.district]
		if p.dice.percent(40) {
			return pick(p.dice, d.upper)
		}
		return pick(p.dice, p.communes[pick(p.dice, d.communes)].schools[1:])
	case domain.Province:
		return pick(p.dice, p.districts[p.dice.n(len(p.districts))].upper)
	}
	schools := p.communes[u.commune].schools
	if p.dice.percent(3) {
		return schools[0] // the kindergarten
	}
	return pick(p.dice, schools[1:])
}

// documents makes the private documents of persons. Each person's are drawn from a stream of its own, so that they can be made again.
type documents struct {
	p *plan
	a uint64
}

func (m documents) dice(n int32) dice { return dice{rand.NewPCG(m.a, uint64(n))} }

// of returns the document of a person as it is registered, or, corrected, as it is afterwards.
func (m documents) of(n int32, corrected bool) ledger.Personal {
	who := &m.p.people[n]
	d := m.dice(who.named)
	name := m.name(d, who)
	if who.twin {
		d = m.dice(n)
	}
	doc := ledger.Personal{Name: name.name, Sex: "nam"}
	if name.female {
		doc.Sex = "nữ"
	}
	year := 2011 - int(who.grade) // a child of six is in the first grade in 2016-2017
	switch {
	case who.kind != student:
		year = d.between(1958, 1993)
	case who.grade == 0:
		year = 2011
	}
	born := fmt.Sprintf("%04d-%02d-%02d", year, d.between(1, 12), d.between(1, 28))
	place := m.p.units[m.p.communes[who.commune].unit].name
	if who.school >= 0 {
		doc.School = m.p.schools[who.school].name
	}
	if who.kind == student {
		doc.Class = class(d, who.grade)
		doc.Address = pick(d, m.p.communes[who.commune].villages) + ", " + lowerFirst(place)
	}
	doc.Born = born
	switch {
	case who.document == secondTime:
		doc.Name, doc.Born, doc.Address = otherSpelling(doc.Name), born[:4], place
	case who.document == withoutBorn && !corrected:
		doc.Born = ""
	case who.kind == other:
		doc.Born, doc.Address = "", place
	}
	return doc
}

func (m documents) name(d dice, who *person) fullName {
	weights := m.p.districts[m.p.communes[who.commune].district].official
	if who.kind == teacher {
		weights = "teachers"
	}
	return m.p.names.invent(d, m.p.names.draw(d, weights))
}

// class makes the label of a class; children before the first grade are in a kindergarten.
func class(d dice, grade int8) string {
	if grade == 0 {
		return "Mẫu giáo 5 tuổi " + pick(d, []string{"A", "B", "C"})
	}
	label := strconv.Itoa(int(grade)) + pick(d, []string{"A", "A", "A", "B", "C"})
	if d.percent(60) {
		label += strconv.Itoa(d.between(1, 5))
	}
	return label
}
