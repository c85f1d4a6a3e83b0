package postgres

import (
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/soquy/soquy/projections"
)

// The lists of packs are arrays, so that views can read them: unnest makes rows of them again.

// elements are the types of the elements of arrays, by the type of the array.
var elements = map[uint32]uint32{
	pgtype.Int2ArrayOID: pgtype.Int2OID, pgtype.Int8ArrayOID: pgtype.Int8OID, pgtype.DateArrayOID: pgtype.DateOID,
	pgtype.UUIDArrayOID: pgtype.UUIDOID, pgtype.TextArrayOID: pgtype.TextOID, pgtype.ByteaArrayOID: pgtype.ByteaOID,
	pgtype.TimestamptzArrayOID: pgtype.TimestamptzOID,
}

// packs are the rows of a fold as an argument: an array of the table's records, each a pack.
type packs struct {
	rows   *projections.Rows
	ranges []projections.PackRange
}

func (p packs) Len() int { return len(p.ranges) }

// Size is about how many bytes they take: of each element the size and eight bytes.
func (p packs) Size() int { return len(p.ranges)*300 + p.rows.Len()*12*len(p.rows.Table.Columns) }

// AppendArray appends the elements, as that of records does.
func (p packs) AppendArray(dst []byte, types []uint32) ([]byte, error) {
	t := p.rows.Table
	own, lists := types[ownColumns:], t.Lists()
	if len(types) != ownColumns+len(t.Stored().Columns) {
		return nil, fmt.Errorf("%s has %d columns, expected %d", t.Name, len(types), ownColumns+len(t.Stored().Columns))
	}
	for _, r := range p.ranges {
		at := len(dst)
		dst = beginRecord(dst, types, ownColumns)
		var err error
		for i, v := range []int64{r.First, r.Last, r.FirstDay, r.LastDay} {
			dst = binary.BigEndian.AppendUint32(dst, own[i])
			if dst, err = appendInteger(dst, own[i], v); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", t.Name, t.Stored().Columns[i].Name, err)
			}
		}
		own := own[len(own)-len(lists):]
		for i, c := range lists {
			if dst, err = appendList(dst, own[i], t.Columns[c].Type, p.rows.Column(c), r.From, r.To); err != nil {
				return nil, fmt.Errorf("%s.%s: %w", t.Name, t.Columns[c].Name, err)
			}
		}
		endRecord(dst, at)
	}
	return dst, nil
}

// appendList appends an array of the type that the column has on the server.
func appendList(dst []byte, array uint32, of projections.Type, d *projections.Data, from, to int) ([]byte, error) {
	t, known := elements[array]
	if !known {
		return nil, fmt.Errorf("the column has type %d on the server, which is no array that is known", array)
	}
	dst = appendSize(dst, array, 0)
	at := len(dst)
	dst = binary.BigEndian.AppendUint32(dst, 1) // dimension
	dst = binary.BigEndian.AppendUint32(dst, 0) // no nulls
	dst = binary.BigEndian.AppendUint32(dst, t)
	dst = binary.BigEndian.AppendUint32(dst, uint32(to-from))
	dst = binary.BigEndian.AppendUint32(dst, 1) // the first subscript
	switch of {
	case projections.Text:
		for _, v := range d.Texts[from:to] {
			dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...)
		}
	case projections.Bytes:
		for _, v := range d.Bytes[from:to] {
			dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(v))), v...)
		}
	case projections.ID:
		for i := range d.IDs[from:to] {
			dst = append(binary.BigEndian.AppendUint32(dst, uint32(len(uuid.Nil))), d.IDs[from+i][:]...)
		}
	default:
		for _, v := range d.Ints[from:to] {
			var err error
			if dst, err = appendInteger(dst, t, v); err != nil {
				return nil, err
			}
		}
	}
	binary.BigEndian.PutUint32(dst[at-4:], uint32(len(dst)-at))
	return dst, nil
}

