package money

import (
	"math"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

// wordsTests are the amounts that an accountant read over, in dong.
var wordsTests = []struct {
	v      int64
	vi, en string
}{
	{0, "Không đồng", "Zero dong"},
	{1, "Một đồng", "One dong"},
	{4, "Bốn đồng", "Four dong"},
	{5, "Năm đồng", "Five dong"},
	{10, "Mười đồng", "Ten dong"},
	{11, "Mười một đồng", "Eleven dong"},
	{14, "Mười bốn đồng", "Fourteen dong"},
	{15, "Mười lăm đồng", "Fifteen dong"},
	{20, "Hai mươi đồng", "Twenty dong"},
	{21, "Hai mươi mốt đồng", "Twenty-one dong"},
	{24, "Hai mươi tư đồng", "Twenty-four dong"},
	{25, "Hai mươi lăm đồng", "Twenty-five dong"},
	{31, "Ba mươi mốt đồng", "Thirty-one dong"},
	{44, "Bốn mươi tư đồng", "Forty-four dong"},
	{55, "Năm mươi lăm đồng", "Fifty-five dong"},
	{100, "Một trăm đồng", "One hundred dong"},
	{101, "Một trăm linh một đồng", "One hundred and one dong"},
	{104, "Một trăm linh bốn đồng", "One hundred and four dong"},
	{105, "Một trăm linh năm đồng", "One hundred and five dong"},
	{110, "Một trăm mười đồng", "One hundred and ten dong"},
	{115, "Một trăm mười lăm đồng", "One hundred and fifteen dong"},
	{121, "Một trăm hai mươi mốt đồng", "One hundred and twenty-one dong"},
	{205, "Hai trăm linh năm đồng", "Two hundred and five dong"},
	{999, "Chín trăm chín mươi chín đồng", "Nine hundred and ninety-nine dong"},
	{1_000, "Một nghìn đồng chẵn", "One thousand dong"},
	{1_001, "Một nghìn không trăm linh một đồng", "One thousand and one dong"},
	{1_005, "Một nghìn không trăm linh năm đồng", "One thousand and five dong"},
	{1_015, "Một nghìn không trăm mười lăm đồng", "One thousand and fifteen dong"},
	{1_105, "Một nghìn một trăm linh năm đồng", "One thousand one hundred and five dong"},
	{10_005, "Mười nghìn không trăm linh năm đồng", "Ten thousand and five dong"},
	{10_000, "Mười nghìn đồng chẵn", "Ten thousand dong"},
	{15_000, "Mười lăm nghìn đồng chẵn", "Fifteen thousand dong"},
	{21_000, "Hai mươi mốt nghìn đồng chẵn", "Twenty-one thousand dong"},
	{50_500, "Năm mươi nghìn năm trăm đồng", "Fifty thousand five hundred dong"},
	{100_000, "Một trăm nghìn đồng chẵn", "One hundred thousand dong"},
	{105_000, "Một trăm linh năm nghìn đồng chẵn", "One hundred and five thousand dong"},
	{1_000_001, "Một triệu không trăm linh một đồng", "One million and one dong"},
	{1_001_000, "Một triệu không trăm linh một nghìn đồng chẵn", "One million one thousand dong"},
	{1_010_010, "Một triệu không trăm mười nghìn không trăm mười đồng", "One million ten thousand and ten dong"},
	{1_000_000, "Một triệu đồng chẵn", "One million dong"},
	{20_000_000, "Hai mươi triệu đồng chẵn", "Twenty million dong"},
	{700_000_000, "Bảy trăm triệu đồng chẵn", "Seven hundred million dong"},
	{1_000_000_000, "Một tỷ đồng chẵn", "One billion dong"},
	{1_000_000_005, "Một tỷ không trăm linh năm đồng", "One billion and five dong"},
	{1_001_001_001, "Một tỷ không trăm linh một triệu không trăm linh một nghìn không trăm linh một đồng", "One billion one million one thousand and one dong"},
	{2_218_000_000, "Hai tỷ hai trăm mười tám triệu đồng chẵn", "Two billion two hundred and eighteen million dong"},
	{5_777_000_000, "Năm tỷ bảy trăm bảy mươi bảy triệu đồng chẵn", "Five billion seven hundred and seventy-seven million dong"},
	{60_000_000_000, "Sáu mươi tỷ đồng chẵn", "Sixty billion dong"},
	{1_000_000_000_000, "Một nghìn tỷ đồng chẵn", "One trillion dong"},
	{1_001_000_000_000, "Một nghìn không trăm linh một tỷ đồng chẵn", "One trillion one billion dong"},
	{1_000_000_000_000_000, "Một triệu tỷ đồng chẵn", "One quadrillion dong"},
	{1_000_000_000_000_000_000, "Một tỷ tỷ đồng chẵn", "One quintillion dong"},
	{9_223_372_036_854_775_807, "Chín tỷ hai trăm hai mươi ba triệu ba trăm bảy mươi hai nghìn không trăm ba mươi sáu tỷ tám trăm năm mươi tư triệu bảy trăm bảy mươi lăm nghìn tám trăm linh bảy đồng", "Nine quintillion two hundred and twenty-three quadrillion three hundred and seventy-two trillion thirty-six billion eight hundred and fifty-four million seven hundred and seventy-five thousand eight hundred and seven dong"},
}

var (
	vnd = Currency{"VND", 0}
	usd = Currency{"USD", 2}
	kwd = Currency{"KWD", 3}
)

func TestWords(t *testing.T) {
	for _, tt := range wordsTests {
		if got := Words(tt.v, vnd, Vietnamese, WordsOptions{}); got != tt.vi {
			t.Errorf("Words(%d, vi) = %q, want %q", tt.v, got, tt.vi)
		}
		if got := Words(tt.v, vnd, English, WordsOptions{}); got != tt.en {
			t.Errorf("Words(%d, en) = %q, want %q", tt.v, got, tt.en)
		}
	}
}

func TestWordsOptions(t *testing.T) {
	southern := WordsOptions{Southern: true}
	always := WordsOptions{Exact: ExactAlways}
	never := WordsOptions{Exact: ExactNever}
	tests := []struct {
		v    int64
		cur  Currency
		loc  Locale
		opt  WordsOptions
		want string
	}{
		{1_005, vnd, Vietnamese, southern, "Một ngàn không trăm lẻ năm đồng"},
		{105_000, vnd, Vietnamese, southern, "Một trăm lẻ năm ngàn đồng chẵn"},
		{1_005, vnd, English, southern, "One thousand and five dong"},
		{50_500, vnd, Vietnamese, always, "Năm mươi nghìn năm trăm đồng chẵn"},
		{0, vnd, Vietnamese, always, "Không đồng chẵn"},
		{10_000, vnd, Vietnamese, never, "Mười nghìn đồng"},
		{10_000, vnd, English, always, "Ten thousand dong only"},
		{10_000, vnd, English, never, "Ten thousand dong"},
		{-1, vnd, Vietnamese, WordsOptions{}, "Âm một đồng"},
		{-21_000, vnd, Vietnamese, WordsOptions{}, "Âm hai mươi mốt nghìn đồng chẵn"},
		{-21_000, vnd, English, WordsOptions{}, "Minus twenty-one thousand dong"},
		{12_00, usd, Vietnamese, WordsOptions{}, "Mười hai USD"},
		{12_05, usd, Vietnamese, WordsOptions{}, "Mười hai USD và 05/100"},
		{12_05, usd, English, WordsOptions{}, "Twelve USD and 05/100"},
		{12_05, usd, English, always, "Twelve USD and 05/100"},
		{2_000_00, usd, Vietnamese, WordsOptions{}, "Hai nghìn USD chẵn"},
		{2_000_50, usd, Vietnamese, always, "Hai nghìn USD và 50/100"},
		{-50, usd, Vietnamese, WordsOptions{}, "Âm không USD và 50/100"},
		{50, usd, English, WordsOptions{}, "Zero USD and 50/100"},
		{1_001, kwd, English, WordsOptions{}, "One KWD and 001/1000"},
		{1_000, kwd, "", WordsOptions{}, "Một KWD"},
		{
			math.MinInt64, vnd, English,
			WordsOptions{},
			"Minus nine quintillion two hundred and twenty-three quadrillion three hundred and seventy-two trillion " +
				"thirty-six billion eight hundred and fifty-four million seven hundred and seventy-five thousand " +
				"eight hundred and eight dong",
		},
	}
	for _, tt := range tests {
		if got := Words(tt.v, tt.cur, tt.loc, tt.opt); got != tt.want {
			t.Errorf("Words(%d, %s, %s, %+v) = %q, want %q", tt.v, tt.cur.Code, tt.loc, tt.opt, got, tt.want)
		}
	}
}

// amounts draws int64s of every size alike, and many with groups of zeros, where
// words and marks go wrong.
func amounts() *rapid.Generator[int64] {
	return rapid.Custom(func(t *rapid.T) int64 {
		if rapid.Bool().Draw(t, "any") {
			return rapid.Int64().Draw(t, "v")
		}
		v := int64(0)
		for range rapid.IntRange(1, 6).Draw(t, "groups") {
			v = v*1000 + rapid.SampledFrom([]int64{0, 0, 1, 4, 5, 10, 11, 14, 15, 20, 21, 24, 55, 100, 101, 105, 115, 500, 999}).Draw(t, "group")
		}
		if rapid.Bool().Draw(t, "neg") {
			v = -v
		}
		return v
	})
}

// TestWordsReadBack reads the words as a person would. That they say the amount
// implies that no two amounts have the same words.
func TestWordsReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := amounts().Draw(t, "v")
		opt := WordsOptions{
			Southern: rapid.Bool().Draw(t, "southern"),
			Exact:    rapid.SampledFrom([]ExactStyle{ExactThousands, ExactAlways, ExactNever}).Draw(t, "exact"),
		}
		if s := Words(v, vnd, Vietnamese, opt); readVietnamese(s) != v {
			t.Fatalf("%d: %q says %d", v, s, readVietnamese(s))
		}
		if s := Words(v, vnd, English, opt); readEnglish(s) != v {
			t.Fatalf("%d: %q says %d", v, s, readEnglish(s))
		}
	})
}

