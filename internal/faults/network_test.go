//go:build unix

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/cluster"
	"github.com/soquy/soquy/internal/ledger"
)

// proxied is a world whose writer reaches the cluster through a proxy of its own.
type proxied struct {
	*world
	proxy *proxy
	conn  *pgx.Conn // past the proxy
}

// newProxied makes a ledger in a database of its own on the cluster.
func newProxied(t *testing.T, c *cluster.Cluster) *proxied {
	t.Helper()
	p := newProxy(t, c.Address())
	name := "d" + strings.ReplaceAll(newID().String(), "-", "")
	admin, err := pgx.Connect(t.Context(), c.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(t.Context())
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatal(err)
	}
	in := func(url string) string { return strings.Replace(url, "/postgres?", "/"+name+"?", 1) }
	conn, err := pgx.Connect(t.Context(), in(c.URL()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	return &proxied{newWorld(t, in(c.URL()), in(c.URLThrough(p.address()))), p, conn}
}

// TestNetwork has one cluster for all faults of the network, which the server hardly notices.
func TestNetwork(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, cluster.Options{})
	for _, test := range []struct {
		name string
		run  func(*testing.T, *cluster.Cluster)
	}{
		{"silent", silent},
		{"cut at each message", cutAtEachMessage},
		{"commit cut", commitCut},
		{"outcome stays unknown", outcomeStaysUnknown},
		{"slow", slow},
		{"broken under load", brokenUnderLoad},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, c)
		})
	}
}

// ask asks the server for a number.
func (p *proxied) ask(query string, args ...any) (n int64) {
	p.t.Helper()
	if err := p.conn.QueryRow(context.WithoutCancel(p.t.Context()), query, args...).Scan(&n); err != nil {
		p.t.Errorf("%s: %v", query, err)
	}
	return n
}

// position is where the ledger ends, as the server knows it.
func (p *proxied) position() int64 { return p.ask(`SELECT head_position FROM soquy.ledgers`) }

// cutAtEachMessage breaks the connection at each single message of an append, in both directions: at each step before the COMMIT,
// at the COMMIT that never reaches the server, and at its answer that never reaches the writer. One append is small and goes in arrays,
// one is a list that is copied.
func cutAtEachMessage(t *testing.T, c *cluster.Cluster) {
	p := newProxied(t, c)
	for _, test := range []struct {
		name, body string
		events     int
		fresh      bool // the writer has no connection when the command comes
		stride     int  // every how manieth message, unless at length
	}{
		{"donation", donation, 1, false, 1},
		{"list", list(), 2 * recipients, false, 3},
		{"new connection", donation, 1, true, 8},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, to := range []direction{toServer, toClient} {
				seen := map[string]int{}
				stride := test.stride
				if atLength() {
					stride = 1
				}
				n := 1
				for ; ; n += stride {
					how := []breakage{finish, reset}[n/stride%2]
					if !p.cut(t, test.body, test.events, test.fresh, nth(to, n), how, seen) {
						break
					}
				}
				p.check()
				t.Logf("%s: %d messages, cut at one in %d: %v", [...]string{"to the server", "to the client"}[to], n-1, stride, seen)
				if stride > 1 {
					continue
				}
				for _, step := range []string{"begin", "select coalesce((select origin", "insert into events", "insert into subject_runs", "insert into commands", "update ledgers", "commit"} {
					if !slices.ContainsFunc(keys(seen), func(s string) bool {
						return strings.HasPrefix(s, step) || strings.HasPrefix(s, strings.Replace(step, "insert into", "copy", 1))
					}) {
						t.Errorf("no connection was cut at %q", step)
					}
				}
			}
		})
	}
}

func keys(m map[string]int) []string {
	var list []string
	for k := range m {
		list = append(list, k)
	}
	return list
}

