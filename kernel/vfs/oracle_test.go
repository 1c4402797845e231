//go:build linux && amd64

package vfs_test

import (
	"fmt"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/vfs"
)

// A system is a place where the same operations are done: this package's tree,
// or the host's Linux in an empty tmpfs. Errors are abi.Errno values.
type system interface {
	mkdir(name string, mode uint32) error
	rmdir(name string) error
	unlink(name string) error
	open(name string, flags int, mode uint32, text string) error
	mknod(name string, mode uint32) error
	rename(from, to string, flags int) error
	link(from, to string, flags int) error
	symlink(target, name string) error
	readlink(name string) (string, error)
	chmod(name string, mode uint32) error
	chown(name string, uid, gid uint32, follow bool) error
	truncate(name string, size int64) error
	stat(name string, follow bool) (string, error)
	list(name string) (string, error)
	chdir(name string) error
	getcwd() (string, error)
	become(uid, gid uint32)
}

// ours is this package.
type ours struct{ *caller }

func (o ours) mkdir(name string, mode uint32) error { return o.caller.mkdir(name, mode) }

func (o ours) open(name string, flags int, mode uint32, text string) error {
	f, err := o.caller.open(name, flags, mode)
	if err != nil {
		return err
	}
	defer f.Put()
	if text == "" {
		return nil
	}
	b := vfs.Bytes(text)
	_, err = f.Write(o, &b)
	return err
}

func (o ours) mknod(name string, mode uint32) error {
	return vfs.MknodAt(o, o.fs, o.fs.Cwd(), name, mode, 0)
}

func (o ours) link(from, to string, flags int) error {
	return vfs.LinkAt(o, o.fs, o.fs.Cwd(), from, o.fs.Cwd(), to, flags)
}

func (o ours) readlink(name string) (string, error) {
	if name == "" {
		return "", abi.ENOENT
	}
	return vfs.ReadlinkAt(o, o.fs, o.fs.Cwd(), name)
}

func (o ours) chmod(name string, mode uint32) error {
	p, err := o.resolve(name, vfs.LookupFollow)
	if err != nil {
		return err
	}
	return vfs.Chmod(o, p, mode)
}

func (o ours) chown(name string, uid, gid uint32, follow bool) error {
	var flags vfs.LookupFlags
	if follow {
		flags = vfs.LookupFollow
	}
	p, err := o.resolve(name, flags)
	if err != nil {
		return err
	}
	return vfs.Chown(o, p, uid, gid)
}

func (o ours) truncate(name string, size int64) error {
	if size < 0 {
		return abi.EINVAL // before the name is looked at
	}
	p, err := o.resolve(name, vfs.LookupFollow)
	if err != nil {
		return err
	}
	return vfs.Truncate(o, p, size)
}

func (o ours) stat(name string, follow bool) (string, error) {
	var flags vfs.LookupFlags
	if follow {
		flags = vfs.LookupFollow
	}
	p, err := o.resolve(name, flags)
	if err != nil {
		return "", err
	}
	a := p.Inode().Attr()
	return describe(a.Mode, a.Nlink, a.UID, a.GID, a.Size, a.Blocks), nil
}

func (o ours) list(name string) (string, error) {
	f, err := o.caller.open(name, abi.O_RDONLY|abi.O_DIRECTORY, 0)
	if err != nil {
		return "", err
	}
	defer f.Put()
	var names []string
	err = f.ReadDir(o, func(e vfs.DirEntry) bool {
		names = append(names, fmt.Sprintf("%s/%d", e.Name, e.Type))
		return true
	})
	sort.Strings(names)
	return strings.Join(names, " "), err
}

func (o ours) getcwd() (string, error) { return vfs.Getcwd(o.fs) }

// fsCaps are the capabilities that go with the superuser's files:
// capabilities(7).
const fsCaps = 1<<abi.CAP_CHOWN | 1<<abi.CAP_DAC_OVERRIDE | 1<<abi.CAP_DAC_READ_SEARCH |
	1<<abi.CAP_FOWNER | 1<<abi.CAP_FSETID | 1<<abi.CAP_LINUX_IMMUTABLE | 1<<abi.CAP_MKNOD | 1<<abi.CAP_MAC_OVERRIDE

func (o ours) become(uid, gid uint32) {
	c := *vfs.RootCred
	c.FSUID, c.FSGID = uid, gid
	if uid != 0 {
		c.CapEffective &^= fsCaps
	}
	o.cred = &c
}

// linux is the host, seen from a directory of its own.
type linux struct{}

