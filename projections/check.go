package projections

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// A Checked is what a comparison of a model's rows with those of a fold found.
type Checked struct {
	Name       string
	Version    int
	Digest     [32]byte   // of the rows in the database; zero when they are of another version
	Rows       int64      // in the database
	Wrong      int64      // how many rows are missing, too much or different
	Mismatches []Mismatch // the first of them, at most MaxMismatches
}

// MaxMismatches is how many mismatches of a model are described.
const MaxMismatches = 100

// A Mismatch is a row that is not what the events lead to.
type Mismatch struct {
	Table    string
	Key      string // such as "fund=HB asset=cash"
	What     string
	Position int64 // of the event that the row is about; 0 when it is not about one
}

func (m Mismatch) String() string { return m.Table + " " + m.Key + ": " + m.What }

// A Comparison compares the rows of one table with those of a fold. It is given them in the order of their keys.
type Comparison struct {
	c       *Checked
	f       *Fold
	through int64 // the position of the last event
	rows    *Rows
	sorted  []int32
	next    int
	want    []Value
	keys    [2][]byte
}

// Compare begins the comparison of a table with the fold, which is of the whole log through a position.
func (f *Fold) Compare(t *Table, through int64, c *Checked) *Comparison {
	r := f.Rows(t)
	return &Comparison{c: c, f: f, through: through, rows: r, sorted: r.Sorted(), want: make([]Value, len(t.Columns))}
}

// Row compares a row that is there.
func (c *Comparison) Row(have []Value) {
	c.c.Rows++
	t := c.rows.Table
	key := appendKey(c.keys[0][:0], t, have)
	c.keys[0] = key
	for c.next < len(c.sorted) {
		c.rows.Row(int(c.sorted[c.next]), c.want)
		c.keys[1] = appendKey(c.keys[1][:0], t, c.want)
		switch bytes.Compare(c.keys[1], key) {
		case -1:
			c.found(c.want, "is missing")
			c.next++
			continue
		case 0:
			c.next++
			c.same(have)
			return
		}
		break
	}
	c.found(have, "does not follow from the events")
}

// Counted looks at a column beside those of a row, in which only a database counts something that there is at most once an event.
func (c *Comparison) Counted(row []Value, name string, n int64) {
	if n < 0 || n > c.through {
		c.found(row, fmt.Sprintf("%s is %d, the log has %d events", name, n, c.through))
	}
}

// End reports what was not there.
func (c *Comparison) End() {
	for ; c.next < len(c.sorted); c.next++ {
		c.rows.Row(int(c.sorted[c.next]), c.want)
		c.found(c.want, "is missing")
	}
}

func (c *Comparison) same(have []Value) {
	var what []string
	t := c.rows.Table
	for i := t.Keys; i < len(have); i++ {
		h, w := &have[i], &c.want[i]
		if h.Null != w.Null || h.Int != w.Int || h.Text != w.Text || !bytes.Equal(h.Bytes, w.Bytes) {
			what = append(what, fmt.Sprintf("%s is %s, should be %s", t.Columns[i].Name, show(t.Columns[i].Type, h), show(t.Columns[i].Type, w)))
		}
	}
	if what != nil {
		c.found(have, strings.Join(what, "; "))
	}
}

func (c *Comparison) found(row []Value, what string) {
	c.c.Wrong++
	if len(c.c.Mismatches) >= MaxMismatches {
		return
	}
	t := c.rows.Table
	var key []string
	m := Mismatch{Table: t.Name, What: what}
	for i, column := range t.Columns {
		if i < t.Keys {
			key = append(key, column.Name+"="+show(column.Type, &row[i]))
		}
		if column.Name == "position" {
			m.Position = row[i].Int
		}
	}
	m.Key = strings.Join(key, " ")
	c.c.Mismatches = append(c.c.Mismatches, m)
}

// A Scan hands out the rows of a slot of a table in the order of their keys. The comparison may be nil; of packs it also gets the columns of
// their own.
type Scan func(slot int, t *Table, compare *Comparison, yield func([]Value)) error

