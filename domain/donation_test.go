package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

func TestReceiveDonation(t *testing.T) {
	l := province(t)
	l.on("2017-03-05").when(&domain.ReceiveDonation{
		Fund: "XQ", Donor: "CO", Attached: ptr(int64(2)),
		Lines: []domain.LineInput{
			{Asset: domain.Cash, Amount: "500000"},
			{Asset: domain.Bank, Amount: "1000000"},
			{Asset: books, Amount: "90000", Quantity: "12.5", Measure: "quyển", ValuedBy: "Hội đồng"},
			{Asset: domain.Labour, Amount: "300000", Quantity: "2", Measure: "công"},
			{Asset: domain.Cash, Amount: "1"},
		},
	}).then(&domain.DonationReceived{
		Fund: "XQ", Donor: "CO", Attached: ptr(int64(2)), Unit: "X", DonorKind: "person",
		Lines: []domain.Line{
			{Asset: domain.Cash, Amount: 500000},
			{Asset: domain.Bank, Amount: 1000000},
			{Asset: books, Amount: 90000, Quantity: 12500, Measure: "quyển", ValuedBy: "Hội đồng"},
			{Asset: domain.Labour, Amount: 300000, Quantity: 2000, Measure: "công"},
			{Asset: domain.Cash, Amount: 1},
		},
		Numbers: numbers("X PT-2017-000001", "X BC-2017-000001", "X PN-2017-000001"), // one a series
	}).subjects("fund:XQ", "donor:CO").
		vouchers("X PT-2017-000001", "X BC-2017-000001", "X PN-2017-000001").
		effects(
			domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-05"), Posted: 500000},
			domain.Effect{Fund: "XQ", Asset: domain.Bank, Day: date("2017-03-05"), Posted: 1000000},
			domain.Effect{Fund: "XQ", Asset: books, Day: date("2017-03-05"), Posted: 90000, Quantity: 12500},
			domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-05"), Posted: 1},
		).
		posts(
			"X XQ assets:cash 500000", "X XQ income:donations:money -500000",
			"X XQ assets:bank 1000000", "X XQ income:donations:money -1000000",
			"X XQ assets:goods:books 90000 12500", "X XQ income:donations:goods -90000",
			"X XQ expenses:labour 300000", "X XQ income:donations:labour -300000",
			"X XQ assets:cash 1", "X XQ income:donations:money -1",
		)
	l.has("XQ cash 500001/0", "XQ bank 1000000/0", "XQ goods:books 90000/0 12500/0", "XQ labour 0/0")
	equal(t, "measure", l.book.Measure("books"), "quyển")
	equal(t, "measure", l.book.Measure("rice"), "")
	equal(t, "balance before", l.balanceOn("XQ", domain.Cash, "2017-03-04"), "0/0")
	equal(t, "balance of no fund", l.balanceOn("ZZ", domain.Cash, "2017-03-05")+l.balance("ZZ", domain.Bank), "0/00/0")
}

// Labour alone is in no holding and takes no number, but it is in the books and can be reversed.
func TestLabour(t *testing.T) {
	l := province(t)
	o := l.on("2017-03-05").when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: []domain.LineInput{
		{Asset: domain.Labour, Amount: "300000", Quantity: "2", Measure: "công"},
	}}).vouchers().effects([]domain.Effect{}...).posts("X XQ expenses:labour 300000", "X XQ income:donations:labour -300000")
	l.when(reverse(o.id())).vouchers().posts("X XQ expenses:labour -300000", "X XQ income:donations:labour 300000")
	// The measure of labour is not that of an item: it may differ.
	l.given(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: []domain.LineInput{
		{Asset: domain.Labour, Amount: "1", Quantity: "2", Measure: "giờ"},
	}})
	// An opening has none.
	l.when(&domain.RecordOpening{Fund: "XQ", Lines: []domain.LineInput{{Asset: domain.Labour, Amount: "1", Quantity: "2", Measure: "giờ"}}}).
		refused(domain.CommandMalformed, "/data/lines/0/asset", "unknown asset")
}

func TestLabourReversedDates(t *testing.T) {
	l := province(t)
	o := l.on("2017-03-05").when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: []domain.LineInput{
		{Asset: domain.Labour, Amount: "300000", Quantity: "2", Measure: "công"},
	}})
	l.given(&domain.ClosePeriod{Through: date("2017-03-31"), Unit: "X"})
	l.when(reverse(o.id())).refused(domain.DateClosed, "2017-03-05", "2017-03-31")
}

