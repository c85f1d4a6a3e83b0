package projectiontest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

// TB is what a history needs of a test.
type TB interface {
	Helper()
	Fatalf(format string, args ...any)
}

// A History is a book with its log. It does what the shell does: it hands in what domain.Needs asks for, and applies what was decided.
type History struct {
	Book domain.Book
	Log  []domain.Event

	t       TB
	random  *rand.Rand
	now     time.Time
	day     domain.Date
	ids     uint64
	byID    map[uuid.UUID]int
	byGrant map[uuid.UUID][]int

	units, funds, donors, pledges []string
	persons, grants, counts       []uuid.UUID
}

// NewHistory opens a ledger. Its clock stands at 2018-06-30.
func NewHistory(t TB, seed uint64) *History {
	h := &History{
		t: t, random: rand.New(rand.NewPCG(seed, 1)), now: time.Date(2018, 6, 30, 12, 0, 0, 123_000, time.UTC),
		byID: map[uuid.UUID]int{}, byGrant: map[uuid.UUID][]int{},
	}
	first := domain.OpenLedger(&domain.LedgerOpened{
		Ledger: h.newID(), Origin: "soquy.invalid/test", Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh", ClockGiven: true,
	}, h.newID(), time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC))
	h.apply([]domain.Event{first})
	return h
}

func (h *History) newID() (id uuid.UUID) {
	h.ids++
	binary.BigEndian.PutUint64(id[:], h.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], h.ids)
	return id
}

// Date reads YYYY-MM-DD.
func Date(s string) domain.Date {
	d, err := domain.ParseDate(s)
	if err != nil {
		panic(err)
	}
	return d
}

// On sets the effective date of the commands that follow.
func (h *History) On(day string) *History {
	h.day = Date(day)
	return h
}

// Try decides a command and applies its events.
func (h *History) Try(body domain.CommandBody) ([]domain.Event, error) {
	c := &domain.Command{ID: h.newID(), EffectiveOn: h.day, Body: body, Now: h.now, NewID: h.newID}
	c.Found = domain.Found{Grants: map[uuid.UUID]*domain.Grant{}, Events: map[uuid.UUID]*domain.Event{}}
	switch body.(type) {
	case *domain.RegisterPerson, *domain.CorrectPerson:
		c.Personal = &domain.Commitment{Private: c.ID}
	}
	for {
		need := domain.Needs(&h.Book, c)
		if need.None() {
			break
		}
		for _, id := range need.Events {
			c.Found.Events[id] = nil
			if i, ok := h.byID[id]; ok {
				c.Found.Events[id] = &h.Log[i]
			}
		}
		for _, id := range need.Grants {
			var events []domain.Event
			for _, i := range h.byGrant[id] {
				events = append(events, h.Log[i])
			}
			c.Found.Grants[id] = domain.FoldGrant(events)
		}
	}
	events, err := domain.Decide(&h.Book, c)
	if err != nil {
		return nil, err
	}
	h.now = h.now.Add(time.Second)
	h.apply(events)
	return events, nil
}

// Do is Try for commands that must be accepted.
func (h *History) Do(bodies ...domain.CommandBody) []domain.Event {
	h.t.Helper()
	var all []domain.Event
	for _, body := range bodies {
		events, err := h.Try(body)
		if err != nil {
			h.t.Fatalf("%s: %v", body.Type(), err)
		}
		all = append(all, events...)
	}
	return all
}

func (h *History) apply(events []domain.Event) {
	for i := range events {
		e := &events[i]
		h.Book.Evolve(e)
		h.byID[e.ID] = len(h.Log)
		for _, s := range e.Subjects() {
			if id, err := uuid.Parse(trimmed(s, "grant:")); err == nil {
				h.byGrant[id] = append(h.byGrant[id], len(h.Log))
			}
		}
		h.Log = append(h.Log, *e)
		switch b := e.Body.(type) {
		case *domain.UnitRegistered:
			h.units = append(h.units, b.Code)
		case *domain.FundOpened:
			h.funds = append(h.funds, b.Code)
		case *domain.DonorRegistered:
			h.donors = append(h.donors, b.Code)
		case *domain.PledgeMade:
			h.pledges = append(h.pledges, b.Pledge)
		case *domain.PersonRegistered:
			h.persons = append(h.persons, b.Person)
		case *domain.Granted:
			h.grants = append(h.grants, e.ID)
		case *domain.HoldingCounted:
			h.counts = append(h.counts, e.ID)
		}
	}
}

