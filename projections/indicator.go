package projections

import (
	"context"

	"github.com/soquy/soquy/domain"
)

var indicatorTable = table("indicators",
	Column{"unit", Text, Key},
	Column{"indicator", Text, Key},
	Column{"from_on", Date, Key},
	Column{"to_on", Date, Key},
	Column{"value", Text, Last}, // as it was written
	Column{"of_value", Text, Last},
	Column{"measure", Text, Last},
	Column{"reported_on", Date, Last},
	Column{"position", Int, Last})

func foldIndicators(f *Fold, e *domain.Event) error {
	if b, ok := e.Body.(*domain.IndicatorReported); ok {
		f.put(indicatorTable, text(b.Unit), text(b.Indicator), day(b.From), day(b.To),
			text(b.Value), text(b.Of), text(b.Measure), day(e.EffectiveOn), num(e.Position))
	}
	return nil
}

// An IndicatorQuery asks for reported figures. The zero query asks for all.
type IndicatorQuery struct {
	Units, Indicators []string     // none: all
	From, To          *domain.Date // periods that lie within, inclusive; nil: open
}

// An IndicatorRow is the last report of a figure for a unit and period. Numbers are as they were written; Of and Measure may be "".
type IndicatorRow struct {
	Unit, Indicator    string
	From, To           domain.Date
	Value, Of, Measure string
	ReportedOn         domain.Date
	Position           int64
}

// Indicators answers questions about reported figures.
type Indicators interface {
	// Indicators returns figures in order of unit, indicator and period.
	Indicators(ctx context.Context, q IndicatorQuery) ([]IndicatorRow, error)
}
