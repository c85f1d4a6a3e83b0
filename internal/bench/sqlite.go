package bench

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

// sqliteRaw is a file of its own beside the ledger's, on the same disk and with the same settings, and the ledger's for reading.
type sqliteRaw struct {
	path string // of the file of its own
	db   *sql.DB
	conn *sql.Conn
	book *sql.DB // the ledger's file
	rows [][]driver.Value
}

// rawSuffix makes the name of the file of the limits.
const rawSuffix = ".bench"

func sqliteDSN(path string, pragmas ...string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}
	if !strings.HasPrefix(u.Path, "/") {
		u.Path = "/" + u.Path // a drive letter
	}
	params := make([]string, len(pragmas))
	for i, p := range pragmas {
		params[i] = "_pragma=" + p
	}
	return u.String() + "?" + strings.Join(params, "&"), nil
}

func openSQLite(ctx context.Context, path string) (_ *sqliteRaw, err error) {
	const (
		pageSize = `PRAGMA page_size`
		table    = `CREATE TABLE raw (
			ledger_id BLOB NOT NULL, position INTEGER NOT NULL, event_id BLOB NOT NULL, type TEXT NOT NULL,
			effective_on TEXT NOT NULL, recorded_at INTEGER NOT NULL, envelope BLOB NOT NULL,
			PRIMARY KEY (ledger_id, position)
		) STRICT`
	)
	s := &sqliteRaw{path: path + rawSuffix}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close(ctx))
		}
	}()
	if err := s.remove(); err != nil {
		return nil, err
	}
	name, err := sqliteDSN(path, "busy_timeout(10000)")
	if err != nil {
		return nil, err
	}
	if s.book, err = sql.Open("sqlite", name); err != nil {
		return nil, err
	}
	s.book.SetMaxOpenConns(1)
	var size int
	if err := s.book.QueryRowContext(ctx, pageSize).Scan(&size); err != nil {
		return nil, fmt.Errorf("read the settings of the database: %w", err)
	}
	// Those of the store's writer.
	name, err = sqliteDSN(s.path, fmt.Sprintf("page_size(%d)", size), "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-65536)",
		"temp_store(MEMORY)", fmt.Sprintf("wal_autocheckpoint(%d)", 16<<20/size), "journal_size_limit(67108864)")
	if err != nil {
		return nil, err
	}
	if s.db, err = sql.Open("sqlite", name); err != nil {
		return nil, err
	}
	s.db.SetMaxOpenConns(1)
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, err
	}
	if _, err := s.conn.ExecContext(ctx, table); err != nil {
		return nil, fmt.Errorf("make the table of the limits: %w", err)
	}
	return s, nil
}

func (s *sqliteRaw) version(ctx context.Context) (string, error) {
	const query = `SELECT sqlite_version()`
	var version string
	err := s.conn.QueryRowContext(ctx, query).Scan(&version)
	return "SQLite " + version + ", WAL, synchronous FULL", err
}

const sqliteLedger = `(SELECT ledger_id FROM origins WHERE origin = ?1)`

func (s *sqliteRaw) fill(ctx context.Context, origin string, n int) error {
	const query = `SELECT ledger_id, position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = ` + sqliteLedger + ` AND type = 'donation.received' ORDER BY position LIMIT ?2`
	rows, err := s.book.QueryContext(ctx, query, origin, n)
	if err != nil {
		return err
	}
	defer rows.Close()
	s.rows, err = values(rows)
	return err
}

// values reads all rows.
func values(rows *sql.Rows) ([][]driver.Value, error) {
	columns, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var list [][]driver.Value
	for rows.Next() {
		row := make([]any, len(columns))
		into := make([]any, len(columns))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return nil, err
		}
		out := make([]driver.Value, len(row))
		for i, v := range row {
			if b, ok := v.([]byte); ok && len(b) == 0 {
				v = []byte{} // a nil one would be bound as NULL
			}
			out[i] = v
		}
		list = append(list, out)
	}
	return list, rows.Err()
}

// rowsPerStatement is how many rows one statement inserts at most.
const rowsPerStatement = 64

