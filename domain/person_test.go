package domain_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

func TestRegisterPerson(t *testing.T) {
	l := province(t)
	who := uuid.UUID{0: 9}
	l.when(&domain.RegisterPerson{Person: who, Kind: "other"}).
		then(&domain.PersonRegistered{Person: who, Kind: "other", Personal: personal}).
		subjects("person:" + who.String())
	// One without an ID gets that of the event.
	o := l.when(&domain.RegisterPerson{Kind: "student"})
	o.then(&domain.PersonRegistered{Person: o.id(), Kind: "student", Personal: personal})
	l.when(&domain.RegisterPerson{Person: o.id(), Kind: "student"}).refused(domain.ReferenceTaken, "person", o.id().String())
	// Dates refuse nothing of a person.
	l.given(&domain.ClosePeriod{Through: date("2018-06-30")})
	l.on("2016-01-01").given(&domain.RegisterPerson{Kind: "student"}, &domain.CorrectPerson{Person: who}, &domain.ErasePerson{Person: who})
	l.on("2099-01-01").given(&domain.RegisterPerson{Kind: "student"})

	l.silent = true
	l.when(&domain.RegisterPerson{Kind: "student"}).refused(domain.CommandMalformed, "/data/personal", "required")
	l.when(&domain.CorrectPerson{Person: an}).refused(domain.CommandMalformed, "/data/personal", "required")
}

func TestCorrectPerson(t *testing.T) {
	l := province(t)
	l.when(&domain.CorrectPerson{Person: an}).
		then(&domain.PersonCorrected{Person: an, Personal: personal}).subjects("person:" + an.String())
}

func TestMergePerson(t *testing.T) {
	l := province(t)
	third := l.when(&domain.RegisterPerson{Kind: "student"}).id()
	position := func(id uuid.UUID) int64 { return l.history(domain.PersonSubject(id))[0].Position }
	m := l.when(&domain.MergePerson{Person: an, Into: binh})
	m.then(&domain.PersonMerged{Person: an, Into: binh, PersonPosition: position(an), IntoPosition: position(binh)}).
		subjects("person:"+an.String(), "person:"+binh.String())
	equal(t, "Same", l.book.Same(binh), []uuid.UUID{an, binh})
	equal(t, "Same", l.book.Same(an), []uuid.UUID{an, binh})
	equal(t, "Same", l.book.Same(uuid.Nil), []uuid.UUID(nil))

	// The alias may still be named; what is granted to it is recorded of it.
	l.on("2017-03-01").given(donate("TQ", "100"))
	granted := l.given(award("TQ", "10", an))[0].Body.(*domain.Granted)
	if granted.Person != an || granted.PersonPosition != position(an) {
		t.Errorf("granted to %v of position %d", granted.Person, granted.PersonPosition)
	}
	for _, tt := range []struct{ person, into uuid.UUID }{
		{an, third}, {third, an}, {third, third}, {third, co}, // twice an alias, the same one, another kind
	} {
		l.when(&domain.MergePerson{Person: tt.person, Into: tt.into}).refused(domain.PersonIsMerged, tt.person.String(), tt.into.String())
	}
	// One that others were merged into may be merged further.
	l.given(&domain.MergePerson{Person: binh, Into: third})
	equal(t, "Same", l.book.Same(third), []uuid.UUID{an, binh, third})
	// Reversed: two again.
	l.when(reverse(m.id())).then(&domain.EntryReversed{Event: m.id(), Position: m.events[0].Position, Entry: m.events[0].Body, EntryOn: date("2017-01-01")}).
		subjects("person:"+an.String(), "person:"+binh.String()).effects().posts()
	equal(t, "Same", l.book.Same(an), []uuid.UUID{an})
	equal(t, "Same", l.book.Same(binh), []uuid.UUID{binh, third})
	l.given(&domain.MergePerson{Person: third, Into: an})
	equal(t, "Same", l.book.Same(binh), []uuid.UUID{an, binh, third})
	l.when(reverse(m.id())).refused(domain.EntryIsReversed, m.id().String())
}

func TestErasePerson(t *testing.T) {
	l := province(t)
	l.given(&domain.MergePerson{Person: an, Into: binh})
	// One with no money entry may be erased at any time; all that are the same go along.
	l.when(&domain.ErasePerson{Person: an}).then(&domain.PersonErased{Person: an}).subjects("person:" + an.String())
	l.on("2017-03-01").given(donate("TQ", "100"))
	l.when(award("TQ", "10", an)).refused(domain.PersonIsErased, an.String())
	l.when(award("TQ", "10", binh)).refused(domain.PersonIsErased, binh.String())
	for _, body := range []domain.CommandBody{
		&domain.CorrectPerson{Person: binh}, &domain.ErasePerson{Person: binh}, &domain.MergePerson{Person: binh, Into: co},
		&domain.MergePerson{Person: co, Into: binh}, &domain.RegisterDonor{Code: "B", Kind: "person", Person: binh},
	} {
		l.when(body).refused(domain.PersonIsErased, binh.String())
	}
	l.when(&domain.RegisterPerson{Person: an, Kind: "student"}).refused(domain.ReferenceTaken, "person", an.String())
}

