package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"strings"
)

// chunks are how many rows one statement inserts, the largest that fits first.
var chunks = [...]int{128, 64, 32, 16, 8, 4, 2, 1}

// An inserter inserts many rows into one table by multi-row statements of fixed sizes, prepared once.
//
// It speaks to the driver below database/sql: a batch has thousands of values, and database/sql would check, convert and
// copy each again. The first value is the same in all rows (the ledger), and is bound once.
type inserter struct {
	columns int // without the first
	stmts   [len(chunks)]driver.Stmt
	args    []driver.NamedValue // of the largest chunk
	n       int                 // rows that wait in args
}

// newInserter prepares INSERT INTO table VALUES (?1, ?, …), … for each chunk size. columns counts the first one too.
//
// OR ROLLBACK: a row that is refused ends the append in any case, and SQLite need not be able to undo the statement alone,
// for which it would copy every page before it changes it.
func newInserter(ctx context.Context, conn driver.ConnPrepareContext, table string, columns int) (*inserter, error) {
	in := &inserter{columns: columns - 1, args: make([]driver.NamedValue, 1+chunks[0]*(columns-1))}
	for i := range in.args {
		in.args[i].Ordinal = i + 1
	}
	row := "(?1" + strings.Repeat(", ?", in.columns) + ")"
	for i, rows := range chunks {
		query := "INSERT OR ROLLBACK INTO " + table + " VALUES " + row + strings.Repeat(", "+row, rows-1)
		stmt, err := conn.PrepareContext(ctx, query)
		if err != nil {
			return nil, errors.Join(err, in.close())
		}
		in.stmts[i] = stmt
	}
	return in, nil
}

// close gives the statements back. SQLite keeps a connection, and its file, open for as long as one is left, and
// database/sql does not know of these.
func (in *inserter) close() error {
	if in == nil {
		return nil
	}
	var errs []error
	for _, stmt := range in.stmts {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	return errors.Join(errs...)
}

// begin starts a batch of rows whose first value is first.
func (in *inserter) begin(first driver.Value) {
	in.args[0].Value = first
	in.n = 0
}

// row is where the values of the next row go, in the order of the columns.
func (in *inserter) row() []driver.NamedValue {
	at := 1 + in.n*in.columns
	in.n++
	return in.args[at : at+in.columns]
}

// full says that flush must be called before the next row.
func (in *inserter) full() bool { return in.n == chunks[0] }

// flush inserts the rows that wait.
func (in *inserter) flush(ctx context.Context) error {
	if in.full() {
		in.n = 0
		return in.exec(ctx, 0, in.args)
	}
	for c, done := 0, 0; done < in.n; {
		if chunks[c] > in.n-done {
			c++
			continue
		}
		if done > 0 {
			// A statement binds from the first argument on.
			from, to := 1+done*in.columns, 1+(done+chunks[c])*in.columns
			for i := from; i < to; i++ {
				in.args[1+i-from].Value = in.args[i].Value
			}
		}
		if err := in.exec(ctx, c, in.args[:1+chunks[c]*in.columns]); err != nil {
			return err
		}
		done += chunks[c]
	}
	in.n = 0
	return nil
}

func (in *inserter) exec(ctx context.Context, chunk int, args []driver.NamedValue) error {
	_, err := in.stmts[chunk].(driver.StmtExecContext).ExecContext(ctx, args)
	return err
}
