package cli

import (
	"github.com/spf13/cobra"

	"github.com/soquy/soquy/domain"
)

func (p *program) periodCommand() *command {
	return p.parent("period", p.periodClose(), p.periodReopen())
}

func (p *program) periodClose() *command {
	var (
		through dateFlag
		unit    string
	)
	c := p.command("period.close", "close").date(&through, "through").code(&unit, "unit", units)
	c.needs("through").records(func(*form, []string) domain.CommandBody {
		return &domain.ClosePeriod{Through: through.date, Unit: unit}
	})
	record := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if err := c.p.checkBooks(cmd.Context(), through.date, unit); err != nil {
			return err
		}
		return record(cmd, args)
	}
	return c
}

func (p *program) periodReopen() *command {
	var (
		from dateFlag
		unit string
	)
	c := p.command("period.reopen", "reopen").date(&from, "from").code(&unit, "unit", units)
	c.needs("from").records(func(*form, []string) domain.CommandBody {
		return &domain.ReopenPeriod{From: from.date, Unit: unit}
	})
	return c.needs("remark") // why closed books are opened
}
