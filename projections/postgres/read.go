package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// A Reader answers questions about one ledger, all from one transaction. It is used by one goroutine at a time.
type Reader struct {
	p        *Projections
	tx       pgx.Tx
	ledger   uuid.UUID
	progress map[string]projections.Position // nil until it was read
	generic  bool                            // the transaction takes one plan for all values
}

var (
	_ projections.Units      = (*Reader)(nil)
	_ projections.Funds      = (*Reader)(nil)
	_ projections.Goods      = (*Reader)(nil)
	_ projections.Balances   = (*Reader)(nil)
	_ projections.Totals     = (*Reader)(nil)
	_ projections.Vouchers   = (*Reader)(nil)
	_ projections.Donors     = (*Reader)(nil)
	_ projections.Indicators = (*Reader)(nil)
	_ projections.Progress   = (*Reader)(nil)
)

// Reader makes a reader of a ledger in a transaction.
func (p *Projections) Reader(tx pgx.Tx, ledger uuid.UUID) *Reader {
	return &Reader{p: p, tx: tx, ledger: ledger}
}

// Progress implements projections.Progress.
func (r *Reader) Progress(ctx context.Context) ([]projections.Position, error) {
	have, err := r.live(ctx)
	if err != nil {
		return nil, err
	}
	var list []projections.Position
	for _, m := range projections.Models() {
		p, ok := have[m.Name]
		p.Name, p.Stale = m.Name, !ok || p.Version != m.Version
		list = append(list, p)
	}
	return list, nil
}

// live reads the progress of a ledger's models.
func live(ctx context.Context, tx pgx.Tx, ledger uuid.UUID) (map[string]projections.Position, error) {
	const query = `SELECT projection, version, slot,
			coalesce((SELECT joined_position` + ofHead + `), 0)
		FROM progress WHERE ledger_id = $1`
	rows, err := tx.Query(ctx, query, ledger)
	list, err := collect(rows, err, func(p *projections.Position) []any {
		return []any{&p.Name, &p.Version, &p.Slot, &p.Position}
	})
	if err != nil {
		return nil, fmt.Errorf("progress of %s: %w", ledger, err)
	}
	all := make(map[string]projections.Position, len(list))
	for _, p := range list {
		all[p.Name] = p
	}
	return all, nil
}

// version is that of a model's rows as this program knows them.
func version(model string) int { return projections.Lookup(model)[0].Version }

func (r *Reader) live(ctx context.Context) (map[string]projections.Position, error) {
	if r.progress == nil {
		have, err := live(ctx, r.tx, r.ledger)
		if err != nil {
			return nil, err
		}
		r.progress = have
	}
	return r.progress, nil
}

// at returns where a model is. Errors: projections.ErrStale.
func (r *Reader) at(ctx context.Context, model string) (projections.Position, error) {
	have, err := r.live(ctx)
	if err != nil {
		return projections.Position{}, err
	}
	p, ok := have[model]
	for _, m := range projections.Lookup(model) {
		if !ok || p.Version != m.Version {
			return p, fmt.Errorf("%s: %w", model, projections.ErrStale)
		}
	}
	return p, nil
}

// query runs a query whose first two parameters are the ledger and the live slot of a model.
func (r *Reader) query(ctx context.Context, model, query string, args ...any) (pgx.Rows, error) {
	at, err := r.at(ctx, model)
	if err != nil {
		return nil, err
	}
	// Other questions than those for balances have conditions for which there is no one plan.
	const anew = `SET LOCAL plan_cache_mode = auto`
	if r.generic {
		if _, err := r.tx.Exec(ctx, anew); err != nil {
			return nil, err
		}
		r.generic = false
	}
	return r.tx.Query(ctx, query, append([]any{r.ledger, at.Slot}, args...)...)
}

// minDay and maxDay stand for the ends of an open range: no date of the domain is beyond.
const (
	minDay = domain.Date(-1_000_000)
	maxDay = domain.Date(3_000_000)
)

// days is the range of days that a query is given.
func days(from, to *domain.Date) (first, last time.Time) {
	first, last = minDay.Time(), maxDay.Time()
	if from != nil {
		first = from.Time()
	}
	if to != nil {
		last = to.Time()
	}
	return first, last
}
