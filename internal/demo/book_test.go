package demo

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A book takes the commands of a plan into a domain.Book, without a database, and keeps the events.
type book struct {
	t    testing.TB
	book domain.Book
	log  []domain.Event
	ids  uint64
	at   time.Time

	kept     map[int32][]uuid.UUID
	grants   map[uuid.UUID][]int // events of a grant, by index
	byID     map[uuid.UUID]int
	recorded int64
}

func newBook(t testing.TB, seed uint64) *book {
	b := &book{t: t, kept: map[int32][]uuid.UUID{}, grants: map[uuid.UUID][]int{}, byID: map[uuid.UUID]int{}}
	_, vkey := Key(seed)
	b.apply([]domain.Event{domain.OpenLedger(&domain.LedgerOpened{
		Ledger: uuid.UUID{15: 1}, Origin: Origin(seed), PublicKey: vkey, Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh", ClockGiven: true,
	}, b.newID(), opened())})
	return b
}

func (b *book) newID() uuid.UUID {
	b.ids++
	id := uuid.UUID{0: 2}
	binary.BigEndian.PutUint64(id[8:], b.ids)
	return id
}

func (b *book) apply(events []domain.Event) {
	for i := range events {
		e := &events[i]
		b.book.Evolve(e)
		b.byID[e.ID] = len(b.log)
		switch body := e.Body.(type) {
		case *domain.Granted:
			b.grants[e.ID] = append(b.grants[e.ID], len(b.log))
		case *domain.GrantDisbursed:
			b.grants[body.Grant] = append(b.grants[body.Grant], len(b.log))
		case *domain.GrantCancelled:
			b.grants[body.Grant] = append(b.grants[body.Grant], len(b.log))
		case *domain.GrantReturned:
			b.grants[body.Grant] = append(b.grants[body.Grant], len(b.log))
		case *domain.EntryReversed:
			if id, ok := grantOf(body.Event, body.Entry); ok {
				b.grants[id] = append(b.grants[id], len(b.log))
			}
		}
		b.log = append(b.log, *e)
	}
}

// grantOf returns the grant that an entry is about.
func grantOf(id uuid.UUID, entry domain.EventBody) (uuid.UUID, bool) {
	switch body := entry.(type) {
	case *domain.Granted:
		return id, true
	case *domain.GrantDisbursed:
		return body.Grant, true
	case *domain.GrantCancelled:
		return body.Grant, true
	case *domain.GrantReturned:
		return body.Grant, true
	}
	return uuid.Nil, false
}

func (b *book) record(s step) error {
	b.recorded++
	if s.at.Before(b.at) {
		return fmt.Errorf("the clock goes back from %s to %s", b.at, s.at)
	}
	b.at = s.at
	if err := domain.Validate(s.req.Body); err != nil {
		return fmt.Errorf("%s: %w", s.req.Body.Type(), err)
	}
	c := &domain.Command{ID: b.newID(), Actor: s.req.Actor, EffectiveOn: s.req.EffectiveOn, Body: s.req.Body, Now: s.at, NewID: b.newID}
	if s.req.Personal != nil {
		c.Personal = &domain.Commitment{Private: b.newID()}
	}
	if s.req.Remark != "" {
		c.Remark = &domain.Commitment{Private: b.newID()}
	}
	for n := domain.Needs(&b.book, c); !n.None(); n = domain.Needs(&b.book, c) {
		if c.Found.Grants == nil {
			c.Found = domain.Found{Grants: map[uuid.UUID]*domain.Grant{}, Events: map[uuid.UUID]*domain.Event{}}
		}
		for _, id := range n.Grants {
			var events []domain.Event
			for _, i := range b.grants[id] {
				events = append(events, b.log[i])
			}
			c.Found.Grants[id] = domain.FoldGrant(events)
		}
		for _, id := range n.Events {
			c.Found.Events[id] = &b.log[b.byID[id]]
		}
	}
	events, err := domain.Decide(&b.book, c)
	if err != nil {
		return fmt.Errorf("%s effective on %s, recorded at %s: %w", s.req.Body.Type(), s.req.EffectiveOn, s.at, err)
	}
	b.apply(events)
	if s.key >= 0 {
		for i := range events {
			b.kept[s.key] = append(b.kept[s.key], events[i].ID)
		}
	}
	return nil
}

func (b *book) events(key int32) ([]uuid.UUID, error) {
	if b.kept[key] == nil {
		return nil, fmt.Errorf("op %d was not recorded yet", key)
	}
	return b.kept[key], nil
}
