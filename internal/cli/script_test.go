package cli_test

import (
	"context"
	"flag"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
)

var update = flag.Bool("update", false, "rewrite the golden parts of the scripts")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"soquy": func() {
			os.Exit(cli.Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, app.New(os.Getenv)))
		},
	})
}

func TestScript(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: *update,
		Setup: func(e *testscript.Env) error {
			e.Setenv("SOQUY_DB", "")
			e.Setenv("LANG", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"run":   runSoquy,
			"shape": shape,
			"grab":  grab,
		},
	})
}

// runSoquy runs soquy and wants an exit code: run CODE ARGS… .
func runSoquy(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) == 0 {
		ts.Fatalf("usage: run CODE ARGS…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec("soquy", args[1:]...); err != nil {
		exit, isExit := err.(*exec.ExitError)
		if !isExit {
			ts.Fatalf("run soquy: %v", err)
		}
		got = exit.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// shape writes the last output to a file, with what is different in each run replaced: shape FILE.
func shape(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile("stdout")
	for _, r := range []struct{ pattern, by string }{
		{`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`, "UUID"},
		{`(khoản cấp) …[0-9a-f]{8}`, "$1 …ID"},
		{`— \S+ [A-Za-z0-9+/]+=*`, "SIGNATURE"},
		{`[A-Za-z0-9+/]{43}=`, "HASH"},
		{`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`, "INSTANT"},
		{`\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}`, "+KEY"},
	} {
		text = regexp.MustCompile(r.pattern).ReplaceAllString(text, r.by)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o666))
}

// grab sets an environment variable to what the first group of a pattern matches in the last output: grab NAME PATTERN.
func grab(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Setenv(args[0], strings.TrimSpace(m[1]))
}
