package demo

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/soquy/soquy/domain"
)

// chapters is how many chapters the association has, as it published ("nearly 2,800").
const chapters = 2_800

// A unit is a unit of the association. The first is the province.
type unit struct {
	code, parent string
	level        domain.Level
	name, nameEN string
	official     string
	district     int32 // index, or -1 of the province
	commune      int32 // index, or -1 of the province and the districts
}

// A district is a unit of district level with what belongs to it.
type district struct {
	unit     int32
	official string
	place    string // the name without its kind
	kind     string // thành phố, thị xã, huyện
	communes []int32
	upper    []int32 // schools above the lower secondary level, for the whole district
}

// A commune is a unit of commune level with what belongs to it.
type commune struct {
	unit     int32
	district int32
	place    string
	urban    bool
	weight   int64 // how large it is, in relation to the others
	schools  []int32
	chapters []int32 // units: schools first, then villages, clans and offices
	villages []string
}

// Kinds of chapters.
const (
	schoolChapter = iota
	villageChapter
	clanChapter
	officeChapter
)

// A chapter is what a unit of chapter level is besides.
type chapter struct {
	kind   int
	school int32 // of a school's chapter
}

// A school is where students learn and teachers teach.
type school struct {
	name    string
	level   int // of schoolData.Levels
	commune int32
	chapter int32 // its unit
}

// Indexes of schools.json.
const (
	preschool = iota
	primary
	lowerSecondary
	upperSecondary
	continuing
)

// educationLevel is the level of education at a level of schools.
func educationLevel(level int) string {
	return [...]string{"preschool", "primary", "lower_secondary", "upper_secondary", "continuing"}[level]
}

// lowerFirst makes the first letter small: a name in the middle of a sentence.
func lowerFirst(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[n:]
}

// splitKind splits "Thị trấn Tủa Chùa" into its kind and its place.
func splitKind(name string) (kind, place string) {
	for _, kind := range []string{"Tỉnh", "Thành phố", "Thị xã", "Thị trấn", "Huyện", "Phường", "Xã"} {
		if place, ok := strings.CutPrefix(name, kind+" "); ok {
			return kind, place
		}
	}
	return "", name
}

// districtWeight is about how many people a commune of a district has, in relation to the others.
func districtWeight(official string) int {
	switch official {
	case "094":
		return 125
	case "095", "103":
		return 65
	case "096", "097":
		return 75
	default:
		return 88
	}
}

// makeUnits reads the province, its districts and communes, and makes the chapters.
func (p *plan) makeUnits() error {
	rows, err := readUnits()
	if err != nil {
		return err
	}
	districtOf := map[string]int32{}
	for _, r := range rows {
		n := int32(len(p.units))
		u := unit{level: domain.Level(r.level), name: r.name, nameEN: r.nameEN, official: r.code, district: -1, commune: -1}
		kind, place := splitKind(r.name)
		switch u.level {
		case domain.Province:
			u.code = "DB"
		case domain.District:
			u.code, u.parent, u.district = "H"+r.code, "DB", int32(len(p.districts))
			districtOf[r.code] = u.district
			p.districts = append(p.districts, district{unit: n, official: r.code, place: place, kind: lowerFirst(kind)})
		case domain.Commune:
			d := districtOf[r.parent]
			u.code, u.parent, u.district, u.commune = "X"+r.code, "H"+r.parent, d, int32(len(p.communes))
			p.districts[d].communes = append(p.districts[d].communes, u.commune)
			p.communes = append(p.communes, commune{
				unit: n, district: d, place: place, urban: kind != "Xã",
				weight: int64(districtWeight(r.parent) * p.dice.between(70, 130)),
			})
		}
		p.units = append(p.units, u)
	}
	p.chapterOf = make([]chapter, len(p.units), len(p.units)+chapters)
	weights := make([]int64, len(p.communes))
	for i := range p.communes {
		weights[i] = 40*88*100 + 60*p.communes[i].weight // villages are more even than people
	}
	for i, n := range allocate(chapters, weights) {
		p.makeSchools(int32(i))
		p.makeChapters(int32(i), int(n))
	}
	return nil
}

// schoolName makes a name from a pattern of a level of schools.
func (p *plan) schoolName(level, pattern int, place string, number int) string {
	name := p.schoolData.Levels[level].Patterns[pattern]
	name = strings.Replace(name, " N ", " "+strconv.Itoa(number)+" ", 1)
	return strings.TrimSuffix(name, "X") + place
}

