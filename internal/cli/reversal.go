package cli

import "github.com/soquy/soquy/domain"

func (p *program) reverseCommand() *command {
	return p.command("reverse", "reverse EVENT").takes(1, 1, nil).records(func(f *form, args []string) domain.CommandBody {
		return &domain.Reverse{Event: f.id("EVENT", args[0])}
	})
}
