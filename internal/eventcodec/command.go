package eventcodec

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/jcs"
)

// MaxLine is the size limit of a command's line in bytes.
const MaxLine = 32 << 20

// A Request is a command as it was asked for: what it says, and the private texts that came with it.
type Request struct {
	ID          uuid.UUID // zero when none was given
	Actor       string
	EffectiveOn domain.Date
	Body        domain.CommandBody
	Remark      string // "" for none
	Personal    []byte // RFC 8785 JSON, or nil
}

// newCommand returns an empty body of a command type.
func newCommand(name string) (domain.CommandBody, bool) {
	switch name {
	case "register_unit":
		return &domain.RegisterUnit{}, true
	case "rename_unit":
		return &domain.RenameUnit{}, true
	case "move_unit":
		return &domain.MoveUnit{}, true
	case "merge_unit":
		return &domain.MergeUnit{}, true
	case "close_unit":
		return &domain.CloseUnit{}, true
	case "open_fund":
		return &domain.OpenFund{}, true
	case "restrict_fund":
		return &domain.RestrictFund{}, true
	case "close_fund":
		return &domain.CloseFund{}, true
	case "record_opening":
		return &domain.RecordOpening{}, true
	case "register_person":
		return &domain.RegisterPerson{}, true
	case "correct_person":
		return &domain.CorrectPerson{}, true
	case "merge_person":
		return &domain.MergePerson{}, true
	case "erase_person":
		return &domain.ErasePerson{}, true
	case "register_donor":
		return &domain.RegisterDonor{}, true
	case "make_pledge":
		return &domain.MakePledge{}, true
	case "cancel_pledge":
		return &domain.CancelPledge{}, true
	case "receive_donation":
		return &domain.ReceiveDonation{}, true
	case "grant":
		return &domain.MakeGrant{}, true
	case "disburse":
		return &domain.Disburse{}, true
	case "cancel_grant":
		return &domain.CancelGrant{}, true
	case "return_grant":
		return &domain.ReturnGrant{}, true
	case "record_expense":
		return &domain.RecordExpense{}, true
	case "transfer":
		return &domain.TransferFunds{}, true
	case "move":
		return &domain.MoveHolding{}, true
	case "count_holding":
		return &domain.CountHolding{}, true
	case "settle_count":
		return &domain.SettleCount{}, true
	case "reverse":
		return &domain.Reverse{}, true
	case "close_period":
		return &domain.ClosePeriod{}, true
	case "reopen_period":
		return &domain.ReopenPeriod{}, true
	case "report_indicator":
		return &domain.ReportIndicator{}, true
	}
	return nil, false
}

// CommandTypes returns the names of all command types, in the order of the contract.
func CommandTypes() []string {
	return []string{
		"register_unit",
		"rename_unit",
		"move_unit",
		"merge_unit",
		"close_unit",
		"open_fund",
		"restrict_fund",
		"close_fund",
		"record_opening",
		"register_person",
		"correct_person",
		"merge_person",
		"erase_person",
		"register_donor",
		"make_pledge",
		"cancel_pledge",
		"receive_donation",
		"grant",
		"disburse",
		"cancel_grant",
		"return_grant",
		"record_expense",
		"transfer",
		"move",
		"count_holding",
		"settle_count",
		"reverse",
		"close_period",
		"reopen_period",
		"report_indicator",
	}
}

