package migrations

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
)

// ApplicationID is the application_id in the header of our SQLite files: the bytes "sqy1".
const ApplicationID = 's'<<24 | 'q'<<16 | 'y'<<8 | '1'

// tableSQLite is goose's version table.
const tableSQLite = "goose_db_version"

// upSQLite claims an empty file and applies what is missing.
func upSQLite(ctx context.Context, db *sql.DB) error {
	if err := claim(ctx, db); err != nil {
		return err
	}
	p, err := provider(goose.DialectSQLite3, db, SQLite, tableSQLite)
	if err != nil {
		return err
	}
	// SQLite has no lock that outlives a transaction, so another process may apply a file between our look and our
	// try, and ours fails. It made progress then, and the next try starts behind it.
	for {
		before, err := versionSQLite(ctx, db)
		if err != nil {
			return err
		}
		_, err = p.Up(ctx)
		if err == nil {
			return nil
		}
		if after, errAfter := versionSQLite(ctx, db); errAfter != nil || after == before {
			return fmt.Errorf("migrate: %w", err)
		}
	}
}

// claim writes the application_id into a file that has no content.
func claim(ctx context.Context, db *sql.DB) error {
	const (
		identity = `SELECT (SELECT application_id FROM pragma_application_id), (SELECT count(*) FROM sqlite_schema)`
		set      = `PRAGMA application_id = %d`
	)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var id, objects int64
	if err := tx.QueryRowContext(ctx, identity).Scan(&id, &objects); err != nil {
		return err
	}
	switch {
	case id == ApplicationID:
		return nil
	case id != 0 || objects != 0:
		return ErrForeign
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf(set, ApplicationID)); err != nil {
		return err
	}
	return tx.Commit()
}

// versionSQLite is the number of the last migration that was applied, 0 for none.
func versionSQLite(ctx context.Context, db *sql.DB) (int64, error) {
	const (
		identity = `SELECT (SELECT application_id FROM pragma_application_id),
			(SELECT count(*) FROM sqlite_schema),
			(SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = '` + tableSQLite + `')`
		version = `SELECT coalesce(max(version_id), 0) FROM ` + tableSQLite + ` WHERE is_applied`
	)
	var id, objects, tables int64
	if err := db.QueryRowContext(ctx, identity).Scan(&id, &objects, &tables); err != nil {
		return 0, err
	}
	switch {
	case id == 0 && objects == 0:
		return 0, nil
	case id != ApplicationID:
		return 0, ErrForeign
	case tables == 0 && objects > 0:
		return 0, fmt.Errorf("%w: no such table: %s", ErrDamaged, tableSQLite)
	case tables == 0:
		return 0, nil
	}
	var v int64
	err := db.QueryRowContext(ctx, version).Scan(&v)
	return v, err
}
