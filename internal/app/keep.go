package app

import (
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/google/uuid"

	"github.com/soquy/soquy/eventstore/sqlite"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/demo"
	"github.com/soquy/soquy/internal/ledger"
)

// Backup copies an SQLite database to a new file while it is used.
func (a *App) Backup(ctx context.Context, t cli.Target, path string, p cli.Progress) (cli.Copy, error) {
	if isPostgres(t.DB) {
		return cli.Copy{}, failure("backup.postgres", cli.ExitUsage, nil)
	}
	return a.copy(ctx, t, t.DB, path, path, p)
}

// Restore makes a new SQLite database of a backup, and says of each ledger whether the head file beside it knows of more.
func (a *App) Restore(ctx context.Context, t cli.Target, backup string, p cli.Progress) (cli.Copy, error) {
	if isPostgres(t.DB) {
		return cli.Copy{}, failure("restore.postgres", cli.ExitUsage, nil)
	}
	if err := addressed(t.DB); err != nil {
		return cli.Copy{}, err
	}
	if f := folderFailure(t.DB); f != nil {
		return cli.Copy{}, f
	}
	return a.copy(ctx, cli.Target{DB: backup}, backup, t.DB, t.DB, p)
}

// copy copies a database file. keys is the database whose keys the copy is compared with.
func (a *App) copy(ctx context.Context, from cli.Target, source, path, keys string, p cli.Progress) (cli.Copy, error) {
	out := cli.Copy{Path: path}
	db, err := openDatabase(ctx, source, modeRead)
	if err != nil {
		return out, explained(err, from)
	}
	defer db.Close()
	file, ok := db.(*sqliteDatabase)
	if !ok {
		return out, failure("backup.postgres", cli.ExitUsage, nil)
	}
	err = file.Backup(ctx, path, p)
	switch {
	case errors.Is(err, fs.ErrExist):
		return out, failure("file.exists", cli.ExitUnusable, err, "path", path)
	case errors.Is(err, fs.ErrNotExist):
		return out, failure("folder.missing", cli.ExitUnusable, err, "path", path)
	case err != nil:
		return out, explained(err, cli.Target{DB: path})
	}
	return out, explained(a.describe(ctx, &out, keys), cli.Target{DB: path})
}

// describe says what is in a copy, and what the keyring beside a database knows of it.
func (a *App) describe(ctx context.Context, c *cli.Copy, keys string) error {
	info, err := os.Stat(c.Path)
	if err != nil {
		return err
	}
	c.Bytes = info.Size()
	store, err := sqlite.Open(c.Path, sqlite.Options{Mode: sqlite.ReadOnly})
	if err != nil {
		return err
	}
	defer store.Close()
	heads, err := store.Ledgers(ctx)
	if err != nil {
		return err
	}
	ring := a.keyring(keys)
	for _, h := range heads {
		l := cli.CopiedLedger{Origin: h.Origin, Position: h.Position(), Root: h.Edge.Root()}
		if _, isDemo := demo.SeedOf(h.Origin); !isDemo {
			if _, err := os.Stat(ring.KeyPath(h.Origin)); err != nil {
				l.NoKey = ring.KeyPath(h.Origin)
			}
			if signed, err := ring.Head(h.Origin); err == nil && signed != nil {
				if known, err := transparency.ClaimedCheckpoint(signed); err == nil && known.Size > l.Position {
					l.Known = known.Size
				}
			}
		}
		c.Ledgers = append(c.Ledgers, l)
	}
	return nil
}

// AcceptLoss lets a ledger go on from a restored database that lacks events.
func (a *App) AcceptLoss(ctx context.Context, t cli.Target, p cli.Progress) (cli.Head, error) {
	return a.changeKey(ctx, t, p, ledger.AcceptLoss)
}

// RotateKey gives a ledger a new key.
func (a *App) RotateKey(ctx context.Context, t cli.Target, p cli.Progress) (cli.Head, error) {
	return a.changeKey(ctx, t, p, ledger.Rotate)
}

func (a *App) changeKey(ctx context.Context, t cli.Target, p cli.Progress,
	change func(context.Context, ledger.Store, uuid.UUID, ledger.Options, ledger.Key) error,
) (cli.Head, error) {
	b, err := a.open(ctx, t, modeWrite)
	if err != nil {
		return cli.Head{}, err
	}
	defer b.db.Close()
	if b.key == "" {
		return cli.Head{}, failure("key.public", cli.ExitUsage, nil, "ledger", b.opened.Origin)
	}
	keys := a.keyring(t.DB)
	public, err := ledger.PublicKey(ctx, b.db, b.id)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	signer, err := keys.Signer(b.opened.Origin, public)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	next, err := keys.Next(b.opened.Origin)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	o := ledger.Options{Source: ledger.System(), Signer: signer, HeadFile: keys, Progress: p, ServerClock: b.db.clock()}
	if err := change(ctx, b.db, b.id, o, next); err != nil {
		return cli.Head{}, explained(err, t)
	}
	if err := keys.Advance(b.opened.Origin); err != nil {
		return cli.Head{}, explained(err, t)
	}
	h, err := b.db.Head(ctx, b.id)
	if err != nil {
		return cli.Head{}, explained(err, t)
	}
	head := b.head(h)
	head.PublicKey = next.PublicKey()
	return head, nil
}
