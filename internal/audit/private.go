package audit

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/private"
)

// private notes the texts that an event commits to, and which subjects' erasure takes them away.
func (v *verification) private(e *domain.Event) {
	note := func(c *domain.Commitment) {
		v.committed[c.Private] = commitment{e.Position, c.SHA256}
		if _, isErasure := e.Body.(*domain.PersonErased); isErasure {
			return // why a person was erased is kept
		}
		for _, s := range e.Subjects() {
			v.texts[s] = append(v.texts[s], c.Private)
		}
	}
	switch body := e.Body.(type) {
	case *domain.PersonRegistered:
		note(&body.Personal)
	case *domain.PersonCorrected:
		note(&body.Personal)
	}
	if e.Remark != nil {
		note(e.Remark)
	}
}

// erase notes what the erasure of a person took away. It is called before the event is applied.
func (v *verification) erase(position int64, e *domain.PersonErased) {
	persons := v.book.Same(e.Person)
	take := func(subject string) {
		for _, id := range v.texts[subject] {
			v.erased[id] = position
		}
	}
	for _, id := range persons {
		take(domain.PersonSubject(id))
	}
	for _, code := range v.book.DonorsOf(persons) {
		take(domain.DonorSubject(code))
	}
}

// privateTexts compares the texts that are there with what the events commit to: each opens its commitment, none is missing that was
// not erased, and none is there that was.
func (v *verification) privateTexts(ctx context.Context, through int64) error {
	there := map[uuid.UUID]bool{}
	err := v.log.AllPrivate(ctx, v.ledger, func(row eventstore.Private) error {
		there[row.ID] = true
		c, known := v.committed[row.ID]
		switch {
		case !known && v.cut: // it may be of an event that was not read
		case !known:
			v.fail(0, "private.stray", "id", row.ID)
		case private.Sum(&row) != c.sum:
			v.fail(c.position, "private.differs", "id", row.ID)
		}
		if at, isErased := v.erased[row.ID]; isErased && at <= through {
			v.fail(at, "private.kept", "id", row.ID)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read private texts: %w", err)
	}
	for id, c := range v.committed {
		if _, isErased := v.erased[id]; !isErased && !there[id] {
			v.fail(c.position, "private.missing", "id", id)
		}
	}
	return nil
}
