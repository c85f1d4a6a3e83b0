//go:build unix

package cluster

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Options say what differs from an ordinary cluster.
type Options struct {
	// Base is the folder in which the cluster makes its own, such as the mount of a small disk; "" is that for temporary files.
	// The user that runs the server must be able to enter it, which is not so for that of t.TempDir.
	Base string
	// WAL is Base for the write-ahead log alone; "" keeps it with the data. A standby and a restored backup keep theirs with the data.
	WAL string
	// Segment is the size of a file of the write-ahead log in MiB, 1 or more; 0 is PostgreSQL's 16.
	Segment int
	// Config are settings of postgresql.conf, name and value, that win over ours.
	Config map[string]string
}

// A Cluster is one server and its data. Its methods end the test when they cannot do what they say, so they belong to the
// goroutine of the test.
type Cluster struct {
	t        testing.TB
	bin      string
	owner    account
	dir      string // all of it; data, archive, log and password are inside
	password string
	port     int
	process  *process // nil when it does not run
}

// settings are those of every cluster, before those that a test asks for. A test's server is small, has the durability of a real one,
// and can be replicated and archived from.
var settings = map[string]string{
	"listen_addresses":             "127.0.0.1",
	"fsync":                        "on",
	"full_page_writes":             "on",
	"synchronous_commit":           "on",
	"max_connections":              "60",
	"shared_buffers":               "32MB",
	"wal_level":                    "replica",
	"max_wal_senders":              "5",
	"hot_standby":                  "on",
	"recovery_init_sync_method":    "syncfs", // not a thousand files one by one
	"log_min_messages":             "warning",
	"autovacuum_naptime":           "60s",
	"wal_receiver_status_interval": "1s",
	"wal_retrieve_retry_interval":  "100ms",
}

// Start makes a new cluster, starts it, and removes it when the test ends.
func Start(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := prepare(t, o)
	c.password = strings.ToLower(rand.Text())
	file := filepath.Join(c.dir, "password")
	c.write(file, c.password)
	args := []string{
		"-D", c.Data(), "-U", "postgres", "--pwfile=" + file, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions", "--no-sync",
	}
	if o.WAL != "" {
		wal, err := os.MkdirTemp(o.WAL, "soquy-cluster-wal-")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := os.RemoveAll(wal); err != nil {
				t.Error(err)
			}
		})
		c.own(wal)
		args = append(args, "-X", wal)
	}
	if o.Segment != 0 {
		args = append(args, fmt.Sprintf("--wal-segsize=%d", o.Segment))
	}
	c.run("initdb", args...)
	c.begin(o.Config)
	return c
}

// prepare makes the folder of a cluster.
func prepare(t testing.TB, o Options) *Cluster {
	t.Helper()
	Require(t)
	c := &Cluster{t: t}
	var err error
	if c.bin, err = folder(); err != nil {
		t.Fatal(err)
	}
	if c.owner, err = owner(); err != nil {
		t.Fatal(err)
	}
	// Not t.TempDir: the user that runs the server must be able to enter it.
	if c.dir, err = os.MkdirTemp(o.Base, "soquy-cluster-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.remove)
	c.mkdir(c.Archive())
	c.own(c.dir)
	return c
}

// begin sets the cluster's own settings and starts it for the first time, on a port that is free.
func (c *Cluster) begin(config map[string]string) {
	c.t.Helper()
	all := maps.Clone(settings)
	all["unix_socket_directories"] = "" // its path may be too long for one
	// A half-copied file must not look archived: the copy gets its name when it is whole.
	all["archive_command"] = fmt.Sprintf(`test ! -f "%[1]s/%%f" && cp "%%p" "%[1]s/.%%f" && mv "%[1]s/.%%f" "%[1]s/%%f"`, c.Archive())
	maps.Copy(all, config)
	// The system gives a free port only to who binds it, so another one is tried where it was taken meanwhile.
	for try := 0; ; try++ {
		c.port = freePort(c.t)
		all["port"] = strconv.Itoa(c.port)
		c.Configure(all)
		err := c.launch()
		if err == nil {
			return
		}
		if try == 4 || !strings.Contains(c.Log(), "could not bind") {
			c.t.Fatalf("start a cluster: %v\n%s", err, c.Log())
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// launch starts the server and waits until it lets clients in.
func (c *Cluster) launch() error {
	log, err := os.OpenFile(filepath.Join(c.dir, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(c.bin, "postgres"), "-D", c.Data())
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", environment(), c.owner.attributes()
	cmd.Stdout, cmd.Stderr = log, log
	p, err := spawn(cmd)
	if err != nil {
		return err
	}
	err = await("the server to let clients in", func() (bool, error) {
		if p.ended() {
			return true, nil
		}
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		conn, err := pgx.Connect(ctx, c.URL())
		if err != nil {
			return false, err
		}
		return true, conn.Close(ctx)
	})
	if p.ended() {
		return fmt.Errorf("the server ended: %w", p.err)
	}
	if err != nil {
		_ = p.kill()
		return err
	}
	c.process = p
	return nil
}

// environment is that of the server's programs: none of ours that begins with PG.
func environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "PG") })
	return append(env, "LC_ALL=C", "TZ=UTC")
}

// Data is the folder of the cluster's data.
func (c *Cluster) Data() string { return filepath.Join(c.dir, "data") }

// Archive is the folder into which the server archives its WAL, where archive_mode is on.
func (c *Cluster) Archive() string { return filepath.Join(c.dir, "archive") }

// Address is where the server listens, "127.0.0.1:PORT". It stays the same for the life of the cluster.
func (c *Cluster) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port)) }

