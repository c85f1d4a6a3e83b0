package transparency

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A KeyChange is what the key of a log says, at its end, of the key that signs after it.
type KeyChange struct {
	Origin    string
	Tree      Checkpoint // the log before the change; its origin is not used
	Lost      Checkpoint // a head that was signed and whose events are lost; size 0 when none are
	PublicKey string     // the verifier key that signs from here on
}

// text is what is signed. Its five or six lines are no checkpoint, which has three.
func (k KeyChange) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "soquy key change\n%s\n%d %s\n", k.Origin, k.Tree.Size, k.Tree.Root)
	if k.Lost.Size > 0 {
		fmt.Fprintf(&b, "lost %d %s\n", k.Lost.Size, k.Lost.Root)
	}
	return b.String() + k.PublicKey + "\n"
}

// Sign returns the signature of a change by the key before it, in base64.
func (k KeyChange) Sign(former note.Signer) (string, error) {
	if former.Name() != k.Origin {
		return "", fmt.Errorf("transparency: sign the change of the key of %s with the key of %s: %w", k.Origin, former.Name(), ErrOrigin)
	}
	sig, err := former.Sign([]byte(k.text()))
	if err != nil {
		return "", fmt.Errorf("transparency: sign the change of a key: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// Check reports an error unless signature is that of the key before the change, and the new key is another one of the same log.
func (k KeyChange) Check(signature, former string) error {
	old, err := note.NewVerifier(former)
	if err != nil {
		return fmt.Errorf("transparency: verifier key %q: %w", former, err)
	}
	next, err := note.NewVerifier(k.PublicKey)
	if err != nil {
		return fmt.Errorf("transparency: verifier key %q: %w", k.PublicKey, err)
	}
	sig, err := base64.StdEncoding.DecodeString(signature)
	switch {
	case err != nil:
		return fmt.Errorf("transparency: signature of a key change: %w: %w", ErrMalformed, err)
	case old.Name() != k.Origin || next.Name() != k.Origin:
		return fmt.Errorf("transparency: key change of %s: %w", k.Origin, ErrOrigin)
	case former == k.PublicKey:
		return errors.New("transparency: key change: the new key is the old one")
	case !old.Verify([]byte(k.text()), sig):
		return fmt.Errorf("transparency: key change of %s: %w", k.Origin, ErrSignature)
	}
	return nil
}

// PublicKey returns the verifier key of a signer key.
func PublicKey(skey string) (string, error) {
	signer, err := NewSigner(skey)
	if err != nil {
		return "", err
	}
	// PRIVATE+KEY+name+hash+base64, in which a name has no plus sign; the first byte is the kind of key, which NewSigner has checked.
	parts := strings.SplitN(skey, "+", 5)
	key, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", errors.New("transparency: signer key: malformed key")
	}
	public, ok := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("transparency: signer key: malformed key")
	}
	return note.NewEd25519VerifierKey(signer.Name(), public)
}

// ClaimedCheckpoint returns the checkpoint in a note, whoever signed it.
func ClaimedCheckpoint(noteBytes []byte) (Checkpoint, error) {
	text, _, found := strings.Cut(string(noteBytes), "\n\n")
	if !found {
		return Checkpoint{}, fmt.Errorf("transparency: %w: no signatures", ErrMalformed)
	}
	return ParseCheckpoint(text + "\n")
}
