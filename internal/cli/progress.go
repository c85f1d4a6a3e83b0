package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"
)

func itoa(v int64) string { return strconv.FormatInt(v, 10) }

func isTerminal(f any) bool {
	file, isFile := f.(*os.File)
	return isFile && term.IsTerminal(int(file.Fd()))
}

// A bar shows how far a long job is, on one line of the terminal. Without a terminal it shows nothing.
type bar struct {
	w     io.Writer
	label string
	every time.Duration

	mu    sync.Mutex
	last  time.Time
	shown bool
}

// bar begins a progress bar on the standard error, if that is a terminal. Its progress method is nil-safe, and so is done.
func (p *program) bar(label string) *bar {
	if !isTerminal(p.stderr) {
		return nil
	}
	return &bar{w: p.stderr, label: label, every: 100 * time.Millisecond}
}

// progress is what a Backend is given to tell how far it is; nil when nobody looks.
func (b *bar) progress() Progress {
	if b == nil {
		return nil
	}
	return b.set
}

const barWidth = 30

func (b *bar) set(done, total int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.shown && now.Sub(b.last) < b.every && done != total {
		return
	}
	b.last, b.shown = now, true
	if total <= 0 {
		fmt.Fprintf(b.w, "\r%s %d\x1b[K", b.label, done)
		return
	}
	full := int(min(done, total) * barWidth / total)
	fmt.Fprintf(b.w, "\r%s %s%s %3d%%\x1b[K", b.label, strings.Repeat("█", full), strings.Repeat("░", barWidth-full), min(done, total)*100/total)
}

// done takes the bar away.
func (b *bar) done() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}
