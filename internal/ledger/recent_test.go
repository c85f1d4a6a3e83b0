package ledger

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// gap is a log that tells where it has no IDs, and nothing else.
type gap struct {
	Store
	after, before uuid.UUID
}

func (g *gap) CommandsAround(context.Context, uuid.UUID, uuid.UUID) (before, after uuid.UUID, err error) {
	return g.after, g.before, nil
}

// An ID that the log was asked for is new until it is accepted.
func TestAsked(t *testing.T) {
	r := recent{}
	ids := make([]uuid.UUID, 10)
	for i := range ids {
		ids[i] = uuid.New()
	}
	r.asked(ids, map[uuid.UUID]eventstore.Command{ids[3]: {}})
	r.add(ids[5])
	for i, id := range ids {
		if want := i != 3 && i != 5; r.isNew(id) != want {
			t.Errorf("ID %d is new: %t", i, !want)
		}
	}
	for range 10 {
		more := make([]uuid.UUID, recentIDs/2)
		for i := range more {
			more[i] = uuid.New()
		}
		r.asked(more, nil)
		if !r.isNew(more[0]) || len(r.absent) > 2*recentIDs {
			t.Fatalf("of %d IDs that were asked for the last are not new", len(r.absent))
		}
	}
}

// Whatever was accepted, in whatever order and however long ago, is never taken for new.
func TestRecent(t *testing.T) {
	r, random := recent{}, rand.New(rand.NewPCG(1, 2))
	if r.isNew(uuid.New()) || !r.stale() {
		t.Error("before the log was asked an ID is new")
	}
	now := time.UnixMilli(1_770_000_000_000)
	id := func(at time.Time) uuid.UUID {
		id := firstID(at)
		for i := 6; i < len(id); i++ {
			id[i] = byte(random.Uint32())
		}
		return id
	}
	g := &gap{after: id(now.Add(-time.Hour)), before: id(now.Add(time.Hour))}
	if err := r.learn(t.Context(), g, uuid.Nil, now); err != nil || r.stale() {
		t.Fatal(err)
	}
	accepted := []uuid.UUID{g.after, g.before, id(now.Add(-2 * time.Hour)), id(now.Add(2 * time.Hour))}
	var looked int
	for i := range 5 * recentIDs {
		fresh := id(now.Add(time.Duration(i-random.IntN(2_000)) * time.Millisecond))
		if !r.isNew(fresh) {
			looked++
		}
		r.add(fresh)
		accepted = append(accepted, fresh)
		for range 3 {
			if again := accepted[random.IntN(len(accepted))]; r.isNew(again) {
				t.Fatalf("after %d the ID %s is taken for new", i, again)
			}
		}
	}
	for _, again := range accepted {
		if r.isNew(again) {
			t.Fatalf("%s is taken for new", again)
		}
	}
	if looked > 0 || len(r.young)+len(r.old) > 2*recentIDs {
		t.Errorf("%d new IDs have to be looked up, %d are remembered", looked, len(r.young)+len(r.old))
	}
}
