package storetest

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore"
)

// AskSubjects asks a store for the events of subjects, all of them and those from within their positions to within, and for the whole index
// of a ledger. want has the positions of every subject that there is, in order.
func AskSubjects(t *testing.T, s eventstore.Store, ledger uuid.UUID, want map[string][]int64, subjects ...string) {
	t.Helper()
	ctx := t.Context()
	for _, subject := range subjects {
		all := want[subject]
		in := all[len(all)/4 : len(all)-len(all)/3]
		for _, part := range [][]int64{all, in} {
			from, to := int64(1), int64(0)
			if len(part) < len(all) {
				from, to = part[0], part[len(part)-1]
			}
			var got []int64
			err := s.Subject(ctx, ledger, subject, from, to, func(r *eventstore.Record) error {
				got = append(got, r.Position)
				return nil
			})
			if err != nil || !slices.Equal(got, part) {
				t.Fatalf("%s from %d to %d: %d positions, not %d: %v", subject, from, to, len(got), len(part), err)
			}
		}
	}
	n, last := 0, eventstore.SubjectEntry{}
	err := s.AllSubjects(ctx, ledger, func(subject string, position int64) error {
		e := eventstore.SubjectEntry{Subject: subject, Position: position}
		if last.Compare(e) >= 0 || !slices.Contains(want[subject], position) {
			t.Fatalf("all: %v after %v", e, last)
		}
		last = e
		n++
		return nil
	})
	all := 0
	for _, list := range want {
		all += len(list)
	}
	if err != nil || n != all {
		t.Fatalf("all: %d entries, not %d: %v", n, all, err)
	}
}
