package domain_test

import (
	"strings"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

func TestReportIndicator(t *testing.T) {
	l := province(t)
	c := &domain.ReportIndicator{
		Unit: "X", Indicator: "learning_families", From: date("2017-01-01"), To: date("2017-12-31"),
		Value: "1250.5", Of: "-3", Measure: "gia đình",
	}
	// Dates refuse nothing of an indicator.
	l.given(&domain.ClosePeriod{Through: date("2018-06-30")})
	l.on("2016-01-01").when(c).then((*domain.IndicatorReported)(c)).subjects().effects().posts()
	l.on("2099-01-01").given(c)

	long := money.Decimal(strings.Repeat("1", domain.MaxDigits+1))
	for _, tt := range []struct {
		c                domain.ReportIndicator
		pointer, problem string
	}{
		{domain.ReportIndicator{Indicator: "a", Value: "1"}, "/data/unit", "required"},
		{domain.ReportIndicator{Unit: "X", Value: "1"}, "/data/indicator", "required"},
		{domain.ReportIndicator{Unit: "X", Indicator: "a", From: 1, Value: "1"}, "/data/to", "before from"},
		{domain.ReportIndicator{Unit: "X", Indicator: "a"}, "/data/value", "required"},
		{domain.ReportIndicator{Unit: "X", Indicator: "a", Value: long}, "/data/value", "bad number"},
		{domain.ReportIndicator{Unit: "X", Indicator: "a", Value: "1", Of: long}, "/data/of", "bad number"},
		{domain.ReportIndicator{Unit: "X", Indicator: "a", Value: "1", Of: "."}, "/data/of", "bad number"},
	} {
		l.when(&tt.c).refused(domain.CommandMalformed, tt.pointer, tt.problem)
	}
	l.when(&domain.ReportIndicator{Unit: "ZZ", Indicator: "a", Value: "1"}).refused(domain.ReferenceUnknown, "unit", "ZZ")
}
