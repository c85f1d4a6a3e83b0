package transparency

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrProofFormat is that a text is not a proof.
var ErrProofFormat = errors.New("transparency: not a proof")

// A Proof is an inclusion proof that can be checked offline: the text of C2SP
// tlog-proof. Extra is data of the application, here the entry itself in a
// receipt; nothing vouches for it but the proof.
type Proof struct {
	Extra      []byte
	Index      int64 // of the leaf, from 0
	Hashes     []Hash
	Checkpoint []byte // the signed note
}

const proofHeader = "c2sp.org/tlog-proof@v1\n"

// maxProofHashes is how many hashes a proof in a tree of 2^63 leaves has at
// most: one a level of an inclusion proof, twice as many of consistency.
const maxProofHashes = 128

// Text returns the proof as text.
func (p *Proof) Text() []byte {
	b := []byte(proofHeader)
	if len(p.Extra) > 0 {
		b = append(b, "extra "...)
		b = base64.StdEncoding.AppendEncode(b, p.Extra)
		b = append(b, '\n')
	}
	b = fmt.Appendf(b, "index %d\n", p.Index)
	return append(appendHashes(b, p.Hashes), p.Checkpoint...)
}

// ParseProof reads a proof strictly: what Text wrote, to the byte. It checks
// nothing else. Errors: ErrProofFormat.
func ParseProof(b []byte) (*Proof, error) {
	rest, ok := bytes.CutPrefix(b, []byte(proofHeader))
	if !ok {
		return nil, fmt.Errorf("%w: no header", ErrProofFormat)
	}
	p := &Proof{}
	if extra, ok := bytes.CutPrefix(rest, []byte("extra ")); ok {
		line, after, _ := bytes.Cut(extra, []byte("\n"))
		var err error
		if p.Extra, err = base64.StdEncoding.Strict().DecodeString(string(line)); err != nil || len(p.Extra) == 0 {
			return nil, fmt.Errorf("%w: extra", ErrProofFormat)
		}
		rest = after
	}
	var err error
	if p.Index, rest, err = cutNumber(rest, "index "); err != nil {
		return nil, err
	}
	if p.Hashes, p.Checkpoint, err = cutHashes(rest); err != nil {
		return nil, err
	}
	if !bytes.Equal(p.Text(), b) {
		return nil, fmt.Errorf("%w: not in its canonical form", ErrProofFormat)
	}
	return p, nil
}

// IsProof reports whether a text begins as a Proof does.
func IsProof(b []byte) bool { return bytes.HasPrefix(b, []byte(proofHeader)) }

// An Extension proves that the log of a checkpoint begins with the tree of an
// older one: the text that C2SP tlog-witness gives to a witness, and after it,
// where the log has changed its key, the entries that say so.
type Extension struct {
	Old        int64 // size of the older tree
	Hashes     []Hash
	Checkpoint []byte // the signed note
	Keys       []Included
}

// Text returns the proof as text.
func (e *Extension) Text() []byte {
	return AppendKeys(append(appendHashes(fmt.Appendf(nil, "old %d\n", e.Old), e.Hashes), e.Checkpoint...), e.Keys)
}

// ParseExtension reads what Text wrote, to the byte. Errors: ErrProofFormat.
func ParseExtension(b []byte) (*Extension, error) {
	e := &Extension{}
	old, rest, err := cutNumber(b, "old ")
	if err != nil {
		return nil, err
	}
	e.Old = old
	if e.Hashes, rest, err = cutHashes(rest); err != nil {
		return nil, err
	}
	if e.Checkpoint, e.Keys, err = SplitKeys(rest); err != nil {
		return nil, err
	}
	if !bytes.Equal(e.Text(), b) {
		return nil, fmt.Errorf("%w: not in its canonical form", ErrProofFormat)
	}
	return e, nil
}

// IsExtension reports whether a text begins as an Extension does.
func IsExtension(b []byte) bool { return bytes.HasPrefix(b, []byte("old ")) }

func appendHashes(b []byte, hashes []Hash) []byte {
	for _, h := range hashes {
		b = base64.StdEncoding.AppendEncode(b, h[:])
		b = append(b, '\n')
	}
	return append(b, '\n')
}

func cutNumber(b []byte, word string) (n int64, rest []byte, err error) {
	line, rest, ok := bytes.Cut(b, []byte("\n"))
	digits, found := strings.CutPrefix(string(line), word)
	if !ok || !found {
		return 0, nil, fmt.Errorf("%w: no %q", ErrProofFormat, strings.TrimSpace(word))
	}
	n, err = strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 0 {
		return 0, nil, fmt.Errorf("%w: %s%q", ErrProofFormat, word, digits)
	}
	return n, rest, nil
}

// cutHashes reads hashes up to an empty line, and what is behind it.
func cutHashes(b []byte) (hashes []Hash, rest []byte, err error) {
	for {
		line, after, ok := bytes.Cut(b, []byte("\n"))
		if !ok {
			return nil, nil, fmt.Errorf("%w: cut short", ErrProofFormat)
		}
		b = after
		if len(line) == 0 {
			return hashes, b, nil
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(string(line))
		if err != nil || len(raw) != HashSize || len(hashes) == maxProofHashes {
			return nil, nil, fmt.Errorf("%w: hash %d", ErrProofFormat, len(hashes)+1)
		}
		hashes = append(hashes, Hash(raw))
	}
}
