package postgres

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sort"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/projections"
)

// The facts of a block that is complete never change, so whoever asks for totals more than once remembers them and reads only those
// after. What is remembered is of one slot as one rebuild made it, and of one log: the ID of the last event that it covers is
// looked at before it is used, since another log, such as one that was restored and went on, has other IDs.

// A fact is one row of total_facts. The persons are in people of its knownFacts.
type fact struct {
	day     domain.Date
	key     uuid.UUID
	grants  int64
	amount  int64
	on, off span
}

type span struct{ from, to uint32 }

// knownFacts are the facts of all complete blocks of a ledger. They are not changed once others may see them.
type knownFacts struct {
	slot    int
	builder uuid.UUID
	through int64     // blocks before this one
	last    uuid.UUID // the ID of their last event
	bases   [3][]fact // in order of day
	people  []byte
}

// maxFacts and maxPeople are how many facts and bytes of persons of a ledger are remembered: some 100 MB at most.
const (
	maxFacts  = 1 << 20
	maxPeople = 32 << 20
)

// learnBlocks is after how many blocks more is remembered: putting them in order takes longer than reading a few once more.
const learnBlocks = 4

// lastOf is the last position of the blocks before one.
func lastOf(block int64) int64 { return block<<projections.BlockBits - 1 }

// facts adds the facts of bases in a range of days: those that are remembered, and those after from the database.
func (r *Reader) facts(ctx context.Context, t *projections.Tally, bases []int, from, to time.Time) error {
	const (
		// Along the days, and along the blocks. The sums have it be one of the two indexes whatever the planner thinks.
		days = `SELECT basis, day, fact_key, amount, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = $1 AND slot = $2 AND basis = $3 AND day BETWEEN $4 AND $5`
		after = `SELECT basis, day, fact_key, amount, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = $1 AND slot = $2 AND basis + 0 = ANY ($3::smallint[]) AND day + 0 BETWEEN $4 AND $5 AND block >= $6 ORDER BY day + 0`
	)
	known, err := r.knownFacts(ctx)
	if err != nil {
		return err
	}
	first, last := domain.DateOf(from), domain.DateOf(to)
	for _, basis := range bases {
		list := known.bases[basis]
		i := sort.Search(len(list), func(i int) bool { return list[i].day >= first })
		for ; i < len(list) && list[i].day <= last; i++ {
			f := &list[i]
			err := t.Add(f.day, f.key, f.grants, f.amount, known.people[f.on.from:f.on.to], known.people[f.off.from:f.off.to])
			if err != nil {
				return err
			}
		}
	}
	add := func(_ int, f *fact, on, off []byte) error { return t.Add(f.day, f.key, f.grants, f.amount, on, off) }
	if known.through > 0 {
		rows, err := r.query(ctx, "totals", after, bases, from, to, known.through)
		return eachFact(rows, err, add)
	}
	for _, basis := range bases {
		rows, err := r.query(ctx, "totals", days, basis, from, to)
		if err := eachFact(rows, err, add); err != nil {
			return err
		}
	}
	return nil
}

// eachFact reads facts from the driver's own buffer, which is a third of the time of a scan. The lists are good until yield returns.
func eachFact(rows pgx.Rows, err error, yield func(basis int, f *fact, on, off []byte) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	var f fact
	for rows.Next() {
		v := rows.RawValues()
		if len(v[0]) != 2 || len(v[1]) != 4 || len(v[2]) != 16 || len(v[3]) != 8 || len(v[4]) != 8 {
			return fmt.Errorf("%w: a fact is not in the binary format", eventstore.ErrCorrupt)
		}
		f.day = domain.Date(int32(binary.BigEndian.Uint32(v[1])) + epochDays)
		f.key = uuid.UUID(v[2])
		f.amount, f.grants = int64(binary.BigEndian.Uint64(v[3])), int64(binary.BigEndian.Uint64(v[4]))
		if err := yield(int(binary.BigEndian.Uint16(v[0])), &f, v[5], v[6]); err != nil {
			return err
		}
	}
	return rows.Err()
}

