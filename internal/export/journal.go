package export

import (
	"bufio"
	"context"
	"io"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

// A format is how a plain text accounting program writes a journal.
type format interface {
	begin(origin string)
	entry(e *entry)
	// balances asserts what holdings have at the end of a day.
	balances(on domain.Date, rows []projections.BalanceRow)
	// end declares the accounts that were used, and says where the journal ends.
	end(accounts []account, first domain.Date, at At)
}

// An entry is one event that moved money or goods.
type entry struct {
	on       domain.Date
	kind     string // the event's type, and that of the entry that is undone
	text     string // what happened, in one sentence
	code     string // its vouchers
	position int64
	reverses int64 // the position of the entry that is undone, or 0
	id       uuid.UUID
	postings []domain.Posting
}

// single reports whether all postings are of one fund and unit.
func (e *entry) single() bool {
	return !slices.ContainsFunc(e.postings, func(p domain.Posting) bool {
		return p.Fund != e.postings[0].Fund || p.Unit != e.postings[0].Unit
	})
}

// An account is one of a fund: in the journal each fund has accounts of its own, so that its balances can be asserted.
type account struct{ name, fund string }

// At is where a journal ends.
type At struct {
	Origin   string
	Position int64
	Root     string // base64
}

// A Journal writes one ledger as a journal, event by event in the order of the log.
type Journal struct {
	w       *bufio.Writer
	f       format
	tell    Teller
	begun   bool
	first   domain.Date // of all effective dates
	touched map[domain.Date]map[holding]bool
	used    map[account]bool
}

// A holding is what a fund has of an asset.
type holding struct {
	fund  string
	asset domain.Asset
}

// A Teller says in one sentence what an event says, without names of persons.
type Teller func(e *domain.Event) string

// NewHledger writes a journal for hledger, in which each transaction is described by what tell says of its event.
func NewHledger(w io.Writer, c money.Currency, tell Teller) *Journal {
	return newJournal(w, tell, func(w *bufio.Writer) format { return &hledger{w, c} })
}

// NewBeancount writes a ledger for Beancount, as NewHledger does.
func NewBeancount(w io.Writer, c money.Currency, tell Teller) *Journal {
	return newJournal(w, tell, func(w *bufio.Writer) format { return &beancount{w, c} })
}

func newJournal(w io.Writer, tell Teller, f func(*bufio.Writer) format) *Journal {
	b := bufio.NewWriterSize(w, 64<<10)
	return &Journal{w: b, f: f(b), tell: tell, touched: map[domain.Date]map[holding]bool{}, used: map[account]bool{}}
}

// Add writes an event, if it moved anything.
func (j *Journal) Add(e *domain.Event) error {
	if opened, isOpened := e.Body.(*domain.LedgerOpened); isOpened {
		j.f.begin(opened.Origin)
	}
	postings := domain.Journal(e)
	if len(postings) == 0 {
		return nil
	}
	if !j.begun || e.EffectiveOn < j.first {
		j.begun, j.first = true, e.EffectiveOn
	}
	out := entry{on: e.EffectiveOn, kind: e.Body.Type(), text: j.tell(e), position: e.Position, id: e.ID, postings: postings}
	if r, isReversal := e.Body.(*domain.EntryReversed); isReversal {
		out.reverses = r.Position
		out.kind += " " + r.Entry.Type()
	}
	var numbers []string
	for _, v := range e.Vouchers() {
		numbers = append(numbers, v.Number)
	}
	out.code = strings.Join(numbers, " ")
	end := monthEnd(e.EffectiveOn)
	for i := range postings {
		p := &postings[i]
		j.used[account{p.Account, p.Fund}] = true
		if p.Asset != "" {
			if j.touched[end] == nil {
				j.touched[end] = map[holding]bool{}
			}
			j.touched[end][holding{p.Fund, p.Asset}] = true
		}
	}
	j.f.entry(&out)
	_, err := j.w.Write(nil) // the first error of what was written, so that a long journal is not made for a disk that is full
	return err
}

// Close asserts at the end of each month what its entries touched, and at the end of the last all, as the read models have it; they
// must be those of the position at which the journal ends.
func (j *Journal) Close(ctx context.Context, b projections.Balances, at At) error {
	var ends []domain.Date
	for end := range j.touched {
		ends = append(ends, end)
	}
	slices.Sort(ends)
	for i, end := range ends {
		rows, err := b.Balances(ctx, projections.BalanceQuery{AsOf: &end})
		if err != nil {
			return err
		}
		if i < len(ends)-1 {
			rows = slices.DeleteFunc(rows, func(r projections.BalanceRow) bool { return !j.touched[end][holding{r.Fund, r.Asset}] })
		} else { // what was reserved and never paid has no posting, and so no account
			rows = slices.DeleteFunc(rows, func(r projections.BalanceRow) bool {
				return !j.used[account{domain.AssetAccount(r.Asset), r.Fund}]
			})
		}
		j.f.balances(end, rows)
	}
	var accounts []account
	for a := range j.used {
		accounts = append(accounts, a)
	}
	slices.SortFunc(accounts, func(a, b account) int { return strings.Compare(a.name+":"+a.fund, b.name+":"+b.fund) })
	j.f.end(accounts, j.first, at)
	return j.w.Flush()
}

// monthEnd is the last day of a date's month.
func monthEnd(d domain.Date) domain.Date {
	_, month := projections.Starts(d)
	return domain.DateOf(month.Time().AddDate(0, 1, -1))
}
