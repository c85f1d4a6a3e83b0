package cli

import "github.com/soquy/soquy/domain"

func (p *program) countCommand() *command {
	var fund, asset, counted string
	c := p.command("count", "count").code(&fund, "fund", funds).asset(&asset, "asset").text(&counted, "counted")
	return c.needs("fund", "counted").records(func(f *form, _ []string) domain.CommandBody {
		body := &domain.CountHolding{Fund: fund, Asset: domain.Asset(asset)}
		amount, quantity := f.of(body.Asset, "--counted", counted)
		body.Counted = amount + quantity // one of them is empty
		return body
	})
}

func (p *program) settleCommand() *command {
	return p.command("settle", "settle COUNT").takes(1, 1, nil).records(func(f *form, args []string) domain.CommandBody {
		return &domain.SettleCount{Count: f.id("COUNT", args[0])}
	})
}
