package export_test

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/projections"
	"github.com/soquy/soquy/projections/projectiontest"
	models "github.com/soquy/soquy/projections/sqlite"
)

// referee finds a program that is not ours. Where it is missing the test is skipped, but in continuous integration it must be there:
// a check that was never made must not look green.
func referee(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not installed: the tests with it must run here", name)
		}
		t.Skipf("%s is not installed", name)
	}
	return path
}

// run runs a referee and returns what it printed.
func run(t *testing.T, path string, args ...string) (stdout, all string, err error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), path, args...)
	cmd.Env = append(os.Environ(), "LANG=C.UTF-8", "BEANCOUNT_DISABLE_LOAD_CACHE=1")
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), out.String() + errs.String(), err
}

// A ledger is a random one with its read models.
type ledger struct {
	h        *projectiontest.History
	currency money.Currency
	balances func(f func(ctx context.Context, b projections.Balances) error)
}

// ledgers calls f with random ledgers.
func ledgers(t *testing.T, n uint64, f func(seed uint64, l ledger)) {
	t.Helper()
	p := models.New()
	s, err := sqlite.Open(filepath.Join(t.TempDir(), "books.db"), sqlite.Options{Mode: sqlite.Create}, p.Join)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for seed := range n {
		h := projectiontest.NewHistory(t, 100+seed).Province().Random(400)
		id := projectiontest.Fill(t, s, fmt.Sprint(seed), h.Log)
		code := []string{"VND", "USD"}[seed%2] // with decimals and without
		currency, err := money.LookupCurrency(code)
		if err != nil {
			t.Fatal(err)
		}
		f(seed, ledger{h, currency, func(f func(context.Context, projections.Balances) error) {
			if err := s.View(t.Context(), func(ctx context.Context, tx *sql.Tx) error { return f(ctx, p.Reader(tx, id)) }); err != nil {
				t.Fatal(err)
			}
		}})
	}
}

// write writes a ledger in a format to a file.
func (l *ledger) write(t *testing.T, path string, format func(*bytes.Buffer, money.Currency) *export.Journal) {
	t.Helper()
	var out bytes.Buffer
	j := format(&out, l.currency)
	for i := range l.h.Log {
		if err := j.Add(&l.h.Log[i]); err != nil {
			t.Fatal(err)
		}
	}
	l.balances(func(ctx context.Context, b projections.Balances) error {
		return j.Close(ctx, b, export.At{Origin: "test", Position: int64(len(l.h.Log)), Root: "root"})
	})
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
}

// told is a sentence that has all that these programs could take for something else.
func told(e *domain.Event) string {
	return e.Body.Type() + ": 1.000\u00a0₫; " + `"Quỹ \ A" | (x) * ! #a ^b @ {c}`
}

func inHledger(b *bytes.Buffer, c money.Currency) *export.Journal {
	return export.NewHledger(b, c, told)
}

func inBeancount(b *bytes.Buffer, c money.Currency) *export.Journal {
	return export.NewBeancount(b, c, told)
}

