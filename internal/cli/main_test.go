package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/locale"
)

// stub is a Backend that has no database.
type stub struct{ Backend }

var errNoDatabase = errors.New("no database")

func (stub) ReadModels() []string { return []string{"balances", "totals"} }
func (stub) Version() string      { return "test" }

func (stub) Explain(err error) *Failure {
	if errors.Is(err, errNoDatabase) {
		return &Failure{Code: "database.missing", Args: []domain.Arg{{Name: "path", Value: "soquy.db"}}, Exit: ExitUnusable, Err: err}
	}
	return nil
}

func (stub) Reader(context.Context, Target) (Reader, error) {
	return nil, fmt.Errorf("open: %w", errNoDatabase)
}

func (stub) Writer(context.Context, Target, Progress) (Writer, error) {
	return nil, fmt.Errorf("open: %w", errNoDatabase)
}

func run(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	code = Main(context.Background(), args, strings.NewReader(""), &out, &errs, noEnv, stub{})
	return code, out.String(), errs.String()
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string
	}{
		{"donat", ExitUsage, "[usage.unknown_command_like]"},
		{"frobnicate", ExitUsage, "[usage.unknown_command]"},
		{"unit frobnicate", ExitUsage, "[usage.unknown_command]"},
		{"unit", ExitUsage, ""},
		{"help frobnicate", ExitUsage, "[usage.unknown_command]"},
		{"balance --frob", ExitUsage, "Không có cờ --frob. [usage.unknown_flag]"},
		{"balance --fund", ExitUsage, "[usage.no_value]"},
		{"balance extra", ExitUsage, "[usage.too_many]"},
		{"unit close", ExitUsage, "[usage.too_few]"},
		{"donate --fund HB", ExitUsage, "--donor"},
		{"donate --fund HB", ExitUsage, "[usage.required]"},
		{"unit register X --name N --level region", ExitUsage, "[usage.choice]"},
		{"totals --by colour", ExitUsage, "[usage.choice]"},
		{"totals --by unit,unit", ExitUsage, "[usage.twice]"},
		{"totals --rollup", ExitUsage, "[usage.rollup]"},
		{"totals --from 31/02/2017", ExitUsage, "[usage.date]"},
		{"totals --measure gold", ExitUsage, "[usage.choice]"},
		{"balance --as-of 05/09/2016 --lang en", ExitUsage, "[usage.date]"},
		{"balance --lang fr", ExitUsage, "[usage.choice]"},
		{"history --subject village:X", ExitUsage, "[subject.malformed]"},
		{"history --subject person:1", ExitUsage, "[subject.malformed]"},
		{"events --from 0", ExitUsage, "[usage.flag_value]"},
		{"events --from x", ExitUsage, "[usage.flag_value]"},
		{"events --type x", ExitUsage, "[usage.choice]"},
		{"rebuild x", ExitUsage, "[usage.choice]"},
		{"init --currency XXX", ExitUsage, "[currency.unknown]"},
		{"init --time-zone Mars", ExitUsage, "[usage.time_zone]"},
		{"record - --actor a/b", ExitUsage, "[usage.code]"},
		{"person show 1", ExitUsage, "[usage.not_id]"},
		{"record no-such-file", ExitUnusable, "Không có tệp no-such-file. [file.missing]"},
		{"record .", ExitUnusable, "[database.missing]"},
		{"balance", ExitUnusable, "Không có cơ sở dữ liệu soquy.db; hãy chạy soquy init. [database.missing]"},
		{"balance --lang en", ExitUnusable, "There is no database soquy.db; run soquy init. [database.missing]"},
		{"balance --lang=en --verbose", ExitUnusable, "open: no database"},
	} {
		code, stdout, stderr := run(strings.Fields(tt.args)...)
		if code != tt.code || !strings.Contains(stderr, tt.want) {
			t.Errorf("soquy %s: exit code %d, stderr %q; want %d, %q", tt.args, code, stderr, tt.code, tt.want)
		}
		if tt.want != "" && (stdout != "" || strings.Count(stderr, "\n") > 2) {
			t.Errorf("soquy %s: more than a sentence: %q %q", tt.args, stdout, stderr)
		}
	}
}

