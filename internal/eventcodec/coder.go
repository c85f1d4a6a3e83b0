package eventcodec

import (
	"encoding/base64"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"
	"golang.org/x/text/unicode/norm"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/jcs"
)

// A mode is what a coder does with the members that a shape lists.
type mode byte

const (
	writing mode = iota // append each member that has a value
	reading             // read the member that the reader stands at
	missing             // look for required members that were not read
)

// A coder goes through the members of one object after another. When it reads, each member of a shape takes the value if the reader
// stands at its name, and the reader goes on to the next. A shape is called again as long as it took something: once where the members
// come in the order in which they are written.
type coder struct {
	mode     mode
	decimals int
	w        jcs.Writer
	r        *jcs.Reader
	command  bool      // members come from a user: normalise texts, tell of missing ones
	texts    jcs.Texts // of events, which are kept for ever anyway

	key  string   // that the reader stands at
	hit  bool     // a member took it
	end  bool     // no member is left
	err  error    // of the first member that failed
	seen []string // keys of the object that was read
}

// object reads or writes an object with the members of a shape.
func (c *coder) object(shape func()) {
	if c.mode == writing {
		c.w.BeginObject()
		shape()
		c.w.EndObject()
		return
	}
	key, base := c.key, len(c.seen)
	c.err = c.r.Begin()
	c.next()
	for c.err == nil && !c.end {
		at := c.key
		shape()
		switch {
		case c.err != nil:
		case c.hit:
			c.next()
		case c.key == at && !c.end:
			c.err = c.r.Fail("unknown field")
		}
	}
	if c.err == nil && c.command {
		c.mode = missing
		kept := c.seen
		c.seen = c.seen[base:]
		shape()
		c.seen, c.mode = kept, reading
	}
	c.seen = c.seen[:base]
	c.key, c.hit, c.end = key, true, false
}

// next goes to the next key of the object.
func (c *coder) next() {
	if c.err != nil {
		return
	}
	key, more, err := c.r.Next()
	c.key, c.hit, c.end, c.err = key, false, !more, err
	if c.command && more {
		c.seen = append(c.seen, key)
	}
}

// at reports whether the reader stands at a member that nothing took.
func (c *coder) at(key string) bool {
	if c.mode != reading {
		return false
	}
	if c.hit && !c.end && c.err == nil {
		c.next()
	}
	return !c.hit && !c.end && c.err == nil && c.key == key
}

// takes reports whether the member is the one to read.
func (c *coder) takes(key string) bool {
	if !c.at(key) {
		return false
	}
	c.hit = true
	return true
}

// need tells of a required member that is not there.
func (c *coder) need(key string) {
	if c.mode == missing && c.err == nil && !slices.Contains(c.seen, key) {
		c.err = &jcs.Error{Pointer: c.r.Pointer() + "/" + key, Problem: "required"}
	}
}

func (c *coder) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// bad refuses the value that was just read.
func (c *coder) bad(problem string) { c.fail(c.r.Fail(problem)) }

// string reads a text. One of a command is NFC afterwards, and not empty: a member without a value is left out.
func (c *coder) string() string {
	raw, err := c.r.StringBytes()
	switch {
	case err != nil:
		c.fail(err)
		return ""
	case c.texts != nil:
		return c.texts.Of(raw)
	case !c.command:
		return string(raw)
	case len(raw) == 0:
		c.bad("empty")
	}
	return nfc(string(raw))
}

func nfc(s string) string {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return norm.NFC.String(s)
		}
	}
	return s
}

func text[T ~string](c *coder, key string, p *T) {
	switch {
	case c.mode == writing:
		if *p != "" {
			c.w.Key(key)
			c.w.String(string(*p))
		}
	case c.takes(key):
		*p = T(c.string())
	}
}

