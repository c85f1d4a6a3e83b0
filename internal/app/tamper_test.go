package app_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/postgres"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/eventcodec"
	"github.com/soquy/soquy/internal/ledger"
	"github.com/soquy/soquy/internal/locale"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/internal/snapshot"
	"github.com/soquy/soquy/projections"
	postgresmodels "github.com/soquy/soquy/projections/postgres"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// unvouched is what nothing can vouch for: a change there is not found. docs/internals/tamper.md has the same list, and why. What is
// not of a column is what is done to a row.
var unvouched = []string{
	"goose_db_version.id", "goose_db_version.version_id", "goose_db_version.is_applied", "goose_db_version.tstamp",
	"checkpoints removed", "snapshots removed",
	"progress.builder", "balances.changes", "balance_buckets.changes",
	"rebuilds.version", "rebuilds.position", "rebuilds.builder", "rebuilds inserted", "rebuilds removed",
	"subject_runs.run",
}

// rebuilding is the read model of which the ledger of these tests has a rebuild that was interrupted.
const rebuilding = "indicators"

// A tampering changes the rows of one table as someone with all rights would.
type tampering struct {
	table, what string // what is a column, or what is done to a row
	column      string // that a finding must name; "" for the table alone
	positions   []span // that findings must be at
	either      bool   // at one of them; else at each
	change      func([][]any) [][]any
}

// span is a range of positions of which a finding may be at any: more than one only where a tile covers them.
type span struct{ first, last int64 }

// TestVerifyFindsTampering changes each column of each table, and removes, adds and swaps rows of each, directly in both databases and
// past the triggers, which are there again when verify looks. The tables and columns are those of the schema.
func TestVerifyFindsTampering(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (soquy, tampered){"sqlite": tamperSQLite, "postgres": tamperPostgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			english := locale.New(locale.English)
			s, db := open(t)
			s.run(t, 0, "", "verify")
			seen := map[string]bool{} // of unvouched
			for _, table := range db.tables(t) {
				columns, rows := db.columns(t, table), db.rows(t, table)
				if len(rows) == 0 {
					t.Errorf("%s has no rows: what happens to them is not tested", table)
					continue
				}
				for _, c := range tamperings(t, db, table, columns, rows) {
					id := strings.Replace(table, "events_000000000000", "events", 1) + "." + c.what
					if strings.Contains(c.what, " ") || slices.Contains([]string{"removed", "inserted", "swapped", "of no ledger"}, c.what) {
						id = table + " " + c.what
					}
					excused := slices.Contains(unvouched, id)
					seen[id] = true
					if table == "goose_db_version" {
						if !excused {
							t.Errorf("%s is not known: a change of it is not tested", id)
						}
						continue
					}
					t.Run(id, func(t *testing.T) {
						db.write(t, table, c.change(clone(rows)))
						defer db.write(t, table, rows)
						found := s.verified(t, english)
						if excused {
							if len(found) > 0 {
								t.Errorf("it is found, and should not be excused: %v", found)
							}
							return
						}
						c.check(t, found)
					})
				}
			}
			for _, id := range unvouched {
				if !seen[id] && (name == "sqlite" || id != "subject_runs.run") && (name == "postgres" || !strings.HasSuffix(id, ".changes")) {
					t.Errorf("%s is excused, and does not exist", id)
				}
			}
			s.run(t, 0, "", "verify") // else the rows were not put back as they were
		})
	}
}

// TestUnvouchedIsDocumented: what verify cannot find is told, with why.
func TestUnvouchedIsDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/internals/tamper.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## What nothing can vouch for")
	table, _, _ = strings.Cut(table, "\n## ")
	var told []string
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| .{20,} \\|$").FindAllStringSubmatch(table, -1) {
		told = append(told, m[1])
	}
	slices.Sort(told)
	if want := slices.Sorted(slices.Values(unvouched)); !slices.Equal(told, want) {
		t.Errorf("docs/internals/tamper.md lists\n%q, want\n%q", told, want)
	}
}

// finding is one failure of verify.
type finding struct {
	Position int64  `json:"position"`
	What     string `json:"what"`
	Code     string `json:"code"`
}

