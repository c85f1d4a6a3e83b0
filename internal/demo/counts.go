package demo

import (
	"strconv"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// A cashCount is a count of cash, of which what should be there is known only once all entries are in order.
type cashCount struct {
	op         int32
	account    account
	on         domain.Date
	difference int64
	counted    money.Decimal
}

// closeQuarter closes the province's own books of the first quarter.
func (p *plan) closeQuarter() {
	day := p.date(time.April, 20)
	p.add(op{on: day, rec: day, unit: 0, remark: "Khóa sổ quý I", body: still(&domain.ClosePeriod{Through: p.date(time.March, 31), Unit: "DB"})})
}

// makeCounts plans the cash counts of the end of June: of the province and the districts. One finds too much and one too little.
func (p *plan) makeCounts() []*cashCount {
	var list []*cashCount
	units := []int32{0}
	for i := range p.districts {
		units = append(units, p.districts[i].unit)
	}
	for i, u := range units {
		c := &cashCount{account: account{p.openTo(u), domain.Cash}, on: p.end}
		switch i {
		case 4:
			c.difference = 50_000
		case 7:
			c.difference = -20_000
			p.provide(c.account, 20_000, p.end, p.end+5)
		}
		f := &p.funds[c.account.fund]
		c.op = p.add(op{on: p.end, rec: p.date(time.July, 11), unit: u, keep: c.difference != 0, body: func(*run) (domain.CommandBody, error) {
			return &domain.CountHolding{Fund: f.code, Asset: domain.Cash, Counted: c.counted}, nil
		}})
		list = append(list, c)
		if c.difference != 0 {
			o := op{on: p.end, rec: p.date(time.July, 12), unit: u, from: outside(), to: c.account, amount: c.difference}
			o.remark = "Đã kiểm tra, chưa rõ nguyên nhân"
			o.body = func(r *run) (domain.CommandBody, error) {
				id, err := r.event(c.op, 0)
				if err != nil {
					return nil, err
				}
				return &domain.SettleCount{Count: id}, nil
			}
			p.add(o)
		}
	}
	return list
}

// count finds out what was counted: what is posted at the end of the day by all entries before the count, and the difference.
func (p *plan) count(counts []*cashCount) {
	posted := map[account]int64{}
	next := map[int32]*cashCount{}
	for _, c := range counts {
		next[c.op] = c
	}
	for _, n := range p.order {
		o := &p.ops[n]
		if c := next[n]; c != nil {
			c.counted = money.Decimal(strconv.FormatInt(posted[c.account]+c.difference, 10))
		}
		if o.on <= p.end && o.amount != 0 {
			posted[o.from] -= o.amount
			posted[o.to] += o.amount
		}
	}
}
