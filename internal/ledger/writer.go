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
	MaxQueueBytes = 1 << 28 // of commands that were not answered, a line of the greatest size and more

	enough  = 64                    // commands that a batch does not wait for more with
	maxLull = 10 * time.Millisecond // how long it waits

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

	durable  int64       // position up to which a commit of our own has made everything durable
	jobs     chan func() // of the hand; nil: there is none yet
	taken    []*pending  // from the queue, but in no batch yet
	lockNext int         // batches for which to take the lock first
	keptNote time.Time
	savedAt  time.Time // of the head file
	saved    int64
	lastTook time.Duration // from when nothing kept the last batch from being stored
	among    int           // the commands that it had, and that waited when it was stored
}

func isNotFound(err error) bool { return errors.Is(err, eventstore.ErrNotFound) }

// run takes what waits, batch by batch, until the queue is closed. After a failure that leaves the log in doubt nothing more is
// written: every command that still comes is answered with it.
func (w *writer) run(ctx context.Context) error {
	defer func() {
		if w.jobs != nil {
			close(w.jobs)
		}
	}()
	for {
		p := w.wait()
		if p == nil {
			return w.stop(ctx)
		}
		var err error
		if w.quick(ctx, p, nil, MaxBatch) {
			err = w.stream(ctx, p)
		} else {
			err = w.commit(ctx, w.gather(p))
		}
		if err != nil {
			for _, p := range w.taken {
				p.reply(Answer{}, err)
			}
			for p := range w.queue {
				p.reply(Answer{}, err)
			}
			return err
		}
	}
}

// poll returns a command that is there, or nil; open is false when the queue is closed and empty.
func (w *writer) poll() (p *pending, open bool) {
	if len(w.taken) > 0 {
		p, w.taken = w.taken[0], w.taken[1:]
		return p, true
	}
	select {
	case p, open = <-w.queue:
		return p, open
	default:
		return nil, true
	}
}

// putBack puts commands that were taken last in front of all others.
func (w *writer) putBack(list ...*pending) { w.taken = append(list, w.taken...) }

// gather takes all commands that are there with one, and waits a little for more.
func (w *writer) gather(p *pending) []*pending {
	list, bytes := []*pending{p}, p.size
	var deadline <-chan time.Time
	for len(list) < MaxBatch && !list[0].alone() {
		p, _ := w.poll()
		switch {
		case p != nil && (p.alone() || bytes+p.size > MaxBatchBytes):
			w.putBack(p)
			return list
		case p != nil:
			list = append(list, p)
			bytes += p.size
			continue
		case w.isWhole(len(list)):
			return list
		case deadline == nil:
			deadline = time.After(w.lull())
		}
		select {
		case p, open := <-w.queue:
			if !open {
				return list
			}
			w.putBack(p)
		case <-deadline:
			return list
		}
	}
	return list
}

// Callers that were answered together come back together: a batch waits a little for them, unless it has as many commands as there were when
// the last one was stored, with those that waited then, or enough. Else two groups of callers would take turns, each with a commit of its own.

func (w *writer) isWhole(commands int) bool { return commands >= min(w.among, enough) }

func (w *writer) lull() time.Duration { return min(w.lastTook/10, maxLull) }

