package domain_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// contractOrder is the order of the refusal codes as the contract states it.
var contractOrder = strings.Fields(`command.malformed text.invalid text.too_long list.too_long command.reused
	reference.unknown reference.taken unit.closed fund.closed person.erased person.merged person.retained
	unit.level unit.cycle unit.not_empty fund.not_empty
	date.future date.closed date.too_early
	amount.not_positive amount.too_fine amount.too_large quantity.missing measure.differs
	grant.settled grant.overpaid grant.over_returned entry.reversed entry.not_reversible entry.in_use pledge.settled count.settled
	period.order period.not_closed period.open_items fund.purpose holding.insufficient queue.full ledger.locked`)

// More codes may be added; those of the contract stand in its order.
func TestCodesOrder(t *testing.T) {
	var got []string
	for _, info := range domain.Codes() {
		if slices.Contains(contractOrder, string(info.Code)) {
			got = append(got, string(info.Code))
		} else if info.Code != domain.PledgeDiffers {
			t.Errorf("%s is neither in the contract nor known as added", info.Code)
		}
	}
	equal(t, "codes", got, contractOrder)
}

// ofTheWriter are the codes that the domain does not refuse with.
var ofTheWriter = []domain.Code{domain.CommandReused, domain.QueueFull, domain.LedgerLocked}

