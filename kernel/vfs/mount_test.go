package vfs_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kevlar/kernel/abi"
	"kevlar/kernel/fs/tmpfs"
	"kevlar/kernel/machine/frame"
	"kevlar/kernel/vfs"
)

func (c *caller) mount(source, target, fstype string, flags int, data string) error {
	p, err := c.resolve(target, vfs.LookupFollow)
	if err != nil {
		return err
	}
	return vfs.MountAt(c, c.fs, source, p, fstype, flags, data)
}

func (c *caller) umount(target string, flags int) error {
	p, err := c.resolve(target, vfs.LookupFollow)
	if err != nil {
		return err
	}
	return vfs.UmountAt(c, c.fs, p, flags)
}

// table returns the mounts as "target type options", without the root.
func (c *caller) table() string {
	var lines []string
	vfs.Mounts(c.fs.Root(), func(m vfs.MountInfo) bool {
		if m.Target != "/" {
			lines = append(lines, m.Target+" "+m.FSType+" "+m.MountOptions)
		}
		return true
	})
	return strings.Join(lines, "; ")
}

func TestMount(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	before := frame.Free()
	for _, d := range []string{"a", "a/b", "c"} {
		must(t, c.mkdir(d, 0o755))
	}
	c.write(t, "a/hidden", "")
	c.write(t, "file", "")
	want(t, "unknown type", c.mount("none", "a", "nosuchfs", 0, ""), abi.ENODEV)
	want(t, "onto a file", c.mount("none", "file", "tmpfs", 0, ""), abi.ENOTDIR)
	want(t, "bad option", c.mount("none", "a", "tmpfs", 0, "color=red"), abi.EINVAL)
	want(t, "not privileged", c.as(1, 1).mount("none", "a", "tmpfs", 0, ""), abi.EPERM)
	must(t, c.mount("none", "a", "tmpfs", abi.MS_NOSUID, "mode=755"))
	_, err := c.stat("a/hidden")
	want(t, "hidden", err, abi.ENOENT)
	must(t, c.mkdir("a/b", 0o755))
	c.write(t, "a/b/f", strings.Repeat("x", 100000))
	must(t, c.mount("none", "a/b", "tmpfs", abi.MS_NODEV|abi.MS_NOEXEC|abi.MS_NOATIME, ""))
	if got, want := c.table(), "/a tmpfs rw,nosuid,relatime; /a/b tmpfs rw,nodev,noexec,noatime"; got != want {
		t.Errorf("mounts: %s, want %s", got, want)
	}
	want(t, "rmdir of a mount point", c.rmdir("a/b"), abi.EBUSY)
	want(t, "rename of a mount point", c.rename("a", "z", 0), abi.EBUSY)
	want(t, "rename onto a mount point", c.rename("c", "a", 0), abi.EBUSY)
	want(t, "rename across", c.rename("file", "a/file", 0), abi.EXDEV)
	want(t, "link across", c.link("file", "a/file"), abi.EXDEV)
	want(t, "umount with a mount below", c.umount("a", 0), abi.EBUSY)
	want(t, "umount of no mount", c.umount("c", 0), abi.EINVAL)
	want(t, "umount of the root", c.umount("/", 0), abi.EBUSY)
	must(t, c.umount("a/b", 0))
	_, err = c.stat("a/b/f")
	want(t, "visible again", err, nil)

	f, err := c.open("a/b/f", abi.O_RDONLY, 0)
	must(t, err)
	want(t, "umount with an open file", c.umount("a", 0), abi.EBUSY)
	f.Put()
	in := c.fork()
	must(t, in.chdir("a/b"))
	want(t, "umount with a working directory", c.umount("a", 0), abi.EBUSY)
	in.fs.Put()
	must(t, c.umount("a", 0))
	_, err = c.stat("a/hidden")
	want(t, "visible again", err, nil)
	must(t, c.unlink("a/hidden"))
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

func TestLazyUmount(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	before := frame.Free()
	must(t, c.mkdir("a", 0o755))
	must(t, c.mount("none", "a", "tmpfs", 0, ""))
	must(t, c.mkdir("a/b", 0o755))
	must(t, c.mount("none", "a/b", "tmpfs", 0, ""))
	c.write(t, "a/b/f", "contents")
	f, err := c.open("a/b/f", abi.O_RDONLY, 0)
	must(t, err)
	must(t, c.umount("a", abi.MNT_DETACH))
	if s := c.table(); s != "" {
		t.Errorf("mounts left: %s", s)
	}
	_, err = c.stat("a/b")
	want(t, "below the mount point", err, abi.ENOENT)
	if s := c.readAll(t, f); s != "contents" {
		t.Errorf("read %q", s)
	}
	if s, err := vfs.PathName(f.Path(), c.fs.Root()); s != "/f" || err != nil {
		t.Errorf("name of a file on a detached mount: %q, %v", s, err)
	}
	if frame.Free() == before {
		t.Error("the contents have gone though the file is open")
	}
	f.Put()
	if after := frame.Free(); after != before {
		t.Errorf("%d frames free, %d before", after, before)
	}
}

func TestBind(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"a", "a/b", "m", "r"} {
		must(t, c.mkdir(d, 0o755))
	}
	c.write(t, "a/b/f", "here")
	c.write(t, "file", "")
	must(t, c.mount("none", "a/b", "tmpfs", 0, ""))
	c.write(t, "a/b/g", "there")
	want(t, "directory onto file", c.mount("a", "file", "", abi.MS_BIND, ""), abi.ENOTDIR)
	must(t, c.mount("a", "m", "", abi.MS_BIND, ""))
	_, err := c.stat("m/b/f")
	want(t, "without the mount below", err, nil)
	must(t, c.mount("a", "r", "", abi.MS_BIND|abi.MS_REC, ""))
	_, err = c.stat("r/b/g")
	want(t, "with the mount below", err, nil)
	c.write(t, "r/new", "")
	_, err = c.stat("a/new")
	want(t, "the same directory", err, nil)
	want(t, "rename between mounts of one file system", c.rename("a/new", "m/new", 0), abi.EXDEV)

	must(t, c.mount("none", "m", "", abi.MS_REMOUNT|abi.MS_BIND|abi.MS_RDONLY|abi.MS_NOEXEC, ""))
	want(t, "mkdir on a read-only bind", c.mkdir("m/d", 0o755), abi.EROFS)
	must(t, c.mkdir("a/d", 0o755))
	c.write(t, "file2", "")
	must(t, c.mount("a/new", "file2", "", abi.MS_BIND, ""))
	c.write(t, "file2", "bound")
	f, err := c.open("a/new", abi.O_RDONLY, 0)
	must(t, err)
	if s := c.readAll(t, f); s != "bound" {
		t.Errorf("%q", s)
	}
	f.Put()
	p, err := c.resolve("r/b/g", 0)
	must(t, err)
	if s, err := vfs.PathName(p, c.fs.Root()); s != "/r/b/g" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	want(t, "unlink of a bound file", c.unlink("file2"), abi.EBUSY)
	must(t, c.umount("file2", 0))
	must(t, c.unlink("file2"))
}

