package postgres

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// copyRows sends rows by COPY in its binary format. They are encoded here and not by pgx, which asks the server for the
// types first and makes some fifty small objects of each row.
func copyRows(ctx context.Context, tx pgx.Tx, r rows) error {
	_, err := tx.Conn().PgConn().CopyFrom(ctx, &copyReader{rows: r}, r.copyQuery())
	return err
}

const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // signature, flags, length of extensions
	copyTrailer = "\xff\xff"
	copyChunk   = 64 << 10
)

// A copyReader is the stream of a COPY, encoded as it is read.
type copyReader struct {
	rows rows
	next int
	buf  []byte // encoded, and read up to off
	off  int
}

// Read implements io.Reader.
func (c *copyReader) Read(p []byte) (int, error) {
	if c.off == len(c.buf) {
		if c.next > c.rows.len() {
			return 0, io.EOF
		}
		c.fill()
	}
	n := copy(p, c.buf[c.off:])
	c.off += n
	return n, nil
}

func (c *copyReader) fill() {
	c.off, c.buf = 0, c.buf[:0]
	if c.next == 0 {
		c.buf = append(c.buf, copyHeader...)
	}
	for ; c.next < c.rows.len(); c.next++ {
		if len(c.buf) >= copyChunk {
			return
		}
		c.buf = c.rows.appendRow(c.buf, c.next)
	}
	c.buf = append(c.buf, copyTrailer...)
	c.next++
}

// The fields of a row in the binary format: the length, and the value as the type's send function makes it.

func appendFields(b []byte, n int16) []byte { return binary.BigEndian.AppendUint16(b, uint16(n)) }

func appendUUID(b []byte, id *uuid.UUID) []byte { return appendBytes(b, id[:]) }

func appendInt64(b []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(n))
}

func appendBytes(b, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

func appendText(b []byte, value string) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...)
}

// The server counts days and microseconds from 2000-01-01.
const (
	epochDays   = 10_957
	epochMicros = epochDays * secondsPerDay * 1_000_000
)

func appendDate(b []byte, day int32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, 4), uint32(day-epochDays))
}

func appendInstant(b []byte, t time.Time) []byte { return appendInt64(b, t.UnixMicro()-epochMicros) }
