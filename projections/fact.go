package projections

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
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

// A Fact is one row of total_facts, or what one pack adds to one.
type Fact struct {
	Basis          int
	Day            domain.Date
	Key            uuid.UUID
	Block          int64
	Grants, Amount int64
	On, Off        []byte
}

// A FactSource is the transaction that a question is answered in.
type FactSource interface {
	// Mark returns the builder of the live slot, and the ID of the event at a position, each zero where there is none.
	Mark(ctx context.Context, position int64) (builder, event uuid.UUID, err error)
	// Blocks calls yield with the packs of facts of the blocks from … to, without the latter, in order of position.
	Blocks(ctx context.Context, from, to int64, yield func(*Pack) error) error
}

// KnownFacts are the facts of all complete blocks of a ledger. They are not changed once others may see them.
type KnownFacts struct {
	slot    int
	builder uuid.UUID
	through int64      // blocks before this one
	last    uuid.UUID  // the ID of their last event
	keys    []*FactKey // by their numbers
	numbers []numbers  // of keys
	bases   [3]factList
	scratch *sync.Pool // of those who count them
}

// A factList has facts in order of key, by its number, and day, so that a question goes from key to key and never back.
type factList struct {
	days   []int32 // of the facts: all that is looked at of most
	facts  []knownFact
	people []uint32 // of one fact after another: first those on, then those off
}

// A knownFact has no pointers: there are many.
type knownFact struct {
	amount  int64
	key     int32 // its number
	block   int32
	grants  int32
	people  uint32 // where its persons begin
	on, off uint32
}

// compare is the order of a fact and another of the same list or another one.
func (l *factList) compare(i int, o *factList, j int) int {
	return cmp.Or(cmp.Compare(l.facts[i].key, o.facts[j].key), cmp.Compare(l.days[i], o.days[j]))
}

// add puts a fact of a list at the end.
func (l *factList) add(from *factList, i int) {
	f := from.facts[i]
	people := from.people[f.people : f.people+f.on+f.off]
	f.people = uint32(len(l.people))
	l.days, l.facts, l.people = append(l.days, from.days[i]), append(l.facts, f), append(l.people, people...)
}

// with returns a list with the facts of another one, which are in no order.
func (l *factList) with(o *factList) factList {
	if len(o.facts) == 0 {
		return *l
	}
	order := make([]int, len(o.facts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return o.compare(i, o, j) })
	n := len(l.facts) + len(o.facts)
	all := factList{make([]int32, 0, n), make([]knownFact, 0, n), make([]uint32, 0, len(l.people)+len(o.people))}
	next := 0
	for _, i := range order {
		for next < len(l.facts) && l.compare(next, o, i) <= 0 {
			all.add(l, next)
			next++
		}
		all.add(o, i)
	}
	for ; next < len(l.facts); next++ {
		all.add(l, next)
	}
	return all
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
	more := &KnownFacts{slot: k.slot, builder: k.builder, through: through, last: last, keys: slices.Clone(k.keys), numbers: slices.Clone(k.numbers), scratch: k.scratch}
	if more.scratch == nil {
		more.scratch = new(sync.Pool)
	}
	n, people := 0, 0
	for _, l := range k.bases {
		n, people = n+len(l.facts), people+len(l.people)
	}
	var fresh [len(k.bases)]factList
	tooMany := false
	learn := func(f *Fact) error {
		if n++; n > maxFacts || people > maxPeople {
			tooMany = true
			return nil
		}
		if f.Basis < 0 || f.Basis >= len(fresh) || int64(int32(f.Grants)) != f.Grants || int64(int32(f.Block)) != f.Block {
			return fmt.Errorf("%w: a fact has basis %d, block %d and %d grants", eventstore.ErrCorrupt, f.Basis, f.Block, f.Grants)
		}
		key := keys[f.Key]
		if key == nil {
			return fmt.Errorf("%w: %s", ErrUnknownKey, f.Key)
		}
		if missing := int(key.index) - len(more.keys) + 1; missing > 0 {
			more.keys, more.numbers = append(more.keys, make([]*FactKey, missing)...), append(more.numbers, make([]numbers, missing)...)
		}
		more.keys[key.index], more.numbers[key.index] = key, key.numbers
		l := &fresh[f.Basis]
		l.days = append(l.days, int32(f.Day))
		l.facts = append(l.facts, knownFact{
			amount: f.Amount, key: key.index, block: int32(f.Block), grants: int32(f.Grants),
			people: uint32(len(l.people)), on: uint32(len(f.On) / 4), off: uint32(len(f.Off) / 4),
		})
		l.people = appendOrdinals(appendOrdinals(l.people, f.On), f.Off)
		people += (len(f.On) + len(f.Off)) / 4
		return nil
	}
	u := newUnpacker(factTable, func(r *Rows) error { return eachFact(r, learn) })
	if err = source.Blocks(ctx, k.through, through, u.pack); err == nil {
		err = u.end()
	}
	if err != nil || tooMany {
		return nil, err
	}
	for i := range fresh {
		more.bases[i] = k.bases[i].with(&fresh[i])
	}
	return more, nil
}

