package jcs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/soquy/soquy/internal/jcs"
)

func TestAppendString(t *testing.T) {
	tests := []struct{ in, want string }{
		{"", `""`},
		{"plain", `"plain"`},
		{"\"\\/", `"\"\\/"`},
		{"\b\f\n\r\t", `"\b\f\n\r\t"`},
		{"\x00\x01\x0b\x1f", `"\u0000\u0001\u000b\u001f"`},
		{"\x7f<>&'\u2028\u2029", "\"\x7f<>&'\u2028\u2029\""},
		{"Quỹ khuyến học tỉnh Điện Biên 😀", `"Quỹ khuyến học tỉnh Điện Biên 😀"`},
		// RFC 8785 §3.2.2
		{"€$\x0f\nA'B\"\\\\\"/", `"€$\u000f\nA'B\"\\\\\"/"`},
	}
	for _, tt := range tests {
		if got := string(jcs.AppendString([]byte("x"), tt.in)); got != "x"+tt.want {
			t.Errorf("AppendString(%q) = %s, want x%s", tt.in, got, tt.want)
		}
	}
}

// Every byte at every place of a word: the search looks at eight at a time.
func TestAppendStringPlaces(t *testing.T) {
	for c := range 0x80 {
		for n := range 20 {
			s := strings.Repeat("é", n/2) + strings.Repeat("a", n%2) + string(rune(c)) + strings.Repeat("!", 20-n)
			enc := jcs.AppendString(nil, s)
			var back string
			if err := json.Unmarshal(enc, &back); err != nil || back != s {
				t.Fatalf("AppendString(%q) = %s, which is %q, %v", s, enc, back, err)
			}
			if escaped := len(enc) != len(s)+2; escaped != (c < 0x20 || c == '"' || c == '\\') {
				t.Fatalf("AppendString(%q) = %s", s, enc)
			}
		}
	}
}

func TestWriter(t *testing.T) {
	w := jcs.Writer{Buf: []byte("{}\n")}
	w.BeginObject()
	w.Key("a")
	w.Int(-1)
	w.Key("b,")
	w.BeginArray()
	w.BeginArray()
	w.EndArray()
	w.Bool(true)
	w.Bool(false)
	w.Raw([]byte("null"))
	w.BeginObject()
	w.EndObject()
	w.String("[")
	w.String("")
	w.EndArray()
	w.Key("")
	w.BeginObject()
	w.Key("c")
	w.String("{")
	w.EndObject()
	w.Key("d")
	w.Int(0)
	w.EndObject()
	const want = "{}\n" + `{"a":-1,"b,":[[],true,false,null,{},"[",""],"":{"c":"{"},"d":0}`
	if got := string(w.Buf); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCanonicalize(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"empty object", ` { } `, `{}`},
		{"empty array", "\t[\r\n]", `[]`},
		{"scalar", ` "a\u0041" `, `"aA"`},
		{"integers", `[0,-0,9007199254740991,-9007199254740991]`, `[0,0,9007199254740991,-9007199254740991]`},
		// RFC 8785 §3.2.3
		{
			"sorting",
			`{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One","\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}`,
			"{\"\\r\":\"Carriage Return\",\"1\":\"One\",\"\u0080\":\"Control\",\"ö\":\"Latin Small Letter O With Diaeresis\",\"€\":\"Euro Sign\",\"😀\":\"Emoji: Grinning Face\",\"\ufb33\":\"Hebrew Letter Dalet With Dagesh\"}",
		},
		// RFC 8785 §3.2.2, without its numbers
		{"literals", `{"string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals": [null, true, false]}`, `{"literals":[null,true,false],"string":"€$\u000f\nA'B\"\\\\\"/"}`},
		// The vectors beside RFC 8785, github.com/cyberphone/json-canonicalization.
		{"arrays", `[ 56, { "d": true, "10": null, "1": [ ] } ]`, `[56,{"1":[],"10":null,"d":true}]`},
		{
			"french",
			`{"peach": "This sorting order", "péché": "is wrong according to French", "pêche": "but canonicalization MUST", "sin": "ignore locale"}`,
			`{"peach":"This sorting order","péché":"is wrong according to French","pêche":"but canonicalization MUST","sin":"ignore locale"}`,
		},
		{
			"structures",
			`{"1": {"f": {"f": "hi","F": 5} ,"\n": 56}, "10": { }, "": "empty", "a": { }, "111": [ {"e": "yes", "E": "no" } ], "A": { } }`,
			`{"":"empty","1":{"\n":56,"f":{"F":5,"f":"hi"}},"10":{},"111":[{"E":"no","e":"yes"}],"A":{},"a":{}}`,
		},
		{"unnormalized", `{"Unnormalized Unicode":"A\u030a"}`, "{\"Unnormalized Unicode\":\"A\u030a\"}"},
		{"prefix", `{"aa":1,"a":2,"a\ud83d\ude00":3,"a\ue000":4,"a\ud7ff":5,"a\ud83d\ude01":6}`, "{\"a\":2,\"aa\":1,\"a\ud7ff\":5,\"a😀\":3,\"a😁\":6,\"a\ue000\":4}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := canonicalize([]byte(tt.in))
			if err != nil || string(got) != tt.want {
				t.Fatalf("got  %s, %v\nwant %s", got, err, tt.want)
			}
			if again, err := canonicalize(got); err != nil || !bytes.Equal(again, got) {
				t.Fatalf("again: %s, %v", again, err)
			}
		})
	}
}

