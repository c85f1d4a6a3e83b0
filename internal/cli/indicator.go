package cli

import "github.com/soquy/soquy/domain"

func (p *program) indicatorCommand() *command { return p.parent("indicator", p.indicatorReport()) }

func (p *program) indicatorReport() *command {
	var (
		r         domain.ReportIndicator
		from, to  dateFlag
		value, of string
	)
	c := p.command("indicator.report", "report INDICATOR").takes(1, 1, nil)
	c.code(&r.Unit, "unit", units).date(&from, "from").date(&to, "to").text(&value, "value").text(&of, "of").text(&r.Measure, "measure")
	return c.needs("unit", "from", "to", "value").records(func(f *form, args []string) domain.CommandBody {
		r.Indicator, r.From, r.To = args[0], from.date, to.date
		r.Value, r.Of = f.quantity("--value", value), f.quantity("--of", of)
		return &r
	})
}
