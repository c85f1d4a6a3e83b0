package projections

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/soquy/soquy/eventstore"
)

// LateTable is the table in which SQLite keeps what the last batches add to packed tables: one row a batch, as each table that an append writes to
// costs a page. A later append puts it where it belongs, a pack a block. Until then whoever reads a packed table reads it behind the packs of that.
const LateTable = "late_packs"

// The packs of a batch are one value: table by table, in the order of Models, the length of its name, the name, how many packs it has, and for each
// its four columns, the second and the fourth as what they are more than the first and the third, and each list with its length in front. Numbers are
// varints, those of the columns zigzag, all as short as they can be, so that the packs of a batch have one encoding.

// AppendLate appends what the fold adds to packed tables, nothing where that is nothing, and says which positions it is of.
func (f *Fold) AppendLate(dst []byte) (late []byte, first, last int64) {
	f.eachPacked(func(t *Table, r *Rows) {
		packs := r.Packs()
		if len(packs) == 0 {
			return
		}
		dst = binary.AppendUvarint(append(binary.AppendUvarint(dst, uint64(len(t.Name))), t.Name...), uint64(len(packs)))
		for _, p := range packs {
			for _, v := range [packOwn]int64{p.First, p.Last - p.First, p.FirstDay, p.LastDay - p.FirstDay} {
				dst = binary.AppendVarint(dst, v)
			}
			for _, c := range t.Lists() {
				f.list = appendList(f.list[:0], t.Columns[c].Type, &r.columns[c], p.From, p.To)
				dst = append(binary.AppendUvarint(dst, uint64(len(f.list))), f.list...)
			}
			if first == 0 || p.First < first {
				first = p.First
			}
			last = max(last, p.Last)
		}
	})
	return dst, first, last
}

// eachPacked calls yield with each packed table of the fold's models, in order.
func (f *Fold) eachPacked(yield func(*Table, *Rows)) {
	for _, m := range f.models {
		for _, t := range m.All() {
			if t.Packed() {
				yield(t, f.rows[t.index])
			}
		}
	}
}

// packedTables are those of all models, by name.
var packedTables = func() map[string]*Table {
	all := map[string]*Table{}
	for _, m := range models {
		for _, t := range m.All() {
			if t.Packed() {
				all[t.Name] = t
			}
		}
	}
	return all
}()

// A LateRow is a row of LateTable.
type LateRow struct {
	Run         int64 // its place among the rows
	First, Last int64 // positions
	Packs       []byte
}

// Each fills a pack with each of those of its table, and hands it out with what is wrong with its lists, of which exactly says that they must be as
// they are written. It is good until yield returns. Errors: those of yield, *eventstore.RowError (the row cannot be read).
func (l *LateRow) Each(p *Pack, exactly bool, yield func(p *Pack, wrong error) error) error {
	decode := p.Decode
	if exactly {
		decode = p.DecodeExactly
	}
	return l.each(func(t *Table, own [packOwn]int64, lists [][]byte) error {
		if t != p.Table {
			return nil
		}
		return yield(p, p.fill(own, lists, decode))
	})
}

// fill fills a pack with its columns.
func (p *Pack) fill(own [packOwn]int64, lists [][]byte, decode func(column int, list []byte) error) error {
	p.First, p.Last, p.FirstDay, p.LastDay = own[packFirst], own[packLast], own[packFirstDay], own[packLastDay]
	return p.Fill(func(i, column int) error { return decode(column, lists[i]) })
}

// each hands out the packs of all tables, and fails where the row is not as it is written.
func (l *LateRow) each(yield func(t *Table, own [packOwn]int64, lists [][]byte) error) error {
	src := l.Packs
	bad := func(problem string) error {
		return &eventstore.RowError{Column: LateTable + ".packs", Position: l.First, Problem: problem}
	}
	number := func() (uint64, bool) {
		u, n := binary.Uvarint(src)
		if n <= 0 || n > 1 && src[n-1] == 0 { // the last byte of one that is as short as it can be is not 0
			return 0, false
		}
		src = src[n:]
		return u, true
	}
	text := func() ([]byte, bool) {
		n, ok := number()
		if !ok || n > uint64(len(src)) {
			return nil, false
		}
		v := src[:n]
		src = src[n:]
		return v, true
	}
	const cut = "does not have the form in which packs are written"
	var lists [][]byte
	for before := -1; len(src) > 0; {
		name, ok := text()
		if !ok {
			return bad(cut)
		}
		t := packedTables[string(name)]
		switch {
		case t == nil:
			return bad(fmt.Sprintf("has packs of %q, of which none are known", name))
		case t.index <= before:
			return bad(fmt.Sprintf("has packs of %s out of order", name))
		}
		before = t.index
		n, ok := number()
		if !ok || n == 0 {
			return bad(cut)
		}
		for range n {
			var own [packOwn]int64
			for i := range own {
				u, ok := number()
				if !ok {
					return bad(cut)
				}
				own[i] = int64(u>>1) ^ -int64(u&1)
			}
			own[packLast] += own[packFirst]
			own[packLastDay] += own[packFirstDay]
			lists = lists[:0]
			for range t.Lists() {
				list, ok := text()
				if !ok {
					return bad(cut)
				}
				lists = append(lists, list)
			}
			if err := yield(t, own, lists); err != nil {
				return err
			}
		}
	}
	return nil
}

