package demo

import (
	"time"

	"github.com/soquy/soquy/domain"
)

// provinceTotal is what the province's own unit spent, in dong: awards, scholarships, hardship grants, support and expenses.
const provinceTotal = 699_000_000

// makeProvince plans the province's own grants: in money, to those who won prizes, to students and teachers in need, to schools hit by
// disaster. It returns what is left of its spending for expenses.
func (p *plan) makeProvince() (left int64) {
	left = provinceTotal
	add := func(kind domain.Purpose, on domain.Date, grants []grant) {
		n := p.addList(kind, 0, on)
		for i := range grants {
			if who := grants[i].person; who >= 0 {
				p.people[who].list = n
			}
			left -= grants[i].amount
		}
		p.lists[n].grants = grants
	}
	anyone := func(kind int8) int32 {
		if kind == student && p.dice.percent(70) {
			return pick(p.dice, pick(p.dice, p.pupils))
		}
		s := p.schoolOf(0)
		return p.addPerson(kind, p.schools[s].commune, s)
	}
	fill := func(n int, kind int8, make func(who int32) grant) []grant {
		var list []grant
		seen := map[int32]bool{}
		for len(list) < n {
			who := anyone(kind)
			if !seen[who] {
				seen[who] = true
				g := make(who)
				g.person = who
				g.education = educationLevel(p.schools[p.people[who].school].level)
				list = append(list, g)
			}
		}
		return list
	}
	thousands := func(list ...int) int64 { return 1_000 * int64(pick(p.dice, list)) }
	won := func(who int32) grant {
		g := grant{level: "provincial", amount: thousands(300, 400, 500)}
		if p.dice.percent(12) {
			g.level, g.amount = "national", thousands(1_000, 2_000, 3_000)
		}
		g.prize = [...]string{"first", "second", "third", "consolation"}[p.dice.weighted([]int{1, 2, 3, 4})]
		return g
	}
	prizes := fill(120, student, won)
	for _, team := range []string{"Đội tuyển học sinh giỏi môn Toán lớp 12", "Đội tuyển học sinh giỏi môn Ngữ văn lớp 12", "Đội tuyển Khoa học kỹ thuật", "Đội tuyển bóng chuyền nữ"} {
		prizes = append(prizes, grant{person: -1, other: team, amount: thousands(2_000, 3_000), level: "provincial", prize: "title", education: "upper_secondary"})
	}
	add(domain.MeritAward, p.date(time.April, 21), prizes)
	add(domain.MeritAward, p.date(time.June, 9), append(fill(70, student, won), fill(40, teacher, func(int32) grant {
		return grant{level: "provincial", prize: "title", amount: thousands(500, 700, 1_000)}
	})...))
	for _, on := range []domain.Date{p.date(time.March, 24), p.date(time.June, 16)} {
		add(domain.Scholarship, on, fill(40, student, func(int32) grant { return grant{amount: thousands(1_000, 1_200, 1_500)} }))
	}
	for _, on := range []domain.Date{p.date(time.January, 18), p.date(time.May, 12)} {
		list := fill(25, student, func(int32) grant {
			return grant{amount: thousands(500, 700), cause: pick(p.dice, []string{"poverty", "illness", "orphan", "disaster"})}
		})
		add(domain.HardshipGrant, on, append(list, fill(6, teacher, func(int32) grant {
			return grant{amount: thousands(1_000, 1_500), cause: pick(p.dice, []string{"illness", "disaster"})}
		})...))
	}
	var hit []grant // schools
	for _, s := range p.someSchools(nil, 12) {
		hit = append(hit, grant{person: -1, unit: p.schools[s].chapter + 1, amount: thousands(6_000, 8_000, 10_000, 12_000)})
	}
	add(domain.Support, p.date(time.May, 30), hit)
	return left
}

// someSchools draws n different schools, of some communes or, with nil, of any.
func (p *plan) someSchools(communes []int32, n int) []int32 {
	var all, list []int32
	for s := range p.schools {
		all = append(all, int32(s))
	}
	if communes != nil {
		all = all[:0]
		for _, c := range communes {
			all = append(all, p.communes[c].schools...)
		}
	}
	shuffle(p.dice, all)
	list = append(list, all[:min(n, len(all))]...)
	return list
}

// expensePurposes are weighted by how often an association spends on them.
func (p *plan) expensePurpose() string {
	return [...]string{"ceremony", "printing", "travel", "administration", "activity", "other"}[p.dice.weighted([]int{30, 18, 14, 10, 22, 6})]
}

