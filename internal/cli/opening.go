package cli

import "github.com/soquy/soquy/domain"

func (p *program) openingCommand() *command {
	var l lines
	c := p.command("opening", "opening FUND").takes(1, 1, funds).lines(&l, false)
	return c.records(func(f *form, args []string) domain.CommandBody {
		return &domain.RecordOpening{Fund: args[0], Lines: f.lines(&l)}
	})
}
