//go:build unix

package torture_test

import (
	"cmp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/projections"
)

// An account is the state of the model: how long the log is, and what the fund has.
type account struct{ position, balance int64 }

// A question is an operation's input: a command, or with kind reading the question for the balance.
type question struct {
	kind   kind
	amount int64
	events int64
}

const reading kind = -1

// An outcome is an operation's output: where the command's events are, or that it was refused with what was available, or the
// balance that was read and the position of it.
type outcome struct {
	first, last int64
	refused     bool
	available   int64
	read        account
}

// step says which answers are right: events go to the end of the log, nothing is spent that is not there, a refusal tells the
// balance as it is, and so does a reader. So an event that is lost, doubled or out of order, a decision on an old state and an old
// balance each break it.
func step(s account, in question, out outcome) (bool, account) {
	switch {
	case in.kind == reading:
		return out.read == s, s
	case out.refused:
		return in.kind != donation && out.available == s.balance && in.amount > s.balance, s
	case out.first != s.position+1 || out.last != s.position+in.events:
		return false, s
	case in.kind == donation:
		return true, account{out.last, s.balance + in.amount}
	}
	return in.amount <= s.balance, account{out.last, s.balance - in.amount}
}

// A history is what happened between two moments at which nothing was under way.
type history struct {
	from       account
	operations []porcupine.Operation
}

func (h *history) add(client int, in question, out outcome, called, returned int64) {
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: called, Return: returned})
}

// A moment is the state of the search: the account, and how many of those that only looked have looked at it.
type moment struct {
	account
	looked int
}

// linearizable asks porcupine for an order of the operations that the model allows and in which none comes before one that had ended
// when it began. It is told where a refusal or a reading can be: they change nothing, so that without a hint it would try
// them in each subset. A hint narrows the search, and never makes a wrong order right.
func (h *history) linearizable() porcupine.CheckResult {
	at := h.place()
	looks := map[int64]int{}
	for _, position := range at {
		looks[position]++
	}
	operations := make([]porcupine.Operation, len(h.operations))
	copy(operations, h.operations)
	for i := range operations {
		operations[i].Input = i
	}
	return porcupine.CheckOperationsTimeout(porcupine.Model{
		Init: func() any { return moment{account: h.from} },
		Step: func(state, i, out any) (bool, any) {
			s := state.(moment)
			ok, next := step(s.account, h.operations[i.(int)].Input.(question), out.(outcome))
			if position, looker := at[i.(int)]; looker {
				return ok && position == s.position, moment{next, s.looked + 1}
			}
			return ok && s.looked == looks[s.position], moment{account: next}
		},
		Hash: func(s any) uint64 { return uint64(s.(moment).position) },
	}, operations, 10*time.Second)
}

// place finds for each refusal and each reading the earliest position in the log at which its answer was right: not before a command
// that had been answered when it began, nor after one that began when it had been answered, and not before a look that was over. Those
// for which there is none are at −1.
func (h *history) place() map[int]int64 {
	var writes, looks []int
	for i := range h.operations {
		if h.look(i) {
			looks = append(looks, i)
		} else {
			writes = append(writes, i)
		}
	}
	called := func(i, j int) int { return cmp.Compare(h.operations[i].Call, h.operations[j].Call) }
	returned := func(i, j int) int { return cmp.Compare(h.operations[i].Return, h.operations[j].Return) }
	slices.SortFunc(writes, func(i, j int) int {
		return cmp.Compare(h.operations[i].Output.(outcome).first, h.operations[j].Output.(outcome).first)
	})
	states := []account{h.from}
	order := map[int]int{} // of each write: the state that it makes
	for n, i := range writes {
		_, s := step(states[n], h.operations[i].Input.(question), h.operations[i].Output.(outcome))
		states, order[i] = append(states, s), n+1
	}
	byReturn := slices.SortedFunc(slices.Values(writes), returned)
	byCall := slices.SortedFunc(slices.Values(writes), called)
	latest := make([]int, len(byCall)+1) // state before all writes of byCall[k:]
	latest[len(byCall)] = len(states) - 1
	for k := len(byCall) - 1; k >= 0; k-- {
		latest[k] = min(latest[k+1], order[byCall[k]]-1)
	}
	slices.SortFunc(looks, called)
	over := slices.SortedFunc(slices.Values(looks), returned)
	at, placed := map[int]int64{}, map[int]int{}
	from, w, l := 0, 0, 0
	for _, i := range looks {
		o := &h.operations[i]
		for ; w < len(byReturn) && h.operations[byReturn[w]].Return < o.Call; w++ {
			from = max(from, order[byReturn[w]])
		}
		for ; h.operations[over[l]].Return < o.Call; l++ { // it began before this one, so it was placed
			from = max(from, placed[over[l]])
		}
		k, _ := slices.BinarySearchFunc(byCall, o.Return, func(j int, t int64) int {
			if h.operations[j].Call <= t {
				return -1
			}
			return 1
		})
		at[i] = -1
		for n := from; n <= latest[k]; n++ {
			if ok, _ := step(states[n], o.Input.(question), o.Output.(outcome)); ok {
				at[i], placed[i] = states[n].position, n
				break
			}
		}
	}
	return at
}

