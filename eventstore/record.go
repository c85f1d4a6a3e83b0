package eventstore

import (
	"cmp"
	"time"

	"github.com/google/uuid"
)

// MaxEnvelope is the size limit of an envelope in bytes: the limit of an entry in a C2SP entry bundle.
const MaxEnvelope = 65_535

// A Record is one event as it is stored.
type Record struct {
	Position    int64     // place in the log, from 1, gapless
	ID          uuid.UUID // the event's ID (UUIDv7)
	Type        string    // the event's type name, such as "donation.received"
	EffectiveOn int32     // accounting date, in days since 1970-01-01
	RecordedAt  time.Time // instant of the append, UTC, whole microseconds
	Envelope    []byte    // the exact bytes that are hashed; at most MaxEnvelope
	Subjects    []string  // such as "fund:HB"; at most three; empty in records read by position

	// Event is the decoded event, beside its bytes so that those who join an append decode nothing twice.
	// The stores never look at it; it is nil in a record that was read.
	Event any
}

// A Command is what the log remembers of an accepted command, for ever: its ID, what it asked for, and the positions of its events.
type Command struct {
	ID          uuid.UUID
	Fingerprint [32]byte
	First, Last int64
}

// A Private is an erasable text: what names or describes a natural person, or a remark that someone typed.
// The log holds its ID and SHA-256(Salt ‖ Document).
type Private struct {
	ID       uuid.UUID
	Salt     [32]byte
	Document []byte // RFC 8785 JSON
}

// A Checkpoint is a signed tree head that is kept.
type Checkpoint struct {
	Size int64
	Note []byte
}

// A Snapshot is the state of the book at a position, so that a start does not replay the whole log.
// It is a copy that may be missing, old or bad; whoever reads it checks Signature.
type Snapshot struct {
	Position  int64
	Version   int // of the encoding of Bytes
	Bytes     []byte
	Signature []byte
}

// A Stray is a ledger_id that a table has and another should have, too: of any table one that is not in ledgers; of the table ledgers one that is not
// in events, or not in origins.
type Stray struct {
	Table    string
	LedgerID string // as text; one that is no UUID in hexadecimal
	Missing  string // the table that does not have it
}

// Compare orders strays by table, ID and what is missing.
func (s Stray) Compare(other Stray) int {
	return cmp.Or(cmp.Compare(s.Table, other.Table), cmp.Compare(s.LedgerID, other.LedgerID), cmp.Compare(s.Missing, other.Missing))
}

// A Breach is an opening through which the log can be changed, or a right that was not given by this program.
type Breach struct {
	Kind  BreachKind
	Table string // that is open; "" when all are
	Name  string // of the trigger, or the right, such as "UPDATE"
	Role  string // who has the right
}

// A BreachKind says what is open.
type BreachKind string

// The kinds of breaches.
const (
	TriggerMissing  BreachKind = "missing"  // a trigger is not there
	TriggerDisabled BreachKind = "disabled" // it does not fire
	TriggerAltered  BreachKind = "altered"  // one of its name does something else
	TriggersOff     BreachKind = "off"      // sessions of a role, or all, begin without triggers
	RightBeyond     BreachKind = "right"    // a role may do more than it needs
)
