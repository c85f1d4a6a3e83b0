package domain_test

import (
	"crypto/sha256"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

func TestClosePeriod(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(
		donate("XQ", "100"), donateBooks("XQ", "3", "90"), donate("TQ", "50"), donate("YQ", "5"), spend("YQ", "5"),
		&domain.MakePledge{Pledge: "P1", Donor: "VCB", Fund: "XQ", Amount: "100"},
		&domain.MakePledge{Pledge: "P2", Donor: "VCB", Fund: "TQ", Amount: "100"},
	)
	l.given(award("XQ", "40", an, binh), awardBooks("XQ", "1.5"))
	l.on("2017-04-01").given(donate("XQ", "1000"), award("XQ", "7", co),
		&domain.MakePledge{Pledge: "P3", Donor: "VCB", Fund: "XQ", Amount: "100"})
	o := l.on("2017-04-05").when(&domain.ClosePeriod{Through: date("2017-03-31")})
	o.then(&domain.PeriodClosed{
		Through: date("2017-03-31"), Tree: o.command.Tree, Grants: 3, Pledges: 2,
		Totals: []domain.AssetTotal{
			{Asset: domain.Cash, Balance: domain.Balance{Posted: 150, Encumbered: 80}},
			{Asset: books, Balance: domain.Balance{Posted: 90, Encumbered: 45, Quantity: 3000, QuantityEncumbered: 1500}},
		},
		Holdings: sha256.Sum256([]byte("TQ\tcash\t50\t0\t0\t0\nXQ\tcash\t100\t80\t0\t0\nXQ\tgoods:books\t90\t45\t3\t1.5\n")),
	}).subjects().effects().posts().vouchers()
	// Whoever has the book of that position derives the same.
	equal(t, "Close", l.book.Close(date("2017-03-31"), "", o.command.Tree), o.events[0].Body.(*domain.PeriodClosed))

	u := l.when(&domain.ClosePeriod{Through: date("2017-04-04"), Unit: "X"})
	u.then(&domain.PeriodClosed{
		Through: date("2017-04-04"), Unit: "X", Tree: u.command.Tree, Grants: 4, Pledges: 2,
		Totals: []domain.AssetTotal{
			{Asset: domain.Cash, Balance: domain.Balance{Posted: 1100, Encumbered: 87}},
			{Asset: books, Balance: domain.Balance{Posted: 90, Encumbered: 45, Quantity: 3000, QuantityEncumbered: 1500}},
		},
		Holdings: sha256.Sum256([]byte("XQ\tcash\t1100\t87\t0\t0\nXQ\tgoods:books\t90\t45\t3\t1.5\n")),
	})
	e := l.when(&domain.ClosePeriod{Through: date("2017-04-04"), Unit: "C"})
	e.then(&domain.PeriodClosed{Through: date("2017-04-04"), Unit: "C", Tree: e.command.Tree, Holdings: sha256.Sum256(nil)})
}

// The digest writes amounts in the decimals of the currency.
func TestCloseDigestDecimals(t *testing.T) {
	l := open(t, "USD")
	l.on("2017-01-01").given(
		&domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "T"},
		&domain.OpenFund{Code: "TQ", Unit: "T", Name: "T"},
		&domain.RegisterDonor{Code: "VCB", Kind: "anonymous"}, donate("TQ", "1.5"))
	c := l.given(&domain.ClosePeriod{Through: date("2017-01-01")})[0].Body.(*domain.PeriodClosed)
	equal(t, "digest", c.Holdings, sha256.Sum256([]byte("TQ\tcash\t1.50\t0.00\t0\t0\n")))
}

