package domain_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/soquy/soquy/domain"
)

func TestParseDate(t *testing.T) {
	for s, days := range map[string]domain.Date{
		"1970-01-01": 0, "1969-12-31": -1, "2017-03-05": 17230, "2000-02-29": 11016, "0001-01-01": -719162, "9999-12-31": 2932896,
	} {
		got, err := domain.ParseDate(s)
		if got != days || err != nil {
			t.Errorf("ParseDate(%q) = %d, %v, want %d", s, got, err, days)
		}
		if days.String() != s {
			t.Errorf("%d is %s, want %s", days, days, s)
		}
	}
	for _, s := range []string{
		"", "2017-3-5", "2017-02-29", "2017-13-01", "2017-00-01", "2017-01-00", "2017-01-32", "0000-01-01",
		"1900-02-29", "2016-02-30", "2017-04-31", "2017-12-32",
		"2017/01/01", "2017-01/01", "2017-01-01T", "+017-01-01", "2017-0a-01", " 2017-1-01",
	} {
		if d, err := domain.ParseDate(s); err != domain.ErrDate {
			t.Errorf("ParseDate(%q) = %v, %v, want ErrDate", s, d, err)
		}
	}
}

func TestDate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := domain.Date(rapid.Int32Range(-719162, 2932896).Draw(t, "date"))
		if got, err := domain.ParseDate(d.String()); got != d || err != nil {
			t.Fatalf("ParseDate(%q) = %d, %v, want %d", d, got, err, d)
		}
		if got := domain.DateOf(d.Time().Add(24*time.Hour - 1)); got != d {
			t.Fatalf("the last instant of %v is of %v", d, got)
		}
		y, m, day := d.Time().Date()
		if got := domain.NewDate(y, m, day); got != d || d.Year() != y {
			t.Fatalf("NewDate(%d, %d, %d) = %v, want %v", y, m, day, got, d)
		}
	})
	if got, want := domain.DateOf(time.Date(2017, 3, 5, 1, 0, 0, 0, time.FixedZone("", 7*3600))), date("2017-03-04"); got != want {
		t.Errorf("DateOf is %v, want %v: the day in UTC", got, want)
	}
}

func TestAsset(t *testing.T) {
	for _, tt := range []struct {
		asset        domain.Asset
		money, goods bool
		item         string
	}{
		{domain.Cash, true, false, ""},
		{domain.Bank, true, false, ""},
		{domain.Labour, false, false, ""},
		{domain.Goods("rice"), false, true, "rice"},
		{"gold", false, false, ""},
	} {
		if a := tt.asset; a.IsMoney() != tt.money || a.IsGoods() != tt.goods || a.Item() != tt.item {
			t.Errorf("%s: money %v, goods %v, item %q", a, a.IsMoney(), a.IsGoods(), a.Item())
		}
	}
}

func TestValidCode(t *testing.T) {
	for _, s := range []string{"a", "Z9", "X-1.2_3", "12345678901234567890123456789012"} {
		if !domain.ValidCode(s) {
			t.Errorf("%q is no code", s)
		}
	}
	for _, s := range []string{"", "-a", ".a", "_a", "a b", "ă", "a/b", "a\x00", "123456789012345678901234567890123"} {
		if domain.ValidCode(s) {
			t.Errorf("%q is a code", s)
		}
	}
}
