package ledger

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

const (
	// recentIDs is how many IDs a generation of recent has: twice as many are remembered, some two megabytes.
	recentIDs = 16_384
	// idsAhead is how far ahead the clock may be of someone whose IDs need not be looked up.
	idsAhead = time.Minute
	// learnEvery is how often the log is asked for the gap at the most.
	learnEvery = time.Minute
)

// recent says of most IDs that no command with them was accepted before, without a look into the log. Nearly every command is new, and its
// ID, a UUIDv7, is of this moment. It lies in a gap: when the log was asked, it had no ID there. Those that were accepted since are
// remembered, ours and those of other processes, which the writer reads before it decides anything after them. Of what it has not read the
// writer need not know: a batch that was decided without it loses the swap of the head, and is decided again.
type recent struct {
	after, before uuid.UUID // the ends of the gap, which are not in it; equal: there is none
	young, old    map[uuid.UUID]struct{}
	learned       time.Time

	// absent are IDs outside of the gap that the log was asked for and lacked, but those that were accepted since.
	absent map[uuid.UUID]struct{}
}

// learn begins with the gap that the log has around now.
func (r *recent) learn(ctx context.Context, store Store, ledger uuid.UUID, now time.Time) error {
	after, before, err := store.CommandsAround(ctx, ledger, firstID(now.Add(idsAhead)))
	if err != nil {
		return fmt.Errorf("look for the gap of IDs: %w", err)
	}
	*r = recent{after: after, before: before, young: map[uuid.UUID]struct{}{}, learned: time.Now()}
	return nil
}

// stale reports whether the log may be asked again.
func (r *recent) stale() bool { return r.learned.IsZero() || time.Since(r.learned) >= learnEvery }

// asked notes which of some IDs the log lacks.
func (r *recent) asked(ids []uuid.UUID, known map[uuid.UUID]eventstore.Command) {
	if r.absent == nil || len(r.absent) > recentIDs {
		r.absent = make(map[uuid.UUID]struct{}, len(ids))
	}
	for _, id := range ids {
		if _, there := known[id]; !there {
			r.absent[id] = struct{}{}
		}
	}
}

// inGap reports whether the log had no such ID when it was asked.
func (r *recent) inGap(id uuid.UUID) bool {
	return bytes.Compare(id[:], r.after[:]) > 0 && bytes.Compare(id[:], r.before[:]) < 0
}

// isNew reports whether no command with the ID was accepted, for sure.
func (r *recent) isNew(id uuid.UUID) bool {
	if !r.inGap(id) {
		_, absent := r.absent[id]
		return absent
	}
	_, young := r.young[id]
	_, old := r.old[id]
	return !young && !old
}

// add remembers the ID of an accepted command. The oldest are forgotten in time: the gap begins after them then.
func (r *recent) add(id uuid.UUID) {
	delete(r.absent, id)
	if !r.inGap(id) {
		return
	}
	r.young[id] = struct{}{}
	if len(r.young) < recentIDs {
		return
	}
	for id := range r.old {
		if bytes.Compare(id[:], r.after[:]) > 0 {
			r.after = id
		}
	}
	r.young, r.old = map[uuid.UUID]struct{}{}, r.young
}

// firstID is before all UUIDv7 of a moment.
func firstID(at time.Time) (id uuid.UUID) {
	ms := at.UnixMilli()
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return id
}
