package projections

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
	"strings"

	"github.com/google/uuid"
)

// Rows are the rows of one table, by column: what is to be added to a table, or all that it should have.
type Rows struct {
	Table *Table

	columns []Data
	index   map[string]int32 // encoded key → row; not of a table of which each row is put once
	n       int

	packs []PackRange // of a packed table
	noted positions   // of the events that add to the rows of a packed table

	scratch []byte // the key that is being looked for
	last    []byte // the key that was looked for before
	at      int    // its row
}

// Data is one column of rows; which of the slices is used follows from the column's type.
type Data struct {
	Ints  []int64     // Int, Bool, Day, Date, Instant; null is NullInt
	Texts []string    // Text; null is NullText
	Bytes [][]byte    // Bytes
	IDs   []uuid.UUID // ID; null is zero
}

func newRows(t *Table) *Rows {
	return &Rows{Table: t, columns: make([]Data, len(t.Columns)), index: map[string]int32{}}
}

// Len is how many rows there are.
func (r *Rows) Len() int { return r.n }

// Column returns a column. It must not be changed, and is good until the next event.
func (r *Rows) Column(i int) *Data { return &r.columns[i] }

// Value returns a column of a row.
func (r *Rows) Value(row, column int) Value {
	d := &r.columns[column]
	switch r.Table.Columns[column].Type {
	case Text:
		if v := d.Texts[row]; v != NullText {
			return Value{Text: v}
		}
		return null
	case Bytes:
		return Value{Bytes: d.Bytes[row]}
	case ID:
		return id(&d.IDs[row])
	default:
		if v := d.Ints[row]; v != NullInt {
			return Value{Int: v}
		}
		return null
	}
}

// Pick returns rows with some of the rows only.
func (r *Rows) Pick(rows []int) *Rows {
	some := &Rows{Table: r.Table, columns: make([]Data, len(r.columns)), n: len(rows)}
	for i := range r.columns {
		from, to := &r.columns[i], &some.columns[i]
		for _, row := range rows {
			switch {
			case from.Ints != nil:
				to.Ints = append(to.Ints, from.Ints[row])
			case from.Texts != nil:
				to.Texts = append(to.Texts, from.Texts[row])
			case from.Bytes != nil:
				to.Bytes = append(to.Bytes, from.Bytes[row])
			default:
				to.IDs = append(to.IDs, from.IDs[row])
			}
		}
	}
	return some
}

// Row puts a row's values into dst, which has as many as the table has columns.
func (r *Rows) Row(row int, dst []Value) {
	for i := range dst {
		dst[i] = r.Value(row, i)
	}
}

// Sorted returns the rows' numbers in the order of their keys.
func (r *Rows) Sorted() []int32 {
	type entry struct {
		key string
		row int32
	}
	rows := make([]int32, r.n)
	if r.ordered() {
		for i := range rows {
			rows[i] = int32(i)
		}
		return rows
	}
	list := make([]entry, 0, r.n)
	if r.Table.Once || r.index == nil {
		row := make([]Value, len(r.columns))
		for i := range r.n {
			r.Row(i, row)
			list = append(list, entry{string(appendKey(nil, r.Table, row)), int32(i)})
		}
	} else {
		for k, row := range r.index {
			list = append(list, entry{k, row})
		}
	}
	slices.SortFunc(list, func(a, b entry) int { return strings.Compare(a.key, b.key) })
	for i := range list {
		rows[i] = list[i].row
	}
	return rows
}

// ordered reports whether the rows were put in the order of their keys, as those that are about one event are.
func (r *Rows) ordered() bool {
	row := make([]Value, r.Table.Keys)
	var keys [2][]byte
	for i := range r.n {
		r.Row(i, row)
		before, key := &keys[i&1], &keys[1-i&1]
		*key = appendKey((*key)[:0], r.Table, row)
		if i > 0 && bytes.Compare(*before, *key) > 0 {
			return false
		}
	}
	return true
}