// A person's documents are kept for ten years after the end of the year of the last money entry.
func TestRetention(t *testing.T) {
	grantTo := func(p uuid.UUID) func(*ledger) {
		return func(l *ledger) { l.given(award("TQ", "10", p)) }
	}
	for _, tt := range []struct {
		name  string
		given func(*ledger)
		who   uuid.UUID
		until string
	}{
		{"granted", grantTo(an), an, "2027-12-31"},
		{"granted to an alias", func(l *ledger) {
			grantTo(an)(l)
			l.given(&domain.MergePerson{Person: an, Into: binh})
		}, binh, "2027-12-31"},
		{"an alias of one who was granted to", func(l *ledger) {
			grantTo(binh)(l)
			l.given(&domain.MergePerson{Person: an, Into: binh})
		}, an, "2027-12-31"},
		{"cancelled later", func(l *ledger) {
			g := l.when(award("TQ", "10", an)).id()
			l.on("2018-02-01").given(cancel(g))
		}, an, "2028-12-31"},
		{"paid later", func(l *ledger) {
			g := l.when(award("TQ", "10", an)).id()
			l.on("2018-02-01").given(pay(g))
		}, an, "2028-12-31"},
		{"returned later", func(l *ledger) {
			g := l.when(paid(award("TQ", "10", an))).id()
			l.on("2018-02-01").given(giveBack(g, "1"))
		}, an, "2028-12-31"},
		{"reversed later", func(l *ledger) {
			g := l.when(award("TQ", "10", an)).id()
			l.on("2018-02-01").given(reverse(g))
		}, an, "2028-12-31"},
		{"a late entry of an earlier year", func(l *ledger) {
			l.on("2018-02-01").given(award("TQ", "10", an))
			l.on("2017-02-01").given(award("TQ", "10", an))
		}, an, "2028-12-31"},
		{"donated", func(l *ledger) {
			l.given(&domain.ReceiveDonation{Fund: "TQ", Donor: "CO", Lines: cash("1")})
		}, co, "2027-12-31"},
		{"donation reversed later", func(l *ledger) {
			d := l.when(&domain.ReceiveDonation{Fund: "TQ", Donor: "CO", Lines: cash("1")}).id()
			l.on("2018-02-01").given(reverse(d))
		}, co, "2028-12-31"},
		{"payee", func(l *ledger) {
			e := spend("TQ", "1")
			e.Payee = &domain.Payee{Person: binh}
			l.given(e)
		}, binh, "2027-12-31"},
		{"payee as a donor, reversed later", func(l *ledger) {
			e := spend("TQ", "1")
			e.Payee = &domain.Payee{Donor: "CO"}
			x := l.when(e).id()
			l.on("2018-02-01").given(reverse(x))
		}, co, "2028-12-31"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := province(t)
			l.on("2017-01-01").given(donate("TQ", "1000"))
			tt.given(l)
			l.at(tt.until+"T23:59:59Z").when(&domain.ErasePerson{Person: tt.who}).refused(domain.PersonRetained, tt.who.String(), tt.until)
			// Override alone is not enough, nor is a remark.
			l.when(&domain.ErasePerson{Person: tt.who, Override: ptr(true)}).refused(domain.PersonRetained, tt.who.String(), tt.until)
			l.remarked().when(&domain.ErasePerson{Person: tt.who, Override: ptr(false)}).refused(domain.PersonRetained, tt.who.String(), tt.until)
			mark := l.bytes()
			l.book.Begin()
			l.when(&domain.ErasePerson{Person: tt.who, Override: ptr(true)}).
				then(&domain.PersonErased{Person: tt.who, Override: ptr(true)})
			l.book.Rollback()
			l.log = l.log[:len(l.log)-1]
			equal(t, "bytes after Rollback", l.bytes(), mark)
			l.remark = false
			// The next morning is the next year.
			l.now = l.now.Add(1e9)
			l.given(&domain.ErasePerson{Person: tt.who})
		})
	}
}

func TestDonorsOf(t *testing.T) {
	l := province(t)
	l.given(
		&domain.RegisterDonor{Code: "B2", Kind: "person", Person: binh},
		&domain.RegisterDonor{Code: "A1", Kind: "person", Person: binh},
		&domain.RegisterDonor{Code: "N", Kind: "anonymous"},
	)
	equal(t, "DonorsOf", l.book.DonorsOf([]uuid.UUID{binh, co}), []string{"A1", "B2", "CO"})
	equal(t, "DonorsOf", l.book.DonorsOf([]uuid.UUID{an}), []string(nil))
	equal(t, "DonorsOf", l.book.DonorsOf(nil), []string(nil))
}
