// Package app is the composition root: the one place that knows every package. It opens the two databases behind one face and
// gives the command line what it asks for.
package app

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/mod/sumdb/note"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/audit"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/demo"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/replay"
	"github.com/soquy/soquy/projections"
)

// App is the backend of the command line.
type App struct {
	env func(string) string
}

// New makes the backend. env reads the environment.
func New(env func(string) string) *App { return &App{env: env} }

var _ cli.Backend = (*App)(nil)

// Version is the module's version, or "devel".
func (a *App) Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" || info.Main.Version == "(devel)" {
		return "devel"
	}
	return info.Main.Version
}

// ReadModels names the read models that can be rebuilt.
func (a *App) ReadModels() []string {
	var names []string
	for _, m := range projections.Models() {
		names = append(names, m.Name)
	}
	return names
}

// book is one ledger of an open database.
type book struct {
	db     database
	id     uuid.UUID
	opened *domain.LedgerOpened
	key    string // path of the secret key; "" when it is derived
	money  money.Currency
}

func (b *book) codec() *eventcodec.Codec { return eventcodec.New(b.opened.Origin, b.money.Decimals) }

func (b *book) head(h eventstore.Head) cli.Head {
	return cli.Head{
		Origin: h.Origin, Position: h.Position(), Root: h.Edge.Root(),
		KeyFile: b.key, Currency: b.money, TimeZone: b.opened.TimeZone,
	}
}

// open opens a database and finds the ledger that is meant.
func (a *App) open(ctx context.Context, t cli.Target, m mode) (*book, error) {
	db, err := openDatabase(ctx, t.DB, m)
	if err != nil {
		return nil, explained(err, t)
	}
	b, err := a.find(ctx, db, t)
	if err != nil {
		// A ledger that is not to be found may be there without its row in ledgers or in origins, or that row without it.
		if strays, looked := db.Strays(ctx); looked == nil && len(strays) > 0 {
			err = errors.Join(&straysError{strays}, err)
		}
		return nil, explained(errors.Join(err, db.Close()), t)
	}
	return b, nil
}

// straysError says that rows lack others.
type straysError struct{ strays []eventstore.Stray }

func (e *straysError) Error() string {
	list := make([]string, len(e.strays))
	for i, s := range e.strays {
		list[i] = s.Table + ".ledger_id " + s.LedgerID + " is not in " + s.Missing
	}
	return "rows without others: " + strings.Join(list, ", ")
}

func (a *App) find(ctx context.Context, db database, t cli.Target) (*book, error) {
	heads, err := db.Ledgers(ctx)
	if err != nil {
		return nil, err
	}
	i := 0
	switch {
	case t.Ledger != "":
		i = slices.IndexFunc(heads, func(h eventstore.Head) bool { return h.Origin == t.Ledger })
		if i < 0 {
			if err := renamed(ctx, db, heads, t.Ledger); err != nil {
				return nil, err
			}
			return nil, failure("ledger.unknown", cli.ExitUnusable, nil, "ledger", t.Ledger)
		}
	case len(heads) == 0:
		return nil, failure("ledger.none", cli.ExitUnusable, nil)
	case len(heads) > 1:
		return nil, failure("ledger.ambiguous", cli.ExitUnusable, nil)
	}
	return a.book(ctx, db, heads[i].Ledger, t)
}

