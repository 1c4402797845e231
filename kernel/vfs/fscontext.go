package vfs

import "sync"

// An FSContext is what processes share with CLONE_FS: root and working
// directory and umask. It is reference-counted, so that its directories keep
// their mounts busy for as long as a process uses it.
type FSContext struct {
	ns    *Namespace // nil if root is in none
	mu    sync.Mutex
	refs  int  // guarded by mu, as are all below
	users int  // references of threads: what they do changes it for each other
	root  Path // not zero
	cwd   Path
	umask uint32
	// outside tells that cwd was not below root when either was set last:
	// chroot(2) does not change it. ".." may then go where it likes.
	outside bool
}

// NewFSContext returns a context of one user, with one reference, umask 022 and root as both
// directories.
func NewFSContext(root Path) *FSContext {
	root.use()
	root.use()
	return &FSContext{ns: root.Mount.ns.Load(), refs: 1, users: 1, root: root, cwd: root, umask: 0o022}
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
		fs.root.leave()
		fs.cwd.leave()
	}
}

// Copy returns a copy for one user, with one reference.
func (fs *FSContext) Copy() *FSContext {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	fs.root.use()
	fs.cwd.use()
	return &FSContext{ns: fs.ns, refs: 1, users: 1, root: fs.root, cwd: fs.cwd, umask: fs.umask, outside: fs.outside}
}

// Root returns the root directory.
func (fs *FSContext) Root() Path {
	fs.mu.Lock()
	p := fs.root
	fs.mu.Unlock()
	return p
}

// Cwd returns the working directory.
func (fs *FSContext) Cwd() Path {
	fs.mu.Lock()
	p := fs.cwd
	fs.mu.Unlock()
	return p
}

// SetRoot changes the root directory to p, which must be a directory and kept:
// chroot(2).
func (fs *FSContext) SetRoot(p Path) {
	p.use()
	fs.mu.Lock()
	old := fs.root
	fs.root = p
	fs.outside = fs.strays()
	fs.mu.Unlock()
	old.leave()
}

// SetCwd changes the working directory to p, which must be a directory and kept:
// chdir(2).
func (fs *FSContext) SetCwd(p Path) {
	p.use()
	fs.mu.Lock()
	old := fs.cwd
	fs.cwd = p
	fs.outside = fs.strays()
	fs.mu.Unlock()
	old.leave()
}

// strays reports whether cwd is not below root. What mounts keep apart no rename
// brings together, so only a root within a mount matters. The caller holds fs.mu.
func (fs *FSContext) strays() bool {
	if fs.root.Mount == nil || fs.root.Dentry == fs.root.Mount.root {
		return false
	}
	treeMu.RLock()
	defer treeMu.RUnlock()
	return !fs.cwd.below(fs.root)
}

// isOutside reports whether p, if it is the working directory, was outside of
// the root directory when either was set.
func (fs *FSContext) isOutside(p Path) (outside, isCwd bool) {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	return fs.outside, fs.cwd == p
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
