package cli

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/locale"
	"github.com/soquy/soquy/projections"
)

var argument = regexp.MustCompile(`\{\{\s*\.([a-z_]+)\s*\}\}`)

// catalogue reads the texts of a language with the names of their arguments.
func catalogue(t *testing.T, l locale.Language) map[string][]string {
	t.Helper()
	raw, err := os.ReadFile("../locale/catalogue/" + string(l) + ".toml")
	if err != nil {
		t.Fatal(err)
	}
	var file map[string]any
	if err := toml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for name, v := range file {
		args := []string{}
		for _, m := range argument.FindAllStringSubmatch(fmt.Sprint(v), -1) {
			args = append(args, m[1])
		}
		out[name] = args
	}
	return out
}

// calls calls f with every call in the source of a package's folder: the name of what is called, and its arguments.
func calls(t *testing.T, dir string, f func(name string, args []ast.Expr)) {
	t.Helper()
	files, err := filepath.Glob(dir + "/*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, isCall := n.(*ast.CallExpr)
			if !isCall {
				return true
			}
			switch fun := call.Fun.(type) {
			case *ast.Ident:
				f(fun.Name, call.Args)
			case *ast.SelectorExpr:
				f(fun.Sel.Name, call.Args)
			}
			return true
		})
	}
}

// literal returns the value of a string literal.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

// Every text that the source names is in the catalogue, and gets the arguments that it has.
func TestTextsOfSource(t *testing.T) {
	texts := catalogue(t, locale.Vietnamese)
	need := func(name string, given []string) {
		t.Helper()
		args, there := texts[name]
		if !there {
			t.Errorf("%s: no text", name)
		}
		for _, a := range args {
			if !slices.Contains(given, a) {
				t.Errorf("%s: the text has the argument %q, which it is not given", name, a)
			}
		}
	}
	pairs := func(args []ast.Expr) []string {
		var names []string
		for i := 0; i < len(args); i += 2 {
			if s, ok := literal(args[i]); ok {
				names = append(names, s)
			}
		}
		return names
	}
	calls(t, ".", func(name string, args []ast.Expr) {
		if len(args) == 0 {
			return
		}
		first, isLiteral := literal(args[0])
		switch {
		case name == "table":
			for _, a := range args {
				if s, ok := literal(a); ok {
					need("column."+strings.TrimSuffix(s, ">"), nil)
				}
			}
		case !isLiteral:
		case name == "t":
			if !strings.HasSuffix(first, ".") { // else only the beginning is known here
				need(first, pairs(args[1:]))
			}
		case name == "Count":
			need(first, append(pairs(args[2:]), "n"))
		case name == "pair":
			need("label."+first, nil)
		case name == "rangeTitle":
			need(first, nil)
			need(first+".from", []string{"from"})
			need(first+".to", []string{"to"})
			need(first+".between", []string{"from", "to"})
		case name == "usage":
			need("failure.usage."+first, pairs(args[1:]))
		}
	})
	calls(t, "../app", func(name string, args []ast.Expr) {
		if name == "failure" && len(args) >= 3 {
			if code, ok := literal(args[0]); ok {
				need("failure."+code, pairs(args[3:]))
			}
		}
	})
	calls(t, "../export", func(name string, args []ast.Expr) {
		if (name == "broken" || name == "unusable") && len(args) >= 2 {
			if code, ok := literal(args[0]); ok {
				need("failure."+code, pairs(args[2:]))
			}
		}
	})
	for _, f := range []struct {
		code string
		args []string
	}{
		{"export.broken", nil},
		{"file.missing", []string{"path"}},
		{"file.unreadable", []string{"path"}},
		{"database.missing", []string{"path"}},
		{"database.foreign", nil},
		{"database.newer", nil},
		{"database.no_schema", nil},
		{"database.read_only", nil},
		{"database.full", nil},
		{"database.unreachable", nil},
		{"database.unusable", nil},
		{"ledger.exists", nil},
		{"ledger.exists.demo", []string{"ledger", "db"}},
		{"origin.differs.demo", []string{"origin", "ledger", "db"}},
		{"ledger.unknown", []string{"ledger"}},
		{"ledger.ambiguous", nil},
		{"ledger.none", nil},
		{"ledger.rolled_back", nil},
		{"clock.ahead", nil},
		{"key.missing", []string{"path"}},
		{"key.mismatch", nil},
		{"key.exists", nil},
		{"outcome.unknown", nil},
		{"key.public", []string{"ledger"}},
		{"restore.complete", nil},
		{"restore.postgres", nil},
		{"backup.postgres", nil},
		{"file.exists", []string{"path"}},
		{"log.corrupt", []string{"position", "what"}},
		{"log.unguarded", []string{"position", "what"}},
		{"event.unknown_type", []string{"type"}},
		{"currency.unknown", []string{"currency"}},
		{"origin.invalid", nil},
		{"position.unknown", []string{"position", "head"}},
		{"instant.too_early", []string{"instant", "first"}},
		{"subject.malformed", []string{"subject"}},
		{"output.failed", nil},
		{"interrupted", nil},
		{"unexpected", []string{"cause"}},
	} {
		need("failure."+f.code, f.args)
	}
}

