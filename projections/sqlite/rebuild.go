package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// A Store is what a rebuild needs of the store: transactions that write, and such that read one state.
type Store interface {
	Write(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error
	View(ctx context.Context, f func(ctx context.Context, tx *sql.Tx) error) error
}

const (
	rebuildEvents = 4_096  // how many events one transaction of a rebuild folds
	rebuildRest   = 1_024  // how far behind the head a rebuild swaps
	deleteRows    = 10_000 // how many rows one transaction deletes
	deleteBatches = 1_000  // how many of batch_packs, which are larger
)

// Rebuild makes models anew, all when no names are given: it fills the other slot from position 1, some thousand events in a transaction
// with appends between them, and in a last, short one catches up and swaps; then it empties the slot that was live. A crash leaves
// rows in a slot that is not live, which the next rebuild deletes. Of two rebuilds of a model the later goes on.
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
		store: store, ledger: ledger, builder: uuid.New(), models: models, events: events,
		w: newWriter(models), slots: map[string]int{}, report: report,
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
	slots   map[string]int // that are filled
	done    int64          // position through which they are
	head    int64
	joined  int64 // position of the models that are live

	report   projections.Report
	compared bool
}

func (r *rebuild) run(ctx context.Context) error {
	if err := r.store.Write(ctx, r.begin); err != nil {
		return err
	}
	for _, m := range r.models {
		if err := r.empty(ctx, m, r.slots[m.Name]); err != nil {
			return err
		}
	}
	if err := r.catchUp(ctx); err != nil {
		return err
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
	for _, m := range r.models {
		switch err := r.empty(ctx, m, 1-r.slots[m.Name]); {
		case errors.Is(err, projections.ErrBusy): // whoever came later empties it
		case err != nil:
			return err
		default:
			if err := r.store.Write(ctx, func(ctx context.Context, tx *sql.Tx) error { return r.end(ctx, tx, m) }); err != nil {
				return err
			}
		}
	}
	return r.clear(ctx)
}

// A stretch is events that follow each other, read ahead.
type stretch struct {
	to     int64
	events []*domain.Event
	err    error
}

// read reads the next events after a position, while others are written: to decode events takes as long as to write what follows
// from them.
func (r *rebuild) read(ctx context.Context, after int64) <-chan stretch {
	s := stretch{to: min((after+1+rebuildEvents)>>projections.BlockBits<<projections.BlockBits-1, r.head)} // with whole blocks
	done := make(chan stretch, 1)
	go func() {
		s.err = r.events.Whole(ctx, after+1, s.to, func(e *domain.Event) error {
			s.events = append(s.events, e)
			return nil
		})
		done <- s
	}()
	return done
}

// catchUp folds events until few are left.
func (r *rebuild) catchUp(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var next <-chan stretch
	defer func() {
		cancel()
		if next != nil {
			<-next
		}
	}()
	for r.head-r.done > rebuildRest {
		if next == nil {
			next = r.read(ctx, r.done)
		}
		s := <-next
		next = nil
		if s.err != nil {
			return s.err
		}
		if r.head-s.to > rebuildRest {
			next = r.read(ctx, s.to)
		}
		if err := r.store.Write(ctx, func(ctx context.Context, tx *sql.Tx) error { return r.step(ctx, tx, s) }); err != nil {
			return err
		}
		r.report.Done(r.done, r.head)
	}
	return nil
}

// look looks where the log is and where its live models are.
func (r *rebuild) look(ctx context.Context, tx *sql.Tx) error {
	const query = `SELECT head_position, joined_position FROM ledgers WHERE ledger_id = ?`
	err := tx.QueryRowContext(ctx, query, r.ledger[:]).Scan(&r.head, &r.joined)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("ledger %s: %w", r.ledger, eventstore.ErrNotFound)
	}
	if err != nil {
		return err
	}
	return projections.AllOrLevel(r.models, r.head, r.joined)
}

