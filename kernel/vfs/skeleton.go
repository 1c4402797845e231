package vfs

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/wait"
	"sync"
	"sync/atomic"
)

type State struct{ writers atomic.Int32 }

func (s *State) VFSState() *State { return s }

type Dentry struct {
	inode Inode
}

func (d *Dentry) Inode() Inode { return d.inode }

type Mount struct {
	super *Super
}

func (m *Mount) Super() *Super { return m.super }
func (m *Mount) Flags() int    { return 0 }

func PathName(p, root Path) (string, error) { return "", abi.ENOSYS }
func Getcwd(fs *FSContext) (string, error)  { return "", abi.ENOSYS }

type FSContext struct{}

func NewFSContext(root Path) *FSContext        { return &FSContext{} }
func (fs *FSContext) Copy() *FSContext         { return fs }
func (fs *FSContext) Get() *FSContext          { return fs }
func (fs *FSContext) Put()                     {}
func (fs *FSContext) Root() Path               { return Path{} }
func (fs *FSContext) Cwd() Path                { return Path{} }
func (fs *FSContext) SetRoot(p Path)           {}
func (fs *FSContext) SetCwd(p Path)            {}
func (fs *FSContext) Umask() uint32            { return 0 }
func (fs *FSContext) SetUmask(m uint32) uint32 { return 0 }

type LookupFlags uint32

const (
	LookupFollow LookupFlags = 1 << iota
	LookupEmpty
	LookupDirectory
	LookupNoXDev
	LookupNoMagicLinks
	LookupNoSymlinks
	LookupBeneath
	LookupInRoot
)

const (
	MayExec  = 1
	MayWrite = 2
	MayRead  = 4
)

func Resolve(c Caller, fs *FSContext, base Path, name string, flags LookupFlags) (Path, error) {
	return Path{}, abi.ENOSYS
}
func OpenAt(c Caller, fs *FSContext, base Path, name string, flags int, mode uint32) (*File, error) {
	return nil, abi.ENOSYS
}
func OpenAt2(c Caller, fs *FSContext, base Path, name string, flags int, mode uint32, resolve LookupFlags) (*File, error) {
	return nil, abi.ENOSYS
}
func OpenPath(c Caller, p Path, flags int) (*File, error) { return nil, abi.ENOSYS }
func MkdirAt(c Caller, fs *FSContext, base Path, name string, mode uint32) error {
	return abi.ENOSYS
}
func MknodAt(c Caller, fs *FSContext, base Path, name string, mode uint32, rdev uint64) error {
	return abi.ENOSYS
}
func SymlinkAt(c Caller, fs *FSContext, target string, base Path, name string) error {
	return abi.ENOSYS
}
func LinkAt(c Caller, fs *FSContext, oldBase Path, oldName string, newBase Path, newName string, flags int) error {
	return abi.ENOSYS
}
func UnlinkAt(c Caller, fs *FSContext, base Path, name string) error { return abi.ENOSYS }
func RmdirAt(c Caller, fs *FSContext, base Path, name string) error  { return abi.ENOSYS }
func RenameAt(c Caller, fs *FSContext, oldBase Path, oldName string, newBase Path, newName string, flags int) error {
	return abi.ENOSYS
}
func ReadlinkAt(c Caller, fs *FSContext, base Path, name string) (string, error) {
	return "", abi.ENOSYS
}
func Access(c Caller, p Path, mask uint32, useReal bool) error { return abi.ENOSYS }
func Chmod(c Caller, p Path, mode uint32) error                { return abi.ENOSYS }
func Chown(c Caller, p Path, uid, gid uint32) error            { return abi.ENOSYS }
func Utimes(c Caller, p Path, atime, mtime *int64) error       { return abi.ENOSYS }
func Truncate(c Caller, p Path, size int64) error              { return abi.ENOSYS }
func StatFS(p Path) (abi.Statfs, error)                        { return abi.Statfs{}, abi.ENOSYS }
func MountAt(c Caller, fs *FSContext, source string, target Path, fstype string, flags int, data string) error {
	return abi.ENOSYS
}
func UmountAt(c Caller, fs *FSContext, target Path, flags int) error { return abi.ENOSYS }
func PivotRoot(c Caller, fs *FSContext, newRoot, putOld Path) error  { return abi.ENOSYS }
func NewRootMount(s *Super, flags int) (Path, error)                 { return Path{}, abi.ENOSYS }

type MountInfo struct {
	ID, ParentID int
	Super        *Super
	Mount        *Mount
	Root         string
	Target       string
	Flags        int
	Source       string
	FSType       string
	Options      string
}

func Mounts(root Path, visit func(MountInfo) bool) {}

