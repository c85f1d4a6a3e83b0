// Package transparency is the Merkle tree over a ledger's events, and what is
// published about it: tiles, entry bundles, checkpoints, cosignatures and
// proofs.
//
// The tree is that of RFC 6962 §2.1 with SHA-256. Everything is readable by
// other programs: the resources are those of C2SP tlog-tiles, the heads are
// C2SP tlog-checkpoint notes of exactly three lines, and a second party's
// statement is a C2SP tlog-cosignature of type 0x04 (Ed25519,
// cosignature/v1). Hashes, proofs and notes are computed by
// golang.org/x/mod/sumdb/tlog and note, the code of the Go checksum database;
// what is here is the part that those leave to a log: growing a tree from its
// right edge, cutting tiles of the published shape, and the formats.
//
// Positions count from 0 and sizes are numbers of leaves, as in RFC 6962. The
// package does no input or output and keeps no state but what its types hold;
// none of its types may be used by several goroutines at once unless it says
// so.
package transparency
