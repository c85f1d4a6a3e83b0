package export

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/projections"
)

// hledger writes what `hledger check -s` accepts: every account and the commodity are declared. An account is that of the books with
// the fund as its last part.
type hledger struct {
	w *bufio.Writer
	c money.Currency
}

func (h *hledger) begin(origin string) {
	fmt.Fprintf(h.w, "; The ledger %s, written by soquy: one transaction for each event that moved money or goods, in the order of the log.\n", origin)
	fmt.Fprintf(h.w, "; The last part of an account is the fund. Goods stand at their value; the tag quantity has how many.\n\n")
	sample := "1000."
	if h.c.Decimals > 0 {
		sample += strings.Repeat("0", h.c.Decimals)
	}
	fmt.Fprintf(h.w, "commodity %s %s\n\n", sample, h.c.Code)
}

func (h *hledger) entry(e *entry) {
	fmt.Fprintf(h.w, "%s", e.on)
	if e.code != "" {
		fmt.Fprintf(h.w, " (%s)", e.code)
	}
	fmt.Fprintf(h.w, " %s  ; type:%s, position:%d, event:%s", hledgerText.Replace(e.text), e.kind, e.position, e.id)
	if e.reverses != 0 {
		fmt.Fprintf(h.w, ", reverses:%d", e.reverses)
	}
	single := e.single()
	if single {
		fmt.Fprintf(h.w, ", fund:%s, unit:%s", e.postings[0].Fund, e.postings[0].Unit)
	}
	h.w.WriteByte('\n')
	for i := range e.postings {
		p := &e.postings[i]
		fmt.Fprintf(h.w, "    %s:%s  %s %s", p.Account, p.Fund, money.Format(p.Amount, h.c.Decimals), h.c.Code)
		var tags []string
		if !single {
			tags = append(tags, "fund:"+p.Fund, "unit:"+p.Unit)
		}
		if p.Quantity != 0 {
			tags = append(tags, "quantity:"+money.FormatQuantity(p.Quantity))
		}
		if len(tags) > 0 {
			fmt.Fprintf(h.w, "  ; %s", strings.Join(tags, ", "))
		}
		h.w.WriteByte('\n')
	}
	h.w.WriteByte('\n')
}

// hledgerText takes what would end a description, or begin a note in it, out of a sentence.
var hledgerText = strings.NewReplacer(";", ",", "|", "/", "\n", " ")

func (h *hledger) balances(on domain.Date, rows []projections.BalanceRow) {
	if len(rows) == 0 {
		return
	}
	fmt.Fprintf(h.w, "%s balances at the end of the month, as soquy has them\n", on)
	for i := range rows {
		r := &rows[i]
		fmt.Fprintf(h.w, "    %s:%s  0 %s = %s %s\n", domain.AssetAccount(r.Asset), r.Fund, h.c.Code,
			money.Format(r.Posted, h.c.Decimals), h.c.Code)
	}
	h.w.WriteByte('\n')
}

func (h *hledger) end(accounts []account, _ domain.Date, at At) {
	for _, a := range accounts {
		fmt.Fprintf(h.w, "account %s:%s\n", a.name, a.fund)
	}
	fmt.Fprintf(h.w, "\n; The ledger %s through position %d, root %s.\n", at.Origin, at.Position, at.Root)
}