// eachFact calls yield with each row of total_facts.
func eachFact(r *Rows, yield func(*Fact) error) error {
	block, basis, day, key := r.columns[factBlock].Ints, r.columns[factBasis].Ints, r.columns[factDay].Ints, r.columns[factKey].IDs
	grants, amount, on, off := r.columns[factGrants].Ints, r.columns[factAmount].Ints, r.columns[factOn].Bytes, r.columns[factOff].Bytes
	var f Fact
	for i := range r.n {
		f = Fact{int(basis[i]), domain.Date(day[i]), key[i], block[i], grants[i], amount[i], on[i], off[i]}
		if err := yield(&f); err != nil {
			return err
		}
	}
	return nil
}

// AddKnown counts the facts of the query's bases and days that are remembered, and were there at the position that it asks about.
// Errors: ErrUnknownKey.
func (t *Tally) AddKnown(known *KnownFacts) error {
	if known.through == 0 {
		return nil
	}
	if t.scratch == nil {
		t.borrow(known.scratch)
	}
	before := t.q.KnownAt.Bounds().Block
	from, to := int32(math.MinInt32), int32(math.MaxInt32)
	if t.q.From != nil {
		from = int32(*t.q.From)
	}
	if t.q.To != nil {
		to = int32(*t.q.To)
	}
	for _, basis := range t.q.Bases() {
		l := &known.bases[basis]
		for i, day := range l.days {
			if day < from || day > to {
				continue
			}
			f := &l.facts[i]
			if int64(f.block) >= before {
				continue
			}
			rows, err := t.at(known.numbers[f.key], known.keys[f.key], domain.Date(day))
			if err != nil {
				return err
			}
			people := l.people[f.people : f.people+f.on+f.off]
			for _, r := range rows {
				r.Grants += int64(f.grants)
				r.Amount += f.amount
				if !t.q.Books && len(people) > 0 {
					if r.on == nil {
						r.on = t.scratch.list()
					}
					r.on = append(r.on, people[:f.on]...)
					r.off = append(r.off, people[f.on:]...)
				}
			}
		}
	}
	return nil
}

// AddPack counts the facts of a pack that are of the query's bases and days. Errors: ErrUnknownKey.
func (t *Tally) AddPack(p *Pack) error {
	if p.First >= t.q.KnownAt.Bounds().Facts() {
		return nil
	}
	bases := t.q.Bases()
	return eachFact(p.rows(), func(f *Fact) error {
		if !slices.Contains(bases, f.Basis) || !t.q.covers(f.Day) {
			return nil
		}
		return t.Add(f.Day, f.Key, f.Grants, f.Amount, f.On, f.Off)
	})
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