// noFacts stands for a ledger of which nothing is remembered.
var noFacts = &knownFacts{}

// knownFacts returns what is remembered of the ledger as the transaction sees it, and remembers more from the second question on: most
// programs ask only once, for less than all.
func (r *Reader) knownFacts(ctx context.Context) (*knownFacts, error) {
	const guard = `SELECT p.builder, e.event_id FROM progress p
		LEFT JOIN events e ON e.ledger_id = p.ledger_id AND e.position = $2 WHERE p.ledger_id = $1 AND p.projection = 'totals'`
	at, err := r.at(ctx, "totals")
	if err != nil {
		return nil, err
	}
	through := (at.Position + 1) >> projections.BlockBits
	found, asked := r.p.facts.LoadOrStore(r.ledger, noFacts)
	known := found.(*knownFacts)
	if !asked || through == 0 || known.through > through { // the last: the transaction began earlier
		return noFacts, nil
	}
	var builder, last pgtype.UUID
	if err := r.tx.QueryRow(ctx, guard, r.ledger, lastOf(max(known.through, 1))).Scan(&builder, &last); err != nil {
		return nil, err
	}
	if known.slot != at.Slot || known.builder != builder.Bytes || known.through > through || known.last != last.Bytes {
		known = &knownFacts{slot: at.Slot, builder: builder.Bytes}
	}
	if known.through > 0 && through-known.through < learnBlocks {
		return known, nil
	}
	more, err := r.readFacts(ctx, known, through)
	if err != nil || more == nil {
		return noFacts, err
	}
	r.p.facts.Store(r.ledger, more)
	return more, nil
}

// readFacts returns what is known with the facts until a block; nil where that is too much to be remembered.
func (r *Reader) readFacts(ctx context.Context, known *knownFacts, through int64) (*knownFacts, error) {
	const (
		query = `SELECT basis, day, fact_key, amount, grants, people_on, people_off FROM total_facts
			WHERE ledger_id = $1 AND slot = $2 AND block >= $3 AND block < $4`
		event = `SELECT event_id FROM events WHERE ledger_id = $1 AND position = $2`
	)
	more := &knownFacts{slot: known.slot, builder: known.builder, through: through, people: slices.Clone(known.people)}
	n := len(known.bases[0]) + len(known.bases[1]) + len(known.bases[2])
	var last pgtype.UUID
	if err := r.tx.QueryRow(ctx, event, r.ledger, lastOf(through)).Scan(&last); err != nil {
		return nil, err
	}
	more.last = last.Bytes
	keep := func(list []byte) span {
		from := len(more.people)
		more.people = append(more.people, list...)
		return span{uint32(from), uint32(len(more.people))}
	}
	tooMany := false
	rows, err := r.query(ctx, "totals", query, known.through, through)
	err = eachFact(rows, err, func(basis int, f *fact, on, off []byte) error {
		if n++; n > maxFacts || len(more.people) > maxPeople {
			tooMany = true
			return nil
		}
		if basis >= len(more.bases) {
			return fmt.Errorf("%w: a fact has basis %d", eventstore.ErrCorrupt, basis)
		}
		f.on, f.off = keep(on), keep(off)
		more.bases[basis] = append(more.bases[basis], *f)
		return nil
	})
	if err != nil || tooMany {
		return nil, err
	}
	for i, list := range more.bases {
		slices.SortStableFunc(list, func(a, b fact) int { return cmp.Compare(a.day, b.day) })
		more.bases[i] = merge(known.bases[i], list)
	}
	return more, nil
}

// merge puts two lists in order of day into one.
func merge(a, b []fact) []fact {
	list := make([]fact, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		if b[0].day < a[0].day {
			list, b = append(list, b[0]), b[1:]
		} else {
			list, a = append(list, a[0]), a[1:]
		}
	}
	return append(append(list, a...), b...)
}
