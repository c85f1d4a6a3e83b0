package transparency

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxOrigin is the greatest length of an origin in bytes.
const MaxOrigin = 255

// MaxSize is the greatest size of a tree in a checkpoint and in a proof. The
// tlog package numbers all nodes of a tree in an int64, and does not end on
// trees near the limit of that.
const MaxSize = 1 << 60

// What is wrong with a checkpoint. Errors of this package wrap one of these,
// with more words.
var (
	// ErrMalformed is that a text is no note, or no checkpoint of three lines.
	ErrMalformed = errors.New("malformed checkpoint")
	// ErrNotSigned is that a note has no signature by the key.
	ErrNotSigned = errors.New("checkpoint is not signed by the key")
	// ErrSignature is that a note has a signature in the name of the key
	// that the key did not make.
	ErrSignature = errors.New("signature of the checkpoint is wrong")
	// ErrOrigin is that a checkpoint is of another log than the key.
	ErrOrigin = errors.New("origin of the checkpoint is not the name of the key")
)

// A Checkpoint is the head of a log: what C2SP tlog-checkpoint has on its three
// lines.
type Checkpoint struct {
	Origin string // names the log, and its key
	Size   int64  // number of leaves
	Root   Hash   // of the tree of that size
}

// Body returns the text that is signed: origin, size and base64 of the root on
// a line each.
func (c Checkpoint) Body() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

func (c Checkpoint) validate() error {
	if err := ValidOrigin(c.Origin); err != nil {
		return err
	}
	if c.Size < 0 || c.Size > MaxSize {
		return fmt.Errorf("size %d is not between 0 and 2^60", c.Size)
	}
	return nil
}

// ParseCheckpoint returns the checkpoint of a note's text. It takes exactly
// what Body gives: three lines, an origin as of ValidOrigin, a size without
// leading zeros and canonical base64 of 32 bytes. Extension lines, which
// tlog-checkpoint advises against, are refused. Errors wrap ErrMalformed.
func ParseCheckpoint(body string) (Checkpoint, error) {
	lines := strings.Split(body, "\n")
	if len(lines) != 4 || lines[3] != "" {
		return Checkpoint{}, fmt.Errorf("transparency: %w: not three lines", ErrMalformed)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("transparency: %w: size %q", ErrMalformed, lines[1])
	}
	root, err := tlog.ParseHash(lines[2])
	if err != nil {
		return Checkpoint{}, fmt.Errorf("transparency: %w: root %q", ErrMalformed, lines[2])
	}
	c := Checkpoint{Origin: lines[0], Size: size, Root: root}
	if err := c.validate(); err != nil {
		return Checkpoint{}, fmt.Errorf("transparency: %w: %w", ErrMalformed, err)
	}
	// Numbers and base64 have other spellings too, which the parsers take.
	if c.Body() != body {
		return Checkpoint{}, fmt.Errorf("transparency: %w: not in its canonical form", ErrMalformed)
	}
	return c, nil
}

// ValidOrigin reports an error unless origin can name a log and its key: 1 to
// 255 bytes of UTF-8 without white space, control characters and plus signs,
// which separate the parts of a key.
func ValidOrigin(origin string) error {
	switch {
	case origin == "":
		return errors.New("origin is empty")
	case len(origin) > MaxOrigin:
		return fmt.Errorf("origin is longer than %d bytes", MaxOrigin)
	case !utf8.ValidString(origin):
		return errors.New("origin is not UTF-8")
	}
	for _, c := range origin {
		if c == '+' || unicode.IsSpace(c) || unicode.IsControl(c) {
			return fmt.Errorf("origin %q contains %q", origin, c)
		}
	}
	return nil
}

// GenerateKey makes the key of a log: skey, to be kept secret, for NewSigner,
// and vkey, to be published, for OpenCheckpoint (C2SP signed-note, type 0x01).
// rand is crypto/rand.Reader but in tests.
func GenerateKey(rand io.Reader, origin string) (skey, vkey string, err error) {
	if err := ValidOrigin(origin); err != nil {
		return "", "", fmt.Errorf("transparency: generate key: %w", err)
	}
	return note.GenerateKey(rand, origin)
}