// findings are what verify finds; it ends with exit code 3 where there are some.
func (s soquy) findings(t *testing.T, args ...string) []finding {
	t.Helper()
	var v struct {
		OK       bool      `json:"ok"`
		Failures []finding `json:"failures"`
	}
	exit, out, said := s.try(t, "", append([]string{"verify", "--json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatalf("exit %d, %v: %s%s", exit, err, out, said)
	}
	if v.OK != (exit == 0) || v.OK != (len(v.Failures) == 0) || exit != 0 && exit != cli.ExitIntegrity {
		t.Fatalf("exit %d: %s%s", exit, out, said)
	}
	return v.Failures
}

// verified is findings without the command line, which takes longer to start than such a log to verify.
func (s soquy) verified(t *testing.T, english *locale.Catalogue) (list []finding) {
	t.Helper()
	v, err := app.New(s.env).Verify(t.Context(), cli.Target{DB: s.db}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.OK != (len(v.Failures) == 0) {
		t.Errorf("it is said to be right: %v", v.OK)
	}
	for _, f := range v.Failures {
		var args []string
		for _, a := range f.Args {
			args = append(args, a.Name, a.Value)
		}
		list = append(list, finding{f.Position, english.Text("verify.what."+f.Code, args...), f.Code})
	}
	return list
}

func (c *tampering) check(t *testing.T, found []finding) {
	t.Helper()
	if len(found) == 0 {
		t.Fatal("it is not found")
	}
	table := strings.Replace(c.table, "events_000000000000", "events", 1)
	word := func(what string) *regexp.Regexp { return regexp.MustCompile(`(^|[^a-z_])` + what + `([^a-z_]|$)`) }
	named := slices.ContainsFunc(found, func(f finding) bool {
		return word(table).MatchString(f.What) && (c.column == "" || word(c.column).MatchString(f.What))
	})
	if !named {
		t.Errorf("no finding names %s.%s: %v", table, c.column, found)
	}
	missed := slices.DeleteFunc(slices.Clone(c.positions), func(p span) bool {
		return slices.ContainsFunc(found, func(f finding) bool { return f.Position >= p.first && f.Position <= p.last || f.covers(p.first) })
	})
	if len(missed) > 0 && (!c.either || len(missed) == len(c.positions)) {
		t.Errorf("no finding is at %v: %v", missed, found)
	}
	for _, f := range found {
		if strings.HasPrefix(f.Code, "guard.") {
			t.Errorf("a trigger is missed though all are there: %v", f)
		}
	}
}

// covers reports whether a finding names the range of positions of an altered envelope, of which the tree has no more than a hash.
func (f finding) covers(position int64) bool {
	if f.Code != "tree.range" {
		return false
	}
	m := regexp.MustCompile(`positions (\d+) to (\d+)`).FindStringSubmatch(f.What)
	first, _ := strconv.ParseInt(m[1], 10, 64)
	last, _ := strconv.ParseInt(m[2], 10, 64)
	return first <= position && position <= last
}

// tamperings are what is done to a table.
func tamperings(t *testing.T, db tampered, table string, columns []column, rows [][]any) (list []tampering) {
	t.Helper()
	at := func(name string) int { return slices.IndexFunc(columns, func(c column) bool { return c.name == name }) }
	places := func(rows ...[]any) (list []span) {
		for _, r := range rows {
			list = append(list, db.place(table, columns, r)...)
		}
		return list
	}
	for i, c := range columns {
		picks := []int{pick(rows, i)}
		if strings.HasPrefix(table, "events") {
			picks = []int{29, len(rows) - 2} // under a full tile, and under none
		}
		for _, row := range picks {
			if table == "goose_db_version" {
				list = append(list, tampering{table: table, what: c.name})
				break
			}
			changed := slices.Clone(rows[row])
			changed[i] = another(table, c, rows, row, i)
			for taken(columns, rows, changed, row) {
				row = (row + 1) % len(rows)
				changed = slices.Clone(rows[row])
				changed[i] = another(table, c, rows, row, i)
			}
			want, moved := places(rows[row]), places(changed)
			either := !slices.Equal(want, moved)
			if either {
				want = append(want, moved...)
			}
			if slices.Contains([]string{"more", "subjects", "positions"}, c.name) {
				want = nil // of other events than the first
			}
			if c.name == "ledger_id" && (table == "checkpoints" || table == "snapshots") {
				want = nil // that a row is missing, nobody knows
			}
			name, table := c.name, table
			if models := map[string]string{"balances": "balances", "totals": "total_facts", "vouchers": "vouchers"}; table == "placed" && models[c.name] != "" {
				table, name, want = models[c.name], "", nil // of which rows are missing then, or twice
			}
			if c.name == "placed_position" { // of which rows nothing is seen then; one that is too low leaves out fewer
				changed[i] = changed[at("head_position")]
				table, name = "balance_entries", ""
				beyond := slices.Clone(changed)
				beyond[i] = int64(math.MaxInt64)
				list = append(list, tampering{"ledgers", "placed_position beyond the head", c.name, nil, false, func(rows [][]any) [][]any {
					rows[row] = beyond
					return rows
				}})
			}
			if c.name == "changes" {
				for what, n := range map[string]int64{"changes beyond the head": math.MaxInt64, "changes below 0": -1} {
					beyond := slices.Clone(changed)
					beyond[i] = n
					list = append(list, tampering{table, what, c.name, nil, false, func(rows [][]any) [][]any {
						rows[row] = beyond
						return rows
					}})
				}
			}
			if c.name == "slot" && table == rebuilding {
				name = "" // the row is missing; that it lies in the slot of the rebuild is not looked at
			}
			list = append(list, tampering{table, c.name, name, want, either, func(rows [][]any) [][]any {
				rows[row] = changed
				return rows
			}})
		}
	}
	if table == "goose_db_version" {
		return list
	}
	middle := len(rows) / 2
	missing := table
	if table == projections.BatchTable {
		missing = "vouchers" // whose packs are missing, among others
	}
	list = append(list, tampering{missing, "removed", "", places(rows[middle]), false, func(rows [][]any) [][]any {
		return slices.Delete(rows, middle, middle+1)
	}})
	extra := slices.Clone(rows[middle])
	for i := len(columns) - 1; ; i-- {
		if columns[i].key {
			extra[i] = another(table, columns[i], rows, middle, i)
			break
		}
	}
	if i := at("origin"); i >= 0 {
		extra[i] = "example.org/soquy/other"
	}
	if table == "rebuilds" {
		extra[at("projection")] = "goods"
	}
	inserted := func(rows [][]any) [][]any { return append(rows, extra) }
	list = append(list, tampering{table, "inserted", "", places(extra), false, inserted})
	foreign := slices.Clone(rows[middle])
	foreign[at("ledger_id")] = flip(foreign[at("ledger_id")])
	for _, name := range []string{"run", "origin"} { // which no two rows have
		if i := at(name); i >= 0 {
			foreign[i] = extra[i]
		}
	}
	list = append(list, tampering{table, "of no ledger", "ledger_id", nil, false, func(rows [][]any) [][]any { return append(rows, foreign) }})
	values := func(r []any) (list []any) {
		for i, c := range columns {
			if !c.key {
				list = append(list, r[i])
			}
		}
		return list
	}
	first := 0
	if strings.HasPrefix(table, "events") {
		first = 29 // without the first event nothing is read
	}
	for j := len(rows) - 1; j > first && at("run") < 0; j-- { // nothing depends on which run is which
		if text := fmt.Sprint(values(rows[first])...); len(values(rows[first])) == 0 || text == fmt.Sprint(values(rows[j])...) {
			continue
		}
		want := places(rows[first], rows[j])
		if at("more") >= 0 || table == "subject_runs" {
			want = nil // it is the other events of two rows that were swapped
		}
		list = append(list, tampering{table, "swapped", "", want, false, func(rows [][]any) [][]any {
			for i, c := range columns {
				if !c.key {
					rows[first][i], rows[j][i] = rows[j][i], rows[first][i]
				}
			}
			return rows
		}})
		break
	}
	return list
}

// taken reports whether a row has the key of one that is there, but for the row that it was made of.
func taken(columns []column, rows [][]any, row []any, of int) bool {
	for i, r := range rows {
		if i != of && !slices.ContainsFunc(columns, func(c column) bool {
			at := slices.Index(columns, c)
			return c.key && fmt.Sprint(r[at]) != fmt.Sprint(row[at])
		}) {
			return true
		}
	}
	return false
}

// pick returns a row that has something in a column, from the middle on.
func pick(rows [][]any, column int) int {
	for i := range rows {
		row := (len(rows)/2 + i) % len(rows)
		switch v := rows[row][column].(type) {
		case nil:
			continue
		case []byte:
			if len(v) == 0 {
				continue
			}
		case string:
			if v == "" {
				continue
			}
		}
		return row
	}
	return len(rows) / 2
}

// another returns another valid value of a column: of what is counted the next number, of a key one that no row has, else one bit.
func another(table string, c column, rows [][]any, row, at int) any {
	number := func(v int64) int64 {
		switch {
		case c.name == "slot" || c.name == "publish":
			return 1 - v
		case c.name == "kind" || c.name == "basis":
			return (v + 1) % 3
		case table == "commands" && c.name == "first_position":
			return v - 1
		case c.key:
			for _, r := range rows {
				v = max(v, integer(r[at])+1)
			}
			if table == "subjects" {
				v++ // the last event's may lie in a run, and a row that says the same once more is no lie
			}
			return v
		}
		return v + 1
	}
	switch v := rows[row][at].(type) {
	case int64:
		return number(v)
	case int32:
		return int32(number(int64(v)))
	case int16:
		return int16(number(int64(v)))
	case time.Time:
		if c.kind == "date" {
			return v.AddDate(0, 0, 1)
		}
		return v.Add(time.Microsecond)
	case nil:
		switch c.kind {
		case "date":
			return time.Date(2017, 1, 1, 0, 0, 0, 0, time.UTC)
		case "INTEGER", "bigint":
			return int64(1)
		case "BLOB":
			return make([]byte, 16)
		case "uuid":
			return [16]byte{}
		}
		return "x"
	default:
		return flip(v)
	}
}

func integer(v any) int64 {
	switch v := v.(type) {
	case int64:
		return v
	case int32:
		return int64(v)
	case int16:
		return int64(v)
	}
	return 0
}

// flip changes one bit, of a date one day.
func flip(v any) any {
	switch v := v.(type) {
	case string:
		if day, err := time.Parse(time.DateOnly, v); err == nil {
			return day.AddDate(0, 0, 1).Format(time.DateOnly)
		}
		if v == "" {
			return "x"
		}
		b := []byte(v)
		b[len(b)-1] ^= 1
		return string(b)
	case []byte:
		if len(v) == 0 {
			return []byte{1, 0, 0, 0}
		}
		b := slices.Clone(v)
		b[len(b)/2] ^= 1
		return b
	case [16]byte:
		v[15] ^= 1
		return v
	case bool:
		return !v
	case []any: // of one type; positions go beyond the batch
		list := slices.Clone(v)
		last := &list[len(list)-1]
		switch e := (*last).(type) {
		case int64:
			*last = e + 1_000
		case int32:
			*last = e + 1_000
		case int16:
			*last = e ^ 1
		case time.Time:
			*last = e.AddDate(0, 0, 1)
		default:
			*last = flip(e)
		}
		return list
	}
	panic(fmt.Sprintf("a value of %T", v))
}

func clone(rows [][]any) [][]any {
	list := make([][]any, len(rows))
	for i := range rows {
		list[i] = slices.Clone(rows[i])
	}
	return list
}

type column struct {
	name, kind string
	key        bool
}

// tampered is a database whose rows are changed past its triggers.
type tampered interface {
	tables(t *testing.T) []string
	columns(t *testing.T, table string) []column
	rows(t *testing.T, table string) [][]any
	write(t *testing.T, table string, rows [][]any)
	place(table string, columns []column, row []any) []span
}

// committed knows which event commits to a private text.
type committed map[string]int64

var committing = regexp.MustCompile(`"private":"([0-9a-f-]{36})"`)

func (m committed) note(position int64, envelope []byte) {
	for _, id := range committing.FindAllSubmatch(envelope, -1) {
		m[string(id[1])] = position
	}
}

// place returns the position of the event that a row is about, if it is about one.
func (m committed) place(table string, columns []column, row []any) []span {
	get := func(name string) int64 {
		return integer(row[slices.IndexFunc(columns, func(c column) bool { return c.name == name })])
	}
	one := func(position int64) []span {
		if position < 1 {
			return nil
		}
		return []span{{position, position}}
	}
	switch table {
	case "commands":
		return one(get("first_position"))
	case "checkpoints":
		return one(get("tree_size"))
	case "tiles":
		if get("level") > 0 {
			return nil
		}
		first := get("tile_index")*transparency.TileWidth + 1
		return []span{{first, first + transparency.TileWidth - 1}}
	case "private":
		var id uuid.UUID
		switch v := row[slices.IndexFunc(columns, func(c column) bool { return c.name == "private_id" })].(type) {
		case []byte:
			id = uuid.UUID(v)
		case [16]byte:
			id = v
		}
		return one(m[id.String()])
	case "rebuilds": // how far they are
		return nil
	}
	if slices.ContainsFunc(columns, func(c column) bool { return c.name == "position" }) {
		return one(get("position"))
	}
	return nil
}

const tamperOrigin = "example.org/soquy/test"

// store is what prepare needs of the two.
type store interface {
	eventstore.Store
	Close() error
}

// prepare leaves rows where a history alone leaves none: snapshots, a rebuild that is over, and one that was interrupted.
func prepare(t *testing.T, keys string, db store, rebuild func(context.Context, uuid.UUID, []string, projections.Events) error) {
	t.Helper()
	id, codec := saveSnapshots(t, keys, db, 100, 400)
	events := func(ctx context.Context, from, to int64, yield func(*domain.Event) error) error {
		return db.Read(ctx, id, from, to, func(r *eventstore.Record) error {
			decoded, err := codec.Decode(r.Envelope)
			if err != nil {
				return err
			}
			return yield(&decoded.Event)
		})
	}
	if err := rebuild(t.Context(), id, []string{"funds"}, events); err != nil {
		t.Fatal(err)
	}
	interrupted := errors.New("interrupted")
	err := rebuild(t.Context(), id, []string{rebuilding}, func(context.Context, int64, int64, func(*domain.Event) error) error { return interrupted })
	if !errors.Is(err, interrupted) {
		t.Fatal(err)
	}
}

// saveSnapshots keeps snapshots at positions, as a writer does after some thousand events.
func saveSnapshots(t *testing.T, keys string, db store, positions ...int64) (uuid.UUID, *eventcodec.Codec) {
	t.Helper()
	heads, err := db.Ledgers(t.Context())
	if err != nil || len(heads) != 1 {
		t.Fatalf("%d ledgers, %v", len(heads), err)
	}
	id := heads[0].Ledger
	public, err := ledger.PublicKey(t.Context(), db, id)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ledger.Keyring{Dir: keys}.Signer(tamperOrigin, public)
	if err != nil {
		t.Fatal(err)
	}
	codec, tree, book := eventcodec.New(tamperOrigin, 0), transparency.NewTree(), domain.Book{}
	err = db.Read(t.Context(), id, 1, 0, func(r *eventstore.Record) error {
		decoded, err := codec.Decode(r.Envelope)
		if err != nil {
			return err
		}
		book.Evolve(&decoded.Event)
		tree.Append(transparency.LeafHash(r.Envelope))
		tree.Full()
		if !slices.Contains(positions, r.Position) {
			return nil
		}
		snap, err := snapshot.Sign(&book, tree.Edge(), signer)
		if err != nil {
			return err
		}
		return db.SaveSnapshot(t.Context(), id, snap)
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, codec
}

// recordTampered begins the history: more than two full tiles of events.
func recordTampered(t *testing.T, s soquy) {
	t.Helper()
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	s.run(t, 0, "", "init", "--origin", tamperOrigin)
	s.run(t, 1, string(history), "record", "-")
	s.run(t, 0, strings.Repeat(smallGift, 460), "record", "-")
	s.run(t, 0, "", "rebuild") // on SQLite what comes then lies apart from what was before
}

const smallGift = `{"type":"receive_donation","effective_on":"2017-06-01","data":{"fund":"HB","donor":"VD","lines":[{"asset":"cash","amount":"1000"}]}}` + "\n"

// recording begins to record, and returns what records a gift alone and waits until it is there, and what ends it.
func recording(t *testing.T, s soquy) (gift, stop func()) {
	commands, more := io.Pipe()
	answers, answer := io.Pipe()
	stopped := make(chan int, 1)
	go func() {
		args := []string{"--lang", "en", "record", "-"}
		stopped <- cli.Main(context.Background(), args, commands, answer, io.Discard, s.env, app.New(s.env))
	}()
	lines := bufio.NewReader(answers)
	gift = func() {
		t.Helper()
		if _, err := io.WriteString(more, smallGift); err != nil {
			t.Fatal(err)
		}
		if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, `"positions"`) {
			t.Fatalf("%v: %s", err, line)
		}
	}
	stop = func() {
		t.Helper()
		if err := more.Close(); err != nil {
			t.Fatal(err)
		}
		if exit := <-stopped; exit != 0 {
			t.Fatalf("record ended with %d", exit)
		}
	}
	return gift, stop
}

// sqliteTampered is an SQLite file.
type sqliteTampered struct {
	db *sql.DB
	committed
}

func tamperSQLite(t *testing.T) (soquy, tampered) {
	made := soquy{db: filepath.Join(t.TempDir(), "made.db")}
	recordTampered(t, made)
	log, err := sqlite.Open(made.db, sqlite.Options{Mode: sqlite.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	prepare(t, made.db+".keys", log, func(ctx context.Context, id uuid.UUID, names []string, events projections.Events) error {
		return sqlitemodels.New().Rebuild(ctx, log, id, names, events, projections.Report{})
	})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	// What a writer added lies beside the index of subjects until it stops.
	gift, stop := recording(t, made)
	for range 4 {
		gift()
	}
	s := soquy{db: filepath.Join(t.TempDir(), "tampered.db")}
	from, err := sql.Open("sqlite", made.db)
	if err != nil {
		t.Fatal(err)
	}
	_, err = from.Exec(`VACUUM INTO ?`, s.db)
	if err := errors.Join(err, from.Close()); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := errors.Join(os.CopyFS(s.db+".keys", os.DirFS(made.db+".keys"))); err != nil {
		t.Fatal(err)
	}
	return s, openSQLite(t, s)
}

func openSQLite(t *testing.T, s soquy) *sqliteTampered {
	t.Helper()
	db, err := sql.Open("sqlite", s.db)
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	t.Cleanup(func() { db.Close() })
	x := &sqliteTampered{db, committed{}}
	for _, r := range x.rows(t, "events") {
		x.note(r[1].(int64), r[6].([]byte))
	}
	return x
}

func (x *sqliteTampered) tables(t *testing.T) []string {
	return texts(t, x.db, `SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY name`)
}

func texts(t *testing.T, db *sql.DB, query string) (list []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		list = append(list, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func (x *sqliteTampered) columns(t *testing.T, table string) (list []column) {
	rows, err := x.db.Query(`SELECT name, type, pk > 0 FROM pragma_table_info(?) ORDER BY cid`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var c column
		if err := rows.Scan(&c.name, &c.kind, &c.key); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func (x *sqliteTampered) rows(t *testing.T, table string) (list [][]any) {
	n := len(x.columns(t, table))
	rows, err := x.db.Query(`SELECT * FROM ` + table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		row, into := make([]any, n), make([]any, n)
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			t.Fatal(err)
		}
		for i := range row {
			if b, is := row[i].([]byte); is && b == nil {
				row[i] = []byte{} // the driver takes nil for NULL
			}
		}
		list = append(list, row)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return list
}

func (x *sqliteTampered) write(t *testing.T, table string, rows [][]any) {
	t.Helper()
	triggers := texts(t, x.db, `SELECT sql FROM sqlite_schema WHERE type = 'trigger'`)
	names := texts(t, x.db, `SELECT name FROM sqlite_schema WHERE type = 'trigger'`)
	tx, err := x.db.Begin()
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	exec := func(query string, args ...any) {
		t.Helper()
		if _, err := tx.Exec(query, args...); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	for _, name := range names {
		exec(`DROP TRIGGER ` + name)
	}
	exec(`DELETE FROM ` + table)
	if len(rows) > 0 {
		insert, err := tx.Prepare(`INSERT INTO ` + table + ` VALUES (?` + strings.Repeat(", ?", len(rows[0])-1) + `)`)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			if _, err := insert.Exec(row...); err != nil {
				t.Fatalf("%s %v: %v", table, row, err)
			}
		}
	}
	for _, text := range triggers {
		exec(text)
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
}

// postgresTampered is a PostgreSQL database.
type postgresTampered struct {
	conn *pgx.Conn
	committed
}

func tamperPostgres(t *testing.T) (soquy, tampered) {
	s := soquy{db: pgtest.Database(t), keys: t.TempDir()}
	recordTampered(t, s)
	log, err := postgres.Open(t.Context(), s.db, postgres.Options{Mode: postgres.ReadWrite})
	if err != nil {
		t.Fatal(err)
	}
	prepare(t, s.keys, log, func(ctx context.Context, id uuid.UUID, names []string, events projections.Events) error {
		return postgresmodels.New().Rebuild(ctx, log, id, names, events, projections.Report{})
	})
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	// After so many batches those of before are in order in the index of subjects, and the last lie beside it.
	x := openPostgres(t, s)
	gift, stop := recording(t, s)
	for len(x.rows(t, "subjects")) == 0 || len(x.rows(t, "subject_runs")) < 3 {
		gift()
	}
	stop()
	return s, openPostgres(t, s)
}

func openPostgres(t *testing.T, s soquy) *postgresTampered {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.db)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	if _, err := conn.Exec(t.Context(), `SET session_replication_role = replica; SET search_path = soquy`); err != nil {
		t.Fatal(err)
	}
	x := &postgresTampered{conn, committed{}}
	for _, r := range x.rows(t, "events") {
		x.note(r[1].(int64), r[6].([]byte))
	}
	return x
}

func (x *postgresTampered) texts(t *testing.T, query string, args ...any) []string {
	t.Helper()
	rows, err := x.conn.Query(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (x *postgresTampered) tables(t *testing.T) []string { // with the partitions
	return x.texts(t, `SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'soquy' AND table_type = 'BASE TABLE' ORDER BY 1`)
}

func (x *postgresTampered) columns(t *testing.T, table string) []column {
	rows, err := x.conn.Query(t.Context(), `SELECT c.column_name::text, c.data_type::text, EXISTS (
			SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey)
			WHERE i.indisprimary AND i.indrelid = ('soquy.' || c.table_name)::regclass AND a.attname = c.column_name)
		FROM information_schema.columns c WHERE c.table_schema = 'soquy' AND c.table_name = $1 AND c.is_generated = 'NEVER' ORDER BY c.ordinal_position`, table)
	if err != nil {
		t.Fatal(err)
	}
	list, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (c column, err error) { return c, r.Scan(&c.name, &c.kind, &c.key) })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (x *postgresTampered) rows(t *testing.T, table string) (list [][]any) {
	var names, keys []string
	for _, c := range x.columns(t, table) {
		names = append(names, c.name)
		if c.key {
			keys = append(keys, c.name)
		}
	}
	rows, err := x.conn.Query(t.Context(), `SELECT `+strings.Join(names, ", ")+` FROM `+table+` ORDER BY `+strings.Join(keys, ", "))
	if err != nil {
		t.Fatal(err)
	}
	list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) ([]any, error) { return r.Values() })
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func (x *postgresTampered) write(t *testing.T, table string, rows [][]any) {
	t.Helper()
	var names []string
	for _, c := range x.columns(t, table) {
		names = append(names, c.name)
	}
	err := pgx.BeginFunc(context.Background(), x.conn, func(tx pgx.Tx) error {
		if _, err := tx.Exec(context.Background(), `DELETE FROM `+table); err != nil {
			return err
		}
		_, err := tx.CopyFrom(context.Background(), pgx.Identifier{table}, names, pgx.CopyFromRows(rows))
		return err
	})
	if err != nil {
		t.Fatalf("write %s: %v", table, err)
	}
}
