package domain_test

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// A tb is what the helpers need of *testing.T, *testing.B and *rapid.T.
type tb interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
}

// A ledger is a book with its log, so that tests read given commands, when a command, then events or a refusal:
//
//	l := province(t)
//	l.on("2017-03-05").given(…)
//	l.on("2017-03-06").when(…).then(…)
//
// It does what the shell does: it hands in what domain.Needs asks for, and applies what was decided.
type ledger struct {
	tb
	book   domain.Book
	log    []domain.Event
	now    time.Time
	day    domain.Date
	ids    uint64
	remark bool // commands have a remark
	silent bool // registrations of persons lack the private document
}

// open opens an empty ledger in a currency. Its clock stands at noon of 2018-06-30.
func open(t tb, currency string) *ledger {
	l := &ledger{tb: t, now: time.Date(2018, 6, 30, 12, 0, 0, 0, time.UTC)}
	first := domain.OpenLedger(&domain.LedgerOpened{
		Ledger: uuid.UUID{15: 1}, Origin: "soquy.invalid/test", Currency: currency, TimeZone: "Asia/Ho_Chi_Minh", ClockGiven: true,
	}, l.newID(), time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC))
	l.apply([]domain.Event{first})
	return l
}

// Persons of province.
var (
	an   = uuid.UUID{0: 1, 15: 1} // a student
	binh = uuid.UUID{0: 1, 15: 2} // a student
	co   = uuid.UUID{0: 1, 15: 3} // a teacher, and the donor CO
)

// province is a ledger with a tree of units, opened on 2017-01-01, with funds that allow any purpose: TQ of the province T, XQ
// and YQ of the communes X and Y of the district H. C is a chapter of X.
func province(t tb) *ledger {
	l := open(t, "VND")
	l.on("2017-01-01").given(
		&domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "Tỉnh hội"},
		&domain.RegisterUnit{Code: "H", Parent: "T", Level: domain.District, Name: "Huyện hội"},
		&domain.RegisterUnit{Code: "X", Parent: "H", Level: domain.Commune, Name: "Xã X"},
		&domain.RegisterUnit{Code: "Y", Parent: "H", Level: domain.Commune, Name: "Xã Y"},
		&domain.RegisterUnit{Code: "C", Parent: "X", Level: domain.Chapter, Name: "Chi hội C"},
		&domain.OpenFund{Code: "TQ", Unit: "T", Name: "Quỹ tỉnh"},
		&domain.OpenFund{Code: "XQ", Unit: "X", Name: "Quỹ X"},
		&domain.OpenFund{Code: "YQ", Unit: "Y", Name: "Quỹ Y"},
		&domain.RegisterPerson{Person: an, Kind: "student"},
		&domain.RegisterPerson{Person: binh, Kind: "student"},
		&domain.RegisterPerson{Person: co, Kind: "teacher"},
		&domain.RegisterDonor{Code: "VCB", Kind: "organisation", Name: "Ngân hàng"},
		&domain.RegisterDonor{Code: "CO", Kind: "person", Person: co},
	)
	return l
}

