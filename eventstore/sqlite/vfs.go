package sqlite

import (
	"errors"
	"fmt"
	"sync"
	"unsafe"

	"modernc.org/libc"
	lib "modernc.org/sqlite/lib"
)

// SQLite writes a commit into the WAL page by page, and for each page twice: 24 bytes that describe it, then the page. With seven pages in the commit of
// one donation, and some forty in that of 64, the calls take longer than what they do. So the writer's connection has a VFS of its own: the system's,
// but for the WAL, of which what is written is kept, and handed on in one piece.
//
// Nothing else is changed: who is told what, when, and what a sync is, stays SQLite's. What is kept is written
//
//   - before a sync, of which each commit has one;
//   - before SQLite publishes a commit to other connections, which it does around a barrier in the shared memory;
//   - before it gives the write lock back, also where it took a transaction back: from then on others write to the same places.
//
// So nothing is kept while the connection does not have the write lock, and whatever another connection can see is as it would be without this. What
// could not be written is told by every write and sync until the lock is given back: a transaction that lost bytes cannot be committed. That is so for a
// connection whose synchronous is FULL and whose locking_mode is NORMAL, as the writer's are: without a sync a failure before the barrier is told to
// nobody, and an exclusive lock is never given back.
// See https://www.sqlite.org/vfs.html and https://www.sqlite.org/walformat.html.

const (
	// vfsName is the name of the VFS of the writer's connection.
	vfsName = "soquy"
	// maxKept is how many bytes are kept at most. The system's VFS of Unix writes no more than 128 KiB at once.
	maxKept = 124 << 10
)

// A fileMore is what the VFS has of an open database or WAL. It stands in the memory that SQLite made for the file, behind the part of the system's VFS;
// the garbage collector does not look there, so it has no pointers of Go. A file is used by one goroutine at a time, as its connection is.
type fileMore struct {
	methods lib.Tsqlite3_io_methods // those of the file: the system's, but for some
	system  uintptr                 // the system's
	other   uintptr                 // the file of the WAL of a database, and of the database of a WAL; 0: it is not open

	// Of a WAL:
	kept   uintptr // maxKept bytes, which are not written yet
	length int64   // of them
	offset int64   // in the file
	failed int32   // what became of a write since the write lock was taken
}