// packQuery is the query for the packs of a table in a slot; $1 is the ledger and $2 the slot.
func packQuery(t *projections.Table) string {
	return fmt.Sprintf(`SELECT %s FROM %s WHERE ledger_id = $1 AND slot = $2`, strings.Join(t.Stored().Names(), ", "), t.Name)
}

// eachPack fills a pack with each row of a query for packs, from the driver's own buffer, and hands it out with what is wrong with its
// lists. It is good until yield returns.
func eachPack(rows pgx.Rows, err error, p *projections.Pack, yield func(p *projections.Pack, wrong error) error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		raw := rows.RawValues()
		for i, to := range []*int64{&p.First, &p.Last, &p.FirstDay, &p.LastDay} {
			var ok bool
			if *to, ok = listed(raw[i], p.Table.Stored().Columns[i].Type); !ok {
				return errNotBinary
			}
		}
		lists := raw[len(raw)-len(p.Table.Lists()):]
		wrong := p.Fill(func(i, column int) error {
			if problem := decodeList(lists[i], p.Table.Columns[column].Type, p.List(column)); problem != "" {
				return p.Bad(column, problem)
			}
			return nil
		})
		if err := yield(p, wrong); err != nil {
			return err
		}
	}
	return rows.Err()
}

// listed reads what is an integer here in the binary format of its type on the server.
func listed(raw []byte, of projections.Type) (int64, bool) {
	switch {
	case of == projections.Day:
		if len(raw) != 4 {
			return 0, false
		}
		return int64(int32(binary.BigEndian.Uint32(raw))) + epochDays, true
	case len(raw) == 2 && of == projections.Int:
		return int64(int16(binary.BigEndian.Uint16(raw))), true
	case len(raw) != 8:
		return 0, false
	case of == projections.Instant:
		return int64(binary.BigEndian.Uint64(raw)) + epochMicros, true
	}
	return int64(binary.BigEndian.Uint64(raw)), true
}

// decodeList reads an array in the binary format and says what is wrong with it, "" for nothing. Bytes are parts of raw.
func decodeList(raw []byte, of projections.Type, d *projections.Data) (problem string) {
	const (
		header  = 12 // dimensions, whether there are nulls, and the type of the elements
		bad     = "is not in the binary format of an array"
		noArray = "is not an array of one dimension from 1 on, without nulls"
	)
	d.Ints, d.Texts, d.Bytes, d.IDs = d.Ints[:0], d.Texts[:0], d.Bytes[:0], d.IDs[:0]
	if len(raw) == header && binary.BigEndian.Uint32(raw) == 0 {
		return "" // it is empty
	}
	if len(raw) < header+8 {
		return bad
	}
	if binary.BigEndian.Uint32(raw) != 1 || binary.BigEndian.Uint32(raw[4:]) != 0 || binary.BigEndian.Uint32(raw[16:]) != 1 {
		return noArray
	}
	n := binary.BigEndian.Uint32(raw[header:])
	raw = raw[header+8:]
	text := ""
	if of == projections.Text {
		text = string(raw) // of which all are parts
	}
	at := 0
	for range n {
		if len(raw)-at < 4 {
			return bad
		}
		size := int(int32(binary.BigEndian.Uint32(raw[at:])))
		at += 4
		if size < 0 || size > len(raw)-at {
			return bad
		}
		v := raw[at : at+size]
		switch of {
		case projections.Text:
			d.Texts = append(d.Texts, text[at:at+size])
		case projections.Bytes:
			d.Bytes = append(d.Bytes, v)
		case projections.ID:
			if size != len(uuid.Nil) {
				return bad
			}
			d.IDs = append(d.IDs, uuid.UUID(v))
		default:
			i, ok := listed(v, of)
			if !ok {
				return bad
			}
			d.Ints = append(d.Ints, i)
		}
		at += size
	}
	if at != len(raw) {
		return bad
	}
	return ""
}
