package projections

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

var (
	// factKeyTable says what the key of a fact stands for. A key is the start of a hash of the rest, so that nobody has to look
	// one up, and what a key stands for never changes.
	factKeyTable = table("total_keys",
		Column{"fact_key", ID, Key},
		Column{"unit", Text, First},
		Column{"fund", Text, First},
		Column{"measure", Text, First},
		Column{"recipient", Text, First},
		Column{"achievement_level", Text, First},
		Column{"education_level", Text, First},
		Column{"school_year", Text, First},
		Column{"cause", Text, First},
		Column{"asset", Text, First},
		Column{"donor_kind", Text, First},
		Column{"purpose", Text, First},
		Column{"first_position", Int, First})
	// factTable counts. people_on are the ordinals of the persons of grants that were counted, people_off of those that were taken
	// off, 4 bytes each, little-endian, in log order, one a grant.
	factTable = packed(table("total_facts",
		Column{"block", Int, Key},
		Column{"basis", Int, Key},
		Column{"day", Day, Key},
		Column{"fact_key", ID, Key},
		Column{"grants", Int, Sum},
		Column{"amount", Int, Sum},
		Column{"people_on", Bytes, Append},
		Column{"people_off", Bytes, Append}))
	// giftTable has each line of a donation, and of a reversal of one. The index of subjects finds those of a donor.
	giftTable = packed(once("total_gifts",
		Column{"position", Int, Key},
		Column{"line", Int, Key},
		Column{"donor", Text, First},
		Column{"day", Day, First},
		Column{"fact_key", ID, First},
		Column{"gifts", Int, First}, // 1, −1 or 0: how many donations; one with several lines counts at its first
		Column{"amount", Int, First}))
)

// The columns of facts.
const (
	factBlock = iota
	factBasis
	factDay
	factKey
	factGrants
	factAmount
	factOn
	factOff
)

// The columns of gifts that are read.
const (
	giftPosition = 0
	giftDonor    = 2
	giftDay      = 3
	giftKey      = 4
	giftGifts    = 5
	giftAmount   = 6
)

// The bases on which facts are counted.
const (
	BothBases    = iota // what is not a grant
	GrantedBasis        // grants, from their granting
	PaidBasis           // grants, by their payments
)

// The measures that are not kinds of grants.
const (
	DonationCash   = "donation_cash"
	DonationInKind = "donation_in_kind"
	ExpenseMeasure = "expense"
	TransferIn     = "transfer_in"
	TransferOut    = "transfer_out"
	Returned       = "returned"
)

// The measures of what is in the books alone: totals never show them.
const (
	OpeningMeasure = "opening"
	CountMeasure   = "count"
)

// hidden reports whether a measure is of the books alone.
func hidden(measure string) bool { return measure == OpeningMeasure || measure == CountMeasure }

// Measures returns all measures, in the order of the contract.
func Measures() []string {
	return []string{
		DonationCash, DonationInKind,
		string(domain.MeritAward), string(domain.Scholarship), string(domain.HardshipGrant), string(domain.Support),
		ExpenseMeasure, TransferIn, TransferOut, Returned,
	}
}

// Recipients returns all kinds of recipients.
func Recipients() []string {
	return append(domain.PersonKinds(), domain.CollectiveRecipient, domain.UnitRecipient)
}

// tuple is what a fact is counted by, beside its basis and day.
type tuple struct {
	unit, fund, measure, recipient                      string
	achievementLevel, educationLevel, schoolYear, cause string
	asset, donorKind                                    string
	// purpose is what the books tell apart and totals do not: of an expense its purpose, of what came back the kind of its grant.
	purpose string
}

// hash is the start of SHA-256 over the texts, each ended by NUL, with the version and variant bits of a UUIDv8.
func (t *tuple) hash() [16]byte {
	var buf [512]byte
	b := buf[:0]
	for _, s := range [...]string{
		t.unit, t.fund, t.measure, t.recipient, t.achievementLevel, t.educationLevel, t.schoolYear, t.cause, t.asset, t.donorKind,
		t.purpose,
	} {
		b = append(append(b, s...), 0)
	}
	sum := sha256.Sum256(b)
	key := [16]byte(sum[:16])
	key[6], key[8] = key[6]&0x0f|0x80, key[8]&0x3f|0x80
	return key
}

// A tupleKey is the key of a tuple.
type tupleKey struct {
	hash [16]byte
	put  int // after how many resets of the fold, and one, it was noted last
}

