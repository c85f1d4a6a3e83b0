package projections

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// lists are some of each type, with runs, the ends of what there is, and values that go back.
var lists = map[Type][]Data{
	Int: {
		{},
		{Ints: []int64{0}},
		{Ints: []int64{5, 5, 5, 4, 4, -7, math.MinInt64, math.MaxInt64, math.MaxInt64, 0, 0}},
	},
	Text: {
		{},
		{Texts: []string{"", "", "VCB", "VCB", "", "Quỹ", "VCB"}},
	},
	Bytes: {
		{},
		{Bytes: [][]byte{nil, {}, {1, 2, 3, 4}, {1, 2, 3, 4}, {}, bytes.Repeat([]byte{7}, 300)}},
	},
	ID: {
		{},
		{IDs: []uuid.UUID{{}, {}, {1}, {1}, {2}, {1}}},
	},
}

func TestLists(t *testing.T) {
	for kind, list := range lists {
		for _, want := range list {
			n := want.len(kind)
			encoded := appendList(nil, kind, &want, 0, n)
			var have Data
			if err := decodeList(encoded, kind, &have); err != nil {
				t.Errorf("%v: %v", want, err)
			}
			if d := cmp.Diff(want, have, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("type %d (-want +have):\n%s", kind, d)
			}
			if n < 2 {
				continue
			}
			if err := decodeList(appendList(nil, kind, &want, 1, n-1), kind, &have); err != nil || have.len(kind) != n-2 {
				t.Errorf("part of %v: %v, %v", want, have, err)
			}
		}
	}
	run := Data{Ints: slices.Repeat([]int64{3}, 1_024)}
	if have := appendList(nil, Int, &run, 0, 1_024); !bytes.Equal(have, []byte{6, 0, 0xfe, 7}) {
		t.Errorf("a run is % x", have)
	}
}

// TestBadLists: what is damaged is refused, and what is not as it is written where that matters.
func TestBadLists(t *testing.T) {
	for name, c := range map[string]struct {
		kind     Type
		src      []byte
		readable bool
	}{
		"cut number":        {Int, []byte{0x80}, false},
		"number of 65 bits": {Int, bytes.Repeat([]byte{0xff}, 11), false},
		"run without count": {Int, []byte{2, 0}, false},
		"endless run":       {Int, []byte{0, 0xff, 0xff, 0xff, 0xff, 0x7f}, false},
		"many runs":         {Int, bytes.Repeat([]byte{0, 0xff, 0xff, 0x3f}, 3), false},
		"text beyond":       {Text, []byte{4, 'a', 'b'}, false},
		"huge text":         {Text, []byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, false},
		"bytes beyond":      {Bytes, []byte{6, 1}, false},
		"short ID":          {ID, append([]byte{1}, make([]byte, 15)...), false},
		"no such ID":        {ID, append([]byte{2}, make([]byte, 16)...), false},
		"long number":       {Int, []byte{0x82, 0}, true},
		"two runs":          {Int, []byte{0, 0, 0, 0}, true},
		"the same text":     {Text, []byte{2, 'a', 2, 'a'}, true},
		"the same ID":       {ID, append([]byte{1}, make([]byte, 16)...), true},
	} {
		table := &Table{Name: "some", Columns: []Column{{"column", c.kind, First}}}
		p := NewPack(table)
		p.First = 7
		if err := p.Decode(0, c.src); (err == nil) != c.readable {
			t.Errorf("%s: %v", name, err)
		}
		err := p.DecodeExactly(0, c.src)
		var row *eventstore.RowError
		if !errors.As(err, &row) || row.Column != "some.column" || row.Position != 7 || !errors.Is(err, eventstore.ErrCorrupt) {
			t.Errorf("%s: %v", name, err)
		}
	}
	p := NewGiftPack()
	for _, c := range p.Table.Lists() {
		*p.List(c) = Data{Ints: []int64{1}, Texts: []string{""}, IDs: []uuid.UUID{{}}}
	}
	if err := p.Fill(func(int, int) error { return nil }); err != nil {
		t.Error(err)
	}
	p.List(giftAmount).Ints = nil
	if err := p.Fill(func(int, int) error { return nil }); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Errorf("lists of several lengths: %v", err)
	}
}

func FuzzList(f *testing.F) {
	for kind, list := range lists {
		for _, d := range list {
			f.Add(uint8(kind), appendList(nil, kind, &d, 0, d.len(kind)))
		}
	}
	f.Fuzz(func(t *testing.T, kind uint8, src []byte) {
		of := Type(kind)
		if of > ID {
			return
		}
		p := NewPack(&Table{Name: "some", Columns: []Column{{"column", of, First}}})
		readable := p.Decode(0, src)
		if readable == nil {
			d := p.List(0)
			once := appendList(nil, of, d, 0, d.len(of))
			var again Data
			if err := decodeList(once, of, &again); err != nil {
				t.Fatalf("% x is read as %v, which is written as % x: %v", src, d, once, err)
			}
			if !slices.Equal(d.Ints, again.Ints) || !slices.Equal(d.Texts, again.Texts) || !slices.Equal(d.IDs, again.IDs) ||
				!slices.EqualFunc(d.Bytes, again.Bytes, bytes.Equal) {
				t.Fatalf("% x is read as %d values, and written as others", src, d.len(of))
			}
		}
		if err := p.DecodeExactly(0, src); err == nil {
			d := p.List(0)
			if have := appendList(nil, of, d, 0, d.len(of)); !bytes.Equal(have, src) {
				t.Fatalf("% x is taken, and written as % x", src, have)
			}
		} else if readable != nil && !errors.Is(err, eventstore.ErrCorrupt) {
			t.Fatal(err)
		}
	})
}

// TestPositions compares the set with a map.
func TestPositions(t *testing.T) {
	var s positions
	in := map[int64]bool{}
	for _, p := range []int64{70, 71, 127, 128, 640, 700} {
		s.add(p)
		in[p] = true
	}
	next := int64(0)
	for p := int64(800); p >= -3; p-- {
		if in[p] {
			next = p
		}
		if s.has(p) != in[p] || s.next(p) != next {
			t.Fatalf("position %d: %v, next %d; want %v, %d", p, s.has(p), s.next(p), in[p], next)
		}
	}
}
