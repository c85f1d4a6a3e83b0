package cli

import (
	"github.com/soquy/soquy/domain"
)

func (p *program) donateCommand() *command {
	var (
		d        domain.ReceiveDonation
		l        lines
		attached int64
	)
	c := p.command("donate", "donate")
	c.code(&d.Fund, "fund", funds).code(&d.Donor, "donor", donors).lines(&l, true).code(&d.Pledge, "pledge", pledges)
	c.Flags().Int64Var(&attached, "attached", 0, c.usageOf("attached"))
	c.completes("attached", nil)
	return c.needs("fund", "donor").records(func(f *form, _ []string) domain.CommandBody {
		d.Lines = f.lines(&l)
		if c.Flags().Changed("attached") {
			d.Attached = &attached
		}
		return &d
	})
}
