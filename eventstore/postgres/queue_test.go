package postgres_test

import (
	"context"
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/storetest"
	"github.com/soquy/soquy/internal/pgtest"
)

// queue is what a joiner's transaction has beside a pgx.Tx.
type queue interface {
	Queue(query string, arguments ...any) *pgx.QueuedQuery
	AtEnd(f func(committed bool))
}

// TestQueue has joiners queue statements: they are sent with the commit, in order, before any statement that is not queued, and one
// that fails stops the append, of which it is then known that nothing was stored.
func TestQueue(t *testing.T) {
	ctx := t.Context()
	var (
		ends   []bool
		sees   int64
		divide int
	)
	joiner := func(ctx context.Context, tx pgx.Tx, b *eventstore.Batch) error {
		q := tx.(queue)
		q.AtEnd(func(committed bool) { ends = append(ends, committed) })
		if b.After == 0 {
			_, err := tx.Exec(ctx, `CREATE TABLE joined (n bigint)`)
			return err
		}
		q.Queue(`INSERT INTO joined SELECT max(position) FROM events WHERE ledger_id = $1`, b.Ledger)
		if divide == 2 { // cannot wait: the statements before it are sent now
			if err := tx.QueryRow(ctx, `SELECT max(n) FROM joined`).Scan(&sees); err != nil {
				return err
			}
		}
		q.Queue(`INSERT INTO joined VALUES (1 / $1)`, divide)
		if err := errors.Join(tx.Commit(ctx), tx.Rollback(ctx)); err == nil {
			t.Error("a joiner ended the transaction")
		}
		return nil
	}
	s, l := open(t, pgtest.Database(t), postgres.Create, joiner), storetest.NewLedger(t, "KH")
	appended := func(want bool) {
		t.Helper()
		ends = nil
		_, err := s.Append(ctx, l.Batch(3))
		if (err == nil) != want || errors.Is(err, eventstore.ErrOutcomeUnknown) {
			t.Errorf("append with division by %d: %v", divide, err)
		}
		if len(ends) != 1 || ends[0] != want {
			t.Errorf("division by %d ended %v", divide, ends)
		}
		if want {
			l.Committed()
		}
		if head, err := s.Head(ctx, l.ID); err != nil || head.Position() != l.Position() {
			t.Errorf("the head is %d, want %d (%v)", head.Position(), l.Position(), err)
		}
	}
	appended(true)
	divide = 1
	appended(true)
	divide = 0
	appended(false)
	divide = 2
	appended(true)
	if sees != 9 {
		t.Errorf("a statement saw position %d, want 9", sees)
	}
	divide = 1
	appended(true)
}