func trimmed(s, prefix string) string {
	if len(s) < len(prefix) || s[:len(prefix)] != prefix {
		return ""
	}
	return s[len(prefix):]
}

// Province registers a tree of units with funds, persons and donors, on 2016-12-01.
func (h *History) Province() *History {
	h.On("2016-12-01").Do(
		&domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "Tỉnh hội", NameEN: "Province", Official: "11"},
		&domain.RegisterUnit{Code: "H1", Parent: "T", Level: domain.District, Name: "Huyện hội Một", Address: "Đường 1"},
		&domain.RegisterUnit{Code: "H2", Parent: "T", Level: domain.District, Name: "Huyện hội Hai"},
		&domain.RegisterUnit{Code: "X1", Parent: "H1", Level: domain.Commune, Name: "Xã Một"},
		&domain.RegisterUnit{Code: "X2", Parent: "H1", Level: domain.Commune, Name: "Xã Hai"},
		&domain.RegisterUnit{Code: "X3", Parent: "H2", Level: domain.Commune, Name: "Xã Ba"},
		&domain.RegisterUnit{Code: "C1", Parent: "X1", Level: domain.Chapter, Name: "Chi hội Một"},
		&domain.RegisterUnit{Code: "C2", Parent: "H2", Level: domain.Chapter, Name: "Chi hội Hai"},
		&domain.OpenFund{Code: "TQ", Unit: "T", Name: "Quỹ tỉnh"},
		&domain.OpenFund{Code: "H1Q", Unit: "H1", Name: "Quỹ huyện Một"},
		&domain.OpenFund{Code: "H2Q", Unit: "H2", Name: "Quỹ huyện Hai", NameEN: "Fund H2"},
		&domain.OpenFund{Code: "X1Q", Unit: "X1", Name: "Quỹ xã Một"},
		&domain.OpenFund{Code: "X2Q", Unit: "X2", Name: "Quỹ xã Hai"},
		&domain.OpenFund{Code: "X3Q", Unit: "X3", Name: "Quỹ xã Ba"},
		&domain.OpenFund{Code: "C2Q", Unit: "C2", Name: "Quỹ chi hội", Purposes: []domain.Purpose{domain.MeritAward, domain.Expense}},
		&domain.RegisterDonor{Code: "VCB", Kind: "organisation", Name: "Ngân hàng", Address: "Điện Biên Phủ"},
		&domain.RegisterDonor{Code: "AN", Kind: "anonymous"},
	)
	for i := range 12 {
		h.Do(&domain.RegisterPerson{Kind: domain.PersonKinds()[i%3]})
	}
	yes := true
	h.Do(&domain.RegisterDonor{Code: "P1", Kind: "person", Person: h.persons[1], Publish: &yes})
	return h
}

// Random tries n random commands; those that are refused change nothing.
func (h *History) Random(n int) *History {
	h.t.Helper()
	for range n {
		first, last := Date("2016-12-20"), Date("2018-03-10")
		h.day = first + domain.Date(h.random.IntN(int(last-first)))
		if h.random.IntN(3) > 0 { // mostly forward
			h.day = first + domain.Date(len(h.Log)*int(last-first)/(len(h.Log)+n))
		}
		if _, err := h.Try(h.command()); err != nil {
			var refusal *domain.Refusal
			if !errors.As(err, &refusal) {
				h.t.Fatalf("not a refusal: %v", err)
			}
		}
	}
	return h
}

func pick[T any](h *History, list []T) (v T) {
	if len(list) == 0 {
		return v
	}
	return list[h.random.IntN(len(list))]
}

func maybe[T any](h *History, list []T) (v T) {
	if h.random.IntN(2) == 0 {
		return v
	}
	return pick(h, list)
}

func (h *History) amount(most int) money.Decimal {
	return money.Decimal(strconv.Itoa(1 + h.random.IntN(most)))
}

func (h *History) quantity() money.Decimal {
	return money.Decimal(fmt.Sprintf("%d.%d", h.random.IntN(20), 1+h.random.IntN(9)))
}

var testAssets = []domain.Asset{domain.Cash, domain.Cash, domain.Bank, "goods:VO", "goods:XE"}

