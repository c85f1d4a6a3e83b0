// Package cli is the command line of soquy: one file a noun. It turns flags into commands and answers into text, in Vietnamese and
// English, and knows no database: a Backend opens those.
package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/locale"
)

// program is one run of the command line.
type program struct {
	in      io.Reader
	out     *bufio.Writer
	stdout  io.Writer
	stderr  io.Writer
	env     func(string) string
	backend Backend
	now     func() time.Time

	cat  *locale.Catalogue
	lang choice

	db, ledger    string
	json, verbose bool
	past          bool // the answer is of what was known at a moment of the past
}

// Main runs soquy with its arguments, without the program's name, and returns the exit code.
func Main(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string, backend Backend) int {
	p := &program{
		in: stdin, out: bufio.NewWriterSize(stdout, 64<<10), stdout: stdout, stderr: stderr,
		env: env, backend: backend, now: time.Now,
	}
	p.cat = locale.New(language(args, env))
	root := p.root()
	root.SetArgs(append([]string{}, args...)) // never nil, which would stand for those of the process
	return p.exit(root.ExecuteContext(ctx))
}

// language is found out before anything else, since help and errors are in it.
func language(args []string, env func(string) string) locale.Language {
	l := locale.Detect(env)
	for i, a := range args {
		if a == "--" {
			break
		}
		v, ok := strings.CutPrefix(a, "--lang=")
		if a == "--lang" && i+1 < len(args) {
			v, ok = args[i+1], true
		}
		if ok {
			if given, known := locale.Parse(v); known {
				l = given
			}
		}
	}
	return l
}

func (p *program) target() Target { return Target{DB: p.db, Ledger: p.ledger} }

// locale is how amounts are read and written.
func (p *program) locale() money.Locale { return money.Locale(p.cat.Language) }

// An exitError ends the program with an exit code when all there is to say was said.
type exitError int

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", int(e)) }

// ExitInterrupted is the exit code of a program that was interrupted, as shells have it.
const ExitInterrupted = 130

// writer opens the ledger for recording, and tells of what slowed that down.
func (p *program) writer(ctx context.Context) (Writer, error) {
	w, err := p.backend.Writer(ctx, p.target(), nil)
	if err != nil {
		return nil, err
	}
	for _, position := range w.Ledger().UnusableSnapshots() {
		fmt.Fprintf(p.stderr, "%s [snapshot.unusable]\n", p.t("notice.snapshot.unusable", "position", p.count(position)))
	}
	return w, nil
}

// exit tells of an error and returns the exit code.
func (p *program) exit(err error) int {
	if flushed := p.out.Flush(); err == nil && flushed != nil {
		err = p.outputFailed(flushed)
	}
	var done exitError
	if err == nil {
		return ExitDone
	} else if errors.As(err, &done) {
		return int(done)
	}
	var refusal *domain.Refusal
	if errors.As(err, &refusal) {
		words := ""
		var told *refused
		if errors.As(err, &told) {
			words = told.words
		} else {
			words = p.refusal(refusal, nil, nil)
		}
		fmt.Fprintf(p.stderr, "%s [%s]\n", words, refusal.Code)
		return ExitRefused
	}
	f := p.failure(err)
	if errors.Is(f.Err, syscall.EPIPE) {
		return f.Exit // whoever read our output has gone
	}
	fmt.Fprintf(p.stderr, "%s [%s]\n", p.cat.Failure(f.Of, f.Code, localeArgs(f.Args)), f.Code)
	if p.verbose && f.Err != nil {
		fmt.Fprintf(p.stderr, "  %s\n", strings.ReplaceAll(f.Err.Error(), "\n", "\n  "))
	}
	return f.Exit
}

func (p *program) outputFailed(err error) error {
	return &Failure{Code: "output.failed", Exit: ExitUnusable, Err: err}
}

// failure finds out what an error means to the user.
func (p *program) failure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	if errors.Is(err, context.Canceled) {
		return &Failure{Code: "interrupted", Exit: ExitInterrupted, Err: err}
	}
	if f := flagFailure(err); f != nil {
		return f
	}
	if f := p.backend.Explain(err); f != nil {
		return f
	}
	return &Failure{Code: "unexpected", Args: []domain.Arg{{Name: "cause", Value: err.Error()}}, Exit: ExitUnusable, Err: err}
}

// flagFailure explains the errors of the flag package.
func flagFailure(err error) *Failure {
	var (
		notExist *pflag.NotExistError
		noValue  *pflag.ValueRequiredError
		invalid  *pflag.InvalidValueError
		syntax   *pflag.InvalidSyntaxError
	)
	switch {
	case errors.As(err, &notExist):
		name := "--" + notExist.GetSpecifiedName()
		if s := notExist.GetSpecifiedShortnames(); s != "" {
			name = "-" + s
		}
		return usage("unknown_flag", "flag", name)
	case errors.As(err, &noValue):
		return usage("no_value", "flag", "--"+noValue.GetSpecifiedName())
	case errors.As(err, &invalid):
		return usage("flag_value", "flag", "--"+invalid.GetFlag().Name, "value", invalid.GetValue())
	case errors.As(err, &syntax):
		return usage("unknown_flag", "flag", syntax.GetSpecifiedFlag())
	}
	return nil
}

// usage is the failure of a command line that says what is not possible; args are names and values in turn.
func usage(code string, args ...string) *Failure {
	f := &Failure{Code: "usage." + code, Exit: ExitUsage}
	for i := 0; i+1 < len(args); i += 2 {
		f.Args = append(f.Args, domain.Arg{Name: args[i], Value: args[i+1]})
	}
	return f
}

func localeArgs(args []domain.Arg) []locale.Arg {
	list := make([]locale.Arg, len(args))
	for i, a := range args {
		list[i] = locale.Arg(a)
	}
	return list
}

// t is a text of the catalogue.
func (p *program) t(name string, args ...string) string { return p.cat.Text(name, args...) }

// printf writes to the output; an error shows when it is flushed.
func (p *program) printf(format string, args ...any) { fmt.Fprintf(p.out, format, args...) }