func texts[T ~string](c *coder, key string, p *[]T) {
	switch {
	case c.mode == writing:
		if len(*p) > 0 {
			c.w.Key(key)
			c.w.BeginArray()
			for _, s := range *p {
				c.w.String(string(s))
			}
			c.w.EndArray()
		}
	case c.takes(key):
		*p = []T{}
		c.fail(c.r.Array(func(int) error {
			s := c.string()
			*p = append(*p, T(s))
			return c.err
		}))
	}
}

// array reads or writes an array of objects.
func array[T any](c *coder, key string, p *[]T, shape func(*coder, *T)) {
	switch {
	case c.mode == writing:
		if len(*p) > 0 {
			c.w.Key(key)
			c.w.BeginArray()
			for i := range *p {
				c.object(func() { shape(c, &(*p)[i]) })
			}
			c.w.EndArray()
		}
	case c.takes(key):
		list := (*p)[:0]
		err := c.r.Array(func(int) error {
			list = append(list, *new(T))
			e := &list[len(list)-1]
			c.object(func() { shape(c, e) })
			return c.err
		})
		*p = list
		c.fail(err)
	}
}

// child reads or writes a nested object that may be absent.
func child[T any](c *coder, key string, p **T, shape func(*coder, *T)) {
	switch {
	case c.mode == writing:
		if *p != nil {
			c.w.Key(key)
			c.object(func() { shape(c, *p) })
		}
	case c.takes(key):
		v := new(T)
		*p = v
		c.object(func() { shape(c, v) })
	}
}

// part reads or writes a nested object that is always there.
func part[T any](c *coder, key string, p *T, shape func(*coder, *T)) {
	switch {
	case c.mode == writing:
		c.w.Key(key)
		c.object(func() { shape(c, p) })
	case c.takes(key):
		c.object(func() { shape(c, p) })
	}
}

func (c *coder) id(key string, p *uuid.UUID) {
	switch {
	case c.mode == writing:
		if *p != uuid.Nil {
			c.w.Key(key)
			c.writeID(*p)
		}
	case c.takes(key):
		raw, err := c.r.StringBytes()
		if err != nil {
			c.fail(err)
			return
		}
		id, ok := parseID(raw)
		if !ok {
			c.bad("not a UUID")
		}
		*p = id
	}
}

func (c *coder) needID(key string, p *uuid.UUID) {
	c.id(key, p)
	c.need(key)
}

// parseID reads the 36 characters of a UUID; the other forms that the library knows are not ours.
func parseID(raw []byte) (uuid.UUID, bool) {
	if len(raw) != 36 {
		return uuid.Nil, false
	}
	id, err := uuid.ParseBytes(raw)
	return id, err == nil && id != uuid.Nil
}

func (c *coder) writeID(id uuid.UUID) {
	var raw [36]byte
	c.w.Plain(appendID(raw[:0], id))
}

const hexDigits = "0123456789abcdef"

// appendID appends a UUID in its usual form.
func appendID(dst []byte, id uuid.UUID) []byte {
	for i, b := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, hexDigits[b>>4], hexDigits[b&15])
	}
	return dst
}

func (c *coder) date(key string, p *domain.Date) {
	switch {
	case c.mode == writing:
		c.w.Key(key)
		c.writeDate(*p)
	case c.takes(key):
		raw, err := c.r.StringBytes()
		if err != nil {
			c.fail(err)
			return
		}
		d, err := domain.ParseDate(string(raw))
		if err != nil {
			c.bad("impossible date")
		}
		*p = d
	}
	c.need(key)
}

func (c *coder) writeDate(d domain.Date) {
	var raw [10]byte
	c.w.Plain(d.Append(raw[:0]))
}

// optionalDate is a date that an event has only where zero is no value.
func (c *coder) optionalDate(key string, p *domain.Date) {
	if c.mode == writing && *p == 0 {
		return
	}
	seen := c.mode
	if c.mode != missing {
		c.date(key, p)
	}
	c.mode = seen
}