// Every refusal code has a sentence, with the arguments that the domain gives it and no others, and so have the variants of sentences.
func TestTextsOfRefusals(t *testing.T) {
	var commands []string // those with sentences of their own
	for _, body := range []domain.CommandBody{&domain.RegisterUnit{}, &domain.MergeUnit{}, &domain.CountHolding{}, &domain.TransferFunds{}} {
		commands = append(commands, body.Type())
	}
	for _, l := range locale.Languages() {
		texts := catalogue(t, l)
		codes := map[string][]string{}
		for _, info := range domain.Codes() {
			codes[string(info.Code)] = info.Args
			if _, there := texts["refusal."+string(info.Code)]; !there {
				t.Errorf("%s: %s: no text", l, info.Code)
			}
		}
		for name, args := range texts {
			rest, isRefusal := strings.CutPrefix(name, "refusal.")
			if !isRefusal {
				continue
			}
			words := strings.SplitN(rest, ".", 3)
			given, known := codes[strings.Join(words[:2], ".")]
			if slices.Contains(given, "through") { // the day after it is told, too
				given = append(slices.Clone(given), "next")
			}
			if !known {
				t.Errorf("%s: %s: there is no such code", l, name)
			}
			for _, a := range args {
				if !slices.Contains(given, a) {
					t.Errorf("%s: %s: the text has the argument %q, which the refusal has not", l, name, a)
				}
			}
			if len(words) < 3 {
				continue
			}
			command, _, _ := strings.Cut(words[2], ".")
			if !slices.Contains([]string{"whole", "goods", "sum"}, words[2]) && !slices.Contains(commands, command) {
				t.Errorf("%s: %s: there is no such variant", l, name)
			}
		}
	}
}

// Whatever the domain, the codec and the JSON reader call a problem has words in both languages.
func TestTextsOfProblems(t *testing.T) {
	problems := map[string]bool{}
	add := func(e ast.Expr) {
		if s, ok := literal(e); ok {
			problems[s] = true
		}
	}
	for _, dir := range []string{"../../domain", "../eventcodec", "."} {
		calls(t, dir, func(name string, args []ast.Expr) {
			switch {
			case name == "malformed" && len(args) == 2:
				add(args[1])
			case (name == "Fail" || name == "bad") && len(args) == 1:
				add(args[0])
			case (name == "Refuse" || name == "refuse") && len(args) == 3:
				if code, ok := args[0].(*ast.Ident); ok && code.Name == "CommandMalformed" {
					add(args[2])
				}
				if code, ok := args[0].(*ast.SelectorExpr); ok && code.Sel.Name == "CommandMalformed" {
					add(args[2])
				}
			}
		})
	}
	// The problems of the JSON reader are constants.
	file, err := parser.ParseFile(token.NewFileSet(), "../jcs/reader.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	block := file.Decls[1].(*ast.GenDecl)
	for _, spec := range block.Specs {
		add(spec.(*ast.ValueSpec).Values[0])
	}
	for _, want := range []string{"required", "unknown field", "not JSON", "line over 32 MiB", "the same fund twice"} {
		if !problems[want] {
			t.Fatalf("the search for problems misses %q", want)
		}
	}
	for _, l := range locale.Languages() {
		texts := catalogue(t, l)
		for problem := range problems {
			name := "problem." + strings.Map(func(r rune) rune {
				if r == ' ' || r == '-' {
					return '_'
				}
				if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
					return r
				}
				return -1
			}, strings.ToLower(problem))
			if _, there := texts[name]; !there {
				t.Errorf("%s: no text %s for %q", l, name, problem)
			}
		}
	}
}

