package projections

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/soquy/soquy/eventstore"
)

// BatchTable is the table in which SQLite keeps what a batch adds to packed tables: all of it in one row, as each table more that an append writes to
// costs a page. Whoever reads a packed table reads it behind the packs of that, which a rebuild made.
const BatchTable = "batch_packs"

// The packs of a batch are one value: table by table, in the order of Models, the length of its name, the name, how many packs it has, and for each
// its four columns, the second and the fourth as what they are more than the first and the third, and each list with its length in front. Numbers are
// varints, those of the columns zigzag, all as short as they can be, so that the packs of a batch have one encoding.

// BatchPacks is a row of BatchTable.
type BatchPacks struct {
	First, Last       int64 // the least and the greatest position of the packs
	FirstDay, LastDay int64 // and day
	Packs             []byte
}

// take makes the columns those of a pack more.
func (b *BatchPacks) take(own [packOwn]int64, first bool) {
	if first {
		b.First, b.Last, b.FirstDay, b.LastDay = own[packFirst], own[packLast], own[packFirstDay], own[packLastDay]
		return
	}
	b.First, b.Last = min(b.First, own[packFirst]), max(b.Last, own[packLast])
	b.FirstDay, b.LastDay = min(b.FirstDay, own[packFirstDay]), max(b.LastDay, own[packLastDay])
}

// BatchPacks returns what the fold adds to packed tables, with Packs appended to dst; nothing of it where that is nothing.
func (f *Fold) BatchPacks(dst []byte) BatchPacks {
	b := BatchPacks{Packs: dst}
	some := false
	for _, m := range f.models {
		for _, t := range m.All() {
			if !t.Packed() {
				continue
			}
			r := f.rows[t.index]
			packs := r.Packs()
			if len(packs) == 0 {
				continue
			}
			b.Packs = append(binary.AppendUvarint(b.Packs, uint64(len(t.Name))), t.Name...)
			b.Packs = binary.AppendUvarint(b.Packs, uint64(len(packs)))
			for _, p := range packs {
				own := [packOwn]int64{p.First, p.Last, p.FirstDay, p.LastDay}
				b.take(own, !some)
				some = true
				for _, v := range [packOwn]int64{p.First, p.Last - p.First, p.FirstDay, p.LastDay - p.FirstDay} {
					b.Packs = binary.AppendVarint(b.Packs, v)
				}
				for _, c := range t.Lists() {
					f.list = appendList(f.list[:0], t.Columns[c].Type, &r.columns[c], p.From, p.To)
					b.Packs = append(binary.AppendUvarint(b.Packs, uint64(len(f.list))), f.list...)
				}
			}
		}
	}
	return b
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

// Each fills a pack with each of those of its table, and hands it out with what is wrong with its lists, of which exactly says that they must be as
// they are written. It is good until yield returns. Errors: those of yield, *eventstore.RowError (the row cannot be read).
func (b *BatchPacks) Each(p *Pack, exactly bool, yield func(p *Pack, wrong error) error) error {
	decode := p.Decode
	if exactly {
		decode = p.DecodeExactly
	}
	return b.each(func(t *Table, own [packOwn]int64, lists [][]byte) error {
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
func (b *BatchPacks) each(yield func(t *Table, own [packOwn]int64, lists [][]byte) error) error {
	src := b.Packs
	bad := func(problem string) error {
		return &eventstore.RowError{Column: BatchTable + ".packs", Position: b.First, Problem: problem}
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
	const form = "does not have the form in which packs are written"
	var lists [][]byte
	for before := -1; len(src) > 0; {
		name, ok := text()
		if !ok {
			return bad(form)
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
			return bad(form)
		}
		for range n {
			var own [packOwn]int64
			for i := range own {
				u, ok := number()
				if !ok {
					return bad(form)
				}
				own[i] = int64(u>>1) ^ -int64(u&1)
			}
			own[packLast] += own[packFirst]
			own[packLastDay] += own[packFirstDay]
			lists = slices.Grow(lists[:0], len(t.Lists()))
			for range t.Lists() {
				list, ok := text()
				if !ok {
					return bad(form)
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

// AddEntries adds the entries of balances in a row of BatchTable where they belong. Errors: *eventstore.RowError.
func (f *Fold) AddEntries(b BatchPacks) error {
	return b.Each(NewEntryPack(), false, Whole(func(p *Pack) error {
		f.AddEntryPack(p)
		return nil
	}))
}

// A BatchCheck looks at the rows of BatchTable one after another, in order of first_position: whether they can be read, and whether their columns are
// those of their packs. What is in the packs is compared where those of each table are.
type BatchCheck struct {
	through int64
	Found   []Mismatch
}

// Row looks at a row.
func (c *BatchCheck) Row(b BatchPacks) {
	var want BatchPacks
	some := false
	err := b.each(func(_ *Table, own [packOwn]int64, _ [][]byte) error {
		want.take(own, !some)
		some = true
		return nil
	})
	found := func(what string) {
		c.Found = append(c.Found, Mismatch{BatchTable, fmt.Sprintf("first_position=%d", b.First), what, max(b.First, 0)})
	}
	switch {
	case err != nil:
		found(err.Error())
	case !some:
		found("has no packs")
	case b.First <= c.through:
		found(fmt.Sprintf("first_position is %d, the row before ends at %d", b.First, c.through))
	}
	if some {
		for _, v := range []struct {
			column     string
			t          Type
			have, want int64
		}{
			{"first_position", Int, b.First, want.First},
			{"last_position", Int, b.Last, want.Last},
			{"first_day", Day, b.FirstDay, want.FirstDay},
			{"last_day", Day, b.LastDay, want.LastDay},
		} {
			if v.have != v.want {
				found(fmt.Sprintf("%s is %s, should be %s", v.column, show(v.t, &Value{Int: v.have}), show(v.t, &Value{Int: v.want})))
			}
		}
	}
	c.through = max(c.through, b.Last)
}
