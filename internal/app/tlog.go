package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/soquy/soquy/domain"
	"github.com/soquy/soquy/eventstore"
	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/ledger"
)

// tlog is a ledger's log as it is now, for those who export or prove it, and the key that signs it.
func (r *reader) tlog(ctx context.Context) (export.Log, string, error) {
	h, err := r.db.Head(ctx, r.id)
	if err != nil {
		return export.Log{}, "", fmt.Errorf("read the head: %w", err)
	}
	key, err := ledger.PublicKey(ctx, r.db, r.id)
	if err != nil {
		return export.Log{}, "", err
	}
	entries := func(ctx context.Context, first, count int64, yield func([]byte) error) error {
		return r.db.Read(ctx, r.id, first+1, first+count, func(rec *eventstore.Record) error { return yield(rec.Envelope) })
	}
	return export.Log{Note: h.Note, Tiles: tiles(ctx, r.db, r.id), Entries: entries}, key, nil
}

// exporting names failures of the export as the user is told them.
func exporting(err error, t cli.Target) error {
	var f *export.Failure
	if !errors.As(err, &f) {
		return explained(err, t)
	}
	exit := cli.ExitUnusable
	if f.Integrity {
		exit = cli.ExitIntegrity
	}
	return &cli.Failure{Code: f.Code, Args: f.Args, Exit: exit, Err: f.Err}
}

func (r *reader) Checkpoint(ctx context.Context) (cli.Head, []byte, error) {
	h, err := r.db.Head(ctx, r.id)
	if err != nil {
		return cli.Head{}, nil, explained(err, r.target)
	}
	return r.book.head(h), h.Note, nil
}

func (r *reader) ExportTlog(ctx context.Context, dir string, since []byte, p cli.Progress) (export.Exported, error) {
	log, key, err := r.tlog(ctx)
	if err != nil {
		return export.Exported{}, explained(err, r.target)
	}
	var older *transparency.Checkpoint
	if since != nil {
		c, err := transparency.ClaimedCheckpoint(since)
		if err != nil {
			return export.Exported{}, failure("checkpoint.malformed", cli.ExitIntegrity, err)
		}
		older = &c
	}
	out, err := export.Tlog(ctx, dir, log, key, older, p)
	return out, exporting(err, r.target)
}

func (r *reader) Inclusion(ctx context.Context, event uuid.UUID, receipt bool) ([]byte, error) {
	rec, err := r.db.Event(ctx, r.id, event)
	if errors.Is(err, eventstore.ErrNotFound) {
		return nil, domain.Refuse(domain.ReferenceUnknown, "event", event.String())
	}
	if err != nil {
		return nil, explained(err, r.target)
	}
	log, key, err := r.tlog(ctx)
	if err != nil {
		return nil, explained(err, r.target)
	}
	var entry []byte
	if receipt {
		entry = rec.Envelope
	}
	proof, err := export.Inclusion(log, key, rec.Position, entry)
	return proof, exporting(err, r.target)
}

func (r *reader) Consistency(ctx context.Context, old []byte) ([]byte, error) {
	log, key, err := r.tlog(ctx)
	if err != nil {
		return nil, explained(err, r.target)
	}
	proof, err := export.Consistency(log, key, old)
	return proof, exporting(err, r.target)
}

// CheckTlog checks an exported folder.
func (a *App) CheckTlog(ctx context.Context, dir, key string, p cli.Progress) (export.CheckedTlog, error) {
	out, err := export.CheckTlog(ctx, dir, key, p)
	return out, exporting(err, cli.Target{})
}

// CheckProof checks a proof or receipt.
func (a *App) CheckProof(raw []byte, key string, about []byte) (export.CheckedProof, error) {
	out, err := export.CheckProof(raw, key, about)
	return out, exporting(err, cli.Target{})
}
