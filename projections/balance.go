package projections

import (
	"context"
	"time"

	"github.com/soquy/soquy/domain"
)

var (
	balanceTable = table("balances",
		Column{"fund", Text, Key},
		Column{"asset", Text, Key},
		Column{"posted", Int, Sum},
		Column{"encumbered", Int, Sum},
		Column{"quantity", Int, Sum},
		Column{"quantity_encumbered", Int, Sum})
	// bucketTable has the same by year, month and day, so that a balance as of a date is a sum of few rows.
	bucketTable = table("balance_buckets",
		Column{"fund", Text, Key},
		Column{"asset", Text, Key},
		Column{"kind", Int, Key},
		Column{"start", Day, Key},
		Column{"epoch", Int, Key},
		Column{"posted", Int, Sum},
		Column{"encumbered", Int, Sum},
		Column{"quantity", Int, Sum},
		Column{"quantity_encumbered", Int, Sum})
)

// The kinds of buckets. A balance at the end of a date is the sum of the years before its year, the months of that year before
// its month, and the days of that month through the date.
const (
	YearBucket = iota
	MonthBucket
	DayBucket
)

// Starts returns the first days of a date's year and month.
func Starts(d domain.Date) (year, month domain.Date) {
	y, m, _ := d.Time().Date()
	return domain.NewDate(y, time.January, 1), domain.NewDate(y, m, 1)
}

func foldBalances(f *Fold, _ *domain.Event) error {
	for i := range f.effects {
		e := &f.effects[i]
		fund, asset := text(e.Fund), text(e.Asset)
		posted, encumbered := num(e.Posted), num(e.Encumbered)
		quantity, reserved := num(e.Quantity), num(e.QuantityEncumbered)
		f.put(balanceTable, fund, asset, posted, encumbered, quantity, reserved)
		year, month := Starts(e.Day)
		for kind, start := range [...]domain.Date{YearBucket: year, MonthBucket: month, DayBucket: e.Day} {
			f.put(bucketTable, fund, asset, num(int64(kind)), day(start), f.epoch(), posted, encumbered, quantity, reserved)
		}
	}
	return nil
}

// A BalanceQuery asks for balances. The zero query asks for all holdings over all days.
type BalanceQuery struct {
	Funds []string     // none: all
	Units []string     // of the funds, at AsOf; none: all
	AsOf  *domain.Date // at the end of this date; nil: over all days

	KnownAt *Known // as it was known then; nil: now
}

// End is the last day that counts, and the first days of its year and month. Over all days it is one that no entry has reached.
func (q *BalanceQuery) End() (year, month, day domain.Date) {
	day = domain.NewDate(9999, time.December, 31)
	if q.AsOf != nil {
		day = *q.AsOf
	}
	year, month = Starts(day)
	return year, month, day
}

// A BalanceRow is the balance of one holding. Amounts are minor units, quantities thousandths.
type BalanceRow struct {
	Fund, Unit string // Unit is the fund's at the date
	Asset      domain.Asset
	Measure    string // of goods
	domain.Balance
}

// Balances answers questions about holdings.
type Balances interface {
	// Balances returns the holdings that had an entry by then, in order of fund and asset, also those with nothing left.
	Balances(ctx context.Context, q BalanceQuery) ([]BalanceRow, error)
}
