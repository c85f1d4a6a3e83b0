package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/snapshot"
	"github.com/soquy/soquy/projections"
)

// head compares the ledger's head with the tree of the events.
func (v *verification) head(head eventstore.Head) {
	v.result.Root, v.result.Checkpoint = v.tree.Root(), head.Note
	at := head.Position()
	v.ends = at
	switch {
	case v.cut:
		v.signature(at, head.Note, "ledgers.note") // there is no tree to compare it with
	case v.tree.Size() != at:
		v.fail(v.tree.Size()+1, "head.position", "have", at, "want", v.tree.Size())
	default:
		v.edge(head)
		v.checkpoint(at, head.Note, "ledgers.note")
	}
	v.outsideHeads()
	for size := range v.checkpoints {
		if size < 1 || size > at {
			v.fail(size, "checkpoint.beyond", "size", size)
		}
	}
	for position := range v.snapshots {
		if position < 1 || position > at {
			v.fail(position, "snapshot.beyond", "position", position)
		}
	}
}

// outsideHeads checks that the log contains the heads that were kept outside of it.
func (v *verification) outsideHeads() {
	for _, o := range v.outside {
		c, err := transparency.ClaimedCheckpoint(o.Note)
		switch {
		case o.Own && (err != nil || c.Origin != v.result.Ledger):
			continue
		case err != nil:
			v.fail(0, "outside.malformed", "name", o.Name)
			continue
		case c.Origin != v.result.Ledger:
			v.fail(0, "outside.foreign", "name", o.Name, "ledger", c.Origin)
			continue
		case !o.Own && v.signer(o.Note) < 0:
			v.fail(0, "outside.unsigned", "name", o.Name)
			continue
		}
		if !o.Own {
			v.result.Outside++
		}
		switch {
		case c.Size <= v.tree.Size() && v.outsideRoots[c.Size] == c.Root:
		case v.lost(o.Note, c):
			if !o.Own {
				v.fail(c.Size, "outside.lost", "name", o.Name, "kept", v.fork.Tree.Size, "event", v.fork.Tree.Size+1)
			}
		case c.Size > v.tree.Size():
			v.fail(v.tree.Size()+1, "outside.ahead", "name", o.Name, "want", c.Size, "have", v.tree.Size())
		default:
			v.fail(c.Size, "outside.other", "name", o.Name)
		}
	}
}

// signer returns which of the ledger's keys has signed a note, or -1.
func (v *verification) signer(signed []byte) int {
	return slices.IndexFunc(v.keys, func(k keyFrom) bool {
		_, err := transparency.OpenCheckpoint(signed, k.public)
		return err == nil
	})
}

// lost reports whether a head is of the events that the latest fork tells of: signed before it, later than what was kept, and not later than
// what was known to be committed. Of the last of them even the root is known.
func (v *verification) lost(signed []byte, c transparency.Checkpoint) bool {
	if v.fork == nil || c.Size <= v.fork.Tree.Size || c.Size > v.fork.Lost.Size || c.Size == v.fork.Lost.Size && c.Root != v.fork.Lost.Root {
		return false
	}
	k := v.signer(signed)
	return k >= 0 && v.keys[k].size <= v.fork.Tree.Size
}

// edge compares the right edge of the tree, subtree by subtree. Where the signed head has the root of the events, the edge alone is wrong.
// Else a difference under a full tile is found there, to the leaf; of the others only the range of the subtree is known.
func (v *verification) edge(head eventstore.Head) {
	at, have := head.Position(), v.tree.Edge()
	right := false
	for _, key := range v.keysOf(at) {
		c, err := transparency.OpenCheckpoint(head.Note, key)
		right = right || err == nil && c.Size == at && c.Root == v.tree.Root()
	}
	tiled := at / transparency.TileWidth * transparency.TileWidth
	first := int64(1)
	for i, h := range have.Hashes {
		span := int64(1) << (bits.Len64(uint64(at-first+1)) - 1)
		last := first + span - 1
		switch {
		case h == head.Edge.Hashes[i]:
		case right:
			v.fail(at, "tree.differs")
		case last <= tiled:
			v.other = true
			v.fail(at, "tree.differs")
		case span == 1:
			v.other = true
			v.fail(first, "tree.leaf")
		default:
			v.other = true
			v.fail(first, "tree.range", "first", first, "last", last)
		}
		first = last + 1
	}
}

