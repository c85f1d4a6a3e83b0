// Package postgres keeps the log in the schema "soquy" of a PostgreSQL database, of version 14 or later.
//
// What it guarantees: an append is one transaction, which begins by locking the ledger's row, so a ledger has one writer
// at a time among all processes and machines, and different ledgers do not wait for each other. A note that Append
// returned was committed durably: a session whose synchronous_commit is off is turned to on. Where the outcome of a COMMIT
// cannot be known, Append says ErrOutcomeUnknown and not more: the connection broke, or the server warned that a
// synchronous standby was not waited for. A writer that disappears, or stops inside a transaction, is thrown out by the
// server within ten seconds, and its row lock with it. Triggers refuse to change, delete or truncate events, on every
// partition.
//
// Its weaknesses: a server with fsync off, or on a disk that lies, loses commits that were acknowledged; nothing can be
// seen from here. Whoever owns the tables may drop the triggers; that the past was changed is then seen by `verify`, not
// prevented. Deleted private texts stay in the server's files until VACUUM and later writes reuse the space, in its WAL
// until that is recycled, and in every backup of both. A pooler in front of the server must keep a session for a whole
// transaction and know prepared statements.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/migrations"
)

// A Joiner takes part in the transaction of an append: read models that money depends on. An error undoes the append.
// What it does comes after the events were inserted, in the order in which joiners were given to Open. It must neither
// commit nor roll back. Its tx has two methods more than a pgx.Tx: Queue puts a statement among those that are sent with the
// commit, which saves a round trip, and AtEnd tells when the transaction is over.
type Joiner func(ctx context.Context, tx pgx.Tx, b *eventstore.Batch) error

// A Mode says what Open may do to the database.
type Mode int

const (
	// ReadOnly never writes: all its transactions are READ ONLY. The schema must be that of this program.
	ReadOnly Mode = iota
	// ReadWrite opens a database that has the tables, and brings an older schema up to date.
	ReadWrite
	// Create is ReadWrite, and makes the tables where there are none.
	Create
)

// Options say how Open opens a database.
type Options struct {
	Mode Mode
}

// A Store is one database. It implements eventstore.Store.
//
// Its readers and its writers have a pool each: a writer that holds a ledger's lock reads what it missed, and must not
// wait for a connection that writers who wait for the lock have.
type Store struct {
	read    *pgxpool.Pool
	write   *pgxpool.Pool // nil when read-only
	joiners []Joiner

	partitions atomic.Int64 // the partitions of events are there up to this position for sure
}

var _ eventstore.Store = (*Store)(nil)

// Open connects to the database that a URL (or a keyword/value string) names, as opt.Mode says. The size of the pools and
// everything else that pgxpool.ParseConfig and the server know can be set in the URL; what is set there wins over what
// this package would set. Errors: eventstore.ErrForeign, ErrNewer, ErrOlder and ErrNoSchema (as the mode allows), *RightsError,
// ErrReplica, *AddressError.
func Open(ctx context.Context, url string, opt Options, joiners ...Joiner) (*Store, error) {
	s := &Store{joiners: joiners}
	if err := s.open(ctx, url, opt.Mode); err != nil {
		_ = s.Close()
		return nil, wrap("open the database", err)
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, url string, mode Mode) error {
	config, err := configure(url)
	if err != nil {
		return err
	}
	if err := migrate(ctx, config, mode); err != nil {
		return err
	}
	if s.read, err = pgxpool.NewWithConfig(ctx, readers(config)); err != nil || mode == ReadOnly {
		return err
	}
	s.write, err = pgxpool.NewWithConfig(ctx, writers(config))
	return err
}

// migrate checks the schema and, as the mode allows, makes it or brings it up to date.
func migrate(ctx context.Context, config *pgxpool.Config, mode Mode) error {
	db := stdlib.OpenDB(*migrators(config))
	defer db.Close()
	if err := lookAround(ctx, db, mode); err != nil {
		return err
	}
	err := migrations.Check(ctx, db, migrations.Postgres)
	switch {
	case err == nil:
		return checkRights(ctx, db, mode)
	case errors.Is(err, migrations.ErrNoSchema) && mode == Create, errors.Is(err, migrations.ErrOlder) && mode != ReadOnly:
		return cannotMake(ctx, db, err, migrations.Up(ctx, db, migrations.Postgres))
	}
	return err
}

// Close ends all connections. It waits for transactions that are open.
func (s *Store) Close() error {
	for _, pool := range []*pgxpool.Pool{s.write, s.read} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}

// What a View and a Write begin with. A Write is bound by no timeout: a read model that is rebuilt takes its time.
const (
	beginView  = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`
	beginWrite = `BEGIN ISOLATION LEVEL READ COMMITTED;
		SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0`
)

// View calls f in one REPEATABLE READ READ ONLY transaction, so that all it reads is of one state of the database.
// Appends go on meanwhile; a View that lasts keeps VACUUM from cleaning up behind them.
func (s *Store) View(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginView})
	if err != nil {
		return wrap("read", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	return f(ctx, tx)
}

// Pools returns the figures of the connection pools by name: "read" and, of a store that writes, "write".
func (s *Store) Pools() map[string]*pgxpool.Stat {
	pools := map[string]*pgxpool.Stat{"read": s.read.Stat()}
	if s.write != nil {
		pools["write"] = s.write.Stat()
	}
	return pools
}

// Write calls f in one transaction, for read models that are rebuilt. It commits when f returns nil.
func (s *Store) Write(ctx context.Context, f func(ctx context.Context, tx pgx.Tx) error) error {
	if s.write == nil {
		return wrap("write", eventstore.ErrReadOnly)
	}
	tx, err := s.write.BeginTx(ctx, pgx.TxOptions{BeginQuery: beginWrite})
	if err != nil {
		return wrap("write", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx))
	if err := f(ctx, tx); err != nil {
		return err
	}
	return wrap("write", tx.Commit(ctx))
}

func (m Mode) String() string {
	switch m {
	case ReadOnly:
		return "read-only"
	case ReadWrite:
		return "read-write"
	case Create:
		return "create"
	}
	return fmt.Sprintf("Mode(%d)", int(m))
}
