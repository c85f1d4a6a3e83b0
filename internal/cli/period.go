package cli

import (
	"github.com/spf13/cobra"

	"github.com/soquy/soquy/domain"
)

func (p *program) periodCommand() *command {
	return p.parent("period", p.periodClose(), p.periodReopen(), p.periodOpenItems())
}

func (p *program) periodClose() *command {
	var (
		end     periodEnd
		through domain.Date
		unit    string
	)
	c := p.command("period.close", "close").periodEnd(&end).code(&unit, "unit", units)
	c.records(func(*form, []string) domain.CommandBody {
		return &domain.ClosePeriod{Through: through, Unit: unit}
	})
	record := c.RunE
	c.RunE = func(cmd *cobra.Command, args []string) (err error) {
		if through, err = end.through(); err != nil {
			return err
		}
		if err := c.p.checkBooks(cmd.Context(), through, unit); err != nil {
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
