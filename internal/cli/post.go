package cli

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/projections"
)

// A builder makes the body of a command from flags and arguments; what is wrong with those it tells the form.
type builder func(f *form, args []string) domain.CommandBody

// records makes the command one that records: it gets the flags that all of these have.
func (c *command) records(build builder) *command {
	var (
		on                dateFlag
		remark, actor, id string
		dryRun            bool
	)
	c.date(&on, "on").text(&remark, "remark").text(&actor, "actor").text(&id, "id").yes(&dryRun, "dry-run")
	c.RunE = func(cmd *cobra.Command, args []string) error {
		return c.p.post(cmd.Context(), args, &posting{command: c, build: build, on: &on, remark: remark, actor: actor, id: id, dryRun: dryRun})
	}
	return c
}

// posting is one command that is to be recorded.
type posting struct {
	command           *command
	build             builder
	on                *dateFlag
	remark, actor, id string
	dryRun            bool
}

// post records one command and tells what became of it.
func (p *program) post(ctx context.Context, args []string, o *posting) (err error) {
	if o.actor != "" && !domain.ValidCode(o.actor) {
		return usage("code", "name", "--actor", "value", o.actor)
	}
	w, err := p.writer(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if closed := w.Close(); err == nil {
			err = closed
		}
	}()
	currency := w.Currency()
	p.cat = p.cat.In(currency.Code)
	f := &form{p: p, c: o.command, currency: currency}
	f.present = func(person uuid.UUID) (Personal, error) { return p.present(ctx, person) }
	req := ledger.Request{ID: f.id("--id", o.id), Actor: o.actor, EffectiveOn: o.on.date, Remark: o.remark}
	if !o.on.given {
		req.EffectiveOn = p.today(w.Ledger().Opened().TimeZone)
	}
	req.Body, req.Personal = o.build(f, args), f.personal
	words := func(r *domain.Refusal) string { return p.refusal(r, req.Body, f.where) }
	if f.err != nil {
		var r *domain.Refusal
		if errors.As(f.err, &r) {
			return p.refuse(&ledger.Answer{Command: req.ID, Refusal: r}, words)
		}
		return f.err
	}
	if o.dryRun {
		return p.preview(ctx, w, req, words)
	}
	a, err := w.Ledger().Do(ctx, req)
	if err != nil {
		return err
	}
	if a.Refusal != nil {
		return p.refuse(&a, words)
	}
	closed, isClose := req.Body.(*domain.ClosePeriod)
	switch {
	case p.json && isClose:
		return p.answerClose(ctx, &a, closed, words)
	case p.json:
		return p.answer(&a, words)
	}
	if err := p.confirm(ctx, &a, currency); err != nil || !isClose {
		return err
	}
	return p.tellClose(ctx, a.First, closed)
}

// answer prints an answer as record does.
func (p *program) answer(a *ledger.Answer, words func(*domain.Refusal) string) error {
	return p.write(append(a.AppendJSON(nil, 1, words), '\n'))
}

// refuse returns the refusal of an answer, which with --json is printed, too.
func (p *program) refuse(a *ledger.Answer, words func(*domain.Refusal) string) error {
	if p.json {
		if err := p.answer(a, words); err != nil {
			return err
		}
	}
	return &refused{a.Refusal, words(a.Refusal)}
}

// preview shows what a command would record.
func (p *program) preview(ctx context.Context, w Writer, req ledger.Request, words func(*domain.Refusal) string) error {
	preview, a, err := w.Ledger().Preview(ctx, req)
	if err != nil {
		return err
	}
	if a.Refusal != nil {
		return p.refuse(&a, words)
	}
	decimals := w.Currency().Decimals
	closed, isClose := req.Body.(*domain.ClosePeriod)
	if p.json {
		out := newPreviewJSON(preview, &a, decimals)
		if isClose {
			o, _, err := p.openBefore(ctx, 0, closed.Through, closed.Unit)
			if err != nil {
				return err
			}
			open := o.json(decimals)
			out.openItemsJSON = &open
		}
		return p.encode(out)
	}
	p.printf("%s\n", p.t("dry_run.title"))
	p.tell(preview.Events, &a, w.Currency())
	if isClose {
		return p.tellClose(ctx, 0, closed)
	}
	if len(preview.Holdings) == 0 {
		return nil
	}
	p.printf("\n")
	t := p.table("fund", "asset", "before>", "after>")
	for _, h := range preview.Holdings {
		t.row(h.Fund, p.cat.Asset(string(h.Asset)), p.free(h.Asset, h.Before, decimals), p.free(h.Asset, h.After, decimals))
	}
	t.print()
	return nil
}

