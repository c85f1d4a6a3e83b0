package postgres

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
)

// Nearly every command is new, and its ID, a UUIDv7, is later than those of all commands before it. While a ledger is where this process
// saw it, which its signed note says, an ID beyond the newest was not accepted before, and no index needs to be asked for it.

// newest is what is known of the ledgers' newest command IDs.
type newest struct {
	mu      sync.Mutex
	ledgers map[uuid.UUID]newestID
}

type newestID struct {
	note  []byte    // of the head
	id    uuid.UUID // no command until then has a later one; zero where there is none
	asked time.Time // when the database was last asked, where nothing is known
}

// learnEvery is how often the database is asked for the newest ID of a ledger that others append to as well.
const learnEvery = time.Second

func (n *newest) get(ledger uuid.UUID) newestID {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ledgers[ledger]
}

func (n *newest) set(ledger uuid.UUID, id newestID) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ledgers == nil {
		n.ledgers = map[uuid.UUID]newestID{}
	}
	n.ledgers[ledger] = id
}

// appended follows a batch that was committed after the head with a note.
func (n *newest) appended(b *eventstore.Batch, before, after []byte) {
	known := n.get(b.Ledger)
	if known.note == nil || !bytes.Equal(known.note, before) {
		return
	}
	known.note = after
	for i := range b.Commands {
		if id := b.Commands[i].ID; bytes.Compare(id[:], known.id[:]) > 0 {
			known.id = id
		}
	}
	n.set(b.Ledger, known)
}

// areNew reports whether none of the IDs was accepted before, as far as that can be said without looking for them.
func (s *Store) areNew(ctx context.Context, ledger uuid.UUID, ids []uuid.UUID) (bool, error) {
	const (
		head  = `SELECT note FROM ledgers WHERE ledger_id = $1`
		learn = `SELECT l.note, coalesce((
				SELECT command_id FROM commands WHERE ledger_id = $1 ORDER BY command_id DESC LIMIT 1
			), '00000000-0000-0000-0000-000000000000') FROM ledgers l WHERE l.ledger_id = $1`
	)
	known := s.newest.get(ledger)
	if known.note == nil {
		if time.Since(known.asked) < learnEvery {
			return false, nil
		}
		err := s.read.QueryRow(ctx, learn, ledger).Scan(&known.note, &known.id)
		known.asked = time.Now()
		if err == nil {
			s.newest.set(ledger, known)
		}
		return false, nil // whatever is wrong is said by who looks the IDs up
	}
	for i := range ids {
		if bytes.Compare(ids[i][:], known.id[:]) <= 0 {
			return false, nil
		}
	}
	var note []byte
	if err := s.read.QueryRow(ctx, head, ledger).Scan(&note); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, err
	}
	if !bytes.Equal(note, known.note) {
		s.newest.set(ledger, newestID{asked: known.asked}) // somebody else appended
		return false, nil
	}
	return true, nil
}
