package ledger_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
)

// unreliable is a store whose appends fail now and then, in each way in which they can.
type unreliable struct {
	ledger.Store
	mu     sync.Mutex
	random *rand.Rand
	other  func() // appends something else, as another process does
	asks   bool   // for the lock of the next batch, with the commit
	count  map[string]int
}

var errBroken = errors.New("broken")

func (u *unreliable) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	u.overtake()
	return u.append(ctx, b, u.Store.Append)
}

func (u *unreliable) Begin(ctx context.Context, id uuid.UUID) (eventstore.Lock, error) {
	u.overtake()
	l, err := u.Store.Begin(ctx, id)
	return unreliableLock{l, u}, err
}

type unreliableLock struct {
	eventstore.Lock
	u *unreliable
}

func (l unreliableLock) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	l.u.did("locked")
	return l.u.append(ctx, b, l.Lock.Append)
}

// Insert inserts a part of a batch ahead of the append, or fails, having inserted something or not.
func (l unreliableLock) Insert(ctx context.Context, records []eventstore.Record, commands []eventstore.Command) error {
	l.u.did("begun")
	n := l.u.draw(5)
	if n == 0 {
		l.u.did("not begun")
		return fmt.Errorf("the server is away: %w", eventstore.ErrUnavailable)
	}
	err := l.Lock.(eventstore.Early).Insert(ctx, records, commands)
	if err == nil && n == 1 {
		l.u.did("begun, told otherwise")
		return errBroken
	}
	return err
}

// overtake has another process be first now and then.
func (u *unreliable) overtake() {
	if u.draw(1000) < 40 {
		u.did("moved")
		u.other()
	}
}

func (u *unreliable) draw(n int) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.random.IntN(n)
}

func (u *unreliable) did(what string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.count[what]++
}

func (u *unreliable) append(
	ctx context.Context, b *eventstore.Batch, do func(context.Context, *eventstore.Batch) ([]byte, error),
) ([]byte, error) {
	time.Sleep(time.Duration(u.draw(3)) * time.Millisecond) // so that more commands come meanwhile
	switch n := u.draw(1000); {
	case n < 40:
		u.did("unavailable")
		return nil, fmt.Errorf("the server is away: %w", eventstore.ErrUnavailable)
	case n < 80:
		u.did("broken")
		return nil, errBroken
	case n < 120:
		u.did("unknown, stored")
		if _, err := do(ctx, b); err != nil {
			return nil, err
		}
		return nil, fmt.Errorf("no answer: %w", eventstore.ErrOutcomeUnknown)
	case n < 160:
		u.did("unknown, not stored")
		return nil, fmt.Errorf("no answer: %w", eventstore.ErrOutcomeUnknown)
	}
	if len(b.Commands) > 1 {
		u.did("several")
	}
	note, err := do(ctx, b)
	if err == nil && u.asks && b.Next != nil {
		u.did("asked")
		b.Next(func(ctx context.Context) (eventstore.Lock, error) {
			if u.draw(5) == 0 {
				u.did("asked in vain")
				return nil, fmt.Errorf("the server is away: %w", eventstore.ErrUnavailable)
			}
			return u.Begin(ctx, b.Ledger)
		})
	}
	return note, err
}

// faulty is a source of random bytes that now and then has none for the salt of a private text, so that nothing can be decided.
type faulty struct {
	io.Reader
	n int
}

func (f *faulty) Read(p []byte) (int, error) {
	if len(p) == 32 {
		if f.n++; f.n%30 == 0 {
			return 0, errBroken
		}
	}
	return f.Reader.Read(p)
}

// TestStream: what is decided ahead of a batch that is being stored is neither lost, doubled nor answered wrongly, however that batch ends.
func TestStream(t *testing.T) {
	for _, asks := range []bool{false, true} {
		t.Run(fmt.Sprintf("asks=%t", asks), func(t *testing.T) { testStream(t, asks) })
	}
}

