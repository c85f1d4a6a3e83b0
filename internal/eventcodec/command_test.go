package eventcodec_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/eventcodec"
)

const uid = "01970000-0000-7000-8000-000000000001"

// lines has a valid line of every command type, with every field.
var lines = map[string]string{
	"register_unit":    `{"code":"X","parent":"DB","level":"commune","name":"Xã","name_en":"Commune","official":"03316","address":"a"}`,
	"rename_unit":      `{"unit":"X","name":"Xã","name_en":"C"}`,
	"move_unit":        `{"unit":"X","parent":"DB"}`,
	"merge_unit":       `{"unit":"X","into":"DB"}`,
	"close_unit":       `{"unit":"X"}`,
	"open_fund":        `{"code":"HB","unit":"X","name":"Quỹ","name_en":"F","purposes":["scholarship","expense"]}`,
	"restrict_fund":    `{"fund":"HB","purposes":["scholarship"]}`,
	"close_fund":       `{"fund":"HB"}`,
	"record_opening":   `{"fund":"HB","lines":[{"asset":"cash","amount":"5"},{"asset":"goods:VO","amount":"5","quantity":"1.5","measure":"quyển","valued_by":"ai"}]}`,
	"register_person":  `{"person":"` + uid + `","kind":"student","personal":{"name":"Lò","born":"2005","sex":"f","school":"s","class":"5A","address":"a","phone":"1","account":"2"}}`,
	"correct_person":   `{"person":"` + uid + `","personal":{"name":"Lò"}}`,
	"merge_person":     `{"person":"` + uid + `","into":"` + uid + `"}`,
	"erase_person":     `{"person":"` + uid + `","override":true}`,
	"register_donor":   `{"code":"C","kind":"organisation","name":"n","address":"a","publish":false}`,
	"make_pledge":      `{"pledge":"P","donor":"C","fund":"HB","amount":"5","due":"2017-06-30"}`,
	"cancel_pledge":    `{"pledge":"P"}`,
	"receive_donation": `{"fund":"HB","donor":"C","lines":[{"asset":"labour","amount":"5","quantity":"1","measure":"công"}],"pledge":"P","attached":0}`,
	"grant":            `{"kind":"hardship_grant","fund":"HB","asset":"cash","pay":false,"recipients":[{"person":"` + uid + `","amount":"5","achievement_level":"school","prize":"first","education_level":"primary","cause":"poverty"},{"collective":"5A","unit":"X","amount":"5"}],"decision":{"number":"1","date":"2017-01-01","issuer":"i"},"school_year":"2016-2017"}`,
	"disburse":         `{"grants":[{"grant":"` + uid + `","amount":"5"},{"grant":"` + uid + `","quantity":"5"}]}`,
	"cancel_grant":     `{"grant":"` + uid + `","reason":"died"}`,
	"return_grant":     `{"grant":"` + uid + `","amount":"5"}`,
	"record_expense":   `{"fund":"HB","asset":"cash","amount":"5","purpose":"travel","payee":{"organisation":"o"}}`,
	"transfer":         `{"from":"HB","to":"KT","asset":"goods:VO","quantity":"5"}`,
	"move":             `{"fund":"HB","from_asset":"cash","to_asset":"bank","amount":"5"}`,
	"count_holding":    `{"fund":"HB","asset":"cash","counted":"0"}`,
	"settle_count":     `{"count":"` + uid + `"}`,
	"reverse":          `{"event":"` + uid + `"}`,
	"close_period":     `{"through":"2017-06-30","unit":"X"}`,
	"reopen_period":    `{"from":"2017-06-01","unit":"X"}`,
	"report_indicator": `{"unit":"X","indicator":"members","from":"2017-01-01","to":"2017-06-30","value":"5","of":"10","measure":"người"}`,
}

func command(name, data string) string {
	return `{"id":"` + uid + `","type":"` + name + `","effective_on":"2017-03-05","data":` + data + `}`
}

