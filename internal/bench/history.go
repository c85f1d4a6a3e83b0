package bench

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/ledger"
)

// seed is what all data is drawn from.
const seed = 2017

func newRand(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, stream)) }

// newID draws an ID.
func newID(r *rand.Rand) (id uuid.UUID) {
	for i := range 2 {
		v := r.Uint64()
		for j := range 8 {
			id[8*i+j] = byte(v >> (8 * j))
		}
	}
	id[6], id[8] = id[6]&0x0f|0x70, id[8]&0x3f|0x80
	return id
}

func decimal(v int64) money.Decimal { return money.Decimal(strconv.FormatInt(v, 10)) }

// opening is the day on which every ledger of the benchmark begins.
func opening() domain.Date { return domain.NewDate(2014, time.January, 1) }

// root is the unit at the top.
const root = "X00"

// plenty is the opening balance of a fund, so that no draw is refused.
const plenty = 500_000_000_000_000

// A feeder hands commands to a ledger, many at a time, and sees that none is refused.
type feeder struct {
	ctx     context.Context
	ledger  *ledger.Ledger
	waiting []*ledger.Receipt
	last    int64 // position of the last event that is known
}

// inFlight is how many commands may wait for their answers.
const inFlight = 4_096

func (f *feeder) record(on domain.Date, body domain.CommandBody, personal []byte) error {
	receipt, err := f.ledger.Submit(f.ctx, ledger.Request{EffectiveOn: on, Body: body, Personal: personal}, 0)
	if err != nil {
		return err
	}
	f.waiting = append(f.waiting, receipt)
	for len(f.waiting) > inFlight || len(f.waiting) > 0 && f.waiting[0].Ready() {
		if err := f.take(); err != nil {
			return err
		}
	}
	return nil
}

func (f *feeder) take() error {
	a, err := f.waiting[0].Wait(f.ctx)
	if err != nil {
		return err
	}
	f.waiting[0] = nil
	f.waiting = f.waiting[1:]
	if a.Refusal != nil {
		return fmt.Errorf("a command of the benchmark was refused: %w", a.Refusal)
	}
	f.last = a.Last
	return nil
}

// flush waits for all answers.
func (f *feeder) flush() error {
	for len(f.waiting) > 0 {
		if err := f.take(); err != nil {
			return err
		}
	}
	return nil
}

// found makes the root, and funds of it with enough money in them, and donors.
func (f *feeder) found(funds, donors int) error {
	errs := []error{f.record(opening(), &domain.RegisterUnit{Code: root, Level: domain.Province, Name: "Hội Khuyến học tỉnh"}, nil)}
	for i := range funds {
		errs = append(errs, f.fund(fundCode(i), root))
	}
	for i := range donors {
		errs = append(errs, f.record(opening(), &domain.RegisterDonor{Code: donorCode(i), Kind: "organisation", Name: "Công ty " + strconv.Itoa(i)}, nil))
	}
	return errors.Join(append(errs, f.flush())...)
}

func fundCode(i int) string { return fmt.Sprintf("Q%04d", i) }

func donorCode(i int) string { return fmt.Sprintf("NT%04d", i) }

func (f *feeder) fund(code, unit string) error {
	return errors.Join(
		f.record(opening(), &domain.OpenFund{Code: code, Unit: unit, Name: "Quỹ " + code}, nil),
		f.record(opening(), &domain.RecordOpening{Fund: code, Lines: []domain.LineInput{
			{Asset: domain.Cash, Amount: decimal(plenty)}, {Asset: domain.Bank, Amount: decimal(plenty)},
		}}, nil))
}

// person registers a pupil, a student or a teacher.
func (f *feeder) person(r *rand.Rand, on domain.Date) (uuid.UUID, error) {
	id := newID(r)
	kind, born := "student", 1998+r.IntN(15)
	if r.IntN(10) == 0 {
		kind, born = "teacher", 1960+r.IntN(35)
	}
	doc := ledger.Personal{
		Name:   surnames[r.IntN(len(surnames))] + " " + middles[r.IntN(len(middles))] + " " + names[r.IntN(len(names))],
		Born:   domain.NewDate(born, time.Month(1+r.IntN(12)), 1+r.IntN(28)).String(),
		School: "Trường số " + strconv.Itoa(r.IntN(400)),
	}
	return id, f.record(on, &domain.RegisterPerson{Person: id, Kind: kind}, doc.Document())
}

var (
	surnames = [...]string{"Nguyễn", "Trần", "Lê", "Phạm", "Lò", "Quàng", "Vàng", "Giàng", "Cà", "Tòng", "Mùa", "Sùng"}
	middles  = [...]string{"Văn", "Thị", "Minh", "Thanh", "Ngọc", "Thu", "Đức", "Hải"}
	names    = [...]string{"An", "Bình", "Chi", "Dũng", "Hà", "Hoa", "Hùng", "Lan", "Linh", "Mai", "Nam", "Phương", "Sơn", "Thảo", "Trang", "Tuấn"}
)

// history is a ledger of a province that grows through the years: units of four levels, a fund for each but the chapters, donations, and
// lists of awards to persons, a tenth of the events being registrations of persons.
type history struct {
	*feeder
	r       *rand.Rand
	units   []unit
	funds   []int // indexes of units
	persons []uuid.UUID
	begin   int64 // the events that only found it
}

type unit struct {
	code  string
	level domain.Level
}

const (
	districts       = 10
	communes        = 13 // of a district
	chapters        = 4  // of a commune
	historyDonors   = 2_000
	personEvery     = 10 // events
	donationPercent = 25
)

