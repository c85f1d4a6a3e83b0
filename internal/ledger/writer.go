package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/snapshot"
)

// Limits of the writer.
const (
	MaxBatch      = 1_024   // commands in one commit
	MaxBatchBytes = 8 << 20 // bytes of commands in one commit; a longer command is a batch of its own
	MaxQueue      = 8_192   // commands that wait; one more is refused as queue.full

	// snapshotEvery is after how many events the book is saved, and snapshotAtStop after how many when the writer stops.
	snapshotEvery  = 20_000
	snapshotAtStop = 1_000

	// keepNoteEvery is how often a checkpoint is kept beside the latest.
	keepNoteEvery = time.Hour

	// headEvery is how late the head file may be.
	headEvery = time.Second

	// contended is for how many batches the writer takes the ledger's lock first after it lost a swap.
	contended = 16

	// minCommand is what a command adds at least, for the size of a batch.
	minCommand = 1_024
)

// writer is the single goroutine that decides and appends.
type writer struct {
	state
	source Source
	queue  chan *pending
	head   HeadFile

	metrics *Metrics // may be nil

	serverClock func(context.Context) (time.Time, error) // nil: there is none to compare with
	clockAt     time.Time                                // when it was compared last
	clockWas    time.Time                                // what our clock said then

	durable  int64    // position up to which a commit of our own has made everything durable
	carry    *pending // taken from the queue, but too large for the batch before
	lockNext int      // batches for which to take the lock first
	keptNote time.Time
	savedAt  time.Time // of the head file
	saved    int64
	lastTook time.Duration
	lastSize int
}

func isNotFound(err error) bool { return errors.Is(err, eventstore.ErrNotFound) }

// run takes what waits, batch by batch, until the queue is closed. After a failure that leaves the log in doubt nothing more is
// written: every command that still comes is answered with it.
func (w *writer) run(ctx context.Context) error {
	for {
		list := w.next()
		if list == nil {
			return w.stop(ctx)
		}
		if err := w.commit(ctx, list); err != nil {
			for p := range w.queue {
				p.reply(Answer{}, err)
			}
			if w.carry != nil {
				w.carry.reply(Answer{}, err)
			}
			return err
		}
	}
}

// next waits for a command and takes all that are there with it. It waits a little for more when the last batch was longer: callers
// that were answered together come back together.
func (w *writer) next() []*pending {
	var list []*pending
	bytes := 0
	take := func(p *pending) bool {
		if len(list) > 0 && (bytes+p.size > MaxBatchBytes || p.alone() || list[0].alone()) {
			w.carry = p
			return false
		}
		list = append(list, p)
		bytes += p.size
		return len(list) < MaxBatch
	}
	if p := w.carry; p != nil {
		w.carry = nil
		take(p)
	} else {
		p := w.wait()
		if p == nil {
			return nil
		}
		take(p)
	}
	if list[0].alone() {
		return list
	}
	var deadline <-chan time.Time
	for {
		select {
		case p, open := <-w.queue:
			if !open || !take(p) {
				return list
			}
			continue
		default:
		}
		if len(list) >= w.lastSize || w.lastTook == 0 {
			return list
		}
		if deadline == nil {
			deadline = time.After(w.lastTook / 10)
		}
		select {
		case p, open := <-w.queue:
			if !open || !take(p) {
				return list
			}
		case <-deadline:
			return list
		}
	}
}

// wait waits for a command, and meanwhile sees to it that the head file is not late; nil when the queue is closed.
func (w *writer) wait() *pending {
	if w.head == nil || w.saved == w.book.Position() {
		return <-w.queue
	}
	late := time.NewTimer(headEvery - time.Since(w.savedAt))
	defer late.Stop()
	select {
	case p := <-w.queue:
		return p
	case <-late.C:
		w.saveHead()
		return <-w.queue
	}
}

// alone reports whether a command is decided alone in its batch: a close, which names the tree before it.
func (p *pending) alone() bool {
	_, isClose := p.req.Body.(*domain.ClosePeriod)
	return isClose || p.preview != nil
}

// attempt is what is known of the batch that is being committed.
type attempt struct {
	start   time.Time
	resolve bool   // look all IDs up: an append of this batch may have been stored
	unknown bool   // an append with unknown outcome has gone before
	confirm bool   // what is answered must be made durable first
	before  *batch // whose append has an unknown outcome
	fresh   bool   // the head was read since the commands came
}

