package cli

import (
	"errors"
	"io/fs"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// grantCommands makes a command for each kind of grant.
func (p *program) grantCommands() []*command {
	var list []*command
	for _, g := range []struct {
		name string
		kind domain.Purpose
	}{
		{"award", domain.MeritAward},
		{"scholarship", domain.Scholarship},
		{"hardship", domain.HardshipGrant},
		{"support", domain.Support},
	} {
		list = append(list, p.grantCommand(g.name, g.kind))
	}
	return list
}

// recipients are the flags that say who gets a grant.
type recipients struct {
	persons, collectives, units []string
	file, amount                string

	achievement, prize, education, cause choice
}

func (p *program) grantCommand(name string, kind domain.Purpose) *command {
	var (
		fund, asset, schoolYear string
		number, issuer          string
		date                    dateFlag
		pay                     bool
		r                       recipients
	)
	c := p.command(name, name)
	c.key = "grant" // the flags of all kinds of grants are the same
	c.code(&fund, "fund", funds).asset(&asset, "asset")
	c.texts(&r.persons, "to").texts(&r.collectives, "to-collective").texts(&r.units, "to-unit").text(&r.file, "list").text(&r.amount, "amount")
	_ = c.MarkFlagFilename("list", "csv")
	c.yes(&pay, "pay")
	c.choice(&r.achievement, "achievement-level", domain.AchievementLevels()).choice(&r.prize, "prize", domain.Prizes())
	c.choice(&r.education, "education-level", domain.EducationLevels())
	if kind == domain.HardshipGrant {
		c.choice(&r.cause, "cause", domain.Causes())
	}
	c.text(&schoolYear, "school-year").text(&number, "decision").date(&date, "decision-date").text(&issuer, "decision-issuer")
	return c.needs("fund").records(func(f *form, _ []string) domain.CommandBody {
		g := &domain.MakeGrant{Kind: kind, Fund: fund, Asset: domain.Asset(asset), Pay: pay, SchoolYear: schoolYear}
		switch {
		case number != "" && date.given:
			g.Decision = &domain.Decision{Number: number, Date: date.date, Issuer: issuer}
		case number != "" || date.given || issuer != "":
			f.fail(usage("decision"))
		}
		g.Recipients = f.recipients(&r, g.Asset)
		return g
	})
}

// asset adds the flag of a holding's asset; cash when it is not given.
func (c *command) asset(dst *string, name string) *command {
	c.Flags().StringVar(dst, name, string(domain.Cash), c.usageOf(name))
	c.completes(name, assets)
	return c
}

// recipient is one of whom only what all have in common is known.
func (r *recipients) recipient() domain.Recipient {
	return domain.Recipient{
		AchievementLevel: r.achievement.value, Prize: r.prize.value, EducationLevel: r.education.value, Cause: r.cause.value,
	}
}

// recipients reads who gets how much, in the order persons, collectives, units, file.
func (f *form) recipients(r *recipients, asset domain.Asset) []domain.Recipient {
	var list []domain.Recipient
	add := func(flag, s string, name func(*domain.Recipient, string)) {
		who, amount, ok := cutLast(s)
		if !ok {
			amount = r.amount
		}
		if amount == "" {
			f.fail(usage("recipient", "flag", flag, "value", s))
		}
		to := r.recipient()
		to.Amount, to.Quantity = f.of(asset, flag, amount)
		name(&to, who)
		list = append(list, to)
		f.places = append(f.places, place{flag: flag, value: s})
	}
	for _, s := range r.persons {
		add("--to", s, func(to *domain.Recipient, who string) { to.Person = f.id("--to", who) })
	}
	for _, s := range r.collectives {
		add("--to-collective", s, func(to *domain.Recipient, who string) { to.Collective, to.Unit = collective(who) })
	}
	for _, s := range r.units {
		add("--to-unit", s, func(to *domain.Recipient, who string) { to.Unit = who })
	}
	if r.file != "" {
		list = append(list, f.recipientFile(r, asset)...)
	}
	if len(list) == 0 && f.err == nil {
		f.fail(usage("no_recipients"))
	}
	return list
}

// collective splits "Lớp 5A@X00" into a name and a unit.
func collective(s string) (name, unit string) {
	if i := strings.LastIndexByte(s, '@'); i > 0 && domain.ValidCode(s[i+1:]) {
		return s[:i], s[i+1:]
	}
	return s, ""
}

// fileFailure says why a file could not be read.
func fileFailure(path string, err error) *Failure {
	f := &Failure{Code: "file.unreadable", Args: []domain.Arg{{Name: "path", Value: path}}, Exit: ExitUnusable, Err: err}
	if errors.Is(err, fs.ErrNotExist) {
		f.Code = "file.missing"
	}
	return f
}

func (p *program) disburseCommand() *command {
	c := p.command("disburse", "disburse GRANT[=AMOUNT]...").takes(1, -1, nil)
	return c.records(func(f *form, args []string) domain.CommandBody {
		d := &domain.Disburse{}
		for _, a := range args {
			id, number, _ := cutLast(a)
			// Only the ledger knows whether the grant is goods; a quantity says so by its unit.
			pay := domain.Payment{Grant: f.id("GRANT", id)}
			pay.Amount, pay.Quantity = f.amountOrQuantity(a, number)
			d.Grants = append(d.Grants, pay)
			f.places = append(f.places, place{flag: a})
		}
		return d
	})
}

// amountOrQuantity reads an amount or, after "q:", a quantity.
func (f *form) amountOrQuantity(name, s string) (amount, quantity money.Decimal) {
	if q, isQuantity := strings.CutPrefix(s, "q:"); isQuantity {
		return "", f.quantity(name, q)
	}
	return f.amount(name, s), ""
}

func (p *program) cancelCommand() *command {
	var reason choice
	c := p.command("cancel", "cancel GRANT").takes(1, 1, nil)
	return c.choice(&reason, "reason", domain.CancelReasons()).needs("reason").records(func(f *form, args []string) domain.CommandBody {
		return &domain.CancelGrant{Grant: f.id("GRANT", args[0]), Reason: reason.value}
	})
}

func (p *program) returnCommand() *command {
	var amount, quantity string
	c := p.command("return", "return GRANT").takes(1, 1, nil).text(&amount, "amount").text(&quantity, "quantity")
	return c.records(func(f *form, args []string) domain.CommandBody {
		body := &domain.ReturnGrant{Grant: f.id("GRANT", args[0])}
		body.Amount, body.Quantity = f.outlay(amount, quantity)
		return body
	})
}
