//go:build unix

package torture_test

import (
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// TestSilentWriter stops a process that holds the ledger in the middle of an append, so that its connection is there and says nothing. The
// ledger is free again in time for others, and the process, once it wakes, does nothing wrong.
func TestSilentWriter(t *testing.T) {
	const free = 10 * time.Second
	for name, silence := range map[string]struct {
		where string // of pg_stat_activity, which says that the server waits for the client
		next  func(c *client) *entry
	}{
		"in the transaction": {`state = 'idle in transaction'`, (*client).next},
		"in a COPY":          {`state = 'active' AND wait_event = 'ClientRead'`, func(c *client) *entry { return c.list(1_000) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := onPostgres(t)
			p.lossy = true
			r := p.prepare(t)
			rich := r.client(9)
			p.start(t, 1, again([]*entry{rich.command(donation, 1_000_000_000, 1)})).succeeded(t)
			super := p.connect(t)
			other, commands := r.client(2), make(chan *entry)
			next := p.start(t, 1, func() *entry { return <-commands })
			commands <- other.command(donation, 1, 1) // it is open, and waits for nothing but the ledger
			<-next.first
			c := r.client(1)
			silent := p.start(t, 8, func() *entry { return silence.next(c) })
			<-silent.first
			random := rand.New(rand.NewPCG(seed, 4))
			begin := time.Now()
			for caught := false; !caught; {
				if time.Since(begin) > time.Minute {
					t.Fatal("the process was never caught in the middle of an append")
				}
				time.Sleep(time.Duration(random.Int64N(int64(30 * time.Millisecond)))) // until a random moment
				silent.signal(t, syscall.SIGSTOP)
				if caught = waitsForClient(t, super, silence.where); !caught {
					silent.signal(t, syscall.SIGCONT)
				}
			}
			asked := other.command(donation, 1, 1)
			commands <- asked
			close(commands)
			next.succeeded(t)
			took := asked.returned.Sub(asked.called)
			if !asked.accepted() || took > free {
				t.Errorf("the ledger is not free: after %s another process was answered %s", took.Round(time.Millisecond), asked.answer)
			}
			silent.signal(t, syscall.SIGCONT)
			silent.end()
			exit := silent.wait(t)
			there := r.check(t, p)
			r.resend(t, p, r.entries)
			r.check(t, p)
			t.Logf("another process was answered after %s; the one that was silent ended with exit code %d, %d of its commands were there without an answer",
				took.Round(time.Millisecond), exit, there)
		})
	}
}

// waitsForClient reports whether the server, when it has done what it was told, waits for the client in the middle of an append.
func waitsForClient(t *testing.T, conn *pgx.Conn, where string) bool {
	t.Helper()
	const writers = `datname = current_database() AND application_name = 'soquy' AND pid <> pg_backend_pid()`
	for deadline := time.Now().Add(time.Second); time.Now().Before(deadline); {
		var busy, caught int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE state = 'active' AND wait_event IS DISTINCT FROM 'ClientRead'),
			count(*) FILTER (WHERE backend_xid IS NOT NULL AND `+where+`) FROM pg_stat_activity WHERE `+writers).Scan(&busy, &caught)
		if err != nil {
			t.Fatal(err)
		}
		if busy == 0 {
			return caught > 0
		}
	}
	return false
}
