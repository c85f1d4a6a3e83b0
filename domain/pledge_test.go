package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

func TestPledge(t *testing.T) {
	l := province(t)
	promise := &domain.MakePledge{Pledge: "P1", Donor: "VCB", Fund: "XQ", Amount: "100", Due: date("2017-12-31")}
	l.on("2017-03-01").when(promise).
		then(&domain.PledgeMade{Pledge: "P1", Donor: "VCB", Fund: "XQ", Unit: "X", Amount: 100, Due: date("2017-12-31")}).
		subjects("fund:XQ", "donor:VCB", "pledge:P1").effects().posts().vouchers()
	l.when(promise).refused(domain.ReferenceTaken, "pledge", "P1")

	gift := func(amount string) *domain.ReceiveDonation {
		d := donate("XQ", amount)
		d.Pledge = "P1"
		return d
	}
	first := l.when(gift("60"))
	first.subjects("fund:XQ", "donor:VCB", "pledge:P1")
	last := l.when(gift("50")).id() // a donor may give more than was promised
	l.when(gift("1")).refused(domain.PledgeSettled, "P1")
	l.when(&domain.CancelPledge{Pledge: "P1"}).refused(domain.PledgeSettled, "P1")
	// A donation that is reversed opens its pledge again.
	l.given(reverse(last))
	other := gift("1")
	other.Fund = "TQ"
	l.when(other).refused(domain.PledgeDiffers, "P1", "VCB", "XQ")
	other = gift("1")
	other.Donor = "CO"
	l.when(other).refused(domain.PledgeDiffers, "P1", "VCB", "XQ")
	l.given(gift("10"))
	// What is cancelled is what was open.
	l.when(&domain.CancelPledge{Pledge: "P1"}).
		then(&domain.PledgeCancelled{Pledge: "P1", Donor: "VCB", Fund: "XQ", Amount: 30}).
		subjects("fund:XQ", "donor:VCB", "pledge:P1").effects()
	l.when(gift("1")).refused(domain.PledgeSettled, "P1")
	l.given(reverse(first.id()))
	l.when(gift("1")).refused(domain.PledgeSettled, "P1") // what was cancelled stays so
}

// Dates refuse nothing of a pledge.
func TestPledgeDates(t *testing.T) {
	l := province(t)
	l.given(&domain.ClosePeriod{Through: date("2018-06-30")})
	l.on("2016-01-01").given(&domain.MakePledge{Pledge: "P1", Donor: "VCB", Fund: "XQ", Amount: "100"}, &domain.CancelPledge{Pledge: "P1"})
	l.on("2099-01-01").given(&domain.MakePledge{Pledge: "P2", Donor: "VCB", Fund: "XQ", Amount: "100"}, &domain.CancelPledge{Pledge: "P2"})
}

func TestPledgeRefused(t *testing.T) {
	l := province(t)
	l.when(&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "XQ", Amount: "0"}).refused(domain.AmountNotPositive, "/data/amount", "0")
	l.when(&domain.MakePledge{Pledge: "P", Donor: "ZZ", Fund: "XQ", Amount: "1"}).refused(domain.ReferenceUnknown, "donor", "ZZ")
	l.when(&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "ZZ", Amount: "1"}).refused(domain.ReferenceUnknown, "fund", "ZZ")
	l.when(&domain.CancelPledge{Pledge: "P"}).refused(domain.ReferenceUnknown, "pledge", "P")
	gift := donate("XQ", "1")
	gift.Pledge = "P"
	l.when(gift).refused(domain.ReferenceUnknown, "pledge", "P")
	l.given(&domain.ErasePerson{Person: co})
	l.when(&domain.MakePledge{Pledge: "P", Donor: "CO", Fund: "XQ", Amount: "1"}).refused(domain.PersonIsErased, co.String())
}
