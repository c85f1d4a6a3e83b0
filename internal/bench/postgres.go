package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// rawSchema is where the tables of the limits are in PostgreSQL.
const rawSchema = "soquy_bench"

// postgresRaw is one connection.
type postgresRaw struct {
	config *pgx.ConnConfig
	conn   *pgx.Conn
	rows   [][]any // of events
}

func postgresEmpty(ctx context.Context, url string) error {
	// What extensions brought along is no one's data.
	const query = `SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
		WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT LIKE 'pg\_%'
		AND n.nspname NOT IN ('information_schema', 'soquy', 'reporting', '` + rawSchema + `')
		AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')`
	config, err := rawConfig(url)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var others int
	if err := conn.QueryRow(ctx, query).Scan(&others); err != nil {
		return fmt.Errorf("look what is in the database: %w", err)
	}
	if others > 0 {
		return ErrNotEmpty
	}
	return nil
}

func rawConfig(url string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	for name := range config.RuntimeParams {
		if strings.HasPrefix(name, "pool_") { // the server does not know those
			delete(config.RuntimeParams, name)
		}
	}
	return config, nil
}

func openPostgres(ctx context.Context, url string) (*postgresRaw, error) {
	const make = `DROP SCHEMA IF EXISTS ` + rawSchema + ` CASCADE;
		CREATE SCHEMA ` + rawSchema + `;
		SET search_path = ` + rawSchema + `;
		CREATE TABLE raw (
			ledger_id uuid NOT NULL, position bigint NOT NULL, event_id uuid NOT NULL, type text COLLATE "C" NOT NULL,
			effective_on date NOT NULL, recorded_at timestamptz NOT NULL, envelope bytea NOT NULL,
			PRIMARY KEY (ledger_id, position)
		);
		ALTER TABLE raw ALTER COLUMN envelope SET STORAGE EXTERNAL`
	config, err := rawConfig(url)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	if _, err := conn.Exec(ctx, make); err != nil {
		return nil, errors.Join(fmt.Errorf("make the tables of the limits: %w", err), conn.Close(ctx))
	}
	return &postgresRaw{config: config, conn: conn}, nil
}

func (p *postgresRaw) version(ctx context.Context) (string, error) {
	const query = `SELECT current_setting('server_version'), current_setting('fsync'), current_setting('synchronous_commit')`
	var version, fsync, commit string
	err := p.conn.QueryRow(ctx, query).Scan(&version, &fsync, &commit)
	return fmt.Sprintf("PostgreSQL %s, fsync %s, synchronous_commit %s", version, fsync, commit), err
}

const postgresLedger = `(SELECT ledger_id FROM soquy.origins WHERE origin = $1)`

func (p *postgresRaw) fill(ctx context.Context, origin string, n int) error {
	const query = `SELECT ledger_id, position, event_id, type, effective_on, recorded_at, envelope FROM soquy.events
		WHERE ledger_id = ` + postgresLedger + ` AND type = 'donation.received' ORDER BY position LIMIT $2`
	rows, err := p.conn.Query(ctx, query, origin, n)
	if err != nil {
		return err
	}
	defer rows.Close()
	p.rows = nil
	for rows.Next() {
		var (
			id, event  uuid.UUID
			position   int64
			typ        string
			on, record time.Time
			envelope   []byte
		)
		if err := rows.Scan(&id, &position, &event, &typ, &on, &record, &envelope); err != nil {
			return err
		}
		p.rows = append(p.rows, []any{[16]byte(id), position, [16]byte(event), typ, on, record, envelope})
	}
	return rows.Err()
}

// cycle hands the rows to COPY again and again, each with the next position.
type cycle struct {
	rows     [][]any
	position int64
	left     int
}

func (c *cycle) Next() bool {
	c.left--
	return c.left >= 0
}

func (c *cycle) Values() ([]any, error) {
	row := c.rows[c.position%int64(len(c.rows))]
	c.position++
	row[1] = c.position
	return row, nil
}

func (*cycle) Err() error { return nil }

func (p *postgresRaw) insert(ctx context.Context, perCommit int, while time.Duration) ([]time.Duration, error) {
	if _, err := p.conn.Exec(ctx, `TRUNCATE raw`); err != nil {
		return nil, err
	}
	columns := []string{"ledger_id", "position", "event_id", "type", "effective_on", "recorded_at", "envelope"}
	c := &cycle{rows: p.rows}
	return repeat(while, func() error {
		c.left = perCommit
		_, err := p.conn.CopyFrom(ctx, pgx.Identifier{"raw"}, columns, c)
		return err
	})
}

func (p *postgresRaw) point(ctx context.Context, origin string, position int64) error {
	const query = `SELECT e.envelope FROM soquy.origins l JOIN soquy.events e ON e.ledger_id = l.ledger_id AND e.position = $2
		WHERE l.origin = $1`
	var envelope []byte
	return p.conn.QueryRow(ctx, query, origin, position).Scan(&envelope)
}

func (p *postgresRaw) read(ctx context.Context, origin string) (n int64, err error) {
	const query = `SELECT position, event_id, type, effective_on, recorded_at, envelope FROM soquy.events
		WHERE ledger_id = $1 ORDER BY position`
	var id uuid.UUID
	if err := p.conn.QueryRow(ctx, "SELECT ledger_id FROM soquy.origins WHERE origin = $1", origin).Scan(&id); err != nil {
		return 0, err
	}
	rows, err := p.conn.Query(ctx, query, id)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var (
		position   int64
		event      pgtype.UUID
		typ        string
		on, record time.Time
		envelope   pgtype.DriverBytes // not copied
	)
	for rows.Next() {
		if err := rows.Scan(&position, &event, &typ, &on, &record, &envelope); err != nil {
			return n, err
		}
		if position != n+1 || len(envelope) == 0 {
			return n, fmt.Errorf("position %d after %d", position, n)
		}
		n++
	}
	return n, rows.Err()
}

