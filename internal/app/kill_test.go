package app_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/pgtest"
)

// killRounds is how often a process is killed on each database.
const killRounds = 5

// TestKilledWhileRecording kills soquy with SIGKILL while it records, and records the same file again. What was answered is there, what was
// not is wholly there or not at all, and nothing is there twice.
func TestKilledWhileRecording(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "soquy")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/soquy").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	const donations = 3_000
	var lines strings.Builder
	id := 0
	add := func(kind, data string) {
		id++
		fmt.Fprintf(&lines, `{"id":"01970000-0000-7000-8000-%012d","type":%q,"effective_on":"2017-03-05","data":%s}`+"\n", id, kind, data)
	}
	add("register_unit", `{"code":"X","level":"commune","name":"Xã"}`)
	add("open_fund", `{"code":"HB","unit":"X","name":"Quỹ"}`)
	add("register_donor", `{"code":"CTY","kind":"organisation","name":"Công ty"}`)
	for range donations {
		add("receive_donation", `{"fund":"HB","donor":"CTY","lines":[{"asset":"cash","amount":"1000"}]}`)
	}
	for name, db := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "a.db") },
		"postgres": func() string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := soquy{db: db(), keys: t.TempDir()}
			s.run(t, 0, "", "init")
			acknowledged := map[string]string{} // command → positions
			for round := range killRounds {
				cmd := exec.Command(bin, "record", "-")
				cmd.Env = append(cmd.Environ(), "SOQUY_DB="+s.db, "SOQUY_KEYS="+s.keys)
				cmd.Stdin = strings.NewReader(lines.String())
				out, err := cmd.StdoutPipe()
				if err != nil {
					t.Fatal(err)
				}
				if err := cmd.Start(); err != nil {
					t.Fatal(err)
				}
				answers := bufio.NewScanner(out)
				for n := 0; answers.Scan(); n++ {
					note(t, acknowledged, answers.Bytes())
					if n == (round+1)*400 {
						_ = cmd.Process.Kill() // what is in the pipe was answered, too
					}
				}
				_ = cmd.Wait()
				s.run(t, 0, "", "verify")
			}
			for answer := range strings.Lines(s.run(t, 0, lines.String(), "record", "-")) {
				note(t, acknowledged, []byte(answer))
			}
			if len(acknowledged) != donations+3 {
				t.Errorf("%d commands were answered, want %d", len(acknowledged), donations+3)
			}
			balance := s.run(t, 0, "", "balance", "--json")
			if !strings.Contains(balance, fmt.Sprintf(`"posted":"%d"`, donations*1000)) || !strings.Contains(balance, fmt.Sprintf(`"position":%d`, donations+4)) {
				t.Errorf("something was lost or doubled: %s", balance)
			}
			s.run(t, 0, "", "verify")
		})
	}
}

// note keeps an answer, and compares it with the one that the command got before.
func note(t *testing.T, acknowledged map[string]string, line []byte) {
	t.Helper()
	var a struct {
		Command   string          `json:"command"`
		Positions json.RawMessage `json:"positions"`
	}
	if err := json.Unmarshal(bytes.TrimSpace(line), &a); err != nil {
		return // the last line of a killed process may be torn
	}
	if before, known := acknowledged[a.Command]; known && before != string(a.Positions) {
		t.Errorf("command %s was answered with %s, before with %s", a.Command, a.Positions, before)
	}
	acknowledged[a.Command] = string(a.Positions)
}
