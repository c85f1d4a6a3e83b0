package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/semaphore"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
)

// Store is what the writer needs of a store.
type Store interface {
	eventstore.Log
	eventstore.Appender
	eventstore.Memory
	eventstore.Snapshots
}

// A HeadFile keeps, outside the database, the last head that is known to be committed, so that a database that was rolled back is
// found out. It may lag behind the database, and never leads it.
type HeadFile interface {
	Head(origin string) (signed []byte, err error) // nil when there is none
	SaveHead(origin string, signed []byte) error
}

// Options is what a ledger is opened with.
type Options struct {
	Source   Source
	Signer   note.Signer
	HeadFile HeadFile                // nil: none is kept
	Metrics  *Metrics                // may be nil
	Progress func(done, total int64) // of reading the log at the start; may be nil
	// ServerClock returns the database server's clock, where it has one of its own; nil otherwise.
	ServerClock func(context.Context) (time.Time, error)
}

// maxClockDifference is how far the machine's clock may be from the database server's.
const maxClockDifference = 5 * time.Minute

// Opening is what a new ledger is made with.
type Opening struct {
	Ledger    uuid.UUID // zero: it is made
	Origin    string    // "": soquy.invalid/<ledger>
	Currency  string
	TimeZone  string
	PublicKey func(origin string) (note.Signer, string, error) // the signer and the verifier key of an origin
}

// DefaultOrigin is the origin of a ledger that was given none.
func DefaultOrigin(id uuid.UUID) string { return "soquy.invalid/" + id.String() }

// Create makes a ledger with its first event, and returns its ID and origin.
func Create(ctx context.Context, store Store, source Source, o Opening) (uuid.UUID, string, error) {
	now := source.Now()
	if o.Ledger == uuid.Nil {
		o.Ledger = source.newID(now)
	}
	if o.Origin == "" {
		o.Origin = DefaultOrigin(o.Ledger)
	}
	signer, public, err := o.PublicKey(o.Origin)
	if err != nil {
		return uuid.Nil, "", err
	}
	e := domain.OpenLedger(&domain.LedgerOpened{
		Ledger: o.Ledger, Origin: o.Origin, PublicKey: public, Currency: o.Currency, TimeZone: o.TimeZone, ClockGiven: source.Given,
	}, source.newID(now), now)
	tree := transparency.NewTree()
	record := eventcodec.New(o.Origin, 0).Record(&e, nil)
	tree.Append(transparency.LeafHash(record.Envelope))
	_, err = store.Append(ctx, &eventstore.Batch{
		Ledger: o.Ledger, Origin: o.Origin, Records: []eventstore.Record{record}, Edge: tree.Edge(), KeepNote: true,
		Sign: func() ([]byte, error) {
			return transparency.SignCheckpoint(transparency.Checkpoint{Origin: o.Origin, Size: 1, Root: tree.Root()}, signer)
		},
	})
	if err != nil {
		return uuid.Nil, "", fmt.Errorf("make ledger %s: %w", o.Origin, err)
	}
	return o.Ledger, o.Origin, nil
}

// A Ledger takes commands for one ledger. All methods may be called at once from many goroutines.
type Ledger struct {
	opened *domain.LedgerOpened
	queue  chan *pending
	done   chan struct{}
	err    error // of the writer, once done is closed

	unusable []int64 // positions of snapshots

	bytes *semaphore.Weighted // MaxQueueBytes

	parsers sync.Pool // of *eventcodec.Parser, for fingerprints

	mu     sync.RWMutex // held for reading while something is put in the queue
	closed bool
}

// Open starts the writer of a ledger. It reads the log from the latest snapshot on, and checks that it is what was signed.
// Errors: ErrWrongKey, ErrRolledBack, ErrClockAhead, *IntegrityError, and those of the store.
func Open(ctx context.Context, store Store, id uuid.UUID, o Options) (*Ledger, error) {
	st, err := newState(ctx, store, id, o.Signer)
	if err != nil {
		return nil, err
	}
	w := &writer{state: st, source: o.Source, head: o.HeadFile, metrics: o.Metrics}
	if !o.Source.Given {
		w.serverClock = o.ServerClock
	}
	if err := w.checkClock(ctx); err != nil {
		return nil, err
	}
	trusted, err := trustedHead(o.HeadFile, w.opened.Origin)
	if err != nil {
		return nil, err
	}
	if err := w.load(ctx, trusted, o.Progress); err != nil {
		return nil, fmt.Errorf("open %s: %w", w.opened.Origin, err)
	}
	w.saved = w.book.Position()
	w.queue = make(chan *pending, MaxQueue)
	l := &Ledger{opened: w.opened, queue: w.queue, done: make(chan struct{}), unusable: w.unusable, bytes: semaphore.NewWeighted(MaxQueueBytes)}
	l.parsers.New = func() any { return new(eventcodec.Parser) }
	go func() {
		defer close(l.done)
		// A caller who goes away must not leave the others without an answer, so the writer has no caller's context.
		l.err = w.run(context.WithoutCancel(ctx))
	}()
	return l, nil
}

// checkClock refuses a machine whose clock is not the database server's.
func checkClock(ctx context.Context, source Source, serverClock func(context.Context) (time.Time, error)) error {
	if serverClock == nil || source.Given {
		return nil
	}
	server, err := serverClock(ctx)
	if err != nil {
		return fmt.Errorf("read the server's clock: %w", err)
	}
	if d := source.Now().Sub(server).Abs(); d > maxClockDifference {
		return fmt.Errorf("%w: by %s", ErrClockAhead, d.Round(time.Second))
	}
	return nil
}

