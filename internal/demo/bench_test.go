package demo

import (
	"testing"

	"github.com/google/uuid"
)

// nobody takes the commands of a plan and does nothing with them.
type nobody struct{}

func (nobody) record(step) error { return nil }

func (nobody) events(int32) ([]uuid.UUID, error) { return make([]uuid.UUID, 1_000), nil }

// BenchmarkPlan measures what the commands cost before anyone decides them.
func BenchmarkPlan(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		p, err := newPlan(1)
		if err != nil {
			b.Fatal(err)
		}
		if err := p.run(nobody{}); err != nil {
			b.Fatal(err)
		}
	}
}
