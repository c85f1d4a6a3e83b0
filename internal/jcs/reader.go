package jcs

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What an [Error] says in Problem, besides the words that a caller gives to
// [Reader.Fail]. They are part of refusals that others parse and never change.
const (
	NotJSON          = "not JSON"
	InvalidUTF8      = "invalid UTF-8"
	ControlCharacter = "control character" // unescaped, within a string
	DuplicateKey     = "duplicate key"
	WantObject       = "want object"
	WantArray        = "want array"
	WantString       = "want string"
	WantInteger      = "want integer"
	WantBool         = "want true or false"
	OutOfRange       = "integer out of range"
	TrailingData     = "trailing data"
	TooDeep          = "nested too deep"
	LoneSurrogate    = "lone surrogate"
)

// An Error says what is wrong with a text, and where.
type Error struct {
	// Pointer is the place in the document (RFC 6901), "" for the whole.
	Pointer string
	// Problem is one of the constants of this package, or what the caller
	// of Fail gave.
	Problem string
	// Offset is the place in the text, in bytes.
	Offset int
}

// Error returns the pointer, the problem and the offset in one line.
func (e *Error) Error() string {
	at := " at byte " + strconv.Itoa(e.Offset)
	if e.Pointer == "" {
		return e.Problem + at
	}
	return e.Pointer + ": " + e.Problem + at
}

// knownKeys is how many keys a Reader remembers at most: more than the contract
// has.
const knownKeys = 256

// linearKeys is up to how many keys of an object each is compared with those
// before it; more go to a map.
const linearKeys = 16

// keepScratch is how much memory, in bytes, is kept for the next text: one
// huge string should not hold on to it for ever.
const keepScratch = 1 << 16

// A Reader pulls values out of one JSON text, in the order in which they
// stand. It is strict RFC 8259, and refuses duplicate keys, invalid UTF-8,
// lone surrogates and nesting beyond [MaxDepth], also in what is skipped.
//
// It allocates nothing but the strings that are asked for. Keys are kept
// across Reset, so a Reader should be used again.
//
// Every error of its own is an [*Error]. A method that finds a value of
// another kind than it wants has read nothing, and another may be tried; after
// any other error the Reader can only be Reset.
type Reader struct {
	data []byte
	pos  int

	depth int
	path  [MaxDepth]step

	seen    []string // keys of the open objects, the innermost last
	scratch []byte   // the last string that had escapes
	known   Texts    // keys
}

// step is where the Reader is in one open object or array.
type step struct {
	key   string
	index int                 // in an array; or atKey, atNone or atStart
	base  int                 // of an object: where its keys begin in seen
	many  map[string]struct{} // of an object with many: its keys
}

const (
	atKey   = -1 // in the member of that key
	atNone  = -2 // between members
	atStart = -3 // before the first of them
)

// NewReader returns a Reader of data, which it does not modify, and of which
// StringBytes and Raw return parts.
func NewReader(data []byte) *Reader {
	return &Reader{data: data}
}

// Reset starts over with data.
func (r *Reader) Reset(data []byte) {
	r.data, r.pos, r.depth, r.seen = data, 0, 0, r.seen[:0]
	if cap(r.scratch) > keepScratch {
		r.scratch = nil
	}
}

// Pointer returns the place of the value that is read (RFC 6901): in the
// function given to Object or Array the member or element, else the innermost
// that is open.
func (r *Reader) Pointer() string {
	var b strings.Builder
	for i := range r.depth {
		switch s := &r.path[i]; s.index {
		case atNone, atStart:
		case atKey:
			b.WriteByte('/')
			for j := range len(s.key) {
				switch c := s.key[j]; c {
				case '~':
					b.WriteString("~0")
				case '/':
					b.WriteString("~1")
				default:
					b.WriteByte(c)
				}
			}
		default:
			b.WriteByte('/')
			b.WriteString(strconv.Itoa(s.index))
		}
	}
	return b.String()
}

