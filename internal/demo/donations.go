package demo

import (
	"time"

	"github.com/soquy/soquy/domain"
)

// moneyTotal is what the association received in cash and through banks, in dong, net of what was wrongly entered.
const moneyTotal = 13_300_000_000

// provide sees to it that money is in an account for something that leaves it on a day, and is recorded by then: by donations, or by a
// transfer from the unit above, for which it provides in turn.
func (p *plan) provide(to account, amount int64, on, rec domain.Date) {
	f := &p.funds[to.fund]
	level := p.units[f.unit].level
	earlier := func(lo, hi int) (domain.Date, domain.Date) {
		day := max(p.start+1, on-domain.Date(p.dice.between(lo, hi)))
		return day, max(p.firstEntry(), min(rec, p.recorded(day)))
	}
	chance := map[domain.Level]int{domain.District: 30, domain.Commune: 14, domain.Chapter: 2}[level]
	switch {
	case to.asset == domain.Cash && level != domain.Chapter && level != domain.Commune && p.dice.percent(65):
		day, recorded := earlier(0, 3)
		bank := account{to.fund, domain.Bank}
		p.provide(bank, amount, day, recorded)
		p.move(bank, to, amount, day, recorded)
	case f.parent >= 0 && amount >= 800_000 && p.dice.percent(chance):
		day, recorded := earlier(1, 8)
		from := account{f.parent, to.asset}
		p.provide(from, amount, day, recorded)
		p.transfer(from, to, amount, day, recorded)
	default:
		for _, part := range p.parts(level, amount) {
			day, recorded := earlier(1, 18)
			p.give(to, part, day, recorded)
		}
	}
}

// parts divides an amount into gifts of the sizes that a unit of a level gets.
func (p *plan) parts(level domain.Level, amount int64) []int64 {
	const thousand, million = 1_000, 1_000_000
	sizes := []int64{200 * thousand, 300 * thousand, 500 * thousand, million}
	switch level {
	case domain.Province:
		sizes = []int64{10 * million, 20 * million, 30 * million, 50 * million, 100 * million}
	case domain.District:
		sizes = []int64{2 * million, 3 * million, 5 * million, 10 * million, 20 * million}
	case domain.Commune:
		sizes = []int64{500 * thousand, million, 2 * million, 3 * million, 5 * million}
	}
	var list []int64
	for amount > 0 {
		part := max(pick(p.dice, sizes), amount/2/million*million)
		if amount < part*3/2 {
			part = amount
		}
		list, amount = append(list, part), amount-part
	}
	return list
}

// give records a donation of money.
func (p *plan) give(to account, amount int64, on, rec domain.Date) int32 {
	f := &p.funds[to.fund]
	n := p.giveBy(p.donorFor(f.unit, false), to, amount, on, rec, "")
	p.gifts = append(p.gifts, n)
	p.given += amount
	return n
}

func (p *plan) giveBy(donor int32, to account, amount int64, on, rec domain.Date, pledge string) int32 {
	f := &p.funds[to.fund]
	c := &domain.ReceiveDonation{
		Fund: f.code, Donor: p.donors[donor].code, Pledge: pledge,
		Lines: []domain.LineInput{{Asset: to.asset, Amount: dong(amount)}},
	}
	if p.dice.percent(15) {
		papers := int64(p.dice.between(1, 3))
		c.Attached = &papers
	}
	o := op{on: on, rec: rec, unit: f.unit, from: outside(), to: to, amount: amount, body: still(c)}
	switch {
	case on > p.date(time.January, 8) && on < p.date(time.February, 12) && p.dice.percent(8):
		o.remark = "Ủng hộ quỹ khuyến học nhân dịp Tết Đinh Dậu 2017"
	case p.dice.percent(2):
		o.remark = "Mong các cháu cố gắng học tập"
	}
	return p.add(o)
}

