package postgres

import (
	"encoding/binary"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/projections"
)

// records are some of the rows of a fold as an argument: an array of the table's records, which the store's connections know how to
// send. The columns before those that are described are left to the statement.
type records struct {
	rows  *projections.Rows
	which []int
}

const ownColumns = 2 // ledger_id and slot

// The server counts days and microseconds from 2000-01-01.
const (
	epochDays   = 10_957
	epochMicros = epochDays * 24 * 60 * 60 * 1_000_000
)

const nothing = -1 // the size of null

func (r records) Len() int { return len(r.which) }

// Size is about how many bytes they take: of each column the type, the size and eight bytes.
func (r records) Size() int { return len(r.which) * 20 * (ownColumns + len(r.rows.Table.Columns)) }

// AppendArray appends the elements: each its size and a record, which is the number of its columns and of each the type, the size and
// the value.
func (r records) AppendArray(dst []byte, types []uint32) ([]byte, error) {
	columns := r.rows.Table.Columns
	own := own(r.rows.Table)
	if len(types) != own+len(columns) {
		return nil, fmt.Errorf("%s has %d columns, expected %d", r.rows.Table.Name, len(types), own+len(columns))
	}
	for _, row := range r.which {
		at := len(dst)
		dst = beginRecord(dst, types, own)
		for i, t := range types[own:] {
			var err error
			if dst, err = appendValue(dst, t, columns[i].Type, r.rows.Column(i), row); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", r.rows.Table.Name, columns[i].Name, err)
			}
		}
		endRecord(dst, at)
	}
	return dst, nil
}

// beginRecord appends the size of a record, which endRecord sets, the number of its columns, and those that are left to the statement.
func beginRecord(dst []byte, types []uint32, own int) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(types)))
	for _, t := range types[:own] {
		dst = appendSize(dst, t, nothing)
	}
	return dst
}

// endRecord sets the size of the record that was begun at a place.
func endRecord(dst []byte, at int) { binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4)) }

func appendSize(dst []byte, t uint32, size int) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(dst, t), uint32(size))
}

// appendValue appends a value of the type that the column has on the server.
func appendValue(dst []byte, t uint32, of projections.Type, d *projections.Data, row int) ([]byte, error) {
	switch of {
	case projections.Text:
		v := d.Texts[row]
		if v == projections.NullText {
			return appendSize(dst, t, nothing), nil
		}
		return append(appendSize(dst, t, len(v)), v...), nil
	case projections.Bytes:
		return append(appendSize(dst, t, len(d.Bytes[row])), d.Bytes[row]...), nil
	case projections.ID:
		if d.IDs[row] == uuid.Nil {
			return appendSize(dst, t, nothing), nil
		}
		return append(appendSize(dst, t, len(uuid.Nil)), d.IDs[row][:]...), nil
	}
	v := d.Ints[row]
	if v == projections.NullInt {
		return appendSize(dst, t, nothing), nil
	}
	return appendInteger(binary.BigEndian.AppendUint32(dst, t), t, v)
}

// appendInteger appends the size and the value of what is an integer here and of a type on the server.
func appendInteger(dst []byte, t uint32, v int64) ([]byte, error) {
	sized := func(size uint32) []byte { return binary.BigEndian.AppendUint32(dst, size) }
	switch t {
	case pgtype.Int8OID:
		return binary.BigEndian.AppendUint64(sized(8), uint64(v)), nil
	case pgtype.TimestamptzOID:
		return binary.BigEndian.AppendUint64(sized(8), uint64(v-epochMicros)), nil
	case pgtype.DateOID:
		return appendInt32(sized(4), v-epochDays)
	case pgtype.Int4OID:
		return appendInt32(sized(4), v)
	case pgtype.Int2OID:
		if v != int64(int16(v)) {
			return nil, fmt.Errorf("%d is out of range", v)
		}
		return binary.BigEndian.AppendUint16(sized(2), uint16(v)), nil
	case pgtype.BoolOID:
		return append(sized(1), byte(v)), nil
	}
	return nil, fmt.Errorf("the column has type %d on the server, which is no integer", t)
}

func appendInt32(dst []byte, v int64) ([]byte, error) {
	if v != int64(int32(v)) {
		return nil, fmt.Errorf("%d is out of range", v)
	}
	return binary.BigEndian.AppendUint32(dst, uint32(v)), nil
}
