//go:build unix

package torture_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/cluster"
	"github.com/soquy/soquy/internal/ledger"
)

// writer opens the ledger for writing in the process of the test, as a server does for as long as it runs.
func (p program) writer(t *testing.T) *ledger.Ledger {
	t.Helper()
	w, err := app.New(p.env).Writer(t.Context(), cli.Target{DB: p.db}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return w.Ledger()
}

// request reads the command as a server would.
func (e *entry) request(t *testing.T) ledger.Request {
	t.Helper()
	var parser ledger.Parser
	req, err := parser.Parse(e.line)
	if err != nil {
		t.Fatalf("%s: %v", e.line, err)
	}
	return req
}

// took keeps the answer of a ledger in this process.
func (e *entry) took(a ledger.Answer) error {
	line := a.AppendJSON(nil, 0, func(*domain.Refusal) string { return "" })
	_, answer, _ := bytes.Cut(line, []byte(`,`))
	var refused *refusal
	if a.Refusal != nil {
		refused = &refusal{Code: string(a.Refusal.Code), Args: map[string]string{}}
		for _, arg := range a.Refusal.Args {
			refused.Args[arg.Name] = arg.Value
		}
	}
	return e.answered(answer, [2]int64{a.First, a.Last}, refused, time.Now())
}

// callers call a ledger in this process all at once. A call that fails is made again until there is an answer, with the same command, as
// whoever calls a server does.
type callers struct {
	t        *testing.T
	ledger   *ledger.Ledger
	ctx      context.Context // ends the calls of a test that failed
	calling  sync.WaitGroup
	answers  atomic.Int64
	failures atomic.Int64
	last     atomic.Pointer[error]
	answer   chan struct{} // has something in it after an answer
}

// call starts a caller for each source of commands. They stop when they get no more, and when the test ends.
func call(t *testing.T, l *ledger.Ledger, nexts ...func() *entry) *callers {
	ctx, cancel := context.WithCancel(t.Context())
	c := &callers{t: t, ledger: l, ctx: ctx, answer: make(chan struct{}, 1)}
	for _, next := range nexts {
		c.calling.Go(func() {
			for e := next(); e != nil; e = next() {
				if err := c.do(e); err != nil {
					if ctx.Err() == nil {
						t.Error(err)
					}
					return
				}
			}
		})
	}
	t.Cleanup(func() {
		cancel()
		c.calling.Wait()
	})
	return c
}

// do makes a call until it is answered.
func (c *callers) do(e *entry) error {
	req := e.request(c.t)
	defer e.settle()
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		e.send()
		a, err := c.ledger.Do(c.ctx, req)
		var integrity *ledger.IntegrityError
		switch {
		case c.ctx.Err() != nil:
			return c.ctx.Err()
		case errors.Is(err, ledger.ErrClosed) || errors.As(err, &integrity):
			return fmt.Errorf("the ledger does not recover: %w", err)
		case err != nil:
			c.failures.Add(1)
			c.last.Store(&err)
			time.Sleep(wait) // the server is away, and tells nobody when it is back
			continue
		}
		if err := e.took(a); err != nil {
			return err
		}
		c.answers.Add(1)
		select {
		case c.answer <- struct{}{}:
		default:
		}
		return nil
	}
}

// TestKilledServer kills PostgreSQL at random moments while a ledger in this process and a process of soquy write, and starts it again. The
// ledger goes on by itself: it is opened once for all rounds. So does the process, unless it was just starting.
func TestKilledServer(t *testing.T) {
	t.Parallel()
	const recovery = 10 * time.Second // from when the server lets clients in to the first answer
	server := cluster.Start(t, cluster.Options{})
	p := program{db: server.URL(), keys: t.TempDir(), lossy: true}
	r := p.prepare(t)
	var (
		g       gate
		nexts   []func() *entry
		over    atomic.Bool
		random  = rand.New(rand.NewPCG(seed, 3))
		slowest time.Duration
		there   int
		refused int // processes that could not start
	)
	for i := range 8 {
		c := r.client(i)
		next := g.through(c.next)
		nexts = append(nexts, func() *entry {
			if over.Load() {
				return nil
			}
			return next()
		})
	}
	c := call(t, p.writer(t), nexts...)
	// Each round kills, but for some more between them, which stop it.
	stops := []func(){func() { server.Stop(cluster.Immediate) }, func() { server.Stop(cluster.Fast) }}
	const perStop = 6
	all := rounds + rounds/(perStop-1)
	for round := range all {
		end := server.Kill
		if round%perStop == perStop-1 {
			end = stops[round/perStop%len(stops)]
		}
		other := r.client(100 + round)
		process := p.start(t, 32, other.next)
		if random.IntN(4) > 0 {
			<-process.first
		}
		time.Sleep(time.Duration(random.Int64N(int64(200 * time.Millisecond)))) // until a random moment
		recording := process.answers.Load() > 0
		end()
		select {
		case <-c.answer: // of before
		default:
		}
		server.Restart()
		back := time.Now()
		select {
		case <-c.answer:
		case <-time.After(recovery):
			t.Fatalf("the ledger in this process is not back %s after the server: %v (-torture.seed=%d)", recovery, *c.last.Load(), seed)
		}
		slowest = max(slowest, time.Since(back))
		process.end()
		switch exit := process.wait(t); {
		case exit == cli.ExitDone || exit == cli.ExitRefused:
		case exit == cli.ExitUnusable && !recording:
			refused++
		default:
			t.Errorf("record ended with exit code %d when the server was killed: %s", exit, process.stderr.String())
		}
		var sent []*entry
		g.shut(func() { // every call has its answer
			there += r.check(t, p)
			for _, e := range r.entries {
				if e.open {
					sent = append(sent, e)
				}
			}
			r.resend(t, p, sent)
		})
		progress(t, round+1, all)
		if t.Failed() {
			t.Fatalf("failed in round %d with -torture.seed=%d", round+1, seed)
		}
	}
	over.Store(true)
	c.calling.Wait()
	r.resend(t, p, r.entries)
	r.check(t, p)
	t.Logf("%d rounds: %d calls answered, %d failed and were made again; %d processes could not start, %d commands of theirs were there without an answer; first answer at most %s after the server was back",
		rounds, c.answers.Load(), c.failures.Load(), refused, there, slowest.Round(time.Millisecond))
}

// TestRestartedServer: a ledger that does nothing while the server is restarted works as soon as the server does.
func TestRestartedServer(t *testing.T) {
	t.Parallel()
	const soon = 3 // calls that may fail: one for each connection that was lost
	server := cluster.Start(t, cluster.Options{})
	p := program{db: server.URL(), keys: t.TempDir(), lossy: true}
	r := p.prepare(t)
	c := call(t, p.writer(t))
	one := r.client(1)
	for name, stop := range map[string]func(){
		"fast": func() { server.Stop(cluster.Fast) }, "immediate": func() { server.Stop(cluster.Immediate) }, "killed": server.Kill,
	} {
		if err := c.do(one.command(donation, 1, 1)); err != nil {
			t.Fatal(err)
		}
		stop()
		server.Restart()
		before := c.failures.Load()
		if err := c.do(one.command(donation, 2, 1)); err != nil {
			t.Fatal(err)
		}
		if n := c.failures.Load() - before; n > soon {
			t.Errorf("%s: %d calls failed after the server was back, the last with %v", name, n, *c.last.Load())
		}
	}
	r.check(t, p)
}
