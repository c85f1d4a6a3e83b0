package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/projections"
)

// Balances implements projections.Balances.
func (r *Reader) Balances(ctx context.Context, q projections.BalanceQuery) ([]projections.BalanceRow, error) {
	list, err := r.balances(ctx, q)
	if err != nil {
		return nil, fmt.Errorf("balances: %w", err)
	}
	if len(q.Units) > 0 {
		list = slices.DeleteFunc(list, func(b projections.BalanceRow) bool { return !slices.Contains(q.Units, b.Unit) })
	}
	return list, nil
}

func (r *Reader) balances(ctx context.Context, q projections.BalanceQuery) ([]projections.BalanceRow, error) {
	const (
		// ?3 is the slot of the funds, ?4 that of the goods.
		latest = `SELECT b.fund, b.asset, coalesce(f.unit, ''), coalesce(g.measure, ''),
				b.posted, b.encumbered, b.quantity, b.quantity_encumbered
			FROM balances b
			LEFT JOIN funds f ON f.ledger_id = ?1 AND f.slot = ?3 AND f.fund = b.fund
			LEFT JOIN goods g ON g.ledger_id = ?1 AND g.slot = ?4 AND g.item = substr(b.asset, length('goods:') + 1)
			WHERE b.ledger_id = ?1 AND b.slot = ?2
			ORDER BY b.fund, b.asset`
		// ?5 is the JSON list of funds.
		latestOf = `SELECT b.fund, b.asset, coalesce(f.unit, ''), coalesce(g.measure, ''),
				b.posted, b.encumbered, b.quantity, b.quantity_encumbered
			FROM balances b
			LEFT JOIN funds f ON f.ledger_id = ?1 AND f.slot = ?3 AND f.fund = b.fund
			LEFT JOIN goods g ON g.ledger_id = ?1 AND g.slot = ?4 AND g.item = substr(b.asset, length('goods:') + 1)
			WHERE b.ledger_id = ?1 AND b.slot = ?2 AND b.fund IN (SELECT value FROM json_each(?5))
			ORDER BY b.fund, b.asset`
	)
	funds, err := r.at(ctx, "funds")
	if err != nil {
		return nil, err
	}
	goods, err := r.at(ctx, "goods")
	if err != nil {
		return nil, err
	}
	query, args := latest, []any{funds.Slot, goods.Slot}
	if len(q.Funds) > 0 {
		only, err := jsonList(q.Funds)
		if err != nil {
			return nil, err
		}
		query, args = latestOf, append(args, only)
	}
	rows, err := r.query(ctx, "balances", query, args...)
	if err != nil {
		return nil, err
	}
	list, err := collect(rows, func(b *projections.BalanceRow) []any {
		return []any{
			&b.Fund, &b.Asset, &b.Unit, &b.Measure,
			&b.Posted, &b.Encumbered, &b.Quantity, &b.QuantityEncumbered,
		}
	})
	if err != nil {
		return nil, err
	}
	parts := make([]int64, len(list)) // that each is the sum of
	past := q.AsOf != nil || q.KnownAt != nil
	if past {
		if err := r.pastBalances(ctx, list, parts, &q); err != nil {
			return nil, err
		}
	}
	if err := r.addEntries(ctx, list, parts, &q); err != nil {
		return nil, err
	}
	if !past {
		return list, nil
	}
	return q.KnownAt.AddBalances(list, parts, q.AsOf), nil
}

