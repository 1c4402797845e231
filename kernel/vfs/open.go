package vfs

import (
	"strings"

	"kevlar/kernel/abi"
)

// The part of O_TMPFILE that is not O_DIRECTORY.
const oTmpfile = abi.O_TMPFILE &^ abi.O_DIRECTORY

// OpenAt opens the file that name stands for, relative to base: openat(2). The
// result has one reference. O_CLOEXEC is the descriptor's affair.
func OpenAt(c Caller, fs *FSContext, base Path, name string, flags int, mode uint32) (*File, error) {
	return OpenAt2(c, fs, base, name, flags, mode, 0)
}

// OpenAt2 is OpenAt with the LookupNoXDev to LookupInRoot flags: openat2(2).
func OpenAt2(c Caller, fs *FSContext, base Path, name string, flags int, mode uint32, resolve LookupFlags) (*File, error) {
	if flags&abi.O_PATH != 0 {
		flags &= abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW
	}
	o := opening{flags: flags}
	o.start(c, fs, base, resolve)
	defer o.end()
	if flags&abi.O_NOFOLLOW == 0 {
		o.walk.flags |= LookupFollow
	}
	if flags&abi.O_DIRECTORY != 0 {
		o.walk.flags |= LookupDirectory
	}
	if flags&oTmpfile != 0 {
		return o.tmpfile(name, mode)
	}
	if flags&abi.O_CREAT != 0 {
		return o.create(name, mode)
	}
	if err := o.whole(name); err != nil {
		return nil, err
	}
	return o.existing()
}

// OpenPath opens what is at p, with the checks of OpenAt.
func OpenPath(c Caller, p Path, flags int) (*File, error) {
	if flags&abi.O_PATH != 0 {
		flags &= abi.O_PATH | abi.O_DIRECTORY | abi.O_NOFOLLOW
	}
	o := opening{flags: flags}
	o.c, o.cred = c, c.Cred()
	if !p.tryGet() {
		return nil, abi.ENOENT
	}
	o.cur = p
	defer o.end()
	if flags&abi.O_DIRECTORY != 0 && !p.Dentry.isDir() {
		return nil, abi.ENOTDIR
	}
	return o.existing()
}

// OpenExec opens a program for execve(2): a regular file, readable by the
// kernel, that c may execute and that nobody has open for writing. Until the
// last reference to the file goes, nobody can (ETXTBSY). flags are
// AT_EMPTY_PATH and AT_SYMLINK_NOFOLLOW.
func OpenExec(c Caller, fs *FSContext, base Path, name string, flags int) (*File, error) {
	var o opening
	defer o.end()
	how := LookupFollow
	if flags&abi.AT_SYMLINK_NOFOLLOW != 0 {
		how = 0
	}
	if name == "" && flags&abi.AT_EMPTY_PATH != 0 {
		if !base.tryGet() {
			return nil, abi.ENOENT
		}
		o.c, o.cred, o.cur = c, c.Cred(), base
	} else {
		o.start(c, fs, base, how)
		if err := o.resolve(name); err != nil {
			return nil, err
		}
	}
	d := o.cur.Dentry
	if d.link != nil {
		return nil, abi.ELOOP
	}
	if mode, _, _ := d.owner(); mode&abi.S_IFMT != abi.S_IFREG ||
		o.cur.Mount != nil && o.cur.Mount.has(abi.MS_NOEXEC) {
		return nil, abi.EACCES
	}
	if err := o.cur.allowed(o.cred, MayExec); err != nil {
		return nil, err
	}
	f, err := o.open(false)
	if err != nil {
		return nil, err
	}
	if err := f.DenyWrite(); err != nil {
		f.Put()
		return nil, err
	}
	return f, nil
}

// An opening is an open in progress.
type opening struct {
	walk
	flags int
}

