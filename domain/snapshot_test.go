package domain_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// full is a ledger of which the book keeps something of every kind.
func full(t tb) *ledger {
	l := province(t)
	l.on("2017-03-01").given(
		donate("XQ", "1000"), donateBank("TQ", "50"), donateBooks("XQ", "9", "100"),
		&domain.MakePledge{Pledge: "P", Donor: "CO", Fund: "XQ", Amount: "70"}, &domain.CancelPledge{Pledge: "P"},
		&domain.MakePledge{Pledge: "Q", Donor: "VCB", Fund: "XQ", Amount: "70"},
		&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "1"},
		&domain.OpenFund{Code: "HB", Unit: "Y", Name: "HB", Purposes: []domain.Purpose{domain.Scholarship}}, &domain.CloseFund{Fund: "HB"},
		&domain.MergePerson{Person: an, Into: binh},
		&domain.MergeUnit{Unit: "C", Into: "Y"},
		&domain.ClosePeriod{Through: date("2017-01-31")}, &domain.ClosePeriod{Through: date("2017-02-28"), Unit: "X"},
	)
	g := l.given(&domain.MakeGrant{
		Kind: domain.HardshipGrant, Fund: "XQ", Asset: domain.Cash, SchoolYear: "2016-2017",
		Recipients: []domain.Recipient{{Person: an, Amount: "100", Cause: "illness", EducationLevel: "primary", AchievementLevel: "school"}},
	})[0].ID
	b := l.given(awardBooks("XQ", "2"))[0].ID
	l.on("2017-03-02").given(payPart(g, "30"), payBooks(b, "0.5"), giveBack(g, "10"))
	x := l.given(spend("XQ", "5"))[0].ID
	l.given(reverse(x))
	l.on("2017-03-03").given(&domain.ReceiveDonation{Fund: "XQ", Donor: "CO", Lines: cash("1")})
	erased := l.given(&domain.RegisterPerson{Kind: "other"})[0].ID
	l.given(&domain.ErasePerson{Person: erased})
	return l
}

func TestSnapshot(t *testing.T) {
	l := full(t)
	data := l.bytes()
	var again domain.Book
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	other, err := again.MarshalBinary()
	if err != nil || !bytes.Equal(other, data) {
		t.Fatalf("a book that was read back has other bytes, %v", err)
	}
	equal(t, "ledger", again.Ledger(), l.book.Ledger())
	equal(t, "origin", again.Origin(), "soquy.invalid/test")
	equal(t, "currency", again.Currency(), l.book.Currency())
	equal(t, "position", again.Position(), int64(len(l.log)))
	equal(t, "recorded at", again.RecordedAt(), l.book.RecordedAt())
	equal(t, "measure", again.Measure("books"), "quyển")
	equal(t, "grants", again.OpenGrants(), l.book.OpenGrants())
	if b := again.Balance("XQ", domain.Cash, date("2017-03-01")); b != (domain.Balance{Posted: 1000, Encumbered: 100}) {
		t.Errorf("balance %+v", b)
	}

	var fresh domain.Book
	for i := range l.log {
		fresh.Evolve(&l.log[i])
	}
	if other, _ = fresh.MarshalBinary(); !bytes.Equal(other, data) {
		t.Error("the events on a fresh book make other bytes")
	}
}

// Equal books have equal bytes, however they came about: a day that changed nothing after all leaves no trace.
func TestSnapshotOfCancelledDay(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "10"))
	l.on("2017-03-05").given(spend("XQ", "10"), donate("XQ", "10"))
	var again domain.Book
	if err := again.UnmarshalBinary(l.bytes()); err != nil {
		t.Fatal(err)
	}
	other, _ := again.MarshalBinary()
	if !bytes.Equal(other, l.bytes()) {
		t.Error("bytes differ")
	}
}

func TestSnapshotOfEmptyBook(t *testing.T) {
	var b, again domain.Book
	data, err := b.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := again.UnmarshalBinary(data); err != nil {
		t.Fatal(err)
	}
	first := open(t, "VND").log[0]
	again.Evolve(&first)
	if again.Position() != 1 {
		t.Errorf("position %d", again.Position())
	}
}

// A book that is not whole is an error, never a panic.
func TestUnmarshalTruncated(t *testing.T) {
	data := full(t).bytes()
	for n := range data {
		var b domain.Book
		if err := b.UnmarshalBinary(data[:n]); !errors.Is(err, domain.ErrSnapshot) {
			t.Fatalf("%d of %d bytes: %v", n, len(data), err)
		}
	}
	var b domain.Book
	if err := b.UnmarshalBinary(append(bytes.Clone(data), 0)); !errors.Is(err, domain.ErrSnapshot) {
		t.Errorf("one byte more: %v", err)
	}
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			other := bytes.Clone(data)
			other[i] ^= bit
			_ = b.UnmarshalBinary(other) // some are books too
		}
	}
}

