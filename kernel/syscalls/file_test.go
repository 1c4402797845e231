package syscalls

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"kevlar/kernel/abi"
)

// notOpen is a descriptor that is not open.
const notOpen = 77

func TestStatFamily(t *testing.T) {
	run(t, func(u *user) {
		u.writeFile("f", "12345")
		u.sys(abi.SYS_CHMOD, u.str("f"), 04751)
		u.sys(abi.SYS_LINK, u.str("f"), u.str("g"))
		u.sys(abi.SYS_SYMLINK, u.str("f"), u.str("l"))
		st := u.put(bytes.Repeat([]byte{0xaa}, abi.SizeofStat+8))
		stat := func(nr uintptr, args ...uintptr) abi.Stat {
			u.Helper()
			u.sys(nr, args...)
			var s abi.Stat
			s.Unmarshal(u.get(st, abi.SizeofStat))
			return s
		}
		f := stat(abi.SYS_STAT, u.str("l"), st)
		if f.Mode != abi.S_IFREG|04751 || f.Size != 5 || f.Nlink != 2 || f.Blksize != 4096 || f.Blocks != 8 || f.Mtim.Sec == 0 {
			u.Errorf("stat %+v", f)
		}
		if got := u.get(st+abi.SizeofStat, 8); !bytes.Equal(got, bytes.Repeat([]byte{0xaa}, 8)) {
			u.Errorf("behind struct stat stands %x", got)
		}
		if l := stat(abi.SYS_LSTAT, u.str("l"), st); l.Mode != abi.S_IFLNK|0777 || l.Size != 1 {
			u.Errorf("lstat %+v", l)
		}
		fd := u.open("g", abi.O_PATH)
		if g := stat(abi.SYS_FSTAT, fd, st); g != f {
			u.Errorf("fstat %+v, stat %+v", g, f)
		}
		if g := stat(abi.SYS_NEWFSTATAT, fd, u.str(""), st, abi.AT_EMPTY_PATH); g != f {
			u.Errorf("fstatat of a descriptor: %+v", g)
		}
		if l := stat(abi.SYS_NEWFSTATAT, cwd, u.str("l"), st, abi.AT_SYMLINK_NOFOLLOW); l.Mode&abi.S_IFMT != abi.S_IFLNK {
			u.Errorf("fstatat of a link: %+v", l)
		}
		if d := stat(abi.SYS_NEWFSTATAT, cwd, u.str(""), st, abi.AT_EMPTY_PATH); d.Mode&abi.S_IFMT != abi.S_IFDIR {
			u.Errorf("fstatat of the working directory: %+v", d)
		}
		u.fails(abi.ENOENT, abi.SYS_NEWFSTATAT, fd, u.str(""), st, 0)
		u.fails(abi.EINVAL, abi.SYS_NEWFSTATAT, cwd, u.str("f"), st, abi.AT_REMOVEDIR)
		u.fails(abi.ENOTDIR, abi.SYS_NEWFSTATAT, fd, u.str("x"), st, 0)
		u.fails(abi.EBADF, abi.SYS_NEWFSTATAT, notOpen, u.str("x"), st, 0)
		u.sys(abi.SYS_NEWFSTATAT, notOpen, u.str("/"), st, 0) // an absolute path ignores the descriptor
		u.fails(abi.EFAULT, abi.SYS_STAT, u.str("f"), noMemory)
		u.fails(abi.EFAULT, abi.SYS_STAT, noMemory, st)
		u.fails(abi.ENOENT, abi.SYS_STAT, u.str("none"), st)
		u.fails(abi.ENOENT, abi.SYS_STAT, u.str(""), st)
		u.fails(abi.ENAMETOOLONG, abi.SYS_STAT, u.str(strings.Repeat("x", 5000)), st)

		x := u.alloc(abi.SizeofStatx)
		u.sys(abi.SYS_STATX, cwd, u.str("f"), 0, abi.STATX_ALL, x)
		b := u.get(x, abi.SizeofStatx)
		if mask := u.uint32(x); mask&abi.STATX_BASIC_STATS != abi.STATX_BASIC_STATS {
			u.Errorf("statx mask %#x", mask)
		}
		if mode := uint32(b[28]) | uint32(b[29])<<8; mode != f.Mode || u.uint64(x+40) != 5 || u.uint64(x+32) != f.Ino {
			u.Errorf("statx mode %#o size %d inode %d", mode, u.uint64(x+40), u.uint64(x+32))
		}
		u.fails(abi.EINVAL, abi.SYS_STATX, cwd, u.str("f"), abi.AT_STATX_FORCE_SYNC|abi.AT_STATX_DONT_SYNC, 0, x)
		u.fails(abi.EINVAL, abi.SYS_STATX, cwd, u.str("f"), 0, abi.STATX__RESERVED, x)

		buf := u.alloc(8)
		u.is(1, abi.SYS_READLINK, u.str("l"), buf, 8)
		u.fails(abi.EINVAL, abi.SYS_READLINK, u.str("f"), buf, 8)
		u.fails(abi.EINVAL, abi.SYS_READLINK, u.str("l"), buf, 0)
		u.fails(abi.ENOENT, abi.SYS_READLINK, u.str(""), buf, 8)
		l := u.open("l", abi.O_PATH|abi.O_NOFOLLOW)
		u.is(1, abi.SYS_READLINKAT, l, u.str(""), buf, 8)

		sf := u.alloc(abi.SizeofStatfs)
		u.sys(abi.SYS_STATFS, u.str("f"), sf)
		if magic := u.uint64(sf); magic != abi.TMPFS_MAGIC {
			u.Errorf("file system %#x", magic)
		}
		u.sys(abi.SYS_FSTATFS, fd, sf)

		u.sys(abi.SYS_ACCESS, u.str("f"), abi.R_OK|abi.X_OK)
		u.fails(abi.EINVAL, abi.SYS_ACCESS, u.str("f"), 8)
		u.fails(abi.EINVAL, abi.SYS_FACCESSAT2, cwd, u.str("f"), 0, abi.AT_REMOVEDIR<<4)
		u.sys(abi.SYS_FACCESSAT2, cwd, u.str("f"), abi.W_OK, abi.AT_EACCESS)
	})
}

