package transparency

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// cosignatureV1 is the signature type of Ed25519 cosignatures in keys and key
// hashes (C2SP signed-note, Signature types). Because of it a cosigner's key
// never passes for a log's.
const cosignatureV1 = 0x04

// cosignatureSize is a timestamp of 8 bytes and an Ed25519 signature.
const cosignatureSize = 8 + ed25519.SignatureSize

// CosignMessage returns what a cosigner signs: the text of a checkpoint's note
// under a line that keeps it apart from all else that is signed, and one with
// the time, in seconds since 1970 (C2SP tlog-cosignature, Ed25519 signed
// message).
func CosignMessage(body string, unix int64) []byte {
	return []byte("cosignature/v1\ntime " + strconv.FormatInt(unix, 10) + "\n" + body)
}

// A Cosigner makes cosignatures. It is a [note.Signer], and may be used by
// several goroutines if its clock may.
type Cosigner struct {
	name string
	hash uint32
	key  ed25519.PrivateKey
	now  func() time.Time
}

// GenerateCosignerKey makes the key of a cosigner: skey, to be kept secret, for
// NewCosigner, and vkey, to be published, for NewCosignatureVerifier. They are
// written as the keys of a log, with the type 0x04. The signed message does
// not have the cosigner's name in it, so a key must serve one name only. rand
// is crypto/rand.Reader but in tests.
func GenerateCosignerKey(rand io.Reader, name string) (skey, vkey string, err error) {
	if err := ValidOrigin(name); err != nil {
		return "", "", fmt.Errorf("transparency: generate cosigner key: %w", err)
	}
	public, private, err := ed25519.GenerateKey(rand)
	if err != nil {
		return "", "", fmt.Errorf("transparency: generate cosigner key: %w", err)
	}
	encode := func(key []byte) string {
		return fmt.Sprintf("%s+%08x+%s", name, cosignerHash(name, public),
			base64.StdEncoding.EncodeToString(append([]byte{cosignatureV1}, key...)))
	}
	return "PRIVATE+KEY+" + encode(private.Seed()), encode(public), nil
}

// NewCosigner returns the cosigner with the key skey of GenerateCosignerKey. It
// puts the time of now into what it signs.
func NewCosigner(skey string, now func() time.Time) (*Cosigner, error) {
	rest, ok := strings.CutPrefix(skey, "PRIVATE+KEY+")
	if !ok {
		return nil, errors.New("transparency: cosigner key: not a private key")
	}
	name, hash, seed, err := parseCosignerKey(rest)
	if err != nil {
		return nil, fmt.Errorf("transparency: cosigner key: %w", err)
	}
	key := ed25519.NewKeyFromSeed(seed)
	if hash != cosignerHash(name, key[ed25519.SeedSize:]) {
		return nil, errors.New("transparency: cosigner key: wrong hash")
	}
	return &Cosigner{name: name, hash: hash, key: key, now: now}, nil
}

// Name returns the cosigner's name.
func (c *Cosigner) Name() string { return c.name }

// KeyHash returns the hash of the public key and the name.
func (c *Cosigner) KeyHash() uint32 { return c.hash }

// Sign returns a cosignature of msg, which must be the body of a checkpoint:
// the time, 8 bytes, and the signature, 64.
//
// It states that no larger tree of that log was seen by the cosigner, and none
// that is not consistent with this one. To make sure of that, across restarts,
// is up to the caller.
func (c *Cosigner) Sign(msg []byte) ([]byte, error) {
	body := string(msg)
	if _, err := ParseCheckpoint(body); err != nil {
		return nil, err
	}
	unix := c.now().Unix()
	if unix < 0 {
		return nil, fmt.Errorf("transparency: cosign at %d seconds before 1970", -unix)
	}
	sig := make([]byte, 0, cosignatureSize)
	sig = binary.BigEndian.AppendUint64(sig, uint64(unix))
	return append(sig, ed25519.Sign(c.key, CosignMessage(body, unix))...), nil
}

// A CosignatureVerifier verifies the cosignatures of one cosigner. It is a
// [note.Verifier], and may be used by several goroutines.
type CosignatureVerifier struct {
	name string
	hash uint32
	key  ed25519.PublicKey
}