// commandShape lists the members of a command's data, but for private texts.
func commandShape(c *coder, body domain.CommandBody) {
	switch b := body.(type) {
	case *domain.RegisterUnit:
		registerUnit(c, b)
	case *domain.RenameUnit:
		renameUnit(c, b)
	case *domain.MoveUnit:
		moveUnit(c, b)
	case *domain.MergeUnit:
		mergeUnit(c, b)
	case *domain.CloseUnit:
		closeUnit(c, b)
	case *domain.OpenFund:
		openFund(c, b)
	case *domain.RestrictFund:
		restrictFund(c, b)
	case *domain.CloseFund:
		closeFund(c, b)
	case *domain.RecordOpening:
		recordOpening(c, b)
	case *domain.RegisterPerson:
		registerPerson(c, b)
	case *domain.CorrectPerson:
		correctPerson(c, b)
	case *domain.MergePerson:
		mergePerson(c, b)
	case *domain.ErasePerson:
		erasePerson(c, b)
	case *domain.RegisterDonor:
		registerDonor(c, b)
	case *domain.MakePledge:
		makePledge(c, b)
	case *domain.CancelPledge:
		cancelPledge(c, b)
	case *domain.ReceiveDonation:
		receiveDonation(c, b)
	case *domain.MakeGrant:
		makeGrant(c, b)
	case *domain.Disburse:
		disburse(c, b)
	case *domain.CancelGrant:
		cancelGrant(c, b)
	case *domain.ReturnGrant:
		returnGrant(c, b)
	case *domain.RecordExpense:
		recordExpense(c, b)
	case *domain.TransferFunds:
		transferFunds(c, b)
	case *domain.MoveHolding:
		moveHolding(c, b)
	case *domain.CountHolding:
		countHolding(c, b)
	case *domain.SettleCount:
		settleCount(c, b)
	case *domain.Reverse:
		reverse(c, b)
	case *domain.ClosePeriod:
		closePeriod(c, b)
	case *domain.ReopenPeriod:
		reopenPeriod(c, b)
	case *domain.ReportIndicator:
		reportIndicator(c, b)
	}
}

// A Parser reads commands, one JSON object at a time. It keeps memory between calls, and is for one goroutine.
type Parser struct {
	top, data jcs.Reader
	coder     coder
	canonical coder
}

// Parse reads one command. The error is a *domain.Refusal; the request then still has the command's ID where it could be read.
// What it checks is the form: that the line is a command of a known type with known fields of the right types, that its texts are
// texts. What else can be checked without a book, Validate does.
func (p *Parser) Parse(line []byte) (Request, error) {
	if len(line) > MaxLine {
		return Request{}, domain.Refuse(domain.CommandMalformed, "", "line over 32 MiB")
	}
	req, err := p.parse(line)
	var syntax *jcs.Error
	if !errors.As(err, &syntax) {
		return req, err
	}
	if req.ID == uuid.Nil && !isUnparsable(err) && syntax.Pointer != "/id" {
		req.ID = madeID() // the answer names the command, as that of every command without an ID
	}
	if syntax.Problem != jcs.InvalidUTF8 && syntax.Problem != jcs.ControlCharacter && syntax.Problem != jcs.LoneSurrogate {
		return req, domain.Refuse(domain.CommandMalformed, syntax.Pointer, syntax.Problem)
	}
	// The texts are wrong. Whether the rest is right, and whose command it is, shows once they are replaced.
	invalid := domain.Refuse(domain.TextInvalid, syntax.Pointer)
	again, err := p.parse(mend(line))
	if errors.As(err, &syntax) {
		return again, domain.Refuse(domain.CommandMalformed, syntax.Pointer, syntax.Problem)
	}
	return again, domain.First(invalid, Validate(&again))
}

// mend replaces what cannot stand in a JSON text by what can.
func mend(line []byte) []byte {
	out := bytes.ToValidUTF8(line, []byte(string(utf8.RuneError)))
	out = bytes.Clone(out)
	for i, c := range out {
		if c < 0x20 {
			out[i] = '?'
			if c == '\t' || c == '\n' || c == '\r' {
				out[i] = ' ' // white space between values
			}
		}
		if isSurrogate(out[i:]) {
			copy(out[i:], `\u003f`)
		}
	}
	return out
}

// isSurrogate reports whether an escape of a surrogate begins the text.
func isSurrogate(b []byte) bool {
	return len(b) >= 6 && b[0] == '\\' && b[1] == 'u' &&
		strings.IndexByte("dD", b[2]) >= 0 && strings.IndexByte("89abcdefABCDEF", b[3]) >= 0
}

