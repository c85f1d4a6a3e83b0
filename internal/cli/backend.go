package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/projections"
)

// Exit codes.
const (
	ExitDone      = 0
	ExitRefused   = 1
	ExitUsage     = 2
	ExitIntegrity = 3
	ExitUnusable  = 4
)

// A Failure is why a command could not be carried out, as the user is told it: a stable code with arguments, which the
// catalogues of internal/locale have a sentence for in both languages, and the exit code.
type Failure struct {
	Code string
	Args []domain.Arg
	Exit int
	Err  error // the cause, for those who look closer; may be nil

	Of string // what was to be done, such as "demo", where the sentence for that is another one; may be ""
}

func (f *Failure) Error() string {
	if f.Err != nil {
		return fmt.Sprintf("%s: %v", f.Code, f.Err)
	}
	return f.Code
}

func (f *Failure) Unwrap() error { return f.Err }

// A Target says which ledger of which database a command is about.
type Target struct {
	DB     string // a path, or postgres://…
	Ledger string // an origin; "" when the database has one ledger
}

// A Progress is told how far a long job is. total is 0 when it is not known.
type Progress func(done, total int64)

// A Backend opens databases; internal/app has the one implementation. Its errors are *Failure where a user can do something about
// them.
type Backend interface {
	// Init makes a ledger, and the schema where there is none yet.
	Init(ctx context.Context, t Target, o InitOptions) (Head, error)
	// Reader opens a ledger for reading. It makes no file.
	Reader(ctx context.Context, t Target) (Reader, error)
	// Writer opens a ledger for recording.
	Writer(ctx context.Context, t Target, p Progress) (Writer, error)
	// Verify checks everything that can be checked, without changing anything.
	Verify(ctx context.Context, t Target, p Progress) (Verification, error)
	// VerifySince is Verify, and checks that the log contains a checkpoint that was signed before; name is what failures call it.
	VerifySince(ctx context.Context, t Target, name string, signed []byte, p Progress) (Verification, error)
	// Rebuild makes read models anew from the first event, all of them when no name is given.
	Rebuild(ctx context.Context, t Target, names []string, p Progress) (differed []string, err error)
	// Demo builds the demo ledger of a seed. It refuses a database that has one.
	Demo(ctx context.Context, t Target, seed uint64, p Progress) (Head, error)
	// DemoFigures compares what was published with what the ledger of a demo has.
	DemoFigures(ctx context.Context, t Target) ([]Figure, error)
	Prover
	Witnesser
	Bencher
	Migrator
	Keeper
	Replayer
	// ReadModels names the read models that can be rebuilt.
	ReadModels() []string
	// Explain says what an error of a ledger or a database means to the user; nil when it is none that a user can do something about.
	Explain(err error) *Failure
	// Version is the program's version.
	Version() string
}

// InitOptions is what a new ledger is made with.
type InitOptions struct {
	Origin   string // "": made from the ledger's ID
	Currency string // ISO 4217
	TimeZone string // IANA
}

// A Head is where a ledger ends.
type Head struct {
	Origin    string
	Position  int64
	Root      [32]byte
	PublicKey string // of a ledger that was made, or got a new key, just now
	KeyFile   string // where the secret key is; "" when it is derived (the demo's)
	Currency  money.Currency
	TimeZone  string // IANA
}

// In returns an instant in the ledger's time zone.
func (h *Head) In(t time.Time) time.Time {
	zone, err := time.LoadLocation(h.TimeZone)
	if err != nil {
		zone = time.UTC // it is none that this machine knows
	}
	return t.In(zone)
}

// Day returns the date of an instant in the ledger's time zone.
func (h *Head) Day(t time.Time) domain.Date { return domain.NewDate(h.In(t).Date()) }

// A View is one state of a ledger: where it ends, and its read models there.
type View interface {
	Head() Head
	projections.Balances
	projections.Totals
	projections.Persons
	projections.Vouchers
	projections.Donors
	projections.Indicators
	projections.Units
	projections.Funds
	projections.Goods
}