// newLinux moves the calling thread, which must never do anything else, into
// an empty tmpfs.
func newLinux(t *testing.T) linux {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "vfs")
	if err != nil {
		t.Skip("no /dev/shm: ", err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	var st syscall.Statfs_t
	if syscall.Statfs(dir, &st) != nil || st.Type != abi.TMPFS_MAGIC {
		t.Skip("/dev/shm is no tmpfs")
	}
	os.Chmod(dir, 0o755)
	runtime.LockOSThread()
	if err := syscall.Unshare(syscall.CLONE_FS); err != nil {
		t.Skip("unshare: ", err)
	}
	if err := syscall.Chroot(dir); err != nil {
		t.Skip("chroot: ", err)
	}
	if err := syscall.Chdir("/"); err != nil {
		t.Fatal(err)
	}
	syscall.Umask(0o022)
	return linux{}
}

func (linux) mkdir(name string, mode uint32) error {
	return errnoOf(syscall.Mkdir(name, mode))
}
func (linux) rmdir(name string) error  { return errnoOf(syscall.Rmdir(name)) }
func (linux) unlink(name string) error { return errnoOf(syscall.Unlink(name)) }

func (linux) open(name string, flags int, mode uint32, text string) error {
	fd, err := syscall.Open(name, flags, mode)
	if err != nil {
		return errnoOf(err)
	}
	defer syscall.Close(fd)
	if text == "" {
		return nil
	}
	_, err = syscall.Write(fd, []byte(text))
	return errnoOf(err)
}

func (linux) mknod(name string, mode uint32) error { return errnoOf(syscall.Mknod(name, mode, 0)) }

func (linux) rename(from, to string, flags int) error {
	return errnoOf(unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, uint(flags)))
}

func (linux) link(from, to string, flags int) error {
	return errnoOf(unix.Linkat(unix.AT_FDCWD, from, unix.AT_FDCWD, to, flags))
}

func (linux) symlink(target, name string) error { return errnoOf(syscall.Symlink(target, name)) }

func (linux) readlink(name string) (string, error) {
	b := make([]byte, 4096)
	n, err := syscall.Readlink(name, b)
	if err != nil {
		return "", errnoOf(err)
	}
	return string(b[:n]), nil
}

func (linux) chmod(name string, mode uint32) error { return errnoOf(syscall.Chmod(name, mode)) }

func (linux) chown(name string, uid, gid uint32, follow bool) error {
	if follow {
		return errnoOf(syscall.Chown(name, int(int32(uid)), int(int32(gid))))
	}
	return errnoOf(syscall.Lchown(name, int(int32(uid)), int(int32(gid))))
}

func (linux) truncate(name string, size int64) error { return errnoOf(syscall.Truncate(name, size)) }

func (linux) stat(name string, follow bool) (string, error) {
	var st syscall.Stat_t
	call := syscall.Lstat
	if follow {
		call = syscall.Stat
	}
	if err := call(name, &st); err != nil {
		return "", errnoOf(err)
	}
	return describe(st.Mode, uint32(st.Nlink), st.Uid, st.Gid, st.Size, st.Blocks), nil
}

func (linux) list(name string) (string, error) {
	fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_DIRECTORY, 0)
	if err != nil {
		return "", errnoOf(err)
	}
	defer syscall.Close(fd)
	var names []string
	buf := make([]byte, 65536)
	for {
		n, err := syscall.Getdents(fd, buf)
		if err != nil {
			return "", errnoOf(err)
		}
		if n == 0 {
			break
		}
		for b := buf[:n]; len(b) > 0; {
			l := int(b[16]) | int(b[17])<<8
			name := string(b[19:l])
			names = append(names, fmt.Sprintf("%s/%d", name[:strings.IndexByte(name, 0)], b[18]))
			b = b[l:]
		}
	}
	sort.Strings(names)
	return strings.Join(names, " "), nil
}

func (linux) chdir(name string) error { return errnoOf(syscall.Chdir(name)) }

func (linux) getcwd() (string, error) {
	b := make([]byte, 4096)
	n, err := syscall.Getcwd(b)
	if err != nil {
		return "", errnoOf(err)
	}
	return string(b[:n-1]), nil
}

func (linux) become(uid, gid uint32) {
	syscall.RawSyscall(abi.SYS_SETFSUID, 0, 0, 0)
	syscall.RawSyscall(abi.SYS_SETGROUPS, 0, 0, 0)
	syscall.RawSyscall(abi.SYS_SETFSGID, uintptr(gid), 0, 0)
	syscall.RawSyscall(abi.SYS_SETFSUID, uintptr(uid), 0, 0)
}

func errnoOf(err error) error {
	if err == nil {
		return nil
	}
	return abi.Errno(err.(syscall.Errno))
}

