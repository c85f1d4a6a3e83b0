package keychange

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/eventcodec"
)

// An Event is one that says which key signs a log: ledger.opened, or a change.
type Event struct {
	Position int64
	Envelope []byte
	Body     domain.EventBody
}

var (
	// ErrUnknownKey says that the key that is known is none of a log's.
	ErrUnknownKey = errors.New("the log does not have this key")
	// ErrForged says that an event which says of a key is not what it must be, or not signed by the key before it.
	ErrForged = errors.New("the change of the key is not signed by the key before it")
)

// A ForgedError is ErrForged at a position.
type ForgedError struct {
	Position int64
	Err      error // the cause
}

func (e *ForgedError) Error() string {
	return fmt.Sprintf("position %d: %v: %v", e.Position, ErrForged, e.Err)
}

// Unwrap makes it an ErrForged as well.
func (e *ForgedError) Unwrap() []error { return []error{ErrForged, e.Err} }

// Parse reads the envelope of an event of the log of an origin, if it is one that says which key signs it; ok is false for every other.
// That it is signed is for Follow to see.
func Parse(origin string, envelope []byte) (e Event, ok bool, err error) {
	// A log has a few of them among millions.
	if !bytes.Contains(envelope, []byte(`"type":"ledger.`)) {
		return Event{}, false, nil
	}
	var head struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(envelope, &head) != nil {
		return Event{}, false, nil
	}
	switch head.Type {
	case (*domain.LedgerOpened)(nil).Type(), (*domain.LedgerRekeyed)(nil).Type(), (*domain.LedgerForked)(nil).Type():
	default:
		return Event{}, false, nil
	}
	decoded, err := eventcodec.New(origin, 0).Decode(envelope) // these events have no amounts
	if err != nil {
		return Event{}, true, err
	}
	if decoded.Ledger != origin {
		return Event{}, true, fmt.Errorf("the event is of the ledger %s", decoded.Ledger)
	}
	return Event{Position: decoded.Event.Position, Envelope: envelope, Body: decoded.Event.Body}, true, nil
}

// Before is the tree before a change, as the event says; of ledger.opened it is the empty one.
func (e *Event) Before() domain.TreeHead {
	switch b := e.Body.(type) {
	case *domain.LedgerRekeyed:
		return b.Tree
	case *domain.LedgerForked:
		return b.Tree
	}
	return domain.TreeHead{}
}

// PublicKey is the key that signs the log from this event on.
func (e *Event) PublicKey() string {
	if opened, ok := e.Body.(*domain.LedgerOpened); ok {
		return opened.PublicKey
	}
	public, _ := PublicKey(e.Body)
	return public
}

// Follow returns the key that signs the log of an origin after its events, which are all that say of keys, the first of them
// ledger.opened, for someone who knows one of its keys; with no events it is that. Each change must be signed by the key before it. That
// the log has the events, and that it was what they say before them, is for the caller to see. Errors: *ForgedError, ErrUnknownKey.
func Follow(origin, key string, events []Event) (string, error) {
	if len(events) == 0 {
		return key, nil
	}
	first := &events[0]
	opened, ok := first.Body.(*domain.LedgerOpened)
	if !ok || first.Position != 1 || opened.Origin != origin {
		return "", &ForgedError{first.Position, errors.New("the first event is not ledger.opened of this ledger")}
	}
	present := opened.PublicKey
	known := present == key
	for i := range events[1:] {
		e := &events[i+1]
		if _, isChange := PublicKey(e.Body); !isChange {
			return "", &ForgedError{e.Position, errors.New("the event changes no key")}
		}
		if e.Position <= events[i].Position || e.Before().Size != e.Position-1 {
			return "", &ForgedError{e.Position, ErrNotNext}
		}
		if err := Check(origin, e.Body, present, e.Before()); err != nil {
			return "", &ForgedError{e.Position, err}
		}
		present = e.PublicKey()
		known = known || present == key
	}
	if !known {
		return "", ErrUnknownKey
	}
	return present, nil
}
