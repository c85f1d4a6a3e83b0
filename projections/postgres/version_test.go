package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	store "github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections"
)

// node is what EXPLAIN says of a step.
type node struct {
	Hit   int `json:"Shared Hit Blocks"`
	Read  int `json:"Shared Read Blocks"`
	Plans []node
}

// blocks are those of all steps, in each of which are those of the steps below, but not of all: the server finishes a WITH that writes later.
func (n *node) blocks() int {
	all := n.Hit + n.Read
	for i := range n.Plans {
		all += n.Plans[i].blocks()
	}
	return all
}

// TestOldVersions adds to balances again and again while a state is held, so that all old versions stay. What the server reads for it must not grow.
func TestOldVersions(t *testing.T) {
	const (
		holdings, times = 20, 200
		model           = `INSERT INTO progress (ledger_id, projection, version, slot) VALUES ($1, 'balances', 1, 0)`
		sum             = `SELECT sum(posted)::bigint, count(*), (SELECT sum(posted)::bigint FROM balance_buckets WHERE kind = 0),
			(SELECT count(*) FROM balance_buckets WHERE kind = 0) FROM balances`
	)
	s, err := store.Open(t.Context(), pgtest.Database(t), store.Options{Mode: store.Create})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ledger := uuid.New()
	tables := projections.Lookup("balances")[0].Tables
	add := "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) " + balancesStatement(tables[0], tables[1], "progress")
	write := func(f func(ctx context.Context, tx pgx.Tx) error) {
		t.Helper()
		if err := s.Write(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	write(func(ctx context.Context, tx pgx.Tx) error {
		_, err := tx.Exec(ctx, model, ledger)
		return err
	})
	// blocks adds 1 to each holding, in an epoch, and returns how many blocks were read for it.
	blocks := func(epoch int) (n int) {
		t.Helper()
		rows := make([]string, holdings)
		for i := range rows {
			rows[i] = fmt.Sprintf(`"(,,,,F%02d,cash,1,0,0,0,%d,2017-03-05,1,0,0,0)"`, i, epoch)
		}
		write(func(ctx context.Context, tx pgx.Tx) error {
			var plan []byte
			err := tx.QueryRow(ctx, add, pgx.QueryExecModeSimpleProtocol, ledger, "balances", "{"+strings.Join(rows, ",")+"}", "{}").Scan(&plan)
			if err != nil {
				return err
			}
			var explained []struct{ Plan node }
			if err := json.Unmarshal(plan, &explained); err != nil {
				return err
			}
			n = explained[0].Plan.blocks()
			return nil
		})
		return n
	}
	var early, late int
	err = s.View(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, sum); err != nil {
			return err
		}
		for epoch := range times {
			n := blocks(epoch)
			switch {
			case epoch >= 10 && epoch < 30:
				early += n
			case epoch >= times-20:
				late += n
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if early == 0 || late > 2*early {
		t.Errorf("to add to %d balances 20 times took %d blocks at first and %d after %d times", holdings, early, late, times)
	}
	var posted, rows, inYears, years int
	err = s.View(t.Context(), func(ctx context.Context, tx pgx.Tx) error {
		return tx.QueryRow(ctx, sum).Scan(&posted, &rows, &inYears, &years)
	})
	if err != nil || posted != holdings*times || rows != holdings || inYears != holdings*(times-1) || years != holdings {
		t.Errorf("%d in %d balances and %d in %d years after %d times (%v)", posted, rows, inYears, years, times, err)
	}
	t.Logf("%d blocks at first, %d at the end", early, late)
}
