package storetest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
)

// TB is what a Ledger needs of a test: *testing.T, *testing.B and *rapid.T are ones.
type TB interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// A Ledger makes batches for one ledger, and so is the writer of the tests. Everything is derived from its seed.
type Ledger struct {
	ID     uuid.UUID
	Origin string

	t      TB
	tree   *transparency.Tree
	signer note.Signer
	random *rand.ChaCha8
	clock  time.Time
	ids    int
	signed int // how often Sign was called

	tried *transparency.Tree // the tree after the last batch
}

// NewLedger makes a writer for a ledger that does not exist yet.
func NewLedger(t TB, seed string) *Ledger {
	t.Helper()
	random := rand.NewChaCha8(sha256.Sum256([]byte(seed)))
	l := &Ledger{t: t, tree: transparency.NewTree(), random: random, Origin: "soquy.invalid/" + seed}
	l.clock = time.Date(2017, 3, 5, 7, 0, 0, 123_456_000, time.UTC)
	l.ID = l.uuid()
	skey, _, err := transparency.GenerateKey(random, l.Origin)
	if err != nil {
		t.Fatal(err)
	}
	if l.signer, err = transparency.NewSigner(skey); err != nil {
		t.Fatal(err)
	}
	return l
}

// uuid makes a UUIDv7 of the ledger's clock, with a counter in the bits below: in order of time, as real ones are.
func (l *Ledger) uuid() (id uuid.UUID) {
	_, _ = l.random.Read(id[:])
	l.ids++
	binary.BigEndian.PutUint64(id[:8], uint64(l.clock.UnixMilli())<<16)
	binary.BigEndian.PutUint16(id[6:8], 0x7000|uint16(l.ids>>6&0xfff))
	id[8] = 0x80 | byte(l.ids&0x3f)
	return id
}

// Position is where the ledger ends, as far as its writer knows.
func (l *Ledger) Position() int64 { return l.tree.Size() }

// Batch makes the next batch, of n events of some 600 bytes, each with two subjects and a command of its own. The ledger
// does not move until Committed.
func (l *Ledger) Batch(n int) *eventstore.Batch {
	types := []string{"donation.received", "award.granted", "grant.disbursed"}
	b := &eventstore.Batch{Ledger: l.ID, Origin: l.Origin, After: l.Position()}
	for i := range n {
		l.clock = l.clock.Add(170 * time.Microsecond)
		position := b.After + int64(i) + 1
		r := eventstore.Record{
			Position:    position,
			ID:          l.uuid(),
			Type:        types[int(position)%len(types)],
			EffectiveOn: 17_230 + int32(position%60) - 40,
			RecordedAt:  l.clock,
			Envelope:    l.envelope(position, 600),
			Subjects:    []string{"fund:HB", fmt.Sprintf("donor:ND%04d", l.random.Uint64()%5_000)},
		}
		if position == 1 {
			r.EffectiveOn = -1 // 1969-12-31
		}
		b.Records = append(b.Records, r)
		c := eventstore.Command{ID: l.uuid(), First: position, Last: position}
		binary.LittleEndian.PutUint64(c.Fingerprint[:], l.random.Uint64())
		b.Commands = append(b.Commands, c)
	}
	return l.Seal(b)
}

// Seal computes the tree of a batch again, after a test changed its records.
func (l *Ledger) Seal(b *eventstore.Batch) *eventstore.Batch {
	tree := l.tree.Clone()
	for i := range b.Records {
		tree.Append(transparency.LeafHash(b.Records[i].Envelope))
	}
	b.Edge, b.Tiles = tree.Edge(), tree.Full()
	b.Sign = func() ([]byte, error) {
		l.signed++
		return transparency.SignCheckpoint(
			transparency.Checkpoint{Origin: l.Origin, Size: b.Edge.Size, Root: b.Edge.Root()}, l.signer)
	}
	l.tried = tree
	return b
}

// Committed moves the ledger to the end of its last batch.
func (l *Ledger) Committed() { l.tree = l.tried }

// Private makes a private text.
func (l *Ledger) Private(text string) eventstore.Private {
	p := eventstore.Private{ID: l.uuid(), Document: []byte(text)}
	_, _ = l.random.Read(p.Salt[:])
	return p
}

// envelope is text of a length that starts as an event's does.
func (l *Ledger) envelope(position int64, size int) []byte {
	const filler = "Hội Khuyến học tỉnh Điện Biên trao thưởng học sinh giỏi; "
	b := fmt.Appendf(nil, `{"ledger":%q,"position":%d,"id":%q,"data":"`, l.Origin, position, l.uuid())
	for len(b) < size-2 {
		b = append(b, filler[:min(len(filler), size-2-len(b))]...)
	}
	return append(b, `"}`...)
}
