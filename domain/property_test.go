package domain_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// The small world of the property tests: everything happens within 60 days of 2017, amounts are small, so that refusals are
// frequent.
var (
	worldUnits   = []string{"R", "D", "U1", "U2", "U3", "U4"}
	worldFunds   = []string{"F0", "F1", "F2", "F3", "F4", "F5", "F6", "F7"}
	worldPersons = func() (list []uuid.UUID) {
		for i := range 10 {
			list = append(list, uuid.UUID{0: 1, 15: byte(i + 1)})
		}
		return list
	}()
	worldDonors  = []string{"D0", "D1", "D2", "D3", "D4"}
	worldPledges = []string{"P0", "P1", "P2"}
	worldAssets  = []domain.Asset{domain.Cash, domain.Cash, domain.Cash, domain.Bank, "goods:rice", "goods:books"}
	worldFirst   = date("2017-01-01")
)

const worldDays = 60

func openWorld(t tb) *ledger {
	l := open(t, "VND")
	l.now = (worldFirst + worldDays - 4).Time().Add(12 * time.Hour) // the last days are in the future
	l.day = worldFirst
	l.given(
		&domain.RegisterUnit{Code: "R", Level: domain.Province, Name: "R"},
		&domain.RegisterUnit{Code: "D", Parent: "R", Level: domain.District, Name: "D"},
	)
	for i, code := range worldUnits[2:] {
		l.given(&domain.RegisterUnit{Code: code, Parent: worldUnits[i%2], Level: domain.Commune, Name: code})
	}
	purposes := [][]domain.Purpose{nil, nil, {domain.MeritAward, domain.Expense}, {domain.Scholarship}}
	for i, code := range worldFunds {
		l.day = worldFirst + domain.Date(i%3)
		l.given(&domain.OpenFund{Code: code, Unit: worldUnits[i%len(worldUnits)], Name: code, Purposes: purposes[i%len(purposes)]})
	}
	kinds := domain.PersonKinds()
	for i, id := range worldPersons {
		l.given(&domain.RegisterPerson{Person: id, Kind: kinds[i%len(kinds)]})
	}
	for i, code := range worldDonors {
		if i < 3 {
			l.given(&domain.RegisterDonor{Code: code, Kind: "person", Person: worldPersons[i]})
		} else {
			l.given(&domain.RegisterDonor{Code: code, Kind: "anonymous"})
		}
	}
	for i, code := range worldPledges {
		l.given(&domain.MakePledge{Pledge: code, Donor: worldDonors[i], Fund: worldFunds[i], Amount: "150"})
	}
	// Something to begin with, so that few commands name what is not there.
	l.day = worldFirst + 3
	gift := func(fund string, lines ...domain.LineInput) *domain.ReceiveDonation {
		return &domain.ReceiveDonation{Fund: fund, Donor: "D4", Lines: lines}
	}
	rice := domain.LineInput{Asset: "goods:rice", Amount: "100", Quantity: "7", Measure: "kg"}
	l.given(gift("F0", cash("200")[0], rice), gift("F1", cash("150")[0], rice))
	granted := l.given(award("F0", "45", worldPersons[0], worldPersons[5]), award("F1", "35", worldPersons[1]))
	l.given(payPart(granted[0].ID, "20"), giveBack(granted[0].ID, "5"), &domain.CountHolding{Fund: "F0", Asset: domain.Cash, Counted: "170"})
	return l
}

// A player draws the commands of a random sequence.
type player struct {
	*rapid.T
	l *ledger
}

func pick[T any](p *player, label string, list ...T) T {
	return rapid.SampledFrom(list).Draw(p.T, label)
}

func (p *player) chance(label string, oneIn int) bool {
	return rapid.IntRange(0, oneIn-1).Draw(p.T, label) == oneIn-1
}

func (p *player) day() domain.Date {
	if p.chance("late", 3) {
		return worldFirst - 1 + domain.Date(rapid.IntRange(0, worldDays).Draw(p.T, "day"))
	}
	// Mostly, days come one after another.
	return worldFirst + 5 + domain.Date(min(len(p.l.log)/3, worldDays-10))
}

func (p *player) amount(most int) money.Decimal {
	if p.chance("odd amount", 25) {
		return pick(p, "amount", money.Decimal("0"), "-7", "1.5", "1000000000000001", "10.0")
	}
	return money.Decimal(fmt.Sprint(rapid.IntRange(1, most).Draw(p.T, "amount")))
}

