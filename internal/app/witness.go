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
	"strconv"
	"strings"
	"time"

	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/audit"
	"github.com/soquy/soquy/internal/cli"
	"github.com/soquy/soquy/internal/export"
	"github.com/soquy/soquy/internal/keychange"
)

// Limits of what a witness reads from elsewhere.
const (
	maxFetched   = transparency.TileWidth * transparency.HashSize // a full tile; a checkpoint with cosignatures is shorter
	maxKeys      = 4 << 20                                        // an event of a key is below 2 KB
	fetchTimeout = 30 * time.Second
)

func witness(dir string) audit.Witness { return audit.Witness{Dir: dir, Now: time.Now} }

// WitnessInit makes a witness with a key of its own.
func (a *App) WitnessInit(dir, name string) (string, error) {
	if err := transparency.ValidOrigin(name); err != nil {
		return "", failure("witness.name", cli.ExitUsage, err, "name", name)
	}
	public, err := witness(dir).Init(name)
	return public, witnessing(err, dir, nil)
}

// WitnessCosign checks and cosigns the checkpoint of a log that is a folder or a URL.
// key may be "" once it knows the ledger.
func (a *App) WitnessCosign(ctx context.Context, dir, source, key string, first bool) (cli.Witnessed, error) {
	if _, err := transparency.KeyID(key); key != "" && err != nil {
		return cli.Witnessed{}, failure("key.not_public", cli.ExitUsage, err)
	}
	read := func(name string) ([]byte, error) { return fetch(ctx, source, name, maxFetched) }
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
	claimed, err := transparency.ClaimedCheckpoint(signed)
	if err != nil {
		return cli.Witnessed{}, failure("checkpoint.malformed", cli.ExitIntegrity, err)
	}
	file, err := fetch(ctx, source, export.KeysFile, maxKeys)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return cli.Witnessed{}, failure("witness.source", cli.ExitUnusable, err, "source", source)
	}
	keys, err := export.ParseKeys(claimed.Origin, claimed.Size, file)
	if err != nil {
		return cli.Witnessed{}, exporting(err, cli.Target{})
	}
	w, err := witness(dir).Cosign(audit.WitnessedLog{Note: signed, Keys: keys, Tiles: tiles}, key, first)
	if errors.Is(err, audit.ErrNotSigned) {
		id, _ := transparency.KeyID(key) // it was one above
		return cli.Witnessed{}, failure("checkpoint.key", cli.ExitIntegrity, err, "key", id, "signers", signers(signed))
	}
	if err != nil {
		return cli.Witnessed{}, witnessing(err, dir, signed)
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
func fetch(ctx context.Context, source, name string, limit int64) ([]byte, error) {
	if !strings.HasPrefix(source, "http://") && !strings.HasPrefix(source, "https://") {
		f, err := os.Open(filepath.Join(source, filepath.FromSlash(path.Clean(name))))
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return readAtMost(f, limit)
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
	return readAtMost(resp.Body, limit)
}

func readAtMost(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("more than %d bytes", limit)
	}
	return b, err
}

func signers(signed []byte) string { return strings.Join(transparency.Signers(signed), ", ") }

// witnessing names what a witness refuses as its user is told it.
func witnessing(err error, dir string, signed []byte) error {
	var lost *audit.LostSeenError
	var forged *keychange.ForgedError
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
	case errors.Is(err, audit.ErrNoKey):
		return failure("witness.no_key", cli.ExitUsage, err)
	case errors.As(err, &lost):
		return failure("witness.lost", cli.ExitIntegrity, err, "event", strconv.FormatInt(lost.Position, 10),
			"kept", strconv.FormatInt(lost.Kept, 10), "seen", strconv.FormatInt(lost.Seen, 10))
	case errors.As(err, &forged):
		return failure("key.change", cli.ExitIntegrity, err, "position", strconv.FormatInt(forged.Position, 10))
	case errors.Is(err, audit.ErrUnannounced):
		return failure("witness.unannounced", cli.ExitIntegrity, err, "signers", signers(signed))
	case errors.Is(err, audit.ErrContradiction):
		return failure("witness.contradiction", cli.ExitIntegrity, err, "cause", err.Error())
	}
	return failure("witness.unusable", cli.ExitUnusable, err, "path", dir)
}
