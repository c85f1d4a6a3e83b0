package app

import (
	"context"
	"fmt"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/snapshot"
)

// Book returns the book as it was at a position: from a snapshot that the ledger's key signed, if there is one before it, else from the
// first event.
func (r *reader) Book(ctx context.Context, position int64) (*domain.Book, error) {
	b, err := r.bookAt(ctx, position)
	return b, explained(err, r.target)
}

func (r *reader) bookAt(ctx context.Context, position int64) (b *domain.Book, err error) {
	public, err := ledger.PublicKey(ctx, r.db, r.id)
	if err != nil {
		return nil, err
	}
	snapshots, err := r.db.Snapshots(ctx, r.id)
	if err != nil {
		return nil, fmt.Errorf("read snapshots: %w", err)
	}
	b = &domain.Book{}
	for i := range snapshots {
		if snapshots[i].Position > position || snapshots[i].Position <= b.Position() {
			continue
		}
		if kept, _, err := snapshot.Open(&snapshots[i], public); err == nil && kept.Ledger() == r.id { // a bad one is no snapshot
			b = kept
		}
	}
	at := b.Position()
	defer func() {
		if cause := recover(); cause != nil { // the book refuses to follow an event that nobody could have decided
			err = &ledger.IntegrityError{Position: at, What: fmt.Sprint("the event could not have been recorded: ", cause)}
		}
	}()
	err = r.events(ctx, at+1, position, func(e *domain.Event) error {
		at = e.Position
		b.Evolve(e)
		return nil
	})
	return b, err
}
