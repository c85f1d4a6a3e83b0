package cli

import (
	"context"
	"os"
	"strings"

	"github.com/soquy/soquy/internal/export"
)

// maxCheckpoint is the size limit of a signed checkpoint in bytes, with room for many cosignatures.
const maxCheckpoint = 64 << 10

type tlogJSON struct {
	headJSON
	Dir    string `json:"dir"`
	Before int64  `json:"before"`
	Files  int64  `json:"files"`
}

type checkedTlogJSON struct {
	headJSON
	OK       bool              `json:"ok"`
	Failures []tlogFailureJSON `json:"failures"`
	Keys     []keyEventJSON    `json:"keys"`
}

type tlogFailureJSON struct {
	Path string `json:"path"`
	What string `json:"what"`
}

func (p *program) exportTlogCommand() *command {
	var since string
	c := p.command("export.tlog", "tlog DIR").takes(1, 1, nil).text(&since, "since")
	c.ValidArgsFunction = nil // the shell completes the folder
	return c.runs(func(ctx context.Context, args []string) error {
		signed, err := p.noteFile(since)
		if err != nil {
			return err
		}
		return p.reader(ctx, func(r Reader) error {
			b := p.bar(p.t("progress.export"))
			done, err := r.ExportTlog(ctx, args[0], signed, b.progress())
			b.done()
			if err != nil {
				return err
			}
			head := headJSON{done.Checkpoint.Origin, done.Checkpoint.Size, root64(done.Checkpoint.Root)}
			if p.json {
				return p.encode(tlogJSON{head, args[0], done.Before, done.Files})
			}
			p.printf("%s\n", p.t("tlog.done", "dir", args[0], "files", p.count(done.Files),
				"position", p.count(head.Position), "root", head.Root))
			return nil
		})
	})
}

func (p *program) verifyExportCommand() *command {
	var key string
	c := p.command("verify_export", "verify-export DIR").takes(1, 1, nil).text(&key, "key").needs("key")
	c.ValidArgsFunction = nil
	return c.runs(func(ctx context.Context, args []string) error {
		public, err := p.verifierKey(key)
		if err != nil {
			return err
		}
		b := p.bar(p.t("progress.verify"))
		checked, err := p.backend.CheckTlog(ctx, args[0], public, b.progress())
		b.done()
		if err != nil {
			return err
		}
		if err := p.tellTlog(&checked); err != nil {
			return err
		}
		if !checked.OK() {
			return &Failure{Code: "export.broken", Exit: ExitIntegrity}
		}
		return nil
	})
}

func (p *program) tellTlog(c *export.CheckedTlog) error {
	head := headJSON{c.Checkpoint.Origin, c.Checkpoint.Size, root64(c.Checkpoint.Root)}
	if p.json {
		answer := checkedTlogJSON{head, c.OK(), make([]tlogFailureJSON, len(c.Failures)), newKeyEvents(c.Keys)}
		for i, f := range c.Failures {
			answer.Failures[i] = tlogFailureJSON{f.Path, f.Code}
		}
		return p.encode(answer)
	}
	for _, f := range c.Failures {
		p.printf("  FAIL  %s\n", p.t("tlog.what."+f.Code, "path", f.Path))
	}
	if more := c.Failed - int64(len(c.Failures)); more > 0 {
		p.printf("  …     %s\n", p.cat.Count("verify.more", more))
	}
	if c.OK() {
		p.tellKeys(c.Keys)
		p.printf("%s\n", p.t("tlog.ok", "ledger", head.Ledger, "position", p.count(head.Position), "root", head.Root))
	}
	return nil
}

// noteFile reads the file of a signed checkpoint; none is nil.
func (p *program) noteFile(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	return p.file(path, maxCheckpoint)
}

// verifierKey reads a public key: the key itself, or a file that has it.
func (p *program) verifierKey(s string) (string, error) {
	if strings.Count(s, "+") >= 2 {
		if _, err := os.Stat(s); err != nil {
			return s, nil
		}
	}
	raw, err := p.file(s, maxCheckpoint)
	return strings.TrimSpace(string(raw)), err
}

// reader opens the ledger and calls f with its reader.
func (p *program) reader(ctx context.Context, f func(Reader) error) error {
	r, err := p.backend.Reader(ctx, p.target())
	if err != nil {
		return err
	}
	defer r.Close()
	return f(r)
}
