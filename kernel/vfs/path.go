package vfs

import (
	"kevlar/kernel/abi"
)

// A Path is a place in the tree of mounts: a name (Dentry) as seen through a
// Mount. The zero Path is no place. Paths are values and need no release; an
// open file or working directory keeps what it stands for in use.
type Path struct {
	Mount  *Mount
	Dentry *Dentry
}

// Inode returns what the path names; nil for the zero Path.
func (p Path) Inode() Inode {
	if p.Dentry == nil {
		return nil
	}
	return p.Dentry.inode
}

// IsZero reports whether p is no place.
func (p Path) IsZero() bool { return p.Dentry == nil }

// reach tells how a path stands to a root directory.
type reach int

const (
	reachable   reach = iota
	unreachable       // in the tree of mounts, but not below the root directory
	floating          // on a mount that is not in the tree, or on none
)

// PathName returns the name of p as seen from the root directory, as readlink
// of /proc/PID/fd/N tells it: with " (deleted)" if the name is gone, from the
// top of its mounts if it is not below root, and without any slash for files
// that never had a name. It fails with ENAMETOOLONG beyond PATH_MAX.
func PathName(p, root Path) (string, error) {
	if p.IsZero() {
		return "", abi.ENOENT
	}
	if p.Mount == nil {
		return p.Dentry.Name(), nil
	}
	s, _ := pathString(p, root)
	if p.Dentry.gone.Load() {
		s += " (deleted)"
	}
	if len(s) >= abi.PATH_MAX {
		return "", abi.ENAMETOOLONG
	}
	return s, nil
}

// Getcwd returns the name of the working directory: getcwd(2). One outside of
// the root directory begins with "(unreachable)"; ENOENT if it is gone.
func Getcwd(fs *FSContext) (string, error) {
	cwd, root := fs.Cwd(), fs.Root()
	if cwd.IsZero() || cwd.Dentry.gone.Load() {
		return "", abi.ENOENT
	}
	s, where := pathString(cwd, root)
	if where != reachable {
		s = "(unreachable)" + s
	}
	if len(s) >= abi.PATH_MAX {
		return "", abi.ENAMETOOLONG
	}
	return s, nil
}

// pathString spells p from root or, if it is not below root, from the top.
func pathString(p, root Path) (string, reach) {
	var store [256]byte
	buf := store[:]
	at := len(buf)
	put := func(name string) {
		for at < len(name)+1 {
			bigger := make([]byte, 2*len(buf))
			at += copy(bigger[len(buf):], buf)
			buf = bigger
		}
		at -= len(name)
		copy(buf[at:], name)
		at--
		buf[at] = '/'
	}
	treeMu.RLock()
	defer treeMu.RUnlock()
	where := reachable
	for p != root {
		if over, ok := p.up(); ok {
			p = over
			continue
		}
		pl := p.Dentry.place.Load()
		if p.Mount == nil || p.Dentry == p.Mount.root || pl.parent == nil {
			where = unreachable
			if p.Mount == nil || p.Mount.detached.Load() {
				where = floating
			}
			break
		}
		put(pl.name)
		p.Dentry = pl.parent
	}
	if at == len(buf) {
		return "/", where
	}
	return string(buf[at:]), where
}