func TestRecordOpening(t *testing.T) {
	l := province(t)
	l.on("2017-01-01").when(&domain.RecordOpening{Fund: "XQ", Lines: []domain.LineInput{
		{Asset: domain.Cash, Amount: "700"},
		{Asset: books, Amount: "50", Quantity: "5", Measure: "quyển"},
	}}).then(&domain.OpeningRecorded{Fund: "XQ", Unit: "X", Lines: []domain.Line{
		{Asset: domain.Cash, Amount: 700},
		{Asset: books, Amount: 50, Quantity: 5000, Measure: "quyển"},
	}}).subjects("fund:XQ").vouchers().
		effects(
			domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-01-01"), Posted: 700},
			domain.Effect{Fund: "XQ", Asset: books, Day: date("2017-01-01"), Posted: 50, Quantity: 5000},
		).
		posts(
			"X XQ assets:cash 700", "X XQ equity:opening -700",
			"X XQ assets:goods:books 50 5000", "X XQ equity:opening -50",
		)
	l.has("XQ cash 700/0", "XQ goods:books 50/0 5000/0")
	l.when(donateBooks("TQ", "1", "1")).accepted()
	other := donateBooks("TQ", "1", "1")
	other.Lines[0].Measure = "kg"
	l.when(other).refused(domain.MeasureDiffers, "goods:books", "quyển", "kg")
}

func TestMeasureWithinOneCommand(t *testing.T) {
	l := province(t)
	l.on("2017-01-01").when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: []domain.LineInput{
		{Asset: "goods:rice", Amount: "1", Quantity: "1", Measure: "kg"},
		{Asset: "goods:rice", Amount: "1", Quantity: "1", Measure: "bao"},
	}}).refused(domain.MeasureDiffers, "goods:rice", "kg", "bao")
	equal(t, "measure", l.book.Measure("rice"), "")
}

func TestLineForm(t *testing.T) {
	good := domain.LineInput{Asset: domain.Cash, Amount: "1"}
	for _, tt := range []struct {
		line   domain.LineInput
		code   domain.Code
		values []string
	}{
		{domain.LineInput{Amount: "1"}, domain.CommandMalformed, []string{"/data/lines/1/asset", "unknown asset"}},
		{domain.LineInput{Asset: "gold", Amount: "1"}, domain.CommandMalformed, []string{"/data/lines/1/asset", "unknown asset"}},
		{domain.LineInput{Asset: "goods:", Amount: "1"}, domain.CommandMalformed, []string{"/data/lines/1/asset", "unknown asset"}},
		{domain.LineInput{Asset: domain.Cash}, domain.CommandMalformed, []string{"/data/lines/1/amount", "required"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "1e3"}, domain.CommandMalformed, []string{"/data/lines/1/amount", "bad number"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "1", Quantity: "1"}, domain.CommandMalformed, []string{"/data/lines/1/quantity", "money has no quantity"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "1", Measure: "kg"}, domain.CommandMalformed, []string{"/data/lines/1/measure", "money has no measure"}},
		{domain.LineInput{Asset: books, Amount: "1", Quantity: "x", Measure: "quyển"}, domain.CommandMalformed, []string{"/data/lines/1/quantity", "bad number"}},
		{domain.LineInput{Asset: books, Amount: "1", Measure: "quyển"}, domain.QuantityMissing, []string{"/data/lines/1/quantity"}},
		{domain.LineInput{Asset: books, Amount: "1", Quantity: "1"}, domain.QuantityMissing, []string{"/data/lines/1/measure"}},
		{domain.LineInput{Asset: domain.Labour, Amount: "1", Quantity: "1"}, domain.QuantityMissing, []string{"/data/lines/1/measure"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "0"}, domain.AmountNotPositive, []string{"/data/lines/1/amount", "0"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "-0"}, domain.AmountNotPositive, []string{"/data/lines/1/amount", "-0"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "-5"}, domain.AmountNotPositive, []string{"/data/lines/1/amount", "-5"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "1.0"}, domain.AmountTooFine, []string{"/data/lines/1/amount", "1.0", "0"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "1000000000000001"}, domain.AmountTooLarge, []string{"/data/lines/1/amount", "1000000000000001", "1000000000000000"}},
		{domain.LineInput{Asset: domain.Cash, Amount: "99999999999999999999"}, domain.AmountTooLarge, []string{"/data/lines/1/amount", "99999999999999999999", "1000000000000000"}},
		{domain.LineInput{Asset: books, Amount: "0", Quantity: "1", Measure: "quyển"}, domain.AmountNotPositive, []string{"/data/lines/1/amount", "0"}},
		{domain.LineInput{Asset: books, Amount: "1", Quantity: "0.000", Measure: "quyển"}, domain.AmountNotPositive, []string{"/data/lines/1/quantity", "0.000"}},
		{domain.LineInput{Asset: books, Amount: "1", Quantity: "1.0000", Measure: "quyển"}, domain.AmountTooFine, []string{"/data/lines/1/quantity", "1.0000", "3"}},
		{domain.LineInput{Asset: books, Amount: "1", Quantity: "1000000000001", Measure: "quyển"}, domain.AmountTooLarge, []string{"/data/lines/1/quantity", "1000000000001", "1000000000000"}},
	} {
		l := province(t)
		l.on("2017-03-05").when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: []domain.LineInput{good, tt.line}}).refused(tt.code, tt.values...)
		if tt.line.Asset != domain.Labour {
			l.when(&domain.RecordOpening{Fund: "XQ", Lines: []domain.LineInput{good, tt.line}}).refused(tt.code, tt.values...)
		}
	}
	for _, attached := range []int64{-1, domain.MaxAttached + 1} {
		province(t).when(&domain.ReceiveDonation{Fund: "XQ", Donor: "VCB", Lines: cash("1"), Attached: &attached}).
			refused(domain.CommandMalformed, "/data/attached", "bad number")
	}
}

