package app

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/projections"
	postgresmodels "github.com/soquy/soquy/projections/postgres"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// A mode says what a database is opened for.
type mode int

const (
	modeRead mode = iota
	modeWrite
	modeCreate
)

// database is one open database: its log, and its read models.
type database interface {
	eventstore.Store
	// view calls f with one state of the database. long says that it is for reading all there is, however long that takes.
	view(ctx context.Context, ledger uuid.UUID, long bool, f func(context.Context, state) error) error
	rebuild(ctx context.Context, ledger uuid.UUID, names []string, events projections.Events, report projections.Report) error
	// clock returns the server's clock, or nil when there is no server.
	clock() func(context.Context) (time.Time, error)
}

// state is what one read transaction sees of a ledger.
type state interface {
	Head(ctx context.Context) (eventstore.Head, error)
	Check(ctx context.Context, expected *projections.Fold, through int64) ([]projections.Checked, error)
	Loose(ctx context.Context, head int64) ([]projections.Mismatch, error)
	digester
	readModels
}

// readModels answers questions.
type readModels interface {
	projections.Balances
	projections.Totals
	projections.Persons
	projections.Vouchers
	projections.Donors
	projections.Indicators
	projections.Units
	projections.Funds
	projections.Goods
}

// isPostgres reports whether a database is named as one of PostgreSQL: by a URL, or by keywords and values.
func isPostgres(db string) bool { return cli.KindOf(db) == cli.PostgresDatabase }

// addressed refuses a name of a database that is neither PostgreSQL's nor can be meant as a file, and does not repeat it: it may
// hold a password.
func addressed(db string) error {
	if cli.KindOf(db) == cli.UnknownDatabase {
		return failure("database.address", cli.ExitUsage, nil, "path", cli.WithoutPassword(db))
	}
	return nil
}

func openDatabase(ctx context.Context, db string, m mode) (database, error) {
	if err := addressed(db); err != nil {
		return nil, err
	}
	if isPostgres(db) {
		models := postgresmodels.New()
		store, err := postgres.Open(ctx, db, postgres.Options{Mode: postgres.Mode(m)}, models.Join)
		if err != nil {
			return nil, err
		}
		return &postgresDatabase{store, models}, nil
	}
	models := sqlitemodels.New()
	store, err := sqlite.Open(db, sqlite.Options{Mode: sqlite.Mode(m)}, models.Join)
	if err != nil {
		return nil, err
	}
	return &sqliteDatabase{store, models}, nil
}

// keyring is where the keys of a database's ledgers are: beside an SQLite file, else in the user's configuration.
func (a *App) keyring(db string) ledger.Keyring {
	if !isPostgres(db) {
		return ledger.Keyring{Dir: db + ".keys"}
	}
	if dir := a.env("SOQUY_KEYS"); dir != "" {
		return ledger.Keyring{Dir: dir}
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		dir = "." // no home: beside where the program runs
	}
	return ledger.Keyring{Dir: filepath.Join(dir, "soquy", "keys")}
}

// shown is how a database is named to people: without a password.
func shown(db string) string { return cli.WithoutPassword(db) }

type sqliteDatabase struct {
	*sqlite.Store
	models *sqlitemodels.Projections
}

type sqliteState struct {
	*sqlitemodels.Reader
	db     *sqliteDatabase
	tx     *sql.Tx
	ledger uuid.UUID
}

func (d *sqliteDatabase) view(ctx context.Context, id uuid.UUID, _ bool, f func(context.Context, state) error) error {
	return d.View(ctx, func(ctx context.Context, tx *sql.Tx) error {
		return f(ctx, &sqliteState{d.models.Reader(tx, id), d, tx, id})
	})
}

func (s *sqliteState) Head(ctx context.Context) (eventstore.Head, error) {
	return s.db.HeadTx(ctx, s.tx, s.ledger)
}

func (s *sqliteState) Check(ctx context.Context, expected *projections.Fold, through int64) ([]projections.Checked, error) {
	return s.db.models.Check(ctx, s.tx, s.ledger, expected, through)
}

func (s *sqliteState) Loose(ctx context.Context, head int64) ([]projections.Mismatch, error) {
	return s.db.models.Loose(ctx, s.tx, s.ledger, head)
}

func (d *sqliteDatabase) rebuild(ctx context.Context, id uuid.UUID, names []string, events projections.Events, report projections.Report) error {
	return d.models.Rebuild(ctx, d.Store, id, names, events, report)
}

func (d *sqliteDatabase) clock() func(context.Context) (time.Time, error) { return nil }

type postgresDatabase struct {
	*postgres.Store
	models *postgresmodels.Projections
}

type postgresState struct {
	*postgresmodels.Reader
	db     *postgresDatabase
	tx     pgx.Tx
	ledger uuid.UUID
	head   func(context.Context) (eventstore.Head, error)
}

func (d *postgresDatabase) view(ctx context.Context, id uuid.UUID, long bool, f func(context.Context, state) error) error {
	return d.ViewLedger(ctx, id, long, func(ctx context.Context, tx pgx.Tx, head func(context.Context) (eventstore.Head, error)) error {
		return f(ctx, &postgresState{d.models.Reader(tx, id), d, tx, id, head})
	})
}

func (s *postgresState) Head(ctx context.Context) (eventstore.Head, error) { return s.head(ctx) }

func (s *postgresState) Check(ctx context.Context, expected *projections.Fold, through int64) ([]projections.Checked, error) {
	return s.db.models.Check(ctx, s.tx, s.ledger, expected, through)
}

func (s *postgresState) Loose(ctx context.Context, head int64) ([]projections.Mismatch, error) {
	return s.db.models.Loose(ctx, s.tx, s.ledger, head)
}

func (d *postgresDatabase) rebuild(ctx context.Context, id uuid.UUID, names []string, events projections.Events, report projections.Report) error {
	return d.models.Rebuild(ctx, d.Store, id, names, events, report)
}

func (d *postgresDatabase) clock() func(context.Context) (time.Time, error) {
	const query = `SELECT clock_timestamp()`
	return func(ctx context.Context) (now time.Time, err error) {
		err = d.View(ctx, func(ctx context.Context, tx pgx.Tx) error { return tx.QueryRow(ctx, query).Scan(&now) })
		return now, err
	}
}
