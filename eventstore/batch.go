package eventstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore/transparency"
)

// A Head is where a ledger ends: how many events it has, the right edge of its tree, and the signed checkpoint of both.
type Head struct {
	Ledger uuid.UUID
	Origin string
	Edge   transparency.Edge // Edge.Size is the position of the last event
	Note   []byte            // the signed checkpoint of Edge
}

// Position is the position of the last event.
func (h Head) Position() int64 { return h.Edge.Size }

// A Batch is one atomic append to one ledger.
type Batch struct {
	Ledger uuid.UUID
	Origin string // used when After is 0, which makes the ledger

	// After is the position that the batch extends. The append is refused with *HeadMovedError when the ledger's head
	// is elsewhere.
	After int64

	Records  []Record // positions After+1, After+2, …; never empty
	Commands []Command
	Private  []Private
	Erase    []uuid.UUID // IDs of private texts that are deleted for good

	Edge  transparency.Edge   // the tree's right edge after the batch
	Tiles []transparency.Tile // the tiles that the batch completed

	// Sign makes the signed checkpoint of Edge. It is called once, inside the transaction, after the compare-and-swap
	// held: a head that was not won is never signed.
	Sign func() ([]byte, error)

	// Next, if there is one, is told how to wait for the ledger's lock for the batch after this one, where a store can ask for it together with the
	// commit. It is called at most once, before the append returns without an error. What it is given must be called once, and the lock given back.
	Next func(wait func(context.Context) (Lock, error))

	// Joined is set by the store, before it calls its joiners: the last position whose append they were called in. Where it is not After, a store
	// without them appended what follows.
	Joined int64

	// KeepNote keeps the checkpoint in the table of checkpoints, not only as the ledger's latest.
	KeepNote bool
}

// Last is the position of the batch's last event.
func (b *Batch) Last() int64 { return b.After + int64(len(b.Records)) }

// Validate says what is wrong with the batch itself, which is a mistake of the program that made it: records whose
// positions do not follow After, envelopes out of their limits, an edge of another size. The stores call it before they
// write anything.
func (b *Batch) Validate() error {
	switch {
	case len(b.Records) == 0:
		return errors.New("batch has no records")
	case b.Edge.Size != b.Last():
		return fmt.Errorf("batch ends at position %d, its tree has size %d", b.Last(), b.Edge.Size)
	case b.Sign == nil:
		return errors.New("batch has no Sign")
	case b.After == 0 && b.Origin == "":
		return errors.New("batch makes a ledger without an origin")
	}
	for i := range b.Records {
		r := &b.Records[i]
		if want := b.After + int64(i) + 1; r.Position != want {
			return fmt.Errorf("record %d of the batch has position %d, expected %d", i, r.Position, want)
		}
		if n := len(r.Envelope); n < 2 || n > MaxEnvelope {
			return fmt.Errorf("envelope of position %d has %d bytes, limits are 2 and %d", r.Position, n, MaxEnvelope)
		}
	}
	return nil
}

// Begun is what was inserted of a batch before the rest of it was there.
type Begun struct {
	records  []Record
	commands []Command
}

// Add adds what is to be inserted next into the ledger of a head. Errors: *HeadMovedError (it does not follow).
func (g *Begun) Add(head Head, records []Record, commands []Command) error {
	for i := range records {
		if at := head.Position() + int64(len(g.records)+i); records[i].Position != at+1 {
			return &HeadMovedError{Expected: records[i].Position - 1, Actual: at}
		}
	}
	g.records, g.commands = append(g.records, records...), append(g.commands, commands...)
	return nil
}

// Rest returns what is still to be inserted of a batch. That it begins with something else than what was inserted is a mistake of the
// program that made it.
func (g *Begun) Rest(b *Batch) (records []Record, commands []Command, err error) {
	n, m := len(g.records), len(g.commands)
	if n > len(b.Records) || m > len(b.Commands) || !slices.EqualFunc(g.records, b.Records[:n], sameRecord) || !slices.Equal(g.commands, b.Commands[:m]) {
		return nil, nil, fmt.Errorf("batch does not begin with the %d records and %d commands that were inserted of it", n, m)
	}
	return b.Records[n:], b.Commands[m:], nil
}

// sameRecord compares what is inserted of two records, which for those of one slice is no work.
func sameRecord(a, b Record) bool {
	return a.Position == b.Position && a.ID == b.ID && a.Type == b.Type && a.EffectiveOn == b.EffectiveOn && a.RecordedAt.Equal(b.RecordedAt) &&
		bytes.Equal(a.Envelope, b.Envelope)
}