func TestNothingToDo(t *testing.T) {
	if code, stdout, _ := run(); code != ExitDone || !strings.Contains(stdout, "soquy demo") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	if code, stdout, _ := run("version"); code != ExitDone || !strings.HasPrefix(stdout, "soquy test ") {
		t.Errorf("exit code %d, %q", code, stdout)
	}
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, stdout, stderr := run("completion", shell); code != ExitDone || !strings.Contains(stdout, "soquy") {
			t.Errorf("%s: exit code %d, %q", shell, code, stderr)
		}
	}
}

func TestCompletion(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"totals --by unit-level,scho", "unit-level,school-year"},
		{"unit register --level dis", "district"},
		{"rebuild b", "balances"},
		{"don", "donate"},
		{"donate --fund ", ""}, // no ledger, no codes, no error
	} {
		args := append([]string{"__complete"}, strings.Split(tt.args, " ")...)
		code, stdout, _ := run(args...)
		if code != ExitDone || !strings.Contains(stdout, tt.want) {
			t.Errorf("%s: exit code %d, %q", tt.args, code, stdout)
		}
	}
}

// broken is an output that nobody reads.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestOutputFailed(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{io.ErrShortWrite, "[output.failed]"},
		{syscall.EPIPE, ""},
	} {
		var errs bytes.Buffer
		code := Main(t.Context(), []string{"version"}, nil, broken{tt.err}, &errs, noEnv, stub{})
		if code != ExitUnusable || !strings.Contains(errs.String(), tt.want) || tt.want == "" && errs.Len() > 0 {
			t.Errorf("%v: exit code %d, %q", tt.err, code, errs.String())
		}
	}
}

func TestParseDate(t *testing.T) {
	for _, tt := range []struct {
		in         string
		vietnamese bool
		want       string
	}{
		{"2017-06-30", false, "2017-06-30"},
		{"2017-06-30", true, "2017-06-30"},
		{"30/06/2017", true, "2017-06-30"},
		{"5/9/2016", true, "2016-09-05"},
		{"05-09-2016", true, "2016-09-05"},
		{"05.09.2016", true, "2016-09-05"},
		{"30/06/2017", false, ""},
		{"06/30/2017", true, ""},
		{"30/06/17", true, ""},
		{"30//06/2017", true, ""},
		{"+5/09/2016", true, ""},
		{"", true, ""},
	} {
		d, ok := parseDate(tt.in, tt.vietnamese)
		if ok != (tt.want != "") || ok && d.String() != tt.want {
			t.Errorf("%q (Vietnamese: %v) is %v, %v; want %q", tt.in, tt.vietnamese, d, ok, tt.want)
		}
	}
}

func newForm(l locale.Language) *form {
	currency, _ := money.LookupCurrency("VND")
	return &form{p: &program{cat: locale.New(l)}, currency: currency}
}

func TestLines(t *testing.T) {
	f := newForm(locale.Vietnamese)
	got := f.lines(&lines{
		cash: "5.000.000", bank: "1000", goods: []string{"vo=1.200 quyển=1.400.000", "gao=12,5kg=300.000"}, labour: []string{"12 ngày công=2.400.000"},
		valuedBy: "UBND xã",
	})
	want := []domain.LineInput{
		{Asset: "cash", Amount: "5000000"},
		{Asset: "bank", Amount: "1000"},
		{Asset: "goods:vo", Amount: "1400000", Quantity: "1200", Measure: "quyển", ValuedBy: "UBND xã"},
		{Asset: "goods:gao", Amount: "300000", Quantity: "12.5", Measure: "kg", ValuedBy: "UBND xã"},
		{Asset: "labour", Amount: "2400000", Quantity: "12", Measure: "ngày công", ValuedBy: "UBND xã"},
	}
	if f.err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v (%v)\nwant %v", got, f.err, want)
	}
	for _, tt := range []struct {
		lines lines
		code  string
	}{
		{lines{}, "usage.no_lines"},
		{lines{cash: "1,5"}, "usage.amount"},
		{lines{cash: "1,500"}, "usage.amount_ambiguous"},
		{lines{goods: []string{"vo"}}, "usage.goods"},
		{lines{goods: []string{"vo=quyển=3"}}, "usage.goods"},
		{lines{labour: []string{"ngày công"}}, "usage.labour"},
	} {
		f := newForm(locale.Vietnamese)
		f.lines(&tt.lines)
		var failure *Failure
		if tt.code == "usage.amount" { // one and a half: the domain refuses it as too fine
			if f.err != nil {
				t.Errorf("%+v: %v", tt.lines, f.err)
			}
			continue
		}
		if !errors.As(f.err, &failure) || failure.Code != tt.code {
			t.Errorf("%+v: %v, want %s", tt.lines, f.err, tt.code)
		}
	}
}

