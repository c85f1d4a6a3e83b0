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

	"github.com/soquy/soquy/eventstore/transparency"
)

// A Witness is an auditor's memory of ledgers, in a folder on a machine that is not the ledger's: a key of its own, and of each ledger the
// last checkpoint that it cosigned. It cosigns a checkpoint only if the log begins with the one before. So whoever requires its
// cosignature cannot be shown a history that was rewritten, not even by the owner of the database and of the ledger's key.
//
// witness.key is the key; <origin>.seen the last cosigned checkpoint; <origin>.sizes has a line for each that was cosigned, so that a
// folder of which a part was lost or put back is noticed.
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
}

// Cosign checks a ledger's signed checkpoint against the last one that the witness cosigned, with the tiles of the log, and cosigns it.
// first says that the witness has not seen the ledger. Nothing is remembered, and nothing signed, unless all is right.
func (w Witness) Cosign(signed []byte, key string, tiles transparency.TileReader, first bool) (Witnessed, error) {
	cosigner, verifier, err := w.cosigner()
	if err != nil {
		return Witnessed{}, err
	}
	c, err := transparency.OpenCheckpoint(signed, key)
	if err != nil {
		return Witnessed{}, fmt.Errorf("%w: %w", ErrNotSigned, err)
	}
	out := Witnessed{Checkpoint: c}
	before, err := w.seen(c.Origin, verifier)
	switch {
	case err != nil:
		return out, err
	case before == nil && !first:
		return out, ErrUnknownLedger
	case before != nil && first:
		return out, ErrKnownLedger
	}
	var cosigned int64
	if own, _, err := transparency.OpenCosigned(signed, verifier); err == nil {
		cosigned = own.Size // somebody gives back what this witness has signed
	}
	if before != nil {
		out.Before = before.Size
		if cosigned > before.Size {
			return out, fmt.Errorf("%w: it has cosigned %d events, and remembers %d", ErrWitnessState, cosigned, before.Size)
		}
		if before.Size > c.Size {
			return out, fmt.Errorf("%w: %d events, it has cosigned %d", ErrContradiction, c.Size, before.Size)
		}
		root, err := transparency.RootAt(c, before.Size, tiles)
		if err != nil {
			return out, fmt.Errorf("%w: the tiles do not lead to the checkpoint: %w", ErrContradiction, err)
		}
		if root != before.Root {
			return out, fmt.Errorf("%w: its first %d events are others", ErrContradiction, before.Size)
		}
	} else if cosigned > 0 {
		return out, fmt.Errorf("%w: it has cosigned %d events, and remembers none", ErrWitnessState, cosigned)
	}
	if out.Note, err = transparency.Cosign(signed, key, cosigner); err != nil {
		return out, err
	}
	return out, w.remember(c, out.Note)
}

// seen returns the last checkpoint of a ledger that was cosigned, or nil. Both files must say the same.
func (w Witness) seen(origin string, v *transparency.CosignatureVerifier) (*transparency.Checkpoint, error) {
	signed, err := os.ReadFile(w.statePath(origin, ".seen"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	sizes, err := os.ReadFile(w.statePath(origin, ".sizes"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if signed == nil && sizes == nil {
		return nil, nil
	}
	if signed == nil || sizes == nil {
		return nil, fmt.Errorf("%w: one of its two files is missing", ErrWitnessState)
	}
	c, _, err := transparency.OpenCosigned(signed, v)
	if err != nil || c.Origin != origin {
		return nil, fmt.Errorf("%w: the file of the last checkpoint is not its own", ErrWitnessState)
	}
	// The line is written after the checkpoint, so a crash between leaves a checkpoint that has none. One that has a line, and not the
	// last, was put back.
	lines := bytes.Split(bytes.TrimSuffix(sizes, []byte("\n")), []byte("\n"))
	at := slices.IndexFunc(lines, func(l []byte) bool { return string(l) == sizeLine(&c) })
	if string(lines[len(lines)-1]) == sizeLine(&c) || at < 0 {
		return &c, nil
	}
	return nil, fmt.Errorf("%w: the last checkpoint is not the last that was cosigned", ErrWitnessState)
}

func sizeLine(c *transparency.Checkpoint) string {
	return strconv.FormatInt(c.Size, 10) + " " + base64.StdEncoding.EncodeToString(c.Root[:])
}

// remember makes a cosigned checkpoint the last one, durably, before anyone gets it.
func (w Witness) remember(c transparency.Checkpoint, note []byte) error {
	t, err := os.CreateTemp(w.Dir, ".seen-*")
	if err != nil {
		return err
	}
	_, err = t.Write(note)
	if err = errors.Join(err, t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), w.statePath(c.Origin, ".seen"))
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	f, err := os.OpenFile(w.statePath(c.Origin, ".sizes"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(sizeLine(&c) + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
