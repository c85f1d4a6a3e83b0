package demo

import (
	"strconv"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// Codes of the figures that communes report. They are counted, and not money of the association.
const (
	indicatorMembers     = "members"
	indicatorChapters    = "chapters"
	indicatorFamilies    = "learning_families"
	indicatorClans       = "learning_clans"
	indicatorCentres     = "learning_centres"
	indicatorAttendances = "centre_attendances"
	indicatorFamilyFunds = "family_study_funds"
)

// The figures that the association published.
const (
	members          = 155_232
	learningFamilies = 65_103
	learningClans    = 448
	activeCentres    = 122
	attendances      = 69_710
	familyFunds      = 59_900_000_000 // dong
)

// makeIndicators plans the reports of the communes for the half-year. Three of them report a figure wrong first.
func (p *plan) makeIndicators() {
	n := len(p.communes)
	spread := func(total int64, even int64) []int64 {
		weights := make([]int64, n)
		for i := range weights {
			weights[i] = (even + p.communes[i].weight) * int64(p.dice.between(80, 120))
		}
		return allocate(total, weights)
	}
	ofChapters := make([]int64, n)
	for i := range p.communes {
		ofChapters[i] = int64(len(p.communes[i].chapters))
	}
	active := make([]int64, n)
	for i := range activeCentres {
		active[i] = 1
	}
	shuffle(p.dice, active)
	came := spread(attendances, 0)
	idle := int64(0)
	for i := range came {
		if active[i] == 0 {
			idle += came[i]
			came[i] = 0
		}
	}
	for i, extra := range allocate(idle, active) {
		came[i] += extra
	}
	funds := spread(familyFunds/100_000, 0)
	for i := range funds {
		funds[i] *= 100_000
	}
	order := []struct {
		code, measure string
		of            money.Decimal
		values        []int64
	}{
		{indicatorMembers, "người", "", spread(members, 2_000)},
		{indicatorChapters, "chi hội", "", ofChapters},
		{indicatorFamilies, "gia đình", "", spread(learningFamilies, 1_000)},
		{indicatorClans, "dòng họ", "", spread(learningClans, 0)},
		{indicatorCentres, "trung tâm", "1", active},
		{indicatorAttendances, "lượt người", "", came},
		{indicatorFamilyFunds, "VND", "", funds},
	}
	for k, ind := range order {
		for i, v := range ind.values {
			u := p.communes[i].unit
			report := func(v int64, rec domain.Date, remark string) {
				p.add(op{on: p.end, rec: rec, unit: u, remark: remark, body: still(&domain.ReportIndicator{
					Unit: p.units[u].code, Indicator: ind.code, From: p.start, To: p.end,
					Value: money.Decimal(strconv.FormatInt(v, 10)), Of: ind.of, Measure: ind.measure,
				})})
			}
			if k == 0 && i%50 == 7 {
				report(v*10, p.date(time.July, 5), "")
				report(v, p.date(time.July, 10), "Sửa số liệu: thừa một chữ số")
				continue
			}
			report(v, p.date(time.July, 5)+domain.Date(p.dice.n(5)), "")
		}
	}
}