func TestOpenAndDescriptors(t *testing.T) {
	run(t, func(u *user) {
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR|abi.O_CLOEXEC|abi.O_APPEND)
		u.is(abi.FD_CLOEXEC, abi.SYS_FCNTL, fd, abi.F_GETFD)
		u.is(abi.O_RDWR|abi.O_APPEND|abi.O_LARGEFILE, abi.SYS_FCNTL, fd, abi.F_GETFL)
		u.sys(abi.SYS_FCNTL, fd, abi.F_SETFL, abi.O_NONBLOCK|abi.O_TRUNC)
		u.is(abi.O_RDWR|abi.O_NONBLOCK|abi.O_LARGEFILE, abi.SYS_FCNTL, fd, abi.F_GETFL)
		u.sys(abi.SYS_FCNTL, fd, abi.F_SETFD, 0)
		u.is(0, abi.SYS_FCNTL, fd, abi.F_GETFD)
		u.sys(abi.SYS_IOCTL, fd, abi.FIOCLEX)
		u.is(abi.FD_CLOEXEC, abi.SYS_FCNTL, fd, abi.F_GETFD)
		u.sys(abi.SYS_IOCTL, fd, abi.FIONCLEX)
		u.is(0, abi.SYS_FCNTL, fd, abi.F_GETFD)

		u.is(fd+1, abi.SYS_DUP, fd)
		u.is(10, abi.SYS_FCNTL, fd, abi.F_DUPFD_CLOEXEC, 10)
		u.is(abi.FD_CLOEXEC, abi.SYS_FCNTL, 10, abi.F_GETFD)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_DUPFD, 1024)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_DUPFD, ^uintptr(0))
		u.is(20, abi.SYS_DUP2, fd, 20)
		u.is(20, abi.SYS_DUP2, 20, 20)
		u.fails(abi.EBADF, abi.SYS_DUP2, notOpen, notOpen)
		u.fails(abi.EINVAL, abi.SYS_DUP3, fd, fd, 0)
		u.fails(abi.EINVAL, abi.SYS_DUP3, fd, 21, abi.O_APPEND)
		u.fails(abi.EBADF, abi.SYS_DUP2, fd, 1024)
		u.is(21, abi.SYS_DUP3, fd, 21, abi.O_CLOEXEC)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, 99, 0)
		u.fails(abi.EBADF, abi.SYS_FCNTL, notOpen, abi.F_GETFD)

		u.fails(abi.EINVAL, abi.SYS_CLOSE_RANGE, 5, 4, 0)
		u.fails(abi.EINVAL, abi.SYS_CLOSE_RANGE, 5, 6, 1)
		u.sys(abi.SYS_CLOSE_RANGE, 20, ^uintptr(0), abi.CLOSE_RANGE_CLOEXEC)
		u.is(abi.FD_CLOEXEC, abi.SYS_FCNTL, 20, abi.F_GETFD)
		u.sys(abi.SYS_CLOSE_RANGE, 5, ^uintptr(0)>>32, abi.CLOSE_RANGE_UNSHARE)
		u.fails(abi.EBADF, abi.SYS_CLOSE, 20)
		u.sys(abi.SYS_CLOSE, fd)
		u.fails(abi.EBADF, abi.SYS_CLOSE, fd)

		how := u.put(words64(abi.O_CREAT|abi.O_WRONLY, 0600, 0, 0))
		u.sys(abi.SYS_OPENAT2, cwd, u.str("g"), how, abi.SizeofOpenHow)
		u.sys(abi.SYS_OPENAT2, cwd, u.str("g"), how, abi.SizeofOpenHow+8)
		u.poke(how+24, []byte{1})
		u.fails(abi.E2BIG, abi.SYS_OPENAT2, cwd, u.str("g"), how, abi.SizeofOpenHow+8)
		u.fails(abi.EINVAL, abi.SYS_OPENAT2, cwd, u.str("g"), u.put(words64(1<<40, 0, 0)), abi.SizeofOpenHow)
		u.fails(abi.EINVAL, abi.SYS_OPENAT2, cwd, u.str("g"), u.put(words64(0, 0600, 0)), abi.SizeofOpenHow)
		u.fails(abi.EXDEV, abi.SYS_OPENAT2, cwd, u.str("/"), u.put(words64(0, 0, abi.RESOLVE_BENEATH)), abi.SizeofOpenHow)

		u.fails(abi.EEXIST, abi.SYS_OPEN, u.str("f"), abi.O_CREAT|abi.O_EXCL, 0)
		u.fails(abi.ENOTDIR, abi.SYS_OPEN, u.str("f"), abi.O_DIRECTORY, 0)
		u.fails(abi.EISDIR, abi.SYS_OPEN, u.str("."), abi.O_WRONLY, 0)
		u.fails(abi.EFAULT, abi.SYS_OPEN, noMemory, 0, 0)
	})
}

