// Package snapshot signs the state of a book, so that a start does not replay the whole log, and so that who reads it can believe
// it as the signed head is believed.
//
// The bytes of a snapshot are the right edge of the tree at its position (its length as a uvarint, then the hashes) and the encoded
// book. The signature is a note by the ledger's key over the position, the book's version and the SHA-256 of the bytes.
package snapshot

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
)

// ErrUnusable says why a snapshot is not read: it is of another version, truncated, or not signed by the ledger's key.
var ErrUnusable = errors.New("unusable snapshot")

func text(position int64, version int, bytes []byte) string {
	return fmt.Sprintf("soquy book snapshot\n%d %d\n%x\n", position, version, sha256.Sum256(bytes))
}

// Bytes encodes a book and the edge of the tree at its position.
func Bytes(book *domain.Book, edge transparency.Edge) ([]byte, error) {
	encoded, err := book.MarshalBinary()
	if err != nil {
		return nil, err
	}
	hashes := edge.Bytes()
	out := make([]byte, 0, binary.MaxVarintLen64+len(hashes)+len(encoded))
	out = binary.AppendUvarint(out, uint64(len(hashes)))
	return append(append(out, hashes...), encoded...), nil
}

// Sign makes the snapshot of a book and the edge of the tree at its position.
func Sign(book *domain.Book, edge transparency.Edge, signer note.Signer) (eventstore.Snapshot, error) {
	s := eventstore.Snapshot{Position: book.Position(), Version: domain.BookVersion}
	var err error
	if s.Bytes, err = Bytes(book, edge); err != nil {
		return s, fmt.Errorf("encode the book: %w", err)
	}
	s.Signature, err = note.Sign(&note.Note{Text: text(s.Position, s.Version, s.Bytes)}, signer)
	if err != nil {
		return s, fmt.Errorf("sign the snapshot: %w", err)
	}
	return s, nil
}

// Signed reports whether a snapshot, of whatever version, is signed by the key whose verifier key is given: its position, its version and
// its bytes.
func Signed(s *eventstore.Snapshot, publicKey string) error {
	signed, err := transparency.Exactly(s.Signature, publicKey)
	if err != nil || signed != text(s.Position, s.Version, s.Bytes) {
		return fmt.Errorf("%w: not signed by the ledger's key", ErrUnusable)
	}
	return nil
}

// Open checks a snapshot's signature under a verifier key and decodes it. Errors: ErrUnusable.
func Open(s *eventstore.Snapshot, publicKey string) (*domain.Book, transparency.Edge, error) {
	var none transparency.Edge
	if s.Version != domain.BookVersion {
		return nil, none, fmt.Errorf("%w: version %d", ErrUnusable, s.Version)
	}
	if err := Signed(s, publicKey); err != nil {
		return nil, none, err
	}
	size, k := binary.Uvarint(s.Bytes)
	if k <= 0 || size > uint64(len(s.Bytes)-k) {
		return nil, none, fmt.Errorf("%w: truncated", ErrUnusable)
	}
	rest := s.Bytes[k:]
	edge, err := transparency.EdgeFrom(s.Position, rest[:size])
	if err != nil {
		return nil, none, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	book := &domain.Book{}
	if err := book.UnmarshalBinary(rest[size:]); err != nil {
		return nil, none, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	if book.Position() != s.Position {
		return nil, none, fmt.Errorf("%w: the book is of another position", ErrUnusable)
	}
	return book, edge, nil
}
