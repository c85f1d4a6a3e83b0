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
	"syscall"

	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/eventstore/transparency"
)

// A Keyring is a folder with the key of each ledger, and beside it the last head that is known to be committed. Nothing of it is ever in
// the database.
//
// <origin>.key is the key that signs now. While it is being changed, <origin>.key.next is the one after it; a key that was changed is kept
// as <origin>.<its hash>.key, since a restored database may be older than the change. <origin>.head is the head.
type Keyring struct{ Dir string }

// A Key signs the heads of a ledger, and knows its public half.
type Key struct {
	note.Signer
	public string
}

// PublicKey is the note verifier key.
func (k Key) PublicKey() string { return k.public }

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

// Generate makes the first key of an origin, refusing to replace one, and returns its signer and its public verifier key.
func (k Keyring) Generate(origin string) (note.Signer, string, error) {
	key, err := k.generate(origin, k.KeyPath(origin))
	return key, key.public, err
}

func (k Keyring) generate(origin, path string) (Key, error) {
	secret, public, err := transparency.GenerateKey(rand.Reader, origin)
	if err != nil {
		return Key{}, fmt.Errorf("make a key for %s: %w", origin, err)
	}
	if err := os.MkdirAll(k.Dir, 0o700); err != nil {
		return Key{}, fmt.Errorf("make the key folder: %w", err)
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return Key{}, fmt.Errorf("%w: %w", ErrKeyExists, err)
	}
	if err != nil {
		return Key{}, fmt.Errorf("write the key of %s: %w", origin, err)
	}
	_, err = f.WriteString(secret + "\n")
	err = errors.Join(err, f.Sync(), f.Close(), k.sync())
	if err != nil {
		return Key{}, fmt.Errorf("write the key of %s: %w", origin, err)
	}
	signer, err := transparency.NewSigner(secret)
	return Key{signer, public}, err
}

// sync makes what was made or renamed in the folder durable. Some systems cannot, and need not.
func (k Keyring) sync() error {
	d, err := os.Open(k.Dir)
	if err != nil {
		return err
	}
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return errors.Join(err, d.Close())
	}
	return d.Close()
}

// Next makes the key after the present one, or finds the one that was made for a change that did not come about.
func (k Keyring) Next(origin string) (Key, error) {
	path := k.path(origin, ".key.next")
	key, err := k.generate(origin, path)
	if errors.Is(err, ErrKeyExists) {
		return k.read(path)
	}
	return key, err
}

// Advance makes the key of Next the present one, once the log says so, and keeps the one before it.
func (k Keyring) Advance(origin string) error {
	former, err := k.read(k.KeyPath(origin))
	if err == nil {
		err = os.Rename(k.KeyPath(origin), k.path(origin, fmt.Sprintf(".%08x.key", former.KeyHash())))
	}
	if err != nil && !errors.Is(err, ErrNoKey) {
		return fmt.Errorf("keep the key before: %w", err)
	}
	if err := os.Rename(k.path(origin, ".key.next"), k.KeyPath(origin)); err != nil {
		return fmt.Errorf("put the new key in its place: %w", err)
	}
	return k.sync()
}

// Remove deletes the key of a ledger that was never made.
func (k Keyring) Remove(origin string) error {
	err := os.Remove(k.KeyPath(origin))
	_ = os.Remove(k.Dir) // only if nothing else is in it
	return err
}

// Signer returns what signs with a ledger's key. public is the key that signs the ledger's heads as the database has it: a change of the
// key that was interrupted is completed, and the key from before a change is found for a database that is older. Errors: ErrNoKey,
// ErrBadKey. When the keyring has other keys only, the present one is returned.
func (k Keyring) Signer(origin, public string) (Key, error) {
	present, err := k.read(k.KeyPath(origin))
	if err == nil && present.public == public {
		return present, nil
	}
	if err != nil && !errors.Is(err, ErrNoKey) {
		return Key{}, err
	}
	if next, nextErr := k.read(k.path(origin, ".key.next")); nextErr == nil && next.public == public {
		return next, k.Advance(origin)
	}
	if v, parseErr := note.NewVerifier(public); parseErr == nil {
		if former, formerErr := k.read(k.path(origin, fmt.Sprintf(".%08x.key", v.KeyHash()))); formerErr == nil && former.public == public {
			return former, nil
		}
	}
	return present, err
}

func (k Keyring) read(path string) (Key, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Key{}, fmt.Errorf("%w: %w", ErrNoKey, err)
	}
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrBadKey, err)
	}
	secret := strings.TrimSpace(string(raw))
	signer, err := transparency.NewSigner(secret)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrBadKey, &fs.PathError{Op: "read", Path: path, Err: err})
	}
	public, err := transparency.PublicKey(secret)
	if err != nil {
		return Key{}, fmt.Errorf("%w: %w", ErrBadKey, &fs.PathError{Op: "read", Path: path, Err: err})
	}
	return Key{signer, public}, nil
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