func (p *player) quantity(most int) money.Decimal {
	if p.chance("odd quantity", 25) {
		return pick(p, "quantity", money.Decimal("0"), "-1.5", "1.2345", "1000000000001", "")
	}
	return pick(p, "fraction",
		money.Decimal(fmt.Sprint(rapid.IntRange(1, most).Draw(p.T, "quantity"))), "0.5", "1.25", "0.333", "2.001")
}

// numbers draws an amount of money or a quantity of goods.
func (p *player) numbers(a domain.Asset, most int) (amount, quantity money.Decimal) {
	if a.IsGoods() {
		return "", p.quantity(4)
	}
	return p.amount(most), ""
}

func (p *player) fund() string {
	if p.chance("unknown fund", 60) {
		return "F9"
	}
	if p.chance("any fund", 3) {
		return pick(p, "fund", worldFunds...)
	}
	return pick(p, "fund", worldFunds[:2]...) // so that much happens in one
}

func (p *player) person() uuid.UUID {
	if p.chance("unknown person", 60) {
		return uuid.UUID{0: 7}
	}
	return pick(p, "person", worldPersons...)
}

func (p *player) lines() []domain.LineInput {
	var list []domain.LineInput
	for range rapid.IntRange(1, 3).Draw(p.T, "lines") {
		l := domain.LineInput{Asset: pick(p, "asset", append(worldAssets, domain.Labour)...), Amount: p.amount(200)}
		if !l.Asset.IsMoney() {
			l.Quantity, l.Measure = p.quantity(6), "kg"
			if p.chance("measure", 20) {
				l.Measure = pick(p, "measure", "bao", "")
			}
		}
		list = append(list, l)
	}
	return list
}

// eventOf draws the ID of a recorded event of the wanted types, mostly of a late one.
func (p *player) eventOf(label string, wanted func(domain.EventBody) bool) uuid.UUID {
	var list []uuid.UUID
	for i := range p.l.log {
		if wanted(p.l.log[i].Body) {
			list = append(list, p.l.log[i].ID)
		}
	}
	if len(list) == 0 || p.chance("unknown "+label, 60) {
		return uuid.UUID{0: 7}
	}
	if p.chance("any "+label, 2) {
		return rapid.SampledFrom(list).Draw(p.T, label)
	}
	return rapid.SampledFrom(list[max(0, len(list)-4):]).Draw(p.T, label)
}

func is[T domain.EventBody](b domain.EventBody) bool {
	_, ok := b.(T)
	return ok
}

func (p *player) grant() uuid.UUID { return p.eventOf("grant", is[*domain.Granted]) }

// target draws what to reverse.
func (p *player) target() uuid.UUID {
	switch rapid.IntRange(0, 5).Draw(p.T, "target") {
	case 0:
		return p.eventOf("payment", is[*domain.GrantDisbursed])
	case 1:
		return p.eventOf("return", is[*domain.GrantReturned])
	case 2:
		return p.grant()
	case 3:
		return p.eventOf("entry", func(domain.EventBody) bool { return true })
	default:
		return p.eventOf("entry", func(b domain.EventBody) bool {
			return len((&domain.Event{Body: b}).Vouchers()) > 0 || is[*domain.OpeningRecorded](b)
		})
	}
}