// statements are the prepared inserts of one table, by their number of rows. They speak to the driver below database/sql, as the
// store does.
type statements struct {
	conn    driver.ConnPrepareContext
	table   string
	columns int
	stmts   map[int]driver.StmtExecContext
	args    []driver.NamedValue
}

func newStatements(conn any, table string, columns int) *statements {
	s := &statements{
		conn: conn.(driver.ConnPrepareContext), table: table, columns: columns, stmts: map[int]driver.StmtExecContext{},
		args: make([]driver.NamedValue, rowsPerStatement*columns),
	}
	for i := range s.args {
		s.args[i].Ordinal = i + 1
	}
	return s
}

func (s *statements) insert(ctx context.Context, n int, row func(i int) []driver.Value) error {
	for done := 0; done < n; {
		rows := min(n-done, rowsPerStatement)
		stmt := s.stmts[rows]
		if stmt == nil {
			values := "(?" + strings.Repeat(", ?", s.columns-1) + ")"
			prepared, err := s.conn.PrepareContext(ctx, "INSERT INTO "+s.table+" VALUES "+values+strings.Repeat(", "+values, rows-1))
			if err != nil {
				return err
			}
			stmt = prepared.(driver.StmtExecContext)
			s.stmts[rows] = stmt
		}
		for i := range rows {
			for j, v := range row(done + i) {
				s.args[i*s.columns+j].Value = v
			}
		}
		if _, err := stmt.ExecContext(ctx, s.args[:rows*s.columns]); err != nil {
			return err
		}
		done += rows
	}
	return nil
}

func (s *statements) close() error {
	var errs []error
	for _, stmt := range s.stmts {
		errs = append(errs, stmt.(driver.Stmt).Close())
	}
	return errors.Join(errs...)
}

// transact runs f between BEGIN and COMMIT.
func transact(ctx context.Context, conn any, f func() error) error {
	exec := conn.(driver.ExecerContext)
	if _, err := exec.ExecContext(ctx, "BEGIN IMMEDIATE", nil); err != nil {
		return err
	}
	if err := f(); err != nil {
		_, back := exec.ExecContext(ctx, "ROLLBACK", nil)
		return errors.Join(err, back)
	}
	_, err := exec.ExecContext(ctx, "COMMIT", nil)
	return err
}

func (s *sqliteRaw) insert(ctx context.Context, perCommit int, while time.Duration) (took []time.Duration, err error) {
	if _, err := s.conn.ExecContext(ctx, `DELETE FROM raw`); err != nil {
		return nil, err
	}
	steps := context.WithoutCancel(ctx) // the driver starts a goroutine for each statement of a cancellable one
	err = s.conn.Raw(func(conn any) (err error) {
		stmts := newStatements(conn, "raw", 7)
		defer func() { err = errors.Join(err, stmts.close()) }()
		position := int64(0)
		row := func(int) []driver.Value {
			r := s.rows[position%int64(len(s.rows))]
			position++
			r[1] = position
			return r
		}
		took, err = repeat(while, func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return transact(steps, conn, func() error { return stmts.insert(steps, perCommit, row) })
		})
		return err
	})
	return took, err
}

func (s *sqliteRaw) point(ctx context.Context, origin string, position int64) error {
	const query = `SELECT envelope FROM events WHERE ledger_id = ` + sqliteLedger + ` AND position = ?2`
	var envelope []byte
	return s.book.QueryRowContext(context.WithoutCancel(ctx), query, origin, position).Scan(&envelope)
}

