package demo

import "strings"

// A fullName is an invented name with the sex that it goes with.
type fullName struct {
	name   string
	female bool
}

// peoples draws the people that a person of a district belongs to, by whose names that person is named.
func (p *plan) peoples(district int32) *nameParts {
	return p.names.draw(p.dice, p.districts[district].official)
}

// draw draws a people by the weights of a district, or of "teachers".
func (n *nameData) draw(d dice, weights string) *nameParts {
	return &n.groups[d.weighted(n.weights[weights])]
}

// invent makes a name of a people. It is never one of a well-known person.
func (n *nameData) invent(d dice, g *nameParts) fullName {
	for {
		female := d.percent(52)
		middle, given := g.MiddleMale, g.GivenMale
		if female {
			middle, given = g.MiddleFemale, g.GivenFemale
		}
		f, m, last := pick(d, g.Family), pick(d, middle), pick(d, given)
		name := f + " " + m + " " + last
		if m != last && f != last && !n.avoid[name] {
			return fullName{name, female}
		}
	}
}

// otherSpelling puts the tone marks of a name on the other vowel, as half of the country writes them.
func otherSpelling(name string) string {
	return strings.NewReplacer(
		"òa", "oà", "óa", "oá", "ỏa", "oả", "õa", "oã", "ọa", "oạ",
		"òe", "oè", "óe", "oé", "ỏe", "oẻ", "õe", "oẽ", "ọe", "oẹ",
		"ùy", "uỳ", "úy", "uý", "ủy", "uỷ", "ũy", "uỹ", "ụy", "uỵ",
	).Replace(name)
}
