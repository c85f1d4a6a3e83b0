// Package export writes ledgers in the formats of other programs, so that whoever trusts neither this one nor whoever runs it can
// check the books with a tool of their own.
package export
