package domain_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

func TestMakeGrant(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "1000"))
	decision := &domain.Decision{Number: "12/QĐ-HKH", Date: date("2017-02-20"), Issuer: "Hội khuyến học"}
	recipients := []domain.Recipient{
		{Person: an, Amount: "100", AchievementLevel: "national", Prize: "second", EducationLevel: "upper_secondary"},
		{Collective: "Lớp 5A", Unit: "C", Amount: "50", EducationLevel: "primary"},
		{Unit: "Y", Amount: "30"},
		{Person: an, Amount: "7"}, // the same person twice
	}
	o := l.when(&domain.MakeGrant{
		Kind: domain.MeritAward, Fund: "XQ", Asset: domain.Cash, Recipients: slices.Clone(recipients), Decision: decision, SchoolYear: "2016-2017",
	})
	facts := domain.GrantFacts{Kind: domain.MeritAward, Fund: "XQ", Unit: "X", Asset: domain.Cash, SchoolYear: "2016-2017"}
	student := facts
	student.RecipientKind, student.Person, student.PersonPosition = "student", an, l.history(domain.PersonSubject(an))[0].Position
	first, class, unit := student, facts, facts
	first.AchievementLevel, first.EducationLevel = "national", "upper_secondary"
	class.RecipientKind, class.EducationLevel = "collective", "primary"
	unit.RecipientKind = "unit"
	for i := range recipients {
		recipients[i].Amount = "" // it stands beside the recipient, as a number
	}
	o.then(
		&domain.Granted{GrantFacts: first, Recipient: recipients[0], Decision: decision, Amount: 100},
		&domain.Granted{GrantFacts: class, Recipient: recipients[1], Decision: decision, Amount: 50},
		&domain.Granted{GrantFacts: unit, Recipient: recipients[2], Decision: decision, Amount: 30},
		&domain.Granted{GrantFacts: student, Recipient: recipients[3], Decision: decision, Amount: 7},
	)
	l.has("XQ cash 1000/187")
	g, c := &o.events[0], &o.events[1]
	equal(t, "subjects", g.Subjects(), []string{"fund:XQ", "person:" + an.String(), "grant:" + g.ID.String()})
	equal(t, "subjects", c.Subjects(), []string{"fund:XQ", "grant:" + c.ID.String()})
	equal(t, "effects", g.Effects(), []domain.Effect{{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-01"), Encumbered: 100}})
	equal(t, "postings", domain.Journal(g), []domain.Posting(nil))
	equal(t, "vouchers", g.Vouchers(), []domain.Voucher(nil))
}

// The kinds of grants have stored names and accounts of their own.
func TestGrantKinds(t *testing.T) {
	for _, tt := range []struct {
		kind          domain.Purpose
		who           domain.Recipient
		name, account string
	}{
		{domain.MeritAward, domain.Recipient{Person: an}, "award.granted", "expenses:awards:student"},
		{domain.MeritAward, domain.Recipient{Person: co}, "award.granted", "expenses:awards:teacher"},
		{domain.MeritAward, domain.Recipient{Collective: "Lớp 5A"}, "award.granted", "expenses:awards:collective"},
		{domain.Scholarship, domain.Recipient{Person: an}, "scholarship.granted", "expenses:scholarships"},
		{domain.HardshipGrant, domain.Recipient{Person: an, Cause: "illness"}, "hardship.granted", "expenses:hardship"},
		{domain.Support, domain.Recipient{Unit: "C"}, "support.granted", "expenses:support"},
	} {
		l := province(t)
		l.on("2017-03-01").given(donate("XQ", "10"))
		tt.who.Amount = "10"
		o := l.when(&domain.MakeGrant{Kind: tt.kind, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{tt.who}})
		equal(t, "type", o.only().Body.Type(), tt.name)
		equal(t, "cause", o.only().Body.(*domain.Granted).Cause, tt.who.Cause)
		p := l.when(pay(o.id())).posts("X XQ assets:cash -10", "X XQ "+tt.account+" 10")
		l.when(giveBack(o.id(), "4")).posts("X XQ assets:cash 4", "X XQ "+tt.account+" -4")
		equal(t, "facts", p.events[0].Body.(*domain.GrantDisbursed).GrantFacts, o.events[0].Body.(*domain.Granted).GrantFacts)
	}
}

// Paid on the spot: all granted events first, in the order of the recipients, then all payments, under one number.
func TestPaidOnTheSpot(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donateBank("XQ", "1000"))
	c := paid(award("XQ", "100", an, binh))
	c.Asset = domain.Bank
	c.Recipients[1].Amount = "200"
	o := l.when(c).accepted()
	if len(o.events) != 4 {
		t.Fatalf("%d events", len(o.events))
	}
	for i, amount := range []int64{100, 200} {
		granted := o.events[i].Body.(*domain.Granted)
		if granted.Amount != amount || granted.Person != c.Recipients[i].Person {
			t.Errorf("events[%d] = %+v", i, granted)
		}
		equal(t, "payment", o.events[2+i].Body, domain.EventBody(&domain.GrantDisbursed{
			GrantFacts: granted.GrantFacts, Grant: o.events[i].ID, Amount: amount, First: true, Numbers: numbers("X BN-2017-000001"),
		}))
	}
	l.has("XQ bank 700/0")
}

// All or none.
func TestMakeGrantAllOrNone(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	l.when(award("XQ", "40", an, binh, co)).refused(domain.HoldingInsufficient, "XQ", "cash", "2017-03-01", "100", "120")
	unknown := uuid.UUID{0: 7}
	l.when(award("XQ", "1", an, unknown)).refused(domain.ReferenceUnknown, "person", unknown.String())
	l.has("XQ cash 100/0")
}

func TestGrantForm(t *testing.T) {
	person := domain.Recipient{Person: an, Amount: "1"}
	for _, tt := range []struct {
		change           func(*domain.MakeGrant)
		pointer, problem string
	}{
		{func(c *domain.MakeGrant) { c.Kind = "" }, "/data/kind", "required"},
		{func(c *domain.MakeGrant) { c.Kind = domain.Expense }, "/data/kind", "unknown value"},
		{func(c *domain.MakeGrant) { c.Asset = domain.Labour }, "/data/asset", "unknown asset"},
		{func(c *domain.MakeGrant) { c.Recipients = nil }, "/data/recipients", "empty list"},
		{func(c *domain.MakeGrant) { c.Recipients[1] = domain.Recipient{Amount: "1"} }, "/data/recipients/1", "one of person, collective, unit is required"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Unit = "X" }, "/data/recipients/1", "only one of person, collective, unit"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Collective = "A" }, "/data/recipients/1", "only one of person, collective, unit"},
		{func(c *domain.MakeGrant) { c.Recipients[1] = domain.Recipient{Unit: "-", Amount: "1"} }, "/data/recipients/1/unit", "bad code"},
		{func(c *domain.MakeGrant) { c.Recipients[1].AchievementLevel = "world" }, "/data/recipients/1/achievement_level", "unknown value"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Prize = "fourth" }, "/data/recipients/1/prize", "unknown value"},
		{func(c *domain.MakeGrant) { c.Recipients[1].EducationLevel = "master" }, "/data/recipients/1/education_level", "unknown value"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Cause = "poverty" }, "/data/recipients/1/cause", "only a hardship grant has a cause"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Cause = "flood"; c.Kind = domain.HardshipGrant }, "/data/recipients/1/cause", "unknown value"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Amount = "" }, "/data/recipients/1/amount", "required"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Amount = "x" }, "/data/recipients/1/amount", "bad number"},
		{func(c *domain.MakeGrant) { c.Recipients[1].Quantity = "1" }, "/data/recipients/1/quantity", "money has no quantity"},
		{func(c *domain.MakeGrant) { c.Asset = books }, "/data/recipients/0/amount", "goods leave by quantity"},
		{func(c *domain.MakeGrant) { c.Decision = &domain.Decision{} }, "/data/decision/number", "required"},
		{func(c *domain.MakeGrant) { c.SchoolYear = "2016-2018" }, "/data/school_year", "want two years, such as 2016-2017"},
		{func(c *domain.MakeGrant) { c.SchoolYear = "2016/2017" }, "/data/school_year", "want two years, such as 2016-2017"},
		{func(c *domain.MakeGrant) { c.SchoolYear = "2016-20x7" }, "/data/school_year", "want two years, such as 2016-2017"},
	} {
		l := province(t)
		c := &domain.MakeGrant{Kind: domain.MeritAward, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{person, person}}
		tt.change(c)
		l.on("2017-03-01").when(c).refused(domain.CommandMalformed, tt.pointer, tt.problem)
	}
	l := province(t)
	l.on("2017-03-01")
	l.when(award("XQ", "0", an)).refused(domain.AmountNotPositive, "/data/recipients/0/amount", "0")
	l.when(award("XQ", "0.5", an)).refused(domain.AmountTooFine, "/data/recipients/0/amount", "0.5", "0")
	l.when(award("XQ", "1000000000000001", an)).refused(domain.AmountTooLarge, "/data/recipients/0/amount", "1000000000000001", "1000000000000000")
	l.when(awardBooks("XQ", "1", "-1")).refused(domain.AmountNotPositive, "/data/recipients/1/quantity", "-1")
	l.when(awardBooks("XQ", "")).refused(domain.QuantityMissing, "/data/recipients/0/quantity")
	many := make([]uuid.UUID, 10_000)
	for i := range many {
		many[i] = an
	}
	l.when(award("XQ", "1000000000000000", many...)).refused(domain.AmountTooLarge, "/data/recipients/9223", "1000000000000000", "1000000000000000")
	l.when(&domain.MakeGrant{Kind: domain.Support, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Unit: "ZZ", Amount: "1"}}}).
		refused(domain.ReferenceUnknown, "unit", "ZZ")
	l.when(&domain.MakeGrant{Kind: domain.Support, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Collective: "A", Unit: "ZZ", Amount: "1"}}}).
		refused(domain.ReferenceUnknown, "unit", "ZZ")
}