func TestNames(t *testing.T) {
	run(t, func(u *user) {
		u.sys(abi.SYS_MKDIR, u.str("d"), 0777)
		d := u.open("d", abi.O_RDONLY|abi.O_DIRECTORY)
		u.sys(abi.SYS_MKDIRAT, d, u.str("sub"), 0700)
		u.fails(abi.EEXIST, abi.SYS_MKDIR, u.str("d/sub"), 0)
		u.fails(abi.ENOTEMPTY, abi.SYS_RMDIR, u.str("d"))
		u.fails(abi.EISDIR, abi.SYS_UNLINK, u.str("d"))
		u.writeFile("d/f", "x")
		u.fails(abi.ENOTDIR, abi.SYS_RMDIR, u.str("d/f"))
		u.sys(abi.SYS_RENAMEAT, d, u.str("f"), cwd, u.str("e"))
		u.writeFile("f", "y")
		u.fails(abi.EEXIST, abi.SYS_RENAMEAT2, cwd, u.str("e"), cwd, u.str("f"), abi.RENAME_NOREPLACE)
		u.sys(abi.SYS_RENAMEAT2, cwd, u.str("e"), cwd, u.str("f"), abi.RENAME_EXCHANGE)
		if got := u.readFile("e"); got != "y" {
			u.Errorf("after the exchange e holds %q", got)
		}
		u.fails(abi.EINVAL, abi.SYS_RENAMEAT2, cwd, u.str("e"), cwd, u.str("f"), abi.RENAME_EXCHANGE|abi.RENAME_NOREPLACE)
		u.fails(abi.EINVAL, abi.SYS_RENAMEAT2, cwd, u.str("e"), cwd, u.str("f"), abi.RENAME_WHITEOUT)
		u.fails(abi.ENOENT, abi.SYS_RENAME, u.str("none"), u.str("f"))
		u.sys(abi.SYS_UNLINKAT, d, u.str("sub"), abi.AT_REMOVEDIR)
		u.fails(abi.EINVAL, abi.SYS_UNLINKAT, d, u.str("sub"), 1)

		u.sys(abi.SYS_MKNOD, u.str("fifo"), abi.S_IFIFO|0600, 0)
		u.sys(abi.SYS_MKNODAT, cwd, u.str("null"), abi.S_IFCHR|0666, 1<<8|3)
		u.fails(abi.EPERM, abi.SYS_MKNOD, u.str("x"), abi.S_IFDIR, 0)
		u.fails(abi.EINVAL, abi.SYS_MKNOD, u.str("x"), abi.S_IFLNK, 0)

		u.sys(abi.SYS_SYMLINK, u.str("e"), u.str("l"))
		u.fails(abi.ENOENT, abi.SYS_SYMLINK, u.str(""), u.str("m"))
		u.fails(abi.EINVAL, abi.SYS_LINKAT, cwd, u.str("e"), cwd, u.str("m"), 1)
		u.sys(abi.SYS_LINKAT, cwd, u.str("l"), cwd, u.str("m"), abi.AT_SYMLINK_FOLLOW)
		if got := u.readFile("m"); got != "y" {
			u.Errorf("the link's target holds %q", got)
		}
	})
}

