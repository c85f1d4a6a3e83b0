package export

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/soquy/soquy/eventstore/transparency"
)

// A Log is what an export of a log reads: the head, its tiles, and the entries.
type Log struct {
	Note  []byte // the signed checkpoint of the head
	Tiles transparency.TileReader
	// Entries calls yield with the entries of indexes from first on, count of them, in order.
	Entries func(ctx context.Context, first, count int64, yield func(entry []byte) error) error
}

// CheckpointFile is the name of the checkpoint in an export.
const CheckpointFile = "checkpoint"

// Exported says what an export has now.
type Exported struct {
	Checkpoint transparency.Checkpoint
	Before     int64 // the size of the log that was there before
	Files      int64 // that were written
}

// A tlogFile is one file of a log besides its checkpoint: a tile of hashes, or with level −1 a bundle of entries.
type tlogFile struct {
	level int
	index int64
	width int
}

const bundleLevel = -1

func (f tlogFile) path() string {
	if f.level == bundleLevel {
		return transparency.EntriesPath(f.index, f.width)
	}
	return transparency.TilePath(f.level, f.index, f.width)
}

// tlogFiles calls yield with each file that a log of a size has and one of the size before has not.
func tlogFiles(before, size int64, yield func(tlogFile) error) error {
	for level := bundleLevel; ; level++ {
		shift := max(level, 0) * transparency.TileHeight
		have, want := before>>shift, size>>shift
		if want == 0 {
			return nil
		}
		if have == want {
			continue
		}
		for index := have / transparency.TileWidth; index*transparency.TileWidth < want; index++ {
			width := int(min(want-index*transparency.TileWidth, transparency.TileWidth))
			if err := yield(tlogFile{level, index, width}); err != nil {
				return err
			}
		}
	}
}

// Tlog writes a log as a static folder of C2SP tlog-tiles, or adds to one what is new. The checkpoint comes last, when all that it
// commits to is on the disk, so a crash leaves the older log. Partial tiles of the older log go away after that.
//
// since is the size of a log that whoever gets the folder has already; 0 for a folder that is whole by itself.
// Errors: *Failure (export.not_empty, export.other_log), and those of the file system and the log.
func Tlog(ctx context.Context, dir string, log Log, key string, since *transparency.Checkpoint, progress func(done, total int64)) (Exported, error) {
	c, err := transparency.OpenCheckpoint(log.Note, key)
	if err != nil {
		return Exported{}, broken("checkpoint.key", err)
	}
	out := Exported{Checkpoint: c}
	older, err := exportedBefore(dir)
	if err != nil {
		return out, err
	}
	if older == nil {
		older = since
	}
	if older != nil {
		if older.Origin != c.Origin || older.Size > c.Size {
			return out, broken("export.other_log", nil, "path", dir)
		}
		root, err := transparency.RootAt(c, older.Size, log.Tiles)
		if err != nil {
			return out, fmt.Errorf("root at %d: %w", older.Size, err)
		}
		if root != older.Root {
			return out, broken("export.other_log", nil, "path", dir)
		}
		out.Before = older.Size
	}
	var total int64
	count := func(tlogFile) error { total++; return nil }
	if err := tlogFiles(out.Before, c.Size, count); err != nil {
		return out, err
	}
	folders := map[string]bool{dir: true}
	err = tlogFiles(out.Before, c.Size, func(f tlogFile) error {
		content, err := log.content(ctx, f)
		if err != nil {
			return fmt.Errorf("%s: %w", f.path(), err)
		}
		if err := writeFile(filepath.Join(dir, filepath.FromSlash(f.path())), content, folders); err != nil {
			return err
		}
		out.Files++
		if progress != nil {
			progress(out.Files, total)
		}
		return ctx.Err()
	})
	if err != nil {
		return out, err
	}
	for folder := range folders {
		if err := syncFolder(folder); err != nil {
			return out, err
		}
	}
	if err := writeFile(filepath.Join(dir, CheckpointFile), log.Note, folders); err != nil {
		return out, err
	}
	if err := syncFolder(dir); err != nil {
		return out, err
	}
	return out, removePartial(dir, c.Size)
}

// content is what a file has.
func (l *Log) content(ctx context.Context, f tlogFile) ([]byte, error) {
	if f.level != bundleLevel {
		hashes, err := l.Tiles(f.level, f.index, f.width)
		if err != nil {
			return nil, err
		}
		return hashes[:f.width*transparency.HashSize], nil
	}
	var bundle []byte
	err := l.Entries(ctx, f.index*transparency.TileWidth, int64(f.width), func(entry []byte) (err error) {
		bundle, err = transparency.AppendBundleEntry(bundle, entry)
		return err
	})
	return bundle, err
}

// exportedBefore returns the checkpoint of what a folder has, nil where there is nothing.
func exportedBefore(dir string) (*transparency.Checkpoint, error) {
	signed, err := os.ReadFile(filepath.Join(dir, CheckpointFile))
	if err == nil {
		c, err := transparency.ClaimedCheckpoint(signed)
		if err != nil {
			return nil, broken("export.other_log", err, "path", dir)
		}
		return &c, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, unusable("export.unwritable", err, "path", dir)
	}
	files, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, unusable("export.unwritable", err, "path", dir)
	}
	for _, f := range files {
		if f.Name() != "tile" { // what a first export that was cut off has left
			return nil, unusable("export.not_empty", nil, "path", dir)
		}
	}
	return nil, nil
}

