package cli

import (
	"context"
	"slices"
	"strings"
)

// eventTypes are the types of events that this program records.
func eventTypes() []string {
	return []string{
		"ledger.opened", "ledger.rekeyed", "ledger.forked",
		"unit.registered", "unit.renamed", "unit.moved", "unit.merged", "unit.closed",
		"fund.opened", "fund.restricted", "fund.closed", "opening.recorded",
		"person.registered", "person.corrected", "person.merged", "person.erased",
		"donor.registered", "pledge.made", "pledge.cancelled", "donation.received",
		"award.granted", "scholarship.granted", "hardship.granted", "support.granted",
		"grant.disbursed", "grant.cancelled", "grant.returned",
		"expense.recorded", "funds.transferred", "holding.moved", "holding.counted", "count.settled",
		"entry.reversed", "period.closed", "period.reopened", "indicator.reported",
	}
}

func (p *program) eventsCommand() *command {
	var (
		from int64
		kind string
	)
	c := p.command("events", "events")
	c.Flags().Int64Var(&from, "from", 1, c.usageOf("from"))
	c.completes("from", nil)
	c.code(&kind, "type", fixed(eventTypes()))
	return c.runs(func(ctx context.Context, _ []string) error {
		if from < 1 {
			return usage("flag_value", "flag", "--from", "value", itoa(from))
		}
		if kind != "" && !slices.Contains(eventTypes(), kind) {
			return usage("choice", "value", kind, "words", strings.Join(eventTypes(), ", "))
		}
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		return r.Events(ctx, from, kind, func(envelope []byte) error {
			if err := p.write(envelope); err != nil {
				return err
			}
			return p.write([]byte{'\n'})
		})
	})
}
