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