// free writes what is available of a holding: money as an amount, goods as a quantity.
func (p *program) free(a domain.Asset, b domain.Balance, decimals int) string {
	if a.IsGoods() {
		return money.FormatQuantityLocal(b.AvailableQuantity(), p.locale())
	}
	return p.cat.Amount(money.Format(b.Available(), decimals))
}

// confirm tells what was recorded, as it stands in the log, and what is available now.
func (p *program) confirm(ctx context.Context, a *ledger.Answer, currency money.Currency) error {
	r, err := p.backend.Reader(ctx, p.target())
	if err != nil {
		return err
	}
	defer r.Close()
	var events []domain.Event
	err = r.Range(ctx, a.First, a.Last, func(e *domain.Event) error {
		events = append(events, *e)
		return nil
	})
	if err != nil {
		return err
	}
	title := "recorded.title"
	if a.Repeat {
		title = "recorded.repeat"
	}
	p.printf("%s\n", p.t(title))
	p.tell(events, a, currency)
	if err := p.tellAvailable(ctx, r, events, currency); err != nil {
		return err
	}
	p.tellMade(events)
	p.pair("position", p.positions(a.First, a.Last))
	return nil
}

// tell prints what the events of one command say.
func (p *program) tell(events []domain.Event, a *ledger.Answer, currency money.Currency) {
	first := &events[0]
	p.pair("what", p.recorded(events))
	p.pair("date", p.cat.Date(first.EffectiveOn.String()))
	for _, v := range a.Vouchers {
		p.pair("voucher", v.Number+" ("+v.Unit+")")
	}
	var sum, quantity int64
	has := false
	for i := range events {
		if events[i].Body.Type() != first.Body.Type() {
			break // the payments of grants that were told
		}
		v, q, ok := amountOf(events[i].Body)
		sum, quantity, has = sum+v, quantity+q, has || ok
	}
	if quantity != 0 {
		p.pair("quantity", money.FormatQuantityLocal(quantity, p.locale()))
	}
	if has {
		p.pair("amount", money.FormatCurrency(sum, currency, p.locale()))
		p.pair("words", money.Words(sum, currency, p.locale(), money.WordsOptions{}))
	}
	p.tellBody(first.Body, currency)
	if a.Open != nil {
		p.pair("open", p.cat.Count("open.grants", a.Open.Grants)+", "+p.cat.Count("open.pledges", a.Open.Pledges))
	}
}

// tellBody prints what the events of counts and closes say.
func (p *program) tellBody(body domain.EventBody, currency money.Currency) {
	switch b := body.(type) {
	case *domain.HoldingCounted:
		number := func(v int64) string {
			if b.Asset.IsGoods() {
				return money.FormatQuantityLocal(v, p.locale())
			}
			return p.amount(v, currency)
		}
		p.pair("counted", number(b.Counted))
		p.pair("book", number(b.Posted))
		switch {
		case b.Difference < 0:
			p.pair("difference", p.t("count.missing", "difference", number(b.Difference)))
		case b.Difference > 0:
			p.pair("difference", p.t("count.found", "difference", "+"+number(b.Difference)))
		default:
			p.pair("difference", p.t("count.same", "difference", number(0)))
		}
	case *domain.PeriodClosed:
		p.pair("through", p.date(b.Through))
		p.pair("scope", p.scope(b.Unit))
	case *domain.PeriodReopened:
		p.pair("from", p.date(b.From))
		p.pair("scope", p.scope(b.Unit))
	}
}

// scope says what a close binds.
func (p *program) scope(unit string) string {
	if unit == "" {
		return p.t("scope.ledger")
	}
	return p.t("scope.unit", "unit", unit)
}

// tellMade prints the IDs and codes by which what was recorded is named from now on.
func (p *program) tellMade(events []domain.Event) {
	var grants, others []domain.Event
	for i := range events {
		if _, isGrant := events[i].Body.(*domain.Granted); isGrant {
			grants = append(grants, events[i])
		} else {
			others = append(others, events[i])
		}
	}
	switch b := events[0].Body.(type) {
	case *domain.DonorRegistered:
		p.pair("donor", b.Code)
	case *domain.PersonRegistered:
		p.pair("person", b.Person.String())
	case *domain.HoldingCounted:
		if b.Difference != 0 {
			p.pair("count", p.t("count.settle", "count", events[0].ID.String(), "command", "soquy settle "+events[0].ID.String()+p.same()))
		}
	}
	if len(grants) > 0 {
		p.pair("grant", eventList(grants))
	}
	if len(others) > 0 {
		p.pair("event", eventList(others))
	}
}

