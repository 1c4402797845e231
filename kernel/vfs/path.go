package vfs

import (
	"kevlar/kernel/abi"
)

// A Path is a place in the tree of mounts: a name (Dentry) as seen through a
// Mount. The zero Path is no place.
//
// By itself a Path is a value that keeps nothing. What Resolve returns keeps its
// file system, which cannot end before Put, and so do open files and the
// directories of a process. A walk from a Path that nothing keeps any more leads
// nowhere (ENOENT).
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

// get keeps the file system of p, which something else keeps now, until Put.
func (p Path) get() {
	if p.Mount != nil {
		p.Mount.super.get()
	}
}

// tryGet keeps the file system of p until Put, unless it has ended.
func (p Path) tryGet() bool { return p.Mount == nil || p.Mount.super.tryGet() }

// Put ends the use of a path that Resolve has returned.
func (p Path) Put() {
	if p.Mount != nil {
		p.Mount.super.put()
	}
}

// super returns the file system that p keeps; nil if none.
func (p Path) super() *Super {
	if p.Mount == nil {
		return nil
	}
	return p.Mount.super
}

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
	s, _, err := pathString(p, root, abi.PATH_MAX-1)
	if err != nil {
		return "", err
	}
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
	s, where, err := pathString(cwd, root, abi.PATH_MAX-1)
	if err != nil {
		return "", err
	}
	if where != reachable {
		s = "(unreachable)" + s
	}
	if len(s) >= abi.PATH_MAX {
		return "", abi.ENAMETOOLONG
	}
	return s, nil
}

// pathString spells p from root or, if it is not below root, from the top:
// ENAMETOOLONG if that has more than max bytes.
func pathString(p, root Path, max int) (string, reach, error) {
	s := spelling{max: max}
	treeMu.RLock()
	defer treeMu.RUnlock()
	where := reachable
	for p != root {
		if over, ok := p.up(root); ok {
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
		if !s.put(pl.name) {
			return "", where, abi.ENAMETOOLONG
		}
		p.Dentry = pl.parent
	}
	return s.path(), where, nil
}

// A spelling is a path that is put together from its end.
type spelling struct {
	max   int // bytes that it may have
	store [256]byte
	more  []byte // in place of store, if that is too small
	n     int    // bytes used, at the end
}

// put adds a component in front; it fails if the path gets too long.
func (s *spelling) put(name string) bool {
	if len(name)+1 > s.max-s.n {
		return false
	}
	buf := s.buf()
	for len(buf)-s.n < len(name)+1 {
		s.more = make([]byte, 2*len(buf))
		copy(s.more[len(s.more)-s.n:], buf[len(buf)-s.n:])
		buf = s.more
	}
	s.n += len(name) + 1
	at := len(buf) - s.n
	buf[at] = '/'
	copy(buf[at+1:], name)
	return true
}

func (s *spelling) buf() []byte {
	if s.more != nil {
		return s.more
	}
	return s.store[:]
}

// path returns the path, "/" without any component.
func (s *spelling) path() string {
	if s.n == 0 {
		return "/"
	}
	buf := s.buf()
	return string(buf[len(buf)-s.n:])
}