func TestMountFlags(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("m", 0o755))
	must(t, c.mount("none", "m", "tmpfs", 0, "mode=777"))
	c.write(t, "m/prog", "#!")
	p, err := c.resolve("m/prog", 0)
	must(t, err)
	must(t, vfs.Chmod(c, p, 0o755))
	must(t, vfs.MknodAt(c, c.fs, c.fs.Cwd(), "m/null", abi.S_IFCHR|0o666, abi.MakeDev(1, 3)))
	must(t, vfs.MknodAt(c, c.fs, c.fs.Cwd(), "m/fifo", abi.S_IFIFO|0o666, 0))
	must(t, c.mount("none", "m", "", abi.MS_REMOUNT|abi.MS_NODEV|abi.MS_NOEXEC|abi.MS_NOSYMFOLLOW, ""))
	_, err = c.open("m/null", abi.O_RDWR, 0)
	want(t, "a device on nodev", err, abi.EACCES)
	_, err = vfs.OpenExec(c, c.fs, c.fs.Cwd(), "m/prog", 0)
	want(t, "a program on noexec", err, abi.EACCES)
	want(t, "access on noexec", vfs.Access(c, p, vfs.MayExec, false), abi.EACCES)
	must(t, c.symlink("prog", "m/l"))
	_, err = c.stat("m/l")
	want(t, "a link on nosymfollow", err, abi.ELOOP)

	f, err := c.open("m/prog", abi.O_WRONLY, 0)
	must(t, err)
	want(t, "remount read-only with a writer", c.mount("none", "m", "", abi.MS_REMOUNT|abi.MS_RDONLY, ""), abi.EBUSY)
	f.Put()
	must(t, c.mount("none", "m", "", abi.MS_REMOUNT|abi.MS_RDONLY, ""))
	_, err = c.open("m/prog", abi.O_WRONLY, 0)
	want(t, "open for writing", err, abi.EROFS)
	_, err = c.open("m/new", abi.O_WRONLY|abi.O_CREAT, 0o644)
	want(t, "create", err, abi.EROFS)
	f, err = c.open("m/prog", abi.O_RDONLY|abi.O_CREAT, 0o644)
	want(t, "create of what is there", err, nil)
	f.Put()
	want(t, "unlink", c.unlink("m/prog"), abi.EROFS)
	want(t, "mkdir of what is there", c.mkdir("m/prog", 0o755), abi.EEXIST)
	want(t, "chmod", vfs.Chmod(c, p, 0o700), abi.EROFS)
	want(t, "truncate", vfs.Truncate(c, p, 0), abi.EROFS)
	want(t, "access", vfs.Access(c, p, vfs.MayWrite, false), abi.EROFS)
	fifo, err := c.resolve("m/fifo", 0)
	must(t, err)
	want(t, "access of a FIFO", vfs.Access(c, fifo, vfs.MayWrite, false), nil)
	st, err := vfs.StatFS(p)
	if err != nil || st.Flags&abi.ST_RDONLY == 0 || st.Type != abi.TMPFS_MAGIC {
		t.Errorf("statfs: %+v, %v", st, err)
	}
	must(t, c.mount("none", "m", "", abi.MS_REMOUNT, ""))
	must(t, c.unlink("m/prog"))
}

