//go:build unix

package torture_test

import (
	"math/rand/v2"
	"testing"
	"time"
)

// fresh is for how many rounds one ledger is used: verify reads all of it after each.
const fresh = 25

// TestKilledProcess kills soquy with SIGKILL at random moments while it records, and looks at what is left. On PostgreSQL others
// write to the same ledger meanwhile, and must not notice.
func TestKilledProcess(t *testing.T) {
	for name, open := range on() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 1))
			others := 0
			if name == "postgres" {
				others = 2
			}
			var (
				p                                  program
				r                                  *record
				answered, unanswered, there, early int
			)
			for round := range rounds {
				if round%fresh == 0 {
					p = open(t)
					r = p.prepare(t)
				}
				before := len(r.entries)
				victim := p.start(t, 64, r.client(3*round).next)
				var rest []*session
				for i := range others {
					rest = append(rest, p.start(t, 16, r.client(3*round+1+i).next))
				}
				// The moment is random: one in four before, or soon after, the first answer, the others under load.
				if random.IntN(4) > 0 {
					<-victim.first
				}
				time.Sleep(time.Duration(random.Int64N(int64(200 * time.Millisecond))))
				victim.kill(t)
				for _, s := range rest {
					s.end()
					s.succeeded(t)
				}
				there += r.check(t, p)
				sent := r.entries[before:]
				for _, e := range sent {
					if e.answer == nil {
						unanswered++
					} else {
						answered++
					}
				}
				if victim.answers.Load() == 0 {
					early++
				}
				r.resend(t, p, sent)
				progress(t, round+1, rounds)
				if t.Failed() {
					t.Fatalf("failed in round %d with -torture.seed=%d", round+1, seed)
				}
				if round%fresh == fresh-1 || round == rounds-1 {
					r.resend(t, p, r.entries)
					r.check(t, p)
				}
			}
			t.Logf("%d rounds: %d commands answered, %d not, of which %d were there all the same; %d processes were killed before their first answer",
				rounds, answered, unanswered, there, early)
		})
	}
}
