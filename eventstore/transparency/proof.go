package transparency

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrProof is that a proof does not prove what it is checked for.
var ErrProof = errors.New("proof does not hold")

// InclusionProof returns the proof that the leaf at a position is in the tree
// of a checkpoint: the hashes of RFC 6962 §2.1.1, from the leaf upwards. It
// reads the tiles that it needs and checks them against the checkpoint's root.
func InclusionProof(c Checkpoint, position int64, tiles TileReader) ([]Hash, error) {
	if position < 0 || position >= c.Size || c.Size > MaxSize {
		return nil, fmt.Errorf("transparency: prove inclusion of %d in a tree of %d", position, c.Size)
	}
	p, err := tlog.ProveRecord(c.Size, position, hashReader(c, tiles))
	if err != nil {
		return nil, fmt.Errorf("transparency: prove inclusion of %d in a tree of %d: %w", position, c.Size, err)
	}
	return p, nil
}

// CheckInclusion reports an error, which wraps ErrProof, unless p proves that
// leaf is at a position of the tree of a checkpoint.
func CheckInclusion(p []Hash, c Checkpoint, position int64, leaf Hash) error {
	if c.Size > MaxSize || tlog.CheckRecord(p, c.Size, c.Root, position, leaf) != nil {
		return fmt.Errorf("transparency: check inclusion of %d in a tree of %d: %w", position, c.Size, ErrProof)
	}
	return nil
}

// ConsistencyProof returns the proof that the tree of a checkpoint begins with
// the one of oldSize leaves: the hashes of RFC 6962 §2.1.2. It reads the tiles
// that it needs and checks them against the checkpoint's root. Every tree
// begins with the empty one; that proof is empty, as the one of a tree with
// itself.
func ConsistencyProof(c Checkpoint, oldSize int64, tiles TileReader) ([]Hash, error) {
	if oldSize < 0 || oldSize > c.Size || c.Size > MaxSize {
		return nil, fmt.Errorf("transparency: prove consistency of a tree of %d with one of %d", c.Size, oldSize)
	}
	if oldSize == 0 {
		return nil, nil
	}
	p, err := tlog.ProveTree(c.Size, oldSize, hashReader(c, tiles))
	if err != nil {
		return nil, fmt.Errorf("transparency: prove consistency of a tree of %d with one of %d: %w", c.Size, oldSize, err)
	}
	return p, nil
}

// CheckConsistency reports an error, which wraps ErrProof, unless p proves that
// the tree of checkpoint c begins with that of old, and both are of one log.
func CheckConsistency(p []Hash, c, old Checkpoint) error {
	var ok bool
	switch {
	case c.Origin != old.Origin || c.Size > MaxSize:
	case old.Size == 0:
		ok = len(p) == 0 && old.Root == EmptyRoot() && (c.Size > 0 || c == old)
	default:
		ok = tlog.CheckTree(p, c.Size, c.Root, old.Size, old.Root) == nil
	}
	if !ok {
		return fmt.Errorf("transparency: check consistency of %s at %d with %s at %d: %w", c.Origin, c.Size, old.Origin, old.Size, ErrProof)
	}
	return nil
}

// hashReader reads the hashes of a tree that is not empty from its tiles, each
// checked against the root.
func hashReader(c Checkpoint, tiles TileReader) tlog.HashReader {
	return tlog.TileHashReader(tlog.Tree{N: c.Size, Hash: c.Root}, tileSource{tiles})
}
