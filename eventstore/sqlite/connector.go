package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"strings"

	sqlite "modernc.org/sqlite"
)

// statements is how many prepared statements a connection keeps.
const statements = 256

// openDB is sql.Open with connections that keep their prepared statements.
//
// A batch of 64 events runs some twenty statements, its joiners' among them, and to parse them took as long as to run
// them. A *sql.Tx prepares a query anew each time; below it, a connection remembers.
func openDB(dsn string) (*sql.DB, error) {
	c, err := sqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector{c}), nil
}

// A connector makes connections that keep their prepared statements.
type connector struct{ driver.Connector }

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	inner, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	d, ok := inner.(driverConn)
	if !ok {
		return nil, errors.Join(errors.New("the driver's connections lack a method"), inner.Close())
	}
	return &connection{driverConn: d, idle: map[string]*statement{}}, nil
}

// driverConn is what database/sql asks of a connection of the driver.
type driverConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// A connection is one of the driver that keeps its prepared statements by their text. It does not run a query that was
// not prepared, so database/sql prepares each, and closes it after use. Like all of driver.Conn it is used by one goroutine at a time.
type connection struct {
	driverConn
	idle map[string]*statement
	uses int64 // counts, and so tells which statement was not used for the longest time
	args []driver.NamedValue
}

// Unwrap returns the driver's connection.
func (c *connection) Unwrap() driver.Conn { return c.driverConn }

// Prepare implements driver.Conn.
func (c *connection) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

// PrepareContext implements driver.ConnPrepareContext.
func (c *connection) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	if s := c.idle[query]; s != nil {
		delete(c.idle, query)
		return s, nil
	}
	inner, err := c.driverConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	d, ok := inner.(driverStmt)
	if !ok || strings.HasPrefix(query, "PRAGMA") { // some of which SQLite carries out while it prepares them
		return inner, nil
	}
	return &statement{driverStmt: d, c: c, query: query}, nil
}

// Close implements driver.Conn. SQLite keeps a file open for as long as a statement is left.
func (c *connection) Close() error {
	var errs []error
	for _, s := range c.idle {
		errs = append(errs, s.driverStmt.Close())
	}
	clear(c.idle)
	return errors.Join(append(errs, c.driverConn.Close())...)
}

// keep takes a statement back that is not in use any more.
func (c *connection) keep(s *statement) error {
	c.uses++
	s.used = c.uses
	if c.idle[s.query] != nil {
		return s.driverStmt.Close()
	}
	c.idle[s.query] = s
	if len(c.idle) <= statements {
		return nil
	}
	oldest := s
	for _, other := range c.idle {
		if other.used < oldest.used {
			oldest = other
		}
	}
	delete(c.idle, oldest.query)
	return oldest.driverStmt.Close()
}

// driverStmt is what database/sql asks of a statement of the driver.
type driverStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// A statement goes back to its connection when it is closed. The driver has reset it by then, and cleared its parameters.
type statement struct {
	driverStmt
	c     *connection
	query string
	used  int64
}

// Close implements driver.Stmt.
func (s *statement) Close() error { return s.c.keep(s) }