// canonicalize writes with Sorted what it reads.
func canonicalize(in []byte) ([]byte, error) {
	w := jcs.Writer{Sorted: true}
	r := jcs.NewReader(in)
	err := copyValue(&w, r)
	if err == nil {
		err = r.End()
	}
	return w.Buf, err
}

func copyValue(w *jcs.Writer, r *jcs.Reader) error {
	switch r.Kind() {
	case '{':
		w.BeginObject()
		err := r.Object(func(key string) error {
			w.Key(key)
			return copyValue(w, r)
		})
		if err == nil {
			w.EndObject()
		}
		return err
	case '[':
		w.BeginArray()
		err := r.Array(func(int) error { return copyValue(w, r) })
		w.EndArray()
		return err
	case '"':
		v, err := r.String()
		w.String(v)
		return err
	case '0':
		v, err := r.Int()
		w.Int(v)
		return err
	default:
		raw, err := r.Raw()
		w.Raw(raw)
		return err
	}
}

// A Writer that sorts is fit for use after a text that was not ended.
func TestWriterReset(t *testing.T) {
	w := jcs.Writer{Sorted: true}
	for range 3 {
		w.Reset()
		w.BeginObject()
		w.Key("b")
		w.BeginObject()
		w.Key("z")
		w.Reset()
		w.BeginObject()
		w.Key("b")
		w.BeginArray()
		w.BeginObject()
		w.Key("d")
		w.Int(1)
		w.Key("c")
		w.String(",")
		w.EndObject()
		w.EndArray()
		w.Key("a")
		w.BeginObject()
		w.EndObject()
		w.EndObject()
		if want := `{"a":{},"b":[{"c":",","d":1}]}`; string(w.Buf) != want {
			t.Fatalf("got %s, want %s", w.Buf, want)
		}
	}
}

func TestCanonicalizeOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.StringOf(rapid.RuneFrom([]rune{'a', 'é', '\ud7ff', '\ue000', '\uffff', '\U00010000', '\U0010ffff'}))
		keys := rapid.SliceOfDistinct(key, rapid.ID[string]).Draw(t, "keys")
		write := func() string {
			var w jcs.Writer
			w.BeginObject()
			for _, k := range keys {
				w.Key(k)
				w.Int(int64(len(k)))
			}
			w.EndObject()
			return string(w.Buf)
		}
		in := write()
		slices.SortFunc(keys, func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		want := write()
		if got, err := canonicalize([]byte(in)); err != nil || string(got) != want {
			t.Fatalf("canonicalize(%s) = %s, %v, want %s", in, got, err, want)
		}
	})
}

