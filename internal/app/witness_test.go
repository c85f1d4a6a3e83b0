package app_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/internal/cli"
)

// TestWitness rewrites the history of a ledger with all that its owner has: the database, the key, and this very program, so that every
// hash, row and signature is as it must be. Only who has seen the log before can tell.
func TestWitness(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	history := func(amount string) string {
		return strings.Join([]string{
			`{"type":"register_unit","effective_on":"2017-01-01","data":{"code":"T","level":"province","name":"Tỉnh"}}`,
			`{"type":"open_fund","effective_on":"2017-01-01","data":{"code":"HB","unit":"T","name":"Học bổng"}}`,
			`{"type":"register_donor","effective_on":"2017-01-01","data":{"code":"A","kind":"organisation","name":"A"}}`,
			`{"type":"receive_donation","effective_on":"2017-06-10","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"` + amount + `"}]}}`,
		}, "\n")
	}
	s := soquy{db: in("book.db")}
	s.run(t, 0, "", "init", "--origin", "example.org/soquy/t")
	forged := soquy{db: in("forged.db")} // what a forged history begins with
	if err := errors.Join(copyFile(s.db, forged.db), os.CopyFS(forged.db+".keys", os.DirFS(s.db+".keys"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(in("forged.db.keys/example.org%2Fsoquy%2Ft.head")); err != nil {
		t.Fatal(err)
	}
	s.run(t, 0, history("9000000"), "record", "-")
	key := strings.TrimSpace(s.run(t, 0, "", "public-key"))
	witness := strings.TrimSpace(s.run(t, 0, "", "witness", "init", "--dir", in("witness"), "--name", "auditor.example.org"))
	export := func(db, folder string) {
		t.Helper()
		soquy{db: db}.run(t, 0, "", "export", "tlog", in(folder))
	}
	cosign := func(code int, source string, more ...string) string {
		t.Helper()
		args := append([]string{"witness", "cosign", "--dir", in("witness"), "--log", source, "--key", key}, more...)
		return s.run(t, code, "", args...)
	}

	export(s.db, "log")
	cosign(1, in("log")) // not without being told that it is the first time
	seen := cosign(0, in("log"), "--first")
	if err := os.WriteFile(in("seen"), []byte(seen), 0o600); err != nil {
		t.Fatal(err)
	}
	cosign(1, in("log"), "--first")
	cosign(0, in("log"))
	s.run(t, 0, "", "verify", "--since", in("seen"), "--require-witness", witness)
	s.run(t, 2, "", "verify", "--require-witness", witness)

	// It goes on, over HTTP.
	more := `{"type":"receive_donation","effective_on":"2017-06-11","data":{"fund":"HB","donor":"A","lines":[{"asset":"cash","amount":"5"}]}}` + "\n"
	s.run(t, 0, strings.Repeat(more, 300), "record", "-")
	export(s.db, "log")
	server := httptest.NewServer(http.FileServer(http.Dir(in("log"))))
	defer server.Close()
	later := cosign(0, server.URL, "--json")
	if !strings.Contains(later, `"position":305,`) || !strings.Contains(later, `"before":5,`) {
		t.Errorf("cosigned over HTTP: %s", later)
	}

	// The owner writes another history, of another gift, under the same key and origin.
	forged.run(t, 0, history("4000000"), "record", "-")
	forged.run(t, 0, strings.Repeat(more, 400), "record", "-")
	var v struct {
		OK      bool `json:"ok"`
		Outside *int `json:"outside"`
	}
	if err := json.Unmarshal([]byte(forged.run(t, 0, "", "verify", "--json")), &v); err != nil || !v.OK || v.Outside == nil || *v.Outside != 0 {
		t.Errorf("alone, verify finds %+v, %v", v, err)
	}
	if said := forged.run(t, 0, "", "verify"); !strings.Contains(said, "What this cannot know") {
		t.Errorf("verify does not say what it cannot know:\n%s", said)
	}
	forged.run(t, cli.ExitIntegrity, "", "verify", "--since", in("seen"), "--require-witness", witness)
	export(forged.db, "forged")
	before, err := os.ReadFile(in("witness/example.org%2Fsoquy%2Ft.seen"))
	if err != nil {
		t.Fatal(err)
	}
	cosign(cli.ExitIntegrity, in("forged"))
	after, err := os.ReadFile(in("witness/example.org%2Fsoquy%2Ft.seen"))
	if err != nil || string(after) != string(before) {
		t.Errorf("a contradiction changed what the witness remembers: %v", err)
	}
	// A checkpoint without the cosignature does not do.
	bare := forged.run(t, 0, "", "checkpoint")
	if err := os.WriteFile(in("bare"), []byte(bare), 0o600); err != nil {
		t.Fatal(err)
	}
	forged.run(t, cli.ExitIntegrity, "", "verify", "--since", in("bare"), "--require-witness", witness)

	// What the witness remembers is lost in part, put back, or lost as a whole.
	sizes := in("witness/example.org%2Fsoquy%2Ft.sizes")
	whole, err := os.ReadFile(sizes)
	if err != nil {
		t.Fatal(err)
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Remove(sizes))
	cosign(cli.ExitIntegrity, in("log"))
	must(os.WriteFile(sizes, whole, 0o600))
	must(os.WriteFile(in("witness/example.org%2Fsoquy%2Ft.seen"), []byte(seen), 0o600))
	cosign(cli.ExitIntegrity, in("log"))
	must(os.WriteFile(in("witness/example.org%2Fsoquy%2Ft.seen"), before, 0o600))
	cosign(0, in("log"))
	must(os.Remove(sizes))
	must(os.Remove(in("witness/example.org%2Fsoquy%2Ft.seen")))
	cosign(cli.ExitRefused, in("log"))
	var note struct {
		Checkpoint string `json:"checkpoint"`
	}
	must(json.Unmarshal([]byte(later), &note))
	must(os.WriteFile(in("log/checkpoint"), []byte(note.Checkpoint), 0o600))
	cosign(cli.ExitIntegrity, in("log"), "--first") // its own cosignature is there

	cosign(cli.ExitUnusable, in("nowhere"))
	s.run(t, cli.ExitUnusable, "", "witness", "init", "--dir", in("witness"), "--name", "auditor.example.org")
	s.run(t, cli.ExitUsage, "", "witness", "init", "--dir", in("w2"), "--name", "two words")
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o600)
}
