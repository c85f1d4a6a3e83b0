package projections

import (
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// EpochBits: an epoch has 16,384 positions. What was known at a moment is of complete epochs, and of the events after them, which are read again.
const EpochBits = 14

// BlockBits: a block has 1,024 positions, so a list of persons in a row of a block has at most 4 KiB.
const BlockBits = 10

// A Rule says how a column changes.
type Rule uint8

// The rules.
const (
	Key    Rule = iota // names the row; keys come first
	First              // stays as it was first
	Last               // is replaced by a later value; null leaves it
	Sum                // adds up
	Append             // bytes that are put behind one another
	Mark               // the columns of this rule only rise, as one value; integers
	Part               // adds up among changes of the same marks; those of lesser marks go to other tables
)

// A Type is what a column holds. Canonically these are integers, texts, bytes; databases have types of their own for some.
type Type uint8

// The types.
const (
	Int     Type = iota // an integer
	Bool                // 0 or 1
	Day                 // days since 1970-01-01, of what is counted
	Date                // days since 1970-01-01, of what people read; may be null
	Instant             // microseconds since 1970-01-01 UTC
	Text                // UTF-8 without NUL; may be null under Last
	Bytes               // any bytes
	ID                  // 16 bytes; zero is null
)

// A Column of a table.
type Column struct {
	Name string
	Type Type
	Rule Rule
}

// A Table is one table of a model. In the databases ledger_id and slot stand before its own columns, and on PostgreSQL more in two tables.
type Table struct {
	Name    string
	Columns []Column
	Keys    int // how many of the columns are the key

	// Once says that the events lead to each row at most once, so that it is only ever inserted.
	Once bool

	index int // among all tables
	model string

	// spill is of a table with marks. It puts the parts of a row that give way to those of greater marks into other tables of its model,
	// which come behind this one.
	spill func(f *Fold, row []Value)

	// Of a packed table: the table of its packs, and the columns of the block, −1 for none, and of the day. lists is of the table of packs.
	stored     *Table
	block, day int
	lists      []int
}

// A Model is a read model: tables that are rebuilt and verified together.
type Model struct {
	Name    string
	Version int // of the rows' meaning; another one in a database asks for a rebuild
	Tables  []*Table

	// Entries is a packed table of what the last batches brought and is not in Tables yet, as one row a batch costs less than one a key; nil: there
	// is none. It is a part of what the rows say: whoever reads them adds it, as digests do.
	// SQLite has no such table: what is in it stands in BatchTable there.
	Entries *Table

	fold func(*Fold, *domain.Event) error
}

func table(name string, columns ...Column) *Table {
	t := &Table{Name: name, Columns: columns}
	for _, c := range columns {
		if c.Rule == Key {
			t.Keys++
		}
	}
	return t
}

// once makes a table of which each row is put once.
func once(name string, columns ...Column) *Table {
	t := table(name, columns...)
	t.Once = true
	return t
}

// Marked reports whether the table has marks. Of two rows of one key, such as one in a database and one of a fold, one row comes: the marks
// are the greater ones, the parts theirs, or the sum where the marks are the same; what gives way is for Fold.Spill.
func (t *Table) Marked() bool { return t.spill != nil }

// marked makes a table with marks.
func marked(name string, spill func(*Fold, []Value), columns ...Column) *Table {
	t := table(name, columns...)
	t.spill = spill
	return t
}

// All are the model's tables, that of entries last.
func (m *Model) All() []*Table {
	if m.Entries == nil {
		return m.Tables
	}
	return append(slices.Clone(m.Tables), m.Entries)
}

// Model is the name of the table's model.
func (t *Table) Model() string { return t.model }

// Names returns the names of the columns.
func (t *Table) Names() []string {
	names := make([]string, len(t.Columns))
	for i := range t.Columns {
		names[i] = t.Columns[i].Name
	}
	return names
}

// Models returns all read models, in the order in which they are written. The result must not be changed.
func Models() []*Model { return models }

// Select returns the models with names, in the order of Models; none: all. Errors: ErrQuery (there is none of a name).
func Select(names ...string) ([]*Model, error) {
	list := Lookup(names...)
	for _, name := range names {
		if !slices.ContainsFunc(list, func(m *Model) bool { return m.Name == name }) {
			return nil, fmt.Errorf("%w: no read model %q", ErrQuery, name)
		}
	}
	return list, nil
}

// Lookup is Select without those that there are none of.
func Lookup(names ...string) []*Model {
	if len(names) == 0 {
		return models
	}
	var list []*Model
	for _, m := range models {
		if slices.Contains(names, m.Name) {
			list = append(list, m)
		}
	}
	return list
}

var models = number([]*Model{
	{Name: "units", Version: 1, Tables: []*Table{unitTable, unitEdgeTable, unitNameTable}, fold: foldUnits},
	{Name: "funds", Version: 1, Tables: []*Table{fundTable, fundUnitTable}, fold: foldFunds},
	{Name: "persons", Version: 1, Tables: []*Table{personTable, aliasTable}, fold: foldPersons},
	{Name: "goods", Version: 1, Tables: []*Table{goodsTable}, fold: foldGoods},
	{Name: "balances", Version: 4, Tables: []*Table{balanceTable, bucketTable}, Entries: entryTable, fold: foldBalances},
	{Name: "totals", Version: 3, Tables: []*Table{factKeyTable, factTable, giftTable}, fold: foldTotals},
	{Name: "vouchers", Version: 2, Tables: []*Table{voucherTable}, fold: foldVouchers},
	{Name: "donors", Version: 1, Tables: []*Table{donorTable, pledgeTable}, fold: foldDonors},
	{Name: "indicators", Version: 1, Tables: []*Table{indicatorTable}, fold: foldIndicators},
})

// number gives each table its place, so that a fold finds its rows without a map.
func number(models []*Model) []*Model {
	n := 0
	for _, m := range models {
		for _, t := range m.All() {
			t.index, t.model = n, m.Name
			n++
		}
	}
	return models
}

// tables is how many tables all models have.
func tables() (n int) {
	for _, m := range models {
		n += len(m.All())
	}
	return n
}

// A Value is what one column of one row has: Int for Int, Bool, Day, Date and Instant; Text for Text; Bytes for Bytes and ID.
type Value struct {
	Int   int64
	Text  string
	Bytes []byte
	Null  bool
}

func num(v int64) Value { return Value{Int: v} }

func text[T ~string](v T) Value { return Value{Text: string(v)} }

func raw(v []byte) Value { return Value{Bytes: v} }

func day(v domain.Date) Value { return Value{Int: int64(v)} }

func yes(v bool) Value {
	if v {
		return Value{Int: 1}
	}
	return Value{}
}

// id is the value of an ID, of which the array stays where it is.
func id(v *uuid.UUID) Value {
	if *v == uuid.Nil {
		return null
	}
	return Value{Bytes: v[:]}
}

// null leaves a Last column as it is.
var null = Value{Null: true}

// The nulls of Data; neither is a value that can be.
const (
	NullInt  = math.MinInt64
	NullText = "\x00"
)