func FuzzUnmarshalBinary(f *testing.F) {
	data := full(f).bytes()
	f.Add(data)
	f.Add(data[:len(data)/2])
	f.Add([]byte(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		var b, again domain.Book
		if err := b.UnmarshalBinary(data); err != nil {
			return
		}
		first, err := b.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(first); err != nil {
			t.Fatalf("a book that was written is not read: %v", err)
		}
		if second, _ := again.MarshalBinary(); !bytes.Equal(first, second) {
			t.Fatalf("read again, it has other bytes")
		}
	})
}

// Rollback takes back everything, the opening of the ledger too.
func TestRollback(t *testing.T) {
	l := full(t)
	var b domain.Book
	empty, _ := b.MarshalBinary()
	b.Begin()
	var states [][]byte
	var marks []int
	for i := range l.log {
		state, _ := b.MarshalBinary()
		states, marks = append(states, state), append(marks, b.Mark())
		b.Evolve(&l.log[i])
	}
	for i := len(marks) - 1; i >= 0; i-- {
		b.RollbackTo(marks[i])
		if got, _ := b.MarshalBinary(); !bytes.Equal(got, states[i]) {
			t.Fatalf("taking back %s left other bytes", l.log[i].Body.Type())
		}
	}
	b.Rollback()
	if got, _ := b.MarshalBinary(); !bytes.Equal(got, empty) {
		t.Error("Rollback left other bytes")
	}
	// What was kept is not taken back by a later Rollback.
	b.Begin()
	for i := range l.log {
		b.Evolve(&l.log[i])
	}
	b.Commit()
	b.Begin()
	b.Rollback()
	if got, _ := b.MarshalBinary(); !bytes.Equal(got, l.bytes()) {
		t.Error("after Commit, Rollback left other bytes")
	}
}

func TestEvolveOutOfOrder(t *testing.T) {
	l := province(t)
	defer func() {
		if recover() == nil {
			t.Error("an event out of order was applied")
		}
	}()
	l.book.Evolve(&l.log[3])
}

func TestOpenLedger(t *testing.T) {
	o := &domain.LedgerOpened{Ledger: uuid.UUID{15: 1}, Currency: "VND"}
	e := domain.OpenLedger(o, uuid.UUID{15: 2}, time.Date(2017, 3, 5, 1, 2, 3, 4567, time.FixedZone("", 7*3600)))
	equal(t, "event", e, domain.Event{
		Position: 1, ID: uuid.UUID{15: 2}, RecordedAt: time.Date(2017, 3, 4, 18, 2, 3, 4000, time.UTC), EffectiveOn: date("2017-03-04"), Body: o,
	})
	equal(t, "subjects", e.Subjects(), []string(nil))
}

// What the book keeps need not be read from the log.
func TestNeeds(t *testing.T) {
	l := province(t)
	l.on("2017-03-01").given(donate("XQ", "100"))
	open, settled := l.given(award("XQ", "10", an))[0].ID, l.given(paid(award("XQ", "10", an)))
	counted := l.given(&domain.CountHolding{Fund: "XQ", Asset: domain.Cash, Counted: "1"})[0].ID
	matched := l.given(&domain.CountHolding{Fund: "XQ", Asset: domain.Bank, Counted: "0"})[0].ID
	grant, payment := settled[0].ID, settled[1].ID
	for _, tt := range []struct {
		body  domain.CommandBody
		needs []domain.Need // one after another
	}{
		{donate("XQ", "1"), nil},
		{pay(open), nil},
		{cancel(open), nil},
		{giveBack(open, "1"), nil},
		{pay(grant), []domain.Need{{Grants: []uuid.UUID{grant}}}},
		{cancel(grant), []domain.Need{{Grants: []uuid.UUID{grant}}}},
		{giveBack(grant, "1"), []domain.Need{{Grants: []uuid.UUID{grant}}}},
		{&domain.SettleCount{Count: counted}, nil},
		{&domain.SettleCount{Count: matched}, []domain.Need{{Events: []uuid.UUID{matched}}}},
		{reverse(open), []domain.Need{{Events: []uuid.UUID{open}}}},
		{reverse(l.log[1].ID), []domain.Need{{Events: []uuid.UUID{l.log[1].ID}}}},
		{reverse(payment), []domain.Need{{Events: []uuid.UUID{payment}}, {Grants: []uuid.UUID{grant}}}},
	} {
		c := l.command(tt.body)
		c.Found = domain.Found{Grants: map[uuid.UUID]*domain.Grant{}, Events: map[uuid.UUID]*domain.Event{}}
		var got []domain.Need
		for n := domain.Needs(&l.book, c); !n.None(); n = domain.Needs(&l.book, c) {
			got = append(got, n)
			for _, id := range n.Grants {
				c.Found.Grants[id] = domain.FoldGrant(l.history(domain.GrantSubject(id)))
			}
			for _, id := range n.Events {
				c.Found.Events[id] = l.event(id)
			}
		}
		equal(t, tt.body.Type(), got, tt.needs)
	}
}