// The methods of a VFS and of its files, as SQLite calls them. All but the barrier return a result code.
type (
	openMethod     = func(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32
	closeMethod    = func(tls *libc.TLS, file uintptr) int32
	transferMethod = func(tls *libc.TLS, file, buffer uintptr, amount int32, offset int64) int32
	truncateMethod = func(tls *libc.TLS, file uintptr, size int64) int32
	syncMethod     = func(tls *libc.TLS, file uintptr, flags int32) int32
	sizeMethod     = func(tls *libc.TLS, file, size uintptr) int32
	lockMethod     = func(tls *libc.TLS, file uintptr, offset, n, flags int32) int32
	barrierMethod  = func(tls *libc.TLS, file uintptr)
)

// at is what is at an address in the memory of SQLite, of which Go knows nothing. The compiler (1.26) must not see through it: it takes the address for
// no pointer then, and fails where a few bytes are copied.
//
//go:noinline
func at[T any](address uintptr) *T { return (*T)(unsafe.Add(nil, address)) }

// method is the function that SQLite knows by an address, and address is that of a function that is not a closure.
func method[F any](address uintptr) F { return *(*F)(unsafe.Pointer(&struct{ uintptr }{address})) }
func address[F any](method F) uintptr { return *(*uintptr)(unsafe.Pointer(&struct{ f F }{method})) }

// memory are the bytes at an address.
func memory(address uintptr, n int64) []byte { return unsafe.Slice(at[byte](address), n) }

// system is the VFS that SQLite would use by itself.
var system struct {
	open     openMethod
	fileSize uintptr // of its part of a file, which a fileMore follows
	// databaseOf is the file of the database of a WAL with a name that SQLite gave.
	databaseOf func(tls *libc.TLS, name uintptr) uintptr
}

// registerVFS makes the VFS known to SQLite, once.
var registerVFS = sync.OnceValue(func() error {
	const failed = "make a VFS for the WAL"
	tls := libc.NewTLS()
	defer tls.Close()
	theirs := lib.Xsqlite3_vfs_find(tls, 0)
	if theirs == 0 {
		return errors.New(failed + ": the system has none")
	}
	name, err := libc.CString(vfsName)
	if err != nil {
		return fmt.Errorf(failed+": %w", err)
	}
	vfs := libc.Xcalloc(tls, 1, libc.Tsize_t(unsafe.Sizeof(lib.Tsqlite3_vfs{})))
	if vfs == 0 {
		return errors.New(failed + ": no memory")
	}
	// The other methods are the system's, and find in ours what they look for in theirs: it is a copy.
	ours := at[lib.Tsqlite3_vfs](vfs)
	*ours = *at[lib.Tsqlite3_vfs](theirs)
	const align = unsafe.Alignof(fileMore{})
	system.open = method[openMethod](ours.FxOpen)
	system.fileSize = (uintptr(ours.FszOsFile) + align - 1) / align * align
	system.databaseOf = lib.Xsqlite3_database_file_object
	ours.FszOsFile = int32(system.fileSize + unsafe.Sizeof(fileMore{}))
	ours.FpNext = 0
	ours.FzName = name
	ours.FxOpen = address[openMethod](openFile)
	if rc := lib.Xsqlite3_vfs_register(tls, vfs, 0); rc != lib.SQLITE_OK {
		return fmt.Errorf(failed+": result code %d", rc)
	}
	return nil
})

// openFile opens a file as the system does, and puts itself before some methods of a database and of its WAL.
func openFile(tls *libc.TLS, vfs, name, file uintptr, flags int32, outFlags uintptr) int32 {
	rc := system.open(tls, vfs, name, file, flags, outFlags)
	isWAL := flags&lib.SQLITE_OPEN_WAL != 0
	if rc != lib.SQLITE_OK || !isWAL && flags&lib.SQLITE_OPEN_MAIN_DB == 0 {
		return rc
	}
	f, more := at[lib.Tsqlite3_file](file), moreOf(file)
	*more = fileMore{methods: *at[lib.Tsqlite3_io_methods](f.FpMethods), system: f.FpMethods}
	if !isWAL {
		more.methods.FxShmLock = address[lockMethod](lockShared)
		more.methods.FxShmBarrier = address[barrierMethod](barrierShared)
	} else {
		if more.kept = libc.Xmalloc(tls, maxKept); more.kept == 0 {
			_ = method[closeMethod](more.theirs().FxClose)(tls, file)
			f.FpMethods = 0
			return lib.SQLITE_NOMEM
		}
		more.other = system.databaseOf(tls, name)
		moreOf(more.other).other = file
		more.methods.FxClose = address[closeMethod](closeWAL)
		more.methods.FxRead = address[transferMethod](readWAL)
		more.methods.FxWrite = address[transferMethod](writeWAL)
		more.methods.FxTruncate = address[truncateMethod](truncateWAL)
		more.methods.FxSync = address[syncMethod](syncWAL)
		more.methods.FxFileSize = address[sizeMethod](sizeOfWAL)
	}
	f.FpMethods = file + system.fileSize + unsafe.Offsetof(more.methods)
	return lib.SQLITE_OK
}

// moreOf is what follows the system's part of a file.
func moreOf(file uintptr) *fileMore { return at[fileMore](file + system.fileSize) }

func (f *fileMore) theirs() *lib.Tsqlite3_io_methods { return at[lib.Tsqlite3_io_methods](f.system) }

// flush writes what is kept of a WAL, which is nothing once a write has failed.
func (f *fileMore) flush(tls *libc.TLS, file uintptr) int32 {
	if f.length > 0 {
		f.failed = method[transferMethod](f.theirs().FxWrite)(tls, file, f.kept, int32(f.length), f.offset)
	}
	f.length = 0
	return f.failed
}

// lockShared takes a lock or gives it back.
func lockShared(tls *libc.TLS, file uintptr, offset, n, flags int32) int32 {
	f := moreOf(file)
	if f.other != 0 && offset == lib.WAL_WRITE_LOCK && flags&lib.SQLITE_SHM_UNLOCK != 0 && flags&lib.SQLITE_SHM_EXCLUSIVE != 0 {
		// Only what was taken back can be kept still, and does not count.
		wal := moreOf(f.other)
		_ = wal.flush(tls, f.other)
		wal.failed = lib.SQLITE_OK
	}
	return method[lockMethod](f.theirs().FxShmLock)(tls, file, offset, n, flags)
}

// barrierShared is between the two halves of a publication.
func barrierShared(tls *libc.TLS, file uintptr) {
	f := moreOf(file)
	if f.other != 0 {
		_ = moreOf(f.other).flush(tls, f.other)
	}
	method[barrierMethod](f.theirs().FxShmBarrier)(tls, file)
}

// writeWAL keeps what follows what is kept.
func writeWAL(tls *libc.TLS, file, buffer uintptr, amount int32, offset int64) int32 {
	f, n := moreOf(file), int64(amount)
	if offset != f.offset+f.length || f.length+n > maxKept {
		_ = f.flush(tls, file)
		f.offset = offset
	}
	if f.failed == lib.SQLITE_OK && n > maxKept {
		f.failed = method[transferMethod](f.theirs().FxWrite)(tls, file, buffer, amount, offset)
	} else if f.failed == lib.SQLITE_OK {
		copy(memory(f.kept+uintptr(f.length), n), memory(buffer, n))
		f.length += n
	}
	return f.failed
}

// readWAL reads what is kept, or what is in the file.
func readWAL(tls *libc.TLS, file, buffer uintptr, amount int32, offset int64) int32 {
	f, n := moreOf(file), int64(amount)
	if offset >= f.offset && offset+n <= f.offset+f.length {
		copy(memory(buffer, n), memory(f.kept+uintptr(offset-f.offset), n))
		return lib.SQLITE_OK
	}
	if offset < f.offset+f.length && f.offset < offset+n {
		_ = f.flush(tls, file)
	}
	if f.failed != lib.SQLITE_OK { // what is in the file may be older than what could not be written
		return f.failed
	}
	return method[transferMethod](f.theirs().FxRead)(tls, file, buffer, amount, offset)
}

func truncateWAL(tls *libc.TLS, file uintptr, size int64) int32 {
	f := moreOf(file)
	if rc := f.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[truncateMethod](f.theirs().FxTruncate)(tls, file, size)
}

func syncWAL(tls *libc.TLS, file uintptr, flags int32) int32 {
	f := moreOf(file)
	if rc := f.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[syncMethod](f.theirs().FxSync)(tls, file, flags)
}

func sizeOfWAL(tls *libc.TLS, file, size uintptr) int32 {
	f := moreOf(file)
	if rc := f.flush(tls, file); rc != lib.SQLITE_OK {
		return rc
	}
	return method[sizeMethod](f.theirs().FxFileSize)(tls, file, size)
}

// closeWAL closes the file. The write lock was given back before.
func closeWAL(tls *libc.TLS, file uintptr) int32 {
	f := moreOf(file)
	moreOf(f.other).other = 0
	libc.Xfree(tls, f.kept)
	return method[closeMethod](f.theirs().FxClose)(tls, file)
}