func describe(mode, nlink, uid, gid uint32, size, blocks int64) string {
	return fmt.Sprintf("%07o nlink %d owner %d:%d size %d blocks %d", mode, nlink, uid, gid, size, blocks)
}

// A step does one operation and returns what is seen of it.
type step struct {
	text string
	do   func(s system) string
}

func result(values ...any) string { return fmt.Sprint(values...) }

// randomStep makes up an operation on one of few names.
func randomStep(r *rand.Rand) step {
	name := func() string {
		parts := 1 + r.Intn(3)
		var s string
		if r.Intn(8) == 0 {
			s = "/"
		}
		for i := range parts {
			if i > 0 {
				s += "/"
				if r.Intn(12) == 0 {
					s += "/"
				}
			}
			s += []string{"a", "b", "c", "d", "a", "b", "c", "..", "."}[r.Intn(9)]
		}
		if r.Intn(10) == 0 {
			s += "/"
		}
		switch r.Intn(150) {
		case 0:
			return "/"
		case 1:
			return ""
		case 2:
			return s + "/" + strings.Repeat("x", 250+r.Intn(10))
		case 3:
			return "./" + strings.Repeat("x", 250+r.Intn(10))
		}
		return s
	}
	mode := func() uint32 {
		return []uint32{0o777, 0o755, 0o700, 0o770, 0o707, 0o000, 0o644, 0o400, 0o1777, 0o2775, 0o6755, 0o4711, 0o2755, 0o2745}[r.Intn(14)]
	}
	a, b, m := name(), name(), mode()
	switch r.Intn(24) {
	case 0, 1, 2:
		return step{fmt.Sprintf("mkdir(%q, %o)", a, m), func(s system) string { return result(s.mkdir(a, m)) }}
	case 3:
		return step{fmt.Sprintf("rmdir(%q)", a), func(s system) string { return result(s.rmdir(a)) }}
	case 4, 5:
		return step{fmt.Sprintf("unlink(%q)", a), func(s system) string { return result(s.unlink(a)) }}
	case 6, 7, 8, 9, 10:
		flags := []int{abi.O_RDONLY, abi.O_WRONLY, abi.O_RDWR}[r.Intn(3)] | abi.O_NONBLOCK
		for _, f := range []int{abi.O_CREAT, abi.O_CREAT, abi.O_EXCL, abi.O_TRUNC, abi.O_APPEND, abi.O_DIRECTORY, abi.O_NOFOLLOW, abi.O_NOATIME} {
			if r.Intn(5) == 0 {
				flags |= f
			}
		}
		if r.Intn(3) == 0 {
			flags |= abi.O_CREAT
		}
		switch r.Intn(20) {
		case 0:
			flags |= abi.O_PATH
		case 1:
			flags |= abi.O_TMPFILE
		}
		text := ""
		if flags&3 != 0 && flags&abi.O_PATH == 0 && r.Intn(2) == 0 {
			text = strings.Repeat("text", r.Intn(3000))
		}
		return step{fmt.Sprintf("open(%q, %#x, %o, %d bytes)", a, flags, m, len(text)), func(s system) string {
			return result(s.open(a, flags, m, text))
		}}
	case 11:
		kind := []uint32{abi.S_IFIFO, abi.S_IFSOCK, abi.S_IFREG, 0, abi.S_IFDIR, abi.S_IFLNK, abi.S_IFCHR}[r.Intn(7)]
		return step{fmt.Sprintf("mknod(%q, %o)", a, m|kind), func(s system) string { return result(s.mknod(a, m|kind)) }}
	case 12, 13, 14:
		flags := []int{0, 0, abi.RENAME_NOREPLACE, abi.RENAME_EXCHANGE, abi.RENAME_EXCHANGE | abi.RENAME_NOREPLACE}[r.Intn(5)]
		return step{fmt.Sprintf("rename(%q, %q, %d)", a, b, flags), func(s system) string { return result(s.rename(a, b, flags)) }}
	case 15:
		flags := []int{0, abi.AT_SYMLINK_FOLLOW, 1}[r.Intn(3)]
		return step{fmt.Sprintf("link(%q, %q, %#x)", a, b, flags), func(s system) string {
			s.become(0, 0) // the host may restrict links of others' files
			return result(s.link(a, b, flags))
		}}
	case 16:
		return step{fmt.Sprintf("symlink(%q, %q)", a, b), func(s system) string { return result(s.symlink(a, b)) }}
	case 17:
		return step{fmt.Sprintf("readlink(%q)", a), func(s system) string { return result(s.readlink(a)) }}
	case 18:
		return step{fmt.Sprintf("chmod(%q, %o)", a, m), func(s system) string { return result(s.chmod(a, m)) }}
	case 19:
		id := func() uint32 { return []uint32{0, 1000, 1001, vfs.KeepID}[r.Intn(4)] }
		uid, gid, follow := id(), id(), r.Intn(2) == 0
		return step{fmt.Sprintf("chown(%q, %d, %d, %v)", a, uid, gid, follow), func(s system) string { return result(s.chown(a, uid, gid, follow)) }}
	case 20:
		size := []int64{0, 1, 5000, -1, 100000}[r.Intn(5)]
		return step{fmt.Sprintf("truncate(%q, %d)", a, size), func(s system) string { return result(s.truncate(a, size)) }}
	case 21:
		follow := r.Intn(2) == 0
		return step{fmt.Sprintf("stat(%q, %v)", a, follow), func(s system) string { return result(s.stat(a, follow)) }}
	case 22:
		return step{fmt.Sprintf("list(%q)", a), func(s system) string { return result(s.list(a)) }}
	}
	switch r.Intn(4) {
	case 0:
		return step{fmt.Sprintf("chdir(%q)", a), func(s system) string {
			return result(s.chdir(a)) + result(s.getcwd())
		}}
	case 1:
		return step{"chdir(/)", func(s system) string { return result(s.chdir("/")) }}
	case 2:
		return step{"become(0, 0)", func(s system) string { s.become(0, 0); return "" }}
	}
	uid, gid := []uint32{0, 0, 1000, 1001}[r.Intn(4)], []uint32{0, 1000, 1001}[r.Intn(3)]
	return step{fmt.Sprintf("become(%d, %d)", uid, gid), func(s system) string { s.become(uid, gid); return "" }}
}

