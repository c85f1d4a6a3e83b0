// Package faults breaks what a ledger stands on, on purpose: the network between the writer and the database, the disk under it, the
// clock, the server, the whole primary. There are only tests in it. Each has a writer as the program opens it, on a cluster or a file
// of its own, keeps its own record of what was answered, and compares it with the log after the fault. In continuous integration
// they are short; with SOQUY_TORTURE=1 they run at length. Processes that are killed are in internal/torture.
package faults
