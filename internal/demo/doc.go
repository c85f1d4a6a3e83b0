// Package demo makes the ledger of a demonstration: the first half of 2017 of the study-promotion association of Điện Biên.
//
// The province, its districts and communes are real; chapters, donors, persons, dates and amounts are invented, so that they add up to
// the published figures of that half-year. Everything is recorded by commands through the writer, as an association would, in the order
// in which it was written down: days after it happened, sometimes weeks, sometimes wrong and put right later.
//
// All that is random comes from a seed: clock, IDs, salts, key and plan. The same seed makes the same bytes on every machine.
package demo
