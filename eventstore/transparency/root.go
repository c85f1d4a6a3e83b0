package transparency

import "golang.org/x/mod/sumdb/tlog"

// RootAt returns the root of the tree when it had a size, at most that of c, from the tiles of the log of c. The tiles are checked
// against c, so the root is one that c contains.
func RootAt(c Checkpoint, size int64, tiles TileReader) (Hash, error) {
	if size == c.Size {
		return c.Root, nil
	}
	return tlog.TreeHash(size, hashReader(c, tiles))
}

// EdgeAt returns the right edge of the tree when it had a size, at most that of c, from the tiles of the log of c, so that the tree can
// grow again from there. Like the root of RootAt, it is one that c contains.
func EdgeAt(c Checkpoint, size int64, tiles TileReader) (Edge, error) {
	edge := Edge{Size: size}
	if size == 0 {
		return edge, nil
	}
	var nodes []int64 // numbers of the roots of the perfect subtrees, the largest first
	for left, level := int64(0), 62; level >= 0; level-- {
		if size>>level&1 == 1 {
			nodes = append(nodes, tlog.StoredHashIndex(level, left>>level))
			left += 1 << level
		}
	}
	var err error
	edge.Hashes, err = hashReader(c, tiles).ReadHashes(nodes)
	return edge, err
}