// money draws a command about money.
func (p *player) money() domain.CommandBody {
	a := pick(p, "asset", worldAssets...)
	switch rapid.IntRange(0, 19).Draw(p.T, "command") {
	case 0, 1, 2:
		c := &domain.ReceiveDonation{Fund: p.fund(), Donor: pick(p, "donor", worldDonors...), Lines: p.lines()}
		if p.chance("pledged", 4) {
			c.Pledge = pick(p, "pledge", worldPledges...)
			if !p.chance("other donor", 4) {
				c.Donor, c.Fund = "D"+c.Pledge[1:], "F"+c.Pledge[1:]
			}
		}
		return c
	case 3:
		return &domain.RecordOpening{Fund: p.fund(), Lines: slices.DeleteFunc(p.lines(), func(l domain.LineInput) bool { return l.Asset == domain.Labour })}
	case 4:
		c := &domain.RecordExpense{Fund: p.fund(), Asset: a, Purpose: "other"}
		c.Amount, c.Quantity = p.numbers(a, 120)
		switch rapid.IntRange(0, 5).Draw(p.T, "payee") {
		case 0:
			c.Payee = &domain.Payee{Person: p.person()}
		case 1:
			c.Payee = &domain.Payee{Donor: pick(p, "donor", worldDonors...)}
		}
		return c
	case 5:
		c := &domain.TransferFunds{From: p.fund(), To: p.fund(), Asset: a}
		c.Amount, c.Quantity = p.numbers(a, 120)
		return c
	case 6:
		from, to := domain.Cash, domain.Bank
		if p.chance("back", 2) {
			from, to = to, from
		}
		return &domain.MoveHolding{Fund: p.fund(), FromAsset: from, ToAsset: to, Amount: p.amount(120)}
	case 7, 8, 16:
		c := &domain.MakeGrant{Kind: pick(p, "kind", domain.MeritAward, domain.MeritAward, domain.Scholarship, domain.Support), Fund: p.fund(), Asset: a, Pay: p.chance("pay", 3)}
		for range rapid.IntRange(1, 3).Draw(p.T, "recipients") {
			r := domain.Recipient{}
			switch rapid.IntRange(0, 5).Draw(p.T, "recipient") {
			case 0:
				r.Unit = pick(p, "unit", worldUnits...)
			case 1:
				r.Collective = "5A"
			default:
				r.Person = p.person()
			}
			r.Amount, r.Quantity = p.numbers(a, 60)
			c.Recipients = append(c.Recipients, r)
		}
		return c
	case 9, 10, 17:
		c := &domain.Disburse{}
		for range rapid.IntRange(1, 2).Draw(p.T, "payments") {
			pay := domain.Payment{Grant: p.grant()}
			g := p.l.event(pay.Grant)
			switch wrong := p.chance("wrong number", 12); {
			case g == nil || p.chance("all", 4):
			case g.Body.(*domain.Granted).Asset.IsGoods() != wrong:
				pay.Quantity = p.quantity(2)
			default:
				pay.Amount = p.amount(40)
			}
			c.Grants = append(c.Grants, pay)
		}
		return c
	case 11:
		return &domain.CancelGrant{Grant: p.grant(), Reason: "other"}
	case 12, 18:
		c := &domain.ReturnGrant{Grant: p.grant()}
		if g := p.l.event(c.Grant); g != nil && g.Body.(*domain.Granted).Asset.IsGoods() != p.chance("wrong number", 12) {
			c.Quantity = p.quantity(2)
		}
		if c.Quantity == "" {
			c.Amount = p.amount(30)
		}
		return c
	case 13:
		return &domain.CountHolding{Fund: p.fund(), Asset: a, Counted: p.counted(a)}
	case 14:
		return &domain.SettleCount{Count: p.eventOf("count", is[*domain.HoldingCounted])}
	default:
		return &domain.Reverse{Event: p.target()}
	}
}

func (p *player) counted(a domain.Asset) money.Decimal {
	if a.IsGoods() {
		if q := p.quantity(6); q != "" {
			return q
		}
		return "0"
	}
	return p.amount(250)
}

// world draws a command about what surrounds the money.
func (p *player) world() domain.CommandBody {
	unit := func() string { return pick(p, "unit", worldUnits...) }
	maybe := func() string {
		if p.chance("ledger", 3) {
			return ""
		}
		return unit()
	}
	day := worldFirst + domain.Date(rapid.IntRange(0, worldDays/2).Draw(p.T, "period"))
	switch rapid.IntRange(0, 10).Draw(p.T, "world") {
	case 0, 1:
		return &domain.ClosePeriod{Through: day, Unit: maybe()}
	case 2, 3, 4:
		return &domain.ReopenPeriod{From: day, Unit: maybe()}
	case 5:
		return &domain.MergeUnit{Unit: pick(p, "unit", worldUnits[2:]...), Into: unit()}
	case 6:
		return &domain.MoveUnit{Unit: unit(), Parent: unit()}
	case 7:
		return &domain.CloseFund{Fund: p.fund()}
	case 8:
		return &domain.RestrictFund{Fund: p.fund(), Purposes: pick(p, "purposes", domain.Purposes(), []domain.Purpose{domain.MeritAward, domain.Support, domain.Expense})}
	case 9:
		return &domain.MergePerson{Person: p.person(), Into: p.person()}
	default:
		if p.chance("erase", 2) {
			return &domain.ErasePerson{Person: p.person(), Override: ptr(true)}
		}
		return &domain.CancelPledge{Pledge: pick(p, "pledge", worldPledges...)}
	}
}

