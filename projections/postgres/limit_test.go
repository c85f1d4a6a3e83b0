package postgres

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	store "github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections"
)

// TestRowLimit: an answer has as many rows as it may, and one more is refused.
func TestRowLimit(t *testing.T) {
	s, err := store.Open(t.Context(), pgtest.Database(t), store.Options{Mode: store.Create})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ask := func(n int) (list []int, err error) {
		err = s.View(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
			rows, err := tx.Query(ctx, `SELECT generate_series(1, $1::int)`, n)
			list, err = collect(rows, err, func(v *int) []any { return []any{v} })
			return err
		})
		return list, err
	}
	if list, err := ask(projections.MaxRows); err != nil || len(list) != projections.MaxRows {
		t.Errorf("%d rows, %v", len(list), err)
	}
	var long *projections.TooManyRowsError
	if list, err := ask(projections.MaxRows + 1); !errors.As(err, &long) || list != nil {
		t.Errorf("%d rows, %v", len(list), err)
	}
}
