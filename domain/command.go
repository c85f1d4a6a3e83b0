package domain

import (
	"time"

	"github.com/google/uuid"
)

// A Command asks for something to be recorded. Its Body says what; the rest is when, by whom, and what the shell hands in so
// that a decision needs nothing from outside.
type Command struct {
	ID          uuid.UUID
	Actor       string // an opaque code, or ""
	EffectiveOn Date
	Body        CommandBody

	// Remark and Personal are commitments to the private texts that came with the command; the texts never enter the domain.
	Remark, Personal *Commitment

	Now   time.Time        // the clock, read once a command
	NewID func() uuid.UUID // the source of event IDs
	Found Found            // what Needs asked to be read from the log
	Tree  TreeHead         // of the log before the command; for a close
}

// A CommandBody is one of the command types of this package.
type CommandBody interface {
	// Type is the command's name, such as "receive_donation".
	Type() string
	// validate checks what can be checked without a book.
	validate(*static)
	// decide checks the rest and, if nothing speaks against it, adds events.
	decide(*decision)
}

// A Commitment stands in an event for a private text: the ID of its erasable row, and SHA-256(salt ‖ RFC 8785 bytes).
type Commitment struct {
	Private uuid.UUID
	SHA256  [32]byte
}

// A TreeHead is the size and root hash of the log's tree.
type TreeHead struct {
	Size int64
	Root [32]byte
}

// Found is what was read from the log because the book does not keep it: settled grants and single events.
// A nil pointer says that there is no such thing.
type Found struct {
	Grants map[uuid.UUID]*Grant
	Events map[uuid.UUID]*Event
}

// A Need names what has to be read from the log before a command can be decided.
type Need struct {
	Grants []uuid.UUID // to be folded with FoldGrant
	Events []uuid.UUID
}

// None reports whether nothing is needed.
func (n Need) None() bool { return len(n.Grants) == 0 && len(n.Events) == 0 }

// Needs returns what the decision of a command needs beyond the book and what c.Found already has. The shell reads it, adds it
// to c.Found, and asks again until nothing is needed.
func Needs(b *Book, c *Command) Need {
	var n Need
	grant := func(id uuid.UUID) {
		if _, open := b.grants[id]; open {
			return
		}
		if _, found := c.Found.Grants[id]; !found {
			n.Grants = append(n.Grants, id)
		}
	}
	event := func(id uuid.UUID) {
		if _, found := c.Found.Events[id]; !found {
			n.Events = append(n.Events, id)
		}
	}
	switch body := c.Body.(type) {
	case *Disburse:
		for _, g := range body.Grants {
			grant(g.Grant)
		}
	case *CancelGrant:
		grant(body.Grant)
	case *ReturnGrant:
		grant(body.Grant)
	case *SettleCount:
		if _, open := b.counts[body.Count]; !open {
			event(body.Count)
		}
	case *Reverse:
		event(body.Event)
		if target := c.Found.Events[body.Event]; target != nil {
			if id, ok := grantOf(target); ok {
				grant(id)
			}
		}
	}
	return n
}

// Decide returns the events that a command makes, with their IDs and positions, or a *Refusal. It changes nothing; the caller
// applies the events with Book.Evolve, in order.
func Decide(b *Book, c *Command) ([]Event, error) {
	if err := Validate(c.Body); err != nil {
		return nil, err
	}
	d := &decision{b: b, c: c}
	d.now = c.Now.UTC().Truncate(time.Microsecond)
	if d.now.Before(b.recordedAt) {
		d.now = b.recordedAt
	}
	c.Body.decide(d)
	if err := d.err(); err != nil {
		return nil, err
	}
	if len(d.events) > 0 {
		d.events[0].Remark = c.Remark
	}
	return d.events, nil
}

// Validate checks what can be checked of a command without a book: forms, texts and lengths. The error is a *Refusal.
func Validate(body CommandBody) error {
	var s static
	body.validate(&s)
	return s.err()
}
