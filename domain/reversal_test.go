package domain_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A reversal posts the exact opposite on its own day, carries the numbers of what it undoes and takes none.
func TestReverse(t *testing.T) {
	for _, tt := range []struct {
		name     string
		given    func(*ledger) domain.CommandBody
		postings []string
	}{
		{"donation", func(*ledger) domain.CommandBody { return donate("XQ", "7") }, []string{"X XQ assets:cash -7", "X XQ income:donations:money 7"}},
		{"opening", func(*ledger) domain.CommandBody { return &domain.RecordOpening{Fund: "XQ", Lines: cash("7")} }, []string{"X XQ assets:cash -7", "X XQ equity:opening 7"}},
		{"expense", func(*ledger) domain.CommandBody { return spend("XQ", "7") }, []string{"X XQ assets:cash 7", "X XQ expenses:administration:printing -7"}},
		{
			"transfer", func(*ledger) domain.CommandBody {
				return &domain.TransferFunds{From: "XQ", To: "YQ", Asset: books, Quantity: "1"}
			},
			[]string{"X XQ assets:goods:books 33 1000", "X XQ transfers -33", "Y YQ assets:goods:books -33 -1000", "Y YQ transfers 33"},
		},
		{
			"move", func(*ledger) domain.CommandBody {
				return &domain.MoveHolding{Fund: "XQ", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: "7"}
			},
			[]string{"X XQ assets:bank -7", "X XQ assets:cash 7"},
		},
		{"return", func(l *ledger) domain.CommandBody {
			return giveBack(l.given(paid(award("XQ", "9", an)))[0].ID, "7")
		}, []string{"X XQ assets:cash -7", "X XQ expenses:awards:student 7"}},
		{"payment", func(l *ledger) domain.CommandBody {
			return payPart(l.given(award("XQ", "9", an))[0].ID, "7")
		}, []string{"X XQ assets:cash 7", "X XQ expenses:awards:student -7"}},
		{"granting", func(*ledger) domain.CommandBody { return award("XQ", "9", an) }, nil},
		{"settled count", func(l *ledger) domain.CommandBody {
			return &domain.SettleCount{Count: l.given(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "98"})[0].ID}
		}, []string{"X XQ assets:cash 2", "X XQ suspense:count -2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := province(t)
			l.on("2017-03-01").given(donate("XQ", "100"), donateBooks("XQ", "3", "100"))
			command := tt.given(l)
			before := l.bookOf("XQ", "YQ")
			target := l.when(command).only()
			l.on("2017-02-28").when(reverse(target.ID)).refused(domain.DateTooEarly, "2017-02-28", "2017-03-01")
			o := l.on("2017-04-01").when(reverse(target.ID)).posts(tt.postings...).subjects(target.Subjects()...)
			body := o.events[0].Body.(*domain.EntryReversed)
			equal(t, "entry", []any{body.Event, body.Position, body.Entry, body.EntryOn}, []any{target.ID, target.Position, target.Body, target.EffectiveOn})
			equal(t, "vouchers", o.events[0].Vouchers(), target.Vouchers())
			want := target.Effects()
			for i := range want {
				e := &want[i]
				e.Day, e.Posted, e.Encumbered, e.Quantity, e.QuantityEncumbered = date("2017-04-01"), -e.Posted, -e.Encumbered, -e.Quantity, -e.QuantityEncumbered
			}
			equal(t, "effects", o.events[0].Effects(), want)
			equal(t, "holdings", l.bookOf("XQ", "YQ"), before)
			l.when(reverse(target.ID)).refused(domain.EntryIsReversed, target.ID.String())
			l.when(reverse(o.id())).refused(domain.EntryNotReversible, o.id().String(), "entry.reversed")
			// Numbers go on after those that stand cancelled.
			l.on("2017-04-02").when(donate("XQ", "1")).vouchers(map[bool]string{true: "X PT-2017-000003", false: "X PT-2017-000002"}[tt.name == "donation" || tt.name == "return"])
		})
	}
}

