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
	for _, f := range []struct {
		code string
		args []string
	}{
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
		{"ledger.unknown", []string{"ledger"}},
		{"ledger.ambiguous", nil},
		{"ledger.none", nil},
		{"ledger.rolled_back", nil},
		{"clock.ahead", nil},
		{"key.missing", []string{"path"}},
		{"key.mismatch", nil},
		{"key.exists", nil},
		{"log.corrupt", []string{"position", "what"}},
		{"event.unknown_type", []string{"type"}},
		{"currency.unknown", []string{"currency"}},
		{"origin.invalid", nil},
		{"position.unknown", nil},
		{"subject.malformed", []string{"subject"}},
		{"output.failed", nil},
		{"interrupted", nil},
		{"unexpected", []string{"cause"}},
	} {
		need("failure."+f.code, f.args)
	}
}

// Every refusal code has a sentence, with the arguments that the domain gives it and no others.
func TestTextsOfRefusals(t *testing.T) {
	for _, l := range locale.Languages() {
		texts := catalogue(t, l)
		for _, info := range domain.Codes() {
			for _, variant := range []string{"", ".whole", ".goods"} {
				name := "refusal." + string(info.Code) + variant
				args, there := texts[name]
				if !there && variant == "" {
					t.Errorf("%s: %s: no text", l, name)
				}
				for _, a := range args {
					if !slices.Contains(info.Args, a) {
						t.Errorf("%s: %s: the text has the argument %q, which the refusal has not", l, name, a)
					}
				}
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
		}
		p := &program{cat: locale.New(l), env: noEnv, backend: stub{}}
		walk(p.root())
	}
}

func noEnv(string) string { return "" }
