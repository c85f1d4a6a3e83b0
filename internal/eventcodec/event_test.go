package eventcodec_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/eventcodec"
)

var update = flag.Bool("update", false, "write the golden files; a changed envelope is a change of the stored format")

func id(n byte) uuid.UUID {
	var u uuid.UUID
	u[0], u[6], u[8], u[15] = 1, 0x70, 0x80, n
	return u
}

func pointer[T any](v T) *T { return &v }

// samples has every event type, with every field.
func samples() []domain.EventBody {
	day := domain.NewDate(2017, time.March, 5)
	vouchers := []domain.Voucher{{Unit: "X00", Number: "PT-2017-000001"}, {Unit: "X00", Number: "PN-2017-000001"}}
	lines := []domain.Line{
		{Asset: domain.Cash, Amount: 1_234_567},
		{Asset: domain.Goods("VO"), Amount: 500_000, Quantity: 100_500, Measure: "quyển", ValuedBy: "Chợ \"Mường Thanh\""},
		{Asset: domain.Labour, Amount: 150_000, Quantity: 1_500, Measure: "ngày công"},
	}
	facts := domain.GrantFacts{
		Kind: domain.HardshipGrant, Fund: "HB", Unit: "X00", Asset: domain.Cash, RecipientKind: "student",
		Person: id(7), PersonPosition: 12, AchievementLevel: "provincial", EducationLevel: "primary", Cause: "poverty", SchoolYear: "2016-2017",
	}
	goods := facts
	goods.Kind, goods.Asset, goods.Cause = domain.Support, domain.Goods("GAO"), ""
	later := goods
	later.Unit, later.GrantUnit = "X01", "X00"
	unitFacts := domain.GrantFacts{Kind: domain.Support, Fund: "HB", Unit: "X00", Asset: domain.Bank, RecipientKind: "unit"}
	decision := &domain.Decision{Number: "12/QĐ-HKH", Date: day, Issuer: "Hội Khuyến học tỉnh"}
	donation := &domain.DonationReceived{
		Fund: "HB", Donor: "CTY", Lines: lines, Pledge: "P1", Attached: pointer(int64(0)), Unit: "X00", DonorKind: "organisation", Numbers: vouchers,
	}
	granted := &domain.Granted{
		GrantFacts: facts, Decision: decision, Amount: 300_000,
		Recipient: domain.Recipient{Person: id(7), AchievementLevel: "provincial", Prize: "first", EducationLevel: "primary", Cause: "poverty"},
	}
	grantedGoods := &domain.Granted{
		GrantFacts: goods, Amount: 0, Quantity: 2_500,
		Recipient: domain.Recipient{Person: id(7), AchievementLevel: "provincial", EducationLevel: "primary"},
	}
	disbursed := &domain.GrantDisbursed{GrantFacts: facts, Grant: id(8), Amount: 300_000, First: true, Numbers: vouchers[:1]}
	return []domain.EventBody{
		&domain.LedgerOpened{
			Ledger: id(1), Origin: "soquy.invalid/x", PublicKey: "soquy.invalid/x+00000000+AAAA", Currency: "VND",
			TimeZone: "Asia/Ho_Chi_Minh", ClockGiven: true,
		},
		&domain.LedgerRekeyed{PublicKey: "soquy.invalid/x+00000001+AAAA", Tree: domain.TreeHead{Size: 1, Root: [32]byte{4}}, Signature: "c2ln"},
		&domain.LedgerForked{
			PublicKey: "soquy.invalid/x+00000002+AAAA", Tree: domain.TreeHead{Size: 2, Root: [32]byte{5}},
			Lost: domain.TreeHead{Size: 9, Root: [32]byte{6}}, Signature: "c2ln",
		},
		&domain.UnitRegistered{
			Code: "X00", Parent: "DB", Level: domain.Commune, Name: "Xã Nà Tấu", NameEN: "Na Tau Commune", Official: "03316", Address: "Điện Biên",
		},
		&domain.UnitRenamed{Unit: "X00", Name: "Phường Nà Tấu", NameEN: "Na Tau Ward"},
		&domain.UnitMoved{Unit: "X00", Parent: "DB"},
		&domain.UnitMerged{Unit: "X00", Into: "X01"},
		&domain.UnitClosed{Unit: "X00"},
		&domain.FundOpened{Code: "HB", Unit: "X00", Name: "Quỹ học bổng", NameEN: "Scholarships", Purposes: []domain.Purpose{domain.Scholarship, domain.Support}},
		&domain.FundRestricted{Fund: "HB", Purposes: []domain.Purpose{domain.Scholarship}, Unit: "X00"},
		&domain.FundClosed{Fund: "HB", Unit: "X00"},
		&domain.OpeningRecorded{Fund: "HB", Lines: lines[:2], Unit: "X00"},
		&domain.PersonRegistered{Person: id(7), Kind: "student", Personal: domain.Commitment{Private: id(9), SHA256: [32]byte{1, 2, 3}}},
		&domain.PersonCorrected{Person: id(7), Personal: domain.Commitment{Private: id(10), SHA256: [32]byte{255}}},
		&domain.PersonMerged{Person: id(7), Into: id(6), PersonPosition: 12, IntoPosition: 11},
		&domain.PersonErased{Person: id(7), Override: pointer(true)},
		&domain.DonorRegistered{Code: "CTY", Kind: "organisation", Name: "Công ty A", Address: "Điện Biên Phủ", Publish: pointer(false)},
		&domain.DonorRegistered{Code: "D-abc", Kind: "person", Person: id(7)},
		&domain.PledgeMade{Pledge: "P1", Donor: "CTY", Fund: "HB", Amount: 5_000_000, Due: day, Unit: "X00"},
		&domain.PledgeCancelled{Pledge: "P1", Donor: "CTY", Fund: "HB", Amount: 4_000_000},
		donation,
		granted,
		&domain.Granted{
			GrantFacts: domain.GrantFacts{Kind: domain.MeritAward, Fund: "HB", Unit: "X00", Asset: domain.Cash, RecipientKind: "collective"},
			Recipient:  domain.Recipient{Collective: "Lớp 5A", Unit: "X00"}, Amount: 1_000_000,
		},
		&domain.Granted{GrantFacts: unitFacts, Recipient: domain.Recipient{Unit: "X01"}, Amount: 9},
		&domain.Granted{
			GrantFacts: domain.GrantFacts{
				Kind: domain.Scholarship, Fund: "HB", Unit: "X00", Asset: domain.Bank,
				RecipientKind: "student", Person: id(7), PersonPosition: 12,
			},
			Recipient: domain.Recipient{Person: id(7)}, Amount: 200_000,
		},
		grantedGoods,
		disbursed,
		&domain.GrantDisbursed{GrantFacts: goods, Grant: id(8), Amount: 0, Quantity: 1_000},
		&domain.GrantCancelled{GrantFacts: facts, Grant: id(8), Reason: "moved_away", Amount: 100, NeverPaid: true},
		&domain.GrantReturned{GrantFacts: later, Grant: id(8), Amount: 5, Quantity: 500, Numbers: vouchers[1:]},
		&domain.GrantReturned{GrantFacts: goods, Grant: id(8), Amount: 5, Quantity: 500, Numbers: vouchers[1:]},
		&domain.ExpenseRecorded{
			Fund: "HB", Asset: domain.Cash, Amount: 70_000, Purpose: "printing", Payee: &domain.Payee{Organisation: "Nhà in"}, Unit: "X00", Numbers: vouchers[:1],
		},
		&domain.ExpenseRecorded{Fund: "HB", Asset: domain.Goods("VO"), Amount: 70_000, Quantity: 14_000, Purpose: "activity", Unit: "X00", Numbers: vouchers[1:]},
		&domain.FundsTransferred{From: "HB", To: "KT", Asset: domain.Bank, Amount: 1, FromUnit: "X00", ToUnit: "X01", Numbers: vouchers},
		&domain.HoldingMoved{Fund: "HB", FromAsset: domain.Cash, ToAsset: domain.Bank, Amount: 2_000, Unit: "X00", Numbers: vouchers[:1]},
		&domain.HoldingCounted{Fund: "HB", Asset: domain.Cash, Counted: 0, Posted: 500, Difference: -500, Unit: "X00"},
		&domain.HoldingCounted{Fund: "HB", Asset: domain.Goods("VO"), Counted: 2_500, Posted: 0, Difference: 2_500, Unit: "X00"},
		&domain.CountSettled{Count: id(11), Fund: "HB", Asset: domain.Goods("VO"), Amount: -10, Quantity: -500, CountedOn: day, Unit: "X00"},
		&domain.EntryReversed{Event: id(8), Position: 7, Entry: donation, EntryOn: day},
		&domain.EntryReversed{Event: id(8), Position: 7, Entry: granted, EntryOn: day, Amount: 300_000},
		&domain.EntryReversed{Event: id(8), Position: 7, Entry: grantedGoods, EntryOn: day, Quantity: 2_500},
		&domain.EntryReversed{
			Event: id(8), Position: 7, Entry: disbursed, EntryOn: day,
			Reopened: &domain.Grant{GrantFacts: facts, ID: id(8), Amount: 300_000, Paid: 100_000, Cancelled: 50_000, Since: day, PaidOn: day},
		},
		&domain.EntryReversed{Event: id(8), Position: 7, Entry: &domain.PersonMerged{Person: id(7), Into: id(6), PersonPosition: 1, IntoPosition: 2}, EntryOn: day},
		&domain.PeriodClosed{
			Through: day, Unit: "X00", Tree: domain.TreeHead{Size: 41, Root: [32]byte{7}}, Grants: 3, Pledges: 0, Holdings: [32]byte{8},
			Totals: []domain.AssetTotal{{Asset: domain.Cash, Balance: domain.Balance{Posted: 5, Encumbered: 1}}, {Asset: domain.Goods("VO"), Balance: domain.Balance{Posted: 5, Quantity: 1_500}}},
		},
		&domain.PeriodReopened{From: day, Unit: "X00"},
		&domain.IndicatorReported{Unit: "X00", Indicator: "members", From: day, To: day, Value: "155232", Of: "200000", Measure: "hội viên"},
	}
}

