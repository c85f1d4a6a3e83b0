package demo

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

// The demo ledger's currency and time zone.
const (
	Currency = "VND"
	TimeZone = "Asia/Ho_Chi_Minh"
)

// A Figure is a published figure of the half-year beside what the ledger has: each is the answer to one query.
type Figure struct {
	Key       string // a stable word, such as "students_rewarded"
	Published string // a canonical decimal
	Ledger    string // a canonical decimal; the same, or the demo is wrong
	Money     bool   // an amount of the ledger's currency, not a number
	Assumed   bool   // the publication has no exact number
	Query     string // the soquy command, without "soquy", that shows it
	Also      string // a second number: the awards (lượt) beside the people, or of how many; ""
}

// A View answers the queries.
type View interface {
	projections.Totals
	projections.Indicators
}

// figure is how a figure is asked for: by totals, or by the name of an indicator.
type figure struct {
	key            string
	published      int64
	money, assumed bool
	totals         *projections.TotalsQuery
	people         bool // counts people, with the awards beside them; else amounts
	indicator      string
}

// period is the half-year.
func period() (from, to domain.Date) {
	return domain.NewDate(2017, 1, 1), domain.NewDate(2017, 6, 30)
}

// figures are the lines of the report, in order.
func figures() []figure {
	from, to := period()
	totals := func(levels, measures, recipients string) *projections.TotalsQuery {
		q := &projections.TotalsQuery{From: &from, To: &to, Measures: strings.Split(measures, ",")}
		if levels != "" {
			q.UnitLevels = strings.Split(levels, ",")
		}
		if recipients != "" {
			q.Recipients = strings.Split(recipients, ",")
		}
		return q
	}
	const below = "district,commune,chapter"
	return []figure{
		{key: "students_rewarded", published: rewardedStudents, people: true, totals: totals(below, "merit_award", "student")},
		{key: "teachers_rewarded", published: rewardedTeachers, people: true, totals: totals(below, "merit_award", "teacher")},
		{key: "rewards", published: awardsTotal, money: true, totals: totals(below, "merit_award", "student,teacher")},
		{key: "aid", published: aidTotal, money: true, totals: totals(below, "scholarship,hardship_grant", "student")},
		{
			key: "province_spending", published: provinceTotal, money: true, assumed: true,
			totals: totals("province", "merit_award,scholarship,hardship_grant,support,expense", ""),
		},
		{
			key: "gifts", published: moneyTotal + goodsTotal, money: true, assumed: true,
			totals: totals("", projections.DonationCash+","+projections.DonationInKind, ""),
		},
		{key: indicatorFamilyFunds, published: familyFunds, money: true, assumed: true, indicator: indicatorFamilyFunds},
		{key: indicatorMembers, published: members, indicator: indicatorMembers},
		{key: indicatorChapters, published: chapters, assumed: true, indicator: indicatorChapters},
		{key: indicatorFamilies, published: learningFamilies, indicator: indicatorFamilies},
		{key: indicatorClans, published: learningClans, indicator: indicatorClans},
		{key: indicatorCentres, published: activeCentres, indicator: indicatorCentres},
		{key: indicatorAttendances, published: attendances, indicator: indicatorAttendances},
	}
}

// Figures compares the published figures with those of a demo ledger. The publication counts rewarded students and teachers; the demo
// takes them as people, and has the awards beside them.
func Figures(ctx context.Context, v View) ([]Figure, error) {
	list := figures()
	out := make([]Figure, len(list))
	for i := range list {
		f := &list[i]
		have, also, err := f.ask(ctx, v)
		if err != nil {
			return nil, fmt.Errorf("figure %s: %w", f.key, err)
		}
		out[i] = Figure{
			Key: f.key, Published: strconv.FormatInt(f.published, 10), Ledger: strconv.FormatInt(have, 10),
			Money: f.money, Assumed: f.assumed, Query: f.command(), Also: also,
		}
	}
	return out, nil
}

// ask returns what the ledger has.
func (f *figure) ask(ctx context.Context, v View) (have int64, also string, err error) {
	if f.totals != nil {
		rows, err := v.Totals(ctx, *f.totals)
		var grants int64
		for i := range rows {
			grants += rows[i].Grants
			if f.people {
				have += rows[i].People // of the one row of its measure and recipient
			} else {
				have += rows[i].Amount
			}
		}
		if f.people {
			also = strconv.FormatInt(grants, 10)
		}
		return have, also, err
	}
	from, to := period()
	rows, err := v.Indicators(ctx, projections.IndicatorQuery{Indicators: []string{f.indicator}, From: &from, To: &to})
	if err != nil {
		return 0, "", err
	}
	var of int64
	for i := range rows {
		value, err := money.Decimal(rows[i].Value).Minor(0)
		if err != nil {
			return 0, "", fmt.Errorf("%s of %s: %w", f.indicator, rows[i].Unit, err)
		}
		have += value
		if rows[i].Of != "" {
			n, err := money.Decimal(rows[i].Of).Minor(0)
			if err != nil {
				return 0, "", fmt.Errorf("%s of %s: %w", f.indicator, rows[i].Unit, err)
			}
			of += n
		}
	}
	if of > 0 {
		also = strconv.FormatInt(of, 10)
	}
	return have, also, nil
}

// command is the query as it is typed.
func (f *figure) command() string {
	from, to := period()
	words := []string{"totals"}
	if f.totals == nil {
		words[0] = "indicators --indicator " + f.indicator
	}
	words = append(words, "--from", from.String(), "--to", to.String())
	if q := f.totals; q != nil {
		flag := func(name string, values []string) {
			if len(values) > 0 {
				words = append(words, name, strings.Join(values, ","))
			}
		}
		flag("--unit-level", q.UnitLevels)
		flag("--measure", q.Measures)
		flag("--recipient", q.Recipients)
	}
	return strings.Join(words, " ")
}
