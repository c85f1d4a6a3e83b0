package cli_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A process of soquy as users start it ends as they expect: on Ctrl-C with everything durable that was answered, and in silence when whoever
// reads its output has enough.
func TestProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program")
	}
	dir := t.TempDir()
	bin := filepath.Join(dir, "soquy")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "../../cmd/soquy").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	command := func(args ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), bin, args...)
		cmd.Env = append(os.Environ(), "SOQUY_DB="+filepath.Join(dir, "a.db"), "SOQUY_KEYS="+dir, "LANG=en")
		return cmd
	}
	run := func(args ...string) string {
		t.Helper()
		out, err := command(args...).CombinedOutput()
		if err != nil {
			t.Fatalf("soquy %s: %v\n%s", args, err, out)
		}
		return string(out)
	}
	run("init")
	run("unit", "register", "X", "--level", "commune", "--name", "Xã", "--on", "2017-01-01")
	run("fund", "open", "HB", "--unit", "X", "--name", "Quỹ", "--on", "2017-01-01")
	run("donor", "register", "A", "--kind", "anonymous")

	t.Run("interrupt", func(t *testing.T) {
		for _, given := range []int{3, 1400} { // while it waits for input, and while it records
			enough := min(given, 700)
			answered := interrupt(t, command("record", "-"), given, enough)
			there := run("events")
			for _, id := range answered {
				if !strings.Contains(there, `"id":"`+id+`"`) {
					t.Errorf("the event %s was answered and is not there", id)
				}
			}
		}
		run("verify")
	})
	t.Run("pipe", func(t *testing.T) {
		if n := len(run("events")); n < 1<<17 {
			t.Fatalf("%d bytes of events fit into a pipe", n)
		}
		for _, args := range [][]string{{"events"}, {"history", "--subject", "fund:HB"}, {"vouchers", "--json"}} {
			cmd := command(args...)
			var errs bytes.Buffer
			cmd.Stderr = &errs
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(out, make([]byte, 10)); err != nil {
				t.Fatal(err)
			}
			_ = out.Close()
			_ = cmd.Wait()
			if errs.Len() > 0 {
				t.Errorf("soquy %s: %s", args, errs.String())
			}
		}
	})
}

// interrupt gives a recording process commands, and interrupts it when enough were answered. It returns the IDs of the events of all
// answers.
func interrupt(t *testing.T, cmd *exec.Cmd, given, enough int) []string {
	t.Helper()
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { // it stays open: only the signal ends the recording
		for range given {
			if _, err := fmt.Fprintln(in, `{"type":"receive_donation","effective_on":"2017-03-05","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000"}]}}`); err != nil {
				return
			}
		}
	}()
	var ids []string
	answers := bufio.NewScanner(out)
	for n := 1; answers.Scan(); n++ {
		var a struct{ Events []string }
		if err := json.Unmarshal(answers.Bytes(), &a); err != nil || len(a.Events) != 1 {
			t.Errorf("answer %s (%v)", answers.Text(), err)
		}
		ids = append(ids, a.Events...)
		if n == enough {
			if err := cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Errorf("ended with %v", err)
	}
	if want := "Interrupted; what was answered is recorded. [interrupted]\n"; errs.String() != want {
		t.Errorf("said %q, want %q", errs.String(), want)
	}
	if len(ids) < enough {
		t.Errorf("%d answers", len(ids))
	}
	return ids
}
