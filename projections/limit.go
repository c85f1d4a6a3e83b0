package projections

import "fmt"

// How many rows the answer to one question may have that is put together in memory, some hundred bytes each, and how many entries of vouchers. What is
// streamed has no limit.
const (
	MaxRows           = 1_000_000
	MaxVoucherEntries = 5_000_000
)

// A TooManyRowsError says that an answer would be longer than its limit: what is asked for must be less.
type TooManyRowsError struct{ Limit int }

func (e *TooManyRowsError) Error() string {
	return fmt.Sprintf("the answer has more than %d rows", e.Limit)
}

// Room returns a TooManyRowsError where a list of n rows has no room for one more.
func Room(n, limit int) error {
	if n < limit {
		return nil
	}
	return &TooManyRowsError{limit}
}
