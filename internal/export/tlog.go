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
	"strconv"
	"strings"

	"github.com/soquy/soquy/eventstore/transparency"
	"github.com/soquy/soquy/internal/keychange"
)

// A Log is what an export of a log reads: the head, its tiles, and the entries.
type Log struct {
	Note  []byte // the signed checkpoint of the head
	Tiles transparency.TileReader
	// Entries calls yield with the entries of indexes from first on, count of them, in order.
	Entries func(ctx context.Context, first, count int64, yield func(entry []byte) error) error
	// Keys are the events that say which key signs the log: ledger.opened, and each change.
	Keys []keychange.Event
}

// CheckpointFile is the name of the checkpoint in an export.
const CheckpointFile = "checkpoint"

// temporary begins the names of files that are not whole yet.
const temporary = ".soquy-"

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

// Tlog writes a log as a static folder of C2SP tlog-tiles and a file of its key events, or adds to one what is new. The checkpoint comes
// last, when all that it commits to is on the disk, so a crash leaves the older log. Partial tiles of the older log go away after that.
//
// since is the size of a log that whoever gets the folder has already; 0 for a folder that is whole by itself.
// Errors: *Failure (export.not_empty, export.other_log), and those of the file system and the log.
func Tlog(ctx context.Context, dir string, log Log, since *transparency.Checkpoint, progress func(done, total int64)) (Exported, error) {
	c, err := log.open()
	if err != nil {
		return Exported{}, err
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
	if err := writeFile(filepath.Join(dir, KeysFile), keysFile(log.Keys), folders); err != nil {
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
		if n := f.Name(); n != "tile" && n != KeysFile && !strings.HasPrefix(n, temporary) { // what a first export that was cut off has left
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
	f, err := os.CreateTemp(folder, temporary+"*")
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
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
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
		case strings.HasPrefix(d.Name(), temporary) && (rel == d.Name() || strings.HasPrefix(filepath.ToSlash(rel), "tile/")), partial && !currentPartial(filepath.ToSlash(rel), size):
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

// A TlogFailure is something in an exported folder that is not as the checkpoint says: Code is missing, surplus, bytes, root, or key,
// of a change of the key that is not one of this log.
type TlogFailure struct {
	Path, Code string
}

// MaxTlogFailures is how many failures are named.
const MaxTlogFailures = 100

// CheckedTlog is the outcome of the check of a folder.
type CheckedTlog struct {
	Checkpoint transparency.Checkpoint
	Note       []byte
	Keys       []keychange.Event // ledger.opened and the changes of the key
	Failures   []TlogFailure     // in order of path within each kind; at most MaxTlogFailures
	Failed     int64
}

// OK reports whether the folder is the log of its checkpoint, to the byte.
func (c *CheckedTlog) OK() bool { return c.Failed == 0 }

func (c *CheckedTlog) fail(p, code string) {
	if c.Failed++; len(c.Failures) < MaxTlogFailures {
		c.Failures = append(c.Failures, TlogFailure{p, code})
	}
}

// CheckTlog checks an exported folder with nothing but a public key of the ledger: the signature, each entry, each tile, and that there
// is no file and no byte more. The key is that of now, or an older one: each change of the key must be signed by the key before it, over
// the very tree that the log has there. Errors: *Failure (export.no_checkpoint, export.keys, and those of the key).
func CheckTlog(ctx context.Context, dir, key string, progress func(done, total int64)) (CheckedTlog, error) {
	var out CheckedTlog
	var err error
	if out.Note, err = os.ReadFile(filepath.Join(dir, CheckpointFile)); err != nil {
		return out, unusable("export.no_checkpoint", err, "path", dir)
	}
	// The file of keys is believed at first, so that a wrong key is told at once; below it must be what the entries are.
	claimed, err := transparency.ClaimedCheckpoint(out.Note)
	if err != nil {
		return out, broken("checkpoint.malformed", err)
	}
	keys, err := os.ReadFile(filepath.Join(dir, KeysFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, unusable("export.unreadable", err, "path", dir)
	}
	if out.Keys, err = ParseKeys(claimed.Origin, claimed.Size, keys); err != nil {
		return out, err
	}
	if out.Checkpoint, err = follow(out.Note, key, out.Keys); err != nil {
		return out, err
	}
	var inLog []byte // what the file of keys must be
	size := out.Checkpoint.Size
	tree, want := transparency.NewTree(), map[string]bool{CheckpointFile: true, KeysFile: true}
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
			if e, ok, err := keychange.Parse(claimed.Origin, entry); ok {
				inLog = append(append(inLog, entry...), '\n')
				if err != nil || e.Position != tree.Size()+1 || e.Position > 1 && e.Before().Root != tree.Root() {
					out.fail(p, "key")
				}
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
	switch {
	case keys == nil:
		out.fail(KeysFile, "missing")
	case !bytes.Equal(keys, inLog):
		out.fail(KeysFile, "bytes")
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if p := path.Clean(filepath.ToSlash(rel)); err == nil && !want[p] && !isOlder(dir, p, size) {
			out.fail(p, "surplus")
		}
		return err
	})
	if err != nil {
		return out, unusable("export.unreadable", err, "path", dir)
	}
	return out, nil
}

// isOlder reports whether a path is of a partial tile or bundle that the log had when it was shorter, and that begins what is in its
// place now. A log may keep these (C2SP tlog-tiles, Partial Tiles), and one that --since was copied over has them.
func isOlder(dir, p string, size int64) bool {
	whole, digits, ok := strings.Cut(p, ".p/")
	width, err := strconv.Atoi(digits)
	if !ok || err != nil || width < 1 || width >= transparency.TileWidth {
		return false
	}
	for level := bundleLevel; ; level++ {
		have := size >> (max(level, 0) * transparency.TileHeight)
		if have == 0 {
			return false
		}
		f, found := tlogFileOf(level, whole)
		if !found || (tlogFile{level, f.index, width}).path() != p {
			continue
		}
		f.width = int(min(have-f.index*transparency.TileWidth, transparency.TileWidth))
		if f.width <= width {
			return false
		}
		now, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.path())))
		if err != nil {
			return false
		}
		older, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(p)))
		if err != nil || !bytes.HasPrefix(now, older) {
			return false
		}
		if level != bundleLevel {
			return len(older) == width*transparency.HashSize
		}
		entries, err := transparency.ParseBundle(older)
		return err == nil && len(entries) == width
	}
}

// tlogFileOf returns the full file of a level that has a path.
func tlogFileOf(level int, p string) (tlogFile, bool) {
	prefix := "tile/entries/"
	if level != bundleLevel {
		prefix = "tile/" + strconv.Itoa(level) + "/"
	}
	rest, ok := strings.CutPrefix(p, prefix)
	if !ok {
		return tlogFile{}, false
	}
	var index int64
	for part := range strings.SplitSeq(rest, "/") {
		n, err := strconv.ParseUint(strings.TrimPrefix(part, "x"), 10, 16)
		if err != nil || n > 999 || index > transparency.MaxSize/1000 {
			return tlogFile{}, false
		}
		index = index*1000 + int64(n)
	}
	f := tlogFile{level, index, transparency.TileWidth}
	return f, f.path() == p
}
