package audit

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/soquy/soquy/domain"
)

// looked gives events, in order from position 1, to the rules. Those without a time were recorded on a Tuesday at ten o'clock.
func looked(t testing.TB, limits Thresholds, events ...domain.Event) *Anomalies {
	t.Helper()
	a := NewAnomalies(limits)
	for i := range events {
		e := &events[i]
		e.Position = int64(i + 1)
		if e.RecordedAt.IsZero() {
			e.RecordedAt = time.Date(2017, 3, 7, 3, 0, 0, 0, time.UTC)
		}
		if e.EffectiveOn == 0 {
			e.EffectiveOn = domain.NewDate(2017, 3, 7)
		}
		if err := a.Add(e); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

func usual() Thresholds { return Thresholds{SplitDays: 7, LateDays: 30, DayBegins: 6, DayEnds: 22} }

func opened() domain.Event {
	return domain.Event{Body: &domain.LedgerOpened{TimeZone: "Asia/Ho_Chi_Minh"}}
}

func id(n byte) (u uuid.UUID) { u[15] = n; return u }

func grantOf(grant, person byte, kind domain.Purpose, year, level string) domain.Event {
	return domain.Event{ID: id(grant), Body: &domain.Granted{
		GrantFacts: domain.GrantFacts{Kind: kind, Fund: "HB", Asset: domain.Cash, Person: id(person), SchoolYear: year, AchievementLevel: level},
		Recipient:  domain.Recipient{Person: id(person)}, Amount: 100,
	}}
}

func expense(amount int64, organisation string, day int) domain.Event {
	e := domain.Event{Body: &domain.ExpenseRecorded{Fund: "HB", Asset: domain.Cash, Amount: amount, Purpose: "printing", Unit: "T"}}
	if organisation != "" {
		e.Body.(*domain.ExpenseRecorded).Payee = &domain.Payee{Organisation: organisation}
	}
	e.EffectiveOn = domain.NewDate(2017, 3, day)
	return e
}

func reversal(position int64, body domain.EventBody) domain.Event {
	return domain.Event{Body: &domain.EntryReversed{Position: position, Entry: body}}
}

// one checks that a rule found those positions, and nothing else.
func one(t *testing.T, name string, list []Finding, rule Rule, want ...int64) {
	t.Helper()
	list = slices.DeleteFunc(slices.Clone(list), func(f Finding) bool { return f.Rule != rule })
	switch {
	case len(want) == 0 && len(list) > 0:
		t.Errorf("%s: %s found %+v", name, rule, list)
	case len(want) > 0 && (len(list) != 1 || !slices.Equal(list[0].Positions, want)):
		t.Errorf("%s: %s found %+v, want the positions %v", name, rule, list, want)
	}
}

func TestDuplicates(t *testing.T) {
	gift := func(donor, kind string, amount int64) domain.Event {
		return domain.Event{Body: &domain.DonationReceived{Fund: "HB", Donor: donor, DonorKind: kind, Lines: []domain.Line{{Asset: domain.Cash, Amount: amount}}}}
	}
	merge := domain.Event{Body: &domain.PersonMerged{Person: id(2), Into: id(1)}}
	cancel := domain.Event{Body: &domain.GrantCancelled{Grant: id(12), NeverPaid: true}}
	first, second := grantOf(11, 1, domain.Scholarship, "2016-2017", ""), grantOf(12, 1, domain.Scholarship, "2016-2017", "")
	for _, tt := range []struct {
		name   string
		rule   Rule
		events []domain.Event
		want   []int64
	}{
		{"same person, purpose, year", DuplicateGrant, []domain.Event{first, second}, []int64{1, 2}},
		{"another year", DuplicateGrant, []domain.Event{first, grantOf(12, 1, domain.Scholarship, "2017-2018", "")}, nil},
		{"another purpose", DuplicateGrant, []domain.Event{first, grantOf(12, 1, domain.HardshipGrant, "2016-2017", "")}, nil},
		{"another person", DuplicateGrant, []domain.Event{first, grantOf(12, 2, domain.Scholarship, "2016-2017", "")}, nil},
		{"who is the same", DuplicateGrant, []domain.Event{first, grantOf(12, 2, domain.Scholarship, "2016-2017", ""), merge}, []int64{1, 2}},
		{"who was found not to be", DuplicateGrant, []domain.Event{first, grantOf(12, 2, domain.Scholarship, "2016-2017", ""), merge, reversal(3, merge.Body)}, nil},
		{"one cancelled", DuplicateGrant, []domain.Event{first, second, cancel}, nil},
		{"one reversed", DuplicateGrant, []domain.Event{first, second, reversal(2, second.Body)}, nil},
		{"two prizes", DuplicateGrant, []domain.Event{grantOf(11, 1, domain.MeritAward, "", "national"), grantOf(12, 1, domain.MeritAward, "", "school")}, nil},
		{"one prize twice", DuplicateGrant, []domain.Event{grantOf(11, 1, domain.MeritAward, "", "school"), grantOf(12, 1, domain.MeritAward, "", "school")}, []int64{1, 2}},
		{"one gift twice", DuplicateGift, []domain.Event{gift("A", "organisation", 5), gift("B", "organisation", 5), gift("A", "organisation", 5)}, []int64{1, 3}},
		{"of many", DuplicateGift, []domain.Event{gift("A", "anonymous", 5), gift("A", "anonymous", 5)}, nil},
		{"not the same", DuplicateGift, []domain.Event{gift("A", "organisation", 5), gift("A", "organisation", 6)}, nil},
		{"one bill twice", DuplicateExpense, []domain.Event{expense(5, "Nhà in", 7), expense(5, "Nhà in", 7), expense(5, "Nhà in", 8)}, []int64{1, 2}},
		{"of two printers", DuplicateExpense, []domain.Event{expense(5, "Nhà in", 7), expense(5, "Nhà in B", 7)}, nil},
	} {
		one(t, tt.name, looked(t, usual(), tt.events...).Findings(), tt.rule, tt.want...)
	}
}

func TestDuplicateReferences(t *testing.T) {
	at := func(remark byte, asset domain.Asset) domain.Event {
		return domain.Event{
			Remark: &domain.Commitment{Private: id(remark)},
			Body:   &domain.ExpenseRecorded{Fund: "HB", Asset: asset, Amount: 70, Purpose: "printing", Unit: "T"},
		}
	}
	a := looked(t, usual(), at(1, domain.Bank), at(2, domain.Bank), at(3, domain.Bank), at(4, domain.Cash), at(5, domain.Bank), at(6, domain.Bank), at(7, domain.Bank))
	if err := a.Add(&domain.Event{Position: 8, Body: &domain.EntryReversed{Position: 7}}); err != nil {
		t.Fatal(err)
	}
	if ids := a.Remarks(); !slices.Equal(ids, []uuid.UUID{id(1), id(2), id(3), id(5), id(6)}) {
		t.Errorf("it would read %v", ids)
	}
	for n, text := range map[byte]string{
		1: "Ủy nhiệm chi FT17066123456, ngày 07/03/2017", 2: "in ấn (ft17066123456; FT17066123456)", 3: "FT17066123457 ngày 07/03/2017",
		4: "FT17066123456", 5: "2017-03-07, 500.000 đồng, số 12/QĐ-HKH", 6: "2017-03-07, 500.000 đồng, số 12/QĐ-HKH", 7: "FT17066123456",
	} {
		a.ReadRemark(id(n), text)
	}
	list := a.Findings()
	one(t, "one reference twice", list, DuplicateReference, 1, 2)
	if i := slices.IndexFunc(list, func(f Finding) bool { return f.Rule == DuplicateReference }); list[i].Reference != "FT17066123456" || list[i].Amount != 140 {
		t.Errorf("found %+v", list[i])
	}
}

func TestRoundSums(t *testing.T) {
	limits := usual()
	limits.Round = 1000
	events := []domain.Event{expense(3000, "", 7), expense(3001, "", 7), expense(1000, "", 8), expense(999, "", 8), expense(2000, "", 9)}
	events = append(events, reversal(5, events[4].Body))
	list := looked(t, limits, events...).Findings()
	one(t, "whole thousands", list, RoundSum, 1, 3)
	if list[0].Amount != 4000 {
		t.Errorf("they sum to %d", list[0].Amount)
	}
	from := domain.NewDate(2017, 3, 8)
	limits.From = &from
	one(t, "from a day", looked(t, limits, events...).Findings(), RoundSum, 3)
	limits.Round = 0
	one(t, "not looked for", looked(t, limits, events...).Findings(), RoundSum)
}

func TestTimes(t *testing.T) {
	at := func(s string, effective int) domain.Event {
		e := expense(5, "", effective)
		when, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		e.RecordedAt = when
		return e
	}
	for _, tt := range []struct {
		name, at string
		rule     Rule
		found    bool
	}{
		{"ten in the morning", "2017-03-07T10:00:00+07:00", OddHour, false},
		{"before six", "2017-03-07T05:59:59+07:00", OddHour, true},
		{"six", "2017-03-07T06:00:00+07:00", OddHour, false},
		{"ten at night", "2017-03-07T22:00:00+07:00", OddHour, true},
		{"an evening that is an afternoon in UTC", "2017-03-07T16:00:00Z", OddHour, true},
		{"Saturday", "2017-03-11T10:00:00+07:00", OddHour, true},
		{"Monday, which is Sunday in UTC", "2017-03-12T23:30:00Z", OddHour, false},
		{"thirty days", "2017-04-06T10:00:00+07:00", BackDated, false},
		{"thirty-one days", "2017-04-07T10:00:00+07:00", BackDated, true},
		{"thirty-one days in the ledger's zone", "2017-04-06T17:30:00Z", BackDated, true},
	} {
		want := []int64{}
		if tt.found {
			want = append(want, 2)
		}
		one(t, tt.name, looked(t, usual(), opened(), at(tt.at, 7)).Findings(), tt.rule, want...)
	}
	var bad Anomalies
	if err := bad.Add(&domain.Event{Body: &domain.LedgerOpened{TimeZone: "Nowhere/Never"}}); err == nil {
		t.Error("a time zone that does not exist was taken")
	}
}

func TestVouchers(t *testing.T) {
	paid := func(command byte, number string) domain.Event {
		return domain.Event{Command: id(command), Body: &domain.ExpenseRecorded{Amount: 5, Unit: "T", Numbers: []domain.Voucher{{Unit: "T", Number: number}}}}
	}
	list := looked(t, usual(), paid(1, "PC-2017-000001"), paid(1, "PC-2017-000001"), paid(2, "PC-2017-000002"), paid(3, "PT-2017-000001")).Findings()
	one(t, "no gap, and one list", list, VoucherGap)
	list = looked(t, usual(), paid(1, "PC-2017-000001"), paid(2, "PC-2017-000005")).Findings()
	one(t, "a gap", list, VoucherGap, 2)
	if f := list[len(list)-1]; !f.Missing || f.Unit != "T" || f.First != "PC-2017-000002" || f.Last != "PC-2017-000004" {
		t.Errorf("the gap is %+v", f)
	}
	list = looked(t, usual(), paid(1, "PC-2017-000002")).Findings()
	one(t, "the first is missing", list, VoucherGap, 1)
	list = looked(t, usual(), paid(1, "PC-2017-000001"), paid(2, "PC-2017-000001")).Findings()
	one(t, "taken twice", list, VoucherGap, 1, 2)
	from := domain.NewDate(2018, 1, 1)
	limits := usual()
	limits.From = &from
	one(t, "of another year", looked(t, limits, paid(1, "PC-2017-000002")).Findings(), VoucherGap)
}

func TestSplits(t *testing.T) {
	limits := usual()
	limits.Limit = 100
	for _, tt := range []struct {
		name   string
		events []domain.Event
		want   []int64
	}{
		{"two below, together not", []domain.Event{expense(60, "A", 1), expense(40, "A", 8)}, []int64{1, 2}},
		{"too far apart", []domain.Event{expense(60, "A", 1), expense(40, "A", 9)}, nil},
		{"together below", []domain.Event{expense(60, "A", 1), expense(39, "A", 2)}, nil},
		{"two payees", []domain.Event{expense(60, "A", 1), expense(60, "B", 1)}, nil},
		{"nobody named", []domain.Event{expense(60, "", 1), expense(60, "", 1)}, nil},
		{"one at the limit", []domain.Event{expense(100, "A", 1), expense(60, "A", 1)}, nil},
		{"recorded out of order", []domain.Event{expense(60, "A", 20), expense(30, "A", 1), expense(60, "A", 21)}, []int64{1, 3}},
		{"one reversed", []domain.Event{expense(60, "A", 1), expense(60, "A", 2), reversal(2, expense(60, "A", 2).Body)}, nil},
		{"a person's grants", []domain.Event{
			grantOf(11, 1, domain.Support, "", ""), grantOf(12, 2, domain.Support, "", ""),
			{Body: &domain.GrantDisbursed{GrantFacts: domain.GrantFacts{Asset: domain.Cash}, Grant: id(11), Amount: 60}},
			{Body: &domain.GrantDisbursed{GrantFacts: domain.GrantFacts{Asset: domain.Cash}, Grant: id(12), Amount: 60}},
			{Body: &domain.PersonMerged{Person: id(2), Into: id(1)}},
		}, []int64{3, 4}},
	} {
		one(t, tt.name, looked(t, limits, tt.events...).Findings(), Split, tt.want...)
	}
	one(t, "without a limit", looked(t, usual(), expense(60, "A", 1), expense(60, "A", 1)).Findings(), Split)
}

// What is found is a split, and where payments reach the limit within the days, some of them are found.
func TestSplitsFindAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := Thresholds{Limit: 100, SplitDays: rapid.IntRange(0, 9).Draw(t, "days"), DayEnds: 24, LateDays: 1000}
		n := rapid.IntRange(0, 14).Draw(t, "payments")
		a := NewAnomalies(limits)
		payments := make([]domain.Event, n)
		for i := range payments {
			payments[i] = expense(rapid.Int64Range(1, 120).Draw(t, "amount"), "A", rapid.IntRange(1, 28).Draw(t, "day"))
			payments[i].Position = int64(i + 1)
			if err := a.Add(&payments[i]); err != nil {
				t.Fatal(err)
			}
		}
		found := map[int64]bool{}
		for _, f := range a.Findings() {
			if f.Rule != Split {
				continue
			}
			var first, last domain.Date
			sum := int64(0)
			for i, p := range f.Positions {
				e := &payments[p-1]
				amount := e.Body.(*domain.ExpenseRecorded).Amount
				if i == 0 || e.EffectiveOn < first {
					first = e.EffectiveOn
				}
				last = max(last, e.EffectiveOn)
				sum += amount
				if found[p] || amount >= limits.Limit {
					t.Fatalf("%+v", f)
				}
				found[p] = true
			}
			if len(f.Positions) < 2 || sum < limits.Limit || sum != f.Amount || int(last-first) > limits.SplitDays {
				t.Fatalf("%+v", f)
			}
		}
		for i := range payments { // all that begin on a day and end within the days
			sum, any := int64(0), false
			for j := range payments {
				apart := int(payments[j].EffectiveOn - payments[i].EffectiveOn)
				amount := payments[j].Body.(*domain.ExpenseRecorded).Amount
				if apart < 0 || apart > limits.SplitDays || amount >= limits.Limit {
					continue
				}
				sum += amount
				any = any || found[payments[j].Position]
			}
			if sum >= limits.Limit && !any {
				t.Fatalf("payments from %s on reach %d, and none was found", payments[i].EffectiveOn, sum)
			}
		}
	})
}

