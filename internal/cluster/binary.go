//go:build unix

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"testing"
)

// programs are what a test needs of an installation of PostgreSQL.
var programs = []string{"postgres", "initdb", "pg_basebackup"}

// Require skips the test where no PostgreSQL server is installed, and fails it in continuous integration.
func Require(t testing.TB) {
	t.Helper()
	if _, err := folder(); err != nil {
		missing(t, err)
	}
	if _, err := owner(); err != nil {
		missing(t, err)
	}
}

func missing(t testing.TB, why error) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("%v: the tests on clusters must run here", why)
	}
	t.Skipf("%v: install a server, or set PG_BIN to its folder, to run the tests on clusters", why)
}

// folder finds the programs: $PG_BIN, else the newest of Debian's folders, else PATH.
func folder() (string, error) {
	dirs, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // the pattern is a constant and good
	newest, version := "", 0
	for _, dir := range dirs {
		if v, err := strconv.Atoi(filepath.Base(filepath.Dir(dir))); err == nil && v > version && complete(dir) {
			newest, version = dir, v
		}
	}
	if dir := os.Getenv("PG_BIN"); dir != "" && complete(dir) {
		return dir, nil
	}
	if newest != "" {
		return newest, nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil && complete(filepath.Dir(path)) {
			return filepath.Dir(path), nil
		}
	}
	return "", fmt.Errorf("no PostgreSQL server found")
}

func complete(dir string) bool {
	for _, name := range programs {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}

// account is who runs the server.
type account struct {
	uid, gid int
	other    bool // another than who runs the test
}

func owner() (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: os.Geteuid(), gid: os.Getegid()}, nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return account{}, fmt.Errorf("run as root, there must be a user postgres: %w", err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return account{}, fmt.Errorf("user postgres: %w", err)
	}
	gid, err := strconv.Atoi(u.Gid)
	if err != nil {
		return account{}, fmt.Errorf("user postgres: %w", err)
	}
	return account{uid, gid, true}, nil
}