// refusals has a case for every code.
var refusals = []struct {
	code   domain.Code
	given  func(*ledger) domain.CommandBody
	values []string
}{
	{domain.CommandMalformed, func(*ledger) domain.CommandBody { return donate("X Q", "1") }, []string{"/data/fund", "bad code"}},
	{domain.TextInvalid, func(*ledger) domain.CommandBody { return &domain.RenameUnit{Unit: "X", Name: "a\x00"} }, []string{"/data/name"}},
	{domain.TextTooLong, func(*ledger) domain.CommandBody {
		return &domain.RenameUnit{Unit: "X", Name: strings.Repeat("ă", 301)}
	}, []string{"/data/name", "300", "301"}},
	{domain.ListTooLong, func(*ledger) domain.CommandBody {
		return &domain.RecordOpening{Fund: "XQ", Lines: slices.Repeat(cash("1"), 51)}
	}, []string{"/data/lines", "50", "51"}},
	{domain.ReferenceUnknown, func(*ledger) domain.CommandBody { return donate("ZZ", "1") }, []string{"fund", "ZZ"}},
	{domain.ReferenceTaken, func(*ledger) domain.CommandBody {
		return &domain.OpenFund{Code: "XQ", Unit: "Y", Name: "XQ"}
	}, []string{"fund", "XQ"}},
	{domain.UnitIsClosed, func(l *ledger) domain.CommandBody {
		l.given(&domain.CloseUnit{Unit: "C"})
		return &domain.OpenFund{Code: "CQ", Unit: "C", Name: "CQ"}
	}, []string{"C"}},
	{domain.FundIsClosed, func(l *ledger) domain.CommandBody {
		l.given(&domain.CloseFund{Fund: "YQ"})
		return donate("YQ", "1")
	}, []string{"YQ"}},
	{domain.PersonIsErased, func(l *ledger) domain.CommandBody {
		l.given(&domain.ErasePerson{Person: an})
		return &domain.CorrectPerson{Person: an}
	}, []string{an.String()}},
	{domain.PersonIsMerged, func(*ledger) domain.CommandBody {
		return &domain.MergePerson{Person: an, Into: an}
	}, []string{an.String(), an.String()}},
	{domain.PersonRetained, func(l *ledger) domain.CommandBody {
		l.given(award("XQ", "1", an))
		return &domain.ErasePerson{Person: an}
	}, []string{an.String(), "2027-12-31"}},
	{domain.UnitLevel, func(*ledger) domain.CommandBody {
		return &domain.RegisterUnit{Code: "N", Parent: "C", Level: domain.District, Name: "N"}
	}, []string{"N", "district", "C", "chapter"}},
	{domain.UnitCycle, func(*ledger) domain.CommandBody { return &domain.MergeUnit{Unit: "X", Into: "X"} }, []string{"X", "X"}},
	{domain.UnitNotEmpty, func(*ledger) domain.CommandBody { return &domain.CloseUnit{Unit: "H"} }, []string{"H", "2", "0"}},
	{domain.FundNotEmpty, func(*ledger) domain.CommandBody { return &domain.CloseFund{Fund: "TQ"} }, []string{"TQ"}},
	{domain.DateFuture, func(l *ledger) domain.CommandBody {
		l.on("2018-07-02")
		return donate("XQ", "1")
	}, []string{"2018-07-02", "2018-07-01"}},
	{domain.DateClosed, func(l *ledger) domain.CommandBody {
		l.given(&domain.ClosePeriod{Through: date("2017-03-05")})
		return donate("XQ", "1")
	}, []string{"2017-03-05", "2017-03-05"}},
	{domain.DateTooEarly, func(l *ledger) domain.CommandBody {
		l.on("2016-12-31")
		return donate("XQ", "1")
	}, []string{"2016-12-31", "2017-01-01"}},
	{domain.AmountNotPositive, func(*ledger) domain.CommandBody { return spend("TQ", "-3") }, []string{"/data/amount", "-3"}},
	{domain.AmountTooFine, func(*ledger) domain.CommandBody { return spend("TQ", "3.00") }, []string{"/data/amount", "3.00", "0"}},
	{domain.AmountTooLarge, func(*ledger) domain.CommandBody { return spend("TQ", "1000000000000001") }, []string{"/data/amount", "1000000000000001", "1000000000000000"}},
	{domain.QuantityMissing, func(*ledger) domain.CommandBody { return spendBooks("TQ", "") }, []string{"/data/quantity"}},
	{domain.MeasureDiffers, func(l *ledger) domain.CommandBody {
		l.given(donateBooks("YQ", "1", "1"))
		other := donateBooks("XQ", "1", "1")
		other.Lines[0].Measure = "thùng"
		return other
	}, []string{"goods:books", "quyển", "thùng"}},
	{domain.GrantSettled, func(l *ledger) domain.CommandBody { return pay(l.given(paid(award("TQ", "1", an)))[0].ID) }, []string{"GRANT"}},
	{domain.GrantOverpaid, func(l *ledger) domain.CommandBody { return payPart(l.given(award("TQ", "3", an))[0].ID, "4") }, []string{"GRANT", "3", "4"}},
	{domain.GrantOverReturned, func(l *ledger) domain.CommandBody { return giveBack(l.given(award("TQ", "3", an))[0].ID, "1") }, []string{"GRANT", "0", "1"}},
	{domain.EntryIsReversed, func(l *ledger) domain.CommandBody {
		id := l.given(spend("TQ", "1"))[0].ID
		l.given(reverse(id))
		return reverse(id)
	}, []string{"EVENT"}},
	{domain.EntryNotReversible, func(l *ledger) domain.CommandBody { return reverse(l.given(&domain.CloseUnit{Unit: "C"})[0].ID) }, []string{"EVENT", "unit.closed"}},
	{domain.EntryInUse, func(l *ledger) domain.CommandBody { return reverse(l.given(paid(award("TQ", "1", an)))[0].ID) }, []string{"EVENT"}},
	{domain.PledgeSettled, func(l *ledger) domain.CommandBody {
		l.given(&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "1"}, &domain.CancelPledge{Pledge: "P"})
		return &domain.CancelPledge{Pledge: "P"}
	}, []string{"P"}},
	{domain.PledgeDiffers, func(l *ledger) domain.CommandBody {
		l.given(&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "1"})
		return &domain.ReceiveDonation{Fund: "YQ", Donor: "CO", Pledge: "P", Lines: cash("1")}
	}, []string{"P", "VCB", "XQ"}},
	{domain.CountIsSettled, func(l *ledger) domain.CommandBody {
		return &domain.SettleCount{Count: l.given(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "100"})[0].ID}
	}, []string{"COUNT"}},
	{domain.PeriodOrder, func(l *ledger) domain.CommandBody {
		l.given(&domain.ClosePeriod{Through: date("2017-01-31")})
		return &domain.ClosePeriod{Through: date("2017-01-31")}
	}, []string{"2017-01-31", "2017-01-31"}},
	{domain.PeriodNotClosed, func(*ledger) domain.CommandBody { return &domain.ReopenPeriod{From: date("2017-01-31")} }, []string{"2017-01-31"}},
	{domain.PeriodOpenItems, func(l *ledger) domain.CommandBody {
		l.given(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "1"})
		return &domain.ClosePeriod{Through: date("2017-03-05")}
	}, []string{"COUNT", "XQ", "cash"}},
	{domain.FundPurpose, func(l *ledger) domain.CommandBody {
		l.given(&domain.RestrictFund{Fund: "TQ", Purposes: []domain.Purpose{domain.Support}})
		return spend("TQ", "1")
	}, []string{"TQ", "expense"}},
	{domain.HoldingInsufficient, func(*ledger) domain.CommandBody { return spend("TQ", "501") }, []string{"TQ", "cash", "2017-03-05", "500", "501"}},
}

