//go:build unix

package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/ledger"
)

// patience is how long a writer may take for anything on a busy machine, faults of the network with their timeouts included.
const patience = 2 * time.Minute

// atLength reports whether the tests are run by hand, at length.
func atLength() bool { return os.Getenv("SOQUY_TORTURE") == "1" }

// during returns the short time, or at length the long one.
func during(short, long time.Duration) time.Duration {
	if atLength() {
		return long
	}
	return short
}

// A world is a ledger that is recorded in while faults happen, and the record of what its clients were told.
type world struct {
	t      *testing.T
	app    *app.App
	target cli.Target // how the writer reaches the database, perhaps through a fault
	direct cli.Target // how the checks reach it
	writer cli.Writer

	mu      sync.Mutex
	clients map[uuid.UUID]*client
}

// A client is what one command's sender knows.
type client struct {
	events   int            // that the command makes
	answer   *ledger.Answer // the first; nil: none yet
	unknown  bool           // the last try ended in an error that leaves open whether the command is stored
	rejected error          // the last try ended in an error that says that nothing is stored
}

// newWorld makes a ledger in the database that direct names, with one unit, one fund that has money, and one donor, and opens a writer
// through the database's other name.
func newWorld(t *testing.T, direct, through string) *world {
	t.Helper()
	keys := t.TempDir()
	env := func(name string) string { return map[string]string{"SOQUY_KEYS": keys}[name] }
	w := &world{
		t: t, app: app.New(env), direct: cli.Target{DB: direct}, target: cli.Target{DB: through}, clients: map[uuid.UUID]*client{},
	}
	_, err := w.app.Init(t.Context(), w.direct, cli.InitOptions{Origin: "example.org/soquy/faults", Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh"})
	if err != nil {
		t.Fatal(err)
	}
	w.open()
	t.Cleanup(w.close)
	w.accept(`"type":"register_unit","data":{"code":"X","level":"commune","name":"Xã"}`, 1)
	w.accept(`"type":"open_fund","data":{"code":"HB","unit":"X","name":"Quỹ"}`, 1)
	w.accept(`"type":"register_donor","data":{"code":"CTY","kind":"organisation","name":"Công ty"}`, 1)
	w.accept(`"type":"receive_donation","data":{"fund":"HB","donor":"CTY","lines":[{"asset":"cash","amount":"1000000000"}]}`, 1)
	return w
}

func (w *world) open() {
	w.t.Helper()
	var err error
	if w.writer, err = w.app.Writer(w.t.Context(), w.target, nil); err != nil {
		w.t.Fatalf("open the writer: %v", err)
	}
}

// close ends the writer. What that says is no matter: a database may be gone.
func (w *world) close() {
	if w.writer != nil {
		_ = w.writer.Close()
		w.writer = nil
	}
}

// What clients send: a donation, which is one event, and a list of awards that are paid, which is so many that they are copied.
const (
	donation   = `"type":"receive_donation","data":{"fund":"HB","donor":"CTY","lines":[{"asset":"cash","amount":"1000"}]}`
	recipients = 130
)

func list() string {
	b := []byte(`"type":"grant","data":{"kind":"merit_award","fund":"HB","asset":"cash","pay":true,"recipients":[`)
	for i := range recipients {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `{"collective":"Lớp %d","amount":"10"}`, i)
	}
	return string(append(b, `]}`...))
}

func newID() uuid.UUID { return uuid.Must(uuid.NewV7()) }

func request(t *testing.T, id uuid.UUID, body string) ledger.Request {
	t.Helper()
	var p ledger.Parser
	req, err := p.Parse(fmt.Appendf(nil, `{"id":%q,"effective_on":"2017-03-05",%s}`, id, body))
	if err != nil {
		t.Errorf("%s: %v", body, err)
	}
	return req
}

// try sends a command once and keeps what was answered.
func (w *world) try(ctx context.Context, id uuid.UUID, body string, events int) (ledger.Answer, error) {
	return w.tryWith(ctx, w.writer, id, body, events)
}

// tryWith is try with another writer.
func (w *world) tryWith(ctx context.Context, writer cli.Writer, id uuid.UUID, body string, events int) (ledger.Answer, error) {
	w.mu.Lock()
	c := w.clients[id]
	if c == nil {
		c = &client{events: events}
		w.clients[id] = c
	}
	c.unknown = true
	w.mu.Unlock()
	a, err := writer.Ledger().Do(ctx, request(w.t, id, body))
	w.mu.Lock()
	defer w.mu.Unlock()
	c.unknown, c.rejected = false, nil
	switch {
	case err == nil && a.Refusal != nil:
		c.rejected = a.Refusal
	case err == nil && c.answer == nil:
		c.answer = &a
	case err == nil:
		if a.First != c.answer.First || a.Last != c.answer.Last || !slices.Equal(a.Events, c.answer.Events) {
			w.t.Errorf("command %s was answered with %s, before with %s", id, a.String(), c.answer.String())
		}
	case errors.Is(err, eventstore.ErrOutcomeUnknown), ctx.Err() != nil: // or the caller went away before the answer
		c.unknown = true
	default:
		c.rejected = err
	}
	return a, err
}

// insist sends a command until it is answered, as a client does that must know.
func (w *world) insist(ctx context.Context, id uuid.UUID, body string, events int) (ledger.Answer, error) {
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		a, err := w.try(ctx, id, body, events)
		if err == nil && a.Refusal == nil {
			return a, nil
		}
		select {
		case <-ctx.Done():
			return a, errors.Join(err, ctx.Err())
		case <-time.After(pause):
		}
	}
}