// parse is Parse, with the reader's errors as they are.
func (p *Parser) parse(line []byte) (Request, error) {
	var req Request
	r := &p.top
	r.Reset(line)
	p.coder = coder{mode: reading, command: true, r: r, seen: p.coder.seen[:0]}
	c := &p.coder
	var data []byte
	var haveName, haveDate, haveData bool
	err := r.Object(func(key string) error {
		switch key {
		case "id":
			raw, err := r.StringBytes()
			if err != nil {
				return err
			}
			id, ok := parseID(raw)
			if !ok {
				return r.Fail("not a UUID")
			}
			req.ID = id
		case "type":
			haveName = true
			s, err := r.String()
			if err != nil {
				return err
			}
			body, ok := newCommand(s)
			if !ok {
				return r.Fail("unknown type")
			}
			req.Body = body
		case "effective_on":
			haveDate = true
			raw, err := r.StringBytes()
			if err != nil {
				return err
			}
			if req.EffectiveOn, err = domain.ParseDate(string(raw)); err != nil {
				return r.Fail("impossible date")
			}
		case "actor":
			s, err := r.String()
			if err != nil {
				return err
			}
			if !domain.ValidCode(s) {
				return r.Fail("bad code")
			}
			req.Actor = s
		case "remark":
			s, err := r.String()
			if err != nil {
				return err
			}
			if s == "" {
				return r.Fail("empty")
			}
			req.Remark = nfc(s)
		case "data":
			haveData = true
			raw, err := r.Raw()
			if err != nil {
				return err
			}
			data = raw
		default:
			if err := r.Skip(); err != nil {
				return err
			}
			return &jcs.Error{Pointer: r.Pointer(), Problem: "unknown field"}
		}
		return nil
	})
	if err == nil {
		err = r.End()
	}
	if err != nil {
		req.ID = uuid.Nil // of an unparsable line, what was read means nothing
		if !isUnparsable(err) {
			req.ID = p.findID(line)
		}
		return req, err
	}
	switch {
	case !haveName:
		return req, &jcs.Error{Pointer: "/type", Problem: "required"}
	case !haveDate:
		return req, &jcs.Error{Pointer: "/effective_on", Problem: "required"}
	case !haveData:
		return req, &jcs.Error{Pointer: "/data", Problem: "required"}
	}
	c.r = &p.data
	c.r.Reset(data)
	c.object(func() {
		commandShape(c, req.Body)
		switch req.Body.(type) {
		case *domain.RegisterPerson, *domain.CorrectPerson:
			p.personal(c, &req)
		}
	})
	if c.err != nil {
		var e *jcs.Error
		if errors.As(c.err, &e) {
			return req, &jcs.Error{Pointer: "/data" + e.Pointer, Problem: e.Problem, Offset: e.Offset}
		}
		return req, c.err
	}
	return req, nil
}

// madeID makes an ID for a command that is refused before the writer, which makes those of the others, sees it.
func madeID() uuid.UUID {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil // no randomness: the answer goes without
	}
	return id
}

// isUnparsable reports whether a line was no JSON object at all.
func isUnparsable(err error) bool {
	var e *jcs.Error
	return errors.As(err, &e) && (e.Problem == jcs.NotJSON || e.Problem == jcs.TrailingData || e.Pointer == "" && e.Problem == jcs.WantObject)
}

// findID looks for the ID of a line that is not a command, so that the answer can name it.
func (p *Parser) findID(line []byte) (id uuid.UUID) {
	var r jcs.Reader
	r.Reset(line)
	_ = r.Object(func(key string) error {
		if key == "id" && r.Kind() == '"' {
			raw, err := r.StringBytes()
			if err == nil {
				id, _ = parseID(raw)
			}
			return err
		}
		return r.Skip()
	})
	return id
}

// Validate checks the form of a request: its texts, and what domain.Validate checks. The error is a *domain.Refusal.
func Validate(req *Request) error {
	first := domain.Validate(req.Body)
	for _, check := range []func() error{
		func() error { return domain.CheckText("/remark", req.Remark, domain.MaxRemark) },
		func() error { return checkPersonal(req.Personal) },
	} {
		if err := check(); err != nil {
			first = domain.First(first, err)
		}
	}
	return first
}

// personal reads the private document of a person.
func (p *Parser) personal(c *coder, req *Request) {
	if c.mode == missing {
		c.need("personal")
		return
	}
	if !c.takes("personal") {
		return
	}
	var doc Personal
	c.object(func() { personal(c, &doc) })
	if c.err != nil {
		return
	}
	req.Personal = doc.Document()
}

