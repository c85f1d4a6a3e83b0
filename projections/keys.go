package projections

import (
	"maps"
	"sync"

	"github.com/google/uuid"
)

// Keys remembers what the keys of facts stand for, of all ledgers, from one question to the next. Since a key says it all by itself, what is
// remembered never becomes wrong. It may be used from many goroutines.
type Keys struct {
	mu      sync.Mutex
	ledgers map[uuid.UUID]*knownKeys
}

type knownKeys struct {
	through int64 // all keys that were first used until this position are known
	keys    map[uuid.UUID]*FactKey
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
				k.index = len(all)
				all[id] = k
			}
		}
		l.keys = all
	}
	return l.keys
}
