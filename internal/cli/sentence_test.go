package cli

import (
	"bufio"
	"bytes"
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/locale"
)

// everyEvent returns stored events of which there is one of every type, and of most with each kind of their parts.
func everyEvent(t *testing.T) []domain.Event {
	t.Helper()
	raw, err := os.ReadFile("../eventcodec/testdata/envelopes.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	var list []domain.Event
	codec := eventcodec.New("soquy.invalid/x", 0)
	for lines := bufio.NewScanner(bytes.NewReader(raw)); lines.Scan(); {
		e, err := codec.Decode(lines.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e.Event)
	}
	return list
}

// Every event is told in one sentence in both languages.
func TestSentences(t *testing.T) {
	dong := money.Currency{Code: "VND"}
	told := map[string]bool{}
	var golden strings.Builder
	events := everyEvent(t)
	for i := range events {
		e := &events[i]
		told[e.Body.Type()] = true
		golden.WriteString(e.Body.Type() + "\n")
		for _, l := range locale.Languages() {
			s := Sentence(locale.New(l), dong, e)
			golden.WriteString("  " + s + "\n")
			switch {
			case strings.ContainsAny(s, "[]{}<>\n") || strings.Contains(s, "  ") || strings.Contains(s, " ,") || strings.Contains(s, "()"):
				t.Errorf("%s: %s: %q has a hole", l, e.Body.Type(), s)
			case !strings.HasSuffix(s, ".") || strings.HasSuffix(s, "..") || upperFirst(s) != s:
				t.Errorf("%s: %s: %q is no sentence", l, e.Body.Type(), s)
			case strings.TrimSuffix(s, ".") == upperFirst(locale.New(l).Term("event", e.Body.Type())):
				t.Errorf("%s: %s: %q says its type alone", l, e.Body.Type(), s)
			}
		}
	}
	for _, kind := range eventTypes() {
		if !told[kind] {
			t.Errorf("no event of type %s is told", kind)
		}
	}
	const path = "testdata/sentences.golden"
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(path, []byte(golden.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if golden.String() != string(want) {
		t.Errorf("the sentences are\n%s", golden.String())
	}
}

// Every word that an event may carry has its place in a sentence: each purpose, recipient, payee, asset and reason.
func TestSentenceWords(t *testing.T) {
	dong := money.Currency{Code: "VND"}
	id := uuid.MustParse("0197c2d4-0000-7000-8000-000000000001")
	var bodies []domain.EventBody
	for _, kind := range domain.GrantKinds() {
		for _, who := range append(domain.PersonKinds(), domain.CollectiveRecipient, domain.UnitRecipient) {
			facts := domain.GrantFacts{Kind: kind, Fund: "HB", Unit: "T", Asset: domain.Cash, RecipientKind: who, Cause: "poverty"}
			r := domain.Recipient{}
			switch who {
			case domain.CollectiveRecipient:
				r.Collective = "Lớp 5A"
			case domain.UnitRecipient:
				r.Unit = "X1"
			default:
				r.Person, facts.Person = id, id
			}
			for _, asset := range []domain.Asset{domain.Cash, domain.Bank, domain.Goods("vo")} {
				facts.Asset = asset
				bodies = append(bodies, &domain.Granted{GrantFacts: facts, Recipient: r, Amount: 5}, &domain.GrantDisbursed{GrantFacts: facts, Grant: id, Amount: 5},
					&domain.GrantReturned{GrantFacts: facts, Grant: id, Amount: 5}, &domain.GrantCancelled{GrantFacts: facts, Grant: id, Amount: 5, Reason: "died"})
			}
		}
	}
	for _, purpose := range domain.ExpensePurposes() {
		for _, payee := range []*domain.Payee{nil, {Organisation: "Nhà in"}, {Person: id}, {Donor: "A"}} {
			bodies = append(bodies, &domain.ExpenseRecorded{Fund: "HB", Asset: domain.Bank, Amount: 5, Purpose: purpose, Payee: payee})
		}
	}
	for _, kind := range domain.PersonKinds() {
		bodies = append(bodies, &domain.PersonRegistered{Person: id, Kind: kind})
	}
	for _, kind := range domain.DonorKinds() {
		bodies = append(bodies, &domain.DonorRegistered{Code: "A", Kind: kind, Name: "Công ty A", Person: id})
	}
	for _, l := range locale.Languages() {
		cat := locale.New(l)
		seen := []string{}
		for _, body := range bodies {
			s := Sentence(cat, dong, &domain.Event{Position: 7, Body: body})
			if strings.ContainsAny(s, "[]{}<>") || strings.Contains(s, "  ") {
				t.Errorf("%s: %q has a hole", l, s)
			}
			if slices.Contains(seen, s) && l == locale.English { // two that differ are told apart
				if _, isReturned := body.(*domain.GrantReturned); !isReturned {
					t.Errorf("%s: %q stands for two events", l, s)
				}
			}
			seen = append(seen, s)
		}
	}
}
