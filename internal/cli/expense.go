package cli

import "github.com/soquy/soquy/domain"

func (p *program) expenseCommand() *command {
	var (
		e                       domain.RecordExpense
		purpose                 choice
		asset, amount, quantity string
		payee                   domain.Payee
		person                  string
	)
	c := p.command("expense", "expense")
	c.code(&e.Fund, "fund", funds).asset(&asset, "asset").text(&amount, "amount").text(&quantity, "quantity")
	c.choice(&purpose, "purpose", domain.ExpensePurposes())
	c.text(&payee.Organisation, "payee").text(&person, "payee-person").code(&payee.Donor, "payee-donor", donors)
	return c.needs("fund", "purpose").records(func(f *form, _ []string) domain.CommandBody {
		e.Asset, e.Purpose = domain.Asset(asset), purpose.value
		e.Amount, e.Quantity = f.outlay(amount, quantity)
		payee.Person = f.id("--payee-person", person)
		if payee != (domain.Payee{}) {
			e.Payee = &payee
		}
		return &e
	})
}
