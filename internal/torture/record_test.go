//go:build unix

package torture_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// setup opens what the commands are about: one unit, one fund that allows everything, one donor. No client sends it.
const setup = `{"id":"01970000-0000-7000-8fff-000000000001","type":"register_unit","effective_on":"2017-01-01","data":{"code":"X","level":"commune","name":"Xã"}}
{"id":"01970000-0000-7000-8fff-000000000002","type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"X","name":"Quỹ"}}
{"id":"01970000-0000-7000-8fff-000000000003","type":"register_donor","effective_on":"2017-01-01","data":{"code":"CTY","kind":"organisation","name":"Công ty"}}
`

// setupEvents is how many events there are before the first of a client: ledger.opened and setup.
const setupEvents = 4

// A kind of command that clients send.
type kind int

const (
	donation kind = iota // into the fund: one event
	expense              // from the fund: one event, or refused
	list                 // awards, paid: two events a recipient, or refused
)

type refusal struct {
	Code string
	Args map[string]string
}

// An entry is what a client knows of one of its commands.
type entry struct {
	id     string
	line   []byte
	kind   kind
	amount int64 // in all
	events int   // that it makes when it is accepted

	mu        sync.Mutex
	sent      int    // how often
	open      bool   // sent, and not answered since
	answer    []byte // the last, without the line number
	positions [2]int64
	refused   *refusal
	called    time.Time
	returned  time.Time
	settled   func() // called once it is answered, or never will be; may be nil
}

func (e *entry) send() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.sent++
	e.open = true
	e.called = time.Now()
}

// answered keeps an answer. Once accepted, a command is answered the same for ever.
func (e *entry) answered(answer []byte, positions [2]int64, refused *refusal, at time.Time) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.accepted() && !bytes.Equal(e.answer, answer) {
		return fmt.Errorf("command %s was answered\n%s\nand before\n%s", e.id, answer, e.answer)
	}
	e.open, e.answer, e.positions, e.refused, e.returned = false, answer, positions, refused, at
	e.settle()
	return nil
}

func (e *entry) settle() {
	if e.settled != nil {
		e.settled()
	}
}

func (e *entry) accepted() bool { return e.answer != nil && e.refused == nil }

// A record is all that the clients of one ledger know.
type record struct {
	before int64 // how many events there are before the first of a client
	funds  int   // beside the first

	mu      sync.Mutex
	entries []*entry
}

func (r *record) add(e *entry) *entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	return e
}

// A client makes commands. Two clients of a ledger have different numbers.
type client struct {
	record *record
	number int
	made   int
	random *rand.Rand
	lists  int // one in how many commands is a list; 0: none
	spend  int // one in how many is an expense; 0: none
}

func (r *record) client(number int) *client {
	return &client{record: r, number: number, random: rand.New(rand.NewPCG(seed, uint64(number))), lists: 40, spend: 4}
}

// next makes a command and notes it.
func (c *client) next() *entry {
	switch {
	case c.lists > 0 && c.random.IntN(c.lists) == 0:
		return c.list(1 + c.random.IntN(40))
	case c.spend > 0 && c.random.IntN(c.spend) == 0:
		return c.command(expense, 1+c.random.Int64N(60), 1)
	}
	return c.command(donation, 1+c.random.Int64N(20), 1)
}

// atMost stops after n commands.
func (c *client) atMost(n int) func() *entry {
	return func() *entry {
		if n--; n < 0 {
			return nil
		}
		return c.next()
	}
}

func (c *client) list(recipients int) *entry {
	return c.command(list, int64(recipients), 2*recipients)
}

func (c *client) command(k kind, amount int64, events int) *entry {
	c.made++
	e := &entry{id: fmt.Sprintf("01970000-0000-7000-8%03x-%012d", c.number, c.made), kind: k, amount: amount, events: events}
	switch k {
	case donation:
		fund := "HB"
		if n := c.record.funds; n > 0 {
			fund = fundCode(c.random.IntN(n))
		}
		e.line = fmt.Appendf(nil, `{"id":%q,"type":"receive_donation","effective_on":"2017-03-05","data":{"fund":%q,"donor":"CTY","lines":[{"asset":"cash","amount":"%d"}]}}`, e.id, fund, amount)
	case expense:
		e.line = fmt.Appendf(nil, `{"id":%q,"type":"record_expense","effective_on":"2017-03-05","data":{"fund":"HB","asset":"cash","amount":"%d","purpose":"printing"}}`, e.id, amount)
	case list:
		recipients := strings.TrimSuffix(strings.Repeat(`{"collective":"Lớp 5A","amount":"1"},`, int(amount)), ",")
		e.line = fmt.Appendf(nil, `{"id":%q,"type":"grant","effective_on":"2017-03-05","data":{"kind":"merit_award","fund":"HB","asset":"cash","pay":true,"recipients":[%s]}}`, e.id, recipients)
	}
	return c.record.add(e)
}