// date reads YYYY-MM-DD.
func date(s string) domain.Date {
	d, err := domain.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// on sets the effective date of the commands that follow.
func (l *ledger) on(day string) *ledger {
	l.day = date(day)
	return l
}

// at sets the clock.
func (l *ledger) at(instant string) *ledger {
	l.Helper()
	now, err := time.Parse(time.RFC3339, instant)
	if err != nil {
		l.Fatalf("clock: %v", err)
	}
	l.now = now
	return l
}

// remarked gives the commands that follow a remark.
func (l *ledger) remarked() *ledger {
	l.remark = true
	return l
}

func (l *ledger) newID() uuid.UUID {
	l.ids++
	id := uuid.UUID{0: 2}
	binary.BigEndian.PutUint64(id[8:], l.ids)
	return id
}

var (
	aRemark  = domain.Commitment{Private: uuid.UUID{0: 3}, SHA256: [32]byte{1}}
	personal = domain.Commitment{Private: uuid.UUID{0: 4}, SHA256: [32]byte{2}}
)

// command makes a command with what the shell adds to it.
func (l *ledger) command(body domain.CommandBody) *domain.Command {
	c := &domain.Command{ID: l.newID(), Actor: "thủ quỹ", EffectiveOn: l.day, Body: body, Now: l.now, NewID: l.newID}
	switch body.(type) {
	case *domain.RegisterPerson, *domain.CorrectPerson:
		if !l.silent {
			c.Personal = &personal
		}
	case *domain.ClosePeriod:
		c.Tree = domain.TreeHead{Size: l.book.Position(), Root: [32]byte{3}}
	}
	if l.remark {
		c.Remark = &aRemark
	}
	return c
}

// find reads from the log what the decision needs.
func (l *ledger) find(c *domain.Command) {
	l.Helper()
	for n := domain.Needs(&l.book, c); !n.None(); n = domain.Needs(&l.book, c) {
		if c.Found.Grants == nil {
			c.Found = domain.Found{Grants: map[uuid.UUID]*domain.Grant{}, Events: map[uuid.UUID]*domain.Event{}}
		}
		for _, id := range n.Grants {
			c.Found.Grants[id] = domain.FoldGrant(l.history(domain.GrantSubject(id)))
		}
		for _, id := range n.Events {
			c.Found.Events[id] = l.event(id)
		}
	}
}

// history returns the events with a subject.
func (l *ledger) history(subject string) []domain.Event {
	var list []domain.Event
	for _, e := range l.log {
		if slices.Contains(e.Subjects(), subject) {
			list = append(list, e)
		}
	}
	return list
}

// event returns the event with an ID, or nil.
func (l *ledger) event(id uuid.UUID) *domain.Event {
	for i := range l.log {
		if l.log[i].ID == id {
			return &l.log[i]
		}
	}
	return nil
}

// decide decides a command and changes nothing.
func (l *ledger) decide(body domain.CommandBody) *outcome {
	l.Helper()
	c := l.command(body)
	l.find(c)
	events, err := domain.Decide(&l.book, c)
	o := &outcome{l: l, command: c, events: events}
	if err != nil {
		refusal, ok := err.(*domain.Refusal)
		if !ok {
			l.Fatalf("%s: Decide returned %T, want *Refusal: %v", body.Type(), err, err)
		}
		if len(events) > 0 {
			l.Errorf("%s: refused, and %d events", body.Type(), len(events))
		}
		o.refusal = refusal
	} else {
		o.check()
	}
	return o
}

func (l *ledger) apply(events []domain.Event) {
	for i := range events {
		l.book.Evolve(&events[i])
	}
	l.log = append(l.log, events...)
}

// given records commands, which must be accepted, and returns their events.
func (l *ledger) given(bodies ...domain.CommandBody) []domain.Event {
	l.Helper()
	var all []domain.Event
	for _, body := range bodies {
		o := l.when(body)
		if o.refusal != nil {
			l.Fatalf("given %s on %s: refused: %v\ncommand: %+v", body.Type(), l.day, o.refusal, body)
		}
		all = append(all, o.events...)
	}
	return all
}

// when decides a command and applies its events.
func (l *ledger) when(body domain.CommandBody) *outcome {
	l.Helper()
	o := l.decide(body)
	l.apply(o.events)
	return o
}

// balance returns a holding as "posted/encumbered" or, of goods, "posted/encumbered quantity/encumbered" in thousandths.
func (l *ledger) balance(fund string, a domain.Asset) string {
	return show(a, l.book.Latest(fund, a))
}

func (l *ledger) balanceOn(fund string, a domain.Asset, day string) string {
	return show(a, l.book.Balance(fund, a, date(day)))
}

func show(a domain.Asset, b domain.Balance) string {
	s := fmt.Sprintf("%d/%d", b.Posted, b.Encumbered)
	if a.IsGoods() {
		s += fmt.Sprintf(" %d/%d", b.Quantity, b.QuantityEncumbered)
	}
	return s
}

// has checks holdings, written "FUND asset posted/encumbered".
func (l *ledger) has(holdings ...string) {
	l.Helper()
	for _, want := range holdings {
		part := strings.SplitN(want, " ", 3)
		if got := l.balance(part[0], domain.Asset(part[1])); got != part[2] {
			l.Errorf("%s %s is %s, want %s", part[0], part[1], got, part[2])
		}
	}
}

// bytes encodes the book.
func (l *ledger) bytes() []byte {
	l.Helper()
	data, err := l.book.MarshalBinary()
	if err != nil {
		l.Fatalf("MarshalBinary: %v", err)
	}
	return data
}

// An outcome is what a command led to.
type outcome struct {
	l       *ledger
	command *domain.Command
	events  []domain.Event
	refusal *domain.Refusal
}

// check checks what holds of the events of every command.
func (o *outcome) check() {
	o.l.Helper()
	position := o.l.book.Position()
	at := o.command.Now.UTC().Truncate(time.Microsecond)
	if last := o.l.book.RecordedAt(); at.Before(last) {
		at = last
	}
	if len(o.events) == 0 {
		o.l.Errorf("%s: accepted without an event", o.command.Body.Type())
	}
	for i := range o.events {
		e := &o.events[i]
		want := domain.Event{
			Position: position + int64(i) + 1, ID: e.ID, RecordedAt: at, EffectiveOn: o.command.EffectiveOn,
			Actor: o.command.Actor, Command: o.command.ID, Body: e.Body,
		}
		if i == 0 {
			want.Remark = o.command.Remark
		}
		if want != *e { // lists are long, and cmp.Diff is slow
			o.l.Errorf("%s: event %d (-want +got):\n%s", o.command.Body.Type(), i, cmp.Diff(want, *e))
		}
		if n := len(e.Subjects()); n > 3 {
			o.l.Errorf("%s has %d subjects", e.Body.Type(), n)
		}
		for fund, sum := range sums(domain.Journal(e)) {
			if sum != 0 {
				o.l.Errorf("%s: postings of fund %s sum to %d", e.Body.Type(), fund, sum)
			}
		}
	}
}

func sums(postings []domain.Posting) map[string]int64 {
	m := map[string]int64{}
	for _, p := range postings {
		m[p.Fund] += p.Amount
	}
	return m
}

// accepted stops the test when the command was refused.
func (o *outcome) accepted() *outcome {
	o.l.Helper()
	if o.refusal != nil {
		o.l.Fatalf("%s on %s: refused: %v", o.command.Body.Type(), o.command.EffectiveOn, o.refusal)
	}
	return o
}

// then compares the events' bodies.
func (o *outcome) then(want ...domain.EventBody) *outcome {
	o.l.Helper()
	o.accepted()
	got := make([]domain.EventBody, len(o.events))
	for i := range o.events {
		got[i] = o.events[i].Body
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.l.Errorf("%s: events (-want +got):\n%s", o.command.Body.Type(), diff)
	}
	return o
}

// subjects compares the subjects of the only event.
func (o *outcome) subjects(want ...string) *outcome {
	o.l.Helper()
	if diff := cmp.Diff(want, o.only().Subjects()); diff != "" {
		o.l.Errorf("%s: subjects (-want +got):\n%s", o.only().Body.Type(), diff)
	}
	return o
}

// effects compares the effects of the only event.
func (o *outcome) effects(want ...domain.Effect) *outcome {
	o.l.Helper()
	if diff := cmp.Diff(want, o.only().Effects()); diff != "" {
		o.l.Errorf("%s: effects (-want +got):\n%s", o.only().Body.Type(), diff)
	}
	return o
}

// vouchers compares the numbers of the only event, written "UNIT NUMBER".
func (o *outcome) vouchers(want ...string) *outcome {
	o.l.Helper()
	var got []string
	for _, v := range o.only().Vouchers() {
		got = append(got, v.Unit+" "+v.Number)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.l.Errorf("%s: vouchers (-want +got):\n%s", o.only().Body.Type(), diff)
	}
	return o
}

// posts compares the postings of the only event, written "UNIT FUND account amount", of goods with the quantity.
func (o *outcome) posts(want ...string) *outcome {
	o.l.Helper()
	var got []string
	for _, p := range domain.Journal(o.only()) {
		s := fmt.Sprintf("%s %s %s %d", p.Unit, p.Fund, p.Account, p.Amount)
		if p.Quantity != 0 {
			s += fmt.Sprintf(" %d", p.Quantity)
		}
		got = append(got, s)
		if account := domain.AssetAccount(p.Asset); p.Asset != "" && p.Account != account {
			o.l.Errorf("%s: posting of asset %s in account %s", o.only().Body.Type(), p.Asset, p.Account)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		o.l.Errorf("%s: postings (-want +got):\n%s", o.only().Body.Type(), diff)
	}
	return o
}

func (o *outcome) only() *domain.Event {
	o.l.Helper()
	o.accepted()
	if len(o.events) != 1 {
		o.l.Fatalf("%s: %d events, want 1", o.command.Body.Type(), len(o.events))
	}
	return &o.events[0]
}

// id is the ID of the first event.
func (o *outcome) id() uuid.UUID {
	o.l.Helper()
	return o.accepted().events[0].ID
}

// refused compares the refusal: its code and the values of its arguments.
func (o *outcome) refused(code domain.Code, values ...string) {
	o.l.Helper()
	want := &domain.Refusal{Code: code}
	for _, info := range domain.Codes() {
		if info.Code != code {
			continue
		}
		if len(values) != len(info.Args) {
			o.l.Errorf("%s has the arguments %q, the test names %q", code, info.Args, values)
			return
		}
		for i, name := range info.Args {
			want.Args = append(want.Args, domain.Arg{Name: name, Value: values[i]})
		}
	}
	if o.refusal == nil {
		o.l.Errorf("%s on %s: accepted with %d events, want refusal %v", o.command.Body.Type(), o.command.EffectiveOn, len(o.events), want)
		return
	}
	if diff := cmp.Diff(want, o.refusal); diff != "" {
		o.l.Errorf("%s on %s: refusal (-want +got):\n%s", o.command.Body.Type(), o.command.EffectiveOn, diff)
	}
}

// Short forms of commands that most tests use.

func cash(amount string) []domain.LineInput {
	return []domain.LineInput{{Asset: domain.Cash, Amount: money.Decimal(amount)}}
}

func donate(fund, amount string) *domain.ReceiveDonation {
	return &domain.ReceiveDonation{Fund: fund, Donor: "VCB", Lines: cash(amount)}
}

func donateBank(fund, amount string) *domain.ReceiveDonation {
	return &domain.ReceiveDonation{Fund: fund, Donor: "VCB", Lines: []domain.LineInput{{Asset: domain.Bank, Amount: money.Decimal(amount)}}}
}

const books domain.Asset = "goods:books"

func donateBooks(fund, quantity, value string) *domain.ReceiveDonation {
	return &domain.ReceiveDonation{Fund: fund, Donor: "VCB", Lines: []domain.LineInput{
		{Asset: books, Amount: money.Decimal(value), Quantity: money.Decimal(quantity), Measure: "quyển"},
	}}
}

func spend(fund, amount string) *domain.RecordExpense {
	return &domain.RecordExpense{Fund: fund, Asset: domain.Cash, Amount: money.Decimal(amount), Purpose: "printing"}
}

func spendBooks(fund, quantity string) *domain.RecordExpense {
	return &domain.RecordExpense{Fund: fund, Asset: books, Quantity: money.Decimal(quantity), Purpose: "activity"}
}

func award(fund, amount string, persons ...uuid.UUID) *domain.MakeGrant {
	g := &domain.MakeGrant{Kind: domain.MeritAward, Fund: fund, Asset: domain.Cash}
	for _, p := range persons {
		g.Recipients = append(g.Recipients, domain.Recipient{Person: p, Amount: money.Decimal(amount)})
	}
	return g
}

func paid(g *domain.MakeGrant) *domain.MakeGrant {
	g.Pay = true
	return g
}

func awardBooks(fund string, quantities ...string) *domain.MakeGrant {
	g := &domain.MakeGrant{Kind: domain.MeritAward, Fund: fund, Asset: books}
	for _, q := range quantities {
		g.Recipients = append(g.Recipients, domain.Recipient{Person: an, Quantity: money.Decimal(q)})
	}
	return g
}

func pay(grant uuid.UUID) *domain.Disburse {
	return &domain.Disburse{Grants: []domain.Payment{{Grant: grant}}}
}

func payPart(grant uuid.UUID, amount string) *domain.Disburse {
	return &domain.Disburse{Grants: []domain.Payment{{Grant: grant, Amount: money.Decimal(amount)}}}
}

func payBooks(grant uuid.UUID, quantity string) *domain.Disburse {
	return &domain.Disburse{Grants: []domain.Payment{{Grant: grant, Quantity: money.Decimal(quantity)}}}
}

func cancel(grant uuid.UUID) *domain.CancelGrant {
	return &domain.CancelGrant{Grant: grant, Reason: "declined"}
}

func giveBack(grant uuid.UUID, amount string) *domain.ReturnGrant {
	return &domain.ReturnGrant{Grant: grant, Amount: money.Decimal(amount)}
}

func reverse(id uuid.UUID) *domain.Reverse { return &domain.Reverse{Event: id} }

func numbers(list ...string) []domain.Voucher {
	var out []domain.Voucher
	for _, s := range list {
		unit, number, _ := strings.Cut(s, " ")
		out = append(out, domain.Voucher{Unit: unit, Number: number})
	}
	return out
}

func ptr[T any](v T) *T { return &v }

// equal compares two values.
func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
