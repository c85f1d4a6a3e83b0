package app_test

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/pgtest"
	postgresmodels "github.com/soquy/soquy/projections/postgres"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// both runs a test on an empty database of each kind.
func both(t *testing.T, f func(*testing.T, soquy)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		db := filepath.Join(t.TempDir(), "a.db")
		f(t, soquy{db: db, keys: db + ".keys"})
	})
	t.Run("postgres", func(t *testing.T) { f(t, soquy{db: pgtest.Database(t), keys: t.TempDir()}) })
}

func (s soquy) isPostgres() bool { return strings.HasPrefix(s.db, "postgres") }

// alter changes a read model behind soquy's back.
func (s soquy) alter(t *testing.T, statement string) {
	t.Helper()
	var changed int64
	if s.isPostgres() {
		conn, err := pgx.Connect(t.Context(), s.db)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), `SET search_path = soquy`); err != nil {
			t.Fatal(err)
		}
		tag, err := conn.Exec(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
		changed = tag.RowsAffected()
	} else {
		db, err := sql.Open("sqlite", s.db)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		r, err := db.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatal(err)
		}
		if changed, err = r.RowsAffected(); err != nil {
			t.Fatal(err)
		}
	}
	if changed == 0 {
		t.Fatalf("%s changed nothing", statement)
	}
}

const twoGifts = `{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"T"}}
{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"HB"}}
{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"A","kind":"organisation","name":"A"}}
{"type":"receive_donation","effective_on":"2017-06-10","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000000"}]}}
{"type":"receive_donation","effective_on":"2017-06-11","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"1000000"}]}}
`

// TestWrongReadModels: nobody closes the books by read models that are wrong, nor makes a report of them, and a replay finds them.
func TestWrongReadModels(t *testing.T) {
	for name, test := range map[string]struct{ statement, code, words string }{
		"a balance": {`UPDATE balances SET posted = posted + 1, last_posted = last_posted + 1 WHERE fund = 'HB'`, "period.unbalanced", "off by "},
		"a voucher": {`DELETE FROM vouchers WHERE first_position = 5`, "period.voucher_gap", "The vouchers PT-2017 of unit T"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, s soquy) {
				s.run(t, 0, "", "init")
				// In two batches, so that the vouchers are in two packs, the first of which is in a table on SQLite, too.
				last := strings.LastIndexByte(strings.TrimSuffix(twoGifts, "\n"), '\n') + 1
				s.run(t, 0, twoGifts[:last], "record", "-")
				s.run(t, 0, "", "rebuild")
				s.run(t, 0, twoGifts[last:], "record", "-")
				s.run(t, 0, "", "replay")
				s.alter(t, test.statement)
				s.fails(t, cli.ExitIntegrity, "replay.differs", "", "replay")
				for _, more := range [][]string{nil, {"--dry-run"}, {"--unit", "T"}} {
					said := s.fails(t, cli.ExitIntegrity, test.code, "", append([]string{"period", "close", "--through", "2017-06-30"}, more...)...)
					if !strings.Contains(said, test.words) {
						t.Errorf("%v: %q is not said: %s", more, test.words, said)
					}
				}
				if events := s.run(t, 0, "", "events", "--type", "period.closed"); events != "" {
					t.Errorf("it was closed: %s", events)
				}
				s.run(t, 0, "", "rebuild")
				s.run(t, 0, "", "replay")
				s.run(t, 0, "", "period", "close", "--through", "2017-06-30")
			})
		})
	}
}

// store is a database with its read models, as a program of someone's own would open it.
func (s soquy) store(t *testing.T) eventstore.Store {
	t.Helper()
	return s.open(t, []postgres.Joiner{postgresmodels.New().Join}, []sqlite.Joiner{sqlitemodels.New().Join})
}

// log is a database of which nobody moves the read models on.
func (s soquy) log(t *testing.T) eventstore.Store {
	t.Helper()
	return s.open(t, nil, nil)
}

