package projections

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
)

// A Digest is a SHA-256 over the rows of a model, table by table, each in the order of its key. Equal rows have equal digests, in
// whatever database they are.
//
// A table is its name; a row its values. A value is one byte and what follows: 0 for null, 1 and 8 bytes big-endian for an integer, 2
// and a length of 4 bytes big-endian for a text or bytes. A name is written as a text after byte 3.
type Digest struct {
	h   hash.Hash
	buf []byte
}

// NewDigest begins a digest.
func NewDigest() *Digest { return &Digest{h: sha256.New()} }

// Table begins a table.
func (d *Digest) Table(t *Table) {
	d.write(append(d.sized(append(d.buf[:0], 3), len(t.Name)), t.Name...))
}

// Row adds a row of a table.
func (d *Digest) Row(t *Table, values []Value) {
	b := d.buf[:0]
	for i := range values {
		v := &values[i]
		switch {
		case v.Null:
			b = append(b, 0)
		case t.Columns[i].Type == Text:
			b = append(d.sized(append(b, 2), len(v.Text)), v.Text...)
		case t.Columns[i].Type == Bytes, t.Columns[i].Type == ID:
			b = append(d.sized(append(b, 2), len(v.Bytes)), v.Bytes...)
		default:
			b = binary.BigEndian.AppendUint64(append(b, 1), uint64(v.Int))
		}
	}
	d.write(b)
}

func (*Digest) sized(b []byte, n int) []byte { return binary.BigEndian.AppendUint32(b, uint32(n)) }

func (d *Digest) write(b []byte) {
	d.buf = b
	d.h.Write(b)
}

// Sum returns the digest.
func (d *Digest) Sum() [32]byte { return [32]byte(d.h.Sum(nil)) }

// Digest returns the digest of a model's rows.
func (f *Fold) Digest(m *Model) [32]byte {
	d := NewDigest()
	for _, t := range m.Tables {
		d.Table(t)
		r := f.Rows(t)
		row := make([]Value, len(t.Columns))
		for _, i := range r.Sorted() {
			r.Row(int(i), row)
			d.Row(t, row)
		}
	}
	return d.Sum()
}
