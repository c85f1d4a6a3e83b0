package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/projections"
)

// What is asked of each fund: $1 is the ledger, $2 to $4 the versions that the models must have. The slots come from progress in the same
// statement, so that no question need be asked before; a slot that is stale has no rows.
const (
	slots = `WITH live AS MATERIALIZED (
			SELECT (SELECT slot FROM progress WHERE ledger_id = $1 AND projection = 'balances' AND version = $2) AS balances,
				(SELECT slot FROM progress WHERE ledger_id = $1 AND projection = 'funds' AND version = $3) AS funds,
				(SELECT slot FROM progress WHERE ledger_id = $1 AND projection = 'goods' AND version = $4) AS goods)
		`
	measure = `coalesce((SELECT g.measure FROM goods g WHERE g.ledger_id = $1 AND g.slot = live.goods
				AND g.item = substr(b.asset, length('goods:') + 1)), '')`
	holdings = slots + `SELECT b.fund, b.asset,
			coalesce((SELECT f.unit FROM funds f WHERE f.ledger_id = $1 AND f.slot = live.funds AND f.fund = b.fund), ''), ` + measure + `,
			b.posted, b.encumbered, b.quantity, b.quantity_encumbered
		FROM live JOIN balances b ON b.ledger_id = $1 AND b.slot = live.balances`
	// $5 to $7 are the ends of the buckets; $8 is the first epoch and $9 the last position that do and do not count.
	holdingsAsOf = slots + `SELECT b.fund, b.asset,
			coalesce((SELECT v.unit FROM fund_units v WHERE v.ledger_id = $1 AND v.slot = live.funds AND v.fund = b.fund AND v.position <= $9
				ORDER BY v.from_on <= $7 DESC, CASE WHEN v.from_on <= $7 THEN -v.position ELSE v.position END LIMIT 1), ''), ` + measure + `,
			s.posted, s.encumbered, s.quantity, s.reserved, s.n
		FROM live JOIN balances b ON b.ledger_id = $1 AND b.slot = live.balances
		CROSS JOIN LATERAL (
			SELECT count(*) AS n, coalesce(sum(posted), 0)::bigint AS posted, coalesce(sum(encumbered), 0)::bigint AS encumbered,
				coalesce(sum(quantity), 0)::bigint AS quantity, coalesce(sum(quantity_encumbered), 0)::bigint AS reserved
			FROM (
				SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets k
				WHERE k.ledger_id = $1 AND k.slot = live.balances AND k.fund = b.fund AND k.asset = b.asset AND k.kind = 0 AND k.start < $5
				UNION ALL
				SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets k
				WHERE k.ledger_id = $1 AND k.slot = live.balances AND k.fund = b.fund AND k.asset = b.asset AND k.kind = 1
					AND k.start >= $5 AND k.start < $6 AND k.epoch < $8
				UNION ALL
				SELECT posted, encumbered, quantity, quantity_encumbered FROM balance_buckets k
				WHERE k.ledger_id = $1 AND k.slot = live.balances AND k.fund = b.fund AND k.asset = b.asset AND k.kind = 2
					AND k.start >= $6 AND k.start <= $7 AND k.epoch < $8
				UNION ALL
				SELECT b.last_posted, b.last_encumbered, b.last_quantity, b.last_quantity_encumbered
				WHERE b.last_day <= $7 AND b.last_epoch < $8
			) parts
		) s`
	inOrder = ` ORDER BY b.fund, b.asset`

	// What waits in a table of its own: $1 is the ledger, $2 the version of the model, $3 a position.
	waiting = `WITH live AS MATERIALIZED (SELECT slot, ` + placed + ` AS placed_position FROM progress
			WHERE ledger_id = $1 AND projection = 'balances' AND version = $2)
		SELECT live.slot, f.position, last.first_position, last.last_position,
			(SELECT e.event_id FROM events e WHERE e.ledger_id = $1 AND e.position = last.last_position),
			(SELECT e.event_id FROM events e WHERE e.ledger_id = $1 AND e.position = $3)
		FROM live
		CROSS JOIN LATERAL (SELECT k.first_position FROM balance_entries k WHERE k.ledger_id = $1 AND k.slot = live.slot
				AND k.first_position > live.placed_position
			ORDER BY k.first_position LIMIT 1) f (position)
		CROSS JOIN LATERAL (SELECT k.first_position, k.last_position FROM balance_entries k WHERE k.ledger_id = $1 AND k.slot = live.slot
				AND k.first_position > live.placed_position
			ORDER BY k.first_position DESC LIMIT 1) last`
	waitingAfter = ` FROM balance_entries
		WHERE ledger_id = $1 AND slot = (SELECT slot FROM progress WHERE ledger_id = $1 AND projection = 'balances' AND version = $2)
			AND first_position > greatest($3, ` + placed + `)
		ORDER BY first_position`
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

// balances asks for everything in one round trip, with one statement a fund: of a list of unknown length the server would make a plan
// anew each time, which takes longer than to carry it out.
func (r *Reader) balances(ctx context.Context, q projections.BalanceQuery) (list []projections.BalanceRow, err error) {
	models := [...]string{"balances", "funds", "goods"}
	args := []any{r.ledger}
	for _, name := range models {
		args = append(args, version(name))
	}
	query := holdings
	past := q.AsOf != nil || q.KnownAt != nil
	if past {
		ends, bounds := q.Ends(), q.KnownAt.Bounds()
		query, args = holdingsAsOf, append(args, ends.Months.Time(), ends.Days.Time(), ends.Day.Time(), bounds.Epoch, bounds.Position)
	}
	var parts []int64 // that each row is the sum of
	batch := new(pgx.Batch)
	if !r.generic {
		batch.Queue(`SET LOCAL plan_cache_mode = force_generic_plan`)
		r.generic = true
	}
	read := func(query string, args ...any) {
		batch.Queue(query, args...).Query(func(rows pgx.Rows) error {
			type counted struct {
				projections.BalanceRow
				n int64
			}
			part, err := collect(rows, nil, func(b *counted) []any {
				into := []any{
					&b.Fund, &b.Asset, &b.Unit, &b.Measure,
					&b.Posted, &b.Encumbered, &b.Quantity, &b.QuantityEncumbered,
				}
				if past {
					into = append(into, &b.n)
				}
				return into
			})
			for i := range part {
				list, parts = append(list, part[i].BalanceRow), append(parts, part[i].n)
			}
			return err
		})
	}
	if len(q.Funds) == 0 {
		read(query+inOrder, args...)
	}
	funds := slices.Clone(q.Funds)
	slices.Sort(funds)
	for _, fund := range slices.Compact(funds) {
		n := len(args) + 1
		read(fmt.Sprintf("%s WHERE b.fund = $%d%s", query, n, inOrder), append(slices.Clone(args), fund)...)
	}
	look, all := r.p.entries.Look(r.ledger), true
	batch.Queue(waiting, r.ledger, version("balances"), look.Through()).QueryRow(func(row pgx.Row) error {
		var f projections.Found
		var event, before pgtype.UUID
		err := row.Scan(&f.Slot, &f.First, &f.Last, &f.End, &event, &before)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		f.Event, f.Before = event.Bytes, before.Bytes
		all = look.Found(f)
		return err
	})
	p := projections.NewEntryPack()
	entries := "SELECT " + strings.Join(p.Table.Stored().Names(), ", ") + waitingAfter
	add := func(rows pgx.Rows, err error) error {
		return eachPack(rows, err, p, projections.Whole(func(p *projections.Pack) error {
			look.Add(p)
			return nil
		}))
	}
	batch.Queue(entries, r.ledger, version("balances"), look.After()).Query(func(rows pgx.Rows) error {
		if !all {
			return nil
		}
		return add(rows, nil)
	})
	if err := r.tx.SendBatch(ctx, batch).Close(); err != nil {
		return nil, err
	}
	if !all { // what was remembered is of no use
		if err := add(r.tx.Query(ctx, entries, r.ledger, version("balances"), look.After())); err != nil {
			return nil, err
		}
	}
	look.AddTo(&q, list, parts)
	// A model that is stale leaves a gap in what was read. Where there is none, nobody need ask.
	if len(list) == 0 || slices.ContainsFunc(list, func(b projections.BalanceRow) bool {
		return b.Unit == "" || b.Measure == "" && b.Asset.IsGoods()
	}) {
		for _, name := range models {
			if _, err := r.at(ctx, name); err != nil {
				return nil, err
			}
		}
	}
	if past {
		list = q.KnownAt.AddBalances(list, parts, q.AsOf)
	}
	return list, nil
}
