package ledger

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

// A stream decides commands as they come, also while the batch before is being stored: on a book that is ahead of the log. So only
// commands are streamed that nothing has to be read from the log for, nearly all. What was decided is stored, and answered, only once the
// batch before it is stored. When that fails, the book goes back to what is stored, the failed batch is tried again with nothing beside
// it, and what was decided after it is decided anew.
type stream struct {
	*writer
	draft  *draft
	flying *flight // nil: nothing is being stored

	full bool       // the draft has no room for the next command
	over bool       // no more commands are taken
	anew []*pending // commands that could not be decided here; the stream is over then

	early *early // of the draft; nil: nothing of it is stored yet

	deadline <-chan time.Time // of the wait for more commands; nil: it has not begun
	late     bool             // it is over
}

// A draft is a batch that is being decided.
type draft struct {
	*batch
	list  []*pending
	bytes int
	mark  int           // in the book's journal, before the batch
	took  time.Duration // so far

	records, commands int // how many of them the hand was given already
}

// early is the transaction of a draft, begun before that is decided. Only the hand looks into it, once it was given something to do with it.
type early struct {
	wait func(context.Context) (eventstore.Lock, error) // for what was asked for; nil: nothing is
	lock eventstore.Lock                                // nil: it did not begin
	err  error                                          // the first; nothing more is done then but to release the lock
}

// take takes the lock of a batch after a position.
func (e *early) take(ctx context.Context, after int64, get func(context.Context) (eventstore.Lock, error)) {
	lock, err := get(ctx)
	if err != nil {
		e.err = err
		return
	}
	if e.lock = lock; lock.Head().Position() != after {
		e.err = &eventstore.HeadMovedError{Expected: after, Actual: lock.Head().Position()}
	}
}

// answered waits for what was asked for, for a batch after a position.
func (e *early) answered(ctx context.Context, after int64) {
	if e.wait != nil {
		e.take(ctx, after, e.wait)
		e.wait = nil
	}
}

// release gives the lock back.
func (e *early) release(ctx context.Context, after int64) error {
	if e.answered(ctx, after); e.lock == nil {
		return nil
	}
	return e.lock.Release()
}

// A flight is a batch that is being stored.
type flight struct {
	*draft
	attempt
	done chan error

	// next is the transaction of the batch after, for whose lock was asked as soon as this one was stored. nil: it was not.
	next *early
}

// quick reports whether a command can be decided without a look into the log. Whether it was accepted before is looked up, if need be, together
// with that of the next ones, at most room.
func (w *writer) quick(ctx context.Context, p *pending, flying *flight, room int) bool {
	if _, erases := p.req.Body.(*domain.ErasePerson); erases || w.lockNext > 0 || p.alone() || p.old {
		return false
	}
	if w.inDoubt(p, false) {
		w.lookUp(ctx, p, room)
		if w.inDoubt(p, false) {
			return false
		}
	}
	return flying.lacks(p.req.ID) && domain.Needs(&w.book, &domain.Command{Body: p.req.Body}).None()
}

// lookUp finds out whether a command was accepted before, and the next ones, in one look: a list from a file has IDs that are older than those
// in the log. What could not be found out is found out again by who needs it.
func (w *writer) lookUp(ctx context.Context, p *pending, room int) {
	list := append([]*pending{p}, w.taken[:min(len(w.taken), room-1)]...)
	for len(list) < room {
		select {
		case next, open := <-w.queue:
			if open {
				w.taken = append(w.taken, next)
				list = append(list, next)
				continue
			}
		default:
		}
		break
	}
	known, err := w.known(ctx, list, false)
	if err != nil {
		return
	}
	for _, p := range list {
		_, p.old = known[p.req.ID]
	}
}

// lacks reports whether no command of a flight has an ID.
func (f *flight) lacks(id uuid.UUID) bool {
	if f == nil {
		return true
	}
	_, has := f.byID[id]
	return !has
}