// keyed is a table with its rows in the binary format of COPY.
type keyed struct {
	name string
	data []byte
	ends []int // of the rows
}

func (p *postgresRaw) rewrite(ctx context.Context, origin string, commits int64) (time.Duration, error) {
	const tables = `SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'ledger_id'
		WHERE c.relnamespace = 'soquy'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
		AND c.relname <> 'snapshots' ORDER BY c.relname`
	rows, err := p.conn.Query(ctx, tables)
	if err != nil {
		return 0, err
	}
	names, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return 0, err
	}
	var id uuid.UUID
	if err := p.conn.QueryRow(ctx, "SELECT ledger_id FROM soquy.origins WHERE origin = $1", origin).Scan(&id); err != nil {
		return 0, err
	}
	var list []*keyed
	for _, name := range names {
		t, err := p.dump(ctx, name, id)
		if err != nil {
			return 0, fmt.Errorf("dump %s: %w", name, err)
		}
		if len(t.ends) > 0 {
			list = append(list, t)
		}
		clone := "keyed_" + name
		sql := fmt.Sprintf("DROP TABLE IF EXISTS %s; CREATE TABLE %s (LIKE soquy.%s INCLUDING ALL)",
			pgx.Identifier{clone}.Sanitize(), pgx.Identifier{clone}.Sanitize(), pgx.Identifier{name}.Sanitize())
		if _, err := p.conn.Exec(ctx, sql); err != nil {
			return 0, fmt.Errorf("clone %s: %w", name, err)
		}
	}
	start := time.Now()
	for i := range commits {
		if err := p.copy(ctx, list, i, commits); err != nil {
			return 0, err
		}
	}
	return time.Since(start), nil
}

// copy writes the share of one commit.
func (p *postgresRaw) copy(ctx context.Context, list []*keyed, i, commits int64) error {
	if _, err := p.conn.Exec(ctx, "BEGIN"); err != nil {
		return err
	}
	for _, t := range list {
		n := int64(len(t.ends))
		from, to := n*i/commits, n*(i+1)/commits
		if from == to {
			continue
		}
		begin := 0
		if from > 0 {
			begin = t.ends[from-1]
		}
		data := io.MultiReader(bytes.NewReader([]byte(copyHeader)), bytes.NewReader(t.data[begin:t.ends[to-1]]), bytes.NewReader([]byte(copyTrailer)))
		if _, err := p.conn.PgConn().CopyFrom(ctx, data, "COPY "+pgx.Identifier{"keyed_" + t.name}.Sanitize()+" FROM STDIN (FORMAT binary)"); err != nil {
			return fmt.Errorf("copy into the clone of %s: %w", t.name, err)
		}
	}
	_, err := p.conn.Exec(ctx, "COMMIT")
	return err
}

const (
	copyHeader  = "PGCOPY\n\xff\r\n\x00" + "\x00\x00\x00\x00" + "\x00\x00\x00\x00" // signature, flags, length of extensions
	copyTrailer = "\xff\xff"
)

// dump reads all rows of a ledger in a table.
func (p *postgresRaw) dump(ctx context.Context, name string, id uuid.UUID) (*keyed, error) {
	const given = `SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum) FROM pg_attribute
		WHERE attrelid = ('soquy.' || quote_ident($1))::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''`
	var columns string
	if err := p.conn.QueryRow(ctx, given, name).Scan(&columns); err != nil {
		return nil, err
	}
	var buf bytes.Buffer
	query := fmt.Sprintf("COPY (SELECT %s FROM soquy.%s WHERE ledger_id = '%s') TO STDOUT (FORMAT binary)", columns, pgx.Identifier{name}.Sanitize(), id)
	if _, err := p.conn.PgConn().CopyTo(ctx, &buf, query); err != nil {
		return nil, err
	}
	t := &keyed{name: name, data: buf.Bytes()[len(copyHeader):]}
	for at := 0; ; {
		if at+2 > len(t.data) {
			return nil, errors.New("rows end too early")
		}
		fields := int16(binary.BigEndian.Uint16(t.data[at:]))
		if fields < 0 {
			return t, nil
		}
		at += 2
		for range fields {
			if n := int32(binary.BigEndian.Uint32(t.data[at:])); n > 0 {
				at += int(n)
			}
			at += 4
		}
		t.ends = append(t.ends, at)
	}
}

func (p *postgresRaw) size(ctx context.Context) (e extent, err error) {
	const (
		bytes = `SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relnamespace = 'soquy'::regnamespace AND relkind = 'r'`
		count = `SELECT count(*), coalesce(sum(octet_length(envelope)), 0) FROM soquy.events`
	)
	if err := p.conn.QueryRow(ctx, bytes).Scan(&e.bytes); err != nil {
		return e, fmt.Errorf("size of the tables: %w", err)
	}
	return e, p.conn.QueryRow(ctx, count).Scan(&e.events, &e.envelopes)
}

func (p *postgresRaw) forget(ctx context.Context, origin string) error {
	_, err := p.conn.Exec(ctx, `DELETE FROM soquy.snapshots WHERE ledger_id = `+postgresLedger, origin)
	return err
}

func (p *postgresRaw) close(ctx context.Context) error {
	if p.conn.IsClosed() { // a query was interrupted
		conn, err := pgx.ConnectConfig(ctx, p.config)
		if err != nil {
			return err
		}
		p.conn = conn
	}
	_, err := p.conn.Exec(ctx, `DROP SCHEMA `+rawSchema+` CASCADE`)
	return errors.Join(err, p.conn.Close(ctx))
}
