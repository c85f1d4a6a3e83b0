package domain

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// A Book is the state of one ledger that decisions need: its units, funds and their holdings by day, persons, donors, pledges,
// open grants, unsettled counts, voucher counters and closed periods. The zero Book is the empty ledger. It grows with what is
// open and named, not with the log: a settled grant and the target of a reversal are read from the log and handed in.
//
// A Book is not safe for concurrent use.
type Book struct {
	ledger     uuid.UUID
	origin     string
	publicKey  string // that signs the heads now
	currency   money.Currency
	position   int64
	recordedAt time.Time

	units   map[string]*unit
	rootOf  string // code of the root unit
	funds   map[string]*fund
	donors  map[string]*donor
	pledges map[string]*pledge
	grants  map[uuid.UUID]*Grant // open ones: something is not paid yet
	counts  map[uuid.UUID]*count // unsettled ones

	persons     []person // in log order
	personIndex map[uuid.UUID]int32

	measures      map[string]string // of goods items
	lastVoucher   map[voucherSeries]int
	reversed      bitmap // positions
	closedThrough Date   // of the whole ledger
	turnover      turnover

	recording bool
	undo      []func()
}

// never is before every date that a command can have.
const never Date = -1 << 31

func (b *Book) open(o *LedgerOpened) {
	currency, err := money.LookupCurrency(o.Currency)
	if err != nil {
		panic("domain: ledger.opened: " + err.Error()) // it was checked when the ledger was made
	}
	ledger, origin, key, before, through := b.ledger, b.origin, b.publicKey, b.currency, b.closedThrough
	b.onUndo(func() {
		b.ledger, b.origin, b.publicKey, b.currency, b.closedThrough = ledger, origin, key, before, through
	})
	b.ledger, b.origin, b.publicKey, b.currency = o.Ledger, o.Origin, o.PublicKey, currency
	b.init()
	b.closedThrough = never
}

func (b *Book) init() {
	b.units = map[string]*unit{}
	b.funds = map[string]*fund{}
	b.donors = map[string]*donor{}
	b.pledges = map[string]*pledge{}
	b.grants = map[uuid.UUID]*Grant{}
	b.counts = map[uuid.UUID]*count{}
	b.personIndex = map[uuid.UUID]int32{}
	b.measures = map[string]string{}
	b.lastVoucher = map[voucherSeries]int{}
}

// Evolve applies one event, which must be the next one.
func (b *Book) Evolve(e *Event) {
	if e.Position != b.position+1 {
		panic("domain: Evolve: events out of order")
	}
	position, recordedAt := b.position, b.recordedAt
	b.onUndo(func() { b.position, b.recordedAt = position, recordedAt })
	b.position, b.recordedAt = e.Position, e.RecordedAt
	e.Body.evolve(b, e)
	if effects := e.Effects(); len(effects) > 0 {
		b.apply(effects)
	}
	if m, isMoney := e.Body.(interface{ person(*Book) uuid.UUID }); isMoney {
		b.moneyOf(m.person(b), e.EffectiveOn)
	}
	if _, isReversal := e.Body.(*EntryReversed); !isReversal { // it carries the numbers of the entry that it undoes
		for _, v := range e.Vouchers() {
			b.count(v)
		}
	}
}

func (b *Book) apply(effects []Effect) {
	for i := range effects {
		e := effects[i]
		f := b.funds[e.Fund]
		h := f.holding(e.Asset)
		_, known := f.holdings[e.Asset]
		if !known {
			f.holdings[e.Asset] = h
		}
		before := b.turnover
		inserted := h.add(e)
		b.turnover.amount += abs(e.Posted) + abs(e.Encumbered)
		b.turnover.quantity += abs(e.Quantity) + abs(e.QuantityEncumbered)
		if b.recording {
			b.undo = append(b.undo, func() {
				h.undo(e, inserted)
				b.turnover = before
				if !known {
					delete(f.holdings, e.Asset)
				}
			})
		}
	}
}

