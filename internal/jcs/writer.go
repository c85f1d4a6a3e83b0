package jcs

import "strconv"

// A Writer appends one JSON text to Buf, with commas in their places and no
// white space. The zero value is ready; Buf may be given, emptied and read at
// any time between calls.
//
// Keys stand in the order of the calls. What is to be canonical must be
// written in the order of RFC 8785, or go through [Canonicalize]; an envelope
// has an order of its own.
//
// The Writer checks nothing: a Key without value, or an End without Begin, is
// a mistake of the caller and gives a text that is not JSON.
type Writer struct {
	// Buf is what was written so far.
	Buf []byte
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
}

// EndObject closes the object that was opened last.
func (w *Writer) EndObject() { w.Buf = append(w.Buf, '}') }

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