// The pointer names the line whatever decimals the currency has.
func TestAmountOfCurrency(t *testing.T) {
	l := open(t, "USD")
	l.on("2017-01-01").given(
		&domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "T"},
		&domain.OpenFund{Code: "TQ", Unit: "T", Name: "T"},
		&domain.RegisterDonor{Code: "VCB", Kind: "anonymous"},
		donate("TQ", "12.34"), donate("TQ", "0.1"), donate("TQ", "10000000000000"),
	)
	l.has("TQ cash 1000000000001244/0")
	l.when(donate("TQ", "999999999999999")).refused(domain.AmountTooLarge, "/data/lines/0/amount", "999999999999999", "10000000000000.00")
	l.when(donate("TQ", "1.234")).refused(domain.AmountTooFine, "/data/lines/0/amount", "1.234", "2")
	l.when(donate("TQ", "0.00")).refused(domain.AmountNotPositive, "/data/lines/0/amount", "0.00")
	l.when(spend("TQ", "10000000000000")).accepted()
	l.when(spend("TQ", "12.45")).refused(domain.HoldingInsufficient, "TQ", "cash", "2017-01-01", "12.44", "12.45")
	if got := l.book.Currency().Code; got != "USD" {
		t.Errorf("currency %s", got)
	}
}

// The sum of all that a ledger ever moved stays within int64: what would break it is refused, also when it is undone.
func TestSumBeyondInt64(t *testing.T) {
	const most = "1000000000000000"
	lines := func(asset domain.Asset) []domain.LineInput {
		var list []domain.LineInput
		for range domain.MaxLines {
			line := domain.LineInput{Asset: asset, Amount: most}
			if !asset.IsMoney() {
				line.Quantity, line.Measure = "1", "công"
			}
			list = append(list, line)
		}
		return list
	}
	for _, asset := range []domain.Asset{domain.Cash, books, domain.Labour} {
		t.Run(string(asset), func(t *testing.T) {
			l := province(t)
			l.on("2017-01-01")
			gift := &domain.ReceiveDonation{Fund: "TQ", Donor: "VCB", Lines: lines(asset)}
			n := 0
			for l.when(gift).refusal == nil {
				n++
			}
			if n != 184 { // 184 × 50 × 10^15 < 2^63 < 185 × 50 × 10^15
				t.Errorf("%d gifts", n)
			}
			l.when(gift).refused(domain.AmountTooLarge, "/data/lines", map[bool]string{true: "50000000000000000", false: most}[asset == domain.Labour], most)
			if o := l.when(reverse(l.log[len(l.log)-1].ID)); o.refusal == nil || o.refusal.Code != domain.AmountTooLarge {
				t.Errorf("reversal of what reached the limit: %v", o.refusal)
			}
		})
	}
}