func TestCloseOfUnitBindsItsFundsAlone(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "X"})
	l.on("2017-03-31").when(donate("XQ", "1")).refused(domain.DateClosed, "2017-03-31", "2017-03-31")
	l.given(donate("YQ", "1"), donate("TQ", "1"))
	l.when(&domain.TransferFunds{From: "TQ", To: "XQ", Asset: domain.Cash, Amount: "1"}).refused(domain.DateClosed, "2017-03-31", "2017-03-31")
	// Nor may a fund be opened within it.
	l.when(&domain.OpenFund{Code: "X2", Unit: "X", Name: "X2"}).refused(domain.DateClosed, "2017-03-31", "2017-03-31")
	// The structure is bound by the close of the ledger.
	l.given(&domain.RenameUnit{Unit: "X", Name: "X2"})
	l.on("2017-04-01").given(donate("XQ", "1"), &domain.OpenFund{Code: "X2", Unit: "X", Name: "X2"})
	// The days of the close are closed to a fund that was opened after them too.
	l.on("2017-03-15").when(donate("X2", "1")).refused(domain.DateClosed, "2017-03-15", "2017-03-31")
}

func TestCloseOfLedgerBindsAll(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-01-31"), Unit: "X"}, &domain.ClosePeriod{Through: date("2017-03-31")})
	l.on("2017-01-15")
	for _, body := range []domain.CommandBody{
		donate("XQ", "1"), donate("TQ", "1"), &domain.OpenFund{Code: "X2", Unit: "X", Name: "X2"},
		&domain.RenameUnit{Unit: "X", Name: "X2"}, &domain.MoveUnit{Unit: "X", Parent: "T"},
		&domain.MergeUnit{Unit: "X", Into: "Y"}, &domain.CloseUnit{Unit: "C"}, &domain.CloseFund{Fund: "XQ"},
		&domain.RegisterUnit{Code: "N", Parent: "T", Level: domain.Commune, Name: "N"},
		&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "0"},
		&domain.RestrictFund{Fund: "XQ", Purposes: domain.Purposes()},
	} {
		l.when(body).refused(domain.DateClosed, "2017-01-15", "2017-03-31")
	}
}

// A fund keeps the close of its unit when it moves.
func TestCloseGoesAlong(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "X"}, &domain.ClosePeriod{Through: date("2017-02-28"), Unit: "Y"})
	l.on("2017-07-01").given(&domain.MergeUnit{Unit: "X", Into: "Y"})
	l.on("2017-03-15").when(donate("XQ", "1")).refused(domain.DateClosed, "2017-03-15", "2017-03-31")
	l.given(donate("YQ", "1"))
	// The unit that took it over opens it again.
	l.when(&domain.ReopenPeriod{From: date("2017-03-15"), Unit: "Y"}).then(&domain.PeriodReopened{From: date("2017-03-15"), Unit: "Y"})
	l.given(donate("XQ", "1"))
	l.on("2017-03-14").when(donate("XQ", "1")).refused(domain.DateClosed, "2017-03-14", "2017-03-14")
	l.given(donate("YQ", "1"))
	l.on("2017-02-28").when(donate("YQ", "1")).refused(domain.DateClosed, "2017-02-28", "2017-02-28")
	// Its next close binds both.
	l.on("2017-03-31").given(&domain.ClosePeriod{Through: date("2017-03-20"), Unit: "Y"})
	for _, fund := range []string{"XQ", "YQ"} {
		l.on("2017-03-20").when(donate(fund, "1")).refused(domain.DateClosed, "2017-03-20", "2017-03-20")
	}
}

// An earlier close of the unit that took a fund over does not open what was closed of the fund.
func TestEarlierCloseDoesNotOpen(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "X"})
	l.on("2017-07-01").given(&domain.MergeUnit{Unit: "X", Into: "Y"}, &domain.ClosePeriod{Through: date("2017-03-10"), Unit: "Y"})
	l.on("2017-03-15").when(donate("XQ", "1")).refused(domain.DateClosed, "2017-03-15", "2017-03-31")
	l.given(donate("YQ", "1"))
}

// The close of the unit that takes over does not bind what it did not have then.
func TestCloseOfTakerDoesNotBind(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "Y"})
	l.on("2017-07-01").given(&domain.MergeUnit{Unit: "X", Into: "Y"})
	l.on("2017-03-15").given(donate("XQ", "1"))
}

