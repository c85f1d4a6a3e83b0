package migrations

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/pressly/goose/v3"
)

// tablePostgres is goose's version table, in our schema like everything else.
const tablePostgres = "soquy.goose_db_version"

// lockPostgres is the key of the advisory lock under which the tables are changed: "soquy" as a number.
const lockPostgres = int64('s')<<32 | 'o'<<24 | 'q'<<16 | 'u'<<8 | 'y'

// upPostgres makes the schema and applies what is missing, one process at a time. Goose's own lock does not do: it is taken
// only after goose has made its table, which is in the schema that is made here, and it asks once a second.
func upPostgres(ctx context.Context, db *sql.DB) error {
	const (
		lock   = `SELECT pg_advisory_lock($1)`
		unlock = `SELECT pg_advisory_unlock($1)`
		exists = `SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)`
		create = `CREATE SCHEMA `
	)
	conn, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := conn.ExecContext(ctx, lock, lockPostgres); err != nil {
		return fmt.Errorf("lock the schema: %w", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), unlock, lockPostgres)
	if err := reportingIsFree(ctx, conn); err != nil {
		return err
	}
	for _, schema := range []string{"soquy", reporting} {
		// IF NOT EXISTS asks for the right to create schemas also where an administrator made ours before.
		var have bool
		if err := conn.QueryRowContext(ctx, exists, schema).Scan(&have); err != nil {
			return err
		}
		if !have {
			if _, err := conn.ExecContext(ctx, create+schema); err != nil {
				return fmt.Errorf("make the schema %s: %w", schema, err)
			}
		}
	}
	p, err := provider(goose.DialectPostgres, db, Postgres, tablePostgres)
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return nil
}

// reporting is the schema of the views for dashboards, since the migration reportingVersion.
const (
	reporting        = "reporting"
	reportingVersion = 3
)

// reportingIsFree refuses a database in which another program has a schema of that name. An empty one was made for us.
func reportingIsFree(ctx context.Context, conn *sql.Conn) error {
	const (
		used = `SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1)
			OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = $1)
			OR EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = $1)`
		made = `SELECT to_regclass('` + tablePostgres + `') IS NOT NULL`
		ours = `SELECT EXISTS (SELECT FROM ` + tablePostgres + ` WHERE is_applied AND version_id >= $1)`
	)
	var inUse, tables, applied bool
	if err := conn.QueryRowContext(ctx, used, reporting).Scan(&inUse); err != nil || !inUse {
		return err
	}
	if err := conn.QueryRowContext(ctx, made).Scan(&tables); err != nil {
		return err
	}
	if tables {
		if err := conn.QueryRowContext(ctx, ours, reportingVersion).Scan(&applied); err != nil {
			return err
		}
	}
	if !applied {
		return fmt.Errorf("%w: its schema %s is not empty", ErrForeign, reporting)
	}
	return nil
}

// versionPostgres is the number of the last migration that was applied, 0 for none.
func versionPostgres(ctx context.Context, db *sql.DB) (int64, error) {
	// A schema that is there without goose's table is of somebody else, unless it is empty: Up makes it in a
	// transaction of its own, just before goose makes the table.
	const (
		identity = `SELECT to_regclass('` + tablePostgres + `') IS NOT NULL,
			EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'soquy')
			OR EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'soquy')
			OR EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE n.nspname = 'soquy')`
		version = `SELECT coalesce(max(version_id), 0) FROM ` + tablePostgres + ` WHERE is_applied`
	)
	var ours, used bool
	if err := db.QueryRowContext(ctx, identity).Scan(&ours, &used); err != nil {
		return 0, err
	}
	switch {
	case !ours && used:
		return 0, fmt.Errorf("%w: its schema soquy has no table %s", ErrForeign, tablePostgres)
	case !ours:
		return 0, nil
	}
	var v int64
	err := db.QueryRowContext(ctx, version).Scan(&v)
	return v, err
}