func TestWorkingDirectory(t *testing.T) {
	run(t, func(u *user) {
		dir := u.dir
		buf := u.alloc(64)
		u.is(uintptr(len(dir)+1), abi.SYS_GETCWD, buf, 64)
		if got := string(u.get(buf, len(dir)+1)); got != dir+"\x00" {
			u.Errorf("working directory %q", got)
		}
		u.fails(abi.ERANGE, abi.SYS_GETCWD, buf, uintptr(len(dir)))
		u.fails(abi.EFAULT, abi.SYS_GETCWD, noMemory, 64)
		u.writeFile("f", "")
		u.fails(abi.ENOTDIR, abi.SYS_CHDIR, u.str("f"))
		u.fails(abi.ENOTDIR, abi.SYS_FCHDIR, u.open("f", abi.O_RDONLY))
		u.sys(abi.SYS_MKDIR, u.str("d"), 0755)
		u.sys(abi.SYS_FCHDIR, u.open("d", abi.O_PATH))
		u.sys(abi.SYS_RMDIR, u.str("../d"))
		u.fails(abi.ENOENT, abi.SYS_GETCWD, buf, 64)
		u.sys(abi.SYS_CHROOT, u.str(dir))
		u.sys(abi.SYS_CHDIR, u.str("/"))
		u.is(2, abi.SYS_GETCWD, buf, 64)
		u.is(022, abi.SYS_UMASK, 07077)
		u.is(0077, abi.SYS_UMASK, 0)
	})
}

func TestGetdents(t *testing.T) {
	run(t, func(u *user) {
		for i := range 20 {
			u.writeFile(fmt.Sprintf("file-%02d", i), "")
		}
		d := u.open(".", abi.O_RDONLY|abi.O_DIRECTORY)
		names := func(nr uintptr, header, room int) (all []string) {
			u.Helper()
			u.sys(abi.SYS_LSEEK, d, 0, abi.SEEK_SET)
			p := u.alloc(room)
			for {
				n := u.sys(nr, d, p, uintptr(room))
				if n == 0 {
					return all
				}
				for b := u.get(p, int(n)); len(b) > 0; {
					size := int(b[16]) | int(b[17])<<8
					name, _, _ := strings.Cut(string(b[header:size]), "\x00")
					all = append(all, name)
					b = b[size:]
				}
			}
		}
		for _, c := range []struct {
			nr           uintptr
			header, room int
		}{{abi.SYS_GETDENTS64, 19, 4096}, {abi.SYS_GETDENTS64, 19, 64}, {abi.SYS_GETDENTS, 18, 100}} {
			all := names(c.nr, c.header, c.room)
			seen := make(map[string]bool)
			for _, n := range all {
				seen[n] = true
			}
			if len(all) != 22 || len(seen) != 22 || !seen["."] || !seen[".."] || !seen["file-19"] {
				u.Errorf("call %d with %d bytes of room: %q", c.nr, c.room, all)
			}
		}
		u.sys(abi.SYS_LSEEK, d, 0, abi.SEEK_SET)
		u.fails(abi.EINVAL, abi.SYS_GETDENTS64, d, u.alloc(32), 23)
		u.fails(abi.EFAULT, abi.SYS_GETDENTS64, d, noMemory, 4096)
		// One record fits before the fault; the next call goes on behind it.
		n := u.sys(abi.SYS_GETDENTS64, d, u.edge(24), 4096)
		p := u.alloc(4096)
		m := u.sys(abi.SYS_GETDENTS64, d, p, 4096)
		if first := u.get(p+19, 3); n != 24 || string(first) != "..\x00" || m == 0 {
			u.Errorf("%d bytes before the fault, then %q", n, first)
		}
		u.fails(abi.ENOTDIR, abi.SYS_GETDENTS64, u.open("file-00", abi.O_RDONLY), p, 4096)
	})
}

