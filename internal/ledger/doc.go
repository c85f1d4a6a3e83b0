// Package ledger is the writer: it takes commands, decides them one after another against the book in memory, and commits them as one
// batch.
//
//	queue → decide → encode → append → answer
//
// A single goroutine a ledger does all of it. It takes what is waiting, so that one durable commit serves many commands; it extends only
// what it can vouch for; and it answers only what it knows to be stored. Any number of processes may write to one ledger: an append is
// a compare-and-swap on the ledger's head, and whoever loses reads what is new and decides again.
package ledger
