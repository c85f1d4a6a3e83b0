package domain_test

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A ledger is opened, a fund gets a gift, and an award that it cannot pay is refused.
func ExampleDecide() {
	var book domain.Book
	now := time.Date(2017, 3, 5, 8, 0, 0, 0, time.UTC)
	opened := domain.OpenLedger(&domain.LedgerOpened{Ledger: uuid.New(), Origin: "example.org/soquy/KH", Currency: "VND"}, uuid.New(), now)
	book.Evolve(&opened)

	student := uuid.New()
	for _, body := range []domain.CommandBody{
		&domain.RegisterUnit{Code: "KH", Level: domain.Province, Name: "Hội khuyến học tỉnh"},
		&domain.OpenFund{Code: "HB", Unit: "KH", Name: "Quỹ học bổng"},
		&domain.RegisterDonor{Code: "VCB", Kind: "organisation", Name: "Ngân hàng"},
		&domain.RegisterPerson{Person: student, Kind: "student"},
		&domain.ReceiveDonation{Fund: "HB", Donor: "VCB", Lines: []domain.LineInput{{Asset: domain.Cash, Amount: "500000"}}},
		&domain.MakeGrant{Kind: domain.Scholarship, Fund: "HB", Asset: domain.Cash, Pay: true, Recipients: []domain.Recipient{
			{Person: student, Amount: "380000"},
		}},
		&domain.RecordExpense{Fund: "HB", Asset: domain.Cash, Amount: "500000", Purpose: "printing"},
	} {
		events, err := domain.Decide(&book, &domain.Command{
			ID: uuid.New(), EffectiveOn: domain.DateOf(now), Body: body, Now: now, NewID: uuid.New,
			Personal: &domain.Commitment{Private: uuid.New()},
		})
		if err != nil {
			fmt.Println(err)
		}
		for i := range events {
			book.Evolve(&events[i])
			fmt.Println(events[i].Position, events[i].Body.Type(), events[i].Vouchers())
		}
	}
	fmt.Println(book.Latest("HB", domain.Cash).Available())

	// Output:
	// 2 unit.registered []
	// 3 fund.opened []
	// 4 donor.registered []
	// 5 person.registered []
	// 6 donation.received [{KH PT-2017-000001}]
	// 7 scholarship.granted []
	// 8 grant.disbursed [{KH PC-2017-000001}]
	// holding.insufficient fund=HB asset=cash day=2017-03-05 available=120000 asked=500000
	// 120000
}