func readVietnamese(s string) int64 {
	// Sums wrap like int64s do, so that math.MinInt64 needs no care.
	var billions, block, group, digit int64
	sign := int64(1)
	for w := range strings.FieldsSeq(strings.ToLower(s)) {
		switch w {
		case "âm":
			sign = -1
		case "trăm":
			group, digit = digit*100, 0
		case "mươi":
			group, digit = group+digit*10, 0
		case "mười":
			group += 10
		case "nghìn", "ngàn":
			block, group, digit = block+(group+digit)*1_000, 0, 0
		case "triệu":
			block, group, digit = block+(group+digit)*1_000_000, 0, 0
		case "tỷ":
			billions, block, group, digit = (billions+block+group+digit)*1_000_000_000, 0, 0, 0
		case "linh", "lẻ", "đồng", "chẵn":
		default:
			digit = map[string]int64{
				"không": 0, "một": 1, "mốt": 1, "hai": 2, "ba": 3, "bốn": 4, "tư": 4,
				"năm": 5, "lăm": 5, "sáu": 6, "bảy": 7, "tám": 8, "chín": 9,
			}[w]
		}
	}
	return sign * (billions + block + group + digit)
}

func readEnglish(s string) int64 {
	words := map[string]int64{}
	for i, w := range englishOnes {
		words[w] = int64(i)
	}
	for i, w := range englishTens {
		words[w] = int64(i) * 10
	}
	groups := map[string]int64{}
	for i, n := 1, int64(1000); i < len(englishGroups); i, n = i+1, n*1000 {
		groups[strings.TrimSpace(englishGroups[i])] = n
	}
	var sum, group int64
	sign := int64(1)
	for w := range strings.FieldsSeq(strings.ReplaceAll(strings.ToLower(s), "-", " ")) {
		switch n := groups[w]; {
		case w == "minus":
			sign = -1
		case w == "hundred":
			group *= 100
		case n != 0:
			sum, group = sum+group*n, 0
		case w == "and", w == "dong", w == "only":
		default:
			group += words[w]
		}
	}
	return sign * (sum + group)
}

func TestWordsForm(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v, w := amounts().Draw(t, "v"), amounts().Draw(t, "w")
		cur := rapid.SampledFrom([]Currency{vnd, usd, kwd}).Draw(t, "currency")
		loc := rapid.SampledFrom([]Locale{Vietnamese, English}).Draw(t, "locale")
		opt := WordsOptions{Southern: rapid.Bool().Draw(t, "southern")}
		s := Words(v, cur, loc, opt)
		if strings.Join(strings.Fields(s), " ") != s {
			t.Errorf("%q has blanks too many", s)
		}
		if !norm.NFC.IsNormalString(s) {
			t.Errorf("%q is not in NFC", s)
		}
		r, rest := []rune(s)[:1], []rune(s)[1:]
		if first := string(r); first != strings.ToUpper(first) {
			t.Errorf("%q does not begin with a capital", s)
		}
		if all := string(rest); cur == vnd && all != strings.ToLower(all) {
			t.Errorf("%q has capitals inside", s)
		}
		if v != w && s == Words(w, cur, loc, opt) {
			t.Errorf("%d and %d are both %q", v, w, s)
		}
	})
}

func BenchmarkWords(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		Words(1_234_567_891, vnd, Vietnamese, WordsOptions{})
	}
}