// Check compares the live rows of the fold's models with the fold's, which is of the whole log through a position. have is the progress of the
// models in the database.
func (f *Fold) Check(have map[string]Position, through int64, scan Scan) ([]Checked, error) {
	var all []Checked
	told := false
	for _, m := range f.models {
		c := Checked{Name: m.Name, Version: m.Version}
		at, ok := have[m.Name]
		at.Stale = !ok || at.Version != m.Version
		if c.ready(m, at) {
			if at.Position != through && !told { // all models are at one position
				told = true
				c.wrong(Mismatch{Table: "ledgers", Key: "joined_position", What: fmt.Sprintf("is %d, should be %d", at.Position, through)})
			}
			var err error
			expected := int64(0)
			c.Digest, err = digest(m, at.Slot, scan, func(t *Table) *Comparison {
				expected += int64(f.Rows(t).Len())
				return f.Compare(t, through, &c)
			})
			if err != nil {
				return nil, fmt.Errorf("check %s: %w", m.Name, err)
			}
			c.Slots(at, expected)
		}
		all = append(all, c)
	}
	return all, nil
}

// DigestRows returns the digest of a model's rows in a slot.
func DigestRows(m *Model, slot int, scan Scan) ([32]byte, error) {
	sum, err := digest(m, slot, scan, func(*Table) *Comparison { return nil })
	if err != nil {
		return [32]byte{}, fmt.Errorf("digest of %s: %w", m.Name, err)
	}
	return sum, nil
}

// digest reads the rows of a model, compares them where there is something to compare with, and returns their digest.
func digest(m *Model, slot int, scan Scan, compare func(*Table) *Comparison) ([32]byte, error) {
	s := sums{m: m}
	if m.Entries != nil {
		if err := scan(slot, m.Entries, compare(m.Entries), s.entry); err != nil {
			return [32]byte{}, fmt.Errorf("%s: %w", m.Entries.Name, err)
		}
	}
	d := NewDigest()
	for _, t := range m.Tables {
		d.Table(t)
		c := compare(t)
		row, end := s.of(t, func(row []Value) {
			d.Row(t, row)
			if c != nil {
				c.Row(row)
			}
		})
		if err := scan(slot, t, c, row); err != nil {
			return [32]byte{}, fmt.Errorf("%s: %w", t.Name, err)
		}
		end()
		if c != nil {
			c.End()
		}
	}
	return d.Sum(), nil
}

// sums adds the entries of a model that are in a table of their own to the rows of its other tables, as these are read: the rows come that the
// events lead to. It is given the entries first, and then the tables in order.
type sums struct {
	m *Model
	f *Fold // nil: there are none
}

// entry takes a row of the table of entries.
func (s *sums) entry(row []Value) {
	if s.f == nil {
		s.f = NewFold([]*Model{s.m}, nil)
	}
	s.f.addEntryRow(row)
}

// of begins with a table. row takes each row that is there, in order of the keys, and end is called after the last one; yield is called with
// the sums, in that order.
func (s *sums) of(t *Table, yield func([]Value)) (row func([]Value), end func()) {
	if s.f == nil || s.f.rows[t.index].n == 0 {
		return yield, func() {}
	}
	r := s.f.rows[t.index]
	sorted, next := r.Sorted(), 0
	sum := make([]Value, len(t.Columns))
	var keys [2][]byte
	// before hands out what has no row that is there, up to a key; of holdings there is always one, and where there is none, that is not hidden.
	before := func(key []byte) (same bool) {
		for ; next < len(sorted); next++ {
			r.Row(int(sorted[next]), sum)
			keys[1] = appendKey(keys[1][:0], t, sum)
			if c := bytes.Compare(keys[1], key); key != nil && c >= 0 {
				return c == 0
			}
			if !t.Marked() {
				yield(sum)
			}
		}
		return false
	}
	return func(have []Value) {
			keys[0] = appendKey(keys[0][:0], t, have)
			if !before(keys[0]) {
				yield(have)
				return
			}
			s.f.add(t, have)
			r.Row(int(sorted[next]), sum)
			next++
			yield(sum)
		}, func() {
			before(nil)
		}
}

