package cli

import (
	"slices"
	"strconv"
	"strings"

	"github.com/soquy/soquy/domain"
)

// A place is where a line, a recipient or a payment of a command was given: a flag with its value or an argument, or a row of a file.
type place struct {
	flag, value string
	path        string
	row         int
	amountFlag  bool // the row has no amount, and takes that of --amount
}

// text names the place for people. field is what of it is meant, as the contract names it, or "".
func (l *place) text(p *program, field string) string {
	switch {
	case l.path == "" && l.value == "":
		return l.flag
	case l.path == "":
		return strings.TrimSpace(l.flag + " " + quoted(l.value))
	case l.amountFlag && (field == "amount" || field == "quantity"):
		return "--amount"
	case field != "":
		return p.t("place.column", "path", l.path, "row", strconv.Itoa(l.row), "column", field)
	}
	return p.t("place.row", "path", l.path, "row", strconv.Itoa(l.row))
}

// flagOf is the flag of a pointer into the contract's data whose flag is called otherwise.
func flagOf(pointer string) string {
	switch pointer {
	case "/effective_on":
		return "--on"
	case "/remark", "/actor", "/id":
		return "--" + pointer[1:]
	case "/data/from_asset":
		return "--from"
	case "/data/to_asset":
		return "--to"
	case "/data/decision/number":
		return "--decision"
	case "/data/decision/issuer":
		return "--decision-issuer"
	case "/data/payee":
		return "--payee, --payee-person, --payee-donor"
	case "/data/payee/organisation":
		return "--payee"
	case "/data/payee/donor":
		return "--payee-donor"
	}
	if field, isPersonal := strings.CutPrefix(pointer, "/data/personal/"); isPersonal {
		return "--" + field
	}
	return ""
}

// where turns a pointer into a command, as a refusal has it, into the flag or argument that holds what it points at.
func (f *form) where(pointer string) string {
	if flag := flagOf(pointer); flag != "" || pointer == "" {
		return flag
	}
	rest, inData := strings.CutPrefix(pointer, "/data/")
	if !inData {
		return pointer
	}
	name, rest, _ := strings.Cut(rest, "/")
	if slices.Contains([]string{"lines", "recipients", "grants"}, name) {
		index, field, _ := strings.Cut(rest, "/")
		if i, err := strconv.Atoi(index); err == nil && i >= 0 && i < len(f.places) {
			return f.places[i].text(f.p, field)
		}
		var flags []string
		for i := range f.places {
			flag := f.places[i].flag
			if f.places[i].path != "" {
				flag = "--list"
			}
			if !slices.Contains(flags, flag) {
				flags = append(flags, flag)
			}
		}
		if len(flags) > 0 {
			return strings.Join(flags, ", ")
		}
		return pointer
	}
	if f.c == nil {
		return pointer
	}
	if flag := strings.ReplaceAll(name, "_", "-"); f.c.Flags().Lookup(flag) != nil {
		return "--" + flag
	}
	if _, args, has := strings.Cut(f.c.Use, " "); has { // no command has more than one argument
		return strings.Trim(strings.TrimSuffix(args, "..."), "[]")
	}
	return pointer
}

// named says the names of arguments in a command's use, which are in capitals, in the language.
func (p *program) named(use string) string {
	var b strings.Builder
	for rest := use; rest != ""; {
		isName := rest[0] >= 'A' && rest[0] <= 'Z'
		n := strings.IndexFunc(rest, func(r rune) bool { return (r >= 'A' && r <= 'Z') != isName })
		if n < 0 {
			n = len(rest)
		}
		word := rest[:n]
		if name := "arg." + strings.ToLower(word); isName && p.cat.Has(name) {
			word = p.t(name)
		}
		b.WriteString(word)
		rest = rest[n:]
	}
	return b.String()
}

// refusal says a refusal in words. body is the command that was refused, or nil where it is not known; where names what a pointer
// points at, and is nil where it stays a pointer.
func (p *program) refusal(r *domain.Refusal, body domain.CommandBody, where func(pointer string) string) string {
	args, command := localeArgs(r.Args), ""
	for i := range args {
		if args[i].Name == "pointer" && where != nil {
			args[i].Value = where(args[i].Value)
		}
	}
	if body != nil {
		command = body.Type()
	}
	if r.Code == domain.GrantOverpaid || r.Code == domain.GrantOverReturned {
		if asset := assetOf(body, r.Arg("grant")); asset != "" { // the refusal does not say what its numbers are of
			args = append(args, localeArgs([]domain.Arg{{Name: "asset", Value: string(asset)}})...)
		}
	}
	return p.cat.Refusal(command, string(r.Code), args)
}

// assetOf is what a payment or return of a grant was asked in: money or goods; "" when it is not known.
func assetOf(body domain.CommandBody, grant string) domain.Asset {
	kind := func(amount, quantity bool) domain.Asset {
		switch {
		case amount:
			return domain.Cash
		case quantity:
			return domain.Goods("")
		}
		return ""
	}
	switch b := body.(type) {
	case *domain.ReturnGrant:
		return kind(b.Amount != "", b.Quantity != "")
	case *domain.Disburse:
		for i := range b.Grants {
			if g := &b.Grants[i]; g.Grant.String() == grant && (g.Amount != "" || g.Quantity != "") {
				return kind(g.Amount != "", g.Quantity != "")
			}
		}
	}
	return ""
}

// refused is a refusal with the sentence that tells it.
type refused struct {
	refusal *domain.Refusal
	words   string
}

func (r *refused) Error() string { return r.refusal.Error() }

func (r *refused) Unwrap() error { return r.refusal }