// accept records a command at once: there is no fault now.
func (w *world) accept(body string, events int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if a, err := w.try(ctx, newID(), body, events); err != nil || a.Refusal != nil {
		w.t.Fatalf("%s: %v %v", body, a.Refusal, err)
	}
}

// recovers records a command with the same writer, which may need a few tries after a fault, and returns how long it took.
func (w *world) recovers() time.Duration {
	w.t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	if _, err := w.insist(ctx, newID(), donation, 1); err != nil {
		w.t.Fatalf("the writer does not recover: %v", err)
	}
	return time.Since(start)
}

// A load is a number of clients that record donations until they are stopped, each insisting on its answer.
type load struct {
	w        *world
	stopping chan struct{}
	clients  sync.WaitGroup
	answered atomic.Int64
	slowest  atomic.Int64 // nanoseconds
}

func (w *world) load(clients int) *load {
	l := &load{w: w, stopping: make(chan struct{})}
	for range clients {
		l.clients.Go(func() {
			for {
				select {
				case <-l.stopping:
					return
				default:
				}
				start := time.Now()
				ctx, cancel := context.WithTimeout(w.t.Context(), patience)
				_, err := w.insist(ctx, newID(), donation, 1)
				cancel()
				if err != nil {
					w.t.Errorf("a client is not answered: %v", err)
					return
				}
				l.answered.Add(1)
				for took, was := int64(time.Since(start)), l.slowest.Load(); took > was && !l.slowest.CompareAndSwap(was, took); was = l.slowest.Load() {
				}
			}
		})
	}
	return l
}

// more waits until the clients have n more answers.
func (l *load) more(n int64) {
	l.w.t.Helper()
	at := l.answered.Load() + n
	await(l.w.t, fmt.Sprintf("%d answers", n), func() bool { return l.answered.Load() >= at })
}

// stop waits until each client has its last answer.
func (l *load) stop() {
	close(l.stopping)
	l.clients.Wait()
}

// await asks until the answer is yes.
func await(t *testing.T, what string, yes func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !yes(); {
		if t.Failed() || time.Now().After(deadline) {
			t.Fatalf("no %s within %s", what, patience)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// check verifies the ledger and compares it with the record: what was answered is there as it was answered, what was not is wholly
// there or not at all, and what is known not to be stored is not there.
func (w *world) check() {
	w.t.Helper()
	w.verify(w.direct)
	w.compare(w.direct)
}

func (w *world) verify(target cli.Target) cli.Verification {
	w.t.Helper()
	v, err := w.app.Verify(w.t.Context(), target, nil)
	if err != nil {
		w.t.Fatalf("verify: %v", err)
	}
	if !v.OK {
		w.t.Fatalf("verify: %+v", v.Failures)
	}
	return v
}

// stored is a command as the log has it.
type stored struct {
	first  int64
	events []uuid.UUID
}

// log reads the log, by command.
func (w *world) log(target cli.Target) map[uuid.UUID]*stored {
	w.t.Helper()
	r, err := w.app.Reader(w.t.Context(), target)
	if err != nil {
		w.t.Fatalf("read the log: %v", err)
	}
	defer r.Close()
	all := map[uuid.UUID]*stored{}
	n := int64(0)
	err = r.Events(w.t.Context(), 1, "", func(line []byte) error {
		var e struct {
			Position    int64
			ID, Command uuid.UUID
		}
		if err := json.Unmarshal(line, &e); err != nil {
			return err
		}
		if n++; e.Position != n {
			return fmt.Errorf("position %d follows %d", e.Position, n-1)
		}
		if n == 1 {
			return nil // ledger.opened is no command's
		}
		s := all[e.Command]
		if s == nil {
			s = &stored{first: n}
			all[e.Command] = s
		}
		if s.first+int64(len(s.events)) != n {
			w.t.Errorf("command %s is at %d and again at %d", e.Command, s.first, n)
		}
		s.events = append(s.events, e.ID)
		return nil
	})
	if err != nil {
		w.t.Fatalf("read the log: %v", err)
	}
	return all
}

func (w *world) compare(target cli.Target) {
	w.t.Helper()
	all := w.log(target)
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, c := range w.clients {
		s := all[id]
		delete(all, id)
		switch {
		case c.answer != nil && s == nil:
			w.t.Errorf("command %s was answered with %s and is lost", id, c.answer.String())
		case c.answer != nil && (s.first != c.answer.First || !slices.Equal(s.events, c.answer.Events)):
			w.t.Errorf("command %s is at %d, its answer was %s", id, s.first, c.answer.String())
		case c.answer != nil || s == nil:
		case len(s.events) != c.events:
			w.t.Errorf("of command %s %d of %d events are there", id, len(s.events), c.events)
		case c.rejected != nil:
			w.t.Errorf("command %s is stored, and was answered: %v", id, c.rejected)
		}
	}
	for id, s := range all {
		w.t.Errorf("command %s at %d is nobody's", id, s.first)
	}
}

// failure returns the code of what a user is told about an error, "" where there is none.
func (w *world) failure(err error) string {
	if err == nil {
		return ""
	}
	if f := w.app.Explain(err); f != nil {
		return f.Code
	}
	return ""
}