// key returns the key of a tuple and notes, for the first event that has it, what it stands for.
func (f *Fold) key(t tuple) *[16]byte {
	k := f.tuples[t]
	if k == nil {
		k = &tupleKey{hash: t.hash()}
		f.tuples[t] = k
	}
	if k.put == f.resets+1 {
		return &k.hash
	}
	k.put = f.resets + 1
	f.put(factKeyTable, raw(k.hash[:]), text(t.unit), text(t.fund), text(t.measure), text(t.recipient), text(t.achievementLevel),
		text(t.educationLevel), text(t.schoolYear), text(t.cause), text(t.asset), text(t.donorKind), text(t.purpose),
		num(f.event.Position))
	return &k.hash
}

// fact counts on the event's day.
func (f *Fold) fact(basis int64, key *[16]byte, grants, amount int64, on, off []byte) {
	f.put(factTable, num(f.event.Position>>BlockBits), num(basis), day(f.event.EffectiveOn), raw(key[:]),
		num(grants), num(amount), raw(on), raw(off))
}

// money counts what is not a grant.
func (f *Fold) money(t tuple, amount int64) { f.fact(BothBases, f.key(t), 0, amount, nil, nil) }

func foldTotals(f *Fold, e *domain.Event) error {
	body, sign := e.Body, int64(1)
	reversal, reversed := e.Body.(*domain.EntryReversed)
	if reversed {
		body, sign = reversal.Entry, -1
	}
	switch b := body.(type) {
	case *domain.DonationReceived:
		f.donation(b, sign)
	case *domain.ExpenseRecorded:
		f.money(tuple{unit: b.Unit, fund: b.Fund, measure: ExpenseMeasure, asset: string(b.Asset), purpose: b.Purpose}, sign*b.Amount)
	case *domain.FundsTransferred:
		f.money(tuple{unit: b.FromUnit, fund: b.From, measure: TransferOut, asset: string(b.Asset)}, sign*b.Amount)
		f.money(tuple{unit: b.ToUnit, fund: b.To, measure: TransferIn, asset: string(b.Asset)}, sign*b.Amount)
	case *domain.OpeningRecorded:
		for i := range b.Lines {
			f.money(tuple{unit: b.Unit, fund: b.Fund, measure: OpeningMeasure, asset: string(b.Lines[i].Asset)}, sign*b.Lines[i].Amount)
		}
	case *domain.CountSettled:
		f.money(tuple{unit: b.Unit, fund: b.Fund, measure: CountMeasure, asset: string(b.Asset)}, sign*b.Amount)
	case *domain.Granted:
		amount := b.Amount
		if reversed { // what was still open is released; nothing of it was paid
			amount = -reversal.Amount
		}
		return f.grant(GrantedBasis, &b.GrantFacts, sign, amount)
	case *domain.GrantCancelled: // cannot be reversed
		grants := int64(0)
		if b.NeverPaid {
			grants = -1
		}
		return f.grant(GrantedBasis, &b.GrantFacts, grants, -b.Amount)
	case *domain.GrantDisbursed:
		grants := int64(0)
		switch {
		case reversed && reversal.Reopened.Paid == 0 && reversal.Reopened.QuantityPaid == 0:
			grants = -1
		case !reversed && b.First:
			grants = 1
		}
		return f.grant(PaidBasis, &b.GrantFacts, grants, sign*b.Amount)
	case *domain.GrantReturned:
		t := grantTuple(&b.GrantFacts, b.CountsAt(), Returned)
		t.purpose = string(b.Kind)
		f.money(t, sign*b.Amount)
	}
	return nil
}

func (f *Fold) donation(b *domain.DonationReceived, gifts int64) {
	sign := gifts
	for i := range b.Lines {
		l := &b.Lines[i]
		measure := DonationCash
		if !l.Asset.IsMoney() {
			measure = DonationInKind
		}
		key := f.key(tuple{unit: b.Unit, fund: b.Fund, measure: measure, asset: string(l.Asset), donorKind: b.DonorKind})
		f.fact(BothBases, key, 0, sign*l.Amount, nil, nil)
		f.put(giftTable, num(f.event.Position), num(int64(i)), text(b.Donor), day(f.event.EffectiveOn), raw(key[:]),
			num(gifts), num(sign*l.Amount))
		gifts = 0
	}
}

// grantTuple is what a step of a grant is counted by. Granting, cancelling and what came back count at the grant's unit, so that they
// are taken off where they were counted; a payment at the unit that paid.
func grantTuple(g *domain.GrantFacts, unit, measure string) tuple {
	return tuple{
		unit: unit, fund: g.Fund, measure: measure, recipient: g.RecipientKind,
		achievementLevel: g.AchievementLevel, educationLevel: g.EducationLevel, schoolYear: g.SchoolYear, cause: g.Cause,
		asset: string(g.Asset),
	}
}

