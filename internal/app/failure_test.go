package app_test

import (
	"fmt"
	"testing"

	"github.com/soquy/soquy/internal/app"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/locale"
	"github.com/soquy/soquy/projections"
)

// TestTooManyRows: an answer that is too long is told with its limit, in both languages.
func TestTooManyRows(t *testing.T) {
	a := app.New(func(string) string { return "" })
	f := a.Explain(fmt.Errorf("vouchers: %w", &projections.TooManyRowsError{Limit: projections.MaxVoucherEntries}))
	if f == nil || f.Code != "answer.too_long" || f.Exit != cli.ExitUnusable {
		t.Fatalf("%+v", f)
	}
	for lang, want := range map[locale.Language]string{
		locale.English:    "The answer has more than 5,000,000 rows, too many to keep in memory; ask for less, such as one unit, one series of vouchers or one fund.",
		locale.Vietnamese: "Câu trả lời có hơn 5.000.000 dòng, quá nhiều để giữ trong bộ nhớ; hãy hỏi hẹp hơn, chẳng hạn một đơn vị, một quyển chứng từ hoặc một quỹ.",
	} {
		var args []locale.Arg
		for _, arg := range f.Args {
			args = append(args, locale.Arg{Name: arg.Name, Value: arg.Value})
		}
		if have := locale.New(lang).Failure("", f.Code, args); have != want {
			t.Errorf("%s", have)
		}
	}
}
