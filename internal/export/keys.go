package export

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/keychange"
)

// KeysFile is the name of the file in an export that has the events which say of the ledger's keys, one a line: ledger.opened, and each
// change. They are in the log as well; here they are found without reading it, and without its other entries.
const KeysFile = "keys"

// keysFile is what that file has.
func keysFile(events []keychange.Event) []byte {
	var b []byte
	for i := range events {
		b = append(append(b, events[i].Envelope...), '\n')
	}
	return b
}

// ParseKeys reads a file of key events of the log of an origin, without those after its first size events.
// Errors: *Failure (export.keys).
func ParseKeys(origin string, size int64, file []byte) ([]keychange.Event, error) {
	var out []keychange.Event
	for line := range bytes.Lines(file) {
		e, ok, err := keychange.Parse(origin, bytes.TrimSuffix(line, []byte("\n")))
		if err == nil && !ok {
			err = errors.New("an event that says nothing of keys")
		}
		if err != nil {
			return nil, broken("export.keys", err)
		}
		if e.Position <= size {
			out = append(out, e)
		}
	}
	return out, nil
}

// follow opens a checkpoint with the key that signs it, for someone who knows one of the ledger's keys. That the log has the events is
// for the caller to see. Errors: *Failure (those of unsigned, key.change).
func follow(signed []byte, key string, events []keychange.Event) (transparency.Checkpoint, error) {
	claimed, err := transparency.ClaimedCheckpoint(signed)
	if err != nil {
		return claimed, broken("checkpoint.malformed", err)
	}
	id, err := transparency.KeyID(key)
	if err != nil {
		return claimed, unusable("key.not_public", err)
	}
	present, err := keychange.Follow(claimed.Origin, key, events)
	var forged *keychange.ForgedError
	switch {
	case errors.As(err, &forged):
		return claimed, broken("key.change", err, "position", strconv.FormatInt(forged.Position, 10))
	case err != nil:
		return claimed, notSigned(signed, id, err)
	}
	return openSigned(signed, present)
}

// openSigned opens a checkpoint with the key that must have signed it.
// Errors: *Failure (checkpoint.key, checkpoint.altered, checkpoint.malformed, key.not_public).
func openSigned(signed []byte, key string) (transparency.Checkpoint, error) {
	id, err := transparency.KeyID(key)
	if err != nil {
		return transparency.Checkpoint{}, unusable("key.not_public", err)
	}
	c, err := transparency.OpenCheckpoint(signed, key)
	switch {
	case errors.Is(err, transparency.ErrMalformed):
		return c, broken("checkpoint.malformed", err)
	case errors.Is(err, transparency.ErrSignature):
		return c, broken("checkpoint.altered", err, "key", id)
	case err != nil:
		return c, notSigned(signed, id, err)
	}
	return c, nil
}

// notSigned says by which keys a checkpoint is signed that is not signed by the one that was given.
func notSigned(signed []byte, id string, err error) *Failure {
	return broken("checkpoint.key", err, "key", id, "signers", strings.Join(transparency.Signers(signed), ", "))
}

// open opens the head of a log, which must have the key events, after the trees that they name.
func (l *Log) open() (transparency.Checkpoint, error) {
	if len(l.Keys) == 0 {
		return transparency.Checkpoint{}, broken("key.change", errors.New("the log has no ledger.opened"), "position", "1")
	}
	c, err := follow(l.Note, l.Keys[0].PublicKey(), l.Keys)
	if err != nil {
		return c, err
	}
	for i := range l.Keys[1:] {
		e := &l.Keys[i+1]
		root, err := transparency.RootAt(c, e.Position-1, l.Tiles)
		if err != nil {
			return c, err
		}
		if root != e.Before().Root {
			return c, broken("key.change", keychange.ErrNotNext, "position", strconv.FormatInt(e.Position, 10))
		}
	}
	return c, nil
}

// carried proves the key events of a log for a proof that goes out alone. always carries ledger.opened though it is the only one.
func (l *Log) carried(c transparency.Checkpoint, always bool) ([]transparency.Included, error) {
	if len(l.Keys) == 1 && !always {
		return nil, nil
	}
	var out []transparency.Included
	for i := range l.Keys {
		e := &l.Keys[i]
		in := transparency.Included{Entry: e.Envelope}
		var err error
		if in.Hashes, err = transparency.InclusionProof(c, e.Position-1, l.Tiles); err != nil {
			return nil, err
		}
		if in.Before, err = transparency.ConsistencyProof(c, e.Position-1, l.Tiles); err != nil {
			return nil, err
		}
		out = append(out, in)
	}
	return out, nil
}

// followCarried is follow with the key events that a proof carries, each of which is checked against the checkpoint.
// Errors: *Failure (those of follow, proof.malformed, proof.wrong).
func followCarried(signed []byte, key string, carried []transparency.Included) (transparency.Checkpoint, []keychange.Event, error) {
	claimed, err := transparency.ClaimedCheckpoint(signed)
	if err != nil {
		return claimed, nil, broken("checkpoint.malformed", err)
	}
	events := make([]keychange.Event, 0, len(carried))
	for _, in := range carried {
		e, ok, err := keychange.Parse(claimed.Origin, in.Entry)
		if err == nil && !ok {
			err = errors.New("an event that says nothing of keys")
		}
		if err != nil {
			return claimed, nil, broken("proof.malformed", err)
		}
		events = append(events, e)
	}
	c, err := follow(signed, key, events)
	if err != nil {
		return c, events, err
	}
	for i := range events {
		e := &events[i]
		err := transparency.CheckInclusion(carried[i].Hashes, c, e.Position-1, transparency.LeafHash(e.Envelope))
		if err == nil {
			before := transparency.Checkpoint{Origin: c.Origin, Size: e.Position - 1, Root: e.Before().Root}
			if before.Size == 0 {
				before.Root = transparency.EmptyRoot()
			}
			err = transparency.CheckConsistency(carried[i].Before, c, before)
		}
		if err != nil {
			return c, events, broken("proof.wrong", err)
		}
	}
	return c, events, nil
}

// lostHead says which event of a log tells that a head was lost by a restore; 0: none.
func (l *Log) lostHead(signed []byte, c transparency.Checkpoint) int64 {
	for i := len(l.Keys) - 1; i > 0; i-- {
		fork, ok := l.Keys[i].Body.(*domain.LedgerForked)
		if !ok || c.Size <= fork.Tree.Size || c.Size > fork.Lost.Size || c.Size == fork.Lost.Size && c.Root != fork.Lost.Root {
			continue
		}
		for _, before := range l.Keys[:i] {
			if _, err := transparency.OpenCheckpoint(signed, before.PublicKey()); err == nil {
				return l.Keys[i].Position
			}
		}
	}
	return 0
}