// grant counts grants (1, 0 or −1) with their person, and an amount.
func (f *Fold) grant(basis int64, g *domain.GrantFacts, grants, amount int64) error {
	var ordinal [4]byte
	var on, off []byte
	if g.PersonPosition != 0 && grants != 0 {
		if g.PersonPosition > math.MaxUint32 {
			return fmt.Errorf("person at position %d: more than 2^32 positions", g.PersonPosition)
		}
		binary.LittleEndian.PutUint32(ordinal[:], uint32(g.PersonPosition))
		if grants > 0 {
			on = ordinal[:]
		} else {
			off = ordinal[:]
		}
	}
	unit := g.CountsAt()
	if basis == PaidBasis {
		unit = g.Unit
	}
	f.fact(basis, f.key(grantTuple(g, unit, string(g.Kind))), grants, amount, on, off)
	return nil
}

// A Dim is something that totals are asked by.
type Dim string

// The dimensions.
const (
	ByUnitLevel        Dim = "unit-level"
	ByUnit             Dim = "unit"
	ByAchievementLevel Dim = "achievement-level"
	ByEducationLevel   Dim = "education-level"
	ByMonth            Dim = "month"
	ByQuarter          Dim = "quarter"
	ByYear             Dim = "year"
	BySchoolYear       Dim = "school-year"
	ByFund             Dim = "fund"
	ByCause            Dim = "cause"
	ByAsset            Dim = "asset"
	ByDonorKind        Dim = "donor-kind"

	ByPurpose Dim = "purpose" // of the books alone: no dimension of totals
)

// Dims returns all dimensions, in the order of the contract.
func Dims() []Dim {
	return []Dim{
		ByUnitLevel, ByUnit, ByAchievementLevel, ByEducationLevel, ByMonth, ByQuarter, ByYear, BySchoolYear,
		ByFund, ByCause, ByAsset, ByDonorKind,
	}
}

// A TotalsQuery asks for totals. The zero query asks for one row a measure and recipient, over all days. A filter without values
// lets everything pass. Filters look at what was recorded: with Rollup too, UnitLevels keeps what units of those levels recorded.
type TotalsQuery struct {
	By       []Dim
	From, To *domain.Date // effective dates, inclusive; nil: open
	Within   string       // only units of this subtree, by Structure; "": all
	Today    bool         // by today's structure; else by that of the effective date
	Rollup   bool         // each unit gets its whole subtree; needs By unit
	Paid     bool         // payments on their days instead of grants
	Books    bool         // what the books need: also openings and settled counts; nobody counts persons; ByPurpose may be asked by

	KnownAt            *Known // as it was known then; nil: now
	UnitsAt, PersonsAt int64  // where units are, and who is one person, as known at other positions; 0: as of KnownAt

	UnitLevels, Measures, Recipients, Funds, Donors []string
	AchievementLevels, EducationLevels, Causes      []string
}

// A TotalsRow is one row of totals. Amounts are minor units.
type TotalsRow struct {
	By        []string // a value for each of the query's dimensions; "" for none
	Measure   string
	Recipient string // "" in measures that are not of grants
	Grants    int64
	People    int64 // distinct persons with a positive net number of grants in the row
	Amount    int64
}

// Structure returns the positions as of which units are placed and persons are one.
func (q *TotalsQuery) Structure() (units, persons int64) {
	units, persons = q.KnownAt.Bounds().Position, q.KnownAt.Bounds().Position
	if q.UnitsAt > 0 {
		units = q.UnitsAt
	}
	if q.PersonsAt > 0 {
		persons = q.PersonsAt
	}
	return units, persons
}

// Totals answers questions about sums.
type Totals interface {
	// Totals returns the rows that are not all zero, in order of values, measure (as in Measures) and recipient.
	// Errors: eventstore.ErrNotFound (Within), ErrQuery.
	Totals(ctx context.Context, q TotalsQuery) ([]TotalsRow, error)
}

// A FactKey says what the key of a fact stands for.
type FactKey struct {
	Unit, Fund, Measure, Recipient                      string
	AchievementLevel, EducationLevel, SchoolYear, Cause string
	Asset, DonorKind, Purpose                           string

	numbers
}

// numbers of a key and of its parts, so that a tally need not compare texts.
type numbers struct {
	index             int32 // of the key among those that are known with it, from 0
	unit, fund, shape int32 // the same where the unit, the fund, and all the rest are
}

// Key returns the key that stands for k.
func (k *FactKey) Key() uuid.UUID {
	t := tuple{
		k.Unit, k.Fund, k.Measure, k.Recipient, k.AchievementLevel, k.EducationLevel, k.SchoolYear, k.Cause, k.Asset, k.DonorKind,
		k.Purpose,
	}
	return t.hash()
}