// look reports whether an operation changed nothing.
func (h *history) look(i int) bool {
	return h.operations[i].Output.(outcome).refused || h.operations[i].Input.(question).kind == reading
}

// after is the state that the answers lead to.
func (h *history) after() account {
	s := h.from
	for i := range h.operations {
		in, out := h.operations[i].Input.(question), h.operations[i].Output.(outcome)
		if in.kind == reading || out.refused {
			continue
		}
		s.position = max(s.position, out.last)
		if in.kind == donation {
			s.balance += in.amount
		} else {
			s.balance -= in.amount
		}
	}
	return s
}

// command adds what a client knows of a command that was answered.
func (h *history) command(t *testing.T, e *entry, start time.Time) {
	t.Helper()
	out := outcome{first: e.positions[0], last: e.positions[1]}
	if e.refused != nil {
		if e.refused.Code != "holding.insufficient" {
			t.Fatalf("command %s was refused: %v", e.id, e.refused)
		}
		available, err := strconv.ParseInt(e.refused.Args["available"], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		out = outcome{refused: true, available: available}
	}
	h.add(0, question{e.kind, e.amount, int64(e.events)}, out, int64(e.called.Sub(start)), int64(e.returned.Sub(start)))
}

// TestModel: the model allows what is right and nothing else. Each wrong history differs from the right one in one answer.
func TestModel(t *testing.T) {
	right := func() *history {
		h := &history{from: account{4, 0}}
		h.add(0, question{donation, 100, 1}, outcome{first: 5, last: 5}, 0, 10)
		h.add(1, question{donation, 50, 1}, outcome{first: 6, last: 6}, 0, 10)              // at the same time
		h.add(2, question{kind: reading}, outcome{read: account{5, 100}}, 5, 9)             // between them
		h.add(0, question{expense, 500, 1}, outcome{refused: true, available: 150}, 20, 30) // after both
		h.add(1, question{list, 10, 4}, outcome{first: 7, last: 10}, 25, 40)                // at the same time, later in the order
		h.add(2, question{kind: reading}, outcome{read: account{10, 140}}, 50, 60)          // the end
		h.add(0, question{expense, 140, 1}, outcome{first: 11, last: 11}, 70, 80)           // all of it
		h.add(1, question{expense, 1, 1}, outcome{refused: true, available: 0}, 90, 100)    // nothing is left
		h.add(2, question{donation, 5, 1}, outcome{first: 12, last: 12}, 110, 120)          // and more comes
		h.add(2, question{kind: reading}, outcome{read: account{position: 12, balance: 5}}, 130, 140)
		return h
	}
	if got := right().linearizable(); got != porcupine.Ok {
		t.Fatalf("the right history is %s", got)
	}
	if got := right().after(); got != (account{12, 5}) {
		t.Errorf("the right history ends at %v", got)
	}
	for what, wrong := range map[string]struct {
		operation int
		out       outcome
	}{
		"lost":                {8, outcome{first: 13, last: 13}},
		"doubled":             {1, outcome{first: 5, last: 5}},
		"torn":                {4, outcome{first: 7, last: 9}},
		"reordered":           {0, outcome{first: 6, last: 6}},
		"refused on old":      {3, outcome{refused: true, available: 100}},
		"refused though":      {6, outcome{refused: true, available: 140}},
		"accepted though":     {7, outcome{first: 12, last: 12}},
		"old balance":         {5, outcome{read: account{6, 150}}},
		"balance of no state": {2, outcome{read: account{6, 100}}},
		"balance ahead":       {2, outcome{read: account{10, 140}}},
	} {
		h := right()
		h.operations[wrong.operation].Output = wrong.out
		if got := h.linearizable(); got != porcupine.Illegal {
			t.Errorf("%s: the wrong history is %s", what, got)
		}
	}
	// Two answers swapped between commands that did not overlap.
	h := right()
	h.operations[6].Output, h.operations[8].Output = outcome{first: 12, last: 12}, outcome{first: 11, last: 11}
	if got := h.linearizable(); got != porcupine.Illegal {
		t.Errorf("swapped: the wrong history is %s", got)
	}
}

// A gate stops all operations, so that a history can be cut.
type gate struct {
	mu     sync.RWMutex
	flying sync.WaitGroup
}

// through lets commands through the gate while it is open.
func (g *gate) through(next func() *entry) func() *entry {
	return func() *entry {
		g.mu.RLock()
		defer g.mu.RUnlock()
		e := next()
		if e != nil {
			g.flying.Add(1)
			e.settled = sync.OnceFunc(g.flying.Done)
		}
		return e
	}
}

// shut calls f while nothing is under way.
func (g *gate) shut(f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.flying.Wait()
	f()
}

// An observation is a balance that was read.
type observation struct {
	read             account
	called, returned time.Time
}

// observe reads the fund's balance once through an open reader.
func observe(t *testing.T, r cli.Reader) (o observation) {
	o.called = time.Now()
	err := r.View(t.Context(), func(v cli.View) error {
		rows, err := v.Balances(t.Context(), projections.BalanceQuery{Funds: []string{"HB"}})
		if err != nil {
			return err
		}
		o.read.position = v.Head().Position
		for _, row := range rows {
			o.read.balance += row.Posted
		}
		return nil
	})
	o.returned = time.Now()
	if err != nil {
		t.Error(err)
	}
	return o
}

// reader opens the ledger for reading in the process of the test.
func (p program) reader(t *testing.T) cli.Reader {
	t.Helper()
	r, err := app.New(p.env).Reader(t.Context(), cli.Target{DB: p.db})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

// TestRefusalSeesOthers: a refusal is as good as an acceptance, and speaks of the ledger as it is when it is given, not as the
// process saw it when it last wrote.
func TestRefusalSeesOthers(t *testing.T) {
	for name, open := range on() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t)
			r := p.prepare(t)
			commands := make(chan *entry)
			first := p.start(t, 1, func() *entry { return <-commands })
			c := r.client(1)
			one := c.command(expense, 50, 1)
			commands <- one
			<-first.first // it has read the ledger, and refused
			p.start(t, 1, again([]*entry{r.client(2).command(donation, 100, 1)})).succeeded(t)
			two, three := c.command(expense, 500, 1), c.command(expense, 50, 1)
			commands <- two
			commands <- three
			close(commands)
			first.succeeded(t)
			if one.refused == nil || one.refused.Args["available"] != "0" {
				t.Errorf("50 of nothing: %s", one.answer)
			}
			if two.refused == nil || two.refused.Args["available"] != "100" {
				t.Errorf("500 of 100, which another process recorded: %s", two.answer)
			}
			if !three.accepted() {
				t.Errorf("50 of 100, which another process recorded: %s", three.answer)
			}
			r.check(t, p)
		})
	}
}

