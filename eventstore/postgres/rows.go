package postgres

import (
	"encoding/binary"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/eventstore"
)

// records are rows of a table.
type records interface {
	len() int
	size() int // about how many bytes an array of them takes
	write(w *rowWriter, i int)
}

// rows are what a batch has many of.
type rows interface {
	records
	query() string     // takes an array of the table's records
	copyQuery() string // has the table's columns in their order
}

type eventRows struct{ *eventstore.Batch }

func (e eventRows) len() int { return len(e.Records) }

func (e eventRows) size() int {
	n := 160 * e.len()
	for i := range e.Records {
		n += len(e.Records[i].Envelope)
	}
	return n
}

func (eventRows) query() string { return `INSERT INTO events SELECT * FROM unnest($1::events[])` }

func (eventRows) copyQuery() string {
	return `COPY events (ledger_id, position, event_id, type, effective_on, recorded_at, envelope) FROM STDIN (FORMAT binary)`
}

func (e eventRows) write(w *rowWriter, i int) {
	r := &e.Records[i]
	w.begin(7)
	w.uuid(&e.Ledger)
	w.int64(r.Position)
	w.uuid(&r.ID)
	w.text(r.Type)
	w.date(r.EffectiveOn)
	w.instant(r.RecordedAt)
	w.bytes(r.Envelope)
}

type commandRows struct{ *eventstore.Batch }

func (c commandRows) len() int { return len(c.Commands) }

func (c commandRows) size() int { return 136 * c.len() }

func (commandRows) query() string { return `INSERT INTO commands SELECT * FROM unnest($1::commands[])` }

func (commandRows) copyQuery() string {
	return `COPY commands (ledger_id, command_id, fingerprint, first_position, last_position) FROM STDIN (FORMAT binary)`
}

func (c commandRows) write(w *rowWriter, i int) {
	x := &c.Commands[i]
	w.begin(5)
	w.uuid(&c.Ledger)
	w.uuid(&x.ID)
	w.bytes(x.Fingerprint[:])
	w.int64(x.First)
	w.int64(x.Last)
}

// A rowWriter writes rows as the server receives them in binary: tuples of a COPY, or records, which say the type of each
// field. A value is its length and what the type's send function makes of it.
type rowWriter struct {
	b     []byte
	types []uint32 // of the columns of a record; nil for a COPY
	next  int      // column
}

func (w *rowWriter) begin(columns int) {
	w.next = 0
	if w.types != nil {
		w.b = binary.BigEndian.AppendUint32(w.b, uint32(columns))
	} else {
		w.b = binary.BigEndian.AppendUint16(w.b, uint16(columns))
	}
}

func (w *rowWriter) size(n int) {
	if w.types != nil {
		w.b = binary.BigEndian.AppendUint32(w.b, w.types[w.next])
		w.next++
	}
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(n)) // -1 is null
}

func (w *rowWriter) bytes(value []byte) {
	w.size(len(value))
	w.b = append(w.b, value...)
}

func (w *rowWriter) text(value string) {
	w.size(len(value))
	w.b = append(w.b, value...)
}

func (w *rowWriter) uuid(id *uuid.UUID) { w.bytes(id[:]) }

func (w *rowWriter) int64(n int64) {
	w.size(8)
	w.b = binary.BigEndian.AppendUint64(w.b, uint64(n))
}

// array writes the header of an array whose elements take so many bytes, with their lengths.
func (w *rowWriter) array(element uint32, n, bytes int) {
	w.size(20 + bytes)
	for _, n := range [...]uint32{1, 0, element, uint32(n), 1} { // dimensions, nulls, element, length, first subscript
		w.b = binary.BigEndian.AppendUint32(w.b, n)
	}
}

func (w *rowWriter) int64s(list []int64) {
	w.array(pgtype.Int8OID, len(list), 12*len(list))
	for _, n := range list {
		w.b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(w.b, 8), uint64(n))
	}
}

// texts writes an array of texts that have so many bytes together.
func (w *rowWriter) texts(list []string, bytes int) {
	w.array(pgtype.TextOID, len(list), 4*len(list)+bytes)
	for _, text := range list {
		w.b = append(binary.BigEndian.AppendUint32(w.b, uint32(len(text))), text...)
	}
}

const secondsPerDay = 24 * 60 * 60

// The server counts days and microseconds from 2000-01-01.
const (
	epochDays   = 10_957
	epochMicros = epochDays * secondsPerDay * 1_000_000
)

func (w *rowWriter) date(day int32) {
	w.size(4)
	w.b = binary.BigEndian.AppendUint32(w.b, uint32(day-epochDays))
}

func (w *rowWriter) instant(t time.Time) { w.int64(t.UnixMicro() - epochMicros) }
