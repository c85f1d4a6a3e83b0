package cli

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/report"
	"github.com/soquy/soquy/internal/report/chart"
)

// accountName says in words what an account is.
func (p *program) accountName(account string) string {
	parts := strings.Split(account, ":")
	switch {
	case parts[0] == "assets" && len(parts) > 1 && account != "assets:goods":
		return p.cat.Asset(strings.Join(parts[1:], ":"))
	case domain.AwardsAccount == strings.Join(parts[:min(2, len(parts))], ":") && len(parts) == 3:
		return p.cat.Term("measure", string(domain.MeritAward)) + ": " + p.cat.Term("recipient", parts[2])
	case domain.Administration == strings.Join(parts[:min(2, len(parts))], ":") && len(parts) == 3:
		return p.cat.Term("measure", string(domain.Expense)) + ": " + p.cat.Term("expense", parts[2])
	}
	return p.cat.Term("account", account)
}

// accountsOf are the accounts that the ledger can have.
func accountsOf(ctx context.Context, v View) ([]string, error) {
	list := domain.Accounts()
	items, err := v.Goods(ctx)
	for i := range items {
		list = append(list, domain.AssetAccount(domain.Goods(items[i].Item)))
	}
	slices.SortFunc(list, report.CompareAccounts)
	return list, err
}

func accounts(ctx context.Context, p *program) []string {
	return complete(func(ctx context.Context, v View, add func(code, name string)) error {
		list, err := accountsOf(ctx, v)
		for _, account := range list {
			add(account, p.accountName(account))
		}
		return err
	})(ctx, p)
}

// knownAccount checks that there can be an account, or one below it.
func knownAccount(ctx context.Context, v View, account string) error {
	list, err := accountsOf(ctx, v)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list, func(a string) bool { return report.Below(a, account) }) {
		return domain.Refuse(domain.ReferenceUnknown, "account", account)
	}
	return nil
}

// maxChart is the size limit of a chart's file in bytes.
const maxChart = 1 << 20

// official are the flags that ask for official account numbers.
type official struct {
	profile, file string
	chart         chart.Chart
}

func (c *command) official(o *official) *command {
	return c.code(&o.profile, "profile", func(context.Context, *program) []string {
		list, _ := chart.Shipped()
		return list.Profiles()
	}).text(&o.file, "chart")
}

// open reads the chart that is asked for.
func (o *official) open(p *program) error {
	shipped, err := chart.Shipped()
	if err != nil {
		return err
	}
	if o.file != "" {
		raw, err := p.file(o.file, maxChart)
		if err != nil {
			return err
		}
		o.chart, err = chart.Parse(raw)
		var syntax *chart.SyntaxError
		if errors.As(err, &syntax) {
			return &Failure{Code: "chart.malformed", Exit: ExitUnusable, Err: err, Args: []domain.Arg{
				{Name: "path", Value: o.file},
				{Name: "line", Value: itoa(int64(syntax.Line))},
				{Name: "problem", Value: p.t("chart.problem." + syntax.Problem)},
			}}
		}
		if err != nil {
			return err
		}
	}
	o.chart = append(o.chart, shipped...)
	if o.profile != "" && !slices.Contains(o.chart.Profiles(), o.profile) {
		return usage("choice", "value", o.profile, "words", strings.Join(o.chart.Profiles(), ", "))
	}
	return nil
}

// number is what an account is called in the profile on a day, or "".
func (o *official) number(account string, on domain.Date) string {
	if l := o.chart.Find(o.profile, account, on); l != nil {
		return l.Number
	}
	return ""
}

// official is the number and the name of an account in the profile on a day, or "".
func (p *program) official(o *official, account string, on domain.Date) string {
	l := o.chart.Find(o.profile, account, on)
	if l == nil {
		return ""
	}
	return strings.TrimSpace(l.Number + " " + p.name(l.NameVI, l.NameEN))
}

// fewFunds is for how many funds their histories are read instead of the whole log.
const fewFunds = 16

// postings calls yield with each event through a position that may have moved something in funds, nil: in all, and with the funds of
// which its postings are to be taken: an event about two of them comes twice.
func (p *program) postings(ctx context.Context, r Reader, through int64, funds []string, yield func(e *domain.Event, funds []string)) error {
	if funds != nil && len(funds) <= fewFunds {
		for _, fund := range funds {
			only := []string{fund}
			err := r.History(ctx, domain.FundSubject(fund), func(_ []byte, e *domain.Event) error {
				if e.Position > through {
					return errEnough
				}
				yield(e, only)
				return nil
			})
			if err != nil && !errors.Is(err, errEnough) {
				return err
			}
		}
		return nil
	}
	b := p.bar(p.t("progress.reading"))
	defer b.done()
	return r.Range(ctx, 1, through, func(e *domain.Event) error {
		b.set(e.Position, through)
		yield(e, funds)
		return nil
	})
}
