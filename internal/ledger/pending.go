package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/semaphore"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/private"
)

// pending is a command that waits for its answer.
type pending struct {
	req         Request
	fingerprint [32]byte
	size        int  // bytes that it is expected to add
	made        bool // the ID was made here, so the command cannot be a repeat
	old         bool // the log has its ID
	answer      chan<- result
	bytes       *semaphore.Weighted // of which size are taken until it is answered

	preview *Preview // not to be stored: only tell what it would do
}

type result struct {
	answer Answer
	err    error
}

func (p *pending) reply(a Answer, err error) {
	p.release()
	p.answer <- result{a, err}
}

func (p *pending) release() { p.bytes.Release(p.held()) }

func (p *pending) held() int64 { return int64(min(p.size, MaxQueueBytes)) }

// accepted is a command of the batch that is being prepared.
type accepted struct {
	p           *pending
	fingerprint [32]byte
	answer      Answer // made before the batch is stored: who is waiting then has waited long enough
}

// batch is a batch that is being prepared: what will be stored, and what will be answered once it is.
type batch struct {
	eventstore.Batch
	accepted []accepted
	byID     map[uuid.UUID]int // of accepted
	answers  []answerTo        // refusals and repeats, which are told when the rest is
	repeats  []repeatOf        // of commands in this very batch
	events   []*domain.Event   // all, in order

	repeated int64 // position of the last event of a command that was accepted before

	firsts map[int64]*domain.Event // of commands that were accepted before, as far as they were read ahead

	tree *transparency.Tree // after the batch
	note []byte             // as it was stored
}

// recordedAt is the instant of the last event.
func (b *batch) recordedAt() time.Time { return b.Records[len(b.Records)-1].RecordedAt }

type answerTo struct {
	p *pending
	a Answer
}

type repeatOf struct {
	p     *pending
	index int // of accepted
}

// decide works on one command of a batch: a repeat gets its first answer, a refusal its reason, an accepted command its events.
func (w *writer) decide(ctx context.Context, b *batch, p *pending, known map[uuid.UUID]eventstore.Command) error {
	now := w.source.Now()
	if p.req.ID == uuid.Nil {
		p.req.ID, p.made = w.source.newID(now), true
	}
	fingerprint := p.fingerprint
	if i, again := b.byID[p.req.ID]; again {
		first := &b.accepted[i]
		if first.fingerprint != fingerprint || first.p.req.Remark != p.req.Remark || !bytes.Equal(first.p.req.Personal, p.req.Personal) {
			b.refuse(p, domain.Refuse(domain.CommandReused, p.req.ID.String()))
			return nil
		}
		b.repeats = append(b.repeats, repeatOf{p, i})
		return nil
	}
	if c, again := known[p.req.ID]; again {
		return w.repeat(ctx, b, p, c, fingerprint)
	}

	c := &domain.Command{
		ID: p.req.ID, Actor: p.req.Actor, EffectiveOn: p.req.EffectiveOn, Body: p.req.Body, Now: now,
		NewID: func() uuid.UUID { return w.source.newID(now) },
	}
	if p.closes() { // nothing else names it, and its root is twenty hashes
		c.Tree = domain.TreeHead{Size: w.tree.Size(), Root: w.tree.Root()}
	}
	var rows []eventstore.Private
	var err error
	commit := func(document []byte) (*domain.Commitment, error) {
		row, sum, err := private.New(w.source.Random, w.source.newID(now), document)
		rows = append(rows, row)
		return &domain.Commitment{Private: row.ID, SHA256: sum}, err
	}
	if p.req.Personal != nil {
		if c.Personal, err = commit(p.req.Personal); err != nil {
			return err
		}
	}
	if p.req.Remark != "" {
		if c.Remark, err = commit(eventcodec.RemarkDocument(p.req.Remark)); err != nil {
			return err
		}
	}
	if err := w.find(ctx, b, c); err != nil {
		return err
	}
	events, err := domain.Decide(&w.book, c)
	if err != nil {
		refusal, ok := err.(*domain.Refusal)
		if !ok {
			return fmt.Errorf("decide %s: %w", p.req.ID, err)
		}
		b.refuse(p, refusal)
		return nil
	}
	if p.preview != nil {
		p.preview.take(w, events)
		b.answers = append(b.answers, answerTo{p, answer(c.ID, events, w.book.Currency().Decimals)})
		return nil
	}
	mark, records := w.book.Mark(), len(b.Records)
	b.Records, b.events = slices.Grow(b.Records, len(events)), slices.Grow(b.events, len(events))
	for i := range events {
		var of *[32]byte
		if i == 0 {
			of = &fingerprint
		}
		w.book.Evolve(&events[i])
		b.Records = append(b.Records, w.codec.Record(&events[i], of))
		if n := len(b.Records[len(b.Records)-1].Envelope); n > eventstore.MaxEnvelope {
			w.book.RollbackTo(mark)
			b.Records = b.Records[:records]
			b.refuse(p, domain.Refuse(domain.ListTooLong, "", fmt.Sprint(eventstore.MaxEnvelope), fmt.Sprint(n)))
			return nil
		}
	}
	if erased, ok := events[0].Body.(*domain.PersonErased); ok {
		if err := w.forget(ctx, b, erased); err != nil {
			return err
		}
	}
	for i := range events {
		b.events = append(b.events, &events[i])
	}
	b.Private = append(b.Private, rows...)
	b.byID[c.ID] = len(b.accepted)
	b.accepted = append(b.accepted, accepted{p, fingerprint, answer(c.ID, events, w.book.Currency().Decimals)})
	b.Commands = append(b.Commands, eventstore.Command{
		ID: c.ID, Fingerprint: fingerprint, First: events[0].Position, Last: events[len(events)-1].Position,
	})
	return nil
}

