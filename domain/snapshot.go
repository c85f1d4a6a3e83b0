package domain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain/money"
)

// BookVersion is the version of the encoding of a book. A snapshot of another version is not read: the log is replayed.
const BookVersion = 2

// MarshalBinary encodes the book. Equal books have equal bytes, however they came about: keys are sorted, and days on which a
// holding did not change after all are left out.
func (b *Book) MarshalBinary() ([]byte, error) {
	w := &bookWriter{buf: make([]byte, 0, 1<<16)}
	w.id(b.ledger)
	w.text(b.origin)
	w.text(b.currency.Code)
	w.int(b.position)
	if b.position == 0 {
		return w.buf, nil
	}
	w.int(b.recordedAt.UnixMicro())
	w.text(b.publicKey)
	w.text(b.rootOf)
	w.int(int64(b.closedThrough))
	w.int(b.turnover.amount)
	w.int(b.turnover.quantity)

	w.int(int64(len(b.persons)))
	for i := range b.persons {
		p := &b.persons[i]
		w.id(p.id)
		w.int(p.position)
		w.text(p.kind)
		w.int(int64(p.into))
		w.int(int64(p.lastYear))
		w.bool(p.erased)
	}
	w.int(int64(len(b.units)))
	for _, k := range sortedKeys(b.units) {
		u := b.units[k]
		w.text(u.code)
		w.text(u.parent)
		w.text(string(u.level))
		w.int(int64(u.opened))
		w.int(int64(u.changed))
		w.bool(u.closed)
		w.int(int64(u.closedThrough))
	}
	w.int(int64(len(b.funds)))
	for _, k := range sortedKeys(b.funds) {
		w.fund(b.funds[k])
	}
	w.int(int64(len(b.donors)))
	for _, k := range sortedKeys(b.donors) {
		w.text(k)
		w.text(b.donors[k].kind)
		w.id(b.donors[k].person)
	}
	w.int(int64(len(b.pledges)))
	for _, k := range sortedKeys(b.pledges) {
		p := b.pledges[k]
		w.text(k)
		w.text(p.donor)
		w.text(p.fund)
		w.int(p.amount)
		w.int(p.received)
		w.bool(p.cancelled)
		w.int(int64(p.made))
	}
	w.int(int64(len(b.grants)))
	for _, k := range sortedKeysFunc(b.grants, compareUUID) {
		w.grant(b.grants[k])
	}
	w.int(int64(len(b.counts)))
	for _, k := range sortedKeysFunc(b.counts, compareUUID) {
		n := b.counts[k]
		w.id(k)
		w.text(n.fund)
		w.text(string(n.asset))
		w.int(int64(n.day))
		w.int(n.difference)
	}
	w.int(int64(len(b.measures)))
	for _, k := range sortedKeys(b.measures) {
		w.text(k)
		w.text(b.measures[k])
	}
	w.int(int64(len(b.lastVoucher)))
	for _, k := range sortedKeysFunc(b.lastVoucher, compareSeries) {
		w.text(k.unit)
		w.text(k.series)
		w.int(int64(k.year))
		w.int(int64(b.lastVoucher[k]))
	}
	last := len(b.reversed)
	for last > 0 && b.reversed[last-1] == 0 {
		last--
	}
	w.int(int64(last))
	for _, word := range b.reversed[:last] {
		w.buf = binary.LittleEndian.AppendUint64(w.buf, word)
	}
	return w.buf, nil
}

func compareSeries(a, b voucherSeries) int {
	switch {
	case a.unit != b.unit:
		return compareString(a.unit, b.unit)
	case a.series != b.series:
		return compareString(a.series, b.series)
	default:
		return a.year - b.year
	}
}

func compareString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	default:
		return 0
	}
}

// ErrSnapshot says that bytes are not an encoded book.
var ErrSnapshot = errors.New("not an encoded book")