// cut records a command with a fault, and then another without. It reports whether the fault happened.
func (p *proxied) cut(t *testing.T, body string, events int, fresh bool, when func(*message) bool, how breakage, seen map[string]int) bool {
	t.Helper()
	if fresh {
		p.proxy.breakAll(finish)
	}
	f := p.proxy.arm(&fault{when: when, how: how})
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	id := newID()
	a, err := p.try(ctx, id, body, events)
	for fresh && err != nil && len(f.fired) == 0 {
		a, err = p.try(ctx, id, body, events) // it was on a connection that is broken, but not by this fault
	}
	p.proxy.arm(nil)
	select {
	case m := <-f.fired:
		words := strings.ToLower(strings.Join(strings.Fields(m.sql), " "))
		seen[fmt.Sprintf("%.34s", words)]++
		stored := p.ask(`SELECT count(*) FROM soquy.commands WHERE command_id = $1`, id) > 0
		switch {
		case err == nil && (a.Refusal != nil || !stored):
			t.Errorf("cut at %v: answered with %s, stored: %t", m, a.String(), stored)
		case err != nil && errors.Is(err, eventstore.ErrOutcomeUnknown):
			t.Errorf("cut at %v: the writer could find the outcome out, and says %v", m, err)
		case err != nil && stored:
			t.Errorf("cut at %v: stored, and answered with %v", m, err)
		}
		p.recovers()
		if _, err := p.insist(ctx, id, body, events); err != nil {
			t.Errorf("cut at %v: sent again: %v", m, err)
		}
		return true
	default:
		if err != nil {
			t.Fatalf("without a fault: %v", err)
		}
		return false
	}
}

// commitCut is both outcomes of a COMMIT whose answer does not come, with each way to break: the server had committed, or it had
// not. The caller is told what is so, and is told once.
func commitCut(t *testing.T, c *cluster.Cluster) {
	p := newProxied(t, c)
	for _, how := range []breakage{finish, reset} {
		for _, test := range []struct {
			name      string
			when      func(*message) bool
			committed bool
		}{
			{"before the server has it", about(toServer, "QB", "commit"), false},
			{"after the server did it", about(toClient, "C", "commit"), true},
		} {
			t.Run(how.String()+" "+test.name, func(t *testing.T) {
				before, at := p.position(), int64(0)
				f := p.proxy.arm(&fault{when: test.when, how: how, then: func() { at = p.position() }})
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				a, err := p.try(ctx, newID(), donation, 1)
				if err != nil || a.Refusal != nil {
					t.Fatalf("answered with %v %v", a.Refusal, err)
				}
				select {
				case <-f.fired:
				default:
					t.Fatal("the connection was not cut")
				}
				if (at != before) != test.committed {
					t.Errorf("before the command the ledger ended at %d, when the connection broke at %d", before, at)
				}
				if test.committed != a.Repeat {
					t.Errorf("answered as a repeat: %t", a.Repeat)
				}
				p.recovers()
				p.check()
			})
		}
	}
}

// silent is a connection that stays open while nothing comes any more, as when a cable is pulled or a firewall forgets: at a step
// before the COMMIT, at the COMMIT, and at its answer. The writer gives the connection up and goes on.
func silent(t *testing.T, c *cluster.Cluster) {
	for _, test := range []struct {
		name string
		when func(*message) bool
		long bool // at length only
	}{
		{"at the lock", about(toServer, "BQ", "select coalesce((select origin"), false},
		{"at the swap's answer", about(toClient, "C", "update ledgers"), true},
		{"behind the swap", about(toServer, "S", ""), false},
		{"at the startup of a connection", about(toServer, "\x00", ""), false},
		{"at the COMMIT", about(toServer, "QB", "commit"), true},
		{"at the COMMIT's answer", about(toClient, "C", "commit"), true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if test.long && !atLength() {
				t.Skip("waits for timeouts: runs with SOQUY_TORTURE=1")
			}
			p := newProxied(t, c)
			if strings.Contains(test.name, "startup") {
				p.proxy.breakAll(finish)
			}
			other, err := p.app.Writer(t.Context(), p.direct, nil)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close()
			fell := make(chan struct{})
			f := p.proxy.arm(&fault{when: test.when, how: silence, then: func() { close(fell) }})
			// Others, whose connections are sound, have the ledger again in time.
			free := make(chan time.Duration, 1)
			go func() {
				defer close(free)
				<-fell
				begin := time.Now()
				if a, err := p.tryWith(t.Context(), other, newID(), donation, 1); err != nil || a.Refusal != nil {
					t.Errorf("another writer: %v %v", a.Refusal, err)
				}
				free <- time.Since(begin)
			}()
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			start := time.Now()
			_, err = p.try(ctx, newID(), donation, 1)
			for len(f.fired) == 0 && err != nil && ctx.Err() == nil {
				start = time.Now()
				_, err = p.try(ctx, newID(), donation, 1) // on a connection that was closed before
			}
			took := time.Since(start)
			select {
			case <-f.fired:
			default:
				t.Fatal("the connection did not fall silent")
			}
			if ctx.Err() != nil {
				p.proxy.breakAll(reset) // or the writer, and the end of the test, wait for ever
				t.Fatalf("no answer within %s", took)
			}
			again := p.recovers()
			t.Logf("answered after %s (%q: %v), the next command %s later", took.Round(time.Millisecond), p.failure(err), err, again.Round(time.Millisecond))
			waited := <-free
			t.Logf("another writer was answered after %s", waited.Round(time.Millisecond))
			if waited > 10*time.Second {
				t.Errorf("another writer waited %s for the ledger", waited)
			}
			if limit := time.Minute; took > limit || again > limit {
				t.Errorf("the writer waited longer than %s for a silent connection", limit)
			}
			p.check()
		})
	}
}