func TestReopenPeriod(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-03-31")}, &domain.ClosePeriod{Through: date("2017-06-30"), Unit: "X"})
	l.when(&domain.ReopenPeriod{From: date("2017-04-01")}).refused(domain.PeriodNotClosed, "2017-04-01")
	l.when(&domain.ReopenPeriod{From: date("2017-07-01"), Unit: "X"}).refused(domain.PeriodNotClosed, "2017-07-01")
	l.when(&domain.ReopenPeriod{From: date("2017-02-01"), Unit: "Y"}).refused(domain.PeriodNotClosed, "2017-02-01")
	l.when(&domain.ReopenPeriod{From: date("2017-02-01"), Unit: "ZZ"}).refused(domain.ReferenceUnknown, "unit", "ZZ")
	l.when(&domain.ReopenPeriod{From: date("2017-02-01")}).then(&domain.PeriodReopened{From: date("2017-02-01")}).subjects().effects()
	l.on("2017-02-01").given(donate("TQ", "1"))
	l.on("2017-01-31").when(donate("TQ", "1")).refused(domain.DateClosed, "2017-01-31", "2017-01-31")
	l.on("2017-02-01").when(donate("XQ", "1")).refused(domain.DateClosed, "2017-02-01", "2017-06-30") // that of the unit stands
	l.given(&domain.ReopenPeriod{From: date("2017-02-01"), Unit: "X"}, donate("XQ", "1"))
	// Closed again.
	l.when(&domain.ClosePeriod{Through: date("2017-01-31")}).refused(domain.PeriodOrder, "2017-01-31", "2017-01-31")
	l.given(&domain.ClosePeriod{Through: date("2017-02-01")})
}

func TestPeriodOrder(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2017-03-31")})
	l.when(&domain.ClosePeriod{Through: date("2017-03-31")}).refused(domain.PeriodOrder, "2017-03-31", "2017-03-31")
	l.when(&domain.ClosePeriod{Through: date("2017-02-28"), Unit: "X"}).refused(domain.PeriodOrder, "2017-02-28", "2017-03-31")
	l.given(&domain.ClosePeriod{Through: date("2017-05-31"), Unit: "X"})
	l.when(&domain.ClosePeriod{Through: date("2017-04-30"), Unit: "X"}).refused(domain.PeriodOrder, "2017-04-30", "2017-05-31")
	l.given(&domain.ClosePeriod{Through: date("2017-04-30")}) // the later of both binds
	l.on("2017-05-15").when(donate("XQ", "1")).refused(domain.DateClosed, "2017-05-15", "2017-05-31")
	l.given(donate("YQ", "1"))
	l.when(&domain.ClosePeriod{Through: date("2018-07-02")}).refused(domain.DateFuture, "2018-07-02", "2018-07-01")
	l.when(&domain.ClosePeriod{Through: date("2017-12-31"), Unit: "ZZ"}).refused(domain.ReferenceUnknown, "unit", "ZZ")
	l.given(&domain.ClosePeriod{Through: date("2018-07-01")})
}

// A close lists open grants and pledges and never blocks on them; an unsettled count of its days and funds blocks.
func TestCloseBlockedByCount(t *testing.T) {
	l := province(t)
	late := l.on("2017-04-01").when(&domain.CountHolding{Fund: "XQ", Asset: domain.Bank, Counted: "1"}).id()
	l.on("2017-03-31").given(&domain.ClosePeriod{Through: date("2017-03-31")})
	n := l.on("2017-04-02").when(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "1"}).id()
	l.given(&domain.ClosePeriod{Through: date("2017-05-01"), Unit: "Y"})
	l.when(&domain.ClosePeriod{Through: date("2017-04-01")}).refused(domain.PeriodOpenItems, late.String(), "XQ", "bank")
	l.when(&domain.ClosePeriod{Through: date("2017-05-01"), Unit: "X"}).refused(domain.PeriodOpenItems, late.String(), "XQ", "bank")
	l.given(&domain.SettleCount{Count: late})
	l.when(&domain.ClosePeriod{Through: date("2017-05-01"), Unit: "X"}).refused(domain.PeriodOpenItems, n.String(), "XQ", "cash")
	// A count goes along with its fund.
	l.on("2017-07-01").given(&domain.MergeUnit{Unit: "X", Into: "Y"})
	l.when(&domain.ClosePeriod{Through: date("2017-06-01"), Unit: "Y"}).refused(domain.PeriodOpenItems, n.String(), "XQ", "cash")
	l.given(&domain.SettleCount{Count: n}, &domain.ClosePeriod{Through: date("2017-06-01"), Unit: "Y"})
}