// UnmarshalBinary replaces the book by the one that was encoded.
func (b *Book) UnmarshalBinary(data []byte) error {
	r := &bookReader{buf: data}
	*b = Book{ledger: r.id(), origin: r.text()}
	code := r.text()
	b.position = r.int()
	if b.position == 0 {
		return r.end()
	}
	currency, err := money.LookupCurrency(code)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrSnapshot, err)
	}
	b.currency = currency
	b.init()
	b.recordedAt = time.UnixMicro(r.int()).UTC()
	b.publicKey = r.text()
	b.rootOf = r.text()
	b.closedThrough = Date(r.int())
	b.turnover = turnover{r.int(), r.int()}

	n := r.count()
	b.persons = make([]person, n)
	b.personIndex = make(map[uuid.UUID]int32, n)
	for i := range b.persons {
		b.persons[i] = person{
			id: r.id(), position: r.int(), kind: r.text(),
			into: int32(r.int()), lastYear: int16(r.int()), erased: r.bool(),
		}
		b.personIndex[b.persons[i].id] = int32(i)
	}
	for range r.count() {
		u := &unit{
			code: r.text(), parent: r.text(), level: Level(r.text()),
			opened: Date(r.int()), changed: Date(r.int()), closed: r.bool(), closedThrough: Date(r.int()),
		}
		b.units[u.code] = u
	}
	for range r.count() {
		f := r.fund()
		b.funds[f.code] = f
	}
	for range r.count() {
		b.donors[r.text()] = &donor{kind: r.text(), person: r.id()}
	}
	for range r.count() {
		b.pledges[r.text()] = &pledge{
			donor: r.text(), fund: r.text(), amount: r.int(), received: r.int(), cancelled: r.bool(), made: Date(r.int()),
		}
	}
	for range r.count() {
		g := r.grant()
		b.grants[g.ID] = g
	}
	for range r.count() {
		b.counts[r.id()] = &count{fund: r.text(), asset: Asset(r.text()), day: Date(r.int()), difference: r.int()}
	}
	for range r.count() {
		b.measures[r.text()] = r.text()
	}
	for range r.count() {
		k := voucherSeries{unit: r.text(), series: r.text(), year: int(r.int())}
		b.lastVoucher[k] = int(r.int())
	}
	b.reversed = make(bitmap, r.count())
	for i := range b.reversed {
		b.reversed[i] = r.word()
	}
	return r.end()
}

type bookWriter struct{ buf []byte }

func (w *bookWriter) int(v int64) { w.buf = binary.AppendVarint(w.buf, v) }

func (w *bookWriter) id(v uuid.UUID) { w.buf = append(w.buf, v[:]...) }

func (w *bookWriter) text(v string) {
	w.int(int64(len(v)))
	w.buf = append(w.buf, v...)
}

func (w *bookWriter) bool(v bool) {
	if v {
		w.buf = append(w.buf, 1)
	} else {
		w.buf = append(w.buf, 0)
	}
}

func (w *bookWriter) fund(f *fund) {
	w.text(f.code)
	w.text(f.unit)
	w.int(int64(f.purposes))
	w.int(int64(f.opened))
	w.bool(f.closed)
	w.int(int64(f.closedThrough))
	w.int(int64(len(f.holdings)))
	for _, a := range sortedKeys(f.holdings) {
		h := f.holdings[a]
		w.text(string(a))
		days := 0
		for i := range h.days {
			if h.balance(i) != h.balance(i-1) {
				days++
			}
		}
		w.int(int64(days))
		for i := range h.days {
			now := h.balance(i)
			if now == h.balance(i-1) {
				continue
			}
			w.int(int64(h.days[i]))
			w.int(now.Posted)
			w.int(now.Encumbered)
			if h.goods {
				w.int(now.Quantity)
				w.int(now.QuantityEncumbered)
			}
		}
	}
}

