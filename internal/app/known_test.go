package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections"
)

// recorded makes a ledger of the history on both databases and calls f with each.
func recorded(t *testing.T, f func(t *testing.T, s soquy)) {
	t.Helper()
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for name, db := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "a.db") },
		"postgres": func() string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			s := soquy{db: db(), keys: t.TempDir()}
			s.run(t, 0, "", "init", "--origin", "example.org/soquy/test")
			s.run(t, 1, string(history), "record", "-")
			f(t, s)
		})
	}
}

// TestKnownOfFunds: the balances of some funds as known at a position, which are found by the events of those funds alone, are those of all
// funds, which are found by all events; also when they are asked for one after the other.
func TestKnownOfFunds(t *testing.T) {
	recorded(t, func(t *testing.T, s soquy) {
		r, err := app.New(s.env).Reader(t.Context(), cli.Target{DB: s.db})
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		ctx, compared := t.Context(), 0
		balances := func(v cli.View, funds ...string) []projections.BalanceRow {
			rows, err := v.Balances(ctx, projections.BalanceQuery{Funds: funds})
			if err != nil {
				t.Fatal(err)
			}
			return rows
		}
		for position := int64(20); position <= 60; position++ {
			err := r.ViewAt(ctx, cli.KnownAt{Position: position}, func(v cli.View) error {
				some := balances(v, "KH", "X2F", "KH") // between which there was a transfer
				hb := balances(v, "HB")
				all := balances(v)
				of := func(funds ...string) []projections.BalanceRow {
					return slices.DeleteFunc(slices.Clone(all), func(b projections.BalanceRow) bool { return !slices.Contains(funds, b.Fund) })
				}
				if d := cmp.Diff(append([]projections.BalanceRow{}, of("KH", "X2F")...), append([]projections.BalanceRow{}, some...)); d != "" {
					t.Errorf("two funds at %d (-of all +alone):\n%s", position, d)
				}
				if d := cmp.Diff(append([]projections.BalanceRow{}, of("HB")...), append([]projections.BalanceRow{}, hb...)); d != "" {
					t.Errorf("HB at %d (-of all +alone):\n%s", position, d)
				}
				compared += len(some) + len(hb)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		if compared < 50 {
			t.Errorf("only %d balances were compared", compared)
		}
	})
}

// TestKnownRoots: a reader that remembers roots of tiles answers with the roots of the log, also of other positions and after more was recorded.
func TestKnownRoots(t *testing.T) {
	recorded(t, func(t *testing.T, s soquy) {
		var more []byte
		for range 700 {
			more = append(more, `{"type":"register_person","effective_on":"2017-06-01","data":{"kind":"student","personal":{"name":"a"}}}`+"\n"...)
		}
		s.run(t, 0, string(more), "record", "-")
		roots := func(r cli.Reader, position int64) (root [32]byte) {
			if err := r.ViewAt(t.Context(), cli.KnownAt{Position: position}, func(v cli.View) error { root = v.Head().Root; return nil }); err != nil {
				t.Fatal(err)
			}
			return root
		}
		open := func() cli.Reader {
			r, err := app.New(s.env).Reader(t.Context(), cli.Target{DB: s.db})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		again := open()
		defer again.Close()
		for i, position := range []int64{700, 256, 257, 511, 512, 700, 30} {
			if i == 4 {
				s.run(t, 0, string(more), "record", "-")
			}
			fresh := open()
			if roots(fresh, position) != roots(again, position) {
				t.Errorf("another root at %d", position)
			}
			if err := fresh.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}
