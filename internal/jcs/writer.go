package jcs

import (
	"slices"
	"strconv"
)

// A Writer appends one JSON text to Buf, with commas in their places and no
// white space. The zero value is ready; Buf may be given, emptied and read at
// any time between calls.
//
// Keys stand in the order of the calls, as an envelope has an order of its
// own, or in that of RFC 8785 if Sorted is set.
//
// The Writer checks nothing: a Key without value, or an End without Begin, is
// a mistake of the caller and gives a text that is not JSON.
type Writer struct {
	// Buf is what was written so far.
	Buf []byte

	// Sorted has each object's members put in order when it ends, so that
	// what is written is canonical. It is set before the first call.
	Sorted bool

	members []member // of all open objects, the innermost last
	bases   []int    // where those of each open object begin
	scratch []byte
}

// member is one `"key":value` of Buf.
type member struct {
	key        string
	start, end int
}

// Reset begins a new text, with the memory of the one before.
func (w *Writer) Reset() {
	w.Buf, w.members, w.bases = w.Buf[:0], w.members[:0], w.bases[:0]
	if cap(w.scratch) > keepScratch {
		w.scratch = nil
	}
	if cap(w.Buf) > keepScratch {
		w.Buf = nil
	}
}

// comma separates the next key or element from the value before it. It looks
// at what stands last rather than at a flag, so that a Writer has no state
// beside Buf: a value ends in one of these bytes, and what is not a value's
// end (an opening bracket, a colon, a line feed between two texts) in none.
func (w *Writer) comma() {
	if len(w.Buf) == 0 {
		return
	}
	switch w.Buf[len(w.Buf)-1] {
	case '"', '}', ']', 'e', 'l', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		w.Buf = append(w.Buf, ',')
	}
}

// BeginObject opens an object.
func (w *Writer) BeginObject() {
	w.comma()
	w.Buf = append(w.Buf, '{')
	if w.Sorted {
		w.bases = append(w.bases, len(w.members))
	}
}

// EndObject closes the object that was opened last.
func (w *Writer) EndObject() {
	if w.Sorted {
		last := len(w.bases) - 1
		w.sort(w.members[w.bases[last]:])
		w.members, w.bases = w.members[:w.bases[last]], w.bases[:last]
	}
	w.Buf = append(w.Buf, '}')
}

// sort puts members in order, which stand at the end of Buf.
func (w *Writer) sort(members []member) {
	order := func(a, b member) int { return compareUTF16(a.key, b.key) }
	if slices.IsSortedFunc(members, order) {
		return
	}
	start, end := members[0].start, len(w.Buf)
	for i := range members {
		members[i].end = end
		if i+1 < len(members) {
			members[i].end = members[i+1].start - len(",")
		}
	}
	slices.SortFunc(members, order)
	w.scratch = append(w.scratch[:0], w.Buf[start:]...)
	w.Buf = w.Buf[:start]
	for i, m := range members {
		if i > 0 {
			w.Buf = append(w.Buf, ',')
		}
		w.Buf = append(w.Buf, w.scratch[m.start-start:m.end-start]...)
	}
}

// BeginArray opens an array.
func (w *Writer) BeginArray() {
	w.comma()
	w.Buf = append(w.Buf, '[')
}

// EndArray closes the array that was opened last.
func (w *Writer) EndArray() { w.Buf = append(w.Buf, ']') }

// Key writes the key of the next member. k must be valid UTF-8.
func (w *Writer) Key(k string) {
	w.comma()
	if w.Sorted {
		w.members = append(w.members, member{key: k, start: len(w.Buf)})
	}
	w.Buf = append(AppendString(w.Buf, k), ':')
}

// String writes a string; see [AppendString].
func (w *Writer) String(s string) {
	w.comma()
	w.Buf = AppendString(w.Buf, s)
}

// Plain writes a string of which no character needs an escape, such as a
// number or an ID.
func (w *Writer) Plain(s []byte) {
	w.comma()
	w.Buf = append(append(append(w.Buf, '"'), s...), '"')
}

// Int writes an integer. Beyond [MaxInt] no [Reader] takes it back.
func (w *Writer) Int(v int64) {
	w.comma()
	w.Buf = strconv.AppendInt(w.Buf, v, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(v bool) {
	w.comma()
	w.Buf = strconv.AppendBool(w.Buf, v)
}

// Raw writes b, which must be exactly one JSON value without white space
// around it.
func (w *Writer) Raw(b []byte) {
	w.comma()
	w.Buf = append(w.Buf, b...)
}
