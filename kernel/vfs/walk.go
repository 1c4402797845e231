package vfs

import (
	"strings"

	"kevlar/kernel/abi"
)

// LookupFlags say how a path is resolved: path_resolution(7), openat2(2).
type LookupFlags uint32

const (
	// LookupFollow follows a symbolic link in the last place.
	LookupFollow LookupFlags = 1 << iota
	// LookupEmpty lets the empty path stand for the base: AT_EMPTY_PATH.
	LookupEmpty
	// LookupDirectory answers ENOTDIR unless the path leads to a directory.
	LookupDirectory
	// The RESOLVE_ flags of openat2(2).
	LookupNoXDev
	LookupNoMagicLinks
	LookupNoSymlinks
	LookupBeneath
	LookupInRoot
)

// lookupScoped are the flags of a walk that may not leave its base.
const lookupScoped = LookupBeneath | LookupInRoot

// maxLinks is how many symbolic links one resolution follows: ELOOP.
const maxLinks = 40

// A walk is one path resolution.
type walk struct {
	c     Caller
	cred  *Cred
	fs    *FSContext
	base  Path // where the walk began
	root  Path // what "/" means, and where ".." stops
	cur   Path // where the walk is; kept until end
	flags LookupFlags
	links int // symbolic links followed
	depth int // symbolic links in a middle place that are being followed

	// seen is the state of the trees when a walk that may not leave its base
	// began.
	seen treeVersion

	// last is the path's last component, which parent leaves to be looked
	// up in cur; "" if the path is the root. It may be "." or "..".
	last string
	// slash tells that the path, or a symbolic link in its last place, has
	// a slash after the last component: it must be a directory.
	slash bool
}

// start begins a walk at base with the root directory of fs. It must end.
func (w *walk) start(c Caller, fs *FSContext, base Path, flags LookupFlags) {
	w.c, w.cred, w.flags, w.fs, w.base = c, c.Cred(), flags, fs, base
	w.root = fs.Root()
	if base.tryGet() {
		w.cur = base
	}
	if flags&lookupScoped != 0 {
		w.root = base
		w.seen = w.treesNow()
	}
}

// end leaves the place where the walk is.
func (w *walk) end() {
	w.cur.Put()
	w.cur = Path{}
}

// enter goes to p.
func (w *walk) enter(p Path) error {
	if p.super() != w.cur.super() {
		if !p.tryGet() {
			return abi.ENOENT
		}
		w.cur.Put()
	}
	w.cur = p
	return nil
}

// Resolve returns the place that name stands for, relative to base, for the
// thread c with the root directory of fs. The caller must Put it.
func Resolve(c Caller, fs *FSContext, base Path, name string, flags LookupFlags) (Path, error) {
	if name == "" && flags&LookupEmpty != 0 {
		if flags&LookupDirectory != 0 && !base.Dentry.isDir() {
			return Path{}, abi.ENOTDIR
		}
		if !base.tryGet() {
			return Path{}, abi.ENOENT
		}
		return base, nil
	}
	var w walk
	w.start(c, fs, base, flags)
	defer w.end() // even if a file system panics
	if err := w.whole(name); err != nil {
		return Path{}, err
	}
	p := w.cur
	w.cur = Path{} // the caller's now
	return p, nil
}

// whole resolves all of a call's path.
func (w *walk) whole(name string) error {
	if err := w.resolve(name); err != nil {
		return err
	}
	return w.endScope()
}

// resolve walks the whole of name.
func (w *walk) resolve(name string) error {
	for {
		if err := w.parent(name); err != nil {
			return err
		}
		p, err := w.final()
		if err != nil {
			return err
		}
		if p.Dentry.link != nil && (w.slash || w.flags&LookupFollow != 0) {
			target, jumped, err := w.followLast(p)
			if err != nil {
				return err
			}
			if !jumped {
				name = target
				continue
			}
		} else if err := w.enter(p); err != nil {
			return err
		}
		if (w.slash || w.flags&LookupDirectory != 0) && !w.cur.Dentry.isDir() {
			return abi.ENOTDIR
		}
		return nil
	}
}