// NewSigner returns what signs with the key skey of GenerateKey. It may be
// used by several goroutines.
func NewSigner(skey string) (note.Signer, error) {
	s, err := note.NewSigner(skey)
	if err != nil {
		// Not the key: this may end in a log file.
		return nil, fmt.Errorf("transparency: signer key: %w", err)
	}
	return s, nil
}

// SignCheckpoint returns the signed note of a checkpoint; with several keys it
// has a signature of each. The error is ErrOrigin if a key is not that of the
// checkpoint's origin.
func SignCheckpoint(c Checkpoint, keys ...note.Signer) ([]byte, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("transparency: sign checkpoint: %w", err)
	}
	for _, s := range keys {
		if s.Name() != c.Origin {
			return nil, fmt.Errorf("transparency: sign checkpoint of %s with the key of %s: %w", c.Origin, s.Name(), ErrOrigin)
		}
	}
	b, err := note.Sign(&note.Note{Text: c.Body()}, keys...)
	if err != nil {
		return nil, fmt.Errorf("transparency: sign checkpoint: %w", err)
	}
	return b, nil
}

// OpenCheckpoint returns the checkpoint of a note that was signed with the key
// of its origin, whose public half is vkey. Other signatures are ignored. The
// error wraps ErrMalformed, ErrNotSigned, ErrSignature or ErrOrigin, or is
// about vkey.
func OpenCheckpoint(noteBytes []byte, vkey string) (Checkpoint, error) {
	c, _, err := openSigned(noteBytes, vkey)
	return c, err
}

func openSigned(noteBytes []byte, vkey string) (Checkpoint, *note.Note, error) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		return Checkpoint{}, nil, fmt.Errorf("transparency: verifier key %q: %w", vkey, err)
	}
	c, n, err := open(noteBytes, v)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	if c.Origin != v.Name() {
		return Checkpoint{}, nil, fmt.Errorf("transparency: checkpoint of %s with the key of %s: %w", c.Origin, v.Name(), ErrOrigin)
	}
	return c, n, nil
}

// open returns the checkpoint of a note, and the note, in which the signature
// of v is the only one that is verified.
func open(noteBytes []byte, v note.Verifier) (Checkpoint, *note.Note, error) {
	n, err := note.Open(noteBytes, note.VerifierList(v))
	if err != nil {
		return Checkpoint{}, nil, noteError(err)
	}
	c, err := ParseCheckpoint(n.Text)
	if err != nil {
		return Checkpoint{}, nil, err
	}
	return c, n, nil
}

// noteError puts our name before an error of note.Open.
func noteError(err error) error {
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	kind := ErrMalformed
	switch {
	case errors.As(err, &unverified):
		kind = ErrNotSigned
	case errors.As(err, &invalid):
		kind = ErrSignature
	}
	return fmt.Errorf("transparency: %w: %w", kind, err)
}

// Exactly reports an error unless a note is signed by all of the keys, is signed by nobody else, and is written as Sign writes it, so that no
// bit of it can be another. The error wraps ErrMalformed, ErrNotSigned or ErrSignature, or is about a key.
func Exactly(noteBytes []byte, vkeys ...string) (text string, err error) {
	verifiers := make([]note.Verifier, len(vkeys))
	for i, vkey := range vkeys {
		if verifiers[i], err = note.NewVerifier(vkey); err != nil {
			return "", fmt.Errorf("transparency: verifier key %q: %w", vkey, err)
		}
	}
	n, err := note.Open(noteBytes, note.VerifierList(verifiers...))
	if err != nil {
		return "", noteError(err)
	}
	if len(n.Sigs) != len(vkeys) {
		return "", fmt.Errorf("transparency: %w: %d of %d keys", ErrNotSigned, len(n.Sigs), len(vkeys))
	}
	var again strings.Builder
	again.WriteString(n.Text + "\n")
	for _, s := range n.Sigs {
		// The last character of base64 has bits that decode to nothing.
		raw, err := base64.StdEncoding.DecodeString(s.Base64)
		if err != nil {
			return "", fmt.Errorf("transparency: %w: %w", ErrMalformed, err)
		}
		again.WriteString("— " + s.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n")
	}
	if again.String() != string(noteBytes) {
		return "", fmt.Errorf("transparency: %w: it has other signatures, or another form", ErrMalformed)
	}
	return n.Text, nil
}
