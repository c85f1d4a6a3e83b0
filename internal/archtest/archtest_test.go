package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/soquy/soquy/"

// edges is what the packages at the edges of the picture share.
var edges = []string{
	"internal/ledger", "internal/private", "internal/locale", "projections", "domain", "domain/money",
}

// all stands for every package of ours.
const all = "*"

// allowed is the table of design: what a package may import of ours. A package that is not in it fails the test, so that each new
// one is thought about.
var allowed = map[string][]string{
	"domain/money":               {},
	"domain":                     {"domain/money"},
	"eventstore/transparency":    {},
	"eventstore":                 {"eventstore/transparency"},
	"eventstore/storetest":       {"eventstore", "eventstore/transparency"},
	"eventstore/sqlite":          {"eventstore", "eventstore/transparency", "migrations"},
	"eventstore/postgres":        {"eventstore", "eventstore/transparency", "migrations"},
	"migrations":                 {},
	"projections":                {"domain", "domain/money", "eventstore", "internal/eventcodec"},
	"projections/sqlite":         {"projections", "domain", "domain/money", "eventstore"},
	"projections/postgres":       {"projections", "domain", "domain/money", "eventstore"},
	"internal/jcs":               {},
	"internal/eventcodec":        {"domain", "domain/money", "eventstore", "internal/jcs"},
	"internal/private":           {"eventstore"},
	"internal/replay":            {"eventstore", "eventstore/transparency", "internal/eventcodec"},
	"internal/keychange":         {"domain", "eventstore/transparency", "internal/eventcodec"},
	"internal/snapshot":          {"domain", "eventstore", "eventstore/transparency"},
	"internal/ledger":            {"domain", "domain/money", "eventstore", "eventstore/transparency", "internal/eventcodec", "internal/jcs", "internal/keychange", "internal/private", "internal/replay", "internal/snapshot"},
	"internal/audit":             {"domain", "domain/money", "eventstore", "eventstore/transparency", "internal/eventcodec", "internal/keychange", "internal/private", "internal/replay", "internal/snapshot", "projections"},
	"internal/locale":            {},
	"internal/report":            {"domain", "projections"},
	"internal/report/chart":      {"domain"},
	"internal/export":            {"domain", "domain/money", "eventstore/transparency", "internal/eventcodec", "internal/keychange", "projections"},
	"internal/cli":               append([]string{"internal/audit", "internal/report", "internal/report/chart", "internal/export", "internal/keychange"}, edges...),
	"internal/demo":              edges,
	"internal/bench":             edges,
	"internal/app":               {all},
	"cmd/soquy":                  {"internal/cli", "internal/app"},
	"internal/archtest":          {},
	"internal/pgtest":            {},
	"internal/cluster":           {},
	"internal/faults":            {},
	"internal/torture":           {all},
	"projections/projectiontest": {"projections", "domain", "domain/money", "eventstore", "eventstore/transparency"},
}

// pure is what the domain may not use: where a decision could look at something other than its arguments.
var pure = []string{"context", "os", "net", "log", "sync", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "io", "io/fs"}

// testOnly may be imported by tests alone, so that no test helper reaches the binary.
var testOnly = []string{"eventstore/storetest", "internal/pgtest", "internal/cluster", "projections/projectiontest", "internal/archtest"}

type goPackage struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	var list []goPackage
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, p)
	}
}

func TestImports(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		seen[name] = true
		may, declared := allowed[name]
		if !declared {
			t.Errorf("package %s is not in the table of imports", name)
			continue
		}
		for _, path := range p.Imports {
			ours, isOurs := strings.CutPrefix(path, module)
			if !isOurs {
				continue
			}
			if !slices.Contains(may, ours) && !slices.Contains(may, all) {
				t.Errorf("%s imports %s, which the table does not allow", name, ours)
			}
			if slices.Contains(testOnly, ours) && !slices.Contains(testOnly, name) {
				t.Errorf("%s imports %s, which is for tests", name, ours)
			}
		}
	}
	for name := range allowed {
		if !seen[name] {
			t.Errorf("the table has %s, which is no package", name)
		}
	}
}

func TestDomainIsPure(t *testing.T) {
	for _, p := range packages(t) {
		if name := strings.TrimPrefix(p.ImportPath, module); name != "domain" && name != "domain/money" {
			continue
		}
		for _, path := range p.Imports {
			if slices.Contains(pure, path) || strings.HasPrefix(path, "net/") || strings.HasPrefix(path, "log/") {
				t.Errorf("%s imports %s", p.ImportPath, path)
			}
		}
	}
}

func TestNoSQLAtTheEdges(t *testing.T) {
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if !slices.Contains([]string{"internal/cli", "internal/demo", "internal/ledger", "internal/audit"}, name) {
			continue
		}
		for _, path := range p.Imports {
			if path == "database/sql" || strings.HasPrefix(path, "github.com/jackc/") || strings.HasPrefix(path, "modernc.org/") {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}
