package audit

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/keychange"
)

// A Witness is an auditor's memory of ledgers, in a folder on a machine that is not the ledger's: a key of its own, and of each ledger the
// last checkpoint that it cosigned. It cosigns a checkpoint only if the log begins with the one before. So whoever requires its
// cosignature cannot be shown a history that was rewritten, not even by the owner of the database and of the ledger's key.
//
// witness.key is the key; <origin>.seen the last cosigned checkpoint; <origin>.sizes has a line for each that was cosigned, so that a
// folder of which a part was lost or put back is noticed. <origin>.key is the key of the ledger that the auditor was given; from there the
// changes of the key in the log are followed, and what was cosigned is signed by the key that they lead to.
type Witness struct {
	Dir string
	Now func() time.Time
}

var (
	// ErrNoWitness: the folder has no key of a witness that can be used.
	ErrNoWitness = errors.New("no witness in this folder")
	// ErrWitnessExists: the folder has a key already, which a new one must not replace.
	ErrWitnessExists = errors.New("there is a witness in this folder")
	// ErrUnknownLedger: the witness has never seen the ledger, and was not told that this is the first time.
	ErrUnknownLedger = errors.New("this witness has not seen the ledger")
	// ErrKnownLedger: the witness was told that this is the first time, and has seen the ledger.
	ErrKnownLedger = errors.New("this witness has seen the ledger")
	// ErrWitnessState: what the witness remembers of a ledger was lost in part, or is older than what it has cosigned.
	ErrWitnessState = errors.New("the witness's memory of the ledger was lost or put back")
	// ErrNotSigned: the checkpoint is not signed by the ledger's key.
	ErrNotSigned = errors.New("checkpoint is not signed by the ledger's key")
	// ErrNoKey: the witness was not given a key of the ledger, and knows none.
	ErrNoKey = errors.New("this witness knows no key of the ledger")
	// ErrUnannounced: the checkpoint is signed by a key that no change in the log leads to.
	ErrUnannounced = errors.New("the log announces no such key")
	// ErrLostSeen: the ledger goes on after a restore that lost some of what the witness has cosigned, and says so.
	ErrLostSeen = errors.New("the ledger was restored and lost what the witness has seen")
	// ErrContradiction: the log does not go on from what the witness has cosigned.
	ErrContradiction = errors.New("the log contradicts what the witness has seen")
)

// Init makes the key of a new witness and returns its public half, the verifier key of its cosignatures.
func (w Witness) Init(name string) (string, error) {
	secret, public, err := transparency.GenerateCosignerKey(rand.Reader, name)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(w.Dir, 0o700); err != nil {
		return "", err
	}
	f, err := os.OpenFile(w.keyPath(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return "", fmt.Errorf("%w: %w", ErrWitnessExists, err)
	}
	if err != nil {
		return "", err
	}
	_, err = f.WriteString(secret + "\n" + public + "\n")
	return public, errors.Join(err, f.Sync(), f.Close())
}

func (w Witness) keyPath() string { return filepath.Join(w.Dir, "witness.key") }

func (w Witness) statePath(origin, suffix string) string {
	return filepath.Join(w.Dir, url.PathEscape(origin)+suffix)
}

// cosigner returns what signs, and what its signatures are checked with.
func (w Witness) cosigner() (*transparency.Cosigner, *transparency.CosignatureVerifier, error) {
	raw, err := os.ReadFile(w.keyPath())
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoWitness, err)
	}
	secret, public, _ := strings.Cut(strings.TrimSpace(string(raw)), "\n")
	c, err := transparency.NewCosigner(secret, w.Now)
	if err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrNoWitness, err)
	}
	v, err := transparency.NewCosignatureVerifier(public)
	if err != nil || v.Name() != c.Name() || v.KeyHash() != c.KeyHash() {
		return nil, nil, fmt.Errorf("%w: the two halves of its key differ", ErrNoWitness)
	}
	return c, v, nil
}

// A Witnessed checkpoint was cosigned.
type Witnessed struct {
	Checkpoint transparency.Checkpoint
	Before     int64  // the size that was cosigned before; 0: none
	Note       []byte // the checkpoint with the cosignature
	key        string // that signs it
}

// A WitnessedLog is a log as a witness is shown it.
type WitnessedLog struct {
	Note  []byte            // the signed checkpoint
	Keys  []keychange.Event // up to there: ledger.opened and the changes of the key; none where the log does not say them
	Tiles transparency.TileReader
}