// begin notes that the other slots are going to be filled, and by whom.
func (r *rebuild) begin(ctx context.Context, tx *sql.Tx) (err error) {
	const mark = `INSERT INTO rebuilds (ledger_id, projection, version, slot, position, builder) VALUES (?, ?, ?, ?, 0, ?)
		ON CONFLICT DO UPDATE SET version = excluded.version, slot = excluded.slot, position = 0, builder = excluded.builder`
	if err := r.look(ctx, tx); err != nil {
		return err
	}
	have, err := live(In(ctx, tx), r.ledger)
	if err != nil {
		return err
	}
	for _, m := range r.models {
		r.slots[m.Name] = 0
		if at, ok := have[m.Name]; ok {
			r.slots[m.Name] = 1 - at.Slot
		}
		if _, err := tx.ExecContext(ctx, mark, r.ledger[:], m.Name, m.Version, r.slots[m.Name], r.builder[:]); err != nil {
			return err
		}
	}
	return nil
}

// step folds the next events.
func (r *rebuild) step(ctx context.Context, tx *sql.Tx, s stretch) (err error) {
	err = r.fill(ctx, tx, s.to, func(yield func(*domain.Event) error) error {
		for _, e := range s.events {
			if err := yield(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := r.look(ctx, tx); err != nil {
		return err
	}
	r.done = s.to
	return nil
}

// fill folds the events after done through position to into the slots.
func (r *rebuild) fill(ctx context.Context, tx *sql.Tx, to int64, events func(yield func(*domain.Event) error) error) error {
	const advance = `UPDATE rebuilds SET position = ? WHERE ledger_id = ? AND projection = ? AND builder = ? AND position = ?`
	for _, m := range r.models {
		res, err := tx.ExecContext(ctx, advance, to, r.ledger[:], m.Name, r.builder[:], r.done)
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n != 1 {
			return fmt.Errorf("%s: %w", m.Name, projections.ErrBusy)
		}
	}
	if to == r.done {
		return nil
	}
	return r.w.write(In(ctx, tx), r.ledger, func(m string) int { return r.slots[m] }, func(f *projections.Fold) error { return events(f.Add) })
}

// level folds what is left.
func (r *rebuild) level(ctx context.Context, tx *sql.Tx) (err error) {
	if err := r.look(ctx, tx); err != nil {
		return err
	}
	err = r.fill(ctx, tx, r.head, func(yield func(*domain.Event) error) error {
		return r.events.Whole(ctx, r.done+1, r.head, yield)
	})
	if err != nil {
		return err
	}
	r.done = r.head
	return nil
}

// compare compares the rows that were made with those that are live, unless these are of a later position already.
func (r *rebuild) compare(ctx context.Context, tx *sql.Tx) error {
	return r.compareWith(ctx, tx, true, func(m *projections.Model) (sum [32]byte, err error) {
		err = r.store.View(ctx, func(ctx context.Context, tx *sql.Tx) error { // nobody else writes to the slot
			sum, err = projections.DigestRows(m, r.slots[m.Name], madeScanner(ctx, tx, r.ledger))
			return err
		})
		return sum, err
	})
}

// compareHere is compare in the transaction that writes.
func (r *rebuild) compareHere(ctx context.Context, tx *sql.Tx) error {
	return r.compareWith(ctx, tx, false, func(m *projections.Model) ([32]byte, error) {
		return projections.DigestRows(m, r.slots[m.Name], madeScanner(ctx, tx, r.ledger))
	})
}

func (r *rebuild) compareWith(ctx context.Context, tx *sql.Tx, apart bool, made func(m *projections.Model) ([32]byte, error)) error {
	have, err := live(In(ctx, tx), r.ledger)
	if err != nil {
		return err
	}
	r.compared, err = r.report.Compare(r.models, have, r.done, apart, made, func(m *projections.Model) ([32]byte, error) {
		return projections.DigestRows(m, have[m.Name].Slot, scanner(ctx, tx, r.ledger))
	})
	return err
}

// place notes that what is in batches is in the tables of a model.
var place = map[string]string{
	"balances": `UPDATE placed SET balances = ? WHERE ledger_id = ?`,
	"totals":   `UPDATE placed SET totals = ? WHERE ledger_id = ?`,
	"vouchers": `UPDATE placed SET vouchers = ? WHERE ledger_id = ?`,
}

// clear deletes rows of batches of which all is in the tables of the models.
func (r *rebuild) clear(ctx context.Context) error {
	const query = `DELETE FROM batch_packs WHERE ledger_id = ?1 AND first_position IN (SELECT first_position FROM batch_packs
		WHERE ledger_id = ?1 AND first_position <= (SELECT min(balances, totals, vouchers) FROM placed WHERE ledger_id = ?1)
		ORDER BY first_position LIMIT ?2)`
	for more := true; more; {
		err := r.store.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
			res, err := tx.ExecContext(ctx, query, r.ledger[:], deleteBatches)
			if err != nil {
				return err
			}
			n, err := res.RowsAffected()
			more = n == deleteBatches
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// swap folds what is left and makes the slots the live ones. No append goes on meanwhile.
func (r *rebuild) swap(ctx context.Context, tx *sql.Tx) (err error) {
	const (
		swap = `INSERT INTO progress (ledger_id, projection, version, slot, builder) VALUES (?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET version = excluded.version, slot = excluded.slot, builder = excluded.builder`
		joined = `UPDATE ledgers SET joined_position = ?2 WHERE ledger_id = ?1 AND head_position = ?2`
		none   = `INSERT INTO placed (ledger_id, balances, totals, vouchers) VALUES (?, 0, 0, 0) ON CONFLICT DO NOTHING`
		turn   = `UPDATE rebuilds SET slot = ? WHERE ledger_id = ? AND projection = ?`
	)
	if err := r.level(ctx, tx); err != nil {
		return err
	}
	if !r.compared {
		if err := r.compareHere(ctx, tx); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, none, r.ledger[:]); err != nil { // which somebody may have taken away
		return err
	}
	for _, m := range r.models {
		slot := r.slots[m.Name]
		if _, err := tx.ExecContext(ctx, swap, r.ledger[:], m.Name, m.Version, slot, r.builder[:]); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, turn, 1-slot, r.ledger[:], m.Name); err != nil {
			return err
		}
		if query := place[m.Name]; query != "" {
			if _, err := tx.ExecContext(ctx, query, r.head, r.ledger[:]); err != nil {
				return err
			}
		}
	}
	if r.joined == r.head {
		return nil
	}
	_, err = tx.ExecContext(ctx, joined, r.ledger[:], r.head)
	return err
}

// empty deletes the rows of a slot, a part in each transaction, as long as nobody else began a rebuild of the model.
func (r *rebuild) empty(ctx context.Context, m *projections.Model, slot int) error {
	const mine = `SELECT count(*) FROM rebuilds WHERE ledger_id = ? AND projection = ? AND builder = ? AND slot = ?`
	for _, t := range m.Tables {
		t := t.Stored()
		keys := t.Names()[:t.Keys]
		names := strings.Join(keys, ", ")
		// Rows are deleted along the key, up to one that is found first: to name each would be to look each up.
		limit := fmt.Sprintf(`SELECT %s FROM %s WHERE ledger_id = ?1 AND slot = ?2 ORDER BY %[1]s LIMIT 1 OFFSET %[3]d`,
			names, t.Name, deleteRows)
		all := fmt.Sprintf(`DELETE FROM %s WHERE ledger_id = ?1 AND slot = ?2`, t.Name)
		part := fmt.Sprintf(`%s AND (%s) < (?3%s)`, all, names, strings.Repeat(", ?", len(keys)-1))
		for more := true; more; {
			err := r.store.Write(ctx, func(ctx context.Context, tx *sql.Tx) error {
				var own int
				if err := tx.QueryRowContext(ctx, mine, r.ledger[:], m.Name, r.builder[:], slot).Scan(&own); err != nil {
					return err
				}
				if own != 1 {
					return fmt.Errorf("%s: %w", m.Name, projections.ErrBusy)
				}
				query, args := part, []any{r.ledger[:], slot}
				key := make([]any, len(keys))
				into := make([]any, len(keys))
				for i := range key {
					into[i] = &key[i]
				}
				err := tx.QueryRowContext(ctx, limit, args...).Scan(into...)
				more = err == nil
				switch {
				case errors.Is(err, sql.ErrNoRows):
					query = all
				case err != nil:
					return err
				default:
					args = append(args, key...)
				}
				_, err = tx.ExecContext(ctx, query, args...)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// end notes that nothing is left to do.
func (r *rebuild) end(ctx context.Context, tx *sql.Tx, m *projections.Model) error {
	const query = `DELETE FROM rebuilds WHERE ledger_id = ? AND projection = ? AND builder = ?`
	_, err := tx.ExecContext(ctx, query, r.ledger[:], m.Name, r.builder[:])
	return err
}
