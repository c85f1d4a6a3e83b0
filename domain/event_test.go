package domain_test

import (
	"testing"

	"github.com/soquy/soquy/domain"
)

// The names of commands are the contract's; those of events are stored for ever.
func TestTypes(t *testing.T) {
	for name, body := range map[string]domain.CommandBody{
		"register_unit": &domain.RegisterUnit{}, "rename_unit": &domain.RenameUnit{}, "move_unit": &domain.MoveUnit{},
		"merge_unit": &domain.MergeUnit{}, "close_unit": &domain.CloseUnit{},
		"open_fund": &domain.OpenFund{}, "restrict_fund": &domain.RestrictFund{}, "close_fund": &domain.CloseFund{},
		"record_opening": &domain.RecordOpening{}, "register_person": &domain.RegisterPerson{}, "correct_person": &domain.CorrectPerson{},
		"merge_person": &domain.MergePerson{}, "erase_person": &domain.ErasePerson{}, "register_donor": &domain.RegisterDonor{},
		"make_pledge": &domain.MakePledge{}, "cancel_pledge": &domain.CancelPledge{}, "receive_donation": &domain.ReceiveDonation{},
		"grant": &domain.MakeGrant{}, "disburse": &domain.Disburse{}, "cancel_grant": &domain.CancelGrant{}, "return_grant": &domain.ReturnGrant{},
		"record_expense": &domain.RecordExpense{}, "transfer": &domain.TransferFunds{}, "move": &domain.MoveHolding{},
		"count_holding": &domain.CountHolding{}, "settle_count": &domain.SettleCount{}, "reverse": &domain.Reverse{},
		"close_period": &domain.ClosePeriod{}, "reopen_period": &domain.ReopenPeriod{}, "report_indicator": &domain.ReportIndicator{},
	} {
		equal(t, "command", body.Type(), name)
	}
	granted := func(kind domain.Purpose) *domain.Granted {
		return &domain.Granted{GrantFacts: domain.GrantFacts{Kind: kind}}
	}
	for name, body := range map[string]domain.EventBody{
		"ledger.opened": &domain.LedgerOpened{}, "ledger.rekeyed": &domain.LedgerRekeyed{}, "ledger.forked": &domain.LedgerForked{},
		"unit.registered": &domain.UnitRegistered{}, "unit.renamed": &domain.UnitRenamed{}, "unit.moved": &domain.UnitMoved{},
		"unit.merged": &domain.UnitMerged{}, "unit.closed": &domain.UnitClosed{},
		"fund.opened": &domain.FundOpened{}, "fund.restricted": &domain.FundRestricted{}, "fund.closed": &domain.FundClosed{},
		"opening.recorded": &domain.OpeningRecorded{}, "person.registered": &domain.PersonRegistered{}, "person.corrected": &domain.PersonCorrected{},
		"person.merged": &domain.PersonMerged{}, "person.erased": &domain.PersonErased{}, "donor.registered": &domain.DonorRegistered{},
		"pledge.made": &domain.PledgeMade{}, "pledge.cancelled": &domain.PledgeCancelled{}, "donation.received": &domain.DonationReceived{},
		"award.granted": granted(domain.MeritAward), "scholarship.granted": granted(domain.Scholarship),
		"hardship.granted": granted(domain.HardshipGrant), "support.granted": granted(domain.Support),
		"grant.disbursed": &domain.GrantDisbursed{}, "grant.cancelled": &domain.GrantCancelled{}, "grant.returned": &domain.GrantReturned{},
		"expense.recorded": &domain.ExpenseRecorded{}, "funds.transferred": &domain.FundsTransferred{}, "holding.moved": &domain.HoldingMoved{},
		"holding.counted": &domain.HoldingCounted{}, "count.settled": &domain.CountSettled{}, "entry.reversed": &domain.EntryReversed{},
		"period.closed": &domain.PeriodClosed{}, "period.reopened": &domain.PeriodReopened{}, "indicator.reported": &domain.IndicatorReported{},
	} {
		equal(t, "event", body.Type(), name)
	}
}
