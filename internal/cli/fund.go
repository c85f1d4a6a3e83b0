package cli

import (
	"context"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

func (p *program) fundCommand() *command {
	return p.parent("fund", p.fundOpen(), p.fundRestrict(), p.fundClose(), p.fundList())
}

// purposes turns the words of a flag into purposes, nil for none.
func purposes(words []string) []domain.Purpose {
	var list []domain.Purpose
	for _, w := range words {
		list = append(list, domain.Purpose(w))
	}
	return list
}

func (p *program) fundOpen() *command {
	var (
		f       domain.OpenFund
		purpose choices
	)
	c := p.command("fund.open", "open CODE").takes(1, 1, nil)
	c.code(&f.Unit, "unit", units).text(&f.Name, "name").text(&f.NameEN, "name-en")
	c.choices(&purpose, "purposes", plain(domain.Purposes())).needs("unit", "name")
	return c.records(func(_ *form, args []string) domain.CommandBody {
		f.Code, f.Purposes = args[0], purposes(purpose.values)
		return &f
	})
}

func (p *program) fundRestrict() *command {
	var purpose choices
	c := p.command("fund.restrict", "restrict FUND").takes(1, 1, funds)
	c.choices(&purpose, "purposes", plain(domain.Purposes())).needs("purposes")
	return c.records(func(_ *form, args []string) domain.CommandBody {
		return &domain.RestrictFund{Fund: args[0], Purposes: purposes(purpose.values)}
	})
}

func (p *program) fundClose() *command {
	return p.command("fund.close", "close FUND").takes(1, 1, funds).records(func(_ *form, args []string) domain.CommandBody {
		return &domain.CloseFund{Fund: args[0]}
	})
}

type fundsJSON struct {
	headJSON
	Rows []fundJSON `json:"rows"`
}

type fundJSON struct {
	Fund     string   `json:"fund"`
	Unit     string   `json:"unit"`
	Name     string   `json:"name"`
	NameEN   string   `json:"name_en"`
	Purposes []string `json:"purposes"` // empty: any
	Opened   string   `json:"opened"`
	Closed   *string  `json:"closed"`
}

func (p *program) fundList() *command {
	var (
		unit string
		all  bool
	)
	c := p.command("fund.list", "list").code(&unit, "unit", units).yes(&all, "all")
	return c.runs(func(ctx context.Context, _ []string) error {
		return p.read(ctx, func(v View) error {
			if err := known(ctx, v, "unit", list(unit)); err != nil {
				return err
			}
			rows, err := v.Funds(ctx)
			if err != nil {
				return err
			}
			rows = slices.DeleteFunc(rows, func(f projections.FundRow) bool {
				return f.Closed != nil && !all || unit != "" && !slices.Contains(list(unit), f.Unit)
			})
			if p.json {
				return p.fundsJSON(v.Head(), rows)
			}
			p.fundsTable(v.Head(), rows)
			return nil
		})
	})
}

func (p *program) fundsJSON(h Head, rows []projections.FundRow) error {
	answer := fundsJSON{headJSON: newHeadJSON(h), Rows: make([]fundJSON, len(rows))}
	for i := range rows {
		f := &rows[i]
		answer.Rows[i] = fundJSON{
			Fund: f.Code, Unit: f.Unit, Name: f.Name, NameEN: f.NameEN, Purposes: plain(f.Purposes),
			Opened: f.Opened.String(), Closed: dateJSON(f.Closed),
		}
	}
	return p.encode(answer)
}

func (p *program) fundsTable(h Head, rows []projections.FundRow) {
	t := p.table("fund", "unit", "name", "purposes", "state")
	for i := range rows {
		f := &rows[i]
		words := []string{p.t("fund.any_purpose")}
		if len(f.Purposes) > 0 {
			words = words[:0]
		}
		for _, purpose := range f.Purposes {
			words = append(words, p.cat.Term("purpose", string(purpose)))
		}
		t.row(f.Code, f.Unit, p.name(f.Name, f.NameEN), strings.Join(words, ", "), p.closed(f.Closed, ""))
	}
	t.print()
	p.tail(h)
}
