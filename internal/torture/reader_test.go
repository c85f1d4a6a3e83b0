//go:build unix

package torture_test

import (
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/projections"
)

// TestLongReader holds one state of a ledger open for a long time beside a writer, to one fund and to a thousand. Its rate is compared with that of
// a ledger that nobody reads, in turn, so that what else happens on the machine and the growth of the log touch both.
func TestLongReader(t *testing.T) {
	window, keeps := 300*time.Millisecond, 0.25 // of the rate, against what it was before the reader came: short windows are noisy
	callers := 64
	if long {
		window, keeps = 5*time.Second, 0.7
		callers = 16 // whose record of ten minutes has room in memory
	}
	for name, open := range on() {
		for _, funds := range []int{0, 1_000} {
			t.Run(fmt.Sprintf("%s/%d", name, funds), func(t *testing.T) {
				type side struct {
					program
					record   *record
					gate     gate
					sessions []*session
				}
				var sides [2]*side // 0 is read
				for i := range sides {
					s := &side{program: open(t)}
					s.record = s.prepareFunds(t, funds)
					s.gate.mu.Lock()
					c := s.record.client(1)
					c.lists = 0
					if funds > 0 {
						c.spend = 0
					}
					s.sessions = []*session{s.start(t, callers, s.gate.through(c.next))}
					sides[i] = s
				}
				turn := func() (ratio float64) {
					var rates [2]float64
					for i, s := range sides {
						s.gate.mu.Unlock()
						rates[i] = rate(s.sessions, window)
						s.gate.mu.Lock()
						s.gate.flying.Wait()
					}
					return rates[0] / rates[1]
				}
				turn() // to warm up
				before := []float64{turn(), turn(), turn()}

				reader := sides[0].reader(t)
				held, done := make(chan struct{}), make(chan error, 1)
				release := make(chan struct{})
				go func() {
					done <- reader.View(t.Context(), func(v cli.View) error {
						close(held)
						position := v.Head().Position
						first, err := v.Balances(t.Context(), projections.BalanceQuery{})
						if err != nil {
							return err
						}
						<-release
						last, err := v.Balances(t.Context(), projections.BalanceQuery{})
						if err != nil {
							return err
						}
						if v.Head().Position != position || !slices.Equal(first, last) {
							return fmt.Errorf("one state is two: %v at %d, %v at %d", first, position, last, v.Head().Position)
						}
						return nil
					})
				}()
				<-held
				begin := time.Now()
				var during []float64
				for time.Since(begin) < span() {
					during = append(during, turn())
					if long {
						fmt.Fprintf(os.Stderr, "%s: after %s the rate is %.2f of the other's\n", t.Name(), time.Since(begin).Round(time.Second), during[len(during)-1])
					}
				}
				close(release)
				if err := <-done; err != nil {
					t.Error(err)
				}
				took := time.Since(begin)
				after := turn()
				for _, s := range sides {
					for _, session := range s.sessions {
						session.end()
					}
					s.gate.mu.Unlock()
					stop(t, s.sessions)
					s.record.check(t, s.program)
				}
				last := during[len(during)-min(3, len(during)):]
				was, is := median(before), median(last)
				t.Logf("the rate was %.2f of the other ledger's before, %.2f at the end of %s with a reader, and %.2f after", was, is, took.Round(time.Second), after)
				if is < keeps*was {
					t.Errorf("the rate sags beside a long reader: %.2f of the other ledger's, before %.2f", is, was)
				}
			})
		}
	}
}

// span is for how long a reader holds its state.
func span() time.Duration { return during(4*time.Second, 10*time.Minute) }

func median(list []float64) float64 {
	list = slices.Sorted(slices.Values(list))
	return list[len(list)/2]
}
