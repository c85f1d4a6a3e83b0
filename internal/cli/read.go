package cli

import (
	"context"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

// read opens the ledger and calls f with one state of it.
func (p *program) read(ctx context.Context, f func(View) error) error {
	return p.readAt(ctx, KnownAt{}, f)
}

// complete lists codes of the ledger; when it cannot be read, nothing.
func complete(f func(ctx context.Context, v View, add func(code, name string)) error) completer {
	return func(ctx context.Context, p *program) []string {
		var list []string
		_ = p.read(ctx, func(v View) error {
			return f(ctx, v, func(code, name string) {
				if name != "" {
					code += "\t" + name
				}
				list = append(list, code)
			})
		})
		return list
	}
}

func units(ctx context.Context, p *program) []string {
	return complete(func(ctx context.Context, v View, add func(code, name string)) error {
		list, err := v.Units(ctx)
		for i := range list {
			if u := &list[i]; u.Closed == nil {
				add(u.Code, u.Name)
			}
		}
		return err
	})(ctx, p)
}

func funds(ctx context.Context, p *program) []string {
	return complete(func(ctx context.Context, v View, add func(code, name string)) error {
		list, err := v.Funds(ctx)
		for i := range list {
			if f := &list[i]; f.Closed == nil {
				add(f.Code, f.Name)
			}
		}
		return err
	})(ctx, p)
}

func donors(ctx context.Context, p *program) []string {
	return complete(func(ctx context.Context, v View, add func(code, name string)) error {
		list, err := v.Donors(ctx, projections.DonorQuery{})
		for i := range list {
			add(list[i].Code, list[i].Name)
		}
		return err
	})(ctx, p)
}

func pledges(ctx context.Context, p *program) []string {
	return complete(func(ctx context.Context, v View, add func(code, name string)) error {
		list, err := v.Pledges(ctx)
		for i := range list {
			if list[i].Open() > 0 {
				add(list[i].Pledge, list[i].Donor)
			}
		}
		return err
	})(ctx, p)
}

func assets(ctx context.Context, p *program) []string {
	list := []string{string(domain.Cash), string(domain.Bank)}
	return append(list, complete(func(ctx context.Context, v View, add func(code, name string)) error {
		items, err := v.Goods(ctx)
		for i := range items {
			add(string(domain.Goods(items[i].Item)), items[i].Measure)
		}
		return err
	})(ctx, p)...)
}

// list splits a flag that takes codes with commas.
func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// known checks that codes are those of units, funds, donors or reported indicators of the ledger: a slip of the finger is not an empty
// answer.
func known(ctx context.Context, v View, kind string, codes []string) error {
	if len(codes) == 0 {
		return nil
	}
	have := map[string]bool{}
	switch kind {
	case "unit":
		rows, err := v.Units(ctx)
		if err != nil {
			return err
		}
		for i := range rows {
			have[rows[i].Code] = true
		}
	case "fund":
		rows, err := v.Funds(ctx)
		if err != nil {
			return err
		}
		for i := range rows {
			have[rows[i].Code] = true
		}
	case "indicator":
		rows, err := v.Indicators(ctx, projections.IndicatorQuery{Indicators: codes})
		if err != nil {
			return err
		}
		for i := range rows {
			have[rows[i].Indicator] = true
		}
	case "donor":
		rows, err := v.Donors(ctx, projections.DonorQuery{Donors: codes})
		if err != nil {
			return err
		}
		for i := range rows {
			have[rows[i].Code] = true
		}
	}
	for _, code := range codes {
		if !have[code] {
			return domain.Refuse(domain.ReferenceUnknown, kind, code)
		}
	}
	return nil
}

// dateJSON is a date, or null.
func dateJSON(d *domain.Date) *string {
	if d == nil {
		return nil
	}
	s := d.String()
	return &s
}

// amount writes minor units with the currency, for people.
func (p *program) amount(v int64, c money.Currency) string {
	return money.FormatCurrency(v, c, p.locale())
}

func (p *program) count(n int64) string { return p.cat.Number(itoa(n)) }

func (p *program) date(d domain.Date) string { return p.cat.Date(d.String()) }

// name is a name in the language, where there is one.
func (p *program) name(vi, en string) string {
	if p.cat.Language == "en" && en != "" {
		return en
	}
	return vi
}

func ids(list []uuid.UUID) []string {
	out := make([]string, len(list))
	for i, id := range list {
		out[i] = id.String()
	}
	return out
}
