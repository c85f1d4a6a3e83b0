package transparency

import "fmt"

// A Tree is a tree that grows: its right edge, and the partial tiles that are
// needed to cut full ones. An Append is one or two SHA-256 of short input. Use
// NewTree or Restore.
type Tree struct {
	edge Edge
	// partial has the hashes of the rightmost tile of each level. Appending
	// to one writes only behind what a clone sees of it.
	partial [tileLevels][]byte
	full    []Tile
}

// NewTree returns the empty tree.
func NewTree() *Tree {
	return &Tree{}
}

// Restore returns the tree with the given right edge, from what is stored of
// it.
//
// leaves are the hashes of the last edge.Size%256 leaves. tile returns a full
// tile of a level and index; it is called for those whose roots are in the
// partial tiles above, at most 255 a level. Everything is checked against the
// edge, and it is an error if anything disagrees; the edge itself is the
// caller's to check, by its root, against a signed checkpoint.
func Restore(edge Edge, leaves []Hash, tile func(level int, index int64) ([]byte, error)) (*Tree, error) {
	if err := edge.Validate(); err != nil {
		return nil, err
	}
	if want := int(edge.Size % TileWidth); len(leaves) != want {
		return nil, fmt.Errorf("transparency: restore size %d: %d leaves, want %d", edge.Size, len(leaves), want)
	}
	t := &Tree{edge: edge.Clone()}
	for _, leaf := range leaves {
		t.partial[0] = appendHash(t.partial[0], leaf)
	}
	for level := 1; level < tileLevels; level++ {
		end := edge.Size >> (TileHeight * level)
		for i := end &^ (TileWidth - 1); i < end; i++ {
			b, err := tile(level-1, i)
			if err != nil {
				return nil, fmt.Errorf("transparency: restore size %d: read %s: %w", edge.Size, TilePath(level-1, i, TileWidth), err)
			}
			if len(b) != tileSize {
				return nil, fmt.Errorf("transparency: restore size %d: %s has %d bytes", edge.Size, TilePath(level-1, i, TileWidth), len(b))
			}
			t.partial[level] = appendHash(t.partial[level], TileRoot(b))
		}
	}
	if err := t.check(); err != nil {
		return nil, fmt.Errorf("transparency: restore size %d: %w", edge.Size, err)
	}
	return t, nil
}

// check reports an error if the partial tiles are not what the edge is of.
// From the highest level to the lowest, the hashes of a partial tile fall into
// perfect subtrees just as the leaves of the whole tree do, and those are the
// edge's.
func (t *Tree) check() error {
	edge := t.edge.Hashes
	for level := tileLevels - 1; level >= 0; level-- {
		hashes := t.partial[level]
		for width := TileWidth / 2; width > 0; width /= 2 {
			if len(hashes)/HashSize&width == 0 {
				continue
			}
			// The widths of the tiles are the bits of the size, as
			// the edge is, so neither ends before the other.
			n := width * HashSize
			if TileRoot(hashes[:n]) != edge[0] {
				return fmt.Errorf("hashes of level %d are not those of the edge", level)
			}
			hashes, edge = hashes[n:], edge[1:]
		}
	}
	return nil
}

// Append adds a leaf.
func (t *Tree) Append(leaf Hash) {
	// This is Edge.Append, which passes the root of each tile on its way.
	h := leaf
	t.add(0, h)
	for s, level := t.edge.Size, 1; s&1 == 1; s, level = s>>1, level+1 {
		h = t.edge.join(h)
		if level%TileHeight == 0 {
			t.add(level/TileHeight, h)
		}
	}
	t.edge.push(h)
}

// add adds a hash to the partial tile of a level, and cuts it when it is full.
// The size is still that before the leaf.
func (t *Tree) add(level int, h Hash) {
	p := appendHash(t.partial[level], h)
	if len(p) < tileSize {
		t.partial[level] = p
		return
	}
	index := t.edge.Size >> (TileHeight * (level + 1))
	t.full = append(t.full, Tile{Level: level, Index: index, Hashes: p})
	t.partial[level] = nil
}

// appendHash is append, but allocates a full tile at once.
func appendHash(p []byte, h Hash) []byte {
	if len(p) == cap(p) {
		p = append(make([]byte, 0, tileSize), p...)
	}
	return append(p, h[:]...)
}

// Size returns the number of leaves.
func (t *Tree) Size() int64 {
	return t.edge.Size
}

// Root returns the root of the tree.
func (t *Tree) Root() Hash {
	return t.edge.Root()
}

// Edge returns a copy of the right edge.
func (t *Tree) Edge() Edge {
	return t.edge.Clone()
}

// Full returns the tiles that have become full since the last call, in the
// order in which they did: at the same leaf, the lower level first. It forgets
// them.
func (t *Tree) Full() []Tile {
	full := t.full
	t.full = nil
	return full
}

// Partial returns the partial tiles that a log of this size serves beside the
// full ones, the lowest level first.
func (t *Tree) Partial() []Tile {
	var tiles []Tile
	for level, p := range t.partial {
		if len(p) > 0 {
			index := t.edge.Size >> (TileHeight * (level + 1))
			tiles = append(tiles, Tile{Level: level, Index: index, Hashes: p[:len(p):len(p)]})
		}
	}
	return tiles
}

// Clone returns a copy; each of the two may grow without the other. It copies
// nothing but the edge: a partial tile is copied when the clone first adds to
// it.
func (t *Tree) Clone() *Tree {
	c := &Tree{edge: t.edge.Clone(), full: t.full[:len(t.full):len(t.full)]}
	for level, p := range t.partial {
		c.partial[level] = p[:len(p):len(p)]
	}
	return c
}