// stream decides and stores commands, the first of which was taken, until none is left that is quick. All that it took is stored and answered
// then, or put back. Errors are fatal for the writer.
func (w *writer) stream(ctx context.Context, first *pending) error {
	w.putBack(first)
	s := stream{writer: w}
	s.begin()
	for {
		s.take(ctx)
		s.ask(ctx)
		switch {
		case s.flying != nil:
			landed, err := s.wait(ctx)
			if !landed || err != nil {
				return err
			}
		case len(s.draft.list) == 0 && s.early != nil && !s.over && !s.late:
			s.linger()
		case len(s.draft.list) == 0:
			s.unlock(ctx)
			w.book.Commit()
			if s.anew != nil {
				return w.commit(ctx, s.anew)
			}
			w.saveSnapshotInTime(ctx)
			return nil
		case s.full || s.over || s.late || w.isWhole(len(s.draft.list)):
			if launched, err := s.launch(ctx); !launched {
				return err
			}
		default:
			s.linger()
		}
	}
}

const (
	// few commands are decided in less time than another goroutine takes to begin.
	few = 8
	// askTo is up to how many bytes of first commands the ledger's lock is asked for before a batch is decided: others would wait for long ones.
	askTo = 2 * enough * minCommand
)

// hold is for how long the lock of the next batch is kept before its first command comes.
const hold = time.Millisecond

// part is of how many events at least a part of a draft is inserted before the rest is there.
const part = 16

// ask begins the transaction of the draft, which locks the ledger, while more commands are waited for and decided, so that the way there and back
// takes no time of its own.
func (s *stream) ask(ctx context.Context) {
	if s.early != nil || s.flying != nil || len(s.draft.list) == 0 || s.among < few || s.draft.bytes > askTo {
		return
	}
	e, after := new(early), s.draft.After
	s.early = e
	s.hand(func() {
		e.take(ctx, after, func(ctx context.Context) (eventstore.Lock, error) { return s.store.Begin(ctx, s.ledger) })
	})
}

// insert has what was decided of the draft since the last time inserted into its transaction, where the store can, while the rest is being decided.
func (s *stream) insert(ctx context.Context) {
	e, d := s.early, s.draft
	if e == nil || e.wait != nil || len(d.Records)-d.records < part {
		return
	}
	records, commands := d.Records[d.records:], d.Commands[d.commands:]
	d.records, d.commands = len(d.Records), len(d.Commands)
	s.hand(func() {
		if lock, can := e.lock.(eventstore.Early); can && e.err == nil {
			e.err = lock.Insert(ctx, records, commands)
		}
	})
}

// unlock undoes what was begun of the draft.
func (s *stream) unlock(ctx context.Context) {
	e, after := s.early, s.draft.After
	if e == nil {
		return
	}
	s.early = nil
	if s.jobs == nil {
		_ = e.release(ctx, after)
		return
	}
	done := make(chan struct{})
	s.hand(func() {
		defer close(done)
		_ = e.release(ctx, after)
	})
	<-done
}

// appendTo is append of a batch of which something may have been begun.
func (w *writer) appendTo(ctx context.Context, b *batch, e *early) error {
	if e == nil {
		return w.append(ctx, b, nil)
	}
	if e.answered(ctx, b.After); e.err == nil {
		return w.append(ctx, b, e.lock)
	}
	return errors.Join(fmt.Errorf("append to %s: %w", b.Origin, e.err), e.release(ctx, b.After))
}

// hand has a job done by the goroutine that stores what a stream decides, after those that it was given before. It is one for all: the stack of
// a new one would have to grow for each batch.
func (w *writer) hand(job func()) {
	if w.jobs == nil {
		w.jobs = make(chan func(), MaxBatch/part)
		go func(jobs <-chan func()) {
			for job := range jobs {
				job()
			}
		}(w.jobs)
	}
	w.jobs <- job
}

// begin begins a draft.
func (s *stream) begin() {
	mark := 0
	if s.flying == nil {
		s.book.Begin()
	} else {
		mark = s.book.Mark()
	}
	s.draft = &draft{batch: s.newBatch(min(s.among, MaxBatch)), mark: mark}
	s.deadline, s.late = nil, false
}