func (p *plan) makeSchools(i int32) {
	c := &p.communes[i]
	d := &p.districts[c.district]
	add := func(level int, name string) {
		n := int32(len(p.schools))
		p.schools = append(p.schools, school{name: name, level: level, commune: i})
		if level >= upperSecondary {
			d.upper = append(d.upper, n)
		} else {
			c.schools = append(c.schools, n)
		}
	}
	boarding := 0 // patterns of semi-boarding schools follow the plain ones
	if !c.urban && d.official != "094" && d.official != "100" && p.dice.percent(60) {
		boarding = 1
	}
	add(preschool, p.schoolName(preschool, 0, c.place, 0))
	if n := p.dice.between(1, 2); n == 1 {
		add(primary, p.schoolName(primary, 2*boarding, c.place, 0))
	} else {
		add(primary, p.schoolName(primary, 1+2*boarding, c.place, 1))
		add(primary, p.schoolName(primary, 1+2*boarding, c.place, 2))
	}
	add(lowerSecondary, p.schoolName(lowerSecondary, boarding, c.place, 0))
	switch {
	case d.communes[0] == i: // the seat of the district comes first
		add(upperSecondary, p.schoolName(upperSecondary, 0, c.place, 0))
		add(upperSecondary, strings.Replace(p.schoolName(upperSecondary, 3, d.place, 0), "huyện", d.kind, 1))
		add(continuing, strings.Replace(p.schoolName(continuing, 0, d.place, 0), "huyện", d.kind, 1))
	case len(d.communes) > 6 && d.communes[6] == i, len(d.communes) > 13 && d.communes[13] == i:
		add(upperSecondary, p.schoolName(upperSecondary, 0, c.place, 0))
	}
}

// makeChapters makes the chapters of a commune: its schools, villages, clans and offices.
func (p *plan) makeChapters(i int32, n int) {
	c := &p.communes[i]
	add := func(kind int, school int32, name string) {
		at := int32(len(p.units))
		p.units = append(p.units, unit{
			code: fmt.Sprintf("C%04d", len(p.units)-len(p.communes)-len(p.districts)), parent: p.units[c.unit].code,
			level: domain.Chapter, name: name, district: c.district, commune: i,
		})
		p.chapterOf = append(p.chapterOf, chapter{kind: kind, school: school})
		c.chapters = append(c.chapters, at)
		if kind == schoolChapter {
			p.schools[school].chapter = at
		}
	}
	pattern := func(k int, placeholder, x string) string {
		return strings.Replace(p.schoolData.Chapters[k], placeholder, x, 1)
	}
	for s := range p.schools {
		if p.schools[s].commune == i {
			add(schoolChapter, int32(s), pattern(0, "Trường X", p.schools[s].name))
		}
	}
	clans, offices := p.dice.between(2, 4), p.dice.between(1, 2)
	if c.urban {
		offices += 2
	}
	villages := n - len(c.chapters) - clans - offices
	c.villages = p.villageNames(c.urban, villages)
	for _, v := range c.villages {
		name := pattern(1, "bản X", v)
		if c.urban {
			name = pattern(2, "tổ dân phố N", v)
		}
		add(villageChapter, -1, name)
	}
	families := append([]string(nil), p.peoples(c.district).Family...)
	shuffle(p.dice, families)
	for k := range clans {
		name := pattern(3, "X", families[k])
		if p.dice.percent(40) {
			name = pattern(5, "X", "dòng họ "+families[k])
		}
		add(clanChapter, -1, name+" "+pick(p.dice, c.villages))
	}
	all := []string{"Ủy ban nhân dân", "Trạm Y tế", "Công an", "Bưu điện"}
	shuffle(p.dice, all)
	for k := range offices {
		add(officeChapter, -1, pattern(4, "X", all[k]+" "+lowerFirst(p.units[c.unit].name)))
	}
}

// villageNames makes names of villages that differ within a commune; towns have numbered quarters.
func (p *plan) villageNames(urban bool, n int) []string {
	list := make([]string, 0, n)
	if urban {
		for i := range n {
			list = append(list, "tổ dân phố "+strconv.Itoa(i+1))
		}
		return list
	}
	first := strings.Fields("Nà Huổi Pá Co Hua Pú Phiêng Noong Nậm Bon Ten Púng Lọng Hát Tà Háng Trung Sín Phìn Tìa Thẩm Na Chế Đề")
	second := strings.Fields("Ten Lơi Sáng Luông Hốc Pục Ban Dên Chạ Sua Ló Cang Puông Hạ Tông Cai Mấu Ngám Tở Phạ Đắp Hình Lao Xa " +
		"Ca Mức Phát Khôm Lẹng Tin Ngoa Bó Chua Dình Vai Nhạp Khum Ản Mạt Hẹ Lứu Bua")
	seen := map[string]bool{}
	for len(list) < n {
		name := "bản " + pick(p.dice, first) + " " + pick(p.dice, second)
		if !seen[name] {
			seen[name] = true
			list = append(list, name)
		}
	}
	return list
}

// registerUnits records the tree, as it was when soquy took over.
func (p *plan) registerUnits() {
	for i := range p.units {
		u := &p.units[i]
		p.add(op{
			on: p.start, rec: p.start + 1, unit: 0,
			body: still(&domain.RegisterUnit{
				Code: u.code, Parent: u.parent, Level: u.level, Name: u.name, NameEN: u.nameEN, Official: u.official,
			}),
		})
	}
}

// renameUnits renames two schools' chapters, as when a school becomes a boarding school.
func (p *plan) renameUnits() {
	for range 2 {
		c := &p.communes[p.dice.n(len(p.communes))]
		u := &p.units[c.chapters[1]]
		name := strings.Replace(u.name, "Trường ", "Trường PTDTBT ", 1)
		if strings.Contains(u.name, "PTDTBT") {
			name = strings.Replace(u.name, "PTDTBT ", "", 1)
		}
		on := p.date(3, 1) + domain.Date(p.dice.n(60))
		p.add(op{on: on, rec: p.recorded(on), unit: 0, body: still(&domain.RenameUnit{Unit: u.code, Name: name})})
	}
}
