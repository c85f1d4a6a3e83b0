package projections

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// What a donor gave stands in the gifts of the totals.
var (
	donorTable = once("donors",
		Column{"donor", Text, Key},
		Column{"kind", Text, First},
		Column{"name", Text, First}, // of an organisation
		Column{"address", Text, First},
		Column{"publish", Bool, First},
		Column{"person", ID, First})
	pledgeTable = table("pledges",
		Column{"pledge", Text, Key},
		Column{"donor", Text, First},
		Column{"fund", Text, First},
		Column{"unit", Text, First},
		Column{"made_on", Date, First},
		Column{"due", Date, First},
		Column{"amount", Int, Sum},
		Column{"received", Int, Sum},
		Column{"cancelled", Int, Sum},
		Column{"cancelled_on", Date, Last})
)

func foldDonors(f *Fold, e *domain.Event) error {
	received := func(pledge string, amount int64) {
		if pledge != "" {
			f.put(pledgeTable, text(pledge), text(""), text(""), text(""), num(0), num(0), num(0), num(amount), num(0), null)
		}
	}
	switch b := e.Body.(type) {
	case *domain.DonorRegistered:
		f.put(donorTable, text(b.Code), text(b.Kind), text(b.Name), text(b.Address),
			yes(b.Publish != nil && *b.Publish), id(&b.Person))
	case *domain.PledgeMade:
		f.put(pledgeTable, text(b.Pledge), text(b.Donor), text(b.Fund), text(b.Unit), day(e.EffectiveOn), day(b.Due),
			num(b.Amount), num(0), num(0), null)
	case *domain.PledgeCancelled:
		f.put(pledgeTable, text(b.Pledge), text(""), text(""), text(""), num(0), num(0),
			num(0), num(0), num(b.Amount), day(e.EffectiveOn))
	case *domain.DonationReceived:
		received(b.Pledge, lineTotal(b.Lines))
	case *domain.EntryReversed:
		if d, ok := b.Entry.(*domain.DonationReceived); ok {
			received(d.Pledge, -lineTotal(d.Lines))
		}
	}
	return nil
}

func lineTotal(lines []domain.Line) (sum int64) {
	for i := range lines {
		sum += lines[i].Amount
	}
	return sum
}

// A DonorQuery asks for donors and what they gave. The zero query asks for all, over all days.
type DonorQuery struct {
	Donors   []string     // codes; none: all
	From, To *domain.Date // of the gifts, inclusive; nil: open

	KnownAt *Known // the gifts as they were known then, also of donors who came later; nil: now
}

// A DonorRow is a donor and what was received in the range, reversals taken off on their day. Amounts are minor units.
type DonorRow struct {
	Code, Kind    string
	Name, Address string // of an organisation
	Publish       bool
	Person        uuid.UUID // of a person
	Cash          int64     // cash and bank
	InKind        int64     // goods and labour
	Gifts         int64     // how many donations
}

// Gifts adds up what donors gave.
type Gifts struct {
	q    DonorQuery
	keys map[uuid.UUID]*FactKey
	sums map[string]*giftSum
}

type giftSum struct{ cash, inKind, gifts int64 }

// NewGifts makes the sums of a query. It needs the keys of the gifts.
func NewGifts(q DonorQuery, keys map[uuid.UUID]*FactKey) *Gifts {
	return &Gifts{q: q, keys: keys, sums: map[string]*giftSum{}}
}

// AddPack adds the gifts of a pack that are of the query's donors and days. Errors: ErrUnknownKey.
func (g *Gifts) AddPack(p *Pack) error {
	return eachGift(p, &g.q, func(i int, donor string, _ domain.Date, key uuid.UUID, amount int64) error {
		k := g.keys[key]
		if k == nil {
			return fmt.Errorf("%w: %s", ErrUnknownKey, key)
		}
		s := g.sums[donor]
		if s == nil {
			s = new(giftSum)
			g.sums[strings.Clone(donor)] = s
		}
		s.gifts += p.lists[giftGifts].Ints[i]
		if k.Measure == DonationCash {
			s.cash += amount
		} else {
			s.inKind += amount
		}
		return nil
	})
}

// Fill puts the sums into the rows of donors.
func (g *Gifts) Fill(rows []DonorRow) {
	for i := range rows {
		if s := g.sums[rows[i].Code]; s != nil {
			rows[i].Cash, rows[i].InKind, rows[i].Gifts = s.cash, s.inKind, s.gifts
		}
	}
}

// AddGifts counts the gifts of a pack that are of the query's donors and days. Errors: ErrUnknownKey.
func (t *Tally) AddGifts(p *Pack) error {
	q := DonorQuery{t.q.Donors, t.q.From, t.q.To, t.q.KnownAt}
	return eachGift(p, &q, func(_ int, _ string, on domain.Date, key uuid.UUID, amount int64) error {
		return t.Add(on, key, 0, amount, nil, nil)
	})
}

// eachGift calls yield with the gifts of a pack that a query is about.
func eachGift(p *Pack, q *DonorQuery, yield func(i int, donor string, on domain.Date, key uuid.UUID, amount int64) error) error {
	through := q.KnownAt.Bounds().Position
	positions, donors, days := p.lists[giftPosition].Ints, p.lists[giftDonor].Texts, p.lists[giftDay].Ints
	for i := range p.n {
		on := domain.Date(days[i])
		if positions[i] > through || len(q.Donors) > 0 && !slices.Contains(q.Donors, donors[i]) ||
			q.From != nil && on < *q.From || q.To != nil && on > *q.To {
			continue
		}
		if err := yield(i, donors[i], on, p.lists[giftKey].IDs[i], p.lists[giftAmount].Ints[i]); err != nil {
			return err
		}
	}
	return nil
}

// A PledgeRow is a promise. Amounts are minor units.
type PledgeRow struct {
	Pledge, Donor, Fund, Unit   string
	MadeOn, Due                 domain.Date
	Amount, Received, Cancelled int64
	CancelledOn                 *domain.Date
}

// Open is what is still to come, in minor units.
func (p *PledgeRow) Open() int64 {
	if p.CancelledOn != nil {
		return 0
	}
	return max(0, p.Amount-p.Received)
}

// Donors answers questions about donors.
type Donors interface {
	// Donors returns donors in order of code, also those who gave nothing in the range.
	Donors(ctx context.Context, q DonorQuery) ([]DonorRow, error)
	// Pledges returns all pledges in order of code.
	Pledges(ctx context.Context) ([]PledgeRow, error)
}
