package cli

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"slices"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/audit"
	"github.com/soquy/soquy/projections"
)

type sampleJSON struct {
	headJSON
	Method     string          `json:"method"`
	Seed       string          `json:"seed"`
	From       *string         `json:"from"`
	To         *string         `json:"to"`
	Unit       string          `json:"unit"`
	Fund       string          `json:"fund"`
	Measures   []string        `json:"measures"`
	Currency   string          `json:"currency"`
	Population populationJSON  `json:"population"`
	Size       *int64          `json:"size"`
	Interval   *string         `json:"interval"`
	Start      *string         `json:"start"`
	Sample     []sampleRowJSON `json:"sample"`
	Hits       int64           `json:"hits"`
	Amount     string          `json:"amount"`
}

type populationJSON struct {
	Entries int64  `json:"entries"`
	Amount  string `json:"amount"`
}

type sampleRowJSON struct {
	Position    int64    `json:"position"`
	Event       string   `json:"event"`
	EffectiveOn string   `json:"effective_on"`
	RecordedAt  string   `json:"recorded_at"`
	Type        string   `json:"type"`
	Vouchers    []string `json:"vouchers"`
	Amount      string   `json:"amount"`
	Hits        int64    `json:"hits"`
	Funds       []string `json:"funds"`
	Units       []string `json:"units"`
	Sentence    string   `json:"sentence"`
}

// A sampled is what was drawn, and from what.
type sampled struct {
	method     audit.Method
	seed       string
	population audit.Population
	size       int64 // 0: an interval was given
	interval   int64 // of monetary units; else 0
	start      int64
	drawn      []audit.Drawn
	events     map[int64]*domain.Event
}

func (s *sampled) sum() (hits, amount int64) {
	for _, d := range s.drawn {
		hits, amount = hits+d.Hits, amount+d.Amount
	}
	return hits, amount
}

func (p *program) sampleCommand() *command {
	var (
		s                    sampled
		method               choice
		measures             choices
		from, to             dateFlag
		interval, table, raw string
		at                   knownFlag
	)
	c := p.command("sample", "sample").choice(&method, "method", plain(audit.Methods())).text(&raw, "seed")
	c.Flags().Int64Var(&s.size, "size", 0, c.usageOf("size"))
	c.completes("size", nil)
	c.text(&interval, "interval").date(&from, "from").date(&to, "to").code(&s.population.Unit, "unit", units)
	c.code(&s.population.Fund, "fund", funds).choices(&measures, "measure", projections.Measures()).text(&table, "csv").knownAt(&at)
	c.needs("method")
	return c.runs(func(ctx context.Context, _ []string) error {
		s.method, s.seed = audit.Method(method.value), raw
		s.population.From, s.population.To, s.population.Measures = from.pointer(), to.pointer(), measures.values
		if err := s.check(c.Flags().Changed("size"), interval != ""); err != nil {
			return err
		}
		return p.readerAt(ctx, at.KnownAt, func(r Reader, v View) error {
			if err := errors.Join(known(ctx, v, "unit", list(s.population.Unit)), known(ctx, v, "fund", list(s.population.Fund))); err != nil {
				return err
			}
			var err error
			if s.interval, err = p.aboveZero("--interval", interval, v.Head().Currency); err != nil {
				return err
			}
			if err := p.draw(ctx, r, v.Head(), &s); err != nil {
				return err
			}
			return p.tellSample(v.Head(), &s, table)
		})
	})
}

// check refuses what does not go together, before anything is opened.
func (s *sampled) check(size, interval bool) error {
	printable := func(r rune) bool { return r > ' ' && r < 0x7f }
	switch {
	case s.method != audit.Top && (s.seed == "" || len(s.seed) > 64 || strings.IndexFunc(s.seed, func(r rune) bool { return !printable(r) }) >= 0):
		return usage("seed", "value", s.seed)
	case s.method == audit.MUS && size == interval, s.method != audit.MUS && (interval || !size), size && s.size < 1:
		return usage("size")
	}
	return nil
}

// aboveZero reads an amount above zero; none is 0.
func (p *program) aboveZero(flag, text string, c money.Currency) (int64, error) {
	if text == "" {
		return 0, nil
	}
	f := form{p: p, currency: c}
	d := f.amount(flag, text)
	if f.err != nil {
		return 0, f.err
	}
	v, err := d.Minor(c.Decimals)
	if err != nil || v < 1 {
		return 0, usage("amount", "name", flag, "value", text)
	}
	return v, nil
}

// draw reads the population and draws the sample from it.
func (p *program) draw(ctx context.Context, r Reader, h Head, s *sampled) error {
	err := p.eachEvent(ctx, r, 1, h.Position, func(e *domain.Event) error { return s.population.Add(e) })
	if err == nil {
		switch s.method {
		case audit.MUS:
			if s.interval == 0 {
				s.interval = s.population.Interval(s.size)
			}
			s.drawn, s.start, err = s.population.MonetaryUnits(s.seed, s.interval)
		case audit.Random:
			s.drawn, err = s.population.Random(s.seed, s.size)
		case audit.Top:
			s.drawn, err = s.population.Top(s.size)
		}
	}
	switch {
	case errors.Is(err, audit.ErrNothing):
		return &Failure{Code: "sample.empty", Exit: ExitRefused, Err: err}
	case errors.Is(err, audit.ErrTooMuch):
		return &Failure{Code: "sample.too_large", Exit: ExitRefused, Err: err}
	case err != nil:
		return err
	}
	positions := make([]int64, len(s.drawn))
	for i := range s.drawn {
		positions[i] = s.drawn[i].Position
	}
	s.events, err = eventsAt(ctx, r, positions)
	return err
}

