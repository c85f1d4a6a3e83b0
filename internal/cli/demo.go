package cli

import (
	"context"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// DefaultSeed is the seed of the demo whose root the README shows.
const DefaultSeed = 2017

func (p *program) demoCommand() *command {
	var (
		seed uint64
		exit bool
	)
	c := p.command("demo", "demo")
	c.Flags().Uint64Var(&seed, "seed", DefaultSeed, c.usageOf("seed"))
	c.completes("seed", nil)
	c.yes(&exit, "exit") // what comes after the report is not built yet, so that it ends either way
	return c.runs(func(ctx context.Context, _ []string) error { return p.demo(ctx, seed) })
}

// demo builds the demo ledger, prints the report of the half-year, verifies the log and says what to try next.
func (p *program) demo(ctx context.Context, seed uint64) error {
	t := p.target()
	b := p.bar(p.t("progress.demo"))
	h, err := p.backend.Demo(ctx, t, seed, b.progress())
	b.done()
	if err != nil {
		return err
	}
	t.Ledger = h.Origin
	p.cat = p.cat.In(h.Currency.Code)
	figures, err := p.backend.DemoFigures(ctx, t)
	if err != nil {
		return err
	}
	if err := p.demoReport(ctx, t, figures); err != nil {
		return err
	}
	if err := p.out.Flush(); err != nil {
		return p.outputFailed(err)
	}
	b = p.bar(p.t("progress.verify"))
	v, err := p.backend.Verify(ctx, t, b.progress())
	b.done()
	if err != nil {
		return err
	}
	p.tellVerification(&v)
	p.printf("\n%s\n", p.t("demo.key"))
	p.printf("\n%s\n", p.t("next"))
	p.commands("balance --fund "+p.t("demo.fund"), "totals --by unit-level --from 2017-01-01 --to 2017-06-30",
		"totals --by unit --rollup --within 11 --measure merit_award --recipient student,teacher", "vouchers --unit 11 --series PC", "verify")
	if !v.OK {
		return exitError(ExitIntegrity)
	}
	return nil
}

// demoReport prints the published figures beside those of the ledger, and the table of the districts.
func (p *program) demoReport(ctx context.Context, t Target, figures []Figure) error {
	r, err := p.backend.Reader(ctx, t)
	if err != nil {
		return err
	}
	defer r.Close()
	p.printf("%s\n%s\n\n", p.t("demo.title"), p.t("demo.invented"))
	p.demoFigures(figures)
	return r.View(ctx, func(v View) error { return p.demoDistricts(ctx, v) })
}

// demoFigures prints the published figures, each with the command that shows it.
func (p *program) demoFigures(figures []Figure) {
	number := func(f *Figure, s string) string {
		if f.Money {
			return p.cat.Amount(s)
		}
		return p.cat.Number(s)
	}
	table := p.table("figure", "published>", "in_ledger>", "note")
	for i := range figures {
		f := &figures[i]
		note := ""
		if f.Assumed {
			note = p.t("demo.assumed")
		}
		if f.Also != "" {
			note = p.t("demo.also", "n", p.cat.Number(f.Also))
		}
		if f.Published != f.Ledger {
			note = p.t("demo.differs")
		}
		table.row(p.cat.Term("figure", f.Key), number(f, f.Published), number(f, f.Ledger), note)
	}
	table.print()
	p.printf("\n%s\n", p.t("demo.queries"))
	for i := range figures {
		p.printf("  soquy %s%s\n", figures[i].Query, p.same())
	}
	p.printf("\n")
}

// rewarded are the levels of the published figures on rewards.
func rewarded() []string {
	return []string{string(domain.District), string(domain.Commune), string(domain.Chapter)}
}

// demoRow is a line of the table of districts.
type demoRow struct {
	students, studentGrants, teachers, rewards, aid, gifts int64
}

// demoDistricts prints what the units of each district did, with all below them, and the province.
func (p *program) demoDistricts(ctx context.Context, v View) error {
	from, to := domain.NewDate(2017, 1, 1), domain.NewDate(2017, 6, 30)
	rows := map[string]*demoRow{}
	rollup := func(q projections.TotalsQuery, add func(*demoRow, *projections.TotalsRow)) error {
		q.By, q.Rollup, q.From, q.To = []projections.Dim{projections.ByUnit}, true, &from, &to
		list, err := v.Totals(ctx, q)
		for i := range list {
			unit := list[i].By[0]
			if rows[unit] == nil {
				rows[unit] = &demoRow{}
			}
			add(rows[unit], &list[i])
		}
		return err
	}
	err := rollup(projections.TotalsQuery{
		UnitLevels: rewarded(), Measures: []string{string(domain.MeritAward)}, Recipients: []string{"student", "teacher"},
	}, func(r *demoRow, t *projections.TotalsRow) {
		r.rewards += t.Amount
		if t.Recipient == "student" {
			r.students, r.studentGrants = t.People, t.Grants
		} else {
			r.teachers = t.People
		}
	})
	if err != nil {
		return err
	}
	err = rollup(projections.TotalsQuery{
		UnitLevels: rewarded(), Measures: []string{string(domain.Scholarship), string(domain.HardshipGrant)},
	}, func(r *demoRow, t *projections.TotalsRow) { r.aid += t.Amount })
	if err != nil {
		return err
	}
	err = rollup(projections.TotalsQuery{
		Measures: []string{projections.DonationCash, projections.DonationInKind},
	}, func(r *demoRow, t *projections.TotalsRow) { r.gifts += t.Amount })
	if err != nil {
		return err
	}
	list, err := v.Units(ctx)
	if err != nil {
		return err
	}
	p.printf("%s\n\n", p.t("demo.districts"))
	currency := v.Head().Currency
	table := p.table("unit", "students>", "student_grants>", "teachers>", "rewards>", "aid>", "gifts_all>")
	line := func(u *projections.Unit) []string {
		r := rows[u.Code]
		if r == nil {
			r = &demoRow{}
		}
		return []string{
			p.name(u.Name, u.NameEN), p.count(r.students), p.count(r.studentGrants), p.count(r.teachers),
			p.amount(r.rewards, currency), p.amount(r.aid, currency), p.amount(r.gifts, currency),
		}
	}
	for i := range list {
		switch u := &list[i]; u.Level {
		case domain.District:
			table.row(line(u)...)
		case domain.Province:
			table.footer(line(u)...)
		}
	}
	table.print()
	p.printf("\n%s\n\n", p.t("demo.districts_note"))
	return nil
}