// signature checks that a signed tree head is signed by the ledger's key of its size and by nobody else, and returns it. column is where
// it is kept.
func (v *verification) signature(size int64, signed []byte, column string) (transparency.Checkpoint, bool) {
	keys := v.keysOf(size)
	if len(keys) == 0 {
		return transparency.Checkpoint{}, false // told already: ledger.opened has the first key
	}
	for _, key := range keys {
		if _, err := transparency.OpenCheckpoint(signed, key); err != nil {
			v.fail(size, "checkpoint.signature", "column", column, "cause", err)
			return transparency.Checkpoint{}, false
		}
	}
	if _, err := transparency.Exactly(signed, keys...); err != nil {
		v.fail(size, "checkpoint.signature", "column", column, "cause", err)
	}
	c, err := transparency.OpenCheckpoint(signed, keys[0])
	return c, err == nil
}

// checkpoint compares a signed tree head with the tree of the events so far.
func (v *verification) checkpoint(size int64, signed []byte, column string) {
	c, is := v.signature(size, signed, column)
	if !is || c.Size == size && c.Root == v.tree.Root() {
		return
	}
	v.other = v.other || c.Size == size // else it is a head of this ledger, of another moment
	v.fail(size, "checkpoint.other", "column", column)
}

// snapshot compares a snapshot with the book at its position. One of another version of the program says nothing here, as long as it is signed.
func (v *verification) snapshot(s *eventstore.Snapshot) {
	keys := v.keysOf(s.Position)
	if len(keys) == 0 {
		return
	}
	signed := snapshot.Signed(s, keys[0])
	if s.Version != domain.BookVersion {
		if signed != nil {
			v.fail(s.Position, "snapshot.version", "version", s.Version)
		}
		return
	}
	want, err := snapshot.Bytes(&v.book, v.tree.Edge())
	switch {
	case err != nil || !bytes.Equal(want, s.Bytes):
		v.fail(s.Position, "snapshot.differs", "position", s.Position)
	case signed != nil:
		v.fail(s.Position, "snapshot.signature", "position", s.Position)
	}
}

// tables compares what is kept beside the events with what they say.
func (v *verification) tables(ctx context.Context, through int64) error {
	for _, check := range []func(context.Context, int64) error{
		v.span, v.subjects, v.commandRows, v.tileRows, v.privateTexts, v.strays, v.breaches, v.surplus,
	} {
		if err := v.corrupt(check(ctx, through)); err != nil {
			return err
		}
	}
	return nil
}

// beyond notes a row that is about a position after the state that is verified. It may have been appended since.
func (v *verification) beyond(position int64, format string, args ...any) {
	if len(v.later) < MaxFailures {
		v.later = append(v.later, later{position, fmt.Sprintf(format, args...)})
	}
}

// surplus tells of the rows that are beyond even the log as it is now.
func (v *verification) surplus(ctx context.Context, _ int64) error {
	if len(v.later) == 0 {
		return nil
	}
	head, err := v.log.Head(ctx, v.ledger)
	if err != nil {
		return fmt.Errorf("read the head: %w", err)
	}
	for _, l := range v.later {
		if l.position > head.Position() {
			v.fail(l.position, "row.beyond", "what", l.what)
		}
	}
	return nil
}

// span looks for events that no head knows of.
func (v *verification) span(ctx context.Context, through int64) error {
	first, last, err := v.log.Span(ctx, v.ledger)
	if err != nil {
		return err
	}
	if first < 1 && last != 0 {
		v.fail(0, "row.beyond", "what", fmt.Sprintf("events.position %d", first))
	}
	if last > through {
		v.beyond(last, "events.position %d", last)
	}
	if last < v.ends {
		v.fail(last+1, "head.position", "have", v.ends, "want", last)
	}
	return nil
}

