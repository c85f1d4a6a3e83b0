// Package audit checks a ledger against itself: every leaf, the tree and its signatures, the columns beside the envelopes, the
// private texts, the snapshots, and every read model, each derived again from the first event.
package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/keychange"
	"github.com/soquy/soquy/internal/replay"
	"github.com/soquy/soquy/projections"
)

// Log is what a verification reads of a store.
type Log interface {
	eventstore.Log
	eventstore.Tables
	eventstore.Snapshots
}

// Live is one state of a database: the head and the read models, as one transaction sees them.
type Live interface {
	Head(ctx context.Context) (eventstore.Head, error)
	// Check compares the rows of every model of a fold, and how far the model has come, with what is there.
	Check(ctx context.Context, expected *projections.Fold, through int64) ([]projections.Checked, error)
	// Loose returns the rows of read models that no reader looks at and no rebuild left.
	Loose(ctx context.Context, head int64) ([]projections.Mismatch, error)
}

// A Failure is something that is not as it was recorded. Position is 0 when it is not about one event.
// Code names what, as the catalogues' verify.what.<code> say it in words.
type Failure struct {
	Position int64
	Code     string
	Args     []domain.Arg
}

// MaxFailures is how many failures are described; more are only counted.
const MaxFailures = 1_000

// A Result is the outcome of a verification.
type Result struct {
	Ledger      string // origin
	Events      int64
	Root        transparency.Hash
	Checkpoint  []byte // the signed note of the head
	Projections []projections.Checked
	Failures    []Failure // in order of position; at most MaxFailures
	Failed      int64     // how many there are
	Outside     int       // heads from outside that the log was compared with
}

// OK reports whether everything is as it was recorded.
func (r *Result) OK() bool { return r.Failed == 0 }

// verification is the work on one ledger.
type verification struct {
	log     Log
	ledger  uuid.UUID
	outside []Outside
	result  Result

	outsideRoots map[int64]transparency.Hash // of the log, at the sizes that are claimed outside
	started      int64                       // where the log ended when the checkpoints were read
	keys         []keyFrom                   // the ledger's keys, one after another
	fork         *domain.LedgerForked        // the latest

	opened   *domain.LedgerOpened
	codec    *eventcodec.Codec
	decimals int
	book     domain.Book
	fold     *projections.Fold
	tree     *transparency.Tree
	newer    error // of the first event of a type that is not known
	broken   bool  // the book or a fold could not follow: what depends on them is not compared
	other    bool  // the events are not those that were signed: nothing is compared with them
	cut      bool  // the log could not be read to its end
	ends     int64 // where the head says that the log ends

	last        *domain.Event // the event before
	command     eventstore.Command
	commands    map[uuid.UUID]bool
	commandSums sums
	subjectSums sums
	row         []byte // made last
	tiles       []transparency.Tile
	checkpoints map[int64][]byte
	snapshots   map[int64]eventstore.Snapshot

	committed map[uuid.UUID]commitment
	texts     map[string][]uuid.UUID // subject → private texts that an erasure takes away
	erased    map[uuid.UUID]int64    // private text → position of the erasure
	later     []later                // rows about positions after the state that is verified
	seed      maphash.Seed
}

// later is a row about a position after the state that is verified.
type later struct {
	position int64
	what     string
}

// commitment is a private text that an event commits to.
type commitment struct {
	position int64
	sum      [32]byte
}

// keyFrom is a verifier key and the tree size of the first head that it signs.
type keyFrom struct {
	size   int64
	public string
	forked bool // its first head is not signed by the key before it, which has signed another
}

// An Outside is a signed head that was kept outside of the database, which the log must contain.
type Outside struct {
	Name string // what it is called in failures; that of the head file is in the reader's language
	Note []byte
	// Own is set for the head file, which this program writes itself: one that is torn or of another ledger says nothing.
	Own bool
}

// sums compares two collections of rows without keeping them: equal collections have equal sums, in whatever order they come, and
// different ones do not but by a chance of 2⁻⁶⁴ with a seed that nobody knows.
type sums struct {
	n   int64
	sum uint64
}

func (s *sums) add(seed maphash.Seed, row []byte) {
	s.n++
	s.sum += maphash.Bytes(seed, row)
}