// NewCosignatureVerifier returns the verifier of the cosigner with the public
// key vkey, of type 0x04.
func NewCosignatureVerifier(vkey string) (*CosignatureVerifier, error) {
	name, hash, key, err := parseCosignerKey(vkey)
	if err == nil && hash != cosignerHash(name, key) {
		err = errors.New("wrong hash")
	}
	if err != nil {
		return nil, fmt.Errorf("transparency: cosigner's public key %q: %w", vkey, err)
	}
	return &CosignatureVerifier{name: name, hash: hash, key: key}, nil
}

// Name returns the cosigner's name.
func (v *CosignatureVerifier) Name() string { return v.name }

// KeyHash returns the hash of the public key and the name.
func (v *CosignatureVerifier) KeyHash() uint32 { return v.hash }

// Verify reports whether sig is the cosigner's of the note text msg, whatever
// the time in it.
func (v *CosignatureVerifier) Verify(msg, sig []byte) bool {
	unix, ok := cosignatureTime(sig)
	return ok && ed25519.Verify(v.key, CosignMessage(string(msg), unix), sig[8:])
}

// Cosign returns the signed note of a checkpoint with the cosignature of c
// added, or put in the place of an older one of c. The note must open with the
// log's public key, logKey; see OpenCheckpoint for the errors, and
// [Cosigner.Sign] for what must have been checked before.
func Cosign(noteBytes []byte, logKey string, c *Cosigner) ([]byte, error) {
	_, n, err := openSigned(noteBytes, logKey)
	if err != nil {
		return nil, err
	}
	b, err := note.Sign(n, c)
	if err != nil {
		return nil, fmt.Errorf("transparency: cosign: %w", err)
	}
	return b, nil
}

// OpenCosigned returns the checkpoint of a note that v's cosigner cosigned, and
// when it did. It looks at no other signature, the log's neither. The error
// wraps ErrMalformed, ErrNotSigned or ErrSignature.
func OpenCosigned(noteBytes []byte, v *CosignatureVerifier) (Checkpoint, time.Time, error) {
	c, n, err := open(noteBytes, v)
	if err != nil {
		return Checkpoint{}, time.Time{}, err
	}
	// The note is verified, so this is a key hash and a cosignature.
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return Checkpoint{}, time.Time{}, fmt.Errorf("transparency: %w: %w", ErrMalformed, err)
	}
	unix, _ := cosignatureTime(sig[4:])
	return c, time.Unix(unix, 0).UTC(), nil
}

// cosignatureTime returns the time in a cosignature, in seconds since 1970.
func cosignatureTime(sig []byte) (unix int64, ok bool) {
	if len(sig) != cosignatureSize {
		return 0, false
	}
	t := binary.BigEndian.Uint64(sig)
	return int64(t), t <= math.MaxInt64
}

// cosignerHash returns the key hash of a cosigner (C2SP tlog-cosignature,
// Format).
func cosignerHash(name string, public []byte) uint32 {
	sum := sha256.Sum256(append([]byte(name+"\n\x04"), public...))
	return binary.BigEndian.Uint32(sum[:])
}

// parseCosignerKey splits <name>+<hash>+<base64 of 0x04 and 32 bytes>. The hash
// is for the caller to check. No error has the key in it.
func parseCosignerKey(s string) (name string, hash uint32, key []byte, err error) {
	name, s, _ = strings.Cut(s, "+")
	hash16, key64, _ := strings.Cut(s, "+")
	if err := ValidOrigin(name); err != nil {
		return "", 0, nil, err
	}
	h, err := strconv.ParseUint(hash16, 16, 32)
	if err != nil || len(hash16) != 8 {
		return "", 0, nil, errors.New("malformed hash")
	}
	key, err = base64.StdEncoding.DecodeString(key64)
	if err != nil || len(key) != 1+ed25519.SeedSize {
		return "", 0, nil, errors.New("malformed key")
	}
	if key[0] != cosignatureV1 {
		return "", 0, nil, fmt.Errorf("key of type %#02x, not 0x04", key[0])
	}
	return name, uint32(h), key[1:], nil
}
