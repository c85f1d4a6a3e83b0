//go:build unix

package faults_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/cluster"
	"github.com/soquy/soquy/internal/ledger"
	postgresmodels "github.com/soquy/soquy/projections/postgres"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"

	"github.com/jackc/pgx/v5"
)

// A clock is the machine's, set forward or back.
type clock struct{ offset atomic.Int64 }

func (c *clock) now() time.Time        { return time.Now().Add(time.Duration(c.offset.Load())) }
func (c *clock) set(d time.Duration)   { c.offset.Store(int64(d)) }
func (c *clock) source() ledger.Source { return ledger.Source{Now: c.now, Random: rand.Reader} }
func (c *clock) date(days int) string  { return c.now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

func donationOn(day string) string {
	return `{"type":"receive_donation","effective_on":"` + day + `","data":{"fund":"HB","donor":"CTY","lines":[{"asset":"cash","amount":"1000"}]}}`
}

// timed is a ledger whose writer's clock a test sets.
type timed struct {
	t      *testing.T
	store  eventstore.Store
	id     uuid.UUID
	keys   ledger.Keyring
	signer note.Signer
	clock  *clock
	db     string
	server func(context.Context) (time.Time, error) // nil without a server
}

const timedOrigin = "example.org/soquy/clock"

func newTimed(t *testing.T, store eventstore.Store, db string, server func(context.Context) (time.Time, error)) *timed {
	t.Helper()
	w := &timed{t: t, store: store, db: db, keys: ledger.Keyring{Dir: t.TempDir()}, clock: &clock{}, server: server}
	t.Cleanup(func() { store.Close() })
	var err error
	w.id, _, err = ledger.Create(t.Context(), store, w.clock.source(), ledger.Opening{
		Origin: timedOrigin, Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh",
		PublicKey: func(origin string) (signer note.Signer, public string, err error) {
			w.signer, public, err = w.keys.Generate(origin)
			return w.signer, public, err
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	l := w.open()
	for _, line := range []string{
		`{"type":"register_unit","effective_on":"2017-03-05","data":{"code":"X","level":"commune","name":"Xã"}}`,
		`{"type":"open_fund","effective_on":"2017-03-05","data":{"code":"HB","unit":"X","name":"Quỹ"}}`,
		`{"type":"register_donor","effective_on":"2017-03-05","data":{"code":"CTY","kind":"organisation","name":"Công ty"}}`,
	} {
		w.accept(l, line)
	}
	w.close(l)
	return w
}

// verify checks all of the ledger.
func (w *timed) verify() {
	w.t.Helper()
	a := app.New(func(name string) string { return map[string]string{"SOQUY_KEYS": w.keys.Dir}[name] })
	v, err := a.Verify(w.t.Context(), cli.Target{DB: w.db}, nil)
	if err != nil || !v.OK {
		w.t.Errorf("verify: %v %+v", err, v.Failures)
	}
}

func (w *timed) try() (*ledger.Ledger, error) {
	public, err := ledger.PublicKey(w.t.Context(), w.store, w.id)
	if err != nil {
		w.t.Fatal(err)
	}
	signer, err := w.keys.Signer(timedOrigin, public)
	if err != nil {
		w.t.Fatal(err)
	}
	return ledger.Open(w.t.Context(), w.store, w.id, ledger.Options{Source: w.clock.source(), Signer: signer, HeadFile: w.keys, ServerClock: w.server})
}

func (w *timed) open() *ledger.Ledger {
	w.t.Helper()
	l, err := w.try()
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

func (w *timed) close(l *ledger.Ledger) {
	w.t.Helper()
	if err := l.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *timed) do(l *ledger.Ledger, line string) (ledger.Answer, error) {
	w.t.Helper()
	var p ledger.Parser
	req, err := p.Parse([]byte(line))
	if err != nil {
		w.t.Fatal(err)
	}
	return l.Do(w.t.Context(), req)
}

func (w *timed) accept(l *ledger.Ledger, line string) {
	w.t.Helper()
	if a, err := w.do(l, line); err != nil || a.Refusal != nil {
		w.t.Fatalf("%s: %v %v", line, a.Refusal, err)
	}
}

// instants returns when the events were recorded, as column and envelope say, and finds those that go back.
func (w *timed) instants() []time.Time {
	w.t.Helper()
	var all []time.Time
	err := w.store.Read(w.t.Context(), w.id, 1, 0, func(r *eventstore.Record) error {
		var e struct {
			RecordedAt time.Time `json:"recorded_at"`
		}
		if err := json.Unmarshal(r.Envelope, &e); err != nil {
			return err
		}
		if !e.RecordedAt.Equal(r.RecordedAt) {
			w.t.Errorf("position %d was recorded at %s, its envelope says %s", r.Position, r.RecordedAt, e.RecordedAt)
		}
		if n := len(all); n > 0 && e.RecordedAt.Before(all[n-1]) {
			w.t.Errorf("position %d was recorded at %s, the one before at %s", r.Position, e.RecordedAt, all[n-1])
		}
		all = append(all, e.RecordedAt)
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *timed) last() time.Time {
	w.t.Helper()
	all := w.instants()
	return all[len(all)-1]
}

// TestClockJumpsBack: the clock goes back an hour while the writer runs, and between two runs. The time of recording does not, and what
// may be the effective date follows the clock.
func TestClockJumpsBack(t *testing.T) {
	t.Parallel()
	store, db := sqliteStore(t)
	w := newTimed(t, store, db, nil)
	defer w.verify()
	l := w.open()
	w.accept(l, donationOn(w.clock.date(0)))
	before := w.last()
	w.clock.set(-time.Hour)
	w.accept(l, donationOn(w.clock.date(0)))
	if at := w.last(); !at.Equal(before) {
		t.Errorf("recorded at %s with a clock that is behind, want that of the event before, %s", at, before)
	}
	w.close(l)
	l = w.open()
	w.accept(l, donationOn(w.clock.date(0)))
	w.clock.set(time.Minute)
	w.accept(l, donationOn(w.clock.date(0)))
	if at := w.last(); !at.After(before) {
		t.Errorf("the clock has caught up, and what is recorded now bears %s", at)
	}
	w.close(l)
}

// TestClockJumpsAhead: on SQLite, where there is no other clock, a year ahead is believed, and later right times are not before it. A
// date in the future is refused by the clock as it is at that moment.
func TestClockJumpsAhead(t *testing.T) {
	t.Parallel()
	store, db := sqliteStore(t)
	w := newTimed(t, store, db, nil)
	defer w.verify()
	l := w.open()
	w.clock.set(365 * 24 * time.Hour)
	w.accept(l, donationOn(w.clock.date(0)))
	ahead, day := w.last(), w.clock.date(0)
	w.clock.set(0)
	w.accept(l, donationOn(w.clock.date(0)))
	if at := w.last(); !at.Equal(ahead) {
		t.Errorf("recorded at %s after %s", at, ahead)
	}
	if a, err := w.do(l, donationOn(day)); err != nil || a.Refusal == nil || a.Refusal.Code != "date.future" {
		t.Errorf("a donation of next year is answered with %v %v", a.Refusal, err)
	}
	w.close(l)
	w.close(w.open()) // and the next start has nothing against it
}

// TestClockAheadOfServer: on PostgreSQL a clock that is more than five minutes from the server's is refused, at the start and when it
// jumps under a writer that runs. Nothing is recorded under the wrong time, and recording goes on when the clock is right again.
func TestClockAheadOfServer(t *testing.T) {
	t.Parallel()
	c := cluster.Start(t, cluster.Options{})
	store, err := postgres.Open(t.Context(), c.URL(), postgres.Options{Mode: postgres.Create}, postgresmodels.New().Join)
	if err != nil {
		t.Fatal(err)
	}
	w := newTimed(t, store, c.URL(), func(ctx context.Context) (now time.Time, err error) {
		err = store.View(ctx, func(ctx context.Context, tx pgx.Tx) error {
			return tx.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&now)
		})
		return now, err
	})
	for _, d := range []time.Duration{-time.Hour, -6 * time.Minute, 6 * time.Minute, 365 * 24 * time.Hour} {
		w.clock.set(d)
		if l, err := w.try(); !errors.Is(err, ledger.ErrClockAhead) {
			t.Errorf("opened with a clock that is %s off: %v", d, err)
			if l != nil {
				w.close(l)
			}
		}
	}
	for _, d := range []time.Duration{-4 * time.Minute, 4 * time.Minute, 0} {
		w.clock.set(d)
		w.close(w.open())
	}
	l := w.open()
	w.accept(l, donationOn("2017-03-05"))
	for _, d := range []time.Duration{365 * 24 * time.Hour, -time.Hour} {
		before := len(w.instants())
		w.clock.set(d)
		a, err := w.do(l, donationOn("2017-03-05"))
		w.clock.set(0)
		// Back an hour the time of recording stays that of the event before, which is the server's.
		if d > 0 && !errors.Is(err, ledger.ErrClockAhead) || d < 0 && err != nil && !errors.Is(err, ledger.ErrClockAhead) {
			t.Errorf("with a clock that jumped by %s: %v %v", d, a.String(), err)
		}
		if n := len(w.instants()) - before; (err == nil) != (n == 1) {
			t.Errorf("with a clock that jumped by %s: %v, and %d events more", d, err, n)
		}
		if off := time.Until(w.last()).Abs(); off > 5*time.Minute {
			t.Errorf("after a jump by %s an event bears a time that is %s from the server's clock", d, off.Round(time.Minute))
		}
		w.accept(l, donationOn("2017-03-05"))
	}
	w.close(l)
	w.verify()
}

func sqliteStore(t *testing.T) (*sqlite.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "soquy.db")
	s, err := sqlite.Open(path, sqlite.Options{Mode: sqlite.Create}, sqlitemodels.New().Join)
	if err != nil {
		t.Fatal(err)
	}
	return s, path
}