func TestRefusals(t *testing.T) {
	covered := map[domain.Code]bool{}
	for _, tt := range refusals {
		covered[tt.code] = true
		t.Run(string(tt.code), func(t *testing.T) {
			l := province(t)
			l.on("2017-03-05").given(donate("TQ", "500"), donate("XQ", "100"))
			body := tt.given(l)
			last := l.log[len(l.log)-1]
			values := slices.Clone(tt.values)
			for i, v := range values { // what is named is that of the last event
				switch v {
				case "EVENT":
					values[i] = body.(*domain.Reverse).Event.String()
				case "COUNT":
					values[i] = last.ID.String()
				case "GRANT":
					switch e := last.Body.(type) {
					case *domain.GrantDisbursed:
						values[i] = e.Grant.String()
					default:
						values[i] = last.ID.String()
					}
				}
			}
			before := l.bytes()
			l.when(body).refused(tt.code, values...)
			equal(t, "book after a refusal", l.bytes(), before)
		})
	}
	for _, info := range domain.Codes() {
		if covered[info.Code] == slices.Contains(ofTheWriter, info.Code) {
			t.Errorf("%s: case: %v, refused by the writer alone: %v", info.Code, covered[info.Code], !covered[info.Code])
		}
	}
}

// Of two reasons, the one that stands first is told. Each case breaks both rules; pairs of neighbours that no command can
// break together are left out.
func TestPrecedence(t *testing.T) {
	long := strings.Repeat("x", 501)
	for _, tt := range []struct {
		first, second domain.Code
		given         func(*ledger) domain.CommandBody
	}{
		{domain.CommandMalformed, domain.TextInvalid, func(*ledger) domain.CommandBody {
			return &domain.RenameUnit{Unit: "X", NameEN: "a\n"}
		}},
		{domain.TextInvalid, domain.TextTooLong, func(*ledger) domain.CommandBody {
			return &domain.RenameUnit{Unit: "X", Name: strings.Repeat("x", 301), NameEN: "\x7f"}
		}},
		{domain.TextTooLong, domain.ListTooLong, func(*ledger) domain.CommandBody {
			lines := slices.Repeat(cash("1"), 51)
			lines[50].ValuedBy = long
			return &domain.RecordOpening{Fund: "XQ", Lines: lines}
		}},
		{domain.ListTooLong, domain.ReferenceUnknown, func(*ledger) domain.CommandBody {
			return &domain.RecordOpening{Fund: "ZZ", Lines: slices.Repeat(cash("1"), 51)}
		}},
		{domain.ReferenceUnknown, domain.ReferenceTaken, func(*ledger) domain.CommandBody {
			return &domain.OpenFund{Code: "XQ", Unit: "ZZ", Name: "N"}
		}},
		{domain.ReferenceTaken, domain.UnitIsClosed, func(l *ledger) domain.CommandBody {
			l.given(&domain.CloseUnit{Unit: "C"})
			return &domain.OpenFund{Code: "XQ", Unit: "C", Name: "N"}
		}},
		{domain.UnitIsClosed, domain.FundIsClosed, func(l *ledger) domain.CommandBody {
			l.given(&domain.CloseUnit{Unit: "C"}, &domain.CloseFund{Fund: "YQ"})
			return &domain.MakeGrant{Kind: domain.Support, Fund: "YQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Unit: "C", Amount: "1"}}}
		}},
		{domain.FundIsClosed, domain.PersonIsErased, func(l *ledger) domain.CommandBody {
			l.given(&domain.ErasePerson{Person: an}, &domain.CloseFund{Fund: "YQ"})
			return award("YQ", "1", an)
		}},
		{domain.PersonIsErased, domain.PersonIsMerged, func(l *ledger) domain.CommandBody {
			l.given(&domain.ErasePerson{Person: an})
			return &domain.MergePerson{Person: an, Into: co}
		}},
		{domain.PersonIsErased, domain.PersonRetained, func(l *ledger) domain.CommandBody {
			l.given(award("XQ", "1", an))
			l.remarked().given(&domain.ErasePerson{Person: an, Override: ptr(true)})
			l.remark = false
			return &domain.ErasePerson{Person: an}
		}},
		{domain.UnitIsClosed, domain.UnitLevel, func(l *ledger) domain.CommandBody {
			l.given(&domain.CloseUnit{Unit: "C"})
			return &domain.MoveUnit{Unit: "X", Parent: "C"}
		}},
		{domain.UnitLevel, domain.UnitCycle, func(*ledger) domain.CommandBody { return &domain.MoveUnit{Unit: "H", Parent: "C"} }},
		{domain.UnitCycle, domain.DateFuture, func(l *ledger) domain.CommandBody {
			l.on("2020-01-01")
			return &domain.MergeUnit{Unit: "X", Into: "X"}
		}},
		{domain.UnitNotEmpty, domain.DateFuture, func(l *ledger) domain.CommandBody {
			l.on("2020-01-01")
			return &domain.CloseUnit{Unit: "X"}
		}},
		{domain.FundNotEmpty, domain.DateFuture, func(l *ledger) domain.CommandBody {
			l.on("2020-01-01")
			return &domain.CloseFund{Fund: "XQ"}
		}},
		{domain.DateFuture, domain.DateClosed, func(l *ledger) domain.CommandBody {
			l.given(&domain.ClosePeriod{Through: date("2018-07-01")})
			l.at("2018-06-20T00:00:00Z").on("2018-07-01") // the clock went back
			return donate("XQ", "1")
		}},
		{domain.DateClosed, domain.DateTooEarly, func(l *ledger) domain.CommandBody {
			l.given(&domain.ClosePeriod{Through: date("2017-01-31")})
			l.on("2016-01-01")
			return donate("XQ", "1")
		}},
		{domain.DateTooEarly, domain.AmountNotPositive, func(l *ledger) domain.CommandBody {
			l.on("2016-01-01")
			return donate("XQ", "0")
		}},
		{domain.AmountNotPositive, domain.AmountTooFine, func(*ledger) domain.CommandBody { return donate("XQ", "-1.5") }},
		{domain.AmountNotPositive, domain.AmountTooLarge, func(*ledger) domain.CommandBody { return donate("XQ", "-99999999999999999999") }},
		{domain.AmountTooFine, domain.AmountTooLarge, func(*ledger) domain.CommandBody { return donate("XQ", "99999999999999999999.5") }},
		{domain.AmountTooLarge, domain.QuantityMissing, func(*ledger) domain.CommandBody {
			return &domain.RecordOpening{Fund: "XQ", Lines: append(donateBooks("XQ", "", "1").Lines, cash("1000000000000001")...)}
		}},
		{domain.ReferenceUnknown, domain.QuantityMissing, func(*ledger) domain.CommandBody { return donateBooks("ZZ", "", "1") }},
		{domain.QuantityMissing, domain.MeasureDiffers, func(l *ledger) domain.CommandBody {
			l.given(donateBooks("XQ", "1", "1"))
			c := donateBooks("XQ", "", "1")
			c.Lines[0].Measure = "kg"
			return c
		}},
		{domain.QuantityMissing, domain.MeasureDiffers, func(l *ledger) domain.CommandBody {
			l.given(donateBooks("XQ", "1", "1"))
			c := donateBooks("XQ", "1", "1")
			c.Lines[0].Measure = ""
			return c
		}},
		{domain.MeasureDiffers, domain.PledgeSettled, func(l *ledger) domain.CommandBody {
			l.given(donateBooks("XQ", "1", "1"), &domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "1"}, &domain.CancelPledge{Pledge: "P"})
			c := donateBooks("XQ", "1", "1")
			c.Lines[0].Measure, c.Pledge = "kg", "P"
			return c
		}},
		{domain.AmountNotPositive, domain.GrantSettled, func(l *ledger) domain.CommandBody {
			g := l.given(paid(award("XQ", "1", an)), award("XQ", "1", an))
			return &domain.Disburse{Grants: []domain.Payment{{Grant: g[0].ID}, {Grant: g[2].ID, Amount: "0"}}}
		}},
		{domain.GrantSettled, domain.GrantOverpaid, func(l *ledger) domain.CommandBody {
			g := l.given(paid(award("XQ", "1", an)), award("XQ", "1", an))
			return &domain.Disburse{Grants: []domain.Payment{{Grant: g[2].ID, Amount: "2"}, {Grant: g[0].ID}}}
		}},
		{domain.AmountTooFine, domain.GrantOverReturned, func(l *ledger) domain.CommandBody {
			return giveBack(l.given(award("XQ", "1", an))[0].ID, "1.5")
		}},
		{domain.EntryIsReversed, domain.EntryInUse, func(l *ledger) domain.CommandBody {
			g := l.given(paid(award("XQ", "1", an)))
			l.given(reverse(g[1].ID), pay(g[0].ID), giveBack(g[0].ID, "1"))
			return reverse(g[1].ID)
		}},
		{domain.EntryIsReversed, domain.HoldingInsufficient, func(l *ledger) domain.CommandBody {
			d := l.given(donate("YQ", "1"))[0].ID
			l.given(reverse(d))
			return reverse(d)
		}},
		{domain.DateTooEarly, domain.EntryIsReversed, func(l *ledger) domain.CommandBody {
			d := l.given(donate("YQ", "1"))[0].ID
			l.given(reverse(d))
			l.on("2017-03-04")
			return reverse(d)
		}},
		{domain.PledgeSettled, domain.PledgeDiffers, func(l *ledger) domain.CommandBody {
			l.given(&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "1"}, &domain.CancelPledge{Pledge: "P"})
			return &domain.ReceiveDonation{Fund: "YQ", Donor: "VCB", Pledge: "P", Lines: cash("1")}
		}},
		{domain.FundIsClosed, domain.CountIsSettled, func(l *ledger) domain.CommandBody {
			n := l.given(&domain.CountHolding{Fund: "YQ", Asset: domain.Cash, Counted: "0"}, &domain.CloseFund{Fund: "YQ"})[0].ID
			return &domain.SettleCount{Count: n}
		}},
		{domain.DateFuture, domain.CountIsSettled, func(l *ledger) domain.CommandBody {
			n := l.given(&domain.CountHolding{Fund: "YQ", Asset: domain.Cash, Counted: "0"})[0].ID
			l.on("2020-01-01")
			return &domain.SettleCount{Count: n}
		}},
		{domain.DateTooEarly, domain.CountIsSettled, func(l *ledger) domain.CommandBody {
			n := l.given(&domain.CountHolding{Fund: "YQ", Asset: domain.Cash, Counted: "0"})[0].ID
			l.on("2017-03-04")
			return &domain.SettleCount{Count: n}
		}},
		{domain.DateFuture, domain.PeriodOrder, func(l *ledger) domain.CommandBody {
			l.given(&domain.ClosePeriod{Through: date("2017-03-05")})
			l.on("2020-01-01")
			return &domain.ClosePeriod{Through: date("2017-03-05")}
		}},
		{domain.PeriodOrder, domain.PeriodOpenItems, func(l *ledger) domain.CommandBody {
			l.given(&domain.ClosePeriod{Through: date("2017-03-05")})
			s := l.on("2017-03-06").given(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "101"})[0].ID
			s = l.given(&domain.SettleCount{Count: s})[0].ID
			l.given(&domain.ClosePeriod{Through: date("2017-03-06")})
			l.on("2017-03-07").given(reverse(s))
			return &domain.ClosePeriod{Through: date("2017-03-06")}
		}},
		{domain.DateFuture, domain.PeriodNotClosed, func(l *ledger) domain.CommandBody {
			l.on("2020-01-01")
			return &domain.ReopenPeriod{From: date("2017-03-05")}
		}},
		{domain.AmountTooFine, domain.FundPurpose, func(l *ledger) domain.CommandBody {
			l.given(&domain.RestrictFund{Fund: "XQ", Purposes: []domain.Purpose{domain.Support}})
			return spend("XQ", "1.5")
		}},
		{domain.FundPurpose, domain.HoldingInsufficient, func(l *ledger) domain.CommandBody {
			l.given(&domain.RestrictFund{Fund: "XQ", Purposes: []domain.Purpose{domain.Support}})
			return spend("XQ", "1000")
		}},
	} {
		t.Run(string(tt.first)+" before "+string(tt.second), func(t *testing.T) {
			i, j := place(tt.first), place(tt.second)
			if i >= j {
				t.Fatalf("%s does not stand before %s", tt.first, tt.second)
			}
			l := province(t)
			l.on("2017-03-05").given(donate("XQ", "100"))
			o := l.when(tt.given(l))
			if o.refusal == nil || o.refusal.Code != tt.first {
				t.Errorf("%s: got %v, want %s", o.command.Body.Type(), o.refusal, tt.first)
			}
		})
	}
}

