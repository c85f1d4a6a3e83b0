package domain

import (
	"encoding/hex"
	"time"

	"github.com/google/uuid"
)

// An Event is a fact that was recorded: it cannot be refused, changed or removed.
type Event struct {
	Position    int64 // from 1, gapless
	ID          uuid.UUID
	RecordedAt  time.Time // UTC, microseconds; never before the event before it
	EffectiveOn Date
	Actor       string
	Command     uuid.UUID   // of the command that made it; zero in ledger.opened
	Remark      *Commitment // in a command's first event only
	Body        EventBody
}

// An EventBody is one of the event types of this package.
type EventBody interface {
	// Type is the stored name, such as "donation.received".
	Type() string
	// evolve applies the event to the book.
	evolve(*Book, *Event)
}

// Subjects returns what the event is about, as "kind:id", at most three.
func (e *Event) Subjects() []string {
	if s, ok := e.Body.(interface{ subjects(*Event) []string }); ok {
		return s.subjects(e)
	}
	return nil
}

// Kinds of subjects.
const (
	fundSubject   = "fund:"
	personSubject = "person:"
	donorSubject  = "donor:"
	grantSubject  = "grant:"
	pledgeSubject = "pledge:"
)

// FundSubject is the subject of a fund.
func FundSubject(code string) string { return fundSubject + code }

// PersonSubject is the subject of a person.
func PersonSubject(id uuid.UUID) string { return subjectOf(personSubject, id) }

// subjectOf makes the text in one allocation, as it is made for nearly every event.
func subjectOf(kind string, id uuid.UUID) string {
	var buf [48]byte
	b := hex.AppendEncode(append(buf[:0], kind...), id[:4])
	b = hex.AppendEncode(append(b, '-'), id[4:6])
	b = hex.AppendEncode(append(b, '-'), id[6:8])
	b = hex.AppendEncode(append(b, '-'), id[8:10])
	return string(hex.AppendEncode(append(b, '-'), id[10:]))
}

// DonorSubject is the subject of a donor.
func DonorSubject(code string) string { return donorSubject + code }

// GrantSubject is the subject of a grant.
func GrantSubject(id uuid.UUID) string { return subjectOf(grantSubject, id) }

// PledgeSubject is the subject of a pledge.
func PledgeSubject(code string) string { return pledgeSubject + code }

// Effects returns what the event does to holdings, in the order of its lines; nil for most events. It is the one place that
// says so: the book, the balances and reversals all use it.
func (e *Event) Effects() []Effect {
	if m, ok := e.Body.(interface{ effects(*Event) []Effect }); ok {
		return m.effects(e)
	}
	return nil
}

// Vouchers returns the numbers that the event took, or, of a reversal, those of the entry that it undoes.
func (e *Event) Vouchers() []Voucher {
	if v, ok := e.Body.(interface{ vouchers() []Voucher }); ok {
		return v.vouchers()
	}
	return nil
}

// LedgerOpened is always the event at position 1.
type LedgerOpened struct {
	Ledger     uuid.UUID
	Origin     string
	PublicKey  string // note verifier key
	Currency   string // ISO 4217
	TimeZone   string // IANA name
	ClockGiven bool   // the clock was given (a demo or a test), not the machine's
}

// Type returns "ledger.opened".
func (*LedgerOpened) Type() string { return "ledger.opened" }

func (o *LedgerOpened) evolve(b *Book, _ *Event) { b.open(o) }

// OpenLedger returns the first event of a ledger, which no command makes.
func OpenLedger(o *LedgerOpened, id uuid.UUID, now time.Time) Event {
	now = now.UTC().Truncate(time.Microsecond)
	return Event{Position: 1, ID: id, RecordedAt: now, EffectiveOn: DateOf(now), Body: o}
}
