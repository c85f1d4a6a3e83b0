package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/snapshot"
)

// state is what the writer knows of the ledger, all of it vouched for: the book and the tree of the same position.
type state struct {
	store  Store
	ledger uuid.UUID
	opened *domain.LedgerOpened
	codec  *eventcodec.Codec
	signer note.Signer

	book domain.Book
	tree *transparency.Tree
	note []byte

	snapshotAt int64 // position of the latest snapshot
}

// readOpened reads what the first event says of a ledger.
func readOpened(ctx context.Context, log eventstore.Log, ledger uuid.UUID) (*domain.LedgerOpened, error) {
	var opened *domain.LedgerOpened
	err := log.Read(ctx, ledger, 1, 1, func(r *eventstore.Record) error {
		var err error
		opened, err = eventcodec.Currency(r.Envelope)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read ledger.opened: %w", err)
	}
	if opened == nil || opened.Ledger != ledger {
		return nil, &IntegrityError{Position: 1, What: "ledger.opened is of another ledger"}
	}
	return opened, nil
}

// load brings the state to the ledger's head: from the latest good snapshot, or from the first event. trusted is a head that was seen
// committed before, or nil: the log must contain it.
func (s *state) load(ctx context.Context, trusted *transparency.Checkpoint, progress func(done, total int64)) error {
	s.book, s.tree = domain.Book{}, nil
	edge := transparency.Edge{}
	snapshots, err := s.store.Snapshots(ctx, s.ledger)
	if err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	for _, snap := range snapshots {
		// A bad snapshot is no snapshot: the log is replayed.
		if book, at, err := snapshot.Open(&snap, s.opened.PublicKey); err == nil && book.Ledger() == s.ledger {
			s.book, edge, s.snapshotAt = *book, at, snap.Position
			break
		}
	}
	head, err := s.store.Head(ctx, s.ledger)
	if err != nil {
		return fmt.Errorf("read the head: %w", err)
	}
	if trusted != nil && trusted.Size > head.Position() {
		return fmt.Errorf("%w: it ends at %d, the head file says %d", ErrRolledBack, head.Position(), trusted.Size)
	}
	return s.follow(ctx, head, edge, trusted, progress)
}

// follow reads the events between the state's position, whose edge is given, and a head, and checks that they are what was signed.
func (s *state) follow(ctx context.Context, head eventstore.Head, edge transparency.Edge, trusted *transparency.Checkpoint, progress func(done, total int64)) error {
	signed, err := transparency.OpenCheckpoint(head.Note, s.opened.PublicKey)
	if err != nil {
		return &IntegrityError{Position: head.Position(), What: "the head's note is not signed by the ledger's key"}
	}
	if signed.Size != head.Position() || signed.Root != head.Edge.Root() {
		return &IntegrityError{Position: head.Position(), What: "the head's note is of another tree"}
	}
	if s.book.Position() > head.Position() {
		return &IntegrityError{Position: head.Position(), What: "the log ends before a snapshot that was signed"}
	}
	check := func() error {
		if trusted != nil && edge.Size == trusted.Size && edge.Root() != trusted.Root {
			return &IntegrityError{Position: trusted.Size, What: "the log is not the one whose head was last seen committed"}
		}
		return nil
	}
	if err := check(); err != nil {
		return err
	}
	// The leaves of the partial tile are needed too; the last of them are read here anyway.
	tail := head.Position() / transparency.TileWidth * transparency.TileWidth
	var leaves []transparency.Hash
	from := s.book.Position()
	if tail < from {
		if leaves, err = s.leaves(ctx, tail+1, from); err != nil {
			return err
		}
	}
	err = s.store.Read(ctx, s.ledger, from+1, head.Position(), func(r *eventstore.Record) error {
		decoded, err := s.codec.Decode(r.Envelope)
		if err != nil {
			var unknown *eventcodec.UnknownTypeError
			if errors.As(err, &unknown) {
				return fmt.Errorf("position %d: %w", r.Position, err)
			}
			return &IntegrityError{Position: r.Position, What: "envelope cannot be read: " + err.Error()}
		}
		if decoded.Event.Position != r.Position {
			return &IntegrityError{Position: r.Position, What: "envelope is of another position"}
		}
		leaf := transparency.LeafHash(r.Envelope)
		edge.Append(leaf)
		if r.Position > tail {
			leaves = append(leaves, leaf)
		}
		s.book.Evolve(&decoded.Event)
		if progress != nil && r.Position%progressEvery == 0 {
			progress(r.Position, head.Position())
		}
		return check()
	})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	if edge.Size != signed.Size || edge.Root() != signed.Root {
		return &IntegrityError{Position: head.Position(), What: "the events are not those of the signed root"}
	}
	s.tree, err = transparency.Restore(edge, leaves, func(level int, index int64) ([]byte, error) {
		return s.store.Tile(ctx, s.ledger, level, index)
	})
	if err != nil {
		return &IntegrityError{Position: head.Position(), What: "tiles do not agree with the tree: " + err.Error()}
	}
	s.note = head.Note
	return nil
}

// progressEvery is after how many events a long read tells how far it is.
const progressEvery = 4096

// leaves returns the leaf hashes of a range of positions.
func (s *state) leaves(ctx context.Context, from, to int64) ([]transparency.Hash, error) {
	var list []transparency.Hash
	err := s.store.Read(ctx, s.ledger, from, to, func(r *eventstore.Record) error {
		list = append(list, transparency.LeafHash(r.Envelope))
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the leaves of the last tile: %w", err)
	}
	return list, nil
}
