package projections

import (
	"context"
	"time"

	"github.com/soquy/soquy/domain"
)

var (
	// balanceTable has what a holding has now, and of that what the last day of the last epoch brought, which is in no bucket yet: as long as
	// entries are of the same day, or holdings many, one row a holding changes.
	balanceTable = marked("balances", spillBalance,
		Column{"fund", Text, Key},
		Column{"asset", Text, Key},
		Column{"posted", Int, Sum},
		Column{"encumbered", Int, Sum},
		Column{"quantity", Int, Sum},
		Column{"quantity_encumbered", Int, Sum},
		Column{"last_epoch", Int, Mark},
		Column{"last_day", Day, Mark},
		Column{"last_posted", Int, Part},
		Column{"last_encumbered", Int, Part},
		Column{"last_quantity", Int, Part},
		Column{"last_quantity_encumbered", Int, Part})
	// bucketTable has all that came before, by year, month and day, so that a balance as of a date is a sum of few rows.
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

// Columns of balanceTable.
const (
	lastEpoch  = 6
	lastDay    = 7
	lastPosted = 8 // and the three after it
)

// The kinds of buckets. A balance at the end of a date is the sum of the years before its year, the months of that year before
// its month, and the days of that month through the date. Years are of all epochs together, as those are many more than years in a large
// ledger; their epoch is 0. Only the others say what was known before an epoch.
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

func foldBalances(f *Fold, e *domain.Event) error {
	for i := range f.effects {
		x := &f.effects[i]
		if f.apart {
			f.rows[entryTable.index].note(e.Position)
			f.rows[entryTable.index].putEntry(e.Position, x)
			continue
		}
		f.logEntry(e.Position, x)
		f.addEntry(text(x.Fund), text(x.Asset), f.epoch(), day(x.Day),
			[4]Value{num(x.Posted), num(x.Encumbered), num(x.Quantity), num(x.QuantityEncumbered)})
	}
	return nil
}

// spillBalance puts a day of an epoch that a row of balanceTable does not keep into the buckets.
func spillBalance(f *Fold, row []Value) {
	year, month := Starts(domain.Date(row[lastDay].Int))
	for kind, start := range [...]domain.Date{YearBucket: year, MonthBucket: month, DayBucket: domain.Date(row[lastDay].Int)} {
		epoch := row[lastEpoch]
		if kind == YearBucket {
			epoch = num(0)
		}
		f.put(bucketTable, row[0], row[1], num(int64(kind)), day(start), epoch,
			row[lastPosted], row[lastPosted+1], row[lastPosted+2], row[lastPosted+3])
	}
}

// A BalanceQuery asks for balances. The zero query asks for all holdings over all days.
type BalanceQuery struct {
	Funds []string     // none: all
	Units []string     // of the funds, at AsOf; none: all
	AsOf  *domain.Date // at the end of this date; nil: over all days

	KnownAt *Known // as it was known then; nil: now
}

// Ends are the days of the buckets that a balance is the sum of: years that begin before Months, months from there on that begin before
// Days, and days from there on through Day. Without a date Day is one that no entry has reached; of what is known at a position no years
// are taken.
type Ends struct{ Months, Days, Day domain.Date }

// Ends returns the days of the buckets.
func (q *BalanceQuery) Ends() Ends {
	e := Ends{Day: domain.NewDate(9999, time.December, 31)}
	if q.AsOf != nil {
		e.Day = *q.AsOf
	}
	e.Months, e.Days = Starts(e.Day)
	if q.KnownAt != nil {
		e.Months = domain.NewDate(0, time.January, 1) // before all that there are
	}
	return e
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