// A PackScan hands out the rows of the packs of a table in the order of their keys. It is given the packs in order of position. With a
// comparison it also looks at the columns of the packs' own.
type PackScan struct {
	u       *unpacker
	c       *Comparison // nil: none
	entries *entryCheck // of the table of entries, nil: it is another one
	through int64       // the last position of the packs so far
}

// ScanPacks begins a scan. Rows are good until yield returns.
func ScanPacks(t *Table, c *Comparison, yield func([]Value)) *PackScan {
	row := make([]Value, len(t.Columns))
	var entries *entryCheck
	if t == entryTable && c != nil {
		entries = &entryCheck{c, yield, row}
	}
	return &PackScan{c: c, entries: entries, u: newUnpacker(t, func(r *Rows) error {
		if t.Once { // in the order of the events
			for i := range r.n {
				r.Row(i, row)
				yield(row)
			}
			return nil
		}
		for _, i := range r.Sorted() {
			r.Row(int(i), row)
			yield(row)
		}
		return nil
	})}
}

// Pack takes a pack, and what was wrong with its lists, which is an error where there is no comparison.
func (s *PackScan) Pack(p *Pack, wrong error) error {
	if s.c == nil {
		if wrong != nil {
			return wrong
		}
		return s.u.pack(p)
	}
	first := s.own(p, wrong == nil)
	s.through = max(p.First, p.Last)
	bad := (*eventstore.RowError)(nil)
	switch {
	case errors.As(wrong, &bad):
		s.c.pack(p.First, bad.Error())
	case wrong != nil:
		return wrong
	case s.entries == nil:
		return s.u.pack(p)
	}
	if s.entries != nil {
		s.entries.pack(p, first, wrong == nil)
	}
	return nil
}

// End ends the scan.
func (s *PackScan) End() error {
	if s.c != nil && (s.entries == nil || s.through > 0) {
		if next := s.c.rows.noted.next(s.through + 1); next != 0 {
			s.c.pack(next, "is missing")
			if s.entries != nil {
				s.entries.hand(s.through+1, math.MaxInt64)
			}
		}
	}
	return s.u.end()
}

// own looks at the columns of a pack's own: the packs cover each event that adds to the table, once. It returns what the first position should be.
func (s *PackScan) own(p *Pack, filled bool) (first int64) {
	var what []string
	noted := &s.c.rows.noted
	first = noted.next(s.through + 1)
	if s.entries != nil && s.through == 0 && noted.has(p.First) {
		first = p.First // those before are in the tables
	}
	if first != p.First {
		what = append(what, fmt.Sprintf("first_position is %d, should be %d after last_position %d", p.First, first, s.through))
	}
	if !noted.has(p.Last) || p.Last < p.First || p.First>>BlockBits != p.Last>>BlockBits {
		what = append(what, fmt.Sprintf("last_position is %d, which is no position of this block that adds to the table", p.Last))
	}
	if days := p.lists[p.Table.day].Ints; filled && len(days) == 0 {
		what = append(what, "has no rows")
	} else if filled {
		for _, d := range [...]struct {
			name       string
			have, want int64
		}{{"first_day", p.FirstDay, slices.Min(days)}, {"last_day", p.LastDay, slices.Max(days)}} {
			if d.have != d.want {
				what = append(what, fmt.Sprintf("%s is %s, should be %s", d.name, domain.Date(d.have), domain.Date(d.want)))
			}
		}
	}
	if what != nil {
		s.c.pack(p.First, strings.Join(what, "; "))
	}
	return first
}

