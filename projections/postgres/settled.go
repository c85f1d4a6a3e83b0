package postgres

import (
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// Some rows say what a key stands for, and never change once they are there; nearly every batch would put most of them again. A
// process remembers those that it saw committed and leaves them out. A rebuild finds them in the events as well, so they are in every
// live slot from then on.

// isSettled reports whether a table has such rows: the key is one ID, and nothing else of a row changes.
func isSettled(t *projections.Table) bool {
	return !t.Once && t.Keys == 1 && t.Columns[0].Type == projections.ID &&
		!slices.ContainsFunc(t.Columns[1:], func(c projections.Column) bool { return c.Rule != projections.First })
}

// A settledKey is the key of such a row.
type settledKey struct {
	table *projections.Table
	id    uuid.UUID
}

// settled is what is known of all ledgers. It may be used from many goroutines.
type settled struct {
	mu      sync.Mutex
	ledgers map[uuid.UUID]*settledKeys
}

// settledKeys are the keys of one ledger. They may be used from many goroutines.
type settledKeys struct {
	mu      sync.Mutex
	through int64 // the last position that was seen committed
	keys    map[settledKey]struct{}
	apart   apart
}

// maxSettled is how many keys of a ledger are remembered.
const maxSettled = 1 << 17

// of returns what is known before a batch.
func (s *settled) of(b *eventstore.Batch) (*settledKeys, apart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ledgers == nil {
		s.ledgers = map[uuid.UUID]*settledKeys{}
	}
	k := s.ledgers[b.Ledger]
	if k == nil {
		k = new(settledKeys)
		s.ledgers[b.Ledger] = k
	}
	return k, k.begin(b.After)
}

// begin forgets the keys of a ledger that is not as far as it was: it is not the one that was seen.
func (s *settledKeys) begin(at int64) apart {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || at < s.through || len(s.keys) > maxSettled {
		s.keys = map[settledKey]struct{}{}
		s.through, s.apart = at, apart{}
	}
	now := s.apart
	now.others = now.others || at != s.through
	return now
}

func (s *settledKeys) has(k settledKey) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, is := s.keys[k]
	return is
}

// committed remembers keys that were put by events through a position.
func (s *settledKeys) committed(through int64, keys []settledKey, now apart) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if through > s.through {
		s.through, s.apart = through, now
	}
	for _, k := range keys {
		s.keys[k] = struct{}{}
	}
}