// wait waits for a command, and meanwhile sees to it that the head file is not late; nil when the queue is closed.
func (w *writer) wait() *pending {
	if p, _ := w.poll(); p != nil {
		return p
	}
	if w.head == nil || w.saved == w.tree.Size() {
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
func (p *pending) alone() bool { return p.closes() || p.preview != nil }

func (p *pending) closes() bool {
	_, closes := p.req.Body.(*domain.ClosePeriod)
	return closes
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
	return w.persist(ctx, list, &a, w.attempt(ctx, list, &a))
}

// persist is the rest of commit after the first attempt, which has given err.
func (w *writer) persist(ctx context.Context, list []*pending, a *attempt, err error) error {
	wait := firstWait
	for tries := 0; err != nil; tries++ {
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
		err = w.attempt(ctx, list, a)
	}
	return nil
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
	w.book.Commit()
	w.committed(b, len(list), time.Since(a.start))
	w.answer(b)
	w.saveHeadInTime()
	w.saveSnapshotInTime(ctx)
	return nil
}

// committed notes that a batch was stored, and how long that took.
func (w *writer) committed(b *batch, commands int, took time.Duration) {
	w.lastTook, w.among = took, commands
	w.metrics.committed(b, commands, took, w.tree.Size())
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
	if err := s.follow(ctx, head, transparency.Edge{}, nil, nil); err != nil {
		s.book.Rollback()
		return err
	}
	s.book.Commit()
	return nil
}

// prepare decides the commands of a batch and encodes their events. Nothing is stored, and nothing is signed.
func (w *writer) prepare(ctx context.Context, list []*pending, a *attempt) (*batch, error) {
	b := w.newBatch(len(list))
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
	w.seal(b)
	b.KeepNote = b.KeepNote || list[0].closes()
	return b, nil
}

// newBatch begins a batch of about so many commands that are decided on the book as it is.
func (w *writer) newBatch(commands int) *batch {
	b := &batch{byID: make(map[uuid.UUID]int, commands), accepted: make([]accepted, 0, commands), events: make([]*domain.Event, 0, commands)}
	b.Records, b.Commands = make([]eventstore.Record, 0, commands), make([]eventstore.Command, 0, commands)
	b.Ledger, b.Origin, b.After = w.ledger, w.opened.Origin, w.book.Position()
	return b
}

// seal extends the tree with a batch whose commands are decided.
func (w *writer) seal(b *batch) {
	b.tree = w.tree.Clone()
	for i := range b.Records {
		b.tree.Append(transparency.LeafHash(b.Records[i].Envelope))
	}
	b.Edge, b.Tiles = b.tree.Edge(), b.tree.Full()
	b.Sign = func() ([]byte, error) {
		return transparency.SignCheckpoint(transparency.Checkpoint{Origin: b.Origin, Size: b.Edge.Size, Root: b.Edge.Root()}, w.signer)
	}
	b.KeepNote = len(b.Records) > 0 && b.recordedAt().Sub(w.keptNote) >= keepNoteEvery
}

// inDoubt reports whether a command may have been accepted before; resolve: also one whose ID was made here.
func (w *writer) inDoubt(p *pending, resolve bool) bool {
	return p.req.ID != uuid.Nil && p.preview == nil && (resolve || !p.made) && !w.recent.isNew(p.req.ID)
}

// known looks up which of the commands were accepted before.
func (w *writer) known(ctx context.Context, list []*pending, resolve bool) (map[uuid.UUID]eventstore.Command, error) {
	doubtful := func() (ids []uuid.UUID) {
		for _, p := range list {
			if w.inDoubt(p, resolve) {
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
	w.recent.asked(ids, known)
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

// keep makes the batch part of what the writer knows: it is stored. The book has it already.
func (w *writer) keep(b *batch) {
	if len(b.Records) == 0 {
		return
	}
	w.tree, w.note = b.tree, b.note
	for i := range b.accepted {
		w.recent.add(b.accepted[i].p.req.ID)
	}
	w.durable = b.Last()
	if b.KeepNote {
		w.keptNote = b.recordedAt()
	}
}

func (w *writer) answer(b *batch) {
	for i := range b.accepted {
		b.accepted[i].p.reply(b.accepted[i].answer, nil)
	}
	for _, r := range b.repeats {
		a := b.accepted[r.index].answer
		a.Repeat = true
		r.p.reply(a, nil)
	}
	for _, r := range b.answers {
		r.p.reply(r.a, nil)
	}
}

// saveHeadInTime saves the head file unless it was saved just now. That it fails, or a snapshot does, is no reason to stop.
func (w *writer) saveHeadInTime() {
	if time.Since(w.savedAt) >= headEvery {
		w.saveHead()
	}
}

func (w *writer) saveHead() {
	if w.head == nil || w.saved == w.tree.Size() {
		return
	}
	if err := w.head.SaveHead(w.opened.Origin, w.note); err == nil {
		w.savedAt, w.saved = time.Now(), w.tree.Size()
	}
}

// wantsSnapshot reports whether it is time for one.
func (w *writer) wantsSnapshot() bool { return w.book.Position()-w.snapshotAt >= snapshotEvery }

// saveSnapshotInTime saves a snapshot when it is time for one. The book must have nothing that is not stored.
func (w *writer) saveSnapshotInTime(ctx context.Context) {
	if w.wantsSnapshot() {
		w.saveSnapshot(ctx)
	}
}

func (w *writer) saveSnapshot(ctx context.Context) {
	w.snapshotAt = w.book.Position() // what could not be saved is not tried again at once
	snap, err := snapshot.Sign(&w.book, w.tree.Edge(), w.signer)
	if err != nil {
		return
	}
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
