package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/migrations"
)

// The SQLSTATEs that mean something to us.
const (
	uniqueViolation       = "23505"
	notSupported          = "0A000"
	readOnly              = "25006"
	insufficientPrivilege = "42501"
	diskFull              = "53100"
	lockNotAvailable      = "55P03"
	outcomeUnknown        = "08007"
	connectionException   = "08" // the class
	adminShutdown         = "57P01"
	crashShutdown         = "57P02"
	cannotConnectNow      = "57P03"
	idleSession           = "25P03" // idle in transaction for too long
	completionUnknown     = "40003"
)

// wrap says what was attempted, and puts the contract's error in front of the driver's where there is one.
func wrap(op string, err error) error {
	if err == nil {
		return nil
	}
	if kind := kindOf(err); kind != nil && !errors.Is(err, kind) {
		return fmt.Errorf("%s: %w: %w", op, kind, err)
	}
	return fmt.Errorf("%s: %w", op, err)
}

// kindOf is the contract's name for an error of the driver or of the migrations, nil for others.
func kindOf(err error) error {
	switch {
	case errors.Is(err, migrations.ErrNoSchema):
		return eventstore.ErrNoSchema
	case errors.Is(err, migrations.ErrNewer):
		return eventstore.ErrNewer
	case errors.Is(err, migrations.ErrOlder):
		return eventstore.ErrOlder
	case errors.Is(err, migrations.ErrForeign):
		return eventstore.ErrForeign
	}
	switch state(err) {
	case notSupported: // a transaction that writes, begun on a standby
		if isRecovery(err) {
			return eventstore.ErrReadOnly
		}
	case readOnly:
		return eventstore.ErrReadOnly
	case diskFull:
		return eventstore.ErrFull
	case lockNotAvailable:
		return eventstore.ErrLocked
	}
	if isLost(err) {
		return eventstore.ErrUnavailable
	}
	return nil
}

// isRecovery says that a server that recovers, or is a standby, refuses to begin a transaction that writes. The message is in the
// server's language; the name of the function that refuses is not.
func isRecovery(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Routine == "check_transaction_read_only" || e.Routine == "check_XactReadOnly")
}

// isLost says that an error is the connection's, not the server's answer to what was asked: it may go well the next time.
func isLost(err error) bool {
	if errors.Is(err, eventstore.ErrOutcomeUnknown) || errors.Is(err, context.Canceled) {
		return false
	}
	switch code := state(err); {
	case code == adminShutdown, code == crashShutdown, code == cannotConnectNow, code == idleSession, strings.HasPrefix(code, connectionException):
		return true
	case code != "":
		return false
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) || errors.Is(err, context.DeadlineExceeded)
}

// state is the SQLSTATE of an error, "" where the server gave none.
func state(err error) string {
	var e *pgconn.PgError
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// isEvents says that an error is about events or one of its partitions.
func isEvents(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.SchemaName == schema && (e.TableName == "events" || strings.HasPrefix(e.TableName, "events_"))
}

// commitError says what is known after a COMMIT that returned an error. The server's plain errors mean that the
// transaction was rolled back. One that ends the session may come after the commit, and a broken connection says nothing.
func commitError(err error) error {
	var e *pgconn.PgError
	if errors.As(err, &e) && e.SeverityUnlocalized == "ERROR" && e.Code != outcomeUnknown && e.Code != completionUnknown {
		return err
	}
	if errors.Is(err, pgx.ErrTxCommitRollback) {
		return err
	}
	return fmt.Errorf("%w: %w", eventstore.ErrOutcomeUnknown, err)
}

// warned is the key under which a connection keeps the last warning that the server sent.
const warned = "soquy.warning"

// noteWarning keeps a warning for the COMMIT that it may belong to: the server warns, and commits, when it was told not
// to wait for a synchronous standby any longer.
func noteWarning(conn *pgconn.PgConn, n *pgconn.Notice) {
	if n.SeverityUnlocalized == "WARNING" {
		conn.CustomData()[warned] = n
	}
}

// takeWarning returns the warning that came since the last call, nil for none.
func takeWarning(conn *pgconn.PgConn) *pgconn.Notice {
	n, _ := conn.CustomData()[warned].(*pgconn.Notice)
	delete(conn.CustomData(), warned)
	return n
}