// wants returns what the access mode asks of permissions.
func (o *opening) wants() uint32 {
	var mask uint32
	switch o.flags & abi.O_ACCMODE {
	case abi.O_RDONLY:
		mask = MayRead
	case abi.O_WRONLY:
		mask = MayWrite
	default:
		mask = MayRead | MayWrite
	}
	if o.flags&abi.O_TRUNC != 0 {
		mask |= MayWrite
	}
	return mask
}

// create opens a file that is made if need be.
func (o *opening) create(name string, mode uint32) (*File, error) {
	if o.flags&abi.O_DIRECTORY != 0 {
		return nil, abi.EINVAL
	}
	mode = mode & 0o7777 &^ o.c.Umask()
	for {
		if err := o.parent(name); err != nil {
			return nil, err
		}
		if !isName(o.last) && o.flags&abi.O_EXCL != 0 {
			return nil, abi.EEXIST
		}
		if !isName(o.last) || o.slash {
			return nil, abi.EISDIR
		}
		if err := o.endScope(); err != nil {
			return nil, err
		}
		p, err := o.final()
		if err == abi.ENOENT {
			p, err = o.make(mode)
			if err == nil {
				o.cur = p
				return o.open(true)
			}
			if err == abi.EEXIST && o.flags&abi.O_EXCL == 0 {
				p, err = o.final() // somebody else was faster
			}
		}
		if err != nil {
			return nil, err
		}
		if o.flags&abi.O_EXCL != 0 {
			return nil, abi.EEXIST
		}
		if p.Dentry.link == nil || o.walk.flags&LookupFollow == 0 {
			if !p.tryGet() {
				return nil, abi.ENOENT
			}
			defer p.Put()
			if p.Dentry.isDir() {
				return nil, abi.EISDIR
			}
			if err := mayReuse(o.cred, o.cur.Dentry, p.Dentry); err != nil {
				return nil, err
			}
			if err := o.enter(p); err != nil {
				return nil, err
			}
			return o.existing()
		}
		target, jumped, err := o.followLast(p)
		if err != nil {
			return nil, err
		}
		if jumped {
			if o.cur.Dentry.isDir() {
				return nil, abi.EISDIR
			}
			return o.existing()
		}
		name = target
	}
}

// make makes a regular file where the walk is; EEXIST if there is one now.
func (o *opening) make(mode uint32) (Path, error) {
	dir := o.cur.Dentry
	dir.sub.op.Lock()
	defer dir.sub.op.Unlock()
	if _, err := dir.lookupLocked(o.c, o.last); err != abi.ENOENT {
		if err == nil {
			err = abi.EEXIST
		}
		return Path{}, err
	}
	if err := o.cur.Mount.beginWrite(); err != nil {
		return Path{}, err
	}
	defer o.cur.Mount.endWrite()
	if err := mayCreate(o.cred, dir); err != nil {
		return Path{}, err
	}
	inode, err := dir.sub.dir.Create(o.c, o.last, mode|abi.S_IFREG)
	if err != nil {
		return Path{}, err
	}
	return Path{o.cur.Mount, dir.add(o.last, inode)}, nil
}

// tmpfile opens a new file without a name in the directory that name stands
// for.
func (o *opening) tmpfile(name string, mode uint32) (*File, error) {
	if o.flags&abi.O_DIRECTORY == 0 || o.flags&abi.O_CREAT != 0 || o.flags&abi.O_ACCMODE == abi.O_RDONLY {
		return nil, abi.EINVAL
	}
	if err := o.whole(name); err != nil {
		return nil, err
	}
	dir := o.cur.Dentry
	if err := o.cur.Mount.beginWrite(); err != nil {
		return nil, err
	}
	defer o.cur.Mount.endWrite()
	if err := dir.permission(o.cred, MayWrite|MayExec); err != nil {
		return nil, err
	}
	maker, ok := dir.inode.(TmpfileDir)
	if !ok {
		return nil, abi.ENOTSUP
	}
	mode = mode & 0o7777 &^ o.c.Umask()
	inode, err := maker.Tmpfile(o.c, mode|abi.S_IFREG, o.flags&abi.O_EXCL == 0)
	if err != nil {
		return nil, err
	}
	a := inode.Attr()
	d := newDentry(dir.super, dir, "#"+decimal(a.Ino), inode)
	d.gone.Store(true)
	o.cur = Path{o.cur.Mount, d}
	o.flags &^= abi.O_TMPFILE | abi.O_EXCL
	return o.open(true)
}