// Verify checks a ledger. view calls its function with one state of the database. outside are heads that were kept
// outside of it. The error says that the check could not be made; what it found is in the result. Errors: those of reading, and
// *eventcodec.UnknownTypeError: all that can be checked is as it was signed, but a newer version of this program wrote an event.
func Verify(ctx context.Context, log Log, ledger uuid.UUID, view func(context.Context, func(context.Context, Live) error) error, outside []Outside, progress func(done, total int64)) (Result, error) {
	v := &verification{
		log: log, ledger: ledger, outside: outside, fold: projections.NewFold(projections.Models(), nil), tree: transparency.NewTree(),
		commands: map[uuid.UUID]bool{}, committed: map[uuid.UUID]commitment{}, texts: map[string][]uuid.UUID{},
		erased: map[uuid.UUID]int64{}, seed: maphash.MakeSeed(),
	}
	if err := v.run(ctx, view, progress); err != nil {
		return v.result, err
	}
	// What has a position comes first, in order; what is about the whole follows.
	slices.SortStableFunc(v.result.Failures, func(a, b Failure) int {
		return cmp.Compare(uint64(a.Position-1), uint64(b.Position-1))
	})
	return v.result, nil
}

// fail notes a failure. args are names and values in turn.
func (v *verification) fail(position int64, code string, args ...any) {
	v.result.Failed++
	position = max(position, 0)
	if len(v.result.Failures) >= MaxFailures {
		return
	}
	f := Failure{Position: position, Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		f.Args = append(f.Args, domain.Arg{Name: fmt.Sprint(args[i]), Value: fmt.Sprint(args[i+1])})
	}
	v.result.Failures = append(v.result.Failures, f)
}

// quoted is how texts from the database are told.
func quoted(v any) string { return fmt.Sprintf("%q", v) }

func (v *verification) run(ctx context.Context, view func(context.Context, func(context.Context, Live) error) error, progress func(done, total int64)) error {
	head, err := v.log.Head(ctx, v.ledger)
	if err != nil {
		return fmt.Errorf("read the head: %w", err)
	}
	if err := v.start(ctx, head); err != nil {
		return err
	}
	// The long read goes on beside a writer; what came meanwhile is read once more, short, in the state that the rest is
	// compared with.
	if err := v.events(ctx, 1, head.Position(), progress); err != nil {
		return err
	}
	return view(ctx, func(ctx context.Context, live Live) error {
		head, err := live.Head(ctx)
		if err != nil {
			return fmt.Errorf("read the head: %w", err)
		}
		if err := v.events(ctx, v.result.Events+1, head.Position(), nil); err != nil {
			return err
		}
		v.head(head)
		if v.newer != nil {
			if v.result.Failed == 0 {
				return v.newer
			}
			return nil // what is derived would be accused of what this program cannot read
		}
		through := head.Position()
		if v.cut {
			through = v.tree.Size() // nothing is said of what follows
		}
		return v.derived(ctx, live, through)
	})
}

// corrupt notes what an error says of the rows that were read. Another error stays one.
func (v *verification) corrupt(err error) error {
	var row *eventstore.RowError
	switch {
	case errors.As(err, &row) && row.Column == "events.position":
		v.fail(row.Position, "event.missing", "position", row.Position)
	case errors.As(err, &row):
		v.fail(row.Position, "row.corrupt", "column", row.Column, "problem", row.Problem)
	case errors.Is(err, eventstore.ErrCorrupt):
		v.fail(v.result.Events+1, "log.broken", "cause", err)
	default:
		return err
	}
	return nil
}

// start reads what the rest is checked against: the first event, and what is kept of the past.
func (v *verification) start(ctx context.Context, head eventstore.Head) error {
	v.result.Ledger = head.Origin
	err := v.log.Read(ctx, v.ledger, 1, 1, func(r *eventstore.Record) error {
		opened, err := eventcodec.Currency(r.Envelope)
		if err != nil {
			v.fail(1, "opened.unreadable", "cause", err)
			return nil
		}
		v.opened = opened
		return nil
	})
	if err != nil && !errors.Is(err, eventstore.ErrCorrupt) {
		return fmt.Errorf("read ledger.opened: %w", err)
	}
	decimals := 0
	if v.opened != nil {
		currency, err := money.LookupCurrency(v.opened.Currency)
		if err != nil {
			v.fail(1, "currency.unknown", "currency", quoted(v.opened.Currency))
		}
		decimals = currency.Decimals
		if v.opened.Ledger != v.ledger {
			v.fail(1, "ledger_id.differs", "have", v.ledger, "want", v.opened.Ledger)
		}
		if v.opened.Origin != head.Origin {
			v.fail(1, "origin.differs", "have", quoted(head.Origin), "want", quoted(v.opened.Origin))
		}
	}
	v.decimals = decimals
	if v.opened != nil && v.opened.Ledger == v.ledger {
		v.result.Ledger = v.opened.Origin // what was signed; that the row of ledgers has another was said
	}
	v.codec = eventcodec.New(v.result.Ledger, decimals)

	if v.opened != nil {
		v.keys = []keyFrom{{1, v.opened.PublicKey, false}}
	}
	v.outsideRoots = map[int64]transparency.Hash{}
	for _, o := range v.outside {
		if c, err := transparency.ClaimedCheckpoint(o.Note); err == nil {
			v.outsideRoots[c.Size] = transparency.Hash{}
		}
	}
	v.started = head.Position()
	v.checkpoints = map[int64][]byte{}
	err = v.log.AllCheckpoints(ctx, v.ledger, func(c eventstore.Checkpoint) error {
		v.checkpoints[c.Size] = bytes.Clone(c.Note)
		return nil
	})
	if err := v.corrupt(err); err != nil {
		return fmt.Errorf("read checkpoints: %w", err)
	}
	snapshots, err := v.log.Snapshots(ctx, v.ledger)
	if err := v.corrupt(err); err != nil {
		return fmt.Errorf("read snapshots: %w", err)
	}
	v.snapshots = map[int64]eventstore.Snapshot{}
	for _, s := range snapshots {
		v.snapshots[s.Position] = s
	}
	return nil
}

