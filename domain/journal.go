package domain

import "slices"

// A Posting is one line of a journal entry: a debit when Amount is positive, a credit when it is negative, in minor units.
type Posting struct {
	Account    string // a path, such as "assets:cash"
	Unit, Fund string
	Amount     int64
	Asset      Asset // of an assets account
	Quantity   int64 // of goods, in thousandths, signed as Amount
}

// The accounts that are not assets.
const (
	DonationsMoney  = "income:donations:money"
	DonationsGoods  = "income:donations:goods"
	DonationsLabour = "income:donations:labour"
	AwardsAccount   = "expenses:awards" // with the kind of recipient below it
	Scholarships    = "expenses:scholarships"
	Hardship        = "expenses:hardship"
	SupportAccount  = "expenses:support"
	Administration  = "expenses:administration"
	LabourUsed      = "expenses:labour"
	Transfers       = "transfers"
	SuspenseCount   = "suspense:count"
	EquityOpening   = "equity:opening"
)

// Accounts returns the accounts that there can be, but for those of goods and what is below an account that is named.
func Accounts() []string {
	list := []string{
		AssetAccount(Cash), AssetAccount(Bank), DonationsMoney, DonationsGoods, DonationsLabour,
		Scholarships, Hardship, SupportAccount, LabourUsed, Transfers, SuspenseCount, EquityOpening,
	}
	for _, kind := range append(PersonKinds(), CollectiveRecipient, UnitRecipient) {
		list = append(list, AwardsAccount+":"+kind)
	}
	for _, purpose := range ExpensePurposes() {
		list = append(list, Administration+":"+purpose)
	}
	return list
}

// AssetAccount returns the account of a holding's asset.
func AssetAccount(a Asset) string { return "assets:" + string(a) }

// Journal derives the postings of an event: balanced to zero in each fund, and nil for an event that moves nothing. They are never
// stored, so they cannot disagree with the event. What is reserved for a grant is not posted until it is paid.
func Journal(e *Event) []Posting {
	if m, ok := e.Body.(interface{ postings() []Posting }); ok {
		return m.postings()
	}
	return nil
}

// entry makes the two postings of what comes into a holding (amount > 0) or leaves it, against another account.
func entry(account, unit, fund string, a Asset, amount, quantity int64) []Posting {
	if amount == 0 && quantity == 0 {
		return nil
	}
	return []Posting{
		{Account: AssetAccount(a), Unit: unit, Fund: fund, Amount: amount, Asset: a, Quantity: quantity},
		{Account: account, Unit: unit, Fund: fund, Amount: -amount},
	}
}

func (e *DonationReceived) postings() []Posting {
	var list []Posting
	for i := range e.Lines {
		l := &e.Lines[i]
		switch {
		case l.Asset == Labour:
			list = append(list,
				Posting{Account: LabourUsed, Unit: e.Unit, Fund: e.Fund, Amount: l.Amount},
				Posting{Account: DonationsLabour, Unit: e.Unit, Fund: e.Fund, Amount: -l.Amount})
		case l.Asset.IsGoods():
			list = append(list, entry(DonationsGoods, e.Unit, e.Fund, l.Asset, l.Amount, l.Quantity)...)
		default:
			list = append(list, entry(DonationsMoney, e.Unit, e.Fund, l.Asset, l.Amount, 0)...)
		}
	}
	return list
}

func (e *OpeningRecorded) postings() []Posting {
	var list []Posting
	for i := range e.Lines {
		l := &e.Lines[i]
		list = append(list, entry(EquityOpening, e.Unit, e.Fund, l.Asset, l.Amount, l.Quantity)...)
	}
	return list
}

// Account is where a grant is spent.
func (g *GrantFacts) Account() string {
	switch g.Kind {
	case Scholarship:
		return Scholarships
	case HardshipGrant:
		return Hardship
	case Support:
		return SupportAccount
	default:
		return AwardsAccount + ":" + g.RecipientKind
	}
}

func (e *GrantDisbursed) postings() []Posting {
	return entry(e.Account(), e.Unit, e.Fund, e.Asset, -e.Amount, -e.Quantity)
}

func (e *GrantReturned) postings() []Posting {
	return entry(e.Account(), e.Unit, e.Fund, e.Asset, e.Amount, e.Quantity)
}

func (e *ExpenseRecorded) postings() []Posting {
	return entry(Administration+":"+e.Purpose, e.Unit, e.Fund, e.Asset, -e.Amount, -e.Quantity)
}

func (e *FundsTransferred) postings() []Posting {
	return append(
		entry(Transfers, e.FromUnit, e.From, e.Asset, -e.Amount, -e.Quantity),
		entry(Transfers, e.ToUnit, e.To, e.Asset, e.Amount, e.Quantity)...)
}

func (e *HoldingMoved) postings() []Posting {
	return []Posting{
		{Account: AssetAccount(e.ToAsset), Unit: e.Unit, Fund: e.Fund, Amount: e.Amount, Asset: e.ToAsset},
		{Account: AssetAccount(e.FromAsset), Unit: e.Unit, Fund: e.Fund, Amount: -e.Amount, Asset: e.FromAsset},
	}
}

func (e *CountSettled) postings() []Posting {
	return entry(SuspenseCount, e.Unit, e.Fund, e.Asset, e.Amount, e.Quantity)
}

func (e *EntryReversed) postings() []Posting {
	list := slices.Clone(Journal(e.entry()))
	for i := range list {
		list[i].Amount, list[i].Quantity = -list[i].Amount, -list[i].Quantity
	}
	return list
}