// TestModel plays random commands and compares each decision with the model's, and the book with what the log says.
func TestModel(t *testing.T) {
	codes := map[string]int{} // how often a refusal was drawn; see the end
	rapid.Check(t, func(t *rapid.T) {
		l := openWorld(t)
		p := &player{t, l}
		twin := &domain.Book{} // goes on from a snapshot
		for range rapid.IntRange(10, 70).Draw(t, "n") {
			l.day = p.day()
			l.remark = true
			body := p.world
			if !p.chance("world", 10) {
				body = p.money
			}
			o := l.play(body())
			code := ""
			if o.refusal != nil {
				code = string(o.refusal.Code)
			}
			codes[code]++

			if p.chance("snapshot", 8) {
				data := l.bytes()
				if err := twin.UnmarshalBinary(data); err != nil {
					t.Fatalf("UnmarshalBinary: %v", err)
				}
				if again, _ := twin.MarshalBinary(); !bytes.Equal(again, data) {
					t.Fatalf("a book that was read back has other bytes:\n%x\n%x", again, data)
				}
				l.book = *twin // and the sequence goes on with it
				twin = &domain.Book{}
			}
		}
		l.audit()
	})
	t.Logf("outcomes: %v", codes)
	for _, code := range []string{"", "holding.insufficient", "grant.settled", "entry.in_use", "date.closed", "date.too_early", "fund.purpose"} {
		if codes[code] == 0 && !testing.Short() {
			t.Errorf("the random commands never led to %q", code)
		}
	}
}

// play decides a command, compares that with the model, takes what was decided back once, and applies it.
func (l *ledger) play(body domain.CommandBody) *outcome {
	m := newModel(l.log, l.now)
	o := l.decide(body)
	if v, judged := m.judge(body, l.day); judged {
		l.agree(o, v)
	}
	if o.refusal != nil {
		return o
	}
	before := l.bytes()
	l.book.Begin()
	half := len(o.events) / 2
	for i := range o.events[:half] {
		l.book.Evolve(&o.events[i])
	}
	mark, middle := l.book.Mark(), l.bytes()
	for i := range o.events[half:] {
		l.book.Evolve(&o.events[half+i])
	}
	after := l.bytes()
	l.book.RollbackTo(mark)
	if !bytes.Equal(l.bytes(), middle) {
		l.Fatalf("%s: RollbackTo left other bytes", body.Type())
	}
	l.book.Rollback()
	if !bytes.Equal(l.bytes(), before) {
		l.Fatalf("%s: Rollback left other bytes", body.Type())
	}
	l.book.Begin()
	l.apply(o.events)
	l.book.Commit()
	if !bytes.Equal(l.bytes(), after) {
		l.Fatalf("%s: applied again after Rollback, the book is another", body.Type())
	}
	l.bearable(o.events)
	return o
}

// agree compares a decision with the model's verdict.
func (l *ledger) agree(o *outcome, v *verdict) {
	code := ""
	if o.refusal != nil {
		code = string(o.refusal.Code)
	}
	if code != v.code {
		l.Fatalf("%s on %s: %+v\ndecided: %v\nmodel:   %q %q", o.command.Body.Type(), l.day, o.command.Body, o.refusal, v.code, v.args)
	}
	if code == string(domain.HoldingInsufficient) && v.args != nil {
		var got []string
		for _, a := range o.refusal.Args {
			got = append(got, a.Value)
		}
		if diff := cmp.Diff(v.args, got); diff != "" {
			l.Fatalf("%s on %s: arguments (-model +decided):\n%s", o.command.Body.Type(), l.day, diff)
		}
	}
	if code != "" || v.amounts == nil {
		return
	}
	var got [][2]int64
	for i := range o.events {
		got = append(got, amountsOf(o.events[i].Body)...)
	}
	if diff := cmp.Diff(v.amounts, got); diff != "" {
		l.Fatalf("%s on %s: %+v\namounts and quantities (-model +decided):\n%s", o.command.Body.Type(), l.day, o.command.Body, diff)
	}
}