// Cosign checks a ledger's signed checkpoint against the last one that the witness cosigned, with the tiles of the log, and cosigns it.
// key is a key of the ledger that the auditor has from elsewhere; "" for the one that the witness knows. first says that the witness has
// not seen the ledger. Nothing is remembered, and nothing signed, unless all is right.
func (w Witness) Cosign(log WitnessedLog, key string, first bool) (Witnessed, error) {
	cosigner, verifier, err := w.cosigner()
	if err != nil {
		return Witnessed{}, err
	}
	c, err := transparency.ClaimedCheckpoint(log.Note)
	if err != nil {
		return Witnessed{}, err
	}
	out := Witnessed{Checkpoint: c}
	seen, before, err := w.seen(c.Origin, verifier)
	switch {
	case err != nil:
		return out, err
	case before == nil && !first:
		return out, ErrUnknownLedger
	case before != nil && first:
		return out, ErrKnownLedger
	}
	known, err := w.known(c.Origin, key, first)
	if err != nil {
		return out, err
	}
	for _, k := range []string{known, key} { // known is never ""
		if k == "" {
			continue
		}
		present, err := keychange.Follow(c.Origin, k, log.Keys)
		if err == nil {
			_, err = transparency.OpenCheckpoint(log.Note, present)
		}
		switch {
		case errors.Is(err, keychange.ErrForged):
			return out, err
		case err != nil && k == known && !first:
			return out, fmt.Errorf("%w: %w", ErrUnannounced, err)
		case err != nil:
			return out, fmt.Errorf("%w: %w", ErrNotSigned, err)
		}
		out.key = present
	}
	if before != nil {
		out.Before = before.Size
	}
	if err := goesOn(log, &c, before, verifier); err != nil {
		return out, err
	}
	if before != nil {
		if err := signedBefore(c.Origin, log.Keys, known, seen, before.Size); err != nil {
			return out, err
		}
	}
	if out.Note, err = transparency.Cosign(log.Note, out.key, cosigner); err != nil {
		return out, err
	}
	if err := w.remember(w.statePath(c.Origin, ".key"), []byte(known+"\n")); err != nil {
		return out, err
	}
	return out, w.rememberSeen(c, out.Note)
}

// goesOn checks that a log goes on from what was cosigned before, nil where nothing was, and has its key events.
func goesOn(log WitnessedLog, c, before *transparency.Checkpoint, verifier *transparency.CosignatureVerifier) error {
	var cosigned int64
	if own, _, err := transparency.OpenCosigned(log.Note, verifier); err == nil {
		cosigned = own.Size // somebody gives back what this witness has signed
	}
	switch {
	case before == nil && cosigned > 0:
		return fmt.Errorf("%w: it has cosigned %d events, and remembers none", ErrWitnessState, cosigned)
	case before != nil && cosigned > before.Size:
		return fmt.Errorf("%w: it has cosigned %d events, and remembers %d", ErrWitnessState, cosigned, before.Size)
	}
	for i := range log.Keys {
		e := &log.Keys[i]
		if err := hasKey(log, *c, e); err != nil {
			return fmt.Errorf("%w: the log has another event at position %d: %w", ErrContradiction, e.Position, err)
		}
	}
	if before == nil {
		return nil
	}
	lost := func(err error) error {
		for i := range log.Keys {
			fork, ok := log.Keys[i].Body.(*domain.LedgerForked)
			if ok && fork.Tree.Size < before.Size && (before.Size < fork.Lost.Size || domain.TreeHead{Size: before.Size, Root: before.Root} == fork.Lost) {
				return &LostSeenError{Position: log.Keys[i].Position, Kept: fork.Tree.Size, Seen: before.Size}
			}
		}
		return err
	}
	if before.Size > c.Size {
		return lost(fmt.Errorf("%w: %d events, it has cosigned %d", ErrContradiction, c.Size, before.Size))
	}
	root, err := transparency.RootAt(*c, before.Size, log.Tiles)
	if err != nil {
		return fmt.Errorf("%w: the tiles do not lead to the checkpoint: %w", ErrContradiction, err)
	}
	if root != before.Root {
		return lost(fmt.Errorf("%w: its first %d events are others", ErrContradiction, before.Size))
	}
	return nil
}

