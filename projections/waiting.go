package projections

import (
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// Entries remembers the entries of balances that wait in their own table, of all ledgers, from one question to the next, so that a question reads
// only packs that came since. What is remembered is of packs that follow each other, from the first that waits: when they are put where they
// belong, others wait. The ID of the last event that it covers is looked at before it is used, since another log, such as one that was restored
// and went on, has other IDs. It may be used from many goroutines.
type Entries struct {
	mu      sync.Mutex
	ledgers map[uuid.UUID]*waiting
}

// waiting is what is remembered of a ledger.
type waiting struct {
	slot  int
	first int64 // position of the first pack

	mu       sync.Mutex
	last     int64 // position of the last pack
	through  int64 // the last position of that
	event    uuid.UUID
	holdings map[holding][]waitingEntry
}

type holding struct {
	fund  string
	asset domain.Asset
}

// A waitingEntry is what a pack brings to a holding on a day.
type waitingEntry struct {
	pack int64
	domain.Effect
}

// A Look is one question about the entries that wait in a ledger.
type Look struct {
	all    *Entries
	ledger uuid.UUID

	known   *waiting // nil: nothing that is of use
	after   int64
	through int64
	event   uuid.UUID

	found Found
	fresh *waiting // what was read
}

// Found is which packs there are: in a slot from the position First to Last, which ends at End. First is 0 when there are none.
type Found struct {
	Slot             int
	First, Last, End int64
	Event            uuid.UUID // of End
	Before           uuid.UUID // of the position that Look.Through says
}

func newWaiting(f Found) *waiting {
	return &waiting{slot: f.Slot, first: f.First, holdings: map[holding][]waitingEntry{}}
}

// Look begins a question.
func (e *Entries) Look(ledger uuid.UUID) *Look {
	l := &Look{all: e, ledger: ledger}
	e.mu.Lock()
	l.known = e.ledgers[ledger]
	e.mu.Unlock()
	if w := l.known; w != nil {
		w.mu.Lock()
		l.after, l.through, l.event = w.last, w.through, w.event
		w.mu.Unlock()
	}
	return l
}

// After is the position of the last pack that is known: those after it are to be read.
func (l *Look) After() int64 { return l.after }

// Through is a position of which Found must know the event.
func (l *Look) Through() int64 { return l.through }

// Found takes what there is. It is false where what is known is of no use, and all packs are to be read: After says 0 then.
func (l *Look) Found(f Found) bool {
	l.found = f
	if f.First == 0 || l.known != nil && l.known.slot == f.Slot && l.known.first == f.First && l.event == f.Before && l.after <= f.Last {
		return true
	}
	all := l.after == 0
	l.known, l.after = nil, 0
	return all
}

// Add takes a pack that was read.
func (l *Look) Add(p *Pack) {
	if l.fresh == nil {
		l.fresh = newWaiting(l.found)
	}
	r := p.rows()
	for i := range r.n {
		e := r.effect(i)
		h := holding{e.Fund, e.Asset}
		l.fresh.holdings[h] = append(l.fresh.holdings[h], waitingEntry{p.First, e})
	}
}

// AddTo adds the entries to the balances of holdings as far as they are asked about, and to n of how many rows each is the sum. A holding without a
// row is left out: there is none that has only entries.
func (l *Look) AddTo(q *BalanceQuery, rows []BalanceRow, n []int64) {
	if l.found.First == 0 {
		return
	}
	w := l.remember()
	w.mu.Lock()
	defer w.mu.Unlock()
	epoch := q.KnownAt.Bounds().Epoch
	for i := range rows {
		b := &rows[i]
		for _, e := range w.holdings[holding{b.Fund, b.Asset}] {
			if e.pack > l.found.Last || e.pack>>EpochBits >= epoch {
				break
			}
			if q.AsOf == nil || e.Day <= *q.AsOf {
				b.Balance = b.Plus(e.Effect)
				n[i]++
			}
		}
	}
}

// remember puts what was read behind what is known, or in its place.
func (l *Look) remember() *waiting {
	w := l.known
	if w == nil {
		w = l.fresh
		if w == nil {
			w = newWaiting(l.found)
		}
		w.last, w.through, w.event = l.found.Last, l.found.End, l.found.Event
		l.all.mu.Lock()
		defer l.all.mu.Unlock()
		if old := l.all.ledgers[l.ledger]; old == nil || old.first <= w.first || old.slot != w.slot {
			if l.all.ledgers == nil {
				l.all.ledgers = map[uuid.UUID]*waiting{}
			}
			l.all.ledgers[l.ledger] = w
		}
		return w
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.last >= l.found.Last { // another question was faster
		return w
	}
	if l.fresh != nil {
		for h, list := range l.fresh.holdings {
			for _, e := range list {
				if e.pack > w.last {
					w.holdings[h] = append(w.holdings[h], e)
				}
			}
		}
	}
	w.last, w.through, w.event = l.found.Last, l.found.End, l.found.Event
	return w
}
