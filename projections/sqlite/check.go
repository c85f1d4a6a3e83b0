package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// Check compares the live rows of the models of a fold with the fold's, which is of the whole log as the transaction sees it, through
// position through.
func (p *Projections) Check(ctx context.Context, tx *sql.Tx, ledger uuid.UUID, want *projections.Fold, through int64) ([]projections.Checked, error) {
	have, err := live(In(ctx, tx), ledger)
	if err != nil {
		return nil, err
	}
	return want.Check(have, through, scanner(ctx, tx, ledger))
}

// Loose returns the rows that no reader looks at and no rebuild left, and rows of batches that are not as they are written. head is the position of the ledger's last event.
func (p *Projections) Loose(ctx context.Context, tx *sql.Tx, ledger uuid.UUID, head int64) ([]projections.Mismatch, error) {
	const (
		rebuilds = `SELECT projection, version, slot, position FROM rebuilds WHERE ledger_id = ?`
		slots    = `SELECT (SELECT slot FROM %[1]s WHERE ledger_id = ?1 ORDER BY slot LIMIT 1),
			(SELECT slot FROM %[1]s WHERE ledger_id = ?1 ORDER BY slot DESC LIMIT 1)`
	)
	var l projections.Loose
	var err error
	if l.Live, err = live(In(ctx, tx), ledger); err != nil {
		return nil, err
	}
	if l.Rebuilds, err = positions(In(ctx, tx), rebuilds, ledger); err != nil {
		return nil, fmt.Errorf("rebuilds of %s: %w", ledger, err)
	}
	loose, err := l.Find(head, func(t *projections.Table) (int, int, bool, error) {
		if onlyInBatches(t) {
			return 0, 0, false, nil
		}
		var least, greatest sql.NullInt64
		err := tx.QueryRowContext(ctx, fmt.Sprintf(slots, t.Name), ledger[:]).Scan(&least, &greatest)
		if err != nil {
			err = fmt.Errorf("slots of %s: %w", t.Name, err)
		}
		return int(least.Int64), int(greatest.Int64), least.Valid, err
	})
	if err != nil {
		return nil, err
	}
	placed, err := readPlaced(ctx, tx, ledger)
	if err != nil {
		return nil, err
	}
	loose = append(loose, placed.check(head)...)
	var batches projections.BatchCheck
	err = eachBatch(ctx, tx, ledger, math.MinInt64, span{math.MinInt64, math.MaxInt64}, "", func(b projections.BatchPacks) error {
		batches.Row(b)
		return nil
	})
	return append(loose, batches.Found...), err
}

// Digest returns the digest of the live rows of a model.
func (r *Reader) Digest(ctx context.Context, m *projections.Model) ([32]byte, error) {
	at, err := r.at(ctx, m.Name)
	if err != nil {
		return [32]byte{}, fmt.Errorf("digest: %w", err)
	}
	return projections.DigestRows(m, at.Slot, scanner(ctx, r.tx, r.ledger))
}

// scanner scans tables of a ledger, in slots that are live.
func scanner(ctx context.Context, tx *sql.Tx, ledger uuid.UUID) projections.Scan {
	return func(slot int, t *projections.Table, compare *projections.Comparison, yield func([]projections.Value)) error {
		return scan(ctx, tx, ledger, slot, t, true, compare, yield)
	}
}

// madeScanner scans tables of a ledger in slots that a rebuild made: they have what is in batches.
func madeScanner(ctx context.Context, tx *sql.Tx, ledger uuid.UUID) projections.Scan {
	return func(slot int, t *projections.Table, compare *projections.Comparison, yield func([]projections.Value)) error {
		return scan(ctx, tx, ledger, slot, t, false, compare, yield)
	}
}

// scan hands out the rows of a slot of a table in the order of their keys. A comparison may be nil.
func scan(
	ctx context.Context, tx *sql.Tx, ledger uuid.UUID, slot int, t *projections.Table, batches bool, compare *projections.Comparison,
	yield func([]projections.Value),
) error {
	if t.Packed() {
		return scanPacks(ctx, tx, ledger, slot, t, batches, compare, yield)
	}
	names := t.Names()
	query := fmt.Sprintf("SELECT %s FROM %s WHERE ledger_id = ? AND slot = ? ORDER BY %s",
		strings.Join(names, ", "), t.Name, strings.Join(names[:t.Keys], ", "))
	rows, err := tx.QueryContext(ctx, query, ledger[:], slot)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]projections.Value, len(t.Columns))
	dest := make([]any, len(row))
	for i, c := range cells(t, row) {
		dest[i] = c
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		yield(row)
	}
	return rows.Err()
}

// scanPacks hands out the rows of the packs of a table, with or without those of the batches since.
func scanPacks(
	ctx context.Context, tx *sql.Tx, ledger uuid.UUID, slot int, t *projections.Table, batches bool, compare *projections.Comparison,
	yield func([]projections.Value),
) error {
	s, p := projections.ScanPacks(t, compare, yield), projections.NewPack(t)
	if !onlyInBatches(t) {
		rows, err := tx.QueryContext(ctx, packs(t)+" ORDER BY first_position", ledger[:], slot)
		if err := eachPack(rows, err, p, true, s.Pack); err != nil {
			return err
		}
	}
	if !batches {
		return s.End()
	}
	placed, err := readPlaced(ctx, tx, ledger)
	if err != nil {
		return err
	}
	err = eachBatch(ctx, tx, ledger, placed[t.Model()], spanTo(0), "", func(b projections.BatchPacks) error {
		err := b.Each(p, true, s.Pack)
		var bad *eventstore.RowError
		if compare != nil && errors.As(err, &bad) {
			return nil // BatchCheck says so once, and the comparison what is missing
		}
		return err
	})
	if err != nil {
		return err
	}
	return s.End()
}

// onlyInBatches reports whether a packed table has no table of its own here.
func onlyInBatches(t *projections.Table) bool {
	return slices.ContainsFunc(projections.Models(), func(m *projections.Model) bool { return m.Entries == t })
}

// cells are where the columns of a table are scanned into values.
func cells(t *projections.Table, row []projections.Value) []*cell {
	list := make([]*cell, len(row))
	for i := range list {
		list[i] = &cell{t: t.Columns[i].Type, to: &row[i]}
	}
	return list
}

// A cell scans a column into a value.
type cell struct {
	t  projections.Type
	to *projections.Value
}

// Scan implements sql.Scanner. What is of another kind than the column should have becomes a text or bytes that no fold has.
func (c *cell) Scan(src any) error {
	*c.to = projections.Value{}
	switch v := src.(type) {
	case nil:
		c.to.Null = true
	case int64:
		c.to.Int = v
	case []byte:
		c.to.Bytes = v
	case string:
		c.to.Text = v
		if c.t == projections.Date {
			d, err := domain.ParseDate(v)
			if err == nil {
				c.to.Int, c.to.Text = int64(d), ""
			}
		}
	default:
		return fmt.Errorf("column of %T", src)
	}
	return nil
}
