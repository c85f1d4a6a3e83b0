package demo

import (
	"sync"
	"time"

	"github.com/soquy/soquy/internal/ledger"
)

// opened is when the demo ledger was opened: the morning of the first working day of 2017, in Điện Biên.
func opened() time.Time { return time.Date(2017, time.January, 2, 0, 0, 0, 0, time.UTC) }

// A Clock is a given clock. The writer reads it once a command, in the order of commands, so whoever submits a command first says what
// the clock will show then. Before the first such instant it shows when the ledger was opened, after the last one it stands.
// It is safe for concurrent use.
type Clock struct {
	mu    sync.Mutex
	shown time.Time
	queue []time.Time
	head  int // of queue
}

// Push says what the clock shows when it is read next after all that was pushed before.
func (c *Clock) Push(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queue = append(c.queue, t)
}

// Now returns the next instant that was pushed, or the last one when there is none.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.head < len(c.queue) {
		c.shown = c.queue[c.head]
		c.head++
	}
	if c.head == len(c.queue) {
		c.queue, c.head = c.queue[:0], 0
	}
	return c.shown
}

// Source returns what the demo ledger of a seed is made and opened with, and its clock for Build.
func Source(seed uint64) (ledger.Source, *Clock) {
	clock := &Clock{shown: opened()}
	return ledger.Source{Now: clock.Now, Random: newStream(seed, "ids and salts"), Given: true}, clock
}
