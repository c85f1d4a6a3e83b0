package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/ledger"
)

// list measures a list of awards as one command.
func (b *bench) list(ctx context.Context) error {
	if err := b.soquy.Create(ctx, originList); err != nil {
		return err
	}
	w, err := b.soquy.Writer(ctx, originList)
	if err != nil {
		return err
	}
	defer w.Close()
	f := &feeder{ctx: ctx, ledger: w.Ledger()}
	if err := f.found(1, 1); err != nil {
		return err
	}
	r := newRand(2)
	persons := make([]uuid.UUID, b.plan.List)
	for i := range persons {
		if persons[i], err = f.person(r, opening()); err != nil {
			return err
		}
	}
	if err := f.flush(); err != nil {
		return err
	}
	b.bar.at(0.3)
	levels, educations := domain.AchievementLevels(), domain.EducationLevels()
	for i := range b.plan.Repeat {
		if err := b.limit(ctx, 64, b.plan.Short); err != nil {
			return err
		}
		c := &domain.MakeGrant{
			Kind: domain.MeritAward, Fund: fundCode(0), Asset: domain.Cash, SchoolYear: "2024-2025",
			Recipients: make([]domain.Recipient, len(persons)),
			Decision:   &domain.Decision{Number: strconv.Itoa(i+1) + "/QĐ-HKH", Date: appendDay(), Issuer: "Hội Khuyến học tỉnh"},
		}
		for k := range c.Recipients {
			c.Recipients[k] = domain.Recipient{
				Person: persons[k], Amount: decimal(int64(1+r.IntN(20)) * 50_000),
				AchievementLevel: levels[r.IntN(len(levels))], EducationLevel: educations[r.IntN(4)],
			}
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		start := time.Now()
		a, err := w.Ledger().Do(ctx, ledger.Request{ID: id, EffectiveOn: appendDay(), Body: c})
		took := time.Since(start)
		if err != nil {
			return err
		}
		if a.Refusal != nil {
			return fmt.Errorf("the list was refused: %w", a.Refusal)
		}
		b.f.add(Row{Measure: "bulk-list", Text: "bulk-list", Args: []string{"awards", strconv.Itoa(b.plan.List)}, Unit: eventsPerSecond},
			rate(a.Last-a.First+1, took))
		b.bar.at(0.3 + 0.7*float64(i+1)/float64(b.plan.Repeat))
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("close the ledger: %w", err)
	}
	return nil
}

const (
	importFunds  = 100
	importDonors = 500
)

// importing measures `soquy record` of a file of donations, in the order of their days over three years. Each import is into a new ledger.
func (b *bench) importing(ctx context.Context) (err error) {
	path := filepath.Join(b.scratch, "donations.ndjson")
	for i := range b.imports() {
		if err := writeDonations(path, b.plan.Import, uint64(i)); err != nil {
			return fmt.Errorf("write the file to import: %w", err)
		}
		origin := originImport + strconv.Itoa(i)
		if err := b.soquy.Create(ctx, origin); err != nil {
			return err
		}
		w, err := b.soquy.Writer(ctx, origin)
		if err != nil {
			return err
		}
		f := &feeder{ctx: ctx, ledger: w.Ledger()}
		if err := errors.Join(f.found(importFunds, importDonors), w.Close()); err != nil {
			return err
		}
		if err := b.limit(ctx, 64, b.plan.Slice); err != nil {
			return err
		}
		start := time.Now()
		if err := b.soquy.Record(ctx, origin, path); err != nil {
			return err
		}
		b.f.add(Row{Measure: "import", Text: "import", Args: []string{"lines", strconv.Itoa(b.plan.Import)}, Unit: commandsPerSecond},
			rate(int64(b.plan.Import), time.Since(start)))
		b.bar.at(float64(i+1) / float64(b.imports()))
	}
	return os.Remove(path)
}

func writeDonations(path string, lines int, round uint64) (err error) {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	out := bufio.NewWriterSize(file, 1<<20)
	r := newRand(1<<24 + round)
	from, to := domain.NewDate(2022, time.January, 1), domain.NewDate(2024, time.December, 31)
	for i := range lines {
		asset := domain.Cash
		if r.IntN(3) == 0 {
			asset = domain.Bank
		}
		id, err := uuid.NewV7()
		if err != nil {
			return err
		}
		fmt.Fprintf(out, `{"id":"%s","type":"receive_donation","effective_on":"%s","data":{"fund":"%s","donor":"%s","lines":[{"asset":"%s","amount":"%d"}]}}`+"\n",
			id, day(from, to, float64(i)/float64(lines)), fundCode(r.IntN(importFunds)), donorCode(r.IntN(importDonors)),
			asset, (50+r.IntN(5_000))*1_000)
	}
	return out.Flush()
}
