package export

import (
	"errors"

	"github.com/soquy/soquy/eventstore/transparency"
)

// Inclusion returns the proof, as C2SP tlog-proof has it, that the log of a head has the event at a position; with an entry, which is
// that event's envelope, a receipt that carries it.
func Inclusion(log Log, key string, position int64, entry []byte) ([]byte, error) {
	c, err := transparency.OpenCheckpoint(log.Note, key)
	if err != nil {
		return nil, broken("checkpoint.key", err)
	}
	hashes, err := transparency.InclusionProof(c, position-1, log.Tiles)
	if err != nil {
		return nil, err
	}
	p := transparency.Proof{Extra: entry, Index: position - 1, Hashes: hashes, Checkpoint: log.Note}
	return p.Text(), nil
}

// Consistency returns the proof that the log of a head begins with that of an older checkpoint of the same ledger.
// Errors: *Failure (proof.other_ledger, proof.contradiction).
func Consistency(log Log, key string, old []byte) ([]byte, error) {
	c, err := transparency.OpenCheckpoint(log.Note, key)
	if err != nil {
		return nil, broken("checkpoint.key", err)
	}
	before, err := transparency.ClaimedCheckpoint(old)
	if err != nil {
		return nil, broken("checkpoint.malformed", err)
	}
	if before.Origin != c.Origin {
		return nil, broken("proof.other_ledger", nil, "ledger", before.Origin)
	}
	if before.Size > c.Size {
		return nil, broken("proof.contradiction", nil)
	}
	hashes, err := transparency.ConsistencyProof(c, before.Size, log.Tiles)
	if err != nil {
		return nil, err
	}
	if err := transparency.CheckConsistency(hashes, c, before); err != nil {
		return nil, broken("proof.contradiction", err)
	}
	e := transparency.Extension{Old: before.Size, Hashes: hashes, Checkpoint: log.Note}
	return e.Text(), nil
}

// A CheckedProof is what a proof that holds has proven.
type CheckedProof struct {
	Checkpoint transparency.Checkpoint
	Position   int64  // of the event that is included; 0: the proof is of consistency
	Entry      []byte // its envelope
	Old        int64  // size of the older log, of a proof of consistency
}

// CheckProof checks a proof or receipt with nothing but the ledger's public key and what it is about: an event's envelope, which a
// receipt carries itself, or an older checkpoint. Errors: *Failure (proof.malformed, checkpoint.key, proof.no_subject,
// proof.other_ledger, proof.wrong).
func CheckProof(raw []byte, key string, about []byte) (CheckedProof, error) {
	if transparency.IsExtension(raw) {
		return checkExtension(raw, key, about)
	}
	p, err := transparency.ParseProof(raw)
	if err != nil {
		return CheckedProof{}, broken("proof.malformed", err)
	}
	c, err := transparency.OpenCheckpoint(p.Checkpoint, key)
	if err != nil {
		return CheckedProof{}, broken("checkpoint.key", err)
	}
	entry := p.Extra
	if about != nil {
		entry = about
	}
	if len(entry) == 0 {
		return CheckedProof{}, unusable("proof.no_subject", nil)
	}
	if err := transparency.CheckInclusion(p.Hashes, c, p.Index, transparency.LeafHash(entry)); err != nil {
		return CheckedProof{}, broken("proof.wrong", err)
	}
	return CheckedProof{Checkpoint: c, Position: p.Index + 1, Entry: entry}, nil
}

func checkExtension(raw []byte, key string, old []byte) (CheckedProof, error) {
	e, err := transparency.ParseExtension(raw)
	if err != nil {
		return CheckedProof{}, broken("proof.malformed", err)
	}
	c, err := transparency.OpenCheckpoint(e.Checkpoint, key)
	if err != nil {
		return CheckedProof{}, broken("checkpoint.key", err)
	}
	if old == nil {
		return CheckedProof{}, unusable("proof.no_subject", nil)
	}
	before, err := transparency.ClaimedCheckpoint(old)
	if err != nil {
		return CheckedProof{}, broken("checkpoint.malformed", err)
	}
	if before.Origin != c.Origin {
		return CheckedProof{}, broken("proof.other_ledger", nil, "ledger", before.Origin)
	}
	if before.Size != e.Old {
		return CheckedProof{}, broken("proof.wrong", errors.New("the proof is about a checkpoint of another size"))
	}
	if err := transparency.CheckConsistency(e.Hashes, c, before); err != nil {
		return CheckedProof{}, broken("proof.wrong", err)
	}
	return CheckedProof{Checkpoint: c, Old: e.Old}, nil
}