// pastBalances replaces the balances of holdings by those at the end of a date, as they were known at a position, as far as they are in the
// tables; parts is of how many rows each is the sum then.
func (r *Reader) pastBalances(ctx context.Context, list []projections.BalanceRow, parts []int64, q *projections.BalanceQuery) error {
	const (
		// ?3 fund, ?4 asset, ?5 to ?7 the ends of the buckets, ?8 the first epoch that does not count.
		sum = `SELECT count(*), coalesce(sum(posted), 0), coalesce(sum(encumbered), 0),
				coalesce(sum(quantity), 0), coalesce(sum(quantity_encumbered), 0)
			FROM (
				SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets
				WHERE ledger_id = ?1 AND slot = ?2 AND fund = ?3 AND asset = ?4 AND kind = 0 AND start < ?5
				UNION ALL
				SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets
				WHERE ledger_id = ?1 AND slot = ?2 AND fund = ?3 AND asset = ?4 AND kind = 1 AND start >= ?5 AND start < ?6
					AND epoch < ?8
				UNION ALL
				SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets
				WHERE ledger_id = ?1 AND slot = ?2 AND fund = ?3 AND asset = ?4 AND kind = 2 AND start >= ?6 AND start <= ?7
					AND epoch < ?8
				UNION ALL
				SELECT last_posted, last_encumbered, last_quantity, last_quantity_encumbered FROM balances
				WHERE ledger_id = ?1 AND slot = ?2 AND fund = ?3 AND asset = ?4 AND last_day <= ?7 AND last_epoch < ?8
			)`
	)
	at, err := r.at(ctx, "balances")
	if err != nil {
		return err
	}
	bounds := q.KnownAt.Bounds()
	all, err := r.fundUnits(ctx, q.Funds) // at once: a question a fund takes much longer where there are many
	if err != nil {
		return err
	}
	known := slices.DeleteFunc(all, func(u projections.FundUnit) bool { return u.Position > bounds.Position })
	sums, err := r.tx.PrepareContext(ctx, sum)
	if err != nil {
		return err
	}
	defer sums.Close()
	ends := q.Ends()
	units := projections.FundsOf(known, &ends.Day)
	for i := range list {
		b := &list[i]
		err := sums.QueryRowContext(ctx, r.ledger[:], at.Slot, b.Fund, string(b.Asset),
			int64(ends.Months), int64(ends.Days), int64(ends.Day), bounds.Epoch).
			Scan(&parts[i], &b.Posted, &b.Encumbered, &b.Quantity, &b.QuantityEncumbered)
		if err != nil {
			return err
		}
		if unit, there := units[b.Fund]; there {
			b.Unit = unit
		}
	}
	return nil
}

// addEntries adds the entries that wait: those that are remembered, and those after from the file.
func (r *Reader) addEntries(ctx context.Context, list []projections.BalanceRow, parts []int64, q *projections.BalanceQuery) error {
	// ?2 is the position that is looked at.
	const there = `SELECT first.position, last.position, end.event_id, before.event_id
		FROM (SELECT first_position AS position` + waitingRows + ` ORDER BY first_position LIMIT 1) first
		CROSS JOIN (SELECT last_position AS position FROM batch_packs WHERE ledger_id = ?1 ORDER BY first_position DESC LIMIT 1) last
		LEFT JOIN events end ON end.ledger_id = ?1 AND end.position = last.position
		LEFT JOIN events before ON before.ledger_id = ?1 AND before.position = ?2`
	at, err := r.at(ctx, "balances")
	if err != nil {
		return err
	}
	look := r.p.entries.Look(r.ledger)
	f := projections.Found{Slot: at.Slot}
	var event, before uuid.NullUUID
	err = r.tx.QueryRowContext(ctx, there, r.ledger[:], look.Through()).Scan(&f.First, &f.Last, &event, &before)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	f.End, f.Event, f.Before = f.Last, event.UUID, before.UUID
	look.Found(f)
	if look.After() < f.Last {
		from := span{from: look.After() + 1, to: math.MaxInt64}
		err := r.eachBatchPack(ctx, projections.NewEntryPack(), from, "", func(p *projections.Pack) error {
			look.Add(p)
			return nil
		})
		if err != nil {
			return err
		}
	}
	look.AddTo(q, list, parts)
	return nil
}

// jsonList is how a list of texts is bound.
func jsonList(list []string) (string, error) {
	b, err := json.Marshal(list)
	return string(b), err
}