// parent walks to the directory of name's last component and sets last. It
// checks that the directory is one and may be searched.
func (w *walk) parent(name string) error {
	if name == "" {
		return abi.ENOENT
	}
	if len(name) >= abi.PATH_MAX {
		return abi.ENAMETOOLONG
	}
	if name[0] == '/' {
		if err := w.toRoot(); err != nil {
			return err
		}
		name = afterSlashes(name)
		if name == "" {
			w.last = ""
			return nil
		}
	}
	for {
		if err := w.mayWalk(); err != nil {
			return err
		}
		comp, rest := name, ""
		if i := strings.IndexByte(name, '/'); i >= 0 {
			comp, rest = name[:i], afterSlashes(name[i+1:])
			w.slash = w.slash || rest == ""
		}
		if rest == "" {
			w.last = comp
			return nil
		}
		if err := w.step(comp); err != nil {
			return err
		}
		name = rest
	}
}

// afterSlashes returns s without the slashes in front.
func afterSlashes(s string) string {
	for len(s) > 0 && s[0] == '/' {
		s = s[1:]
	}
	return s
}

// toRoot goes to the root directory.
func (w *walk) toRoot() error {
	if w.flags&LookupBeneath != 0 ||
		w.flags&LookupNoXDev != 0 && w.cur.Mount != w.root.Mount {
		return abi.EXDEV
	}
	return w.enter(w.root)
}

// step walks to a component that is not the last one.
func (w *walk) step(comp string) error {
	p, err := w.lookup(comp)
	if err != nil {
		return err
	}
	if p.Dentry.link == nil {
		return w.enter(p)
	}
	target, jumped, err := w.follow(p)
	if err != nil || jumped {
		return err
	}
	slash, flags := w.slash, w.flags
	w.slash, w.flags = false, flags|LookupFollow|LookupDirectory
	w.depth++
	err = w.resolve(target)
	w.depth--
	w.slash, w.flags = slash, flags
	return err
}

// final looks up the last component.
func (w *walk) final() (Path, error) {
	if w.last == "" {
		return w.cur, nil
	}
	return w.lookup(w.last)
}

// lookup returns what a component, possibly "." or "..", stands for in the
// directory where the walk is, on the topmost mount.
func (w *walk) lookup(comp string) (Path, error) {
	if comp[0] == '.' {
		if comp == "." {
			return w.cur, nil
		}
		if comp == ".." {
			return w.dotdot()
		}
	}
	d, err := w.cur.Dentry.lookup(w.c, comp)
	if err != nil {
		return Path{}, err
	}
	return w.cross(Path{w.cur.Mount, d})
}

// cross follows the mounts on p.
func (w *walk) cross(p Path) (Path, error) {
	if p.Dentry.mounts.Load() == 0 {
		return p, nil
	}
	q := p.down()
	if q.Mount != p.Mount && w.flags&LookupNoXDev != 0 {
		return Path{}, abi.EXDEV
	}
	return q, nil
}

// follow reads the symbolic link at p. It returns what the link says, or goes
// to its target and returns true if that is an object rather than a name.
func (w *walk) follow(p Path) (target string, jumped bool, err error) {
	w.links++
	if w.links > maxLinks || w.flags&LookupNoSymlinks != 0 ||
		p.Mount != nil && p.Mount.has(abi.MS_NOSYMFOLLOW) {
		return "", false, abi.ELOOP
	}
	touch(p)
	if magic, ok := p.Dentry.link.(MagicLink); ok {
		if w.flags&LookupNoMagicLinks != 0 {
			return "", false, abi.ELOOP
		}
		if w.flags&lookupScoped != 0 {
			return "", false, abi.EXDEV
		}
		to, err := magic.Target(w.c)
		if err != nil {
			return "", false, err
		}
		if w.flags&LookupNoXDev != 0 && to.Mount != w.cur.Mount {
			return "", false, abi.EXDEV
		}
		return "", true, w.enter(to)
	}
	target, err = p.Dentry.link.Readlink(w.c)
	if err == nil && target == "" {
		err = abi.ENOENT
	}
	return target, false, err
}

// followLast is follow for a link in the last place, which others may have laid
// out for the caller to step on.
func (w *walk) followLast(p Path) (target string, jumped bool, err error) {
	if w.depth == 0 {
		if err := mayFollow(w.cred, w.cur.Dentry, p.Dentry); err != nil {
			return "", false, err
		}
	}
	return w.follow(p)
}

// mayWalk checks that the walk is in a directory that may be searched.
func (w *walk) mayWalk() error {
	d := w.cur.Dentry
	if d == nil {
		return abi.ENOENT
	}
	if !d.isDir() {
		return abi.ENOTDIR
	}
	return d.permission(w.cred, MayExec)
}