func TestDigits(t *testing.T) {
	var events []domain.Event
	for n := range 1000 {
		events = append(events, expense(int64(math.Pow(10, float64(n)/1000*3)*1000), fmt.Sprint(n), 7)) // as even in logarithms as can be
	}
	events = append(events, expense(0, "x", 7), reversal(1, events[0].Body))
	list := looked(t, usual(), events...).Digits()
	d := list[2]
	if len(list) != 3 || list[0].Entries != 0 || d.Of != "expenses" || d.Entries != 999 {
		t.Fatalf("%+v", list)
	}
	sum := int64(0)
	for i := range d.Observed {
		want := int64(math.Round(999 * 10 * math.Log10(1+1/float64(i+1))))
		if d.Expected[i] < want-1 || d.Expected[i] > want+1 {
			t.Errorf("of the digit %d, %d tenths are expected, want %d", i+1, d.Expected[i], want)
		}
		if diff := d.Observed[i]*10 - d.Expected[i]; diff < -30 || diff > 30 {
			t.Errorf("of the digit %d there are %d, expected %d tenths", i+1, d.Observed[i], d.Expected[i])
		}
		sum += d.Observed[i]
	}
	if sum != d.Entries {
		t.Errorf("%d of %d", sum, d.Entries)
	}
}
