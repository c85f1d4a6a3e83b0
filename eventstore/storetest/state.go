package storetest

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// A state is all that a store has of one ledger.
type state struct {
	Head        eventstore.Head
	Records     []eventstore.Record
	Subjects    []eventstore.SubjectEntry
	Commands    []eventstore.Command
	Tiles       []tileRow
	Checkpoints []eventstore.Checkpoint
	Private     []eventstore.Private
	Snapshots   []eventstore.Snapshot
}

type tileRow struct {
	Level  int
	Index  int64
	Hashes string
}

// read reads the state of a ledger; that of one that is not there is empty.
func read(t TB, s eventstore.Store, ledger uuid.UUID) state {
	t.Helper()
	ctx := context.Background()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var x state
	var err error
	if x.Head, err = s.Head(ctx, ledger); errors.Is(err, eventstore.ErrNotFound) {
		x.Head = eventstore.Head{}
	} else {
		check(err)
		check(s.Read(ctx, ledger, 1, 0, func(r *eventstore.Record) error {
			x.Records = append(x.Records, *r)
			return nil
		}))
	}
	check(s.AllSubjects(ctx, ledger, func(subject string, position int64) error {
		x.Subjects = append(x.Subjects, eventstore.SubjectEntry{Subject: subject, Position: position})
		return nil
	}))
	check(s.AllCommands(ctx, ledger, func(c eventstore.Command) error {
		x.Commands = append(x.Commands, c)
		return nil
	}))
	check(s.AllTiles(ctx, ledger, func(level int, index int64, hashes []byte) error {
		x.Tiles = append(x.Tiles, tileRow{level, index, string(hashes)})
		return nil
	}))
	check(s.AllCheckpoints(ctx, ledger, func(c eventstore.Checkpoint) error {
		c.Note = slices.Clone(c.Note)
		x.Checkpoints = append(x.Checkpoints, c)
		return nil
	}))
	check(s.AllPrivate(ctx, ledger, func(p eventstore.Private) error {
		p.Document = slices.Clone(p.Document)
		x.Private = append(x.Private, p)
		return nil
	}))
	x.Snapshots, err = s.Snapshots(ctx, ledger)
	check(err)
	return x
}

// diff compares what a store has with what it should have.
func diff(want, got any) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(),
		// Byte by byte, cmp takes a minute for what these do in a millisecond.
		cmp.FilterValues(func(a, b []byte) bool { return len(a)+len(b) > 0 }, cmp.Comparer(bytes.Equal)),
		cmp.Comparer(func(a, b [32]byte) bool { return a == b }), // hashes
		cmp.Comparer(func(a, b [16]byte) bool { return a == b })) // UUIDs
}

// append1 appends a batch that must be taken.
func append1(t TB, s eventstore.Appender, l *Ledger, b *eventstore.Batch) []byte {
	t.Helper()
	note, err := s.Append(context.Background(), b)
	if err != nil {
		t.Fatalf("append positions %d to %d: %v", b.After+1, b.Last(), err)
	}
	l.Committed()
	return note
}

// open opens a fresh database without a joiner.
func open(t *testing.T, h Harness) *Database {
	t.Helper()
	return h.Open(t, func(context.Context, *eventstore.Batch) error { return nil })
}

// noSubjects is the records as Read gives them.
func noSubjects(records []eventstore.Record) []eventstore.Record {
	out := slices.Clone(records)
	for i := range out {
		out[i].Subjects = nil
	}
	return out
}

// wantErr fails unless err is target.
func wantErr(t TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error is %v, want %v", err, target)
	}
}