func amountsOf(body domain.EventBody) [][2]int64 {
	ofLines := func(lines []domain.Line) (list [][2]int64) {
		for _, l := range lines {
			list = append(list, [2]int64{l.Amount, l.Quantity})
		}
		return list
	}
	switch b := body.(type) {
	case *domain.DonationReceived:
		return ofLines(b.Lines)
	case *domain.OpeningRecorded:
		return ofLines(b.Lines)
	case *domain.ExpenseRecorded:
		return [][2]int64{{b.Amount, b.Quantity}}
	case *domain.FundsTransferred:
		return [][2]int64{{b.Amount, b.Quantity}}
	case *domain.HoldingMoved:
		return [][2]int64{{b.Amount, 0}}
	case *domain.Granted:
		return [][2]int64{{b.Amount, b.Quantity}}
	case *domain.GrantDisbursed:
		return [][2]int64{{b.Amount, b.Quantity}}
	case *domain.GrantCancelled:
		return [][2]int64{{b.Amount, b.Quantity}}
	case *domain.GrantReturned:
		return [][2]int64{{b.Amount, b.Quantity}}
	case *domain.HoldingCounted:
		return [][2]int64{{b.Difference, 0}}
	case *domain.CountSettled:
		return [][2]int64{{b.Amount, b.Quantity}}
	}
	return nil
}

// bearable checks that no holding that events touched is below zero on any day: what is there, what is reserved, and what is
// available, in amounts of money and in quantities of goods; the value of goods in the end.
func (l *ledger) bearable(events []domain.Event) {
	m := newModel(l.log, l.now)
	type holding struct {
		fund  string
		asset domain.Asset
	}
	touched := map[holding]bool{}
	for i := range events {
		for _, v := range m.movesOf(events[i]) {
			touched[holding{v.fund, v.asset}] = true
		}
	}
	for h := range touched {
		running := domain.Balance{}
		moves := slices.DeleteFunc(slices.Clone(m.moves), func(v modelMove) bool { return v.fund != h.fund || v.asset != h.asset })
		slices.SortStableFunc(moves, func(a, b modelMove) int { return int(a.day - b.day) })
		for i, v := range moves {
			running.Posted += v.posted
			running.Encumbered += v.reserved
			running.Quantity += v.quantity
			running.QuantityEncumbered += v.reservedQ
			if i+1 < len(moves) && moves[i+1].day == v.day {
				continue
			}
			if got := l.book.Balance(h.fund, h.asset, v.day); got != running {
				l.Fatalf("%s %s on %s is %+v, the log says %+v", h.fund, h.asset, v.day, got, running)
			}
			least := min(running.Posted, running.Encumbered, running.Available())
			if goods(h.asset) {
				least = min(running.Quantity, running.QuantityEncumbered, running.AvailableQuantity())
			}
			if least < 0 {
				l.Fatalf("after %s, %s %s is below zero on %s: %+v", events[0].Body.Type(), h.fund, h.asset, v.day, running)
			}
		}
		if got := l.book.Latest(h.fund, h.asset); got != running {
			l.Fatalf("%s %s is %+v in the end, the log says %+v", h.fund, h.asset, got, running)
		}
		if goods(h.asset) && (min(running.Posted, running.Encumbered, running.Available()) < 0 ||
			running.AvailableQuantity() == 0 && running.Available() != 0 || running.Quantity == 0 && running.Posted != 0) {
			l.Fatalf("%s %s has value and quantity that do not fit: %+v", h.fund, h.asset, running)
		}
	}
}

// audit checks what holds of a whole log.
func (l *ledger) audit() {
	// The same events make the same book.
	var fresh domain.Book
	for i := range l.log {
		fresh.Evolve(&l.log[i])
	}
	if data, _ := fresh.MarshalBinary(); !bytes.Equal(data, l.bytes()) {
		l.Fatalf("the events on a fresh book make other bytes")
	}
	// Holdings are the sums of the postings to assets; the trial balance is zero.
	type key struct {
		fund  string
		asset domain.Asset
	}
	posted := map[key][2]int64{}
	for i := range l.log {
		for _, p := range domain.Journal(&l.log[i]) {
			if p.Asset != "" {
				k := key{p.Fund, p.Asset}
				posted[k] = [2]int64{posted[k][0] + p.Amount, posted[k][1] + p.Quantity}
			}
		}
	}
	for _, f := range worldFunds {
		for _, a := range worldAssets {
			b := l.book.Latest(f, a)
			if got := posted[key{f, a}]; got != [2]int64{b.Posted, b.Quantity} {
				l.Fatalf("%s %s is %+v, its postings sum to %v", f, a, b, got)
			}
		}
	}
	l.auditGrants()
	l.auditVouchers()
}