// errorTests are texts that are refused by Skip or End, and why.
var errorTests = []struct {
	in, pointer, problem string
	offset               int
}{
	{"", "", jcs.NotJSON, 0},
	{"  ", "", jcs.NotJSON, 2},
	{"\ufeff{}", "", jcs.NotJSON, 0},
	{"\x00", "", jcs.NotJSON, 0},
	{"\xff", "", jcs.InvalidUTF8, 0},
	{"nul", "", jcs.NotJSON, 3},
	{"tru\xff", "", jcs.InvalidUTF8, 3},
	{"falsy", "", jcs.NotJSON, 4},
	{"NaN", "", jcs.NotJSON, 0},
	{"'a'", "", jcs.NotJSON, 0},
	{"{", "", jcs.NotJSON, 1},
	{`{"a"`, "/a", jcs.NotJSON, 4},
	{`{"a":`, "/a", jcs.NotJSON, 5},
	{`{"a":1`, "", jcs.NotJSON, 6},
	{`{"a":1,}`, "", jcs.NotJSON, 7},
	{`{"a":1 "b":2}`, "", jcs.NotJSON, 7},
	{`{a:1}`, "", jcs.NotJSON, 1},
	{`[`, "/0", jcs.NotJSON, 1},
	{`[1,`, "/1", jcs.NotJSON, 3},
	{`[1,]`, "/1", jcs.NotJSON, 3},
	{`[1 2]`, "", jcs.NotJSON, 3},
	{`[1}`, "", jcs.NotJSON, 2},
	{`"a`, "", jcs.NotJSON, 2},
	{`"a\`, "", jcs.NotJSON, 3},
	{`"a\q"`, "", jcs.NotJSON, 3},
	{`"\u12"`, "", jcs.NotJSON, 1},
	{`"\u12g4"`, "", jcs.NotJSON, 1},
	{"\"a\x00b\"", "", jcs.ControlCharacter, 2},
	{"[\"a\tb\"]", "/0", jcs.ControlCharacter, 3},
	{"\"\\n\n\"", "", jcs.ControlCharacter, 3},
	{"{\"k\":\"a\xffb\"}", "/k", jcs.InvalidUTF8, 7},
	{"\"\\n é\xed\xa0\x80\"", "", jcs.InvalidUTF8, 6},
	{"\"\xff\x00\"", "", jcs.InvalidUTF8, 1},
	{"{\"\xc0\x80\":1}", "", jcs.InvalidUTF8, 2},
	{"\"\xc3\"", "", jcs.InvalidUTF8, 1},
	{`"\ud800"`, "", jcs.LoneSurrogate, 1},
	{`"\udc00\ud800"`, "", jcs.LoneSurrogate, 1},
	{`"\ud83dx\ude00"`, "", jcs.LoneSurrogate, 1},
	{`"\ud83d\n"`, "", jcs.LoneSurrogate, 1},
	{`"\ud83d\ud83d\ude00"`, "", jcs.LoneSurrogate, 1},
	{`01`, "", jcs.NotJSON, 2},
	{`-01`, "", jcs.NotJSON, 3},
	{`-`, "", jcs.NotJSON, 1},
	{`+1`, "", jcs.NotJSON, 0},
	{`.5`, "", jcs.NotJSON, 0},
	{`1.`, "", jcs.NotJSON, 2},
	{`1e`, "", jcs.NotJSON, 2},
	{`1e+`, "", jcs.NotJSON, 3},
	{`1 2`, "", jcs.TrailingData, 2},
	{"{}\x00", "", jcs.TrailingData, 2},
	{`{"a":{"b":1,"b":2}}`, "/a/b", jcs.DuplicateKey, 12},
	{`{"a":1,"\u0061":2}`, "/a", jcs.DuplicateKey, 7},
	{`{"":1,"":2}`, "/", jcs.DuplicateKey, 6},
	{`[0,{"a/b~c":[[]],"a/b~c":1}]`, "/1/a~1b~0c", jcs.DuplicateKey, 17},
}

func readAll(in []byte) error {
	r := jcs.NewReader(in)
	if err := r.Skip(); err != nil {
		return err
	}
	return r.End()
}

func TestReaderErrors(t *testing.T) {
	for _, tt := range errorTests {
		err := readAll([]byte(tt.in))
		var e *jcs.Error
		if !errors.As(err, &e) || e.Pointer != tt.pointer || e.Problem != tt.problem || e.Offset != tt.offset {
			t.Errorf("%q: got %+v, want %q %q at %d", tt.in, err, tt.pointer, tt.problem, tt.offset)
		}
	}
}

func TestReaderDepth(t *testing.T) {
	nest := func(n int) []byte {
		return []byte(strings.Repeat(`[{"a":`, n/2) + strings.Repeat("[", n%2) + "1" + strings.Repeat("]", n%2) + strings.Repeat("}]", n/2))
	}
	if err := readAll(nest(jcs.MaxDepth)); err != nil {
		t.Errorf("depth %d: %v", jcs.MaxDepth, err)
	}
	err := readAll(nest(jcs.MaxDepth + 1))
	var e *jcs.Error
	if !errors.As(err, &e) || e.Problem != jcs.TooDeep || e.Pointer != strings.Repeat("/0/a", jcs.MaxDepth/2) {
		t.Errorf("depth %d: %v", jcs.MaxDepth+1, err)
	}
	if _, err := canonicalize(nest(jcs.MaxDepth)); err != nil {
		t.Errorf("canonicalize at depth %d: %v", jcs.MaxDepth, err)
	}
}

func TestReaderManyKeys(t *testing.T) {
	for n := 1; n < 60; n++ {
		for _, dup := range []int{0, n / 2, n - 1} {
			var w jcs.Writer
			w.BeginObject()
			for i := range n {
				w.Key("key" + strconv.Itoa(i))
				// The keys of an inner object are others.
				w.Raw([]byte(`{"key0":1}`))
			}
			unique := append(slices.Clone(w.Buf), '}')
			w.Key("key" + strconv.Itoa(dup))
			w.Int(1)
			w.EndObject()
			if err := readAll(unique); err != nil {
				t.Fatalf("%d keys: %v", n, err)
			}
			err := readAll(w.Buf)
			var e *jcs.Error
			if !errors.As(err, &e) || e.Problem != jcs.DuplicateKey || e.Pointer != "/key"+strconv.Itoa(dup) {
				t.Fatalf("%d keys and key %d again: %v", n, dup, err)
			}
		}
	}
}

func TestReaderValues(t *testing.T) {
	const in = ` {"s":"a\u0000\/é\ud83d\ude00\"", "plain":"Điện Biên", "i":-42, "t":true, "f":false, "n":null,
		"list":[1,[],{"x":[2.5e-3]}], "raw": { "y" : [ 1 ] } } `
	r := jcs.NewReader([]byte(in))
	var got []string
	note := func(v any, err error) error {
		got = append(got, fmt.Sprintf("%s %v", r.Pointer(), v))
		return err
	}
	if k := r.Kind(); k != '{' {
		t.Fatalf("Kind = %q", k)
	}
	err := r.Object(func(key string) error {
		switch key {
		case "s":
			s, err := r.StringBytes()
			return note(strconv.Quote(string(s)), err)
		case "plain":
			return note(r.String())
		case "i":
			return note(r.Int())
		case "t", "f":
			return note(r.Bool())
		case "n":
			return note(string(r.Kind()), r.Skip())
		case "list":
			return r.Array(func(i int) error {
				b, err := r.Raw()
				return note(strconv.Itoa(i)+" "+string(b), err)
			})
		case "raw":
			b, err := r.Raw()
			return note(string(b), err)
		}
		return r.Fail("unknown field")
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.End(); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"/s " + strconv.Quote("a\x00/é😀\""), "/plain Điện Biên", "/i -42", "/t true", "/f false", "/n n",
		"/list/0 0 1", "/list/1 1 []", `/list/2 2 {"x":[2.5e-3]}`, `/raw { "y" : [ 1 ] }`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestReaderInt(t *testing.T) {
	tests := []struct {
		in      string
		want    int64
		problem string
	}{
		{"0", 0, ""},
		{"-0", 0, ""},
		{"9007199254740991", jcs.MaxInt, ""},
		{"-9007199254740991", -jcs.MaxInt, ""},
		{"9007199254740992", 0, jcs.OutOfRange},
		{"-9223372036854775809", 0, jcs.OutOfRange},
		{"100000000000000000000000000000000000000000", 0, jcs.OutOfRange},
		{"1.0", 0, jcs.WantInteger},
		{"1e2", 0, jcs.WantInteger},
		{`"1"`, 0, jcs.WantInteger},
		{"null", 0, jcs.WantInteger},
		{"00", 0, jcs.NotJSON},
		{"x", 0, jcs.NotJSON},
	}
	for _, tt := range tests {
		got, err := jcs.NewReader([]byte(tt.in)).Int()
		var e *jcs.Error
		if errors.As(err, &e) != (tt.problem != "") || got != tt.want || e != nil && e.Problem != tt.problem {
			t.Errorf("Int of %s = %d, %v, want %d %s", tt.in, got, err, tt.want, tt.problem)
		}
	}
}

func TestReaderWrongKind(t *testing.T) {
	tests := []struct {
		read    func(r *jcs.Reader) error
		good    string
		problem string
	}{
		{func(r *jcs.Reader) error { return r.Object(func(string) error { return nil }) }, `{}`, jcs.WantObject},
		{func(r *jcs.Reader) error { return r.Array(func(int) error { return nil }) }, `[]`, jcs.WantArray},
		{func(r *jcs.Reader) error { _, err := r.String(); return err }, `""`, jcs.WantString},
		{func(r *jcs.Reader) error { _, err := r.Int(); return err }, `1`, jcs.WantInteger},
		{func(r *jcs.Reader) error { _, err := r.Bool(); return err }, `true`, jcs.WantBool},
	}
	r := jcs.NewReader(nil)
	for _, tt := range tests {
		for _, value := range []string{`{}`, `[]`, `""`, `1`, `true`, `null`, `?`} {
			r.Reset([]byte(`{"k":` + value + `}`))
			err := r.Object(func(string) error {
				if err := tt.read(r); err != nil {
					// Nothing was read: another method may be tried.
					if err2 := r.Skip(); value != "?" && err2 != nil {
						t.Errorf("Skip after %v: %v", err, err2)
					}
					return err
				}
				return nil
			})
			want := tt.problem
			switch value {
			case tt.good:
				want = ""
			case "?":
				want = jcs.NotJSON
			}
			var e *jcs.Error
			if errors.As(err, &e) != (want != "") || e != nil && (e.Problem != want || e.Pointer != "/k") {
				t.Errorf("%s instead of %s: %v", value, tt.good, err)
			}
		}
	}
}

// The memory for keys and escapes is bounded, and what is forgotten is read as
// well.
func TestReaderManyTexts(t *testing.T) {
	r := jcs.NewReader(nil)
	for i := range 2000 {
		key := strings.Repeat("k", i%90) + strconv.Itoa(i)
		value := strings.Repeat("\b\f\n\r\t/", 1+i%400/399*20_000)
		in := append(jcs.AppendString(append(jcs.AppendString([]byte("{"), key), ':'), value), '}')
		r.Reset(in)
		var gotKey, got string
		err := r.Object(func(k string) (err error) {
			gotKey = k
			got, err = r.String()
			return err
		})
		if err != nil || gotKey != key || got != value {
			t.Fatalf("text %d: key %q, %d bytes, %v", i, gotKey, len(got), err)
		}
	}
}

func TestReaderCallbackError(t *testing.T) {
	stop := errors.New("stop")
	r := jcs.NewReader([]byte(`{"a":[1,2]}`))
	err := r.Object(func(string) error {
		return r.Array(func(i int) error {
			if i == 1 {
				return stop
			}
			return r.Skip()
		})
	})
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	r.Reset([]byte(`{"a/b":1}`))
	err = r.Object(func(string) error { return r.Fail("unknown field") })
	if got, want := err.Error(), "/a~1b: unknown field at byte 7"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestReaderAllocates(t *testing.T) {
	in := []byte(envelope)
	r := jcs.NewReader(in)
	n := testing.AllocsPerRun(100, func() {
		r.Reset(in)
		if err := r.Skip(); err != nil {
			t.Fatal(err)
		}
	})
	if n > 0 {
		t.Errorf("%v allocations to skip an envelope", n)
	}
}

// acceptable says what a Reader must take, by encoding/json and what that
// package leaves open.
func acceptable(in []byte) bool {
	if !json.Valid(in) || !utf8.Valid(in) {
		return false
	}
	// In what is valid, backslashes stand in strings only.
	for i := 0; i < len(in); i++ {
		if in[i] != '\\' {
			continue
		}
		i++
		if in[i] != 'u' {
			continue
		}
		u, _ := strconv.ParseUint(string(in[i+1:i+5]), 16, 16)
		i += 4
		if !utf16.IsSurrogate(rune(u)) {
			continue
		}
		if i+6 >= len(in) || in[i+1] != '\\' || in[i+2] != 'u' {
			return false
		}
		low, _ := strconv.ParseUint(string(in[i+3:i+7]), 16, 16)
		if utf16.DecodeRune(rune(u), rune(low)) == utf8.RuneError {
			return false
		}
		i += 6
	}
	d := json.NewDecoder(bytes.NewReader(in))
	d.UseNumber()
	type level struct {
		keys map[string]bool // nil for an array
		key  bool            // a key comes next
	}
	var open []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return true
		}
		if err != nil {
			return false
		}
		if top := len(open) - 1; top >= 0 && open[top].keys != nil && token != json.Delim('}') {
			if open[top].key {
				if s := token.(string); open[top].keys[s] {
					return false
				} else {
					open[top].keys[s] = true
				}
			}
			open[top].key = !open[top].key
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			open = append(open, level{})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > jcs.MaxDepth {
			return false
		}
	}
}

func check(t *testing.T, in []byte) {
	err := readAll(in)
	if want := acceptable(in); want != (err == nil) {
		t.Fatalf("%q: acceptable %v, but %v", in, want, err)
	}
	canon, cerr := canonicalize(in)
	if err != nil {
		if cerr == nil {
			t.Fatalf("%q: canonicalize takes what Skip refuses with %v", in, err)
		}
		return
	}
	if cerr != nil {
		var e *jcs.Error
		if !errors.As(cerr, &e) || e.Problem != jcs.WantInteger && e.Problem != jcs.OutOfRange {
			t.Fatalf("%q: Skip takes what canonicalize refuses with %v", in, cerr)
		}
		return
	}
	again, err := canonicalize(canon)
	if err != nil || !bytes.Equal(again, canon) {
		t.Fatalf("%q: canonical %s, then %s, %v", in, canon, again, err)
	}
	var a, b any
	for _, x := range []struct {
		text []byte
		v    *any
	}{{in, &a}, {canon, &b}} {
		if err := json.Unmarshal(x.text, x.v); err != nil {
			t.Fatalf("%s: %v", x.text, err)
		}
	}
	if am, bm := fmt.Sprintf("%#v", a), fmt.Sprintf("%#v", b); strings.ReplaceAll(am, "-0", "0") != strings.ReplaceAll(bm, "-0", "0") {
		t.Fatalf("%q says %s, canonical %s says %s", in, am, canon, bm)
	}
}

func FuzzReader(f *testing.F) {
	for _, tt := range errorTests {
		f.Add([]byte(tt.in))
	}
	f.Add([]byte(envelope))
	f.Add([]byte(`{"\ud83d\ude00":1,"\ue000":[-0,{"":null}]}`))
	f.Fuzz(check)
}

// Random texts of JSON's own bytes reach further than random bytes.
func TestReaderAgrees(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		"{", "}", "[", "]", ":", ",", `"`, `"a"`, `"b"`, `"a":`, `"b":`, `"\u0061":`, `{"a":1}`, "[1,2]", "1", "-", "0", ".", "e", "E+", "true", "false", "null",
		" ", "\n", `\`, `\u`, `\ud83d`, `\ude00`, "00ff", "é", "\xff", "\x00", "\t", "😀", "\ufffd",
	})
	rapid.Check(t, func(rt *rapid.T) {
		var b strings.Builder
		for _, p := range rapid.SliceOfN(piece, 0, 12).Draw(rt, "pieces") {
			b.WriteString(p)
		}
		check(t, []byte(b.String()))
		check(t, []byte(`{"k":"`+b.String()+`"}`))
		check(t, []byte(`{"k":[`+b.String()+`]}`))
	})
}

func TestStringRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := strings.ToValidUTF8(rapid.String().Draw(t, "s"), "?")
		enc := jcs.AppendString(nil, s)
		if got, err := jcs.NewReader(enc).String(); err != nil || got != s {
			t.Fatalf("%q is written %s and read %q, %v", s, enc, got, err)
		}
		// In any other spelling too.
		var u strings.Builder
		u.WriteByte('"')
		for _, c := range utf16.Encode([]rune(s)) {
			fmt.Fprintf(&u, `\u%04X`, c)
		}
		u.WriteByte('"')
		if got, err := jcs.NewReader([]byte(u.String())).String(); err != nil || got != s {
			t.Fatalf("%s is read %q, %v", u.String(), got, err)
		}
		if got, err := canonicalize([]byte(u.String())); err != nil || !bytes.Equal(got, enc) {
			t.Fatalf("%s is %s, %v, want %s", u.String(), got, err, enc)
		}
	})
}

// envelope is about the size and shape of a stored event.
const envelope = `{"ledger":"soquy.invalid/0197a7c2-8b1e-7c3a-9d52-6f0e4a1b2c3d","position":123456,"id":"0197a7c2-8b1e-7c3a-9d52-6f0e4a1b2c3e","type":"donation.received","schema":1,"recorded_at":"2017-03-05T02:03:04.567890Z","effective_on":"2017-03-05","actor":"kt01","command":"0197a7c2-8b1e-7c3a-9d52-6f0e4a1b2c3f","fingerprint":"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=","subjects":["fund:HB","donor:CTY-DIEN-LUC"],"data":{"fund":"HB","unit":"X00","donor":"CTY-DIEN-LUC","lines":[{"asset":"cash","amount":"5000000"},{"asset":"goods:VO","amount":"1200000","quantity":"300","measure":"quyển"}],"vouchers":[{"unit":"X00","number":"PT-2017-000001"}],"donor_name":"Công ty Điện lực Điện Biên"}}`

func BenchmarkAppendString(b *testing.B) {
	for _, s := range []string{"amount", "0197a7c2-8b1e-7c3a-9d52-6f0e4a1b2c3e", "Hội Khuyến học tỉnh Điện Biên, phường Mường Thanh", strings.Repeat("plain text ", 100)} {
		b.Run(strconv.Itoa(len(s)), func(b *testing.B) {
			b.SetBytes(int64(len(s)))
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = jcs.AppendString(dst[:0], s)
			}
		})
	}
}

func BenchmarkReader(b *testing.B) {
	in := []byte(envelope)
	b.Run("skip", func(b *testing.B) {
		r := jcs.NewReader(nil)
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(in)
			if err := r.Skip(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("strings", func(b *testing.B) {
		r := jcs.NewReader(nil)
		b.SetBytes(int64(len(in)))
		b.ReportAllocs()
		for b.Loop() {
			r.Reset(in)
			var position int64
			var texts [8]string
			err := r.Object(func(key string) (err error) {
				switch key {
				case "ledger":
					texts[0], err = r.String()
				case "id":
					texts[1], err = r.String()
				case "type":
					texts[2], err = r.String()
				case "recorded_at":
					texts[3], err = r.String()
				case "effective_on":
					texts[4], err = r.String()
				case "position":
					position, err = r.Int()
				case "data":
					_, err = r.Raw()
				default:
					err = r.Skip()
				}
				return err
			})
			if err != nil || position == 0 {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkWriter(b *testing.B) {
	b.ReportAllocs()
	var w jcs.Writer
	for b.Loop() {
		w.Reset()
		w.BeginObject()
		for range 12 {
			w.Key("recorded_at")
			w.String("2017-03-05T02:03:04.567890Z")
		}
		w.EndObject()
	}
	b.SetBytes(int64(len(w.Buf)))
}
