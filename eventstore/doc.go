// Package eventstore is the contract of the log: bytes, order, subjects, idempotency.
//
// One ledger is one ordered log with gapless positions 1, 2, 3, … A [Batch] extends it by one atomic, durable append:
// a compare-and-swap on the ledger's head, the events with their subjects, the commands that made them, the full tiles
// of the transparency tree, the private texts, and whatever the read models join to the same transaction. Either all of
// a batch is there, or none of it.
//
// The package knows no scholarship: an event is the exact bytes of its envelope, and the leaf of event p is the
// RFC 6962 hash of those bytes at index p − 1. The columns beside the envelope are copies, each of which can be derived
// from it again.
//
// The two stores, [github.com/soquy/soquy/eventstore/sqlite] and [github.com/soquy/soquy/eventstore/postgres], share
// this contract and the suite in storetest, and no SQL.
package eventstore