// tree describes everything there is.
func tree(s system) string {
	var b strings.Builder
	var visit func(dir string)
	visit = func(dir string) {
		names, err := s.list(dir + "/")
		if err != nil {
			fmt.Fprintln(&b, dir, err)
			return
		}
		for _, n := range strings.Fields(names) {
			n, _, _ = strings.Cut(n, "/")
			if n == "." || n == ".." {
				continue
			}
			full := dir + "/" + n
			st, err := s.stat(full, false)
			fmt.Fprintln(&b, full, st, err)
			if strings.HasPrefix(st, "0040") {
				visit(full)
			} else if strings.HasPrefix(st, "0120") {
				fmt.Fprintln(&b, result(s.readlink(full)))
			}
		}
	}
	visit("")
	return b.String()
}

// fifo is a pipe that takes everything.
type fifo struct {
	vfs.NoFile
	vfs.IsStreamFile
}

func (fifo) Write(c vfs.Caller, src vfs.Source, off int64) (int, error) {
	return src.Read(make([]byte, src.Len()))
}

// TestLikeLinux does the same random operations here and on the host.
func TestLikeLinux(t *testing.T) {
	sameSettings(t)
	vfs.OpenFIFO = func(c vfs.Caller, f *vfs.File, inode vfs.Inode) (vfs.FileOps, error) {
		if f.Flags()&(abi.O_ACCMODE|abi.O_NONBLOCK) == abi.O_WRONLY|abi.O_NONBLOCK {
			return nil, abi.ENXIO
		}
		return fifo{}, nil
	}
	t.Cleanup(func() { vfs.OpenFIFO = nil })
	for seed := range int64(25) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			host := newLinux(t) // the thread dies with this goroutine
			mine := ours{newRoot(t, tmpfs.Options{})}
			r := rand.New(rand.NewSource(seed))
			var log []string
			check := func(s step) {
				log = append(log, s.text)
				w, g := s.do(host), s.do(mine)
				if w != g {
					if len(log) > 30 {
						log = log[len(log)-30:]
					}
					t.Fatalf("%s\nLinux: %s\nhere:  %s", strings.Join(log, "\n"), w, g)
				}
				log[len(log)-1] += " = " + w
			}
			for i := range 1500 {
				check(randomStep(r))
				if i%25 == 0 {
					who := mine.cred
					host.become(0, 0)
					mine.become(0, 0)
					check(step{"tree", tree})
					host.become(who.FSUID, who.FSGID)
					mine.become(who.FSUID, who.FSGID)
				}
			}
		})
	}
}

// sameSettings makes the settings those of the host.
func sameSettings(t *testing.T) {
	for _, s := range vfs.Settings() {
		b, err := os.ReadFile("/proc/sys/fs/" + s.Name)
		if err != nil {
			setting(t, s.Name, 0) // the host is older than the rule
			continue
		}
		v, err := strconv.Atoi(strings.TrimSpace(string(b)))
		must(t, err)
		setting(t, s.Name, int32(v))
	}
}