// Fail returns an [*Error] with the problem at the current place, such as
// "unknown field" for a key.
func (r *Reader) Fail(problem string) error {
	return r.failAt(r.pos, problem)
}

func (r *Reader) failAt(offset int, problem string) error {
	return &Error{Pointer: r.Pointer(), Problem: problem, Offset: offset}
}

// syntax is the error of a text that is not JSON at offset. Bytes that are not
// even text are told apart, because they are refused by another code.
func (r *Reader) syntax(offset int) error {
	if offset < len(r.data) {
		if c, n := utf8.DecodeRune(r.data[offset:]); c == utf8.RuneError && n == 1 {
			return r.failAt(offset, InvalidUTF8)
		}
	}
	return r.failAt(offset, NotJSON)
}

// want is the error of a next value that is not of the kind asked for.
func (r *Reader) want(problem string) error {
	if r.Kind() == 0 {
		return r.syntax(r.pos)
	}
	return r.failAt(r.pos, problem)
}

// peek skips white space and returns the byte after it, 0 at the end. A NUL in
// the text gives 0 too, which is right for all callers: neither starts or
// separates anything.
func (r *Reader) peek() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// Kind returns what the next value is, by its first byte: '{', '[', '"', '0'
// for a number, 't', 'f', 'n', and 0 at the end or if no value starts there.
// It reads nothing but white space; the value may still prove malformed.
func (r *Reader) Kind() byte {
	switch c := r.peek(); c {
	case '{', '[', '"', 't', 'f', 'n':
		return c
	case '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		return '0'
	}
	return 0
}

// open enters an object or array.
func (r *Reader) open() error {
	if r.depth == MaxDepth {
		return r.failAt(r.pos, TooDeep)
	}
	r.path[r.depth] = step{index: atStart, base: len(r.seen)}
	r.depth++
	r.pos++
	return nil
}

// Object reads an object. It calls field for each member, in order; field must
// read exactly one value through r. An error of field ends the reading and is
// returned as it is.
func (r *Reader) Object(field func(key string) error) error {
	depth, seen := r.depth, len(r.seen)
	err := r.Begin()
	for more := true; err == nil && more; {
		var key string
		if key, more, err = r.Next(); err == nil && more {
			err = field(key)
		}
	}
	r.depth, r.seen = depth, r.seen[:seen]
	return err
}

// Begin enters an object, whose members are read by calls of [Reader.Next].
func (r *Reader) Begin() error {
	if r.peek() != '{' {
		return r.want(WantObject)
	}
	return r.open()
}

// Next goes to the next member of the object that was entered last, whose
// value must be read before the call after it, and returns its key. At the end
// of the object it leaves it, and more is false.
func (r *Reader) Next() (key string, more bool, err error) {
	at := &r.path[r.depth-1]
	first := at.index == atStart
	at.index = atNone
	switch c := r.peek(); {
	case c == '}':
		r.pos++
		r.depth--
		r.seen = r.seen[:at.base]
		return "", false, nil
	case first:
	case c == ',':
		r.pos++
	default:
		return "", false, r.syntax(r.pos)
	}
	if r.peek() != '"' {
		return "", false, r.syntax(r.pos)
	}
	start := r.pos
	b, err := r.text()
	if err != nil {
		return "", false, err
	}
	if r.known == nil {
		r.known = make(Texts, knownKeys)
	}
	key = r.known.Of(b)
	at.key, at.index = key, atKey
	if at.repeats(r, key) {
		return "", false, r.failAt(start, DuplicateKey)
	}
	if r.peek() != ':' {
		return "", false, r.syntax(r.pos)
	}
	r.pos++
	return key, true, nil
}

// repeats notes a key of an object, and reports whether the object had it
// before.
func (s *step) repeats(r *Reader, key string) bool {
	if s.many != nil {
		_, known := s.many[key]
		s.many[key] = struct{}{}
		return known
	}
	for _, k := range r.seen[s.base:] {
		if k == key {
			return true
		}
	}
	r.seen = append(r.seen, key)
	if len(r.seen)-s.base == linearKeys {
		s.many = make(map[string]struct{}, 4*linearKeys)
		for _, k := range r.seen[s.base:] {
			s.many[k] = struct{}{}
		}
	}
	return false
}

