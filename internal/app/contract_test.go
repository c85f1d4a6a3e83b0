package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A shape is an object of JSON as the contract writes it: its keys in order, and the shapes of those values that are written out.
type shape struct {
	keys []string
	of   map[string]*shape // of a key, whose value is an object or a list of objects
}

// parseShape reads a shape such as {"position","rows":[{"unit","events":[…]}]}, and returns what follows it. What is written as […],
// {DIM:value,…} or {as in …} may be anything.
func parseShape(s string) (*shape, string, error) {
	rest, ok := strings.CutPrefix(s, "{")
	if !ok {
		return nil, s, fmt.Errorf("no object: %q", s)
	}
	out := &shape{of: map[string]*shape{}}
	for {
		m := regexp.MustCompile(`^"([a-z0-9_]+)"`).FindStringSubmatch(rest)
		if m == nil {
			return nil, s, fmt.Errorf("no key: %q", rest)
		}
		rest = rest[len(m[0]):]
		out.keys = append(out.keys, m[1])
		if value, has := strings.CutPrefix(rest, ":"); has {
			opaque := regexp.MustCompile(`^(\[…\]|\{DIM:value,…\}|\{as in [a-z]+\})`).FindString(value)
			inner, isList := strings.CutPrefix(value, "[")
			switch {
			case opaque != "":
				rest = value[len(opaque):]
			default:
				nested, after, err := parseShape(inner)
				if err != nil {
					return nil, s, err
				}
				out.of[m[1]] = nested
				if isList {
					if after, ok = strings.CutPrefix(after, "]"); !ok {
						return nil, s, fmt.Errorf("the list of %s does not end", m[1])
					}
				}
				rest = after
			}
		}
		if after, more := strings.CutPrefix(rest, ","); more {
			rest = after
			continue
		}
		after, ends := strings.CutPrefix(rest, "}")
		if !ends {
			return nil, s, fmt.Errorf("the object does not end: %q", rest)
		}
		return out, after, nil
	}
}

// members are the keys and values of an object of JSON, in order.
func members(raw json.RawMessage) (keys []string, values map[string]json.RawMessage, err error) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil, fmt.Errorf("no object: %s", raw)
	}
	values = map[string]json.RawMessage{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil, err
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, nil, err
		}
		keys = append(keys, key.(string))
		values[key.(string)] = v
	}
	return keys, values, nil
}

// check compares an answer with the shape and notes in seen the paths of objects that were there to compare.
func (s *shape) check(path string, raw json.RawMessage, seen map[string]bool) error {
	seen[path] = true
	keys, values, err := members(raw)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if !slices.Equal(keys, s.keys) {
		return fmt.Errorf("%s: has the keys %q, the contract says %q", path, keys, s.keys)
	}
	for _, key := range slices.Sorted(maps.Keys(s.of)) {
		list := []json.RawMessage{values[key]}
		if strings.HasPrefix(string(values[key]), "[") {
			if err := json.Unmarshal(values[key], &list); err != nil {
				return err
			}
		}
		for _, v := range list {
			if string(v) == "null" {
				continue
			}
			if err := s.of[key].check(path+"."+key, v, seen); err != nil {
				return err
			}
		}
	}
	return nil
}

// paths are those of all objects of the shape.
func (s *shape) paths(path string) []string {
	list := []string{path}
	for key, nested := range s.of {
		list = append(list, nested.paths(path+"."+key)...)
	}
	return list
}

