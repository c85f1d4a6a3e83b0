package cli_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
)

// A terminal is a pseudo-terminal: what a person sees and types at, and the side that a program has.
type terminal struct {
	person, program *os.File
	seen            strings.Builder
}

func openTerminal(t *testing.T) *terminal {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("no pseudo-terminals: %v", err)
		}
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	fd := int(person.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatalf("unlock the terminal: %v", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatalf("name the terminal: %v", err)
	}
	program, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open the terminal: %v", err)
	}
	x := &terminal{person: person, program: program}
	t.Cleanup(func() {
		_ = program.Close()
		_ = person.Close()
	})
	return x
}

// await reads until the person sees a text.
func (x *terminal) await(t *testing.T, text string) {
	t.Helper()
	found := make(chan error, 1)
	go func() {
		buf := make([]byte, 4096)
		for !strings.Contains(x.seen.String(), text) {
			n, err := x.person.Read(buf)
			x.seen.Write(buf[:n])
			if err != nil {
				found <- err
				return
			}
		}
		found <- nil
	}()
	select {
	case err := <-found:
		if err != nil {
			t.Fatalf("waiting for %q: %v\n%s", text, err, x.seen.String())
		}
	case <-time.After(time.Minute):
		t.Fatalf("%q was not seen", text)
	}
}

// TestStepsWait: at a terminal the walk through the log waits after each event. Enter goes on; q, in either case, and the end of the input
// end it without an error. With a pipe at either side it does not wait.
func TestStepsWait(t *testing.T) {
	db := filepath.Join(t.TempDir(), "a.db")
	env := func(name string) string { return map[string]string{"SOQUY_DB": db}[name] }
	run := func(in io.Reader, out io.Writer, args ...string) (int, string) {
		var stderr bytes.Buffer
		exit := cli.Main(t.Context(), args, in, out, &stderr, env, app.New(env))
		return exit, stderr.String()
	}
	const history = `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"T"}}
{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"HB"}}
{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"A","kind":"anonymous"}}
{"type":"receive_donation","effective_on":"2017-06-10","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000000"}]}}
`
	for _, args := range [][]string{{"init"}, {"record", "-"}} {
		if exit, said := run(strings.NewReader(history), io.Discard, args...); exit != 0 {
			t.Fatalf("soquy %v: %d %s", args, exit, said)
		}
	}

	for name, test := range map[string]struct {
		lang, prompt string
		typed        []string // after each event
		last         string   // what is seen in the end
		missing      string
	}{
		"to the end": {"en", "Enter", []string{"\n", "\n", "anything\n", "\n"}, "position 5", "no such text"},
		"q":          {"vi", "Enter", []string{"\n", "q\n"}, "", "Quỹ HB nhận"},
		"Q":          {"en", "Enter", []string{" Quit\n"}, "", "T was registered"},
		"end":        {"en", "Enter", []string{"\n", "\x04"}, "", "The fund HB received"}, // Ctrl-D
	} {
		t.Run(name, func(t *testing.T) {
			x := openTerminal(t)
			done := make(chan string, 1)
			go func() {
				exit, said := run(x.program, x.program, "--lang", test.lang, "replay", "--step")
				done <- fmt.Sprintf("%d %s", exit, said)
			}()
			for _, line := range test.typed {
				x.await(t, test.prompt)
				x.seen.Reset()
				if _, err := x.person.WriteString(line); err != nil {
					t.Fatal(err)
				}
			}
			if test.last != "" {
				x.await(t, test.last)
			}
			select {
			case got := <-done:
				if got != "0 " {
					t.Errorf("it ended with %q", got)
				}
			case <-time.After(time.Minute):
				t.Fatal("it waits on")
			}
			if strings.Contains(x.seen.String(), test.missing) {
				t.Errorf("it went on:\n%s", x.seen.String())
			}
		})
	}

	t.Run("a pipe out", func(t *testing.T) {
		x := openTerminal(t)
		var out bytes.Buffer
		if exit, said := run(x.program, &out, "--lang", "en", "replay", "--step"); exit != 0 || !strings.Contains(out.String(), "position 5") || strings.Contains(out.String(), "Enter") {
			t.Errorf("%d %s\n%s", exit, said, out.String())
		}
	})
	t.Run("a pipe in", func(t *testing.T) {
		var out bytes.Buffer
		if exit, said := run(strings.NewReader("q\n"), &out, "--lang", "en", "replay", "--step"); exit != 0 || !strings.Contains(out.String(), "position 5") {
			t.Errorf("%d %s\n%s", exit, said, out.String())
		}
	})
}
