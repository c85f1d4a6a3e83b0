// Command soquy is the fund book of a study-promotion association; see `soquy --help`.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	_ "time/tzdata" // a fresh machine may have no time zones

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
)

func main() { os.Exit(run()) }

// run is main with an exit code.
func run() int {
	// A reader that goes away is an error of the write, not the end of the process in the middle of something.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal asks the program to end; the second ends it.
	context.AfterFunc(ctx, stop)
	return cli.Main(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, app.New(os.Getenv))
}