// hasKey checks that the log of a checkpoint has a key event, after the tree that it names.
func hasKey(log WitnessedLog, c transparency.Checkpoint, e *keychange.Event) error {
	proof, err := transparency.InclusionProof(c, e.Position-1, log.Tiles)
	if err != nil {
		return err
	}
	if err := transparency.CheckInclusion(proof, c, e.Position-1, transparency.LeafHash(e.Envelope)); err != nil {
		return err
	}
	if e.Position == 1 {
		return nil
	}
	root, err := transparency.RootAt(c, e.Position-1, log.Tiles)
	if err == nil && root != e.Before().Root {
		err = keychange.ErrNotNext
	}
	return err
}

// signedBefore checks that the changes up to the size that was cosigned lead from the known key to the one that signed it then: a log that
// leaves a change out, which it has, would let the key before it sign on.
func signedBefore(origin string, keys []keychange.Event, known string, seen []byte, size int64) error {
	var then []keychange.Event
	for _, e := range keys {
		if e.Position <= size {
			then = append(then, e)
		}
	}
	signer, err := keychange.Follow(origin, known, then)
	if err == nil {
		_, err = transparency.OpenCheckpoint(seen, signer)
	}
	if err != nil {
		return fmt.Errorf("%w: another key signed what it has cosigned: %w", ErrUnannounced, err)
	}
	return nil
}

// A LostSeenError is ErrLostSeen: the event at Position says that the log was restored to Kept events, and Seen were cosigned.
type LostSeenError struct{ Position, Kept, Seen int64 }

func (e *LostSeenError) Error() string {
	return fmt.Sprintf("%v: event %d, kept %d, cosigned %d", ErrLostSeen, e.Position, e.Kept, e.Seen)
}

// Unwrap makes it an ErrLostSeen.
func (e *LostSeenError) Unwrap() error { return ErrLostSeen }

// known is the key of a ledger that the witness was given first. An older folder has none; then it is the one that is given now.
func (w Witness) known(origin, key string, first bool) (string, error) {
	raw, err := os.ReadFile(w.statePath(origin, ".key"))
	switch {
	case first || errors.Is(err, fs.ErrNotExist):
		if key == "" {
			return "", ErrNoKey
		}
		return key, nil
	case err != nil:
		return "", err
	}
	return strings.TrimSpace(string(raw)), nil
}

// seen returns the last checkpoint of a ledger that was cosigned, and its note, or nil. Both files must say the same.
func (w Witness) seen(origin string, v *transparency.CosignatureVerifier) ([]byte, *transparency.Checkpoint, error) {
	signed, err := os.ReadFile(w.statePath(origin, ".seen"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	sizes, err := os.ReadFile(w.statePath(origin, ".sizes"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if signed == nil && sizes == nil {
		return nil, nil, nil
	}
	if signed == nil || sizes == nil {
		return nil, nil, fmt.Errorf("%w: one of its two files is missing", ErrWitnessState)
	}
	c, _, err := transparency.OpenCosigned(signed, v)
	if err != nil || c.Origin != origin {
		return nil, nil, fmt.Errorf("%w: the file of the last checkpoint is not its own", ErrWitnessState)
	}
	// The line is written after the checkpoint, so a crash between leaves a checkpoint that has none. One that has a line, and not the
	// last, was put back.
	lines := bytes.Split(bytes.TrimSuffix(sizes, []byte("\n")), []byte("\n"))
	at := slices.IndexFunc(lines, func(l []byte) bool { return string(l) == sizeLine(&c) })
	if string(lines[len(lines)-1]) == sizeLine(&c) || at < 0 {
		return signed, &c, nil
	}
	return nil, nil, fmt.Errorf("%w: the last checkpoint is not the last that was cosigned", ErrWitnessState)
}

func sizeLine(c *transparency.Checkpoint) string {
	return strconv.FormatInt(c.Size, 10) + " " + base64.StdEncoding.EncodeToString(c.Root[:])
}

// rememberSeen makes a cosigned checkpoint the last one, durably, before anyone gets it.
func (w Witness) rememberSeen(c transparency.Checkpoint, note []byte) error {
	if err := w.remember(w.statePath(c.Origin, ".seen"), note); err != nil {
		return err
	}
	f, err := os.OpenFile(w.statePath(c.Origin, ".sizes"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(sizeLine(&c) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}

// remember writes a file whole.
func (w Witness) remember(path string, content []byte) error {
	t, err := os.CreateTemp(w.Dir, ".seen-*")
	if err != nil {
		return err
	}
	_, err = t.Write(content)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}
