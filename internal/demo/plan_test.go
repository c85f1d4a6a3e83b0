package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"flag"
	"fmt"
	"hash"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// recordPlan plans the demo of a seed and records it in a book.
func recordPlan(t testing.TB, seed uint64) (*plan, *book) {
	t.Helper()
	p, err := newPlan(seed)
	if err != nil {
		t.Fatal(err)
	}
	b := newBook(t, seed)
	if err := p.run(b); err != nil {
		t.Fatalf("seed %d: command %d of %d: %v", seed, b.recorded, p.commands, err)
	}
	if b.recorded != p.commands {
		t.Errorf("seed %d: %d commands were recorded, %d announced", seed, b.recorded, p.commands)
	}
	return p, b
}

// A facts is what the log of a book says, found out naively: event by event, without any of the program's totals.
type facts struct {
	levels  map[string]domain.Level // of units
	parents map[string]string
	funds   map[string]*domain.FundOpened
	alias   map[uuid.UUID]uuid.UUID
	grants  map[uuid.UUID]*grantFacts
	order   []uuid.UUID // of grants

	cash, inKind, expenses, chaptersFunded int64
	provinceExpenses                       int64
	indicators                             map[string]map[string]*domain.IndicatorReported
	kinds                                  map[string]int
	goodsIn, goodsOut                      int64 // quantities
}

type grantFacts struct {
	*domain.Granted
	on             domain.Date
	paid, payments int64
	cancelled      int64
	reversed       bool
	returned       int64
}

// counts reports whether a grant is counted in the end, as the contract says.
func (g *grantFacts) counts() bool { return !g.reversed && (g.cancelled == 0 || g.payments > 0) }

// amount is what stands of a grant.
func (g *grantFacts) amount() int64 {
	if g.reversed {
		return 0
	}
	return g.Amount - g.cancelled
}

func readFacts(log []domain.Event) *facts {
	f := &facts{
		levels: map[string]domain.Level{}, parents: map[string]string{}, funds: map[string]*domain.FundOpened{},
		alias: map[uuid.UUID]uuid.UUID{}, grants: map[uuid.UUID]*grantFacts{},
		indicators: map[string]map[string]*domain.IndicatorReported{}, kinds: map[string]int{},
	}
	for i := range log {
		f.add(&log[i], log[i].Body, log[i].ID, 1)
	}
	return f
}

// add counts what an event says, or, with sign −1, what its reversal takes back.
func (f *facts) add(e *domain.Event, body domain.EventBody, id uuid.UUID, sign int64) {
	if sign > 0 {
		f.kinds[body.Type()]++
	}
	switch b := body.(type) {
	case *domain.UnitRegistered:
		f.levels[b.Code], f.parents[b.Code] = b.Level, b.Parent
	case *domain.FundOpened:
		f.funds[b.Code] = b
		if f.levels[b.Unit] == domain.Chapter {
			f.chaptersFunded++
		}
	case *domain.PersonMerged:
		f.alias[b.Person] = b.Into
		if sign < 0 {
			delete(f.alias, b.Person)
		}
	case *domain.DonationReceived:
		for _, l := range b.Lines {
			if l.Asset.IsMoney() {
				f.cash += sign * l.Amount
			} else {
				f.inKind += sign * l.Amount
			}
			if l.Asset.IsGoods() {
				f.goodsIn += sign * l.Quantity
			}
		}
	case *domain.ExpenseRecorded:
		f.expenses += sign * b.Amount
		f.goodsOut += sign * b.Quantity
		if f.levels[b.Unit] == domain.Province {
			f.provinceExpenses += sign * b.Amount
		}
	case *domain.Granted:
		if sign < 0 {
			f.grants[id].reversed = true
			return
		}
		f.grants[id] = &grantFacts{Granted: b, on: e.EffectiveOn}
		f.order = append(f.order, id)
	case *domain.GrantDisbursed:
		g := f.grants[b.Grant]
		g.paid += sign * b.Amount
		g.payments += sign
		f.goodsOut += sign * b.Quantity
	case *domain.GrantCancelled:
		f.grants[b.Grant].cancelled += b.Amount
	case *domain.GrantReturned:
		f.grants[b.Grant].returned += sign * b.Amount
	case *domain.IndicatorReported:
		if f.indicators[b.Indicator] == nil {
			f.indicators[b.Indicator] = map[string]*domain.IndicatorReported{}
		}
		f.indicators[b.Indicator][b.Unit] = b // the later report holds
	case *domain.EntryReversed:
		f.add(e, b.Entry, b.Event, -1)
	}
}

