package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// Totals implements projections.Totals.
func (r *Reader) Totals(ctx context.Context, q projections.TotalsQuery) ([]projections.TotalsRow, error) {
	rows, err := projections.WithKeys(func(afresh bool) ([]projections.TotalsRow, error) { return r.totals(ctx, q, afresh) })
	if err != nil {
		return nil, fmt.Errorf("totals: %w", err)
	}
	return rows, nil
}

func (r *Reader) totals(ctx context.Context, q projections.TotalsQuery, afresh bool) ([]projections.TotalsRow, error) {
	tree, err := r.Tree(ctx)
	if err != nil {
		return nil, err
	}
	unitsAt, personsAt := q.Structure()
	if q.KnownAt != nil || q.UnitsAt > 0 {
		tree = tree.Known(unitsAt)
	}
	aliases, err := r.Aliases(ctx, personsAt)
	if err != nil {
		return nil, err
	}
	keys, err := r.factKeys(ctx, afresh)
	if err != nil {
		return nil, err
	}
	t, err := projections.NewTally(q, tree, keys, aliases)
	if err != nil {
		return nil, err
	}
	defer t.Release()
	from, to := int64(math.MinInt32), int64(math.MaxInt32)
	if q.From != nil {
		from = int64(*q.From)
	}
	if q.To != nil {
		to = int64(*q.To)
	}
	if q.ByDonor() {
		err = r.gifts(ctx, t, q.Donors, from, to, q.KnownAt.Bounds().Position)
	} else {
		err = r.facts(ctx, t, keys, &q, from, to)
		if err == nil {
			err = t.AddRecent()
		}
	}
	if err != nil {
		return nil, err
	}
	return t.Rows(), nil
}

// gifts adds the gifts of donors in a range of days.
func (r *Reader) gifts(ctx context.Context, t *projections.Tally, donors []string, from, to, through int64) error {
	return r.giftPacks(ctx, donors, from, to, through, t.AddGifts)
}

// giftPacks hands out the packs that have gifts in a range of days through a position; of donors, where there are some, those that have
// events of theirs.
func (r *Reader) giftPacks(ctx context.Context, donors []string, from, to, position int64, yield func(*projections.Pack) error) error {
	which, args := condition{inDays, inDays}, []any{from, to}
	if len(donors) > 0 {
		list, err := donorSubjects(donors)
		if err != nil {
			return err
		}
		// The pack of a position is the last that begins before it.
		const of = ` AND first_position IN (SELECT (SELECT max(p.first_position) FROM %s p WHERE p.ledger_id = ?1%s AND p.first_position <= s.position)
			FROM ` + positionsOf + ` s)`
		which.packs += fmt.Sprintf(of, "total_gifts", " AND p.slot = ?2")
		which.batches += fmt.Sprintf(of, projections.BatchTable, "")
		args = append(args, list)
	}
	return r.eachPack(ctx, projections.NewGiftPack(), spanTo(position), which, yield, args...)
}

// positionsOf are the positions of subjects, ?7 their JSON list: those that are in order, and those that still are in the runs of
// batches. ?1 is the ledger.
const positionsOf = `(
		SELECT s.position FROM json_each(?7) j CROSS JOIN subjects s ON s.ledger_id = ?1 AND s.subject = j.value
		UNION
		SELECT m.value FROM json_each(?7) j CROSS JOIN subjects s ON s.ledger_id = ?1 AND s.subject = j.value
		CROSS JOIN json_each(s.more) m
		UNION
		SELECT p.value FROM subject_runs r CROSS JOIN json_each(?7) j
		CROSS JOIN json_each(r.subjects, '$."' || j.value || '"') p WHERE r.ledger_id = ?1
	)`

// donorSubjects is the JSON list of the subjects of donors, each once.
func donorSubjects(donors []string) (string, error) {
	subjects := make([]string, 0, len(donors))
	for _, code := range donors {
		subjects = append(subjects, domain.DonorSubject(code))
	}
	slices.Sort(subjects)
	return jsonList(slices.Compact(subjects))
}

// factKeys returns what the keys of facts stand for: those that are known, and those first used since then. Afresh: all.
func (r *Reader) factKeys(ctx context.Context, afresh bool) (map[uuid.UUID]*projections.FactKey, error) {
	// One text is read much faster than eleven.
	const query = `SELECT fact_key, unit || char(10) || fund || char(10) || measure || char(10) || recipient || char(10) ||
			achievement_level || char(10) || education_level || char(10) || school_year || char(10) || cause || char(10) ||
			asset || char(10) || donor_kind || char(10) || purpose
		FROM total_keys WHERE ledger_id = ? AND slot = ? AND first_position > ?`
	at, err := r.at(ctx, "totals")
	if err != nil {
		return nil, err
	}
	known, through := r.p.keys.Known(r.ledger)
	if afresh {
		through = 0
	}
	if known != nil && through >= at.Position {
		return known, nil
	}
	rows, err := r.query(ctx, "totals", query, through)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	fresh := map[uuid.UUID]*projections.FactKey{}
	var key sql.RawBytes
	var text string
	for rows.Next() {
		if err := rows.Scan(&key, &text); err != nil {
			return nil, err
		}
		id, err := uuid.FromBytes(key)
		if err != nil {
			return nil, err
		}
		k := new(projections.FactKey)
		for _, to := range [...]*string{
			&k.Unit, &k.Fund, &k.Measure, &k.Recipient, &k.AchievementLevel, &k.EducationLevel, &k.SchoolYear, &k.Cause,
			&k.Asset, &k.DonorKind, &k.Purpose,
		} {
			*to, text, _ = strings.Cut(text, "\n")
		}
		fresh[id] = k
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return r.p.keys.Learn(r.ledger, fresh, at.Position), nil
}

// Aliases implements projections.Persons.
func (r *Reader) Aliases(ctx context.Context, at int64) (projections.Aliases, error) {
	const query = `SELECT person_position, into_position FROM person_aliases
		WHERE ledger_id = ?1 AND slot = ?2 AND position <= ?3 AND (until_position IS NULL OR until_position > ?3)`
	rows, err := r.query(ctx, "persons", query, at)
	if err != nil {
		return nil, err
	}
	type alias struct{ person, into uint32 }
	list, err := collect(rows, func(a *alias) []any { return []any{&a.person, &a.into} })
	if err != nil {
		return nil, err
	}
	all := make(projections.Aliases, len(list))
	for _, a := range list {
		all[a.person] = a.into
	}
	return all, nil
}
