package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

func TestTransferFunds(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("TQ", "1000"), donateBooks("TQ", "3", "100"))
	l.when(&domain.TransferFunds{From: "TQ", To: "XQ", Asset: domain.Cash, Amount: "400"}).
		then(&domain.FundsTransferred{
			From: "TQ", To: "XQ", Asset: domain.Cash, Amount: 400, FromUnit: "T", ToUnit: "X",
			Numbers: numbers("T PC-2017-000001", "X PT-2017-000001"),
		}).
		subjects("fund:TQ", "fund:XQ").vouchers("T PC-2017-000001", "X PT-2017-000001").
		effects(
			domain.Effect{Fund: "TQ", Asset: domain.Cash, Day: date("2017-03-01"), Posted: -400},
			domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-01"), Posted: 400},
		).
		posts("T TQ assets:cash -400", "T TQ transfers 400", "X XQ assets:cash 400", "X XQ transfers -400")
	// Goods go at their cost: 66⅔ is 67.
	l.when(&domain.TransferFunds{From: "TQ", To: "XQ", Asset: books, Quantity: "2"}).
		then(&domain.FundsTransferred{
			From: "TQ", To: "XQ", Asset: books, Amount: 67, Quantity: 2000, FromUnit: "T", ToUnit: "X",
			Numbers: numbers("T PX-2017-000001", "X PN-2017-000001"),
		}).
		posts("T TQ assets:goods:books -67 -2000", "T TQ transfers 67", "X XQ assets:goods:books 67 2000", "X XQ transfers -67")
	l.has("TQ cash 600/0", "XQ cash 400/0", "TQ goods:books 33/0 1000/0", "XQ goods:books 67/0 2000/0")
	l.when(&domain.TransferFunds{From: "TQ", To: "TQ", Asset: domain.Cash, Amount: "1"}).
		refused(domain.CommandMalformed, "/data/to", "the same fund twice")
	l.when(&domain.TransferFunds{From: "TQ", To: "XQ", Asset: books, Quantity: "1.001"}).
		refused(domain.HoldingInsufficient, "TQ", "goods:books", "2017-03-01", "1", "1.001")
}

// Funds of one unit: the numbers are of one unit, one a series.
func TestTransferWithinUnit(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(&domain.OpenFund{Code: "XR", Unit: "X", Name: "XR"}, donate("XQ", "10"))
	l.when(&domain.TransferFunds{From: "XQ", To: "XR", Asset: domain.Cash, Amount: "10"}).vouchers("X PC-2017-000001", "X PT-2017-000002")
}

func TestMoveHolding(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "1000"))
	l.when(&domain.MoveHolding{Fund: "XQ", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: "400"}).
		then(&domain.HoldingMoved{
			Fund: "XQ", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: 400, Unit: "X",
			Numbers: numbers("X PC-2017-000001", "X BC-2017-000001"),
		}).
		subjects("fund:XQ").vouchers("X PC-2017-000001", "X BC-2017-000001").
		effects(
			domain.Effect{Fund: "XQ", Asset: domain.Cash, Day: date("2017-03-01"), Posted: -400},
			domain.Effect{Fund: "XQ", Asset: domain.Bank, Day: date("2017-03-01"), Posted: 400},
		).
		posts("X XQ assets:bank 400", "X XQ assets:cash -400")
	l.when(&domain.MoveHolding{Fund: "XQ", FromAsset: domain.Bank, ToAsset: domain.Cash, Amount: "100"}).
		vouchers("X BN-2017-000001", "X PT-2017-000002")
	l.has("XQ cash 700/0", "XQ bank 300/0")
	l.when(&domain.MoveHolding{Fund: "XQ", FromAsset: domain.Bank, ToAsset: domain.Cash, Amount: "301"}).
		refused(domain.HoldingInsufficient, "XQ", "bank", "2017-03-01", "300", "301")
	for _, tt := range []struct {
		from, to         domain.Asset
		pointer, problem string
	}{
		{books, domain.Cash, "/data/from_asset", "want cash or bank"},
		{domain.Cash, books, "/data/to_asset", "want cash or bank"},
		{domain.Cash, domain.Cash, "/data/to_asset", "the same asset twice"},
	} {
		l.when(&domain.MoveHolding{Fund: "XQ", FromAsset: tt.from, ToAsset: tt.to, Amount: "1"}).refused(domain.CommandMalformed, tt.pointer, tt.problem)
	}
}