func (s *sqliteRaw) read(ctx context.Context, origin string) (n int64, err error) {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM events
		WHERE ledger_id = ` + sqliteLedger + ` ORDER BY position`
	rows, err := s.book.QueryContext(context.WithoutCancel(ctx), query, origin)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var (
		position, recorded int64
		event, envelope    sql.RawBytes // not copied
		typ, on            string
	)
	for rows.Next() {
		if err := rows.Scan(&position, &event, &typ, &on, &recorded, &envelope); err != nil {
			return n, err
		}
		if position != n+1 || len(envelope) == 0 {
			return n, fmt.Errorf("position %d after %d", position, n)
		}
		n++
	}
	return n, rows.Err()
}

// sqliteTable is a table with its rows.
type sqliteTable struct {
	name string
	rows [][]driver.Value
}

func (s *sqliteRaw) rewrite(ctx context.Context, origin string, commits int64) (took time.Duration, err error) {
	const schema = `SELECT m.type, m.name, m.tbl_name, m.sql FROM sqlite_schema m
		WHERE m.type IN ('table', 'index') AND m.sql IS NOT NULL AND m.tbl_name <> 'snapshots'
		AND EXISTS (SELECT 1 FROM pragma_table_info(m.tbl_name) WHERE name = 'ledger_id')
		ORDER BY m.type DESC, m.name`
	rows, err := s.book.QueryContext(ctx, schema)
	if err != nil {
		return 0, err
	}
	all, err := values(rows)
	if err = errors.Join(err, rows.Close()); err != nil {
		return 0, err
	}
	var list []*sqliteTable
	for _, r := range all {
		kind, name, create := r[0].(string), r[1].(string), r[3].(string)
		if kind == "table" {
			if _, err := s.conn.ExecContext(ctx, `DROP TABLE IF EXISTS "`+name+`"`); err != nil {
				return 0, err
			}
			t := &sqliteTable{name: name}
			rows, err := s.book.QueryContext(ctx, `SELECT * FROM "`+name+`" WHERE ledger_id = `+sqliteLedger, origin)
			if err != nil {
				return 0, fmt.Errorf("dump %s: %w", name, err)
			}
			t.rows, err = values(rows)
			if err = errors.Join(err, rows.Close()); err != nil {
				return 0, fmt.Errorf("dump %s: %w", name, err)
			}
			if len(t.rows) > 0 {
				list = append(list, t)
			}
		}
		if _, err := s.conn.ExecContext(ctx, create); err != nil {
			return 0, fmt.Errorf("clone %s: %w", name, err)
		}
	}
	steps := context.WithoutCancel(ctx)
	err = s.conn.Raw(func(conn any) (err error) {
		stmts := make([]*statements, len(list))
		for i, t := range list {
			stmts[i] = newStatements(conn, `"`+t.name+`"`, len(t.rows[0]))
		}
		defer func() {
			for _, st := range stmts {
				err = errors.Join(err, st.close())
			}
		}()
		start := time.Now()
		for i := range commits {
			err := transact(steps, conn, func() error {
				for k, t := range list {
					n := int64(len(t.rows))
					share := t.rows[n*i/commits : n*(i+1)/commits]
					if err := stmts[k].insert(steps, len(share), func(i int) []driver.Value { return share[i] }); err != nil {
						return fmt.Errorf("insert into the clone of %s: %w", t.name, err)
					}
				}
				return ctx.Err()
			})
			if err != nil {
				return err
			}
		}
		took = time.Since(start)
		return nil
	})
	return took, err
}

func (s *sqliteRaw) size(ctx context.Context) (e extent, err error) {
	const (
		bytes = `SELECT (SELECT page_count FROM pragma_page_count()) * (SELECT page_size FROM pragma_page_size())
			- (SELECT freelist_count FROM pragma_freelist_count()) * (SELECT page_size FROM pragma_page_size())`
		count = `SELECT count(*), coalesce(sum(length(envelope)), 0) FROM events`
	)
	if err := s.book.QueryRowContext(ctx, bytes).Scan(&e.bytes); err != nil {
		return e, fmt.Errorf("size of the file: %w", err)
	}
	return e, s.book.QueryRowContext(ctx, count).Scan(&e.events, &e.envelopes)
}

func (s *sqliteRaw) forget(ctx context.Context, origin string) error {
	_, err := s.book.ExecContext(ctx, `DELETE FROM snapshots WHERE ledger_id = `+sqliteLedger, origin)
	return err
}

func (s *sqliteRaw) close(context.Context) error {
	var errs []error
	if s.conn != nil {
		errs = append(errs, s.conn.Close())
	}
	for _, db := range []*sql.DB{s.db, s.book} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(append(errs, s.remove())...)
}

// remove deletes the file of the limits with what SQLite makes beside it.
func (s *sqliteRaw) remove() error {
	var errs []error
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := os.Remove(s.path + suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
