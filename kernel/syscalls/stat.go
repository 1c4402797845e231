package syscalls

import (
	"kevlar/kernel/abi"
	"kevlar/kernel/task"
	"kevlar/kernel/vfs"
)

// outStat writes an inode's struct stat to addr.
func outStat(t *task.Task, inode vfs.Inode, addr uintptr) error {
	at := inode.Attr()
	s := abi.Stat{
		Dev: at.Dev, Ino: at.Ino, Nlink: uint64(at.Nlink), Mode: at.Mode, UID: at.UID, GID: at.GID,
		Rdev: at.Rdev, Size: at.Size, Blksize: int64(at.BlkSize), Blocks: at.Blocks,
		Atim: abi.NsToTimespec(at.Atime), Mtim: abi.NsToTimespec(at.Mtime), Ctim: abi.NsToTimespec(at.Ctime),
	}
	b := t.Scratch[:abi.SizeofStat]
	s.MarshalTo(b)
	return copyOut(t, addr, b)
}

func statAt(t *task.Task, dirfd, name, out uintptr, flags vfs.LookupFlags) (uintptr, error) {
	p, err := lookup(t, dirfd, name, flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, outStat(t, p.inode, out)
}

func sysStat(t *task.Task, a *Args) (uintptr, error) {
	return statAt(t, cwd, a[0], a[1], follow)
}

func sysLstat(t *task.Task, a *Args) (uintptr, error) {
	return statAt(t, cwd, a[0], a[1], 0)
}

func sysFstat(t *task.Task, a *Args) (uintptr, error) {
	f, err := t.FDs().Get(fd(a[0]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, outStat(t, f.Inode(), a[1])
}

func sysNewfstatat(t *task.Task, a *Args) (uintptr, error) {
	flags, err := atLookup(a[3], abi.AT_SYMLINK_NOFOLLOW|abi.AT_NO_AUTOMOUNT|abi.AT_EMPTY_PATH)
	if err != nil {
		return 0, err
	}
	return statAt(t, a[0], a[1], a[2], flags)
}

// statxSync are the flags of statx(2) that choose how fresh remote attributes
// must be; nothing here is remote.
const statxSync = abi.AT_STATX_FORCE_SYNC | abi.AT_STATX_DONT_SYNC

func sysStatx(t *task.Task, a *Args) (uintptr, error) {
	flags, err := atLookup(a[2], abi.AT_SYMLINK_NOFOLLOW|abi.AT_NO_AUTOMOUNT|abi.AT_EMPTY_PATH|statxSync)
	if err != nil {
		return 0, err
	}
	if a[2]&statxSync == statxSync || a[3]&abi.STATX__RESERVED != 0 {
		return 0, abi.EINVAL
	}
	p, err := lookup(t, a[0], a[1], flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	at := p.inode.Attr()
	s := abi.Statx{
		Mask: abi.STATX_BASIC_STATS, Blksize: at.BlkSize, Nlink: at.Nlink, UID: at.UID, GID: at.GID,
		Mode: uint16(at.Mode), Ino: at.Ino, Size: uint64(at.Size), Blocks: uint64(at.Blocks),
		Atime: abi.NsToTimespec(at.Atime), Mtime: abi.NsToTimespec(at.Mtime), Ctime: abi.NsToTimespec(at.Ctime),
		Rdev: at.Rdev, Dev: at.Dev,
	}
	if at.Btime != 0 {
		s.Mask |= abi.STATX_BTIME
		s.Btime = abi.NsToTimespec(at.Btime)
	}
	if m := p.path.Mount; m != nil {
		s.Mask |= abi.STATX_MNT_ID
		s.MntID = uint64(m.ID())
		s.AttributesMask |= abi.STATX_ATTR_MOUNT_ROOT
		if m.Root() == p.path {
			s.Attributes |= abi.STATX_ATTR_MOUNT_ROOT
		}
	}
	b := t.Scratch[:abi.SizeofStatx]
	s.MarshalTo(b)
	return 0, copyOut(t, a[4], b)
}

func sysAccess(t *task.Task, a *Args) (uintptr, error) {
	return accessAt(t, cwd, a[0], a[1], 0)
}

func sysFaccessat(t *task.Task, a *Args) (uintptr, error) {
	return accessAt(t, a[0], a[1], a[2], 0)
}

func sysFaccessat2(t *task.Task, a *Args) (uintptr, error) {
	return accessAt(t, a[0], a[1], a[2], a[3])
}

func accessAt(t *task.Task, dirfd, name, mode, atFlags uintptr) (uintptr, error) {
	if uint32(mode)&^7 != 0 {
		return 0, abi.EINVAL
	}
	flags, err := atLookup(atFlags, abi.AT_EACCESS|abi.AT_SYMLINK_NOFOLLOW|abi.AT_EMPTY_PATH)
	if err != nil {
		return 0, err
	}
	var c vfs.Caller = t
	if atFlags&abi.AT_EACCESS == 0 {
		c = asRealUser(t)
	}
	p, err := lookupAs(c, t, dirfd, name, flags)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, vfs.Access(c, p.path, uint32(mode), false)
}

// realUser is a thread with the permissions of its real user.
type realUser struct {
	*task.Task
	cred *vfs.Cred
}

// Cred returns the credentials that count.
func (r realUser) Cred() *vfs.Cred { return r.cred }

// asRealUser returns t as its real user, who is most often the effective one, too.
func asRealUser(t *task.Task) vfs.Caller {
	cred := t.Cred()
	if cred.IsReal() {
		return t
	}
	return realUser{t, cred.RealCopy()}
}

func sysReadlink(t *task.Task, a *Args) (uintptr, error) {
	return readlinkAt(t, cwd, a[0], a[1], a[2])
}

func sysReadlinkat(t *task.Task, a *Args) (uintptr, error) {
	return readlinkAt(t, a[0], a[1], a[2], a[3])
}

func readlinkAt(t *task.Task, dirfd, addr, buf, size uintptr) (uintptr, error) {
	if int32(size) <= 0 {
		return 0, abi.EINVAL
	}
	name, err := t.MM().ReadString(addr, abi.PATH_MAX)
	if err != nil {
		return 0, err
	}
	at, err := startAt(t, dirfd, name)
	if err != nil {
		return 0, err
	}
	defer at.end()
	s, err := vfs.ReadlinkAt(t, t.FS(), at.path, name)
	if err != nil {
		return 0, err
	}
	n := min(len(s), int(int32(size)))
	return uintptr(n), copyOut(t, buf, []byte(s[:n]))
}

func sysStatfs(t *task.Task, a *Args) (uintptr, error) {
	p, err := lookup(t, cwd, a[0], follow)
	if err != nil {
		return 0, err
	}
	defer p.end()
	return 0, outStatfs(t, p.path, a[1])
}

func sysFstatfs(t *task.Task, a *Args) (uintptr, error) {
	f, err := t.FDs().Get(fd(a[0]))
	if err != nil {
		return 0, err
	}
	defer f.Put()
	return 0, outStatfs(t, f.Path(), a[1])
}

func outStatfs(t *task.Task, p vfs.Path, addr uintptr) error {
	s, err := vfs.StatFS(p)
	if err != nil {
		return err
	}
	b := t.Scratch[:abi.SizeofStatfs]
	s.MarshalTo(b)
	return copyOut(t, addr, b)
}
