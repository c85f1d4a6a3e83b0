package projections

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A Checked is what a comparison of a model's rows with those of a fold found.
type Checked struct {
	Name       string
	Version    int
	Digest     [32]byte   // of the rows in the database; zero when they are of another version
	Rows       int64      // in the database
	Wrong      int64      // how many rows are missing, too much or different
	Mismatches []Mismatch // the first of them, at most MaxMismatches
}

// MaxMismatches is how many mismatches of a model are described.
const MaxMismatches = 100

// A Mismatch is a row that is not what the events lead to.
type Mismatch struct {
	Table string
	Key   string // such as "fund=HB asset=cash"
	What  string
}

func (m Mismatch) String() string { return m.Table + " " + m.Key + ": " + m.What }

// A Comparison compares the rows of one table with those of a fold. It is given them in the order of their keys.
type Comparison struct {
	c      *Checked
	rows   *Rows
	sorted []int32
	next   int
	want   []Value
	keys   [2][]byte
}

// Compare begins the comparison of a table.
func (f *Fold) Compare(t *Table, c *Checked) *Comparison {
	r := f.Rows(t)
	return &Comparison{c: c, rows: r, sorted: r.Sorted(), want: make([]Value, len(t.Columns))}
}

// Row compares a row that is there.
func (c *Comparison) Row(have []Value) {
	c.c.Rows++
	t := c.rows.Table
	key := appendKey(c.keys[0][:0], t, have)
	c.keys[0] = key
	for c.next < len(c.sorted) {
		c.rows.Row(int(c.sorted[c.next]), c.want)
		c.keys[1] = appendKey(c.keys[1][:0], t, c.want)
		switch bytes.Compare(c.keys[1], key) {
		case -1:
			c.found(c.want, "is missing")
			c.next++
			continue
		case 0:
			c.next++
			c.same(have)
			return
		}
		break
	}
	c.found(have, "does not follow from the events")
}

// End reports what was not there.
func (c *Comparison) End() {
	for ; c.next < len(c.sorted); c.next++ {
		c.rows.Row(int(c.sorted[c.next]), c.want)
		c.found(c.want, "is missing")
	}
}

func (c *Comparison) same(have []Value) {
	var what []string
	t := c.rows.Table
	for i := t.Keys; i < len(have); i++ {
		h, w := &have[i], &c.want[i]
		if h.Null != w.Null || h.Int != w.Int || h.Text != w.Text || !bytes.Equal(h.Bytes, w.Bytes) {
			what = append(what, fmt.Sprintf("%s is %s, should be %s", t.Columns[i].Name, show(t.Columns[i].Type, h), show(t.Columns[i].Type, w)))
		}
	}
	if what != nil {
		c.found(have, strings.Join(what, "; "))
	}
}

func (c *Comparison) found(row []Value, what string) {
	c.c.Wrong++
	if len(c.c.Mismatches) >= MaxMismatches {
		return
	}
	t := c.rows.Table
	var key []string
	for i := range t.Keys {
		key = append(key, t.Columns[i].Name+"="+show(t.Columns[i].Type, &row[i]))
	}
	c.c.Mismatches = append(c.c.Mismatches, Mismatch{Table: t.Name, Key: strings.Join(key, " "), What: what})
}

func show(t Type, v *Value) string {
	const most = 64
	switch {
	case v.Null:
		return "null"
	case t == Text:
		return v.Text
	case t == ID && len(v.Bytes) == 16:
		return uuid.UUID(v.Bytes).String()
	case t == Bytes && len(v.Bytes) > most:
		return fmt.Sprintf("%x… (%d bytes)", v.Bytes[:most], len(v.Bytes))
	case t == Bytes || t == ID:
		return fmt.Sprintf("%x", v.Bytes)
	case t == Day || t == Date:
		return domain.Date(v.Int).String()
	case t == Instant:
		return time.UnixMicro(v.Int).UTC().Format(time.RFC3339Nano)
	default:
		return strconv.FormatInt(v.Int, 10)
	}
}

// Progress compares where a model is with where the log is, and reports whether its rows can be compared.
func (c *Checked) Progress(m *Model, at Position, through int64) bool {
	var what string
	switch {
	case at.Stale && at.Version == 0:
		what = "is missing"
	case at.Stale:
		what = fmt.Sprintf("version is %d, should be %d", at.Version, m.Version)
	case at.Position != through:
		what = fmt.Sprintf("position is %d, should be %d", at.Position, through)
	default:
		return true
	}
	c.Wrong++
	c.Mismatches = append(c.Mismatches, Mismatch{Table: "progress", Key: "projection=" + m.Name, What: what})
	return !at.Stale
}