// spoilt is a Backend whose ledger is not as it was recorded.
type spoilt struct {
	stub
	v Verification
}

func (s spoilt) Verify(context.Context, Target, Progress) (Verification, error) { return s.v, nil }

func TestVerifyFails(t *testing.T) {
	many := []VerifyFailure{{7, "tree.differs", nil}}
	for range 30 {
		many = append(many, VerifyFailure{8, "tree.differs", nil})
	}
	for _, tt := range []struct {
		v            Verification
		out, message string
	}{
		{
			Verification{Events: 9, Failures: many, Projections: []VerifiedProjection{{Name: "balances", OK: true, Rows: 3}}},
			"  FAIL  9 events, the hash tree and its signature\n  OK    balances: 3 rows\n        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n  FAIL  position 7: ledgers.tree is not the tree of the events\n",
			"The log is not as it was signed, at position 7: ledgers.tree is not the tree of the events. [log.corrupt]\n",
		},
		{
			Verification{Events: 9, Failures: many, Projections: []VerifiedProjection{{Name: "balances", OK: true, Rows: 3}}},
			"  FAIL  position 8: ledgers.tree is not the tree of the events\n  …     and 11 more\n",
			"position 7",
		},
		{
			Verification{Events: 9, Failures: []VerifyFailure{{0, "models.skipped", nil}}, Projections: []VerifiedProjection{{Name: "balances", OK: false, Rows: 3}}},
			"  OK    9 events, the hash tree and its signature\n  FAIL  balances: 3 rows\n        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n  FAIL  read models were not compared: the events are not those that were recorded\n",
			"The log is not as it was signed: read models were not compared: the events are not those that were recorded. [log.corrupt]\n",
		},
		{
			Verification{Events: 9, Failures: []VerifyFailure{{0, "models.skipped", nil}}, Projections: []VerifiedProjection{{Name: "balances", OK: true, Rows: 3}}},
			"  FAIL  9 events, the hash tree and its signature\n  OK    balances: 3 rows\n        AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n  FAIL  read models were not compared: the events are not those that were recorded\n",
			"The log is not as it was signed: read models were not compared: the events are not those that were recorded. [log.corrupt]\n",
		},
		{
			Verification{Events: 9, Failures: []VerifyFailure{{0, "guard.missing", []domain.Arg{{Name: "name", Value: "events_no_update"}, {Name: "table", Value: "events"}}}}},
			"  OK    9 events, the hash tree and its signature\n  FAIL  trigger events_no_update of events is gone: events can be changed\n",
			"Nothing was found changed, but the log is not guarded: trigger events_no_update of events is gone: events can be changed. [log.unguarded]\n",
		},
	} {
		var out, errs bytes.Buffer
		code := Main(t.Context(), []string{"verify", "--lang", "en"}, nil, &out, &errs, noEnv, spoilt{v: tt.v})
		if code != ExitIntegrity || !strings.Contains(out.String(), tt.out) || !strings.Contains(errs.String(), tt.message) {
			t.Errorf("exit code %d\n%s\n%s", code, out.String(), errs.String())
		}
	}
	var out, errs bytes.Buffer
	v := Verification{Ledger: "o", Events: 1, Failures: many[:1]}
	code := Main(t.Context(), []string{"verify", "--json"}, nil, &out, &errs, noEnv, spoilt{v: v})
	want := `{"ledger":"o","ok":false,"events":1,"root":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","checkpoint":"","projections":[],"failures":[{"position":7,"what":"ledgers.tree is not the tree of the events","code":"tree.differs"}],"outside":0}` + "\n"
	if code != ExitIntegrity || out.String() != want {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}
