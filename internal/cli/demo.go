package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// DefaultSeed is the seed of the demo whose root the README shows.
const DefaultSeed = 1

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
		return p.notDemo(err)
	}
	t.Ledger = h.Origin
	p.cat = p.cat.In(h.Currency.Code)
	figures, err := p.backend.DemoFigures(ctx, t)
	if err != nil {
		return err
	}
	r, err := p.backend.Reader(ctx, t)
	if err != nil {
		return err
	}
	defer r.Close()
	p.demoFigures(figures)
	var province, fund string
	err = r.View(ctx, func(v View) (err error) {
		province, fund, err = p.demoDistricts(ctx, v)
		return err
	})
	if err != nil {
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
	p.commands("balance --fund "+fund, "totals --by unit-level --from 2017-01-01 --to 2017-06-30",
		"totals --by unit --rollup --unit-level district,commune,chapter --measure merit_award --recipient student",
		"vouchers --unit "+province+" --series PC", "history --subject fund:"+fund, "events --from "+itoa(h.Position-2), "verify")
	return p.failureOf(&v)
}

// notDemo says what keeps the demo from being built where the failure alone would say it as if of a ledger of one's own.
func (p *program) notDemo(err error) error {
	var f *Failure
	if errors.As(err, &f) && (f.Code == "ledger.exists" || f.Code == "origin.differs") {
		told := *f
		told.Of = "demo"
		told.Args = append(slices.Clone(f.Args), domain.Arg{Name: "db", Value: WithoutPassword(p.db)})
		return &told
	}
	return err
}

// demoFigures prints the published figures, each with the command that shows it.
func (p *program) demoFigures(figures []Figure) {
	p.printf("%s\n%s\n\n", p.t("demo.title"), p.t("demo.invented"))
	number := func(f *Figure, s string) string {
		if f.Money {
			return p.cat.Amount(s)
		}
		return p.cat.Number(s)
	}
	table := p.table("figure", "published>", "in_ledger>", "note")
	for i := range figures {
		f := &figures[i]
		var notes []string
		if f.Assumed {
			notes = append(notes, p.t("demo.assumed"))
		}
		switch {
		case f.Also == "":
		case strings.HasPrefix(f.Query, "indicators"):
			notes = append(notes, p.t("demo.of", "n", p.cat.Number(f.Also)))
		default:
			notes = append(notes, p.t("demo.awards", "n", p.cat.Number(f.Also)))
		}
		if f.Published != f.Ledger {
			notes = append(notes, p.t("demo.differs"))
		}
		table.row(p.cat.Term("figure", f.Key), number(f, f.Published), number(f, f.Ledger), strings.Join(notes, "; "))
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

// demoTotals counts the half-year of each unit with all below it.
func demoTotals(ctx context.Context, v View) (map[string]*demoRow, error) {
	from, to := domain.NewDate(2017, 1, 1), domain.NewDate(2017, 6, 30)
	rows := map[string]*demoRow{}
	for _, part := range []struct {
		query projections.TotalsQuery
		add   func(*demoRow, *projections.TotalsRow)
	}{
		{
			projections.TotalsQuery{
				UnitLevels: rewarded(), Measures: []string{string(domain.MeritAward)}, Recipients: []string{"student", "teacher"},
			},
			func(r *demoRow, t *projections.TotalsRow) {
				r.rewards += t.Amount
				if t.Recipient == "student" {
					r.students, r.studentGrants = t.People, t.Grants
				} else {
					r.teachers = t.People
				}
			},
		},
		{
			projections.TotalsQuery{
				UnitLevels: rewarded(), Measures: []string{string(domain.Scholarship), string(domain.HardshipGrant)},
			},
			func(r *demoRow, t *projections.TotalsRow) { r.aid += t.Amount },
		},
		{
			projections.TotalsQuery{Measures: []string{projections.DonationCash, projections.DonationInKind}},
			func(r *demoRow, t *projections.TotalsRow) { r.gifts += t.Amount },
		},
	} {
		q := part.query
		q.By, q.Rollup, q.From, q.To = []projections.Dim{projections.ByUnit}, true, &from, &to
		list, err := v.Totals(ctx, q)
		if err != nil {
			return nil, err
		}
		for i := range list {
			unit := list[i].By[0]
			if rows[unit] == nil {
				rows[unit] = &demoRow{}
			}
			part.add(rows[unit], &list[i])
		}
	}
	return rows, nil
}

// demoDistricts prints what the units of each district did, with all below them, and the province. It returns the code of the province
// and of one of its funds.
func (p *program) demoDistricts(ctx context.Context, v View) (province, fund string, err error) {
	rows, err := demoTotals(ctx, v)
	if err != nil {
		return "", "", err
	}
	list, err := v.Units(ctx)
	if err != nil {
		return "", "", err
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
			province = u.Code
		}
	}
	table.print()
	p.printf("\n%s\n\n", p.t("demo.districts_note"))
	all, err := v.Funds(ctx)
	for i := range all {
		if f := &all[i]; f.Unit == province && f.Closed == nil {
			return province, f.Code, err
		}
	}
	return province, "", err
}
