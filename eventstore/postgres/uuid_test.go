package postgres

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
)

// IDs alone, in lists and behind pointers are the bytes that the driver makes of its own type, and come back; null is none.
func TestUUIDs(t *testing.T) {
	types, plain := pgtype.NewMap(), pgtype.NewMap()
	registerUUID(types)
	ids := []uuid.UUID{uuid.New(), uuid.New()}
	var own []pgtype.UUID
	for _, id := range ids {
		own = append(own, pgtype.UUID{Bytes: id, Valid: true})
	}
	for _, format := range []int16{pgtype.BinaryFormatCode, pgtype.TextFormatCode} {
		for _, c := range []struct {
			oid         uint32
			ours, their any
		}{
			{pgtype.UUIDOID, ids[0], own[0]},
			{pgtype.UUIDOID, &ids[1], own[1]},
			{pgtype.UUIDArrayOID, ids, own},
		} {
			got, err := types.Encode(c.oid, format, c.ours, nil)
			want, err2 := plain.Encode(c.oid, format, c.their, nil)
			if err != nil || err2 != nil || string(got) != string(want) {
				t.Errorf("%T in format %d: %x, %v; expected %x, %v", c.ours, format, got, err, want, err2)
			}
		}
		one, err := types.Encode(pgtype.UUIDOID, format, own[0], nil)
		if err != nil {
			t.Fatal(err)
		}
		many, err := types.Encode(pgtype.UUIDArrayOID, format, own, nil)
		if err != nil {
			t.Fatal(err)
		}
		var id uuid.UUID
		var pointer *uuid.UUID
		var list []uuid.UUID
		if err := types.Scan(pgtype.UUIDOID, format, one, &id); err != nil || id != ids[0] {
			t.Errorf("scan in format %d: %s, %v", format, id, err)
		}
		if err := types.Scan(pgtype.UUIDOID, format, one, &pointer); err != nil || *pointer != ids[0] {
			t.Errorf("scan a pointer in format %d: %v, %v", format, pointer, err)
		}
		if err := types.Scan(pgtype.UUIDOID, format, nil, &pointer); err != nil || pointer != nil {
			t.Errorf("scan null in format %d: %v, %v", format, pointer, err)
		}
		if err := types.Scan(pgtype.UUIDArrayOID, format, many, &list); err != nil || len(list) != 2 || list[0] != ids[0] || list[1] != ids[1] {
			t.Errorf("scan a list in format %d: %v, %v", format, list, err)
		}
	}
	id := ids[0]
	if err := types.Scan(pgtype.UUIDOID, pgtype.BinaryFormatCode, nil, &id); err != nil || id != uuid.Nil {
		t.Errorf("scan null: %s, %v", id, err)
	}
	if err := types.Scan(pgtype.UUIDOID, pgtype.BinaryFormatCode, []byte{1, 2, 3}, &id); err == nil {
		t.Error("three bytes were taken for an ID")
	}
}
