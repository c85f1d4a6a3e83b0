package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
)

type historyJSON struct {
	headJSON
	Subject string            `json:"subject"`
	AsOf    *string           `json:"as_of"`
	Events  []json.RawMessage `json:"events"`
}

// A history is what happened to a subject, through a head.
type history struct {
	head    Head
	entries []historyEntry
}

type historyEntry struct {
	envelope []byte
	event    domain.Event
}

func (h *history) envelopes() []json.RawMessage {
	list := make([]json.RawMessage, len(h.entries))
	for i := range h.entries {
		list[i] = h.entries[i].envelope
	}
	return list
}

// errEnough ends a reading that has all that it wants.
var errEnough = errors.New("enough")

func (p *program) history(ctx context.Context, r Reader, subject string, at KnownAt) (*history, error) {
	h := &history{}
	err := r.ViewAt(ctx, at, func(v View) error {
		h.head, p.past = v.Head(), !at.Now()
		return nil
	})
	if err != nil {
		return nil, err
	}
	p.cat = p.cat.In(h.head.Currency.Code)
	err = r.History(ctx, subject, func(envelope []byte, e *domain.Event) error {
		if e.Position > h.head.Position {
			return errEnough
		}
		h.entries = append(h.entries, historyEntry{bytes.Clone(envelope), *e})
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return h, err
}

// subjectKinds are the kinds of subjects.
func subjectKinds() []string {
	return []string{"fund", "unit", "person", "donor", "grant", "pledge", "voucher", "actor"}
}

func (p *program) historyCommand() *command {
	var subject string
	var asOf dateFlag
	var at knownFlag
	c := p.command("history", "history")
	c.code(&subject, "subject", func(context.Context, *program) []string {
		var list []string
		for _, kind := range subjectKinds() {
			list = append(list, kind+":")
		}
		return list
	}).needs("subject").date(&asOf, "as-of").knownAt(&at)
	return c.runs(func(ctx context.Context, _ []string) error {
		subject, err := parseSubject(subject)
		if err != nil {
			return err
		}
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		h, err := p.history(ctx, r, subject, at.KnownAt)
		if err != nil {
			return err
		}
		if len(h.entries) == 0 { // whatever there is begins with an event that names it
			kind, id, _ := strings.Cut(subject, ":")
			return domain.Refuse(domain.ReferenceUnknown, kind, id)
		}
		if asOf.given {
			h.entries = slices.DeleteFunc(h.entries, func(e historyEntry) bool { return e.event.EffectiveOn > asOf.date })
		}
		if p.json {
			return p.encode(historyJSON{newHeadJSON(h.head), subject, dateJSON(asOf.pointer()), h.envelopes()})
		}
		kind, id, _ := strings.Cut(subject, ":")
		p.printf("%s\n\n", p.t("history.title", "kind", p.cat.Term("kind", kind), "id", id))
		p.historyTable(h)
		return nil
	})
}

// parseSubject checks KIND:ID.
func parseSubject(s string) (string, error) {
	bad := &Failure{Code: "subject.malformed", Args: []domain.Arg{{Name: "subject", Value: s}}, Exit: ExitUsage}
	kind, id, ok := strings.Cut(s, ":")
	switch {
	case !ok:
		return "", bad
	case kind == "person" || kind == "grant":
		parsed, err := uuid.Parse(id)
		if err != nil || len(id) != 36 {
			return "", bad
		}
		return kind + ":" + parsed.String(), nil
	case kind == "voucher":
		unit, number, _ := strings.Cut(id, "/")
		if _, _, _, err := domain.ParseVoucherNumber(number); err != nil || !domain.ValidCode(unit) {
			return "", bad
		}
		return s, nil
	case kind == "actor" && id != "":
		return s, nil
	case kind == "fund" || kind == "donor" || kind == "pledge" || kind == "unit":
		if !domain.ValidCode(id) {
			return "", bad
		}
		return s, nil
	}
	return "", bad
}

func (p *program) historyTable(h *history) {
	t := p.table("position>", "effective_on", "recorded_on", "event", "fund", "asset", "change>", "reserved>", "voucher", "id", "description")
	for i := range h.entries {
		e := &h.entries[i].event
		var numbers []string
		for _, v := range e.Vouchers() {
			numbers = append(numbers, v.Number)
		}
		row := []string{
			p.count(e.Position), p.date(e.EffectiveOn), p.date(h.head.Day(e.RecordedAt)), p.eventName(e), "", "", "", "",
			strings.Join(numbers, ", "), e.ID.String(), Sentence(p.cat, h.head.Currency, e),
		}
		effects := e.Effects()
		if len(effects) == 0 {
			t.row(row...)
		}
		for j, effect := range effects { // a line for each holding that it changed
			if j > 0 {
				row = make([]string, len(row))
			}
			row[4], row[5] = effect.Fund, p.cat.Asset(string(effect.Asset))
			row[6], row[7] = p.signed(effect.Posted, h.head.Currency), p.signed(effect.Encumbered, h.head.Currency)
			t.row(row...)
		}
	}
	t.print()
	p.tail(h.head)
}

// signed writes a change of a balance; none is "".
func (p *program) signed(v int64, c money.Currency) string {
	switch {
	case v == 0:
		return ""
	case v > 0:
		return "+" + p.amount(v, c)
	}
	return p.amount(v, c)
}