// pack says what is wrong with the pack of a first position.
func (c *Comparison) pack(first int64, what string) {
	c.c.Wrong++
	if len(c.c.Mismatches) < MaxMismatches {
		c.c.Mismatches = append(c.c.Mismatches, Mismatch{c.rows.Table.Name, fmt.Sprintf("first_position=%d", first), what, max(first, 0)})
	}
}

// Slots looks at a model that has no row in its live slot, though it should have some.
func (c *Checked) Slots(at Position, expected int64) {
	if c.Rows > 0 || expected == 0 {
		return
	}
	c.Wrong++
	m := Mismatch{Table: "progress", Key: "projection=" + c.Name, What: fmt.Sprintf("slot is %d, which has no rows", at.Slot)}
	c.Mismatches = append([]Mismatch{m}, c.Mismatches...)
}

// Loose is what is needed to find the rows that no reader looks at: those of no read model, and those in a slot that is not live. Only a
// rebuild that is under way, or was interrupted, leaves such rows.
type Loose struct {
	Live     map[string]Position // by model, as progress has them
	Rebuilds map[string]Position // as rebuilds has them; Version is not looked at, and a newer program may begin one
}

// Find returns what must not be. slots tells the least and the greatest slot that a table has rows in, or that it has none.
func (l Loose) Find(head int64, slots func(t *Table) (least, greatest int, some bool, err error)) ([]Mismatch, error) {
	var list []Mismatch
	found := func(table, name, what string) {
		list = append(list, Mismatch{Table: table, Key: "projection=" + name, What: what})
	}
	for _, name := range slices.Sorted(maps.Keys(l.Live)) {
		if len(Lookup(name)) == 0 {
			found("progress", name, "is of no read model")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(l.Rebuilds)) {
		r, live := l.Rebuilds[name], l.Live[name]
		switch {
		case len(Lookup(name)) == 0:
			found("rebuilds", name, "is of no read model")
		case live.Name != "" && r.Slot == live.Slot:
			found("rebuilds", name, fmt.Sprintf("slot is %d, which is live", r.Slot))
		case r.Position < 0 || r.Position > head:
			found("rebuilds", name, fmt.Sprintf("position is %d, the log has %d", r.Position, head))
		}
	}
	for _, m := range models {
		live, isLive := l.Live[m.Name]
		_, rebuilt := l.Rebuilds[m.Name]
		for _, t := range m.All() {
			least, greatest, some, err := slots(t)
			if err != nil {
				return nil, err
			}
			for _, slot := range slices.Compact([]int{least, greatest}) {
				if some && (!isLive || slot != live.Slot) && (!rebuilt || slot != 0 && slot != 1) {
					list = append(list, Mismatch{Table: t.Name, Key: fmt.Sprintf("slot=%d", slot), What: "has rows, and is neither live nor filled by a rebuild"})
				}
			}
		}
	}
	return list, nil
}

func show(t Type, v *Value) string {
	const most = 64
	switch {
	case v.Null:
		return "null"
	case t == Text:
		return v.Text
	case t == ID && len(v.Bytes) == 16:
		return uuid.UUID(v.Bytes).String()
	case t == Bytes && len(v.Bytes) > most:
		return fmt.Sprintf("%x… (%d bytes)", v.Bytes[:most], len(v.Bytes))
	case t == Bytes || t == ID:
		return fmt.Sprintf("%x", v.Bytes)
	case t == Day || t == Date:
		return domain.Date(v.Int).String()
	case t == Instant:
		return time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano)
	default:
		return strconv.FormatInt(v.Int, 10)
	}
}

// ready reports whether the rows of a model can be compared.
func (c *Checked) ready(m *Model, at Position) bool {
	if !at.Stale {
		return true
	}
	what := "is missing"
	if at.Version != 0 {
		what = fmt.Sprintf("version is %d, should be %d", at.Version, m.Version)
	}
	c.wrong(Mismatch{Table: "progress", Key: "projection=" + m.Name, What: what})
	return false
}

func (c *Checked) wrong(m Mismatch) {
	c.Wrong++
	c.Mismatches = append(c.Mismatches, m)
}
