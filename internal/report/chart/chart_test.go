package chart_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/report/chart"
)

func date(t *testing.T, s string) domain.Date {
	t.Helper()
	d, err := domain.ParseDate(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestShipped(t *testing.T) {
	c, err := chart.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(c.Profiles(), " "); got != "tt107 tt133" {
		t.Errorf("profiles %s", got)
	}
	accounts := append(domain.Accounts(), "assets:goods:VO")
	for i := range c {
		known := c[i].Account == chart.CashBookForm
		for _, a := range accounts {
			known = known || a == c[i].Account || strings.HasPrefix(a, c[i].Account+":")
		}
		if !known {
			t.Errorf("%s: there is no account %s", c[i].Profile, c[i].Account)
		}
	}
	for _, tt := range []struct{ profile, account, on, want string }{
		{"tt107", "assets:cash", "2018-01-01", "111"},
		{"tt107", "assets:cash", "2024-12-31", "111"},
		{"tt107", "assets:cash", "2017-12-31", ""},
		{"tt107", "assets:cash", "2025-01-01", ""},
		{"tt107", "expenses:awards:student", "2020-06-01", "353"},
		{"tt107", "expenses:administration:bank_fee", "2020-06-01", "611"},
		{"tt107", "assets:goods:VO", "2020-06-01", ""},
		{"tt107", chart.CashBookForm, "2020-06-01", "S11-H"},
		{"tt133", "assets:bank", "2031-01-01", "112"},
		{"tt133", "assets:bank", "2016-12-31", ""},
		{"tt133", "income:donations:money", "2020-06-01", ""},
		{"other", "assets:cash", "2020-06-01", ""},
	} {
		have := ""
		if l := c.Find(tt.profile, tt.account, date(t, tt.on)); l != nil {
			have = l.Number
		}
		if have != tt.want {
			t.Errorf("%s %s on %s: %q, want %q", tt.profile, tt.account, tt.on, have, tt.want)
		}
	}
}

func TestParse(t *testing.T) {
	header := strings.Join(chart.Columns(), ",") + "\n"
	c, err := chart.Parse([]byte("\ufeff# remark\n" + header + "own,,,assets,1,Tài sản,Assets\nown,2020-01-01,,assets:cash,11,Tiền,Cash\n"))
	if err != nil || len(c) != 2 {
		t.Fatalf("%v, %v", c, err)
	}
	if l := c.Find("own", "assets:cash", date(t, "2019-12-31")); l == nil || l.Number != "1" {
		t.Errorf("before the line of an account that of the account above it counts: %v", l)
	}
	for _, tt := range []struct {
		file string
		line int
	}{
		{"", 1},
		{"a,b\n", 1},
		{header + "own,,,assets:cash,1,a\n", 2},
		{header + "own,,,assets:cash,,a,b\n", 2},
		{header + "o n,,,assets:cash,1,a,b\n", 2},
		{header + "own,2020-02-30,,assets:cash,1,a,b\n", 2},
		{header + "own,2020-02-01,2020-01-01,assets:cash,1,a,b\n", 2},
		{header + "own,,2020-01-01,assets:cash,1,a,b\nown,2020-01-01,,assets:cash,2,a,b\n", 3},
		{header + "own,,,assets:cash,\"1,a,b\n", 2},
	} {
		_, err := chart.Parse([]byte(tt.file))
		var syntax *chart.SyntaxError
		if !errors.As(err, &syntax) || syntax.Line != tt.line {
			t.Errorf("%q: %v, want line %d", tt.file, err, tt.line)
		}
	}
}
