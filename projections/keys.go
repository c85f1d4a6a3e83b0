package projections

import (
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// WithKeys answers a question that needs the keys of facts: with those that are remembered, and when one is not among them, because the log
// was another one when they were read, once more with keys that are read afresh. Errors: those of ask; for a key that is nowhere,
// eventstore.ErrCorrupt.
func WithKeys[T any](ask func(afresh bool) (T, error)) (T, error) {
	answer, err := ask(false)
	if errors.Is(err, ErrUnknownKey) {
		answer, err = ask(true)
	}
	if errors.Is(err, ErrUnknownKey) {
		err = fmt.Errorf("%w: %w", eventstore.ErrCorrupt, err)
	}
	return answer, err
}

// Keys remembers what the keys of facts stand for, of all ledgers, from one question to the next. Since a key says it all by itself, what is
// remembered never becomes wrong. It may be used from many goroutines.
type Keys struct {
	mu      sync.Mutex
	ledgers map[uuid.UUID]*knownKeys
}

type knownKeys struct {
	through int64 // all keys that were first used until this position are known
	keys    map[uuid.UUID]*FactKey
	numbers keyNumbers
}

// keyNumbers give numbers to keys.
type keyNumbers struct {
	keys   int32
	units  map[string]int32
	funds  map[string]int32
	shapes map[FactKey]int32 // keys without unit and fund
}

// number gives a key the next number.
func (n *keyNumbers) number(k *FactKey) {
	if n.units == nil {
		n.units, n.funds, n.shapes = map[string]int32{}, map[string]int32{}, map[FactKey]int32{}
	}
	shape := *k
	shape.Unit, shape.Fund, shape.numbers = "", "", numbers{}
	k.numbers = numbers{n.keys, numberOf(n.units, k.Unit), numberOf(n.funds, k.Fund), numberOf(n.shapes, shape)}
	n.keys++
}

// numberOf returns the number of a value, which is the next one where it has none.
func numberOf[T comparable](numbers map[T]int32, v T) int32 {
	n, known := numbers[v]
	if !known {
		n = int32(len(numbers))
		numbers[v] = n
	}
	return n
}

// Known returns the keys of a ledger that are known, and the position until which they are all. The map must not be changed.
func (k *Keys) Known(ledger uuid.UUID) (keys map[uuid.UUID]*FactKey, through int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if l := k.ledgers[ledger]; l != nil {
		return l.keys, l.through
	}
	return nil, 0
}

// Learn adds keys, which must not be used otherwise, and returns all that are known.
func (k *Keys) Learn(ledger uuid.UUID, keys map[uuid.UUID]*FactKey, through int64) map[uuid.UUID]*FactKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.ledgers == nil {
		k.ledgers = map[uuid.UUID]*knownKeys{}
	}
	l := k.ledgers[ledger]
	if l == nil {
		l = &knownKeys{}
		k.ledgers[ledger] = l
	}
	l.through = through
	if len(keys) > 0 || l.keys == nil {
		all := make(map[uuid.UUID]*FactKey, len(l.keys)+len(keys))
		maps.Copy(all, l.keys)
		for id, k := range keys {
			if all[id] == nil {
				l.numbers.number(k)
				all[id] = k
			}
		}
		l.keys = all
	}
	return l.keys
}