// eachEvent calls f with the events of positions from first to last, and shows how far it is.
func (p *program) eachEvent(ctx context.Context, r Reader, first, last int64, f func(*domain.Event) error) error {
	b := p.bar(p.t("progress.reading"))
	defer b.done()
	return r.Range(ctx, first, last, func(e *domain.Event) error {
		if e.Position&1023 == 0 || e.Position == last {
			b.set(e.Position-first+1, last-first+1)
		}
		return f(e)
	})
}

// eventsAt reads the events at some positions. Those near each other are read in one go.
func eventsAt(ctx context.Context, r Reader, positions []int64) (map[int64]*domain.Event, error) {
	const near = 1000
	events := make(map[int64]*domain.Event, len(positions))
	sorted := slices.Compact(slices.Sorted(slices.Values(positions)))
	for i := 0; i < len(sorted); {
		last := i
		for last+1 < len(sorted) && sorted[last+1]-sorted[last] <= near {
			last++
		}
		wanted := sorted[i : last+1]
		err := r.Range(ctx, wanted[0], wanted[len(wanted)-1], func(e *domain.Event) error {
			if e.Position == wanted[0] {
				kept := *e
				events[e.Position], wanted = &kept, wanted[1:]
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		i = last + 1
	}
	return events, nil
}

func (p *program) tellSample(h Head, s *sampled, file string) error {
	if file != "" {
		err := p.createFile(file, func(w io.Writer) error { return p.sampleCSV(w, h, s) })
		if err != nil || file == "-" {
			return err
		}
	}
	if p.json {
		return p.encode(p.newSampleJSON(h, s))
	}
	hits, amount := s.sum()
	p.printf("%s\n", p.t("sample.title."+string(s.method), "seed", s.seed))
	p.printf("%s\n", p.t("sample.population", "entries", p.count(s.population.Size()), "amount", p.amount(s.population.Amount(), h.Currency)))
	if s.method == audit.MUS {
		p.printf("%s\n", p.t("sample.interval", "interval", p.amount(s.interval, h.Currency), "start", p.amount(s.start, h.Currency)))
	}
	p.printf("%s\n\n", p.t("sample.drawn", "entries", p.count(int64(len(s.drawn))), "hits", p.count(hits), "amount", p.amount(amount, h.Currency)))
	if file != "" {
		p.printf("%s\n", p.t("sample.file", "path", file))
		p.tail(h)
		return nil
	}
	t := p.table("position>", "effective_on", "voucher", "amount>", "hits>", "id", "description")
	for _, d := range s.drawn {
		e := s.events[d.Position]
		t.row(p.count(d.Position), p.date(e.EffectiveOn), strings.Join(voucherNames(e), ", "), p.amount(d.Amount, h.Currency), p.count(d.Hits),
			e.ID.String(), Sentence(p.cat, h.Currency, e))
	}
	t.print()
	p.tail(h)
	return nil
}

// voucherNames are the vouchers of an event as UNIT/NUMBER.
func voucherNames(e *domain.Event) []string {
	names := []string{}
	for _, v := range e.Vouchers() {
		names = append(names, v.Unit+"/"+v.Number)
	}
	return names
}

func (p *program) newSampleJSON(h Head, s *sampled) sampleJSON {
	amount := func(v int64) string { return money.Format(v, h.Currency.Decimals) }
	answer := sampleJSON{
		headJSON: newHeadJSON(h), Method: string(s.method), Seed: s.seed, From: dateJSON(s.population.From), To: dateJSON(s.population.To),
		Unit: s.population.Unit, Fund: s.population.Fund, Measures: append([]string{}, s.population.Measures...), Currency: h.Currency.Code,
		Population: populationJSON{s.population.Size(), amount(s.population.Amount())}, Sample: make([]sampleRowJSON, len(s.drawn)),
	}
	if s.size > 0 {
		answer.Size = &s.size
	}
	if s.method == audit.MUS {
		interval, start := amount(s.interval), amount(s.start)
		answer.Interval, answer.Start = &interval, &start
	}
	for i, d := range s.drawn {
		e := s.events[d.Position]
		m, _ := audit.Moved(e.Body)
		answer.Sample[i] = sampleRowJSON{
			d.Position, e.ID.String(), e.EffectiveOn.String(), instantText(e.RecordedAt), e.Body.Type(), voucherNames(e), amount(d.Amount), d.Hits,
			m.Funds, m.Units, Sentence(p.cat, h.Currency, e),
		}
	}
	hits, sum := s.sum()
	answer.Hits, answer.Amount = hits, amount(sum)
	return answer
}

// sampleCSV writes the sample as a table for spreadsheets.
func (p *program) sampleCSV(w io.Writer, h Head, s *sampled) error {
	out := csv.NewWriter(w)
	rows := [][]string{{
		"position", "event", "effective_on", "recorded_at", "type", "vouchers", "amount", "currency", "fund", "unit", "hits", "sentence",
	}}
	for _, r := range p.newSampleJSON(h, s).Sample {
		rows = append(rows, []string{
			itoa(r.Position), r.Event, r.EffectiveOn, r.RecordedAt, r.Type, strings.Join(r.Vouchers, " "), r.Amount, h.Currency.Code,
			strings.Join(r.Funds, " "), strings.Join(r.Units, " "), itoa(r.Hits), r.Sentence,
		})
	}
	return out.WriteAll(rows)
}
