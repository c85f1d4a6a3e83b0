package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/bench"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/ledger"
	postgresmodels "github.com/soquy/soquy/projections/postgres"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// BenchMeasures names what Bench can measure.
func (a *App) BenchMeasures() []string { return bench.Measures() }

// Bench measures soquy on a database that has nothing in it yet.
func (a *App) Bench(ctx context.Context, t cli.Target, o cli.BenchOptions, p cli.Progress) (cli.Bench, error) {
	scratch, err := os.MkdirTemp("", "soquy-bench-*")
	if err != nil {
		return cli.Bench{}, fmt.Errorf("make a folder for the benchmark: %w", err)
	}
	defer os.RemoveAll(scratch)
	s, err := a.benched(ctx, t, scratch)
	if err != nil {
		return cli.Bench{}, explained(err, t)
	}
	r, err := bench.Run(ctx, s, benchKind(t.DB), t.DB, bench.Options{Quick: o.Quick, Only: o.Only, Progress: p, Scratch: scratch})
	if err = errors.Join(err, s.db.Close()); err != nil {
		return cli.Bench{}, explained(err, t)
	}
	out := cli.Bench{Machine: r.Machine, Database: r.Database, Version: a.Version(), Rows: make([]cli.BenchRow, len(r.Rows))}
	for i, row := range r.Rows {
		out.Rows[i] = cli.BenchRow(row)
	}
	return out, nil
}

func benchKind(db string) bench.Kind {
	if isPostgres(db) {
		return bench.Postgres
	}
	return bench.SQLite
}

// benched is soquy as the benchmark uses it, on one database.
type benched struct {
	app  *App
	to   cli.Target
	db   database
	keys ledger.Keyring
	took *took

	program func() (string, error) // the path of soquy, for processes of their own
}

// benched refuses a database in which anything is.
func (a *App) benched(ctx context.Context, t cli.Target, scratch string) (*benched, error) {
	if err := addressed(t.DB); err != nil {
		return nil, err
	}
	err := bench.Empty(ctx, benchKind(t.DB), t.DB)
	if errors.Is(err, bench.ErrNotEmpty) {
		return nil, failure("bench.not_empty", cli.ExitUnusable, err, "path", shown(t.DB))
	}
	if err != nil {
		return nil, err
	}
	s := &benched{app: a, to: t, keys: a.keyring(t.DB), took: &took{}, program: os.Executable}
	if isPostgres(t.DB) {
		// The keys of these ledgers are of no use to anyone; those of an SQLite file are beside it.
		s.keys = ledger.Keyring{Dir: scratch + "/keys"}
		s.app = New(func(name string) string {
			if name == "SOQUY_KEYS" {
				return s.keys.Dir
			}
			return a.env(name)
		})
	} else if f := folderFailure(t.DB); f != nil {
		return nil, f
	}
	s.db, err = s.took.open(ctx, t.DB)
	if errors.Is(err, eventstore.ErrForeign) {
		return nil, failure("bench.not_empty", cli.ExitUnusable, err, "path", shown(t.DB))
	}
	if err != nil {
		return nil, err
	}
	heads, err := s.db.Ledgers(ctx)
	if err == nil && len(heads) > 0 {
		err = failure("bench.not_empty", cli.ExitUnusable, nil, "path", shown(t.DB))
	}
	if err != nil {
		return nil, errors.Join(err, s.db.Close())
	}
	return s, nil
}

func (s *benched) target(origin string) cli.Target { return cli.Target{DB: s.to.DB, Ledger: origin} }

func (s *benched) Create(ctx context.Context, origin string) error {
	_, _, err := ledger.Create(ctx, s.db, ledger.System(), ledger.Opening{
		Origin: origin, Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh",
		PublicKey: func(origin string) (note.Signer, string, error) { return s.keys.Generate(origin) },
	})
	return err
}