// progressEvery is after how many events the check tells how far it is.
const progressEvery = 2048

func (v *verification) events(ctx context.Context, from, to int64, progress func(done, total int64)) error {
	if from > to || v.cut {
		return nil
	}
	o := replay.Options{Origin: v.result.Ledger, Decimals: v.decimals, Hash: true, Encode: true}
	err := replay.Read(ctx, v.log, v.ledger, from, to, o, func(e *replay.Event) error {
		v.event(e)
		if at := e.Record.Position; progress != nil && at%progressEvery == 0 {
			progress(at, to)
		}
		return nil
	})
	if errors.Is(err, eventstore.ErrCorrupt) {
		v.broken, v.cut = true, true
	}
	if err := v.corrupt(err); err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	return nil
}

// event checks one event: its leaf, its columns, and that it follows from those before it.
func (v *verification) event(stored *replay.Event) {
	r, at := &stored.Record, stored.Record.Position
	v.result.Events = at
	var before domain.TreeHead
	switch r.Type {
	case "period.closed", "ledger.rekeyed", "ledger.forked":
		before = domain.TreeHead{Size: v.tree.Size(), Root: v.tree.Root()}
	}
	v.tree.Append(stored.Leaf)
	v.tiles = append(v.tiles, v.tree.Full()...)
	if _, claimed := v.outsideRoots[at]; claimed {
		v.outsideRoots[at] = v.tree.Root()
	}
	decoded, err := &stored.Envelope, stored.Err
	if err == nil {
		v.key(&decoded.Event, before)
	}
	if signed, kept := v.checkpoints[at]; kept {
		v.checkpoint(at, signed, fmt.Sprintf("checkpoints.note (checkpoints.tree_size %d)", at))
	}
	var newer *eventcodec.UnknownTypeError
	switch {
	case errors.As(err, &newer):
		if v.newer == nil {
			v.newer = fmt.Errorf("position %d: %w", at, newer)
		}
		v.broken = true
		return
	case err != nil:
		v.fail(at, "envelope.unreadable", "cause", err)
		v.broken = true
		return
	}
	e := &decoded.Event
	if stored.Foreign {
		v.fail(at, "envelope.form")
	}
	switch {
	case decoded.Ledger != v.result.Ledger:
		v.fail(at, "envelope.ledger", "ledger", quoted(decoded.Ledger))
	case e.Position != at:
		v.fail(at, "position.differs", "have", at, "want", e.Position)
		v.broken = true
		return
	}
	if r.ID != e.ID {
		v.fail(at, "event_id.differs", "have", r.ID, "want", e.ID)
	}
	if r.Type != e.Body.Type() {
		v.fail(at, "type.differs", "have", quoted(r.Type), "want", quoted(e.Body.Type()))
	}
	if domain.Date(r.EffectiveOn) != e.EffectiveOn {
		v.fail(at, "effective_on.differs", "have", domain.Date(r.EffectiveOn), "want", e.EffectiveOn)
	}
	if !r.RecordedAt.Equal(e.RecordedAt) {
		v.fail(at, "recorded_at.differs", "have", r.RecordedAt, "want", e.RecordedAt)
	}
	if stored.Foreign && !slices.Equal(decoded.Subjects, e.Subjects()) { // else they were encoded again, to the same bytes
		v.fail(at, "envelope.subjects", "have", decoded.Subjects, "want", e.Subjects())
	}
	for _, s := range decoded.Subjects {
		v.subjectSums.add(v.seed, v.subjectRow(s, at))
	}
	if v.last != nil && e.RecordedAt.Before(v.last.RecordedAt) {
		v.fail(at, "time.back", "from", v.last.RecordedAt, "to", e.RecordedAt)
	}
	v.ofCommand(e, decoded.Fingerprint)
	v.follow(e, before)
	v.private(e)
	v.last = e
}

