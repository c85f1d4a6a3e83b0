package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/keychange"
	"github.com/soquy/soquy/internal/replay"
	"github.com/soquy/soquy/internal/snapshot"
)

// state is what the writer knows of the ledger, all of it vouched for: the book and the tree of the same position.
type state struct {
	store    Store
	ledger   uuid.UUID
	opened   *domain.LedgerOpened
	codec    *eventcodec.Codec
	decimals int
	signer   note.Signer
	public   string // verifier key of signer

	book domain.Book
	tree *transparency.Tree
	note []byte

	snapshotAt int64   // position of the latest snapshot
	unusable   []int64 // positions of snapshots that were of no use when the log was read
	recent     recent
}

// newState returns the state of a ledger of which only the first event was read.
func newState(ctx context.Context, store Store, id uuid.UUID, signer note.Signer) (state, error) {
	s := state{store: store, ledger: id, signer: signer}
	var err error
	if s.opened, err = readOpened(ctx, store, id); err != nil {
		return s, err
	}
	first, err := note.NewVerifier(s.opened.PublicKey)
	if err != nil {
		return s, &IntegrityError{Position: 1, What: "the ledger's public key cannot be read"}
	}
	switch key, known := signer.(interface{ PublicKey() string }); {
	case known:
		s.public = key.PublicKey()
		keys, err := publicKeys(ctx, store, s.opened)
		if err != nil {
			return s, err
		}
		if !slices.Contains(keys, s.public) {
			return s, fmt.Errorf("%s: %w", s.opened.Origin, ErrWrongKey)
		}
	case signer.Name() == first.Name() && signer.KeyHash() == first.KeyHash():
		s.public = s.opened.PublicKey
	default:
		return s, fmt.Errorf("%s: %w", s.opened.Origin, ErrWrongKey)
	}
	currency, err := money.LookupCurrency(s.opened.Currency)
	if err != nil {
		return s, err
	}
	s.decimals = currency.Decimals
	s.codec = eventcodec.New(s.opened.Origin, s.decimals)
	return s, nil
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
	s.book, s.tree, s.unusable = domain.Book{}, nil, nil
	edge := transparency.Edge{}
	snapshots, err := s.store.Snapshots(ctx, s.ledger)
	if err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	for _, snap := range snapshots {
		// A bad snapshot is no snapshot: the log is replayed. One that an earlier key signed is good if the log says so, which only a
		// replay can tell.
		book, at, err := snapshot.Open(&snap, s.public)
		if err == nil && book.Ledger() == s.ledger {
			s.book, edge, s.snapshotAt = *book, at, snap.Position
			break
		}
		s.unusable = append(s.unusable, snap.Position)
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

// follow reads the events between the state's position and a head, and checks that they are what was signed. edge is that of the tree at the state's
// position; a state that has a tree needs none.
func (s *state) follow(ctx context.Context, head eventstore.Head, edge transparency.Edge, trusted *transparency.Checkpoint, progress func(done, total int64)) error {
	switch {
	case s.book.Position() <= head.Position():
	case s.tree != nil: // what this program has seen committed
		return fmt.Errorf("%w: it ends at %d, this program has seen %d", ErrRolledBack, head.Position(), s.book.Position())
	default:
		return &IntegrityError{Position: head.Position(), What: "the log ends before a snapshot that was signed"}
	}
	// A state that has a tree goes on with it: what it would be restored from are as many questions as the log has tiles, asked while others wait.
	// Else the leaves of the partial tile are needed too; the last of them are read here anyway.
	var err error
	var tree *transparency.Tree
	tail := head.Position() / transparency.TileWidth * transparency.TileWidth
	var leaves []transparency.Hash
	from := s.book.Position()
	if s.tree != nil {
		tree = s.tree.Clone()
	} else if tail < from {
		if leaves, err = s.leaves(ctx, tail+1, from); err != nil {
			return err
		}
	}
	root := func() transparency.Hash {
		if tree != nil {
			return tree.Root()
		}
		return edge.Root()
	}
	check := func() error {
		if trusted != nil && s.book.Position() == trusted.Size && root() != trusted.Root {
			return &IntegrityError{Position: trusted.Size, What: "the log is not the one whose head was last seen committed"}
		}
		return nil
	}
	if err := check(); err != nil {
		return err
	}
	o := replay.Options{Origin: s.opened.Origin, Decimals: s.decimals, Hash: true}
	err = replay.Read(ctx, s.store, s.ledger, from+1, head.Position(), o, func(e *replay.Event) error {
		r, decoded := &e.Record, &e.Envelope
		if err := e.Err; err != nil {
			var unknown *eventcodec.UnknownTypeError
			if errors.As(err, &unknown) {
				return fmt.Errorf("position %d: %w", r.Position, err)
			}
			return &IntegrityError{Position: r.Position, What: "envelope cannot be read: " + err.Error()}
		}
		if decoded.Event.Position != r.Position {
			return &IntegrityError{Position: r.Position, What: "envelope is of another position"}
		}
		if _, isChange := keychange.PublicKey(decoded.Event.Body); isChange {
			before := domain.TreeHead{Size: s.book.Position(), Root: root()}
			if err := keychange.Check(s.opened.Origin, decoded.Event.Body, s.book.PublicKey(), before); err != nil {
				return &IntegrityError{Position: r.Position, What: "the key was changed by someone who had not the key before: " + err.Error()}
			}
		}
		if tree != nil {
			tree.Append(e.Leaf)
		} else {
			edge.Append(e.Leaf)
			if r.Position > tail {
				leaves = append(leaves, e.Leaf)
			}
		}
		s.book.Evolve(&decoded.Event)
		s.recent.add(decoded.Event.Command)
		if progress != nil && r.Position%progressEvery == 0 {
			progress(r.Position, head.Position())
		}
		return check()
	})
	if err != nil {
		return fmt.Errorf("read the log: %w", err)
	}
	signed, err := transparency.OpenCheckpoint(head.Note, s.book.PublicKey())
	switch {
	case err != nil:
		return &IntegrityError{Position: head.Position(), What: "the head's note is not signed by the ledger's key"}
	case signed.Size != head.Position() || signed.Root != head.Edge.Root():
		return &IntegrityError{Position: head.Position(), What: "the head's note is of another tree"}
	case s.book.Position() != signed.Size || root() != signed.Root:
		return &IntegrityError{Position: head.Position(), What: "the events are not those of the signed root"}
	}
	if tree != nil {
		tree.Full() // who appended the leaves has stored them
	} else if tree, err = s.restore(ctx, edge, leaves); err != nil {
		return err
	}
	if err := s.holdsKey(); err != nil {
		return err
	}
	s.tree, s.note = tree, head.Note
	return nil
}

// restore makes the tree with an edge, from the tiles that are stored and the leaves of the last one.
func (s *state) restore(ctx context.Context, edge transparency.Edge, leaves []transparency.Hash) (*transparency.Tree, error) {
	var unread error
	tree, err := transparency.Restore(edge, leaves, func(level int, index int64) ([]byte, error) {
		hashes, err := s.store.Tile(ctx, s.ledger, level, index)
		if err != nil && !isNotFound(err) && !errors.Is(err, eventstore.ErrCorrupt) {
			unread = err
		}
		return hashes, err
	})
	if unread != nil {
		return nil, fmt.Errorf("read the tiles: %w", unread)
	}
	if err != nil {
		return nil, &IntegrityError{Position: edge.Size, What: "tiles do not agree with the tree: " + err.Error()}
	}
	return tree, nil
}

// holdsKey checks that our key is the one that signs the ledger's heads now.
func (s *state) holdsKey() error {
	if s.public != s.book.PublicKey() {
		return fmt.Errorf("%s: %w", s.opened.Origin, ErrWrongKey)
	}
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
