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
	"github.com/soquy/soquy/internal/keychange"
)

// tlog is a ledger's log as it is now, for those who export or prove it.
func (r *reader) tlog(ctx context.Context) (export.Log, error) {
	h, err := r.db.Head(ctx, r.id)
	if err != nil {
		return export.Log{}, fmt.Errorf("read the head: %w", err)
	}
	log := export.Log{Note: h.Note, Tiles: tiles(ctx, r.db, r.id)}
	key := func(rec *eventstore.Record) error {
		e, ok, err := keychange.Parse(h.Origin, rec.Envelope)
		if err != nil {
			return fmt.Errorf("position %d: %w: %w", rec.Position, eventstore.ErrCorrupt, err)
		}
		if ok {
			log.Keys = append(log.Keys, e)
		}
		return nil
	}
	if err := r.db.Read(ctx, r.id, 1, 1, key); err != nil {
		return export.Log{}, fmt.Errorf("read ledger.opened: %w", err)
	}
	if err := r.db.Subject(ctx, r.id, domain.KeySubject, 1, h.Position(), key); err != nil {
		return export.Log{}, fmt.Errorf("read the changes of the key: %w", err)
	}
	log.Entries = func(ctx context.Context, first, count int64, yield func([]byte) error) error {
		return r.db.Read(ctx, r.id, first+1, first+count, func(rec *eventstore.Record) error { return yield(rec.Envelope) })
	}
	return log, nil
}

// exporting names failures of the export as the user is told them.
func exporting(err error, t cli.Target) error {
	var f *export.Failure
	if !errors.As(err, &f) {
		return explained(err, t)
	}
	exit := cli.ExitUnusable
	switch {
	case f.Integrity:
		exit = cli.ExitIntegrity
	case f.Code == "key.not_public":
		exit = cli.ExitUsage
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
	log, err := r.tlog(ctx)
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
	out, err := export.Tlog(ctx, dir, log, older, p)
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
	log, err := r.tlog(ctx)
	if err != nil {
		return nil, explained(err, r.target)
	}
	var entry []byte
	if receipt {
		entry = rec.Envelope
	}
	proof, err := export.Inclusion(log, rec.Position, entry)
	return proof, exporting(err, r.target)
}

func (r *reader) Consistency(ctx context.Context, old []byte) ([]byte, error) {
	log, err := r.tlog(ctx)
	if err != nil {
		return nil, explained(err, r.target)
	}
	proof, err := export.Consistency(log, old)
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
