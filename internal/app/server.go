package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/internal/cli"
)

// explainPostgres says what an error of a PostgreSQL server means to the user; nil for what the errors of a log say.
func explainPostgres(err error, path string) *cli.Failure {
	var (
		known   *cli.Failure
		address *postgres.AddressError
		rights  *postgres.RightsError
		refused *pgconn.PgError
	)
	switch {
	case errors.As(err, &known), errors.Is(err, context.Canceled), errors.Is(err, eventstore.ErrOlder):
		return nil
	case errors.As(err, &address):
		f := failure("database.address", cli.ExitUsage, err, "path", path)
		if address.Reason != "" {
			f = failure("database.parameter", cli.ExitUsage, err, "path", path, "reason", address.Reason)
		}
		return f
	case errors.As(err, &rights):
		return failure("database.rights", cli.ExitUnusable, err, "role", rights.Role, "rights", rights.List())
	case errors.Is(err, postgres.ErrReplica):
		return failure("database.replica", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, postgres.ErrRoles):
		_, reason, _ := strings.Cut(err.Error(), postgres.ErrRoles.Error()+": ")
		return failure("database.roles", cli.ExitUnusable, err, "reason", reason)
	case errors.As(err, &refused):
		return explainState(err, refused, path)
	}
	var connect *pgconn.ConnectError
	if !errors.As(err, &connect) {
		return nil
	}
	if reason := distrust(err); reason != "" {
		return failure("database.certificate", cli.ExitUnusable, err, "path", path, "reason", reason)
	}
	switch text := err.Error(); {
	case strings.Contains(text, "server refused TLS connection"):
		return failure("database.no_tls", cli.ExitUnusable, err, "path", path)
	case strings.Contains(text, "read only connection"), strings.Contains(text, "server is in hot standby mode"):
		return failure("database.replica", cli.ExitUnusable, err, "path", path)
	}
	return nil
}

// explainState goes by what the server says.
func explainState(err error, refused *pgconn.PgError, path string) *cli.Failure {
	switch refused.Code {
	case "28000", "28P01":
		return failure("database.login", cli.ExitUnusable, err, "path", path)
	case "3D000":
		return failure("database.unknown", cli.ExitUnusable, err, "path", path)
	case "25006":
		return failure("database.replica", cli.ExitUnusable, err, "path", path)
	case "42501":
		return failure("database.right", cli.ExitUnusable, err, "what", refused.Message)
	case "42P01", "42703", "42804", "42883": // an undefined table, column or function, or one of another type
		return failure("database.schema", cli.ExitUnusable, err, "what", refused.Message)
	case "53300":
		return failure("database.connections", cli.ExitUnusable, err, "path", path)
	case "57014":
		return failure("database.timeout", cli.ExitUnusable, err)
	}
	return nil
}

// distrust says why the certificate of a server is not trusted, or "".
func distrust(err error) string {
	var (
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		any       *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &authority):
		return authority.Error()
	case errors.As(err, &host):
		return host.Error()
	case errors.As(err, &invalid):
		return invalid.Error()
	case errors.As(err, &any):
		return any.Error()
	}
	return ""
}