func TestMoveMount(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	for _, d := range []string{"a", "b"} {
		must(t, c.mkdir(d, 0o755))
	}
	must(t, c.mount("none", "a", "tmpfs", 0, ""))
	must(t, c.mkdir("a/sub", 0o755))
	must(t, c.mount("none", "a/sub", "tmpfs", 0, ""))
	want(t, "below itself", c.mount("a", "a/sub", "", abi.MS_MOVE, ""), abi.ELOOP)
	want(t, "not a mount", c.mount("b", "a", "", abi.MS_MOVE, ""), abi.EINVAL)
	must(t, c.mount("a", "b", "", abi.MS_MOVE, ""))
	if got, want := c.table(), "/b tmpfs rw,relatime; /b/sub tmpfs rw,relatime"; got != want {
		t.Errorf("mounts: %s, want %s", got, want)
	}
	must(t, c.umount("b/sub", 0))
	must(t, c.umount("b", 0))
}

func TestStackedMounts(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("a", 0o755))
	for i := range 3 {
		must(t, c.mount("none", "a", "tmpfs", 0, ""))
		c.write(t, fmt.Sprint("a/", i), "")
	}
	for i := 2; i >= 0; i-- {
		_, err := c.stat(fmt.Sprint("a/", i))
		want(t, "the topmost", err, nil)
		must(t, c.umount("a", 0))
	}
	_, err := c.stat("a/0")
	want(t, "none left", err, abi.ENOENT)
}

