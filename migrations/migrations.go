// Package migrations makes and checks the tables of both databases.
//
// The files in sqlite/ and postgres/ have the same numbers and names. They go forward only: a database is never taken
// back to an older schema. Each file is applied in one transaction together with its row in goose's version table, so a
// crash leaves a schema between two files, never inside one, and the next [Up] goes on from there.
//
// Nothing of another program is touched. An SQLite file is ours when its application_id is [ApplicationID]; only a file
// without any content is given it. In PostgreSQL everything of ours, goose's table too, is in the schema "soquy", and the
// views for dashboards are in "reporting"; those that somebody else made are refused, and other schemas are left alone.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

// A Dialect names one of the two databases.
type Dialect string

// The databases that the tables exist for.
const (
	SQLite   Dialect = "sqlite"
	Postgres Dialect = "postgres"
)

var (
	// ErrNoSchema: the database has no tables of this program yet, or the first migration was never completed.
	ErrNoSchema = errors.New("no soquy schema")
	// ErrNewer: the schema was made by a newer version of this program.
	ErrNewer = errors.New("schema is newer than this program")
	// ErrOlder: the schema was made by an older version of this program; Up brings it up to date.
	ErrOlder = errors.New("schema is older than this program")
	// ErrDamaged: the database has tables of this program, but not the one that says of which version.
	ErrDamaged = errors.New("schema has lost its version")
	// ErrForeign: the database or its schema "soquy" or "reporting" belongs to another program.
	ErrForeign = errors.New("database belongs to another program")
)

//go:embed sqlite/*.sql postgres/*.sql
var files embed.FS

// Up brings an empty or older database to the schema of this program. Several processes may call it at once.
// Errors: ErrForeign, ErrNewer, ErrDamaged (nothing is changed).
func Up(ctx context.Context, db *sql.DB, dialect Dialect) error {
	err := Check(ctx, db, dialect)
	if !errors.Is(err, ErrNoSchema) && !errors.Is(err, ErrOlder) {
		return err
	}
	switch dialect {
	case SQLite:
		return upSQLite(ctx, db)
	default:
		return upPostgres(ctx, db)
	}
}

// Check says whether the database has exactly the schema of this program, and writes nothing.
// Errors: ErrNoSchema, ErrNewer, ErrOlder, ErrDamaged, ErrForeign.
func Check(ctx context.Context, db *sql.DB, dialect Dialect) error {
	want, err := Latest(dialect)
	if err != nil {
		return err
	}
	have, err := Version(ctx, db, dialect)
	switch {
	case err != nil:
		return err
	case have == 0:
		return ErrNoSchema
	case have < want:
		return fmt.Errorf("%w: version %d, this program makes %d", ErrOlder, have, want)
	case have > want:
		return fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, have, want)
	}
	return nil
}

// Version is the number of the last migration that was applied, 0 for none. Errors: ErrDamaged, ErrForeign.
func Version(ctx context.Context, db *sql.DB, dialect Dialect) (int64, error) {
	switch dialect {
	case SQLite:
		return versionSQLite(ctx, db)
	case Postgres:
		return versionPostgres(ctx, db)
	}
	return 0, fmt.Errorf("migrations: unknown dialect %q", dialect)
}

// Latest is the number of the last migration of a dialect that this program knows.
func Latest(dialect Dialect) (int64, error) {
	names, err := fs.Glob(files, string(dialect)+"/*.sql")
	if err != nil {
		return 0, err
	}
	var last int64
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, fmt.Errorf("migrations: %s: %w", name, err)
		}
		last = max(last, n)
	}
	if last == 0 {
		return 0, fmt.Errorf("migrations: unknown dialect %q", dialect)
	}
	return last, nil
}

// provider is goose for one dialect's files, without its global registry and its log.
func provider(gd goose.Dialect, db *sql.DB, dialect Dialect, table string) (*goose.Provider, error) {
	dir, err := fs.Sub(files, string(dialect))
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(gd, db, dir,
		goose.WithTableName(table), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}
