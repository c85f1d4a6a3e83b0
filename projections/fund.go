package projections

import (
	"context"
	"strings"

	"github.com/soquy/soquy/domain"
)

var (
	fundTable = table("funds",
		Column{"fund", Text, Key},
		Column{"name", Text, First},
		Column{"name_en", Text, First},
		Column{"opened", Date, First},
		Column{"unit", Text, Last},
		Column{"purposes", Text, Last}, // with commas; "" is any
		Column{"closed", Date, Last})
	// fundUnitTable: from a date on, a fund is of a unit.
	fundUnitTable = once("fund_units",
		Column{"fund", Text, Key},
		Column{"position", Int, Key},
		Column{"from_on", Date, First},
		Column{"unit", Text, First})
)

// Columns of fundTable that a fold looks at.
const (
	fundUnit   = 4
	fundClosed = 6
)

func foldFunds(f *Fold, e *domain.Event) error {
	change := func(code string, unit, purposes, closed Value) {
		f.put(fundTable, text(code), text(""), text(""), num(0), unit, purposes, closed)
	}
	of := func(code, unit string) {
		f.put(fundUnitTable, text(code), num(e.Position), day(e.EffectiveOn), text(unit))
	}
	switch b := e.Body.(type) {
	case *domain.FundOpened:
		f.put(fundTable, text(b.Code), text(b.Name), text(b.NameEN), day(e.EffectiveOn),
			text(b.Unit), text(joinPurposes(b.Purposes)), null)
		of(b.Code, b.Unit)
	case *domain.FundRestricted:
		change(b.Fund, null, text(joinPurposes(b.Purposes)), null)
	case *domain.FundClosed:
		change(b.Fund, null, null, day(e.EffectiveOn))
	case *domain.UnitMerged:
		funds, err := f.open.OpenFunds(b.Unit)
		if err != nil {
			return err
		}
		for _, fund := range funds {
			change(fund, text(b.Into), null, null)
			of(fund, b.Into)
		}
	}
	return nil
}

func joinPurposes(list []domain.Purpose) string {
	texts := make([]string, len(list))
	for i, p := range list {
		texts[i] = string(p)
	}
	return strings.Join(texts, ",")
}

// SplitPurposes reads the purposes of a fund's row; nil is any.
func SplitPurposes(s string) []domain.Purpose {
	if s == "" {
		return nil
	}
	var list []domain.Purpose
	for p := range strings.SplitSeq(s, ",") {
		list = append(list, domain.Purpose(p))
	}
	return list
}

// A FundRow is a fund as of today.
type FundRow struct {
	Code, Unit   string // Unit is its unit now
	Name, NameEN string
	Purposes     []domain.Purpose // nil: any
	Opened       domain.Date
	Closed       *domain.Date
}

// Funds answers questions about funds.
type Funds interface {
	// Funds returns all funds in order of code.
	Funds(ctx context.Context) ([]FundRow, error)
	// FundUnits returns whose the funds are and were, in order of fund and position.
	FundUnits(ctx context.Context) ([]FundUnit, error)
}

// A FundUnit says that from a date on a fund is of a unit.
type FundUnit struct {
	Fund, Unit string
	Position   int64 // of the event that made it so
	From       domain.Date
}

// FundsOf returns the unit of each fund at the end of a date, nil: now. Before its first day a fund is its first unit's.
func FundsOf(list []FundUnit, on *domain.Date) map[string]string {
	units := map[string]string{}
	for i := range list {
		u := &list[i]
		if _, known := units[u.Fund]; !known || on == nil || u.From <= *on {
			units[u.Fund] = u.Unit
		}
	}
	return units
}
