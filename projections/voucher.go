package projections

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// voucherTable has each entry of a numbered paper, and each reversal of one. amount is the sum of the absolute amounts that the entry moved
// in the paper's series; a reversal takes nothing off.
var voucherTable = packed(once("vouchers",
	Column{"position", Int, Key},
	Column{"line", Int, Key}, // which of the event's vouchers
	Column{"unit", Text, First},
	Column{"series", Text, First},
	Column{"year", Int, First},
	Column{"number", Int, First},
	Column{"day", Day, First}, // of a reversal its own
	Column{"recorded_at", Instant, First},
	Column{"amount", Int, First},
	Column{"reversed", Int, First}, // 1: a reversal of an entry
	Column{"event_id", ID, First}))

// The columns of vouchers that are read.
const (
	voucherPosition = 0
	voucherUnit     = 2
	voucherSeries   = 3
	voucherYear     = 4
	voucherNumber   = 5
	voucherDay      = 6
	voucherRecorded = 7
	voucherAmount   = 8
	voucherReversed = 9
	voucherEvent    = 10
)

func foldVouchers(f *Fold, e *domain.Event) error {
	_, isReversal := e.Body.(*domain.EntryReversed)
	for i, v := range e.Vouchers() {
		series, year, n, err := domain.ParseVoucherNumber(v.Number)
		if err != nil {
			return err
		}
		amount, reversed := int64(0), int64(1)
		if !isReversal { // the number stays with the entry
			amount, reversed = movedIn(series, f.effects), 0
		}
		f.put(voucherTable, num(e.Position), num(int64(i)), text(v.Unit), text(series), num(int64(year)), num(int64(n)),
			day(e.EffectiveOn), num(e.RecordedAt.UnixMicro()), num(amount), num(reversed), raw(e.ID[:]))
	}
	return nil
}

// movedIn is the sum of the absolute amounts that effects move in a series, in minor units. A command that has two numbers of one
// direction has them for different kinds of assets, so series and direction say which effects are meant.
func movedIn(series string, effects []domain.Effect) int64 {
	var sum int64
	for i := range effects {
		e := &effects[i]
		switch series {
		case domain.CashIn, domain.CashOut:
			if e.Asset != domain.Cash {
				continue
			}
		case domain.BankIn, domain.BankOut:
			if e.Asset != domain.Bank {
				continue
			}
		default:
			if !e.Asset.IsGoods() {
				continue
			}
		}
		in := series == domain.CashIn || series == domain.BankIn || series == domain.GoodsIn
		switch {
		case in && e.Posted > 0:
			sum += e.Posted
		case !in && e.Posted < 0:
			sum -= e.Posted
		}
	}
	return sum
}

// A VoucherQuery asks for vouchers. The zero query asks for all.
type VoucherQuery struct {
	Unit    string       // "": all
	Series  string       // such as "PT"; "": all
	From    *domain.Date // effective dates, inclusive; nil: open
	To      *domain.Date
	Through int64 // as they were after this position; 0: now
}

// through is the position of the last event that counts.
func (q *VoucherQuery) through() int64 {
	if q.Through == 0 {
		return math.MaxInt64
	}
	return q.Through
}

// A VoucherRow is a numbered paper. What it reads is good until yield returns.
type VoucherRow struct {
	Unit, Number string
	EffectiveOn  domain.Date
	RecordedAt   time.Time
	Amount       int64 // minor units
	First, Last  int64 // positions of its first and last entry
	Events       []uuid.UUID
	Reversed     int  // how many of the events were reversed
	Cancelled    bool // all of them
}

// A VoucherList adds up the entries of vouchers. It has some hundred bytes an entry.
type VoucherList struct {
	q      VoucherQuery
	series map[voucherKey]*voucherEntries
	n      int // entries
	limit  int // of them
}

// A voucherKey is what numbers are counted in.
type voucherKey struct {
	unit, series string
	year         int64
}

// voucherEntries are those of a series, in log order, which is that of numbers but by mistake.
type voucherEntries struct {
	entries  []voucherEntry
	reversed []int64 // the number of each entry that was reversed
}

type voucherEntry struct {
	number, position, day, recorded, amount int64
	event                                   uuid.UUID
}

// NewVoucherPack makes a pack of entries of vouchers.
func NewVoucherPack() *Pack { return NewPack(voucherTable) }