func (s *benched) Writer(ctx context.Context, origin string) (bench.Writer, error) {
	b, err := s.app.find(ctx, s.db, s.target(origin))
	if err != nil {
		return nil, err
	}
	w, err := s.app.writer(ctx, b, s.target(origin), ledger.System(), nil)
	if err != nil {
		return nil, err
	}
	return &benchWriter{w, s}, nil
}

// unsaved is a database in which no snapshot is found, and none saved.
type unsaved struct{ database }

func (unsaved) Snapshots(context.Context, uuid.UUID) ([]eventstore.Snapshot, error) { return nil, nil }

func (unsaved) SaveSnapshot(context.Context, uuid.UUID, eventstore.Snapshot) error { return nil }

func (s *benched) Replay(ctx context.Context, origin string) (time.Duration, error) {
	b, err := s.app.find(ctx, unsaved{s.db}, s.target(origin))
	if err != nil {
		return 0, err
	}
	start := time.Now()
	w, err := s.app.writer(ctx, b, s.target(origin), ledger.System(), nil)
	if err != nil {
		return 0, fmt.Errorf("replay the book: %w", err)
	}
	took := time.Since(start)
	return took, w.ledger.Close()
}

func (s *benched) Reader(ctx context.Context, origin string) (bench.Reader, error) {
	r, err := s.app.Reader(ctx, s.target(origin))
	if err != nil {
		return nil, err
	}
	return benchReader{r}, nil
}

type benchReader struct{ cli.Reader }

func (r benchReader) View(ctx context.Context, f func(bench.View) error) error {
	return r.Reader.View(ctx, func(v cli.View) error { return f(v) })
}

func (r benchReader) ViewAt(ctx context.Context, position int64, f func(bench.View) error) error {
	return r.Reader.ViewAt(ctx, cli.KnownAt{Position: position}, func(v cli.View) error { return f(v) })
}

func (s *benched) Rebuild(ctx context.Context, origin string) error {
	_, err := s.app.Rebuild(ctx, s.target(origin), nil, nil)
	return err
}

func (s *benched) Verify(ctx context.Context, origin string) error {
	v, err := s.app.Verify(ctx, s.target(origin), nil)
	if err == nil && !v.OK {
		err = fmt.Errorf("verify found %d failures: %v", len(v.Failures), v.Failures[:min(3, len(v.Failures))])
	}
	return err
}

func (s *benched) Record(ctx context.Context, origin, path string) error {
	var stderr strings.Builder
	code := cli.Main(ctx, s.command(origin, path), strings.NewReader(""), io.Discard, &stderr, s.app.env, s.app)
	if code != cli.ExitDone {
		return fmt.Errorf("soquy record: exit code %d: %s", code, strings.TrimSpace(stderr.String()))
	}
	return nil
}

func (s *benched) command(origin, path string) []string {
	return []string{"record", path, "--db", s.to.DB, "--ledger", origin, "--lang", "en"}
}

func (s *benched) Process(ctx context.Context, origin string) (*exec.Cmd, error) {
	program, err := s.program()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, program, s.command(origin, "-")...)
	cmd.Env = os.Environ()
	if isPostgres(s.to.DB) {
		cmd.Env = append(cmd.Env, "SOQUY_KEYS="+s.keys.Dir)
	}
	return cmd, nil
}

// benchWriter is a writer whose steps are timed.
type benchWriter struct {
	*writer
	of *benched
}

// Close stops the writer and leaves the database open, which is the benchmark's. It may be called again.
func (w *benchWriter) Close() error { return w.ledger.Close() }

// Trace has the steps inside the database timed as well, which costs a little.
func (w *benchWriter) Trace(on bool) { w.of.took.traced.Store(on) }

