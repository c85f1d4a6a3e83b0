//go:build unix

package torture_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
)

// hold takes the ledger as another writer does, and returns what gives it back.
func (p program) hold(t *testing.T) (release func()) {
	t.Helper()
	if strings.HasPrefix(p.db, "postgres") {
		tx, err := p.connect(t).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), `SELECT FROM soquy.ledgers FOR UPDATE`); err != nil {
			t.Fatal(err)
		}
		return sync.OnceFunc(func() { rollback(t, tx) })
	}
	db, err := sql.Open("sqlite", p.db)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() {
		if _, err := conn.ExecContext(context.Background(), `ROLLBACK`); err != nil {
			t.Error(err)
		}
		_ = conn.Close()
		_ = db.Close()
	})
	t.Cleanup(release)
	return release
}

func rollback(t *testing.T, tx pgx.Tx) {
	t.Helper()
	if err := tx.Rollback(context.Background()); err != nil {
		t.Error(err)
	}
}

// memory is how many bytes are in use after a collection, of those the stacks apart.
func memory() (heap, stacks int64) {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc), int64(m.StackInuse)
}

// TestOverload: with 10,000 callers that wait, memory is bounded, and a caller who does not wait is refused at once.
func TestOverload(t *testing.T) {
	const (
		waiting = 10_000
		more    = 20_000
		most    = 32 << 20 // bytes of heap for those who wait
		stack   = 16 << 10 // bytes of stack for each of them
		growth  = 4 << 20  // for those who were refused
		atOnce  = 100 * time.Millisecond
		settled = 500 * time.Millisecond
	)
	for name, open := range on() {
		t.Run(name, func(t *testing.T) {
			p := open(t)
			r := p.prepare(t)
			l := p.writer(t)
			c := r.client(1)
			entries := make([]*entry, waiting)
			requests := make([]ledger.Request, waiting)
			for i := range entries {
				entries[i] = c.command(donation, 1, 1)
				requests[i] = entries[i].request(t)
			}
			extra := c.command(donation, 1, 1).request(t)
			release := p.hold(t)
			heap, stacks := memory()
			var callers sync.WaitGroup
			for i, e := range entries {
				callers.Go(func() {
					e.send()
					a, err := l.Do(t.Context(), requests[i])
					if err != nil {
						t.Error(err)
						return
					}
					if err := e.took(a); err != nil {
						t.Error(err)
					}
				})
			}
			// The writer has at most a batch and one command that did not fit; the queue is full when it is refused in spite of that.
			full := func() bool {
				begin := time.Now()
				receipt, err := l.TrySubmit(extra, 0)
				if err != nil {
					t.Fatal(err)
				}
				if !receipt.Ready() {
					return false // it waits, as a repeat of itself
				}
				a, err := receipt.Wait(t.Context())
				if err != nil || a.Refusal == nil || a.Refusal.Code != domain.QueueFull {
					t.Fatalf("the queue answers %v, %v", a.Refusal, err)
				}
				return time.Since(begin) < atOnce
			}
			// It is full for a moment, too, while the writer looks commands up that it has room for.
			for since := time.Now(); time.Since(since) < settled; runtime.Gosched() {
				if !full() {
					since = time.Now()
				}
			}
			waitingHeap, waitingStacks := memory()
			grown, grownStacks := waitingHeap-heap, waitingStacks-stacks
			slow := 0
			for range more {
				if !full() {
					slow++
				}
			}
			if slow > more/1_000 {
				t.Errorf("%d of %d were not refused at once", slow, more)
			}
			// So is one that is too large beside what waits, though the queue may have places.
			receipt, err := l.TrySubmit(extra, ledger.MaxQueueBytes)
			if err != nil || !receipt.Ready() {
				t.Fatalf("a command of %d bytes waits, %v", ledger.MaxQueueBytes, err)
			}
			if a, err := receipt.Wait(t.Context()); err != nil || a.Refusal == nil || a.Refusal.Code != domain.QueueFull || a.Refusal.Args[0].Value != fmt.Sprint(ledger.MaxQueueBytes) {
				t.Errorf("a command of %d bytes: %v, %v", ledger.MaxQueueBytes, a.Refusal, err)
			}
			stillHeap, _ := memory()
			still := stillHeap - heap
			release()
			callers.Wait()
			for _, e := range entries {
				if !e.accepted() {
					t.Fatalf("command %s of a caller who waited: %s", e.id, e.answer)
				}
			}
			r.entries[len(r.entries)-1].open = true // some of those that did not wait found a place
			r.check(t, p)
			t.Logf("%d callers wait in %.1f MB and %.1f MB of stacks; after %d refusals it is %.1f MB", waiting, float64(grown)/1e6, float64(grownStacks)/1e6, more, float64(still)/1e6)
			if grown > most || grownStacks > waiting*stack {
				t.Errorf("%d callers take %d bytes and %d of stacks", waiting, grown, grownStacks)
			}
			if still > grown+growth {
				t.Errorf("memory grows from %d to %d bytes with those who were refused", grown, still)
			}
		})
	}
}