// A Reader reads one ledger.
type Reader interface {
	// View calls f with one state of the ledger, however much is appended meanwhile.
	View(ctx context.Context, f func(View) error) error
	// ViewAt is View of what the ledger knew at a moment of the past.
	ViewAt(ctx context.Context, at KnownAt, f func(View) error) error
	// ViewsAt is ViewAt of two moments of one log, the earlier one first.
	ViewsAt(ctx context.Context, at [2]KnownAt, f func(before, after View) error) error
	// PublicKey returns the verifier key that signs the ledger's heads.
	PublicKey(ctx context.Context) (string, error)
	// Checkpoint returns the head and its signed checkpoint.
	Checkpoint(ctx context.Context) (Head, []byte, error)
	// ExportTlog writes the log as a folder, or adds to one; since is the signed checkpoint of what need not be written, or nil.
	ExportTlog(ctx context.Context, dir string, since []byte, p Progress) (export.Exported, error)
	// Inclusion returns the proof that the log has an event; as a receipt it carries the event.
	Inclusion(ctx context.Context, event uuid.UUID, receipt bool) ([]byte, error)
	// Consistency returns the proof that the log begins with that of an older signed checkpoint.
	Consistency(ctx context.Context, old []byte) ([]byte, error)
	// Events calls yield with the exact stored envelopes from a position on, of one type or, with "", of all.
	Events(ctx context.Context, from int64, kind string, yield func(envelope []byte) error) error
	// Range calls yield with the events of positions from first to last, in order.
	Range(ctx context.Context, first, last int64, yield func(e *domain.Event) error) error
	// History calls yield with the events that name a subject ("fund:HB", "person:…"), in order.
	History(ctx context.Context, subject string, yield func(envelope []byte, e *domain.Event) error) error
	// Event returns the event of an ID.
	Event(ctx context.Context, event uuid.UUID) (*domain.Event, error)
	// Book returns the book as it was at a position.
	Book(ctx context.Context, position int64) (*domain.Book, error)
	// Personal returns the private documents of persons that still exist, by person.
	Personal(ctx context.Context, persons []uuid.UUID) (map[uuid.UUID]Personal, error)
	// Remarks calls yield with those of the remarks, by the IDs of their private texts, that still exist, in no order.
	Remarks(ctx context.Context, ids []uuid.UUID, yield func(id uuid.UUID, remark string)) error
	Close() error
}

// A Writer records in one ledger.
type Writer interface {
	Ledger() *ledger.Ledger
	Currency() money.Currency
	Close() error
}

// Personal is what names or describes a person.
type Personal = ledger.Personal

// A Verification is the outcome of verify, as contract.md shapes it.
type Verification struct {
	Ledger      string
	OK          bool
	Events      int64
	Root        [32]byte
	Checkpoint  string // the signed note
	Projections []VerifiedProjection
	Failures    []VerifyFailure
	Outside     int // heads from outside of the database that the log was compared with
}

// A VerifiedProjection is a read model that was recomputed from the log and compared.
type VerifiedProjection struct {
	Name string
	OK   bool
	Rows int64

	Version int
	Digest  [32]byte // of its rows
}

// A VerifyFailure is something that is not as it was recorded.
// Its sentence is verify.what.<Code>.
type VerifyFailure struct {
	Position int64
	Code     string
	Args     []domain.Arg
}

// A Figure is a published figure of the demo's half-year beside what its ledger has.
type Figure struct {
	Key       string // of its text: figure.<key>
	Published string // a canonical decimal
	Ledger    string // a canonical decimal; the same, or the demo is wrong
	Money     bool   // an amount of the ledger's currency, not a number
	Assumed   bool   // the publication has no exact number
	Query     string // the soquy command, without "soquy", that shows it
	Also      string // a second number that belongs to it, such as the awards (lượt) beside the people; ""
}