func sample(i int, body domain.EventBody) domain.Event {
	e := domain.Event{
		Position: int64(i) + 1, ID: id(100 + byte(i)), RecordedAt: time.Date(2017, 3, 10, 2, 3, 4, 56_000, time.UTC),
		EffectiveOn: domain.NewDate(2017, time.March, 5), Actor: "ke-toan", Command: id(50), Body: body,
	}
	if i%2 == 1 {
		e.Actor = ""
		e.Remark = &domain.Commitment{Private: id(51), SHA256: [32]byte{1}}
	}
	return e
}

// TestEnvelopes pins the stored bytes of every event type: they are for ever.
func TestEnvelopes(t *testing.T) {
	c := eventcodec.New("soquy.invalid/x", 0)
	var all bytes.Buffer
	seen := map[string]bool{}
	for i, body := range samples() {
		e := sample(i, body)
		var fingerprint *[32]byte
		if i%3 == 0 {
			fingerprint = &[32]byte{byte(i)}
		}
		envelope := c.Encode(nil, &e, fingerprint)
		all.Write(envelope)
		all.WriteByte('\n')
		seen[body.Type()] = true

		got, err := c.Decode(envelope)
		if err != nil {
			t.Fatalf("Decode(%s) = %v", envelope, err)
		}
		if diff := cmp.Diff(e, got.Event); diff != "" {
			t.Errorf("%s: decoded event differs (-encoded +decoded):\n%s", body.Type(), diff)
		}
		if diff := cmp.Diff(fingerprint, got.Fingerprint); diff != "" {
			t.Errorf("%s: fingerprint differs:\n%s", body.Type(), diff)
		}
		if diff := cmp.Diff(e.Subjects(), got.Subjects); diff != "" {
			t.Errorf("%s: subjects differ:\n%s", body.Type(), diff)
		}
		if again := c.Encode(nil, &got.Event, got.Fingerprint); !bytes.Equal(again, envelope) {
			t.Errorf("encoded again:\n%s\nwas\n%s", again, envelope)
		}
	}
	for _, name := range eventcodec.EventTypes() {
		if !seen[name] {
			t.Errorf("no sample of %s", name)
		}
	}
	golden(t, "envelopes.ndjson", all.Bytes())
}

