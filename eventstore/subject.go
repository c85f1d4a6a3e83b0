package eventstore

import (
	"cmp"
	"strings"
)

// A SubjectEntry says that the event at a position names a subject: one entry of the index of subjects.
type SubjectEntry struct {
	Subject  string
	Position int64
}

// Compare is the order of entries: by subject, bytewise, and position.
func (e SubjectEntry) Compare(o SubjectEntry) int {
	return cmp.Or(strings.Compare(e.Subject, o.Subject), cmp.Compare(e.Position, o.Position))
}

// SubjectEntries are entries in order, which are handed out among others that come in order.
type SubjectEntries []SubjectEntry

// Before takes the entries that come before another one, and calls yield with each.
func (s *SubjectEntries) Before(e SubjectEntry, yield func(subject string, position int64) error) error {
	for len(*s) > 0 && (*s)[0].Compare(e) < 0 {
		if err := yield((*s)[0].Subject, (*s)[0].Position); err != nil {
			return err
		}
		*s = (*s)[1:]
	}
	return nil
}

// Skip takes an entry if it is the next one.
func (s *SubjectEntries) Skip(e SubjectEntry) {
	if len(*s) > 0 && (*s)[0] == e {
		*s = (*s)[1:]
	}
}

// Rest takes all entries, and calls yield with each.
func (s *SubjectEntries) Rest(yield func(subject string, position int64) error) error {
	for ; len(*s) > 0; *s = (*s)[1:] {
		if err := yield((*s)[0].Subject, (*s)[0].Position); err != nil {
			return err
		}
	}
	return nil
}
