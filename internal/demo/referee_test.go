package demo

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/locale"
	"github.com/soquy/soquy/projections"
)

// referees has programs that are not ours check the demo: its journal is accepted in hledger's strict mode and by Beancount, with our
// balances at each month's end, and what hledger adds up is, holding by holding, what soquy has.
func referees(t *testing.T, events func(yield func(*domain.Event) error) error, view func(f func(context.Context, projections.Balances) error) error) {
	currency, err := money.LookupCurrency(Currency)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range []struct {
		program string
		args    []string
		format  func(io.Writer, money.Currency, export.Teller) *export.Journal
	}{
		{"hledger", []string{"-f", "PATH", "check", "-s"}, export.NewHledger},
		{"bean-check", []string{"--no-cache", "PATH"}, export.NewBeancount},
	} {
		t.Run(r.program, func(t *testing.T) {
			program, err := exec.LookPath(r.program)
			if err != nil {
				if os.Getenv("CI") == "true" {
					t.Fatalf("%s is not installed: it must check the demo here", r.program)
				}
				t.Skipf("%s is not installed", r.program)
			}
			path := filepath.Join(t.TempDir(), "demo.journal")
			file, err := os.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			defer file.Close()
			vietnamese := locale.New(locale.Vietnamese)
			j := r.format(file, currency, func(e *domain.Event) string { return cli.Sentence(vietnamese, currency, e) })
			if err := events(j.Add); err != nil {
				t.Fatal(err)
			}
			err = view(func(ctx context.Context, b projections.Balances) error { return j.Close(ctx, b, export.At{}) })
			if err != nil {
				t.Fatal(err)
			}
			run := func(args ...string) string {
				var out, errs bytes.Buffer
				cmd := exec.CommandContext(t.Context(), program, args...)
				cmd.Stdout, cmd.Stderr, cmd.Env = &out, &errs, append(os.Environ(), "LANG=C.UTF-8")
				if err := cmd.Run(); err != nil || errs.Len() > 0 {
					t.Fatalf("%s %s: %v\n%.2000s", r.program, strings.Join(args, " "), err, errs.String())
				}
				return out.String()
			}
			var args []string
			for _, a := range r.args {
				args = append(args, strings.Replace(a, "PATH", path, 1))
			}
			if out := run(args...); out != "" {
				t.Errorf("%.2000s", out)
			}
			if r.program != "hledger" {
				return
			}
			rows, err := csv.NewReader(strings.NewReader(run("-f", path, "bal", "assets", "--flat", "--empty", "--no-total", "-O", "csv"))).ReadAll()
			if err != nil {
				t.Fatal(err)
			}
			have := map[string]string{}
			for _, row := range rows[1:] {
				have[row[0]] = strings.TrimSuffix(row[1], " "+Currency)
			}
			err = view(func(ctx context.Context, b projections.Balances) error {
				all, err := b.Balances(ctx, projections.BalanceQuery{})
				funds := map[string]bool{}
				for i := range all {
					account := domain.AssetAccount(all[i].Asset) + ":" + all[i].Fund
					if want := money.Format(all[i].Posted, 0); have[account] != want {
						t.Errorf("hledger has %q in %s, soquy %s", have[account], account, want)
					}
					funds[all[i].Fund] = true
				}
				if len(all) != len(have) || len(funds) < 600 {
					t.Errorf("soquy has %d holdings of %d funds, hledger %d accounts", len(all), len(funds), len(have))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