// bookOf lists the holdings of funds.
func (l *ledger) bookOf(funds ...string) (list []string) {
	for _, f := range funds {
		for _, a := range []domain.Asset{domain.Cash, domain.Bank, books} {
			list = append(list, f+" "+string(a)+" "+l.balance(f, a))
		}
	}
	return list
}

// A payment that is reversed was never paid: the money is back and reserved again.
func TestReversePayment(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	events := l.given(paid(award("XQ", "100", an)))
	granted, p := events[0], events[1]
	facts := granted.Body.(*domain.Granted).GrantFacts
	l.when(reverse(granted.ID)).refused(domain.EntryInUse, granted.ID.String())
	r := l.on("2017-03-05").when(giveBack(granted.ID, "40"))
	l.when(reverse(p.ID)).refused(domain.EntryInUse, p.ID.String())
	l.given(reverse(r.id()))
	l.on("2017-03-06").when(reverse(p.ID)).then(&domain.EntryReversed{
		Event: p.ID, Position: p.Position, Entry: p.Body, EntryOn: date("2017-03-01"),
		Reopened: &domain.Grant{
			GrantFacts: facts, ID: granted.ID, Amount: 100, Since: date("2017-03-06"), PaidOn: date("2017-03-01"),
		},
	})
	l.has("XQ cash 100/100")
	// It is open from that day on, not before.
	l.on("2017-03-05").when(pay(granted.ID)).refused(domain.DateTooEarly, "2017-03-05", "2017-03-06")
	l.when(cancel(granted.ID)).refused(domain.DateTooEarly, "2017-03-05", "2017-03-06")
	l.when(reverse(granted.ID)).refused(domain.DateTooEarly, "2017-03-05", "2017-03-06")
	again := l.on("2017-03-07").given(pay(granted.ID))[0].Body.(*domain.GrantDisbursed)
	if !again.First {
		t.Error("after its reversal, the next payment is the first that stands")
	}
	l.has("XQ cash 0/0")
}

// What two reversed payments gave back is open from the later of both days.
func TestReversePaymentsLaterFirst(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	g := l.when(award("XQ", "100", an)).id()
	a, b := l.when(payPart(g, "40")).id(), l.when(payPart(g, "60")).id()
	l.on("2017-03-20").given(reverse(a))
	l.on("2017-03-10").given(reverse(b))
	l.on("2017-03-19").when(cancel(g)).refused(domain.DateTooEarly, "2017-03-19", "2017-03-20")
	l.on("2017-03-20").given(cancel(g))
	for _, day := range []string{"2017-03-01", "2017-03-09", "2017-03-10", "2017-03-19", "2017-03-20"} {
		if b := l.book.Balance("XQ", domain.Cash, date(day)); b.Encumbered < 0 {
			t.Errorf("on %s, %d is reserved", day, b.Encumbered)
		}
	}
}

// A granting is reversed as a cancel: only while no payment stands, and of what is open.
func TestReverseGranting(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	g := l.when(award("XQ", "100", an)).id()
	p := l.when(payPart(g, "30")).id()
	l.when(reverse(g)).refused(domain.EntryInUse, g.String())
	l.given(cancel(g), reverse(p))
	l.has("XQ cash 100/30")
	o := l.when(reverse(g)).effects(domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: l.day, Encumbered: -30})
	if e := o.events[0].Body.(*domain.EntryReversed); e.Amount != 30 || e.Reopened != nil {
		t.Errorf("reversed %+v", e)
	}
	l.has("XQ cash 100/0")
	l.when(reverse(g)).refused(domain.EntryIsReversed, g.String())
	l.when(pay(g)).refused(domain.GrantSettled, g.String())

	cancelled := l.when(award("XQ", "10", an)).id()
	l.given(cancel(cancelled))
	l.when(reverse(cancelled)).refused(domain.GrantSettled, cancelled.String()) // nothing is left to release
}

// A returned payment stands, also when all of it came back.
func TestReverseReturned(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	events := l.given(paid(award("XQ", "100", an)))
	l.given(giveBack(events[0].ID, "100"))
	l.when(reverse(events[0].ID)).refused(domain.EntryInUse, events[0].ID.String())
	l.when(reverse(events[1].ID)).refused(domain.EntryInUse, events[1].ID.String())
}

