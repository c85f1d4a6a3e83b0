package postgres

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Rows go to the server as arrays of records: INSERT INTO t SELECT * FROM unnest($1::t[]). One array a column, which is what one
// would write, costs the server a third more, since it takes each array apart on its own, and the client several times as much.

// An Array is rows of one table, as the argument of a statement whose parameter is an array of the table's records. Joiners have
// their own.
type Array interface {
	// AppendArray appends the elements of the array in binary: each its length and a record, whose columns have the types.
	AppendArray(dst []byte, types []uint32) ([]byte, error)
	// Len is how many there are, and Size about how many bytes they take.
	Len() int
	Size() int
}

// An array is rows of ours as an argument.
type array struct{ records }

func (a array) Len() int { return a.len() }

func (a array) Size() int { return a.size() }

func (a array) AppendArray(dst []byte, types []uint32) ([]byte, error) {
	w := rowWriter{b: dst, types: types}
	for i := range a.len() {
		at := len(w.b)
		w.b = append(w.b, 0, 0, 0, 0)
		a.write(&w, i)
		binary.BigEndian.PutUint32(w.b[at:], uint32(len(w.b)-at-4))
	}
	return w.b, nil
}

// A recordCodec is the array of a table's records, as the driver sends it. It is never read.
type recordCodec struct {
	element uint32   // the type of the record
	columns []uint32 // the types of its columns
}

// registerRecords makes a connection know the records of our tables.
func registerRecords(ctx context.Context, conn *pgx.Conn) error {
	const query = `SELECT c.relname, t.oid, t.typarray, array_agg(a.atttypid ORDER BY a.attnum)
		FROM pg_class c JOIN pg_type t ON t.oid = c.reltype
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
		WHERE c.relnamespace = $1::text::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		GROUP BY c.relname, t.oid, t.typarray`
	rows, err := conn.Query(ctx, query, pgx.QueryExecModeExec, schema)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var oid uint32
		var c recordCodec
		if err := rows.Scan(&name, &c.element, &oid, &c.columns); err != nil {
			return err
		}
		conn.TypeMap().RegisterType(&pgtype.Type{Name: "_" + name, OID: oid, Codec: &c})
	}
	return rows.Err()
}

func (*recordCodec) FormatSupported(format int16) bool { return format == pgtype.BinaryFormatCode }

func (*recordCodec) PreferredFormat() int16 { return pgtype.BinaryFormatCode }

func (c *recordCodec) PlanEncode(_ *pgtype.Map, _ uint32, _ int16, value any) pgtype.EncodePlan {
	if _, ok := value.(Array); ok {
		return c
	}
	return nil
}

// Encode implements pgtype.EncodePlan: the array's header, and its elements.
func (c *recordCodec) Encode(value any, buf []byte) ([]byte, error) {
	a := value.(Array)
	buf = slices.Grow(buf, a.Size())
	buf = binary.BigEndian.AppendUint32(buf, 1) // dimension
	buf = binary.BigEndian.AppendUint32(buf, 0) // no nulls
	buf = binary.BigEndian.AppendUint32(buf, c.element)
	buf = binary.BigEndian.AppendUint32(buf, uint32(a.Len()))
	buf = binary.BigEndian.AppendUint32(buf, 1) // the first subscript
	return a.AppendArray(buf, c.columns)
}

var errNotRead = errors.New("arrays of records are only written")

func (*recordCodec) PlanScan(*pgtype.Map, uint32, int16, any) pgtype.ScanPlan { return nil }

func (*recordCodec) DecodeDatabaseSQLValue(*pgtype.Map, uint32, int16, []byte) (driver.Value, error) {
	return nil, fmt.Errorf("decode: %w", errNotRead)
}

func (*recordCodec) DecodeValue(*pgtype.Map, uint32, int16, []byte) (any, error) {
	return nil, fmt.Errorf("decode: %w", errNotRead)
}
