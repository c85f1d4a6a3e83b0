package postgres_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore"
	store "github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections/postgres"
)

// A path is the whole way of a command: queue, decide, encode, sign, append with all read models, durable commit.
type path struct {
	b      testing.TB
	url    string
	store  *store.Store
	models *postgres.Projections
	id     uuid.UUID
	ledger *ledger.Ledger
	limit  *pgx.Conn // to the bare table
	day    domain.Date
}

const benchFunds, benchDonors = 1_000, 5_000

func newPath(b testing.TB) *path {
	b.Helper()
	ctx := context.Background()
	p := &path{b: b, url: pgtest.Database(b), models: postgres.New(), day: domain.DateOf(time.Now()) - 100}
	var err error
	p.store, err = store.Open(ctx, p.url, store.Options{Mode: store.Create}, p.models.Join)
	p.check(err)
	var signer note.Signer
	p.id, _, err = ledger.Create(ctx, p.store, ledger.System(), ledger.Opening{
		Origin: "example.org/soquy/KH", Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh",
		PublicKey: func(origin string) (note.Signer, string, error) {
			skey, vkey, err := transparency.GenerateKey(rand.Reader, origin)
			if err == nil {
				signer, err = transparency.NewSigner(skey)
			}
			return signer, vkey, err
		},
	})
	p.check(err)
	p.ledger, err = ledger.Open(ctx, p.store, p.id, ledger.Options{Source: ledger.System(), Signer: signer})
	p.check(err)
	b.Cleanup(func() {
		p.check(p.ledger.Close())
		p.check(p.store.Close())
	})
	p.do(&domain.RegisterUnit{Code: "T", Level: domain.Province, Name: "Tỉnh"})
	p.many(benchFunds, func(i int) domain.CommandBody {
		return &domain.OpenFund{Code: fund(i), Unit: "T", Name: "Quỹ"}
	})
	p.many(benchDonors, func(i int) domain.CommandBody {
		return &domain.RegisterDonor{Code: fmt.Sprintf("D%05d", i), Kind: "organisation", Name: "Nhà tài trợ"}
	})
	p.limit, err = pgx.Connect(ctx, p.url)
	p.check(err)
	b.Cleanup(func() { p.limit.Close(context.Background()) })
	_, err = p.limit.Exec(ctx, `CREATE TABLE bare (ledger_id uuid, position bigint, event_id uuid, type text,
		effective_on date, recorded_at timestamptz, envelope bytea, PRIMARY KEY (ledger_id, position))`)
	p.check(err)
	return p
}

func fund(i int) string { return fmt.Sprintf("F%04d", i) }

func (p *path) check(err error) {
	p.b.Helper()
	if err != nil {
		p.b.Fatal(err)
	}
}

func (p *path) do(body domain.CommandBody) ledger.Answer {
	return p.request(ledger.Request{EffectiveOn: p.day, Body: body})
}

func (p *path) request(r ledger.Request) ledger.Answer {
	a, err := p.ledger.Do(context.Background(), r)
	if err != nil || a.Refusal != nil {
		p.b.Errorf("%T: %v %v", r.Body, a.Refusal, err)
	}
	return a
}

// many does n commands with 1,024 callers at once.
func (p *path) many(n int, body func(int) domain.CommandBody) {
	var next atomic.Int64
	var callers sync.WaitGroup
	for range 1_024 {
		callers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && !p.b.Failed(); i = int(next.Add(1)) - 1 {
				p.do(body(i))
			}
		})
	}
	callers.Wait()
	if p.b.Failed() {
		p.b.FailNow()
	}
}

func (p *path) donation(i, funds int) domain.CommandBody {
	return &domain.ReceiveDonation{Fund: fund(i * 7 % funds), Donor: fmt.Sprintf("D%05d", i*7919%benchDonors), Lines: []domain.LineInput{
		{Asset: domain.Cash, Amount: money.Decimal(fmt.Sprint(10_000 + i%1_000))},
	}}
}

// donations are made by callers for a while; it returns how many a second, and how long each waited.
func (p *path) donations(callers, funds int, d time.Duration) (rate float64, waits []time.Duration) {
	var next atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for range callers {
		all.Go(func() {
			var mine []time.Duration
			for time.Since(began) < d && !p.b.Failed() {
				t := time.Now()
				p.do(p.donation(int(next.Add(1)), funds))
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			defer mu.Unlock()
			waits = append(waits, mine...)
		})
	}
	all.Wait()
	slices.Sort(waits)
	return float64(len(waits)) / time.Since(began).Seconds(), waits
}

// events reads the last n events as the rows of the limit.
func (p *path) events(n int) []eventstore.Record {
	ctx := context.Background()
	h, err := p.store.Head(ctx, p.id)
	p.check(err)
	var list []eventstore.Record
	p.check(p.store.Read(ctx, p.id, h.Position()-int64(n)+1, 0, func(r *eventstore.Record) error {
		list = append(list, *r)
		return nil
	}))
	return list
}

// raw copies rows of the same bytes into a bare table with one primary key, so many a durable commit.
func (p *path) raw(batch int, d time.Duration) (rate float64, p50 time.Duration) {
	ctx := context.Background()
	columns := []string{"ledger_id", "position", "event_id", "type", "effective_on", "recorded_at", "envelope"}
	list := p.events(batch)
	id, n := uuid.New(), 0
	began := time.Now()
	var waits []time.Duration
	for time.Since(began) < d {
		t := time.Now()
		_, err := p.limit.CopyFrom(ctx, pgx.Identifier{"bare"}, columns, pgx.CopyFromSlice(batch, func(i int) ([]any, error) {
			r := &list[i]
			n++
			return []any{id, int64(n), r.ID, r.Type, domain.Date(r.EffectiveOn).Time(), r.RecordedAt, r.Envelope}, nil
		}))
		p.check(err)
		waits = append(waits, time.Since(t))
	}
	slices.Sort(waits)
	return float64(n) / time.Since(began).Seconds(), waits[len(waits)/2]
}

// BenchmarkPath measures the whole path beside the limit of the same minute: rounds of both take turns, and the medians are compared.
func BenchmarkPath(b *testing.B) {
	const round = time.Second
	for _, c := range []struct {
		name           string
		callers, funds int
		batch          int
	}{
		{"hot", 64, 1, 64},
		{"spread", 64, benchFunds, 64},
		{"one", 1, 1, 1},
	} {
		b.Run(c.name, func(b *testing.B) {
			p := newPath(b)
			p.donations(c.callers, c.funds, round) // warm
			for b.Loop() {
				var limits, rates, ones, waits, ratios []float64
				for range 5 {
					rate, p50 := p.raw(c.batch, round)
					limits, ones = append(limits, rate), append(ones, float64(p50.Microseconds()))
					got, list := p.donations(c.callers, c.funds, round)
					rates, waits = append(rates, got), append(waits, float64(list[len(list)/2].Microseconds()))
					ratios = append(ratios, got/rate)
				}
				b.ReportMetric(median(limits), "limit/s")
				b.ReportMetric(median(rates), "commands/s")
				b.ReportMetric(median(ratios), "of-limit")
				b.ReportMetric(median(ones), "limit-p50-µs")
				b.ReportMetric(median(waits), "p50-µs")
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}
