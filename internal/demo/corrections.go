package demo

import (
	"time"

	"github.com/soquy/soquy/domain"
)

// A merge says that a person was registered a second time, for one of two lists.
type merge struct {
	person, into int32
	lists        [2]int32
}

// makeCorrections plans what was entered wrong and put right: persons registered twice, two of the same name taken for one, names and
// classes, donations, expenses, transfers and awards entered twice or wrong, money that came back.
func (p *plan) makeCorrections() {
	for _, m := range p.merges {
		first, second := p.lists[m.lists[0]].op, p.lists[m.lists[1]].op
		if p.ops[first].rec < p.ops[second].rec {
			first = second
		}
		on, rec := p.after(first, 3, 40)
		p.add(op{on: on, rec: rec, unit: p.ops[first].unit, remark: "Cùng một người, hai đơn vị cùng đăng ký", body: p.mergeBody(m.person, m.into)})
	}
	p.mistakeTwins()
	p.correctPeople()
	p.reverseWrong()
	p.returnGrants()
}

func (p *plan) mergeBody(who, into int32) func(*run) (domain.CommandBody, error) {
	return func(r *run) (domain.CommandBody, error) {
		return &domain.MergePerson{Person: r.ids[who], Into: r.ids[into]}, nil
	}
}

// listsOn returns the lists below the province that were paid on the spot, until a day, in order.
func (p *plan) listsOn(until domain.Date) []int32 {
	var list []int32
	for n := range p.lists {
		l := &p.lists[n]
		if l.pay && len(l.grants) > 2 && l.on <= until && p.ops[l.op].rec < until+20 && p.units[l.unit].level != domain.Province {
			list = append(list, int32(n))
		}
	}
	return list
}

// mistakeTwins takes two students of one name and school for one person, and parts them again.
func (p *plan) mistakeTwins() {
	lists := p.listsOn(p.date(time.May, 30))
	shuffle(p.dice, lists)
	made := 0
	for _, n := range lists {
		l := &p.lists[n]
		if made == 2 {
			return
		}
		a, b := l.grants[0].person, l.grants[1].person
		who, namesake := &p.people[a], &p.people[b]
		if l.kind != domain.MeritAward || who.kind != student || namesake.kind != student || who.school != namesake.school ||
			p.registeredAgain(a) || p.registeredAgain(b) {
			continue
		}
		made++
		namesake.named, namesake.twin = a, true
		on, rec := p.after(l.op, 3, 9)
		wrong := p.add(op{on: on, rec: rec, unit: l.unit, keep: true, body: p.mergeBody(b, a)})
		on, rec = p.after(wrong, 4, 15)
		p.reverse(wrong, 0, on, rec, "Hai em trùng họ tên, không phải một người")
	}
}

// registeredAgain reports whether a person has a second registration, or is one.
func (p *plan) registeredAgain(who int32) bool {
	for _, m := range p.merges {
		if m.person == who || m.into == who {
			return true
		}
	}
	return false
}

// correctPeople adds to some documents what was not known when they were made.
func (p *plan) correctPeople() {
	lists := p.listsOn(p.date(time.June, 10))
	for k := range 40 {
		l := &p.lists[lists[k*len(lists)/40]]
		n := l.grants[2].person
		who := &p.people[n]
		if who.document != asIs || who.twin {
			continue
		}
		who.document = withoutBorn
		on, rec := p.after(l.op, 2, 30)
		p.add(op{
			on: on, rec: rec, unit: l.unit, remark: "Bổ sung ngày sinh",
			body: func(r *run) (domain.CommandBody, error) { return &domain.CorrectPerson{Person: r.ids[n]}, nil },
			personal: func(r *run) []byte {
				doc := r.docs.of(n, true)
				return doc.Document()
			},
		})
	}
}