func TestAttributes(t *testing.T) {
	run(t, func(u *user) {
		u.writeFile("f", "data")
		u.sys(abi.SYS_SYMLINK, u.str("f"), u.str("l"))
		st := u.alloc(abi.SizeofStat)
		stat := func(name string) (s abi.Stat) {
			u.Helper()
			u.sys(abi.SYS_LSTAT, u.str(name), st)
			s.Unmarshal(u.get(st, abi.SizeofStat))
			return s
		}
		fd := u.open("f", abi.O_RDWR)
		u.sys(abi.SYS_FCHMOD, fd, 0123456)
		if m := stat("f").Mode & 07777; m != 03456 {
			u.Errorf("mode %#o", m)
		}
		u.sys(abi.SYS_FCHMODAT, cwd, u.str("l"), 0640)
		u.fails(abi.EOPNOTSUPP, abi.SYS_FCHMODAT2, cwd, u.str("l"), 0640, abi.AT_SYMLINK_NOFOLLOW)
		u.sys(abi.SYS_CHOWN, u.str("l"), 5, 6)
		u.sys(abi.SYS_LCHOWN, u.str("l"), 7, ^uintptr(0))
		u.sys(abi.SYS_FCHOWN, fd, ^uintptr(0), 8)
		if f, l := stat("f"), stat("l"); f.UID != 5 || f.GID != 8 || l.UID != 7 || l.GID != 0 || f.Mode&07777 != 0640 {
			u.Errorf("file %+v, link %+v", f, l)
		}
		u.fails(abi.EINVAL, abi.SYS_FCHOWNAT, cwd, u.str("f"), 0, 0, abi.AT_REMOVEDIR)

		u.sys(abi.SYS_UTIMENSAT, cwd, u.str("f"), u.put(words64(100, 7, 0, abi.UTIME_OMIT)), 0)
		before := stat("f")
		u.sys(abi.SYS_UTIMENSAT, fd, 0, u.put(words64(0, abi.UTIME_OMIT, 200, 9)), 0)
		if f := stat("f"); f.Atim != (abi.Timespec{Sec: 100, Nsec: 7}) || f.Mtim != (abi.Timespec{Sec: 200, Nsec: 9}) || before.Mtim.Sec < 1e9 {
			u.Errorf("times %+v, before %+v", f, before.Mtim)
		}
		u.sys(abi.SYS_UTIMENSAT, cwd, u.str("l"), u.put(words64(1, 0, 2, 0)), abi.AT_SYMLINK_NOFOLLOW)
		if l, f := stat("l"), stat("f"); l.Mtim.Sec != 2 || f.Mtim.Sec != 200 {
			u.Errorf("link %+v, file %+v", l.Mtim, f.Mtim)
		}
		u.fails(abi.EINVAL, abi.SYS_UTIMENSAT, cwd, u.str("f"), u.put(words64(0, 1e9, 0, 0)), 0)
		u.sys(abi.SYS_UTIMENSAT, cwd, u.str("none"), u.put(words64(0, abi.UTIME_OMIT, 0, abi.UTIME_OMIT)), 0)
		u.sys(abi.SYS_UTIMES, u.str("f"), u.put(words64(11, 500000, 12, 0)))
		if f := stat("f"); f.Atim != (abi.Timespec{Sec: 11, Nsec: 5e8}) {
			u.Errorf("utimes: %+v", f.Atim)
		}
		u.fails(abi.EINVAL, abi.SYS_UTIMES, u.str("f"), u.put(words64(0, 1e6, 0, 0)))
		u.sys(abi.SYS_UTIME, u.str("f"), u.put(words64(21, 22)))
		if f := stat("f"); f.Atim.Sec != 21 || f.Mtim.Sec != 22 {
			u.Errorf("utime: %+v %+v", f.Atim, f.Mtim)
		}
		u.sys(abi.SYS_UTIME, u.str("f"), 0)
		if f := stat("f"); f.Mtim.Sec < 1e9 {
			u.Errorf("utime of now: %+v", f.Mtim)
		}

		u.sys(abi.SYS_TRUNCATE, u.str("f"), 10000)
		u.sys(abi.SYS_FTRUNCATE, fd, 5000)
		if f := stat("f"); f.Size != 5000 {
			u.Errorf("size %d", f.Size)
		}
		u.fails(abi.EINVAL, abi.SYS_FTRUNCATE, fd, ^uintptr(0))
		u.fails(abi.EINVAL, abi.SYS_FTRUNCATE, u.open("f", abi.O_RDONLY), 1)
		u.sys(abi.SYS_FALLOCATE, fd, 0, 0, 20000)
		if f := stat("f"); f.Size != 20000 || f.Blocks != 40 {
			u.Errorf("after fallocate: size %d, %d blocks", f.Size, f.Blocks)
		}
		u.fails(abi.EINVAL, abi.SYS_FALLOCATE, fd, 0, 0, 0)
		u.fails(abi.EBADF, abi.SYS_FALLOCATE, u.open("f", abi.O_RDONLY), 0, 0, 1)

		u.fails(abi.EOPNOTSUPP, abi.SYS_GETXATTR, u.str("f"), u.str("user.x"), 0, 0)
		u.fails(abi.ENOENT, abi.SYS_GETXATTR, u.str("none"), u.str("user.x"), 0, 0)
		u.fails(abi.ERANGE, abi.SYS_FSETXATTR, fd, u.str(""), 0, 0, 0)
		u.is(0, abi.SYS_LLISTXATTR, u.str("l"), 0, 0)
	})
}

