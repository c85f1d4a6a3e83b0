package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
)

func (r *reader) Event(ctx context.Context, event uuid.UUID) (*domain.Event, error) {
	rec, err := r.db.Event(ctx, r.id, event)
	if errors.Is(err, eventstore.ErrNotFound) {
		return nil, domain.Refuse(domain.ReferenceUnknown, "event", event.String())
	}
	if err != nil {
		return nil, explained(err, r.target)
	}
	decoded, err := r.codec().Decode(rec.Envelope)
	if err != nil {
		return nil, explained(fmt.Errorf("position %d: %w", rec.Position, err), r.target)
	}
	return &decoded.Event, nil
}