// person is whom a person counts as.
func (f *facts) person(id uuid.UUID) uuid.UUID {
	if into, is := f.alias[id]; is {
		return into
	}
	return id
}

// sum adds up the grants of some kinds by units of some levels: the amount, the grants, and the distinct persons by their kind.
func (f *facts) sum(levels []domain.Level, kinds ...domain.Purpose) (amount int64, grants, people map[string]int) {
	grants, people = map[string]int{}, map[string]int{}
	seen := map[string]map[uuid.UUID]bool{}
	for _, id := range f.order {
		g := f.grants[id]
		if !slices.Contains(levels, f.levels[g.Unit]) || !slices.Contains(kinds, g.Kind) {
			continue
		}
		amount += g.amount()
		if !g.counts() {
			continue
		}
		grants[g.RecipientKind]++
		if seen[g.RecipientKind] == nil {
			seen[g.RecipientKind] = map[uuid.UUID]bool{}
		}
		seen[g.RecipientKind][f.person(g.Person)] = true
	}
	for kind, set := range seen {
		people[kind] = len(set)
	}
	return amount, grants, people
}

func (f *facts) indicator(t *testing.T, name string) (value, of int64) {
	t.Helper()
	for unit, r := range f.indicators[name] {
		v, err := r.Value.Minor(0)
		if err != nil {
			t.Fatal(err)
		}
		value += v
		if r.Of != "" {
			n, err := r.Of.Minor(0)
			if err != nil {
				t.Fatal(err)
			}
			of += n
		}
		if f.levels[unit] != domain.Commune {
			t.Errorf("%s is reported by %s, which is no commune", name, unit)
		}
	}
	if n := len(f.indicators[name]); n != 130 {
		t.Errorf("%s is reported by %d communes, want 130", name, n)
	}
	return value, of
}

// below are the levels below the province.
func below() []domain.Level { return []domain.Level{domain.District, domain.Commune, domain.Chapter} }

func TestPlan(t *testing.T) {
	for _, seed := range []uint64{1, 2017, 1<<64 - 1} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			p, b := recordPlan(t, seed)
			f := readFacts(b.log)
			checkFigures(t, f)
			checkStructure(t, f)
			checkGrants(t, f)
			checkLife(t, p, b, f)
		})
	}
}

// checkFigures checks every number of the published table.
func checkFigures(t *testing.T, f *facts) {
	same := func(what string, have, want int64) {
		t.Helper()
		if have != want {
			t.Errorf("%s: %d, want %d", what, have, want)
		}
	}
	amount, grants, people := f.sum(below(), domain.MeritAward)
	same("students rewarded", int64(people["student"]), 35_151)
	same("teachers rewarded", int64(people["teacher"]), 1_207)
	same("rewards", amount, 2_218_000_000)
	if grants["student"] <= 35_151+900 || grants["teacher"] <= 1_207+10 {
		t.Errorf("awards: %v, want more than people", grants)
	}
	amount, _, _ = f.sum(below(), domain.Scholarship, domain.HardshipGrant)
	same("scholarships and hardship grants", amount, 5_777_000_000)
	amount, _, _ = f.sum([]domain.Level{domain.Province}, domain.GrantKinds()...)
	same("the province's own spending", amount+f.provinceExpenses, 699_000_000)
	same("gifts in money", f.cash, 13_300_000_000)
	same("gifts in kind", f.inKind, 11_200_000_000)
	same("openings", int64(f.kinds["opening.recorded"]), 0)
	for name, want := range map[string]int64{
		indicatorMembers: 155_232, indicatorChapters: 2_800, indicatorFamilies: 65_103, indicatorClans: 448,
		indicatorCentres: 122, indicatorAttendances: 69_710, indicatorFamilyFunds: 59_900_000_000,
	} {
		value, of := f.indicator(t, name)
		same(name, value, want)
		if name == indicatorCentres {
			same("learning centres", of, 130)
		}
	}
	for unit, r := range f.indicators[indicatorChapters] {
		n := 0
		for _, parent := range f.parents {
			if parent == unit {
				n++
			}
		}
		if string(r.Value) != fmt.Sprint(n) {
			t.Errorf("%s reports %s chapters and has %d", unit, r.Value, n)
		}
	}
}