func TestDisburse(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "1000"), donate("YQ", "100"))
	events := l.given(award("XQ", "100", an, binh))
	a, b := events[0].ID, events[1].ID
	facts := events[0].Body.(*domain.Granted).GrantFacts
	y := l.when(award("YQ", "5", co)).id()

	l.on("2017-03-10").when(payPart(a, "30")).
		then(&domain.GrantDisbursed{GrantFacts: facts, Grant: a, Amount: 30, First: true, Numbers: numbers("X PC-2017-000001")}).
		subjects("fund:XQ", "person:"+an.String(), "grant:"+a.String()).vouchers("X PC-2017-000001").
		effects(domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-10"), Posted: -30, Encumbered: -30}).
		posts("X XQ assets:cash -30", "X XQ expenses:awards:student 30")
	l.has("XQ cash 970/170")
	l.when(payPart(a, "71")).refused(domain.GrantOverpaid, a.String(), "70", "71")
	// A list, of two funds, the same grant twice: one number a unit and series.
	o := l.when(&domain.Disburse{Grants: []domain.Payment{{Grant: a, Amount: "20"}, {Grant: y}, {Grant: a}, {Grant: b}}}).accepted()
	var got []domain.GrantDisbursed
	for i := range o.events {
		p := *o.events[i].Body.(*domain.GrantDisbursed)
		p.GrantFacts = domain.GrantFacts{}
		got = append(got, p)
	}
	equal(t, "payments", got, []domain.GrantDisbursed{
		{Grant: a, Amount: 20, Numbers: numbers("X PC-2017-000002")},
		{Grant: y, Amount: 5, First: true, Numbers: numbers("Y PC-2017-000001")},
		{Grant: a, Amount: 50, Numbers: numbers("X PC-2017-000002")},
		{Grant: b, Amount: 100, First: true, Numbers: numbers("X PC-2017-000002")},
	})
	l.has("XQ cash 800/0", "YQ cash 95/0")
	l.when(pay(a)).refused(domain.GrantSettled, a.String())
}