func TestReverseInsufficient(t *testing.T) {
	l := province(t)
	in := l.on("2017-03-01").when(donate("XQ", "100")).id()
	l.on("2017-03-20").given(spend("XQ", "60"))
	l.on("2017-03-10").when(reverse(in)).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-20", "40", "100")
	transfer := l.when(&domain.TransferFunds{From: "XQ", To: "YQ", Asset: domain.Cash, Amount: "40"}).id()
	l.given(spend("YQ", "1"))
	l.when(reverse(transfer)).refused(domain.HoldingInsufficient, "YQ", "cash", "2017-03-10", "39", "40")
	move := l.on("2017-03-01").when(&domain.ReceiveDonation{Fund: "TQ", Donor: "VCB", Lines: append(cash("5"), cash("6")...)}).id()
	l.given(spend("TQ", "3"))
	l.when(reverse(move)).refused(domain.HoldingInsufficient, "TQ", "cash", "2017-03-01", "8", "11")
}

// A reversal of goods leaves no value without quantity, nor either below zero.
func TestReverseGoods(t *testing.T) {
	l := province(t)
	cheap := l.on("2017-03-01").when(donateBooks("XQ", "10", "10")).id()
	dear := l.when(donateBooks("XQ", "10", "990")).id()
	l.given(spendBooks("XQ", "10")) // 500
	l.has("XQ goods:books 500/0 10000/0")
	l.when(reverse(dear)).refused(domain.HoldingInsufficient, "XQ", "goods:books", "2017-03-01", "500", "990")
	l.when(reverse(cheap)).refused(domain.HoldingInsufficient, "XQ", "goods:books", "2017-03-01", "500", "10")
	part := l.when(spendBooks("XQ", "1")).id() // 50
	l.when(reverse(cheap)).refused(domain.HoldingInsufficient, "XQ", "goods:books", "2017-03-01", "9", "10")
	l.given(reverse(part), donateBooks("XQ", "1", "1"), reverse(cheap))
	l.has("XQ goods:books 491/0 1000/0")
}

func TestNotReversible(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(
		&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "1"}, &domain.CancelPledge{Pledge: "P"},
		&domain.RenameUnit{Unit: "C", Name: "C2"}, &domain.CloseUnit{Unit: "C"},
		&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "0"},
		&domain.ClosePeriod{Through: date("2017-01-31")}, &domain.ReopenPeriod{From: date("2017-01-31")},
		&domain.ReportIndicator{Unit: "X", Indicator: "members", Value: "1"},
		&domain.CorrectPerson{Person: an}, &domain.ErasePerson{Person: an},
	)
	for _, e := range l.log {
		l.when(reverse(e.ID)).refused(domain.EntryNotReversible, e.ID.String(), e.Body.Type())
	}
	unknown := uuid.UUID{0: 7}
	l.when(reverse(unknown)).refused(domain.ReferenceUnknown, "event", unknown.String())
}

// A payment of a unit that has since been merged: the numbers and the totals of then are taken off.
func TestReverseAfterMerge(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	events := l.given(paid(award("XQ", "100", an)))
	l.on("2017-07-01").given(&domain.MergeUnit{Unit: "X", Into: "Y"})
	l.on("2017-07-02").when(reverse(events[1].ID)).
		vouchers("X PC-2017-000001").posts("X XQ assets:cash 100", "X XQ expenses:awards:student -100")
	o := l.when(pay(events[0].ID)).vouchers("Y PC-2017-000001")
	if got := o.events[0].Body.(*domain.GrantDisbursed).Unit; got != "Y" {
		t.Errorf("paid by %s, want Y", got)
	}
	// The state of a grant that is open again has the unit of its payment, whether it was folded or kept.
	l.given(reverse(o.id()))
	equal(t, "grant", l.book.OpenGrants()[events[0].ID], *domain.FoldGrant(l.history(domain.GrantSubject(events[0].ID))))
}
