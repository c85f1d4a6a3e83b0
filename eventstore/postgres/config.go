package postgres

import (
	"context"
	"errors"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// schema is where all our tables are, reporting where the views for dashboards are.
const (
	schema    = "soquy"
	reporting = "reporting"
)

// What a session is told where the URL does not say otherwise. Times are in milliseconds, as the server counts them.
const (
	// poolSize is the most connections of each pool: readers at once, and ledgers that are appended to at once.
	poolSize = "10"
	// statementTimeout ends a statement of a writer that runs away. An append's statements take milliseconds.
	statementTimeout = "30000"
	// readTimeout ends a statement of a reader: no question takes long, but whoever pages through an answer holds it up.
	readTimeout = "300000"
	// lockTimeout is how long an append waits for another writer of its ledger before ErrLocked.
	lockTimeout = "10000"
	// idleTimeout ends a session that holds a transaction open and does nothing, such as one whose process hangs.
	// With lockTimeout it says for how long a writer that fell silent can hold up the others.
	idleTimeout = "8000"
	// checkInterval is how often the server looks, while a statement runs, whether the client is still there.
	checkInterval = "5000"
	// userTimeout is for how long the server keeps a connection whose client does not acknowledge what was sent.
	userTimeout = "30000"
)

// How a connection is made and watched, where the URL does not say otherwise.
const (
	// connectTimeout is how long one host of the URL is waited for; there may be others.
	connectTimeout = 5 * time.Second
	// A server that does not answer keepIdle after the last byte, keepCount times keepEvery apart, is gone.
	keepIdle  = 5 * time.Second
	keepEvery = 5 * time.Second
	keepCount = 3
)

// unlessGiven sets what a session is told, unless the URL says it.
func unlessGiven(config *pgxpool.Config, name, value string) {
	if params := config.ConnConfig.RuntimeParams; params[name] == "" {
		params[name] = value
	}
}

// writers is the configuration of the writers' pool.
func writers(config *pgxpool.Config) *pgxpool.Config {
	config = config.Copy()
	unlessGiven(config, "statement_timeout", statementTimeout)
	unlessGiven(config, "plan_cache_mode", "force_generic_plan") // an append's statements have one good plan,
	unlessGiven(config, "enable_bitmapscan", "off")              // and it never goes through all versions of a row to sort them
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if err := afterConnect(ctx, conn); err != nil {
			return err
		}
		registerUUID(conn.TypeMap())
		return registerRecords(ctx, conn)
	}
	return config
}

// configure makes what the configurations of both pools of a URL have in common.
func configure(url string) (*pgxpool.Config, error) {
	// pgxpool has no way to say whether the size was given.
	if !strings.Contains(url, "pool_max_conns") {
		url = withParameter(url, "pool_max_conns", poolSize)
	}
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, addressError(err)
	}
	unlessGiven(config, "application_name", schema)
	unlessGiven(config, "lock_timeout", lockTimeout)
	unlessGiven(config, "idle_in_transaction_session_timeout", idleTimeout)
	// A prepared statement keeps the plan that was made while its table was small: never one that reads all of it.
	unlessGiven(config, "enable_seqscan", "off")
	unlessGiven(config, "jit", "off")
	config.ConnConfig.RuntimeParams["search_path"] = schema
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = connectTimeout
	}
	dialer := &net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepEvery, Count: keepCount}}
	config.ConnConfig.DialFunc = dialer.DialContext
	config.ConnConfig.OnNotice = noteWarning
	config.AfterConnect = afterConnect
	return config, nil
}

// readers is the configuration of the readers' pool.
func readers(config *pgxpool.Config) *pgxpool.Config {
	config = config.Copy()
	unlessGiven(config, "statement_timeout", readTimeout)
	config.ConnConfig.RuntimeParams["idle_in_transaction_session_timeout"] = "0" // a view lasts as long as its reader, and locks nothing
	// Not in the parameters that the session begins with: the server of target_session_attrs=read-write would be taken for a replica.
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		registerUUID(conn.TypeMap())
		_, err := conn.Exec(ctx, `SET default_transaction_read_only = on`)
		return err
	}
	return config
}

// migrators is the configuration of the connections that check and change the tables, which takes as long as it takes.
func migrators(config *pgxpool.Config) *pgx.ConnConfig {
	c := config.ConnConfig.Copy()
	c.RuntimeParams["statement_timeout"] = "0"
	c.RuntimeParams["lock_timeout"] = "0"
	return c
}

// withParameter adds a parameter to a URL or a keyword/value string.
func withParameter(url, name, value string) string {
	switch {
	case !strings.HasPrefix(url, "postgres://") && !strings.HasPrefix(url, "postgresql://"):
		return url + " " + name + "=" + value
	case strings.Contains(url, "?"):
		return url + "&" + name + "=" + value
	}
	return url + "?" + name + "=" + value
}

// afterConnect sets what a server may not have, or may have better: it is no reason not to connect.
func afterConnect(ctx context.Context, conn *pgx.Conn) error {
	const settings = `SELECT set_config(name, value, false) FROM (VALUES
			('client_connection_check_interval', '` + checkInterval + `', '0'),
			('tcp_user_timeout', '` + userTimeout + `', '0'),
			('synchronous_commit', 'on', 'off')
		) AS v (name, value, unset)
		WHERE current_setting(name, true) = unset`
	_, err := conn.Exec(ctx, settings)
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		// The system that the server runs on has no such thing. What every system has is asked for alone.
		_, err = conn.Exec(ctx, `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`)
	}
	return err
}
