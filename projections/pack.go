package projections

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// A packed table has one row a pack: what one batch adds to the rows of one block. A pack has four columns of its own, and a list for each
// column of the table, with one element a row; only the block is left out, since the positions say it. Databases have lists in
// forms of their own. A row that several packs of a block add to is their sum, so what the rows are does not depend on the batches.

// The columns of a pack's own. Positions are those of the first and the last event that adds to a row of the pack, days the least and
// the greatest.
const (
	packFirst = iota
	packLast
	packFirstDay
	packLastDay
	packOwn // how many there are
)

// packed makes a table that is kept in packs. It has a column day. Of the table of a model's entries, only those of the last events are there.
func packed(t *Table) *Table {
	s := &Table{Name: t.Name, Keys: 1, Once: true, Columns: []Column{
		{"first_position", Int, Key}, {"last_position", Int, First}, {"first_day", Day, First}, {"last_day", Day, First},
	}}
	t.block = -1
	for i, c := range t.Columns {
		switch c.Name {
		case "block":
			t.block = i
			continue
		case "day":
			t.day = i
		}
		s.Columns = append(s.Columns, Column{c.Name, Bytes, First})
		s.lists = append(s.lists, i)
	}
	t.stored = s
	return t
}

// Packed reports whether the rows are kept in packs.
func (t *Table) Packed() bool { return t.stored != nil }

// Stored is the table as databases have it: of a packed one, that of the packs.
func (t *Table) Stored() *Table {
	if t.stored != nil {
		return t.stored
	}
	return t
}

// Lists are the columns of which packs have lists, by number, in order.
func (t *Table) Lists() []int { return t.Stored().lists }

// A PackRange is rows of a fold that make a pack: From … To, without the latter.
type PackRange struct {
	From, To          int
	First, Last       int64 // positions
	FirstDay, LastDay int64
}

// note notes that an event adds to the rows of a packed table.
func (r *Rows) note(position int64) {
	if n := len(r.packs); n == 0 || r.packs[n-1].First>>BlockBits != position>>BlockBits {
		r.packs = append(r.packs, PackRange{From: r.n, First: position})
	}
	r.packs[len(r.packs)-1].Last = position
	r.noted.add(position)
}

// Packs returns the packs that the rows make, in order of position. It is good until the next event.
func (r *Rows) Packs() []PackRange {
	for i := range r.packs {
		p := &r.packs[i]
		p.To = r.n
		if i+1 < len(r.packs) {
			p.To = r.packs[i+1].From
		}
		days := r.columns[r.Table.day].Ints[p.From:p.To]
		p.FirstDay, p.LastDay = slices.Min(days), slices.Max(days)
	}
	return r.packs
}

// Encoded returns the rows of a packed table as rows of the table of packs, with lists in the encoding of appendList.
func (r *Rows) Encoded() *Rows {
	t := r.Table.stored
	e := &Rows{Table: t, columns: make([]Data, len(t.Columns))}
	for _, p := range r.Packs() {
		for i, v := range [packOwn]int64{p.First, p.Last, p.FirstDay, p.LastDay} {
			e.columns[i].Ints = append(e.columns[i].Ints, v)
		}
		for i, c := range t.lists {
			list := appendList(nil, r.Table.Columns[c].Type, &r.columns[c], p.From, p.To)
			e.columns[packOwn+i].Bytes = append(e.columns[packOwn+i].Bytes, list)
		}
		e.n++
	}
	return e
}

// positions is a set of positions that grows at its end.
type positions struct {
	base  int64 // a multiple of 64
	words []uint64
}

func (s *positions) add(p int64) {
	if len(s.words) == 0 {
		s.base = p &^ 63
	}
	for p >= s.base+int64(len(s.words))<<6 {
		s.words = append(s.words, 0)
	}
	s.words[(p-s.base)>>6] |= 1 << (p & 63)
}

func (s *positions) has(p int64) bool {
	at := (p - s.base) >> 6
	return p >= s.base && at < int64(len(s.words)) && s.words[at]&(1<<(p&63)) != 0
}

// next is the least position of the set from p on; 0 where there is none.
func (s *positions) next(p int64) int64 {
	p = max(p, s.base)
	for at := (p - s.base) >> 6; at < int64(len(s.words)); at++ {
		w := s.words[at]
		if at == (p-s.base)>>6 {
			w &= ^uint64(0) << (p & 63)
		}
		if w != 0 {
			return s.base + at<<6 + int64(bits.TrailingZeros64(w))
		}
	}
	return 0
}

// A list is encoded value by value, each beside the one before, at first zero or empty:
//
//	0, n   that value once more, and n times again
//	d      an integer that is d more; zigzag, modulo 2^64
//	l+1    a text or bytes of length l, which follow
//	1      an ID, which follows
//
// Numbers are varints, as short as they can be. A value that is the one before is always of the first form, and n as large as it can be, so
// that a list has one encoding.

