//go:build unix

package cluster_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/internal/cluster"
)

// TestKillAndRestart: what was committed is there after all processes were killed, on the same address.
func TestKillAndRestart(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Config: map[string]string{"max_connections": "23"}})
	if got := c.Text(`SELECT current_setting('fsync') || current_setting('max_connections')`); got != "on23" {
		t.Fatalf("fsync and max_connections are %s", got)
	}
	c.Exec(`CREATE TABLE t AS SELECT 1 AS n`)
	url := c.URL()
	c.Kill()
	if c.Running() {
		t.Fatal("runs after Kill")
	}
	c.Restart()
	if got := c.Text(`SELECT count(*)::text FROM t`); got != "1" || c.URL() != url {
		t.Fatalf("after Kill: %s rows at %s", got, c.URL())
	}
	c.Stop(cluster.Immediate)
	c.Restart()
	c.Stop(cluster.Fast)
	c.Restart()
	if got := c.Text(`SELECT count(*)::text FROM t`); got != "1" {
		t.Fatalf("after Stop: %s rows", got)
	}
}

// TestStandby: a standby has what a synchronous primary committed, and takes writes once it is promoted.
func TestStandby(t *testing.T) {
	primary := cluster.Start(t, cluster.Options{})
	standby := primary.Standby("second", cluster.Options{})
	primary.Synchronous("second")
	primary.Exec(`CREATE TABLE t AS SELECT 1 AS n`)
	primary.WaitCaughtUp(standby)
	primary.Exec(`INSERT INTO t VALUES (2)`)
	primary.Kill()
	standby.Promote()
	standby.Exec(`INSERT INTO t VALUES (3)`)
	if got := standby.Text(`SELECT string_agg(n::text, ' ' ORDER BY n) FROM t`); got != "1 2 3" {
		t.Fatalf("the standby has %s", got)
	}
}

// TestRestore: a backup is restored to a moment between two commits.
func TestRestore(t *testing.T) {
	c := cluster.Start(t, cluster.Options{Config: cluster.Archived()})
	c.Exec(`CREATE TABLE t AS SELECT 1 AS n`)
	b := c.BaseBackup()
	c.Exec(`INSERT INTO t VALUES (2)`)
	now, err := time.Parse(time.RFC3339Nano, c.Text(`SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.USZ')`))
	if err != nil {
		t.Fatal(err)
	}
	c.Exec(`INSERT INTO t VALUES (3)`)
	c.ArchiveAll()
	r := b.Restore(now)
	r.Exec(`INSERT INTO t VALUES (4)`)
	if got := r.Text(`SELECT string_agg(n::text, ' ' ORDER BY n) FROM t`); got != "1 2 4" {
		t.Fatalf("restored: %s", got)
	}
}

// TestRemoved: nothing is left when the test that had the cluster ends.
func TestRemoved(t *testing.T) {
	cluster.Require(t)
	var dir, url string
	t.Run("a test", func(t *testing.T) {
		c := cluster.Start(t, cluster.Options{})
		dir, url = c.Data(), c.URL()
	})
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", dir, err)
	}
	if conn, err := pgx.Connect(t.Context(), url); err == nil {
		t.Errorf("the server still answers: %v", conn.Close(t.Context()))
	}
}