// Array reads an array. It calls elem for each element with its index from 0;
// elem must read exactly one value through r. An error of elem ends the
// reading and is returned as it is.
func (r *Reader) Array(elem func(i int) error) error {
	if r.peek() != '[' {
		return r.want(WantArray)
	}
	if err := r.open(); err != nil {
		return err
	}
	err := r.elements(elem)
	r.depth--
	return err
}

func (r *Reader) elements(elem func(i int) error) error {
	if r.peek() == ']' {
		r.pos++
		return nil
	}
	at := &r.path[r.depth-1]
	for i := 0; ; i++ {
		at.index = i
		if err := elem(i); err != nil {
			return err
		}
		at.index = atNone
		switch r.peek() {
		case ',':
			r.pos++
		case ']':
			r.pos++
			return nil
		default:
			return r.syntax(r.pos)
		}
	}
}

// String reads a string and returns it decoded. It is valid UTF-8 and may
// contain any character, U+0000 too (from the escape \u0000).
func (r *Reader) String() (string, error) {
	b, err := r.StringBytes()
	return string(b), err
}

// StringBytes is String without a copy: what it returns may be a part of the
// text, must not be modified, and is valid until the next call.
func (r *Reader) StringBytes() ([]byte, error) {
	if r.peek() != '"' {
		return nil, r.want(WantString)
	}
	return r.text()
}

// text reads the string at pos, and returns it decoded, in place if nothing in
// it is escaped.
func (r *Reader) text() ([]byte, error) {
	start := r.pos + 1
	end, high := special(r.data, start)
	if high && !utf8.Valid(r.data[start:end]) {
		return nil, r.invalidUTF8(start)
	}
	if end < len(r.data) && r.data[end] == '"' {
		r.pos = end + 1
		return r.data[start:end:end], nil
	}
	return r.escaped(start, end)
}

// escaped goes on with text at the first byte, end, that is neither plain nor
// the closing quote.
func (r *Reader) escaped(start, end int) ([]byte, error) {
	out := append(r.scratch[:0], r.data[start:end]...)
	for i := end; ; {
		if i == len(r.data) {
			return nil, r.failAt(i, NotJSON)
		}
		switch c := r.data[i]; {
		case c == '"':
			r.scratch, r.pos = out, i+1
			return out, nil
		case c < 0x20:
			return nil, r.failAt(i, ControlCharacter)
		}
		// Only a backslash is left.
		n, err := r.escape(i, &out)
		if err != nil {
			return nil, err
		}
		i += n
		plain, high := special(r.data, i)
		if high && !utf8.Valid(r.data[i:plain]) {
			return nil, r.invalidUTF8(i)
		}
		out = append(out, r.data[i:plain]...)
		i = plain
	}
}

// escape appends what the escape at i stands for, and returns its length.
func (r *Reader) escape(i int, out *[]byte) (int, error) {
	if i+1 == len(r.data) {
		return 0, r.failAt(i+1, NotJSON)
	}
	c := r.data[i+1]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		u, ok := hex4(r.data[i+2:])
		if !ok {
			return 0, r.failAt(i, NotJSON)
		}
		if !utf16.IsSurrogate(u) {
			*out = utf8.AppendRune(*out, u)
			return 6, nil
		}
		if rest := r.data[i+6:]; len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if low, ok := hex4(rest[2:]); ok {
				if c := utf16.DecodeRune(u, low); c != utf8.RuneError {
					*out = utf8.AppendRune(*out, c)
					return 12, nil
				}
			}
		}
		return 0, r.failAt(i, LoneSurrogate)
	default:
		return 0, r.syntax(i + 1)
	}
	*out = append(*out, c)
	return 2, nil
}

