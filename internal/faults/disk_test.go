//go:build linux

package faults_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/cluster"
)

// A disk is a small one in memory, of which a test has all.
type disk struct {
	t    *testing.T
	path string
}

// newDisk mounts a disk of a size such as "64m". Who may not mount skips the test: nothing else fills a disk as a disk fills.
func newDisk(t *testing.T, size string) *disk {
	t.Helper()
	// Under a folder that everybody may enter, which that of t.TempDir is not: the server runs as another user.
	path, err := os.MkdirTemp("", "soquy-disk-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Remove(path) })
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	err = syscall.Mount("soquy-test", path, "tmpfs", 0, "mode=0755,size="+size)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("this user may not mount a small disk: run the test as root")
	}
	if err != nil {
		t.Fatalf("mount a disk of %s: %v", size, err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return &disk{t, path}
}

func (d *disk) ballast() string { return filepath.Join(d.path, "ballast") }

// fill leaves no room on the disk but for this many bytes.
func (d *disk) fill(but int) {
	d.t.Helper()
	f, err := os.Create(d.ballast())
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	block := make([]byte, 4096)
	size := int64(0)
	for err == nil {
		var n int
		n, err = f.Write(block)
		size += int64(n)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		d.t.Fatalf("fill the disk: %v", err)
	}
	if err := f.Truncate(max(0, size-int64(but))); err != nil {
		d.t.Fatal(err)
	}
}

// free makes room again.
func (d *disk) free() {
	d.t.Helper()
	if err := os.Remove(d.ballast()); err != nil {
		d.t.Fatal(err)
	}
}

// untilFull records donations and lists until one is not stored, and returns why.
func (w *world) untilFull() error {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	for n := 0; ; n++ {
		body, events := donation, 1
		if n%5 == 4 {
			body, events = list(), 2*recipients
		}
		if _, err := w.try(ctx, newID(), body, events); err != nil {
			return err
		}
		if n == 2_000 {
			w.t.Fatal("the disk does not fill up")
		}
	}
}

// full checks what a writer does on a full disk: it says so by name, again and again, stores nothing by halves, and goes on with the
// same connection once there is room.
func (w *world) full(d *disk) {
	w.t.Helper()
	if err := w.untilFull(); w.failure(err) != "database.full" {
		w.t.Errorf("on a full disk: %q: %v", w.failure(err), err)
	}
	for range 3 {
		// Whether a small command still finds room in a page is chance; a large one does not.
		if _, err := w.try(w.t.Context(), newID(), list(), 2*recipients); w.failure(err) != "database.full" {
			w.t.Errorf("on a disk that is still full: %q: %v", w.failure(err), err)
		}
	}
	w.compare(w.direct)
	d.free()
	w.accept(donation, 1)
	w.accept(list(), 2*recipients)
	w.check()
}

// TestDiskFullSQLite fills the disk of an SQLite file.
func TestDiskFullSQLite(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "16m")
	db := filepath.Join(d.path, "soquy.db")
	w := newWorld(t, db, db)
	d.fill(200 << 10)
	w.full(d)
	// The file is sound for the next program, too.
	w.close()
	w.open()
	w.recovers()
	w.check()
}

// TestDiskFullPostgres fills the disk of a cluster's data; its write-ahead log is elsewhere.
func TestDiskFullPostgres(t *testing.T) {
	t.Parallel()
	cluster.Require(t)
	d := newDisk(t, "96m")
	c := cluster.Start(t, cluster.Options{Base: d.path, WAL: os.TempDir()})
	w := newWorld(t, c.URL(), c.URL())
	d.fill(200 << 10)
	w.full(d)
}

// TestLogDiskFullPostgres fills the disk of a cluster's write-ahead log, which PostgreSQL does not survive: it stops, and cannot start
// before there is room. The writer survives it.
func TestLogDiskFullPostgres(t *testing.T) {
	t.Parallel()
	cluster.Require(t)
	d := newDisk(t, "32m")
	c := cluster.Start(t, cluster.Options{WAL: d.path, Segment: 1, Config: map[string]string{"max_wal_size": "16MB", "min_wal_size": "2MB"}})
	w := newWorld(t, c.URL(), c.URL())
	d.fill(1 << 20)
	l := w.load(4)
	const full = "No space left on device"
	await(t, "full disk", func() bool { return strings.Contains(c.Log(), full) })
	await(t, "end of the server, or its recovery", func() bool { return !c.Running() || c.Accepts() })
	d.free()
	if !c.Running() {
		c.Kill() // what is left of it
		c.Restart()
	}
	l.more(20)
	l.stop()
	w.check()
}

// remount makes the disk read-only, or writable again.
func (d *disk) remount(readOnly bool) {
	d.t.Helper()
	flags := uintptr(syscall.MS_REMOUNT)
	if readOnly {
		flags |= syscall.MS_RDONLY
	}
	if err := syscall.Mount("soquy-test", d.path, "tmpfs", flags, ""); err != nil {
		d.t.Fatalf("remount: %v", err)
	}
}

// TestReadOnlyDisk: on a read-only file system a ledger can be read and verified, and who wants to record is told why not.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	d := newDisk(t, "16m")
	db := filepath.Join(d.path, "soquy.db")
	w := newWorld(t, db, db)
	w.accept(list(), 2*recipients)
	w.close()
	d.remount(true)
	if _, err := w.app.Writer(t.Context(), w.target, nil); w.failure(err) != "database.read_only" {
		t.Errorf("open for recording on a read-only disk: %q: %v", w.failure(err), err)
	}
	w.check()
	_, err := w.app.Init(t.Context(), cli.Target{DB: filepath.Join(d.path, "new.db")}, cli.InitOptions{Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh"})
	if w.failure(err) != "database.read_only" {
		t.Errorf("make a ledger on a read-only disk: %q: %v", w.failure(err), err)
	}
	d.remount(false)
	w.open()
	w.recovers()
	w.check()
}

// TestReplicaForWriting: a standby is good for reading and verifying. Who wants to record in it is told by name why not, when the ledger
// is opened.
func TestReplicaForWriting(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, cluster.Options{})
	standby := c.Standby("second", cluster.Options{})
	w := newWorld(t, c.URL(), c.URL())
	c.WaitCaughtUp(standby)
	replica := cli.Target{DB: standby.URL()}
	w.verify(replica)
	w.compare(replica)
	writer, err := w.app.Writer(t.Context(), replica, nil)
	if err == nil {
		_ = writer.Close()
	}
	if w.failure(err) != "database.replica" {
		t.Errorf("record in a standby: %q: %v", w.failure(err), err)
	}
	_, err = w.app.Init(t.Context(), replica, cli.InitOptions{Origin: "example.org/soquy/other", Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh"})
	if code := w.failure(err); code != "database.replica" {
		t.Errorf("make a ledger in a standby: %q: %v", code, err)
	}
	w.check()
}