// slow: each message takes its time. Everything is answered.
func slow(t *testing.T, c *cluster.Cluster) {
	p := newProxied(t, c)
	p.proxy.delay.Store(int64(2 * time.Millisecond))
	l := p.load(16)
	l.more(64)
	l.stop()
	p.proxy.delay.Store(0)
	p.recovers()
	p.check()
}

// brokenUnderLoad breaks all connections again and again while clients record.
func brokenUnderLoad(t *testing.T, c *cluster.Cluster) {
	p := newProxied(t, c)
	l := p.load(16)
	rounds := 0
	for end := time.Now().Add(during(4*time.Second, 2*time.Minute)); time.Now().Before(end); rounds++ {
		l.more(20)
		p.proxy.breakAll([]breakage{finish, reset}[rounds%2])
	}
	l.more(20)
	l.stop()
	p.recovers()
	p.check()
	t.Logf("%d rounds, %d answers, the slowest after %s", rounds, l.answered.Load(), time.Duration(l.slowest.Load()).Round(time.Millisecond))
}

// outcomeStaysUnknown: the server commits and dies before it says so, and does not come back for a while. Whoever is answered with an
// error meanwhile is told that the outcome is not known, and nobody is told that nothing was stored. A command sent without an ID could
// not be asked for again; it is answered, or its sender is told the same.
func outcomeStaysUnknown(t *testing.T, c *cluster.Cluster) {
	for _, test := range []struct {
		name string
		id   uuid.UUID
	}{{"with an ID", newID()}, {"without", uuid.Nil}} {
		t.Run(test.name, func(t *testing.T) {
			p := newProxied(t, c)
			req := request(t, newID(), donation)
			req.ID = test.id
			at := p.position()
			p.proxy.arm(&fault{when: about(toClient, "C", "commit"), how: reset, then: func() { p.proxy.refuse.Store(true) }})
			type answer struct {
				ledger.Answer
				err error
			}
			done := make(chan answer, 1)
			go func() {
				a, err := p.writer.Ledger().Do(t.Context(), req)
				done <- answer{a, err}
			}()
			await(t, "commit", func() bool { return p.position() == at+1 && p.proxy.refuse.Load() })
			select {
			case a := <-done:
				if !errors.Is(a.err, eventstore.ErrOutcomeUnknown) {
					t.Errorf("answered with %v while nobody could know", a.err)
				}
				p.proxy.refuse.Store(false)
			case <-time.After(during(2*time.Second, 20*time.Second)):
				p.proxy.refuse.Store(false)
				if a := <-done; a.err == nil && a.First != at+1 {
					t.Errorf("answered with %s, it is at %d", a.String(), at+1)
				} else if a.err != nil && !errors.Is(a.err, eventstore.ErrOutcomeUnknown) {
					t.Errorf("answered with %v, it is stored", a.err)
				}
			}
			p.recovers()
			if got := p.position(); got != at+2 {
				t.Errorf("the ledger ends at %d after two commands, want %d", got, at+2)
			}
			p.verify(p.direct)
		})
	}
}
