package ledger

import (
	"github.com/soquy/soquy/domain"
)

// A Preview says what a command would record, without recording it.
type Preview struct {
	Events   []domain.Event
	Holdings []Holding // those that the events touch, in order
}

// A Holding is a holding's balance before and after what is previewed, over all days.
type Holding struct {
	Fund          string
	Asset         domain.Asset
	Before, After domain.Balance
}

// take fills the preview; the book is left as it was.
func (p *Preview) take(w *writer, events []domain.Event) {
	p.Events = events
	index := map[[2]string]int{}
	for i := range events {
		for _, e := range events[i].Effects() {
			k := [2]string{e.Fund, string(e.Asset)}
			if _, seen := index[k]; seen {
				continue
			}
			index[k] = len(p.Holdings)
			p.Holdings = append(p.Holdings, Holding{Fund: e.Fund, Asset: e.Asset, Before: w.book.Latest(e.Fund, e.Asset)})
		}
	}
	mark := w.book.Mark()
	for i := range events {
		w.book.Evolve(&events[i])
	}
	for i := range p.Holdings {
		h := &p.Holdings[i]
		h.After = w.book.Latest(h.Fund, h.Asset)
	}
	w.book.RollbackTo(mark)
}
