package eventcodec

import (
	"fmt"
	"time"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/jcs"
)

// Schema is the version of every event type that this program writes.
const Schema = 1

// recordedAt is the layout of instants: UTC with microseconds.
const recordedAt = "2006-01-02T15:04:05.000000Z"

// An UnknownTypeError says that an event was written by a newer version of the program.
type UnknownTypeError struct {
	Type   string
	Schema int64
}

func (e *UnknownTypeError) Error() string {
	return fmt.Sprintf("event type %q with schema %d is not known to this version", e.Type, e.Schema)
}

// newEvent returns an empty body of an event type.
func newEvent(name string) (domain.EventBody, bool) {
	switch name {
	case "ledger.opened":
		return &domain.LedgerOpened{}, true
	case "ledger.rekeyed":
		return &domain.LedgerRekeyed{}, true
	case "ledger.forked":
		return &domain.LedgerForked{}, true
	case "unit.registered":
		return &domain.UnitRegistered{}, true
	case "unit.renamed":
		return &domain.UnitRenamed{}, true
	case "unit.moved":
		return &domain.UnitMoved{}, true
	case "unit.merged":
		return &domain.UnitMerged{}, true
	case "unit.closed":
		return &domain.UnitClosed{}, true
	case "fund.opened":
		return &domain.FundOpened{}, true
	case "fund.restricted":
		return &domain.FundRestricted{}, true
	case "fund.closed":
		return &domain.FundClosed{}, true
	case "opening.recorded":
		return &domain.OpeningRecorded{}, true
	case "person.registered":
		return &domain.PersonRegistered{}, true
	case "person.corrected":
		return &domain.PersonCorrected{}, true
	case "person.merged":
		return &domain.PersonMerged{}, true
	case "person.erased":
		return &domain.PersonErased{}, true
	case "donor.registered":
		return &domain.DonorRegistered{}, true
	case "pledge.made":
		return &domain.PledgeMade{}, true
	case "pledge.cancelled":
		return &domain.PledgeCancelled{}, true
	case "donation.received":
		return &domain.DonationReceived{}, true
	case "award.granted":
		return newGranted(domain.MeritAward), true
	case "scholarship.granted":
		return newGranted(domain.Scholarship), true
	case "hardship.granted":
		return newGranted(domain.HardshipGrant), true
	case "support.granted":
		return newGranted(domain.Support), true
	case "grant.disbursed":
		return &domain.GrantDisbursed{}, true
	case "grant.cancelled":
		return &domain.GrantCancelled{}, true
	case "grant.returned":
		return &domain.GrantReturned{}, true
	case "expense.recorded":
		return &domain.ExpenseRecorded{}, true
	case "funds.transferred":
		return &domain.FundsTransferred{}, true
	case "holding.moved":
		return &domain.HoldingMoved{}, true
	case "holding.counted":
		return &domain.HoldingCounted{}, true
	case "count.settled":
		return &domain.CountSettled{}, true
	case "entry.reversed":
		return &domain.EntryReversed{}, true
	case "period.closed":
		return &domain.PeriodClosed{}, true
	case "period.reopened":
		return &domain.PeriodReopened{}, true
	case "indicator.reported":
		return &domain.IndicatorReported{}, true
	}
	return nil, false
}

// EventTypes returns the names of all event types, in the order of the catalogue.
func EventTypes() []string {
	return []string{
		"ledger.opened",
		"ledger.rekeyed",
		"ledger.forked",
		"unit.registered",
		"unit.renamed",
		"unit.moved",
		"unit.merged",
		"unit.closed",
		"fund.opened",
		"fund.restricted",
		"fund.closed",
		"opening.recorded",
		"person.registered",
		"person.corrected",
		"person.merged",
		"person.erased",
		"donor.registered",
		"pledge.made",
		"pledge.cancelled",
		"donation.received",
		"award.granted",
		"scholarship.granted",
		"hardship.granted",
		"support.granted",
		"grant.disbursed",
		"grant.cancelled",
		"grant.returned",
		"expense.recorded",
		"funds.transferred",
		"holding.moved",
		"holding.counted",
		"count.settled",
		"entry.reversed",
		"period.closed",
		"period.reopened",
		"indicator.reported",
	}
}

func newGranted(kind domain.Purpose) *domain.Granted {
	return &domain.Granted{GrantFacts: domain.GrantFacts{Kind: kind}}
}

