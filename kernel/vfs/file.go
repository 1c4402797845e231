package vfs

import (
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
	"kevlar/kernel/kmem"
	"kevlar/kernel/wait"
)

// A File is an open file description: what descriptors made by dup(2) and
// fork(2) share. It is reference-counted, and released with its last
// reference.
type File struct {
	refs  atomic.Int64
	flags atomic.Uint32 // O_ flags, without those that only concern opening
	can   uint8         // canRead and so on; fixed when it is opened
	ops   FileOps
	inode Inode
	path  Path // kept

	// posMu serialises what uses the position. It is held while user memory
	// is copied.
	posMu sync.Mutex
	pos   int64 // guarded by posMu

	touch  Accessed    // inode, if reading without O_NOATIME updates its access time
	locked atomic.Bool // it has, or had, locks of its own
	memory int32       // bytes that are charged to account

	hooks atomic.Pointer[releaseHooks] // nil if there never was one

	account *kmem.Account // which is charged for it
}

// Bits of File.can.
const (
	canRead = 1 << iota
	canWrite
	counted     // it counts among the inode's and the mount's writers
	isStream    // it has no position
	goesOn      // a blocking write goes on until all is written
	denyWrite   // nobody may open the inode for writing; guarded by State
	strictAtime // the access time is updated by every read
	perCaller   // ops is a PerCaller
)

// statusFlags are the O_ flags that fcntl(2) can change.
const statusFlags = abi.O_APPEND | abi.O_NONBLOCK | abi.O_ASYNC | abi.O_DIRECT | abi.O_NOATIME

// openFiles counts the Files there are, and maxFiles limits them: ENFILE.
var (
	openFiles atomic.Int64
	maxFiles  atomic.Int64
)

func init() { maxFiles.Store(65536) }

// SetMaxFiles sets how many files may be open at once.
func SetMaxFiles(n int) { maxFiles.Store(int64(n)) }

// SetMemory sets limits that fit a machine with so many page frames: the
// dentries take about a hundredth of memory, and files not more than a tenth.
func SetMemory(frames uint64) {
	SetDentryLimit(int(min(max(frames/8, 1024), 1<<17)))
	SetMaxFiles(int(max(frames*4/10, 4096)))
}

// OpenFiles returns how many files are open, and how many may be.
func OpenFiles() (n, limit int) { return int(openFiles.Load()), int(maxFiles.Load()) }

// newFile makes a File whose ops are still missing and that is counted and
// charged to account when it begins.
func newFile(account *kmem.Account, inode Inode, path Path, flags int) *File {
	f := &File{inode: inode, path: path, account: account, memory: fileMemory}
	f.refs.Store(1)
	const opening = abi.O_CREAT | abi.O_EXCL | abi.O_TRUNC | abi.O_CLOEXEC
	f.flags.Store(uint32(flags &^ opening))
	if flags&abi.O_PATH == 0 {
		switch flags & abi.O_ACCMODE {
		case abi.O_RDONLY:
			f.can = canRead
		case abi.O_WRONLY:
			f.can = canWrite
		case abi.O_RDWR:
			f.can = canRead | canWrite
		}
	}
	if m := path.Mount; m != nil && flags&abi.O_PATH == 0 && !m.has(abi.MS_NOATIME) &&
		!(path.Dentry.isDir() && m.has(abi.MS_NODIRATIME)) {
		f.touch = path.Dentry.times
		if m.has(abi.MS_STRICTATIME) {
			f.can |= strictAtime
		}
	}
	return f
}

// count counts and charges f, which somebody with cred opens: ENFILE. The number of
// files does not limit a superuser, the memory does: file-max in proc_sys_fs(5).
func (f *File) count(cred *Cred) error {
	n := openFiles.Add(1)
	if (n <= maxFiles.Load() || cred.HasCap(abi.CAP_SYS_ADMIN)) && f.account.Charge(int64(f.memory)) == nil {
		return nil
	}
	openFiles.Add(-1)
	return abi.ENFILE
}

// uncount undoes count.
func (f *File) uncount() {
	f.account.Uncharge(int64(f.memory))
	openFiles.Add(-1)
}

// begin counts f, which somebody with cred opens, and as a user of its inode and
// mount.
func (f *File) begin(cred *Cred) error {
	if err := f.count(cred); err != nil {
		return err
	}
	if f.can&canWrite != 0 && f.path.Dentry.isRegular() {
		err := f.path.Mount.beginWrite()
		if err == nil {
			if err = stateOf(f.inode).startWriting(); err != nil {
				f.path.Mount.endWrite()
			}
		}
		if err != nil {
			f.uncount()
			return err
		}
		f.can |= counted
	}
	f.path.Mount.pin()
	if p := f.path.Dentry.pins; p != nil {
		if err := p.Pin(); err != nil {
			f.unbegin()
			return err
		}
	}
	return nil
}

// end undoes begin.
func (f *File) end() {
	if p := f.path.Dentry.pins; p != nil {
		p.Unpin()
	}
	f.unbegin()
}

// leave undoes begin for a file that keeps its path.
func (f *File) leave() {
	f.end()
	f.path.Put()
}

func (f *File) unbegin() {
	if f.can&counted != 0 {
		stateOf(f.inode).stopWriting()
		f.path.Mount.endWrite()
	}
	f.path.Mount.unpin()
	f.uncount()
}

func (f *File) setOps(ops FileOps) {
	f.ops = ops
	f.flags.And(^uint32(abi.O_NOCTTY)) // only Inode.Open wants to know
	if _, ok := ops.(Stream); !ok {
		return
	}
	f.can |= isStream
	if _, ok := ops.(MessageStream); !ok {
		f.can |= goesOn
	}
	if _, ok := ops.(PerCaller); ok {
		f.can |= perCaller
	}
}

