package demo

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/internal/ledger"
)

// inFlight is how many commands may wait for their answers: enough for the writer always to find a full batch.
const inFlight = 4_096

// Build records the demo of a seed in a ledger that was just made with Source and Key of the same seed. It tells how many commands were
// answered of how many. That any is refused is a mistake of the demo, and ends it with an error.
func Build(ctx context.Context, l *ledger.Ledger, seed uint64, clock *Clock, progress func(done, total int64)) error {
	p, err := newPlan(seed)
	if err != nil {
		return fmt.Errorf("plan the demo: %w", err)
	}
	s := &submitter{ctx: ctx, ledger: l, clock: clock, total: p.commands, progress: progress, kept: map[int32][]uuid.UUID{}}
	if err := p.run(s); err != nil {
		return fmt.Errorf("build the demo: %w", err)
	}
	for len(s.waiting) > 0 {
		if err := s.take(); err != nil {
			return fmt.Errorf("build the demo: %w", err)
		}
	}
	if progress != nil {
		progress(s.done, s.total)
	}
	return nil
}

// submitted is a command whose answer was not looked at yet.
type submitted struct {
	receipt *ledger.Receipt
	name    string
	key     int32
}

// submitter hands the commands to a ledger.
type submitter struct {
	ctx         context.Context
	ledger      *ledger.Ledger
	clock       *Clock
	waiting     []submitted // in order
	kept        map[int32][]uuid.UUID
	done, total int64
	progress    func(done, total int64)
}

const progressEvery = 512

func (s *submitter) record(c step) error {
	s.clock.Push(c.at)
	receipt, err := s.ledger.Submit(s.ctx, c.req, 0)
	if err != nil {
		return err
	}
	s.waiting = append(s.waiting, submitted{receipt, c.req.Body.Type(), c.key})
	for len(s.waiting) > inFlight || s.waiting[0].receipt.Ready() {
		if err := s.take(); err != nil {
			return err
		}
		if len(s.waiting) == 0 {
			return nil
		}
	}
	return nil
}

// take looks at the oldest answer, waiting for it.
func (s *submitter) take() error {
	first := s.waiting[0]
	s.waiting[0] = submitted{}
	s.waiting = s.waiting[1:]
	answer, err := first.receipt.Wait(s.ctx)
	if err != nil {
		return err
	}
	if answer.Refusal != nil {
		return fmt.Errorf("%s: %w", first.name, answer.Refusal)
	}
	if first.key >= 0 {
		s.kept[first.key] = answer.Events
	}
	s.done++
	if s.progress != nil && s.done%progressEvery == 0 {
		s.progress(s.done, s.total)
	}
	return nil
}

func (s *submitter) events(key int32) ([]uuid.UUID, error) {
	for s.kept[key] == nil {
		if len(s.waiting) == 0 {
			return nil, fmt.Errorf("a command depends on one that was not recorded before it")
		}
		if err := s.take(); err != nil {
			return nil, err
		}
	}
	return s.kept[key], nil
}