func (v *verification) subjects(ctx context.Context, through int64) error {
	var have sums
	err := v.log.AllSubjects(ctx, v.ledger, func(subject string, position int64) error {
		if position > through {
			v.beyond(position, "subjects.position %d of %q", position, subject)
			return nil
		}
		have.add(v.seed, v.subjectRow(subject, position))
		return nil
	})
	form := err // a row that is not in its form is handed out all the same, where it can be read
	if err := v.corrupt(err); err != nil {
		return fmt.Errorf("read subjects: %w", err)
	}
	if have == v.subjectSums {
		return nil
	}
	// Something differs: find out what, now keeping the rows.
	rows := map[int64][]string{}
	err = v.log.AllSubjects(ctx, v.ledger, func(subject string, position int64) error {
		if position <= through {
			rows[position] = append(rows[position], subject)
		}
		return nil
	})
	if err != nil && form == nil {
		return fmt.Errorf("read subjects: %w", err)
	}
	err = v.again(ctx, through, func(r *eventstore.Record) error {
		decoded, err := v.codec.Decode(r.Envelope)
		if err != nil {
			return nil // told before
		}
		want, have := slices.Sorted(slices.Values(decoded.Subjects)), slices.Sorted(slices.Values(rows[r.Position]))
		if !slices.Equal(want, have) {
			v.fail(r.Position, "subjects.differ", "have", quoted(have), "want", quoted(want))
		}
		delete(rows, r.Position)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	for position, list := range rows {
		v.fail(position, "subjects.stray", "have", quoted(list))
	}
	return nil
}

// again reads the events once more, as far as they are there: what is missing was told before.
func (v *verification) again(ctx context.Context, through int64, yield func(*eventstore.Record) error) error {
	err := v.log.Read(ctx, v.ledger, 1, through, yield)
	if errors.Is(err, eventstore.ErrCorrupt) {
		return nil
	}
	return err
}

func (v *verification) commandRows(ctx context.Context, through int64) error {
	v.endCommand()
	v.command = eventstore.Command{}
	var have sums
	read := func(yield func(eventstore.Command)) error {
		err := v.log.AllCommands(ctx, v.ledger, func(c eventstore.Command) error {
			if c.First > through {
				v.beyond(c.First, "commands.first_position %d of commands.command_id %s", c.First, c.ID)
				return nil
			}
			yield(c)
			return nil
		})
		if err != nil {
			return fmt.Errorf("read commands: %w", err)
		}
		return nil
	}
	if err := read(func(c eventstore.Command) { have.add(v.seed, v.commandRow(c)) }); err != nil || have == v.commandSums {
		return err
	}
	rows := map[uuid.UUID]eventstore.Command{}
	if err := read(func(c eventstore.Command) { rows[c.ID] = c }); err != nil {
		return err
	}
	compare := func(want eventstore.Command) {
		have, is := rows[want.ID]
		delete(rows, want.ID)
		switch {
		case want.ID == uuid.Nil:
		case !is:
			v.fail(want.First, "command.missing", "id", want.ID)
		case have.Fingerprint != want.Fingerprint:
			v.fail(want.First, "command.fingerprint", "id", want.ID)
		case have.First != want.First || have.Last != want.Last:
			v.fail(want.First, "command.positions", "id", want.ID, "first", have.First, "last", have.Last, "want_first", want.First, "want_last", want.Last)
		}
	}
	var current eventstore.Command
	err := v.again(ctx, through, func(r *eventstore.Record) error {
		decoded, err := v.codec.Decode(r.Envelope)
		if err != nil {
			return nil // told before
		}
		if e := decoded.Event; e.Command != current.ID {
			compare(current)
			current = eventstore.Command{ID: e.Command, First: r.Position}
			if decoded.Fingerprint != nil {
				current.Fingerprint = *decoded.Fingerprint
			}
		}
		current.Last = r.Position
		return nil
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	compare(current)
	for id, c := range rows {
		v.fail(c.First, "command.stray", "id", id)
	}
	return nil
}

func (v *verification) tileRows(ctx context.Context, through int64) error {
	type key struct {
		level int
		index int64
	}
	want := make(map[key][]byte, len(v.tiles))
	for _, t := range v.tiles {
		want[key{t.Level, t.Index}] = t.Hashes
	}
	last := func(k key) int64 { // the position of the last event that the tile covers
		span := int64(1)
		for range k.level + 1 {
			if span > math.MaxInt64/transparency.TileWidth {
				return math.MaxInt64 // no log is as long
			}
			span *= transparency.TileWidth
		}
		if k.index >= math.MaxInt64/span {
			return math.MaxInt64
		}
		return (k.index + 1) * span
	}
	err := v.log.AllTiles(ctx, v.ledger, func(level int, index int64, hashes []byte) error {
		k := key{level, index}
		if last(k) > through {
			v.beyond(last(k), "tiles.hashes of tiles.level %d tiles.tile_index %d", level, index)
			return nil
		}
		if want[k] == nil {
			v.fail(last(k), "tile.stray", "level", level, "index", index)
			return nil
		}
		if !bytes.Equal(want[k], hashes) {
			position := last(k)
			if level == 0 {
				position = index*transparency.TileWidth + firstLeaf(want[k], hashes)
			}
			v.fail(position, "tile.differs", "level", level, "index", index)
		}
		delete(want, k)
		return nil
	})
	if err != nil {
		return fmt.Errorf("read tiles: %w", err)
	}
	for k := range want {
		v.fail(last(k), "tile.missing", "level", k.level, "index", k.index)
	}
	return nil
}

// firstLeaf returns which leaf of two tiles, counted from 1, is the first that differs.
func firstLeaf(want, have []byte) int64 {
	i := 0
	for i < len(want) && i < len(have) && want[i] == have[i] {
		i++
	}
	return int64(i/transparency.HashSize) + 1
}

func (v *verification) strays(ctx context.Context, _ int64) error {
	strays, err := v.log.Strays(ctx)
	if err != nil {
		return fmt.Errorf("look for rows of no ledger: %w", err)
	}
	for _, s := range strays {
		v.fail(0, StrayCode(s), "table", s.Table, "id", s.LedgerID)
	}
	return nil
}

// StrayCode is the code of the failure that a stray is.
func StrayCode(s eventstore.Stray) string {
	switch s.Missing {
	case "events":
		return "ledger.empty"
	case "origins":
		return "ledger.nameless"
	}
	return "ledger.stray"
}

// breaches tells of what lets the log be changed.
func (v *verification) breaches(ctx context.Context, _ int64) error {
	breaches, err := v.log.Breaches(ctx)
	if err != nil {
		return fmt.Errorf("look at triggers and rights: %w", err)
	}
	for _, b := range breaches {
		v.fail(0, "guard."+string(b.Kind), "table", b.Table, "name", b.Name, "role", b.Role)
	}
	return nil
}

// derived compares what is kept beside the events, and the read models, with what the events say. The read models are read on another
// connection, so both go on at once; failures are noted by one goroutine only.
func (v *verification) derived(ctx context.Context, live Live, through int64) error {
	loose, err := live.Loose(ctx, through)
	if err != nil {
		return fmt.Errorf("look for loose rows of read models: %w", err)
	}
	for _, m := range loose {
		v.fail(m.Position, "model.loose", "cause", m)
	}
	if v.broken || v.other {
		// Read models are derived from the events as they were; compared with other events, all of them would be accused.
		if err := v.tables(ctx, through); err != nil {
			return err
		}
		for _, m := range projections.Models() {
			v.result.Projections = append(v.result.Projections, projections.Checked{Name: m.Name, Wrong: 1})
		}
		v.fail(0, "models.skipped")
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		checked []projections.Checked
		failed  error
		wait    sync.WaitGroup
	)
	events := v.result.Events
	wait.Go(func() { checked, failed = live.Check(ctx, v.fold, events) })
	err = v.tables(ctx, through)
	if err != nil {
		cancel()
	}
	wait.Wait()
	if err != nil {
		return err
	}
	if failed != nil {
		return fmt.Errorf("read the read models: %w", failed)
	}
	v.readModels(checked)
	return nil
}

// readModels notes what the comparison of the read models found.
func (v *verification) readModels(checked []projections.Checked) {
	v.result.Projections = checked
	for _, c := range checked {
		for _, m := range c.Mismatches {
			v.fail(m.Position, "model.differs", "name", c.Name, "cause", m)
		}
		if more := c.Wrong - int64(len(c.Mismatches)); more > 0 {
			v.result.Failed += more
		}
	}
}