// Work reads the writer's metrics, and the times of the database.
func (w *benchWriter) Work() (bench.Work, error) {
	k := w.of.took.work()
	families, err := w.registry.Gather()
	if err != nil {
		return k, fmt.Errorf("read the metrics: %w", err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			switch f.GetName() {
			case "soquy_batch_commands":
				k.Batches, k.Commands = int64(m.GetHistogram().GetSampleCount()), int64(m.GetHistogram().GetSampleSum())
			case "soquy_batch_seconds":
				k.Busy = time.Duration(m.GetHistogram().GetSampleSum() * float64(time.Second))
			case "soquy_events_total":
				k.Events = int64(m.GetCounter().GetValue())
			}
		}
	}
	return k, nil
}

func (w *benchWriter) Redo(ctx context.Context, first, last int64) (encode, hash time.Duration, err error) {
	codec := w.book.codec()
	n := 0
	var fingerprint [32]byte
	err = w.book.db.Read(ctx, w.book.id, first, last, func(r *eventstore.Record) error {
		decoded, err := codec.Decode(r.Envelope)
		if err != nil {
			return err
		}
		start := time.Now()
		again := codec.Record(&decoded.Event, &fingerprint)
		middle := time.Now()
		transparency.LeafHash(again.Envelope)
		encode, hash = encode+middle.Sub(start), hash+time.Since(middle)
		n++
		return nil
	})
	if err != nil || n == 0 {
		return 0, 0, err
	}
	return encode / time.Duration(n), hash / time.Duration(n), nil
}

// took is where the time of appends went.
type took struct {
	traced atomic.Bool   // have the server tell when it is where
	ahead  time.Duration // of the server's clock before ours

	look, begin, sign, write, join, end atomic.Int64 // nanoseconds
}

func (k *took) work() bench.Work {
	return bench.Work{
		Look: time.Duration(k.look.Load()), Begin: time.Duration(k.begin.Load()), Sign: time.Duration(k.sign.Load()), Write: time.Duration(k.write.Load()),
		Join: time.Duration(k.join.Load()), End: time.Duration(k.end.Load()),
	}
}

// marks are the instants of one append.
type marks struct {
	start, signing, signed, joining, joined time.Time

	// By the server's clock, where what joins an append is only queued and sent with the commit.
	before, after time.Time
}

// marked finds the marks of the append that a context belongs to.
type marked struct{}

// open opens a database as every command does, with a clock at the steps of an append.
func (k *took) open(ctx context.Context, db string) (database, error) {
	join := func(ctx context.Context, f func() error) error {
		m, timed := ctx.Value(marked{}).(*marks)
		if !timed {
			return f()
		}
		m.joining = time.Now()
		err := f()
		m.joined = time.Now()
		return err
	}
	if isPostgres(db) {
		models := postgresmodels.New()
		store, err := postgres.Open(ctx, db, postgres.Options{Mode: postgres.Create}, func(ctx context.Context, tx pgx.Tx, b *eventstore.Batch) error {
			return join(ctx, func() error {
				tell := k.tells(ctx, tx)
				tell(func(m *marks) *time.Time { return &m.before })
				defer tell(func(m *marks) *time.Time { return &m.after })
				return models.Join(ctx, tx, b)
			})
		})
		if err != nil {
			return nil, err
		}
		d := &postgresDatabase{store, models}
		if k.ahead, err = ahead(ctx, d.clock()); err != nil {
			return nil, errors.Join(err, store.Close())
		}
		return &timed{d, k}, nil
	}
	models := sqlitemodels.New()
	store, err := sqlite.Open(db, sqlite.Options{Mode: sqlite.Create}, func(ctx context.Context, tx sqlite.Tx, b *eventstore.Batch) error {
		return join(ctx, func() error { return models.Join(ctx, tx, b) })
	})
	if err != nil {
		return nil, err
	}
	return &timed{&sqliteDatabase{store, models}, k}, nil
}

