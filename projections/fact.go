package projections

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// Facts remembers the facts of complete blocks, which never change, of all ledgers, so that whoever asks for totals more than once
// reads only those after. What is remembered is of one slot as one rebuild made it, and of one log: the ID of the last event that
// it covers is looked at before it is used, since another log, such as one that was restored and went on, has other IDs. It may be
// used from many goroutines.
type Facts struct {
	ledgers sync.Map // ledger → *KnownFacts
}

// A Fact is one row of total_facts.
type Fact struct {
	Basis          int
	Day            domain.Date
	Key            uuid.UUID
	Block          int64 // set by Blocks
	Grants, Amount int64
	On, Off        []byte
}

// A FactSource is the transaction that a question is answered in.
type FactSource interface {
	// Mark returns the builder of the live slot, and the ID of the event at a position, each zero where there is none.
	Mark(ctx context.Context, position int64) (builder, event uuid.UUID, err error)
	// Blocks calls yield with the facts of the blocks from … to, without the latter. The lists are good until yield returns.
	Blocks(ctx context.Context, from, to int64, yield func(*Fact) error) error
}

// KnownFacts are the facts of all complete blocks of a ledger. They are not changed once others may see them.
type KnownFacts struct {
	slot    int
	builder uuid.UUID
	through int64     // blocks before this one
	last    uuid.UUID // the ID of their last event
	bases   [3][]knownFact
	people  []uint32
}

// A knownFact has its persons in people of its KnownFacts: first those on, then those off.
type knownFact struct {
	key     *FactKey
	amount  int64
	day     int32
	block   int32
	grants  int32
	people  uint32
	on, off uint32
}

// maxFacts and maxPeople are how many facts and persons of a ledger are remembered: some 80 MB at most.
const (
	maxFacts  = 1 << 20
	maxPeople = 8 << 20
)

// learnBlocks is after how many blocks more is remembered: putting them in order takes longer than reading a few once more.
const learnBlocks = 4

// noFacts stands for a ledger of which nothing is remembered.
var noFacts = &KnownFacts{}

// Through is the first block of which nothing is known.
func (k *KnownFacts) Through() int64 { return k.through }

// lastOf is the last position of the blocks before one.
func lastOf(block int64) int64 { return block<<BlockBits - 1 }

// Known returns what is remembered of a ledger whose totals are at a position, and remembers more from the second question on: most
// programs ask only once, for less than all.
func (f *Facts) Known(
	ctx context.Context, ledger uuid.UUID, at Position, keys map[uuid.UUID]*FactKey, source FactSource,
) (*KnownFacts, error) {
	through := (at.Position + 1) >> BlockBits
	found, asked := f.ledgers.LoadOrStore(ledger, noFacts)
	known := found.(*KnownFacts)
	if !asked || through == 0 || known.through > through { // the last: the transaction began earlier
		return noFacts, nil
	}
	builder, last, err := source.Mark(ctx, lastOf(max(known.through, 1)))
	if err != nil {
		return nil, err
	}
	if known.slot != at.Slot || known.builder != builder || known.last != last {
		known = &KnownFacts{slot: at.Slot, builder: builder}
	}
	if known.through > 0 && through-known.through < learnBlocks {
		return known, nil
	}
	more, err := known.read(ctx, through, keys, source)
	if err != nil || more == nil {
		return noFacts, err
	}
	f.ledgers.Store(ledger, more)
	return more, nil
}

// read returns what is known with the facts until a block; nil where that is too much to be remembered.
func (k *KnownFacts) read(ctx context.Context, through int64, keys map[uuid.UUID]*FactKey, source FactSource) (*KnownFacts, error) {
	_, last, err := source.Mark(ctx, lastOf(through))
	if err != nil {
		return nil, err
	}
	more := &KnownFacts{slot: k.slot, builder: k.builder, through: through, last: last, people: slices.Clone(k.people)}
	n := len(k.bases[0]) + len(k.bases[1]) + len(k.bases[2])
	tooMany := false
	err = source.Blocks(ctx, k.through, through, func(f *Fact) error {
		if n++; n > maxFacts || len(more.people) > maxPeople {
			tooMany = true
			return nil
		}
		if f.Basis < 0 || f.Basis >= len(more.bases) || int64(int32(f.Grants)) != f.Grants || int64(int32(f.Block)) != f.Block {
			return fmt.Errorf("%w: a fact has basis %d, block %d and %d grants", eventstore.ErrCorrupt, f.Basis, f.Block, f.Grants)
		}
		key := keys[f.Key]
		if key == nil {
			return fmt.Errorf("%w: %s", ErrUnknownKey, f.Key)
		}
		more.bases[f.Basis] = append(more.bases[f.Basis], knownFact{
			key: key, amount: f.Amount, day: int32(f.Day), block: int32(f.Block), grants: int32(f.Grants),
			people: uint32(len(more.people)), on: uint32(len(f.On) / 4), off: uint32(len(f.Off) / 4),
		})
		more.people = appendOrdinals(appendOrdinals(more.people, f.On), f.Off)
		return nil
	})
	if err != nil || tooMany {
		return nil, err
	}
	for i, list := range more.bases {
		slices.SortStableFunc(list, func(a, b knownFact) int { return cmp.Compare(a.day, b.day) })
		more.bases[i] = merge(k.bases[i], list)
	}
	return more, nil
}

// merge puts two lists in order of day into one.
func merge(a, b []knownFact) []knownFact {
	list := make([]knownFact, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].day < a[0].day {
			list, b = append(list, b[0]), b[1:]
		} else {
			list, a = append(list, a[0]), a[1:]
		}
	}
	return append(append(list, a...), b...)
}

// AddKnown counts the facts of the query's bases and days that are remembered, and were there at the position that it asks about.
// Errors: ErrUnknownKey.
func (t *Tally) AddKnown(known *KnownFacts) error {
	before := t.q.KnownAt.Bounds().Block
	for _, basis := range t.q.Bases() {
		list := known.bases[basis]
		if t.q.From != nil {
			list = list[sort.Search(len(list), func(i int) bool { return list[i].day >= int32(*t.q.From) }):]
		}
		if t.q.To != nil {
			list = list[:sort.Search(len(list), func(i int) bool { return list[i].day > int32(*t.q.To) })]
		}
		for i := range list {
			f := &list[i]
			if int64(f.block) >= before {
				continue
			}
			rows, err := t.rowsAt(f.key, domain.Date(f.day))
			if err != nil {
				return err
			}
			people := known.people[f.people : f.people+f.on+f.off]
			for _, r := range rows {
				r.Grants += int64(f.grants)
				r.Amount += f.amount
				if !t.q.Books {
					r.on = append(r.on, people[:f.on]...)
					r.off = append(r.off, people[f.on:]...)
				}
			}
		}
	}
	return nil
}

func appendOrdinals(dst []uint32, list []byte) []uint32 {
	if len(list) < 4 {
		return dst
	}
	dst = slices.Grow(dst, len(list)/4)
	for ; len(list) >= 4; list = list[4:] {
		dst = append(dst, binary.LittleEndian.Uint32(list))
	}
	return dst
}
