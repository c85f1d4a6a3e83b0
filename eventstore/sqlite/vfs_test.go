package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
	"pgregory.net/rapid"

	"github.com/soquy/soquy/eventstore/storetest"
)

// theFile is the WAL of the system in TestWAL.
var theFile struct {
	content []byte
	synced  []byte // what it had when it was synced
	given   []byte // what it had when the write lock was given back
	full    bool   // no more is written
}

func theFileHas(offset, n int64) []byte {
	if missing := offset + n - int64(len(theFile.content)); missing > 0 {
		theFile.content = append(theFile.content, make([]byte, missing)...)
	}
	return theFile.content[offset : offset+n]
}

var theMethods = lib.Tsqlite3_io_methods{
	FxClose: address[closeMethod](func(*libc.TLS, uintptr) int32 { return lib.SQLITE_OK }),
	FxRead: address[transferMethod](func(_ *libc.TLS, _, buffer uintptr, amount int32, offset int64) int32 {
		copy(memory(buffer, int64(amount)), theFileHas(offset, int64(amount)))
		return lib.SQLITE_OK
	}),
	FxWrite: address[transferMethod](func(_ *libc.TLS, _, buffer uintptr, amount int32, offset int64) int32 {
		if theFile.full {
			copy(theFileHas(offset, int64(amount/2)), memory(buffer, int64(amount/2)))
			return lib.SQLITE_FULL
		}
		if amount >= 128<<10 {
			return lib.SQLITE_MISUSE // more than the system's takes
		}
		copy(theFileHas(offset, int64(amount)), memory(buffer, int64(amount)))
		return lib.SQLITE_OK
	}),
	FxTruncate: address[truncateMethod](func(_ *libc.TLS, _ uintptr, size int64) int32 {
		theFileHas(size, 0)
		theFile.content = theFile.content[:size]
		return lib.SQLITE_OK
	}),
	FxSync: address[syncMethod](func(*libc.TLS, uintptr, int32) int32 {
		theFile.synced = slices.Clone(theFile.content)
		return lib.SQLITE_OK
	}),
	FxFileSize: address[sizeMethod](func(_ *libc.TLS, _, size uintptr) int32 {
		*at[int64](size) = int64(len(theFile.content))
		return lib.SQLITE_OK
	}),
	FxShmLock: address[lockMethod](func(_ *libc.TLS, _ uintptr, offset, _, flags int32) int32 {
		if offset == lib.WAL_WRITE_LOCK && flags&lib.SQLITE_SHM_UNLOCK != 0 {
			theFile.given = slices.Clone(theFile.content)
		}
		return lib.SQLITE_OK
	}),
	FxShmBarrier: address[barrierMethod](func(*libc.TLS, uintptr) {}),
}

