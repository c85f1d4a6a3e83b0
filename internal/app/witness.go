package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/audit"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/export"
)

// Limits of what a witness reads from elsewhere.
const (
	maxFetched   = transparency.TileWidth * transparency.HashSize // a full tile; a checkpoint with cosignatures is shorter
	fetchTimeout = 30 * time.Second
)

func witness(dir string) audit.Witness { return audit.Witness{Dir: dir, Now: time.Now} }

// WitnessInit makes a witness with a key of its own.
func (a *App) WitnessInit(dir, name string) (string, error) {
	if err := transparency.ValidOrigin(name); err != nil {
		return "", failure("witness.name", cli.ExitUsage, err, "name", name)
	}
	public, err := witness(dir).Init(name)
	return public, witnessing(err, dir)
}

// WitnessCosign checks and cosigns the checkpoint of a log that is a folder or a URL.
func (a *App) WitnessCosign(ctx context.Context, dir, source, key string, first bool) (cli.Witnessed, error) {
	read := func(name string) ([]byte, error) { return fetch(ctx, source, name) }
	signed, err := read(export.CheckpointFile)
	if err != nil {
		return cli.Witnessed{}, failure("witness.source", cli.ExitUnusable, err, "source", source)
	}
	tiles := func(level int, index int64, width int) ([]byte, error) {
		b, err := read(transparency.TilePath(level, index, width))
		if err != nil && width < transparency.TileWidth { // it may have become full meanwhile
			return read(transparency.TilePath(level, index, transparency.TileWidth))
		}
		return b, err
	}
	w, err := witness(dir).Cosign(signed, key, tiles, first)
	if err != nil {
		return cli.Witnessed{}, witnessing(err, dir)
	}
	return cli.Witnessed{
		Head:   cli.Head{Origin: w.Checkpoint.Origin, Position: w.Checkpoint.Size, Root: w.Checkpoint.Root},
		Before: w.Before, Note: w.Note,
	}, nil
}

// Cosigned checks that a checkpoint has the cosignature of a witness, and returns when it was made.
func (a *App) Cosigned(signed []byte, witnessKey string) (time.Time, error) {
	v, err := transparency.NewCosignatureVerifier(witnessKey)
	if err != nil {
		return time.Time{}, failure("witness.key", cli.ExitUsage, err)
	}
	_, at, err := transparency.OpenCosigned(signed, v)
	if err != nil {
		return time.Time{}, failure("witness.not_cosigned", cli.ExitIntegrity, err, "witness", v.Name())
	}
	return at, nil
}

// fetch reads a file of a static log: of a folder, or over HTTP.
func fetch(ctx context.Context, source, name string) ([]byte, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		f, err := os.Open(filepath.Join(source, filepath.FromSlash(path.Clean(name))))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAtMost(f)
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(source, "/")+"/"+name, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %w", name, resp.Status, fs.ErrNotExist)
	}
	return readAtMost(resp.Body)
}

func readAtMost(r io.Reader) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxFetched+1))
	if err == nil && len(b) > maxFetched {
		err = fmt.Errorf("more than %d bytes", maxFetched)
	}
	return b, err
}

// witnessing names what a witness refuses as its user is told it.
func witnessing(err error, dir string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, audit.ErrWitnessExists):
		return failure("witness.exists", cli.ExitUnusable, err, "path", dir)
	case errors.Is(err, audit.ErrNoWitness):
		return failure("witness.missing", cli.ExitUnusable, err, "path", dir)
	case errors.Is(err, audit.ErrUnknownLedger):
		return failure("witness.first", cli.ExitRefused, err)
	case errors.Is(err, audit.ErrKnownLedger):
		return failure("witness.not_first", cli.ExitRefused, err)
	case errors.Is(err, audit.ErrWitnessState):
		return failure("witness.state", cli.ExitIntegrity, err, "path", dir)
	case errors.Is(err, audit.ErrNotSigned):
		return failure("checkpoint.key", cli.ExitIntegrity, err)
	case errors.Is(err, audit.ErrContradiction):
		return failure("witness.contradiction", cli.ExitIntegrity, err, "cause", err.Error())
	}
	return failure("witness.unusable", cli.ExitUnusable, err, "path", dir)
}