// trustedHead returns the head that was last seen committed, or nil. Its signature is not asked for: the key may have changed since, and
// the file, which is ours, can only make us refuse.
func trustedHead(file HeadFile, origin string) (*transparency.Checkpoint, error) {
	if file == nil {
		return nil, nil
	}
	signed, err := file.Head(origin)
	if err != nil || signed == nil {
		return nil, err
	}
	c, err := transparency.ClaimedCheckpoint(signed)
	if err != nil || c.Origin != origin {
		return nil, nil // a torn or foreign head file says nothing about the database
	}
	return &c, nil
}

// UnusableSnapshots are the positions of the snapshots that were passed over when the ledger was opened, as they are damaged or of another version or
// key: the log was read from an older one, or from its first event.
func (l *Ledger) UnusableSnapshots() []int64 { return l.unusable }

// Opened returns what the ledger's first event says.
func (l *Ledger) Opened() *domain.LedgerOpened { return l.opened }

// Do carries a command out and waits for its answer. A refusal is an answer; an error means that nothing is known to be stored.
func (l *Ledger) Do(ctx context.Context, req Request) (Answer, error) {
	r, err := l.Submit(ctx, req, 0)
	if err != nil {
		return Answer{}, err
	}
	return r.Wait(ctx)
}

// A Receipt is the place where the answer of a submitted command will be. It is for one goroutine.
type Receipt struct {
	answer <-chan result
	got    *result
}

func answered(a Answer) *Receipt { return &Receipt{got: &result{answer: a}} }

// Wait returns the answer.
func (r *Receipt) Wait(ctx context.Context) (Answer, error) {
	if r.got == nil {
		select {
		case got := <-r.answer:
			r.got = &got
		case <-ctx.Done():
			return Answer{}, ctx.Err()
		}
	}
	return r.got.answer, r.got.err
}

// Ready reports whether Wait would return at once.
func (r *Receipt) Ready() bool { return r.got != nil || len(r.answer) > 0 }

// Submit puts a command in the queue, waiting for a place in it. size is the size of the command's text in bytes, or 0.
func (l *Ledger) Submit(ctx context.Context, req Request, size int) (*Receipt, error) {
	return l.submit(ctx, &pending{req: req, size: size}, true)
}

// TrySubmit is Submit, but refuses with queue.full at once when there is no place.
func (l *Ledger) TrySubmit(req Request, size int) (*Receipt, error) {
	return l.submit(context.Background(), &pending{req: req, size: size}, false)
}

// Refused is the receipt of a command that could not be read, so that it can be answered in its turn.
func Refused(id uuid.UUID, r *domain.Refusal) *Receipt {
	return answered(Answer{Command: id, Refusal: r})
}

// Preview decides a command without recording it.
func (l *Ledger) Preview(ctx context.Context, req Request) (*Preview, Answer, error) {
	p := &pending{req: req, preview: &Preview{}}
	r, err := l.submit(ctx, p, true)
	if err != nil {
		return nil, Answer{}, err
	}
	a, err := r.Wait(ctx)
	return p.preview, a, err
}

func (l *Ledger) submit(ctx context.Context, p *pending, wait bool) (*Receipt, error) {
	if err := eventcodec.Validate(&p.req); err != nil {
		var refusal *domain.Refusal
		if errors.As(err, &refusal) {
			if p.req.ID == uuid.Nil {
				p.req.ID = System().newID(time.Now()) // nothing is stored: it need not come from the writer's source
			}
			return answered(Answer{Command: p.req.ID, Refusal: refusal}), nil
		}
		return nil, err
	}
	// Here, not in the writer, which all callers wait for.
	parser := l.parsers.Get().(*eventcodec.Parser)
	fingerprint, err := parser.Fingerprint(p.req.EffectiveOn, p.req.Body)
	l.parsers.Put(parser)
	if err != nil {
		return nil, fmt.Errorf("fingerprint of %s: %w", p.req.ID, err)
	}
	p.fingerprint = fingerprint
	p.size = max(p.size, minCommand, sizeOf(p.req.Body))
	answer := make(chan result, 1)
	p.answer = answer
	p.bytes = l.bytes
	full := func(limit int) *Receipt {
		return answered(Answer{Command: p.req.ID, Refusal: domain.Refuse(domain.QueueFull, fmt.Sprint(limit))})
	}
	if !wait && !l.bytes.TryAcquire(p.held()) {
		return full(MaxQueueBytes), nil
	} else if wait {
		if err := l.bytes.Acquire(ctx, p.held()); err != nil {
			return nil, err
		}
	}
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		p.release()
		return nil, ErrClosed
	}
	if !wait {
		select {
		case l.queue <- p:
			return &Receipt{answer: answer}, nil
		default:
			p.release()
			return full(MaxQueue), nil
		}
	}
	select {
	case l.queue <- p:
		return &Receipt{answer: answer}, nil
	case <-ctx.Done():
		p.release()
		return nil, ctx.Err()
	}
}

// sizeOf estimates how many bytes of events a command makes.
func sizeOf(body domain.CommandBody) int {
	switch b := body.(type) {
	case *domain.MakeGrant:
		return 2 * minCommand * len(b.Recipients)
	case *domain.Disburse:
		return minCommand * len(b.Grants)
	}
	return 0
}

// Close answers what waits, saves the head and a snapshot, and stops the writer.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if !l.closed {
		l.closed = true
		close(l.queue)
	}
	l.mu.Unlock()
	<-l.done
	return l.err
}
