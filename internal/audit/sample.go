package audit

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"strconv"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/projections"
)

// A Method is how a sample is drawn.
type Method string

// The methods.
const (
	MUS    Method = "mus"    // monetary-unit sampling: the chance of an entry is in proportion to its amount
	Random Method = "random" // each entry has the same chance
	Top    Method = "top"    // the largest
)

// Methods returns all methods.
func Methods() []Method { return []Method{MUS, Random, Top} }

// Errors of a population.
var (
	ErrNothing = errors.New("no entry to draw from")
	ErrTooMuch = errors.New("the entries sum to more than can be counted")
)

// A Money is what one event moved: the unit of a sample.
type Money struct {
	Amount   int64 // minor units, never negative
	Measures []string
	Funds    []string
	Units    []string
}

// Moved returns what an event moved: the value that came into or went out of funds, of a transfer or between cash and bank once. A reversal
// moved what the entry did that it undoes. It is false of what moved nothing: a grant reserves, its payment moves.
func Moved(body domain.EventBody) (Money, bool) {
	switch b := body.(type) {
	case *domain.EntryReversed:
		return Moved(b.Entry)
	case *domain.OpeningRecorded:
		return Money{domain.SumLines(b.Lines), nil, []string{b.Fund}, []string{b.Unit}}, true
	case *domain.DonationReceived:
		m := Money{domain.SumLines(b.Lines), nil, []string{b.Fund}, []string{b.Unit}}
		for i := range b.Lines {
			measure := projections.DonationInKind
			if b.Lines[i].Asset.IsMoney() {
				measure = projections.DonationCash
			}
			if !slices.Contains(m.Measures, measure) {
				m.Measures = append(m.Measures, measure)
			}
		}
		return m, true
	case *domain.GrantDisbursed:
		return Money{b.Amount, []string{string(b.Kind)}, []string{b.Fund}, []string{b.Unit}}, true
	case *domain.GrantReturned:
		return Money{b.Amount, []string{projections.Returned}, []string{b.Fund}, []string{b.Unit}}, true
	case *domain.ExpenseRecorded:
		return Money{b.Amount, []string{projections.ExpenseMeasure}, []string{b.Fund}, []string{b.Unit}}, true
	case *domain.FundsTransferred:
		measures := []string{projections.TransferOut, projections.TransferIn}
		return Money{b.Amount, measures, []string{b.From, b.To}, []string{b.FromUnit, b.ToUnit}}, true
	case *domain.HoldingMoved:
		return Money{b.Amount, nil, []string{b.Fund}, []string{b.Unit}}, true
	case *domain.CountSettled:
		return Money{max(b.Amount, -b.Amount), nil, []string{b.Fund}, []string{b.Unit}}, true
	}
	return Money{}, false
}

// A Population says which entries a sample is drawn from. The zero value is all that moved something.
type Population struct {
	From, To   *domain.Date // effective
	Unit, Fund string
	Measures   []string // those of totals

	items  []Drawn
	amount int64
}

// A Drawn is an entry of a sample.
type Drawn struct {
	Position int64
	Amount   int64
	Hits     int64 // how many of the monetary units that were drawn are in it; 1 of other methods
}

// Add looks at an event; events come in the order of the log.
// Errors: ErrTooMuch.
func (p *Population) Add(e *domain.Event) error {
	m, moved := Moved(e.Body)
	switch {
	case !moved,
		p.From != nil && e.EffectiveOn < *p.From, p.To != nil && e.EffectiveOn > *p.To,
		p.Unit != "" && !slices.Contains(m.Units, p.Unit), p.Fund != "" && !slices.Contains(m.Funds, p.Fund):
		return nil
	}
	if len(p.Measures) > 0 && !slices.ContainsFunc(m.Measures, func(s string) bool { return slices.Contains(p.Measures, s) }) {
		return nil
	}
	if p.amount > math.MaxInt64-m.Amount {
		return ErrTooMuch
	}
	p.items = append(p.items, Drawn{e.Position, m.Amount, 1})
	p.amount += m.Amount
	return nil
}