func (b *batch) refuse(p *pending, r *domain.Refusal) {
	b.answers = append(b.answers, answerTo{p, Answer{Command: p.req.ID, Refusal: r}})
}

// refused returns what was refused in a batch that turns out to be stored, by which commands are known: it was decided then, between the
// others. Decided again it would stand after them.
func (b *batch) refused(known map[uuid.UUID]eventstore.Command) map[*pending]*domain.Refusal {
	if b == nil || len(b.accepted) == 0 {
		return nil
	}
	if _, stored := known[b.accepted[0].p.req.ID]; !stored {
		return nil
	}
	refusals := map[*pending]*domain.Refusal{}
	for _, r := range b.answers {
		if r.a.Refusal != nil {
			refusals[r.p] = r.a.Refusal
		}
	}
	return refusals
}

// find reads from the log what the decision needs beyond the book.
func (w *writer) find(ctx context.Context, b *batch, c *domain.Command) error {
	for {
		need := domain.Needs(&w.book, c)
		if need.None() {
			return nil
		}
		if c.Found.Grants == nil {
			c.Found.Grants, c.Found.Events = map[uuid.UUID]*domain.Grant{}, map[uuid.UUID]*domain.Event{}
		}
		for _, id := range need.Events {
			e, err := w.event(ctx, b, id)
			if err != nil {
				return err
			}
			c.Found.Events[id] = e
		}
		for _, id := range need.Grants {
			events, err := w.subject(ctx, b, domain.GrantSubject(id))
			if err != nil {
				return err
			}
			c.Found.Grants[id] = domain.FoldGrant(events)
		}
	}
}

// event returns an event of the batch or of the log, or nil.
func (w *writer) event(ctx context.Context, b *batch, id uuid.UUID) (*domain.Event, error) {
	for _, e := range b.events {
		if e.ID == id {
			return e, nil
		}
	}
	record, err := w.store.Event(ctx, w.ledger, id)
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read event %s: %w", id, err)
	}
	return w.decode(&record)
}

func (w *writer) decode(r *eventstore.Record) (*domain.Event, error) {
	decoded, err := w.codec.Decode(r.Envelope)
	if err != nil {
		return nil, &IntegrityError{Position: r.Position, What: "envelope cannot be read: " + err.Error()}
	}
	return &decoded.Event, nil
}

