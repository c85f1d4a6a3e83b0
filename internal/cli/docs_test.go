package cli_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A block is an example of the docs.
type block struct {
	file, script string
}

// blocks returns the examples of pages, in order.
func blocks(t *testing.T, pages ...string) []block {
	t.Helper()
	var list []block
	for _, page := range pages {
		raw, err := os.ReadFile(filepath.Join("../..", page))
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile("(?ms)^```sh\n(.*?)^```$").FindAllStringSubmatch(string(raw), -1)
		if len(found) == 0 {
			t.Fatalf("%s has no examples", page)
		}
		for _, m := range found {
			list = append(list, block{page, m[1]})
		}
	}
	return list
}

// elsewhere are commands of the docs that other tests run: the demo in this package, the tests by whoever runs them.
func elsewhere() []string {
	return []string{"go build -o soquy ./cmd/soquy", "demo --exit", "scripts/test.sh"}
}

// guides are the pages that docs/guides lists, in its order, but for those that need a server or have a test of their own.
func guides(t *testing.T) []string {
	t.Helper()
	raw, err := os.ReadFile("../../docs/guides/README.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile(`(?m)^\* \[.*?\]\((\S+\.md)\)`).FindAllStringSubmatch(string(raw), -1) {
		if m[1] != "postgresql.md" && m[1] != "backup.md" {
			list = append(list, "docs/guides/"+m[1])
		}
	}
	if len(list) < 5 {
		t.Fatalf("docs/guides/README.md lists %q", list)
	}
	return list
}

// Whoever types the examples of the docs, one after the other, gets what the docs say. Each command must end with exit code 0.
func TestDocs(t *testing.T) {
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	for _, tt := range []struct {
		name  string
		pages []string
	}{
		{"readme", []string{"README.md"}},
		{"readme.vi", []string{"README.vi.md"}},
		{"guides", append([]string{"docs/start/README.md"}, guides(t)...)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			follow(t, blocks(t, tt.pages...))
		})
	}
}

// follow runs examples in an empty folder as one shell would.
func follow(t *testing.T, list []block) {
	dir := t.TempDir()
	soquy, err := exec.LookPath("soquy") // this test, see TestMain
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(soquy, filepath.Join(dir, "soquy")); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PATH": os.Getenv("PATH"), "HOME": dir, "SOQUY_KEYS": ""}
	shell := func(script string) (string, error) {
		cmd := exec.CommandContext(t.Context(), "sh", "-ec", script)
		cmd.Dir = dir
		for _, name := range slices.Sorted(maps.Keys(env)) {
			cmd.Env = append(cmd.Env, name+"="+env[name])
		}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	named := map[string]string{} // what the words in capitals stand for
	ran := 0
	for _, b := range list {
		lines := strings.Split(b.script, "\n")
		lines = slices.DeleteFunc(lines, func(line string) bool {
			return slices.ContainsFunc(elsewhere(), func(s string) bool { return strings.HasPrefix(line, s) || strings.HasSuffix(line, s) })
		})
		for word, id := range named {
			for i := range lines {
				lines[i] = regexp.MustCompile(`\b`+word+`\b`).ReplaceAllString(lines[i], id)
			}
		}
		script := strings.Join(lines, "\n")
		if strings.TrimSpace(script) == "" {
			continue
		}
		for _, m := range regexp.MustCompile(`(?m)^export (\w+)=(\S+)`).FindAllStringSubmatch(script, -1) {
			env[m[1]] = strings.Trim(m[2], `'"`)
		}
		out, err := shell(script)
		if err != nil {
			t.Fatalf("%s:\n%s\n%v:\n%s", b.file, script, err, out)
		}
		ran++
		for _, m := range regexp.MustCompile(`(?m)^  (Person|Grant|Event|Count) +([0-9a-f-]{36})`).FindAllStringSubmatch(out, -1) {
			word := strings.ToUpper(m[1])
			if word == "PERSON" {
				named["OTHER"] = named["PERSON"]
			}
			named[word] = m[2]
		}
	}
	if ran == 0 {
		t.Error("no example was run")
	}
	if out, err := shell("./soquy verify"); err != nil {
		t.Errorf("verify: %v\n%s", err, out)
	}
}
