package domain_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

func TestRecordExpense(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "1000"), donateBank("XQ", "1000"), donateBooks("XQ", "3", "100"))
	organisation := &domain.Payee{Organisation: "Nhà in"}
	l.when(&domain.RecordExpense{Fund: "XQ", Asset: domain.Cash, Amount: "300", Purpose: "printing", Payee: organisation}).
		then(&domain.ExpenseRecorded{
			Fund: "XQ", Asset: domain.Cash, Amount: 300, Purpose: "printing", Payee: organisation,
			Unit: "X", Numbers: numbers("X PC-2017-000001"),
		}).
		subjects("fund:XQ").vouchers("X PC-2017-000001").
		effects(domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-01"), Posted: -300}).
		posts("X XQ assets:cash -300", "X XQ expenses:administration:printing 300")

	l.when(&domain.RecordExpense{Fund: "XQ", Asset: domain.Bank, Amount: "11", Purpose: "bank_fee", Payee: &domain.Payee{Person: an}}).
		subjects("fund:XQ", "person:"+an.String()).vouchers("X BN-2017-000001")

	l.when(&domain.RecordExpense{Fund: "XQ", Asset: books, Quantity: "1", Purpose: "activity", Payee: &domain.Payee{Donor: "CO"}}).
		then(&domain.ExpenseRecorded{
			Fund: "XQ", Asset: books, Amount: 33, Quantity: 1000, Purpose: "activity", Payee: &domain.Payee{Donor: "CO"},
			Unit: "X", Numbers: numbers("X PX-2017-000001"),
		}).
		subjects("fund:XQ", "donor:CO").
		effects(domain.Effect{Fund: "XQ", Asset: books, Day: date("2017-03-01"), Posted: -33, Quantity: -1000}).
		posts("X XQ assets:goods:books -33 -1000", "X XQ expenses:administration:activity 33")
	l.has("XQ cash 700/0", "XQ bank 989/0", "XQ goods:books 67/0 2000/0")
}

func TestPayee(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "1000"), &domain.ErasePerson{Person: co})
	unknown := uuid.UUID{0: 7}
	for _, tt := range []struct {
		payee  domain.Payee
		code   domain.Code
		values []string
	}{
		{domain.Payee{}, domain.CommandMalformed, []string{"/data/payee", "exactly one of organisation, person, donor"}},
		{domain.Payee{Person: an, Donor: "CO"}, domain.CommandMalformed, []string{"/data/payee", "exactly one of organisation, person, donor"}},
		{domain.Payee{Donor: "C O"}, domain.CommandMalformed, []string{"/data/payee/donor", "bad code"}},
		{domain.Payee{Organisation: "a\tb"}, domain.TextInvalid, []string{"/data/payee/organisation"}},
		{domain.Payee{Person: unknown}, domain.ReferenceUnknown, []string{"person", unknown.String()}},
		{domain.Payee{Donor: "ZZ"}, domain.ReferenceUnknown, []string{"donor", "ZZ"}},
		{domain.Payee{Person: co}, domain.PersonIsErased, []string{co.String()}},
		{domain.Payee{Donor: "CO"}, domain.PersonIsErased, []string{co.String()}},
	} {
		e := spend("XQ", "1")
		e.Payee = &tt.payee
		l.when(e).refused(tt.code, tt.values...)
	}
}

// What leaves money is an amount, what leaves goods a quantity.
func TestOutlayForm(t *testing.T) {
	for _, tt := range []struct {
		asset            domain.Asset
		amount, quantity string
		code             domain.Code
		values           []string
	}{
		{"gold", "1", "", domain.CommandMalformed, []string{"/data/asset", "unknown asset"}},
		{domain.Labour, "", "1", domain.CommandMalformed, []string{"/data/asset", "unknown asset"}},
		{domain.Cash, "", "", domain.CommandMalformed, []string{"/data/amount", "required"}},
		{domain.Cash, "01", "", domain.CommandMalformed, []string{"/data/amount", "bad number"}},
		{domain.Cash, "1", "1", domain.CommandMalformed, []string{"/data/quantity", "money has no quantity"}},
		{books, "1", "1", domain.CommandMalformed, []string{"/data/amount", "goods leave by quantity"}},
		{books, "", "1,5", domain.CommandMalformed, []string{"/data/quantity", "bad number"}},
		{books, "", "", domain.QuantityMissing, []string{"/data/quantity"}},
		{books, "", "0", domain.AmountNotPositive, []string{"/data/quantity", "0"}},
		{books, "", "1.0000", domain.AmountTooFine, []string{"/data/quantity", "1.0000", "3"}},
		{domain.Bank, "0.5", "", domain.AmountTooFine, []string{"/data/amount", "0.5", "0"}},
		{domain.Bank, "-1", "", domain.AmountNotPositive, []string{"/data/amount", "-1"}},
		{domain.Bank, "1000000000000001", "", domain.AmountTooLarge, []string{"/data/amount", "1000000000000001", "1000000000000000"}},
	} {
		l := province(t)
		l.on("2017-03-01")
		l.when(&domain.RecordExpense{Fund: "XQ", Asset: tt.asset, Amount: money.Decimal(tt.amount), Quantity: money.Decimal(tt.quantity), Purpose: "other"}).
			refused(tt.code, tt.values...)
		l.when(&domain.TransferFunds{From: "XQ", To: "TQ", Asset: tt.asset, Amount: money.Decimal(tt.amount), Quantity: money.Decimal(tt.quantity)}).
			refused(tt.code, tt.values...)
	}
	province(t).when(&domain.RecordExpense{Fund: "XQ", Asset: domain.Cash, Amount: "1"}).refused(domain.CommandMalformed, "/data/purpose", "required")
	province(t).when(&domain.RecordExpense{Fund: "XQ", Asset: domain.Cash, Amount: "1", Purpose: "party"}).refused(domain.CommandMalformed, "/data/purpose", "unknown value")
}
