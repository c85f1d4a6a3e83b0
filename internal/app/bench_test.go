package app

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/soquy/soquy/internal/bench"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/locale"
	"github.com/soquy/soquy/internal/pgtest"
)

// tiny is a plan that takes seconds. Its figures mean nothing; that they are there is what is tested.
var tiny = bench.Plan{
	Repeat: 1, Slice: 50 * time.Millisecond, Short: 20 * time.Millisecond, List: 200, Import: 500, Keyed: 50 * time.Millisecond,
	Small: 4_500, Large: 8_000, Passes: 1, Queries: 20, Totals: 20, Ask: time.Minute, Recorded: 50, Budget: time.Minute,
}

func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes a quarter of a minute a database")
	}
	bin := filepath.Join(t.TempDir(), "soquy")
	if out, err := exec.Command("go", "build", "-o", bin, "../../cmd/soquy").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	for name, db := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "a.db") },
		"postgres": func() string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			target := cli.Target{DB: db()}
			a := New(func(string) string { return "" })
			scratch := t.TempDir()
			s, err := a.benched(t.Context(), target, scratch)
			if err != nil {
				t.Fatal(err)
			}
			s.program = func() (string, error) { return bin, nil }
			told, total := int64(0), int64(0)
			r, err := bench.Run(t.Context(), s, benchKind(target.DB), target.DB, bench.Options{Plan: tiny, Scratch: scratch, Progress: func(done, of int64) {
				if done < told || done > of {
					t.Errorf("progress %d after %d of %d", done, told, of)
				}
				told, total = done, of
			}})
			if err = errors.Join(err, s.db.Close()); err != nil {
				t.Fatal(err)
			}
			if told != total || total == 0 {
				t.Errorf("progress ended at %d of %d", told, total)
			}
			checkRows(t, r.Rows)
			checkTidy(t, target.DB, scratch)

			_, err = a.Bench(t.Context(), target, cli.BenchOptions{Quick: true}, nil)
			var f *cli.Failure
			if !errors.As(err, &f) || f.Code != "bench.not_empty" || f.Exit != cli.ExitUnusable {
				t.Errorf("a second run: %v, want bench.not_empty", err)
			}
		})
	}
}

// checkRows checks that every measure is there, once, and that the ratios and goals follow from the figures.
func checkRows(t *testing.T, rows []bench.Row) {
	t.Helper()
	byMeasure := map[string]*bench.Row{}
	for i := range rows {
		r := &rows[i]
		if byMeasure[r.Measure] != nil {
			t.Errorf("%s: two rows", r.Measure)
		}
		byMeasure[r.Measure] = r
		for _, l := range locale.Languages() {
			if c := locale.New(l); !c.Has("bench."+r.Text) || r.Stat != "" && !c.Has("bench.stat."+r.Stat) {
				t.Errorf("%s: no text %q or %q in %s", r.Measure, r.Text, r.Stat, l)
			}
		}
		if r.Min > r.Value || r.Value > r.Max || r.Value < 0 || r.Value == 0 && r.Unit != "%" {
			t.Errorf("%s: %v is not between %v and %v", r.Measure, r.Value, r.Min, r.Max)
		}
		if (r.Limit == nil) != (r.Ratio == nil) || (r.Goal == nil) != (r.Met == nil) {
			t.Errorf("%s: limit %v, ratio %v, goal %v, met %v", r.Measure, r.Limit, r.Ratio, r.Goal, r.Met)
			continue
		}
		reached := r.Value
		if r.Limit != nil {
			if reached = r.Value / *r.Limit; reached != *r.Ratio {
				t.Errorf("%s: ratio %v of %v to %v", r.Measure, *r.Ratio, r.Value, *r.Limit)
			}
		}
		if r.Goal != nil {
			if met := reached == *r.Goal || reached > *r.Goal == r.Least; met != *r.Met {
				t.Errorf("%s: %v met %v: %v", r.Measure, reached, *r.Goal, *r.Met)
			}
		}
	}
	for _, measure := range append(bench.Measures(), "limit-1", "limit-64", "limit-1024", "limit-10000", "read-raw",
		"append-hot-1", "append-hot-8", "append-hot-256", "append-spread-1", "append-spread-8", "append-spread-256",
		"append-hot-p50", "append-hot-p99", "append-hot-batch", "append-hot-allocs", "append-hot-share-join", "append-spread-share-commit",
		"balance-small", "balance-writing", "balance-as-of-small-writing-p50", "totals-all", "people", "start-replay") {
		if measure == "limit" {
			continue // asks for those that begin with it
		}
		r := byMeasure[measure]
		if r == nil {
			t.Errorf("%s: no row", measure)
		} else if slices.Contains(bench.Measures(), measure) && r.Goal == nil {
			t.Errorf("%s has no goal", measure)
		}
	}
	var whole float64
	for _, r := range rows {
		if strings.HasPrefix(r.Measure, "append-hot-share-") {
			whole += r.Value
		}
	}
	if whole < 80 || whole > 120 { // encoding and hashing are measured again, apart
		t.Errorf("the steps take %v %% of the time", whole)
	}
}

// checkTidy checks that nothing is left but the database with its ledgers and keys.
func checkTidy(t *testing.T, db, scratch string) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(scratch, "*.ndjson"))
	if err != nil || len(left) > 0 {
		t.Errorf("left over: %v %v", left, err)
	}
	if !isPostgres(db) {
		names, err := os.ReadDir(filepath.Dir(db))
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range names {
			if n.Name() != "a.db" && n.Name() != "a.db.keys" {
				t.Errorf("left over: %s", n.Name())
			}
		}
		return
	}
	conn, err := pgx.Connect(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n int
	if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname = 'soquy_bench'`).Scan(&n); err != nil || n != 0 {
		t.Errorf("left over: schema soquy_bench (%v)", err)
	}
}

func TestBenchRefuses(t *testing.T) {
	refused := func(t *testing.T, db string) {
		t.Helper()
		_, err := New(func(string) string { return "" }).Bench(t.Context(), cli.Target{DB: db}, cli.BenchOptions{Quick: true}, nil)
		var f *cli.Failure
		if !errors.As(err, &f) || f.Code != "bench.not_empty" || f.Exit != cli.ExitUnusable {
			t.Errorf("%v, want bench.not_empty", err)
		}
	}
	t.Run("sqlite", func(t *testing.T) {
		db := filepath.Join(t.TempDir(), "a.db")
		a := New(func(string) string { return "" })
		if _, err := a.Init(t.Context(), cli.Target{DB: db}, cli.InitOptions{Currency: "VND", TimeZone: "Asia/Ho_Chi_Minh"}); err != nil {
			t.Fatal(err)
		}
		refused(t, db)
	})
	t.Run("another program's file", func(t *testing.T) {
		db := filepath.Join(t.TempDir(), "a.db")
		text := strings.Repeat("This is no database. ", 400)
		if err := os.WriteFile(db, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		refused(t, db)
		if raw, err := os.ReadFile(db); err != nil || string(raw) != text {
			t.Errorf("the file was changed (%v)", err)
		}
	})
	t.Run("postgres", func(t *testing.T) {
		db := pgtest.Database(t)
		conn, err := pgx.Connect(t.Context(), db)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), `CREATE TABLE theirs (id int)`); err != nil {
			t.Fatal(err)
		}
		refused(t, db)
		var n int
		if err := conn.QueryRow(t.Context(), `SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'soquy%'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("a schema was made (%v)", err)
		}
	})
}
