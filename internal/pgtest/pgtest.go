// Package pgtest gives tests a PostgreSQL database of their own.
//
// The environment variable SOQUY_TEST_POSTGRES is the URL of a superuser on a server for tests, which
// scripts/postgres.sh starts. Without it such tests are skipped, except in continuous integration (CI=true), where they
// fail: a suite that was never run must not look green.
package pgtest

import (
	"context"
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// env names the variable with the server's URL.
const env = "SOQUY_TEST_POSTGRES"

// patience is how long making or dropping a database may take: the server copies files, and syncs them.
const patience = 60 * time.Second

// Database makes a new empty database, drops it when the test ends, and returns its URL.
func Database(t testing.TB) string {
	t.Helper()
	server := Server(t)
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("%s: %v", env, err)
	}
	name := "soquy_test_" + strings.ToLower(rand.Text()[:16])
	exec(t, server, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	t.Cleanup(func() { exec(t, server, "DROP DATABASE "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)") })
	u.Path = "/" + name
	return u.String()
}

// Server returns the URL of the server for tests, or skips the test.
func Server(t testing.TB) string {
	t.Helper()
	server := os.Getenv(env)
	if server == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set: the tests on PostgreSQL must run here", env)
		}
		t.Skipf("%s is not set: export %s=$(scripts/postgres.sh start) to run the tests on PostgreSQL", env, env)
	}
	return server
}

func exec(t testing.TB, server, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		t.Fatalf("connect to %s: %v", env, err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}