// URL is that of a superuser in the database "postgres".
func (c *Cluster) URL() string { return c.URLThrough(c.Address()) }

// URLThrough is URL, but over other addresses: that of a proxy, or those of several servers of which one is the primary.
func (c *Cluster) URLThrough(addresses ...string) string {
	u := url.URL{
		Scheme: "postgres", User: url.UserPassword("postgres", c.password), Host: strings.Join(addresses, ","), Path: "/postgres",
		RawQuery: "sslmode=disable",
	}
	if len(addresses) > 1 {
		u.RawQuery += "&target_session_attrs=read-write&connect_timeout=5"
	}
	return u.String()
}

// Configure adds settings, name and value, to postgresql.conf. They hold from the next start, most of them from the next Reload.
func (c *Cluster) Configure(config map[string]string) {
	c.t.Helper()
	var b bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(config)) {
		fmt.Fprintf(&b, "%s = '%s'\n", name, strings.ReplaceAll(config[name], "'", "''"))
	}
	f, err := os.OpenFile(filepath.Join(c.Data(), "postgresql.conf"), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b.Bytes()); err != nil {
		c.t.Fatalf("configure the cluster: %v", err)
	}
}

// Reload lets the server read its settings again.
func (c *Cluster) Reload() {
	c.t.Helper()
	c.Exec(`SELECT pg_reload_conf()`)
}

// A StopMode says how a server stops.
type StopMode syscall.Signal

const (
	// Fast disconnects all clients, writes a checkpoint and stops.
	Fast = StopMode(syscall.SIGINT)
	// Immediate stops without a checkpoint: the next start recovers from WAL.
	Immediate = StopMode(syscall.SIGQUIT)
)

// Stop stops the server.
func (c *Cluster) Stop(mode StopMode) {
	c.t.Helper()
	if c.process == nil {
		c.t.Fatal("stop a cluster that does not run")
	}
	if err := c.process.signal(syscall.Signal(mode)); err != nil {
		c.t.Fatal(err)
	}
	c.process = nil
}

// Kill kills the server and each of its processes with SIGKILL.
func (c *Cluster) Kill() {
	c.t.Helper()
	if c.process == nil {
		c.t.Fatal("kill a cluster that does not run")
	}
	if err := c.process.kill(); err != nil {
		c.t.Fatal(err)
	}
	c.process = nil
}

// Restart starts a server that was stopped or killed, on the same port, and waits until it lets clients in.
func (c *Cluster) Restart() {
	c.t.Helper()
	if err := c.Launch(); err != nil {
		c.t.Fatalf("%v\n%s", err, c.Log())
	}
}

// Launch is Restart for a server that may be unable to start.
func (c *Cluster) Launch() error {
	if c.process != nil {
		return fmt.Errorf("the cluster runs")
	}
	return c.launch()
}

// Running reports whether the server runs: it may have ended by itself.
func (c *Cluster) Running() bool { return c.process != nil && !c.process.ended() }

// Accepts reports whether the server lets clients in.
func (c *Cluster) Accepts() bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		return false
	}
	return conn.Close(ctx) == nil
}

// Log is what the server wrote to its log.
func (c *Cluster) Log() string {
	raw, err := os.ReadFile(filepath.Join(c.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(raw)
}

// Exec carries out a statement as superuser.
func (c *Cluster) Exec(query string, args ...any) {
	c.t.Helper()
	c.connected(func(ctx context.Context, conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, query, args...)
		return err
	})
}

// Text asks for one value, and returns it as text.
func (c *Cluster) Text(query string, args ...any) string {
	c.t.Helper()
	var s string
	c.connected(func(ctx context.Context, conn *pgx.Conn) error { return conn.QueryRow(ctx, query, args...).Scan(&s) })
	return s
}

func (c *Cluster) connected(f func(context.Context, *pgx.Conn) error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		c.t.Fatalf("connect to the cluster: %v", err)
	}
	defer conn.Close(ctx)
	if err := f(ctx, conn); err != nil {
		c.t.Fatal(err)
	}
}

// run runs one of the server's programs as its owner.
func (c *Cluster) run(name string, args ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(c.bin, name), args...)
	cmd.Dir, cmd.Env, cmd.SysProcAttr = "/", environment(), c.owner.attributes()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	p, err := spawn(cmd)
	if err == nil {
		<-p.done
		err = p.err
	}
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", name, err, out.String())
	}
}

func (c *Cluster) mkdir(path string) {
	c.t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		c.t.Fatal(err)
	}
}

// write makes a file that the server's user owns.
func (c *Cluster) write(path, text string) {
	c.t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
	c.own(path)
}

// own gives a path and all that is in it to the server's user.
func (c *Cluster) own(path string) {
	c.t.Helper()
	if !c.owner.other {
		return
	}
	err := filepath.WalkDir(path, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, c.owner.uid, c.owner.gid)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// remove ends the server and removes its folder.
func (c *Cluster) remove() {
	if c.process != nil {
		if err := c.process.kill(); err != nil {
			c.t.Error(err)
		}
		c.process = nil
	}
	if c.t.Failed() {
		c.t.Logf("the log of the server on %s:\n%s", c.Address(), tail(c.Log(), 40))
	}
	if err := os.RemoveAll(c.dir); err != nil {
		c.t.Error(err)
	}
}

// tail returns the last lines of a text.
func tail(s string, lines int) string {
	all := strings.Split(strings.TrimSuffix(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// instant writes a time as the server reads it.
func instant(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05.000000-07") }