// TestSecondWriter: on SQLite, while one process writes, a second waits its turn or is told so, and readers always read.
func TestSecondWriter(t *testing.T) {
	t.Run("waits", func(t *testing.T) {
		t.Parallel()
		p := onSQLite(t)
		r := p.prepare(t)
		release := p.hold(t)
		reads(t, p)
		c := r.client(1)
		c.spend, c.lists = 0, 0 // an expense of the empty fund would be refused, which needs no lock
		second := p.start(t, 1, c.atMost(1))
		held := time.Now().Add(time.Second) // at least: the timer starts later
		time.AfterFunc(time.Second, release)
		second.succeeded(t)
		if e := r.entries[0]; !e.accepted() || e.returned.Before(held) {
			t.Errorf("%s before the lock was given back: %s", held.Sub(e.returned), e.answer)
		}
		r.check(t, p)
	})
	t.Run("is told", func(t *testing.T) {
		t.Parallel()
		p := onSQLite(t)
		r := p.prepare(t)
		first := p.start(t, 1, r.client(1).atMost(1)) // it has opened the ledger
		first.succeeded(t)
		release := p.hold(t)
		e := r.client(2).command(donation, 1, 1)
		exit, stdout, stderr := p.try(t, string(e.line), "record", "-")
		reads(t, p)
		if all := stdout + stderr; exit == 0 || !strings.Contains(all, "ledger.locked") && !strings.Contains(all, "Another process") {
			t.Errorf("exit code %d: %s%s", exit, stdout, stderr)
		}
		t.Logf("exit code %d: %s%s", exit, stdout, stderr)
		release()
		r.resend(t, p, []*entry{e})
		r.check(t, p)
	})
	t.Run("takes turns", func(t *testing.T) {
		t.Parallel()
		p := onSQLite(t)
		r := p.prepare(t)
		var sessions []*session
		for i := range 3 {
			c := r.client(i)
			c.spend, c.lists = 0, 0
			sessions = append(sessions, p.start(t, 16, c.atMost(300)))
		}
		for range 5 {
			reads(t, p)
		}
		for _, s := range sessions {
			s.succeeded(t)
		}
		for _, e := range r.entries {
			if !e.accepted() {
				t.Fatalf("command %s: %s", e.id, e.answer)
			}
		}
		r.check(t, p)
	})
}

// reads fails the test unless the ledger can be read.
func reads(t *testing.T, p program) {
	t.Helper()
	var balance struct{ Position int64 }
	if err := json.Unmarshal([]byte(p.run(t, "", "balance", "--json")), &balance); err != nil || balance.Position < setupEvents {
		t.Errorf("balance at %d: %v", balance.Position, err)
	}
	p.run(t, "", "verify")
}