// What was paid at the end of a period and is open since is not open in it.
func TestCloseCountsGrantsOfThePeriod(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "10"))
	p := l.given(paid(award("XQ", "10", an)))[1].ID
	l.on("2017-04-10").given(reverse(p))
	c := l.given(&domain.ClosePeriod{Through: date("2017-03-31")})[0].Body.(*domain.PeriodClosed)
	if c.Grants != 0 {
		t.Errorf("%d grants are open through March", c.Grants)
	}
	c = l.given(&domain.ClosePeriod{Through: date("2017-04-30")})[0].Body.(*domain.PeriodClosed)
	if c.Grants != 1 {
		t.Errorf("%d grants are open through April", c.Grants)
	}
}

func TestDates(t *testing.T) {
	l := province(t).at("2017-05-31T23:59:59Z")
	l.on("2017-06-01").given(donate("XQ", "1")) // it is tomorrow somewhere
	l.on("2017-06-02")
	unknown := uuid.UUID{0: 7}
	for _, body := range []domain.CommandBody{
		donate("XQ", "1"), spend("XQ", "1"), award("XQ", "1", an), reverse(l.log[len(l.log)-1].ID),
		&domain.RegisterUnit{Code: "N", Parent: "T", Level: domain.Commune, Name: "N"}, &domain.RenameUnit{Unit: "X", Name: "N"},
		&domain.MoveUnit{Unit: "X", Parent: "T"}, &domain.MergeUnit{Unit: "X", Into: "Y"}, &domain.CloseUnit{Unit: "C"},
		&domain.OpenFund{Code: "N", Unit: "X", Name: "N"}, &domain.RestrictFund{Fund: "XQ", Purposes: domain.Purposes()},
		&domain.CloseFund{Fund: "TQ"}, &domain.ClosePeriod{Through: date("2017-04-30")}, &domain.ReopenPeriod{From: date("2016-01-01")},
		&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "0"}, &domain.RecordOpening{Fund: "XQ", Lines: cash("1")},
		&domain.TransferFunds{From: "XQ", To: "YQ", Asset: domain.Cash, Amount: "1"},
		&domain.MoveHolding{Fund: "XQ", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: "1"},
	} {
		l.when(body).refused(domain.DateFuture, "2017-06-02", "2017-06-01")
	}
	l.when(pay(unknown)).refused(domain.ReferenceUnknown, "grant", unknown.String())
	l.at("2017-06-01T00:00:00Z").given(donate("XQ", "1"))
}

// The clock may go back; what is recorded does not.
func TestRecordedAt(t *testing.T) {
	l := province(t).on("2017-05-31")
	l.at("2018-07-02T10:00:00.123456789+07:00").given(donate("XQ", "1"))
	want := time.Date(2018, 7, 2, 3, 0, 0, 123456000, time.UTC)
	if got := l.book.RecordedAt(); got != want {
		t.Errorf("recorded at %v, want %v", got, want)
	}
	l.at("2018-07-01T10:00:00Z").given(donate("XQ", "1"))
	if got := l.log[len(l.log)-1].RecordedAt; got != want {
		t.Errorf("recorded at %v, want %v", got, want)
	}
}

