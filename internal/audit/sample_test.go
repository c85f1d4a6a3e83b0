package audit

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/soquy/soquy/domain"
)

// expenses is a population of expenses of those amounts, at the positions from 1.
func expenses(t testing.TB, amounts ...int64) *Population {
	t.Helper()
	p := &Population{}
	for i, a := range amounts {
		e := domain.Event{Position: int64(i + 1), Body: &domain.ExpenseRecorded{Fund: "HB", Asset: domain.Cash, Amount: a, Unit: "T"}}
		if err := p.Add(&e); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// Another program that follows the docs draws the same start: here with numbers of any size.
func TestStart(t *testing.T) {
	for _, interval := range []int64{1, 2, 3, 1000, 1_000_000_007, 1 << 62, 1<<63 - 1} {
		for seed := range 50 {
			s := fmt.Sprintf("seed %d", seed)
			step := big.NewInt(interval)
			all := new(big.Int).Lsh(big.NewInt(1), 64)
			limit := new(big.Int).Mul(new(big.Int).Div(all, step), step)
			var want *big.Int
			for n := 0; want == nil; n++ {
				sum := sha256.Sum256([]byte(fmt.Sprintf("soquy sample 1\nmus\n%s\n%d\n", s, n)))
				if u := new(big.Int).SetBytes(sum[:8]); u.Cmp(limit) < 0 {
					want = u.Mod(u, step)
				}
			}
			if got := Start(s, interval); got != want.Int64()+1 {
				t.Errorf("interval %d, %s: starts at %d, want %s + 1", interval, s, got, want)
			}
		}
	}
}

// Every entry of at least the interval is drawn, each as often as there are units of it that were drawn, and of the whole there are as many
// as units start + k × interval.
func TestMonetaryUnits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amounts := rapid.SliceOfN(rapid.OneOf(rapid.Int64Range(0, 50), rapid.Int64Range(0, 1_000_000_000_000)), 1, 60).Draw(t, "amounts")
		p := &Population{}
		for i, a := range amounts {
			if err := p.Add(&domain.Event{Position: int64(i + 1), Body: &domain.ExpenseRecorded{Fund: "HB", Amount: a}}); err != nil {
				t.Fatal(err)
			}
		}
		interval := p.Interval(rapid.Int64Range(1, 100).Draw(t, "size"))
		if rapid.Bool().Draw(t, "interval given") {
			interval = rapid.Int64Range(1, 1_000_000).Draw(t, "interval")
			if p.amount/interval > 1_000_000 {
				interval = p.amount/1_000_000 + 1
			}
		}
		seed := rapid.StringMatching(`[a-z0-9]{1,8}`).Draw(t, "seed")
		drawn, start, err := p.MonetaryUnits(seed, interval)
		if p.amount == 0 {
			if err != ErrNothing {
				t.Fatalf("of nothing: %v", err)
			}
			return
		}
		if err != nil || start < 1 || start > interval {
			t.Fatalf("start %d of %d: %v", start, interval, err)
		}
		hits := map[int64]int64{}
		for _, d := range drawn {
			hits[d.Position] = d.Hits
		}
		through := int64(0)
		for i, a := range amounts { // how many of start + k × interval lie in (through, through + a]
			upTo := func(x int64) int64 {
				if x < start {
					return 0
				}
				return (x-start)/interval + 1
			}
			want := upTo(through+a) - upTo(through)
			through += a
			if got := hits[int64(i+1)]; got != want || a >= interval && got == 0 {
				t.Fatalf("entry %d of %d at interval %d from %d: %d hits, want %d", i+1, a, interval, start, got, want)
			}
		}
	})
}

// Over all starts an entry is drawn in proportion to its amount: exactly, since each start has the same chance.
func TestProportional(t *testing.T) {
	amounts := []int64{1, 5, 0, 17, 40, 3, 100, 34}
	const interval, seeds = 40, 20_000
	drawn, starts := map[int64]int{}, map[int64]int{}
	p := expenses(t, amounts...)
	for seed := range seeds {
		list, start, err := p.MonetaryUnits(fmt.Sprint(seed), interval)
		if err != nil {
			t.Fatal(err)
		}
		starts[start]++
		for _, d := range list {
			drawn[d.Position]++
		}
	}
	for i, a := range amounts {
		want := float64(seeds) * min(1, float64(a)/interval)
		if got := float64(drawn[int64(i+1)]); got < want*0.9-30 || got > want*1.1+30 {
			t.Errorf("an entry of %d was drawn %v times of %d at interval %d, want about %v", a, got, seeds, interval, want)
		}
	}
	for start := int64(1); start <= interval; start++ {
		if n := starts[start]; n < seeds/interval*7/10 || n > seeds/interval*13/10 {
			t.Errorf("start %d came %d times of %d", start, n, seeds)
		}
	}
}

