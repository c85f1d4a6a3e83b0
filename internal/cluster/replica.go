//go:build unix

package cluster

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Standby makes a standby of the cluster, a copy that follows by streaming replication under the given name, and starts it.
func (c *Cluster) Standby(name string, o Options) *Cluster {
	c.t.Helper()
	s := c.copy(o)
	conninfo := fmt.Sprintf("host=127.0.0.1 port=%d user=postgres password=%s application_name=%s", c.port, c.password, name)
	s.write(filepath.Join(s.Data(), "standby.signal"), "")
	s.begin(with(o.Config, map[string]string{"primary_conninfo": conninfo, "synchronous_standby_names": ""}))
	return s
}

// copy takes a base backup of the cluster into a new folder.
func (c *Cluster) copy(o Options) *Cluster {
	c.t.Helper()
	s := prepare(c.t, o)
	s.password = c.password
	s.run("pg_basebackup", "-D", s.Data(), "-d", c.URL(), "--checkpoint=fast", "--wal-method=stream", "--no-sync")
	return s
}

// with returns settings with others added, which the first ones win over.
func with(config, more map[string]string) map[string]string {
	all := make(map[string]string, len(config)+len(more))
	for k, v := range more {
		all[k] = v
	}
	for k, v := range config {
		all[k] = v
	}
	return all
}

// Synchronous makes every commit of the cluster wait until the standby of a name has it on disk.
func (c *Cluster) Synchronous(name string) {
	c.t.Helper()
	c.Configure(map[string]string{"synchronous_standby_names": name})
	c.Reload()
	c.await("the standby "+name+" to be synchronous", func() bool {
		return c.Text(`SELECT count(*)::text FROM pg_stat_replication WHERE application_name = $1 AND sync_state = 'sync'`, name) == "1"
	})
}

// WaitCaughtUp waits until a standby has replayed all that the cluster has written so far.
func (c *Cluster) WaitCaughtUp(standby *Cluster) {
	c.t.Helper()
	at := c.Text(`SELECT pg_current_wal_flush_lsn()::text`)
	c.await("the standby to catch up", func() bool {
		return standby.Text(`SELECT coalesce(pg_last_wal_replay_lsn() >= $1::pg_lsn, false)::text`, at) == "true"
	})
}

// Promote makes a standby a primary that takes writes, and waits until it does.
func (c *Cluster) Promote() {
	c.t.Helper()
	c.Exec(`SELECT pg_promote(wait => true, wait_seconds => 60)`)
	c.await("the promotion", func() bool { return c.Text(`SELECT pg_is_in_recovery()::text`) == "false" })
}

func (c *Cluster) await(what string, yes func() bool) {
	c.t.Helper()
	if err := await(what, func() (bool, error) { return yes(), nil }); err != nil {
		c.t.Fatal(err)
	}
}

// A Backup is a base backup of a cluster.
type Backup struct {
	c   *Cluster // not started
	dir string   // the archive
}

// Archived is Options.Config of a cluster whose WAL is archived, to Archive.
func Archived() map[string]string {
	return map[string]string{"archive_mode": "on", "archive_timeout": "1s"}
}

// BaseBackup takes a base backup of the running cluster, without the WAL that is archived.
func (c *Cluster) BaseBackup() *Backup {
	c.t.Helper()
	b := prepare(c.t, Options{})
	b.password = c.password
	b.run("pg_basebackup", "-D", b.Data(), "-d", c.URL(), "--checkpoint=fast", "--wal-method=none", "--no-sync")
	return &Backup{b, c.Archive()}
}

// ArchiveAll waits until all that was written so far is in the archive.
func (c *Cluster) ArchiveAll() {
	c.t.Helper()
	// The point is written for its own sake: a file to which nothing was written since the last switch is not switched, nor archived.
	file := c.Text(`SELECT pg_walfile_name(pg_create_restore_point('archived'))`)
	c.Exec(`SELECT pg_switch_wal()`)
	c.await("the archive", func() bool {
		_, err := os.Stat(filepath.Join(c.Archive(), file))
		return err == nil
	})
}

// Restore starts the backup as a cluster of its own, recovered from the archive up to a time, or to the end of the archive when that
// is zero, and waits until it takes writes. A backup can be restored once.
func (b *Backup) Restore(until time.Time) *Cluster {
	b.c.t.Helper()
	config := map[string]string{
		"restore_command":           fmt.Sprintf(`cp "%s/%%f" "%%p"`, strings.ReplaceAll(b.dir, `%`, `%%`)),
		"recovery_target_action":    "promote",
		"archive_mode":              "off",
		"synchronous_standby_names": "",
	}
	if !until.IsZero() {
		config["recovery_target_time"] = instant(until)
	}
	b.c.write(filepath.Join(b.c.Data(), "recovery.signal"), "")
	b.c.begin(config)
	b.c.await("the recovery", func() bool { return b.c.Text(`SELECT pg_is_in_recovery()::text`) == "false" })
	return b.c
}
