package export

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

// beancount writes what `bean-check` accepts.
type beancount struct {
	w *bufio.Writer
	c money.Currency
}

func (b *beancount) begin(origin string) {
	fmt.Fprintf(b.w, "; The ledger %s, written by soquy: one transaction for each event that moved money or goods, in the order of the log.\n", origin)
	fmt.Fprintf(b.w, "; The last part of an account is the fund. Goods stand at their value; quantity has how many.\n\n")
	fmt.Fprintf(b.w, "option \"operating_currency\" %q\n\n", b.c.Code)
}

func (b *beancount) entry(e *entry) {
	fmt.Fprintf(b.w, "%s * \"%s\"\n  type: %q\n  position: %d\n  event: %q\n", e.on, beancountText.Replace(e.text), e.kind, e.position, e.id)
	if e.code != "" {
		fmt.Fprintf(b.w, "  code: %q\n", e.code)
	}
	if e.reverses != 0 {
		fmt.Fprintf(b.w, "  reverses: %d\n", e.reverses)
	}
	single := e.single()
	if single {
		fmt.Fprintf(b.w, "  fund: %q\n  unit: %q\n", e.postings[0].Fund, e.postings[0].Unit)
	}
	for i := range e.postings {
		p := &e.postings[i]
		fmt.Fprintf(b.w, "  %s  %s %s\n", beancountAccount(account{p.Account, p.Fund}), money.Format(p.Amount, b.c.Decimals), b.c.Code)
		if !single {
			fmt.Fprintf(b.w, "    fund: %q\n    unit: %q\n", p.Fund, p.Unit)
		}
		if p.Quantity != 0 {
			fmt.Fprintf(b.w, "    quantity: %s\n", money.FormatQuantity(p.Quantity))
		}
	}
	b.w.WriteByte('\n')
}

// beancountText writes a sentence between quotes, in which Beancount takes every letter as it is.
var beancountText = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ")

// balances: a balance of Beancount's is that at the beginning of a day.
func (b *beancount) balances(on domain.Date, rows []projections.BalanceRow) {
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(b.w, "%s balance %s  %s %s\n", on+1, beancountAccount(account{domain.AssetAccount(r.Asset), r.Fund}),
			money.Format(r.Posted, b.c.Decimals), b.c.Code)
	}
	b.w.WriteByte('\n')
}

func (b *beancount) end(accounts []account, first domain.Date, at At) {
	for _, a := range accounts {
		fmt.Fprintf(b.w, "%s open %s %s\n", first, beancountAccount(a), b.c.Code)
	}
	fmt.Fprintf(b.w, "\n; The ledger %s through position %d, root %s.\n", at.Origin, at.Position, at.Root)
}

// beancountAccount writes an account as Beancount wants it: below one of its five, each part beginning with a capital or a digit, of
// letters, digits and hyphens alone. Two accounts never become one.
func beancountAccount(a account) string {
	parts := strings.Split(a.name, ":")
	switch parts[0] {
	case "transfers", "suspense":
		parts = append([]string{"equity"}, parts...)
	}
	goods := len(parts) == 3 && parts[1] == "goods" && parts[0] == "assets"
	for i, part := range parts {
		if goods && i == 2 {
			parts[i] = beancountCode(part)
			continue
		}
		parts[i] = strings.ReplaceAll(strings.ToUpper(part[:1])+part[1:], "_", "-")
	}
	return strings.Join(append(parts, beancountCode(a.fund)), ":")
}

// codeMark begins a code that cannot stand as it is.
const codeMark = "X--"

// beancountCode writes the code of a fund or an item: as it is where Beancount takes it, else with what it does not take as -hh, its
// value in hexadecimal digits.
func beancountCode(code string) string {
	plain := code[0] <= 'Z' && !strings.ContainsAny(code, "._") && !strings.HasPrefix(code, codeMark)
	if plain {
		return code
	}
	var out strings.Builder
	out.WriteString(codeMark)
	for i := range len(code) {
		if c := code[i]; c == '.' || c == '_' || c == '-' {
			fmt.Fprintf(&out, "-%02x", c)
		} else {
			out.WriteByte(c)
		}
	}
	return out.String()
}