// checkStructure checks units and funds.
func checkStructure(t *testing.T, f *facts) {
	n := map[domain.Level]int{}
	for _, level := range f.levels {
		n[level]++
	}
	want := map[domain.Level]int{domain.Province: 1, domain.District: 10, domain.Commune: 130, domain.Chapter: 2_800}
	if !maps.Equal(n, want) {
		t.Errorf("units: %v, want %v", n, want)
	}
	has := map[string]bool{}
	restricted := 0
	for _, fund := range f.funds {
		has[fund.Unit] = true
		if fund.Purposes != nil && f.levels[fund.Unit] == domain.Chapter {
			restricted++
		}
	}
	for unit, level := range f.levels {
		if level != domain.Chapter && !has[unit] {
			t.Errorf("unit %s has no fund", unit)
		}
	}
	if f.chaptersFunded < 400 || restricted < 40 {
		t.Errorf("%d chapters have funds, %d of them restricted", f.chaptersFunded, restricted)
	}
}

// checkGrants checks who got grants, what, and how much.
func checkGrants(t *testing.T, f *facts) {
	numbers := map[string]domain.Date{}
	from, to := period()
	for _, id := range f.order {
		g := f.grants[id]
		level := f.levels[g.Unit]
		if g.Asset.IsMoney() && (g.Amount%1_000 != 0 || g.Amount < 20_000) {
			t.Errorf("grant of %d", g.Amount)
		}
		if g.Asset.IsGoods() && (g.Kind != domain.Support || level == domain.Province) {
			t.Errorf("%s of goods by %s", g.Kind, g.Unit)
		}
		if g.Kind == domain.Support {
			continue
		}
		if g.SchoolYear != "2016-2017" || g.EducationLevel == "" && g.RecipientKind != "collective" {
			t.Errorf("%s by %s: school year %q, education level %q", g.Kind, g.Unit, g.SchoolYear, g.EducationLevel)
		}
		if level != domain.Province {
			teacher := g.RecipientKind == "teacher" && g.Kind == domain.MeritAward
			if g.RecipientKind != "student" && !teacher || !g.Asset.IsMoney() {
				t.Errorf("%s of %s to a %s by %s", g.Kind, g.Asset, g.RecipientKind, g.Unit)
			}
		}
		if (g.Kind == domain.HardshipGrant) != (g.Cause != "") || (g.Kind == domain.MeritAward) != (g.AchievementLevel != "") {
			t.Errorf("%s with cause %q and achievement level %q", g.Kind, g.Cause, g.AchievementLevel)
		}
		if d := g.Decision; d != nil {
			if d.Date < from || d.Date > to || d.Date > g.on || !strings.HasSuffix(d.Number, "/QĐ-HKH") {
				t.Errorf("decision %s of %s for a grant of %s", d.Number, d.Date, g.on)
			}
			if day, seen := numbers[d.Issuer+d.Number]; seen && day != d.Date {
				t.Errorf("decision %s of %s twice", d.Number, d.Issuer)
			}
			numbers[d.Issuer+d.Number] = d.Date
		}
	}
}

