package postgres

import (
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// A uuidCodec sends and reads IDs as the 16 bytes that they are. The driver knows google's only as what writes and reads texts: each
// would be formatted and parsed again, after an error that is made and dropped.
type uuidCodec struct{ pgtype.UUIDCodec }

// registerUUID makes a connection know IDs, and arrays of them.
func registerUUID(types *pgtype.Map) {
	id := &pgtype.Type{Name: "uuid", OID: pgtype.UUIDOID, Codec: uuidCodec{}}
	types.RegisterType(id)
	types.RegisterType(&pgtype.Type{Name: "_uuid", OID: pgtype.UUIDArrayOID, Codec: &pgtype.ArrayCodec{ElementType: id}})
}

// PlanEncode implements pgtype.Codec.
func (c uuidCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, ok := value.(uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return c
	}
	return c.UUIDCodec.PlanEncode(m, oid, format, value)
}

// Encode implements pgtype.EncodePlan.
func (uuidCodec) Encode(value any, buf []byte) ([]byte, error) {
	id := value.(uuid.UUID)
	return append(buf, id[:]...), nil
}

// PlanScan implements pgtype.Codec.
func (c uuidCodec) PlanScan(m *pgtype.Map, oid uint32, format int16, target any) pgtype.ScanPlan {
	if _, ok := target.(*uuid.UUID); ok && format == pgtype.BinaryFormatCode {
		return c
	}
	return c.UUIDCodec.PlanScan(m, oid, format, target)
}

// Scan implements pgtype.ScanPlan. Null is [uuid.Nil].
func (uuidCodec) Scan(src []byte, target any) error {
	id := target.(*uuid.UUID)
	if src == nil {
		*id = uuid.Nil
		return nil
	}
	if copy(id[:], src) != len(src) || len(src) != len(id) {
		return fmt.Errorf("an ID has %d bytes, not %d", len(src), len(id))
	}
	return nil
}
