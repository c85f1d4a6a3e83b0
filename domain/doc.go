// Package domain decides what may happen in a ledger, and why not.
//
//	command ──► decide ──► event ──► append ──► project ──► read
//
// [Book] is the state of one whole ledger that decisions need. [Decide] looks at a book and a command and returns events or
// a [Refusal]; [Book.Evolve] applies one event. Both are pure: no context, clock, randomness, log or I/O. The time, new IDs and
// whatever had to be read from the log arrive inside the [Command]. The zero Book is the empty ledger.
//
// One noun is one file: unit.go, fund.go, donation.go, grant.go and so on hold the commands of the noun, its events, their
// rules and what they do to the book. Money is an int64 in minor units of the ledger's currency, quantities an int64 in
// thousandths; see [github.com/soquy/soquy/domain/money].
package domain
