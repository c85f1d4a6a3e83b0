//go:build unix

package faults_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/cluster"
)

// TestRestartedUnderLoad restarts the server in each way while clients record. The writer goes on without being opened again.
func TestRestartedUnderLoad(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, cluster.Options{})
	w := newWorld(t, c.URL(), c.URL())
	rounds := 1
	if atLength() {
		rounds = 20
	}
	for range rounds {
		for name, end := range map[string]func(){
			"stopped fast": func() { c.Stop(cluster.Fast) }, "stopped at once": func() { c.Stop(cluster.Immediate) }, "killed": c.Kill,
		} {
			l := w.load(8)
			l.more(100)
			end()
			c.Restart()
			start := time.Now()
			l.more(100)
			t.Logf("%s: 100 more answers within %s of the start", name, time.Since(start).Round(time.Millisecond))
			l.stop()
			w.check()
		}
	}
}

// pair is a primary and a synchronous standby, and a ledger that is recorded in through the names of both.
type pair struct {
	*world
	primary, standby *cluster.Cluster
}

func newPair(t *testing.T) *pair {
	t.Helper()
	primary := cluster.Start(t, cluster.Options{})
	standby := primary.Standby("second", cluster.Options{})
	w := newWorld(t, primary.URL(), primary.URLThrough(primary.Address(), standby.Address()))
	primary.WaitCaughtUp(standby)
	primary.Synchronous("second")
	return &pair{w, primary, standby}
}

// TestFailover kills the primary under load and promotes the standby. All that was answered is there, and the same writer goes on.
func TestFailover(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	l := p.load(8)
	l.more(200)
	p.primary.Kill()
	p.standby.Promote()
	start := time.Now()
	l.more(200)
	t.Logf("200 more answers within %s of the promotion, the slowest after %s", time.Since(start).Round(time.Millisecond), time.Duration(l.slowest.Load()).Round(time.Millisecond))
	l.stop()
	p.direct = cli.Target{DB: p.standby.URL()}
	p.check()

	// The old primary comes back and believes that it is one still. It has less than what was last seen committed, so nothing is
	// recorded in it.
	p.close()
	p.primary.Restart()
	w, err := p.app.Writer(t.Context(), cli.Target{DB: p.primary.URL()}, nil)
	if p.failure(err) != "ledger.rolled_back" {
		t.Errorf("record in the old primary: %q: %v", p.failure(err), err)
	}
	if err == nil {
		_ = w.Close()
	}
}

// waiting returns the sessions of the primary that wait for the standby.
const waiting = `FROM pg_stat_activity WHERE application_name = 'soquy' AND wait_event = 'SyncRep'`

// TestReplicationNotWaitedFor: somebody cancels the wait for the standby. The server then commits with a warning, and the event is on
// one disk only, so it is not answered before the standby has it; were the primary lost, an answer would be, too.
func TestReplicationNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := newPair(t)
	admin, err := pgx.Connect(t.Context(), p.primary.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close(context.WithoutCancel(t.Context()))
	cancelled := func() bool {
		var n int
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE pg_cancel_backend(pid)) `+waiting).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n > 0
	}
	p.standby.Stop(cluster.Fast)
	id := newID()
	done := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		_, err := p.insist(ctx, id, donation, 1)
		done <- err
	}()
	await(t, "commit that waits for the standby", cancelled)
	// It is there, for all to see on the primary, and must not be answered.
	await(t, "event on the primary", func() bool {
		var n int
		if err := admin.QueryRow(t.Context(), `SELECT count(*) FROM soquy.commands WHERE command_id = $1`, id).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n == 1
	})
	early := false
	quiet := time.After(during(2*time.Second, 20*time.Second))
	for waited := false; !waited && !early; {
		select {
		case err := <-done:
			t.Errorf("answered (error: %v) while only the primary has the event", err)
			early = true
		case <-quiet:
			waited = true
		case <-time.After(100 * time.Millisecond):
			cancelled() // again and again: each wait is cancelled
		}
	}
	if early {
		p.primary.Kill()
		p.standby.Restart()
		p.standby.Promote()
		p.compare(cli.Target{DB: p.standby.URL()}) // says what was lost
		return
	}
	p.standby.Restart()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	p.check()
	p.primary.Kill()
	p.standby.Promote()
	p.direct = cli.Target{DB: p.standby.URL()}
	p.recovers()
	p.check()
}
