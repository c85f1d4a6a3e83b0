package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/projections"
)

// Check compares the live rows of the models of a fold with the fold's, which is of the whole log as the transaction sees it, through
// position through.
func (p *Projections) Check(ctx context.Context, tx pgx.Tx, ledger uuid.UUID, want *projections.Fold, through int64) ([]projections.Checked, error) {
	have, err := live(ctx, tx, ledger)
	if err != nil {
		return nil, err
	}
	return want.Check(have, through, scanner(ctx, tx, ledger))
}

// Loose returns the rows that no reader looks at and no rebuild left. head is the position of the ledger's last event.
func (p *Projections) Loose(ctx context.Context, tx pgx.Tx, ledger uuid.UUID, head int64) ([]projections.Mismatch, error) {
	const (
		rebuilds = `SELECT projection, version, slot, position FROM rebuilds WHERE ledger_id = $1`
		slots    = `SELECT (SELECT slot FROM %[1]s WHERE ledger_id = $1 ORDER BY slot LIMIT 1),
			(SELECT slot FROM %[1]s WHERE ledger_id = $1 ORDER BY slot DESC LIMIT 1)`
	)
	var l projections.Loose
	var err error
	if l.Live, err = live(ctx, tx, ledger); err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, rebuilds, ledger)
	list, err := collect(rows, err, func(p *projections.Position) []any {
		return []any{&p.Name, &p.Version, &p.Slot, &p.Position}
	})
	if err != nil {
		return nil, fmt.Errorf("rebuilds of %s: %w", ledger, err)
	}
	l.Rebuilds = make(map[string]projections.Position, len(list))
	for _, p := range list {
		l.Rebuilds[p.Name] = p
	}
	passed, err := passedOver(ctx, tx, ledger, head)
	if err != nil {
		return nil, err
	}
	loose, err := l.Find(head, func(t *projections.Table) (int, int, bool, error) {
		var least, greatest *int
		err := tx.QueryRow(ctx, fmt.Sprintf(slots, t.Name), ledger).Scan(&least, &greatest)
		if err != nil {
			return 0, 0, false, fmt.Errorf("slots of %s: %w", t.Name, err)
		}
		if least == nil || greatest == nil {
			return 0, 0, false, nil
		}
		return *least, *greatest, true, nil
	})
	return append(passed, loose...), err
}

// passedOver returns the rows of balance_entries that nobody looks at, as the ledger says that they are in balances; and a ledger that says so of
// positions that it has not.
func passedOver(ctx context.Context, tx pgx.Tx, ledger uuid.UUID, head int64) ([]projections.Mismatch, error) {
	const (
		bound = `SELECT coalesce(` + placed + `, 0)`
		query = `SELECT first_position FROM balance_entries WHERE ledger_id = $1 AND first_position <= $2
			AND slot = (SELECT slot FROM progress WHERE ledger_id = $1 AND projection = 'balances') ORDER BY first_position`
	)
	var through int64
	if err := tx.QueryRow(ctx, bound, ledger).Scan(&through); err != nil {
		return nil, fmt.Errorf("placed entries of %s: %w", ledger, err)
	}
	rows, err := tx.Query(ctx, query, ledger, through)
	list, err := collect(rows, err, func(first *int64) []any { return []any{first} })
	if err != nil {
		return nil, fmt.Errorf("entries of %s: %w", ledger, err)
	}
	var found []projections.Mismatch
	if through < 0 || through > head {
		found = append(found, projections.Mismatch{
			Table: "ledgers", Key: "placed_position", What: fmt.Sprintf("is %d, the log has %d", through, head),
		})
	}
	for _, first := range list {
		found = append(found, projections.Mismatch{
			Table: projections.NewEntryPack().Table.Name, Key: fmt.Sprintf("first_position=%d", first),
			What: fmt.Sprintf("is not behind ledgers.placed_position, %d", through),
		})
	}
	return found, nil
}