// payee is who gets the money of an expense: a shop, mostly.
func (p *plan) payee(purpose string) *domain.Payee {
	switch purpose {
	case "printing":
		return &domain.Payee{Organisation: "Cơ sở in và quảng cáo " + pick(p.dice, []string{"Hoa Ban", "Thành Công", "Ánh Dương"})}
	case "administration":
		return &domain.Payee{Organisation: "Cửa hàng văn phòng phẩm " + pick(p.dice, []string{"Minh Anh", "Tri Thức", "Học Trò"})}
	case "ceremony":
		if p.dice.percent(50) {
			return &domain.Payee{Organisation: "Nhà hàng, hội trường " + pick(p.dice, []string{"Hương Rừng", "Sao Mai"})}
		}
	}
	return nil
}

// spend records an expense of money and what pays for it.
func (p *plan) spend(fund int32, amount int64, purpose string, on domain.Date) int32 {
	asset := domain.Cash
	if purpose == "bank_fee" {
		asset = domain.Bank
	}
	from := account{fund, asset}
	rec := p.recorded(on)
	p.provide(from, amount, on, rec)
	f := &p.funds[fund]
	return p.add(op{on: on, rec: rec, unit: f.unit, from: from, to: outside(), amount: amount, body: still(&domain.RecordExpense{
		Fund: f.code, Asset: asset, Amount: dong(amount), Purpose: purpose, Payee: p.payee(purpose),
	})})
}

// makeExpenses plans expenses: those of the province are exactly what is left of its spending.
func (p *plan) makeExpenses(left int64) {
	weights := make([]int64, 48)
	for i := range weights {
		weights[i] = int64(p.dice.between(10, 100))
	}
	for i, thousands := range allocate(left/1_000, weights) {
		purpose := p.expensePurpose()
		if i%12 == 11 {
			purpose = "bank_fee"
		}
		p.spend(p.openTo(0), thousands*1_000, purpose, p.between(time.January, 6, time.June, 28))
	}
	spend := func(unit int32, n, lo, hi int) {
		f := p.openTo(unit)
		for range n {
			purpose := p.expensePurpose()
			p.expenses = append(p.expenses, p.spend(f, 5_000*int64(p.dice.between(lo/5, hi/5)), purpose, p.between(time.January, 6, time.June, 28)))
		}
	}
	for i := range p.districts {
		spend(p.districts[i].unit, 9, 1_000, 5_000)
		for range 2 {
			p.spend(p.openTo(p.districts[i].unit), 1_000*int64(p.dice.between(22, 66)), "bank_fee", p.between(time.March, 28, time.June, 28))
		}
	}
	for i := range p.communes {
		spend(p.communes[i].unit, 4, 300, 1_100)
	}
	for u := range p.units {
		if p.units[u].level == domain.Chapter && p.openTo(int32(u)) >= 0 && p.dice.percent(40) {
			spend(int32(u), 1, 50, 250)
		}
	}
}

// makeSupport plans support in money to schools, by districts and communes.
func (p *plan) makeSupport() {
	support := func(unit int32, communes []int32, n, lo, hi int) {
		var grants []grant
		var sum int64
		for _, s := range p.someSchools(communes, n) {
			g := grant{person: -1, unit: p.schools[s].chapter + 1, amount: 500_000 * int64(p.dice.between(lo, hi))}
			grants, sum = append(grants, g), sum+g.amount
		}
		f := p.openTo(unit)
		from := account{f, domain.Cash}
		on := p.between(time.January, 10, time.June, 25)
		rec := p.recorded(on)
		p.provide(from, sum, on, rec)
		c := &domain.MakeGrant{Kind: domain.Support, Fund: p.funds[f].code, Asset: domain.Cash, Pay: true, SchoolYear: "2016-2017"}
		for _, g := range grants {
			c.Recipients = append(c.Recipients, domain.Recipient{Unit: p.units[g.unit-1].code, Amount: dong(g.amount)})
		}
		p.add(op{on: on, rec: rec, unit: unit, from: from, to: outside(), amount: sum, body: still(c)})
	}
	for i := range p.districts {
		d := &p.districts[i]
		for range 2 {
			support(d.unit, d.communes, 3, 4, 12)
		}
	}
	for i := range p.communes {
		if p.dice.percent(70) {
			support(p.communes[i].unit, []int32{int32(i)}, 2, 1, 4)
		}
	}
}