// again returns commands that were sent before, to send them once more in the order of the record.
func again(entries []*entry) func() *entry {
	return func() *entry {
		if len(entries) == 0 {
			return nil
		}
		e := entries[0]
		entries = entries[1:]
		return e
	}
}

// prepare makes the ledger and what the commands are about.
func (p program) prepare(t *testing.T) *record {
	t.Helper()
	return p.prepareFunds(t, 0)
}

// prepareFunds is prepare with more funds, into which donations go then. There is nothing to spend or to award in the first.
func (p program) prepareFunds(t *testing.T, funds int) *record {
	t.Helper()
	p.run(t, "", "init", "--origin", "example.org/soquy/torture")
	lines := []byte(setup)
	for i := range funds {
		lines = fmt.Appendf(lines, `{"id":"01970000-0000-7000-8ffe-%012d","type":"open_fund","effective_on":"2017-01-01","data":{"code":%q,"unit":"X","name":"Quỹ"}}`+"\n",
			i+1, fundCode(i))
	}
	p.run(t, string(lines), "record", "-")
	return &record{before: setupEvents + int64(funds), funds: funds}
}

func fundCode(i int) string { return fmt.Sprintf("Q%04d", i) }

// An envelope is what the check reads of an event.
type envelope struct {
	Position int64
	ID       string
	Command  string
}

// check compares the ledger with the record: nothing acknowledged is lost or changed, nothing is there twice, what was not
// acknowledged is wholly there or not at all. It returns how many of the latter are there.
func (r *record) check(t *testing.T, p program) (unacknowledged int) {
	t.Helper()
	var verified struct {
		OK       bool
		Events   int64
		Failures []struct {
			Position int64
			What     string
		}
	}
	if err := json.Unmarshal([]byte(p.run(t, "", "verify", "--json")), &verified); err != nil {
		t.Fatal(err)
	}
	if !verified.OK {
		t.Errorf("verify: %v", verified.Failures)
	}
	type found struct {
		first int64
		ids   []string
	}
	log := map[string]*found{}
	n := int64(0)
	p.events(t, func(line []byte) {
		var e envelope
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatalf("event %s: %v", line, err)
		}
		if n++; e.Position != n {
			t.Fatalf("position %d follows %d", e.Position, n-1)
		}
		if e.Position <= r.before {
			return
		}
		f := log[e.Command]
		if f == nil {
			f = &found{first: n}
			log[e.Command] = f
		}
		f.ids = append(f.ids, e.ID)
		if f.first+int64(len(f.ids))-1 != n {
			t.Errorf("command %s is at %d, and again at %d", e.Command, f.first, n)
		}
	})
	if n != verified.Events {
		t.Errorf("%d events are read, %d were verified", n, verified.Events)
	}
	var answered struct{ Events []string }
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		f := log[e.id]
		delete(log, e.id)
		switch {
		case e.accepted():
			answered.Events = nil
			if err := json.Unmarshal(append([]byte("{"), e.answer...), &answered); err != nil {
				t.Fatalf("answer %s: %v", e.answer, err)
			}
			if f == nil {
				t.Errorf("command %s was answered with %s and is lost", e.id, e.answer)
			} else if f.first != e.positions[0] || f.first+int64(len(f.ids))-1 != e.positions[1] || strings.Join(f.ids, " ") != strings.Join(answered.Events, " ") {
				t.Errorf("command %s is at %d with events %v, its answer was %s", e.id, f.first, f.ids, e.answer)
			}
		case f == nil:
		case !e.open:
			t.Errorf("command %s was refused (%v) and is at %d", e.id, e.refused, f.first)
		case len(f.ids) != e.events:
			t.Errorf("of command %s %d events are there, it has %d", e.id, len(f.ids), e.events)
		default:
			unacknowledged++
		}
	}
	for id, f := range log {
		t.Errorf("command %s at %d is nobody's", id, f.first)
	}
	return unacknowledged
}

// resend sends commands again, which must now all be answered, and what was accepted before as it was.
func (r *record) resend(t *testing.T, p program, entries []*entry) {
	t.Helper()
	p.start(t, 256, again(entries)).succeeded(t)
	for _, e := range entries {
		if e.answer == nil || e.open {
			t.Fatalf("command %s was sent again and not answered", e.id)
		}
	}
}