// auditGrants compares the state of each grant that is folded from its events with the model's and with the book's.
func (l *ledger) auditGrants() {
	m := newModel(l.log, l.now)
	kept := l.book.OpenGrants()
	for id, g := range m.grants {
		got := domain.FoldGrant(l.history(domain.GrantSubject(id)))
		if got == nil {
			l.Fatalf("grant %s cannot be folded", id)
		}
		want := domain.Grant{
			GrantFacts: got.GrantFacts, ID: id, Since: g.since, PaidOn: g.paidOn,
			Amount: g.amount, Paid: g.paid(0), Cancelled: g.cancelled[0], Returned: g.returned(0),
			Quantity: g.quantity, QuantityPaid: g.paid(1), QuantityCancelled: g.cancelled[1], QuantityReturned: g.returned(1),
		}
		if diff := cmp.Diff(want, *got); diff != "" {
			l.Fatalf("grant %s (-model +folded):\n%s", id, diff)
		}
		inBook, open := kept[id]
		if open == g.settled() {
			l.Fatalf("grant %s: the book keeps it: %v, settled: %v", id, open, g.settled())
		}
		if diff := cmp.Diff(*got, inBook); open && diff != "" {
			l.Fatalf("grant %s (-folded +book):\n%s", id, diff)
		}
	}
	if len(kept) > len(m.grants) {
		l.Fatalf("the book keeps %d grants of %d", len(kept), len(m.grants))
	}
}

// auditVouchers checks that numbers are gapless in unit × series × year, in log order.
func (l *ledger) auditVouchers() {
	last := map[string]int{}
	command := map[string]uuid.UUID{}
	for i := range l.log {
		e := &l.log[i]
		if _, ok := e.Body.(*domain.EntryReversed); ok {
			continue
		}
		for _, v := range e.Vouchers() {
			series, year, n, err := domain.ParseVoucherNumber(v.Number)
			if err != nil || year != e.EffectiveOn.Year() {
				l.Fatalf("number %s of %s: %v", v.Number, e.EffectiveOn, err)
			}
			k := fmt.Sprint(v.Unit, series, year)
			if n == last[k] && command[k] == e.Command {
				continue // one number a command
			}
			if n != last[k]+1 {
				l.Fatalf("%s %s follows number %d", v.Unit, v.Number, last[k])
			}
			last[k], command[k] = n, e.Command
		}
	}
}

// TestUnwind reverses, last first, everything that can be reversed: every holding is zero then. It is so for sequences without
// other reversals, since a reversal is not reversible: undoing an income early leaves outlays that a later one covers. While a return
// stands no payment of its grant is reversed, also one that came after it; a payment that is undone changes nothing that is
// available, so those of a grant wait until the granting is undone. A grant that was cancelled has nothing left to release. A
// closed fund takes no entry, so no fund is closed.
func TestUnwind(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := openWorld(t)
		p := &player{t, l}
		for range rapid.IntRange(10, 60).Draw(t, "n") {
			l.day = p.day()
			var body domain.CommandBody = &domain.MergeUnit{Unit: pick(p, "unit", worldUnits[2:]...), Into: pick(p, "unit", worldUnits...)}
			if !p.chance("merge", 20) {
				body = p.money()
			}
			if _, ok := body.(*domain.Reverse); !ok {
				l.when(body)
			}
		}
		l.now = l.now.AddDate(0, 1, 0)
		l.day = worldFirst + worldDays
		log := slices.Clone(l.log)
		slices.Reverse(log)
		for _, e := range log {
			switch e.Body.(type) {
			case *domain.Granted:
				for _, after := range log {
					if p, ok := after.Body.(*domain.GrantDisbursed); ok && p.Grant == e.ID {
						l.when(reverse(after.ID)).accepted()
					}
				}
				if o := l.when(reverse(e.ID)); o.refusal != nil && o.refusal.Code != domain.GrantSettled {
					o.accepted()
				}
			case *domain.DonationReceived, *domain.OpeningRecorded, *domain.ExpenseRecorded, *domain.FundsTransferred,
				*domain.HoldingMoved, *domain.GrantReturned, *domain.CountSettled:
				l.when(reverse(e.ID)).accepted()
			}
		}
		for _, f := range worldFunds {
			for _, a := range worldAssets {
				if b := l.book.Latest(f, a); b != (domain.Balance{}) {
					t.Fatalf("%s %s is %+v when all is undone", f, a, b)
				}
			}
		}
		l.audit()
	})
}
