package audit

import (
	"strings"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
)

// A reference is so many letters and digits in a row, of which so many are digits: longer than a date, a phone's area or most amounts.
const (
	referenceLength = 8
	referenceDigits = 6
)

// A remarked is an entry at the bank that has a remark, in which treasurers note the bank's reference.
type remarked struct {
	entry
	private uuid.UUID
}

// addRemark notes what rests on the bank's word. A reversal names what it undoes.
func (a *Anomalies) addRemark(e *domain.Event) {
	if _, undoes := e.Body.(*domain.EntryReversed); undoes || e.Remark == nil || !a.within(e) {
		return
	}
	var in, out int64
	for _, f := range e.Effects() {
		switch {
		case f.Asset != domain.Bank:
		case f.Posted > 0:
			in += f.Posted
		default:
			out -= f.Posted
		}
	}
	if amount := max(in, out); amount > 0 { // between two funds the same is in and out
		a.remarks = append(a.remarks, remarked{entry{e.Position, amount, e.EffectiveOn}, e.Remark.Private})
	}
}

// Remarks returns the private texts that [Anomalies.ReadRemark] should be given before the findings are asked for.
func (a *Anomalies) Remarks() []uuid.UUID {
	var ids []uuid.UUID
	for i := range a.remarks {
		if r := &a.remarks[i]; !a.reversed[r.position] {
			ids = append(ids, r.private)
		}
	}
	return ids
}

// ReadRemark looks at a remark that is still there.
func (a *Anomalies) ReadRemark(private uuid.UUID, text string) {
	if list := references(text); len(list) > 0 {
		a.references[private] = list
	}
}

// references returns the references in a text, each once, in capitals.
func references(text string) []string {
	var list []string
	words := strings.FieldsFunc(strings.ToUpper(text), func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z')
	})
	seen := map[string]bool{}
	for _, w := range words {
		digits := 0
		for i := range len(w) {
			if w[i] <= '9' {
				digits++
			}
		}
		if len(w) >= referenceLength && digits >= referenceDigits && !seen[w] {
			seen[w] = true
			list = append(list, w)
		}
	}
	return list
}

func (a *Anomalies) duplicateReferences() []Finding {
	groups := map[string][]entry{}
	for i := range a.remarks {
		r := &a.remarks[i]
		for _, reference := range a.references[r.private] {
			groups[reference] = append(groups[reference], r.entry)
		}
	}
	var found []Finding
	for reference, list := range groups {
		if list = a.standing(list); len(list) > 1 {
			found = append(found, Finding{Rule: DuplicateReference, Reference: reference}.of(list))
		}
	}
	return found
}