func TestPivotRoot(t *testing.T) {
	c := newRoot(t, tmpfs.Options{})
	must(t, c.mkdir("new", 0o755))
	want(t, "not a mount", vfs.PivotRoot(c, c.fs, mustResolve(t, c, "new"), mustResolve(t, c, "new")), abi.EINVAL)
	must(t, c.mount("none", "new", "tmpfs", 0, ""))
	must(t, c.mkdir("new/old", 0o755))
	must(t, c.mkdir("other", 0o755))
	oldRoot, newRoot := c.fs.Root(), mustResolve(t, c, "new")
	want(t, "old root elsewhere", vfs.PivotRoot(c, c.fs, newRoot, mustResolve(t, c, "other")), abi.EBUSY)
	must(t, vfs.PivotRoot(c, c.fs, newRoot, mustResolve(t, c, "new/old")))
	c.fs.Pivot(oldRoot, newRoot)
	_, err := c.stat("/old/other")
	want(t, "the old root", err, nil)
	if s, err := vfs.PathName(mustResolve(t, c, "/old/other"), c.fs.Root()); s != "/old/other" || err != nil {
		t.Errorf("%q, %v", s, err)
	}
	if got, want := c.table(), "/old tmpfs rw,relatime"; got != want {
		t.Errorf("mounts: %s, want %s", got, want)
	}
	must(t, c.umount("/old", 0))
}

func mustResolve(t testing.TB, c *caller, name string) vfs.Path {
	t.Helper()
	p, err := c.resolve(name, vfs.LookupFollow)
	must(t, err)
	return p
}

// TestMountOnNameThatGoes mounts on a name while the file system removes it or
// gives it to another file: nothing must be left on a name that is gone.
func TestMountOnNameThatGoes(t *testing.T) {
	for what, going := range map[string]struct {
		target string
		do     func(c *caller) error
		want   error
	}{
		"unlink":                {"far/file", func(c *caller) error { return c.unlink("far/file") }, abi.ENOENT},
		"rmdir":                 {"far/dir", func(c *caller) error { return c.rmdir("far/dir") }, abi.ENOENT},
		"replacing a file":      {"far/file", func(c *caller) error { return c.rename("far/file2", "far/file", 0) }, abi.ENOENT},
		"replacing a directory": {"far/dir", func(c *caller) error { return c.rename("far/dir2", "far/dir", 0) }, abi.ENOENT},
		"rename":                {"far/dir", func(c *caller) error { return c.rename("far/dir", "far/new", 0) }, nil},
	} {
		c := newRoot(t, tmpfs.Options{})
		must(t, c.mkdir("far", 0o755))
		must(t, c.mkdir("srcdir", 0o755))
		c.write(t, "srcfile", "")
		d := newFar(t)
		must(t, vfs.MountSuper(d.fs, "far", mustResolve(t, c, "far"), 0))
		for _, name := range []string{"far/dir", "far/dir2"} {
			must(t, c.mkdir(name, 0o755))
		}
		c.write(t, "far/file", "")
		c.write(t, "far/file2", "")
		source := "src" + strings.TrimPrefix(going.target, "far/")
		target := mustResolve(t, c, going.target)
		mounted := make(chan error, 1)
		other := c.fork()
		d.change = func() {
			go func() { mounted <- vfs.MountAt(other, other.fs, source, target, "", abi.MS_BIND, "") }()
			select {
			case err := <-mounted:
				mounted <- err
			case <-time.After(20 * time.Millisecond):
			}
		}
		must(t, going.do(c))
		want(t, "mount during "+what, <-mounted, going.want)
		if n := strings.Count(c.table(), ";"); n != 0 && going.want != nil {
			t.Errorf("%s: %s", what, c.table())
		}
	}
}
