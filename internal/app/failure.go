package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/migrations"
	"github.com/soquy/soquy/projections"
)

// failure makes a failure from names and values of arguments.
func failure(code string, exit int, err error, args ...string) *cli.Failure {
	f := &cli.Failure{Code: code, Exit: exit, Err: err}
	for i := 0; i+1 < len(args); i += 2 {
		f.Args = append(f.Args, domain.Arg{Name: args[i], Value: args[i+1]})
	}
	return f
}

// explained is explain of a target's database; what cannot be explained stays as it is.
func explained(err error, t cli.Target) error {
	if err == nil {
		return nil
	}
	if f := explain(err, shown(t.DB)); f != nil {
		return f
	}
	return err
}

// Explain says what an error of a ledger or a database means to the user, or nil.
func (a *App) Explain(err error) *cli.Failure { return explain(err, "") }

func explain(err error, path string) *cli.Failure {
	if f := explainPostgres(err, path); f != nil {
		return f
	}
	var (
		strays    *straysError
		known     *cli.Failure
		integrity *ledger.IntegrityError
		unknown   *eventcodec.UnknownTypeError
		connect   *pgconn.ConnectError
		long      *projections.TooManyRowsError
	)
	switch {
	case errors.As(err, &strays):
		return failure("log.corrupt", cli.ExitIntegrity, err, "position", "0", "what", strays.Error())
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return nil
	case errors.As(err, &integrity):
		return failure("log.corrupt", cli.ExitIntegrity, err, "position", strconv.FormatInt(integrity.Position, 10), "what", integrity.What)
	case errors.As(err, &unknown):
		return failure("event.unknown_type", cli.ExitIntegrity, err, "type", unknown.Type)
	case errors.Is(err, eventstore.ErrOutcomeUnknown):
		return failure("outcome.unknown", cli.ExitUnusable, err)
	case errors.Is(err, eventstore.ErrCorrupt):
		return failure("log.corrupt", cli.ExitIntegrity, err, "position", "0", "what", err.Error())
	case errors.Is(err, ledger.ErrRolledBack):
		return failure("ledger.rolled_back", cli.ExitIntegrity, err)
	case errors.Is(err, ledger.ErrNothingLost):
		return failure("restore.complete", cli.ExitRefused, err)
	case errors.Is(err, ledger.ErrClockAhead):
		return failure("clock.ahead", cli.ExitUnusable, err)
	case errors.Is(err, ledger.ErrNoKey):
		return failure("key.missing", cli.ExitUnusable, err, "path", pathOf(err, path))
	case errors.Is(err, ledger.ErrBadKey):
		return failure("key.unusable", cli.ExitUnusable, err, "path", pathOf(err, path))
	case errors.Is(err, ledger.ErrWrongKey):
		return failure("key.mismatch", cli.ExitUnusable, err)
	case errors.Is(err, ledger.ErrKeyExists):
		return failure("key.exists", cli.ExitUnusable, err, "path", pathOf(err, path))
	case errors.Is(err, eventstore.ErrLedgerExists):
		return failure("ledger.exists", cli.ExitUnusable, err, "ledger", "")
	case errors.As(err, &long):
		return failure("answer.too_long", cli.ExitUnusable, err, "limit", strconv.Itoa(long.Limit))
	case errors.Is(err, projections.ErrStale):
		return failure("projection.stale", cli.ExitUnusable, err)
	case errors.Is(err, projections.ErrBusy):
		return failure("projection.busy", cli.ExitUnusable, err)
	case errors.Is(err, migrations.ErrDamaged):
		_, what, _ := strings.Cut(err.Error(), migrations.ErrDamaged.Error()+": ")
		return failure("database.schema", cli.ExitUnusable, err, "what", what)
	case errors.Is(err, eventstore.ErrForeign):
		return failure("database.foreign", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, eventstore.ErrNewer):
		return failure("database.newer", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, eventstore.ErrOlder):
		return failure("database.older", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, eventstore.ErrNoSchema):
		return failure("database.no_schema", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, eventstore.ErrFull):
		return failure("database.full", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, eventstore.ErrReadOnly):
		return failure("database.read_only", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, eventstore.ErrLocked):
		return failure("ledger.locked", cli.ExitUnusable, err)
	case errors.As(err, &connect), errors.Is(err, eventstore.ErrUnavailable):
		return failure("database.unreachable", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, fs.ErrNotExist):
		return failure("database.missing", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, fs.ErrPermission):
		return failure("database.denied", cli.ExitUnusable, err, "path", pathOf(err, path))
	}
	if what := wrongSchema(err); what != "" {
		return failure("database.schema", cli.ExitUnusable, err, "what", what)
	}
	return failure("database.unusable", cli.ExitUnusable, err, "path", path)
}

// wrongSchema says what SQLite lacks to carry out a statement of ours, or "": a table or a column, which somebody else has taken away or changed.
func wrongSchema(err error) string {
	const generic = "SQL logic error: "
	var e *driver.Error
	if !errors.As(err, &e) || e.Code() != lib.SQLITE_ERROR {
		return ""
	}
	_, what, found := strings.Cut(e.Error(), generic)
	if !found || !strings.Contains(what, "table") && !strings.Contains(what, "column") {
		return ""
	}
	return strings.TrimSuffix(what, fmt.Sprintf(" (%d)", lib.SQLITE_ERROR))
}

// folderFailure says why a new database cannot be made where it is asked for, or nil: the folder does not exist, or cannot be written.
func folderFailure(path string) *cli.Failure {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return failure("folder.missing", cli.ExitUnusable, err, "path", folder)
	}
	probe, err := os.CreateTemp(folder, ".soquy-*")
	if err != nil {
		return failure("database.read_only", cli.ExitUnusable, err, "path", path)
	}
	_ = probe.Close()
	_ = os.Remove(probe.Name())
	return nil
}

// pathOf is the file that an error is about.
func pathOf(err error, otherwise string) string {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Path
	}
	return otherwise
}
