package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
)

// A Tx is a transaction that read models are written in: that of an append, as the store gives it to what joins, or [In] one of
// database/sql. It is the same type as the store's. Arguments are int, int64, string, []byte or nil.
type Tx = interface {
	// Exec runs a statement, and returns how many rows it changed.
	Exec(query string, args ...any) (changed int64, err error)

	// Query calls yield with each row of the answer to a query, which is good until yield returns.
	Query(query string, yield func(row []driver.Value) error, args ...any) error

	// Untouched reports that nobody has written into the database since the append before, whose Tx was of the same store. Elsewhere it is false.
	Untouched() bool
}

// In makes a Tx of a transaction of database/sql.
func In(ctx context.Context, tx *sql.Tx) Tx { return inTx{ctx, tx} }

type inTx struct {
	ctx context.Context
	tx  *sql.Tx
}

func (t inTx) Exec(query string, args ...any) (changed int64, err error) {
	result, err := t.tx.ExecContext(t.ctx, query, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (inTx) Untouched() bool { return false }

func (t inTx) Query(query string, yield func(row []driver.Value) error, args ...any) error {
	rows, err := t.tx.QueryContext(t.ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	columns, err := rows.Columns()
	if err != nil {
		return err
	}
	row := make([]driver.Value, len(columns))
	values := make([]any, len(columns))
	dest := make([]any, len(columns))
	for i := range dest {
		dest[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return err
		}
		for i, v := range values {
			row[i] = v
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	return rows.Err()
}
