// Package tlogtest has programs that are not ours check what soquy publishes of a ledger. It is a module of its own: what those
// programs need, the product does not. scripts/test.sh runs it.
package tlogtest