func decimal(n uint64) string {
	var b [20]byte
	i := len(b)
	for {
		i--
		b[i] = byte('0' + n%10)
		if n /= 10; n == 0 {
			return strings.Clone(string(b[i:]))
		}
	}
}

// existing opens what the walk has found.
func (o *opening) existing() (*File, error) {
	d := o.cur.Dentry
	if o.flags&abi.O_PATH != 0 {
		return o.open(false)
	}
	mode, uid, gid := d.owner()
	mask := o.wants()
	switch mode & abi.S_IFMT {
	case abi.S_IFLNK:
		return nil, abi.ELOOP
	case abi.S_IFDIR:
		if mask&MayWrite != 0 {
			return nil, abi.EISDIR
		}
	case abi.S_IFCHR, abi.S_IFBLK:
		if o.cur.Mount != nil && o.cur.Mount.has(abi.MS_NODEV) {
			return nil, abi.EACCES
		}
		o.flags &^= abi.O_TRUNC
	case abi.S_IFIFO, abi.S_IFSOCK:
		o.flags &^= abi.O_TRUNC
	}
	var err error
	if mask == MayRead && d.rules == nil {
		err = ModePermission(o.cred, mode, uid, gid, mask)
	} else {
		err = o.cur.allowed(o.cred, mask)
	}
	if err != nil {
		return nil, err
	}
	if o.flags&abi.O_NOATIME != 0 && !isOwner(o.cred, uid) {
		return nil, abi.EPERM
	}
	f, err := o.open(false)
	if err != nil {
		return nil, err
	}
	if o.flags&abi.O_TRUNC != 0 && mode&abi.S_IFMT == abi.S_IFREG {
		return f.emptied(o.c)
	}
	return f, nil
}

// emptied does O_TRUNC with a file that was just opened, and returns it. If it
// fails, or panics, nobody has the file.
func (f *File) emptied(c Caller) (*File, error) {
	failed := true
	defer func() {
		if failed {
			f.Put()
		}
	}()
	if err := f.empty(c); err != nil {
		return nil, err
	}
	failed = false
	return f, nil
}

// empty does O_TRUNC, which writes whatever the access mode is.
func (f *File) empty(c Caller) error {
	if f.can&counted == 0 {
		m := f.path.Mount
		if err := m.beginWrite(); err != nil {
			return err
		}
		defer m.endWrite()
		state := stateOf(f.inode)
		if err := state.startWriting(); err != nil {
			return err
		}
		defer state.stopWriting()
	}
	return f.path.Dentry.truncate(c, 0)
}

// open makes the open file of what is at cur, which has been created just now
// or not. All checks have been made. The file is then what keeps cur.
func (o *opening) open(created bool) (*File, error) {
	f := newFile(o.cred.Account, o.cur.Dentry.inode, o.cur, o.flags)
	if err := f.begin(o.cred); err != nil {
		if p := f.path.Dentry.pins; p != nil && created && p.Pin() == nil {
			p.Unpin() // a new file without a name ends here
		}
		return nil, err
	}
	if o.flags&abi.O_PATH != 0 {
		f.ops = pathOps{}
		o.cur = Path{}
		return f, nil
	}
	defer func() {
		if f.ops == nil {
			f.end() // Open has failed, or panics
		}
	}()
	if o.flags&abi.O_DIRECT != 0 {
		return nil, abi.EINVAL // no file system here moves data past its cache
	}
	ops, err := f.inode.Open(o.c, f)
	if err != nil {
		return nil, err
	}
	f.setOps(ops)
	o.cur = Path{}
	return f, nil
}