func place(code domain.Code) int {
	return slices.IndexFunc(domain.Codes(), func(info domain.CodeInfo) bool { return info.Code == code })
}

func TestTexts(t *testing.T) {
	name := strings.Repeat("ă", domain.MaxName) // characters, not bytes
	text := strings.Repeat("ă", domain.MaxText)
	l := province(t)
	l.on("2017-03-05").given(
		&domain.RegisterUnit{Code: "N", Parent: "T", Level: domain.District, Name: name, NameEN: name, Official: text, Address: text},
		&domain.RegisterDonor{Code: "N", Kind: "organisation", Name: name, Address: text},
	)
	for _, bad := range []string{"a\x00b", "a\nb", "\t", "\x1b[0m", "\u0085", "\xff", "a\xc3"} {
		l.when(&domain.RenameUnit{Unit: "X", Name: bad}).refused(domain.TextInvalid, "/data/name")
	}
	n, m := name+"x", text+"x"
	for _, tt := range []struct {
		body           domain.CommandBody
		pointer, limit string
	}{
		{&domain.RegisterUnit{Code: "M", Parent: "T", Level: domain.District, Name: n}, "/data/name", "300"},
		{&domain.RegisterUnit{Code: "M", Parent: "T", Level: domain.District, Name: "M", NameEN: n}, "/data/name_en", "300"},
		{&domain.RegisterUnit{Code: "M", Parent: "T", Level: domain.District, Name: "M", Official: m}, "/data/official", "500"},
		{&domain.RegisterUnit{Code: "M", Parent: "T", Level: domain.District, Name: "M", Address: m}, "/data/address", "500"},
		{&domain.RenameUnit{Unit: "X", Name: "M", NameEN: n}, "/data/name_en", "300"},
		{&domain.OpenFund{Code: "M", Unit: "X", Name: n}, "/data/name", "300"},
		{&domain.OpenFund{Code: "M", Unit: "X", Name: "M", NameEN: n}, "/data/name_en", "300"},
		{&domain.RegisterDonor{Code: "M", Kind: "organisation", Name: n}, "/data/name", "300"},
		{&domain.RegisterDonor{Code: "M", Kind: "organisation", Name: "M", Address: m}, "/data/address", "500"},
		{&domain.RecordExpense{Fund: "XQ", Asset: domain.Cash, Amount: "1", Purpose: "other", Payee: &domain.Payee{Organisation: n}}, "/data/payee/organisation", "300"},
		{&domain.RecordOpening{Fund: "XQ", Lines: []domain.LineInput{{Asset: books, Amount: "1", Quantity: "1", Measure: m}}}, "/data/lines/0/measure", "500"},
		{&domain.RecordOpening{Fund: "XQ", Lines: []domain.LineInput{{Asset: domain.Cash, Amount: "1", ValuedBy: m}}}, "/data/lines/0/valued_by", "500"},
		{&domain.MakeGrant{Kind: domain.Support, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Collective: n, Amount: "1"}}}, "/data/recipients/0/collective", "300"},
		{&domain.MakeGrant{Kind: domain.Support, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Unit: "X", Amount: "1"}}, Decision: &domain.Decision{Number: m}}, "/data/decision/number", "500"},
		{&domain.MakeGrant{Kind: domain.Support, Fund: "XQ", Asset: domain.Cash, Recipients: []domain.Recipient{{Unit: "X", Amount: "1"}}, Decision: &domain.Decision{Number: "1", Issuer: m}}, "/data/decision/issuer", "500"},
		{&domain.ReportIndicator{Unit: "X", Indicator: "a", Value: "1", Measure: m}, "/data/measure", "500"},
	} {
		l.when(tt.body).refused(domain.TextTooLong, tt.pointer, tt.limit, map[string]string{"300": "301", "500": "501"}[tt.limit])
	}
	if err := domain.CheckText("/remark", strings.Repeat("x", domain.MaxRemark), domain.MaxRemark); err != nil {
		t.Error(err)
	}
	var refusal *domain.Refusal
	err := domain.CheckText("/remark", strings.Repeat("x", domain.MaxRemark+1), domain.MaxRemark)
	if !errors.As(err, &refusal) || refusal.Error() != "text.too_long pointer=/remark limit=2000 length=2001" {
		t.Errorf("a remark that is too long: %v", err)
	}
}