// commit decides a batch, stores it, and answers. An error is fatal for the writer; a failure that left everything as it was is
// answered to the callers instead. While the database cannot be reached it is tried again: nobody has been answered yet, and what may have
// been stored is looked up.
func (w *writer) commit(ctx context.Context, list []*pending) error {
	a := attempt{start: time.Now()}
	wait := firstWait
	for tries := 0; ; tries++ {
		err := w.attempt(ctx, list, &a)
		if err == nil {
			return nil
		}
		w.book.Rollback()
		var moved *eventstore.HeadMovedError
		switch {
		case errors.As(err, &moved) && tries < maxTries:
			// Another process was first: from now on wait for the lock, then read what is new.
			w.lockNext = contended
			w.metrics.lostSwap()
		case errors.Is(err, eventstore.ErrOutcomeUnknown) && tries < maxTries:
			a.resolve, a.unknown, a.confirm = true, true, true
		case isFatal(err):
			return w.fatal(list, err)
		case errors.Is(err, eventstore.ErrUnavailable) && time.Since(a.start) < a.patience():
			a.resolve, a.fresh = true, false
			time.Sleep(wait)
			wait = min(2*wait, lastWait)
		default:
			if a.unknown && !errors.Is(err, eventstore.ErrOutcomeUnknown) {
				err = fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, err)
			}
			return w.failed(list, err)
		}
	}
}

// attempt is one try of commit. What it leaves in the book after an error is taken back by its caller.
func (w *writer) attempt(ctx context.Context, list []*pending, a *attempt) error {
	if err := w.checkClock(ctx); err != nil {
		return err
	}
	var lock eventstore.Lock
	if w.lockNext > 0 || a.resolve || a.confirm {
		w.lockNext = max(0, w.lockNext-1)
		// Most of what is new is read before the lock is taken, so that nobody waits for that.
		err := w.refresh(ctx)
		if err != nil {
			return err
		}
		a.fresh = true
		if lock, err = w.store.Lock(ctx, w.ledger); err != nil {
			return fmt.Errorf("lock the ledger: %w", err)
		}
		if err := w.catchUp(ctx, lock.Head()); err != nil {
			return errors.Join(err, lock.Release())
		}
	}
	b, err := w.prepare(ctx, list, a)
	switch {
	case err == nil && len(b.Records) > 0:
		if err = w.append(ctx, b, lock); errors.Is(err, eventstore.ErrOutcomeUnknown) {
			a.before = b
		}
	case err == nil && lock != nil && (a.confirm || b.repeated > w.durable):
		// A first answer is given again only when it will last: its commit may have been seen by nobody, or by no standby.
		if err = lock.Confirm(ctx); err == nil {
			w.durable = w.book.Position()
		}
	case lock != nil:
		err = errors.Join(err, lock.Release())
	case err == nil && b.repeated > w.durable:
		w.book.Rollback()
		a.confirm = true
		return w.attempt(ctx, list, a)
	case err == nil && !a.fresh:
		// Nothing is compared and swapped. What is refused here may be right after what another process has appended, so the
		// decision must be on a book as of a moment since the commands came.
		w.book.Rollback()
		a.fresh = true
		if err := w.refresh(ctx); err != nil {
			return err
		}
		if w.book.Position() != b.After {
			return w.attempt(ctx, list, a)
		}
	}
	if err != nil {
		return err
	}
	w.keep(b)
	w.lastTook, w.lastSize = time.Since(a.start), len(list)
	w.metrics.committed(b, len(list), w.lastTook, w.book.Position())
	w.answer(b)
	w.afterwards(ctx)
	return nil
}

// How long the writer goes on trying while the database cannot be reached, and how it waits between. It is longer when something may have
// been stored: a sender who gave no ID cannot ask again.
const (
	patience        = 15 * time.Second
	unknownPatience = time.Minute
	firstWait       = 20 * time.Millisecond
	lastWait        = time.Second
)

func (a *attempt) patience() time.Duration {
	if a.unknown {
		return unknownPatience
	}
	return patience
}

