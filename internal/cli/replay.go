package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/locale"
)

// A Replayer folds a log again.
type Replayer interface {
	// Replay folds the events through a moment into read models of a scratch database and compares them with the live ones: their
	// digests at the head; at a moment of the past, what both answer.
	Replay(ctx context.Context, t Target, at KnownAt, p Progress) (Replayed, error)
}

// A Replayed is what a replay came to.
type Replayed struct {
	Head        Head
	Projections []ReplayedProjection
	Answers     []ReplayedAnswer // compared; none at the head, where digests are
}

// OK reports whether the live read models say the same.
func (r *Replayed) OK() bool { return r.differs() == "" }

// differs names the first thing that does not agree, or "".
func (r *Replayed) differs() string {
	for i := range r.Projections {
		if m := &r.Projections[i]; m.Live != nil && *m.Live != m.Digest {
			return m.Name
		}
	}
	for _, a := range r.Answers {
		if !a.OK {
			return a.Name
		}
	}
	return ""
}

// A ReplayedProjection is a read model that was made again.
type ReplayedProjection struct {
	Name    string
	Version int
	Digest  [32]byte
	Live    *[32]byte // digest of the live rows; nil when they are of another position
}

// A ReplayedAnswer is a question that was put to the replayed and to the live read models.
type ReplayedAnswer struct {
	Name string // balances, totals, payments
	Rows int64
	OK   bool
}

type replayJSON struct {
	headJSON
	OK          bool                 `json:"ok"`
	Projections []replayedJSON       `json:"projections"`
	Answers     []replayedAnswerJSON `json:"answers"`
}

type replayedJSON struct {
	Name    string  `json:"name"`
	Version int     `json:"version"`
	Digest  string  `json:"digest"`
	Live    *string `json:"live"`
}

type replayedAnswerJSON struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Rows int64  `json:"rows"`
}

func (p *program) replayCommand() *command {
	var (
		to   knownFlag
		step bool
	)
	c := p.command("replay", "replay").yes(&step, "step")
	to.vietnamese = p.cat.Language == locale.Vietnamese
	c.Flags().Var(&to, "to", c.usageOf("to"))
	c.completes("to", nil)
	return c.runs(func(ctx context.Context, _ []string) error {
		if step {
			return p.steps(ctx, to.KnownAt)
		}
		b := p.bar(p.t("progress.replay"))
		r, err := p.backend.Replay(ctx, p.target(), to.KnownAt, b.progress())
		b.done()
		if err != nil {
			return err
		}
		p.past = !to.Now()
		if p.json {
			err = p.replayJSON(&r)
		} else {
			p.tellReplay(&r)
		}
		if err != nil {
			return err
		}
		if name := r.differs(); name != "" {
			return &Failure{Code: "replay.differs", Exit: ExitIntegrity, Args: []domain.Arg{{Name: "name", Value: name}}}
		}
		return nil
	})
}

func (p *program) replayJSON(r *Replayed) error {
	answer := replayJSON{
		headJSON: newHeadJSON(r.Head), OK: r.OK(),
		Projections: make([]replayedJSON, len(r.Projections)), Answers: make([]replayedAnswerJSON, len(r.Answers)),
	}
	for i := range r.Projections {
		m := &r.Projections[i]
		answer.Projections[i] = replayedJSON{m.Name, m.Version, root64(m.Digest), nil}
		if m.Live != nil {
			live := root64(*m.Live)
			answer.Projections[i].Live = &live
		}
	}
	for i, a := range r.Answers {
		answer.Answers[i] = replayedAnswerJSON{a.Name, a.OK, a.Rows}
	}
	return p.encode(answer)
}

func (p *program) tellReplay(r *Replayed) {
	state := func(ok bool) string {
		if ok {
			return "OK"
		}
		return "FAIL"
	}
	p.printf("%s\n\n", p.cat.Count("replay.title", r.Head.Position))
	t := p.table("model", "version>", "digest", "compared")
	for i := range r.Projections {
		m := &r.Projections[i]
		compared := ""
		if m.Live != nil {
			compared = state(*m.Live == m.Digest)
		}
		t.row(p.cat.Term("projection", m.Name), itoa(int64(m.Version)), root64(m.Digest), compared)
	}
	t.print()
	if len(r.Answers) > 0 {
		p.printf("\n%s\n", p.t("replay.answers"))
		for _, a := range r.Answers {
			p.printf("  %-4s  %s\n", state(a.OK), p.t("replay.answer."+a.Name, "rows", p.count(a.Rows)))
		}
	}
	p.tail(r.Head)
}

type stepJSON struct {
	Position    int64        `json:"position"`
	Event       string       `json:"event"`
	EffectiveOn string       `json:"effective_on"`
	RecordedAt  string       `json:"recorded_at"`
	Type        string       `json:"type"`
	VI          string       `json:"vi"`
	EN          string       `json:"en"`
	Changes     []changeJSON `json:"changes"`
}

type changeJSON struct {
	Fund               string      `json:"fund"`
	Asset              string      `json:"asset"`
	EffectiveOn        string      `json:"effective_on"`
	Posted             string      `json:"posted"`
	Encumbered         string      `json:"encumbered"`
	Quantity           string      `json:"quantity"`
	QuantityEncumbered string      `json:"quantity_encumbered"`
	After              balanceStep `json:"after"`
}