// count notes a voucher number that was taken.
func (b *Book) count(v Voucher) {
	name, year, n, err := ParseVoucherNumber(v.Number)
	if err != nil {
		panic("domain: " + err.Error())
	}
	s := voucherSeries{unit: v.Unit, series: name, year: year}
	set(b, b.lastVoucher, s, n)
}

// set changes a map of the book so that it can be taken back.
func set[K comparable, V any](b *Book, m map[K]V, k K, v V) {
	if b.recording {
		old, had := m[k]
		b.undo = append(b.undo, func() {
			if had {
				m[k] = old
			} else {
				delete(m, k)
			}
		})
	}
	m[k] = v
}

// unset removes a key of a map of the book so that it can be taken back.
func unset[K comparable, V any](b *Book, m map[K]V, k K) {
	if b.recording {
		if old, had := m[k]; had {
			b.undo = append(b.undo, func() { m[k] = old })
		}
	}
	delete(m, k)
}

// change keeps the old value of something that is about to change, so that it can be taken back.
func change[T any](b *Book, p *T) {
	if b.recording {
		old := *p
		b.undo = append(b.undo, func() { *p = old })
	}
}

func (b *Book) onUndo(f func()) {
	if b.recording {
		b.undo = append(b.undo, f)
	}
}

// Begin starts to remember changes, so that Rollback can take them back.
func (b *Book) Begin() {
	b.recording = true
	b.undo = b.undo[:0]
}

// Mark returns a point that RollbackTo returns to.
func (b *Book) Mark() int { return len(b.undo) }

// RollbackTo takes back, last first, what was applied since a mark.
func (b *Book) RollbackTo(mark int) {
	for i := len(b.undo) - 1; i >= mark; i-- {
		b.undo[i]()
		b.undo[i] = nil
	}
	b.undo = b.undo[:mark]
}

// Rollback takes back what was applied since Begin, and stops remembering.
func (b *Book) Rollback() {
	b.RollbackTo(0)
	b.recording = false
}

// Commit keeps what was applied since Begin, and stops remembering.
func (b *Book) Commit() {
	clear(b.undo)
	b.undo = b.undo[:0]
	b.recording = false
}

// CommitTo keeps what was applied before a mark, and goes on remembering what came after. Marks are less by that mark from then on.
func (b *Book) CommitTo(mark int) {
	n := copy(b.undo, b.undo[mark:])
	clear(b.undo[n:])
	b.undo = b.undo[:n]
}

// Position returns the position of the last event.
func (b *Book) Position() int64 { return b.position }

// RecordedAt returns the instant of the last event.
func (b *Book) RecordedAt() time.Time { return b.recordedAt }

// Ledger returns the ledger's ID.
func (b *Book) Ledger() uuid.UUID { return b.ledger }

// Origin returns the ledger's origin.
func (b *Book) Origin() string { return b.origin }

// Currency returns the ledger's currency.
func (b *Book) Currency() money.Currency { return b.currency }

// Balance returns the balance of a holding at the end of a day.
func (b *Book) Balance(fund string, asset Asset, on Date) Balance {
	f := b.funds[fund]
	if f == nil {
		return Balance{}
	}
	return f.holding(asset).on(on)
}

// Latest returns the balance of a holding over all days.
func (b *Book) Latest(fund string, asset Asset) Balance {
	f := b.funds[fund]
	if f == nil {
		return Balance{}
	}
	return f.holding(asset).latest()
}

// A bitmap is a set of positions.
type bitmap []uint64

func (m bitmap) has(p int64) bool {
	i := p >> 6
	return i < int64(len(m)) && m[i]&(1<<(p&63)) != 0
}

// flip puts a position in or takes it out.
func (m *bitmap) flip(p int64) {
	i := int(p >> 6)
	if i >= len(*m) {
		*m = append(*m, slices.Repeat([]uint64{0}, i+1-len(*m))...)
	}
	(*m)[i] ^= 1 << (p & 63)
}
