package app

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/pgtest"
	"github.com/soquy/soquy/projections"
	sqlitemodels "github.com/soquy/soquy/projections/sqlite"
)

// then is what lists show of a state of a ledger.
type then struct {
	Vouchers   []projections.VoucherRow
	Donors     []projections.DonorRow
	Indicators []projections.IndicatorRow
	Goods      []projections.Item
}

type lists interface {
	projections.Vouchers
	projections.Donors
	projections.Indicators
	projections.Goods
}

func listed(ctx context.Context, v lists) (l then, err error) {
	err = v.Vouchers(ctx, projections.VoucherQuery{}, func(v *projections.VoucherRow) error {
		row := *v
		row.Events, row.Last = slices.Clone(v.Events), 0
		l.Vouchers = append(l.Vouchers, row)
		return nil
	})
	if err != nil {
		return l, err
	}
	if l.Donors, err = v.Donors(ctx, projections.DonorQuery{}); err != nil {
		return l, err
	}
	if l.Indicators, err = v.Indicators(ctx, projections.IndicatorQuery{}); err != nil {
		return l, err
	}
	l.Goods, err = v.Goods(ctx)
	return l, err
}

// TestThen: what lists show as known at each position is what they show of a log that ends there; on both databases.
func TestThen(t *testing.T) {
	history, err := os.ReadFile("testdata/history.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	for name, open := range map[string]func() string{
		"sqlite":   func() string { return filepath.Join(t.TempDir(), "a.db") },
		"postgres": func() string { return pgtest.Database(t) },
	} {
		t.Run(name, func(t *testing.T) {
			db, keys := open(), t.TempDir()
			a := New(func(name string) string { return map[string]string{"SOQUY_DB": db, "SOQUY_KEYS": keys}[name] })
			run := func(stdin string, args ...string) string {
				t.Helper()
				var stdout, stderr bytes.Buffer
				if exit := cli.Main(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr, a.env, a); exit > cli.ExitRefused {
					t.Fatalf("soquy %v: exit %d\n%s%s", args, exit, stdout.String(), stderr.String())
				}
				return stdout.String()
			}
			run("", "init", "--origin", "example.org/soquy/then")
			run(string(history), "record", "-")
			run(strings.Join([]string{
				`{"type":"register_donor","effective_on":"2017-06-01","data":{"code":"MOI","kind":"organisation","name":"Mới"}}`,
				`{"type":"receive_donation","effective_on":"2017-06-02","data":{"fund":"HB","donor":"MOI","lines":[{"asset":"cash","amount":"5000"}]}}`,
				`{"type":"report_indicator","effective_on":"2017-06-30","data":{"unit":"X1","indicator":"members","from":"2017-01-01","to":"2017-06-30","value":"7"}}`,
				`{"type":"report_indicator","effective_on":"2017-06-30","data":{"unit":"X1","indicator":"members","from":"2017-01-01","to":"2017-06-30","value":"8"}}`,
				`{"type":"grant","effective_on":"2017-06-05","data":{"kind":"merit_award","fund":"HB","asset":"cash","pay":true,"recipients":[{"collective":"a","amount":"1000"},{"collective":"b","amount":"2000"}]}}`,
			}, "\n"), "record", "-")
			// The payments of a list are reversed one after the other: its voucher is cancelled when both are.
			for _, m := range regexp.MustCompile(`"id":"([0-9a-f-]+)","type":"(?:grant.disbursed|donation.received)"[^\n]*"effective_on":"2017-06-0[25]"`).
				FindAllStringSubmatch(run("", "events"), -1) {
				run(fmt.Sprintf(`{"type":"reverse","effective_on":"2017-06-20","data":{"event":%q}}`, m[1]), "record", "-")
			}

			r, err := a.Reader(t.Context(), cli.Target{DB: db})
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
			var head int64
			if err := r.View(t.Context(), func(v cli.View) error { head = v.Head().Position; return nil }); err != nil {
				t.Fatal(err)
			}
			s, err := newScratch(r.(*reader).id)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			cancelled := map[int]bool{}
			for position := int64(1); position <= head; position++ {
				var want, have then
				var named []projections.DonorRow
				err := s.fold(t.Context(), r.(*reader).book, position, nil)
				if err == nil {
					err = s.view(t.Context(), func(ctx context.Context, again *sqlitemodels.Reader) (err error) {
						want, err = listed(ctx, again)
						return err
					})
				}
				if err == nil {
					err = r.ViewAt(t.Context(), cli.KnownAt{Position: position}, func(v cli.View) (err error) {
						if have, err = listed(t.Context(), v); err != nil {
							return err
						}
						named, err = v.Donors(t.Context(), projections.DonorQuery{Donors: []string{"CTY", "MOI"}})
						return err
					})
				}
				if err != nil {
					t.Fatal(err)
				}
				if d := cmp.Diff(want, have, cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("at %d (-log that ends there +as known there):\n%s", position, d)
				}
				of := slices.DeleteFunc(want.Donors, func(d projections.DonorRow) bool { return d.Code != "CTY" && d.Code != "MOI" })
				if d := cmp.Diff(of, named, cmpopts.EquateEmpty()); d != "" {
					t.Fatalf("two donors at %d (-of all +alone):\n%s", position, d)
				}
				n := 0
				for _, v := range have.Vouchers {
					if v.Cancelled {
						n++
					}
				}
				cancelled[n] = true
			}
			if len(cancelled) < 3 || head < 70 {
				t.Errorf("the numbers of cancelled vouchers were %v, through position %d", cancelled, head)
			}
		})
	}
}