func TestLists(t *testing.T) {
	l := province(t)
	l.on("2017-03-05").given(&domain.RecordOpening{Fund: "XQ", Lines: slices.Repeat(cash("2000"), domain.MaxLines)})
	l.when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: slices.Repeat(cash("1"), 51)}).refused(domain.ListTooLong, "/data/lines", "50", "51")
	l.when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB"}).refused(domain.CommandMalformed, "/data/lines", "empty list")
	persons := slices.Repeat([]uuid.UUID{an}, domain.MaxRecipients+1)
	l.when(award("XQ", "1", persons...)).refused(domain.ListTooLong, "/data/recipients", "50000", "50001")
	o := l.when(paid(award("XQ", "1", persons[1:]...))).accepted()
	if n := len(o.events); n != 2*domain.MaxRecipients {
		t.Errorf("%d events", n)
	}
	l.has("XQ cash 50000/0")
	err := domain.Validate(&domain.Disburse{Grants: make([]domain.Payment, domain.MaxGrants+1)})
	equal(t, "Validate", err, error(domain.Refuse(domain.ListTooLong, "/data/grants", "50000", "50001")))
}

func TestCodesOfCommands(t *testing.T) {
	for _, tt := range []struct {
		body    domain.CommandBody
		pointer string
	}{
		{&domain.RegisterUnit{Code: "-", Level: domain.District, Name: "N"}, "/data/code"},
		{&domain.RegisterUnit{Code: "N", Parent: "-", Level: domain.District, Name: "N"}, "/data/parent"},
		{&domain.RenameUnit{Unit: "-", Name: "N"}, "/data/unit"},
		{&domain.MoveUnit{Unit: "-", Parent: "T"}, "/data/unit"},
		{&domain.MoveUnit{Unit: "X", Parent: "-"}, "/data/parent"},
		{&domain.MergeUnit{Unit: "-", Into: "T"}, "/data/unit"},
		{&domain.MergeUnit{Unit: "X", Into: "-"}, "/data/into"},
		{&domain.CloseUnit{Unit: "-"}, "/data/unit"},
		{&domain.OpenFund{Code: "-", Unit: "X", Name: "N"}, "/data/code"},
		{&domain.OpenFund{Code: "N", Unit: "-", Name: "N"}, "/data/unit"},
		{&domain.RestrictFund{Fund: "-", Purposes: domain.Purposes()}, "/data/fund"},
		{&domain.CloseFund{Fund: "-"}, "/data/fund"},
		{&domain.RecordOpening{Fund: "-", Lines: cash("1")}, "/data/fund"},
		{&domain.MakePledge{Pledge: "-", Donor: "VCB", Fund: "XQ", Amount: "1"}, "/data/pledge"},
		{&domain.MakePledge{Pledge: "P", Donor: "-", Fund: "XQ", Amount: "1"}, "/data/donor"},
		{&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "-", Amount: "1"}, "/data/fund"},
		{&domain.CancelPledge{Pledge: "-"}, "/data/pledge"},
		{&domain.ReceiveDonation{Fund: "-", Donor: "VCB", Lines: cash("1")}, "/data/fund"},
		{&domain.ReceiveDonation{Fund: "XQ", Donor: "-", Lines: cash("1")}, "/data/donor"},
		{&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: cash("1"), Pledge: "-"}, "/data/pledge"},
		{award("-", "1", an), "/data/fund"},
		{spend("-", "1"), "/data/fund"},
		{&domain.TransferFunds{From: "-", To: "XQ", Asset: domain.Cash, Amount: "1"}, "/data/from"},
		{&domain.TransferFunds{From: "XQ", To: "-", Asset: domain.Cash, Amount: "1"}, "/data/to"},
		{&domain.MoveHolding{Fund: "-", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: "1"}, "/data/fund"},
		{&domain.CountHolding{Fund: "-", Asset: domain.Cash, Counted: "1"}, "/data/fund"},
		{&domain.ClosePeriod{Unit: "-"}, "/data/unit"},
		{&domain.ReopenPeriod{Unit: "-"}, "/data/unit"},
		{&domain.ReportIndicator{Unit: "-", Indicator: "a", Value: "1"}, "/data/unit"},
		{&domain.ReportIndicator{Unit: "X", Indicator: "-", Value: "1"}, "/data/indicator"},
	} {
		l := province(t)
		l.when(tt.body).refused(domain.CommandMalformed, tt.pointer, "bad code")
	}
	l := province(t)
	l.when(&domain.RegisterUnit{Code: "N", Level: "village", Name: "N"}).refused(domain.CommandMalformed, "/data/level", "unknown value")
	l.when(&domain.RegisterUnit{Code: "N", Level: domain.District}).refused(domain.CommandMalformed, "/data/name", "required")
	l.when(&domain.RegisterPerson{Kind: "dog"}).refused(domain.CommandMalformed, "/data/kind", "unknown value")
	unknown := uuid.UUID{0: 7}
	for _, body := range []domain.CommandBody{
		&domain.CorrectPerson{Person: unknown}, &domain.ErasePerson{Person: unknown},
		&domain.MergePerson{Person: unknown, Into: an}, &domain.MergePerson{Person: an, Into: unknown},
	} {
		l.when(body).refused(domain.ReferenceUnknown, "person", unknown.String())
	}
}

func TestRefusal(t *testing.T) {
	r := domain.Refuse(domain.ReferenceUnknown, "fund", "HB")
	equal(t, "Error", r.Error(), "reference.unknown kind=fund ref=HB")
	equal(t, "Arg", []string{r.Arg("kind"), r.Arg("ref"), r.Arg("day")}, []string{"fund", "HB", ""})
	equal(t, "Refuse", domain.Refuse(domain.LedgerLocked), &domain.Refusal{Code: domain.LedgerLocked})

	fault, later := errors.New("fault"), domain.Refuse(domain.HoldingInsufficient)
	for _, tt := range []struct{ a, b, want error }{
		{nil, nil, nil},
		{r, nil, r},
		{nil, r, r},
		{r, later, r},
		{later, r, r},
		{r, fault, fault},
		{fault, r, fault},
		{r, domain.Refuse(domain.ReferenceUnknown, "unit", "X"), r},
	} {
		if got := domain.First(tt.a, tt.b); got != tt.want {
			t.Errorf("First(%v, %v) = %v, want %v", tt.a, tt.b, got, tt.want)
		}
	}
}
