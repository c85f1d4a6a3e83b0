package projections

import (
	"cmp"
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// entryTable has what the last batches brought to balances, of holdings that have a row in balanceTable: a row a batch, not a row a holding. A
// later batch puts it into the other tables. It is a part of what the rows of those say: whoever reads them adds it.
var entryTable = packed(table("balance_entries",
	Column{"block", Int, Key},
	Column{"fund", Text, Key},
	Column{"asset", Text, Key},
	Column{"day", Day, Key},
	Column{"posted", Int, Sum},
	Column{"encumbered", Int, Sum},
	Column{"quantity", Int, Sum},
	Column{"quantity_encumbered", Int, Sum}))

// Columns of entryTable.
const (
	entryBlock  = 0
	entryFund   = 1
	entryAsset  = 2
	entryDay    = 3
	entryPosted = 4 // and the three after it
)

// loggedEntries is of how many entries at the end of the log a fold of all of it remembers at least what each was, to tell which of those that
// wait is wrong.
const loggedEntries = 1 << 15

type loggedEntry struct {
	position int64
	domain.Effect
}

// logEntry remembers an entry that is not kept apart.
func (f *Fold) logEntry(position int64, e *domain.Effect) {
	f.rows[entryTable.index].noted.add(position)
	if len(f.log) == 2*loggedEntries {
		f.logged = f.log[loggedEntries-1].position
		f.log = f.log[:copy(f.log, f.log[loggedEntries:])]
	}
	f.log = append(f.log, loggedEntry{position, *e})
}

// entries are those of the events of some positions, as a pack has them; nil where they are not remembered.
func (f *Fold) entries(first, last int64) *Rows {
	if first <= f.logged {
		return nil
	}
	r := newRows(entryTable)
	at, _ := slices.BinarySearchFunc(f.log, first, func(e loggedEntry, first int64) int { return cmp.Compare(e.position, first) })
	for ; at < len(f.log) && f.log[at].position <= last; at++ {
		r.putEntry(f.log[at].position, &f.log[at].Effect)
	}
	return r
}

// putEntry adds an entry to rows of entryTable.
func (r *Rows) putEntry(position int64, e *domain.Effect) {
	r.put(num(position>>BlockBits), text(e.Fund), text(e.Asset), day(e.Day),
		num(e.Posted), num(e.Encumbered), num(e.Quantity), num(e.QuantityEncumbered))
}

// effect is the entry of a row of entryTable.
func (r *Rows) effect(row int) domain.Effect {
	of := func(column int) int64 { return r.columns[column].Ints[row] }
	return domain.Effect{
		Fund: r.columns[entryFund].Texts[row], Asset: domain.Asset(r.columns[entryAsset].Texts[row]), Day: domain.Date(of(entryDay)),
		Posted: of(entryPosted), Encumbered: of(entryPosted + 1), Quantity: of(entryPosted + 2), QuantityEncumbered: of(entryPosted + 3),
	}
}

// An entryCheck compares the packs of entries with what the events of their positions brought, one pack after another, and hands out what they
// should have, so that nothing else is accused of what is wrong with them.
type entryCheck struct {
	c     *Comparison
	yield func([]Value)
	row   []Value
}

// pack compares a pack whose first event should be that of a position, unless it cannot be read.
func (s *entryCheck) pack(p *Pack, first int64, readable bool) {
	want := newRows(entryTable)
	if first > 0 { // else there is no such event
		want = s.c.f.entries(first, p.Last)
	}
	switch {
	case want == nil && readable:
		want = p.rows()
	case want == nil:
		return
	case readable:
		s.compare(p, want)
	}
	s.handRows(want)
}

func (s *entryCheck) compare(p *Pack, want *Rows) {
	have := p.rows()
	var what []string
	for i, c := range entryTable.Columns {
		for row := range max(have.n, want.n) {
			if row >= have.n || row >= want.n {
				what = append(what, fmt.Sprintf("%s has %d elements, should have %d", c.Name, have.n, want.n))
				break
			}
			if h, w := have.Value(row, i), want.Value(row, i); h.Int != w.Int || h.Text != w.Text {
				what = append(what, fmt.Sprintf("element %d of %s is %s, should be %s", row+1, c.Name, show(c.Type, &h), show(c.Type, &w)))
				break
			}
		}
	}
	if what != nil {
		s.c.pack(p.First, strings.Join(what, "; "))
	}
}

// hand hands out what no pack has.
func (s *entryCheck) hand(first, last int64) {
	if want := s.c.f.entries(first, last); want != nil {
		s.handRows(want)
	}
}

func (s *entryCheck) handRows(r *Rows) {
	for i := range r.n {
		r.Row(i, s.row)
		s.yield(s.row)
	}
}

// addEntry puts an entry into balanceTable and bucketTable.
func (f *Fold) addEntry(fund, asset, epoch, day Value, c [4]Value) {
	f.add(balanceTable, []Value{fund, asset, c[0], c[1], c[2], c[3], epoch, day, c[0], c[1], c[2], c[3]})
}

// KeepApart has the fold keep the entries of models with a table for them in that, from now on.
func (f *Fold) KeepApart() { f.apart = true }

// Apart returns the entries that are kept apart, nil where the fold keeps none.
func (f *Fold) Apart() *Rows {
	if !f.apart {
		return nil
	}
	return f.rows[entryTable.index]
}

// Holding returns an ID of the holding that a row of entries is of, the same for all of the holding.
func (r *Rows) Holding(row int) uuid.UUID {
	var buf [64]byte
	b := append(buf[:0], r.columns[entryFund].Texts[row]...)
	b = append(append(b, 0), r.columns[entryAsset].Texts[row]...)
	sum := sha256.Sum256(b)
	return uuid.UUID(sum[:16])
}

// Settle moves the entries that were kept apart to where they belong.
func (f *Fold) Settle() {
	r := f.rows[entryTable.index]
	f.addEntries(r)
	r.reset()
}

// AddEntryPack adds a pack of entries to what the fold has, where they belong.
func (f *Fold) AddEntryPack(p *Pack) { f.addEntries(p.rows()) }

func (f *Fold) addEntries(r *Rows) {
	row := make([]Value, len(entryTable.Columns))
	for i := range r.n {
		r.Row(i, row)
		f.addEntryRow(row)
	}
}

// addEntryRow adds a row of entryTable.
func (f *Fold) addEntryRow(row []Value) {
	epoch := row[entryBlock].Int >> (EpochBits - BlockBits)
	f.addEntry(row[entryFund], row[entryAsset], num(epoch), row[entryDay], [4]Value(row[entryPosted:]))
}

// addBalance adds to a balance, if it is among the rows.
func addBalance(rows []BalanceRow, n []int64, fund, asset string, changes []Value) {
	i, there := slices.BinarySearchFunc(rows, fund, func(b BalanceRow, fund string) int {
		return cmp.Or(strings.Compare(b.Fund, fund), strings.Compare(string(b.Asset), asset))
	})
	if !there {
		return
	}
	b := &rows[i]
	b.Posted, b.Encumbered = b.Posted+changes[0].Int, b.Encumbered+changes[1].Int
	b.Quantity, b.QuantityEncumbered = b.Quantity+changes[2].Int, b.QuantityEncumbered+changes[3].Int
	n[i]++
}