type File struct {
	refs  atomic.Int64
	ops   FileOps
	inode Inode
	path  Path
	flags atomic.Uint32
}

func NewFile(ops FileOps, inode Inode, path Path, flags int) *File { return &File{} }
func NewAnonFile(name string, ops FileOps, flags int) *File        { return &File{} }

type AnonInode struct{ State }

func NewAnonInode(class string, mode uint32) *AnonInode           { return &AnonInode{} }
func (i *AnonInode) NewFile(ops FileOps, flags int) *File         { return &File{} }
func (f *File) Get() *File                                        { return f }
func (f *File) Put()                                              {}
func (f *File) Flags() int                                        { return int(f.flags.Load()) }
func (f *File) SetFlags(flags int) error                          { return nil }
func (f *File) Path() Path                                        { return f.path }
func (f *File) Inode() Inode                                      { return f.inode }
func (f *File) Ops() FileOps                                      { return f.ops }
func (f *File) Readable() bool                                    { return true }
func (f *File) Writable() bool                                    { return true }
func (f *File) IsStream() bool                                    { return false }
func (f *File) Pos() int64                                        { return 0 }
func (f *File) Read(c Caller, dst Dest) (int, error)              { return 0, abi.ENOSYS }
func (f *File) Write(c Caller, src Source) (int, error)           { return 0, abi.ENOSYS }
func (f *File) ReadAt(c Caller, dst Dest, off int64) (int, error) { return 0, abi.ENOSYS }
func (f *File) WriteAt(c Caller, src Source, off int64) (int, error) {
	return 0, abi.ENOSYS
}
func (f *File) Seek(off int64, whence int) (int64, error)                { return 0, abi.ENOSYS }
func (f *File) ReadDir(c Caller, emit func(DirEntry) bool) error         { return abi.ENOSYS }
func (f *File) Ready(mask wait.Events) wait.Events                       { return 0 }
func (f *File) WaitQueue() *wait.Queue                                   { return nil }
func (f *File) Ioctl(c Caller, cmd uint32, arg uintptr) (uintptr, error) { return 0, abi.ENOSYS }
func (f *File) Sync(dataOnly bool) error                                 { return abi.ENOSYS }
func (f *File) Truncate(c Caller, size int64) error                      { return abi.ENOSYS }
func (f *File) Allocate(c Caller, mode int, off, n int64) error          { return abi.ENOSYS }
func (f *File) Flock(c Caller, op int) error                             { return abi.ENOSYS }
func (f *File) DenyWrite() error                                         { return nil }
func (f *File) AllowWrite()                                              {}

func BlockRead(c Caller, f *File, dst Dest) (int, error)    { return f.Read(c, dst) }
func BlockWrite(c Caller, f *File, src Source) (int, error) { return f.Write(c, src) }

func SetLock(c Caller, f *File, owner any, l abi.Flock, wait bool) error { return abi.ENOSYS }
func GetLock(f *File, owner any, l abi.Flock) (abi.Flock, error)         { return l, abi.ENOSYS }
func ReleaseLocks(owner any, inode Inode)                                {}

type FDTable struct{ mu sync.Mutex }

func NewFDTable() *FDTable                                               { return &FDTable{} }
func (t *FDTable) Get(fd int) (*File, error)                             { return nil, abi.EBADF }
func (t *FDTable) Fork() *FDTable                                        { return t }
func (t *FDTable) CloseOnExec()                                          {}
func (t *FDTable) Install(f *File, minfd int, cloexec bool) (int, error) { return -1, abi.EMFILE }
func (t *FDTable) Dup2(oldfd, newfd int, cloexec bool) error             { return abi.EBADF }
func (t *FDTable) Close(fd int) error                                    { return abi.EBADF }
func (t *FDTable) Flags(fd int) (int, error)                             { return 0, abi.EBADF }
func (t *FDTable) SetFlags(fd int, flags int) error                      { return abi.EBADF }
func (t *FDTable) CloseRange(first, last uint, cloexec bool) error       { return abi.EINVAL }
func (t *FDTable) Each(visit func(fd int, f *File, cloexec bool))        {}
func (t *FDTable) CloseAll()                                             {}
func (t *FDTable) SetLimit(n int)                                        {}

var OpenFIFO func(c Caller, f *File, inode Inode) (FileOps, error)

type DeviceOpen func(c Caller, f *File, rdev uint64) (FileOps, error)

func RegisterCharDevice(major, firstMinor, lastMinor uint32, open DeviceOpen)  {}
func RegisterBlockDevice(major, firstMinor, lastMinor uint32, open DeviceOpen) {}
func OpenSpecial(c Caller, f *File, inode Inode) (FileOps, error)              { return nil, abi.ENXIO }
