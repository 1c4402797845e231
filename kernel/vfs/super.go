package vfs

import (
	"sort"
	"sync"
	"sync/atomic"

	"kevlar/kernel/abi"
)

// A Super is one instance of a file system. Fields other than the unexported
// ones are set before the first use and not changed, except Options.
type Super struct {
	Dev    uint64 // st_dev; NewDev makes one
	FSType string
	// Source is what /proc/mounts shows as the device; "none" if empty.
	Source string
	Root   Inode
	// Medium answers for sync(2). Every file system that is mounted has one.
	Medium Medium
	// NoCache asks for Lookup each time a name is looked up: a directory
	// whose entries come and go by themselves.
	NoCache bool
	// Negative has names that are not there remembered, where looking for them
	// is slow.
	Negative bool
	// ReadOnly makes every mount of it read-only.
	ReadOnly bool
	// StatFS answers statfs(2), but for Fsid and Flags.
	StatFS func() abi.Statfs
	// Options shows the options in /proc/mounts, each with a leading comma;
	// it may be nil.
	Options func() string
	// Remount changes options; nil accepts no options but changes nothing.
	Remount func(data string) error
	// Shutdown frees everything when nobody uses the file system any more. It
	// may be nil.
	Shutdown func()
	// MaxSize is the largest file size; 0 means the ABI's largest.
	MaxSize int64

	// remountedRO is set when the last (re)mount asked for read-only.
	remountedRO atomic.Bool
	rootOnce    sync.Once
	rootDentry  *Dentry
	// remountMu serialises changes of what may be written; see mount_write.go.
	remountMu sync.Mutex
	// writers counts the write intents on all mounts.
	writers atomic.Int64
	// refs counts what keeps the file system: its mounts, open files, the
	// directories of processes, and the paths that walks and calls are at.
	refs atomic.Int64
	// renameMu serialises renames that move a directory to another one, so
	// that who is whose ancestor stays put while it is held.
	renameMu sync.Mutex
}

// get takes a reference; the caller has one.
func (s *Super) get() {
	if s.refs.Add(1) == 1 {
		panic("vfs: a file system is used after its end")
	}
}

// tryGet takes a reference unless the last one has gone.
func (s *Super) tryGet() bool {
	for {
		n := s.refs.Load()
		if n == 0 {
			return false
		}
		if s.refs.CompareAndSwap(n, n+1) {
			return true
		}
	}
}

// put drops a reference; with the last one the file system ends.
func (s *Super) put() {
	if s.refs.Add(-1) == 0 {
		s.end()
	}
}

var devMinor atomic.Uint32

// NewDev returns an st_dev for a file system without a device.
func NewDev() uint64 { return abi.MakeDev(0, devMinor.Add(1)) }

// A FileSystemType makes file systems of one kind for mount(2).
type FileSystemType interface {
	Name() string
	Mount(c Caller, source, data string, flags int) (*Super, error)
}

// NeedsDevice is a FileSystemType whose source is a block device: it has no
// "nodev" in /proc/filesystems.
type NeedsDevice interface{ NeedsDevice() bool }

var fsTypes struct {
	sync.RWMutex
	m map[string]FileSystemType
}

// RegisterFS makes t known to mount(2).
func RegisterFS(t FileSystemType) {
	fsTypes.Lock()
	defer fsTypes.Unlock()
	if fsTypes.m == nil {
		fsTypes.m = make(map[string]FileSystemType)
	}
	fsTypes.m[t.Name()] = t
}

// FileSystems returns the known types by name, for /proc/filesystems.
func FileSystems() []FileSystemType {
	fsTypes.RLock()
	defer fsTypes.RUnlock()
	var ts []FileSystemType
	for _, t := range fsTypes.m {
		ts = append(ts, t)
	}
	sort.Slice(ts, func(i, j int) bool { return ts[i].Name() < ts[j].Name() })
	return ts
}

func fsType(name string) FileSystemType {
	fsTypes.RLock()
	defer fsTypes.RUnlock()
	return fsTypes.m[name]
}