func (r *Rows) reset() {
	r.packs, r.noted.words = r.packs[:0], r.noted.words[:0]
	if r.n == 0 {
		return
	}
	for i := range r.columns {
		d := &r.columns[i]
		clear(d.Texts)
		clear(d.Bytes)
		d.Ints, d.Texts, d.Bytes, d.IDs = d.Ints[:0], d.Texts[:0], d.Bytes[:0], d.IDs[:0]
	}
	if len(r.index) > 1<<14 {
		r.index = map[string]int32{} // one that was large stays large
	} else {
		clear(r.index)
	}
	r.n, r.last = 0, r.last[:0]
}

// find returns the row with a key, and whether it is new and has no columns yet.
func (r *Rows) find(t *Table, values []Value) (row int, fresh bool) {
	r.scratch = appendKey(r.scratch[:0], t, values)
	if r.n > 0 && bytes.Equal(r.scratch, r.last) {
		return r.at, false
	}
	r.scratch, r.last = r.last, r.scratch
	at, ok := r.index[string(r.last)]
	if !ok {
		at = int32(r.n)
		r.index[string(r.last)] = at
		r.n++
	}
	r.at = int(at)
	return r.at, !ok
}

// put adds a change of one row: a value for each column, keys first. Of a table with marks it reports whether something gives way; that is
// what values then have.
func (r *Rows) put(values ...Value) (spilled bool) {
	row, fresh := r.n, r.Table.Once
	if fresh {
		r.n++
	} else {
		row, fresh = r.find(r.Table, values)
	}
	if fresh {
		for i := range values {
			r.columns[i].push(r.Table.Columns[i].Type, &values[i])
		}
		return false
	}
	order := 0
	if r.Table.Marked() {
		order = r.compareMarks(row, values)
	}
	for i := r.Table.Keys; i < len(values); i++ {
		v, d := &values[i], &r.columns[i]
		switch r.Table.Columns[i].Rule {
		case Sum:
			d.Ints[row] += v.Int
		case Last:
			if !v.Null {
				d.set(r.Table.Columns[i].Type, row, v)
			}
		case Append:
			d.Bytes[row] = append(d.Bytes[row], v.Bytes...)
		case Mark, Part:
			switch {
			case order > 0:
				d.Ints[row], v.Int = v.Int, d.Ints[row]
			case order == 0 && r.Table.Columns[i].Rule == Part:
				d.Ints[row] += v.Int
			}
		}
	}
	return order != 0
}

// compareMarks compares the marks of values with those of a row.
func (r *Rows) compareMarks(row int, values []Value) int {
	for i := r.Table.Keys; i < len(values); i++ {
		if r.Table.Columns[i].Rule != Mark {
			continue
		}
		if c := cmp.Compare(values[i].Int, r.columns[i].Ints[row]); c != 0 {
			return c
		}
	}
	return 0
}

func (d *Data) push(t Type, v *Value) {
	switch t {
	case Text:
		d.Texts = append(d.Texts, "")
	case Bytes:
		d.Bytes = append(d.Bytes, nil)
	case ID:
		d.IDs = append(d.IDs, uuid.Nil)
	default:
		d.Ints = append(d.Ints, 0)
	}
	d.set(t, max(len(d.Ints), len(d.Texts), len(d.Bytes), len(d.IDs))-1, v)
}

func (d *Data) set(t Type, row int, v *Value) {
	switch t {
	case Text:
		d.Texts[row] = v.Text
		if v.Null {
			d.Texts[row] = NullText
		}
	case Bytes:
		d.Bytes[row] = append([]byte{}, v.Bytes...)
	case ID:
		d.IDs[row] = uuid.Nil
		copy(d.IDs[row][:], v.Bytes)
	default:
		d.Ints[row] = v.Int
		if v.Null {
			d.Ints[row] = NullInt
		}
	}
}

// appendKey encodes the key of a row so that its bytes sort as the key does, column by column: integers by value, texts and IDs
// by their bytes.
func appendKey(dst []byte, t *Table, values []Value) []byte {
	for i := range t.Keys {
		v := &values[i]
		switch t.Columns[i].Type {
		case Text:
			dst = append(append(dst, v.Text...), 0)
		case ID, Bytes:
			dst = append(dst, v.Bytes...) // of one length
		default:
			dst = binary.BigEndian.AppendUint64(dst, uint64(v.Int)^1<<63)
		}
	}
	return dst
}
