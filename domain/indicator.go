package domain

import "github.com/soquy/soquy/domain/money"

// ReportIndicator records a counted figure of a unit and period, such as members; it is not the association's money. Reported
// again for the same unit, indicator and period, the later report holds.
type ReportIndicator struct {
	Unit, Indicator string
	From, To        Date
	Value           money.Decimal
	Of              money.Decimal // of how many
	Measure         string
}

// IndicatorReported is recorded by ReportIndicator.
type IndicatorReported ReportIndicator

// Type returns the stored name.
func (*ReportIndicator) Type() string   { return "report_indicator" }
func (*IndicatorReported) Type() string { return "indicator.reported" }

func (c *ReportIndicator) validate(s *static) {
	s.code("/data/unit", c.Unit)
	s.code("/data/indicator", c.Indicator)
	if c.To < c.From {
		s.malformed("/data/to", "before from")
	}
	s.number("/data/value", c.Value, true)
	s.number("/data/of", c.Of, false)
	s.text("/data/measure", c.Measure)
	if len(c.Value) > MaxDigits {
		s.malformed("/data/value", "bad number")
	}
	if len(c.Of) > MaxDigits {
		s.malformed("/data/of", "bad number")
	}
}

// MaxDigits is the length limit of a number of an indicator, which is kept as it was written.
const MaxDigits = 30

func (c *ReportIndicator) decide(d *decision) {
	d.anyUnit(c.Unit)
	if d.ok() {
		d.add((*IndicatorReported)(c))
	}
}

func (*IndicatorReported) evolve(*Book, *Event) {} // no decision depends on it