// writeFile writes a file whole or not at all, and notes the folders that it made.
func writeFile(name string, content []byte, folders map[string]bool) error {
	folder := filepath.Dir(name)
	for f := folder; !folders[f]; f = filepath.Dir(f) {
		folders[f] = true
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return unusable("export.unwritable", err, "path", folder)
	}
	f, err := os.CreateTemp(folder, ".soquy-*")
	if err != nil {
		return unusable("export.unwritable", err, "path", folder)
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Chmod(0o644)
	}
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return unusable("export.unwritable", err, "path", name)
	}
	return nil
}

func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return unusable("export.unwritable", err, "path", dir)
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, fs.ErrInvalid) {
		return unusable("export.unwritable", err, "path", dir)
	}
	return nil
}

// removePartial takes away partial tiles and bundles of logs that were shorter, and what a write that was cut off has left.
func removePartial(dir string, size int64) error {
	err := filepath.WalkDir(filepath.Join(dir, "tile"), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		partial := strings.HasSuffix(filepath.Base(filepath.Dir(name)), ".p")
		switch {
		case d.IsDir():
			return nil
		case strings.HasPrefix(d.Name(), ".soquy-"), partial && !currentPartial(filepath.ToSlash(rel), size):
			if err := os.Remove(name); err != nil {
				return err
			}
			_ = os.Remove(filepath.Dir(name)) // if nothing else is in it
		}
		return nil
	})
	if err != nil {
		return unusable("export.unwritable", err, "path", dir)
	}
	return nil
}

// currentPartial reports whether a path is of a partial file that a log of a size has.
func currentPartial(p string, size int64) bool {
	for level := bundleLevel; ; level++ {
		want := size >> (max(level, 0) * transparency.TileHeight)
		if want == 0 {
			return false
		}
		if width := int(want % transparency.TileWidth); width > 0 && p == (tlogFile{level, want / transparency.TileWidth, width}).path() {
			return true
		}
	}
}

// A TlogFailure is something in an exported folder that is not as the checkpoint says: Code is missing, surplus, bytes or root.
type TlogFailure struct {
	Path, Code string
}

// MaxTlogFailures is how many failures are named.
const MaxTlogFailures = 100

// CheckedTlog is the outcome of the check of a folder.
type CheckedTlog struct {
	Checkpoint transparency.Checkpoint
	Note       []byte
	Failures   []TlogFailure // in order of path within each kind; at most MaxTlogFailures
	Failed     int64
}

// OK reports whether the folder is the log of its checkpoint, to the byte.
func (c *CheckedTlog) OK() bool { return c.Failed == 0 }

func (c *CheckedTlog) fail(p, code string) {
	if c.Failed++; len(c.Failures) < MaxTlogFailures {
		c.Failures = append(c.Failures, TlogFailure{p, code})
	}
}

// CheckTlog checks an exported folder with nothing but the ledger's public key: the signature, each entry, each tile, and that there
// is no file and no byte more. Errors: *Failure (export.no_checkpoint, checkpoint.key).
func CheckTlog(ctx context.Context, dir, key string, progress func(done, total int64)) (CheckedTlog, error) {
	var out CheckedTlog
	var err error
	if out.Note, err = os.ReadFile(filepath.Join(dir, CheckpointFile)); err != nil {
		return out, unusable("export.no_checkpoint", err, "path", dir)
	}
	if out.Checkpoint, err = transparency.OpenCheckpoint(out.Note, key); err != nil {
		return out, broken("checkpoint.key", err)
	}
	size := out.Checkpoint.Size
	tree, want := transparency.NewTree(), map[string]bool{CheckpointFile: true}
	check := func(f tlogFile, content []byte) {
		p := f.path()
		want[p] = true
		have, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p)))
		switch {
		case err != nil:
			out.fail(p, "missing")
		case content != nil && !bytes.Equal(have, content):
			out.fail(p, "bytes")
		}
	}
	// The entries lead to every hash; the tiles must be just those.
	err = tlogFiles(0, size, func(f tlogFile) error {
		if f.level != bundleLevel {
			want[f.path()] = true
			return nil
		}
		p := f.path()
		want[p] = true
		raw, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil {
			out.fail(p, "missing")
		}
		entries, err := transparency.ParseBundle(raw)
		if raw != nil && (err != nil || len(entries) != f.width) {
			out.fail(p, "bytes")
		}
		for i := range f.width { // what is missing counts as an empty entry: the root differs then
			var entry []byte
			if i < len(entries) {
				entry = entries[i]
			}
			tree.Append(transparency.LeafHash(entry))
		}
		for _, t := range tree.Full() {
			check(tlogFile{t.Level, t.Index, t.Width()}, t.Hashes)
		}
		if progress != nil {
			progress(tree.Size(), size)
		}
		return ctx.Err()
	})
	if err != nil {
		return out, err
	}
	for _, t := range tree.Partial() {
		check(tlogFile{t.Level, t.Index, t.Width()}, t.Hashes)
	}
	if tree.Root() != out.Checkpoint.Root {
		out.fail(CheckpointFile, "root")
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if p := path.Clean(filepath.ToSlash(rel)); err == nil && !want[p] {
			out.fail(p, "surplus")
		}
		return err
	})
	if err != nil {
		return out, unusable("export.unreadable", err, "path", dir)
	}
	return out, nil
}