// TestWAL does what SQLite may do to the WAL and to the locks, and more, in any order, and to a slice of bytes: what is read is always what was written
// last; and the file has all of it when it is synced, cut or measured, at a barrier, and when the write lock is given back. Once a write has failed all
// that follow do, and so do reads and syncs, until the lock is given back.
func TestWAL(t *testing.T) {
	if err := registerVFS(); err != nil {
		t.Fatal(err)
	}
	tls := libc.NewTLS()
	defer tls.Close()
	allocate := func(n uintptr) uintptr {
		p := libc.Xmalloc(tls, libc.Tsize_t(n))
		t.Cleanup(func() { libc.Xfree(nil, p) })
		return p
	}
	methods := allocate(unsafe.Sizeof(theMethods))
	*at[lib.Tsqlite3_io_methods](methods) = theMethods
	const most = 256 << 10
	buffer := allocate(most)
	fileSize := system.fileSize + unsafe.Sizeof(fileMore{})
	db, wal := allocate(fileSize), allocate(fileSize)
	was := system
	defer func() { system = was }()
	system.open = func(_ *libc.TLS, _, _, file uintptr, _ int32, _ uintptr) int32 {
		at[lib.Tsqlite3_file](file).FpMethods = methods
		return lib.SQLITE_OK
	}
	system.databaseOf = func(*libc.TLS, uintptr) uintptr { return db }

	rapid.Check(t, func(t *rapid.T) {
		theFile.content, theFile.synced, theFile.full = nil, nil, false
		of := func(file uintptr, flags int32) *lib.Tsqlite3_io_methods {
			if rc := openFile(tls, 0, 0, file, flags, 0); rc != lib.SQLITE_OK {
				t.Fatalf("open: %d", rc)
			}
			return at[lib.Tsqlite3_io_methods](at[lib.Tsqlite3_file](file).FpMethods)
		}
		onDB, onWAL := of(db, lib.SQLITE_OPEN_MAIN_DB), of(wal, lib.SQLITE_OPEN_WAL)
		defer func() {
			method[closeMethod](onWAL.FxClose)(tls, wal)
			method[barrierMethod](onDB.FxShmBarrier)(tls, db)
			method[closeMethod](onDB.FxClose)(tls, db)
		}()
		var want []byte
		end := int64(0) // of the last write
		failed := false
		write := func(content []byte, offset int64) {
			copy(memory(buffer, int64(len(content))), content)
			switch rc := method[transferMethod](onWAL.FxWrite)(tls, wal, buffer, int32(len(content)), offset); {
			case rc == lib.SQLITE_OK && !failed:
				if missing := offset + int64(len(content)) - int64(len(want)); missing > 0 {
					want = append(want, make([]byte, missing)...)
				}
				copy(want[offset:], content)
				end = offset + int64(len(content))
			case rc == lib.SQLITE_FULL && theFile.full:
				failed = true
			case rc != lib.SQLITE_FULL || !failed:
				t.Fatalf("write: %d", rc)
			}
		}
		all := func(what string, file []byte) {
			if !bytes.Equal(file, want) {
				t.Fatalf("%s the file does not have what was written", what)
			}
		}
		// outcome takes a result code: of a failure where one was told, or where it could come out only now.
		outcome := func(what string, rc int32) bool {
			if rc == lib.SQLITE_FULL && (failed || theFile.full) {
				failed = true
			} else if rc != lib.SQLITE_OK || failed {
				t.Fatalf("%s: %d", what, rc)
			}
			return rc == lib.SQLITE_OK
		}
		offset := func(t *rapid.T) int64 {
			if rapid.Bool().Draw(t, "goes on") {
				return end
			}
			return int64(rapid.IntRange(0, len(want)).Draw(t, "offset"))
		}
		some := func(t *rapid.T, n int) []byte {
			return bytes.Repeat([]byte{byte(rapid.IntRange(1, 255).Draw(t, "byte"))}, n)
		}
		t.Repeat(map[string]func(*rapid.T){
			"pages": func(t *rapid.T) {
				size := rapid.SampledFrom([]int{512, 4096, 65536}).Draw(t, "size")
				write(some(t, 24), offset(t))
				write(some(t, size), end)
				for range rapid.IntRange(0, 20).Draw(t, "more") {
					write(some(t, 24), end)
					write(some(t, 4096), end)
				}
			},
			"header again": func(t *rapid.T) { write(some(t, 24), offset(t)) },
			"much":         func(t *rapid.T) { write(some(t, maxKept+1), offset(t)) },
			"read": func(t *rapid.T) {
				if len(want) == 0 {
					t.Skip("there is nothing")
				}
				from := int64(rapid.IntRange(0, len(want)-1).Draw(t, "from"))
				n := int64(rapid.IntRange(1, min(len(want)-int(from), most)).Draw(t, "bytes"))
				if outcome("read", method[transferMethod](onWAL.FxRead)(tls, wal, buffer, int32(n), from)) && !bytes.Equal(memory(buffer, n), want[from:from+n]) {
					t.Fatal("what is read is not what was written")
				}
			},
			"read what was written": func(t *rapid.T) {
				write(some(t, 24), end)
				write(some(t, 4096), end)
				if failed {
					return
				}
				full := theFile.full
				theFile.full = true
				rc := method[transferMethod](onWAL.FxRead)(tls, wal, buffer, 4096, end-4096)
				theFile.full = full
				if rc != lib.SQLITE_OK || !bytes.Equal(memory(buffer, 4096), want[end-4096:end]) {
					t.Fatalf("a page that was just written cannot be read: %d", rc)
				}
			},
			"sync": func(t *rapid.T) {
				if outcome("sync", method[syncMethod](onWAL.FxSync)(tls, wal, lib.SQLITE_SYNC_NORMAL)) {
					all("when it is synced", theFile.synced)
				}
			},
			"size": func(t *rapid.T) {
				if outcome("size", method[sizeMethod](onWAL.FxFileSize)(tls, wal, buffer)) {
					all("when it is measured", theFile.content)
					if size := *at[int64](buffer); size != int64(len(want)) {
						t.Fatalf("size: %d bytes, want %d", size, len(want))
					}
				}
			},
			"cut": func(t *rapid.T) {
				size := int64(rapid.IntRange(0, len(want)).Draw(t, "size"))
				if outcome("truncate", method[truncateMethod](onWAL.FxTruncate)(tls, wal, size)) {
					want, end = want[:size], min(end, size)
					all("when it is cut", theFile.content)
				}
			},
			"barrier": func(t *rapid.T) {
				method[barrierMethod](onDB.FxShmBarrier)(tls, db)
				if !failed && !theFile.full {
					all("at a barrier", theFile.content)
				}
				failed = failed || !bytes.Equal(theFile.content, want)
			},
			"other locks": func(t *rapid.T) {
				flags := rapid.SampledFrom([]int32{lib.SQLITE_SHM_LOCK | lib.SQLITE_SHM_EXCLUSIVE, lib.SQLITE_SHM_UNLOCK | lib.SQLITE_SHM_EXCLUSIVE}).Draw(t, "flags")
				if rc := method[lockMethod](onDB.FxShmLock)(tls, db, lib.WAL_CKPT_LOCK, 1, flags); rc != lib.SQLITE_OK {
					t.Fatalf("lock: %d", rc)
				}
			},
			"end": func(t *rapid.T) {
				if rc := method[lockMethod](onDB.FxShmLock)(tls, db, lib.WAL_WRITE_LOCK, 1, lib.SQLITE_SHM_UNLOCK|lib.SQLITE_SHM_EXCLUSIVE); rc != lib.SQLITE_OK {
					t.Fatalf("unlock: %d", rc)
				}
				if !failed && !theFile.full {
					all("when the lock is given back", theFile.given)
				}
				// From here on others write: what they see is what counts.
				want, failed = slices.Clone(theFile.given), false
				end = int64(len(want))
				theFile.content = append(theFile.content, 7)
				want = append(want, 7)
			},
			"disk": func(t *rapid.T) { theFile.full = rapid.IntRange(0, 3).Draw(t, "full") == 0 },
		})
	})
}