func TestRecordLocks(t *testing.T) {
	run(t, func(u *user) {
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		lock := func(u *user, typ int16, start, n int64) uintptr {
			b := make([]byte, abi.SizeofFlock)
			(&abi.Flock{Type: typ, Start: start, Len: n}).MarshalTo(b)
			return u.put(b)
		}
		u.sys(abi.SYS_FCNTL, fd, abi.F_SETLK, lock(u, abi.F_WRLCK, 10, 5))
		parent := u.sys(abi.SYS_GETPID)
		child := u.fork(func(c *user) {
			c.fails(abi.EAGAIN, abi.SYS_FCNTL, fd, abi.F_SETLK, lock(c, abi.F_RDLCK, 12, 1))
			p := lock(c, abi.F_RDLCK, 0, 100)
			c.sys(abi.SYS_FCNTL, fd, abi.F_GETLK, p)
			var l abi.Flock
			l.Unmarshal(c.get(p, abi.SizeofFlock))
			if l.Type != abi.F_WRLCK || l.Start != 10 || l.Len != 5 || uintptr(l.PID) != parent {
				c.Errorf("the lock in the way is %+v", l)
			}
			p = lock(c, abi.F_WRLCK, 50, 1)
			c.sys(abi.SYS_FCNTL, fd, abi.F_GETLK, p)
			l.Unmarshal(c.get(p, abi.SizeofFlock))
			if l.Type != abi.F_UNLCK || l.Start != 50 || l.Len != 1 || l.PID != 0 {
				c.Errorf("no lock in the way: %+v", l)
			}
		})
		u.wait(child)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_SETLK, lock(u, 7, 0, 0))
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_GETLK, lock(u, abi.F_UNLCK, 0, 0))
		u.fails(abi.EBADF, abi.SYS_FCNTL, u.open("f", abi.O_RDONLY), abi.F_SETLK, lock(u, abi.F_WRLCK, 0, 0))
		u.fails(abi.EFAULT, abi.SYS_FCNTL, fd, abi.F_SETLK, noMemory)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_OFD_SETLK, u.put(words32(0, 0, 0, 0, 0, 0, 1, 0)))
		u.sys(abi.SYS_FCNTL, fd, abi.F_OFD_SETLKW, lock(u, abi.F_WRLCK, 100, 5))

		other := u.open("f", abi.O_RDWR)
		u.sys(abi.SYS_FLOCK, fd, abi.LOCK_EX)
		u.fails(abi.EAGAIN, abi.SYS_FLOCK, other, abi.LOCK_SH|abi.LOCK_NB)
		u.fails(abi.EINVAL, abi.SYS_FLOCK, fd, abi.LOCK_SH|abi.LOCK_EX)
		u.sys(abi.SYS_FLOCK, fd, abi.LOCK_UN)
		u.sys(abi.SYS_FLOCK, other, abi.LOCK_SH|abi.LOCK_NB)
	})
}

