package projections

import (
	"errors"
	"testing"
)

// TestVoucherLimit: a list takes as many entries as it may have, of those that are asked for, and refuses one more.
func TestVoucherLimit(t *testing.T) {
	fill := func(q VoucherQuery, limit int) error {
		l := NewVoucherList(q)
		l.limit = limit
		r := newRows(voucherTable)
		for i := range int64(6) {
			row := make([]Value, len(voucherTable.Columns))
			for c, column := range voucherTable.Columns {
				switch column.Type {
				case Text:
					row[c] = text("X")
				case ID:
					row[c] = null
				default:
					row[c] = num(i)
				}
			}
			row[voucherUnit] = text([]string{"X", "Y"}[i%2])
			r.put(row...)
		}
		p := NewVoucherPack()
		p.lists, p.n = r.columns, r.n
		return l.AddPack(p)
	}
	var long *TooManyRowsError
	if err := fill(VoucherQuery{}, 6); err != nil {
		t.Errorf("six entries: %v", err)
	}
	if err := fill(VoucherQuery{}, 5); !errors.As(err, &long) || long.Limit != 5 {
		t.Errorf("six entries of at most five: %v", err)
	}
	if err := fill(VoucherQuery{Unit: "Y"}, 3); err != nil {
		t.Errorf("three of six entries: %v", err)
	}
	if err := fill(VoucherQuery{Through: 2}, 2); !errors.As(err, &long) {
		t.Errorf("three entries of at most two: %v", err)
	}
}
