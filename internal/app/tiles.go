package app

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
)

// tileSource is what tiles are read from.
type tileSource interface {
	eventstore.Log
	Tile(ctx context.Context, ledger uuid.UUID, level int, index int64) ([]byte, error)
}

// tileRoots remembers the roots of full tiles, of which a tile that is not full yet needs up to 255. A full tile never changes. It may be used
// from many goroutines; of a nil one nothing is remembered.
type tileRoots struct{ known sync.Map } // tileName → transparency.Hash

type tileName struct {
	level int
	index int64
}

func (r *tileRoots) of(level int, index int64, read func() ([]byte, error)) (transparency.Hash, error) {
	if r != nil {
		if root, known := r.known.Load(tileName{level, index}); known {
			return root.(transparency.Hash), nil
		}
	}
	hashes, err := read()
	if err != nil {
		return transparency.Hash{}, err
	}
	root := transparency.TileRoot(hashes)
	if r != nil {
		r.known.Store(tileName{level, index}, root)
	}
	return root, nil
}

// tiles reads the tiles of a ledger. Only full ones are stored: what is narrower is made of the leaves of events, or of the roots of
// full tiles below.
func tiles(ctx context.Context, from tileSource, ledger uuid.UUID) transparency.TileReader {
	return tilesWith(ctx, from, ledger, nil)
}

func tilesWith(ctx context.Context, from tileSource, ledger uuid.UUID, roots *tileRoots) transparency.TileReader {
	return func(level int, index int64, width int) ([]byte, error) {
		full, err := from.Tile(ctx, ledger, level, index)
		if !errors.Is(err, eventstore.ErrNotFound) {
			return full, err
		}
		first := index * transparency.TileWidth
		hashes := make([]byte, 0, width*transparency.HashSize)
		if level == 0 {
			err := from.Read(ctx, ledger, first+1, first+int64(width), func(r *eventstore.Record) error {
				leaf := transparency.LeafHash(r.Envelope)
				hashes = append(hashes, leaf[:]...)
				return nil
			})
			return hashes, err
		}
		for i := range int64(width) {
			root, err := roots.of(level-1, first+i, func() ([]byte, error) { return from.Tile(ctx, ledger, level-1, first+i) })
			if err != nil {
				return nil, fmt.Errorf("tile %d of level %d: %w", first+i, level-1, err)
			}
			hashes = append(hashes, root[:]...)
		}
		return hashes, nil
	}
}