func (s soquy) open(t *testing.T, onPostgres []postgres.Joiner, onSQLite []sqlite.Joiner) eventstore.Store {
	t.Helper()
	var store eventstore.Store
	var err error
	if s.isPostgres() {
		store, err = postgres.Open(t.Context(), s.db, postgres.Options{Mode: postgres.ReadWrite}, onPostgres...)
	} else {
		store, err = sqlite.Open(s.db, sqlite.Options{Mode: sqlite.ReadWrite}, onSQLite...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// forge appends a close as the holder of the ledger's key can with a program of its own: every hash, signature and row of a read model is
// right, only what the close says need not be.
func (s soquy) forge(t *testing.T, change func(*domain.PeriodClosed)) int64 {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	store := s.store(t)
	heads, err := store.Ledgers(t.Context())
	must(err)
	head := heads[0]
	vnd, err := money.LookupCurrency("VND")
	must(err)
	codec := eventcodec.New(head.Origin, vnd.Decimals)
	var book domain.Book
	must(store.Read(t.Context(), head.Ledger, 1, 0, func(r *eventstore.Record) error {
		decoded, err := codec.Decode(slices.Clone(r.Envelope))
		if err == nil {
			book.Evolve(&decoded.Event)
		}
		return err
	}))
	through, err := domain.ParseDate("2017-06-30")
	must(err)
	body := book.Close(through, "", domain.TreeHead{Size: head.Position(), Root: head.Edge.Root()})
	change(body)
	e := domain.Event{
		Position: head.Position() + 1, ID: uuid.Must(uuid.NewV7()), RecordedAt: time.Now().UTC().Truncate(time.Microsecond),
		EffectiveOn: through, Command: uuid.Must(uuid.NewV7()), Body: body,
	}
	command := eventstore.Command{ID: e.Command, Fingerprint: [32]byte{1}, First: e.Position, Last: e.Position}
	s.append(t, store, head, codec.Record(&e, &command.Fingerprint), command)
	return e.Position
}

// append appends an event, with the ledger's key.
func (s soquy) append(t *testing.T, store eventstore.Store, head eventstore.Head, record eventstore.Record, command eventstore.Command) {
	t.Helper()
	edge := head.Edge
	edge.Append(transparency.LeafHash(record.Envelope))
	public, err := ledger.PublicKey(t.Context(), store, head.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.Keyring{Dir: s.keys}.Signer(head.Origin, public)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Append(t.Context(), &eventstore.Batch{
		Ledger: head.Ledger, After: head.Position(), Records: []eventstore.Record{record}, Commands: []eventstore.Command{command}, Edge: edge, KeepNote: true,
		Sign: func() ([]byte, error) {
			return transparency.SignCheckpoint(transparency.Checkpoint{Origin: head.Origin, Size: edge.Size, Root: edge.Root()}, signer)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestForgedClose: verify derives again what a close says, so that not even who has the key can close the books on other figures.
func TestForgedClose(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*domain.PeriodClosed)
		what   string // "": nothing is wrong
	}{
		"as it is":  {func(*domain.PeriodClosed) {}, ""},
		"digest":    {func(c *domain.PeriodClosed) { c.Holdings[31] ^= 1 }, "the close's digest of the holdings is not that of the events before it"},
		"totals":    {func(c *domain.PeriodClosed) { c.Totals[0].Posted++ }, "the close says other totals than the events before it lead to"},
		"grants":    {func(c *domain.PeriodClosed) { c.Grants++ }, "the close says other totals than the events before it lead to"},
		"pledges":   {func(c *domain.PeriodClosed) { c.Pledges++ }, "the close says other totals than the events before it lead to"},
		"tree":      {func(c *domain.PeriodClosed) { c.Tree.Root[0] ^= 1 }, "the close names another tree than the one before it"},
		"tree size": {func(c *domain.PeriodClosed) { c.Tree.Size-- }, "the close names another tree than the one before it"},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, func(t *testing.T, s soquy) {
				s.run(t, 0, "", "init", "--origin", "example.org/soquy/t")
				s.run(t, 0, twoGifts, "record", "-")
				position := s.forge(t, test.change)
				if test.what == "" {
					s.run(t, 0, "", "verify")
					return
				}
				var v struct {
					Failures []struct {
						Position int64
						What     string
					}
				}
				if err := json.Unmarshal([]byte(s.run(t, cli.ExitIntegrity, "", "verify", "--json")), &v); err != nil {
					t.Fatal(err)
				}
				if len(v.Failures) != 1 || v.Failures[0].Position != position || v.Failures[0].What != test.what {
					t.Errorf("found %v, want only at %d that %s", v.Failures, position, test.what)
				}
			})
		})
	}
}
