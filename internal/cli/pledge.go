package cli

import "github.com/soquy/soquy/domain"

func (p *program) pledgeCommand() *command {
	return p.parent("pledge", p.pledgeMake(), p.pledgeCancel())
}

func (p *program) pledgeMake() *command {
	var (
		b      domain.MakePledge
		amount string
		due    dateFlag
	)
	c := p.command("pledge.make", "make CODE").takes(1, 1, nil)
	c.code(&b.Donor, "donor", donors).code(&b.Fund, "fund", funds).text(&amount, "amount").date(&due, "due")
	return c.needs("donor", "fund", "amount", "due").records(func(f *form, args []string) domain.CommandBody {
		b.Pledge, b.Amount, b.Due = args[0], f.amount("--amount", amount), due.date
		return &b
	})
}

func (p *program) pledgeCancel() *command {
	return p.command("pledge.cancel", "cancel PLEDGE").takes(1, 1, pledges).records(func(_ *form, args []string) domain.CommandBody {
		return &domain.CancelPledge{Pledge: args[0]}
	})
}