func TestDisburseRefused(t *testing.T) {
	l := province(t)
	l.on("2017-03-05").given(donate("XQ", "1000"), donateBooks("XQ", "10", "100"))
	a, b := l.when(award("XQ", "100", an)).id(), l.when(awardBooks("XQ", "2")).id()
	unknown := uuid.UUID{0: 7}
	paid := l.when(award("XQ", "10", an)).id()
	l.given(pay(paid))
	for _, tt := range []struct {
		p      domain.Payment
		code   domain.Code
		values []string
	}{
		{domain.Payment{Grant: a, Amount: "1", Quantity: "1"}, domain.CommandMalformed, []string{"/data/grants/0/quantity", "only one of amount, quantity"}},
		{domain.Payment{Grant: a, Amount: "x"}, domain.CommandMalformed, []string{"/data/grants/0/amount", "bad number"}},
		{domain.Payment{Grant: a, Quantity: "x"}, domain.CommandMalformed, []string{"/data/grants/0/quantity", "bad number"}},
		{domain.Payment{Grant: a, Quantity: "1"}, domain.CommandMalformed, []string{"/data/grants/0/quantity", "money has no quantity"}},
		{domain.Payment{Grant: unknown}, domain.ReferenceUnknown, []string{"grant", unknown.String()}},
		{domain.Payment{Grant: a, Amount: "0"}, domain.AmountNotPositive, []string{"/data/grants/0/amount", "0"}},
		{domain.Payment{Grant: a, Amount: "1.5"}, domain.AmountTooFine, []string{"/data/grants/0/amount", "1.5", "0"}},
		{domain.Payment{Grant: b, Amount: "1"}, domain.QuantityMissing, []string{"/data/grants/0/quantity"}},
		{domain.Payment{Grant: b, Quantity: "-1"}, domain.AmountNotPositive, []string{"/data/grants/0/quantity", "-1"}},
		{domain.Payment{Grant: b, Quantity: "2.001"}, domain.GrantOverpaid, []string{b.String(), "2", "2.001"}},
		{domain.Payment{Grant: paid, Amount: "0"}, domain.AmountNotPositive, []string{"/data/grants/0/amount", "0"}},
		{domain.Payment{Grant: paid, Amount: "0.5"}, domain.AmountTooFine, []string{"/data/grants/0/amount", "0.5", "0"}},
		{domain.Payment{Grant: paid, Amount: "5"}, domain.GrantSettled, []string{paid.String()}},
	} {
		l.when(&domain.Disburse{Grants: []domain.Payment{tt.p}}).refused(tt.code, tt.values...)
	}
	l.when(&domain.Disburse{}).refused(domain.CommandMalformed, "/data/grants", "empty list")
	l.when(&domain.Disburse{Grants: []domain.Payment{{Grant: a}, {Grant: a}}}).refused(domain.GrantSettled, a.String())
	l.when(&domain.Disburse{Grants: []domain.Payment{{Grant: a, Amount: "60"}, {Grant: a, Amount: "60"}}}).
		refused(domain.GrantOverpaid, a.String(), "40", "60")
	l.on("2017-03-04").when(pay(a)).refused(domain.DateTooEarly, "2017-03-04", "2017-03-05")
	l.has("XQ cash 990/100")
}

