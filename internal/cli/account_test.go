package cli

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/internal/locale"
)

// Every account, and every account above one, has a name in both languages.
func TestAccountNames(t *testing.T) {
	for _, l := range locale.Languages() {
		p := &program{cat: locale.New(l)}
		for _, account := range append(domain.Accounts(), "assets:goods:VO") {
			for {
				if name := p.accountName(account); name == "" || !p.cat.Has("term.account."+account) && name == account || strings.Contains(name, "[") || strings.Contains(name, "_") {
					t.Errorf("%s: %s is called %q", l, account, name)
				}
				last := strings.LastIndexByte(account, ':')
				if last < 0 {
					break
				}
				account = account[:last]
			}
		}
	}
}

// A file is replaced only by one that is complete, and a link by nothing.
func TestCreateFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "book")
	link := filepath.Join(dir, "link")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	p := &program{cat: locale.New(locale.English)}
	failed := errors.New("no more")
	err := p.createFile(path, func(w io.Writer) error {
		if _, err := w.Write([]byte("half")); err != nil {
			return err
		}
		return failed
	})
	if !errors.Is(err, failed) {
		t.Errorf("%v", err)
	}
	read := func() string {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	if got := read(); got != "before" {
		t.Errorf("a file that was not finished took the place of one that was: %q", got)
	}
	for _, to := range []string{path, link} {
		err := p.createFile(to, func(w io.Writer) error {
			_, err := w.Write([]byte(to))
			return err
		})
		if got := read(); err != nil || got != to {
			t.Errorf("%v, %q", err, got)
		}
	}
	entries, err := os.ReadDir(dir)
	if info, _ := os.Lstat(link); err != nil || len(entries) != 2 || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("%v, %v, %v: something was left behind", entries, info, err)
	}
}

func TestMonthFlag(t *testing.T) {
	for _, tt := range []struct {
		in         string
		vietnamese bool
		want       string
	}{
		{"2017-03", false, "2017-03"},
		{"2017-03", true, "2017-03"},
		{"3/2017", true, "2017-03"},
		{"03/2017", true, "2017-03"},
		{"12/2017", true, "2017-12"},
		{"3/2017", false, ""},
		{"13/2017", true, ""},
		{"003/2017", true, ""},
		{"3/17", true, ""},
		{"2017-3", false, ""},
		{"2017-13", false, ""},
		{"2017-03-01", true, ""},
		{"", true, ""},
		{"/2017", true, ""},
	} {
		m := monthFlag{vietnamese: tt.vietnamese}
		if err := m.Set(tt.in); (err == nil) != (tt.want != "") || m.String() != tt.want {
			t.Errorf("%q (Vietnamese: %v) is %q, %v; want %q", tt.in, tt.vietnamese, m.String(), err, tt.want)
		}
	}
}

// What cannot be written to is told as the file's fault, and the standard output's as its own.
func TestExportFails(t *testing.T) {
	p := &program{cat: locale.New(locale.English)}
	write := func(w io.Writer) error {
		_, err := w.Write([]byte("x"))
		return err
	}
	var f *Failure
	if err := p.createFile(t.TempDir(), write); !errors.As(err, &f) || f.Code != "file.unwritable" {
		t.Errorf("%v", err)
	}
	if err := p.createFile(filepath.Join(t.TempDir(), "no", "file"), write); !errors.As(err, &f) || f.Code != "file.unwritable" {
		t.Errorf("%v", err)
	}
	var out bytes.Buffer
	if err := write(outputWriter{&out}); err != nil || out.String() != "x" {
		t.Errorf("%v, %q", err, out.String())
	}
}
