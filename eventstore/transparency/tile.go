package transparency

import (
	"fmt"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"
)

// The shape of tiles (C2SP tlog-tiles): one is eight levels of the tree high,
// and has the hashes of its lowest level only.
const (
	TileHeight = 8
	TileWidth  = 1 << TileHeight
)

// tileSize is the length of a full tile in bytes.
const tileSize = TileWidth * HashSize

// tileLevels is how many levels of tiles a tree of int64 leaves can have.
const tileLevels = 8

// A Tile is a run of hashes of one level of the tree. On level 0 they are
// those of leaves; on level L each is the root of a full tile of level L-1, so
// of 256^L leaves. The first hash of a tile is the one with number Index*256
// of its level.
type Tile struct {
	Level int   // 0 to 7
	Index int64 // from the left, from 0
	// Hashes are 32 bytes each, one after the other: 256 of them in a full
	// tile, 1 to 255 in a partial one. They must not be modified.
	Hashes []byte
}

// Width returns how many hashes the tile has.
func (t Tile) Width() int {
	return len(t.Hashes) / HashSize
}

// Path returns the tile's path below the log's prefix.
func (t Tile) Path() string {
	return TilePath(t.Level, t.Index, t.Width())
}

// TileRoot returns the root of the subtree over the given hashes, which are 32
// bytes each: that of a full tile is a hash of the level above. It panics if
// len(hashes) is not a multiple of 32.
func TileRoot(hashes []byte) Hash {
	if len(hashes)%HashSize != 0 {
		panic("transparency: TileRoot of " + strconv.Itoa(len(hashes)) + " bytes")
	}
	var room [TileHeight + 1]Hash
	e := Edge{Hashes: room[:0]}
	for ; len(hashes) > 0; hashes = hashes[HashSize:] {
		e.Append(Hash(hashes))
	}
	return e.Root()
}

// TilePath returns the path of a tile below the log's prefix:
// tile/<L>/<N>[.p/<W>], where N is written in groups of three digits, all but
// the last behind an x, and the last part is there if width, the number of
// hashes in it, is less than 256.
func TilePath(level int, index int64, width int) string {
	return string(appendPath(append(strconv.AppendInt([]byte("tile/"), int64(level), 10), '/'), index, width))
}

// EntriesPath returns the path of an entry bundle below the log's prefix. The
// bundle at an index has the entries of the tile of level 0 there; see
// TilePath.
func EntriesPath(index int64, width int) string {
	return string(appendPath([]byte("tile/entries/"), index, width))
}

func appendPath(dst []byte, index int64, width int) []byte {
	const base = 1000
	divisor := int64(1)
	for index/divisor >= base {
		divisor *= base
	}
	for ; divisor > 1; divisor /= base {
		dst = fmt.Appendf(dst, "x%03d/", index/divisor%base)
	}
	dst = fmt.Appendf(dst, "%03d", index%base)
	if width != TileWidth {
		dst = fmt.Appendf(dst, ".p/%d", width)
	}
	return dst
}

// A TileReader returns the hashes of a tile, 32 bytes each. It is asked for
// the widest tile that the tree in question has there, and may return a wider
// one, since a partial tile may be gone once it is full (C2SP tlog-tiles,
// Partial Tiles). It must be an error that there is none.
type TileReader func(level int, index int64, width int) ([]byte, error)

// tileSource is a TileReader as the tlog package wants it.
type tileSource struct {
	read TileReader
}

func (s tileSource) Height() int { return TileHeight }

func (s tileSource) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		b, err := s.read(t.L, t.N, t.W)
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", TilePath(t.L, t.N, t.W), err)
		}
		if len(b) < t.W*HashSize {
			return nil, fmt.Errorf("read %s: %d bytes, want %d", TilePath(t.L, t.N, t.W), len(b), t.W*HashSize)
		}
		data[i] = b[:t.W*HashSize]
	}
	return data, nil
}

// SaveTiles does nothing: what keeps tiles is the caller's business.
func (s tileSource) SaveTiles([]tlog.Tile, [][]byte) {}