// hledger accepts the journals of random ledgers in its strict mode, with our balances asserted at each month's end, and its own
// balances are those of soquy to the last unit; it refuses a journal of which one amount was changed.
func TestHledger(t *testing.T) {
	t.Parallel()
	hledger := referee(t, "hledger")
	path := filepath.Join(t.TempDir(), "book.journal")
	ledgers(t, 20, func(seed uint64, l ledger) {
		l.write(t, path, inHledger)
		if _, all, err := run(t, hledger, "-f", path, "check", "-s"); err != nil {
			t.Fatalf("ledger %d: hledger check -s: %v\n%s", seed, err, all)
		}
		out, all, err := run(t, hledger, "-f", path, "bal", "assets", "--flat", "--empty", "--no-total", "-O", "csv")
		if err != nil {
			t.Fatalf("ledger %d: hledger bal: %v\n%s", seed, err, all)
		}
		have := map[string]string{}
		rows, err := csv.NewReader(strings.NewReader(out)).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows[1:] {
			have[r[0]] = strings.TrimSuffix(strings.TrimSuffix(r[1], " "+l.currency.Code), ".")
		}
		n := 0
		l.balances(func(ctx context.Context, b projections.Balances) error {
			all, err := b.Balances(ctx, projections.BalanceQuery{})
			for i := range all {
				account := domain.AssetAccount(all[i].Asset) + ":" + all[i].Fund
				want := money.Format(all[i].Posted, l.currency.Decimals)
				got, there := have[account]
				if !there || got == "0" {
					got = money.Format(0, l.currency.Decimals)
				}
				if got != want {
					t.Errorf("ledger %d: hledger has %s in %s, soquy %s", seed, got, account, want)
				}
				if there {
					n++
				}
			}
			return err
		})
		if n < 5 || n != len(have) {
			t.Errorf("ledger %d: %d balances were compared, hledger has %d accounts", seed, n, len(have))
		}
	})
	tampered(t, path, "    assets:", func(broken string) error {
		_, _, err := run(t, hledger, "-f", broken, "check", "-s")
		return err
	})
}

// bean-check accepts them as well.
func TestBeancount(t *testing.T) {
	t.Parallel()
	beancheck := referee(t, "bean-check")
	path := filepath.Join(t.TempDir(), "book.beancount")
	ledgers(t, 20, func(seed uint64, l ledger) {
		l.write(t, path, inBeancount)
		if _, all, err := run(t, beancheck, path); err != nil || all != "" {
			t.Fatalf("ledger %d: bean-check: %v\n%.2000s", seed, err, all)
		}
	})
	tampered(t, path, "  Assets:", func(broken string) error {
		_, _, err := run(t, beancheck, broken)
		return err
	})
}

// tampered adds one to an amount and to the one that balances it: only the balances that are asserted can tell.
func tampered(t *testing.T, path, asset string, check func(path string) error) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(raw), "\n")
	for i, line := range lines {
		fields := strings.Fields(line)
		if !strings.HasPrefix(line, asset) || len(fields) < 3 || strings.HasPrefix(fields[1], "-") || strings.Contains(line, "=") {
			continue
		}
		other := i + 1
		for ; len(strings.Fields(lines[other])) < 3 || strings.Contains(lines[other], "\""); other++ { // beancount has a line for a quantity
		}
		lines[i] = strings.Replace(line, fields[1], "1"+fields[1], 1)
		lines[other] = strings.Replace(lines[other], " -", " -1", 1)
		broken := path + ".changed"
		if err := os.WriteFile(broken, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
			t.Fatal(err)
		}
		if check(broken) == nil {
			t.Errorf("nobody noticed that\n%s\n%s\nbecame\n%s\n%s", line, strings.Split(string(raw), "\n")[other], lines[i], lines[other])
		}
		return
	}
	t.Fatal("there is nothing to change")
}

// What holds an injection in check: accounts of Beancount never fall together.
func TestBeancountAccounts(t *testing.T) {
	seen := map[string]string{}
	for _, code := range []string{"HB", "hb", "H-B", "H_B", "H.B", "X--H-5fB", "X--HB", "1", "x", "H-2dB", "X--H-2dB"} {
		var out bytes.Buffer
		j := export.NewBeancount(&out, money.Currency{Code: "VND"}, told)
		err := j.Add(&domain.Event{Body: &domain.OpeningRecorded{Fund: code, Unit: "T", Lines: []domain.Line{{Asset: domain.Cash, Amount: 1}}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Close(t.Context(), noBalances{}, export.At{}); err != nil {
			t.Fatal(err)
		}
		_, rest, _ := strings.Cut(out.String(), "  Assets:Cash:")
		name, _, _ := strings.Cut(rest, " ")
		if before, taken := seen[name]; taken || name == "" {
			t.Errorf("%q and %q are both %q", before, code, name)
		}
		seen[name] = code
	}
}

type noBalances struct{}

func (noBalances) Balances(context.Context, projections.BalanceQuery) ([]projections.BalanceRow, error) {
	return nil, nil
}
