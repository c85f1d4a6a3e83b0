package domain

import "strings"

// A Code says why a command was refused: a stable word of the form noun.reason.
type Code string

// The refusal codes, in the order in which they are checked: of several reasons, the one that stands first is told.
const (
	CommandMalformed    Code = "command.malformed"
	TextInvalid         Code = "text.invalid"
	TextTooLong         Code = "text.too_long"
	ListTooLong         Code = "list.too_long"
	CommandReused       Code = "command.reused"
	ReferenceUnknown    Code = "reference.unknown"
	ReferenceTaken      Code = "reference.taken"
	UnitIsClosed        Code = "unit.closed"
	FundIsClosed        Code = "fund.closed"
	PersonIsErased      Code = "person.erased"
	PersonIsMerged      Code = "person.merged"
	PersonRetained      Code = "person.retained"
	UnitLevel           Code = "unit.level"
	UnitCycle           Code = "unit.cycle"
	UnitNotEmpty        Code = "unit.not_empty"
	FundNotEmpty        Code = "fund.not_empty"
	DateFuture          Code = "date.future"
	DateClosed          Code = "date.closed"
	DateTooEarly        Code = "date.too_early"
	AmountNotPositive   Code = "amount.not_positive"
	AmountTooFine       Code = "amount.too_fine"
	AmountTooLarge      Code = "amount.too_large"
	QuantityMissing     Code = "quantity.missing"
	MeasureDiffers      Code = "measure.differs"
	GrantSettled        Code = "grant.settled"
	GrantOverpaid       Code = "grant.overpaid"
	GrantOverReturned   Code = "grant.over_returned"
	EntryIsReversed     Code = "entry.reversed"
	EntryNotReversible  Code = "entry.not_reversible"
	EntryInUse          Code = "entry.in_use"
	PledgeSettled       Code = "pledge.settled"
	PledgeDiffers       Code = "pledge.differs"
	CountIsSettled      Code = "count.settled"
	PeriodOrder         Code = "period.order"
	PeriodNotClosed     Code = "period.not_closed"
	PeriodOpenItems     Code = "period.open_items"
	FundPurpose         Code = "fund.purpose"
	HoldingInsufficient Code = "holding.insufficient"
	QueueFull           Code = "queue.full"
	LedgerLocked        Code = "ledger.locked"
)

// Codes returns every refusal code in the order in which they are checked, with the names of its arguments.
func Codes() []CodeInfo {
	return []CodeInfo{
		{CommandMalformed, []string{"pointer", "problem"}},
		{TextInvalid, []string{"pointer"}},
		{TextTooLong, []string{"pointer", "limit", "length"}},
		{ListTooLong, []string{"pointer", "limit", "length"}},
		{CommandReused, []string{"command"}},
		{ReferenceUnknown, []string{"kind", "ref"}},
		{ReferenceTaken, []string{"kind", "ref"}},
		{UnitIsClosed, []string{"unit"}},
		{FundIsClosed, []string{"fund"}},
		{PersonIsErased, []string{"person"}},
		{PersonIsMerged, []string{"person", "into"}},
		{PersonRetained, []string{"person", "until"}},
		{UnitLevel, []string{"unit", "level", "parent", "parent_level"}},
		{UnitCycle, []string{"unit", "parent"}},
		{UnitNotEmpty, []string{"unit", "children", "funds"}},
		{FundNotEmpty, []string{"fund"}},
		{DateFuture, []string{"day", "latest"}},
		{DateClosed, []string{"day", "through"}},
		{DateTooEarly, []string{"day", "earliest"}},
		{AmountNotPositive, []string{"pointer", "amount"}},
		{AmountTooFine, []string{"pointer", "amount", "decimals"}},
		{AmountTooLarge, []string{"pointer", "amount", "limit"}},
		{QuantityMissing, []string{"pointer"}},
		{MeasureDiffers, []string{"asset", "measure", "given"}},
		{GrantSettled, []string{"grant"}},
		{GrantOverpaid, []string{"grant", "open", "asked"}},
		{GrantOverReturned, []string{"grant", "paid", "asked"}},
		{EntryIsReversed, []string{"event"}},
		{EntryNotReversible, []string{"event", "type"}},
		{EntryInUse, []string{"event"}},
		{PledgeSettled, []string{"pledge"}},
		{PledgeDiffers, []string{"pledge", "donor", "fund"}},
		{CountIsSettled, []string{"count"}},
		{PeriodOrder, []string{"through", "closed"}},
		{PeriodNotClosed, []string{"from"}},
		{PeriodOpenItems, []string{"count", "fund", "asset"}},
		{FundPurpose, []string{"fund", "purpose"}},
		{HoldingInsufficient, []string{"fund", "asset", "day", "available", "asked"}},
		{QueueFull, []string{"limit"}},
		{LedgerLocked, nil},
	}
}

// A CodeInfo is a refusal code with the names of its arguments, in order.
type CodeInfo struct {
	Code Code
	Args []string
}

// An Arg is one named argument of a refusal.
type Arg struct{ Name, Value string }

// A Refusal says that a command may not be carried out. It is an answer, not a fault: nothing was stored.
type Refusal struct {
	Code Code
	Args []Arg
}

// Refuse makes a refusal from a code and the values of its arguments, in the order of Codes.
func Refuse(code Code, values ...string) *Refusal {
	r := &Refusal{Code: code}
	for _, info := range Codes() {
		if info.Code != code {
			continue
		}
		for i, name := range info.Args {
			if i < len(values) {
				r.Args = append(r.Args, Arg{name, values[i]})
			}
		}
	}
	return r
}

// Arg returns the value of an argument, or "".
func (r *Refusal) Arg(name string) string {
	for _, a := range r.Args {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

// Error returns the code and the arguments, such as "reference.unknown kind=fund ref=HB".
func (r *Refusal) Error() string {
	var b strings.Builder
	b.WriteString(string(r.Code))
	for _, a := range r.Args {
		b.WriteString(" " + a.Name + "=" + a.Value)
	}
	return b.String()
}

// rank is a code's place in the order of checks.
func (c Code) rank() int {
	for i, info := range Codes() {
		if info.Code == c {
			return i
		}
	}
	return len(Codes())
}

// checks collects the refusals of one command and keeps the one that stands first in the order of codes, so that a rule may
// be written where it is easiest to read. The first of equals is kept.
type checks struct {
	first *Refusal
	rank  int
}

func (c *checks) refuse(code Code, values ...string) {
	if r := code.rank(); c.first == nil || r < c.rank {
		c.first, c.rank = Refuse(code, values...), r
	}
}

// err returns the refusal as an error, and a nil error when there is none.
func (c *checks) err() error {
	if c.first == nil {
		return nil
	}
	return c.first
}

func (c *checks) ok() bool { return c.first == nil }

// First returns the one of two errors that is told: of two refusals the one whose code stands first, and an error that is no
// refusal before one that is.
func First(a, b error) error {
	if a == nil {
		return b
	}
	if b == nil {
		return a
	}
	ra, okA := a.(*Refusal)
	rb, okB := b.(*Refusal)
	if okA && (!okB || rb.Code.rank() < ra.Code.rank()) {
		return b
	}
	return a
}
