package sqlite

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// A Reader answers questions about one ledger, all from one transaction. It is used by one goroutine at a time.
type Reader struct {
	p        *Projections
	tx       *sql.Tx
	ledger   uuid.UUID
	progress map[string]projections.Position // nil until it was read
	placed   placed                          // nil until it was read
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
func (p *Projections) Reader(tx *sql.Tx, ledger uuid.UUID) *Reader {
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

func (r *Reader) live(ctx context.Context) (map[string]projections.Position, error) {
	if r.progress == nil {
		have, err := live(In(ctx, r.tx), r.ledger)
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
func (r *Reader) query(ctx context.Context, model, query string, args ...any) (*sql.Rows, error) {
	at, err := r.at(ctx, model)
	if err != nil {
		return nil, err
	}
	return r.tx.QueryContext(ctx, query, append([]any{r.ledger[:], at.Slot}, args...)...)
}

// date scans 'YYYY-MM-DD'.
type date struct{ *domain.Date }

func (d date) Scan(src any) error {
	s, ok := src.(string)
	if !ok {
		return fmt.Errorf("scan %T as a date", src)
	}
	v, err := domain.ParseDate(s)
	*d.Date = v
	return err
}

// optionalDate scans 'YYYY-MM-DD' or NULL.
type optionalDate struct{ to **domain.Date }

func (d optionalDate) Scan(src any) error {
	*d.to = nil
	if src == nil {
		return nil
	}
	*d.to = new(domain.Date)
	return date{*d.to}.Scan(src)
}

// optionalText scans a text or NULL.
type optionalText struct{ *string }

func (t optionalText) Scan(src any) error {
	*t.string, _ = src.(string)
	return nil
}

// textDate is how a column of dates is compared: nil stands for open.
func textDate(d *domain.Date) any {
	if d == nil {
		return nil
	}
	return d.String()
}