func appendList(dst []byte, t Type, d *Data, from, to int) []byte {
	switch t {
	case Text:
		return appendValues(dst, d.Texts[from:to], "", func(dst []byte, _, v string) []byte {
			return append(binary.AppendUvarint(dst, uint64(len(v))+1), v...)
		})
	case ID:
		return appendValues(dst, d.IDs[from:to], uuid.Nil, func(dst []byte, _, v uuid.UUID) []byte {
			return append(append(dst, 1), v[:]...)
		})
	case Bytes:
		list, before := d.Bytes[from:to], []byte(nil)
		for i := 0; i < len(list); {
			n := 0
			for i+n < len(list) && bytes.Equal(list[i+n], before) {
				n++
			}
			if n > 0 {
				dst = binary.AppendUvarint(append(dst, 0), uint64(n-1))
				i += n
				continue
			}
			before = list[i]
			dst = append(binary.AppendUvarint(dst, uint64(len(before))+1), before...)
			i++
		}
		return dst
	default:
		return appendValues(dst, d.Ints[from:to], 0, func(dst []byte, before, v int64) []byte {
			return binary.AppendVarint(dst, v-before)
		})
	}
}

func appendValues[T comparable](dst []byte, list []T, before T, other func(dst []byte, before, v T) []byte) []byte {
	for i := 0; i < len(list); {
		n := 0
		for i+n < len(list) && list[i+n] == before {
			n++
		}
		if n > 0 {
			dst = binary.AppendUvarint(append(dst, 0), uint64(n-1))
			i += n
			continue
		}
		dst = other(dst, before, list[i])
		before = list[i]
		i++
	}
	return dst
}

// maxPack is how many rows a pack can have: far more than the events of a block lead to.
const maxPack = 1 << 20

var errList = errors.New("is not a list")

// decodeList reads what appendList wrote, and more: encodings that are longer than they must be. Bytes are parts of src.
func decodeList(src []byte, t Type, d *Data) error {
	d.Ints, d.Texts, d.Bytes, d.IDs = d.Ints[:0], d.Texts[:0], d.Bytes[:0], d.IDs[:0]
	switch t {
	case Text:
		text := string(src) // of which all are parts
		return decodeValues(src, &d.Texts, "", func(at int, _ string, u uint64) (string, int, error) {
			if u-1 > uint64(len(src)-at) {
				return "", 0, errList
			}
			return text[at : at+int(u-1)], int(u - 1), nil
		})
	case Bytes:
		return decodeValues(src, &d.Bytes, nil, func(at int, _ []byte, u uint64) ([]byte, int, error) {
			if u-1 > uint64(len(src)-at) {
				return nil, 0, errList
			}
			return src[at : at+int(u-1)], int(u - 1), nil
		})
	case ID:
		return decodeValues(src, &d.IDs, uuid.Nil, func(at int, _ uuid.UUID, u uint64) (uuid.UUID, int, error) {
			if u != 1 || len(src)-at < 16 {
				return uuid.Nil, 0, errList
			}
			return uuid.UUID(src[at : at+16]), 16, nil
		})
	default:
		return decodeValues(src, &d.Ints, 0, func(_ int, before int64, u uint64) (int64, int, error) {
			return before + (int64(u>>1) ^ -int64(u&1)), 0, nil
		})
	}
}

// decodeValues reads values; other that which begins with a number that is not 0 and goes on at a place, and says how long it is.
func decodeValues[T any](src []byte, to *[]T, before T, other func(at int, before T, u uint64) (T, int, error)) error {
	list := *to
	defer func() { *to = list }()
	for at := 0; at < len(src); {
		u, n := binary.Uvarint(src[at:])
		if n <= 0 {
			return errList
		}
		at += n
		if u != 0 {
			v, n, err := other(at, before, u)
			if err != nil {
				return err
			}
			at += n
			before = v
			list = append(list, v)
		} else {
			again, n := binary.Uvarint(src[at:])
			if n <= 0 || again >= maxPack {
				return errList
			}
			at += n
			list = slices.Grow(list, int(again)+1)
			for range again + 1 {
				list = append(list, before)
			}
		}
		if len(list) > maxPack {
			return errList
		}
	}
	return nil
}

// A Pack is a row of a packed table as a database has it. It is filled anew for each row.
type Pack struct {
	Table             *Table
	First, Last       int64
	FirstDay, LastDay int64

	lists   []Data // by column of the table
	n       int
	scratch []byte
}

// NewFactPack makes a pack of facts.
func NewFactPack() *Pack { return NewPack(factTable) }

// NewGiftPack makes a pack of gifts.
func NewGiftPack() *Pack { return NewPack(giftTable) }

// NewEntryPack makes a pack of entries of balances.
func NewEntryPack() *Pack { return NewPack(entryTable) }

// NewPack makes a pack of a packed table.
func NewPack(t *Table) *Pack { return &Pack{Table: t, lists: make([]Data, len(t.Columns))} }

// List returns the list of a column, to be filled.
func (p *Pack) List(column int) *Data { return &p.lists[column] }

