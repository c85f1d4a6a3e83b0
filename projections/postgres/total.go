package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

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
	from, to := days(q.From, q.To)
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
func (r *Reader) gifts(ctx context.Context, t *projections.Tally, donors []string, from, to time.Time, through int64) error {
	return r.giftPacks(ctx, donors, from, to, through, t.AddGifts)
}

// giftPacks hands out the packs that have gifts in a range of days through a position; of donors, where there are some, those that have
// events of theirs.
func (r *Reader) giftPacks(
	ctx context.Context, donors []string, from, to time.Time, through int64, yield func(*projections.Pack) error,
) error {
	const (
		bounds = ` AND last_day >= $3 AND first_day <= $4 AND first_position <= $5`
		some   = bounds + ` AND first_position IN (
			SELECT (SELECT max(p.first_position) FROM total_gifts p WHERE p.ledger_id = $1 AND p.slot = $2 AND p.first_position <= s.position)
			FROM ` + positionsOf + ` s)`
	)
	p := projections.NewGiftPack()
	query, args := packQuery(p.Table)+bounds, []any{from, to, through}
	if len(donors) > 0 {
		query, args = packQuery(p.Table)+some, append(args, donorSubjects(donors))
	}
	rows, err := r.query(ctx, "totals", query, args...)
	return eachPack(rows, err, p, projections.Whole(yield))
}

// positionsOf are the positions of subjects, $6 their list: those that are in order, and those that still are in the runs of batches. $1 is
// the ledger.
const positionsOf = `(
		SELECT p.position FROM subjects s CROSS JOIN LATERAL unnest(s.position || s.more) AS p (position)
		WHERE s.ledger_id = $1 AND s.subject = ANY ($6)
		UNION ALL
		SELECT p.position FROM subject_runs r CROSS JOIN LATERAL unnest(r.subjects, r.positions) AS p (subject, position)
		WHERE r.ledger_id = $1 AND r.position > (SELECT merged_position` + ofHead + `)
			AND r.subjects && $6 AND p.subject = ANY ($6)
	)`

// donorSubjects are the subjects of donors; nil for all.
func donorSubjects(donors []string) []string {
	var subjects []string
	for _, code := range donors {
		subjects = append(subjects, domain.DonorSubject(code))
	}
	return subjects
}

// factKeys returns what the keys of facts stand for: those that are known, and those first used since then. Afresh: all.
func (r *Reader) factKeys(ctx context.Context, afresh bool) (map[uuid.UUID]*projections.FactKey, error) {
	const query = `SELECT fact_key, unit, fund, measure, recipient, achievement_level, education_level, school_year, cause,
			asset, donor_kind, purpose
		FROM total_keys WHERE ledger_id = $1 AND slot = $2 AND first_position > $3`
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
	var key pgtype.UUID
	for rows.Next() {
		k := new(projections.FactKey)
		err := rows.Scan(&key, &k.Unit, &k.Fund, &k.Measure, &k.Recipient, &k.AchievementLevel, &k.EducationLevel,
			&k.SchoolYear, &k.Cause, &k.Asset, &k.DonorKind, &k.Purpose)
		if err != nil {
			return nil, err
		}
		fresh[key.Bytes] = k
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	return r.p.keys.Learn(r.ledger, fresh, at.Position), nil
}

// Aliases implements projections.Persons.
func (r *Reader) Aliases(ctx context.Context, at int64) (projections.Aliases, error) {
	const query = `SELECT person_position, into_position FROM person_aliases
		WHERE ledger_id = $1 AND slot = $2 AND position <= $3 AND (until_position IS NULL OR until_position > $3)`
	type alias struct{ person, into uint32 }
	rows, err := r.query(ctx, "persons", query, at)
	list, err := collect(rows, err, func(a *alias) []any { return []any{&a.person, &a.into} })
	if err != nil {
		return nil, err
	}
	all := make(projections.Aliases, len(list))
	for _, a := range list {
		all[a.person] = a.into
	}
	return all, nil
}