// TestDecodeOrder reads members in an order in which they are not written.
func TestDecodeOrder(t *testing.T) {
	c := eventcodec.New("soquy.invalid/x", 0)
	reopened := `"reopened":{"paid_on":"2017-03-05","since":"2017-03-05","paid":"2","amount":"3"}`
	for _, body := range samples() {
		e := sample(0, body)
		envelope := string(c.Encode(nil, &e, &[32]byte{1}))
		first, rest, _ := strings.Cut(strings.TrimPrefix(envelope, "{"), ",")
		moved := "{" + strings.TrimSuffix(rest, "}") + "," + first + "}"
		got, err := c.Decode([]byte(moved))
		if err != nil {
			t.Fatalf("Decode(%s) = %v", moved, err)
		}
		if diff := cmp.Diff(e, got.Event); diff != "" || got.Ledger != "soquy.invalid/x" || got.Fingerprint == nil {
			t.Errorf("%s: decoded event differs (-encoded +decoded):\n%s", moved, diff)
		}
		if bad := strings.Replace(moved, `"position":`, `"id":`, 1); bad != moved {
			if _, err := c.Decode([]byte(bad)); err == nil {
				t.Errorf("decoded: %s", bad)
			}
		}
	}
	e := sample(0, &domain.EntryReversed{
		Event: id(8), Position: 7, Entry: &domain.GrantDisbursed{Grant: id(8)}, Reopened: &domain.Grant{ID: id(8), Amount: 3, Paid: 2},
	})
	envelope := string(c.Encode(nil, &e, nil))
	at := strings.Index(envelope, `"reopened"`)
	moved := envelope[:at] + reopened + "}}"
	got, err := c.Decode([]byte(moved))
	if err != nil {
		t.Fatalf("Decode(%s) = %v", moved, err)
	}
	if g := got.Event.Body.(*domain.EntryReversed).Reopened; g.Amount != 3 || g.Paid != 2 || g.PaidOn != g.Since {
		t.Errorf("reopened is %+v", g)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(string(got), "\n")); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	c := eventcodec.New("soquy.invalid/x", 0)
	e := sample(0, &domain.UnitClosed{Unit: "X00"})
	good := string(c.Encode(nil, &e, nil))
	for name, bad := range map[string]string{
		"a newer type":     strings.Replace(good, "unit.closed", "unit.vanished", 1),
		"a newer schema":   strings.Replace(good, `"schema":1`, `"schema":2`, 1),
		"an unknown field": strings.Replace(good, `"data":{`, `"data":{"colour":"red",`, 1),
		"no data":          good[:strings.Index(good, `,"data"`)] + "}",
		"trailing bytes":   good + " x",
		"a bad instant":    strings.Replace(good, "T02:03", "T25:03", 1),
	} {
		if _, err := c.Decode([]byte(bad)); err == nil {
			t.Errorf("%s was decoded: %s", name, bad)
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	c := eventcodec.New("soquy.invalid/x", 0)
	e := sample(0, samples()[18])
	buf := c.Encode(nil, &e, nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		buf = c.Encode(buf[:0], &e, nil)
	}
}

func BenchmarkDecode(b *testing.B) {
	c := eventcodec.New("soquy.invalid/x", 0)
	e := sample(0, samples()[18])
	buf := c.Encode(nil, &e, nil)
	b.SetBytes(int64(len(buf)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Decode(buf); err != nil {
			b.Fatal(err)
		}
	}
}