// renamed looks whether a ledger that is not there under its origin has another one in its row.
func renamed(ctx context.Context, db database, heads []eventstore.Head, origin string) error {
	for _, h := range heads {
		err := db.Read(ctx, h.Ledger, 1, 1, func(r *eventstore.Record) error {
			if opened, err := eventcodec.Currency(r.Envelope); err == nil && opened.Origin == origin {
				return &ledger.IntegrityError{Position: 1, What: fmt.Sprintf("origins.origin is %q, the envelope says %q", h.Origin, origin)}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// errOpened says that the first event of a ledger is not what it must be.
var errOpened = errors.New("ledger.opened cannot be read")

func (a *App) book(ctx context.Context, db database, id uuid.UUID, t cli.Target) (*book, error) {
	b := &book{db: db, id: id}
	err := db.Read(ctx, id, 1, 1, func(r *eventstore.Record) error {
		var err error
		if b.opened, err = eventcodec.Currency(r.Envelope); err != nil {
			return fmt.Errorf("%w: %w", errOpened, err)
		}
		return nil
	})
	if errors.Is(err, errOpened) || errors.Is(err, eventstore.ErrCorrupt) || err == nil && b.opened == nil {
		return nil, &ledger.IntegrityError{Position: 1, What: "events.envelope of ledger.opened cannot be read"}
	}
	if err != nil {
		return nil, err
	}
	if b.money, err = money.LookupCurrency(b.opened.Currency); err != nil {
		return nil, err
	}
	if _, isDemo := demo.SeedOf(b.opened.Origin); !isDemo {
		b.key = a.keyring(t.DB).KeyPath(b.opened.Origin)
	}
	return b, nil
}

// make makes a ledger in a database that has none, or beside others when the target names a new one.
func (a *App) make(ctx context.Context, t cli.Target, source ledger.Source, o ledger.Opening) (*book, error) {
	if o.Origin == "" {
		o.Origin = t.Ledger
	}
	if t.Ledger != "" && o.Origin != t.Ledger {
		return nil, failure("origin.differs", cli.ExitUsage, nil, "origin", o.Origin, "ledger", t.Ledger)
	}
	if o.Origin != "" {
		if err := transparency.ValidOrigin(o.Origin); err != nil {
			return nil, failure("origin.invalid", cli.ExitUsage, err, "origin", o.Origin)
		}
	}
	if _, err := money.LookupCurrency(o.Currency); err != nil {
		return nil, failure("currency.unknown", cli.ExitUsage, err, "currency", o.Currency)
	}
	if err := addressed(t.DB); err != nil {
		return nil, err
	}
	if !isPostgres(t.DB) {
		if f := folderFailure(t.DB); f != nil {
			return nil, f
		}
	}
	db, err := openDatabase(ctx, t.DB, modeCreate)
	if err != nil {
		return nil, explained(err, t)
	}
	b, err := a.makeIn(ctx, db, t, source, o)
	if err != nil {
		return nil, explained(errors.Join(err, db.Close()), t)
	}
	return b, nil
}

func (a *App) makeIn(ctx context.Context, db database, t cli.Target, source ledger.Source, o ledger.Opening) (*book, error) {
	heads, err := db.Ledgers(ctx)
	if err != nil {
		return nil, err
	}
	for _, h := range heads {
		if t.Ledger == "" || h.Origin == o.Origin {
			return nil, failure("ledger.exists", cli.ExitUnusable, nil, "ledger", h.Origin)
		}
	}
	id, _, err := ledger.Create(ctx, db, source, o)
	if err != nil {
		return nil, err
	}
	return a.book(ctx, db, id, t)
}

// Init makes a ledger with a key of its own.
func (a *App) Init(ctx context.Context, t cli.Target, o cli.InitOptions) (cli.Head, error) {
	keys := a.keyring(t.DB)
	generated := ""
	b, err := a.make(ctx, t, ledger.System(), ledger.Opening{
		Origin: o.Origin, Currency: o.Currency, TimeZone: o.TimeZone,
		PublicKey: func(origin string) (note.Signer, string, error) {
			signer, public, err := keys.Generate(origin)
			if err == nil {
				generated = origin
			}
			return signer, public, err
		},
	})
	if err != nil {
		if generated != "" {
			err = errors.Join(err, keys.Remove(generated))
		}
		return cli.Head{}, explained(err, t)
	}
	defer b.db.Close()
	h, err := b.db.Head(ctx, b.id)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	head := b.head(h)
	head.PublicKey = b.opened.PublicKey
	return head, explained(keys.SaveHead(b.opened.Origin, h.Note), t)
}

// writer records in one ledger.
type writer struct {
	book     *book
	ledger   *ledger.Ledger
	registry *prometheus.Registry
	metrics  string // file for the metrics, or ""
}

func (w *writer) Ledger() *ledger.Ledger { return w.ledger }

func (w *writer) Currency() money.Currency { return w.book.money }

// Close stops the writer and, where SOQUY_METRICS names a file, writes its metrics there in the text format of Prometheus, as the
// textfile collector of the node exporter reads it.
func (w *writer) Close() error {
	err := errors.Join(w.ledger.Close(), w.book.db.Close())
	if w.metrics != "" {
		err = errors.Join(err, prometheus.WriteToTextfile(w.metrics, w.registry))
	}
	return err
}

// Writer opens a ledger for recording.
func (a *App) Writer(ctx context.Context, t cli.Target, p cli.Progress) (cli.Writer, error) {
	b, err := a.open(ctx, t, modeWrite)
	if err != nil {
		return nil, err
	}
	w, err := a.writer(ctx, b, t, ledger.System(), p)
	if err != nil {
		return nil, explained(errors.Join(err, b.db.Close()), t)
	}
	return w, nil
}

func (a *App) writer(ctx context.Context, b *book, t cli.Target, source ledger.Source, p cli.Progress) (*writer, error) {
	o := ledger.Options{Source: source, Progress: p, ServerClock: b.db.clock(), Metrics: ledger.NewMetrics()}
	registry := prometheus.NewRegistry()
	registry.MustRegister(o.Metrics.Collectors()...)
	registry.MustRegister(poolCollectors(b.db)...)
	if seed, isDemo := demo.SeedOf(b.opened.Origin); isDemo {
		secret, _ := demo.Key(seed)
		signer, err := transparency.NewSigner(secret)
		if err != nil {
			return nil, err
		}
		o.Signer = signer
	} else {
		keys := a.keyring(t.DB)
		public, err := ledger.PublicKey(ctx, b.db, b.id)
		if err != nil {
			return nil, err
		}
		signer, err := keys.Signer(b.opened.Origin, public)
		if err != nil {
			return nil, err
		}
		o.Signer, o.HeadFile = signer, keys
	}
	l, err := ledger.Open(ctx, b.db, b.id, o)
	if err != nil {
		return nil, err
	}
	return &writer{b, l, registry, a.env("SOQUY_METRICS")}, nil
}

// Verify checks everything that can be checked.
func (a *App) Verify(ctx context.Context, t cli.Target, p cli.Progress) (cli.Verification, error) {
	return a.verify(ctx, t, nil, p)
}

// VerifySince is Verify, and checks that the log contains a signed checkpoint of before, which may be that of a receipt.
func (a *App) VerifySince(ctx context.Context, t cli.Target, name string, kept []byte, p cli.Progress) (cli.Verification, error) {
	note, err := export.KeptCheckpoint(kept)
	if err != nil {
		return cli.Verification{}, exporting(err, t)
	}
	return a.verify(ctx, t, []audit.Outside{{Name: name, Note: note}}, p)
}

func (a *App) verify(ctx context.Context, t cli.Target, outside []audit.Outside, p cli.Progress) (cli.Verification, error) {
	b, err := a.open(ctx, t, modeRead)
	if err != nil {
		return unverifiable(err, t)
	}
	defer b.db.Close()
	if b.key != "" { // the demo keeps no head file
		if signed, err := a.keyring(t.DB).Head(b.opened.Origin); err == nil && signed != nil { // else it may be someone else's
			outside = append(outside, audit.Outside{Note: signed, Own: true})
		}
	}
	r, err := audit.Verify(ctx, b.db, b.id, func(ctx context.Context, f func(context.Context, audit.Live) error) error {
		return b.db.view(ctx, b.id, true, func(ctx context.Context, s state) error { return f(ctx, s) })
	}, outside, p)
	var newer *eventcodec.UnknownTypeError
	if errors.As(err, &newer) {
		return cli.Verification{}, explained(err, t) // it finds nothing wrong
	}
	if err != nil {
		return unverifiable(explained(err, t), t)
	}
	out := cli.Verification{
		Ledger: r.Ledger, OK: r.OK(), Events: r.Events, Root: r.Root, Checkpoint: string(r.Checkpoint), Outside: r.Outside,
	}
	for _, c := range r.Projections {
		out.Projections = append(out.Projections, cli.VerifiedProjection{
			Name: c.Name, OK: c.Wrong == 0, Rows: c.Rows, Version: c.Version, Digest: c.Digest,
		})
	}
	for _, f := range r.Failures {
		out.Failures = append(out.Failures, cli.VerifyFailure(f))
	}
	return out, nil
}

// unverifiable turns a log that cannot even be read as one into a verification that says so; another error stays one.
func unverifiable(err error, t cli.Target) (cli.Verification, error) {
	var f *cli.Failure
	if !errors.As(err, &f) || f.Exit != cli.ExitIntegrity {
		return cli.Verification{}, err
	}
	v := cli.Verification{Ledger: t.Ledger}
	fail := func(position int64, code string, args ...string) {
		f := cli.VerifyFailure{Position: position, Code: code}
		for i := 0; i+1 < len(args); i += 2 {
			f.Args = append(f.Args, domain.Arg{Name: args[i], Value: args[i+1]})
		}
		v.Failures = append(v.Failures, f)
	}
	var (
		strays *straysError
		row    *eventstore.RowError
		broken *ledger.IntegrityError
	)
	if errors.As(err, &broken) {
		fail(broken.Position, "log.broken", "cause", broken.What)
	}
	if errors.As(err, &row) {
		fail(row.Position, "row.corrupt", "column", row.Column, "problem", row.Problem)
	}
	if errors.As(err, &strays) {
		for _, s := range strays.strays {
			fail(0, audit.StrayCode(s), "table", s.Table, "id", s.LedgerID)
		}
	}
	if len(v.Failures) == 0 {
		fail(0, "log.broken", "cause", f.Error())
	}
	return v, nil
}

// Rebuild makes read models anew, and returns those of which the rows before were not what the log leads to.
func (a *App) Rebuild(ctx context.Context, t cli.Target, names []string, p cli.Progress) (differed []string, err error) {
	b, err := a.open(ctx, t, modeWrite)
	if err != nil {
		return nil, err
	}
	defer b.db.Close()
	err = b.db.rebuild(ctx, b.id, names, b.events, projections.Report{Progress: p, Differs: func(name string) { differed = append(differed, name) }})
	return differed, explained(err, t)
}

// events reads and decodes events, for a rebuild.
func (b *book) events(ctx context.Context, from, to int64, yield func(*domain.Event) error) error {
	return b.eventsOf(ctx, from, to, nil, yield)
}

// eventsOf reads events and decodes those to keep; nil: all.
func (b *book) eventsOf(ctx context.Context, from, to int64, keep func(*eventstore.Record) bool, yield func(*domain.Event) error) error {
	o := replay.Options{Origin: b.opened.Origin, Decimals: b.money.Decimals, Keep: keep}
	return replay.Read(ctx, b.db, b.id, from, to, o, func(e *replay.Event) error {
		if e.Err != nil {
			return fmt.Errorf("position %d: %w", e.Record.Position, e.Err)
		}
		return yield(&e.Envelope.Event)
	})
}

// Demo builds the demo ledger of a seed.
func (a *App) Demo(ctx context.Context, t cli.Target, seed uint64, p cli.Progress) (cli.Head, error) {
	source, clock := demo.Source(seed)
	secret, public := demo.Key(seed)
	signer, err := transparency.NewSigner(secret)
	if err != nil {
		return cli.Head{}, err
	}
	b, err := a.make(ctx, t, source, ledger.Opening{
		Origin: demo.Origin(seed), Currency: demo.Currency, TimeZone: demo.TimeZone,
		PublicKey: func(string) (note.Signer, string, error) { return signer, public, nil },
	})
	if err != nil {
		return cli.Head{}, err
	}
	defer b.db.Close()
	w, err := a.writer(ctx, b, t, source, nil)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	err = demo.Build(ctx, w.ledger, seed, clock, p)
	if err = errors.Join(err, w.ledger.Close()); err != nil {
		return cli.Head{}, explained(err, t)
	}
	h, err := b.db.Head(ctx, b.id)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	return b.head(h), nil
}
