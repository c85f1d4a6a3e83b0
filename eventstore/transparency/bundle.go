package transparency

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// MaxEntry is the greatest length of an entry in bytes: a bundle has 16 bits
// for it.
const MaxEntry = 1<<16 - 1

// ErrEntryTooLong is returned for an entry of more than MaxEntry bytes.
var ErrEntryTooLong = errors.New("transparency: entry is longer than 65,535 bytes")

// AppendBundleEntry appends an entry to an entry bundle (C2SP tlog-tiles, Log
// entries): its length as two bytes, the higher first, and the entry. It
// returns dst as it was and ErrEntryTooLong if the entry is too long.
func AppendBundleEntry(dst, entry []byte) ([]byte, error) {
	if len(entry) > MaxEntry {
		return dst, ErrEntryTooLong
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(entry)))
	return append(dst, entry...), nil
}

// ParseBundle returns the entries of a bundle, which are parts of b. It fails
// if the last is cut short, or there are more than a tile has.
func ParseBundle(b []byte) ([][]byte, error) {
	var entries [][]byte
	for len(b) > 0 {
		if len(entries) == TileWidth {
			return nil, fmt.Errorf("transparency: bundle of more than %d entries", TileWidth)
		}
		if len(b) < 2 || len(b)-2 < int(binary.BigEndian.Uint16(b)) {
			return nil, fmt.Errorf("transparency: bundle is cut short in entry %d", len(entries))
		}
		end := 2 + int(binary.BigEndian.Uint16(b))
		entries = append(entries, b[2:end:end])
		b = b[end:]
	}
	return entries, nil
}
