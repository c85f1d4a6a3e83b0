package projections

import (
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// TestLook: a question takes what is remembered only of packs that are the same, and never what is not there for it.
func TestLook(t *testing.T) {
	ledger := uuid.New()
	ids := map[int64]uuid.UUID{}
	id := func(log byte, position int64) uuid.UUID {
		key := int64(log)<<32 | position
		if ids[key] == uuid.Nil {
			ids[key] = uuid.New()
		}
		return ids[key]
	}
	var all Entries
	// ask is a question of a log, which has packs of one event from first to last, each of the amount by which the position is multiplied. It returns the
	// balance, and how many packs were read.
	ask := func(log byte, slot int, first, last int64, amount int64, on *domain.Date) (posted int64, read int) {
		t.Helper()
		pack := func(position int64) *Pack {
			p := NewEntryPack()
			r := newRows(entryTable)
			r.putEntry(position, &domain.Effect{Fund: "HB", Asset: domain.Cash, Day: domain.Date(position), Posted: amount * position})
			p.First, p.Last, p.n, p.lists = position, position, r.n, r.columns
			return p
		}
		l := all.Look(ledger)
		f := Found{Slot: slot, First: first, Last: last, End: last}
		if first > 0 {
			f.Event = id(log, last)
			if l.Through() <= last {
				f.Before = id(log, l.Through())
			}
		}
		after := l.After()
		if !l.Found(f) && l.After() != 0 || l.After() != 0 && l.After() != after {
			t.Fatalf("to be read after %d, before %d", l.After(), after)
		}
		for position := max(first, l.After()+1); first > 0 && position <= last; position++ {
			l.Add(pack(position))
			read++
		}
		rows, n := []BalanceRow{{Fund: "HA", Asset: domain.Cash}, {Fund: "HB", Asset: domain.Cash}}, make([]int64, 2)
		l.AddTo(&BalanceQuery{AsOf: on}, rows, n)
		if rows[0].Posted != 0 || n[0] != 0 {
			t.Errorf("a fund without entries has %d of %d", rows[0].Posted, n[0])
		}
		return rows[1].Posted, read
	}
	day := domain.Date(12)
	for _, step := range []struct {
		what         string
		log          byte
		slot         int
		first, last  int64
		amount       int64
		on           *domain.Date
		posted, read int64
	}{
		{"nothing waits", 0, 0, 0, 0, 1, nil, 0, 0},
		{"the first question reads all", 0, 0, 10, 12, 1, nil, 33, 3},
		{"the same again", 0, 0, 10, 12, 1, nil, 33, 0},
		{"two more", 0, 0, 10, 14, 1, nil, 60, 2},
		{"an older state of the ledger", 0, 0, 10, 11, 1, nil, 21, 2},
		{"the newer one again", 0, 0, 10, 14, 1, nil, 60, 3},
		{"as of a day", 0, 0, 10, 14, 1, &day, 33, 0},
		{"they were put where they belong", 0, 0, 0, 0, 1, nil, 0, 0},
		{"others wait", 0, 0, 15, 16, 1, nil, 31, 2},
		{"a state of before", 0, 0, 10, 14, 1, nil, 60, 5},
		{"which is not kept", 0, 0, 15, 17, 1, nil, 48, 1},
		{"a slot that was made anew", 0, 1, 15, 17, 1, nil, 48, 3},
		{"another log", 1, 1, 15, 17, 2, nil, 96, 3},
		{"another log, further", 1, 1, 15, 18, 2, nil, 132, 1},
		{"a log that is not as far", 2, 1, 15, 16, 3, nil, 93, 2},
	} {
		posted, read := ask(step.log, step.slot, step.first, step.last, step.amount, step.on)
		if posted != step.posted || int64(read) != step.read {
			t.Errorf("%s: %d of %d packs, want %d of %d", step.what, posted, read, step.posted, step.read)
		}
	}
}
