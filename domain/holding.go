package domain

import "slices"

// An Effect is what one line of an event does to one holding (fund × asset), from a day on. Amounts are minor units,
// quantities thousandths; those of money are 0.
type Effect struct {
	Fund                                             string
	Asset                                            Asset
	Day                                              Date
	Posted, Encumbered, Quantity, QuantityEncumbered int64
}

// negate returns the exact opposite of effects, on another day.
func negate(effects []Effect, day Date) []Effect {
	out := slices.Clone(effects)
	for i := range out {
		e := &out[i]
		e.Day = day
		e.Posted, e.Encumbered = -e.Posted, -e.Encumbered
		e.Quantity, e.QuantityEncumbered = -e.Quantity, -e.QuantityEncumbered
	}
	return out
}

// A Balance is what a holding has: posted, and the part of it that is reserved for grants not yet paid.
type Balance struct {
	Posted, Encumbered, Quantity, QuantityEncumbered int64
}

// Available is what is posted and not reserved, in minor units.
func (b Balance) Available() int64 { return b.Posted - b.Encumbered }

// AvailableQuantity is what is there of goods and not reserved, in thousandths.
func (b Balance) AvailableQuantity() int64 { return b.Quantity - b.QuantityEncumbered }

// Plus returns the balance after an effect.
func (b Balance) Plus(e Effect) Balance {
	b.Posted += e.Posted
	b.Encumbered += e.Encumbered
	b.Quantity += e.Quantity
	b.QuantityEncumbered += e.QuantityEncumbered
	return b
}

// holding is the curve of a holding: its balance from each day on that changed it, for ever. An entry of today looks at the end
// only; a late entry moves the days after it. The columns of goods are nil for money, so that a day costs 20 bytes.
type holding struct {
	goods              bool
	days               []Date
	posted, encumbered []int64
	quantity, reserved []int64
}

// at returns the index of the last change on or before a day, or -1.
func (h *holding) at(day Date) int {
	if n := len(h.days); n == 0 || h.days[n-1] <= day {
		return n - 1
	}
	i, found := slices.BinarySearch(h.days, day)
	if !found {
		i--
	}
	return i
}

func (h *holding) balance(i int) Balance {
	if i < 0 {
		return Balance{}
	}
	b := Balance{Posted: h.posted[i], Encumbered: h.encumbered[i]}
	if h.goods {
		b.Quantity, b.QuantityEncumbered = h.quantity[i], h.reserved[i]
	}
	return b
}

// on returns the balance at the end of a day.
func (h *holding) on(day Date) Balance { return h.balance(h.at(day)) }

// latest returns the balance over all days.
func (h *holding) latest() Balance { return h.balance(len(h.days) - 1) }

// free is what the rule "no day below zero" is about: the quantity of goods, the amount of money.
func (h *holding) free(i int) int64 {
	b := h.balance(i)
	if h.goods {
		return b.AvailableQuantity()
	}
	return b.Available()
}

// short returns the first day, from a day on, on which less than need is free, and what is free then.
func (h *holding) short(from Date, need int64) (day Date, free int64, isShort bool) {
	i := h.at(from)
	if free = h.free(i); free < need {
		return from, free, true
	}
	for i++; i < len(h.days); i++ {
		if free = h.free(i); free < need {
			return h.days[i], free, true
		}
	}
	return 0, 0, false
}

// add applies an effect from its day on, and reports whether that made a new day.
func (h *holding) add(e Effect) (inserted bool) {
	i := h.at(e.Day)
	if i < 0 || h.days[i] != e.Day {
		b := h.balance(i)
		i++
		h.days = slices.Insert(h.days, i, e.Day)
		h.posted = slices.Insert(h.posted, i, b.Posted)
		h.encumbered = slices.Insert(h.encumbered, i, b.Encumbered)
		if h.goods {
			h.quantity = slices.Insert(h.quantity, i, b.Quantity)
			h.reserved = slices.Insert(h.reserved, i, b.QuantityEncumbered)
		}
		inserted = true
	}
	for ; i < len(h.days); i++ {
		h.posted[i] += e.Posted
		h.encumbered[i] += e.Encumbered
		if h.goods {
			h.quantity[i] += e.Quantity
			h.reserved[i] += e.QuantityEncumbered
		}
	}
	return inserted
}

// undo takes an effect back that add applied.
func (h *holding) undo(e Effect, inserted bool) {
	i := h.at(e.Day)
	for j := i; j < len(h.days); j++ {
		h.posted[j] -= e.Posted
		h.encumbered[j] -= e.Encumbered
		if h.goods {
			h.quantity[j] -= e.Quantity
			h.reserved[j] -= e.QuantityEncumbered
		}
	}
	if !inserted {
		return
	}
	h.days = slices.Delete(h.days, i, i+1)
	h.posted = slices.Delete(h.posted, i, i+1)
	h.encumbered = slices.Delete(h.encumbered, i, i+1)
	if h.goods {
		h.quantity = slices.Delete(h.quantity, i, i+1)
		h.reserved = slices.Delete(h.reserved, i, i+1)
	}
}

// emptyFrom reports whether nothing is in the holding on a day and on every later day.
func (h *holding) emptyFrom(day Date) bool {
	for i := h.at(day); i < len(h.days); i++ {
		if h.balance(i) != (Balance{}) {
			return false
		}
	}
	return true
}
