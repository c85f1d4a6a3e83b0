package projections

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// batchFold folds some gifts around the end of a block.
func batchFold(t *testing.T) *Fold {
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

// TestBatchPacks: what a batch adds to packed tables is the same when it was a row for a while, and nothing else is taken for such a row.
func TestBatchPacks(t *testing.T) {
	f := batchFold(t)
	row := f.BatchPacks(nil)
	if d := cmp.Diff(BatchPacks{1<<BlockBits - 3, 1<<BlockBits + 2, 18_021, 18_026, row.Packs}, row); d != "" {
		t.Fatal(d)
	}
	packs := 0
	for _, table := range packedTables {
		want := f.Rows(table).Encoded()
		have := 0
		err := row.Each(NewPack(table), true, func(p *Pack, wrong error) error {
			own := []int64{p.First, p.Last, p.FirstDay, p.LastDay}
			for i, v := range own {
				if w := want.Value(have, i).Int; v != w {
					t.Errorf("pack %d of %s: column %d is %d, expected %d", have, table.Name, i, v, w)
				}
			}
			for i, c := range table.Lists() {
				list := appendList(nil, table.Columns[c].Type, p.List(c), 0, p.n)
				if !bytes.Equal(list, want.Value(have, packOwn+i).Bytes) {
					t.Errorf("pack %d of %s: %s is another", have, table.Name, table.Columns[c].Name)
				}
			}
			have++
			packs++
			return wrong
		})
		if err != nil || have != want.Len() {
			t.Errorf("%s has %d packs, expected %d: %v", table.Name, have, want.Len(), err)
		}
	}
	if packs != 2*len(packedTables) { // of two blocks
		t.Errorf("%d packs of %d tables", packs, len(packedTables))
	}
	want, have := NewFold(Lookup("balances"), nil), NewFold(Lookup("balances"), nil)
	want.addEntries(f.Rows(entryTable))
	if err := have.AddEntries(row); err != nil {
		t.Fatal(err)
	}
	for _, table := range []*Table{balanceTable, bucketTable} {
		if d := cmp.Diff(want.Rows(table).columns, have.Rows(table).columns, cmpopts.EquateEmpty()); d != "" || want.Rows(balanceTable).Len() == 0 {
			t.Errorf("%s (-want +have):\n%s", table.Name, d)
		}
	}

	check := func(rows ...BatchPacks) []Mismatch {
		var c BatchCheck
		for _, r := range rows {
			c.Row(r)
		}
		return c.Found
	}
	if found := check(row); found != nil {
		t.Errorf("%v", found)
	}
	for name, change := range map[string]func(r *BatchPacks){
		"first":     func(r *BatchPacks) { r.First++ },
		"last":      func(r *BatchPacks) { r.Last-- },
		"first day": func(r *BatchPacks) { r.FirstDay-- },
		"last day":  func(r *BatchPacks) { r.LastDay++ },
		"nothing":   func(r *BatchPacks) { r.Packs = nil },
		"twice":     func(r *BatchPacks) { r.Packs = append(bytes.Clone(row.Packs), row.Packs...) },
		"unknown table": func(r *BatchPacks) {
			r.Packs = bytes.ReplaceAll(row.Packs, []byte("total_gifts"), []byte("total_givts"))
		},
		"no pack":     func(r *BatchPacks) { r.Packs = append(append(bytes.Clone(row.Packs), 8), "vouchers\x00"...) },
		"long number": func(r *BatchPacks) { r.Packs = append([]byte{row.Packs[0] | 0x80, 0}, row.Packs[1:]...) },
	} {
		r := row
		change(&r)
		if found := check(r); len(found) == 0 || found[0].Table != BatchTable {
			t.Errorf("%s: %v", name, found)
		}
	}
	if found := check(row, row); len(found) != 1 {
		t.Errorf("a row behind one of the same positions: %v", found)
	}
	whole := 0 // how many parts of it are rows themselves: those that end with a table
	for n := 1; n < len(row.Packs); n++ {
		r := row
		r.Packs = row.Packs[:n]
		var bad *eventstore.RowError
		if err := NewFold(Lookup("balances"), nil).AddEntries(r); err != nil && !errors.As(err, &bad) {
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

// FuzzBatchPacks: whatever stands in a row, reading it ends, with what is wrong with it.
func FuzzBatchPacks(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{8, 'v', 'o', 'u', 'c', 'h', 'e', 'r', 's', 1, 2, 0, 2, 0})
	f.Fuzz(func(t *testing.T, packs []byte) {
		row := BatchPacks{Packs: packs}
		for _, table := range packedTables {
			err := row.Each(NewPack(table), true, func(_ *Pack, wrong error) error { return wrong })
			var bad *eventstore.RowError
			if err != nil && !errors.As(err, &bad) {
				t.Fatal(err)
			}
		}
		_ = NewFold(Lookup("balances"), nil).AddEntries(row)
		new(BatchCheck).Row(row)
	})
}