// TestContractShapes: the answers of the reading commands have the keys that docs/reference/contract.md says, in its order, and no others.
func TestContractShapes(t *testing.T) {
	page, err := os.ReadFile("../../docs/reference/contract.md")
	if err != nil {
		t.Fatal(err)
	}
	shapes := map[string]*shape{}
	name := ""
	for _, m := range regexp.MustCompile(`(?m)^    (?:soquy ([a-zA-Z| -]+?) +| {10,})(\{"(?:ledger|position)",.*)$`).FindAllStringSubmatch(string(page), -1) {
		if name = m[1]; name == "" {
			name = "step"
		}
		s, rest, err := parseShape(m[2])
		if err != nil {
			t.Fatalf("contract.md: %s: %v", m[0], err)
		}
		if shapes[name] != nil || rest != "" && !strings.HasPrefix(rest, ";") && !strings.HasPrefix(rest, ", then") {
			t.Fatalf("contract.md: %s: twice, or followed by %q", name, rest)
		}
		shapes[name] = s
	}

	db := filepath.Join(t.TempDir(), "a.db")
	s := soquy{db: db, keys: db + ".keys"}
	s.mixed(t)
	s.run(t, 0, `{"type":"make_pledge","effective_on":"2017-06-01","data":{"pledge":"P9","donor":"CTY","fund":"KH","amount":"5","due":"2017-12-31"}}`, "record", "-")
	s.run(t, 0, "", "period", "close", "--half", "2017-1")
	s.run(t, 0, "", "period", "reopen", "--from", "2017-06-01", "--remark", "late")
	s.run(t, 0, "", "period", "close", "--half", "2017-1")
	known := fmt.Sprintf(" --known-at 36 --known-at %d", s.head(t)+1)
	s.run(t, 0, `{"type":"merge_unit","effective_on":"2017-07-01","data":{"unit":"X2","into":"X1"}}`, "record", "-")
	journal := filepath.Join(t.TempDir(), "book.journal")
	asked := map[string][]string{ // args of a question; more than one where no single answer has all
		"balance":                       {"balance"},
		"totals":                        {"totals"},
		"replay":                        {"replay", "replay --to 30"},
		"report half-year":              {"report half-year --half 2017-1"},
		"history":                       {"history --subject fund:HB", "history --subject unit:X1", "history --subject person:01970000-0000-7000-8000-000000000901", "history --subject donor:CTY", "history --subject pledge:P9", "history --subject voucher:X1/PT-2017-000001"},
		"indicators":                    {"indicators"},
		"vouchers":                      {"vouchers"},
		"unit list":                     {"unit list"},
		"fund list":                     {"fund list"},
		"donor list":                    {"donor list"},
		"trial-balance":                 {"trial-balance", "trial-balance --as-of 2017-06-30 --profile tt133"},
		"ledger":                        {"ledger --account assets"},
		"cash-book":                     {"cash-book --unit X1 --month 2017-03"},
		"explain totals":                {"explain totals --row measure=donation_cash"},
		"explain balance":               {"explain balance --fund HB --asset cash"},
		"explain event":                 {"explain event 30"},
		"diff totals":                   {"diff totals --by unit --rollup --structure today" + known},
		"diff balance":                  {"diff balance" + known, "diff balance --unit X1" + known},
		"sample":                        {"sample --method mus --seed a --size 5", "sample --method random --seed a --size 5", "sample --method top --size 5"},
		"anomalies":                     {"anomalies"},
		"period open-items":             {"period open-items --half 2017-1"},
		"export hledger|beancount FILE": {"export hledger " + journal, "export beancount " + journal},
		"replay --step":                 nil, // below
		"step":                          nil,
		"verify":                        {"verify"},
	}
	for name, s := range shapes {
		if _, known := asked[name]; !known {
			t.Errorf("contract.md has %q, which is not tried here (%v)", name, s.keys)
		}
	}
	for name, questions := range asked {
		if len(questions) == 0 {
			continue
		}
		want := shapes[name]
		if want == nil {
			t.Errorf("contract.md has no shape of soquy %s", name)
			continue
		}
		seen := map[string]bool{}
		for _, q := range questions {
			out := s.run(t, 0, "", append(strings.Fields(q), "--json")...)
			if err := want.check(name, json.RawMessage(out), seen); err != nil {
				t.Error(err)
			}
		}
		for _, path := range want.paths(name) {
			if !seen[path] && path != "verify.failures" {
				t.Errorf("no answer has %s: nothing was compared", path)
			}
		}
	}

	steps := json.NewDecoder(strings.NewReader(s.run(t, 0, "", "replay", "--step", "--json")))
	seen := map[string]bool{}
	for i := 0; ; i++ {
		var line json.RawMessage
		if err := steps.Decode(&line); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		want := shapes["step"]
		if i == 0 {
			want = shapes["replay --step"]
		}
		if err := want.check("step", line, seen); err != nil {
			t.Fatal(err)
		}
	}
	if !seen["step.changes.after"] {
		t.Error("no step changed a holding")
	}

	s.alter(t, `UPDATE balances SET posted = posted + 1`)
	seen = map[string]bool{}
	if err := shapes["verify"].check("verify", json.RawMessage(s.run(t, 3, "", "verify", "--json")), seen); err != nil || !seen["verify.failures"] {
		t.Errorf("verify: %v, %v", err, seen)
	}
}
