//go:build unix

package sqlite_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/storetest"
)

func TestReadOnlyFolder(t *testing.T) {
	if asNobody(t) {
		return
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "x.db")
	writer, l := open(t, path, sqlite.Create), storetest.NewLedger(t, "KH")
	if _, err := writer.Append(t.Context(), l.Batch(10)); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{path, dir} {
		if err := os.Chmod(f, 0o555); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { _ = os.Chmod(dir, 0o755) })
	if head, err := open(t, path, sqlite.ReadOnly).Head(t.Context(), l.ID); err != nil || head.Position() != 10 {
		t.Errorf("head %d, %v", head.Position(), err)
	}
	for _, mode := range modes[1:] {
		if _, err := sqlite.Open(path, sqlite.Options{Mode: mode}); !errors.Is(err, eventstore.ErrReadOnly) {
			t.Errorf("%s: %v", mode, err)
		}
	}
	if _, err := sqlite.Open(filepath.Join(dir, "new.db"), sqlite.Options{Mode: sqlite.Create}); err == nil {
		t.Error("a file was made in a folder that cannot be written")
	}
}

// TestDenied: of a file that we may not read, that is what is said.
func TestDenied(t *testing.T) {
	if asNobody(t) {
		return
	}
	path := filepath.Join(t.TempDir(), "x.db")
	if err := open(t, path, sqlite.Create).Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	for _, mode := range modes {
		if _, err := sqlite.Open(path, sqlite.Options{Mode: mode}); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

// asNobody runs the test that calls it in a process of a user without rights, where the tests are root's, who may do everything. It is false in that
// process, and where the tests are not root's.
func asNobody(t *testing.T) bool {
	t.Helper()
	if os.Geteuid() != 0 {
		return false
	}
	const nobody = 65534
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "soquy-nobody-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	program := filepath.Join(dir, "test")
	if err := errors.Join(os.WriteFile(program, self, 0o755), os.Chown(dir, nobody, nobody)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TMPDIR="+dir, "HOME="+dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("as a user without rights: %v\n%s", err, out)
	}
	return true
}
