package transparency_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/soquy/soquy/eventstore/transparency"
)

// proofs are texts to begin with, with and without key events.
func proofs() [][]byte {
	note := []byte("example.org/a\n9\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— example.org/a AAAAAAAA\n")
	hashes := []transparency.Hash{{1}, {2}}
	keys := []transparency.Included{{Entry: []byte(`{"a":1}`), Hashes: hashes}, {Entry: []byte(`{"b":2}`), Hashes: hashes[:1], Before: hashes}}
	var out [][]byte
	for _, k := range [][]transparency.Included{nil, keys} {
		p := transparency.Proof{Extra: transparency.AppendKeys([]byte(`{"c":3}`), k), Index: 5, Hashes: hashes, Checkpoint: note}
		e := transparency.Extension{Old: 4, Hashes: hashes, Checkpoint: note, Keys: k}
		out = append(out, p.Text(), e.Text())
	}
	return append(out, []byte("c2sp.org/tlog-proof@v1\nindex 0\n\n"), []byte("old 0\n\n"), []byte("old 0\n\n\nsoquy key events\n"))
}

// What is read is written again to the same bytes, or refused as no proof.
func FuzzParseProof(f *testing.F) {
	for _, p := range proofs() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := transparency.ParseProof(b)
		if err != nil {
			if !errors.Is(err, transparency.ErrProofFormat) {
				t.Errorf("not a refusal: %v", err)
			}
			return
		}
		if !bytes.Equal(p.Text(), b) {
			t.Errorf("%q becomes %q", b, p.Text())
		}
		before, keys, err := transparency.SplitKeys(p.Extra)
		if err == nil && !bytes.Equal(transparency.AppendKeys(bytes.Clone(before), keys), p.Extra) {
			t.Errorf("%q: its key events become others", p.Extra)
		}
	})
}

func FuzzParseExtension(f *testing.F) {
	for _, p := range proofs() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := transparency.ParseExtension(b)
		if err != nil {
			if !errors.Is(err, transparency.ErrProofFormat) {
				t.Errorf("not a refusal: %v", err)
			}
			return
		}
		if !bytes.Equal(e.Text(), b) {
			t.Errorf("%q becomes %q", b, e.Text())
		}
	})
}