// Digest returns the digest of the live rows of a model.
func (r *Reader) Digest(ctx context.Context, m *projections.Model) ([32]byte, error) {
	at, err := r.at(ctx, m.Name)
	if err != nil {
		return [32]byte{}, fmt.Errorf("digest: %w", err)
	}
	return projections.DigestRows(m, at.Slot, scanner(ctx, r.tx, r.ledger))
}

// scanner scans tables of a ledger.
func scanner(ctx context.Context, tx pgx.Tx, ledger uuid.UUID) projections.Scan {
	return func(slot int, t *projections.Table, compare *projections.Comparison, yield func([]projections.Value)) error {
		return scan(ctx, tx, ledger, slot, t, compare, yield)
	}
}

// scan hands out the rows of a slot of a table in the order of their keys. A comparison may be nil.
func scan(
	ctx context.Context, tx pgx.Tx, ledger uuid.UUID, slot int, t *projections.Table, compare *projections.Comparison,
	yield func([]projections.Value),
) error {
	if t.Packed() {
		s := projections.ScanPacks(t, compare, yield)
		query := packQuery(t)
		if t == projections.NewEntryPack().Table {
			query += " AND first_position > " + placed
		}
		rows, err := tx.Query(ctx, query+" ORDER BY first_position", ledger, slot)
		if err := eachPack(rows, err, projections.NewPack(t), s.Pack); err != nil {
			return err
		}
		return s.End()
	}
	var columns, keys []string
	for _, c := range t.Columns {
		columns = append(columns, fmt.Sprintf(canonical(c.Type), "t."+c.Name))
		if c.Rule == projections.Key {
			keys = append(keys, "t."+c.Name)
		}
	}
	counted := versioned(t) && compare != nil
	if counted {
		columns = append(columns, "t.changes")
	}
	query := fmt.Sprintf("SELECT %s FROM %s t WHERE t.ledger_id = $1 AND t.slot = $2 ORDER BY %s",
		strings.Join(columns, ", "), t.Name, strings.Join(keys, ", "))
	rows, err := tx.Query(ctx, query, pgx.QueryResultFormats{pgx.BinaryFormatCode}, ledger, slot)
	if err != nil {
		return err
	}
	defer rows.Close()
	row := make([]projections.Value, len(t.Columns))
	for rows.Next() {
		// From the driver's own buffer, good until the next row: a scan costs more than the comparison.
		raw := rows.RawValues()
		for i := range row {
			if err := value(&row[i], t.Columns[i].Type, raw[i]); err != nil {
				return err
			}
		}
		yield(row)
		if counted {
			var changes projections.Value
			if err := value(&changes, projections.Int, raw[len(row)]); err != nil {
				return err
			}
			compare.Counted(row, "changes", changes.Int)
		}
	}
	return rows.Err()
}

// never stands for a day or an instant that is infinite, which no fold has and no arithmetic takes.
const never = "9223372036854775807"

// canonical turns what a column holds into what a value has.
func canonical(t projections.Type) string {
	switch t {
	case projections.Day, projections.Date:
		return "CASE WHEN isfinite(%[1]s) THEN (%[1]s - DATE '1970-01-01')::bigint WHEN %[1]s IS NOT NULL THEN " + never + " END"
	case projections.Instant:
		return "CASE WHEN isfinite(%[1]s) THEN (extract(epoch FROM %[1]s) * 1000000)::bigint WHEN %[1]s IS NOT NULL THEN " + never + " END"
	case projections.Bool:
		return "%s::int::bigint"
	case projections.Int:
		return "%s::bigint"
	default:
		return "%s"
	}
}

var errNotBinary = errors.New("a value is not in the binary format")

// value puts a column of a row, in the binary format, into v. A text that v has already is kept as it is: columns of keys come in runs.
func value(v *projections.Value, t projections.Type, raw []byte) error {
	known := v.Text
	*v = projections.Value{Null: raw == nil}
	switch {
	case raw == nil:
	case t == projections.Text:
		if known != string(raw) {
			known = string(raw)
		}
		v.Text = known
	case t == projections.Bytes, t == projections.ID:
		v.Bytes = raw
	case len(raw) != 8:
		return errNotBinary
	default:
		v.Int = int64(binary.BigEndian.Uint64(raw))
	}
	return nil
}
