package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// Books are the read models that the accounts are derived from.
type Books interface {
	projections.Balances
	projections.Totals
	projections.Funds
}

// A TrialQuery asks for a trial balance. The zero query asks for one of all funds over all days.
type TrialQuery struct {
	AsOf  *domain.Date // at the end of this date; nil: over all days
	Funds []string     // none: all
	Units []string     // of the funds, at AsOf; none: all
}

// An AccountRow is the balance of an account in minor units: a debit when it is positive.
type AccountRow struct {
	Account string
	Balance int64
}

// Debit is the balance where it is a debit, else 0.
func (r *AccountRow) Debit() int64 { return max(r.Balance, 0) }

// Credit is the balance where it is a credit, else 0.
func (r *AccountRow) Credit() int64 { return max(-r.Balance, 0) }

// TrialBalance returns the accounts that have a balance, in the order of an account list. Since every entry is balanced in each fund,
// the balances add up to zero, also those of some funds alone. A unit's are those of the funds that it has at the date, with all that
// they brought along. Nothing is replayed: assets are asked of the balances, and the other accounts of the facts that totals are
// counted from.
func TrialBalance(ctx context.Context, b Books, q TrialQuery) ([]AccountRow, error) {
	funds, none, err := FundsOf(ctx, b, q.Funds, q.Units, q.AsOf)
	if err != nil || none {
		return nil, err
	}
	sums := map[string]int64{}
	balances, err := b.Balances(ctx, projections.BalanceQuery{Funds: funds, AsOf: q.AsOf})
	if err != nil {
		return nil, err
	}
	for i := range balances {
		sums[domain.AssetAccount(balances[i].Asset)] += balances[i].Posted
	}
	facts, err := b.Totals(ctx, projections.TotalsQuery{
		By: []projections.Dim{projections.ByAsset, projections.ByPurpose}, To: q.AsOf, Funds: funds, Paid: true, Books: true,
	})
	if err != nil {
		return nil, err
	}
	for i := range facts {
		f := &facts[i]
		account, sign, err := accountOf(f.Measure, f.Recipient, domain.Asset(f.By[0]), f.By[1])
		if err != nil {
			return nil, err
		}
		sums[account] += sign * f.Amount
		if account == domain.DonationsLabour { // it is used up at once
			sums[domain.LabourUsed] += f.Amount
		}
	}
	var rows []AccountRow
	for account, balance := range sums {
		if balance != 0 {
			rows = append(rows, AccountRow{account, balance})
		}
	}
	slices.SortFunc(rows, func(a, b AccountRow) int { return CompareAccounts(a.Account, b.Account) })
	return rows, nil
}

// FundsOf returns the funds that are named, of those that units have at the end of a date; nil: all, if there is one at all.
func FundsOf(ctx context.Context, f projections.Funds, funds, units []string, on *domain.Date) (list []string, none bool, err error) {
	if len(units) == 0 {
		return funds, false, nil
	}
	all, err := f.FundUnits(ctx)
	if err != nil {
		return nil, false, err
	}
	for fund, unit := range projections.FundsOf(all, on) {
		if slices.Contains(units, unit) && (len(funds) == 0 || slices.Contains(funds, fund)) {
			list = append(list, fund)
		}
	}
	slices.Sort(list)
	return list, len(list) == 0, nil
}

// accountOf is the account beside the asset of what a measure counts, and the sign with which it is there: 1 for a debit.
func accountOf(measure, recipient string, asset domain.Asset, purpose string) (account string, sign int64, err error) {
	grant := func(kind string) string {
		g := domain.GrantFacts{Kind: domain.Purpose(kind), RecipientKind: recipient}
		return g.Account()
	}
	switch measure {
	case projections.DonationCash:
		return domain.DonationsMoney, -1, nil
	case projections.DonationInKind:
		if asset == domain.Labour {
			return domain.DonationsLabour, -1, nil
		}
		return domain.DonationsGoods, -1, nil
	case projections.ExpenseMeasure:
		return domain.Administration + ":" + purpose, 1, nil
	case projections.TransferOut:
		return domain.Transfers, 1, nil
	case projections.TransferIn:
		return domain.Transfers, -1, nil
	case projections.Returned:
		return grant(purpose), -1, nil
	case projections.OpeningMeasure:
		return domain.EquityOpening, -1, nil
	case projections.CountMeasure:
		return domain.SuspenseCount, -1, nil
	}
	if slices.Contains(domain.GrantKinds(), domain.Purpose(measure)) {
		return grant(measure), 1, nil
	}
	return "", 0, fmt.Errorf("no account for the measure %q", measure)
}

// CompareAccounts orders accounts as an account list has them: assets, equity, income, expenses, and what stands between funds.
func CompareAccounts(a, b string) int {
	class := func(account string) int {
		first, _, _ := strings.Cut(account, ":")
		return slices.Index([]string{"assets", "equity", "income", "expenses", "transfers", "suspense"}, first)
	}
	return cmp.Or(cmp.Compare(class(a), class(b)), strings.Compare(a, b))
}