// TestLinearizable lets four processes write to one ledger while two readers read, and looks whether there is one order of all that
// explains every answer.
func TestLinearizable(t *testing.T) {
	t.Parallel()
	p := onPostgres(t)
	r := p.prepare(t)
	var (
		g        gate
		start    = time.Now()
		sessions []*session
		mu       sync.Mutex
		seen     []observation
		readers  sync.WaitGroup
		over     = make(chan struct{})
	)
	for i, window := range []int{16, 16, 1, 1} { // a batch of one is often a refusal alone
		c := r.client(i)
		c.lists, c.spend = 0, 2 // so that the fund is often empty
		sessions = append(sessions, p.start(t, window, g.through(c.next)))
	}
	for range 2 {
		reader := p.reader(t)
		readers.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				g.mu.RLock()
				o := observe(t, reader)
				g.mu.RUnlock()
				mu.Lock()
				seen = append(seen, o)
				mu.Unlock()
			}
		})
	}
	for _, s := range sessions {
		<-s.first
	}
	state, done, operations, refused, reads, cuts := account{setupEvents, 0}, 0, 0, 0, 0, 0
	for end := time.Now().Add(during(5*time.Second, time.Minute)); time.Now().Before(end) && !t.Failed(); cuts++ {
		time.Sleep(500 * time.Millisecond) // of load, which is not waited for but measured out
		g.shut(func() {
			h := &history{from: state}
			for _, e := range r.entries[done:] {
				h.command(t, e, start)
				if e.refused != nil {
					refused++
				}
			}
			for _, o := range seen {
				h.add(1, question{kind: reading}, outcome{read: o.read}, int64(o.called.Sub(start)), int64(o.returned.Sub(start)))
			}
			done, reads, operations = len(r.entries), reads+len(seen), operations+len(h.operations)
			seen = nil
			if got := h.linearizable(); got != porcupine.Ok {
				t.Errorf("%d operations from %v on: %s", len(h.operations), state, got)
				for i, position := range h.place() {
					if position < 0 {
						t.Errorf("there was no moment at which %+v was the answer of %+v", h.operations[i].Output, h.operations[i].Input)
					}
				}
			}
			state = h.after()
		})
	}
	close(over)
	readers.Wait()
	for _, s := range sessions {
		s.end()
		s.succeeded(t)
	}
	r.check(t, p)
	if refused == 0 || reads == 0 {
		t.Errorf("%d refusals and %d reads: the history proves little", refused, reads)
	}
	t.Logf("%d operations in %d histories, of which %d refusals and %d reads", operations, cuts, refused, reads)
}
