// Package private keeps what names or describes natural persons out of the log.
//
// A private text is an RFC 8785 document in an erasable row beside the log. The log has only the row's ID and a commitment,
// SHA-256(salt ‖ document) with 32 random bytes of salt, so that the text can be proved while it is there, and cannot be guessed
// from the log once it is gone.
package private

import (
	"crypto/sha256"
	"fmt"
	"io"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// New makes the row of a document, with a salt from random, and the hash that the log holds of it.
func New(random io.Reader, id uuid.UUID, document []byte) (row eventstore.Private, sum [32]byte, err error) {
	row = eventstore.Private{ID: id, Document: document}
	if _, err := io.ReadFull(random, row.Salt[:]); err != nil {
		return row, sum, fmt.Errorf("draw a salt: %w", err)
	}
	return row, Sum(&row), nil
}

// Sum is the commitment to a row's document.
func Sum(row *eventstore.Private) [32]byte {
	h := sha256.New()
	h.Write(row.Salt[:])
	h.Write(row.Document)
	return [32]byte(h.Sum(nil))
}

// Opens reports whether a document is the one that was committed to with a row's salt.
func Opens(row *eventstore.Private, document []byte) bool {
	given := eventstore.Private{Salt: row.Salt, Document: document}
	return Sum(&given) == Sum(row)
}