func TestCancelGrant(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	granted := l.given(award("XQ", "100", an))[0]
	g, facts := granted.ID, granted.Body.(*domain.Granted).GrantFacts
	l.on("2017-03-05").given(payPart(g, "30"))
	l.on("2017-02-28").when(cancel(g)).refused(domain.DateTooEarly, "2017-02-28", "2017-03-01")
	l.on("2017-03-06").when(&domain.CancelGrant{Grant: g, Reason: "moved_away"}).
		then(&domain.GrantCancelled{GrantFacts: facts, Grant: g, Reason: "moved_away", Amount: 70}).
		subjects("fund:XQ", "person:"+an.String(), "grant:"+g.String()).posts().vouchers().
		effects(domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-06"), Encumbered: -70})
	l.has("XQ cash 70/0")
	l.when(cancel(g)).refused(domain.GrantSettled, g.String())
	l.when(pay(g)).refused(domain.GrantSettled, g.String())
	l.when(&domain.CancelGrant{Grant: g}).refused(domain.CommandMalformed, "/data/reason", "required")
	l.when(&domain.CancelGrant{Grant: g, Reason: "rich"}).refused(domain.CommandMalformed, "/data/reason", "unknown value")

	unpaid := l.when(award("XQ", "70", binh)).id()
	c := l.when(cancel(unpaid))
	if !c.events[0].Body.(*domain.GrantCancelled).NeverPaid {
		t.Error("a grant of which nothing was paid is not so marked")
	}
	l.when(reverse(c.id())).refused(domain.EntryNotReversible, c.id().String(), "grant.cancelled")
}

// After its fund came to another unit, what is undone of a grant is taken off where it was counted, and paid where the fund is.
func TestGrantAfterMerger(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	granted := l.given(award("XQ", "100", an))[0]
	g, then := granted.ID, granted.Body.(*domain.Granted).GrantFacts
	l.on("2017-03-05").given(&domain.MergeUnit{Unit: "X", Into: "Y"})
	now := then
	now.Unit, now.GrantUnit = "Y", "X"
	payment := l.on("2017-03-06").when(payPart(g, "30")).
		then(&domain.GrantDisbursed{GrantFacts: now, Grant: g, Amount: 30, First: true, Numbers: numbers("Y PC-2017-000001")}).id()
	l.given(reverse(payment))
	l.when(payPart(g, "30")).
		then(&domain.GrantDisbursed{GrantFacts: now, Grant: g, Amount: 30, First: true, Numbers: numbers("Y PC-2017-000002")})
	l.when(giveBack(g, "10")).
		then(&domain.GrantReturned{GrantFacts: now, Grant: g, Amount: 10, Numbers: numbers("Y PT-2017-000001")})
	l.when(cancel(g)).then(&domain.GrantCancelled{GrantFacts: now, Grant: g, Reason: "declined", Amount: 70})
	if now.CountsAt() != "X" || now.AsGranted() != then {
		t.Errorf("counts at %s, was granted as %+v", now.CountsAt(), now.AsGranted())
	}
}

func TestReturnGrant(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	granted := l.given(award("XQ", "100", an))[0]
	g, facts := granted.ID, granted.Body.(*domain.Granted).GrantFacts
	l.when(giveBack(g, "1")).refused(domain.GrantOverReturned, g.String(), "0", "1")
	l.on("2017-03-05").given(payPart(g, "30"))
	l.on("2017-03-04").when(giveBack(g, "1")).refused(domain.DateTooEarly, "2017-03-04", "2017-03-05")
	l.on("2017-03-06").when(giveBack(g, "31")).refused(domain.GrantOverReturned, g.String(), "30", "31")
	l.when(giveBack(g, "20")).
		then(&domain.GrantReturned{GrantFacts: facts, Grant: g, Amount: 20, Numbers: numbers("X PT-2017-000002")}).
		subjects("fund:XQ", "person:"+an.String(), "grant:"+g.String()).vouchers("X PT-2017-000002").
		effects(domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-06"), Posted: 20}).
		posts("X XQ assets:cash 20", "X XQ expenses:awards:student -20")
	// It never reopens: 70 is open as before.
	l.has("XQ cash 90/70")
	l.when(payPart(g, "71")).refused(domain.GrantOverpaid, g.String(), "70", "71")
	l.given(pay(g))
	l.when(giveBack(g, "81")).refused(domain.GrantOverReturned, g.String(), "80", "81")
	l.given(giveBack(g, "80"))
	l.when(giveBack(g, "1")).refused(domain.GrantOverReturned, g.String(), "0", "1")
	l.when(pay(g)).refused(domain.GrantSettled, g.String())
	l.when(&domain.ReturnGrant{Grant: g}).refused(domain.CommandMalformed, "/data/amount", "required")
	l.when(&domain.ReturnGrant{Grant: g, Amount: "1", Quantity: "1"}).refused(domain.CommandMalformed, "/data/quantity", "only one of amount, quantity")
	l.when(&domain.ReturnGrant{Grant: g, Quantity: "1"}).refused(domain.CommandMalformed, "/data/quantity", "money has no quantity")
}

// What comes back is not effective before the payments that it builds on.
func TestReturnDates(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	g := l.when(award("XQ", "100", an)).id()
	first := l.on("2017-03-05").when(payPart(g, "30")).id()
	l.on("2017-03-10").given(payPart(g, "30"))
	l.on("2017-03-09").when(giveBack(g, "60")).refused(domain.DateTooEarly, "2017-03-09", "2017-03-10")
	l.on("2017-03-12").given(reverse(first))
	l.on("2017-03-07").when(giveBack(g, "30")).refused(domain.DateTooEarly, "2017-03-07", "2017-03-10")
	l.on("2017-03-10").given(giveBack(g, "30"))
}

// Goods: granting fixes the value at the average cost of what is available; a part takes its value by proportion, half to even,
// and the last takes the rest.
func TestGrantGoods(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donateBooks("XQ", "4", "10"))
	events := l.given(awardBooks("XQ", "1", "1", "2"))
	for i, want := range []int64{2, 3, 5} { // 2.5 of 10, then 2⅔ of 8, then all 5
		g := events[i].Body.(*domain.Granted)
		if g.Amount != want {
			t.Errorf("grant %d is worth %d, want %d", i, g.Amount, want)
		}
	}
	equal(t, "effects", events[2].Effects(), []domain.Effect{{Fund: "XQ", Asset: books, Day: l.day, Encumbered: 5, QuantityEncumbered: 2000}})
	l.has("XQ goods:books 10/10 4000/4000")
	g := events[2].ID
	// Of 5 for 2.000: 0.5 takes 1.25, 0.5 of the rest 4 for 1.5 takes 1.333…, the last takes 3.
	l.when(payBooks(g, "0.5")).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Posted: -1, Encumbered: -1, Quantity: -500, QuantityEncumbered: -500}).
		vouchers("X PX-2017-000001")
	l.when(payBooks(g, "0.5")).posts("X XQ assets:goods:books -1 -500", "X XQ expenses:awards:student 1")
	l.when(pay(g)).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Posted: -3, Encumbered: -3, Quantity: -1000, QuantityEncumbered: -1000})
	// What comes back takes its value by the same proportion: 5 × 0.6 ÷ 2 is 1.5, to even 2.
	l.when(&domain.ReturnGrant{Grant: g, Quantity: "0.6"}).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Posted: 2, Quantity: 600}).
		vouchers("X PN-2017-000002")
	l.when(&domain.ReturnGrant{Grant: g, Quantity: "1.401"}).refused(domain.GrantOverReturned, g.String(), "1.4", "1.401")
	l.when(&domain.ReturnGrant{Grant: g, Amount: "1"}).refused(domain.QuantityMissing, "/data/quantity")
	l.when(&domain.ReturnGrant{Grant: g, Quantity: "1.4"}).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Posted: 3, Quantity: 1400})
	// Half to even again: of 3 for 1, a half takes 1.5, which is 2.
	l.when(payBooks(events[1].ID, "0.5")).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Posted: -2, Encumbered: -2, Quantity: -500, QuantityEncumbered: -500})
	l.when(cancel(events[1].ID)).effects(domain.Effect{Fund: "XQ", Asset: books, Day: l.day, Encumbered: -1, QuantityEncumbered: -500})
	l.has("XQ goods:books 8/2 3500/1000")
}