func (w *bookWriter) grant(g *Grant) {
	w.id(g.ID)
	w.text(string(g.Kind))
	w.text(g.Fund)
	w.text(g.Unit)
	w.text(string(g.Asset))
	w.text(g.RecipientKind)
	w.id(g.Person)
	w.int(g.PersonPosition)
	w.text(g.AchievementLevel)
	w.text(g.EducationLevel)
	w.text(g.Cause)
	w.text(g.SchoolYear)
	for _, v := range [...]int64{
		g.Amount, g.Paid, g.Cancelled, g.Returned,
		g.Quantity, g.QuantityPaid, g.QuantityCancelled, g.QuantityReturned,
		int64(g.Since), int64(g.PaidOn),
	} {
		w.int(v)
	}
}

// bookReader reads what bookWriter wrote. After an error it returns zeros, and end tells of it.
type bookReader struct {
	buf  []byte
	at   int
	bad  bool
	seen map[string]string // texts repeat: units, kinds, levels
}

func (r *bookReader) take(n int) []byte {
	if r.bad || n < 0 || n > len(r.buf)-r.at {
		r.bad = true
		return nil
	}
	r.at += n
	return r.buf[r.at-n : r.at]
}

func (r *bookReader) int() int64 {
	v, n := binary.Varint(r.buf[r.at:])
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.at += n
	return v
}

// count is the length of a list; each element has at least one byte.
func (r *bookReader) count() int {
	n := r.int()
	if n < 0 || n > int64(len(r.buf)-r.at) {
		r.bad = true
		return 0
	}
	return int(n)
}

func (r *bookReader) id() (id uuid.UUID) {
	copy(id[:], r.take(len(id)))
	return id
}

func (r *bookReader) text() string {
	raw := r.take(r.count())
	if s, ok := r.seen[string(raw)]; ok {
		return s
	}
	if r.seen == nil {
		r.seen = map[string]string{}
	}
	s := string(raw)
	r.seen[s] = s
	return s
}

func (r *bookReader) bool() bool {
	raw := r.take(1)
	return len(raw) == 1 && raw[0] == 1
}

func (r *bookReader) word() uint64 {
	raw := r.take(8)
	if raw == nil {
		return 0
	}
	return binary.LittleEndian.Uint64(raw)
}

func (r *bookReader) end() error {
	if r.bad || r.at != len(r.buf) {
		return ErrSnapshot
	}
	return nil
}

func (r *bookReader) fund() *fund {
	f := &fund{
		code: r.text(), unit: r.text(), purposes: purposeSet(r.int()),
		opened: Date(r.int()), closed: r.bool(), closedThrough: Date(r.int()),
		holdings: map[Asset]*holding{},
	}
	for range r.count() {
		a := Asset(r.text())
		h := &holding{goods: a.IsGoods()}
		for range r.count() {
			h.days = append(h.days, Date(r.int()))
			h.posted = append(h.posted, r.int())
			h.encumbered = append(h.encumbered, r.int())
			if h.goods {
				h.quantity = append(h.quantity, r.int())
				h.reserved = append(h.reserved, r.int())
			}
		}
		f.holdings[a] = h
	}
	return f
}

func (r *bookReader) grant() *Grant {
	g := &Grant{ID: r.id()}
	g.Kind = Purpose(r.text())
	g.Fund, g.Unit, g.Asset, g.RecipientKind = r.text(), r.text(), Asset(r.text()), r.text()
	g.Person, g.PersonPosition = r.id(), r.int()
	g.AchievementLevel, g.EducationLevel, g.Cause, g.SchoolYear = r.text(), r.text(), r.text(), r.text()
	for _, p := range [...]*int64{
		&g.Amount, &g.Paid, &g.Cancelled, &g.Returned,
		&g.Quantity, &g.QuantityPaid, &g.QuantityCancelled, &g.QuantityReturned,
	} {
		*p = r.int()
	}
	g.Since, g.PaidOn = Date(r.int()), Date(r.int())
	return g
}