// What is drawn at random does not depend on what else there is but through the size, has each entry with the same chance, and no
// entry twice.
func TestRandom(t *testing.T) {
	p := expenses(t, 5, 4, 3, 2, 1, 0, 7, 9, 8, 6)
	counts := make([]int, 11)
	const seeds = 5000
	for seed := range seeds {
		drawn, err := p.Random(fmt.Sprint(seed), 3)
		if err != nil || len(drawn) != 3 {
			t.Fatalf("%v %v", drawn, err)
		}
		for i, d := range drawn {
			if i > 0 && d.Position <= drawn[i-1].Position {
				t.Fatalf("%v", drawn)
			}
			counts[d.Position]++
		}
	}
	for i, n := range counts[1:] {
		if n < seeds*3/10*9/10 || n > seeds*3/10*11/10 {
			t.Errorf("entry %d was drawn %d times of %d", i+1, n, seeds)
		}
	}
	all, err := p.Random("x", 100)
	if err != nil || len(all) != 10 {
		t.Errorf("of 10, 100 are %d: %v", len(all), err)
	}
}

func TestTop(t *testing.T) {
	drawn, err := expenses(t, 5, 9, 3, 9, 7).Top(3)
	var positions []int64
	for _, d := range drawn {
		positions = append(positions, d.Position)
	}
	if err != nil || !slices.Equal(positions, []int64{2, 4, 5}) {
		t.Errorf("the largest are at %v: %v", positions, err)
	}
	for _, draw := range []func(*Population) error{
		func(p *Population) error { _, err := p.Top(1); return err },
		func(p *Population) error { _, err := p.Random("x", 1); return err },
		func(p *Population) error { _, _, err := p.MonetaryUnits("x", 1); return err },
	} {
		if err := draw(&Population{}); err != ErrNothing {
			t.Errorf("of nothing: %v", err)
		}
	}
}

// A filter keeps what it says, and amounts beyond every number are refused and not wrapped.
func TestPopulation(t *testing.T) {
	day := func(n int) *domain.Date { d := domain.Date(n); return &d }
	events := []domain.Event{
		{Position: 1, EffectiveOn: 10, Body: &domain.ExpenseRecorded{Fund: "A", Unit: "X", Amount: 1}},
		{Position: 2, EffectiveOn: 20, Body: &domain.FundsTransferred{From: "A", To: "B", FromUnit: "X", ToUnit: "Y", Amount: 2}},
		{Position: 3, EffectiveOn: 30, Body: &domain.EntryReversed{Position: 1, Entry: &domain.ExpenseRecorded{Fund: "A", Unit: "X", Amount: 4}}},
		{Position: 4, EffectiveOn: 30, Body: &domain.Granted{GrantFacts: domain.GrantFacts{Fund: "A", Unit: "X"}, Amount: 8}},
		{Position: 5, EffectiveOn: 40, Body: &domain.CountSettled{Fund: "B", Unit: "Y", Amount: -16}},
	}
	for _, tt := range []struct {
		p            Population
		size, amount int64
	}{
		{Population{}, 4, 23},
		{Population{From: day(20)}, 3, 22},
		{Population{To: day(20)}, 2, 3},
		{Population{Fund: "B"}, 2, 18},
		{Population{Unit: "X"}, 3, 7},
		{Population{Measures: []string{"expense"}}, 2, 5},
		{Population{Measures: []string{"transfer_in"}}, 1, 2},
		{Population{Measures: []string{"merit_award"}}, 0, 0},
	} {
		for i := range events {
			if err := tt.p.Add(&events[i]); err != nil {
				t.Fatal(err)
			}
		}
		if tt.p.Size() != tt.size || tt.p.Amount() != tt.amount {
			t.Errorf("%d entries of %d, want %d of %d", tt.p.Size(), tt.p.Amount(), tt.size, tt.amount)
		}
	}
	var p Population
	last := error(nil)
	for range 10_000 {
		if last = p.Add(&domain.Event{Body: &domain.ExpenseRecorded{Amount: 1e15}}); last != nil {
			break
		}
	}
	if last != ErrTooMuch || p.Amount() < 0 {
		t.Errorf("%v, %d", last, p.Amount())
	}
}

func BenchmarkMonetaryUnits(b *testing.B) {
	random := rand.New(rand.NewPCG(1, 1))
	p := &Population{}
	for i := range 1_000_000 {
		_ = p.Add(&domain.Event{Position: int64(i + 1), Body: &domain.ExpenseRecorded{Amount: random.Int64N(1_000_000)}})
	}
	for b.Loop() {
		if _, _, err := p.MonetaryUnits("x", p.Interval(100)); err != nil {
			b.Fatal(err)
		}
	}
}
