package locale

import (
	"bytes"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"golang.org/x/text/unicode/norm"
)

// forms returns a catalogue's texts: of each name its forms ("other", and "one" where there is one).
func forms(t *testing.T, l Language) map[string]map[string]string {
	t.Helper()
	raw, err := fs.ReadFile(catalogues, "catalogue/"+string(l)+".toml")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := toml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string]map[string]string{}
	for name, v := range file {
		switch v := v.(type) {
		case string:
			out[name] = map[string]string{"other": v}
		case map[string]any:
			out[name] = map[string]string{}
			for form, text := range v {
				out[name][form] = fmt.Sprint(text)
			}
		}
	}
	return out
}

var argument = regexp.MustCompile(`\{\{\s*\.([a-z_]+)\s*\}\}`)

func arguments(text string) []string {
	var list []string
	for _, m := range argument.FindAllStringSubmatch(text, -1) {
		list = append(list, m[1])
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func TestParity(t *testing.T) {
	vi, en := forms(t, Vietnamese), forms(t, English)
	for name := range vi {
		if en[name] == nil {
			t.Errorf("%s: no English text", name)
		}
	}
	for name := range en {
		if vi[name] == nil {
			t.Errorf("%s: no Vietnamese text", name)
			continue
		}
		if got, want := arguments(vi[name]["other"]), arguments(en[name]["other"]); !slices.Equal(got, want) {
			t.Errorf("%s: arguments %v in Vietnamese, %v in English", name, got, want)
		}
	}
	for _, l := range Languages() {
		for name, texts := range forms(t, l) {
			for form, text := range texts {
				switch {
				case strings.TrimSpace(text) == "" || text != strings.TrimSpace(text):
					t.Errorf("%s: %s.%s is empty or has blanks around it", l, name, form)
				case !norm.NFC.IsNormalString(text):
					t.Errorf("%s: %s.%s is not NFC", l, name, form)
				case strings.Count(text, "{{") != len(argument.FindAllString(text, -1)):
					t.Errorf("%s: %s.%s has a malformed argument", l, name, form)
				case strings.HasPrefix(name, "flag.") && strings.Count(text, "`")%2 != 0:
					t.Errorf("%s: %s.%s has half a pair of backquotes", l, name, form)
				}
			}
		}
	}
}

func TestText(t *testing.T) {
	vi, en := New(Vietnamese), New(English)
	for _, tt := range []struct{ got, want string }{
		{vi.Text("help.default", "value", "vi"), "(mặc định vi)"},
		{en.Count("open.grants", 1), "1 grant not yet paid"},
		{en.Count("open.grants", 2000), "2,000 grants not yet paid"},
		{vi.Count("open.grants", 0), "0 khoản chưa chi"},
		{vi.Count("open.grants", 1), "1 khoản chưa chi"},
		{vi.Count("open.grants", 2000), "2.000 khoản chưa chi"},
		{vi.Term("level", "district"), "huyện"},
		{vi.Term("level", "new"), "new"},
		{en.Asset("goods:vo"), "goods vo"},
		{vi.Problem("unknown field"), "không có trường này"},
		{vi.Problem("of tomorrow"), "of tomorrow"},
		{vi.Text("no.such"), "[no.such]"},
	} {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
	if !vi.Has("help.usage") || vi.Has("no.such") {
		t.Error("Has is wrong")
	}
}

func TestRefusal(t *testing.T) {
	args := func(asset string) []Arg {
		return []Arg{{"fund", "HB"}, {"asset", asset}, {"day", "2017-03-09"}, {"available", "120000"}, {"asked", "500000"}}
	}
	vi, en := New(Vietnamese).In("VND"), New(English).In("VND")
	for _, tt := range []struct{ got, want string }{
		{
			vi.Refusal("", "holding.insufficient", args("cash")),
			"Không đủ tiền: quỹ HB (tiền mặt) ngày 09/03/2017 chỉ còn khả dụng 120.000\u00a0₫, cần 500.000\u00a0₫.",
		},
		{
			en.Refusal("", "holding.insufficient", args("bank")),
			"Not enough money: on 2017-03-09 the fund HB (bank) has 120,000\u00a0VND available, and 500,000\u00a0VND is asked.",
		},
		{
			vi.Refusal("", "holding.insufficient", args("goods:vo")),
			"Không đủ hàng: quỹ HB (hiện vật vo) ngày 09/03/2017 chỉ còn khả dụng 120.000, cần 500.000.",
		},
		{vi.Refusal("", "command.malformed", []Arg{{"pointer", ""}, {"problem", "not JSON"}}), "Lệnh không đúng dạng: không phải JSON."},
		{vi.Refusal("", "reference.unknown", []Arg{{"kind", "fund"}, {"ref", "X"}}), "Không có quỹ X."},
		{
			vi.Refusal("count_holding", "amount.not_positive", []Arg{{"pointer", "--counted"}, {"amount", "-1234"}}),
			"Số kiểm được -1.234 tại --counted không thể âm.",
		},
		{
			en.Refusal("transfer", "fund.purpose", []Arg{{"fund", "A"}, {"purpose", "support"}}),
			"The fund A may not be used for support and the fund that receives may: nothing is transferred to a fund with wider purposes.",
		},
		{en.Refusal("grant", "fund.purpose", []Arg{{"fund", "A"}, {"purpose", "support"}}), "The fund A may not be used for support."},
		{
			en.Refusal("register_unit", "command.malformed", []Arg{{"pointer", "/data/parent"}, {"problem", "required"}}),
			"The command is malformed at /data/parent: it is required. A ledger has one root; every other unit needs the unit above it.",
		},
		{
			en.Refusal("move_unit", "command.malformed", []Arg{{"pointer", "/data/parent"}, {"problem", "required"}}),
			"The command is malformed at /data/parent: it is required.",
		},
		{
			en.Refusal("", "amount.too_large", []Arg{{"pointer", "--cash"}, {"amount", "1000000000000001"}, {"limit", "1000000000000000"}}),
			"The number 1,000,000,000,000,001 at --cash is too large; the limit is 1,000,000,000,000,000.",
		},
		{
			en.Refusal("", "amount.too_large", []Arg{{"pointer", "--cash"}, {"amount", "1000000000000000"}, {"limit", "1000000000000000"}}),
			"With 1,000,000,000,000,000 at --cash the sum is larger than the ledger can count.",
		},
		{vi.Failure("demo", "origin.differs", []Arg{{"origin", "x"}}), "Sổ mẫu này luôn có tên x; hãy bỏ --ledger, hoặc nêu đúng tên đó."},
		{vi.Refusal("", "of.tomorrow", []Arg{{"what", "X"}}), "what X"},
	} {
		if tt.got != tt.want {
			t.Errorf("got  %q\nwant %q", tt.got, tt.want)
		}
	}
}

func TestNumber(t *testing.T) {
	vi, en := New(Vietnamese), New(English)
	for _, tt := range []struct{ in, vi, en string }{
		{"0", "0", "0"},
		{"999", "999", "999"},
		{"1000", "1.000", "1,000"},
		{"-1234567.50", "-1.234.567,50", "-1,234,567.50"},
		{"123456789012345678901234", "123.456.789.012.345.678.901.234", "123,456,789,012,345,678,901,234"},
		{"", "", ""},
		{"many", "many", "many"},
		{"-", "-", "-"},
	} {
		if got := vi.Number(tt.in); got != tt.vi {
			t.Errorf("vi: %q is %q, want %q", tt.in, got, tt.vi)
		}
		if got := en.Number(tt.in); got != tt.en {
			t.Errorf("en: %q is %q, want %q", tt.in, got, tt.en)
		}
	}
	if got := vi.In("USD").Amount("12.50"); got != "12,50\u00a0USD" {
		t.Errorf("amount is %q", got)
	}
	if vi.Date("2017-06-30") != "30/06/2017" || en.Date("2017-06-30") != "2017-06-30" || vi.Date("?") != "?" {
		t.Error("a date is wrong")
	}
}

func TestInstant(t *testing.T) {
	for _, tt := range []struct{ in, vi, en string }{
		{"2017-07-04T23:30:00Z", "23:30:00 ngày 04/07/2017 (UTC+00:00)", "2017-07-04 23:30:00 (UTC+00:00)"},
		{"2017-07-05T06:30:00.25+07:00", "06:30:00 ngày 05/07/2017 (UTC+07:00)", "2017-07-05 06:30:00 (UTC+07:00)"},
		{"yesterday", "yesterday", "yesterday"},
	} {
		if vi, en := New(Vietnamese).Instant(tt.in), New(English).Instant(tt.in); vi != tt.vi || en != tt.en {
			t.Errorf("%s: %q and %q, want %q and %q", tt.in, vi, en, tt.vi, tt.en)
		}
	}
}

func TestDetect(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want Language
	}{
		{nil, Vietnamese},
		{map[string]string{"LANG": "C.UTF-8"}, Vietnamese},
		{map[string]string{"LANG": "en_GB.UTF-8"}, English},
		{map[string]string{"LANG": "en_GB.UTF-8", "LC_ALL": "vi_VN.UTF-8"}, Vietnamese},
		{map[string]string{"LC_MESSAGES": "EN"}, English},
	} {
		if got := Detect(func(k string) string { return tt.env[k] }); got != tt.want {
			t.Errorf("%v: %s, want %s", tt.env, got, tt.want)
		}
	}
}

func inOrder(t *testing.T, key func(string) []byte, names ...string) {
	t.Helper()
	for i, name := range names[1:] {
		if bytes.Compare(key(names[i]), key(name)) >= 0 {
			t.Errorf("%q should stand before %q", names[i], name)
		}
	}
}

func TestSortKey(t *testing.T) {
	inOrder(t, SortKey, "An", "Ân", "Ẩn", "Bình", "Cường", "Dung", "Đào", "Đông", "Em", "Én")
	inOrder(t, SortKey, "ma", "mà", "mả", "mã", "má", "mạ")
	inOrder(t, SortKey, "a", "ă", "â", "b", "c", "d", "đ", "e", "ê", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "ô", "ơ", "p", "q", "r",
		"s", "t", "u", "ư", "v", "w", "x", "y", "z")
	// Syllable by syllable, as a dictionary does and ICU does not.
	inOrder(t, SortKey, "Hà", "Hà Anh", "Hạ", "Hải")
	inOrder(t, SortKey, "Lê Thị A", "Lê Thị B", "Lễ Thị A")
	inOrder(t, SortKey, "Lò Thị An", "Lò Thị Ánh")
	inOrder(t, SortKey, "Lớp 5A", "Lớp 5B", "Lớp 10A")
	inOrder(t, SortKey, "", "1", "a")
	for _, tt := range [][2]string{
		{"Lò Thị Ánh", norm.NFD.String("Lò Thị Ánh")},
		{"hòa", "hoà"},
		{"Đào", "đào"},
		{"Ðào", "Đào"}, // with the Icelandic letter
	} {
		a, b := SortKey(tt[0]), SortKey(tt[1])
		if !bytes.Equal(a[:bytes.IndexByte(a, endOfText)], b[:bytes.IndexByte(b, endOfText)]) {
			t.Errorf("%q and %q should sort together", tt[0], tt[1])
		}
	}
}

func TestPersonSortKey(t *testing.T) {
	inOrder(t, PersonSortKey, "Lò Thị An", "Cà Văn Ân", "Quàng Văn Bình", "Cà Thị Đào", "Lò Thị Đào")
	inOrder(t, PersonSortKey, "An", "Bùi An")
}

func TestFold(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"Lò Thị Ánh", "lo thi anh"},
		{norm.NFD.String("Lò Thị Ánh"), "lo thi anh"},
		{"ĐÀO", "dao"},
		{"Ðào", "dao"},
		{"H’Mông", "hmong"},
		{"H'Mông", "hmong"},
		{"Thủy", "thuy"},
		{"thuỷ", "thuy"},
		{"  Ban\u00a0 Thường - vụ. ", "ban thuong vu"},
		{"Ưu\u200bơ", "uuo"},
		{"Škoda", "škoda"},
		{"", ""},
	} {
		if got := Fold(tt.in); got != tt.want {
			t.Errorf("%q folds to %q, want %q", tt.in, got, tt.want)
		}
	}
}
