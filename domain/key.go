package domain

import (
	"time"

	"github.com/google/uuid"
)

// LedgerRekeyed is recorded when a ledger gets a new key: from this event on heads are signed by it.
type LedgerRekeyed struct {
	PublicKey string // the new note verifier key
	Tree      TreeHead
	Signature string // by the key before, base64, over what the event says
}

// LedgerForked is recorded when a ledger goes on from a restored database that has lost acknowledged events. It goes on under a
// new key, so that the key before never signs two trees of one size.
type LedgerForked struct {
	PublicKey string
	Tree      TreeHead // where the restored log ends
	Lost      TreeHead // the head that was known to be committed
	Signature string
}

// KeySubject is the subject of the events that change a ledger's key.
const KeySubject = "ledger:key"

// Type returns the stored name.
func (*LedgerRekeyed) Type() string { return "ledger.rekeyed" }
func (*LedgerForked) Type() string  { return "ledger.forked" }

func (*LedgerRekeyed) subjects(*Event) []string { return []string{KeySubject} }
func (*LedgerForked) subjects(*Event) []string  { return []string{KeySubject} }

func (e *LedgerRekeyed) evolve(b *Book, _ *Event) { b.rekey(e.PublicKey) }
func (e *LedgerForked) evolve(b *Book, _ *Event)  { b.rekey(e.PublicKey) }

func (b *Book) rekey(public string) {
	change(b, &b.publicKey)
	b.publicKey = public
}

// PublicKey is the note verifier key that signs the ledger's heads now; "" in an empty book.
func (b *Book) PublicKey() string { return b.publicKey }

// ChangeKey returns the event that changes the key of a book's ledger, which no command makes. body is a *LedgerRekeyed or a
// *LedgerForked.
func ChangeKey(b *Book, body EventBody, id uuid.UUID, now time.Time) Event {
	now = now.UTC().Truncate(time.Microsecond)
	if now.Before(b.recordedAt) {
		now = b.recordedAt
	}
	return Event{Position: b.position + 1, ID: id, RecordedAt: now, EffectiveOn: DateOf(now), Body: body}
}
