package cli

import (
	"context"
	"runtime"
)

func (p *program) versionCommand() *command {
	return p.command("version", "version").runs(func(context.Context, []string) error {
		p.printf("soquy %s %s %s/%s\n", p.backend.Version(), runtime.Version(), runtime.GOOS, runtime.GOARCH)
		return nil
	})
}