func testStream(t *testing.T, asks bool) {
	const callers, rounds = 8, 120
	w := newWorld(t)
	first := w.open()
	found(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	two, o := w.another(), w.live()
	o.Source.Random = &faulty{Reader: o.Source.Random}
	u := &unreliable{Store: w.store, asks: asks, random: rand.New(rand.NewPCG(1, 2)), count: map[string]int{}}
	u.other = func() { accept(t, two, cmd("receive_donation", donate)) }
	l, err := ledger.Open(t.Context(), u, w.id, o)
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	accepted, refused, failed := map[uuid.UUID]ledger.Answer{}, map[uuid.UUID]bool{}, map[uuid.UUID]bool{}
	// ask sends commands at once, and waits for all. Whoever is told of a failure asks again.
	ask := func(lines ...string) []ledger.Answer {
		answers, asked := make([]ledger.Answer, len(lines)), make([]ledger.Request, len(lines))
		open := make([]int, len(lines))
		for i, line := range lines {
			asked[i], open[i] = parse(t, line), i
			switch len(line) % 3 {
			case 0:
				asked[i].ID = uuid.Must(uuid.NewV7())
			case 1: // it is not of this moment, so the log must be asked for it
				asked[i].ID = uuid.New()
			}
		}
		for range 4 {
			receipts := make([]*ledger.Receipt, len(open))
			for at, i := range open {
				var err error
				if receipts[at], err = l.Submit(t.Context(), asked[i], 0); err != nil {
					t.Error(err)
				}
			}
			twice := map[int]*ledger.Receipt{} // sent again while the first may be under way
			for _, i := range open {
				if asked[i].ID == uuid.Nil || i%3 > 0 {
					continue
				}
				var err error
				if twice[i], err = l.Submit(t.Context(), asked[i], 0); err != nil {
					t.Error(err)
				}
			}
			again := open[:0]
			for at, i := range open {
				a, err := receipts[at].Wait(t.Context())
				if twice[i] != nil {
					switch b, errAgain := twice[i].Wait(t.Context()); {
					case err != nil:
						a, err = b, errAgain
					case a.Refusal == nil && errAgain == nil && !(b.Repeat && slices.Equal(a.Events, b.Events)):
						t.Errorf("%s: sent again, the answer was %+v, after %+v", lines[i], b, a)
					case a.Refusal != nil && errAgain == nil && b.Refusal == nil: // what it lacked has come
						a = b
					}
				}
				mu.Lock()
				switch {
				case err != nil && !errors.Is(err, errBroken):
					t.Errorf("%s: %v", lines[i], err)
				case err != nil && asked[i].ID != uuid.Nil: // else it was never stored, and nobody can ask for it
					again = append(again, i)
					failed[asked[i].ID] = true
				case err != nil:
				case a.Refusal != nil:
					refused[a.Command] = true
				default:
					accepted[a.Command] = a
				}
				mu.Unlock()
				answers[i] = a
			}
			open = again
		}
		return answers
	}
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			random := rand.New(rand.NewPCG(3, uint64(caller)))
			donor := fmt.Sprintf("D%d", caller)
			register := cmd("register_donor", fmt.Sprintf(`{"code":%q,"kind":"organisation","name":"Công ty %d"}`, donor, caller))
			for round := range rounds {
				var lines []string
				for range 1 + random.IntN(20) {
					amount := 1000 * (1 + random.IntN(500))
					switch n := random.IntN(10); {
					case n < 1: // refused while there is nothing left
						lines = append(lines, cmd("record_expense", fmt.Sprintf(`{"fund":"HB","asset":"cash","amount":"%d","purpose":"admin"}`, 100*amount)))
					case n < 2: // refused but for the first, what follows hangs on it
						lines = append(lines, register)
					default:
						lines = append(lines, cmd("receive_donation", fmt.Sprintf(`{"fund":"HB","donor":%q,"lines":[{"asset":"cash","amount":"%d"}]}`, donor, amount)))
						if n == 3 {
							last := &lines[len(lines)-1]
							*last = strings.Replace(*last, `{`, fmt.Sprintf(`{"remark":"lần %d",`, round), 1)
						}
					}
				}
				ask(lines...)
				if random.IntN(10) == 0 { // it needs an event of the log
					if a := ask(cmd("receive_donation", donate))[0]; len(a.Events) > 0 {
						ask(cmd("reverse", fmt.Sprintf(`{"event":%q}`, a.Events[0])))
					}
				}
			}
		})
	}
	group.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	// The log has what was accepted, at the positions and with the IDs that were told, and nothing else of ours.
	codec := eventcodec.New("example.org/soquy/KH", 0)
	stored := map[uuid.UUID][]uuid.UUID{}
	numbers := map[string]bool{}
	head := w.head()
	err = w.store.Read(t.Context(), w.id, 1, head.Size, func(r *eventstore.Record) error {
		decoded, err := codec.Decode(r.Envelope)
		if err != nil {
			return err
		}
		e := &decoded.Event
		stored[e.Command] = append(stored[e.Command], e.ID)
		if a, ours := accepted[e.Command]; ours && (r.Position < a.First || r.Position > a.Last) {
			t.Errorf("position %d is of command %s, which was told to be at %d to %d", r.Position, e.Command, a.First, a.Last)
		}
		if refused[e.Command] {
			t.Errorf("position %d is of a command that was refused", r.Position)
		}
		if e.Body.Type() == "donation.received" {
			for _, v := range e.Vouchers() {
				if numbers[v.Number] {
					t.Errorf("voucher %s was given twice", v.Number)
				}
				numbers[v.Number] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, a := range accepted {
		if !slices.Equal(stored[id], a.Events) {
			t.Errorf("command %s has events %v in the log, was told %v", id, stored[id], a.Events)
		}
	}
	for id := range failed {
		if _, told := accepted[id]; stored[id] != nil && !told {
			t.Errorf("command %s failed each time, and is in the log", id)
		}
	}
	for n := range len(numbers) {
		if number := fmt.Sprintf("PT-2017-%06d", n+1); !numbers[number] {
			t.Errorf("there is no voucher %s of %d", number, len(numbers))
		}
	}
	if len(accepted) == 0 || len(refused) == 0 {
		t.Errorf("%d commands were accepted, %d refused", len(accepted), len(refused))
	}
	ways := []string{
		"unavailable", "broken", "unknown, stored", "unknown, not stored", "moved", "several", "locked",
		"begun", "not begun", "begun, told otherwise",
	}
	if asks {
		ways = append(ways, "asked", "asked in vain")
	}
	t.Logf("appends: %v", u.count)
	for _, what := range ways {
		if u.count[what] == 0 {
			t.Errorf("of %v no append was: %s", slices.Sorted(maps.Keys(u.count)), what)
		}
	}
	// The log is what was signed, and the book that was ahead of it came back each time.
	if l, err = ledger.Open(t.Context(), w.store, w.id, o); err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if a := accept(t, l, cmd("receive_donation", donate)); a.Vouchers[0].Number != fmt.Sprintf("PT-2017-%06d", len(numbers)+1) {
		t.Errorf("the next voucher is %v, after %d", a.Vouchers, len(numbers))
	}
}

// TestRefusedAfterAnother: what another process has opened is there for a batch of which each command would be refused without it.
func TestRefusedAfterAnother(t *testing.T) {
	w := newWorld(t)
	one := w.open()
	defer one.Close()
	found(t, one)
	two := w.another()
	for i := range 3 {
		fund := fmt.Sprintf("NEW%d", i)
		donation := cmd("receive_donation", strings.Replace(donate, "HB", fund, 1))
		if a := do(t, one, donation); a.Refusal == nil {
			t.Fatalf("there is no fund %s yet, and the donation was accepted", fund)
		}
		accept(t, two, cmd("open_fund", fmt.Sprintf(`{"code":%q,"unit":"X","name":"Quỹ"}`, fund)))
		if a := accept(t, one, donation); a.First != w.head().Size {
			t.Errorf("the donation is at %d, the log ends at %d", a.First, w.head().Size)
		}
	}
}

// TestClockUnread: a batch that was decided when the server's clock could not be read is decided again, as if it had not been.
func TestClockUnread(t *testing.T) {
	w := newWorld(t)
	ahead, unread := time.Duration(0), false
	o := w.live()
	o.Source.Now = func() time.Time { return time.Now().Add(ahead) }
	o.ServerClock = func(context.Context) (time.Time, error) {
		if unread {
			unread = false
			return time.Time{}, errBroken
		}
		return o.Source.Now(), nil
	}
	l, err := ledger.Open(t.Context(), w.store, w.id, o)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	found(t, l)
	for i := range 3 {
		// The clock jumps, so it is compared.
		ahead, unread = ahead+time.Hour, true
		a := accept(t, l, cmd("receive_donation", donate))
		if want := fmt.Sprintf("PT-2017-%06d", i+1); a.Vouchers[0].Number != want {
			t.Errorf("the voucher is %s, want %s", a.Vouchers[0].Number, want)
		}
		if unread {
			t.Error("the clock was not compared")
		}
	}
}

// counting is a store that counts what it is asked.
type counting struct {
	ledger.Store
	begun, looked atomic.Int64
}

func (c *counting) Begin(ctx context.Context, id uuid.UUID) (eventstore.Lock, error) {
	c.begun.Add(1)
	return c.Store.Begin(ctx, id)
}

func (c *counting) Commands(ctx context.Context, id uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	c.looked.Add(1)
	return c.Store.Commands(ctx, id, ids)
}

// TestOldIDs: a list whose IDs were made before those in the log is streamed as any other, and looked up in few looks.
func TestOldIDs(t *testing.T) {
	w := newWorld(t)
	c := &counting{Store: w.store}
	l, err := ledger.Open(t.Context(), c, w.id, w.live())
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	found(t, l)
	const list, lists = 100, 20
	for i := range lists {
		var requests [list]ledger.Request
		for k := range requests {
			requests[k] = parse(t, cmd("receive_donation", donate))
			binary.BigEndian.PutUint64(requests[k].ID[:], uint64(1_500_000_000_000+i*list+k)<<16|0x7000)
		}
		for _, again := range []bool{false, true} {
			var receipts [list]*ledger.Receipt
			for k, r := range requests {
				if receipts[k], err = l.Submit(t.Context(), r, 0); err != nil {
					t.Fatal(err)
				}
			}
			for k := range receipts {
				if a, err := receipts[k].Wait(t.Context()); err != nil || a.Refusal != nil || a.Repeat != again {
					t.Fatalf("command %d of list %d, again %t: %+v, %v", k, i, again, a, err)
				}
			}
		}
	}
	if n := c.begun.Load(); n == 0 {
		t.Error("no list was streamed")
	}
	if n := c.looked.Load(); n > lists*list/4 {
		t.Errorf("%d looks for %d commands", n, 2*lists*list)
	}
	t.Logf("%d looks, %d locks asked for ahead", c.looked.Load(), c.begun.Load())
}

// A gate is a store whose next appends wait, and then do as a test says.
type gate struct {
	ledger.Store
	next chan *held // none: it is stored at once
}

// held is an append that waits for what it is to do.
type held struct {
	came chan struct{}
	do   chan func(store func() error) error
}

// hold has the next append that is not held yet wait.
func (g *gate) hold() *held {
	h := &held{make(chan struct{}), make(chan func(func() error) error)}
	g.next <- h
	return h
}

func (g *gate) append(do func() ([]byte, error)) (note []byte, err error) {
	select {
	case h := <-g.next:
		close(h.came)
		err = (<-h.do)(func() (err error) {
			note, err = do()
			return err
		})
		return note, err
	default:
		return do()
	}
}

func (g *gate) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	return g.append(func() ([]byte, error) { return g.Store.Append(ctx, b) })
}

func (g *gate) Begin(ctx context.Context, id uuid.UUID) (eventstore.Lock, error) {
	l, err := g.Store.Begin(ctx, id)
	return gateLock{l, g}, err
}

type gateLock struct {
	eventstore.Lock
	g *gate
}

func (l gateLock) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	return l.g.append(func() ([]byte, error) { return l.Lock.Append(ctx, b) })
}

// gated opens a ledger that has what donations need behind a gate. submit sends commands one after another.
func gated(t *testing.T, w *world, o ledger.Options) (g *gate, submit func(lines ...string) []*ledger.Receipt) {
	t.Helper()
	g = &gate{Store: w.store, next: make(chan *held, 4)}
	l, err := ledger.Open(t.Context(), g, w.id, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	found(t, l)
	return g, func(lines ...string) (list []*ledger.Receipt) {
		for _, line := range lines {
			r, err := l.Submit(t.Context(), parse(t, line), 0)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, r)
		}
		return list
	}
}

// await is Wait, for a while only.
func await(t *testing.T, r *ledger.Receipt) (ledger.Answer, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	a, err := r.Wait(ctx)
	if ctx.Err() != nil {
		t.Fatal("a command was not answered")
	}
	return a, err
}

func stored(store func() error) error { return store() }

// scarce has no salt when it is told so.
type scarce struct {
	io.Reader
	none, asked chan struct{}
}

func (s *scarce) Read(p []byte) (int, error) {
	if len(p) == 32 {
		select {
		case <-s.none:
			close(s.asked)
			return 0, errBroken
		default:
		}
	}
	return s.Reader.Read(p)
}

// TestUndecided: what could not be decided while a batch was being stored is decided after it, also when that failed.
func TestUndecided(t *testing.T) {
	for name, end := range map[string]func(func() error) error{"stored": stored, "failed": func(func() error) error { return errBroken }} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			o := w.live()
			salts := &scarce{Reader: o.Source.Random, none: make(chan struct{}, 1), asked: make(chan struct{})}
			o.Source.Random = salts
			g, submit := gated(t, w, o)
			donation := cmd("receive_donation", donate)
			first, second := g.hold(), g.hold()
			list := submit(donation)
			<-first.came
			list = append(list, submit(slices.Repeat([]string{donation}, 16)...)...) // so many that another goroutine stores them
			first.do <- stored
			<-second.came
			salts.none <- struct{}{}
			after := submit(donation, strings.Replace(donation, `{`, `{"remark":"lần này",`, 1), donation)
			<-salts.asked
			second.do <- end
			for i, r := range list {
				if _, err := await(t, r); (err != nil) != (i > 0 && name == "failed") {
					t.Errorf("command %d: %v", i, err)
				}
			}
			for i, r := range after {
				if a, err := await(t, r); err != nil || a.Refusal != nil || a.Repeat {
					t.Errorf("command %d after the batch: %+v, %v", i, a, err)
				}
			}
		})
	}
}

// TestRefusalStands: what was refused in a batch that turns out to be stored is not decided again, on what came after it.
func TestRefusalStands(t *testing.T) {
	w := newWorld(t)
	g, submit := gated(t, w, w.live())
	two := w.another()
	first, second := g.hold(), g.hold()
	donation := cmd("receive_donation", donate)
	list := submit(donation)
	<-first.came
	list = append(list, submit(strings.Replace(donation, "HB", "NEW", 1), donation)...)
	first.do <- stored
	<-second.came
	second.do <- func(store func() error) error {
		if err := store(); err != nil {
			return err
		}
		accept(t, two, cmd("open_fund", `{"code":"NEW","unit":"X","name":"Quỹ"}`))
		return fmt.Errorf("no answer: %w", eventstore.ErrOutcomeUnknown)
	}
	for i, r := range list {
		if a, err := await(t, r); err != nil || (a.Refusal != nil) != (i == 1) {
			t.Errorf("command %d: %+v, %v", i, a, err)
		}
	}
}