// eventShape lists the members of an event's data.
func eventShape(c *coder, body domain.EventBody) {
	switch b := body.(type) {
	case *domain.LedgerOpened:
		ledgerOpened(c, b)
	case *domain.LedgerRekeyed:
		ledgerRekeyed(c, b)
	case *domain.LedgerForked:
		ledgerForked(c, b)
	case *domain.UnitRegistered:
		registerUnit(c, (*domain.RegisterUnit)(b))
	case *domain.UnitRenamed:
		renameUnit(c, (*domain.RenameUnit)(b))
	case *domain.UnitMoved:
		moveUnit(c, (*domain.MoveUnit)(b))
	case *domain.UnitMerged:
		mergeUnit(c, (*domain.MergeUnit)(b))
	case *domain.UnitClosed:
		closeUnit(c, (*domain.CloseUnit)(b))
	case *domain.FundOpened:
		openFund(c, (*domain.OpenFund)(b))
	case *domain.FundRestricted:
		fundRestricted(c, b)
	case *domain.FundClosed:
		fundClosed(c, b)
	case *domain.OpeningRecorded:
		openingRecorded(c, b)
	case *domain.PersonRegistered:
		personRegistered(c, b)
	case *domain.PersonCorrected:
		personCorrected(c, b)
	case *domain.PersonMerged:
		personMerged(c, b)
	case *domain.PersonErased:
		erasePerson(c, (*domain.ErasePerson)(b))
	case *domain.DonorRegistered:
		registerDonor(c, (*domain.RegisterDonor)(b))
	case *domain.PledgeMade:
		pledgeMade(c, b)
	case *domain.PledgeCancelled:
		pledgeCancelled(c, b)
	case *domain.DonationReceived:
		donationReceived(c, b)
	case *domain.Granted:
		granted(c, b)
	case *domain.GrantDisbursed:
		grantDisbursed(c, b)
	case *domain.GrantCancelled:
		grantCancelled(c, b)
	case *domain.GrantReturned:
		grantReturned(c, b)
	case *domain.ExpenseRecorded:
		expenseRecorded(c, b)
	case *domain.FundsTransferred:
		fundsTransferred(c, b)
	case *domain.HoldingMoved:
		holdingMoved(c, b)
	case *domain.HoldingCounted:
		holdingCounted(c, b)
	case *domain.CountSettled:
		countSettled(c, b)
	case *domain.EntryReversed:
		entryReversed(c, b)
	case *domain.PeriodClosed:
		periodClosed(c, b)
	case *domain.PeriodReopened:
		periodReopened(c, b)
	case *domain.IndicatorReported:
		reportIndicator(c, (*domain.ReportIndicator)(b))
	}
}

// A Codec writes and reads the envelopes of one ledger. It keeps memory between calls, and is for one goroutine.
type Codec struct {
	origin   string
	decimals int
	reader   jcs.Reader
	coder    coder
	texts    jcs.Texts
}

// knownTexts is how many texts a codec remembers: codes of funds, units and donors, types, subjects.
const knownTexts = 2_048

// New returns a codec for the ledger of an origin, whose currency has a number of decimals.
func New(origin string, decimals int) *Codec {
	return &Codec{origin: origin, decimals: decimals}
}

// Encode appends the envelope of an event. fingerprint is that of the command, with its first event, else nil.
func (c *Codec) Encode(dst []byte, e *domain.Event, fingerprint *[32]byte) []byte {
	return c.encode(dst, e, fingerprint, e.Subjects())
}

func (c *Codec) encode(dst []byte, e *domain.Event, fingerprint *[32]byte, subjects []string) []byte {
	k := coder{mode: writing, decimals: c.decimals}
	w := &k.w
	w.Buf = dst
	w.BeginObject()
	w.Key("ledger")
	w.String(c.origin)
	w.Key("position")
	w.Int(e.Position)
	w.Key("id")
	k.writeID(e.ID)
	w.Key("type")
	w.String(e.Body.Type())
	w.Key("schema")
	w.Int(Schema)
	w.Key("recorded_at")
	var at [len(recordedAt)]byte
	w.Plain(appendInstant(at[:0], e.RecordedAt))
	k.date("effective_on", &e.EffectiveOn)
	text(&k, "actor", &e.Actor)
	k.id("command", &e.Command)
	if fingerprint != nil {
		k.hash("fingerprint", fingerprint)
	}
	texts(&k, "subjects", &subjects)
	w.Key("data")
	k.object(func() {
		eventShape(&k, e.Body)
		child(&k, "remark", &e.Remark, commitment)
	})
	w.EndObject()
	return w.Buf
}

// An Envelope is a decoded envelope.
type Envelope struct {
	Ledger      string
	Event       domain.Event
	Fingerprint *[32]byte // in a command's first event
	Subjects    []string
}