// tells returns how to have the server tell its time among the statements that are queued in a transaction.
func (k *took) tells(ctx context.Context, tx pgx.Tx) func(at func(*marks) *time.Time) {
	m, isTimed := ctx.Value(marked{}).(*marks)
	q, queues := tx.(interface {
		Queue(query string, arguments ...any) *pgx.QueuedQuery
	})
	if !isTimed || !queues || !k.traced.Load() {
		return func(func(*marks) *time.Time) {}
	}
	return func(at func(*marks) *time.Time) {
		q.Queue(`SELECT clock_timestamp()`).QueryRow(func(row pgx.Row) error { return row.Scan(at(m)) })
	}
}

// ahead finds out how far a server's clock is ahead of ours.
func ahead(ctx context.Context, clock func(context.Context) (time.Time, error)) (difference time.Duration, err error) {
	fastest := time.Duration(math.MaxInt64)
	for range 20 {
		start := time.Now()
		server, err := clock(ctx)
		if err != nil {
			return 0, fmt.Errorf("read the server's clock: %w", err)
		}
		if took := time.Since(start); took < fastest {
			fastest, difference = took, server.Sub(start.Add(took/2))
		}
	}
	return difference, nil
}

// timed is a database that times its appends, and the look for repeats before them.
type timed struct {
	database
	took *took
}

func (t *timed) Commands(ctx context.Context, id uuid.UUID, ids []uuid.UUID) (map[uuid.UUID]eventstore.Command, error) {
	start := time.Now()
	defer func() { t.took.look.Add(int64(time.Since(start))) }()
	return t.database.Commands(ctx, id, ids)
}

func (t *timed) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	return t.took.append(ctx, b, t.database.Append)
}

func (t *timed) Begin(ctx context.Context, id uuid.UUID) (eventstore.Lock, error) {
	return t.took.lock(t.database.Begin(ctx, id))
}

// lock makes a lock whose append is timed.
func (k *took) lock(l eventstore.Lock, err error) (eventstore.Lock, error) {
	if err != nil {
		return nil, err
	}
	timed := &timedLock{l, k}
	if early, is := l.(eventstore.Early); is {
		return &timedEarly{timed, early}, nil
	}
	return timed, nil
}

// timedLock times the append that is made under it.
type timedLock struct {
	eventstore.Lock
	took *took
}

func (t *timedLock) Append(ctx context.Context, b *eventstore.Batch) ([]byte, error) {
	return t.took.append(ctx, b, t.Lock.Append)
}

// timedEarly times what is inserted before an append as well.
type timedEarly struct {
	*timedLock
	early eventstore.Early
}

func (t *timedEarly) Insert(ctx context.Context, records []eventstore.Record, commands []eventstore.Command) error {
	start := time.Now()
	defer func() { t.took.write.Add(int64(time.Since(start))) }()
	return t.early.Insert(ctx, records, commands)
}

// append times an append.
func (k *took) append(
	ctx context.Context, b *eventstore.Batch, do func(context.Context, *eventstore.Batch) ([]byte, error),
) ([]byte, error) {
	m := marks{start: time.Now()}
	signing := *b
	signing.Sign = func() ([]byte, error) {
		m.signing = time.Now()
		signed, err := b.Sign()
		m.signed = time.Now()
		return signed, err
	}
	if b.Next != nil {
		signing.Next = func(wait func(context.Context) (eventstore.Lock, error)) {
			b.Next(func(ctx context.Context) (eventstore.Lock, error) { return k.lock(wait(ctx)) })
		}
	}
	got, err := do(context.WithValue(ctx, marked{}, &m), &signing)
	if err != nil || m.joined.IsZero() {
		return got, err
	}
	over := time.Now()
	if !m.after.IsZero() {
		m.joining, m.joined = m.before.Add(-k.ahead), m.after.Add(-k.ahead)
	}
	k.begin.Add(int64(m.signing.Sub(m.start)))
	k.sign.Add(int64(m.signed.Sub(m.signing)))
	k.write.Add(int64(m.joining.Sub(m.signed)))
	k.join.Add(int64(m.joined.Sub(m.joining)))
	k.end.Add(int64(over.Sub(m.joined)))
	return got, nil
}

var _ bench.Soquy = (*benched)(nil)