// reverseWrong enters donations, expenses, transfers and awards twice or wrong, and reverses them.
func (p *plan) reverseWrong() {
	until := p.date(time.June, 5)
	undo := func(n int32, remark string) {
		on, rec := p.after(n, 2, 12)
		p.reverse(n, 0, on, rec, remark)
	}
	again := func(n int32) (o op) {
		o = p.ops[n]
		o.keep, o.remark = true, ""
		o.rec += domain.Date(p.dice.n(4))
		return o
	}
	// A close binds the province, so its own are left alone.
	may := func(n int32) bool { return p.ops[n].on <= until && p.units[p.ops[n].unit].level != domain.Province }

	for made := 0; made < 15; {
		if n := pick(p.dice, p.gifts); may(n) {
			undo(p.add(again(n)), "Nhập trùng phiếu thu")
			made++
		}
	}
	for made := 0; made < 8; {
		n := pick(p.dice, p.expenses)
		if !may(n) {
			continue
		}
		o := again(n)
		p.provide(o.from, o.amount, o.on, o.rec)
		undo(p.add(o), "Nhập trùng phiếu chi")
		made++
	}
	for range 3 {
		d := &p.districts[p.dice.n(len(p.districts))]
		from := account{p.openTo(d.unit), domain.Cash}
		to := account{p.openTo(p.communes[pick(p.dice, d.communes)].unit), domain.Cash}
		on := p.between(time.February, 6, time.May, 20)
		rec := p.recorded(on)
		amount := 1_000_000 * int64(p.dice.between(2, 8))
		p.provide(from, amount, on, rec)
		undo(p.transfer(from, to, amount, on, rec), "Chuyển nhầm đơn vị nhận")
	}
	lists := p.listsOn(until)
	for range 12 {
		l := &p.lists[pick(p.dice, lists)]
		who, amount := l.grants[0].person, 10*l.grants[0].amount
		rec := p.ops[l.op].rec
		p.provide(account{l.fund, l.asset}, amount, l.on, rec)
		wrong := p.add(op{on: l.on, rec: rec, unit: l.unit, keep: true, body: p.wrongBody(l, who, amount)})
		on, rec := p.after(wrong, 1, 6)
		p.reverse(wrong, 0, on, rec, "Nhập nhầm số tiền: thừa một chữ số 0")
	}
}

func (p *plan) wrongBody(l *list, who int32, amount int64) func(*run) (domain.CommandBody, error) {
	return func(r *run) (domain.CommandBody, error) {
		g := l.grants[0]
		return &domain.MakeGrant{
			Kind: l.kind, Fund: p.funds[l.fund].code, Asset: l.asset, SchoolYear: "2016-2017",
			Recipients: []domain.Recipient{{
				Person: r.ids[who], Amount: dong(amount),
				AchievementLevel: g.level, Prize: g.prize, EducationLevel: g.education, Cause: g.cause,
			}},
		}, nil
	}
}

// returnGrants plans money that came back: all of an award or a part of it. One return was entered for another's award, and is undone.
func (p *plan) returnGrants() {
	lists := p.listsOn(p.date(time.June, 15))
	for k := range returnedGrants {
		l := &p.lists[lists[k*len(lists)/returnedGrants]]
		i := len(l.grants) - 1
		if l.grants[i].fate != stands {
			i = 1
		}
		key, amount := l.op, l.grants[i].amount
		p.ops[key].keep = true
		if k%2 == 0 && amount%20_000 == 0 {
			amount /= 2
		}
		on, rec := p.after(key, 2, 12)
		back := p.add(op{
			on: on, rec: rec, unit: l.unit, from: outside(), to: account{l.fund, l.asset}, amount: amount, remark: "Nộp lại quỹ",
			body: func(r *run) (domain.CommandBody, error) {
				id, err := r.event(key, i)
				return &domain.ReturnGrant{Grant: id, Amount: dong(amount)}, err
			},
		})
		if k == 3 {
			on, rec := p.after(back, 1, 5)
			p.reverse(back, 0, on, rec, "Ghi nhầm người nộp lại")
		}
	}
}
