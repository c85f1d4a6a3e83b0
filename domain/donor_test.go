package domain_test

import (
	"regexp"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

func TestRegisterDonor(t *testing.T) {
	l := province(t)
	organisation := &domain.RegisterDonor{Code: "ABC", Kind: "organisation", Name: "Công ty ABC", Address: "2 Lê Lợi", Publish: ptr(true)}
	l.when(organisation).then((*domain.DonorRegistered)(organisation)).subjects("donor:ABC")
	person := &domain.RegisterDonor{Code: "BINH", Kind: "person", Person: binh, Publish: ptr(false)}
	l.when(person).then((*domain.DonorRegistered)(person)).subjects("donor:BINH", "person:"+binh.String())
	anonymous := &domain.RegisterDonor{Code: "N1", Kind: "anonymous"}
	l.when(anonymous).then((*domain.DonorRegistered)(anonymous)).subjects("donor:N1")
	l.when(anonymous).refused(domain.ReferenceTaken, "donor", "N1")
	// Dates refuse nothing of a donor.
	l.given(&domain.ClosePeriod{Through: date("2018-06-30")})
	l.on("1999-01-01").given(&domain.RegisterDonor{Code: "N2", Kind: "anonymous"})
}

// A donor who is a person gets a made code.
func TestMadeCode(t *testing.T) {
	l := province(t)
	code := l.given(&domain.RegisterDonor{Kind: "person", Person: binh})[0].Body.(*domain.DonorRegistered).Code
	if !regexp.MustCompile(`^D-[a-z2-7]{16}$`).MatchString(code) || !domain.ValidCode(code) {
		t.Errorf("made code %q", code)
	}
	l.given(&domain.ReceiveDonation{Fund: "TQ", Donor: code, Lines: cash("1")})
}

func TestRegisterDonorForm(t *testing.T) {
	l := province(t)
	for _, tt := range []struct {
		donor            domain.RegisterDonor
		pointer, problem string
	}{
		{domain.RegisterDonor{Code: "D"}, "/data/kind", "required"},
		{domain.RegisterDonor{Code: "D", Kind: "family"}, "/data/kind", "unknown value"},
		{domain.RegisterDonor{Kind: "anonymous"}, "/data/code", "required"},
		{domain.RegisterDonor{Code: "D D", Kind: "person", Person: an}, "/data/code", "bad code"},
		{domain.RegisterDonor{Code: "D", Kind: "organisation"}, "/data/name", "required"},
		{domain.RegisterDonor{Code: "D", Kind: "anonymous", Name: "N"}, "/data/name", "only an organisation has a name here"},
		{domain.RegisterDonor{Code: "D", Kind: "person", Person: an, Address: "A"}, "/data/address", "only an organisation has an address here"},
		{domain.RegisterDonor{Code: "D", Kind: "person"}, "/data/person", "required"},
		{domain.RegisterDonor{Code: "D", Kind: "anonymous", Person: an}, "/data/person", "only a donor of kind person has one"},
	} {
		l.when(&tt.donor).refused(domain.CommandMalformed, tt.pointer, tt.problem)
	}
	unknown := uuid.UUID{0: 7}
	l.when(&domain.RegisterDonor{Kind: "person", Person: unknown}).refused(domain.ReferenceUnknown, "person", unknown.String())
}