// halfYear is the period that the small history has, and to which the large one adds nothing.
func halfYear() (from, to domain.Date) {
	return domain.NewDate(2017, time.January, 1), domain.NewDate(2017, time.June, 30)
}

// The years of both histories: the small one begins at opening and ends with the half-year; the large one goes on.
func afterHalfYear() (from, to domain.Date) {
	return domain.NewDate(2017, time.July, 1), domain.NewDate(2025, time.December, 31)
}

// before is the share of the small history's events that are before the half-year.
const before = 0.4

func newHistory(ctx context.Context, l *ledger.Ledger) *history {
	return &history{feeder: &feeder{ctx: ctx, ledger: l}, r: newRand(1)}
}

// found makes the units, funds and donors.
func (h *history) found() error {
	var errs []error
	add := func(code, parent string, level domain.Level) {
		h.units = append(h.units, unit{code, level})
		errs = append(errs, h.record(opening(), &domain.RegisterUnit{Code: code, Parent: parent, Level: level, Name: "Hội Khuyến học " + code}, nil))
		if level != domain.Chapter {
			h.funds = append(h.funds, len(h.units)-1)
			errs = append(errs, h.fund("Q."+code, code))
		}
	}
	add(root, "", domain.Province)
	for d := range districts {
		district := fmt.Sprintf("H%02d", d)
		add(district, root, domain.District)
		for c := range communes {
			commune := fmt.Sprintf("%s.X%02d", district, c)
			add(commune, district, domain.Commune)
			for k := range chapters {
				add(fmt.Sprintf("%s.C%d", commune, k), commune, domain.Chapter)
			}
		}
	}
	for i := range historyDonors {
		errs = append(errs, h.record(opening(), &domain.RegisterDonor{Code: donorCode(i), Kind: "organisation", Name: "Công ty " + strconv.Itoa(i)}, nil))
	}
	return errors.Join(append(errs, h.flush())...)
}

// day is the day of a share of a period.
func day(from, to domain.Date, share float64) domain.Date {
	return from + domain.Date(share*float64(to-from+1))
}

// small grows the history to so many events: some years, and then the half-year.
func (h *history) small(events int64, progress func(at int64)) error {
	h.begin = h.last
	mid := h.begin + int64(before*float64(events-h.begin))
	from, to := halfYear()
	if err := h.grow(h.begin, mid, opening()+1, from-1, progress); err != nil {
		return err
	}
	return h.grow(mid, events, from, to, progress)
}

// large grows it on, in the years after.
func (h *history) large(events int64, progress func(at int64)) error {
	from, to := afterHalfYear()
	return h.grow(h.last, events, from, to, progress)
}

// grow records until the ledger has last events, with dates that go on through a period.
func (h *history) grow(first, last int64, from, to domain.Date, progress func(at int64)) error {
	for at := first; at < last; {
		on := min(day(from, to, float64(at-first)/float64(last-first)), to)
		for int64(len(h.persons))*personEvery < at {
			id, err := h.person(h.r, on)
			if err != nil {
				return err
			}
			h.persons = append(h.persons, id)
			at++
		}
		var err error
		if h.r.IntN(100) < donationPercent {
			for range 50 {
				err = errors.Join(err, h.donation(on))
			}
			at += 50
		} else {
			var n int
			n, err = h.list(on)
			at += int64(2 * n)
		}
		if err != nil {
			return err
		}
		progress(min(at, last))
	}
	return h.flush()
}

func (h *history) donation(on domain.Date) error {
	asset := domain.Cash
	if h.r.IntN(3) == 0 {
		asset = domain.Bank
	}
	f := h.funds[h.r.IntN(len(h.funds))]
	return h.record(on, &domain.ReceiveDonation{
		Fund: "Q." + h.units[f].code, Donor: donorCode(h.r.IntN(historyDonors)),
		Lines: []domain.LineInput{{Asset: asset, Amount: decimal(int64(50+h.r.IntN(5_000)) * 1_000)}},
	}, nil)
}

// list records a list of awards or grants that are paid at once, and returns how many.
func (h *history) list(on domain.Date) (int, error) {
	f := &h.units[h.funds[h.r.IntN(len(h.funds))]]
	year := on.Year()
	c := &domain.MakeGrant{
		Kind: domain.MeritAward, Fund: "Q." + f.code, Asset: domain.Cash, Pay: true,
		SchoolYear: fmt.Sprintf("%d-%d", year-1, year), Recipients: make([]domain.Recipient, 10+h.r.IntN(110)),
		Decision: &domain.Decision{Number: strconv.Itoa(h.r.IntN(500)) + "/QĐ-HKH", Date: on, Issuer: "Hội Khuyến học " + f.code},
	}
	switch h.r.IntN(5) {
	case 0:
		c.Kind = domain.Scholarship
	case 1:
		c.Kind = domain.HardshipGrant
	}
	levels, educations, causes := domain.AchievementLevels(), domain.EducationLevels(), domain.Causes()
	for i := range c.Recipients {
		to := &c.Recipients[i]
		to.Person, to.Amount = h.persons[h.r.IntN(len(h.persons))], decimal(int64(1+h.r.IntN(20))*50_000)
		to.EducationLevel = educations[h.r.IntN(4)]
		switch c.Kind {
		case domain.MeritAward:
			to.AchievementLevel = levels[1+h.r.IntN(len(levels)-1)]
		case domain.HardshipGrant:
			to.Cause = causes[h.r.IntN(len(causes))]
		}
	}
	return len(c.Recipients), h.record(on, c, nil)
}
