package replay_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/replay"
)

const origin = "example.org/a"

// log has envelopes in memory, and fails at a position.
type log struct {
	eventstore.Log
	envelopes [][]byte
	failAt    int64
	reading   bool
}

var errLog = errors.New("disk on fire")

func (l *log) Read(_ context.Context, _ uuid.UUID, from, to int64, yield func(*eventstore.Record) error) error {
	l.reading = true
	defer func() { l.reading = false }()
	var r eventstore.Record // reused, as the stores do
	if to == 0 {
		to = int64(len(l.envelopes))
	}
	for at := from; at <= to; at++ {
		if at == l.failAt {
			return errLog
		}
		r = eventstore.Record{Position: at, Envelope: l.envelopes[at-1]}
		if err := yield(&r); err != nil {
			return err
		}
	}
	return nil
}

func newLog(n int) *log {
	l := &log{}
	codec := eventcodec.New(origin, 0)
	for i := range n {
		e := domain.Event{
			Position: int64(i) + 1, ID: uuid.UUID{6: 0x70, 8: 0x80, 15: byte(i)}, RecordedAt: time.Unix(int64(i), 0).UTC(),
			Body: &domain.UnitClosed{Unit: fmt.Sprintf("U%d", i)},
		}
		l.envelopes = append(l.envelopes, codec.Encode(nil, &e, nil))
	}
	return l
}

func TestRead(t *testing.T) {
	const n = 3_000
	all := newLog(n)
	for _, r := range [][2]int64{{1, 0}, {1, n}, {1, 1}, {100, 101}, {256, 1_024}, {2_990, n}, {5, 4}} {
		next := r[0]
		o := replay.Options{Origin: origin, Hash: true, Encode: true}
		err := replay.Read(t.Context(), all, uuid.Nil, r[0], r[1], o, func(e *replay.Event) error {
			unit := e.Envelope.Event.Body.(*domain.UnitClosed).Unit
			switch {
			case e.Record.Position != next || e.Envelope.Event.Position != next || unit != fmt.Sprintf("U%d", next-1):
				t.Errorf("%v: position %d after %d", r, e.Record.Position, next-1)
			case e.Err != nil || e.Foreign || e.Leaf != transparency.LeafHash(all.envelopes[next-1]):
				t.Errorf("%v: position %d: %v, foreign %v, leaf %s", r, next, e.Err, e.Foreign, e.Leaf)
			}
			next++
			return nil
		})
		want := r[1]
		if want == 0 {
			want = n
		}
		if err != nil || next != want+1 {
			t.Errorf("%v: ended before %d, %v", r, next, err)
		}
	}
}

func TestReadSpoilt(t *testing.T) {
	l := newLog(2_000)
	l.envelopes[999] = []byte(`{"ledger":`)
	l.envelopes[1_499] = append(l.envelopes[1_499], ' ')
	wrong := map[int64]string{}
	err := replay.Read(t.Context(), l, uuid.Nil, 1, 0, replay.Options{Origin: origin, Encode: true}, func(e *replay.Event) error {
		switch {
		case e.Err != nil:
			wrong[e.Record.Position] = "unreadable"
		case e.Foreign:
			wrong[e.Record.Position] = "foreign"
		}
		return nil
	})
	if err != nil || len(wrong) != 2 || wrong[1_000] != "unreadable" || wrong[1_500] == "" {
		t.Errorf("found %v, %v", wrong, err)
	}
}

// What was read before an error is given on; an error of yield ends the reading.
func TestReadEnds(t *testing.T) {
	l := newLog(5_000)
	l.failAt = 3_000
	last := int64(0)
	err := replay.Read(t.Context(), l, uuid.Nil, 1, 0, replay.Options{Origin: origin}, func(e *replay.Event) error {
		last = e.Record.Position
		return nil
	})
	if !errors.Is(err, errLog) || last != 2_999 {
		t.Errorf("ended at %d, %v", last, err)
	}
	enough := errors.New("enough")
	err = replay.Read(t.Context(), l, uuid.Nil, 1, 0, replay.Options{Origin: origin}, func(e *replay.Event) error {
		last = e.Record.Position
		if last == 300 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || last != 300 {
		t.Errorf("ended at %d, %v", last, err)
	}
	if l.reading {
		t.Error("the log is still being read")
	}
}
