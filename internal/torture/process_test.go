//go:build unix

package torture_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/soquy/soquy/internal/pgtest"
)

// A program is soquy on one database, with keys of its own. Each run is a process of the system.
type program struct {
	db, keys string
	// Connections get lost. What was refused in a batch whose answers were lost with one left no trace, and is decided anew, after those that
	// were accepted.
	lossy bool
}

// on returns the databases that a test runs on, by name.
func on() map[string]func(t *testing.T) program {
	return map[string]func(t *testing.T) program{"sqlite": onSQLite, "postgres": onPostgres}
}

func onSQLite(t *testing.T) program {
	return program{db: filepath.Join(t.TempDir(), "a.db"), keys: t.TempDir()}
}

func onPostgres(t *testing.T) program {
	return program{db: pgtest.Database(t), keys: t.TempDir()}
}

// env answers for the program's environment, as internal/app asks for it.
func (p program) env(name string) string {
	return map[string]string{"SOQUY_DB": p.db, "SOQUY_KEYS": p.keys}[name]
}

func (p program) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, binary, append([]string{"--lang", "en"}, args...)...)
	cmd.Env = append(os.Environ(), "SOQUY_DB="+p.db, "SOQUY_KEYS="+p.keys)
	return cmd
}

// try runs soquy to its end and returns its exit code and what it printed.
func (p program) try(t *testing.T, stdin string, args ...string) (exit int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := p.command(t.Context(), args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &out, &errs
	err := cmd.Run()
	if ended := (*exec.ExitError)(nil); err != nil && !errors.As(err, &ended) {
		t.Fatalf("soquy %v: %v", args, err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// run is try for what must succeed.
func (p program) run(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	exit, stdout, stderr := p.try(t, stdin, args...)
	if exit != 0 {
		t.Fatalf("soquy %v: exit %d\n%s%s", args, exit, stdout, stderr)
	}
	return stdout
}

// events calls yield with each line of `soquy events`: of a long log all of them do not fit into memory.
func (p program) events(t *testing.T, yield func(line []byte)) {
	t.Helper()
	cmd := p.command(t.Context(), "events")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReaderSize(out, 1<<20); ; {
		line, err := lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		yield(line)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("soquy events: %v\n%s", err, stderr.String())
	}
}

// A session is one process of `soquy record -` and the client that feeds it. The client keeps up to a window of commands in flight.
type session struct {
	cmd     *exec.Cmd
	lossy   bool
	in      io.WriteCloser
	stderr  bytes.Buffer
	window  chan struct{}
	flight  chan *entry   // written, in order, not yet answered
	enough  chan struct{} // closed: write no more
	stop    sync.Once
	first   chan struct{} // closed at the first answer, or at the end
	fed     chan error    // of writing, once it is over
	read    chan error    // of reading, once it is over
	written atomic.Int64
	answers atomic.Int64
}

// start starts a session. next is called from one goroutine and returns the next command, or nil when there is none.
func (p program) start(t *testing.T, window int, next func() *entry) *session {
	t.Helper()
	s := &session{
		cmd: p.command(context.Background(), "record", "-"), lossy: p.lossy, window: make(chan struct{}, window),
		flight: make(chan *entry, window), enough: make(chan struct{}), first: make(chan struct{}), fed: make(chan error, 1), read: make(chan error, 1),
	}
	s.cmd.Stderr = &s.stderr
	in, err := s.cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.in = in
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		err := s.receive(out)
		if s.answers.Load() == 0 {
			close(s.first)
		}
		s.read <- err
	}()
	go func() {
		defer close(s.flight)
		defer in.Close()
		s.fed <- s.feed(next)
	}()
	t.Cleanup(func() { // a test that failed leaves no process behind
		if s.cmd.ProcessState == nil {
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Process.Signal(syscall.SIGCONT)
		}
	})
	return s
}

// feed writes commands until there are none, or somebody says that it is enough, or the process is gone.
func (s *session) feed(next func() *entry) error {
	for {
		select {
		case s.window <- struct{}{}:
		case <-s.enough:
			return nil
		}
		select {
		case <-s.enough:
			return nil
		default:
		}
		e := next()
		if e == nil {
			return nil
		}
		e.send()
		s.flight <- e
		if _, err := s.in.Write(append(e.line, '\n')); err != nil {
			return err
		}
		s.written.Add(1)
	}
}

// receive reads answers and gives each to its command. The last line of a process that was killed may be torn: it is no answer.
func (s *session) receive(out io.Reader) error {
	lines := bufio.NewReader(out)
	var last int64 // position of the command before, among those that were sent once and cannot have been refused before
	for n := int64(1); ; n++ {
		line, err := lines.ReadBytes('\n')
		now := time.Now()
		if err != nil {
			for e := range s.flight { // what is still in flight stays without an answer; the feeder must not wait
				e.settle()
				select {
				case <-s.window:
				default:
				}
			}
			return nil
		}
		e := <-s.flight
		if e == nil {
			return fmt.Errorf("an answer to nothing: %s", line)
		}
		<-s.window
		if s.answers.Add(1) == 1 {
			close(s.first)
		}
		var a struct {
			Line      int64
			Command   string
			Positions [2]int64
			Refused   *refusal
		}
		if err := json.Unmarshal(line, &a); err != nil {
			return fmt.Errorf("answer %s: %w", line, err)
		}
		if a.Line != n || a.Command != e.id {
			return fmt.Errorf("answer %d is of line %d, command %s; expected command %s", n, a.Line, a.Command, e.id)
		}
		if a.Refused == nil && e.sent == 1 && (!s.lossy || e.kind == donation) {
			if a.Positions[0] <= last {
				return fmt.Errorf("command %s is at %d, the one before it in the input at %d", e.id, a.Positions[0], last)
			}
			last = a.Positions[1]
		}
		_, answer, _ := bytes.Cut(bytes.TrimSpace(line), []byte(`,`)) // without its line number
		if err := e.answered(answer, a.Positions, a.Refused, now); err != nil {
			return err
		}
	}
}

// end lets the process answer what was written and stop.
func (s *session) end() { s.stop.Do(func() { close(s.enough) }) }

// kill kills the process, which can prepare for nothing.
func (s *session) kill(t *testing.T) {
	t.Helper()
	_ = s.cmd.Process.Kill()
	s.end()
	s.wait(t)
}

// wait waits until the process has ended by itself and all its answers were read, and returns its exit code.
func (s *session) wait(t *testing.T) int {
	t.Helper()
	err := <-s.read // Wait closes the pipe, so all of it is read first
	_ = s.cmd.Wait()
	<-s.fed
	if err != nil {
		t.Error(err)
	}
	return s.cmd.ProcessState.ExitCode()
}

// succeeded waits for the end of the process and fails the test unless it ended well; refusals are well.
func (s *session) succeeded(t *testing.T) {
	t.Helper()
	if exit := s.wait(t); exit != 0 && exit != 1 {
		t.Errorf("record ended with exit code %d: %s", exit, s.stderr.String())
	}
}

// signal stops or continues the process.
func (s *session) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}