// NewFile returns an open file with one reference of an inode that has no name,
// or none that matters: path may be the zero Path. flags are those of open(2).
// It is charged to c's user, with its dentry if path is zero and what small
// things ops has: ENFILE.
func NewFile(c Caller, ops FileOps, inode Inode, path Path, flags int) (*File, error) {
	if path.IsZero() {
		path.Dentry = newDentry(inode.FS(), nil, "", inode)
	}
	f := newFile(c.Cred().Account, inode, path, flags)
	f.memory = anonFileMemory
	if err := f.count(c.Cred()); err != nil {
		return nil, err
	}
	path.get()
	path.Mount.pin()
	if p := path.Dentry.pins; p != nil {
		if err := p.Pin(); err != nil {
			f.unbegin()
			path.Put()
			return nil, err
		}
	}
	f.setOps(ops)
	return f, nil
}

// Get takes a reference; the caller must hold one.
func (f *File) Get() { f.refs.Add(1) }

// tryGet takes a reference unless the last one has gone.
func (f *File) tryGet() bool {
	for {
		n := f.refs.Load()
		if n == 0 {
			return false
		}
		if f.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// Put drops a reference and releases the file if it was the last.
func (f *File) Put() {
	if n := f.refs.Add(-1); n > 0 {
		return
	} else if n < 0 {
		panic("vfs: file released twice")
	}
	if f.locked.Load() {
		releaseFileLocks(f)
	}
	defer f.leave() // even if what follows panics
	if hs := f.hooks.Load(); hs != nil {
		hs.released(f)
	}
	if f.can&denyWrite != 0 {
		stateOf(f.inode).allowWriting()
	}
	f.ops.Release(f)
}

// Flags returns the O_ flags: access mode, status flags, O_PATH.
func (f *File) Flags() int { return int(f.flags.Load()) }

// SetFlags replaces the status flags on behalf of c: fcntl(2), F_SETFL. EPERM
// for O_NOATIME if c does not own the file; EINVAL for O_DIRECT on what is no
// pipe, where it means packets.
func (f *File) SetFlags(c Caller, flags int) error {
	if f.IsPath() {
		return abi.EBADF
	}
	if flags&abi.O_NOATIME != 0 && f.Flags()&abi.O_NOATIME == 0 && !isOwner(c.Cred(), f.inode.Attr().UID) {
		return abi.EPERM
	}
	if flags&abi.O_DIRECT != 0 && f.inode.Attr().Mode&abi.S_IFMT != abi.S_IFIFO {
		return abi.EINVAL
	}
	if s, ok := f.ops.(FlagSetter); ok {
		if err := s.FlagsChanging(f, flags&statusFlags); err != nil {
			return err
		}
	}
	for {
		old := f.flags.Load()
		if f.flags.CompareAndSwap(old, old&^statusFlags|uint32(flags)&statusFlags) {
			return nil
		}
	}
}

// SetNonblock sets or clears O_NONBLOCK: ioctl(2), FIONBIO.
func (f *File) SetNonblock(on bool) {
	if on {
		f.flags.Or(abi.O_NONBLOCK)
	} else {
		f.flags.And(^uint32(abi.O_NONBLOCK))
	}
}

// Nonblocking reports whether O_NONBLOCK is set.
func (f *File) Nonblocking() bool { return f.flags.Load()&abi.O_NONBLOCK != 0 }

// Path returns where the file was opened.
func (f *File) Path() Path { return f.path }

// Inode returns the file's inode.
func (f *File) Inode() Inode { return f.inode }

// Ops returns what the file does.
func (f *File) Ops() FileOps { return f.ops }

// Readable reports whether the file was opened for reading.
func (f *File) Readable() bool { return f.can&canRead != 0 }

// Writable reports whether the file was opened for writing.
func (f *File) Writable() bool { return f.can&canWrite != 0 }

// IsPath reports whether the file was opened with O_PATH and only names a
// place.
func (f *File) IsPath() bool { return f.flags.Load()&abi.O_PATH != 0 }

// IsStream reports whether the file has no position.
func (f *File) IsStream() bool { return f.can&isStream != 0 }

// Ready returns those events of mask that hold now.
func (f *File) Ready(mask wait.Events) wait.Events { return f.ops.Ready(mask) }

// WaitQueue returns the queue that is notified when Ready changes, or nil.
func (f *File) WaitQueue() *wait.Queue { return f.ops.WaitQueue() }

// ReadyFor is Ready for thread c.
func (f *File) ReadyFor(c Caller, mask wait.Events) wait.Events {
	if f.can&perCaller != 0 {
		return f.ops.(PerCaller).ReadyFor(c, mask)
	}
	return f.ops.Ready(mask)
}

// WaitQueueFor is WaitQueue for thread c.
func (f *File) WaitQueueFor(c Caller) *wait.Queue {
	if f.can&perCaller != 0 {
		return f.ops.(PerCaller).WaitQueueFor(c)
	}
	return f.ops.WaitQueue()
}

// Ioctl does ioctl(2).
func (f *File) Ioctl(c Caller, cmd uint32, arg uintptr) (uintptr, error) {
	if f.IsPath() {
		return 0, abi.EBADF
	}
	return f.ops.Ioctl(c, cmd, arg)
}

// DenyWrite makes opening the file's inode for writing fail with ETXTBSY until
// f is released. It fails with ETXTBSY if it is open for writing now. It is
// called once, before f is shared.
func (f *File) DenyWrite() error {
	s := stateOf(f.inode)
	if s == nil {
		return nil
	}
	if err := s.denyWriting(); err != nil {
		return err
	}
	f.can |= denyWrite
	return nil
}

// pathOps are the operations of a file opened with O_PATH.
type pathOps struct{ NoFile }