func TestMemoryFile(t *testing.T) {
	run(t, func(u *user) {
		fd := u.sys(abi.SYS_MEMFD_CREATE, u.str("name"), abi.MFD_CLOEXEC)
		u.is(3, abi.SYS_WRITE, fd, u.put([]byte("abc")), 3)
		p := u.sys(abi.SYS_MMAP, 0, 4096, abi.PROT_READ, abi.MAP_SHARED, fd, 0)
		if got := u.get(p, 4); string(got) != "abc\x00" {
			u.Errorf("mapped %q", got)
		}
		u.fails(abi.EINVAL, abi.SYS_MEMFD_CREATE, u.str("x"), abi.MFD_HUGETLB)
		u.fails(abi.EINVAL, abi.SYS_MEMFD_CREATE, u.str(strings.Repeat("x", 250)), 0)
		u.sys(abi.SYS_MEMFD_CREATE, u.str(strings.Repeat("x", 249)), 0)
		u.fails(abi.EFAULT, abi.SYS_MEMFD_CREATE, noMemory, 0)
	})
}

func TestSeals(t *testing.T) {
	run(t, func(u *user) {
		plain := u.sys(abi.SYS_MEMFD_CREATE, u.str("plain"), 0)
		u.is(abi.F_SEAL_SEAL, abi.SYS_FCNTL, plain, abi.F_GET_SEALS)
		u.fails(abi.EPERM, abi.SYS_FCNTL, plain, abi.F_ADD_SEALS, abi.F_SEAL_GROW)
		event := u.sys(abi.SYS_EVENTFD2, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, event, abi.F_GET_SEALS)

		const rw = abi.PROT_READ | abi.PROT_WRITE
		fd := u.sys(abi.SYS_MEMFD_CREATE, u.str("name"), abi.MFD_ALLOW_SEALING)
		add := func(seals uintptr) { u.Helper(); u.is(0, abi.SYS_FCNTL, fd, abi.F_ADD_SEALS, seals) }
		u.is(0, abi.SYS_FCNTL, fd, abi.F_GET_SEALS)
		u.is(3, abi.SYS_WRITE, fd, u.put([]byte("abc")), 3)
		u.fails(abi.EINVAL, abi.SYS_FCNTL, fd, abi.F_ADD_SEALS, 0x1000)
		add(abi.F_SEAL_SHRINK)
		u.fails(abi.EPERM, abi.SYS_FTRUNCATE, fd, 2)
		u.sys(abi.SYS_FTRUNCATE, fd, 5000)
		add(abi.F_SEAL_GROW)
		u.fails(abi.EPERM, abi.SYS_FTRUNCATE, fd, 5001)
		u.fails(abi.EPERM, abi.SYS_FALLOCATE, fd, 0, 4000, 2000)
		u.fails(abi.EPERM, abi.SYS_PWRITE64, fd, u.put([]byte("abc")), 3, 4998)
		u.is(3, abi.SYS_PWRITE64, fd, u.put([]byte("abc")), 3, 4997)

		p := u.sys(abi.SYS_MMAP, 0, 4096, abi.PROT_READ, abi.MAP_SHARED, fd, 0) // may become writable
		u.fails(abi.EBUSY, abi.SYS_FCNTL, fd, abi.F_ADD_SEALS, abi.F_SEAL_WRITE)
		u.sys(abi.SYS_MUNMAP, p, 4096)
		u.sys(abi.SYS_MMAP, 0, 4096, rw, abi.MAP_PRIVATE, fd, 0)
		add(abi.F_SEAL_WRITE)
		u.fails(abi.EPERM, abi.SYS_PWRITE64, fd, u.put([]byte("abc")), 3, 0)
		u.fails(abi.EPERM, abi.SYS_FALLOCATE, fd, abi.FALLOC_FL_PUNCH_HOLE|abi.FALLOC_FL_KEEP_SIZE, 0, 4096)
		u.fails(abi.EPERM, abi.SYS_MMAP, 0, 4096, rw, abi.MAP_SHARED, fd, 0)
		p = u.sys(abi.SYS_MMAP, 0, 4096, abi.PROT_READ, abi.MAP_SHARED, fd, 0)
		u.fails(abi.EACCES, abi.SYS_MPROTECT, p, 4096, rw)
		add(abi.F_SEAL_SEAL)
		u.fails(abi.EPERM, abi.SYS_FCNTL, fd, abi.F_ADD_SEALS, abi.F_SEAL_FUTURE_WRITE)
		u.is(0xf, abi.SYS_FCNTL, fd, abi.F_GET_SEALS)
	})
}