func TestParseEveryCommand(t *testing.T) {
	var p eventcodec.Parser
	for _, name := range eventcodec.CommandTypes() {
		data, ok := lines[name]
		if !ok {
			t.Errorf("no line of %s", name)
			continue
		}
		req, err := p.Parse([]byte(command(name, data)))
		if err == nil {
			err = eventcodec.Validate(&req)
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if req.Body.Type() != name || req.ID.String() != uid || req.EffectiveOn.String() != "2017-03-05" {
			t.Errorf("%s: parsed as %s %s %s", name, req.Body.Type(), req.ID, req.EffectiveOn)
		}
		canonical, err := p.AppendCanonical(nil, req.EffectiveOn, req.Body)
		if err != nil {
			t.Fatal(err)
		}
		again, err := p.Parse([]byte(command(name, data)))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(req, again); diff != "" {
			t.Errorf("%s: parsed otherwise the second time:\n%s", name, diff)
		}
		if !ordered(t, canonical) {
			t.Errorf("%s: the members of %s are not in order", name, canonical)
		}
		if strings.Contains(string(canonical), "personal") {
			t.Errorf("%s: a private text is in the fingerprint: %s", name, canonical)
		}
	}
}

// ordered reports whether the members of all objects in a JSON text are in order.
func ordered(t *testing.T, text []byte) bool {
	t.Helper()
	var v any // encoding/json sorts the members of maps
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	var sorted bytes.Buffer
	e := json.NewEncoder(&sorted)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.Equal(bytes.TrimSpace(sorted.Bytes()), text)
}

// The fingerprint is SHA-256 over the RFC 8785 form, which is written here by hand.
func TestFingerprint(t *testing.T) {
	var p eventcodec.Parser
	// Keys in another order, an escape, and a decomposed accent: the same command.
	for _, line := range []string{
		command("open_fund", `{"code":"HB","unit":"X","name":"Quỹ é","purposes":["support"]}`),
		`{"data":{"purposes" : ["support"],"name":"Quỹ e\u0301","unit":"X","code":"HB"},"effective_on":"2017-03-05","type":"open_fund"}`,
	} {
		req, err := p.Parse([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.Fingerprint(req.EffectiveOn, req.Body)
		if err != nil {
			t.Fatal(err)
		}
		want := sha256.Sum256([]byte(`{"data":{"code":"HB","name":"Quỹ é","purposes":["support"],"unit":"X"},"effective_on":"2017-03-05","type":"open_fund"}`))
		if got != want {
			t.Errorf("fingerprint of %s is another", line)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	open := func(data string) string { return command("open_fund", data) }
	for name, test := range map[string]struct {
		line, code, pointer, problem string
		noID                         bool
	}{
		"not JSON":               {`{"id"`, "command.malformed", "/id", "not JSON", true},
		"not an object":          {`[]`, "command.malformed", "", "want object", true},
		"trailing":               {command("close_fund", `{"fund":"A"}`) + "x", "command.malformed", "", "trailing data", true},
		"unknown type":           {command("fly", `{}`), "command.malformed", "/type", "unknown type", false},
		"no type":                {`{"id":"` + uid + `","effective_on":"2017-01-01","data":{}}`, "command.malformed", "/type", "required", false},
		"no date":                {`{"id":"` + uid + `","type":"close_fund","data":{"fund":"A"}}`, "command.malformed", "/effective_on", "required", false},
		"no data":                {`{"id":"` + uid + `","type":"close_fund","effective_on":"2017-01-01"}`, "command.malformed", "/data", "required", false},
		"impossible date":        {strings.Replace(open(`{"code":"A","unit":"X","name":"n"}`), "03-05", "02-29", 1), "command.malformed", "/effective_on", "impossible date", false},
		"bad id":                 {`{"id":"x","type":"close_fund","effective_on":"2017-01-01","data":{"fund":"A"}}`, "command.malformed", "/id", "not a UUID", true},
		"unknown top field":      {strings.Replace(open(`{"code":"A","unit":"X","name":"n"}`), `"data"`, `"colour":1,"data"`, 1), "command.malformed", "/colour", "unknown field", false},
		"unknown field":          {open(`{"code":"A","unit":"X","name":"n","colour":"red"}`), "command.malformed", "/data/colour", "unknown field", false},
		"duplicate key":          {open(`{"code":"A","unit":"X","name":"n","name":"n"}`), "command.malformed", "/data/name", "duplicate key", false},
		"duplicate by escape":    {open(`{"code":"A","unit":"X","name":"n","n\u0061me":"n"}`), "command.malformed", "/data/name", "duplicate key", false},
		"wrong type":             {open(`{"code":5,"unit":"X","name":"n"}`), "command.malformed", "/data/code", "want string", false},
		"null":                   {open(`{"code":"A","unit":"X","name":"n","name_en":null}`), "command.malformed", "/data/name_en", "want string", false},
		"empty text":             {open(`{"code":"A","unit":"X","name":""}`), "command.malformed", "/data/name", "empty", false},
		"bad code":               {open(`{"code":"á","unit":"X","name":"n"}`), "command.malformed", "/data/code", "bad code", false},
		"missing name":           {open(`{"code":"A","unit":"X"}`), "command.malformed", "/data/name", "required", false},
		"empty list":             {open(`{"code":"A","unit":"X","name":"n","purposes":[]}`), "command.malformed", "/data/purposes", "empty list", false},
		"unknown purpose":        {open(`{"code":"A","unit":"X","name":"n","purposes":["fun"]}`), "command.malformed", "/data/purposes/0", "unknown value", false},
		"amount as number":       {command("receive_donation", `{"fund":"A","donor":"D","lines":[{"asset":"cash","amount":5}]}`), "command.malformed", "/data/lines/0/amount", "want string", false},
		"bad number":             {command("receive_donation", `{"fund":"A","donor":"D","lines":[{"asset":"cash","amount":"1e5"}]}`), "command.malformed", "/data/lines/0/amount", "bad number", false},
		"required date":          {command("make_pledge", `{"pledge":"P","donor":"C","fund":"HB","amount":"5"}`), "command.malformed", "/data/due", "required", false},
		"required pay":           {command("grant", `{"kind":"support","fund":"A","asset":"cash","recipients":[{"unit":"X","amount":"5"}]}`), "command.malformed", "/data/pay", "required", false},
		"required nested id":     {command("disburse", `{"grants":[{"amount":"5"}]}`), "command.malformed", "/data/grants/0/grant", "required", false},
		"required personal":      {command("register_person", `{"kind":"student"}`), "command.malformed", "/data/personal", "required", false},
		"required personal name": {command("register_person", `{"kind":"student","personal":{"born":"2005"}}`), "command.malformed", "/data/personal/name", "required", false},
		"same fund twice":        {command("transfer", `{"from":"A","to":"A","asset":"cash","amount":"5"}`), "command.malformed", "/data/to", "the same fund twice", false},
		"cause of an award":      {command("grant", `{"kind":"merit_award","fund":"A","asset":"cash","pay":true,"recipients":[{"person":"`+uid+`","amount":"5","cause":"poverty"}]}`), "command.malformed", "/data/recipients/0/cause", "only a hardship grant has a cause", false},
		"NUL":                    {open(`{"code":"A","unit":"X","name":"n\u0000"}`), "text.invalid", "/data/name", "", false},
		"newline":                {open(`{"code":"A","unit":"X","name":"a\nb"}`), "text.invalid", "/data/name", "", false},
		"invalid UTF-8":          {open(`{"code":"A","unit":"X","name":"` + "\xff" + `"}`), "text.invalid", "/data/name", "", false},
		"raw NUL":                {open(`{"code":"A","unit":"X","name":"` + "\x00" + `"}`), "text.invalid", "/data/name", "", false},
		"lone surrogate":         {open(`{"code":"A","unit":"X","name":"\ud800"}`), "text.invalid", "/data/name", "", false},
		"invalid and malformed":  {open(`{"code":"A","unit":"X","name":"` + "\xff" + `","colour":1}`), "command.malformed", "/data/colour", "unknown field", false},
		"name too long":          {open(`{"code":"A","unit":"X","name":"` + strings.Repeat("ế", 301) + `"}`), "text.too_long", "/data/name", "", false},
		"remark too long":        {strings.Replace(open(`{"code":"A","unit":"X","name":"n"}`), `"data"`, `"remark":"`+strings.Repeat("é", 2001)+`","data"`, 1), "text.too_long", "/remark", "", false},
		"personal too long":      {command("register_person", `{"kind":"student","personal":{"name":"`+strings.Repeat("a", 301)+`"}}`), "text.too_long", "/data/personal/name", "", false},
		"over 32 MiB":            {strings.Repeat(" ", eventcodec.MaxLine+1), "command.malformed", "", "line over 32 MiB", true},
	} {
		t.Run(name, func(t *testing.T) {
			var p eventcodec.Parser
			req, err := p.Parse([]byte(test.line))
			if err == nil {
				err = eventcodec.Validate(&req)
			}
			var refusal *domain.Refusal
			if !errors.As(err, &refusal) {
				t.Fatalf("error %v, want a refusal", err)
			}
			if string(refusal.Code) != test.code || refusal.Arg("pointer") != test.pointer || refusal.Arg("problem") != test.problem {
				t.Errorf("refused as %v, want %s %s %s", refusal, test.code, test.pointer, test.problem)
			}
			if (req.ID.String() != uid) != test.noID {
				t.Errorf("ID %s", req.ID)
			}
		})
	}
}

func TestAmountsKeepTheirText(t *testing.T) {
	var p eventcodec.Parser
	for _, amount := range []string{"5", "5.0", "5.00", "-5", "0"} {
		req, err := p.Parse([]byte(command("move", `{"fund":"A","from_asset":"cash","to_asset":"bank","amount":"`+amount+`"}`)))
		if err != nil {
			t.Fatal(err)
		}
		if got := req.Body.(*domain.MoveHolding).Amount; got != money.Decimal(amount) {
			t.Errorf("amount %q became %q", amount, got)
		}
		canonical, err := p.AppendCanonical(nil, domain.NewDate(2017, time.January, 1), req.Body)
		if err != nil || !strings.Contains(string(canonical), `"amount":"`+amount+`"`) {
			t.Errorf("canonical form %s, %v", canonical, err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	line := []byte(command("receive_donation", `{"fund":"HB","donor":"C","lines":[{"asset":"cash","amount":"500000"}]}`))
	var p eventcodec.Parser
	b.SetBytes(int64(len(line)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Parse(line); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFingerprint(b *testing.B) {
	var p eventcodec.Parser
	req, err := p.Parse([]byte(command("receive_donation", `{"fund":"HB","donor":"C","lines":[{"asset":"cash","amount":"500000"}]}`)))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Fingerprint(req.EffectiveOn, req.Body); err != nil {
			b.Fatal(err)
		}
	}
}
