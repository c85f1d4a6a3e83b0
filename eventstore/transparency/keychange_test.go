package transparency_test

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"

	"github.com/soquy/soquy/eventstore/transparency"
)

func TestKeyChange(t *testing.T) {
	key := func(origin string) (secret, public string) {
		t.Helper()
		secret, public, err := transparency.GenerateKey(rand.Reader, origin)
		if err != nil {
			t.Fatal(err)
		}
		return secret, public
	}
	secret, public := key("example.org/a")
	_, next := key("example.org/a")
	_, foreign := key("example.org/b")
	if got, err := transparency.PublicKey(secret); err != nil || got != public {
		t.Errorf("the public key of the secret one is %q, %v, want %q", got, err, public)
	}
	if _, err := transparency.PublicKey("PRIVATE+KEY+x"); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("a bad key: %v", err)
	}
	former, err := transparency.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	change := transparency.KeyChange{Origin: "example.org/a", Tree: transparency.Checkpoint{Size: 7, Root: transparency.Hash{1}}, PublicKey: next}
	signature, err := change.Sign(former)
	if err != nil {
		t.Fatal(err)
	}
	if err := change.Check(signature, public); err != nil {
		t.Error(err)
	}
	for name, other := range map[string]func(*transparency.KeyChange){
		"size":      func(k *transparency.KeyChange) { k.Tree.Size++ },
		"root":      func(k *transparency.KeyChange) { k.Tree.Root[31] = 1 },
		"lost":      func(k *transparency.KeyChange) { k.Lost.Size = 9 },
		"key":       func(k *transparency.KeyChange) { _, k.PublicKey = key("example.org/a") },
		"same key":  func(k *transparency.KeyChange) { k.PublicKey = public },
		"other log": func(k *transparency.KeyChange) { k.PublicKey = foreign },
		"no key":    func(k *transparency.KeyChange) { k.PublicKey = "x" },
		"origin":    func(k *transparency.KeyChange) { k.Origin = "example.org/b" },
	} {
		altered := change
		other(&altered)
		if err := altered.Check(signature, public); err == nil {
			t.Errorf("another %s is taken", name)
		}
	}
	if err := change.Check("?", public); !errors.Is(err, transparency.ErrMalformed) {
		t.Errorf("a signature that is none: %v", err)
	}
	_, other := key("example.org/a")
	if err := change.Check(signature, other); !errors.Is(err, transparency.ErrSignature) {
		t.Errorf("by another key: %v", err)
	}
	change.Origin = "example.org/b"
	if _, err := change.Sign(former); !errors.Is(err, transparency.ErrOrigin) {
		t.Errorf("signed for another log: %v", err)
	}
}

func TestClaimedCheckpoint(t *testing.T) {
	secret, _, err := transparency.GenerateKey(rand.Reader, "example.org/a")
	if err != nil {
		t.Fatal(err)
	}
	signer, err := transparency.NewSigner(secret)
	if err != nil {
		t.Fatal(err)
	}
	want := transparency.Checkpoint{Origin: "example.org/a", Size: 3, Root: transparency.Hash{5}}
	signed, err := transparency.SignCheckpoint(want, signer)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := transparency.ClaimedCheckpoint(signed); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	for _, torn := range []string{"", "example.org/a\n3\n", string(signed[:20])} {
		if got, err := transparency.ClaimedCheckpoint([]byte(torn)); err == nil {
			t.Errorf("%q is %v", torn, got)
		}
	}
}