func TestTimerAndSignalFiles(t *testing.T) {
	run(t, func(u *user) {
		zero := u.put(make([]byte, abi.SizeofItimerspec))
		bad := make([]byte, abi.SizeofItimerspec)
		bad[31] = 0x80 // negative nanoseconds
		fd := u.sys(abi.SYS_TIMERFD_CREATE, abi.CLOCK_MONOTONIC, abi.TFD_NONBLOCK)
		u.sys(abi.SYS_TIMERFD_SETTIME, fd, 0, zero, 0)
		u.fails(abi.EINVAL, abi.SYS_TIMERFD_SETTIME, fd, 0, u.put(bad), 0)
		u.fails(abi.EFAULT, abi.SYS_TIMERFD_SETTIME, fd, 0, noMemory, 0)
		u.fails(abi.EBADF, abi.SYS_TIMERFD_GETTIME, 99, zero)
		u.fails(abi.EINVAL, abi.SYS_TIMERFD_GETTIME, u.sys(abi.SYS_EVENTFD2, 0, 0), zero)
		u.fails(abi.EAGAIN, abi.SYS_READ, fd, u.put(make([]byte, 8)), 8)

		s := u.put([]byte{0xff, 0xff, 0, 0, 0, 0, 0, 0}) // signals 1 to 16
		sfd := u.sys(abi.SYS_SIGNALFD4, ^uintptr(0), s, abi.SizeofSigset, abi.SFD_NONBLOCK)
		u.is(sfd, abi.SYS_SIGNALFD, sfd, s, abi.SizeofSigset)
		u.fails(abi.EAGAIN, abi.SYS_READ, sfd, u.put(make([]byte, 128)), 128)
		u.fails(abi.EINVAL, abi.SYS_SIGNALFD, fd, s, abi.SizeofSigset)
		u.fails(abi.EBADF, abi.SYS_SIGNALFD, 99, s, abi.SizeofSigset)
		u.fails(abi.EINVAL, abi.SYS_SIGNALFD, sfd, s, 4)
		u.fails(abi.EINVAL, abi.SYS_SIGNALFD4, sfd, s, abi.SizeofSigset, 1)
	})
}

func TestSyncAndAdvice(t *testing.T) {
	run(t, func(u *user) {
		fd := u.open("f", abi.O_CREAT|abi.O_RDWR)
		u.sys(abi.SYS_FSYNC, fd)
		u.sys(abi.SYS_FDATASYNC, fd)
		u.sys(abi.SYS_SYNC)
		u.sys(abi.SYS_SYNCFS, fd)
		u.fails(abi.EBADF, abi.SYS_SYNCFS, notOpen)
		fds := u.alloc(8)
		u.sys(abi.SYS_PIPE, fds)
		r := uintptr(u.uint32(fds))
		u.fails(abi.EINVAL, abi.SYS_FSYNC, r)
		u.fails(abi.ESPIPE, abi.SYS_FADVISE64, r, 0, 0, 0)
		u.fails(abi.EINVAL, abi.SYS_FADVISE64, fd, 0, 0, 6)
		u.sys(abi.SYS_FADVISE64, fd, 0, 0, abi.POSIX_FADV_DONTNEED)
		u.fails(abi.EINVAL, abi.SYS_READAHEAD, r, 0, 1)
		u.sys(abi.SYS_READAHEAD, fd, 0, 1)
		u.fails(abi.ESPIPE, abi.SYS_SYNC_FILE_RANGE, r, 0, 0, 0)
		u.sys(abi.SYS_SYNC_FILE_RANGE, fd, 0, 10, 7)
		u.fails(abi.EINVAL, abi.SYS_SYNC_FILE_RANGE, fd, 0, 10, 8)
	})
}