func (h *History) line(labour bool) domain.LineInput {
	l := domain.LineInput{Asset: pick(h, testAssets), Amount: h.amount(1_000_000)}
	if labour && h.random.IntN(6) == 0 {
		l.Asset = domain.Labour
	}
	switch {
	case l.Asset.IsGoods():
		l.Quantity, l.Measure = h.quantity(), "quyển"
	case l.Asset == domain.Labour:
		l.Quantity, l.Measure = h.quantity(), "công"
	}
	return l
}

func (h *History) recipient(kind domain.Purpose, asset domain.Asset) domain.Recipient {
	r := domain.Recipient{
		AchievementLevel: maybe(h, domain.AchievementLevels()[:3]),
		EducationLevel:   maybe(h, domain.EducationLevels()[:3]),
	}
	if asset.IsGoods() {
		r.Quantity = money.Decimal(fmt.Sprintf("0.%d", 1+h.random.IntN(9)))
	} else {
		r.Amount = h.amount(20_000)
	}
	if kind == domain.HardshipGrant {
		r.Cause = maybe(h, domain.Causes()[:3])
	}
	switch h.random.IntN(8) {
	case 0:
		r.Collective, r.Unit = "Lớp 5A", maybe(h, h.units)
	case 1:
		r.Unit = pick(h, h.units)
	default:
		r.Person = pick(h, h.persons)
	}
	return r
}

