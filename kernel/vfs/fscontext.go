package vfs

import (
	"sync"
	"sync/atomic"
)

// An FSContext is what processes share with CLONE_FS: root and working
// directory and umask. It is reference-counted, so that its directories keep
// their mounts busy for as long as a process uses it.
type FSContext struct {
	ns    *Namespace                  // nil if root is in none
	dirs  atomic.Pointer[directories] // changes with mu held
	mu    sync.Mutex
	refs  int // guarded by mu, as are all below
	users int // references of threads: what they do changes it for each other
	umask uint32
}

// directories are the root and the working directory of an FSContext, as they
// were set. They never change, so that a walk sees both without a lock.
type directories struct {
	root Path // not zero
	cwd  Path
	// outside tells that cwd was not below root when either was set last:
	// chroot(2) does not change it. ".." may then go where it likes.
	outside bool
}

// NewFSContext returns a context of one user, with one reference, umask 022 and
// root as both directories.
func NewFSContext(root Path) *FSContext {
	return newFSContext(root.Mount.ns.Load(), &directories{root: root, cwd: root}, 0o022)
}

func newFSContext(ns *Namespace, d *directories, umask uint32) *FSContext {
	d.root.use()
	d.cwd.use()
	fs := &FSContext{ns: ns, refs: 1, users: 1, umask: umask}
	fs.dirs.Store(d)
	return fs
}

// use makes p a directory of a process, until leave: its mount is busy.
func (p Path) use() {
	p.get()
	p.Mount.pin()
}

func (p Path) leave() {
	p.Mount.unpin()
	p.Put()
}

// Namespace returns the mounts that the processes see.
func (fs *FSContext) Namespace() *Namespace { return fs.ns }

// Share makes one more thread use fs.
func (fs *FSContext) Share() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.refs++
	fs.users++
}

// Leave makes one thread less use fs.
func (fs *FSContext) Leave() {
	fs.mu.Lock()
	fs.users--
	fs.mu.Unlock()
	fs.Put()
}

// Users returns how many threads use fs.
func (fs *FSContext) Users() int {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.users
}

// Get takes a reference for somebody who only looks.
func (fs *FSContext) Get() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.refs++
}

// Put drops a reference; with the last one the directories are released.
func (fs *FSContext) Put() {
	fs.mu.Lock()
	fs.refs--
	last := fs.refs == 0
	fs.mu.Unlock()
	if last {
		d := fs.dirs.Load()
		d.root.leave()
		d.cwd.leave()
	}
}

// Copy returns a copy for one user, with one reference.
func (fs *FSContext) Copy() *FSContext {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return newFSContext(fs.ns, fs.dirs.Load(), fs.umask)
}

// Root returns the root directory.
func (fs *FSContext) Root() Path { return fs.dirs.Load().root }

// Cwd returns the working directory.
func (fs *FSContext) Cwd() Path { return fs.dirs.Load().cwd }

// SetRoot changes the root directory to p, which must be a directory and kept:
// chroot(2).
func (fs *FSContext) SetRoot(p Path) {
	p.use()
	fs.mu.Lock()
	old := fs.dirs.Load()
	fs.set(directories{root: p, cwd: old.cwd})
	fs.mu.Unlock()
	old.root.leave()
}

// SetCwd changes the working directory to p, which must be a directory and kept:
// chdir(2).
func (fs *FSContext) SetCwd(p Path) {
	p.use()
	fs.mu.Lock()
	old := fs.dirs.Load()
	fs.set(directories{root: old.root, cwd: p})
	fs.mu.Unlock()
	old.cwd.leave()
}

// set replaces the directories. What mounts keep apart no rename brings together,
// so only a root within a mount asks for a look at whether cwd is outside. The
// caller holds fs.mu.
func (fs *FSContext) set(d directories) {
	if d.root.Dentry != d.root.Mount.root {
		treeMu.RLock()
		d.outside = !d.cwd.below(d.root)
		treeMu.RUnlock()
	}
	fs.dirs.Store(&d)
}

// isOutside reports whether p, if it is the working directory, was outside of
// the root directory when either was set.
func (fs *FSContext) isOutside(p Path) (outside, isCwd bool) {
	d := fs.dirs.Load()
	return d.outside, d.cwd == p
}

// Pivot replaces from by to as root and as working directory: what
// pivot_root(2) does for every process.
func (fs *FSContext) Pivot(from, to Path) {
	if fs.Root() == from {
		fs.SetRoot(to)
	}
	if fs.Cwd() == from {
		fs.SetCwd(to)
	}
}

// Umask returns the file mode creation mask.
func (fs *FSContext) Umask() uint32 {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.umask
}

// SetUmask sets the mask and returns the one before: umask(2).
func (fs *FSContext) SetUmask(mask uint32) uint32 {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	old := fs.umask
	fs.umask = mask & 0o777
	return old
}
