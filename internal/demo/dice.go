package demo

import (
	"crypto/sha256"
	"math/bits"
	"math/rand/v2"
	"strconv"
)

// newStream returns the random stream of a seed for one purpose. ChaCha8 is specified to the byte, so it is the same in every version.
func newStream(seed uint64, purpose string) *rand.ChaCha8 {
	return rand.NewChaCha8(sha256.Sum256([]byte("soquy demo " + strconv.FormatUint(seed, 10) + " " + purpose)))
}

// dice draws from a stream. What it makes of the stream's words is its own, and not left to a library that may change.
type dice struct{ src rand.Source }

func newDice(seed uint64, purpose string) dice { return dice{newStream(seed, purpose)} }

// n draws from 0 … n-1.
func (d dice) n(n int) int {
	hi, _ := bits.Mul64(d.src.Uint64(), uint64(n))
	return int(hi)
}

// between draws from lo … hi, both included.
func (d dice) between(lo, hi int) int { return lo + d.n(hi-lo+1) }

// percent is true in p of a hundred cases.
func (d dice) percent(p int) bool { return d.n(100) < p }

func pick[T any](d dice, list []T) T { return list[d.n(len(list))] }

// weighted draws an index by weights, which are not all zero.
func (d dice) weighted(weights []int) int {
	sum := 0
	for _, w := range weights {
		sum += w
	}
	at := d.n(sum)
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}

func shuffle[T any](d dice, list []T) {
	for i := len(list) - 1; i > 0; i-- {
		j := d.n(i + 1)
		list[i], list[j] = list[j], list[i]
	}
}

// allocate divides a total by weights into whole parts that add up to it exactly. What the division leaves over goes to the first
// parts that have a weight, one each.
func allocate(total int64, weights []int64) []int64 {
	var sum, given int64
	for _, w := range weights {
		sum += w
	}
	parts := make([]int64, len(weights))
	for i, w := range weights {
		hi, lo := bits.Mul64(uint64(total), uint64(w))
		q, _ := bits.Div64(hi, lo, uint64(sum))
		parts[i] = int64(q)
		given += parts[i]
	}
	for i := 0; given < total; i = (i + 1) % len(parts) {
		if weights[i] > 0 {
			parts[i]++
			given++
		}
	}
	return parts
}
