//go:build unix

package faults_test

import (
	"context"
	"testing"
	"time"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/cluster"
)

// TestPointInTime restores a base backup, which was taken while clients recorded, to a moment between two answers, on another cluster.
// The log there is whole up to that moment: it has all that was answered before it, and nothing that was sent after it. Nothing is
// recorded in it, because the head file knows of more.
func TestPointInTime(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, cluster.Options{Config: cluster.Archived()})
	w := newWorld(t, c.URL(), c.URL())
	l := w.load(4)
	l.more(50)
	backup := c.BaseBackup()
	l.more(50)
	l.stop()
	w.check()
	before := w.log(w.direct)
	until := serverClock(t, c)
	l = w.load(4)
	l.more(50)
	l.stop()
	w.close() // and the head file is written
	w.check()
	c.ArchiveAll()

	restored := cli.Target{DB: backup.Restore(until).URL()}
	after := w.log(restored)
	if len(after) != len(before) {
		t.Errorf("restored to a moment with %d commands, it has %d", len(before), len(after))
	}
	for id, s := range before {
		if got := after[id]; got == nil || got.first != s.first || len(got.events) != len(s.events) {
			t.Errorf("command %s of before that moment is not restored as it was", id)
		}
	}
	w.rolledBack(restored, int64(len(before))+1)

	// Where the head file is not, on another machine, the log is sound by itself.
	elsewhere := &world{t: t, app: app.New(func(string) string { return t.TempDir() })}
	if v := elsewhere.verify(restored); v.Events != int64(len(before))+1 {
		t.Errorf("verify says that the log goes to %d, want %d", v.Events, len(before)+1)
	}

	// Somebody takes the loss: the log says so, in one event, and recording goes on.
	if _, err := w.app.AcceptLoss(t.Context(), restored, nil); err != nil {
		t.Fatalf("accept the loss: %v", err)
	}
	w.target, w.direct = restored, restored
	w.open()
	w.recovers()
	if v := w.verify(restored); v.Events != int64(len(before))+3 {
		t.Errorf("after ledger.forked and a donation the log goes to %d, want %d", v.Events, len(before)+3)
	}
}

// rolledBack checks that a ledger that ends at a position earlier than the head file says so, and takes no commands.
func (w *world) rolledBack(target cli.Target, ends int64) {
	w.t.Helper()
	v, err := w.app.Verify(w.t.Context(), target, nil)
	if err != nil {
		w.t.Fatalf("verify: %v", err)
	}
	if v.Events != ends {
		w.t.Errorf("verify says that the log goes to %d, want %d", v.Events, ends)
	}
	// All that is wrong is that more was committed once; the log that is there is sound.
	if len(v.Failures) != 1 || v.Failures[0].Position != ends+1 {
		w.t.Errorf("verify says %+v, want one failure, at %d", v.Failures, ends+1)
	}
	writer, err := w.app.Writer(w.t.Context(), target, nil)
	if w.failure(err) != "ledger.rolled_back" {
		w.t.Errorf("record after a restore: %q: %v", w.failure(err), err)
	}
	if err == nil {
		_ = writer.Close()
	}
}

// serverClock is the time as the server of a cluster has it: that by which its commits are dated.
func serverClock(t *testing.T, c *cluster.Cluster) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, c.Text(`SELECT to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`))
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestRestoreToTheEnd recovers a base backup and the whole archive: nothing is lost, so recording goes on without more ado.
func TestRestoreToTheEnd(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, cluster.Options{Config: cluster.Archived()})
	w := newWorld(t, c.URL(), c.URL())
	l := w.load(4)
	l.more(50)
	backup := c.BaseBackup()
	l.more(50)
	l.stop()
	w.close()
	c.ArchiveAll()
	c.Kill()
	r := backup.Restore(time.Time{})
	w.direct = cli.Target{DB: r.URL()}
	w.target = w.direct
	w.open()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if _, err := w.try(ctx, newID(), donation, 1); err != nil {
		t.Errorf("record after a whole restore: %v", err)
	}
	w.check()
}