// recorded names what was recorded: the event's kind, and how many of them.
func (p *program) recorded(events []domain.Event) string {
	kinds := map[string]int64{}
	var order []string
	for i := range events {
		kind := events[i].Body.Type()
		if kinds[kind]++; kinds[kind] == 1 {
			order = append(order, kind)
		}
	}
	var list []string
	for _, kind := range order {
		word := p.cat.Term("event", kind)
		if n := kinds[kind]; n > 1 {
			word += " × " + p.cat.Number(strconv.FormatInt(n, 10))
		}
		list = append(list, word)
	}
	if r, isReversal := events[0].Body.(*domain.EntryReversed); isReversal {
		return list[0] + ": " + p.cat.Term("event", r.Entry.Type())
	}
	return strings.Join(list, ", ")
}

// amountOf returns the money that an event is about, in minor units, and the quantity of goods.
func amountOf(body domain.EventBody) (amount, quantity int64, ok bool) {
	switch b := body.(type) {
	case *domain.DonationReceived:
		return domain.SumLines(b.Lines), 0, true
	case *domain.OpeningRecorded:
		return domain.SumLines(b.Lines), 0, true
	case *domain.Granted:
		return b.Amount, b.Quantity, true
	case *domain.GrantDisbursed:
		return b.Amount, b.Quantity, true
	case *domain.GrantCancelled:
		return b.Amount, b.Quantity, true
	case *domain.GrantReturned:
		return b.Amount, b.Quantity, true
	case *domain.ExpenseRecorded:
		return b.Amount, b.Quantity, true
	case *domain.FundsTransferred:
		return b.Amount, b.Quantity, true
	case *domain.HoldingMoved:
		return b.Amount, 0, true
	case *domain.CountSettled:
		return b.Amount, b.Quantity, true
	case *domain.PledgeMade:
		return b.Amount, 0, true
	case *domain.PledgeCancelled:
		return b.Amount, 0, true
	case *domain.EntryReversed:
		return amountOf(b.Entry)
	}
	return 0, 0, false
}

// tellAvailable prints what is available now in the holdings that the events changed.
func (p *program) tellAvailable(ctx context.Context, r Reader, events []domain.Event, currency money.Currency) error {
	type key struct {
		fund  string
		asset domain.Asset
	}
	touched := map[key]bool{}
	var codes []string
	for i := range events {
		for _, e := range events[i].Effects() {
			touched[key{e.Fund, e.Asset}] = true
			if !slices.Contains(codes, e.Fund) {
				codes = append(codes, e.Fund)
			}
		}
	}
	if len(codes) == 0 {
		return nil
	}
	return r.View(ctx, func(v View) error {
		rows, err := v.Balances(ctx, projections.BalanceQuery{Funds: codes})
		for i := range rows {
			b := &rows[i]
			if touched[key{b.Fund, b.Asset}] {
				text := p.free(b.Asset, b.Balance, currency.Decimals)
				if b.Measure != "" {
					text += " " + b.Measure
				}
				p.pair("available", p.t("recorded.available", "fund", b.Fund, "asset", p.cat.Asset(string(b.Asset)), "available", text))
			}
		}
		return err
	})
}

// manyEvents is from how many events on only the first and the last are listed.
const manyEvents = 10

func eventList(events []domain.Event) string {
	if len(events) > manyEvents {
		return events[0].ID.String() + " … " + events[len(events)-1].ID.String()
	}
	ids := make([]string, len(events))
	for i := range events {
		ids[i] = events[i].ID.String()
	}
	return strings.Join(ids, "\n"+strings.Repeat(" ", labelWidth+2))
}

func (p *program) positions(first, last int64) string {
	if first == last {
		return strconv.FormatInt(first, 10)
	}
	return strconv.FormatInt(first, 10) + "–" + strconv.FormatInt(last, 10)
}

// labelWidth is the room for what a line of a confirmation is about, in characters, beside its indent.
const labelWidth = 16

// pair prints one line of a confirmation.
func (p *program) pair(label, value string) {
	p.printf("  %s%s\n", pad(p.t("label."+label), labelWidth), value)
}