// Open lists what the close counts.
func TestOpen(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(
		donate("XQ", "100"), donate("TQ", "50"),
		&domain.MakePledge{Pledge: "P2", Donor: "VCB", Fund: "XQ", Amount: "100"},
		&domain.MakePledge{Pledge: "P1", Donor: "CO", Fund: "XQ", Amount: "70"},
		&domain.MakePledge{Pledge: "P3", Donor: "VCB", Fund: "TQ", Amount: "1"},
	)
	first := l.on("2017-03-02").given(award("XQ", "40", an))[0].ID
	earlier := l.on("2017-03-01").given(award("XQ", "30", binh))[0].ID
	of := l.given(award("TQ", "5", co))[0].ID
	l.given(paid(award("XQ", "2", an)), &domain.ReceiveDonation{Fund: "XQ", Donor: "CO", Lines: cash("20"), Pledge: "P1"})
	l.on("2017-04-01").given(award("XQ", "1", co), &domain.MakePledge{Pledge: "P0", Donor: "VCB", Fund: "XQ", Amount: "9"})

	open := l.book.Open(date("2017-03-31"), "")
	var grants []uuid.UUID
	for i := range open.Grants {
		grants = append(grants, open.Grants[i].ID)
	}
	equal(t, "grants", grants, []uuid.UUID{of, earlier, first})
	p := domain.OpenPledge{Pledge: "P1", Donor: "CO", Fund: "XQ", Open: 50, Made: date("2017-03-01")}
	q := domain.OpenPledge{Pledge: "P2", Donor: "VCB", Fund: "XQ", Open: 100, Made: date("2017-03-01")}
	equal(t, "pledges", open.Pledges, []domain.OpenPledge{{Pledge: "P3", Donor: "VCB", Fund: "TQ", Open: 1, Made: date("2017-03-01")}, p, q})
	open = l.book.Open(date("2017-03-31"), "X")
	equal(t, "pledges of X", open.Pledges, []domain.OpenPledge{p, q})
	c := l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "X"})[0].Body.(*domain.PeriodClosed)
	if c.Grants != int64(len(open.Grants)) || c.Grants != 2 || c.Pledges != 2 {
		t.Errorf("the close counts %d grants and %d pledges, %d and %d are listed", c.Grants, c.Pledges, len(open.Grants), len(open.Pledges))
	}
}

func TestClosedThrough(t *testing.T) {
	l := province(t)
	through := func(want, unit string, funds ...string) {
		t.Helper()
		got := l.book.ClosedThrough(unit, funds)
		if want == "" && got >= date("1900-01-01") || want != "" && got != date(want) {
			t.Errorf("%q is closed through %s, want %q", unit, got, want)
		}
	}
	through("", "")
	through("", "X", "XQ")
	through("", "C")
	l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "X"})
	through("2017-03-31", "X", "XQ")
	through("2017-03-31", "X") // without a fund
	through("", "C")
	through("", "H", "XQ", "YQ")
	l.given(&domain.ClosePeriod{Through: date("2017-02-28"), Unit: "Y"})
	through("2017-02-28", "H", "XQ", "YQ")
	through("2017-02-28", "H", "YQ", "XQ")
	l.given(&domain.ClosePeriod{Through: date("2017-06-30"), Unit: "T"}) // does not bind the funds of those below it
	through("2017-02-28", "T", "TQ", "XQ", "YQ")
	through("", "")
	l.given(&domain.ClosePeriod{Through: date("2017-03-15")})
	through("2017-03-15", "")
	through("2017-03-15", "H", "XQ", "YQ")
	through("2017-03-31", "X", "XQ")
	through("2017-03-15", "C")
	// A fund that is opened below is not bound, unless it is closed for good.
	l.on("2017-04-01").given(&domain.OpenFund{Code: "CQ", Unit: "C", Name: "C"})
	through("2017-03-15", "X", "XQ", "CQ")
	l.given(&domain.CloseFund{Fund: "CQ"})
	through("2017-03-31", "X", "XQ", "CQ")
	// A fund keeps its close when it moves.
	l.on("2017-07-01").given(&domain.MergeUnit{Unit: "Y", Into: "X"})
	through("2017-03-15", "X", "XQ", "YQ")
	l.given(&domain.ReopenPeriod{From: date("2017-03-01")})
	through("2017-02-28", "X", "XQ", "YQ")
}
