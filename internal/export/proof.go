package export

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/keychange"
)

// Inclusion returns the proof, as C2SP tlog-proof has it, that the log of a head has the event at a position; with an entry, which is
// that event's envelope, a receipt that carries it, and ledger.opened, which says the currency. Where the log has changed its key, either
// carries what says so.
func Inclusion(log Log, position int64, entry []byte) ([]byte, error) {
	c, err := log.open()
	if err != nil {
		return nil, err
	}
	hashes, err := transparency.InclusionProof(c, position-1, log.Tiles)
	if err != nil {
		return nil, err
	}
	keys, err := log.carried(c, entry != nil)
	if err != nil {
		return nil, err
	}
	p := transparency.Proof{Extra: transparency.AppendKeys(bytes.Clone(entry), keys), Index: position - 1, Hashes: hashes, Checkpoint: log.Note}
	return p.Text(), nil
}

// Consistency returns the proof that the log of a head begins with that of an older checkpoint of the same ledger.
// Errors: *Failure (proof.other_ledger, proof.contradiction, proof.lost).
func Consistency(log Log, old []byte) ([]byte, error) {
	c, err := log.open()
	if err != nil {
		return nil, err
	}
	before, err := transparency.ClaimedCheckpoint(old)
	if err != nil {
		return nil, broken("checkpoint.malformed", err)
	}
	if before.Origin != c.Origin {
		return nil, broken("proof.other_ledger", nil, "ledger", before.Origin)
	}
	contradiction := func(err error) error {
		if at := log.lostHead(old, before); at > 0 {
			return broken("proof.lost", err, "event", strconv.FormatInt(at, 10))
		}
		return broken("proof.contradiction", err)
	}
	if before.Size > c.Size {
		return nil, contradiction(nil)
	}
	hashes, err := transparency.ConsistencyProof(c, before.Size, log.Tiles)
	if err != nil {
		return nil, err
	}
	if err := transparency.CheckConsistency(hashes, c, before); err != nil {
		return nil, contradiction(err)
	}
	keys, err := log.carried(c, false)
	if err != nil {
		return nil, err
	}
	e := transparency.Extension{Old: before.Size, Hashes: hashes, Checkpoint: log.Note, Keys: keys}
	return e.Text(), nil
}

// A CheckedProof is what a proof that holds has proven.
type CheckedProof struct {
	Checkpoint transparency.Checkpoint
	Position   int64             // of the event that is included; 0: the proof is of consistency
	Entry      []byte            // its envelope
	Old        int64             // size of the older log, of a proof of consistency
	Keys       []keychange.Event // that the proof carries: ledger.opened and the changes of the key, or none

	Event    *domain.Event  // what is included; nil where this program cannot read it
	Currency money.Currency // of the ledger; its code is Unknown where the proof does not carry ledger.opened
}

// Unknown stands for the code of a currency that is not known: the sign of currencies in general.
const Unknown = "¤"

// decode reads the event that is included. An envelope has amounts with the decimals of the currency, but does not name it.
func (c *CheckedProof) decode() {
	var currencies []money.Currency
	if len(c.Keys) > 0 {
		if opened, ok := c.Keys[0].Body.(*domain.LedgerOpened); ok {
			if known, err := money.LookupCurrency(opened.Currency); err == nil {
				currencies = append(currencies, known)
			}
		}
	}
	for _, decimals := range []int{0, 2, 3, 4} {
		currencies = append(currencies, money.Currency{Code: Unknown, Decimals: decimals})
	}
	for _, currency := range currencies {
		if decoded, err := eventcodec.New(c.Checkpoint.Origin, currency.Decimals).Decode(c.Entry); err == nil {
			c.Event, c.Currency = &decoded.Event, currency
			return
		}
	}
}

// KeptCheckpoint returns the checkpoint in what somebody kept of a ledger: itself, or that of a receipt, which must have the receipt's event. Whose
// signatures it has is not looked at. Errors: *Failure (proof.malformed, proof.wrong).
func KeptCheckpoint(raw []byte) ([]byte, error) {
	if !transparency.IsProof(raw) {
		return raw, nil
	}
	p, entry, _, err := parseProof(raw)
	if err != nil {
		return nil, err
	}
	if len(entry) == 0 { // a proof without its event says no more than its checkpoint
		return p.Checkpoint, nil
	}
	c, err := transparency.ClaimedCheckpoint(p.Checkpoint)
	if err != nil {
		return nil, broken("proof.malformed", err)
	}
	if err := transparency.CheckInclusion(p.Hashes, c, p.Index, transparency.LeafHash(entry)); err != nil {
		return nil, broken("proof.wrong", err)
	}
	return p.Checkpoint, nil
}

// parseProof reads a proof of inclusion, with the entry and the changes of the key that it carries. Errors: *Failure (proof.malformed).
func parseProof(raw []byte) (p *transparency.Proof, entry []byte, carried []transparency.Included, err error) {
	if p, err = transparency.ParseProof(raw); err == nil {
		entry, carried, err = transparency.SplitKeys(p.Extra)
	}
	if err != nil {
		return nil, nil, nil, broken("proof.malformed", err)
	}
	return p, entry, carried, nil
}

// CheckProof checks a proof or receipt with nothing but a public key of the ledger and what it is about: an event's envelope, which a
// receipt carries itself, or an older checkpoint. The key is the one that signed, or an older one from which the changes that the proof
// carries lead to it. Errors: *Failure (proof.malformed, proof.no_subject, proof.other_ledger, proof.wrong, and those of the key).
func CheckProof(raw []byte, key string, about []byte) (CheckedProof, error) {
	if transparency.IsExtension(raw) {
		return checkExtension(raw, key, about)
	}
	p, entry, carried, err := parseProof(raw)
	if err != nil {
		return CheckedProof{}, err
	}
	c, keys, err := followCarried(p.Checkpoint, key, carried)
	if err != nil {
		return CheckedProof{}, err
	}
	if about != nil {
		entry = about
	}
	if len(entry) == 0 {
		return CheckedProof{}, unusable("proof.no_subject", nil)
	}
	if err := transparency.CheckInclusion(p.Hashes, c, p.Index, transparency.LeafHash(entry)); err != nil {
		return CheckedProof{}, broken("proof.wrong", err)
	}
	out := CheckedProof{Checkpoint: c, Position: p.Index + 1, Entry: entry, Keys: keys}
	out.decode()
	return out, nil
}

func checkExtension(raw []byte, key string, old []byte) (CheckedProof, error) {
	e, err := transparency.ParseExtension(raw)
	if err != nil {
		return CheckedProof{}, broken("proof.malformed", err)
	}
	c, keys, err := followCarried(e.Checkpoint, key, e.Keys)
	if err != nil {
		return CheckedProof{}, err
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
	return CheckedProof{Checkpoint: c, Old: e.Old, Keys: keys}, nil
}
