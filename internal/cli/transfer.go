package cli

import (
	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// outlay reads the flags --amount and --quantity, of which one is given.
func (f *form) outlay(amount, quantity string) (money.Decimal, money.Decimal) {
	if (amount == "") == (quantity == "") {
		f.fail(usage("amount_or_quantity"))
	}
	return f.amount("--amount", amount), f.quantity("--quantity", quantity)
}

func (p *program) transferCommand() *command {
	var (
		t                       domain.TransferFunds
		asset, amount, quantity string
	)
	c := p.command("transfer", "transfer")
	c.code(&t.From, "from", funds).code(&t.To, "to", funds).asset(&asset, "asset").text(&amount, "amount").text(&quantity, "quantity")
	return c.needs("from", "to").records(func(f *form, _ []string) domain.CommandBody {
		t.Asset = domain.Asset(asset)
		t.Amount, t.Quantity = f.outlay(amount, quantity)
		return &t
	})
}

func (p *program) moveCommand() *command {
	var (
		m        domain.MoveHolding
		from, to choice
		amount   string
	)
	kinds := []string{string(domain.Cash), string(domain.Bank)}
	c := p.command("move", "move")
	c.code(&m.Fund, "fund", funds).choice(&from, "from", kinds).choice(&to, "to", kinds).text(&amount, "amount")
	return c.needs("fund", "from", "to", "amount").records(func(f *form, _ []string) domain.CommandBody {
		m.FromAsset, m.ToAsset, m.Amount = domain.Asset(from.value), domain.Asset(to.value), f.amount("--amount", amount)
		return &m
	})
}
