package demo

import (
	"strconv"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// goodsTotal is what the association received in workdays, materials, supplies and food, in dong, net of what was wrongly entered.
const goodsTotal = 11_200_000_000

// dayWage is the fair value of a workday, in dong.
const dayWage = 120_000

// An item is a kind of goods, with the fair value of one and how many are given at a time.
type item struct {
	code, measure string
	price         int64
	lo, hi        int
}

func materials() []item {
	return []item{
		{"xi-mang", "bao", 78_000, 40, 180},
		{"gach", "viên", 1_500, 2_000, 8_000},
		{"ton-lop", "tấm", 245_000, 15, 70},
		{"cat-xay", "m3", 320_000, 8, 40},
		{"go-xe", "m3", 4_200_000, 1, 4},
	}
}

func supplies() []item {
	return []item{
		{"vo-viet", "quyển", 7_000, 200, 1_600},
		{"but-viet", "chiếc", 4_000, 200, 1_200},
		{"sach-giao-khoa", "bộ", 165_000, 15, 60},
		{"cap-sach", "chiếc", 125_000, 15, 80},
		{"ao-am", "chiếc", 140_000, 20, 110},
		{"chan-am", "chiếc", 210_000, 10, 60},
		{"xe-dap", "chiếc", 1_450_000, 2, 12},
		{"ban-ghe", "bộ", 870_000, 4, 18},
	}
}

func food() []item {
	return []item{
		{"gao", "kg", 13_000, 150, 800},
		{"mi-tom", "thùng", 92_000, 15, 70},
		{"muoi", "kg", 6_000, 50, 300},
	}
}

// A thing is a line of a gift in kind, of the plan.
type thing struct {
	item     item // without a code: labour
	quantity int64
	amount   int64
}

// A parcel is a gift in kind, of the plan.
type parcel struct {
	unit   int32
	on     domain.Date
	things []thing
}

func (p *plan) things(of []item, n int) []thing {
	of = append([]item(nil), of...)
	shuffle(p.dice, of)
	var list []thing
	for _, it := range of[:n] {
		q := int64(p.dice.between(it.lo, it.hi))
		list = append(list, thing{item: it, quantity: q, amount: q * it.price})
	}
	return list
}

// makeGoods plans gifts in kind and where they went.
func (p *plan) makeGoods() {
	var parcels []parcel
	add := func(unit int32, times int, make func() []thing) {
		for range times {
			parcels = append(parcels, parcel{unit: unit, on: p.between(time.January, 6, time.June, 26), things: make()})
		}
	}
	some := func(of []item) func() []thing {
		return func() []thing {
			n := 1
			if p.dice.percent(30) {
				n = 2
			}
			return p.things(of, n)
		}
	}
	labour := func() []thing {
		q := int64(p.dice.between(20, 110))
		return []thing{{quantity: q, amount: q * dayWage}}
	}
	add(0, 8, some(supplies()))
	add(0, 3, some(food()))
	for i := range p.districts {
		u := p.districts[i].unit
		add(u, 4, some(materials()))
		add(u, 7, some(supplies()))
		add(u, 3, some(food()))
	}
	for i := range p.communes {
		u := p.communes[i].unit
		add(u, 4, labour)
		add(u, 2, some(materials()))
		add(u, 2, some(supplies()))
		if p.dice.percent(70) {
			add(u, 1, some(food()))
		}
	}
	for u := range p.units {
		if p.units[u].level == domain.Chapter && p.openTo(int32(u)) >= 0 && p.dice.percent(45) {
			if p.dice.percent(60) {
				add(int32(u), 1, labour)
			} else {
				add(int32(u), 1, func() []thing { return p.things(supplies()[:2], 1) })
			}
		}
	}
	p.exactGoods(parcels)
	for i := range parcels {
		p.recordParcel(&parcels[i])
	}
}

// exactGoods brings the value of all gifts in kind to the total: by workdays more or less, and the rest of less than one in the value of
// one gift of goods.
func (p *plan) exactGoods(parcels []parcel) {
	left := int64(goodsTotal)
	var work []*thing
	var last *thing
	for i := range parcels {
		for k := range parcels[i].things {
			t := &parcels[i].things[k]
			left -= t.amount
			if t.item.code == "" {
				work = append(work, t)
			} else {
				last = t
			}
		}
	}
	for left <= -dayWage || left >= dayWage {
		t := pick(p.dice, work)
		switch {
		case left > 0:
			t.quantity++
			t.amount += dayWage
			left -= dayWage
		case t.quantity > 5:
			t.quantity--
			t.amount -= dayWage
			left += dayWage
		}
	}
	last.amount += left
}

func quantity(q int64) money.Decimal { return money.Decimal(strconv.FormatInt(q, 10)) }

// recordParcel records a gift in kind, and, of goods, what was handed on.
func (p *plan) recordParcel(g *parcel) {
	f := p.openTo(g.unit)
	rec := p.recorded(g.on)
	if p.units[g.unit].level != domain.Province && p.dice.percent(4) {
		rec = p.late(g.on)
	}
	c := &domain.ReceiveDonation{
		Fund:  p.funds[f].code,
		Donor: p.donors[p.donorFor(g.unit, g.things[0].item.code == "")].code,
	}
	papers := int64(1) // the handover note
	c.Attached = &papers
	for _, t := range g.things {
		line := domain.LineInput{Asset: domain.Labour, Amount: dong(t.amount), Quantity: quantity(t.quantity), Measure: "công", ValuedBy: "đơn giá ngày công địa phương"}
		if t.item.code != "" {
			line.Asset, line.Measure = domain.Goods(t.item.code), t.item.measure
			line.ValuedBy = pick(p.dice, []string{"biên bản giao nhận", "hóa đơn", "giá thị trường"})
		}
		c.Lines = append(c.Lines, line)
	}
	in := p.add(op{on: g.on, rec: rec, unit: g.unit, body: still(c)})
	for _, t := range g.things {
		if t.item.code != "" {
			p.handOn(in, g.unit, f, t)
		}
	}
}

// handOn plans what becomes of goods: the province gives them to a district; districts, communes and chapters give most of them to
// schools and classes, use some for their own work, and keep the rest.
func (p *plan) handOn(in, unit, f int32, t thing) {
	asset := domain.Goods(t.item.code)
	if p.units[unit].level == domain.Province {
		d := p.dice.n(len(p.districts))
		to := p.openTo(p.districts[d].unit)
		on, rec := p.after(in, 1, 6)
		in = p.add(op{on: on, rec: rec, unit: unit, body: still(&domain.TransferFunds{
			From: p.funds[f].code, To: p.funds[to].code, Asset: asset, Quantity: quantity(t.quantity),
		})})
		unit, f = p.districts[d].unit, to
	}
	fate := p.dice.n(100)
	if fate < 15 {
		return // in stock
	}
	out := t.quantity
	if fate < 35 && out >= 5 {
		out = out * int64(p.dice.between(5, 8)) / 10
	}
	on, rec := p.after(in, 2, 20)
	if fate >= 94 {
		p.add(op{on: on, rec: rec, unit: unit, body: still(&domain.RecordExpense{
			Fund: p.funds[f].code, Asset: asset, Quantity: quantity(out), Purpose: "activity",
		})})
		return
	}
	c := &domain.MakeGrant{
		Kind: domain.Support, Fund: p.funds[f].code, Asset: asset, Pay: true, SchoolYear: "2016-2017",
		Recipients: p.takers(unit, p.sharers(unit, out)),
	}
	weights := make([]int64, len(c.Recipients))
	for i := range weights {
		weights[i] = int64(p.dice.between(5, 15))
	}
	for i, q := range allocate(out-int64(len(weights)), weights) {
		c.Recipients[i].Quantity = quantity(1 + q)
	}
	p.add(op{on: on, rec: rec, unit: unit, body: still(c)})
}

// sharers draws among how many takers goods are divided: no more than there are goods.
func (p *plan) sharers(unit int32, out int64) int {
	n := 1
	switch {
	case p.units[unit].level == domain.District:
		n = p.dice.between(2, 5)
	case p.units[unit].level == domain.Commune || out > 100:
		n = p.dice.between(1, 3)
	}
	return int(min(int64(n), out))
}

// takers draws who gets goods of a unit: schools of its district or commune; of a school's chapter its classes; else itself.
func (p *plan) takers(unit int32, n int) []domain.Recipient {
	u := &p.units[unit]
	var list []domain.Recipient
	if u.level == domain.Chapter {
		if p.chapterOf[unit].kind != schoolChapter {
			return []domain.Recipient{{Unit: u.code}}
		}
		level := p.schools[p.chapterOf[unit].school].level
		grades := p.schoolData.Levels[level].Grades
		for i := range n {
			list = append(list, domain.Recipient{
				Collective: "Lớp " + strconv.Itoa(grades[i%len(grades)]) + pick(p.dice, []string{"A", "B", "C"}),
				Unit:       u.code, EducationLevel: educationLevel(level),
			})
		}
		return list
	}
	communes := []int32{u.commune}
	if u.level == domain.District {
		communes = p.districts[u.district].communes
	}
	for _, s := range p.someSchools(communes, n) {
		list = append(list, domain.Recipient{Unit: p.units[p.schools[s].chapter].code, EducationLevel: educationLevel(p.schools[s].level)})
	}
	return list
}