// command makes a random command.
func (h *History) command() domain.CommandBody {
	r := h.random
	code := func(prefix string) string { return prefix + strconv.Itoa(len(h.Log)) }
	switch n := r.IntN(100); {
	case n < 2:
		return &domain.RegisterUnit{
			Code: code("U"), Parent: pick(h, h.units), Level: pick(h, domain.Levels()), Name: code("Đơn vị "),
			Official: maybe(h, []string{"03127", "03130"}),
		}
	case n < 4:
		return &domain.RenameUnit{Unit: pick(h, h.units), Name: code("Tên "), NameEN: maybe(h, []string{"Name"})}
	case n < 6:
		return &domain.MoveUnit{Unit: pick(h, h.units), Parent: pick(h, h.units)}
	case n < 7:
		if len(h.Log)%3 > 0 { // mergers leave few units
			return &domain.RegisterPerson{Kind: pick(h, domain.PersonKinds())}
		}
		return &domain.MergeUnit{Unit: pick(h, h.units), Into: pick(h, h.units)}
	case n < 8:
		return &domain.CloseUnit{Unit: pick(h, h.units)}
	case n < 10:
		return &domain.OpenFund{
			Code: code("Q"), Unit: pick(h, h.units), Name: code("Quỹ "), Purposes: maybe(h, [][]domain.Purpose{{domain.Support}}),
		}
	case n < 11:
		return &domain.RestrictFund{Fund: pick(h, h.funds), Purposes: domain.Purposes()[:1+r.IntN(5)]}
	case n < 12:
		return &domain.CloseFund{Fund: pick(h, h.funds)}
	case n < 16:
		return &domain.RegisterPerson{Kind: pick(h, domain.PersonKinds())}
	case n < 19:
		return &domain.MergePerson{Person: pick(h, h.persons), Into: pick(h, h.persons)}
	case n < 20:
		return &domain.RegisterDonor{Kind: "person", Person: pick(h, h.persons)}
	case n < 22:
		return &domain.MakePledge{
			Pledge: code("P"), Donor: pick(h, h.donors), Fund: pick(h, h.funds), Amount: h.amount(1_000_000), Due: h.day + 30,
		}
	case n < 23:
		return &domain.CancelPledge{Pledge: pick(h, h.pledges)}
	case n < 25:
		return &domain.RecordOpening{Fund: pick(h, h.funds), Lines: []domain.LineInput{h.line(false), h.line(false)}}
	case n < 40:
		c := &domain.ReceiveDonation{Fund: pick(h, h.funds), Donor: pick(h, h.donors)}
		for range 1 + r.IntN(4) {
			c.Lines = append(c.Lines, h.line(true))
		}
		return c
	case n < 43:
		c := &domain.ReceiveDonation{Fund: pick(h, h.funds), Pledge: pick(h, h.pledges), Lines: []domain.LineInput{h.line(true)}}
		c.Donor = pick(h, h.donors)
		for i := range h.Log {
			if p, ok := h.Log[i].Body.(*domain.PledgeMade); ok && p.Pledge == c.Pledge {
				c.Fund, c.Donor = p.Fund, p.Donor
			}
		}
		return c
	case n < 60:
		c := &domain.MakeGrant{
			Kind: pick(h, domain.GrantKinds()), Fund: pick(h, h.funds), Asset: pick(h, testAssets), Pay: r.IntN(2) == 0,
			SchoolYear: maybe(h, []string{"2016-2017", "2017-2018"}),
		}
		for range 1 + r.IntN(6) {
			c.Recipients = append(c.Recipients, h.recipient(c.Kind, c.Asset))
		}
		return c
	case n < 68:
		var c domain.Disburse
		for range 1 + r.IntN(3) {
			p := domain.Payment{Grant: h.openGrant()}
			if g := h.granted(p.Grant); g != nil && r.IntN(2) == 0 {
				if g.Asset.IsGoods() {
					p.Quantity = "0.1"
				} else {
					p.Amount = h.amount(10_000)
				}
			}
			c.Grants = append(c.Grants, p)
		}
		return &c
	case n < 73:
		return &domain.CancelGrant{Grant: h.openGrant(), Reason: pick(h, domain.CancelReasons())}
	case n < 76:
		c := &domain.ReturnGrant{Grant: pick(h, h.grants)}
		if g := h.granted(c.Grant); g != nil && g.Asset.IsGoods() {
			c.Quantity = "0.1"
		} else {
			c.Amount = h.amount(5_000)
		}
		return c
	case n < 80:
		c := &domain.RecordExpense{Fund: pick(h, h.funds), Asset: pick(h, testAssets), Purpose: pick(h, domain.ExpensePurposes())}
		if c.Asset.IsGoods() {
			c.Quantity = "0.2"
		} else {
			c.Amount = h.amount(50_000)
		}
		return c
	case n < 84:
		c := &domain.TransferFunds{From: pick(h, h.funds), To: pick(h, h.funds), Asset: pick(h, testAssets)}
		if c.Asset.IsGoods() {
			c.Quantity = "0.3"
		} else {
			c.Amount = h.amount(50_000)
		}
		return c
	case n < 86:
		return &domain.MoveHolding{Fund: pick(h, h.funds), FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: h.amount(50_000)}
	case n < 87:
		return &domain.CountHolding{Fund: pick(h, h.funds), Asset: pick(h, testAssets), Counted: h.amount(50_000)}
	case n < 88:
		return &domain.SettleCount{Count: pick(h, h.counts)}
	case n < 90:
		return &domain.ReportIndicator{
			Unit: pick(h, h.units), Indicator: pick(h, []string{"members", "families"}),
			From: Date("2017-01-01"), To: pick(h, []domain.Date{Date("2017-06-30"), Date("2017-12-31")}),
			Value: h.amount(1_000), Of: maybe(h, []money.Decimal{"2000.50"}), Measure: maybe(h, []string{"người"}),
		}
	default:
		// Recent entries, so that those of them that are in use vary.
		from := max(0, len(h.Log)-60)
		target := h.Log[from+r.IntN(len(h.Log)-from)].ID
		return &domain.Reverse{Event: target}
	}
}

// openGrant is mostly one that is open.
func (h *History) openGrant() uuid.UUID {
	for range 20 {
		id := pick(h, h.grants)
		var events []domain.Event
		for _, i := range h.byGrant[id] {
			events = append(events, h.Log[i])
		}
		if g := domain.FoldGrant(events); g != nil && !g.Settled() {
			return id
		}
	}
	return pick(h, h.grants)
}

func (h *History) granted(id uuid.UUID) *domain.Granted {
	if i, ok := h.byID[id]; ok {
		g, _ := h.Log[i].Body.(*domain.Granted)
		return g
	}
	return nil
}

// Types are how many events of each type there are.
func (h *History) Types() map[string]int {
	types := map[string]int{}
	for i := range h.Log {
		types[h.Log[i].Body.Type()]++
		if r, ok := h.Log[i].Body.(*domain.EntryReversed); ok {
			types["reversed "+r.Entry.Type()]++
		}
	}
	return types
}

// dates are all effective dates, and the days around them.
func (h *History) dates() []domain.Date {
	var list []domain.Date
	for i := range h.Log {
		d := h.Log[i].EffectiveOn
		list = append(list, d-1, d, d+1)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func decimal(s string) money.Decimal { return money.Decimal(s) }