// Size is how many entries there are to draw from.
func (p *Population) Size() int64 { return int64(len(p.items)) }

// Amount is what they sum to.
func (p *Population) Amount() int64 { return p.amount }

// Interval returns the interval of monetary units that draws at most n of them.
func (p *Population) Interval(n int64) int64 {
	interval := p.amount / n
	if p.amount%n > 0 {
		interval++
	}
	return max(1, interval)
}

// MonetaryUnits draws every unit whose number is start + k × interval, counting the units of the entries from 1 in the order of the log; start,
// from 1 to interval, follows from the seed. An entry of at least the interval is always drawn; a smaller one with the chance amount ÷ interval.
// Errors: ErrNothing.
func (p *Population) MonetaryUnits(seed string, interval int64) (drawn []Drawn, start int64, err error) {
	if p.amount == 0 {
		return nil, 0, ErrNothing
	}
	start = Start(seed, interval)
	next, through := start, int64(0)
	for _, item := range p.items {
		through += item.Amount
		if through < next {
			continue
		}
		item.Hits = (through-next)/interval + 1
		drawn = append(drawn, item)
		if item.Hits > (1<<63-1-next)/interval { // beyond every amount
			break
		}
		next += item.Hits * interval
	}
	return drawn, start, nil
}

// Start returns the first monetary unit of a seed, from 1 to interval, each with the same chance: 1 + the first eight bytes, as a number,
// of SHA-256("soquy sample 1" LF "mus" LF seed LF n LF) modulo interval, for the first n of 0, 1, 2, … whose number is below the
// largest multiple of interval that 2^64 holds.
func Start(seed string, interval int64) int64 {
	step := uint64(interval)
	rest := -step % step // 2^64 modulo step
	for n := int64(0); ; n++ {
		sum := digest(MUS, seed, n)
		u := binary.BigEndian.Uint64(sum[:8])
		if u <= ^uint64(0)-rest {
			return 1 + int64(u%step)
		}
	}
}

// digest is SHA-256("soquy sample 1" LF method LF seed LF number LF).
func digest(m Method, seed string, number int64) [32]byte {
	b := append([]byte("soquy sample 1\n"), m...)
	b = append(append(append(b, '\n'), seed...), '\n')
	return sha256.Sum256(append(strconv.AppendInt(b, number, 10), '\n'))
}

// Random draws n entries, each with the same chance: those with the smallest SHA-256("soquy sample 1" LF "random" LF seed LF position LF). It
// returns them in the order of the log.
// Errors: ErrNothing.
func (p *Population) Random(seed string, n int64) ([]Drawn, error) {
	digests := make(map[int64][32]byte, len(p.items))
	for _, item := range p.items {
		digests[item.Position] = digest(Random, seed, item.Position)
	}
	return p.first(n, func(a, b Drawn) int {
		x, y := digests[a.Position], digests[b.Position]
		return slices.Compare(x[:], y[:])
	})
}

// Top returns the n largest entries, of equal ones the earlier, the largest first.
// Errors: ErrNothing.
func (p *Population) Top(n int64) ([]Drawn, error) {
	byAmount := func(a, b Drawn) int {
		return cmp.Or(cmp.Compare(b.Amount, a.Amount), cmp.Compare(a.Position, b.Position))
	}
	drawn, err := p.first(n, byAmount)
	slices.SortFunc(drawn, byAmount)
	return drawn, err
}

// first returns the first n by an order, in the order of the log.
func (p *Population) first(n int64, order func(a, b Drawn) int) ([]Drawn, error) {
	if len(p.items) == 0 {
		return nil, ErrNothing
	}
	drawn := slices.Clone(p.items)
	slices.SortFunc(drawn, order)
	drawn = drawn[:min(n, int64(len(drawn)))]
	slices.SortFunc(drawn, func(a, b Drawn) int { return cmp.Compare(a.Position, b.Position) })
	return drawn, nil
}
