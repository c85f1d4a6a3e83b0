package postgres

import (
	"fmt"
	"strings"

	"github.com/soquy/soquy/projections"
)

// Balances, and the years in their buckets, change for as long as the ledger grows. Where somebody holds a state of the database, each change leaves
// an old version of a row behind, and who looks for the row under a key that stays goes through all of them. So the column changes counts how often a
// row changed, and version, which rises once in sixteen changes, is in the key, behind what names the row: the newest is looked for from the end, and
// the change is made to that one. In between, a change needs no new entry in the index. That there is one row of a name follows from this; the
// key alone would allow more, and verify looks for them.

// versioned reports whether a table has these columns. They stand before those that are described.
func versioned(t *projections.Table) bool { return t.Name == "balances" || t.Name == "balance_buckets" }

// own is how many columns of a table stand before those that are described.
func own(t *projections.Table) int {
	if versioned(t) {
		return ownColumns + 2
	}
	return ownColumns
}

const (
	// newest is the row b of a table that has the names of a row g. It is looked up for each by itself: a plan that was made while there were few would
	// read them all.
	newest = `LEFT JOIN LATERAL (SELECT b FROM %[1]s b WHERE b.ledger_id = $1 AND b.slot = g.slot AND %[2]s ORDER BY b.version DESC LIMIT 1) n ON true`
	// addNewest adds the rows of a list, which have b from newest, to a table.
	addNewest = `INSERT INTO %[1]s AS t (ledger_id, slot, changes, %[3]s) SELECT $1, slot, coalesce((b).changes, 0), %[3]s FROM %[2]s
		ON CONFLICT (ledger_id, slot, %[4]s, version) DO UPDATE SET %[5]s, changes = t.changes + 1`

	// addBalances adds rows $3 to balances and $4 to balance_buckets. $1 is the ledger, $2 the model; where there is no row of that, it does nothing. Of two
	// days, the holding's and that of what is added, the later one of the later epoch stays, the other goes to the buckets. A month and a
	// day have one version, so that they are not looked for before. All parts of it see the rows as they were before.
	addBalances = `WITH model AS (SELECT slot FROM %[1]s WHERE ledger_id = $1 AND projection = $2),
		holdings AS MATERIALIZED (
			SELECT g.*, n.b FROM (SELECT m.slot, r.%[2]s FROM model m CROSS JOIN unnest($3::balances[]) AS r) g
			%[3]s),
		parts AS (
			SELECT h.slot, h.fund, h.asset, k.kind, k.start, k.epoch, d.posted, d.encumbered, d.quantity, d.quantity_encumbered
			FROM holdings h
			CROSS JOIN LATERAL (SELECT
				CASE WHEN earlier THEN (b).last_epoch ELSE last_epoch END AS epoch,
				CASE WHEN earlier THEN (b).last_day ELSE last_day END AS day,
				CASE WHEN earlier THEN (b).last_posted ELSE last_posted END AS posted,
				CASE WHEN earlier THEN (b).last_encumbered ELSE last_encumbered END AS encumbered,
				CASE WHEN earlier THEN (b).last_quantity ELSE last_quantity END AS quantity,
				CASE WHEN earlier THEN (b).last_quantity_encumbered ELSE last_quantity_encumbered END AS quantity_encumbered
				FROM (SELECT ((b).last_epoch, (b).last_day) < (last_epoch, last_day) AS earlier) which) d
			CROSS JOIN LATERAL (VALUES
				(0::smallint, date_trunc('year', d.day::timestamp)::date, 0::bigint),
				(1::smallint, date_trunc('month', d.day::timestamp)::date, d.epoch),
				(2::smallint, d.day, d.epoch)) AS k (kind, start, epoch)
			WHERE ((b).last_epoch, (b).last_day) <> (last_epoch, last_day)
			UNION ALL
			SELECT m.slot, r.%[4]s FROM model m CROSS JOIN unnest($4::balance_buckets[]) AS r),
		buckets AS MATERIALIZED (
			SELECT g.*, n.b FROM (
				SELECT slot, fund, asset, kind, start, epoch, sum(posted)::bigint AS posted, sum(encumbered)::bigint AS encumbered,
					sum(quantity)::bigint AS quantity, sum(quantity_encumbered)::bigint AS quantity_encumbered
				FROM parts GROUP BY slot, fund, asset, kind, start, epoch) g
			%[5]s),
		added AS (%[6]s)
		%[7]s`
)

// balancesStatement makes addBalances from the descriptions of both tables.
func balancesStatement(balances, buckets *projections.Table, slots string) string {
	list := func(t *projections.Table, separator string) string { return strings.Join(t.Names(), separator) }
	look := func(t *projections.Table, more string) string {
		var where []string
		for _, c := range t.Columns[:t.Keys] {
			where = append(where, fmt.Sprintf("b.%[1]s = g.%[1]s", c.Name))
		}
		return fmt.Sprintf(newest, t.Name, strings.Join(where, " AND ")+more)
	}
	add := func(t *projections.Table, from string) string {
		return fmt.Sprintf(addNewest, t.Name, from, list(t, ", "), strings.Join(t.Names()[:t.Keys], ", "), strings.Join(changes(t), ", "))
	}
	return fmt.Sprintf(addBalances, slots, list(balances, ", r."), look(balances, ""), list(buckets, ", r."), look(buckets, " AND g.kind = 0"),
		add(buckets, "buckets"), add(balances, "holdings"))
}
