package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// A pipeline is statements of a transaction that are sent while others are still being made, so that the server works on them meanwhile. Their
// answers are read in the end, with those of all others. pgx sends a batch only whole.
type pipeline struct {
	conn    *pgx.Conn
	wire    *pgconn.Pipeline
	builder *pgx.ExtendedQueryBuilder
	unread  []*pgx.QueuedQuery // queued or sent
	ended   bool               // the server was told that no more comes
	stale   bool               // what the connection has prepared is of use no more
}

// prepared are the statements of a connection that a pipeline can send. They are kept with it.
type prepared struct {
	statements map[string]*pgconn.StatementDescription
	named      int // how many names were given
	builder    pgx.ExtendedQueryBuilder
}

const preparedKey = "soquy.prepared"

// What the server answers where a statement that was prepared cannot be used any more: a table has other columns, or somebody deallocated it.
const (
	planChanged = "0A000"
	notPrepared = "26000"
)

func preparedOn(conn *pgx.Conn) *prepared {
	data := conn.PgConn().CustomData()
	p, _ := data[preparedKey].(*prepared)
	if p == nil {
		p = &prepared{statements: map[string]*pgconn.StatementDescription{}}
		data[preparedKey] = p
	}
	return p
}

// canPipeline reports whether statements can be prepared on a connection, which one through a pooler may not allow.
func canPipeline(conn *pgx.Conn) bool {
	return conn.Config().DefaultQueryExecMode == pgx.QueryExecModeCacheStatement
}

// prepare prepares what is not prepared yet, in one round trip. While something is under way nothing can be.
func (p *prepared) prepare(ctx context.Context, conn *pgx.Conn, list []*pgx.QueuedQuery) error {
	if p.has(list) {
		return nil
	}
	wire := conn.PgConn().StartPipeline(ctx)
	var missing []string
	name := func(i int) string { return fmt.Sprintf("soquy_%d", p.named+i) }
	for _, q := range list {
		if p.statements[q.SQL] == nil && !slices.Contains(missing, q.SQL) {
			wire.SendPrepare(name(len(missing)), q.SQL, nil)
			missing = append(missing, q.SQL)
		}
	}
	err := wire.Sync()
	for i, query := range missing {
		var got any
		if err == nil {
			got, err = wire.GetResults()
		}
		if s, is := got.(*pgconn.StatementDescription); is {
			s.Name, s.SQL = name(i), query
			p.statements[query] = s
		}
	}
	p.named += len(missing)
	return errors.Join(err, wire.Close())
}

// has reports whether all of some statements are prepared.
func (p *prepared) has(list []*pgx.QueuedQuery) bool {
	for _, q := range list {
		if p.statements[q.SQL] == nil {
			return false
		}
	}
	return true
}

// newPipeline begins a pipeline. No context has power over it, as pgx starts a goroutine for each that has any: within bounds how long it takes.
func newPipeline(conn *pgx.Conn) *pipeline {
	return &pipeline{conn: conn, wire: conn.PgConn().StartPipeline(context.Background()), builder: &preparedOn(conn).builder}
}

// within has whatever is done next fail when it takes longer.
func (p *pipeline) within(atMost time.Duration) error {
	return p.conn.PgConn().Conn().SetDeadline(time.Now().Add(atMost))
}

// close ends the pipeline.
func (p *pipeline) close() error {
	err := p.wire.Close()
	if !p.conn.IsClosed() {
		err = errors.Join(err, p.conn.PgConn().Conn().SetDeadline(time.Time{}))
	}
	if p.stale {
		ctx, cancel := context.WithTimeout(context.Background(), rollbackPatience)
		defer cancel()
		_ = p.conn.Close(ctx)
	}
	return err
}

// queue puts prepared statements behind what was sent. After an error nothing but abandon can be done.
func (p *pipeline) queue(list []*pgx.QueuedQuery) error {
	have := preparedOn(p.conn)
	for _, q := range list {
		s := have.statements[q.SQL]
		if err := p.builder.Build(p.conn.TypeMap(), s, q.Arguments); err != nil {
			return fmt.Errorf("arguments of %s: %w", q.SQL, err)
		}
		formats := append([]int16(nil), p.builder.ResultFormats...) // the builder uses its own again
		p.wire.SendQueryStatement(s, p.builder.ParamValues, p.builder.ParamFormats, formats)
		p.unread = append(p.unread, q)
	}
	return nil
}

