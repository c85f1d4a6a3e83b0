package demo

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestAllocate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		weights := rapid.SliceOfN(rapid.Int64Range(0, 1_000_000), 1, 40).Filter(func(w []int64) bool {
			return slices.Max(w) > 0
		}).Draw(t, "weights")
		total := rapid.Int64Range(0, 100_000_000_000).Draw(t, "total")
		var sum, weight int64
		for _, w := range weights {
			weight += w
		}
		for i, part := range allocate(total, weights) {
			sum += part
			if weights[i] == 0 && part != 0 {
				t.Errorf("a part without weight has %d", part)
			}
			if weights[i] == weight && part != total {
				t.Errorf("the only part has %d of %d", part, total)
			}
		}
		if sum != total {
			t.Errorf("the parts are %d, want %d", sum, total)
		}
	})
}

// The dice's own arithmetic and the stream behind it are part of the pinned root.
func TestDice(t *testing.T) {
	d := newDice(1, "test")
	var have []int
	for range 8 {
		have = append(have, d.n(1_000))
	}
	seen := map[int]bool{}
	for range 200 {
		seen[d.weighted([]int{0, 3, 1})] = true
		if n := d.between(3, 5); n < 3 || n > 5 {
			t.Errorf("between 3 and 5: %d", n)
		}
	}
	if seen[0] || !seen[1] || !seen[2] {
		t.Errorf("by weights: %v", seen)
	}
	if again := newDice(1, "test"); again.n(1_000) != have[0] {
		t.Error("the same seed draws otherwise")
	}
	list := []int{1, 2, 3, 4, 5}
	shuffle(d, list)
	slices.Sort(list)
	if !slices.Equal(list, []int{1, 2, 3, 4, 5}) {
		t.Errorf("shuffled: %v", list)
	}
}
