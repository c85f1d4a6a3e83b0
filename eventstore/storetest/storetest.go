// Package storetest is the suite that every eventstore.Store passes: what the contract promises, and that a fault at any
// step of an append leaves the database as it was.
package storetest

import (
	"context"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// A Join is called inside the transaction of each append, as a store's joiners are. An error undoes the append.
type Join func(ctx context.Context, b *eventstore.Batch) error

// A Harness makes databases of one kind for the suite.
type Harness struct {
	// Open makes a fresh database, and a store on it that calls join in each append. Both end with the test.
	Open func(t *testing.T, join Join) *Database

	Early bool // locks of the store take the parts of a batch
	Asks  bool // the store asks for the next lock with a commit
}

// A Database is one database under test. The functions beside Store pass it by.
type Database struct {
	Store eventstore.Store

	// Again opens another store on the same database, as another process would. It ends with the test.
	Again func(t *testing.T) eventstore.Store

	// Alone opens one that has no joiners.
	Alone func(t *testing.T) eventstore.Store

	// View calls f in one read transaction, with a function that tells the head of a ledger in it.
	View func(ctx context.Context, ledger uuid.UUID, f func(head func() (eventstore.Head, error)) error) error

	// Exec runs one SQL statement as the owner of the tables. Its parameters are $1, $2, …, its tables are without schema.
	Exec func(ctx context.Context, query string, args ...any) error

	// ID is a ledger's ID as a parameter of Exec.
	ID func(uuid.UUID) any

	// Changes are statements that change, replace or delete events, each with the ledger as $1. The database must refuse
	// them all.
	Changes []string

	// Disarm takes away what makes the database refuse Changes, as somebody with all rights could.
	Disarm func(ctx context.Context) error
}

// Run runs the suite.
func Run(t *testing.T, h Harness) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"ReadBack", testReadBack},
		{"ReadRanges", testReadRanges},
		{"Limits", testLimits},
		{"Large", testLarge},
		{"HeadMoved", testHeadMoved},
		{"Concurrent", testConcurrent},
		{"Ledgers", testLedgers},
		{"Faults", testFaults},
		{"Joined", testJoined},
		{"Lock", testLock},
		{"LockQueue", testLockQueue},
		{"Early", testEarly},
		{"Next", testNext},
		{"Lookups", testLookups},
		{"Subjects", testSubjects},
		{"Erase", testErase},
		{"Immutable", testImmutable},
		{"Corrupt", testCorrupt},
		{"Strays", testStrays},
		{"Snapshots", testSnapshots},
		{"Checkpoints", testCheckpoints},
		{"Reopen", testReopen},
		{"View", testView},
		{"Model", testModel},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, h) })
	}
}
