package report_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain"
	postgresstore "github.com/soquy/soquy/eventstore/postgres"
	sqlitestore "github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/internal/report"
	postgresmodels "github.com/soquy/soquy/projections/postgres"
	"github.com/soquy/soquy/projections/projectiontest"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// A read calls f with the read models that a log led to.
type read func(f func(ctx context.Context, b report.Books) error) error

// onEach runs a test on both databases.
func onEach(t *testing.T, f func(t *testing.T, fill func(t *testing.T, name string, log []domain.Event) read)) {
	t.Run("sqlite", func(t *testing.T) {
		p := sqlitemodels.New()
		s, err := sqlitestore.Open(filepath.Join(t.TempDir(), "book.db"), sqlitestore.Options{Mode: sqlitestore.Create}, p.Join)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		f(t, func(t *testing.T, name string, log []domain.Event) read {
			id := projectiontest.Fill(t, s, name, log)
			return func(f func(context.Context, report.Books) error) error {
				return s.View(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return f(ctx, p.Reader(tx, id)) })
			}
		})
	})
	t.Run("postgres", func(t *testing.T) {
		p := postgresmodels.New()
		s, err := postgresstore.Open(t.Context(), pgtest.Database(t), postgresstore.Options{Mode: postgresstore.Create}, p.Join)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		f(t, func(t *testing.T, name string, log []domain.Event) read {
			id := projectiontest.Fill(t, s, name, log)
			return func(f func(context.Context, report.Books) error) error {
				return s.View(t.Context(), func(ctx context.Context, tx pgx.Tx) error { return f(ctx, p.Reader(tx, uuid.UUID(id))) })
			}
		})
	})
}
