package cli

import (
	"context"
	"io"
	"os"
)

// A Keeper keeps ledgers: their databases, and their keys.
type Keeper interface {
	// Backup copies a database to a new file, while it is used. Only SQLite's: PostgreSQL has means of its own.
	Backup(ctx context.Context, t Target, path string, p Progress) (Copy, error)
	// Restore makes a new database, the target's, of a backup.
	Restore(ctx context.Context, t Target, backup string, p Progress) (Copy, error)
	// AcceptLoss lets a ledger go on from a restored database that lacks events that were committed, and returns its head. The log says
	// so, and goes on under a new key.
	AcceptLoss(ctx context.Context, t Target, p Progress) (Head, error)
	// RotateKey gives a ledger a new key, and returns its head.
	RotateKey(ctx context.Context, t Target, p Progress) (Head, error)
}

// A Copy is a database file that was copied.
type Copy struct {
	Path    string
	Bytes   int64
	Ledgers []CopiedLedger
}

// A CopiedLedger is a ledger in a copy.
type CopiedLedger struct {
	Origin   string
	Position int64
	Root     [32]byte
	Known    int64  // the position that the head file beside it says was committed, where that is more; else 0
	NoKey    string // where its key was looked for in vain, or ""
}

type copyJSON struct {
	Path    string             `json:"path"`
	Bytes   int64              `json:"bytes"`
	Ledgers []copiedLedgerJSON `json:"ledgers"`
}

type copiedLedgerJSON struct {
	headJSON
	Known int64 `json:"known,omitempty"`
}

func (p *program) backupCommand() *command {
	c := p.command("backup", "backup FILE").takes(1, 1, nil)
	c.ValidArgsFunction = nil // the shell completes the file
	return c.runs(func(ctx context.Context, args []string) error {
		b := p.bar(p.t("progress.backup"))
		done, err := p.backend.Backup(ctx, p.target(), args[0], b.progress())
		b.done()
		if err != nil {
			return err
		}
		if p.json {
			return p.encode(newCopyJSON(&done))
		}
		p.tellCopy("backup.done", &done)
		p.printf("\n%s\n", p.t("backup.keys", "path", p.db+".keys"))
		return nil
	})
}

func newCopyJSON(c *Copy) copyJSON {
	out := copyJSON{Path: c.Path, Bytes: c.Bytes, Ledgers: []copiedLedgerJSON{}}
	for _, l := range c.Ledgers {
		out.Ledgers = append(out.Ledgers, copiedLedgerJSON{headJSON{l.Origin, l.Position, root64(l.Root)}, l.Known})
	}
	return out
}

func (p *program) tellCopy(text string, c *Copy) {
	p.printf("%s\n", p.t(text, "path", c.Path, "bytes", p.count(c.Bytes)))
	for _, l := range c.Ledgers {
		p.printf("  %s\n", p.t("backup.ledger", "ledger", l.Origin, "position", p.count(l.Position), "root", root64(l.Root)))
	}
}

// file reads a small file, or with "-" the standard input.
func (p *program) file(path string, limit int64) ([]byte, error) {
	in := p.in
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, fileFailure(path, err)
		}
		defer f.Close()
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fileFailure(path, err)
	}
	if int64(len(raw)) > limit {
		return nil, usage("file_too_long", "path", path, "limit", p.count(limit))
	}
	return raw, nil
}
