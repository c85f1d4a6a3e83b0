package demo

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

const originPrefix = "soquy.invalid/demo-"

// Origin returns the origin of the demo ledger of a seed: "soquy.invalid/demo-<seed>".
func Origin(seed uint64) string { return originPrefix + strconv.FormatUint(seed, 10) }

// SeedOf returns the seed of a demo ledger from its origin; ok is false when the origin is not a demo's.
func SeedOf(origin string) (seed uint64, ok bool) {
	digits, ok := strings.CutPrefix(origin, originPrefix)
	if !ok {
		return 0, false
	}
	seed, err := strconv.ParseUint(digits, 10, 64)
	return seed, err == nil && Origin(seed) == origin
}

// Key returns the note signer key and verifier key of the demo ledger of a seed. The private key is no secret, and is not meant to be:
// its Ed25519 seed is SHA-256("soquy demo: this key is public\n" + origin), so that whoever runs the demo makes the same signatures.
func Key(seed uint64) (skey, vkey string) {
	origin := Origin(seed)
	secret := sha256.Sum256([]byte("soquy demo: this key is public\n" + origin))
	public := ed25519.NewKeyFromSeed(secret[:]).Public().(ed25519.PublicKey)
	vkey, err := note.NewEd25519VerifierKey(origin, public)
	if err != nil {
		panic("demo: " + err.Error()) // the name and the key are well-formed whatever the seed
	}
	hash := strings.Split(vkey, "+")[1]
	const ed25519Algorithm = 1
	data := append([]byte{ed25519Algorithm}, secret[:]...)
	return fmt.Sprintf("PRIVATE+KEY+%s+%s+%s", origin, hash, base64.StdEncoding.EncodeToString(data)), vkey
}
