// Package keychange signs and checks the events by which a ledger gets another key.
//
// Who knows the first key, of ledger.opened, follows from change to change to the key of today: the event that names a new key bears
// the signature of the key before it over the tree before the event. So a chain of keys needs nothing but the log.
package keychange

import (
	"errors"

	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore/transparency"
)

// ErrNotNext says that a change names another tree than the one before it.
var ErrNotNext = errors.New("the change of the key names another tree than the one before it")

// of returns what an event says of keys, and where its signature is.
func of(origin string, body domain.EventBody) (change transparency.KeyChange, signature *string, ok bool) {
	at := func(h domain.TreeHead) transparency.Checkpoint {
		return transparency.Checkpoint{Origin: origin, Size: h.Size, Root: h.Root}
	}
	switch b := body.(type) {
	case *domain.LedgerRekeyed:
		return transparency.KeyChange{Origin: origin, Tree: at(b.Tree), PublicKey: b.PublicKey}, &b.Signature, true
	case *domain.LedgerForked:
		return transparency.KeyChange{Origin: origin, Tree: at(b.Tree), Lost: at(b.Lost), PublicKey: b.PublicKey}, &b.Signature, true
	}
	return transparency.KeyChange{}, nil, false
}

// Sign puts the signature of the key before the change into the body of an event.
func Sign(origin string, body domain.EventBody, former note.Signer) error {
	change, signature, ok := of(origin, body)
	if !ok {
		return errors.New("the event changes no key")
	}
	var err error
	*signature, err = change.Sign(former)
	return err
}

// Check checks an event against the key and the tree before it. An event that changes no key is right. Errors: ErrNotNext, and those
// of transparency.KeyChange.Check.
func Check(origin string, body domain.EventBody, former string, tree domain.TreeHead) error {
	change, signature, ok := of(origin, body)
	if !ok {
		return nil
	}
	if change.Tree.Size != tree.Size || change.Tree.Root != tree.Root {
		return ErrNotNext
	}
	return change.Check(*signature, former)
}

// PublicKey returns the new key that an event names; ok is false for an event that changes no key.
func PublicKey(body domain.EventBody) (public string, ok bool) {
	change, _, ok := of("", body)
	return change.PublicKey, ok
}
