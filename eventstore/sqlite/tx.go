package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	sqlite "modernc.org/sqlite"
)

// A Tx is the open transaction of an append, good until the joiner that got it returns. It has another name for its type, so that who joins
// can declare the same without this package.
type Tx = interface {
	// Exec runs a statement, and returns how many rows it changed. Arguments are of the types of driver.Value, or int.
	Exec(query string, args ...any) (changed int64, err error)

	// Query calls yield with each row of the answer to a query, which is good until yield returns. Arguments are those of Exec.
	Query(query string, yield func(row []driver.Value) error, args ...any) error

	// Untouched reports that nobody, in this process or another, has written into the database since the append before, which was this store's: what
	// was seen then still holds.
	Untouched() bool
}

// A session is the connection on which a transaction is open.
//
// It speaks to the driver below database/sql, which for each statement takes locks, checks and converts the values, and starts goroutines
// that watch contexts: with the statements of one donation as much as half of what SQLite takes to run them. Nothing that is in a
// transaction can be cancelled, so its statements need no context.
type session struct {
	c         *connection
	untouched bool
}

// Untouched implements Tx.
func (tx *session) Untouched() bool { return tx.untouched }

// version is a number that is another one after each commit, as this connection sees them: those of others once a transaction has begun.
func (tx *session) version() (uint32, error) {
	c, ok := tx.c.Unwrap().(sqlite.FileControl)
	if !ok {
		return 0, errors.New("the driver does not say whether the database was changed")
	}
	return c.FileControlDataVersion("main")
}

// Exec implements Tx.
func (tx *session) Exec(query string, args ...any) (changed int64, err error) {
	return tx.c.exec(context.Background(), query, args)
}

// Query implements Tx.
func (tx *session) Query(query string, yield func(row []driver.Value) error, args ...any) error {
	return tx.c.query(query, yield, args)
}

// scan puts the one row of the answer to a query into dest, see scanRow. Errors: sql.ErrNoRows.
func (tx *session) scan(query string, dest []any, args ...any) error {
	err := sql.ErrNoRows
	failed := tx.Query(query, func(row []driver.Value) error {
		err = scanRow(row, dest...)
		return err
	}, args...)
	if failed != nil {
		return failed
	}
	return err
}

// scanRow puts the values of a row into what dest point to: int64, bool, string or []byte, which are not copied.
func scanRow(row []driver.Value, dest ...any) error {
	for i, to := range dest {
		is := false
		switch to := to.(type) {
		case *int64:
			*to, is = row[i].(int64)
		case *bool:
			var n int64
			n, is = row[i].(int64)
			*to = n != 0
		case *string:
			*to, is = row[i].(string)
		case *[]byte:
			*to, is = row[i].([]byte)
		}
		if !is {
			return fmt.Errorf("scan column %d: a %T into a %T", i, row[i], to)
		}
	}
	return nil
}

// exec runs a statement that is kept.
func (c *connection) exec(ctx context.Context, query string, args []any) (changed int64, err error) {
	var stmt driver.Stmt
	if s := c.idle[query]; s != nil {
		c.uses++
		s.used = c.uses
		stmt = s
	} else {
		if stmt, err = c.PrepareContext(ctx, query); err != nil {
			return 0, err
		}
		defer closeAfter(stmt, &err)
	}
	result, err := stmt.(driver.StmtExecContext).ExecContext(ctx, c.named(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a query. Yield may run statements.
func (c *connection) query(query string, yield func(row []driver.Value) error, args []any) (err error) {
	ctx := context.Background()
	s, err := c.PrepareContext(ctx, query)
	if err != nil {
		return err
	}
	defer closeAfter(s, &err)
	rows, err := s.(driver.StmtQueryContext).QueryContext(ctx, c.named(args))
	if err != nil {
		return err
	}
	defer closeAfter(rows, &err)
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		if err := yield(row); err != nil {
			return err
		}
	}
}

// closeAfter closes what was used, of which err is the outcome so far.
func closeAfter(c io.Closer, err *error) {
	if closing := c.Close(); *err == nil {
		*err = closing
	}
}

// named returns arguments as the driver takes them, good until the next call.
func (c *connection) named(args []any) []driver.NamedValue {
	c.args = c.args[:0]
	for i, v := range args {
		if n, is := v.(int); is {
			v = int64(n)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args
}
