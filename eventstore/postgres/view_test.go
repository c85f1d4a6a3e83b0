package postgres_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

// TestViewThatDidNotBegin: a view of which the beginning failed has no head, however often it is asked for.
func TestViewThatDidNotBegin(t *testing.T) {
	pgtest.Server(t)
	s := open(t, pgtest.Database(t), postgres.Create)
	l := storetest.NewLedger(t, "KH")
	if _, err := s.Append(t.Context(), l.Batch(1)); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	err := s.ViewLedger(t.Context(), l.ID, false, func(ctx context.Context, _ pgx.Tx, head func(context.Context) (eventstore.Head, error)) error {
		for _, ctx := range []context.Context{over, ctx} {
			if h, err := head(ctx); err == nil {
				t.Errorf("a head at position %d, and no error", h.Position())
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