// send is queue, and sends all that was queued.
func (p *pipeline) send(list []*pgx.QueuedQuery, atMost time.Duration) error {
	if err := p.within(atMost); err != nil {
		return err
	}
	if err := p.queue(list); err != nil {
		return err
	}
	return p.wire.Flush()
}

// finish reads the answers to all that was sent, and ends the pipeline.
func (p *pipeline) finish(atMost time.Duration) error { return p.commit(nil, atMost) }

// commit has the server carry out what was queued, and reads the answers. Statements after that are sent with it and carried out whatever became of it;
// their answers are left for finish. Without any, or after an error, the pipeline is at its end.
func (p *pipeline) commit(after []*pgx.QueuedQuery, atMost time.Duration) (err error) {
	defer func() {
		if err != nil || after == nil {
			if closing := p.close(); err == nil {
				err = closing
			}
		}
	}()
	if err := p.within(atMost); err != nil {
		return err
	}
	before := p.unread
	if p.unread = nil; !p.ended {
		p.wire.SendPipelineSync()
		if err := p.queue(after); err != nil {
			return err
		}
		if p.ended = after != nil; p.ended {
			p.wire.SendPipelineSync()
		}
		if err := p.wire.Flush(); err != nil {
			return err
		}
	}
	for _, q := range before {
		if err := p.answer(q); err != nil {
			return err
		}
	}
	end, err := p.wire.GetResults()
	if _, is := end.(*pgconn.PipelineSync); err == nil && !is {
		err = fmt.Errorf("the end of what was sent is a %T", end)
	}
	return err
}

// answer reads the answer to one statement.
func (p *pipeline) answer(q *pgx.QueuedQuery) error {
	got, err := p.wire.GetResults()
	if code := state(err); code == planChanged || code == notPrepared {
		p.stale = true
	}
	if err != nil && q.Fn != nil { // who queued it has a name for the error
		if named := q.Fn(pgx.FailedBatchResults(new(pgx.Batch), err)); named != nil {
			return named
		}
	}
	if err != nil {
		return err
	}
	result, is := got.(*pgconn.ResultReader)
	if !is {
		return fmt.Errorf("the answer to a statement is a %T", got)
	}
	a := &answer{result, p.conn.TypeMap()}
	if q.Fn == nil {
		_, err := a.Exec()
		return err
	}
	return q.Fn(a)
}

// abandon ends the pipeline, whatever the answers are.
func (p *pipeline) abandon() {
	_ = p.within(rollbackPatience)
	_ = p.wire.Sync()
	_ = p.close()
}

// An answer is that to one statement, as pgx hands it to whoever queued that.
type answer struct {
	result *pgconn.ResultReader
	types  *pgtype.Map
}

// Exec implements pgx.BatchResults.
func (a *answer) Exec() (pgconn.CommandTag, error) { return a.result.Close() }

// Query implements pgx.BatchResults.
func (a *answer) Query() (pgx.Rows, error) { return pgx.RowsFromResultReader(a.types, a.result), nil }

// QueryRow implements pgx.BatchResults.
func (a *answer) QueryRow() pgx.Row {
	rows, _ := a.Query()
	return row1{rows}
}

// Close implements pgx.BatchResults.
func (a *answer) Close() error {
	_, err := a.result.Close()
	return err
}

// Tx implements pgx.BatchResults.
func (*answer) Tx() pgx.Tx { return nil }

// row1 is the first row of some.
type row1 struct{ pgx.Rows }

// Scan implements pgx.Row.
func (r row1) Scan(dest ...any) error {
	defer r.Close()
	if !r.Next() {
		if err := r.Err(); err != nil {
			return err
		}
		return pgx.ErrNoRows
	}
	if err := r.Rows.Scan(dest...); err != nil {
		return err
	}
	r.Close()
	return r.Err()
}

// A session is a connection on which a transaction is open that pgx did not begin, as a pgx.Tx.
type session struct{ *connection }

// connection has another name, as a pgx.Tx has a method of that one.
type connection = pgx.Conn

func (s session) Conn() *pgx.Conn { return s.connection }

func (s session) Commit(ctx context.Context) error {
	_, err := s.Exec(ctx, `commit`)
	return err
}

func (s session) Rollback(ctx context.Context) error {
	_, err := s.Exec(ctx, `rollback`)
	return err
}

// LargeObjects is asked for by nobody.
func (session) LargeObjects() pgx.LargeObjects { return pgx.LargeObjects{} }