// Decode fills the list of a column from the encoding of Encoded. Bytes are parts of src. Errors: *eventstore.RowError.
func (p *Pack) Decode(column int, src []byte) error {
	if err := decodeList(src, p.Table.Columns[column].Type, &p.lists[column]); err != nil {
		return p.Bad(column, err.Error())
	}
	return nil
}

// DecodeExactly is Decode of what Encoded writes, and nothing else.
func (p *Pack) DecodeExactly(column int, src []byte) error {
	if err := p.Decode(column, src); err != nil {
		return err
	}
	t, d := p.Table.Columns[column].Type, &p.lists[column]
	p.scratch = appendList(p.scratch[:0], t, d, 0, d.len(t))
	if !bytes.Equal(p.scratch, src) {
		return p.Bad(column, "is not in the form in which lists are written")
	}
	return nil
}

// Bad is the error of a column that cannot be read.
func (p *Pack) Bad(column int, problem string) error {
	return &eventstore.RowError{Column: p.Table.Name + "." + p.Table.Columns[column].Name, Position: p.First, Problem: problem}
}

// Fill fills the lists one by one, each given by its place among them and by its column, until one is wrong. All must be of one length.
// Errors: those of list, *eventstore.RowError.
func (p *Pack) Fill(list func(i, column int) error) error {
	lists := p.Table.Lists()
	for i, c := range lists {
		if err := list(i, c); err != nil {
			return err
		}
	}
	p.n = p.lists[lists[0]].len(p.Table.Columns[lists[0]].Type)
	for _, c := range lists {
		if n := p.lists[c].len(p.Table.Columns[c].Type); n != p.n {
			return p.Bad(c, fmt.Sprintf("has %d elements, %s %d", n, p.Table.Columns[lists[0]].Name, p.n))
		}
	}
	if p.Table.block >= 0 {
		blocks := p.lists[p.Table.block].Ints[:0]
		for range p.n {
			blocks = append(blocks, p.First>>BlockBits)
		}
		p.lists[p.Table.block].Ints = blocks
	}
	return nil
}

// Whole hands on packs that nothing is wrong with, and fails at the first other one.
func Whole(yield func(*Pack) error) func(p *Pack, wrong error) error {
	return func(p *Pack, wrong error) error {
		if wrong != nil {
			return wrong
		}
		return yield(p)
	}
}

func (d *Data) len(t Type) int {
	switch t {
	case Text:
		return len(d.Texts)
	case Bytes:
		return len(d.Bytes)
	case ID:
		return len(d.IDs)
	default:
		return len(d.Ints)
	}
}

// rows are those of the pack, good until it is filled anew.
func (p *Pack) rows() *Rows { return &Rows{Table: p.Table, columns: p.lists, n: p.n} }

// An unpacker adds up the packs of a table, which it is given in order of position, block by block.
type unpacker struct {
	yield func(*Rows) error // is given the rows of each block, some with the same key; of a table of single rows those of each pack

	block  int64
	packs  int // of the block
	one    Rows
	all    *Rows // where there are several
	copied []Data
	row    []Value
}

func newUnpacker(t *Table, yield func(*Rows) error) *unpacker {
	return &unpacker{yield: yield, all: newRows(t), row: make([]Value, len(t.Columns)), copied: make([]Data, len(t.Columns))}
}

// pack takes a pack.
func (u *unpacker) pack(p *Pack) error {
	if p.Table.Once {
		return u.yield(p.rows())
	}
	if block := p.First >> BlockBits; u.packs > 0 && block != u.block {
		if err := u.end(); err != nil {
			return err
		}
	}
	u.block = p.First >> BlockBits
	u.packs++
	if u.packs == 1 {
		u.keep(p)
		return nil
	}
	if u.packs == 2 {
		u.add(&u.one)
	}
	u.add(p.rows())
	return nil
}

// keep keeps the rows of a pack, which may be the only one of its block.
func (u *unpacker) keep(p *Pack) {
	for i := range u.copied {
		from, to := &p.lists[i], &u.copied[i]
		to.Ints, to.Texts, to.IDs = append(to.Ints[:0], from.Ints...), append(to.Texts[:0], from.Texts...), append(to.IDs[:0], from.IDs...)
		to.Bytes = to.Bytes[:0]
		for _, b := range from.Bytes {
			if len(b) > 0 {
				b = slices.Clone(b)
			}
			to.Bytes = append(to.Bytes, b)
		}
	}
	u.one = Rows{Table: p.Table, columns: u.copied, n: p.n}
}

func (u *unpacker) add(r *Rows) {
	for i := range r.n {
		r.Row(i, u.row)
		u.all.put(u.row...)
	}
}

// end hands out the rows of the last block.
func (u *unpacker) end() error {
	r := &u.one
	if u.packs > 1 {
		r = u.all
	}
	n := u.packs
	u.packs = 0
	defer u.all.reset()
	if n == 0 {
		return nil
	}
	return u.yield(r)
}
