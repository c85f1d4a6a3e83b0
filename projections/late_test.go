package projections

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// lateFold folds some gifts around the end of a block.
func lateFold(t *testing.T) *Fold {
	t.Helper()
	f := NewFold(Models(), nil)
	f.KeepApart()
	for position := int64(1<<BlockBits - 3); position < 1<<BlockBits+3; position++ {
		e := domain.Event{
			Position: position, ID: uuid.UUID{15: byte(position)}, EffectiveOn: domain.Date(17_000 + position), RecordedAt: time.Unix(position, 0),
			Body: &domain.DonationReceived{
				Fund: "HB", Unit: "T", Donor: "ND", DonorKind: "organisation", Lines: []domain.Line{{Asset: domain.Cash, Amount: position}},
				Numbers: []domain.Voucher{{Unit: "T", Number: VoucherNumber("PT", 2016, position)}},
			},
		}
		if err := f.Add(&e); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// TestLate: what a batch adds to packed tables is the same when it was a row for a while, and nothing else is taken for such a row.
func TestLate(t *testing.T) {
	f := lateFold(t)
	late, first, last := f.AppendLate(nil)
	if first != 1<<BlockBits-3 || last != 1<<BlockBits+2 {
		t.Fatalf("it is of %d … %d", first, last)
	}
	row := LateRow{Run: 7, First: first, Last: last, Packs: late}
	want, have := NewLate(), NewLate()
	want.AddPacks(f)
	if err := have.AddLate(row); err != nil {
		t.Fatal(err)
	}
	for _, m := range have.Models() {
		for _, table := range m.Tables {
			w, h := want.Rows(table), have.Rows(table)
			if table.Packed() {
				w, h = w.Encoded(), h.Encoded()
			}
			if w.Len() == 0 && table.Packed() || w.Len() != h.Len() {
				t.Errorf("%s has %d rows, expected %d", table.Name, h.Len(), w.Len())
			}
			a, b := make([]Value, len(w.Table.Columns)), make([]Value, len(w.Table.Columns))
			for i := range w.Len() {
				w.Row(i, a)
				h.Row(i, b)
				if d := cmp.Diff(a, b); d != "" {
					t.Errorf("row %d of %s (-want +have):\n%s", i, table.Name, d)
				}
			}
		}
	}
	packs := 0
	for _, table := range packedTables {
		err := row.Each(NewPack(table), true, func(p *Pack, wrong error) error {
			packs++
			return wrong
		})
		if err != nil {
			t.Error(err)
		}
	}
	if packs != 2*len(packedTables) { // of two blocks
		t.Errorf("%d packs of %d tables", packs, len(packedTables))
	}

	check := func(rows ...LateRow) []Mismatch {
		var c LateCheck
		for _, r := range rows {
			c.Row(r)
		}
		return c.Found
	}
	if found := check(row); found != nil {
		t.Errorf("%v", found)
	}
	for name, change := range map[string]func(r *LateRow){
		"first":         func(r *LateRow) { r.First++ },
		"last":          func(r *LateRow) { r.Last-- },
		"nothing":       func(r *LateRow) { r.Packs = nil },
		"twice":         func(r *LateRow) { r.Packs = append(bytes.Clone(late), late...) },
		"unknown table": func(r *LateRow) { r.Packs = bytes.ReplaceAll(late, []byte("total_gifts"), []byte("total_givts")) },
		"no pack":       func(r *LateRow) { r.Packs = append(append(bytes.Clone(late), 8), "vouchers\x00"...) },
		"long number":   func(r *LateRow) { r.Packs = append([]byte{late[0] | 0x80, 0}, late[1:]...) },
	} {
		r := row
		change(&r)
		if found := check(r); len(found) != 1 || found[0].Table != LateTable {
			t.Errorf("%s: %v", name, found)
		}
	}
	if found := check(row, row); len(found) != 1 {
		t.Errorf("a row behind one of the same positions: %v", found)
	}
	whole := 0 // how many parts of it are rows themselves: those that end with a table
	for n := 1; n < len(late); n++ {
		r := LateRow{Run: 7, First: first, Last: last, Packs: late[:n]}
		var bad *eventstore.RowError
		if err := NewLate().AddLate(r); err != nil && !errors.As(err, &bad) {
			t.Errorf("the first %d bytes: %v", n, err)
		}
		if len(check(r)) == 0 {
			whole++
		}
	}
	if whole != len(packedTables)-1 {
		t.Errorf("%d parts of it are taken for rows", whole)
	}
}

// FuzzLate: whatever stands in a row, reading it ends, with a table more or with what is wrong with it.
func FuzzLate(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{8, 'v', 'o', 'u', 'c', 'h', 'e', 'r', 's', 1, 2, 0, 2, 0})
	f.Fuzz(func(t *testing.T, packs []byte) {
		row := LateRow{Packs: packs}
		readable := true
		for _, table := range packedTables {
			err := row.Each(NewPack(table), true, func(_ *Pack, wrong error) error { return wrong })
			var bad *eventstore.RowError
			if err != nil && !errors.As(err, &bad) {
				t.Fatal(err)
			}
			readable = readable && err == nil
		}
		late := NewLate()
		if err := late.AddLate(row); readable && err != nil {
			t.Fatal(err)
		}
		for _, table := range packedTables {
			late.Rows(table).Packs()
		}
	})
}
