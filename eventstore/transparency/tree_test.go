package transparency_test

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/soquy/soquy/eventstore/transparency"
)

type hash = transparency.Hash

// vectors are the leaves of the reference tests of Certificate Transparency,
// and the roots of the trees of the first of them.
var vectors = []struct{ leaf, root string }{
	{"", "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"},
	{"00", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"},
	{"10", "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"},
	{"2021", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"},
	{"3031", "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4"},
	{"40414243", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef"},
	{"5051525354555657", "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"},
	{"606162636465666768696a6b6c6d6e6f", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"},
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	tree := transparency.NewTree()
	var edge transparency.Edge
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if got := tree.Root(); hex.EncodeToString(got[:]) != empty || got != transparency.EmptyRoot() {
		t.Errorf("root of the empty tree is %x", got)
	}
	for i, v := range vectors {
		leaf := transparency.LeafHash(unhex(t, v.leaf))
		tree.Append(leaf)
		edge.Append(leaf)
		if got := tree.Root(); hex.EncodeToString(got[:]) != v.root || edge.Root() != got {
			t.Errorf("root of %d leaves is %x, and of the edge %x, want %s", i+1, got, edge.Root(), v.root)
		}
	}
}

// The proofs in the tree of vectors are those of the reference tests of
// Certificate Transparency.
func TestProofVectors(t *testing.T) {
	const (
		leaf1  = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
		node23 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
		node47 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
	)
	head := func(n int) transparency.Checkpoint {
		return transparency.Checkpoint{Origin: "t", Size: int64(n), Root: hash(unhex(t, vectors[n-1].root))}
	}
	proof := func(hashes ...string) []hash {
		var p []hash
		for _, h := range hashes {
			p = append(p, hash(unhex(t, h)))
		}
		return p
	}
	if err := transparency.CheckInclusion(proof(leaf1, node23, node47), head(8), 0, transparency.LeafHash(nil)); err != nil {
		t.Error(err)
	}
	if err := transparency.CheckConsistency(proof(leaf1, node23, node47), head(8), head(1)); err != nil {
		t.Error(err)
	}
	if err := transparency.CheckConsistency(proof(node23, node47), head(8), head(2)); err != nil {
		t.Error(err)
	}
	if err := transparency.CheckConsistency(proof(node47, node23), head(8), head(2)); !errors.Is(err, transparency.ErrProof) {
		t.Errorf("in the wrong order: %v", err)
	}
}

func TestLeafHash(t *testing.T) {
	for _, n := range []int{0, 1, 31, 700, 1022, 1023, 1024, 1025, 65535} {
		entry := bytes.Repeat([]byte{0xa5}, n)
		if got, want := transparency.LeafHash(entry), tlog.RecordHash(entry); got != want {
			t.Errorf("hash of %d bytes is %v, want %v", n, got, want)
		}
	}
}

// leaf is a different hash for each n.
func leaf(n int64) hash {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n))
	return transparency.LeafHash(b[:])
}

// refLog is a log as the tlog package keeps it: all hashes of all nodes.
type refLog struct {
	hashes []hash
}

const refSize = 70_000

func (l *refLog) ReadHashes(indexes []int64) ([]hash, error) {
	out := make([]hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(l.hashes)) {
			return nil, errors.New("no such hash")
		}
		out[i] = l.hashes[x]
	}
	return out, nil
}

func newRefLog(tb testing.TB) *refLog {
	tb.Helper()
	l := &refLog{}
	for n := range int64(refSize) {
		hashes, err := tlog.StoredHashesForRecordHash(n, leaf(n), l)
		if err != nil {
			tb.Fatal(err)
		}
		l.hashes = append(l.hashes, hashes...)
	}
	return l
}

func (l *refLog) checkpoint(tb rapid.TB, size int64) transparency.Checkpoint {
	tb.Helper()
	root, err := tlog.TreeHash(size, l)
	if err != nil {
		tb.Fatal(err)
	}
	return transparency.Checkpoint{Origin: "test", Size: size, Root: root}
}

func (l *refLog) tile(level int, index int64, width int) ([]byte, error) {
	return tlog.ReadTileData(tlog.Tile{H: transparency.TileHeight, L: level, N: index, W: width}, l)
}

func (l *refLog) fullTile(level int, index int64) ([]byte, error) {
	return l.tile(level, index, transparency.TileWidth)
}

func (l *refLog) leaves(from, to int64) []hash {
	var out []hash
	for ; from < to; from++ {
		out = append(out, l.hashes[tlog.StoredHashIndex(0, from)])
	}
	return out
}

// same checks a tree against the log, and the tiles that were cut since old.
func (l *refLog) same(tb rapid.TB, tree *transparency.Tree, old int64) {
	tb.Helper()
	want := l.checkpoint(tb, tree.Size())
	edge := tree.Edge()
	if tree.Root() != want.Root || edge.Root() != want.Root || edge.Size != want.Size || edge.Validate() != nil {
		tb.Fatalf("size %d: another root than tlog's", tree.Size())
	}
	var cut, full []string
	for _, tile := range tree.Full() {
		data, err := l.fullTile(tile.Level, tile.Index)
		if err != nil || !bytes.Equal(data, tile.Hashes) {
			tb.Fatalf("size %d: %s is not tlog's, %v", tree.Size(), tile.Path(), err)
		}
		cut = append(cut, tile.Path())
	}
	for _, tile := range tlog.NewTiles(transparency.TileHeight, old, tree.Size()) {
		if tile.W == transparency.TileWidth {
			full = append(full, transparency.TilePath(tile.L, tile.N, tile.W))
		}
	}
	slices.Sort(cut)
	slices.Sort(full)
	if !slices.Equal(cut, full) {
		tb.Fatalf("from %d to %d were cut %v, want %v", old, tree.Size(), cut, full)
	}
	var partial []string
	for _, tile := range tree.Partial() {
		data, err := l.tile(tile.Level, tile.Index, tile.Width())
		if err != nil || !bytes.Equal(data, tile.Hashes) {
			tb.Fatalf("size %d: %s is not tlog's, %v", tree.Size(), tile.Path(), err)
		}
		partial = append(partial, tile.Path())
	}
	var wantPartial []string
	for _, tile := range tlog.NewTiles(transparency.TileHeight, 0, tree.Size()) {
		if tile.W != transparency.TileWidth {
			wantPartial = append(wantPartial, transparency.TilePath(tile.L, tile.N, tile.W))
		}
	}
	if !slices.Equal(partial, wantPartial) {
		tb.Fatalf("size %d: partial tiles %v, want %v", tree.Size(), partial, wantPartial)
	}
}

func (l *refLog) restore(tb rapid.TB, size int64) *transparency.Tree {
	tb.Helper()
	// The edge of a size, from the hashes of all nodes.
	edge := transparency.Edge{Size: size}
	for at, level := int64(0), 62; level >= 0; level-- {
		if size>>level&1 == 1 {
			edge.Hashes = append(edge.Hashes, l.hashes[tlog.StoredHashIndex(level, at>>level)])
			at += 1 << level
		}
	}
	edge, err := transparency.EdgeFrom(size, edge.Bytes())
	if err != nil {
		tb.Fatal(err)
	}
	tree, err := transparency.Restore(edge, l.leaves(size&^(transparency.TileWidth-1), size), l.fullTile)
	if err != nil {
		tb.Fatal(err)
	}
	if len(tree.Full()) != 0 {
		tb.Fatal("a restored tree has cut tiles")
	}
	return tree
}

func TestTree(t *testing.T) {
	log := newRefLog(t)
	small := rapid.Int64Range(0, 2000)
	sizes := rapid.OneOf(small, rapid.Int64Range(0, refSize), rapid.SampledFrom([]int64{
		0, 1, 255, 256, 257, 511, 512, 65_279, 65_280, 65_535, 65_536, 65_537, 65_792, refSize,
	}))

	t.Run("whole", func(t *testing.T) {
		tree := transparency.NewTree()
		r := rand.New(rand.NewPCG(1, 2))
		log.same(t, tree, 0)
		for tree.Size() < refSize {
			old := tree.Size()
			for range min(1+r.Int64N(3000), refSize-old) {
				tree.Append(leaf(tree.Size()))
			}
			log.same(t, tree, old)
		}
	})

	t.Run("order of tiles", func(t *testing.T) {
		tree := transparency.NewTree()
		for tree.Size() < 65_536 {
			tree.Append(leaf(tree.Size()))
		}
		full := tree.Full()
		if len(full) != 257 {
			t.Fatalf("%d tiles", len(full))
		}
		for i, tile := range full {
			want := transparency.TilePath(0, int64(i), 256)
			if i == 256 {
				want = "tile/1/000"
			}
			if tile.Path() != want {
				t.Errorf("tile %d is %s, want %s", i, tile.Path(), want)
			}
		}
	})

	t.Run("restore", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			size := sizes.Draw(rt, "size")
			tree := log.restore(rt, size)
			log.same(rt, tree, size)
			for range min(small.Draw(rt, "more"), refSize-size) {
				tree.Append(leaf(tree.Size()))
			}
			log.same(rt, tree, size)
		})
	})

	t.Run("clone", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			start := sizes.Draw(rt, "size")
			trees := []*transparency.Tree{log.restore(rt, start)}
			olds := []int64{start}
			rt.Repeat(map[string]func(*rapid.T){
				"append": func(rt *rapid.T) {
					tree := trees[rapid.IntRange(0, len(trees)-1).Draw(rt, "tree")]
					for range min(rapid.Int64Range(1, 600).Draw(rt, "n"), refSize-tree.Size()) {
						tree.Append(leaf(tree.Size()))
					}
				},
				"clone": func(rt *rapid.T) {
					i := rapid.IntRange(0, len(trees)-1).Draw(rt, "tree")
					trees, olds = append(trees, trees[i].Clone()), append(olds, olds[i])
				},
				"other": func(rt *rapid.T) {
					// What a dropped clone held must not show in another.
					i := rapid.IntRange(0, len(trees)-1).Draw(rt, "tree")
					c := trees[i].Clone()
					for range 300 {
						c.Append(hash{1})
					}
				},
				"full": func(rt *rapid.T) {
					i := rapid.IntRange(0, len(trees)-1).Draw(rt, "tree")
					log.same(rt, trees[i], olds[i])
					olds[i] = trees[i].Size()
				},
			})
			for i, tree := range trees {
				log.same(rt, tree, olds[i])
			}
		})
	})

	t.Run("restore refuses", func(t *testing.T) {
		for _, size := range []int64{1, 255, 256, 300, 66_000} {
			edge := log.restore(t, size).Edge()
			leaves := log.leaves(size&^(transparency.TileWidth-1), size)
			if _, err := transparency.Restore(edge, append(leaves, hash{}), log.fullTile); err == nil {
				t.Errorf("size %d: a leaf too many is taken", size)
			}
			for i := range leaves {
				bad := slices.Clone(leaves)
				bad[i][0] ^= 1
				if _, err := transparency.Restore(edge, bad, log.fullTile); err == nil {
					t.Errorf("size %d: another leaf %d is taken", size, i)
				}
			}
			for i := range edge.Hashes {
				bad := edge.Clone()
				bad.Hashes[i][31] ^= 0x80
				if _, err := transparency.Restore(bad, leaves, log.fullTile); err == nil {
					t.Errorf("size %d: another hash %d of the edge is taken", size, i)
				}
			}
			if size < 256 {
				continue
			}
			for _, bad := range []func(level int, b []byte) ([]byte, error){
				func(_ int, b []byte) ([]byte, error) { b[100] ^= 1; return b, nil },
				func(level int, b []byte) ([]byte, error) { b[len(b)-1] ^= byte(level); return b[:8191+level%2], nil },
				func(_ int, b []byte) ([]byte, error) { return append(b, 0), nil },
				func(int, []byte) ([]byte, error) { return nil, errors.New("no tile") },
			} {
				_, err := transparency.Restore(edge, leaves, func(level int, index int64) ([]byte, error) {
					b, err := log.fullTile(level, index)
					if err != nil {
						return nil, err
					}
					return bad(level, b)
				})
				if err == nil {
					t.Errorf("size %d: a bad tile is taken", size)
				}
			}
		}
	})

	t.Run("proofs", func(t *testing.T) {
		rapid.Check(t, func(rt *rapid.T) {
			size := max(1, sizes.Draw(rt, "size"))
			old := rapid.Int64Range(0, size).Draw(rt, "old")
			position := rapid.Int64Range(0, size-1).Draw(rt, "position")
			c, oldC := log.checkpoint(rt, size), log.checkpoint(rt, old)
			p, err := transparency.InclusionProof(c, position, log.tile)
			if err != nil {
				rt.Fatal(err)
			}
			if want, err := tlog.ProveRecord(size, position, log); err != nil || !slices.Equal(p, want) {
				rt.Fatalf("another proof of %d in %d than tlog's, %v", position, size, err)
			}
			q, err := transparency.ConsistencyProof(c, old, log.tile)
			if err != nil {
				rt.Fatal(err)
			}
			inclusion := func(p []hash, c transparency.Checkpoint, position int64, leaf hash) error {
				return transparency.CheckInclusion(p, c, position, leaf)
			}
			if err := inclusion(p, c, position, leaf(position)); err != nil {
				rt.Fatal(err)
			}
			if err := transparency.CheckConsistency(q, c, oldC); err != nil {
				rt.Fatal(err)
			}
			refused := func(what string, err error) {
				if !errors.Is(err, transparency.ErrProof) {
					rt.Fatalf("%s: size %d, old %d, position %d: %v", what, size, old, position, err)
				}
			}
			flip := func(h hash) hash {
				h[rapid.IntRange(0, 31).Draw(rt, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
				return h
			}
			flipOne := func(p []hash) []hash {
				p = slices.Clone(p)
				i := rapid.IntRange(0, len(p)-1).Draw(rt, "hash")
				p[i] = flip(p[i])
				return p
			}
			badC, badOld := c, oldC
			badC.Root, badOld.Root = flip(c.Root), flip(oldC.Root)
			refused("another leaf", inclusion(p, c, position, flip(leaf(position))))
			refused("another root", inclusion(p, badC, position, leaf(position)))
			refused("longer", inclusion(append(slices.Clone(p), hash{}), c, position, leaf(position)))
			refused("outside", inclusion(p, c, size, leaf(position)))
			refused("negative", inclusion(p, c, -1, leaf(position)))
			if len(p) > 0 {
				refused("flipped", inclusion(flipOne(p), c, position, leaf(position)))
				refused("shorter", inclusion(p[1:], c, position, leaf(position)))
				refused("neighbour", inclusion(p, c, position^1, leaf(position)))
			}
			refused("another old root", transparency.CheckConsistency(q, c, badOld))
			refused("longer", transparency.CheckConsistency(append(slices.Clone(q), hash{}), c, oldC))
			if old > 0 {
				refused("another new root", transparency.CheckConsistency(q, badC, oldC))
			}
			if len(q) > 0 {
				refused("flipped", transparency.CheckConsistency(flipOne(q), c, oldC))
				refused("shorter", transparency.CheckConsistency(q[1:], c, oldC))
			}
			other := oldC
			other.Origin = "other"
			refused("another log", transparency.CheckConsistency(q, c, other))
			if old < size {
				refused("shrunk", transparency.CheckConsistency(q, oldC, c))
			}
		})
	})

	t.Run("proofs of bad tiles", func(t *testing.T) {
		c := log.checkpoint(t, 66_000)
		for _, position := range []int64{0, 65_535, 65_536, 65_999} {
			asked := 0
			_, err := transparency.InclusionProof(c, position, func(level int, index int64, width int) ([]byte, error) {
				asked++
				return log.tile(level, index, width)
			})
			if err != nil {
				t.Fatal(err)
			}
			for n := range asked {
				for what, bad := range map[string]func(b []byte) ([]byte, error){
					"flipped": func(b []byte) ([]byte, error) { b[5] ^= 4; return b, nil },
					"short":   func(b []byte) ([]byte, error) { return b[:len(b)-1], nil },
					"missing": func([]byte) ([]byte, error) { return nil, errors.New("missing") },
				} {
					i := 0
					_, err := transparency.InclusionProof(c, position, func(level int, index int64, width int) ([]byte, error) {
						b, err := log.tile(level, index, width)
						if i++; i == n+1 {
							return bad(b)
						}
						return b, err
					})
					if err == nil {
						t.Errorf("position %d: %s tile %d is taken", position, what, n)
					}
				}
			}
		}
		// A full tile may come in the place of a partial one.
		_, err := transparency.InclusionProof(log.checkpoint(t, 300), 299, func(level int, index int64, width int) ([]byte, error) {
			if level == 0 {
				width = transparency.TileWidth
			}
			return log.tile(level, index, width)
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestProofBounds(t *testing.T) {
	noTile := func(int, int64, int) ([]byte, error) { return nil, errors.New("no tile") }
	empty := transparency.Checkpoint{Origin: "t", Root: transparency.EmptyRoot()}
	huge := transparency.Checkpoint{Origin: "t", Size: 1<<63 - 1}
	for _, c := range []transparency.Checkpoint{empty, huge, {Origin: "t", Size: -1}} {
		if _, err := transparency.InclusionProof(c, 0, noTile); err == nil {
			t.Errorf("size %d: inclusion of 0", c.Size)
		}
		if _, err := transparency.ConsistencyProof(c, 1, noTile); err == nil {
			t.Errorf("size %d: consistency with 1", c.Size)
		}
		if err := transparency.CheckInclusion(nil, c, 0, hash{}); !errors.Is(err, transparency.ErrProof) {
			t.Errorf("size %d: inclusion of 0: %v", c.Size, err)
		}
		if err := transparency.CheckConsistency(nil, c, transparency.Checkpoint{Origin: "t", Size: 1}); !errors.Is(err, transparency.ErrProof) {
			t.Errorf("size %d: consistency with 1: %v", c.Size, err)
		}
	}
	if p, err := transparency.ConsistencyProof(empty, 0, noTile); err != nil || len(p) != 0 {
		t.Errorf("the empty tree with itself: %v, %v", p, err)
	}
	if err := transparency.CheckConsistency(nil, empty, empty); err != nil {
		t.Error(err)
	}
	if err := transparency.CheckConsistency(nil, transparency.Checkpoint{Origin: "t"}, empty); err == nil {
		t.Error("an empty tree with another root is taken")
	}
}

func TestEdge(t *testing.T) {
	var edge transparency.Edge
	for n := range int64(300) {
		edge.Append(leaf(n))
		back, err := transparency.EdgeFrom(edge.Size, edge.Bytes())
		if err != nil || back.Root() != edge.Root() || back.Size != n+1 {
			t.Fatalf("size %d: %v", n+1, err)
		}
		if _, err := transparency.EdgeFrom(edge.Size, edge.Bytes()[1:]); err == nil {
			t.Fatalf("size %d: part of a hash is taken", n+1)
		}
		if _, err := transparency.EdgeFrom(edge.Size, append(edge.Bytes(), make([]byte, 32)...)); err == nil {
			t.Fatalf("size %d: a hash too many is taken", n+1)
		}
	}
	if _, err := transparency.EdgeFrom(-1, nil); err == nil {
		t.Error("a negative size is taken")
	}
	if e, err := transparency.EdgeFrom(0, nil); err != nil || e.Root() != transparency.EmptyRoot() {
		t.Errorf("the empty edge: %v", err)
	}
	c := edge.Clone()
	root := edge.Root()
	for range 5 {
		c.Append(hash{})
	}
	if edge.Root() != root {
		t.Error("a clone changes its original")
	}
}

func TestTileRoot(t *testing.T) {
	var hashes []byte
	var edge transparency.Edge
	for n := range int64(600) {
		if got := transparency.TileRoot(hashes); got != edge.Root() {
			t.Fatalf("root of %d hashes is %v, want %v", n, got, edge.Root())
		}
		h := leaf(n)
		hashes = append(hashes, h[:]...)
		edge.Append(h)
	}
}

func TestPaths(t *testing.T) {
	tests := []struct {
		level int
		index int64
		width int
		want  string
	}{
		// C2SP tlog-tiles, Merkle Tree
		{0, 1234067, 256, "tile/0/x001/x234/067"},
		{0, 0, 256, "tile/0/000"},
		{1, 999, 1, "tile/1/999.p/1"},
		{2, 1000, 255, "tile/2/x001/000.p/255"},
		// C2SP tlog-tiles, Partial Tiles: a tree of 70,000
		{0, 273, 112, "tile/0/273.p/112"},
		{1, 1, 17, "tile/1/001.p/17"},
		{2, 0, 1, "tile/2/000.p/1"},
		{7, 1<<55 - 1, 256, "tile/7/x036/x028/x797/x018/x963/967"},
	}
	for _, tt := range tests {
		if got := transparency.TilePath(tt.level, tt.index, tt.width); got != tt.want {
			t.Errorf("TilePath(%d, %d, %d) = %s, want %s", tt.level, tt.index, tt.width, got, tt.want)
		}
	}
	if got, want := transparency.EntriesPath(1234067, 256), "tile/entries/x001/x234/067"; got != want {
		t.Errorf("EntriesPath = %s, want %s", got, want)
	}
	if got, want := transparency.EntriesPath(1234, 7), "tile/entries/x001/234.p/7"; got != want {
		t.Errorf("EntriesPath = %s, want %s", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		tile := tlog.Tile{
			H: 8, L: rapid.IntRange(0, 7).Draw(t, "level"),
			N: rapid.Int64Range(0, 1<<55).Draw(t, "index"), W: rapid.IntRange(1, 256).Draw(t, "width"),
		}
		// tlog's paths have the height before the level.
		if got := "tile/8/" + transparency.TilePath(tile.L, tile.N, tile.W)[len("tile/"):]; got != tile.Path() {
			t.Fatalf("%s, want %s", got, tile.Path())
		}
	})
}

func TestBundle(t *testing.T) {
	entries := [][]byte{[]byte("one"), {}, bytes.Repeat([]byte("x"), transparency.MaxEntry), []byte("\x00\x01")}
	var b []byte
	for _, e := range entries {
		var err error
		if b, err = transparency.AppendBundleEntry(b, e); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.HasPrefix(b, []byte("\x00\x03one\x00\x00\xff\xffxx")) {
		t.Errorf("begins with %q", b[:12])
	}
	got, err := transparency.ParseBundle(b)
	if err != nil || !slices.EqualFunc(got, entries, bytes.Equal) {
		t.Errorf("%d entries, %v", len(got), err)
	}
	for _, n := range []int{1, 2, 4, 6, len(b) - 1} {
		if _, err := transparency.ParseBundle(b[:n]); err == nil {
			t.Errorf("cut at %d it is taken", n)
		}
	}
	if got, err := transparency.ParseBundle(nil); len(got) != 0 || err != nil {
		t.Errorf("empty: %v, %v", got, err)
	}
	if dst, err := transparency.AppendBundleEntry([]byte("x"), make([]byte, transparency.MaxEntry+1)); !errors.Is(err, transparency.ErrEntryTooLong) || string(dst) != "x" {
		t.Errorf("too long: %d bytes, %v", len(dst), err)
	}
	if got, err := transparency.ParseBundle(make([]byte, 2*256)); len(got) != 256 || err != nil {
		t.Errorf("256 empty entries: %d, %v", len(got), err)
	}
	if _, err := transparency.ParseBundle(make([]byte, 2*257)); err == nil {
		t.Error("257 entries are taken")
	}
}

func BenchmarkLeafHash(b *testing.B) {
	for _, n := range []int{700, 2000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			entry := make([]byte, n)
			b.SetBytes(int64(n))
			b.ReportAllocs()
			for b.Loop() {
				transparency.LeafHash(entry)
			}
		})
	}
}

func BenchmarkTree(b *testing.B) {
	b.Run("append", func(b *testing.B) {
		tree := transparency.NewTree()
		h := leaf(1)
		b.ReportAllocs()
		for b.Loop() {
			tree.Append(h)
			if tree.Size()%4096 == 0 {
				tree.Full()
			}
		}
	})
	big := transparency.NewTree()
	for range 1<<17 - 3 {
		big.Append(leaf(1))
	}
	big.Full()
	b.Run("root", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			big.Root()
		}
	})
	b.Run("clone and append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			big.Clone().Append(leaf(1))
		}
	})
}