// hex4 decodes the four hexadecimal digits, of either case, that b begins
// with.
func hex4(b []byte) (rune, bool) {
	if len(b) < 4 {
		return 0, false
	}
	var v rune
	for _, c := range b[:4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}

// invalidUTF8 finds the byte at or after start that is not UTF-8.
func (r *Reader) invalidUTF8(start int) error {
	for i := start; i < len(r.data); {
		c, n := utf8.DecodeRune(r.data[i:])
		if c == utf8.RuneError && n == 1 {
			return r.failAt(i, InvalidUTF8)
		}
		i += n
	}
	return r.failAt(start, InvalidUTF8)
}

// number returns the end of the number at pos, and whether it has neither
// fraction nor exponent.
func (r *Reader) number() (end int, integer bool, err error) {
	d, i := r.data, r.pos
	if d[i] == '-' {
		i++
	}
	first := i
	i = digits(d, i)
	if i == first || d[first] == '0' && i > first+1 {
		return 0, false, r.syntax(i)
	}
	integer = true
	if i < len(d) && d[i] == '.' {
		integer = false
		n := digits(d, i+1)
		if n == i+1 {
			return 0, false, r.syntax(n)
		}
		i = n
	}
	if i < len(d) && d[i]|0x20 == 'e' {
		integer = false
		i++
		if i < len(d) && (d[i] == '+' || d[i] == '-') {
			i++
		}
		n := digits(d, i)
		if n == i {
			return 0, false, r.syntax(n)
		}
		i = n
	}
	return i, integer, nil
}

// digits returns the end of the decimal digits at i.
func digits(d []byte, i int) int {
	for i < len(d) && '0' <= d[i] && d[i] <= '9' {
		i++
	}
	return i
}

// Int reads an integer, of at most [MaxInt] in magnitude, written without
// fraction and exponent. A minus zero is zero.
func (r *Reader) Int() (int64, error) {
	if r.Kind() != '0' {
		return 0, r.want(WantInteger)
	}
	end, integer, err := r.number()
	if err != nil {
		return 0, err
	}
	if !integer {
		return 0, r.failAt(r.pos, WantInteger)
	}
	b := r.data[r.pos:end]
	negative := b[0] == '-'
	if negative {
		b = b[1:]
	}
	var v int64
	for _, c := range b {
		v = v*10 + int64(c-'0')
		if v > MaxInt {
			return 0, r.failAt(r.pos, OutOfRange)
		}
	}
	if negative {
		v = -v
	}
	r.pos = end
	return v, nil
}

// literal reads the word, of which Kind saw the first byte.
func (r *Reader) literal(word string) error {
	for i := range len(word) {
		if p := r.pos + i; p == len(r.data) || r.data[p] != word[i] {
			return r.syntax(p)
		}
	}
	r.pos += len(word)
	return nil
}

// Bool reads true or false.
func (r *Reader) Bool() (bool, error) {
	switch r.peek() {
	case 't':
		return true, r.literal("true")
	case 'f':
		return false, r.literal("false")
	}
	return false, r.want(WantBool)
}

// Skip reads one value of any kind, validates it, and drops it.
func (r *Reader) Skip() error {
	switch r.Kind() {
	case '{':
		return r.Object(func(string) error { return r.Skip() })
	case '[':
		return r.Array(func(int) error { return r.Skip() })
	case '"':
		_, err := r.text()
		return err
	case '0':
		end, _, err := r.number()
		if err == nil {
			r.pos = end
		}
		return err
	case 't':
		return r.literal("true")
	case 'f':
		return r.literal("false")
	case 'n':
		return r.literal("null")
	}
	return r.syntax(r.pos)
}

// Raw reads one value of any kind, validates it, and returns its bytes, a part
// of the text, without white space around them.
func (r *Reader) Raw() ([]byte, error) {
	r.peek()
	start := r.pos
	if err := r.Skip(); err != nil {
		return nil, err
	}
	return r.data[start:r.pos:r.pos], nil
}

// End reports an error if anything but white space is left.
func (r *Reader) End() error {
	r.peek()
	if r.pos < len(r.data) {
		return r.failAt(r.pos, TrailingData)
	}
	return nil
}