// checkLife checks that the half-year is as untidy as a real one.
func checkLife(t *testing.T, p *plan, b *book, f *facts) {
	from, to := period()
	late, late20 := 0, 0
	for i := range b.log {
		e := &b.log[i]
		if e.EffectiveOn < from || e.EffectiveOn > to {
			t.Errorf("position %d is effective on %s", e.Position, e.EffectiveOn)
		}
		if recorded := domain.DateOf(e.RecordedAt); recorded < e.EffectiveOn {
			t.Errorf("position %d is recorded on %s, effective on %s", e.Position, recorded, e.EffectiveOn)
		} else if recorded > e.EffectiveOn+20 {
			late20++
		} else if recorded > e.EffectiveOn {
			late++
		}
	}
	n := map[string]int{"late": late, "very late": late20}
	for _, g := range f.grants {
		open := g.Amount - g.paid - g.cancelled
		switch {
		case g.reversed:
			n["reversed grants"]++
		case open > 0:
			n["unpaid grants"]++
		case g.cancelled > 0 && g.paid > 0:
			n["cancelled in part"]++
		case g.cancelled > 0:
			n["cancelled"]++
		}
		if g.returned > 0 {
			n["returned"]++
		}
		if g.amount() < 0 || open < 0 || open > 0 && open != g.Amount {
			t.Errorf("grant of %d: %d paid, %d cancelled", g.Amount, g.paid, g.cancelled)
		}
	}
	for i := range b.log {
		if r, ok := b.log[i].Body.(*domain.EntryReversed); ok {
			n["reversed "+r.Entry.Type()]++
		}
	}
	maps.Copy(n, f.kinds)
	for what, least := range map[string]int{
		"late": 100_000, "very late": 2_000, "reversed grants": 12, "unpaid grants": 100, "cancelled": 100, "cancelled in part": 9,
		"returned": 20, "person.merged": 160, "person.corrected": 20, "reversed person.merged": 2, "reversed donation.received": 15,
		"reversed expense.recorded": 8, "reversed funds.transferred": 3, "reversed grant.disbursed": 6, "reversed grant.returned": 1,
		"holding.moved": 100, "funds.transferred": 100, "holding.counted": 11, "count.settled": 2, "pledge.made": 5,
		"pledge.cancelled": 1, "unit.renamed": 2, "period.closed": 1, "support.granted": 500, "expense.recorded": 500,
	} {
		if n[what] < least {
			t.Errorf("%s: %d, want at least %d", what, n[what], least)
		}
	}
	if f.goodsOut == 0 || f.goodsOut >= f.goodsIn {
		t.Errorf("of %d goods %d went out", f.goodsIn, f.goodsOut)
	}
	if n := len(b.log); n < 120_000 || n > 150_000 {
		t.Errorf("%d events", n)
	}
	if p.given != moneyTotal {
		t.Errorf("planned gifts: %d", p.given)
	}
	for _, e := range b.log {
		if c, ok := e.Body.(*domain.HoldingCounted); ok && c.Difference != 0 && c.Difference != 50_000 && c.Difference != -20_000 {
			t.Errorf("count of %s differs by %d", c.Fund, c.Difference)
		}
	}
}

// A hasher hashes the commands of a plan. The IDs of events, of which it has none, are made up from their places.
type hasher struct {
	hash.Hash
	parser ledger.Parser
	buf    []byte
}

func (h *hasher) record(s step) (err error) {
	h.buf, err = h.parser.AppendCanonical(h.buf[:0], s.req.EffectiveOn, s.req.Body)
	fmt.Fprintf(h, "%d %s %s %q %s\n", s.at.UnixMicro(), s.req.Actor, h.buf, s.req.Remark, s.req.Personal)
	return err
}

func (h *hasher) events(key int32) ([]uuid.UUID, error) {
	list := make([]uuid.UUID, 1_000)
	for i := range list {
		binary.BigEndian.PutUint64(list[i][:], uint64(key)<<32|uint64(i))
	}
	return list, nil
}

// hashOf is the hash of all commands of a seed.
func hashOf(t *testing.T, seed uint64) string {
	t.Helper()
	p, err := newPlan(seed)
	if err != nil {
		t.Fatal(err)
	}
	h := &hasher{Hash: sha256.New()}
	if err := p.run(h); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestSameSeedSameCommands(t *testing.T) {
	t.Parallel()
	have := hashOf(t, 1)
	golden(t, "testdata/seed-1.commands", have)
	if again := hashOf(t, 1); again != have {
		t.Errorf("planned again, the commands of seed 1 have the hash %s", again)
	}
	if other := hashOf(t, 3); other == have {
		t.Error("seed 3 makes the same commands")
	}
}

// golden compares a line with that of a file.
func golden(t *testing.T, name, have string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(name, []byte(have+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if have != strings.TrimSpace(string(want)) {
		t.Errorf("have %s, %s has %s", have, name, want)
	}
}