// key follows the changes of the ledger's key: each is signed by the key before it. before is the tree before the event.
func (v *verification) key(e *domain.Event, before domain.TreeHead) {
	public, isChange := keychange.PublicKey(e.Body)
	if len(v.keys) == 0 || !isChange {
		return
	}
	if err := keychange.Check(v.result.Ledger, e.Body, v.keys[len(v.keys)-1].public, before); err != nil {
		v.fail(e.Position, "key.signature", "cause", err)
		return
	}
	if _, kept := v.checkpoints[e.Position]; !kept && e.Position <= v.started {
		v.fail(e.Position, "key.checkpoint")
	}
	fork, forked := e.Body.(*domain.LedgerForked)
	if forked {
		v.fork = fork
	}
	v.keys = append(v.keys, keyFrom{e.Position, public, forked})
}

// keysOf returns the keys that sign the head of a size: one, or both where the key was changed.
func (v *verification) keysOf(size int64) []string {
	for i := len(v.keys) - 1; i >= 0; i-- {
		k := v.keys[i]
		if k.size > size {
			continue
		}
		if k.size == size && i > 0 && !k.forked {
			return []string{k.public, v.keys[i-1].public}
		}
		return []string{k.public}
	}
	return nil
}

// subjectRow is what stands for a row of subjects in a sum, until the next row is made.
func (v *verification) subjectRow(subject string, position int64) []byte {
	v.row = append(append(v.row[:0], subject...), 0)
	v.row = binary.LittleEndian.AppendUint64(v.row, uint64(position))
	return v.row
}

// ofCommand follows the commands that the events name: each is a run of events, whose first has its fingerprint.
func (v *verification) ofCommand(e *domain.Event, fingerprint *[32]byte) {
	if e.Command == uuid.Nil {
		if _, isChange := keychange.PublicKey(e.Body); e.Position != 1 && !isChange {
			v.fail(e.Position, "event.no_command")
		}
		return
	}
	if e.Command == v.command.ID {
		if fingerprint != nil {
			v.fail(e.Position, "fingerprint.stray")
		}
		v.command.Last = e.Position
		return
	}
	v.endCommand()
	if v.commands[e.Command] {
		v.fail(e.Position, "command.twice", "id", e.Command)
	}
	v.commands[e.Command] = true
	v.command = eventstore.Command{ID: e.Command, First: e.Position, Last: e.Position}
	if fingerprint == nil {
		v.fail(e.Position, "fingerprint.missing")
		return
	}
	v.command.Fingerprint = *fingerprint
}

func (v *verification) endCommand() {
	if v.command.ID != uuid.Nil {
		v.commandSums.add(v.seed, v.commandRow(v.command))
	}
}

// commandRow is subjectRow for a row of commands.
func (v *verification) commandRow(c eventstore.Command) []byte {
	v.row = append(append(v.row[:0], c.ID[:]...), c.Fingerprint[:]...)
	v.row = binary.LittleEndian.AppendUint64(v.row, uint64(c.First))
	v.row = binary.LittleEndian.AppendUint64(v.row, uint64(c.Last))
	return v.row
}

// follow applies an event to the book and the read models. An event that could not have been decided makes them panic: that is
// a failure of the log, not of this program.
func (v *verification) follow(e *domain.Event, before domain.TreeHead) {
	if v.broken {
		return
	}
	defer func() {
		if cause := recover(); cause != nil {
			v.broken = true
			v.fail(e.Position, "event.impossible", "cause", cause)
		}
	}()
	if closed, ok := e.Body.(*domain.PeriodClosed); ok {
		v.closed(e, closed, before)
	}
	if erased, ok := e.Body.(*domain.PersonErased); ok {
		v.erase(e.Position, erased)
	}
	v.book.Evolve(e)
	if err := v.fold.Add(e); err != nil {
		v.broken = true
		v.fail(e.Position, "log.broken", "cause", err)
	}
	if s, kept := v.snapshots[e.Position]; kept {
		v.snapshot(&s)
	}
}

// closed derives again what a close says of the books.
func (v *verification) closed(e *domain.Event, c *domain.PeriodClosed, before domain.TreeHead) {
	if c.Tree != before {
		v.fail(e.Position, "close.tree")
	}
	want := v.book.Close(c.Through, c.Unit, c.Tree)
	if !slices.Equal(want.Totals, c.Totals) || want.Grants != c.Grants || want.Pledges != c.Pledges {
		v.fail(e.Position, "close.totals")
	}
	if want.Holdings != c.Holdings {
		v.fail(e.Position, "close.digest")
	}
}
