package transparency

import (
	"fmt"
	"math/bits"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// An Edge is the right edge of a tree: the roots of the perfect subtrees that
// its leaves fall into, the largest first, one for each bit that is set in
// Size (so at most 63). It is all that is needed to append, and to know the
// root. The zero value is the empty tree.
//
// A copy of an Edge shares Hashes; Clone gives one of its own.
type Edge struct {
	Size   int64
	Hashes []Hash
}

// EdgeFrom returns the Edge of a tree of size leaves, from what Bytes
// returned. It fails if b is not as long as an edge of that size must be;
// whether it is the right edge can only be seen from a signed root.
func EdgeFrom(size int64, b []byte) (Edge, error) {
	if len(b)%HashSize != 0 {
		return Edge{}, fmt.Errorf("transparency: edge of %d bytes", len(b))
	}
	e := Edge{Size: size, Hashes: make([]Hash, len(b)/HashSize)}
	for i := range e.Hashes {
		e.Hashes[i] = Hash(b[i*HashSize:])
	}
	if err := e.Validate(); err != nil {
		return Edge{}, err
	}
	return e, nil
}

// Bytes returns the hashes, one after the other. The size is not in it.
func (e Edge) Bytes() []byte {
	b := make([]byte, 0, len(e.Hashes)*HashSize)
	for i := range e.Hashes {
		b = append(b, e.Hashes[i][:]...)
	}
	return b
}

// Validate reports an error if there are not as many hashes as Size needs.
func (e Edge) Validate() error {
	if e.Size < 0 {
		return fmt.Errorf("transparency: edge of size %d", e.Size)
	}
	if want := bits.OnesCount64(uint64(e.Size)); len(e.Hashes) != want {
		return fmt.Errorf("transparency: edge of size %d has %d hashes, not %d", e.Size, len(e.Hashes), want)
	}
	return nil
}

// Root returns the root of the tree.
func (e Edge) Root() Hash {
	if len(e.Hashes) == 0 {
		return EmptyRoot()
	}
	h := e.Hashes[len(e.Hashes)-1]
	for i := len(e.Hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.Hashes[i], h)
	}
	return h
}

// Append adds a leaf.
func (e *Edge) Append(leaf Hash) {
	// As in the addition of 1: each bit that is set is a subtree that the
	// new one completes, and is carried into the next.
	h := leaf
	for s := e.Size; s&1 == 1; s >>= 1 {
		h = e.join(h)
	}
	e.push(h)
}

// join takes the last subtree off, and returns the root of it and h, which is
// as large.
func (e *Edge) join(h Hash) Hash {
	last := len(e.Hashes) - 1
	h = tlog.NodeHash(e.Hashes[last], h)
	e.Hashes = e.Hashes[:last]
	return h
}

// push ends an addition of a leaf.
func (e *Edge) push(h Hash) {
	e.Hashes = append(e.Hashes, h)
	e.Size++
}

// Clone returns a copy that shares nothing.
func (e Edge) Clone() Edge {
	return Edge{Size: e.Size, Hashes: slices.Clone(e.Hashes)}
}
