package locale

import (
	"math/big"
	"strings"
	"time"
)

// An Arg is a named argument of a sentence, as the refusal or failure has it.
type Arg struct{ Name, Value string }

// Refusal says in words why a command was refused. command is its type, such as "transfer", for which a reason may have a sentence of
// its own; "" when it is not known.
func (c *Catalogue) Refusal(command, code string, args []Arg) string {
	return c.sentence("refusal."+code, command, args)
}

// Failure says in words why something could not be done. command is what was to be done, such as "demo", for which there may be a sentence
// of its own; "" for none.
func (c *Catalogue) Failure(command, code string, args []Arg) string {
	return c.sentence("failure."+code, command, args)
}

// sentence puts the arguments into a sentence as people of the language write them.
func (c *Catalogue) sentence(name, command string, args []Arg) string {
	var values []string
	asset := ""
	for _, a := range args {
		if a.Name == "asset" {
			asset = a.Value
		}
	}
	isGoods := strings.HasPrefix(asset, "goods:")
	for _, a := range args {
		values = append(values, a.Name, c.argument(name, a, asset != "" && !isGoods))
		if next := dayAfter(a.Value); a.Name == "through" && next != "" {
			values = append(values, "next", c.Date(next)) // the first day that is open
		}
	}
	for _, variant := range variants(command, args, isGoods) {
		if c.Has(name + variant) {
			name += variant
			break
		}
	}
	if !c.Has(name) {
		return strings.Join(values, " ") // a code of a newer version
	}
	return c.Text(name, values...)
}

// dayAfter is the day after a date, or "" when it is none.
func dayAfter(date string) string {
	day, err := time.Parse(time.DateOnly, date)
	if err != nil {
		return ""
	}
	return day.AddDate(0, 0, 1).Format(time.DateOnly)
}

// variants are the endings of the names of sentences that fit better than the one of the code alone, the best first.
func variants(command string, args []Arg, isGoods bool) []string {
	var list []string
	if command != "" {
		for _, a := range args {
			if a.Name == "pointer" {
				list = append(list, "."+command+"."+a.Value[strings.LastIndexAny(a.Value, "/-")+1:])
			}
		}
		list = append(list, "."+command)
	}
	if isSum(args) {
		list = append(list, ".sum")
	}
	if isGoods {
		list = append(list, ".goods")
	}
	if isWhole(args) {
		list = append(list, ".whole")
	}
	return list
}

// isSum reports whether an amount is within its limit: then it is a sum with it that is not.
func isSum(args []Arg) bool {
	var amount, limit big.Rat
	found := 0
	for _, a := range args {
		number := map[string]*big.Rat{"amount": &amount, "limit": &limit}[a.Name]
		if number == nil || len(a.Value) > 64 {
			continue
		}
		if _, ok := number.SetString(a.Value); ok {
			found++
		}
	}
	return found == 2 && amount.Cmp(&limit) <= 0
}

// isWhole reports whether a sentence is about the whole of a command or log, not one place in it.
func isWhole(args []Arg) bool {
	for _, a := range args {
		switch a.Name {
		case "pointer":
			return a.Value == ""
		case "position":
			return a.Value == "0"
		}
	}
	return false
}

func (c *Catalogue) argument(sentence string, a Arg, isMoney bool) string {
	switch a.Name {
	case "day", "latest", "through", "earliest", "until", "closed":
		return c.Date(a.Value)
	case "from":
		return c.Date(a.Value)
	case "instant", "first":
		return c.Instant(a.Value)
	case "position", "head", "available", "asked", "open", "paid", "amount", "limit", "length", "children", "funds":
		if isMoney {
			return c.Amount(a.Value)
		}
		return c.Number(a.Value)
	case "asset":
		return c.Asset(a.Value)
	case "kind":
		return c.Term("kind", a.Value)
	case "purpose":
		return c.Term("purpose", a.Value)
	case "level", "parent_level":
		return c.Term("level", a.Value)
	case "type":
		if strings.HasPrefix(sentence, "refusal.") {
			return c.Term("event", a.Value)
		}
	case "problem":
		return c.Problem(a.Value)
	case "what":
		return c.Term("what", a.Value)
	}
	return a.Value
}
