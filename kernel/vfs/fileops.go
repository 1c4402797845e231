package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
)

// FileOps is what an open file does. Its methods do not wait until the file is
// ready: what cannot proceed answers EAGAIN and notifies the wait queue when it
// may, and BlockRead and its like wait. A few wait all the same, by
// wait.Sleeper.Await, with no lock held, for something that comes when the
// operation has begun: a read of a terminal for the bytes that VMIN and VTIME
// ask for, a drain of its output, a write to an eventfd for room for the value
// that it has taken. So does opening a FIFO. They heed O_NONBLOCK themselves.
// Any method may sleep for user memory, and Release and Sync for a device.
//
// Embed NoFile and write those methods that the file has. Objects of no state of
// their own per open file may serve many Files.
type FileOps interface {
	// Read moves up to dst.Len() bytes at offset off to dst. It returns 0
	// and nil at the end of the file. A short count after some bytes have
	// moved comes with a nil error.
	Read(c Caller, dst Dest, off int64) (int, error)
	// Write moves up to src.Len() bytes to offset off.
	Write(c Caller, src Source, off int64) (int, error)
	// Ready returns those events of mask that hold now, and of wait.Always.
	Ready(mask wait.Events) wait.Events
	// WaitQueue is notified when Ready changes; nil means that it never
	// does.
	WaitQueue() *wait.Queue
	// Ioctl does ioctl(2); ENOTTY for what is unknown.
	Ioctl(c Caller, cmd uint32, arg uintptr) (uintptr, error)
	// Release is called once, when the last reference to f has gone.
	Release(f *File)
}

// Optional interfaces of FileOps.
type (
	// Seeker does lseek(2) itself. SEEK_CUR has been turned into SEEK_SET
	// with the sum. The result becomes the file's position.
	Seeker interface {
		Seek(f *File, off int64, whence int) (int64, error)
	}
	// DirReader reads a directory whose inode is not a Dir, or in another
	// way; see Dir.ReadDir, but positions begin at 0 and "." and ".." are
	// the file's own affair.
	DirReader interface {
		ReadDir(c Caller, pos int64, emit func(DirEntry) bool) (int64, error)
	}
	// Syncer does fsync(2), and fdatasync(2) if dataOnly.
	Syncer interface {
		Sync(dataOnly bool) error
	}
	// Allocator does fallocate(2). The range has been checked to be sound.
	Allocator interface {
		Allocate(c Caller, mode int, off, n int64) error
	}
	// Appender writes at the end of the file in one step: O_APPEND. end is
	// the file's position afterwards.
	Appender interface {
		Append(c Caller, src Source) (n int, end int64, err error)
	}
	// FlagSetter is told of O_APPEND, O_NONBLOCK, O_ASYNC and O_DIRECT before
	// they change by fcntl(2), and may refuse.
	FlagSetter interface {
		FlagsChanging(f *File, flags int) error
	}
	// PerCaller is a Stream that is ready for one thread and not for another:
	// signalfd(2). Its Ready and WaitQueue answer for the thread that made
	// it.
	PerCaller interface {
		Stream
		ReadyFor(c Caller, mask wait.Events) wait.Events
		WaitQueueFor(c Caller) *wait.Queue
	}
	// Sealer is a file that can be sealed: fcntl(2), F_ADD_SEALS. While a
	// shared mapping is made through which the file can be written, that is
	// announced by BeginMapping, which fails with EPERM if the file is sealed
	// against it, and else by EndMapping.
	Sealer interface {
		Seals() uint32
		AddSeals(seals uint32) error
		BeginMapping() error
		EndMapping()
	}
	// Spliced says whether sendfile(2) and splice(2) read the file. Without
	// it they read all but directories, character devices and what has no
	// inode of its own.
	Spliced interface {
		CanSplice() bool
	}
	// Stream is a file without a position, such as a pipe: lseek(2) and
	// pread(2) answer ESPIPE, and a blocking write goes on until all is
	// written.
	Stream interface {
		FileOps
		IsStream()
	}
	// MessageStream is a Stream in which a write is one message: it does not
	// go on, whatever was left out.
	MessageStream interface {
		Stream
		IsMessageStream()
	}
)

// NoFile answers for the operations that a file does not have. Embed it.
type NoFile struct{}

// Read answers EINVAL.
func (NoFile) Read(Caller, Dest, int64) (int, error) { return 0, abi.EINVAL }

// Write answers EINVAL.
func (NoFile) Write(Caller, Source, int64) (int, error) { return 0, abi.EINVAL }

// WaitQueue says that readiness never changes.
func (NoFile) WaitQueue() *wait.Queue { return nil }

// Release does nothing.
func (NoFile) Release(*File) {}

// Ready says that the file is always ready to be read and written.
func (NoFile) Ready(mask wait.Events) wait.Events {
	return mask & (wait.Readable | wait.Writable)
}

// Ioctl knows no request.
func (NoFile) Ioctl(Caller, uint32, uintptr) (uintptr, error) { return 0, abi.ENOTTY }

// IsStreamFile marks the FileOps that embed it as a Stream.
type IsStreamFile struct{}

// IsStream marks a Stream.
func (IsStreamFile) IsStream() {}

// IsMessageFile marks the FileOps that embed it as a MessageStream.
type IsMessageFile struct{ IsStreamFile }

// IsMessageStream marks a MessageStream.
func (IsMessageFile) IsMessageStream() {}
