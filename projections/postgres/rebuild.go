package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// A Store is what a rebuild needs of the store: transactions that write, and such that read one state.
type Store interface {
	Write(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error
	View(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error
}

const (
	rebuildEvents = 8_192 // how many events one transaction of a rebuild folds
	rebuildRest   = 1_024 // how far behind the head a rebuild swaps
)

// Rebuild makes models anew, all when no names are given: it fills the other slot from position 1, some thousand events in a transaction,
// while appends go on. In a last, short one it takes the ledger's row lock, catches up and swaps; then it empties the slot that
// was live. A crash leaves rows in a slot that is not live, which the next rebuild deletes. Of two rebuilds of a model the later goes on.
// Before the swap the rows are compared with those that were live, by their digests, at one position.
// Errors: projections.ErrBusy, projections.ErrQuery (names), eventstore.ErrNotFound, eventstore.ErrCorrupt.
func (p *Projections) Rebuild(
	ctx context.Context, store Store, ledger uuid.UUID, names []string, events projections.Events, report projections.Report,
) error {
	models, err := projections.Select(names...)
	if err != nil {
		return fmt.Errorf("rebuild read models: %w", err)
	}
	r := &rebuild{
		store: store, ledger: ledger, builder: uuid.New(), models: models, events: events, w: newWriter(models, "rebuilds"), report: report,
	}
	if err := r.run(ctx); err != nil {
		return fmt.Errorf("rebuild read models: %w", err)
	}
	return nil
}

type rebuild struct {
	store   Store
	ledger  uuid.UUID
	builder uuid.UUID // says whose the rows of rebuilds are
	models  []*projections.Model
	events  projections.Events
	w       *writer
	settled settledKeys // in the slots that are filled
	done    int64       // position through which the slots are filled
	head    int64
	joined  int64 // position of the models that are live

	report   projections.Report
	compared bool
}

func (r *rebuild) run(ctx context.Context) error {
	if err := r.store.Write(ctx, r.begin); err != nil {
		return err
	}
	for r.head-r.done > rebuildRest {
		if err := r.store.Write(ctx, r.step); err != nil {
			return err
		}
		r.report.Done(r.done, r.head)
	}
	for try := 0; try < projections.LevelTries && !r.compared; try++ {
		if err := r.store.Write(ctx, r.level); err != nil {
			return err
		}
		if err := r.store.View(ctx, r.compare); err != nil {
			return err
		}
	}
	if err := r.store.Write(ctx, r.swap); err != nil {
		return err
	}
	r.report.Done(r.done, r.head)
	if err := r.store.Write(ctx, r.finish); !errors.Is(err, projections.ErrBusy) { // else whoever came later empties them
		return err
	}
	return nil
}

// look looks where the log is and where its live models are, with the ledger's lock when it is asked for.
func (r *rebuild) look(ctx context.Context, tx pgx.Tx, lock bool) error {
	const (
		query  = `SELECT head_position, joined_position` + ofHead
		locked = query + ` FOR UPDATE`
	)
	q := query
	if lock {
		q = locked
	}
	err := tx.QueryRow(ctx, q, r.ledger).Scan(&r.head, &r.joined)
	if errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("ledger %s: %w", r.ledger, eventstore.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return projections.AllOrLevel(r.models, r.head, r.joined)
}

// begin notes that the other slots are going to be filled, and by whom, and empties them. Each row of rebuilds stays locked until then, so
// a rebuild that was there before is over or finds that it is not its own any more.
func (r *rebuild) begin(ctx context.Context, tx pgx.Tx) (err error) {
	const mark = `INSERT INTO rebuilds (ledger_id, projection, version, slot, position, builder)
		SELECT $1, m.projection, m.version, coalesce(1 - p.slot, 0), 0, $4
		FROM unnest($2::text[], $3::int[]) AS m (projection, version)
		LEFT JOIN progress p ON p.ledger_id = $1 AND p.projection = m.projection
		ORDER BY m.projection
		ON CONFLICT (ledger_id, projection) DO UPDATE
		SET version = excluded.version, slot = excluded.slot, position = 0, builder = excluded.builder`
	if err := r.look(ctx, tx, false); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, mark, r.ledger, r.w.names, r.w.versions, r.builder); err != nil {
		return err
	}
	return r.empty(ctx, tx)
}

// step folds the next events.
func (r *rebuild) step(ctx context.Context, tx pgx.Tx) (err error) {
	to := min((r.done+1+rebuildEvents)>>projections.BlockBits<<projections.BlockBits-1, r.head) // with whole blocks
	if err := r.fill(ctx, tx, to); err != nil {
		return err
	}
	if err := r.look(ctx, tx, false); err != nil {
		return err
	}
	r.done = to
	return nil
}

// fill folds the events after done through position to into the slots.
func (r *rebuild) fill(ctx context.Context, tx pgx.Tx, to int64) error {
	const advance = `UPDATE rebuilds SET position = $2
		WHERE ledger_id = $1 AND projection = ANY ($3) AND builder = $4 AND position = $5`
	tag, err := tx.Exec(ctx, advance, r.ledger, to, r.w.names, r.builder, r.done)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != int64(len(r.models)) {
		return projections.ErrBusy
	}
	if to == r.done {
		return nil
	}
	r.w.begin(ctx, tx, r.ledger)
	defer r.w.end()
	r.settled.begin(r.done)
	r.w.settled = &r.settled
	if err := r.events.Whole(ctx, r.done+1, to, r.w.fold.Add); err != nil {
		return err
	}
	if err := r.w.flush(); err != nil {
		return err
	}
	r.settled.committed(to, r.w.fresh, apart{}) // else the rebuild is over
	return nil
}

// level folds what is left, with the ledger's lock, so that the log is where the rows are when it commits.
func (r *rebuild) level(ctx context.Context, tx pgx.Tx) (err error) {
	if err := r.look(ctx, tx, true); err != nil {
		return err
	}
	if err := r.fill(ctx, tx, r.head); err != nil {
		return err
	}
	r.done = r.head
	return nil
}

// compare compares the rows that were made with those that are live, unless these are of a later position already.
func (r *rebuild) compare(ctx context.Context, tx pgx.Tx) error {
	return r.compareWith(ctx, tx, true, func(m *projections.Model, slot int) (sum [32]byte, err error) {
		err = r.store.View(ctx, func(ctx context.Context, tx pgx.Tx) error { // nobody else writes to the slot
			sum, err = projections.DigestRows(m, slot, scanner(ctx, tx, r.ledger))
			return err
		})
		return sum, err
	})
}

// compareHere is compare in the transaction that writes.
func (r *rebuild) compareHere(ctx context.Context, tx pgx.Tx) error {
	return r.compareWith(ctx, tx, false, func(m *projections.Model, slot int) ([32]byte, error) {
		return projections.DigestRows(m, slot, scanner(ctx, tx, r.ledger))
	})
}

func (r *rebuild) compareWith(ctx context.Context, tx pgx.Tx, apart bool, made func(m *projections.Model, slot int) ([32]byte, error)) error {
	have, err := live(ctx, tx, r.ledger)
	if err != nil {
		return err
	}
	r.compared, err = r.report.Compare(r.models, have, r.done, apart, func(m *projections.Model) ([32]byte, error) {
		return made(m, 1-have[m.Name].Slot)
	}, func(m *projections.Model) ([32]byte, error) {
		return projections.DigestRows(m, have[m.Name].Slot, scanner(ctx, tx, r.ledger))
	})
	return err
}

// swap folds what is left and makes the slots the live ones. No append goes on meanwhile.
func (r *rebuild) swap(ctx context.Context, tx pgx.Tx) (err error) {
	const (
		swap = `INSERT INTO progress (ledger_id, projection, version, slot, builder)
			SELECT ledger_id, projection, version, slot, builder FROM rebuilds WHERE ledger_id = $1 AND projection = ANY ($2)
			ON CONFLICT (ledger_id, projection) DO UPDATE
			SET version = excluded.version, slot = excluded.slot, builder = excluded.builder`
		joined = `UPDATE ledgers SET joined_position = $2 WHERE ledger_id = $1 AND head_position = $2`
		turn   = `UPDATE rebuilds SET slot = 1 - slot WHERE ledger_id = $1 AND projection = ANY ($2)`
	)
	if err := r.level(ctx, tx); err != nil {
		return err
	}
	if !r.compared {
		if err := r.compareHere(ctx, tx); err != nil {
			return err
		}
	}
	for _, query := range []string{swap, turn} {
		if _, err := tx.Exec(ctx, query, r.ledger, r.w.names); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(r.models, func(m *projections.Model) bool { return m.Entries != nil }) { // of which nothing waits
		if _, err := tx.Exec(ctx, place, r.ledger, r.head); err != nil {
			return err
		}
	}
	if r.joined == r.head {
		return nil
	}
	_, err = tx.Exec(ctx, joined, r.ledger, r.head)
	return err
}

// finish empties the slots that were live.
func (r *rebuild) finish(ctx context.Context, tx pgx.Tx) error {
	const (
		mine = `SELECT count(*) FROM (
			SELECT FROM rebuilds WHERE ledger_id = $1 AND projection = ANY ($2) AND builder = $3 FOR UPDATE) own`
		end = `DELETE FROM rebuilds WHERE ledger_id = $1 AND projection = ANY ($2)`
	)
	var n int
	if err := tx.QueryRow(ctx, mine, r.ledger, r.w.names, r.builder).Scan(&n); err != nil {
		return err
	}
	if n != len(r.models) {
		return projections.ErrBusy
	}
	if err := r.empty(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, end, r.ledger, r.w.names)
	return err
}

// empty deletes the rows of the slots that rebuilds names.
func (r *rebuild) empty(ctx context.Context, tx pgx.Tx) error {
	batch := new(pgx.Batch)
	for _, m := range r.models {
		for _, t := range m.All() {
			batch.Queue(fmt.Sprintf(`DELETE FROM %s t USING rebuilds r
				WHERE r.ledger_id = $1 AND r.projection = $2 AND t.ledger_id = $1 AND t.slot = r.slot`, t.Name), r.ledger, m.Name)
		}
	}
	return tx.SendBatch(ctx, batch).Close()
}
