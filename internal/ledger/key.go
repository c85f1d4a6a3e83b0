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
	"github.com/soquy/soquy/internal/keychange"
)

// ErrNothingLost says that the database has every event that is known to be committed.
var ErrNothingLost = errors.New("nothing that is known to be committed is missing")

// PublicKey returns the verifier key that signs the heads of a ledger, as its log names it: that of ledger.opened, or of the latest
// change. Whoever relies on it follows the changes from the first key.
func PublicKey(ctx context.Context, log eventstore.Log, id uuid.UUID) (string, error) {
	opened, err := readOpened(ctx, log, id)
	if err != nil {
		return "", err
	}
	keys, err := publicKeys(ctx, log, opened)
	if err != nil {
		return "", err
	}
	return keys[len(keys)-1], nil
}

// publicKeys returns the keys that a log names, first to last.
func publicKeys(ctx context.Context, log eventstore.Log, opened *domain.LedgerOpened) ([]string, error) {
	keys := []string{opened.PublicKey}
	codec := eventcodec.New(opened.Origin, 0) // the events have no amounts
	err := log.Subject(ctx, opened.Ledger, domain.KeySubject, 1, 0, func(r *eventstore.Record) error {
		decoded, err := codec.Decode(r.Envelope)
		if err != nil {
			return &IntegrityError{Position: r.Position, What: "envelope cannot be read: " + err.Error()}
		}
		if public, isChange := keychange.PublicKey(decoded.Event.Body); isChange {
			keys = append(keys, public)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the changes of the key: %w", err)
	}
	return keys, nil
}

// Rotate gives a ledger a new key. The checkpoint of its batch is signed by both keys. A writer that has the ledger open is told
// ErrWrongKey when it next reads what is new. Errors: those of Open.
func Rotate(ctx context.Context, store Store, id uuid.UUID, o Options, next Key) error {
	s, err := newState(ctx, store, id, o.Signer)
	if err != nil {
		return err
	}
	trusted, err := trustedHead(o.HeadFile, s.opened.Origin)
	if err != nil {
		return err
	}
	return s.changeKey(ctx, o, trusted, func(at domain.TreeHead) (domain.EventBody, []note.Signer) {
		return &domain.LedgerRekeyed{PublicKey: next.public, Tree: at}, []note.Signer{s.signer, next}
	})
}

// AcceptLoss lets a ledger go on from a database that was restored and lacks events that are known, from the head file, to be
// committed. The log says so, with both heads, and goes on under a new key, which alone signs: the key before has signed another tree.
// Errors: ErrNothingLost, and those of Open but ErrRolledBack.
func AcceptLoss(ctx context.Context, store Store, id uuid.UUID, o Options, next Key) error {
	s, err := newState(ctx, store, id, o.Signer)
	if err != nil {
		return err
	}
	trusted, err := trustedHead(o.HeadFile, s.opened.Origin)
	if err != nil {
		return err
	}
	if trusted == nil {
		return ErrNothingLost
	}
	root, err := rootAt(ctx, store, id, trusted.Size)
	switch {
	case err == nil && root == trusted.Root:
		return ErrNothingLost
	case err != nil && !errors.Is(err, eventstore.ErrNotFound):
		return err
	}
	return s.changeKey(ctx, o, nil, func(at domain.TreeHead) (domain.EventBody, []note.Signer) {
		lost := domain.TreeHead{Size: trusted.Size, Root: trusted.Root}
		return &domain.LedgerForked{PublicKey: next.public, Tree: at, Lost: lost}, []note.Signer{next}
	})
}

// rootAt returns the root of the tree of the first events, or ErrNotFound when there are not so many.
func rootAt(ctx context.Context, store Store, id uuid.UUID, size int64) (transparency.Hash, error) {
	head, err := store.Head(ctx, id)
	if err != nil {
		return transparency.Hash{}, fmt.Errorf("read the head: %w", err)
	}
	if head.Position() < size {
		return transparency.Hash{}, eventstore.ErrNotFound
	}
	var edge transparency.Edge
	err = store.Read(ctx, id, 1, size, func(r *eventstore.Record) error {
		edge.Append(transparency.LeafHash(r.Envelope))
		return nil
	})
	if err != nil {
		return transparency.Hash{}, fmt.Errorf("read the log: %w", err)
	}
	return edge.Root(), nil
}

// changeKey appends the event that changes the key, alone in its batch. change makes it, and says which keys sign the head after it; at
// is the tree before it.
func (s *state) changeKey(ctx context.Context, o Options, trusted *transparency.Checkpoint,
	change func(at domain.TreeHead) (domain.EventBody, []note.Signer),
) error {
	if err := checkClock(ctx, o.Source, o.ServerClock); err != nil {
		return err
	}
	if err := s.load(ctx, trusted, o.Progress); err != nil {
		return fmt.Errorf("open %s: %w", s.opened.Origin, err)
	}
	lock, err := s.store.Lock(ctx, s.ledger)
	if err != nil {
		return fmt.Errorf("lock the ledger: %w", err)
	}
	signed, err := s.appendChange(ctx, lock, o.Source, change)
	if err != nil {
		return errors.Join(err, lock.Release())
	}
	if o.HeadFile == nil {
		return nil
	}
	return o.HeadFile.SaveHead(s.opened.Origin, signed)
}

func (s *state) appendChange(ctx context.Context, lock eventstore.Lock, source Source,
	change func(at domain.TreeHead) (domain.EventBody, []note.Signer),
) ([]byte, error) {
	if err := s.catchUp(ctx, lock.Head()); err != nil {
		return nil, err
	}
	body, signers := change(domain.TreeHead{Size: s.tree.Size(), Root: s.tree.Root()})
	if err := keychange.Sign(s.opened.Origin, body, s.signer); err != nil {
		return nil, err
	}
	now := source.Now()
	e := domain.ChangeKey(&s.book, body, source.newID(now), now)
	s.book.Evolve(&e)
	record := s.codec.Record(&e, nil)
	s.tree.Append(transparency.LeafHash(record.Envelope))
	after := transparency.Checkpoint{Origin: s.opened.Origin, Size: s.tree.Size(), Root: s.tree.Root()}
	signed, err := lock.Append(ctx, &eventstore.Batch{
		Ledger: s.ledger, Origin: s.opened.Origin, After: e.Position - 1, Records: []eventstore.Record{record},
		Edge: s.tree.Edge(), Tiles: s.tree.Full(), KeepNote: true,
		Sign: func() ([]byte, error) { return transparency.SignCheckpoint(after, signers...) },
	})
	if err != nil {
		return nil, fmt.Errorf("append to %s: %w", s.opened.Origin, err)
	}
	return signed, nil
}