type balanceStep struct {
	Posted             string `json:"posted"`
	Encumbered         string `json:"encumbered"`
	Available          string `json:"available"`
	Quantity           string `json:"quantity"`
	QuantityEncumbered string `json:"quantity_encumbered"`
}

// A holdingKey names a holding.
type holdingKey struct {
	fund  string
	asset domain.Asset
}

// errQuit ends a walk that the reader has seen enough of.
var errQuit = errors.New("quit")

// steps walks event by event and says what each did to which holding.
func (p *program) steps(ctx context.Context, to KnownAt) error {
	r, err := p.backend.Reader(ctx, p.target())
	if err != nil {
		return err
	}
	defer r.Close()
	var h Head
	err = r.ViewAt(ctx, to, func(v View) error { h = v.Head(); return nil })
	if err != nil {
		return err
	}
	p.cat, p.past = p.cat.In(h.Currency.Code), !to.Now()
	if p.json {
		if err := p.encode(newHeadJSON(h)); err != nil {
			return err
		}
	}
	wait := func() error { return nil }
	if isTerminal(p.in) && isTerminal(p.stdout) && !p.json {
		wait = p.waits(p.in)
	}
	after := map[holdingKey]domain.Balance{}
	vi, en := locale.New(locale.Vietnamese), locale.New(locale.English)
	err = r.Range(ctx, 1, h.Position, func(e *domain.Event) error {
		effects := e.Effects()
		balances := make([]domain.Balance, len(effects))
		for i := range effects {
			key := holdingKey{effects[i].Fund, effects[i].Asset}
			after[key] = after[key].Plus(effects[i])
			balances[i] = after[key]
		}
		if p.json {
			return p.stepJSON(vi, en, e, effects, balances, h.Currency)
		}
		p.step(e, effects, balances, h.Currency)
		if e.Position == h.Position {
			return nil
		}
		return wait()
	})
	if errors.Is(err, errQuit) {
		return nil
	}
	if err == nil && !p.json {
		p.tail(h)
	}
	return err
}

// waits returns what waits for a line of in between two events; a line that begins with q ends the walk, and so does the end of in.
func (p *program) waits(in io.Reader) func() error {
	lines := bufio.NewReader(in)
	return func() error {
		p.printf("%s ", p.t("replay.wait"))
		if err := p.out.Flush(); err != nil {
			return p.outputFailed(err)
		}
		line, err := lines.ReadString('\n')
		if err != nil || strings.HasPrefix(strings.ToLower(strings.TrimSpace(line)), "q") {
			return errQuit
		}
		return nil
	}
}

func (p *program) step(e *domain.Event, effects []domain.Effect, after []domain.Balance, c money.Currency) {
	p.printf("%s  %s  %s\n", p.count(e.Position), p.date(e.EffectiveOn), Sentence(p.cat, c, e))
	for i := range effects {
		f, b := &effects[i], &after[i]
		line := func(key string, change, left string) {
			p.printf("    %s\n", p.t(key, "fund", f.Fund, "asset", p.cat.Asset(string(f.Asset)), "change", change, "left", left))
		}
		if f.Posted != 0 {
			line("replay.posted", p.signed(f.Posted, c), p.amount(b.Posted, c))
		}
		if f.Encumbered != 0 {
			line("replay.encumbered", p.signed(f.Encumbered, c), p.amount(b.Encumbered, c))
		}
		if f.Quantity != 0 {
			line("replay.quantity", signedQuantity(f.Quantity, p.locale()), money.FormatQuantityLocal(b.Quantity, p.locale()))
		}
		if f.QuantityEncumbered != 0 {
			line("replay.quantity_encumbered", signedQuantity(f.QuantityEncumbered, p.locale()), money.FormatQuantityLocal(b.QuantityEncumbered, p.locale()))
		}
	}
}

func signedQuantity(v int64, l money.Locale) string {
	if v > 0 {
		return "+" + money.FormatQuantityLocal(v, l)
	}
	return money.FormatQuantityLocal(v, l)
}

func (p *program) stepJSON(vi, en *locale.Catalogue, e *domain.Event, effects []domain.Effect, after []domain.Balance, c money.Currency) error {
	decimals := c.Decimals
	s := stepJSON{
		Position: e.Position, Event: e.ID.String(), EffectiveOn: e.EffectiveOn.String(), RecordedAt: instantText(e.RecordedAt),
		Type: e.Body.Type(), VI: Sentence(vi, c, e), EN: Sentence(en, c, e),
		Changes: make([]changeJSON, len(effects)),
	}
	for i := range effects {
		f, b := &effects[i], &after[i]
		s.Changes[i] = changeJSON{
			Fund: f.Fund, Asset: string(f.Asset), EffectiveOn: f.Day.String(),
			Posted: money.Format(f.Posted, decimals), Encumbered: money.Format(f.Encumbered, decimals),
			Quantity: money.FormatQuantity(f.Quantity), QuantityEncumbered: money.FormatQuantity(f.QuantityEncumbered),
			After: balanceStep{
				money.Format(b.Posted, decimals), money.Format(b.Encumbered, decimals), money.Format(b.Available(), decimals),
				money.FormatQuantity(b.Quantity), money.FormatQuantity(b.QuantityEncumbered),
			},
		}
	}
	return p.encode(s)
}