// LateCheck looks at the rows of LateTable one after another: whether they can be read, and are of the positions that their packs say. What is in
// the packs is compared where those of each table are.
type LateCheck struct {
	through int64
	Found   []Mismatch
}

// Row looks at a row.
func (c *LateCheck) Row(l LateRow) {
	var first, last int64
	err := l.each(func(_ *Table, own [packOwn]int64, _ [][]byte) error {
		if first == 0 || own[packFirst] < first {
			first = own[packFirst]
		}
		last = max(last, own[packLast])
		return nil
	})
	found := func(what string) {
		c.Found = append(c.Found, Mismatch{LateTable, fmt.Sprintf("run=%d", l.Run), what, max(l.First, 0)})
	}
	switch {
	case err != nil:
		found(err.Error())
	case first == 0:
		found("has no packs")
	case first != l.First:
		found(fmt.Sprintf("first_position is %d, should be %d", l.First, first))
	case last != l.Last:
		found(fmt.Sprintf("last_position is %d, should be %d", l.Last, last))
	case first <= c.through:
		found(fmt.Sprintf("run is %d, behind one through position %d: first_position is %d", l.Run, c.through, first))
	}
	c.through = max(c.through, last)
}

// NewLate makes a fold for packs: of AddPack, and of nothing else.
func NewLate() *Fold {
	var with []*Model
	for _, m := range models {
		for _, t := range m.All() {
			if t.Packed() {
				with = append(with, m)
				break
			}
		}
	}
	return NewFold(with, nil)
}

// AddPack adds a pack to the rows of its table, where it makes one with others of its block that follow each other; entries of balances are added
// where they belong.
func (f *Fold) AddPack(p *Pack) {
	if p.Table == entryTable {
		f.addEntries(p.rows())
		return
	}
	rows := p.rows()
	if rows.n == 0 { // no batch makes one
		return
	}
	r := f.rows[p.Table.index]
	r.extend(p.First, p.Last)
	if p.Table.Once { // no row meets another
		for i := range rows.columns {
			r.columns[i].append(&rows.columns[i])
		}
		r.n += rows.n
		return
	}
	row := make([]Value, len(p.Table.Columns))
	for i := range rows.n {
		rows.Row(i, row)
		r.put(row...)
	}
}

// AddLate adds the packs of the fold's models in a row of LateTable. Errors: *eventstore.RowError.
func (f *Fold) AddLate(l LateRow) error {
	packs := map[*Table]*Pack{}
	return l.each(func(t *Table, own [packOwn]int64, lists [][]byte) error {
		if f.rows[t.index] == nil {
			return nil
		}
		p := packs[t]
		if p == nil {
			p = NewPack(t)
			packs[t] = p
		}
		err := p.fill(own, lists, p.Decode)
		if err == nil {
			f.AddPack(p)
		}
		return err
	})
}

// AddPacks adds the packs that the rows of another fold make.
func (f *Fold) AddPacks(from *Fold) {
	from.eachPacked(func(t *Table, r *Rows) {
		p := NewPack(t)
		for _, of := range r.Packs() {
			p.First, p.Last, p.n = of.First, of.Last, of.To-of.From
			for i := range p.lists {
				p.lists[i] = r.columns[i].part(of.From, of.To)
			}
			f.AddPack(p)
		}
	})
}

// append adds a column of other rows.
func (d *Data) append(more *Data) {
	d.Ints, d.Texts, d.IDs = append(d.Ints, more.Ints...), append(d.Texts, more.Texts...), append(d.IDs, more.IDs...)
	for _, b := range more.Bytes {
		d.Bytes = append(d.Bytes, bytes.Clone(b))
	}
}

// part is the column of some rows.
func (d *Data) part(from, to int) (some Data) {
	switch {
	case d.Ints != nil:
		some.Ints = d.Ints[from:to]
	case d.Texts != nil:
		some.Texts = d.Texts[from:to]
	case d.Bytes != nil:
		some.Bytes = d.Bytes[from:to]
	case d.IDs != nil:
		some.IDs = d.IDs[from:to]
	}
	return some
}