// Every word of the domain has a term.
func TestTerms(t *testing.T) {
	var models []string
	for _, m := range projections.Models() {
		models = append(models, m.Name)
	}
	for _, l := range locale.Languages() {
		c := locale.New(l)
		for group, words := range map[string][]string{
			"level": plain(domain.Levels()), "purpose": plain(domain.Purposes()), "measure": projections.Measures(),
			"recipient": projections.Recipients(), "achievement": domain.AchievementLevels(), "education": domain.EducationLevels(),
			"prize": domain.Prizes(), "cause": domain.Causes(), "reason": domain.CancelReasons(), "expense": domain.ExpensePurposes(),
			"donor": domain.DonorKinds(), "event": eventTypes(), "projection": models, "asset": {"cash", "bank", "labour"},
			"kind": {"unit", "fund", "donor", "person", "pledge", "grant", "event", "count"},
		} {
			for _, word := range words {
				if !c.Has("term." + group + "." + word) {
					t.Errorf("%s: no term for the %s %q", l, group, word)
				}
			}
		}
		for _, d := range projections.Dims() {
			if !c.Has("column.by." + string(d)) {
				t.Errorf("%s: no column for the dimension %q", l, d)
			}
		}
	}
}

// The help of every command is complete in both languages.
func TestHelp(t *testing.T) {
	missing := regexp.MustCompile(`\[[a-z_]+\.[a-z_.-]+\]`)
	for _, l := range locale.Languages() {
		var walk func(cmd *cobra.Command)
		walk = func(cmd *cobra.Command) {
			var out bytes.Buffer
			args := append(strings.Fields(cmd.CommandPath())[1:], "--help", "--lang", string(l))
			if code := Main(t.Context(), args, nil, &out, &out, noEnv, stub{}); code != ExitDone {
				t.Errorf("%s: exit code %d", args, code)
			}
			if m := missing.FindString(out.String()); m != "" {
				t.Errorf("%s: no text %s", args, m)
			}
			for _, child := range cmd.Commands() {
				walk(child)
			}
			if self := cmd.Name() == "help" || cmd.Name() == "version"; !cmd.HasSubCommands() && !cmd.HasExample() && !self {
				t.Errorf("%s: %s has no example", l, cmd.CommandPath())
			}
		}
		p := &program{cat: locale.New(l), env: noEnv, backend: stub{}}
		walk(p.root())
	}
}

// What stands for values and arguments in the Vietnamese help is Vietnamese.
func TestHelpPlaceholders(t *testing.T) {
	var vi, en []string
	for _, l := range locale.Languages() {
		var list []string
		var walk func(cmd *cobra.Command)
		walk = func(cmd *cobra.Command) {
			_, args, _ := strings.Cut(cmd.Use, " ")
			list = append(list, cmd.CommandPath()+" "+args)
			cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
				value, _ := pflag.UnquoteUsage(f)
				if value == strings.ToLower(value) && value != "" && f.Value.Type() != "bool" {
					t.Errorf("%s: %s --%s: its text has no word in backquotes for the value", l, cmd.CommandPath(), f.Name)
				}
				list = append(list, cmd.CommandPath()+" --"+f.Name+" "+value)
			})
			for _, child := range cmd.Commands() {
				walk(child)
			}
		}
		walk((&program{cat: locale.New(l), env: noEnv, backend: stub{}}).root())
		if l == locale.Vietnamese {
			vi = list
		} else {
			en = list
		}
	}
	if len(vi) != len(en) || len(vi) < 100 {
		t.Fatalf("%d placeholders in Vietnamese, %d in English", len(vi), len(en))
	}
	for i := range vi {
		words := strings.Fields(vi[i])
		if last := words[len(words)-1]; vi[i] == en[i] && last == strings.ToUpper(last) && last != "UUID" && last != "SHELL" {
			t.Errorf("in English: %s", vi[i])
		}
	}
}

// The help of totals lists what --by takes, in Vietnamese with what it means, and that of the program its exit codes.
func TestHelpWords(t *testing.T) {
	for _, tt := range []struct{ args, want string }{
		{"totals --help", "school-year (năm học)"},
		{"totals --help --lang en", "school-year, fund, cause"},
		{"totals --help", "lower_secondary (trung học cơ sở)"},
		{"expense --help", "bank_fee (phí ngân hàng)"},
		{"person register --help", "teacher (giáo viên)"},
		{"move --help", "bank (tiền gửi ngân hàng)"},
		{"disburse --help", "soquy disburse KHOẢN CẤP[=SỐ TIỀN]... [cờ]"},
		{"disburse --help --lang en", "soquy disburse GRANT[=AMOUNT]... [flags]"},
		{"--help", "Mã thoát: 0 xong; 1 bị từ chối;"},
		{"--help --lang en", "Exit codes: 0 done; 1 refused;"},
	} {
		if code, out, _ := run(strings.Fields(tt.args)...); code != ExitDone || !strings.Contains(out, tt.want) {
			t.Errorf("soquy %s: no %q in\n%s", tt.args, tt.want, out)
		}
	}
}

func noEnv(string) string { return "" }
