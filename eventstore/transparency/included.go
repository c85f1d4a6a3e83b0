package transparency

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/note"
)

// An Included is an entry with the proofs that the log of a checkpoint has it,
// and what that log was before it. Proofs carry the entries that say which key
// signs a log, so that whoever knows an older key can follow them.
type Included struct {
	Entry  []byte // without a line feed
	Hashes []Hash // that the entry is in the tree
	Before []Hash // that the tree begins with the one that ends before the entry
}

// keysHeader stands before the entries that a proof carries besides its own.
const keysHeader = "\nsoquy key events\n"

// AppendKeys appends what SplitKeys takes off again: nothing when there are no
// keys, else a line that begins them and for each the entry, its two lists of
// hashes, and an empty line after either.
func AppendKeys(b []byte, keys []Included) []byte {
	if len(keys) == 0 {
		return b
	}
	b = append(b, keysHeader...)
	for _, k := range keys {
		b = append(append(b, k.Entry...), '\n')
		b = appendHashes(appendHashes(b, k.Hashes), k.Before)
	}
	return b
}

// SplitKeys returns what stood before the keys, and these. It takes what
// AppendKeys wrote, to the byte. Errors: ErrProofFormat.
func SplitKeys(b []byte) (before []byte, keys []Included, err error) {
	before, rest, found := bytes.Cut(b, []byte(keysHeader))
	if !found {
		return b, nil, nil
	}
	for len(rest) > 0 {
		var k Included
		var ok bool
		if k.Entry, rest, ok = bytes.Cut(rest, []byte("\n")); !ok || len(k.Entry) == 0 || len(k.Entry) > MaxEntry {
			return nil, nil, fmt.Errorf("%w: key event %d", ErrProofFormat, len(keys)+1)
		}
		if k.Hashes, rest, err = cutHashes(rest); err != nil {
			return nil, nil, err
		}
		if k.Before, rest, err = cutHashes(rest); err != nil {
			return nil, nil, err
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, nil, fmt.Errorf("%w: no key events", ErrProofFormat)
	}
	return before, keys, nil
}

// KeyID returns the name and hash of a verifier key, as they stand in the key:
// enough to tell one key from another.
func KeyID(vkey string) (string, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return "", fmt.Errorf("transparency: verifier key %q: %w", vkey, err)
	}
	return keyID(v.Name(), v.KeyHash()), nil
}

func keyID(name string, hash uint32) string { return fmt.Sprintf("%s+%08x", name, hash) }

// Signers returns the IDs, as of KeyID, of the keys in whose names a note is
// signed. It checks no signature.
func Signers(noteBytes []byte) []string {
	var unverified *note.UnverifiedNoteError
	if _, err := note.Open(noteBytes, note.VerifierList()); !errors.As(err, &unverified) {
		return nil
	}
	var out []string
	for _, s := range unverified.Note.UnverifiedSigs {
		out = append(out, keyID(s.Name, s.Hash))
	}
	return out
}