// subject returns the events of a subject, of the log and then of the batch.
func (w *writer) subject(ctx context.Context, b *batch, subject string) ([]domain.Event, error) {
	var list []domain.Event
	err := w.store.Subject(ctx, w.ledger, subject, 1, 0, func(r *eventstore.Record) error {
		e, err := w.decode(r)
		if err == nil {
			list = append(list, *e)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the events of %s: %w", subject, err)
	}
	for i, e := range b.events {
		if slices.Contains(b.Records[i].Subjects, subject) {
			list = append(list, *e)
		}
	}
	return list, nil
}

// forget deletes the documents of a person and of all its aliases, and the remarks of the events that are about them.
func (w *writer) forget(ctx context.Context, b *batch, erased *domain.PersonErased) error {
	persons := w.book.Same(erased.Person)
	var subjects []string
	for _, id := range persons {
		subjects = append(subjects, domain.PersonSubject(id))
	}
	for _, code := range w.book.DonorsOf(persons) {
		subjects = append(subjects, domain.DonorSubject(code))
	}
	for _, subject := range subjects {
		events, err := w.subject(ctx, b, subject)
		if err != nil {
			return err
		}
		for i := range events {
			switch body := events[i].Body.(type) {
			case *domain.PersonErased:
				continue // why it was erased is to be kept
			case *domain.PersonRegistered:
				b.Erase = append(b.Erase, body.Personal.Private)
			case *domain.PersonCorrected:
				b.Erase = append(b.Erase, body.Personal.Private)
			}
			if r := events[i].Remark; r != nil {
				b.Erase = append(b.Erase, r.Private)
			}
		}
	}
	return nil
}

// repeat answers a command that was accepted before, or refuses it when it asks for something else.
func (w *writer) repeat(ctx context.Context, b *batch, p *pending, c eventstore.Command, fingerprint [32]byte) error {
	b.repeated = max(b.repeated, c.Last)
	events, err := w.eventsOf(ctx, b, c)
	if err != nil {
		return fmt.Errorf("read the first answer of %s: %w", c.ID, err)
	}
	same := c.Fingerprint == fingerprint
	if same {
		if same, err = w.sameTexts(ctx, b, p, &events[0]); err != nil {
			return err
		}
	}
	if !same {
		b.refuse(p, domain.Refuse(domain.CommandReused, c.ID.String()))
		return nil
	}
	a := answer(c.ID, events, w.book.Currency().Decimals)
	a.Repeat = true
	b.answers = append(b.answers, answerTo{p, a})
	return nil
}

// eventsOf returns the events of a command that was accepted before.
func (w *writer) eventsOf(ctx context.Context, b *batch, c eventstore.Command) ([]domain.Event, error) {
	events := make([]domain.Event, 0, c.Last-c.First+1)
	for at := c.First; at <= c.Last; at++ {
		e := b.firsts[at]
		if e == nil {
			break
		}
		events = append(events, *e)
	}
	if int64(len(events)) == c.Last-c.First+1 {
		return events, nil
	}
	events = events[:0]
	err := w.store.Read(ctx, w.ledger, c.First, c.Last, func(r *eventstore.Record) error {
		e, err := w.decode(r)
		if err == nil {
			events = append(events, *e)
		}
		return err
	})
	return events, err
}

// sameTexts compares the private texts of a request with those of the command that was accepted, as far as they still exist.
func (w *writer) sameTexts(ctx context.Context, b *batch, p *pending, first *domain.Event) (bool, error) {
	var then []*domain.Commitment
	var now [][]byte
	switch body := first.Body.(type) {
	case *domain.PersonRegistered:
		then, now = append(then, &body.Personal), append(now, p.req.Personal)
	case *domain.PersonCorrected:
		then, now = append(then, &body.Personal), append(now, p.req.Personal)
	}
	if (first.Remark == nil) != (p.req.Remark == "") {
		return false, nil
	}
	if first.Remark != nil {
		then, now = append(then, first.Remark), append(now, eventcodec.RemarkDocument(p.req.Remark))
	}
	if len(then) == 0 {
		return true, nil
	}
	var ids []uuid.UUID
	for _, c := range then {
		ids = append(ids, c.Private)
	}
	rows, err := w.store.Private(ctx, w.ledger, ids)
	if err != nil {
		return false, fmt.Errorf("read private texts: %w", err)
	}
	for i, c := range then {
		if slices.Contains(b.Erase, c.Private) {
			continue // erased before it in this very batch
		}
		if row, exists := rows[c.Private]; exists && !private.Opens(&row, now[i]) {
			return false, nil
		}
	}
	return true, nil
}