// checkClock sees to it, where the database has a clock of its own, that ours is still near it: every minute, and when it was moved.
func (w *writer) checkClock(ctx context.Context) error {
	if w.serverClock == nil {
		return nil
	}
	// The machine's monotonic clock goes on evenly when the other is set.
	since := time.Since(w.clockAt)
	if since < clockEvery && (w.source.Now().Sub(w.clockWas)-since).Abs() < clockEvery {
		return nil
	}
	if err := checkClock(ctx, w.source, w.serverClock); err != nil {
		return err
	}
	w.clockAt, w.clockWas = time.Now(), w.source.Now()
	return nil
}

// clockEvery is how often the clock is compared with the server's, and by how much it may be off before that.
const clockEvery = time.Minute

// maxTries bounds how often one batch is tried; under the lock it cannot lose.
const maxTries = 8

// isFatal reports whether nothing more may be written: the log is not what was signed, or not under our key, or by a newer program.
func isFatal(err error) bool {
	var integrity *IntegrityError
	var unknown *eventcodec.UnknownTypeError
	return errors.As(err, &integrity) || errors.As(err, &unknown) || errors.Is(err, eventstore.ErrCorrupt) ||
		errors.Is(err, ErrWrongKey) || errors.Is(err, ErrRolledBack)
}

// failed answers a failure after which the log and the book are as they were.
func (w *writer) failed(list []*pending, err error) error {
	for _, p := range list {
		if errors.Is(err, eventstore.ErrLocked) {
			p.reply(Answer{Command: p.req.ID, Refusal: domain.Refuse(domain.LedgerLocked)}, nil)
		} else {
			p.reply(Answer{}, err)
		}
	}
	return nil
}

func (w *writer) fatal(list []*pending, err error) error {
	for _, p := range list {
		p.reply(Answer{}, err)
	}
	return err
}

// refresh catches up with the head without locking it.
func (w *writer) refresh(ctx context.Context) error {
	head, err := w.store.Head(ctx, w.ledger)
	if err != nil {
		return fmt.Errorf("read the head: %w", err)
	}
	return w.catchUp(ctx, head)
}

// catchUp reads what other processes appended since. After an error the state is as it was.
func (s *state) catchUp(ctx context.Context, head eventstore.Head) error {
	if head.Position() == s.book.Position() && head.Edge.Root() == s.tree.Root() {
		return nil
	}
	s.book.Begin()
	if err := s.follow(ctx, head, s.tree.Edge(), nil, nil); err != nil {
		s.book.Rollback()
		return err
	}
	s.book.Commit()
	return nil
}

// prepare decides the commands of a batch and encodes their events. Nothing is stored, and nothing is signed.
func (w *writer) prepare(ctx context.Context, list []*pending, a *attempt) (*batch, error) {
	b := &batch{byID: make(map[uuid.UUID]int, len(list))}
	b.Ledger, b.Origin, b.After = w.ledger, w.opened.Origin, w.book.Position()
	known, err := w.known(ctx, list, a.resolve)
	if err != nil {
		return nil, err
	}
	if b.firsts, err = w.firsts(ctx, known); err != nil {
		return nil, err
	}
	refused := a.before.refused(known)
	w.book.Begin()
	for _, p := range list {
		if r := refused[p]; r != nil {
			b.refuse(p, r)
			continue
		}
		if err := w.decide(ctx, b, p, known); err != nil {
			return b, err
		}
	}
	tree := w.tree.Clone()
	for i := range b.Records {
		tree.Append(transparency.LeafHash(b.Records[i].Envelope))
	}
	b.tree = tree
	b.Edge, b.Tiles = tree.Edge(), tree.Full()
	b.Sign = func() ([]byte, error) {
		return transparency.SignCheckpoint(transparency.Checkpoint{Origin: b.Origin, Size: b.Edge.Size, Root: b.Edge.Root()}, w.signer)
	}
	_, isClose := list[0].req.Body.(*domain.ClosePeriod)
	b.KeepNote = isClose || w.book.RecordedAt().Sub(w.keptNote) >= keepNoteEvery
	return b, nil
}

// known looks up which of the commands were accepted before.
func (w *writer) known(ctx context.Context, list []*pending, resolve bool) (map[uuid.UUID]eventstore.Command, error) {
	doubtful := func() (ids []uuid.UUID) {
		for _, p := range list {
			if p.req.ID != uuid.Nil && p.preview == nil && (resolve || !p.made) && !w.recent.isNew(p.req.ID) {
				ids = append(ids, p.req.ID)
			}
		}
		return ids
	}
	ids := doubtful()
	if len(ids) > 0 && w.recent.stale() {
		if err := w.recent.learn(ctx, w.store, w.ledger, w.source.Now()); err != nil {
			return nil, err
		}
		ids = doubtful()
	}
	if len(ids) == 0 {
		return nil, nil
	}
	known, err := w.store.Commands(ctx, w.ledger, ids)
	if err != nil {
		return nil, fmt.Errorf("look up commands: %w", err)
	}
	return known, nil
}