func (c *coder) int(key string, p *int64) {
	switch {
	case c.mode == writing:
		c.w.Key(key)
		c.w.Int(*p)
	case c.takes(key):
		v, err := c.r.Int()
		c.fail(err)
		*p = v
	}
}

// optionalInt is a number that zero is no value of.
func (c *coder) optionalInt(key string, p *int64) {
	if c.mode != writing || *p != 0 {
		c.int(key, p)
	}
}

func (c *coder) intPointer(key string, p **int64) {
	switch {
	case c.mode == writing:
		if *p != nil {
			c.int(key, *p)
		}
	case c.takes(key):
		v, err := c.r.Int()
		c.fail(err)
		*p = &v
	}
}

func (c *coder) boolPointer(key string, p **bool) {
	switch {
	case c.mode == writing:
		if *p != nil {
			c.w.Key(key)
			c.w.Bool(**p)
		}
	case c.takes(key):
		v, err := c.r.Bool()
		c.fail(err)
		*p = &v
	}
}

// flag is true or left out.
func (c *coder) flag(key string, p *bool) {
	switch {
	case c.mode == writing:
		if *p {
			c.w.Key(key)
			c.w.Bool(true)
		}
	case c.takes(key):
		v, err := c.r.Bool()
		c.fail(err)
		*p = v
	}
}

// needBool is true or false, and always there.
func (c *coder) needBool(key string, p *bool) {
	switch {
	case c.mode == writing:
		c.w.Key(key)
		c.w.Bool(*p)
	case c.takes(key):
		v, err := c.r.Bool()
		c.fail(err)
		*p = v
	}
	c.need(key)
}

// amount is minor units, written in the ledger's currency.
func (c *coder) amount(key string, p *int64) {
	switch {
	case c.mode == writing:
		c.w.Key(key)
		c.writeNumber(*p, c.decimals)
	case c.takes(key):
		*p = c.readNumber(c.decimals)
	}
}

func (c *coder) optionalAmount(key string, p *int64) {
	if c.mode != writing || *p != 0 {
		c.amount(key, p)
	}
}

// quantity is thousandths; zero is no value of it.
func (c *coder) quantity(key string, p *int64) {
	switch {
	case c.mode == writing:
		if *p != 0 {
			var raw [24]byte
			c.w.Key(key)
			c.w.Plain(money.AppendQuantity(raw[:0], *p))
		}
	case c.takes(key):
		*p = c.readNumber(money.QuantityDecimals)
	}
}

// measured is an amount of money, or a quantity of goods, zero too.
func (c *coder) measured(key string, a domain.Asset, p *int64) {
	switch {
	case !a.IsGoods():
		c.amount(key, p)
	case c.mode == writing && *p == 0:
		c.w.Key(key)
		c.w.String("0")
	default:
		c.quantity(key, p)
	}
}

func (c *coder) writeNumber(v int64, decimals int) {
	var raw [24]byte
	c.w.Plain(money.AppendFormat(raw[:0], v, decimals))
}

func (c *coder) readNumber(decimals int) int64 {
	raw, err := c.r.StringBytes()
	if err != nil {
		c.fail(err)
		return 0
	}
	v, err := money.Decimal(raw).Minor(decimals)
	if err != nil {
		c.bad("bad number")
	}
	return v
}

func (c *coder) hash(key string, p *[32]byte) {
	switch {
	case c.mode == writing:
		c.w.Key(key)
		c.writeHash(*p)
	case c.takes(key):
		raw, err := c.r.StringBytes()
		if err != nil {
			c.fail(err)
			return
		}
		var h [33]byte // the decoder may write one byte of padding
		n, err := base64.StdEncoding.Strict().Decode(h[:], raw)
		if len(raw) != 44 || err != nil || n != 32 {
			c.bad("not a hash")
		}
		*p = [32]byte(h[:32])
	}
}

func (c *coder) writeHash(h [32]byte) {
	var raw [44]byte
	base64.StdEncoding.Encode(raw[:], h[:])
	c.w.Plain(raw[:])
}