// take decides the commands that are there.
func (s *stream) take(ctx context.Context) {
	d := s.draft
	start := time.Now()
	defer func() { d.took += time.Since(start) }()
	for s.full = false; !s.over; {
		p, open := s.poll()
		if p == nil {
			s.over = !open
			return
		}
		if s.full = len(d.list) > 0 && (len(d.list) == MaxBatch || d.bytes+p.size > MaxBatchBytes); s.full {
			s.putBack(p)
			return
		}
		if !s.quick(ctx, p, s.flying, MaxBatch-len(d.list)) {
			s.putBack(p)
			s.over = true
			return
		}
		if len(d.list) == 0 {
			s.deadline, s.late = nil, false
		}
		d.list = append(d.list, p)
		d.bytes += p.size
		if err := s.decide(ctx, d.batch, p, nil); err != nil {
			s.book.RollbackTo(d.mark)
			s.anew, d.list, s.over = d.list, nil, true
			return
		}
		// A snapshot is of a book that has only what is stored.
		s.over = s.wantsSnapshot()
		s.ask(ctx)
		s.insert(ctx)
	}
}

// launch begins to store the draft, and begins another one. It is false where that must be decided anew, which is done, and the stream is over.
func (s *stream) launch(ctx context.Context) (bool, error) {
	d := s.draft
	a := attempt{start: time.Now()}
	if err := s.checkClock(ctx); err != nil {
		s.unlock(ctx)
		s.book.Rollback()
		return false, s.commit(ctx, d.list)
	}
	if len(d.Records) == 0 {
		s.unlock(ctx)
		return s.refuseAll(ctx)
	}
	s.seal(d.batch)
	f := &flight{draft: d, attempt: a, done: make(chan error, 1)}
	if !s.over {
		f.Next = func(wait func(context.Context) (eventstore.Lock, error)) { f.next = &early{wait: wait} }
	}
	e := s.early
	store := func() { f.done <- s.appendTo(ctx, f.batch, e) }
	s.flying, s.early = f, nil
	if d.bytes < few*minCommand && (e == nil || e.wait != nil) { // another goroutine takes longer to begin than what comes meanwhile takes to be decided
		store()
	} else {
		s.hand(store)
	}
	s.begin()
	return true, nil
}

// refuseAll answers a draft of which every command was refused. Nothing is compared and swapped, so that what another process has appended is
// looked for before; if there is something, all are decided anew.
func (s *stream) refuseAll(ctx context.Context) (bool, error) {
	d := s.draft
	s.book.Rollback()
	if err := s.refresh(ctx); err != nil || s.book.Position() != d.After {
		return false, s.commit(ctx, d.list)
	}
	s.committed(d.batch, len(d.list), d.took)
	s.answer(d.batch)
	s.begin()
	return true, nil
}

// linger waits a little for more commands.
func (s *stream) linger() {
	// Those who were just answered may come first: to be woken for each of them takes them and this goroutine longer.
	if runtime.Gosched(); len(s.queue) > 0 {
		return
	}
	if s.deadline == nil {
		lull := s.lull()
		if len(s.draft.list) == 0 {
			lull = hold
		}
		s.deadline = time.After(lull)
	}
	select {
	case p, open := <-s.queue:
		s.came(p, open)
	case <-s.deadline:
		s.late = true
	}
}

// wait waits for more commands, or for the flight's end. It is false when the flight failed, which was seen to then, and the stream is over.
func (s *stream) wait(ctx context.Context) (bool, error) {
	queue := s.queue
	if s.full || s.over {
		queue = nil
	}
	select {
	case p, open := <-queue:
		s.came(p, open)
		return true, nil
	case err := <-s.flying.done:
		return s.land(ctx, err)
	}
}

func (s *stream) came(p *pending, open bool) {
	if open {
		s.putBack(p)
	} else {
		s.over = true
	}
}

// land is told how the flight ended.
func (s *stream) land(ctx context.Context, err error) (bool, error) {
	f := s.flying
	s.flying, s.early = nil, f.next
	if err != nil {
		s.book.Rollback()
		s.putBack(s.draft.list...)
		s.putBack(s.anew...)
		if errors.Is(err, eventstore.ErrOutcomeUnknown) {
			f.before = f.batch
		}
		return false, s.persist(ctx, f.list, &f.attempt, err)
	}
	s.keep(f.batch)
	s.book.CommitTo(s.draft.mark)
	s.draft.mark = 0
	s.committed(f.batch, len(f.list), f.took+time.Since(f.start))
	s.among = len(f.list) + len(s.draft.list)
	s.answer(f.batch)
	s.saveHeadInTime()
	return true, nil
}
