package demo

import (
	"fmt"

	"github.com/soquy/soquy/domain"
)

// A donor of the plan: an organisation with an invented name, a person, or someone who wants to stay unknown.
type donor struct{ code string }

// makeDonors registers donors, and says to which units they give.
func (p *plan) makeDonors() {
	add := func(c domain.RegisterDonor, unit int32, who int32) int32 {
		n := int32(len(p.donors))
		c.Code = fmt.Sprintf("NT%04d", n+1)
		p.donors = append(p.donors, donor{code: c.Code})
		o := op{on: p.start, rec: p.start + 2, unit: unit, person: who}
		if who < 0 {
			o.body = still(&c)
		} else {
			o.body = func(r *run) (domain.CommandBody, error) {
				c.Person = r.ids[who]
				return &c, nil
			}
		}
		p.add(o)
		return n
	}
	organisation := func(unit int32, name, address string) int32 {
		publish := true
		return add(domain.RegisterDonor{Kind: "organisation", Name: name, Address: address, Publish: &publish}, unit, -1)
	}
	human := func(unit, commune int32) int32 {
		c := domain.RegisterDonor{Kind: "person"}
		if publish := p.dice.percent(60); publish {
			c.Publish = &publish
		}
		return add(c, unit, p.addPerson(other, commune, -1))
	}
	anonymous := func(unit int32) int32 { return add(domain.RegisterDonor{Kind: "anonymous"}, unit, -1) }

	p.donorsOf = make([][]int32, len(p.communes)+len(p.districts)+1)
	company := p.companies()
	at := func(i int, list ...int32) { p.donorsOf[i] = append(p.donorsOf[i], list...) }
	for range 36 {
		at(0, organisation(0, company(), p.units[0].name))
	}
	at(0, organisation(0, "Hội đồng hương Điện Biên tại Hà Nội", "Hà Nội"), anonymous(0))
	for range 12 {
		at(0, human(0, p.districts[0].communes[p.dice.n(7)]))
	}
	for i := range p.districts {
		d := &p.districts[i]
		name, k := p.units[d.unit].name, 1+i
		for range 14 {
			at(k, organisation(d.unit, company(), name))
		}
		for _, who := range []string{"Công đoàn ngành giáo dục ", "Hội Cựu chiến binh ", "Hội Liên hiệp Phụ nữ ", "Đoàn Thanh niên "} {
			at(k, organisation(d.unit, who+lowerFirst(name), ""))
		}
		for range 5 {
			at(k, human(d.unit, pick(p.dice, d.communes)))
		}
		at(k, anonymous(d.unit))
	}
	for i := range p.communes {
		c := &p.communes[i]
		name, k := lowerFirst(p.units[c.unit].name), 1+len(p.districts)+i
		at(k, organisation(c.unit, "Nhân dân và phụ huynh học sinh "+name, ""), organisation(c.unit, "Hội Phụ nữ "+name, ""))
		at(k, human(c.unit, int32(i)))
		if p.dice.percent(50) {
			at(k, human(c.unit, int32(i)))
		}
		if p.dice.percent(35) {
			at(k, organisation(c.unit, company(), p.units[c.unit].name))
		}
		ofDistrict := p.donorsOf[1+int(c.district)]
		at(k, pick(p.dice, ofDistrict), ofDistrict[len(ofDistrict)-1])
	}
}

// companies returns a source of invented names of companies and co-operatives.
func (p *plan) companies() func() string {
	kinds := []string{
		"Công ty TNHH Xây dựng", "Công ty TNHH Thương mại", "Công ty cổ phần Xây lắp", "Doanh nghiệp tư nhân", "Hợp tác xã",
		"Công ty TNHH Vận tải", "Công ty cổ phần Nông lâm", "Cửa hàng", "Nhà sách", "Công ty TNHH Cơ khí",
	}
	first := []string{"An", "Bình", "Đại", "Gia", "Hải", "Hưng", "Khánh", "Long", "Minh", "Nam", "Phú", "Quang", "Sơn", "Tân", "Thiên", "Trường", "Việt"}
	second := []string{"Phát", "Thịnh", "Lộc", "Hòa", "Tiến", "Phong", "Lâm", "Nguyên", "Đạt", "Vượng", "Khang", "Tín"}
	seen := map[string]bool{}
	return func() string {
		for {
			name := pick(p.dice, kinds) + " " + pick(p.dice, first) + " " + pick(p.dice, second)
			if !seen[name] {
				seen[name] = true
				return name
			}
		}
	}
}

// donorFor draws a donor who gives to a unit. People of the place give labour, if anybody does.
func (p *plan) donorFor(unit int32, labour bool) int32 {
	u := &p.units[unit]
	switch {
	case u.level == domain.Province:
		return pick(p.dice, p.donorsOf[0])
	case u.level == domain.District:
		return pick(p.dice, p.donorsOf[1+u.district])
	case labour:
		return p.donorsOf[1+len(p.districts)+int(u.commune)][0]
	default:
		return pick(p.dice, p.donorsOf[1+len(p.districts)+int(u.commune)])
	}
}
