package cli

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/domain/money"
	"github.com/soquy/soquy/internal/export"
)

func (p *program) exportCommand() *command {
	return p.parent("export", p.exportTlogCommand(),
		p.exportJournalCommand("export.hledger", "hledger FILE", export.NewHledger),
		p.exportJournalCommand("export.beancount", "beancount FILE", export.NewBeancount))
}

func (p *program) exportJournalCommand(key, use string, format func(io.Writer, money.Currency, export.Teller) *export.Journal) *command {
	c := p.command(key, use).takes(1, 1, nil)
	c.ValidArgsFunction = nil // the shell completes the file
	return c.runs(func(ctx context.Context, args []string) error {
		r, err := p.backend.Reader(ctx, p.target())
		if err != nil {
			return err
		}
		defer r.Close()
		var head Head
		err = p.createFile(args[0], func(w io.Writer) error {
			head, err = p.exportJournal(ctx, r, w, format)
			return err
		})
		if err != nil || args[0] == "-" {
			return err
		}
		if p.json {
			return p.encode(exportJSON{newHeadJSON(head), args[0]})
		}
		p.printf("%s\n", p.t("export.done", "path", args[0], "position", p.count(head.Position), "root", root64(head.Root)))
		return nil
	})
}

type exportJSON struct {
	headJSON
	Path string `json:"path"`
}

// exportJournal writes the events while nothing is held open, then, in one state of the read models, those that came meanwhile, and
// the balances.
func (p *program) exportJournal(ctx context.Context, r Reader, w io.Writer, format func(io.Writer, money.Currency, export.Teller) *export.Journal) (h Head, err error) {
	err = r.View(ctx, func(v View) error { h = v.Head(); return nil })
	if err != nil {
		return h, err
	}
	j := format(w, h.Currency, func(e *domain.Event) string { return Sentence(p.cat, h.Currency, e) })
	b := p.bar(p.t("progress.export"))
	defer b.done()
	through := h.Position
	add := func(e *domain.Event) error {
		b.set(e.Position, through)
		return j.Add(e)
	}
	if err := r.Range(ctx, 1, h.Position, add); err != nil {
		return h, err
	}
	err = r.View(ctx, func(v View) error {
		h = v.Head()
		if h.Position > through {
			if err := r.Range(ctx, through+1, h.Position, add); err != nil {
				return err
			}
		}
		return j.Close(ctx, v, export.At{Origin: h.Origin, Position: h.Position, Root: root64(h.Root)})
	})
	return h, err
}

// An outputError is an error of writing a file, which would else be taken for one of the database.
type outputError struct{ err error }

func (e *outputError) Error() string { return e.err.Error() }

func (e *outputError) Unwrap() error { return e.err }

// outputWriter marks the errors of a writer.
type outputWriter struct{ w io.Writer }

func (o outputWriter) Write(b []byte) (int, error) {
	n, err := o.w.Write(b)
	if err != nil {
		err = &outputError{err}
	}
	return n, err
}

// createFile has f write a file, which is there only when all of it is: it is written beside its place and then moved there. "-" is the
// standard output.
func (p *program) createFile(path string, f func(io.Writer) error) error {
	if path == "-" {
		err := f(outputWriter{p.out})
		var output *outputError
		if errors.As(err, &output) {
			return p.outputFailed(output.err)
		}
		return err
	}
	unwritable := func(err error) error {
		return &Failure{Code: "file.unwritable", Args: []domain.Arg{{Name: "path", Value: path}}, Exit: ExitUnusable, Err: err}
	}
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return unwritable(errors.New("it is a folder"))
	case err == nil && !info.Mode().IsRegular(): // a device or a pipe, which nothing may take the place of
		return p.writeDevice(path, f, unwritable)
	case err == nil: // behind a link
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return unwritable(err)
		}
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".*")
	if err != nil {
		return unwritable(err)
	}
	defer os.Remove(file.Name()) // when it was moved, there is none
	err = f(outputWriter{file})
	var output *outputError
	if errors.As(err, &output) {
		err = unwritable(output.err)
	}
	if err != nil {
		_ = file.Close()
		return err
	}
	if err := errors.Join(file.Chmod(0o644), file.Sync(), file.Close()); err != nil {
		return unwritable(err)
	}
	if err := os.Rename(file.Name(), path); err != nil {
		return unwritable(err)
	}
	return nil
}

// writeDevice has f write to something that is no file.
func (p *program) writeDevice(path string, f func(io.Writer) error, unwritable func(error) error) error {
	device, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return unwritable(err)
	}
	err = f(outputWriter{device})
	var output *outputError
	if errors.As(err, &output) {
		err = unwritable(output.err)
	}
	return errors.Join(err, device.Close())
}
