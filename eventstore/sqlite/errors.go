package sqlite

import (
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/migrations"
)

// wrap says what was attempted, and puts the contract's error in front of the driver's where there is one.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", op, kind, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// kindOf is the contract's name for an error of the driver or of the migrations, nil for others.
func kindOf(err error) error {
	switch {
	case errors.Is(err, migrations.ErrNoSchema):
		return eventstore.ErrNoSchema
	case errors.Is(err, migrations.ErrNewer):
		return eventstore.ErrNewer
	case errors.Is(err, migrations.ErrOlder):
		return eventstore.ErrOlder
	case errors.Is(err, migrations.ErrForeign):
		return eventstore.ErrForeign
	}
	switch primary(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return eventstore.ErrLocked
	case lib.SQLITE_READONLY, lib.SQLITE_PERM:
		return eventstore.ErrReadOnly
	case lib.SQLITE_FULL:
		return eventstore.ErrFull
	case lib.SQLITE_NOTADB:
		return eventstore.ErrForeign
	case lib.SQLITE_CORRUPT:
		return eventstore.ErrCorrupt
	}
	return nil
}

// code is SQLite's extended result code, 0 for an error that is not its.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	return 0
}

// primary is the primary part of SQLite's result code.
func primary(err error) int { return code(err) & 0xff }

// cannotMakeSideFiles says that SQLite could not make the -wal and -shm that it needs to read.
func cannotMakeSideFiles(err error) bool {
	switch primary(err) {
	case lib.SQLITE_CANTOPEN, lib.SQLITE_READONLY:
		return true
	}
	return false
}

// alreadyThere says that a row was refused because one with its key is there.
func alreadyThere(err error) bool {
	switch code(err) {
	case lib.SQLITE_CONSTRAINT_PRIMARYKEY, lib.SQLITE_CONSTRAINT_UNIQUE, lib.SQLITE_CONSTRAINT_TRIGGER:
		return true
	}
	return false
}
