package ledger

import (
	"bufio"
	"crypto/rand"
	"io"
	"time"

	"github.com/google/uuid"
)

// A Source is where a ledger's clock, IDs and salts come from. With a given clock and seeded randomness the same commands make the
// same bytes; everything but a demo or a test uses System.
type Source struct {
	Now    func() time.Time
	Random io.Reader
	Given  bool // the clock is not the machine's, which ledger.opened then says
}

// System is the machine's clock and its cryptographic randomness.
func System() Source {
	return Source{Now: time.Now, Random: bufio.NewReaderSize(rand.Reader, 4096)}
}

// newID draws a UUIDv7 (RFC 9562): 48 bits of milliseconds, 12 bits of their fraction, 62 random bits.
func (s Source) newID(now time.Time) (id uuid.UUID) {
	if _, err := io.ReadFull(s.Random, id[8:]); err != nil {
		panic("ledger: the source of randomness failed: " + err.Error())
	}
	first := firstID(now)
	copy(id[:6], first[:])
	fraction := now.UnixMicro() % 1000 * 4096 / 1000
	id[6] = 0x70 | byte(fraction>>8)
	id[7] = byte(fraction)
	id[8] = id[8]&0x3f | 0x80
	return id
}
