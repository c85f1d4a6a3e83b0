package jcs

import (
	"encoding/binary"
	"math/bits"
)

// knownLen is how long a text may be that is remembered, in bytes.
const knownLen = 64

// Texts remembers short texts that come again and again, so that each is
// allocated once. Its length is a power of two. Each text has one place, which
// it shares with others, so what is remembered is bounded, whatever comes.
type Texts []string

// Of returns b as a string.
func (t Texts) Of(b []byte) string {
	if len(b) > knownLen {
		return string(b)
	}
	// The last bytes tell most texts apart: those of IDs, and of codes with a
	// common start.
	h := uint64(len(b))
	if len(b) >= 8 {
		h += uint64(b[0])<<8 ^ binary.LittleEndian.Uint64(b[len(b)-8:])
	} else {
		for _, c := range b {
			h = h<<8 | uint64(c)
		}
	}
	at := &t[h*0x9e3779b97f4a7c15>>(65-bits.Len(uint(len(t))))]
	if *at != string(b) {
		*at = string(b)
	}
	return *at
}