// move records money brought to the bank or fetched from there.
func (p *plan) move(from, to account, amount int64, on, rec domain.Date) int32 {
	f := &p.funds[from.fund]
	return p.add(op{on: on, rec: rec, unit: f.unit, from: from, to: to, amount: amount, body: still(&domain.MoveHolding{
		Fund: f.code, FromAsset: from.asset, ToAsset: to.asset, Amount: dong(amount),
	})})
}

// transfer records money given from a fund to another.
func (p *plan) transfer(from, to account, amount int64, on, rec domain.Date) int32 {
	f := &p.funds[from.fund]
	return p.add(op{on: on, rec: rec, unit: f.unit, from: from, to: to, amount: amount, body: still(&domain.TransferFunds{
		From: f.code, To: p.funds[to.fund].code, Asset: from.asset, Amount: dong(amount),
	})})
}

// makePledges plans promises: some are kept, one in part, one is withdrawn, two are open at the end of June.
func (p *plan) makePledges() {
	type promise struct {
		code     string
		fund     int32
		amount   int64
		received []int64
		cancel   bool
	}
	provinceFund, districtFund := p.openTo(0), p.openTo(p.districts[6].unit)
	for k, m := range []promise{
		{code: "CK-2017-01", fund: provinceFund, amount: 100_000_000, received: []int64{100_000_000}},
		{code: "CK-2017-02", fund: provinceFund, amount: 60_000_000, received: []int64{30_000_000, 30_000_000}},
		{code: "CK-2017-03", fund: districtFund, amount: 50_000_000, received: []int64{20_000_000}},
		{code: "CK-2017-04", fund: provinceFund, amount: 200_000_000},
		{code: "CK-2017-05", fund: districtFund, amount: 15_000_000, cancel: true},
	} {
		f := &p.funds[m.fund]
		donor := p.donorsOf[0][2*k]
		on := p.between(time.January, 10, time.March, 10)
		p.add(op{on: on, rec: p.recorded(on), unit: f.unit, body: still(&domain.MakePledge{
			Pledge: m.code, Donor: p.donors[donor].code, Fund: f.code, Amount: dong(m.amount), Due: p.date(time.September, 30),
		})})
		last := int32(len(p.ops) - 1)
		for _, part := range m.received {
			on, rec := p.after(last, 20, 45)
			last = p.giveBy(donor, account{m.fund, domain.Bank}, part, on, rec, m.code)
			p.given += part
		}
		if m.cancel {
			on, rec := p.after(last, 60, 90)
			p.add(op{on: on, rec: rec, unit: f.unit, body: still(&domain.CancelPledge{Pledge: m.code})})
		}
	}
}

// makeSurplus plans the donations that were not spent by the end of June, so that the total is exact. Some of the districts' cash is
// brought to the bank.
func (p *plan) makeSurplus() {
	weights := make([]int64, len(p.funds))
	for i := range p.funds {
		w := map[domain.Level]int64{domain.Province: 300, domain.District: 60, domain.Commune: 10, domain.Chapter: 1}[p.units[p.funds[i].unit].level]
		weights[i] = w * int64(p.dice.between(60, 140))
	}
	for i, thousands := range allocate((moneyTotal-p.given)/1_000, weights) {
		level := p.units[p.funds[i].unit].level
		for k, part := range p.parts(level, thousands*1_000) {
			on := p.between(time.January, 4, time.June, 29)
			rec := p.recorded(on)
			if level != domain.Province && p.dice.percent(5) {
				rec = p.late(on)
			}
			to := account{int32(i), domain.Cash}
			if level != domain.Chapter && level != domain.Commune && p.dice.percent(60) {
				to.asset = domain.Bank
			}
			n := p.give(to, part, on, rec)
			if level == domain.District && to.asset == domain.Cash && k%2 == 0 {
				on, rec := p.after(n, 1, 10)
				p.move(to, account{int32(i), domain.Bank}, part, on, rec)
			}
		}
	}
}
