package projections_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/projectiontest"
)

// fold folds a log.
func fold(t *testing.T, log []domain.Event) *projections.Fold {
	t.Helper()
	f := projections.NewFold(projections.Models(), nil)
	for i := range log {
		if err := f.Add(&log[i]); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// history has a little of everything.
func history(t *testing.T) *projectiontest.History {
	h := projectiontest.NewHistory(t, 1).Province()
	person := func(n int) uuid.UUID {
		for i := range h.Log {
			if p, ok := h.Log[i].Body.(*domain.PersonRegistered); ok {
				if n--; n < 0 {
					return p.Person
				}
			}
		}
		panic("no such person")
	}
	lines := []domain.LineInput{
		{Asset: domain.Cash, Amount: "1000000"},
		{Asset: "goods:VO", Amount: "300000", Quantity: "30", Measure: "quyển"},
		{Asset: domain.Labour, Amount: "200000", Quantity: "2", Measure: "công"},
	}
	h.On("2017-01-10").Do(
		&domain.MakePledge{Pledge: "P", Donor: "VCB", Fund: "X1Q", Amount: "5000000", Due: projectiontest.Date("2017-05-01")},
		&domain.ReceiveDonation{Fund: "X1Q", Donor: "VCB", Pledge: "P", Lines: lines},
		&domain.ReceiveDonation{Fund: "TQ", Donor: "AN", Lines: lines[:1]},
	)
	granted := h.On("2017-02-10").Do(&domain.MakeGrant{
		Kind: domain.HardshipGrant, Fund: "X1Q", Asset: domain.Cash, Pay: true, SchoolYear: "2016-2017",
		Recipients: []domain.Recipient{
			{Person: person(0), Amount: "100000", Cause: "illness", EducationLevel: "primary"},
			{Person: person(3), Amount: "200000"},
			{Collective: "Lớp 5A", Amount: "50000"},
		},
	})
	h.On("2017-03-01").Do(
		&domain.Reverse{Event: granted[3].ID},
		&domain.CancelGrant{Grant: granted[0].ID, Reason: "declined"},
		&domain.MergePerson{Person: person(3), Into: person(0)},
		&domain.RenameUnit{Unit: "X1", Name: "Xã Một mới"},
		&domain.MergeUnit{Unit: "X1", Into: "X3"},
		&domain.ReportIndicator{
			Unit: "T", Indicator: "members", From: projectiontest.Date("2017-01-01"), To: projectiontest.Date("2017-06-30"), Value: "1200",
		},
	)
	return h
}

// TestDigests pins the rows of each version of each model. Where one changes without a new Version, databases that are there keep
// rows that `verify` calls wrong: raise the Version, and pin the new digest.
func TestDigests(t *testing.T) {
	f := fold(t, history(t).Log)
	var have []string
	for _, m := range projections.Models() {
		sum := f.Digest(m)
		have = append(have, fmt.Sprintf("%s %d %s", m.Name, m.Version, hex.EncodeToString(sum[:8])))
	}
	want := []string{
		"units 1 47e18743c168fc15",
		"funds 1 0c020212bc5d90ab",
		"persons 1 e6a0a994471ad65d",
		"goods 1 6dea8b87e000bdf6",
		"balances 4 1456a463fe1bed3d",
		"totals 3 7c1c6720fbcce682",
		"vouchers 2 07bfcb79dfc8bad0",
		"donors 1 f7500aa9f1948855",
		"indicators 1 c61cd3d7dd428bbc",
	}
	if d := cmp.Diff(want, have); d != "" {
		t.Errorf("(-want +have):\n%s", d)
	}
}

// TestFold: the sum of parts is the whole, and a model's rows do not depend on the models beside it.
func TestFold(t *testing.T) {
	h := projectiontest.NewHistory(t, 3).Province().Random(300)
	all := fold(t, h.Log)
	for _, m := range projections.Models() {
		alone := projections.NewFold([]*projections.Model{m}, nil)
		for i := range h.Log {
			if err := alone.Add(&h.Log[i]); err != nil {
				t.Fatal(err)
			}
		}
		if alone.Digest(m) != all.Digest(m) {
			t.Errorf("%s differs when it is folded alone", m.Name)
		}
	}
	all.Reset()
	for i := range h.Log {
		if err := all.Add(&h.Log[i]); err != nil {
			t.Fatal(err)
		}
	}
	if again := fold(t, h.Log); !slices.EqualFunc(projections.Models(), projections.Models(), func(a, b *projections.Model) bool {
		return again.Digest(a) == all.Digest(b)
	}) {
		t.Error("a fold that was reset differs from a new one")
	}
}

// TestEffects: what moves something in a fund names it, so that its events are all that its balances need.
func TestEffects(t *testing.T) {
	h := projectiontest.NewHistory(t, 4).Province().Random(900)
	moved := map[string]bool{}
	for i := range h.Log {
		e := &h.Log[i]
		for _, x := range e.Effects() {
			moved[e.Body.Type()] = true
			if !slices.Contains(e.Subjects(), domain.FundSubject(x.Fund)) {
				t.Errorf("%s at position %d moves something in %s and does not name it", e.Body.Type(), e.Position, x.Fund)
			}
		}
	}
	if len(moved) < 10 {
		t.Errorf("only %d types of events moved anything: %v", len(moved), moved)
	}
	for kind := range moved {
		if strings.HasPrefix(kind, "person.") {
			t.Errorf("%s moves something", kind)
		}
	}
	for i := range h.Log {
		list, err := projections.CountedIn(&h.Log[i])
		if err != nil || len(list) > 0 && strings.HasPrefix(h.Log[i].Body.Type(), "person.") {
			t.Errorf("%s at position %d counts %v: %v", h.Log[i].Body.Type(), h.Log[i].Position, list, err)
		}
	}
}

// TestDiffRefuses: a difference that the events do not add up to is no answer.
func TestDiffRefuses(t *testing.T) {
	h := history(t)
	tell := func(e *domain.Event) string { return e.Body.Type() }
	holding := func(posted int64) projections.BalanceRow {
		return projections.BalanceRow{Fund: "TQ", Unit: "T", Asset: domain.Cash, Balance: domain.Balance{Posted: posted}}
	}
	total := func(amount int64) projections.TotalsRow {
		return projections.TotalsRow{Measure: projections.DonationCash, Amount: amount}
	}
	// All gifts of cash in the history: 1,000,000 to X1Q and as much to TQ.
	for _, c := range []struct {
		balance, total int64
		want           error
	}{{1_000_000, 2_000_000, nil}, {999_999, 2_000_001, projections.ErrDiffers}} {
		balances := projections.NewBalanceDiff(projections.BalanceQuery{Funds: []string{"TQ"}}, 0, nil, []projections.BalanceRow{holding(c.balance)}, nil, tell)
		sides := projections.TotalsSides{After: []projections.TotalsRow{total(c.total)}}
		totals, err := projections.NewTotalsDiff(projections.TotalsQuery{}, sides, projections.NewTree(nil, nil), nil, tell)
		if err != nil {
			t.Fatal(err)
		}
		for i := range h.Log {
			if err := errors.Join(balances.Add(&h.Log[i]), totals.Add(&h.Log[i])); err != nil {
				t.Fatal(err)
			}
		}
		if err := balances.Check(); !errors.Is(err, c.want) {
			t.Errorf("balances: %v, want %v", err, c.want)
		}
		if err := totals.Check(); !errors.Is(err, c.want) {
			t.Errorf("totals: %v, want %v", err, c.want)
		}
	}
}

// TestFoldOrdinal: an ordinal has 4 bytes.
func TestFoldOrdinal(t *testing.T) {
	f := projections.NewFold(projections.Lookup("totals"), nil)
	e := &domain.Event{Position: 1 << 33, Body: &domain.Granted{GrantFacts: domain.GrantFacts{
		Kind: domain.Scholarship, Person: uuid.New(), PersonPosition: 1 << 32,
	}}}
	if err := f.Add(e); err == nil || !strings.Contains(err.Error(), "more than 2^32 positions") {
		t.Errorf("%v", err)
	}
}

func TestSelect(t *testing.T) {
	if _, err := projections.Select("units", "nothing"); err == nil || !strings.Contains(err.Error(), `"nothing"`) {
		t.Errorf("%v", err)
	}
	if all, err := projections.Select(); err != nil || len(all) != len(projections.Models()) {
		t.Errorf("%d models: %v", len(all), err)
	}
}

// TestTreeCircle: late changes of structure can make a circle on a past date; it is cut.
func TestTreeCircle(t *testing.T) {
	date := projectiontest.Date
	tree := projections.NewTree(
		map[string]domain.Level{"T": "province", "A": "commune", "B": "chapter"},
		[]projections.Edge{
			{Position: 1, Unit: "T", From: date("2017-01-01")},
			{Position: 2, Unit: "A", Parent: "T", From: date("2017-01-01")},
			{Position: 3, Unit: "B", Parent: "A", From: date("2017-01-01")},
			{Position: 4, Unit: "B", Parent: "T", From: date("2017-02-10")},
			{Position: 5, Unit: "A", Parent: "B", From: date("2017-01-20")}, // merged into B, recorded late
		})
	for _, c := range []struct {
		unit, on string
		want     []string
	}{
		{"B", "2016-06-01", []string{"B", "A", "T"}}, // before its first edge
		{"B", "2017-01-25", []string{"B", "A"}},
		{"A", "2017-01-25", []string{"A", "B"}},
		{"A", "2017-02-10", []string{"A", "B", "T"}},
		{"nowhere", "2017-02-10", nil},
	} {
		on := date(c.on)
		if d := cmp.Diff(c.want, tree.Path(c.unit, &on)); d != "" {
			t.Errorf("%s on %s (-want +have):\n%s", c.unit, c.on, d)
		}
	}
	if tree.Parent("A", nil) != "B" || tree.Parent("T", nil) != "" || tree.Level("nowhere") != "" || tree.Has("nowhere") {
		t.Error("today's tree is wrong")
	}
}

// TestFactKey: what a key stands for gives the key.
func TestFactKey(t *testing.T) {
	k := projections.FactKey{Unit: "T", Fund: "TQ", Measure: "expense", Asset: "cash"}
	if have := k.Key().String(); have != "1304a14e-5079-8ddf-a92e-8fdee9f9de38" {
		t.Errorf("%s", have)
	}
	other := k
	other.Unit, other.Fund = "TT", "Q"
	if other.Key() == k.Key() {
		t.Error("texts run into one another")
	}
}