// A Personal is what names or describes a person. It never enters the log.
type Personal struct {
	Name, Born, Sex, School, Class, Address, Phone, Account string
}

func personal(c *coder, p *Personal) {
	text(c, "name", &p.Name)
	text(c, "born", &p.Born)
	text(c, "sex", &p.Sex)
	text(c, "school", &p.School)
	text(c, "class", &p.Class)
	text(c, "address", &p.Address)
	text(c, "phone", &p.Phone)
	text(c, "account", &p.Account)
	c.need("name")
}

// Document returns the RFC 8785 form of the document.
func (p *Personal) Document() []byte {
	q := *p
	for _, s := range []*string{&q.Name, &q.Born, &q.Sex, &q.School, &q.Class, &q.Address, &q.Phone, &q.Account} {
		*s = nfc(*s)
	}
	var w jcs.Writer
	w.BeginObject()
	for _, m := range q.sorted() {
		if m.value != "" {
			w.Key(m.key)
			w.String(m.value)
		}
	}
	w.EndObject()
	return w.Buf
}

type member struct{ key, value string }

// sorted lists the members in the order of RFC 8785.
func (p *Personal) sorted() []member {
	return []member{
		{"account", p.Account},
		{"address", p.Address},
		{"born", p.Born},
		{"class", p.Class},
		{"name", p.Name},
		{"phone", p.Phone},
		{"school", p.School},
		{"sex", p.Sex},
	}
}

// ParsePersonal reads a document that Document made.
func ParsePersonal(doc []byte) (Personal, error) {
	var p Personal
	c := &coder{mode: reading, r: jcs.NewReader(doc)}
	c.object(func() { personal(c, &p) })
	return p, c.err
}

func checkPersonal(doc []byte) error {
	if doc == nil {
		return nil
	}
	p, err := ParsePersonal(doc)
	if err != nil {
		return domain.Refuse(domain.CommandMalformed, "/data/personal", "not a document")
	}
	for _, m := range p.sorted() {
		limit := domain.MaxText
		if m.key == "name" {
			limit = domain.MaxName
		}
		err = domain.First(err, domain.CheckText("/data/personal/"+m.key, m.value, limit))
	}
	if p.Name == "" {
		err = domain.First(err, domain.Refuse(domain.CommandMalformed, "/data/personal/name", "required"))
	}
	return err
}

// RemarkDocument returns the RFC 8785 form of a remark.
func RemarkDocument(remark string) []byte { return jcs.AppendString(nil, remark) }

// ParseRemark reads a document of RemarkDocument.
func ParseRemark(doc []byte) (string, error) {
	r := jcs.NewReader(doc)
	remark, err := r.String()
	if err == nil {
		err = r.End()
	}
	return remark, err
}

// AppendCanonical appends the RFC 8785 form of a command's type, effective_on and data without private texts.
func (p *Parser) AppendCanonical(dst []byte, on domain.Date, body domain.CommandBody) ([]byte, error) {
	form, err := p.form(on, body)
	if err != nil {
		return nil, err
	}
	return append(dst, form...), nil
}

// Fingerprint is the SHA-256 of AppendCanonical: what makes a repeat a repeat.
func (p *Parser) Fingerprint(on domain.Date, body domain.CommandBody) ([32]byte, error) {
	form, err := p.form(on, body)
	if err != nil {
		return [32]byte{}, err
	}
	return sha256.Sum256(form), nil
}

// form is what AppendCanonical appends, good until the next call.
func (p *Parser) form(on domain.Date, body domain.CommandBody) ([]byte, error) {
	c := &p.canonical
	c.mode, c.w.Sorted = writing, true
	c.w.Reset()
	c.w.BeginObject()
	c.w.Key("data")
	c.object(func() { commandShape(c, body) })
	c.w.Key("effective_on")
	c.writeDate(on)
	c.w.Key("type")
	c.w.String(body.Type())
	c.w.EndObject()
	if !utf8.Valid(c.w.Buf) {
		return nil, errNoText
	}
	return c.w.Buf, nil
}

var errNoText = errors.New("a text of the command is not UTF-8")