// firstsGap is how many events are read for nothing rather than to begin a read anew, and firstsMax how many are kept at once.
const (
	firstsGap = 256
	firstsMax = 65_536
)

// firsts reads the events of commands that were accepted before, by position: a list that is sent again is read in one go.
func (w *writer) firsts(ctx context.Context, known map[uuid.UUID]eventstore.Command) (map[int64]*domain.Event, error) {
	if len(known) < 2 {
		return nil, nil // alone it is read when its turn comes
	}
	runs := slices.SortedFunc(maps.Values(known), func(a, b eventstore.Command) int { return cmp.Compare(a.First, b.First) })
	events := map[int64]*domain.Event{}
	for i := 0; i < len(runs) && len(events) < firstsMax; {
		from, to := runs[i].First, runs[i].Last
		for i++; i < len(runs) && runs[i].First-to <= firstsGap && runs[i].Last-from < firstsMax; i++ {
			to = runs[i].Last
		}
		if to-from >= firstsMax {
			continue // one long list
		}
		err := w.store.Read(ctx, w.ledger, from, to, func(r *eventstore.Record) error {
			e, err := w.decode(r)
			events[r.Position] = e
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the first answers: %w", err)
		}
	}
	return events, nil
}

// append stores the batch, under the lock if there is one.
func (w *writer) append(ctx context.Context, b *batch, lock eventstore.Lock) error {
	var err error
	if lock != nil {
		b.note, err = lock.Append(ctx, &b.Batch)
		if err != nil {
			err = errors.Join(err, lock.Release())
		}
	} else {
		b.note, err = w.store.Append(ctx, &b.Batch)
	}
	if err != nil {
		return fmt.Errorf("append to %s: %w", b.Origin, err)
	}
	return nil
}

// keep makes the batch part of what the writer knows: it is stored.
func (w *writer) keep(b *batch) {
	w.book.Commit()
	if len(b.Records) == 0 {
		return
	}
	w.tree, w.note = b.tree, b.note
	for i := range b.accepted {
		w.recent.add(b.accepted[i].p.req.ID)
	}
	w.durable = w.book.Position()
	if b.KeepNote {
		w.keptNote = w.book.RecordedAt()
	}
}

func (w *writer) answer(b *batch) {
	decimals := w.book.Currency().Decimals
	answers := make([]Answer, len(b.accepted))
	for i := range b.accepted {
		c := &b.accepted[i]
		answers[i] = answer(c.p.req.ID, c.events, decimals)
		c.p.reply(answers[i], nil)
	}
	for _, r := range b.repeats {
		a := answers[r.index]
		a.Repeat = true
		r.p.reply(a, nil)
	}
	for _, r := range b.answers {
		r.p.reply(r.a, nil)
	}
}

// afterwards does what may be late: the head file and the snapshot. Neither failing is a reason to stop.
func (w *writer) afterwards(ctx context.Context) {
	if time.Since(w.savedAt) >= headEvery {
		w.saveHead()
	}
	if w.book.Position()-w.snapshotAt >= snapshotEvery {
		w.saveSnapshot(ctx)
	}
}

func (w *writer) saveHead() {
	if w.head == nil || w.saved == w.book.Position() {
		return
	}
	if err := w.head.SaveHead(w.opened.Origin, w.note); err == nil {
		w.savedAt, w.saved = time.Now(), w.book.Position()
	}
}

func (w *writer) saveSnapshot(ctx context.Context) {
	snap, err := snapshot.Sign(&w.book, w.tree.Edge(), w.signer)
	if err != nil {
		return
	}
	// What could not be saved is not tried again at once.
	w.snapshotAt = snap.Position
	_ = w.store.SaveSnapshot(ctx, w.ledger, snap)
}

// stop saves what the next start is faster with.
func (w *writer) stop(ctx context.Context) error {
	w.saveHead()
	if w.book.Position()-w.snapshotAt >= snapshotAtStop {
		w.saveSnapshot(ctx)
	}
	return nil
}