// Decode reads an envelope. Errors: *UnknownTypeError for an event of a newer version, *jcs.Error for what is no envelope.
func (c *Codec) Decode(envelope []byte) (Envelope, error) {
	var (
		out    Envelope
		schema int64
		name   string
	)
	c.reader.Reset(envelope)
	if c.texts == nil {
		c.texts = make(jcs.Texts, knownTexts)
	}
	c.coder = coder{mode: reading, decimals: c.decimals, r: &c.reader, texts: c.texts}
	k := &c.coder
	e := &out.Event
	k.object(func() {
		text(k, "ledger", &out.Ledger)
		k.int("position", &e.Position)
		k.id("id", &e.ID)
		text(k, "type", &name)
		k.int("schema", &schema)
		if k.takes("recorded_at") {
			raw, err := k.r.StringBytes()
			k.fail(err)
			at, ok := parseInstant(raw)
			if err == nil && !ok {
				k.bad("not an instant")
			}
			e.RecordedAt = at
		}
		k.date("effective_on", &e.EffectiveOn)
		text(k, "actor", &e.Actor)
		k.id("command", &e.Command)
		if k.at("fingerprint") {
			out.Fingerprint = new([32]byte)
			k.hash("fingerprint", out.Fingerprint)
		}
		texts(k, "subjects", &out.Subjects)
		if !k.takes("data") {
			return
		}
		body, known := newEvent(name)
		if !known || schema != Schema {
			k.fail(&UnknownTypeError{Type: name, Schema: schema})
			return
		}
		e.Body = body
		k.object(func() {
			eventShape(k, body)
			child(k, "remark", &e.Remark, commitment)
		})
	})
	if k.err == nil {
		k.err = c.reader.End()
	}
	if k.err == nil && e.Body == nil {
		k.err = &jcs.Error{Pointer: "/data", Problem: "required"}
	}
	return out, k.err
}

// parseInstant reads the layout recordedAt, much faster than the library reads layouts.
func parseInstant(raw []byte) (time.Time, bool) {
	if len(raw) != len(recordedAt) || raw[10] != 'T' || raw[13] != ':' || raw[16] != ':' || raw[19] != '.' || raw[26] != 'Z' {
		return time.Time{}, false
	}
	day, err := domain.ParseDate(string(raw[:10]))
	if err != nil {
		return time.Time{}, false
	}
	var n [4]int
	for i, span := range [4][2]int{{11, 13}, {14, 16}, {17, 19}, {20, 26}} {
		for _, c := range raw[span[0]:span[1]] {
			if c < '0' || c > '9' {
				return time.Time{}, false
			}
			n[i] = n[i]*10 + int(c-'0')
		}
	}
	if n[0] > 23 || n[1] > 59 || n[2] > 59 {
		return time.Time{}, false
	}
	return day.Time().Add(time.Duration(n[0])*time.Hour + time.Duration(n[1])*time.Minute +
		time.Duration(n[2])*time.Second + time.Duration(n[3])*time.Microsecond), true
}

// appendInstant writes what parseInstant reads.
func appendInstant(dst []byte, at time.Time) []byte {
	at = at.UTC()
	hour, minute, second := at.Clock()
	dst = append(domain.DateOf(at).Append(dst), 'T')
	dst = append(appendTwo(dst, hour), ':')
	dst = append(appendTwo(dst, minute), ':')
	dst = append(appendTwo(dst, second), '.')
	micros := at.Nanosecond() / 1_000
	return append(appendTwo(appendTwo(appendTwo(dst, micros/10_000), micros/100%100), micros%100), 'Z')
}

func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// Record encodes an event into what the log stores of it.
func (c *Codec) Record(e *domain.Event, fingerprint *[32]byte) eventstore.Record {
	subjects := e.Subjects()
	return eventstore.Record{
		Position: e.Position, ID: e.ID, Type: e.Body.Type(), EffectiveOn: int32(e.EffectiveOn), RecordedAt: e.RecordedAt,
		Envelope: c.encode(make([]byte, 0, 768), e, fingerprint, subjects), Subjects: subjects, Event: e,
	}
}

// Currency reads the currency's code and the ledger's ID from the envelope of ledger.opened, before which no codec can be made.
func Currency(envelope []byte) (*domain.LedgerOpened, error) {
	out, err := New("", 0).Decode(envelope)
	if err != nil {
		return nil, err
	}
	opened, ok := out.Event.Body.(*domain.LedgerOpened)
	if !ok {
		return nil, fmt.Errorf("first event is %s, not ledger.opened", out.Event.Body.Type())
	}
	return opened, nil
}
