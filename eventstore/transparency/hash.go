package transparency

import (
	"crypto/sha256"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a SHA-256 hash of a node of the tree. Its String is base64, as in a
// checkpoint.
type Hash = tlog.Hash

// HashSize is the length of a Hash in bytes.
const HashSize = tlog.HashSize

// maxOnStack is up to what length an entry is hashed without an allocation.
// Most envelopes are shorter.
const maxOnStack = 1023

// LeafHash returns the hash of an entry as a leaf, SHA-256(0x00 ‖ entry)
// (RFC 6962 §2.1).
func LeafHash(entry []byte) Hash {
	if len(entry) <= maxOnStack {
		var buf [1 + maxOnStack]byte
		n := copy(buf[1:], entry)
		return sha256.Sum256(buf[:1+n])
	}
	return tlog.RecordHash(entry)
}

// EmptyRoot returns the root of the tree without leaves, the SHA-256 of
// nothing.
func EmptyRoot() Hash {
	return sha256.Sum256(nil)
}
