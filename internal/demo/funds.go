package demo

import (
	"slices"

	"github.com/soquy/soquy/domain"
)

// fundedChapters is how many chapters have a fund of their own.
const fundedChapters = 424

// A fund belongs to a unit; without purposes it may be used for any.
type fund struct {
	code, name string
	unit       int32
	purposes   []domain.Purpose
	parent     int32 // the fund of the unit above that may give to it, or -1
}

func (f *fund) allows(kind domain.Purpose) bool {
	return f.purposes == nil || slices.Contains(f.purposes, kind)
}

// makeFunds opens a fund for every province, district and commune unit and for some chapters, and funds of their own for scholarships.
func (p *plan) makeFunds() {
	add := func(unit int32, suffix, name string, parent int32, purposes ...domain.Purpose) int32 {
		n := int32(len(p.funds))
		p.funds = append(p.funds, fund{
			code: p.units[unit].code + "-" + suffix, name: name, unit: unit, purposes: purposes, parent: parent,
		})
		p.fundsOf[unit] = append(p.fundsOf[unit], n)
		p.add(op{on: p.start, rec: p.start + 1, unit: unit, body: still(&domain.OpenFund{
			Code: p.funds[n].code, Unit: p.units[unit].code, Name: name, Purposes: purposes,
		})})
		return n
	}
	p.fundsOf = make([][]int32, len(p.units))
	general := add(0, "KH", "Quỹ khuyến học tỉnh Điện Biên", -1)
	scholarships := add(0, "HB", "Quỹ học bổng tỉnh Điện Biên", -1, domain.Scholarship)
	add(0, "TT", "Quỹ hỗ trợ trường học bị thiên tai", -1, domain.Support)
	for i := range p.districts {
		d := &p.districts[i]
		name := lowerFirst(p.units[d.unit].name)
		g := add(d.unit, "KH", "Quỹ khuyến học "+name, general)
		s := add(d.unit, "HB", "Quỹ học bổng "+name, scholarships, domain.Scholarship)
		for k, c := range d.communes {
			u := p.communes[c].unit
			name := lowerFirst(p.units[u].name)
			add(u, "KH", "Quỹ khuyến học "+name, g)
			if k%3 == 0 {
				add(u, "HB", "Quỹ học bổng "+name, s, domain.Scholarship)
			}
		}
	}
	weights := make([]int64, len(p.communes))
	for i := range p.communes {
		weights[i] = p.communes[i].weight
	}
	clans := 0
	for i, n := range allocate(fundedChapters-2*int64(len(p.communes)), weights) {
		c := &p.communes[i]
		for _, u := range p.mainChapters(c, 2+int(n)) {
			name, parent := "Quỹ "+lowerFirst(p.units[u].name), p.fundsOf[c.unit][0]
			switch kind := p.chapterOf[u].kind; {
			case kind == clanChapter && clans%2 == 0:
				clans++
				add(u, "HB", name, parent, domain.Scholarship)
			case kind == clanChapter:
				clans++
				add(u, "KH", name, parent, domain.MeritAward, domain.Scholarship)
			case kind == officeChapter:
				add(u, "KH", name, parent, domain.Scholarship, domain.HardshipGrant)
			case p.dice.percent(8):
				add(u, "KT", name, parent, domain.MeritAward)
			default:
				add(u, "KH", name, parent)
			}
		}
	}
}

// mainChapters returns the chapters of a commune that have funds first: two schools, then by turns of other kinds.
func (p *plan) mainChapters(c *commune, n int) []int32 {
	var kinds [4][]int32
	for _, u := range c.chapters {
		k := p.chapterOf[u].kind
		if k == schoolChapter && p.schools[p.chapterOf[u].school].level == preschool {
			continue
		}
		kinds[k] = append(kinds[k], u)
	}
	var list []int32
	for _, k := range []int{schoolChapter, schoolChapter, clanChapter, villageChapter, officeChapter} {
		if len(kinds[k]) > 0 {
			list, kinds[k] = append(list, kinds[k][0]), kinds[k][1:]
		}
	}
	for k := 0; len(list) < n; k = (k + 1) % 3 {
		if len(kinds[k]) > 0 {
			list, kinds[k] = append(list, kinds[k][0]), kinds[k][1:]
		}
	}
	return list[:n]
}

// fundFor returns the fund of a unit from which grants of a kind are made: one of that kind alone, if there is one. It is -1 when no
// fund of the unit allows the kind.
func (p *plan) fundFor(unit int32, kind domain.Purpose) int32 {
	best := int32(-1)
	for _, f := range p.fundsOf[unit] {
		if p.funds[f].allows(kind) && (best < 0 || p.funds[f].purposes != nil) {
			best = f
		}
	}
	return best
}

// openTo returns the general fund of a unit, which may be used for anything, or -1.
func (p *plan) openTo(unit int32) int32 {
	for _, f := range p.fundsOf[unit] {
		if p.funds[f].purposes == nil {
			return f
		}
	}
	return -1
}