// NewVoucherList makes the list of a query. It needs the packs with entries of the query's unit, in order of position, and may be given others.
func NewVoucherList(q VoucherQuery) *VoucherList {
	return &VoucherList{q: q, series: map[voucherKey]*voucherEntries{}, limit: MaxVoucherEntries}
}

// AddPack adds the entries of a pack. Errors: TooManyRowsError.
func (l *VoucherList) AddPack(p *Pack) error {
	ints := func(column int) []int64 { return p.lists[column].Ints }
	positions, units, series := ints(voucherPosition), p.lists[voucherUnit].Texts, p.lists[voucherSeries].Texts
	years, numbers, reversed, through := ints(voucherYear), ints(voucherNumber), ints(voucherReversed), l.q.through()
	var of *voucherEntries // of the entry before
	var last voucherKey
	for i := range p.n {
		if positions[i] > through || l.q.Unit != "" && units[i] != l.q.Unit || l.q.Series != "" && series[i] != l.q.Series {
			continue
		}
		if err := Room(l.n, l.limit); err != nil {
			return err
		}
		l.n++
		if k := (voucherKey{units[i], series[i], years[i]}); of == nil || k != last {
			last = k
			if of = l.series[k]; of == nil {
				of = new(voucherEntries)
				k.unit, k.series = strings.Clone(k.unit), strings.Clone(k.series)
				l.series[k] = of
			}
		}
		if reversed[i] != 0 {
			of.reversed = append(of.reversed, numbers[i])
			continue
		}
		of.entries = append(of.entries, voucherEntry{
			numbers[i], positions[i], ints(voucherDay)[i], ints(voucherRecorded)[i], ints(voucherAmount)[i], p.lists[voucherEvent].IDs[i],
		})
	}
	return nil
}

// Each calls yield with each voucher, as Vouchers does.
func (l *VoucherList) Each(yield func(*VoucherRow) error) error {
	keys := slices.SortedFunc(maps.Keys(l.series), func(a, b voucherKey) int {
		return cmp.Or(strings.Compare(a.unit, b.unit), strings.Compare(a.series, b.series), cmp.Compare(a.year, b.year))
	})
	for _, k := range keys {
		if err := l.eachOf(k, yield); err != nil {
			return err
		}
	}
	return nil
}

func (l *VoucherList) eachOf(k voucherKey, yield func(*VoucherRow) error) error {
	entries, reversed := l.series[k].entries, l.series[k].reversed
	slices.Sort(reversed)
	byNumber := func(a, b voucherEntry) int { return cmp.Compare(a.number, b.number) }
	if !slices.IsSortedFunc(entries, byNumber) {
		slices.SortStableFunc(entries, byNumber)
	}
	var v VoucherRow
	for len(entries) > 0 {
		first := &entries[0]
		v = VoucherRow{
			Unit: k.unit, Number: VoucherNumber(k.series, k.year, first.number), EffectiveOn: domain.Date(first.day),
			RecordedAt: time.UnixMicro(first.recorded).UTC(), First: first.position, Events: v.Events[:0],
		}
		n := 0
		for ; n < len(entries) && entries[n].number == first.number; n++ {
			v.Events = append(v.Events, entries[n].event)
			v.Amount += entries[n].amount
			v.Last = entries[n].position
		}
		for len(reversed) > 0 && reversed[0] <= first.number {
			if reversed[0] == first.number {
				v.Reversed++
			}
			reversed = reversed[1:]
		}
		v.Cancelled = v.Reversed >= len(v.Events)
		entries = entries[n:]
		if l.q.From != nil && v.EffectiveOn < *l.q.From || l.q.To != nil && v.EffectiveOn > *l.q.To {
			continue
		}
		if err := yield(&v); err != nil {
			return err
		}
	}
	return nil
}

// VoucherNumber writes a number such as PT-2017-000001.
func VoucherNumber(series string, year, n int64) string {
	return fmt.Sprintf("%s-%04d-%06d", series, year, n)
}

// Vouchers answers questions about vouchers.
type Vouchers interface {
	// Vouchers calls yield with each voucher in order of unit, series, year and number, which is log order within a series,
	// and stops at its first error.
	Vouchers(ctx context.Context, q VoucherQuery, yield func(*VoucherRow) error) error
}
