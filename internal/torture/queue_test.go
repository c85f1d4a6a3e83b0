//go:build unix

package torture_test

import (
	"slices"
	"testing"
	"time"
)

// rate lets sessions run for a while and returns how many commands a second they were answered, all together.
func rate(sessions []*session, d time.Duration) float64 {
	for _, s := range sessions {
		<-s.first
	}
	count := func() (n int64) {
		for _, s := range sessions {
			n += s.answers.Load()
		}
		return n
	}
	begin, before := time.Now(), count()
	time.Sleep(d) // of load, which is not waited for but measured out
	return float64(count()-before) / time.Since(begin).Seconds()
}

// stop ends sessions and fails the test unless all end well.
func stop(t *testing.T, sessions []*session) {
	t.Helper()
	for _, s := range sessions {
		s.end()
	}
	for _, s := range sessions {
		s.succeeded(t)
	}
}

// waits returns how long each of the commands waited for its answer, the longest last.
func waits(entries []*entry) []time.Duration {
	var list []time.Duration
	for _, e := range entries {
		list = append(list, e.returned.Sub(e.called))
	}
	slices.Sort(list)
	return list
}

// TestFourWriters lets four processes write to one fund of one ledger. Nothing is lost, doubled or out of order, none of them starves,
// and the log says how fast they are beside one process with as many commands in flight.
func TestFourWriters(t *testing.T) {
	const (
		patience   = 2 * time.Second // that no command waits beyond the longest list
		recipients = 500             // of the longest list
		window     = 32              // commands of a process in flight
	)
	p := onPostgres(t)
	r := p.prepare(t)
	rich := r.client(9)
	p.start(t, 1, again([]*entry{rich.command(donation, 1_000_000_000, 1)})).succeeded(t)

	alone := rich.list(recipients)
	p.start(t, 1, again([]*entry{rich.command(donation, 1, 1), alone})).succeeded(t)
	longest := alone.returned.Sub(alone.called)

	d := during(3*time.Second, time.Minute)
	one := []*session{p.start(t, 4*window, r.client(8).next)}
	single := rate(one, d/2)
	stop(t, one)

	begin := len(r.entries)
	var four []*session
	for i := range 4 {
		c, n := r.client(i), 0
		four = append(four, p.start(t, window, func() *entry {
			if n++; i == 0 && n%2_000 == 20 {
				return c.list(recipients)
			}
			return c.next()
		}))
	}
	together := rate(four, d)
	var counts []int64
	for _, s := range four {
		counts = append(counts, s.answers.Load())
	}
	stop(t, four)
	r.check(t, p)

	list := waits(r.entries[begin:])
	worst, common := list[len(list)-1], list[len(list)/2]
	bound := patience + longest
	if !long {
		bound += 10 * common // on a machine that does other things, too, what all wait for is not starvation
	}
	if worst > bound {
		t.Errorf("a command waited %s, more than %s: the longest list takes %s alone, half of all wait less than %s", worst, bound, longest, common)
	}
	if least, most := slices.Min(counts), slices.Max(counts); least*10 < most {
		t.Errorf("one process starves: they were answered %d times", counts)
	}
	t.Logf("one process with %d in flight: %.0f commands/s; four with %d each: %.0f (%.2f of it), %d answers; waits: p50 %s, p99 %s, longest %s (a list of %d alone: %s)",
		4*window, single, window, together, together/single, counts, common, list[len(list)*99/100], worst, recipients, longest)
}
