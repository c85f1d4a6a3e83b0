package cli

import (
	"context"
	"slices"
	"strings"
)

func (p *program) rebuildCommand() *command {
	names := p.backend.ReadModels()
	c := p.command("rebuild", "rebuild [NAME]...").takes(0, -1, fixed(names))
	return c.runs(func(ctx context.Context, args []string) error {
		for _, name := range args {
			if !slices.Contains(names, name) {
				return usage("choice", "value", name, "words", strings.Join(names, ", "))
			}
		}
		b := p.bar(p.t("progress.rebuild"))
		differed, err := p.backend.Rebuild(ctx, p.target(), args, b.progress())
		b.done()
		if err != nil {
			return err
		}
		if len(args) == 0 {
			args = names
		}
		for _, name := range args {
			text := "rebuild.done"
			if slices.Contains(differed, name) {
				text = "rebuild.mended"
			}
			p.printf("%s\n", p.t(text, "name", p.cat.Term("projection", name)))
		}
		return nil
	})
}
