package postgres

import (
	"context"
	"io"

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
	w    rowWriter // encoded, and read up to off
	off  int
}

// Read implements io.Reader.
func (c *copyReader) Read(p []byte) (int, error) {
	if c.off == len(c.w.b) {
		if c.next > c.rows.len() {
			return 0, io.EOF
		}
		c.fill()
	}
	n := copy(p, c.w.b[c.off:])
	c.off += n
	return n, nil
}

func (c *copyReader) fill() {
	c.off, c.w.b = 0, c.w.b[:0]
	if c.next == 0 {
		c.w.b = append(c.w.b, copyHeader...)
	}
	for ; c.next < c.rows.len(); c.next++ {
		if len(c.w.b) >= copyChunk {
			return
		}
		c.rows.write(&c.w, c.next)
	}
	c.w.b = append(c.w.b, copyTrailer...)
	c.next++
}
