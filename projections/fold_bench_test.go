package projections_test

import (
	"fmt"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/projectiontest"
)

// BenchmarkFold folds what a commit of 64 donations and one of a list of 1,000 awards paid on the spot change in the read models.
func BenchmarkFold(b *testing.B) {
	gifts := func(h *projectiontest.History) {
		for i := range 64 {
			h.Do(&domain.ReceiveDonation{Fund: "TQ", Donor: "VCB", Lines: []domain.LineInput{{Asset: domain.Cash, Amount: money.Decimal(fmt.Sprint(1_000 + i))}}})
		}
	}
	awards := func(h *projectiontest.History) {
		var list []domain.Recipient
		for i := range h.Log {
			if p, ok := h.Log[i].Body.(*domain.PersonRegistered); ok {
				list = append(list, domain.Recipient{Person: p.Person, Amount: "10"})
			}
		}
		for len(list) < 1_000 {
			list = append(list, list[:min(len(list), 1_000-len(list))]...)
		}
		h.Do(&domain.ReceiveDonation{Fund: "TQ", Donor: "VCB", Lines: []domain.LineInput{{Asset: domain.Cash, Amount: "1000000"}}})
		h.Do(&domain.MakeGrant{Kind: domain.MeritAward, Fund: "TQ", Asset: domain.Cash, Pay: true, Recipients: list})
	}
	for name, record := range map[string]func(*projectiontest.History){"donations=64": gifts, "awards=1000": awards} {
		b.Run(name, func(b *testing.B) {
			h := projectiontest.NewHistory(b, 1).Province()
			h.On("2017-03-05")
			start := len(h.Log)
			record(h)
			batch := h.Log[start:]
			b.ReportAllocs()
			for b.Loop() {
				f := projections.NewFold(projections.Models(), nil)
				for i := range h.Log[:start] {
					if err := f.Add(&h.Log[i]); err != nil {
						b.Fatal(err)
					}
				}
				for i := range batch {
					if err := f.Add(&batch[i]); err != nil {
						b.Fatal(err)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(h.Log)), "ns/event")
		})
	}
}