// TestWriterVFS: the writer has the VFS, and nobody else.
func TestWriterVFS(t *testing.T) {
	if err := registerVFS(); err != nil {
		t.Fatal(err)
	}
	was := system
	defer func() { system = was }()
	opened := map[int32]int{}
	system.open = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
		opened[flags&(lib.SQLITE_OPEN_WAL|lib.SQLITE_OPEN_MAIN_DB)]++
		return was.open(tls, vfs, name, file, flags, outFlags)
	}
	s, err := Open(filepath.Join(t.TempDir(), "x.db"), Options{Mode: Create})
	if err != nil {
		t.Fatal(err)
	}
	l := storetest.NewLedger(t, "KH")
	if _, err := s.Append(t.Context(), l.Batch(3)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Head(t.Context(), l.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if opened[lib.SQLITE_OPEN_WAL] != 1 || opened[lib.SQLITE_OPEN_MAIN_DB] != 1 || len(opened) != 2 {
		t.Errorf("files opened by their kind: %v", opened)
	}
}

// TestWALOfMany has connections with the VFS, and one without, commit and take back what they write, much of which does not fit into their caches and is
// written before, in turn: each sees what was committed last, and so does who opens a copy of the files, as after a kill. Also without syncs, which the
// writer's connection always has.
func TestWALOfMany(t *testing.T) {
	if err := registerVFS(); err != nil {
		t.Fatal(err)
	}
	const state = `SELECT printf('%d rows, %d, %d', count(*), coalesce(sum(n * length(bytes)), 0), coalesce(max(n), 0)) FROM t`
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "soquy-wal-")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "x.db")
		connect := func(path string, params ...string) *sql.Conn {
			db, err := sql.Open(driverName, dsn(path, params...))
			if err != nil {
				t.Fatal(err)
			}
			db.SetMaxOpenConns(1)
			t.Cleanup(func() { db.Close() })
			c, err := db.Conn(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c
		}
		do := func(c *sql.Conn, query string, args ...any) {
			if _, err := c.ExecContext(context.Background(), query, args...); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
		}
		ask := func(c *sql.Conn, query string) (answer string) {
			if err := c.QueryRowContext(context.Background(), query).Scan(&answer); err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			return answer
		}
		synchronous := rapid.SampledFrom([]string{"FULL", "NORMAL", "OFF"}).Draw(t, "synchronous")
		params := []string{
			"_pragma=journal_mode(WAL)", pragma("synchronous", synchronous), pragma("cache_size", 20), pragma("wal_autocheckpoint", 100),
		}
		var list []*sql.Conn
		for _, more := range []string{"vfs=" + vfsName, "vfs=" + vfsName, "mode=rwc"} {
			list = append(list, connect(path, append(params, more)...))
		}
		do(list[0], `CREATE TABLE t (n INTEGER PRIMARY KEY, bytes BLOB)`)
		is := ask(list[0], state)
		change := func(t *rapid.T, c *sql.Conn) {
			const (
				add    = `INSERT INTO t (bytes) WITH RECURSIVE r (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ?) SELECT randomblob(2000 + i) FROM r`
				update = `UPDATE t SET bytes = randomblob(length(bytes) + 1) WHERE n % ? = 0`
				remove = `DELETE FROM t WHERE n % ? = 0`
			)
			for range rapid.IntRange(1, 3).Draw(t, "changes") {
				query := rapid.SampledFrom([]string{add, add, update, remove}).Draw(t, "change")
				do(c, query, rapid.IntRange(1, 60).Draw(t, "number"))
			}
		}
		one := func(t *rapid.T) *sql.Conn { return list[rapid.IntRange(0, len(list)-1).Draw(t, "connection")] }
		t.Repeat(map[string]func(*rapid.T){
			"commit": func(t *rapid.T) {
				c := one(t)
				do(c, `BEGIN IMMEDIATE`)
				change(t, c)
				if rapid.Bool().Draw(t, "a part is taken back") {
					do(c, `SAVEPOINT a`)
					change(t, c)
					do(c, `ROLLBACK TO a`)
					change(t, c)
				}
				is = ask(c, state)
				do(c, `COMMIT`)
			},
			"rollback": func(t *rapid.T) {
				c := one(t)
				do(c, `BEGIN IMMEDIATE`)
				change(t, c)
				do(c, `ROLLBACK`)
			},
			"checkpoint": func(t *rapid.T) {
				kind := rapid.SampledFrom([]string{"PASSIVE", "FULL", "RESTART", "TRUNCATE"}).Draw(t, "kind")
				do(one(t), fmt.Sprintf(`PRAGMA wal_checkpoint(%s)`, kind))
			},
			"copy": func(t *rapid.T) {
				to := filepath.Join(dir, "copy.db")
				for _, suffix := range []string{"", "-wal"} {
					content, err := os.ReadFile(path + suffix)
					if err == nil {
						err = os.WriteFile(to+suffix, content, 0o600)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				_ = os.Remove(to + "-shm")
				c, err := sql.Open(driverName, dsn(to))
				if err != nil {
					t.Fatal(err)
				}
				defer c.Close()
				var has string
				if err := c.QueryRow(state).Scan(&has); err != nil || has != is {
					t.Fatalf("a copy has %s, %v, want %s", has, err, is)
				}
			},
			"": func(t *rapid.T) {
				c := one(t)
				if has := ask(c, state); has != is {
					t.Fatalf("a connection sees %s, want %s", has, is)
				}
				if whole := ask(c, `PRAGMA integrity_check(1)`); whole != "ok" {
					t.Fatal(whole)
				}
			},
		})
	})
}
