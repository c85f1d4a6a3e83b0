package ledger

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/eventstore/transparency"
)

// A Keyring is a folder with one key a ledger, and beside each key the last head that is known to be committed. Nothing of it is ever in
// the database.
type Keyring struct{ Dir string }

var (
	// ErrNoKey says that the keyring has no key for a ledger.
	ErrNoKey = errors.New("no key of this ledger")
	// ErrBadKey says that the key file of a ledger cannot be read, or is no key.
	ErrBadKey = errors.New("key file cannot be used")
	// ErrKeyExists says that the keyring has a key for an origin already, which a new ledger must not replace.
	ErrKeyExists = errors.New("a key of this origin exists")
)

func (k Keyring) path(origin, suffix string) string {
	return filepath.Join(k.Dir, url.PathEscape(origin)+suffix)
}

// KeyPath is the file that holds the key of a ledger.
func (k Keyring) KeyPath(origin string) string { return k.path(origin, ".key") }

// Generate makes a new key for an origin, refusing to replace one, and returns its signer and its public verifier key.
func (k Keyring) Generate(origin string) (note.Signer, string, error) {
	secret, public, err := transparency.GenerateKey(rand.Reader, origin)
	if err != nil {
		return nil, "", fmt.Errorf("make a key for %s: %w", origin, err)
	}
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return nil, "", fmt.Errorf("make the key folder: %w", err)
	}
	f, err := os.OpenFile(k.KeyPath(origin), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, "", fmt.Errorf("%w: %w", ErrKeyExists, err)
	}
	if err != nil {
		return nil, "", fmt.Errorf("write the key of %s: %w", origin, err)
	}
	_, err = f.WriteString(secret + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return nil, "", fmt.Errorf("write the key of %s: %w", origin, err)
	}
	signer, err := transparency.NewSigner(secret)
	return signer, public, err
}

// Remove deletes the key of a ledger that was never made.
func (k Keyring) Remove(origin string) error {
	err := os.Remove(k.KeyPath(origin))
	_ = os.Remove(k.Dir) // only if nothing else is in it
	return err
}

// Signer returns the signer of a ledger. Errors: ErrNoKey.
func (k Keyring) Signer(origin string) (note.Signer, error) {
	raw, err := os.ReadFile(k.KeyPath(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	signer, err := transparency.NewSigner(strings.TrimSpace(string(raw)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadKey, &fs.PathError{Op: "read", Path: k.KeyPath(origin), Err: err})
	}
	return signer, nil
}

// Head returns the last head that was saved, or nil.
func (k Keyring) Head(origin string) ([]byte, error) {
	raw, err := os.ReadFile(k.path(origin, ".head"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return raw, err
}

// SaveHead replaces the saved head. It is called only with a head that is known to be committed.
func (k Keyring) SaveHead(origin string, signed []byte) error {
	path := k.path(origin, ".head")
	tmp := path + ".new"
	if err := os.WriteFile(tmp, signed, 0o600); err != nil {
		return fmt.Errorf("save the head: %w", err)
	}
	if err := os.Rename(tmp, path); err != nil {
		return fmt.Errorf("save the head: %w", err)
	}
	return nil
}
