package locale

import "strings"

// An Arg is a named argument of a sentence, as the refusal or failure has it.
type Arg struct{ Name, Value string }

// Refusal says in words why a command was refused.
func (c *Catalogue) Refusal(code string, args []Arg) string { return c.sentence("refusal."+code, args) }

// Failure says in words why something could not be done.
func (c *Catalogue) Failure(code string, args []Arg) string { return c.sentence("failure."+code, args) }

// sentence puts the arguments into a sentence as people of the language write them.
func (c *Catalogue) sentence(name string, args []Arg) string {
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
	}
	for _, special := range []string{".goods", ".whole"} {
		if special == ".goods" && !isGoods || special == ".whole" && !isWhole(args) {
			continue
		}
		if c.Has(name + special) {
			name += special
			break
		}
	}
	if !c.Has(name) {
		return strings.Join(values, " ") // a code of a newer version
	}
	return c.Text(name, values...)
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
	case "position", "available", "asked", "open", "paid", "amount", "limit", "length", "children", "funds":
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
