// Package replay reads a ledger's events in order and decodes them on all processors, for whoever folds the whole log: the book at a
// start, the read models that are rebuilt, an audit.
package replay

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
)

// An Event is one event as it is stored, and as it is read.
type Event struct {
	Record   eventstore.Record // without its subjects
	Envelope eventcodec.Envelope
	Err      error             // of decoding: *eventcodec.UnknownTypeError, or what is wrong with the envelope
	Leaf     transparency.Hash // with Options.Hash
	Foreign  bool              // with Options.Encode: the envelope is not in the form in which it is written
}

// Options say what is made of each event.
type Options struct {
	Origin   string
	Decimals int // of the currency
	Hash     bool
	Encode   bool

	Keep func(*eventstore.Record) bool // which events are wanted, from what is stored of them; nil: all
}

// batch is how many events go to a processor at once.
const batch = 256

// errStopped ends a read whose results nobody wants any more.
var errStopped = errors.New("stopped")

// job is a run of events.
type job struct {
	events []Event
	done   chan struct{}
}

// Read calls yield with the events of positions from … to, in order, as eventstore.Log.Read does. An event that cannot be decoded has
// Err set, and reading goes on. Read returns the first error of yield, else that of reading the log. yield may keep what it is given but
// for the Event itself.
func Read(ctx context.Context, log eventstore.Log, ledger uuid.UUID, from, to int64, o Options, yield func(*Event) error) error {
	if to > 0 && to-from < batch {
		w := newWorker(o)
		return log.Read(ctx, ledger, from, to, func(r *eventstore.Record) error {
			if o.Keep != nil && !o.Keep(r) {
				return nil
			}
			e := Event{Record: *r}
			w.decode(&e)
			return yield(&e)
		})
	}
	workers := runtime.GOMAXPROCS(0)
	var (
		todo    = make(chan *job, workers)
		ordered = make(chan *job, 2*workers)
		stop    = make(chan struct{})
		read    error
		wait    sync.WaitGroup
	)
	wait.Go(func() {
		defer close(todo)
		defer close(ordered)
		read = split(ctx, log, ledger, from, to, o.Keep, func(j *job) error {
			select {
			case ordered <- j:
			case <-stop:
				return errStopped
			}
			select {
			case todo <- j:
				return nil
			case <-stop:
				return errStopped
			}
		})
	})
	for range workers {
		wait.Go(func() {
			w := newWorker(o)
			for j := range todo {
				for i := range j.events {
					w.decode(&j.events[i])
				}
				close(j.done)
			}
		})
	}
	err := consume(ordered, yield)
	close(stop)
	wait.Wait()
	if err != nil {
		return err
	}
	return read
}

// split reads the log in runs of the events to keep.
func split(
	ctx context.Context, log eventstore.Log, ledger uuid.UUID, from, to int64, keep func(*eventstore.Record) bool, take func(*job) error,
) error {
	next := func() *job { return &job{events: make([]Event, 0, batch), done: make(chan struct{})} }
	j := next()
	err := log.Read(ctx, ledger, from, to, func(r *eventstore.Record) error {
		if keep != nil && !keep(r) {
			return nil
		}
		j.events = append(j.events, Event{Record: *r})
		if len(j.events) < batch {
			return nil
		}
		full := j
		j = next()
		return take(full)
	})
	if len(j.events) > 0 && !errors.Is(err, errStopped) {
		if last := take(j); last != nil {
			return last
		}
	}
	return err
}

func consume(ordered <-chan *job, yield func(*Event) error) error {
	for j := range ordered {
		<-j.done
		for i := range j.events {
			if err := yield(&j.events[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// worker decodes events; it has a codec of its own, which is for one goroutine.
type worker struct {
	Options
	codec *eventcodec.Codec
	buf   []byte
}

func newWorker(o Options) *worker {
	return &worker{Options: o, codec: eventcodec.New(o.Origin, o.Decimals)}
}

func (w *worker) decode(e *Event) {
	e.Envelope, e.Err = w.codec.Decode(e.Record.Envelope)
	if w.Hash {
		e.Leaf = transparency.LeafHash(e.Record.Envelope)
	}
	if w.Encode && e.Err == nil {
		w.buf = w.codec.Encode(w.buf[:0], &e.Envelope.Event, e.Envelope.Fingerprint)
		e.Foreign = !bytes.Equal(w.buf, e.Record.Envelope)
	}
}
