package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
)

// tileSource is what tiles are read from.
type tileSource interface {
	eventstore.Log
	Tile(ctx context.Context, ledger uuid.UUID, level int, index int64) ([]byte, error)
}

// tiles reads the tiles of a ledger. Only full ones are stored: what is narrower is made of the leaves of events, or of the roots of
// full tiles below.
func tiles(ctx context.Context, from tileSource, ledger uuid.UUID) transparency.TileReader {
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
			below, err := from.Tile(ctx, ledger, level-1, first+i)
			if err != nil {
				return nil, fmt.Errorf("tile %d of level %d: %w", first+i, level-1, err)
			}
			root := transparency.TileRoot(below)
			hashes = append(hashes, root[:]...)
		}
		return hashes, nil
	}
}
