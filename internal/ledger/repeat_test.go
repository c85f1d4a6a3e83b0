package ledger_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/internal/ledger"
)

// counted counts the looks for commands that were accepted before.
type counted struct {
	*sqlite.Store
	looks *atomic.Int64
}

func (c counted) Commands(ctx context.Context, id uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	c.looks.Add(1)
	return c.Store.Commands(ctx, id, ids)
}

// Two writers take turns and start again, with IDs of every kind; each command is carried out once, whoever it is sent to again.
func TestRepeatsAmongWriters(t *testing.T) {
	w := newWorld(t)
	first := w.open()
	found(t, first)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	var looks atomic.Int64
	var writers [2]*ledger.Ledger
	start := func(i int) {
		t.Helper()
		if writers[i] != nil {
			if err := writers[i].Close(); err != nil {
				t.Fatal(err)
			}
		}
		store, err := sqlite.Open(w.path, sqlite.Options{Mode: sqlite.ReadWrite})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		opt := w.options()
		opt.Source, opt.HeadFile = ledger.System(), nil
		if writers[i], err = ledger.Open(t.Context(), counted{store, &looks}, w.id, opt); err != nil {
			t.Fatal(err)
		}
	}
	start(0)
	start(1)
	defer func() { writers[0].Close(); writers[1].Close() }()
	send := func(to int, id uuid.UUID) ledger.Answer {
		return accept(t, writers[to], fmt.Sprintf(`{"id":%q,"type":"receive_donation","effective_on":"2017-03-05","data":%s}`, id, donate))
	}
	random := rand.New(rand.NewPCG(3, 4))
	positions := map[uuid.UUID]int64{}
	var sent []uuid.UUID
	for i := range 500 {
		to := random.IntN(2)
		if i%100 == 99 {
			start(to)
		}
		if len(sent) > 0 && random.IntN(3) == 0 {
			id := sent[random.IntN(len(sent))]
			if a := send(to, id); !a.Repeat || a.First != positions[id] {
				t.Fatalf("%s was carried out again at %d, at first at %d", id, a.First, positions[id])
			}
			continue
		}
		id := uuid.Must(uuid.NewV7())
		switch random.IntN(10) {
		case 0:
			id = uuid.New()
		case 1, 2: // of a clock that is wrong
			off := time.Duration(5+random.IntN(90)) * time.Minute
			if random.IntN(2) == 0 {
				off = -off
			}
			ms := time.Now().Add(off).UnixMilli()
			for i := range 6 {
				id[i] = byte(ms >> (40 - 8*i))
			}
		}
		a := send(to, id)
		if a.Repeat {
			t.Fatalf("%s is new, and was taken for a repeat", id)
		}
		sent, positions[id] = append(sent, id), a.First
	}

	// Where all is new nothing is looked up.
	start(0)
	send(0, uuid.Must(uuid.NewV7()))
	before := looks.Load()
	for range 100 {
		send(0, uuid.Must(uuid.NewV7()))
	}
	if n := looks.Load() - before; n > 1 {
		t.Errorf("100 new commands were looked up %d times", n)
	}
}