// Goods of no value are settled by their quantity.
func TestGrantGoodsWithoutValue(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donateBooks("XQ", "1000", "1"))
	g := l.when(awardBooks("XQ", "2")).id() // worth 0.002, which is 0
	l.when(payBooks(g, "1")).posts("X XQ assets:goods:books 0 -1000", "X XQ expenses:awards:student 0")
	second := l.given(payBooks(g, "1"))[0].Body.(*domain.GrantDisbursed)
	if second.First {
		t.Error("the second payment is marked as the first")
	}
	l.when(pay(g)).refused(domain.GrantSettled, g.String())
	l.has("XQ goods:books 1/0 998000/0")
}

func TestFoldGrant(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	granted := l.given(award("XQ", "100", an))[0]
	g := granted.ID
	p := l.on("2017-03-05").when(payPart(g, "30")).id()
	r := l.on("2017-03-06").when(giveBack(g, "10")).id()
	l.on("2017-03-07").given(reverse(r))
	l.on("2017-03-08").given(reverse(p))
	l.on("2017-03-09").given(payPart(g, "60"))
	l.on("2017-03-10").given(cancel(g))
	l.on("2017-03-11").given(giveBack(g, "5"))
	history := l.history(domain.GrantSubject(g))
	equal(t, "grant", domain.FoldGrant(history), &domain.Grant{
		GrantFacts: granted.Body.(*domain.Granted).GrantFacts, ID: g,
		Amount: 100, Paid: 60, Cancelled: 40, Returned: 5, Since: date("2017-03-08"), PaidOn: date("2017-03-09"),
	})
	// Nil where the first event does not grant.
	for _, events := range [][]domain.Event{nil, history[1:], history[2:], history[3:], history[6:], l.log[:1]} {
		if got := domain.FoldGrant(events); got != nil {
			t.Errorf("FoldGrant of %d events that do not begin with a granting: %+v", len(events), got)
		}
	}
}
