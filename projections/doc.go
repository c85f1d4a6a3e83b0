// Package projections has the read models: what a dashboard, a report or an auditor asks is answered from tables that follow
// from the events alone.
//
// A [Model] is a set of tables. [Fold] derives, purely, the rows of those tables from events: of one batch, which a store's joiner
// writes in the transaction of the append, or of a whole log, with which `verify` compares what the database has, and from
// which a model is built again. A column says how it changes ([Rule]): sums add up, texts are replaced by later ones, lists
// grow. So the rows are the same however the events were batched, on SQLite and on PostgreSQL.
//
// Each model stands in one of two slots, 0 and 1. The live one is named in its progress, and moves with each append. A rebuild
// fills the other, then swaps.
//
// Additive rows carry an epoch (position >> [EpochBits]) or a block (position >> [BlockBits]) in their key, last, so that a
// later question "as known at a position" needs the epochs before and the few events after.
//
// The other half are questions: query and result types, and the small interfaces ([Balances], [Totals], [Vouchers], …) that the two
// databases implement. [Tree] places units, [Tally] counts totals; both are pure, and both databases share them.
package projections
